#include "backends/ipvs/steered.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/log.h"
#include "agent/steering/standing.h"
#include "agent/steering/steering.h"
#include "backends/ipvs/desired.h"
#include "backends/ipvs/directors.h"
#include "backends/ipvs/explain.h"
#include "backends/ipvs/tuning.h"

#define UNIT "/noria-virtual-server:virtual-servers/virtual-server"
#define LOGGED_ERRORS 10 /* of a pass; more say nothing new */

/*
 * Real servers of one turn of the loop, and a virtual server more. A few hundred messages take some
 * milliseconds: many changes are shared out among turns, so that no timer (of a health check) is
 * late.
 */
#define SLICE 400

struct ipvs_steered {
    struct ipvs_directors *directors;
    struct steering_follower follower;
    struct standing_follower roles;
    uv_idle_t turn; /* Runs while names wait. */
    char **names;   /* Owned. */
    size_t count, next;
    size_t operations; /* Done since the first of the names. */
    uint64_t since;
};

/* -- The desired table ------------------------------------------------------------------------ */

static struct steering_key key_of(const char *name, const struct ipvs_destination *destination)
{
    return (struct steering_key){
        .virtual_server = name,
        .address = leaf_value(destination->node, "address"),
        .port = (uint16_t)strtoul(leaf_value(destination->node, "port"), NULL, 10)};
}

/* Whether its connections are to go on even if the quorum is lost. */
static bool keeps_connections(struct agent *agent, const struct steering_key *key)
{
    struct steering_server server;
    steering_read(agent, key, &server);
    return server.order.kind == STEERING_ORDER_DRAIN || server.verdict.inhibit;
}

/* Leave out who is to be absent, and set weights. */
static void steer_destinations(struct agent *agent, const char *name, bool lost,
                               struct ipvs_service *service)
{
    size_t kept = 0;
    for (size_t i = 0; i < service->count; i++) {
        struct steering_key key = key_of(name, &service->destinations[i]);
        struct steering_sum sum = steering_sum_of(agent, &key);
        if (!sum.present || (lost && !keeps_connections(agent, &key)))
            continue;
        if (lost)
            service->destinations[i].weight = 0;
        else if (sum.weight != STEERING_WEIGHT_CONFIGURED)
            service->destinations[i].weight = (uint32_t)sum.weight;
        service->destinations[kept++] = service->destinations[i];
    }
    service->count = kept;
}

static struct ipvs_destination *desired_already(const struct ipvs_service *service,
                                                const struct ipvs_destination_id *id)
{
    for (size_t i = 0; i < service->count; i++)
        if (!ipvs_destination_compare(&service->destinations[i].id, id))
            return &service->destinations[i];
    return NULL;
}

static bool add_destination(struct ipvs_service *service, const struct ipvs_destination *model,
                            const struct lyd_node *node)
{
    struct ipvs_destination *destination = desired_already(service, &model->id);
    if (!destination)
        destination = ipvs_service_add(service);
    if (!destination)
        return false;
    *destination = *model;
    destination->node = node;
    return true;
}

/* Who leaves stays as the kernel has it, with weight 0. */
static bool keep_leaving(const struct steering_row *row, const struct ipvs_service *held,
                         struct ipvs_service *service)
{
    struct ipvs_destination_id id;
    if (row->server.order.kind != STEERING_ORDER_LEAVE || row->server.order.drained || !held ||
        !ipvs_destination_id_parse(row->address, row->port, &service->id, &id))
        return true;
    const struct ipvs_destination *stays = ipvs_service_find(held, &id);
    if (!stays || desired_already(service, &id))
        return true;
    struct ipvs_destination quiet = *stays;
    quiet.weight = 0;
    return add_destination(service, &quiet, service->node);
}

/* Sorry servers take over while the quorum is lost; some stay quiet while it is not. */
static bool add_sorry(struct ipvs_service *service, const struct ipvs_destination *sorry, bool lost)
{
    const char *inhibit = leaf_value(sorry->node, "inhibit");
    bool stays = inhibit && strcmp(inhibit, "true") == 0;
    struct ipvs_destination wanted = *sorry;
    if (!lost && (!stays || desired_already(service, &sorry->id)))
        return true;
    if (!lost)
        wanted.weight = 0;
    return add_destination(service, &wanted, sorry->node);
}

