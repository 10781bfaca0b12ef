#include "backends/ipvs/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/log.h"
#include "backends/ipvs/desired.h"
#include "backends/ipvs/directors.h"
#include "backends/ipvs/explain.h"
#include "backends/ipvs/listing.h"
#include "backends/ipvs/placement.h"
#include "backends/ipvs/steered.h"
#include "backends/ipvs/tuning.h"

#define UNIT "/noria-virtual-server:virtual-servers/virtual-server"
#define LOGGED_ERRORS 10 /* of a whole table; more say nothing new */
#define MANY 500         /* services from which on the kernel's list is looked at first */
#define TOO_MANY 20000   /* for each page of it the kernel goes through all that is before */

bool ipvs_engine_desire(const struct ipvs_engine *engine, const struct snapshot *running, bool log,
                        struct ipvs_table *desired)
{
    const struct unit *unit = schema_unit_find(engine->backend->schema, UNIT);
    size_t count = 0, first = unit ? snapshot_range(running, unit, &count) : 0;

    for (size_t i = 0; i < count; i++) {
        const struct entry *entry = running->entries[first + i];
        struct error err = {0};
        if (strcmp(ipvs_desired_director(entry->node), engine->name) != 0)
            continue;
        enum outcome outcome = ipvs_desired(entry, desired, &err);
        if (outcome != DONE && log)
            log_error(AREA_IPVS, "%s is not served: %s", err.path ? err.path : "a virtual server",
                      error_message(&err));
        error_clear(&err);
        if (outcome == FAILED)
            return false;
    }
    return true;
}

static size_t count_failed(const struct ipvs_operations *operations)
{
    size_t failed = 0;
    for (size_t i = 0; i < operations->count; i++)
        failed += operations->list[i].result != 0;
    return failed;
}

static void log_errors(const struct ipvs_operations *operations)
{
    size_t errors = 0;
    for (size_t i = 0; i < operations->count; i++) {
        const struct ipvs_operation *operation = &operations->list[i];
        struct error err = {0};
        if (operation->result == 0 || ++errors > LOGGED_ERRORS)
            continue;
        ipvs_explain(operation, operation->result > 0 ? operation->result : ETIMEDOUT, "", &err);
        log_error(AREA_IPVS, "%s", error_message(&err));
        error_clear(&err);
    }
    if (errors > LOGGED_ERRORS)
        log_error(AREA_IPVS, "%zu operations more failed", errors - LOGGED_ERRORS);
}

static void log_summary(const struct ipvs_engine *engine, const struct ipvs_operations *operations,
                        size_t services)
{
    const char *in = engine->path ? " on director " : "";
    size_t done[2][3] = {{0}};
    for (size_t i = 0; i < operations->count; i++) {
        const struct ipvs_operation *operation = &operations->list[i];
        if (operation->result == 0)
            done[ipvs_on_destination(operation)][operation->verb]++;
    }
    if (operations->count == 0)
        log_notice(AREA_IPVS, "the kernel's table is as configured: %zu services%s%s", services, in,
                   engine->path ? engine->name : "");
    else
        log_notice(AREA_IPVS,
                   "reconciled: %zu services added, %zu edited; "
                   "%zu real servers added, %zu edited, %zu deleted%s%s",
                   done[0][IPVS_ADD], done[0][IPVS_EDIT], done[1][IPVS_ADD], done[1][IPVS_EDIT],
                   done[1][IPVS_DELETE], in, engine->path ? engine->name : "");
}

/* @return How many things went wrong: 0 or 1. */
static size_t place(struct ipvs_engine *engine, bool silent)
{
    struct error err = {0};
    enum outcome outcome = ipvs_placement_reconcile(engine->placement, &err);
    if (outcome != DONE && !silent)
        log_error(AREA_IPVS, "%s", error_message(&err));
    error_clear(&err);
    return outcome != DONE;
}

