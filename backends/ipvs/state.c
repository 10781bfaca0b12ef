#include "backends/ipvs/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/log.h"
#include "agent/steering/steering.h"
#include "backends/ipvs/desired.h"
#include "backends/ipvs/director_state.h"
#include "backends/ipvs/directors.h"
#include "backends/ipvs/explain.h"
#include "backends/ipvs/group.h"
#include "backends/ipvs/group_sum.h"
#include "backends/ipvs/placement.h"
#include "backends/ipvs/policy.h"

#define FEW 16 /* services up to which they are asked for one by one */

/* One reading of a director's table, and where it goes. */
struct reading {
    const struct state_request *request;
    struct ipvs_engine *engine;
    bool known;                     /* Whether the kernel could be read. */
    struct ipvs_reading *shared;    /* All that it has, or NULL. */
    struct ipvs_table table;        /* What of it was asked for, if there is nothing to share. */
    struct ipvs_index own;          /* Of table. */
    const struct ipvs_index *index; /* Of either. */
    struct agent *agent;
    struct error *err;
};

struct statistics_leaf {
    const char *path;
    size_t offset; /* in struct ipvs_statistics */
};

/* From the last one of the model to the first: libyang finds their place faster so. */
static const struct statistics_leaf statistics_leaves[] = {
    {"statistics/out-byte-rate", offsetof(struct ipvs_statistics, out_byte_rate)},
    {"statistics/in-byte-rate", offsetof(struct ipvs_statistics, in_byte_rate)},
    {"statistics/out-packet-rate", offsetof(struct ipvs_statistics, out_packet_rate)},
    {"statistics/in-packet-rate", offsetof(struct ipvs_statistics, in_packet_rate)},
    {"statistics/connection-rate", offsetof(struct ipvs_statistics, connection_rate)},
    {"statistics/out-bytes", offsetof(struct ipvs_statistics, out_bytes)},
    {"statistics/in-bytes", offsetof(struct ipvs_statistics, in_bytes)},
    {"statistics/out-packets", offsetof(struct ipvs_statistics, out_packets)},
    {"statistics/in-packets", offsetof(struct ipvs_statistics, in_packets)},
    {"statistics/connections", offsetof(struct ipvs_statistics, connections)},
};

static enum outcome add_statistics(const struct reading *reading, struct lyd_node *node,
                                   const struct ipvs_statistics *statistics, int64_t since)
{
    enum outcome outcome = DONE;
    for (size_t i = 0; i < sizeof statistics_leaves / sizeof *statistics_leaves; i++) {
        const struct statistics_leaf *leaf = &statistics_leaves[i];
        uint64_t value;
        memcpy(&value, (const char *)statistics + leaf->offset, sizeof value);
        if (outcome == DONE)
            outcome = state_add_number(node, leaf->path, value, reading->err);
    }
    if (outcome == DONE)
        outcome = state_add_time(node, "statistics/discontinuity-time", since, reading->err);
    return outcome;
}

static const char *method_name(uint32_t method)
{
    switch (method) {
    case IP_VS_CONN_F_MASQ:
        return "nat";
    case IP_VS_CONN_F_LOCALNODE:
        return "local";
    case IP_VS_CONN_F_TUNNEL:
        return "tun";
    case IP_VS_CONN_F_DROUTE:
        return "dr";
    case IP_VS_CONN_F_BYPASS:
        return "bypass";
    default:
        return NULL;
    }
}

static enum outcome add_destination(const struct reading *reading, struct lyd_node *real,
                                    const struct ipvs_service *service,
                                    const struct ipvs_destination *destination)
{
    struct error *err = reading->err;
    const char *method = method_name(destination->method);
    int64_t since = ipvs_since_get(reading->engine->since, &service->id, &destination->id);

    enum outcome outcome = state_add_number(real, "effective-weight", destination->weight, err);
    if (outcome == DONE && method)
        outcome = state_add(real, "effective-forwarding-method", method, err);
    if (outcome == DONE)
        outcome = state_add_number(real, "statistics/active-connections", destination->active, err);
    if (outcome == DONE)
        outcome =
            state_add_number(real, "statistics/inactive-connections", destination->inactive, err);
    if (outcome == DONE)
        outcome = state_add_number(real, "statistics/persistent-connections",
                                   destination->persistent, err);
    if (outcome == DONE)
        outcome = add_statistics(reading, real, &destination->statistics, since);
    return outcome;
}