static bool steer_service(struct agent *agent, struct ipvs_service *service,
                          const struct ipvs_service *held)
{
    const char *name = leaf_value(service->node, "name");
    bool lost = service->sorry_count && steering_quorum_lost(agent, name), complete = true;
    struct steering_row *rows;
    steer_destinations(agent, name, lost, service);
    size_t count = steering_orders(agent, name, &rows);
    for (size_t i = 0; i < count && complete; i++)
        complete = keep_leaving(&rows[i], held, service);
    free(rows);
    for (size_t i = 0; i < service->sorry_count && complete; i++)
        complete = add_sorry(service, &service->sorry[i], lost);
    return complete;
}

bool ipvs_steer(struct agent *agent, struct ipvs_table *desired, struct ipvs_table *held)
{
    struct ipvs_index index;
    if (!ipvs_index_make(held, &index))
        return false;
    for (size_t i = 0; i < held->count; i++)
        ipvs_service_sort(&held->services[i]);
    bool complete = true;
    for (size_t i = 0; i < desired->count && complete; i++)
        complete = steer_service(agent, &desired->services[i],
                                 ipvs_index_find(&index, &desired->services[i].id));
    ipvs_index_clear(&index);
    return complete;
}

/* -- A pass over some virtual servers --------------------------------------------------------- */

const struct entry *ipvs_steered_entry(const struct ipvs_directors *directors, const char *name)
{
    char key[300];
    const struct unit *unit = schema_unit_find(directors->backend->schema, UNIT);
    if (!unit || snprintf(key, sizeof key, "[name='%s']", name) >= (int)sizeof key)
        return NULL;
    return snapshot_find(directors->running, unit, key);
}

/* What is desired of those that a director serves; what cannot be was logged before. */
static bool desire(const struct ipvs_engine *engine, const char *const *names, size_t count,
                   struct ipvs_table *desired)
{
    for (size_t i = 0; i < count; i++) {
        struct error err = {0};
        const struct entry *entry = ipvs_steered_entry(engine->directors, names[i]);
        bool here = entry && strcmp(ipvs_desired_director(entry->node), engine->name) == 0;
        enum outcome outcome = here ? ipvs_desired(entry, desired, &err) : DONE;
        error_clear(&err);
        if (outcome == FAILED)
            return false;
    }
    return true;
}

static int log_failures(const struct ipvs_operations *operations)
{
    int failed = 0;
    for (size_t i = 0; i < operations->count; i++) {
        const struct ipvs_operation *operation = &operations->list[i];
        struct error err = {0};
        if (operation->result == 0 || ++failed > LOGGED_ERRORS)
            continue;
        ipvs_explain(operation, operation->result > 0 ? operation->result : ETIMEDOUT, "", &err);
        log_error(AREA_IPVS, "steering: %s", error_message(&err));
        error_clear(&err);
    }
    return failed;
}

static int run(struct ipvs_engine *engine, struct ipvs_operations *operations)
{
    if (!operations->count)
        return 0;
    engine->generation++;
    if (engine->directors->steered)
        engine->directors->steered->operations += operations->count;
    ipvs_engine_run(engine, operations, true);
    return log_failures(operations);
}

/* The pass over those that one director serves. */
static int pass(struct ipvs_engine *engine, const char *const *names, size_t count)
{
    struct ipvs_table desired = {0}, held = {0};
    struct ipvs_operations operations = {0};
    int failed = -1, error = desire(engine, names, count, &desired) ? 0 : ENOMEM;
    if (!error && !desired.count)
        failed = 0;
    if (error || !desired.count || !engine->sock)
        goto out; /* of one that is down all is reconciled when it is up again */
    error = ipvs_engine_read_desired(engine, &desired, &held);
    if (!error && (!ipvs_steer(engine->backend->agent, &desired, &held) ||
                   !ipvs_plan(&desired, &held, &operations)))
        error = ENOMEM;
    if (!error)
        failed = run(engine, &operations);
out:
    ipvs_operations_clear(&operations);
    ipvs_table_clear(&desired);
    ipvs_table_clear(&held);
    if (error && engine->sock)
        ipvs_engine_lost(engine, error);
    return failed;
}

