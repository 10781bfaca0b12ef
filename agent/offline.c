#include "agent/offline.h"

#include <stdlib.h>
#include <string.h>

#include "agent/configuration.h"
#include "agent/transaction/transaction.h"

enum outcome offline_check(const struct agent_options *options, char **what, struct error *err)
{
    struct agent agent = {.options = *options};
    struct snapshot *snapshot = NULL;
    enum outcome outcome = configuration_schema(options, &agent.schema, err);
    if (outcome == DONE)
        outcome = configuration_read(agent.schema, options->config, &snapshot, err);
    if (outcome == DONE)
        outcome = transactions_new(&agent, snapshot, &agent.transactions, err);
    *what = strdup(options->config);
    transactions_free(agent.transactions);
    snapshot_unref(snapshot);
    schema_free(agent.schema);
    return outcome;
}

enum outcome offline_adopt(const struct agent_options *options, struct error *err)
{
    struct schema *schema = NULL;
    enum outcome outcome = configuration_schema(options, &schema, err);
    for (size_t i = 0; backend_registry[i] && outcome == DONE; i++) {
        struct lyd_node *tree = NULL;
        if (!backend_registry[i]->adopt)
            continue;
        outcome = backend_registry[i]->adopt(schema, &tree, err);
        if (outcome == DONE && tree &&
            lyd_print_file(stdout, tree, LYD_XML, LYD_PRINT_WITHSIBLINGS))
            outcome = fail_memory(err);
        lyd_free_all(tree);
    }
    schema_free(schema);
    return outcome;
}