/* Whether it is left out because of checks, an order or the quorum. */
static bool is_withdrawn(const struct reading *reading, const struct entry *entry,
                         const struct lyd_node *real)
{
    struct steering_key key = {.virtual_server = leaf_value(entry->node, "name"),
                               .address = leaf_value(real, "address")};
    key.port = (uint16_t)strtoul(leaf_value(real, "port"), NULL, 10);
    return !steering_sum_of(reading->agent, &key).present ||
           steering_quorum_lost(reading->agent, key.virtual_server);
}

/* What the kernel makes of a real server that is enabled. */
static const char *status_of(const struct reading *reading, const struct entry *entry,
                             const struct lyd_node *real,
                             const struct ipvs_destination *destination)
{
    if (!reading->known)
        return "unknown";
    if (destination)
        return destination->weight ? "active" : "drained";
    return is_withdrawn(reading, entry, real) ? "withdrawn" : "absent";
}

static enum outcome fill_real(const struct reading *reading, const struct entry *entry,
                              struct lyd_node *real, bool enabled,
                              const struct ipvs_service *service)
{
    struct ipvs_destination_id id;
    const struct ipvs_destination *destination = NULL;
    uint32_t number = entry_row_number(entry, real);
    enum outcome outcome = DONE;

    if (service && ipvs_desired_destination_id(real, &service->id, &id))
        destination = ipvs_service_find(service, &id);
    enabled = enabled && ipvs_desired_enabled(real);
    const char *status = enabled ? status_of(reading, entry, real, destination) : "disabled";
    if (number)
        outcome = state_add_number(real, "number", number, reading->err);
    if (outcome == DONE)
        outcome = state_add(real, "oper-status", status, reading->err);
    if (outcome == DONE && enabled && destination)
        outcome = add_destination(reading, real, service, destination);
    return outcome;
}

/* Whether a sorry server is in the place of the real servers, and not there with weight 0. */
static enum outcome fill_sorry(const struct reading *reading, struct lyd_node *sorry, bool lost,
                               const struct ipvs_service *service)
{
    struct ipvs_destination_id id;
    const struct ipvs_destination *held = NULL;
    if (service && ipvs_desired_destination_id(sorry, &service->id, &id))
        held = ipvs_service_find(service, &id);
    return state_add(sorry, "in-use", lost && held && held->weight ? "true" : "false",
                     reading->err);
}

static bool takes_connections(const struct ipvs_service *service)
{
    for (size_t i = 0; i < service->count; i++) {
        if (service->destinations[i].weight)
            return true;
    }
    return false;
}

/* Add the state of each member of a group. */
static enum outcome fill_members(const struct reading *reading, struct lyd_node *node)
{
    enum outcome outcome = DONE;
    const struct lyd_node *member = ipvs_group_member(lyd_child(node));
    for (; member && outcome == DONE; member = ipvs_group_member(member->next)) {
        struct lyd_node *own = (struct lyd_node *)member;
        struct ipvs_group_sum sum;
        if (!ipvs_group_sum_member(member, reading->index, &sum))
            return fail_memory(reading->err);
        outcome = state_add_number(own, "services", sum.present, reading->err);
        if (outcome == DONE && sum.present)
            outcome = add_statistics(reading, own, &sum.service.statistics,
                                     ipvs_since_get(reading->engine->since, &sum.service.id, NULL));
        ipvs_group_sum_clear(&sum);
    }
    return outcome;
}