int ipvs_steered_pass(struct ipvs_directors *directors, const char *const *names, size_t count)
{
    int failed = 0;
    for (size_t i = 0; i < directors->count; i++) {
        int more = pass(directors->engines[i], names, count);
        failed = more < 0 || failed < 0 ? -1 : failed + more;
    }
    return failed;
}

/* -- Following -------------------------------------------------------------------------------- */

static void clear_names(struct ipvs_steered *steered)
{
    while (steered->next < steered->count)
        free(steered->names[steered->next++]);
    free(steered->names);
    steered->names = NULL;
    steered->count = steered->next = 0;
}

static void end_passes(struct ipvs_steered *steered)
{
    uv_idle_stop(&steered->turn);
    if (steered->operations)
        log_info(AREA_IPVS, "steering: %zu operations on %zu virtual servers in %.1f ms",
                 steered->operations, steered->count, (double)(uv_hrtime() - steered->since) / 1e6);
    clear_names(steered);
}

/* How many of the names are for one turn. */
static size_t slice(const struct ipvs_steered *steered)
{
    size_t count = 0, servers = 0;
    while (steered->next + count < steered->count && servers < SLICE) {
        const struct entry *entry =
            ipvs_steered_entry(steered->directors, steered->names[steered->next + count++]);
        const struct lyd_node *child;
        LY_LIST_FOR(entry ? lyd_child(entry->node) : NULL, child)
        servers += child->schema->nodetype == LYS_LIST;
    }
    return count;
}

static void on_turn(uv_idle_t *turn)
{
    struct ipvs_steered *steered = turn->data;
    size_t count = slice(steered);
    char **names = &steered->names[steered->next];
    ipvs_steered_pass(steered->directors, (const char *const *)names, count);
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    steered->next += count;
    if (steered->next == steered->count)
        end_passes(steered);
}

static void on_changed(void *arg, const char *const *names, size_t count)
{
    struct ipvs_steered *steered = arg;
    char **more = reallocarray(steered->names, steered->count + count, sizeof *more);
    if (!more) {
        log_error(AREA_IPVS, "steering: no memory, %zu virtual servers stay as they are", count);
        return;
    }
    if (!steered->count) {
        steered->since = uv_hrtime();
        steered->operations = 0;
    }
    steered->names = more;
    for (size_t i = 0; i < count; i++)
        if ((more[steered->count] = strdup(names[i])))
            steered->count++;
    uv_idle_start(&steered->turn, on_turn);
}

static void on_standing(void *arg, enum standing_kind kind, const char *name)
{
    struct ipvs_steered *steered = arg;
    if (kind == STANDING_INSTANCE)
        ipvs_tuning_follow(steered->directors, name);
}

struct ipvs_steered *ipvs_steered_begin(struct ipvs_directors *directors)
{
    struct ipvs_steered *steered = calloc(1, sizeof *steered);
    if (!steered)
        return NULL;
    steered->directors = directors;
    steered->follower = (struct steering_follower){.changed = on_changed, .arg = steered};
    uv_idle_init(directors->backend->loop, &steered->turn);
    steered->turn.data = steered;
    steered->roles = (struct standing_follower){.changed = on_standing, .arg = steered};
    steering_follow(directors->backend->agent, &steered->follower);
    standing_follow(directors->backend->agent, &steered->roles);
    return steered;
}

static void on_closed(uv_handle_t *turn)
{
    free(turn->data);
}

void ipvs_steered_end(struct ipvs_steered *steered)
{
    if (!steered)
        return;
    steering_unfollow(steered->directors->backend->agent, &steered->follower);
    standing_unfollow(steered->directors->backend->agent, &steered->roles);
    clear_names(steered);
    uv_close((uv_handle_t *)&steered->turn, on_closed);
}
