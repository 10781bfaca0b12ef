#include "backends/ipvs/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNIT "/noria-director:directors/director"

/* As the YANG module has them, for a director without an entry. */
#define STATISTICS_AGE "2000"
#define INTERVAL "30"
#define MODE "repair"
#define EXCLUSIVE "false"

static const char *value_or(const struct entry *entry, const char *path, const char *fallback)
{
    const char *value = entry ? leaf_value(entry->node, path) : NULL;
    return value ? value : fallback;
}

struct ipvs_policy ipvs_policy_of(const struct schema *schema, const struct snapshot *running,
                                  const char *director)
{
    char key[128];
    const struct unit *unit = schema_unit_find(schema, UNIT);
    snprintf(key, sizeof key, "[name='%s']", director);
    const struct entry *entry = unit ? snapshot_find(running, unit, key) : NULL;
    const char *age = value_or(entry, "statistics-maximum-age", STATISTICS_AGE);
    const char *interval = value_or(entry, "reconciliation/interval", INTERVAL);
    const char *mode = value_or(entry, "reconciliation/mode", MODE);
    const char *exclusive = value_or(entry, "reconciliation/exclusive", EXCLUSIVE);
    return (struct ipvs_policy){
        .statistics_age = strtoull(age, NULL, 10) * 1000000,
        .reconcile_interval = strtoull(interval, NULL, 10) * 1000,
        .repair = strcmp(mode, "repair") == 0,
        .exclusive = strcmp(exclusive, "true") == 0,
    };
}