static enum outcome fill_service(const struct reading *reading, const struct entry *entry,
                                 struct lyd_node *node, bool enabled,
                                 const struct ipvs_service *service);

static enum outcome fill_group(const struct reading *reading, const struct entry *entry,
                               struct lyd_node *node, bool enabled)
{
    struct ipvs_group_sum sum;
    if (!ipvs_group_sum(entry->node, reading->index, &sum))
        return fail_memory(reading->err);
    bool complete = enabled && sum.present && sum.present == sum.wanted;
    enum outcome outcome =
        fill_service(reading, entry, node, enabled, complete ? &sum.service : NULL);
    if (outcome == DONE && enabled && reading->known)
        outcome = fill_members(reading, node);
    ipvs_group_sum_clear(&sum);
    return outcome;
}

static enum outcome fill_virtual(const struct reading *reading, const struct entry *entry,
                                 struct lyd_node *node)
{
    struct ipvs_service_id id;
    const struct ipvs_service *service = NULL;
    bool enabled = ipvs_desired_enabled(entry->node);

    if (ipvs_group_member(lyd_child(entry->node)))
        return fill_group(reading, entry, node, enabled);
    if (enabled && reading->known && ipvs_desired_service_id(entry->node, &id))
        service = ipvs_index_find(reading->index, &id);
    return fill_service(reading, entry, node, enabled, service);
}

static const char *placed_name(const struct reading *reading, const struct entry *entry,
                               bool enabled)
{
    static const char *const names[] = {"placed", "present", "waiting", "failed", "unknown"};
    if (!enabled)
        return "disabled";
    if (!ipvs_engine_is_up(reading->engine))
        return "unknown";
    return names[ipvs_placement_state(reading->engine->placement, entry->node)];
}

/* A service, or the sum of those of a group; NULL if it is not there, or not all of it. */
static enum outcome fill_service(const struct reading *reading, const struct entry *entry,
                                 struct lyd_node *node, bool enabled,
                                 const struct ipvs_service *service)
{
    enum outcome outcome = DONE;
    const char *status = !enabled                     ? "disabled"
                         : !reading->known            ? "unknown"
                         : !service                   ? "absent"
                         : takes_connections(service) ? "active"
                                                      : "no-real-server";
    if (entry->number)
        outcome = state_add_number(node, "number", entry->number, reading->err);
    if (outcome == DONE)
        outcome = state_add(node, "oper-status", status, reading->err);
    if (outcome == DONE && service)
        outcome = add_statistics(reading, node, &service->statistics,
                                 ipvs_since_get(reading->engine->since, &service->id, NULL));
    if (outcome == DONE && ipvs_places(entry))
        outcome = state_add(node, "bind-address/oper-status", placed_name(reading, entry, enabled),
                            reading->err);
    bool lost = steering_quorum_lost(reading->agent, leaf_value(entry->node, "name"));
    struct lyd_node *child;
    LY_LIST_FOR(lyd_child(node), child)
    {
        if (outcome != DONE || !child->schema)
            continue;
        if (strcmp(child->schema->name, "real-server") == 0)
            outcome = fill_real(reading, entry, child, enabled, service);
        else if (strcmp(child->schema->name, "sorry-server") == 0)
            outcome = fill_sorry(reading, child, lost, service);
    }
    return outcome;
}

static bool is_virtual(const struct entry *entry)
{
    return entry->unit->list && strcmp(entry->unit->list->name, "virtual-server") == 0;
}

/* Whether an entry is a virtual server of the director that is read. */
static bool is_read(const struct reading *reading, const struct entry *entry)
{
    return is_virtual(entry) &&
           strcmp(ipvs_desired_director(entry->node), reading->engine->name) == 0;
}