/* Say of a service that the kernel has it as it is desired. */
static bool add_as_desired(const struct ipvs_service *desired, struct ipvs_table *held)
{
    struct ipvs_service *service = ipvs_table_add(held);
    if (!service)
        return false;
    *service = *desired;
    service->sorry = NULL;
    service->sorry_count = 0;
    service->node = NULL;
    service->destinations = calloc(desired->count + 1, sizeof *service->destinations);
    service->count = service->destinations ? desired->count : 0;
    for (size_t i = 0; i < service->count; i++) {
        service->destinations[i] = desired->destinations[i];
        service->destinations[i].node = NULL;
    }
    return service->destinations;
}

/* What the list shows as desired is held so; note the others. */
static bool take_listed(const struct ipvs_table *desired, const struct ipvs_table *listed,
                        struct ipvs_table *held, struct ipvs_service_id *others, size_t *count)
{
    struct ipvs_index index;
    bool complete = ipvs_index_make(listed, &index);
    for (size_t i = 0; i < desired->count && complete; i++) {
        const struct ipvs_service *service = &desired->services[i];
        struct ipvs_service *found = ipvs_index_find(&index, &service->id);
        if (found && ipvs_listing_shows(found, service))
            complete = add_as_desired(service, held);
        else
            others[(*count)++] = service->id;
    }
    ipvs_index_clear(&index);
    return complete;
}

/* Move the services of one table to another. */
static bool move(struct ipvs_table *from, struct ipvs_table *to)
{
    for (size_t i = 0; i < from->count; i++) {
        struct ipvs_service *service = ipvs_table_add(to);
        if (!service)
            return false;
        *service = from->services[i];
        from->services[i].destinations = NULL;
        from->services[i].count = 0;
    }
    return true;
}

/*
 * Read what the kernel has of a large table: at once what its list shows, one by one what that
 * shows to be another, or cannot show.
 */
static int read_large(struct ipvs_engine *engine, const struct ipvs_table *desired,
                      struct ipvs_table *held, bool *believed)
{
    struct ipvs_table listed = {0}, rest = {0};
    struct ipvs_service_id *others = calloc(desired->count + 1, sizeof *others);
    size_t count = 0;
    int error = others ? ipvs_listing_read(engine->path, &listed) : ENOMEM;
    if (error) {
        log_info(AREA_IPVS, "the kernel's list of services cannot be used: %s",
                 strerrordesc_np(error));
        error = ipvs_engine_read_desired(engine, desired, held);
    } else if (!take_listed(desired, &listed, held, others, &count)) {
        error = ENOMEM;
    } else {
        error = ipvs_engine_read(engine, others, count, &rest);
        if (!error && !move(&rest, held))
            error = ENOMEM;
        *believed = true;
    }
    ipvs_table_clear(&rest);
    ipvs_table_clear(&listed);
    free(others);
    return error;
}

static int read_held(struct ipvs_engine *engine, const struct ipvs_table *desired,
                     struct ipvs_table *held, bool *listed)
{
    return desired->count < MANY || desired->count > TOO_MANY
               ? ipvs_engine_read_desired(engine, desired, held)
               : read_large(engine, desired, held, listed);
}

int ipvs_engine_reconcile(struct ipvs_engine *engine, bool *listed)
{
    struct ipvs_table desired = {0}, held = {0};
    struct ipvs_operations operations = {0};

    int error = ipvs_engine_desire(engine, engine->directors->running, true, &desired)
                    ? read_held(engine, &desired, &held, listed)
                    : ENOMEM;
    if (!error && (!ipvs_steer(engine->backend->agent, &desired, &held) ||
                   !ipvs_plan(&desired, &held, &operations)))
        error = ENOMEM;
    engine->generation++;
    if (!error)
        ipvs_engine_run(engine, &operations, true);
    if (!error && engine->sock) {
        size_t failed = count_failed(&operations);
        bool again = engine->missing != 0;
        if (failed && !again)
            log_errors(&operations);
        if (!failed || !again)
            log_summary(engine, &operations, desired.count);
        engine->missing = failed + ipvs_tuning_reconcile(engine, again);
        engine->missing += place(engine, again);
    }
    ipvs_operations_clear(&operations);
    ipvs_table_clear(&held);
    ipvs_table_clear(&desired);
    return error;
}