/* The services that the entries name, if they are few; a group may name many. */
static bool name_few(const struct reading *reading, struct ipvs_service_id few[FEW], size_t *count)
{
    const struct state_request *request = reading->request;
    *count = 0;
    for (size_t i = 0; i < request->count && *count <= FEW; i++) {
        struct error err = {0};
        struct ipvs_ids ids;
        if (!is_read(reading, request->entries[i]) ||
            !ipvs_desired_enabled(request->entries[i]->node))
            continue;
        if (ipvs_ids_of(request->entries[i]->node, &ids, &err) != DONE)
            ipvs_ids_clear(&ids);
        if (*count + ids.count <= FEW && ids.count)
            memcpy(few + *count, ids.list, ids.count * sizeof *few);
        *count += ids.count;
        ipvs_ids_clear(&ids);
        error_clear(&err);
    }
    return *count <= FEW;
}

static int read_few(struct reading *reading, const struct ipvs_service_id *ids, size_t count)
{
    struct ipvs_table *table = &reading->table;
    struct ipvs_lease lease;
    int error = ipvs_pool_take(reading->engine->pool, &lease);
    if (error)
        return error;
    error = ipvs_read_some(lease.sock, ids, count, table);
    for (size_t i = 0; i < table->count && !error; i++) {
        error = ipvs_read_destinations(lease.sock, &table->services[i]);
        ipvs_service_sort(&table->services[i]);
    }
    ipvs_pool_give(reading->engine->pool, &lease, error);
    return error || ipvs_index_make(table, &reading->own) ? error : ENOMEM;
}

/* Few services are looked for in what others have read lately, or asked for alone. */
static int read_kernel(struct reading *reading)
{
    struct ipvs_engine *engine = reading->engine;
    const struct ipvs_policy policy =
        ipvs_policy_of(engine->backend->schema, reading->request->running, engine->name);
    struct ipvs_service_id ids[FEW];
    size_t count;
    int error = 0;
    bool few = name_few(reading, ids, &count);
    if (few)
        reading->shared = ipvs_cache_peek(engine->cache, policy.statistics_age);
    else
        error = ipvs_cache_read(engine->cache, policy.statistics_age, &reading->shared);
    if (few && !reading->shared)
        error = read_few(reading, ids, count);
    if (reading->shared)
        reading->index = &reading->shared->index;
    return error;
}

/* Add the state of one director's virtual servers. */
static enum outcome fill_director(const struct state_request *request, struct ipvs_engine *engine,
                                  struct error *err)
{
    struct reading reading = {
        .request = request, .engine = engine, .agent = engine->backend->agent, .err = err};
    enum outcome outcome = DONE;
    reading.index = &reading.own;

    /* While it is down it is not asked: that would load, or try to load, a module each time. */
    if (ipvs_engine_is_up(engine)) {
        int error = read_kernel(&reading);
        reading.known = error == 0;
        if (error)
            log_warning(AREA_IPVS,
                        "the state of the virtual servers of director %s cannot be read: %s",
                        engine->name, ipvs_explain_down(error));
    }
    for (size_t i = 0; i < request->count && outcome == DONE; i++)
        if (is_read(&reading, request->entries[i]))
            outcome = fill_virtual(&reading, request->entries[i], request->nodes[i]);
    ipvs_reading_unref(reading.shared);
    ipvs_index_clear(&reading.own);
    ipvs_table_clear(&reading.table);
    return outcome;
}

static bool wants_any(const struct state_request *request, const struct ipvs_engine *engine)
{
    const struct reading reading = {.engine = (struct ipvs_engine *)engine};
    for (size_t i = 0; i < request->count; i++)
        if (is_read(&reading, request->entries[i]))
            return true;
    return false;
}

enum outcome ipvs_operational(struct backend *backend, const struct state_request *request,
                              struct error *err)
{
    size_t count;
    struct ipvs_engine **engines = ipvs_directors_take(backend->data, &count);
    if (!engines)
        return fail_memory(err);
    enum outcome outcome = ipvs_directors_state(engines, count, request, err);
    for (size_t i = 0; i < count && outcome == DONE; i++)
        if (wants_any(request, engines[i]))
            outcome = fill_director(request, engines[i], err);
    ipvs_directors_give(engines, count);
    return outcome;
}
