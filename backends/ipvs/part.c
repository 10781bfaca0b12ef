#include "backends/ipvs/part.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/array.h"
#include "agent/log.h"
#include "backends/ipvs/desired.h"
#include "backends/ipvs/explain.h"
#include "backends/ipvs/group.h"
#include "backends/ipvs/placement.h"
#include "backends/ipvs/steered.h"

static void clear_plan(struct ipvs_part *part)
{
    ipvs_operations_clear(&part->operations);
    ipvs_leavers_clear(&part->leavers);
    ipvs_table_clear(&part->desired);
    ipvs_table_clear(&part->held);
    ipvs_tuning_clear(&part->tuning);
}

void ipvs_part_clear(struct ipvs_part *part)
{
    clear_plan(part);
    free(part->before);
    free(part->after);
    ipvs_engine_unref(part->engine);
    *part = (struct ipvs_part){0};
}

enum outcome ipvs_part_add_before(struct ipvs_part *part, const struct entry *entry,
                                  struct error *err)
{
    if (!array_grow(&part->before, part->before_count, &part->before_room, sizeof(*part->before)))
        return fail_memory(err);
    part->before[part->before_count++] = entry;
    part->places = part->places || ipvs_places(entry);
    return DONE;
}

enum outcome ipvs_part_add_after(struct ipvs_part *part, const struct entry *entry,
                                 struct error *err)
{
    if (!array_grow(&part->after, part->after_count, &part->after_room, sizeof(*part->after)))
        return fail_memory(err);
    part->after[part->after_count++] = entry;
    part->places = part->places || ipvs_places(entry);
    return DONE;
}

static enum outcome desire(struct ipvs_part *part, struct error *err)
{
    enum outcome outcome = DONE;
    for (size_t i = 0; i < part->after_count && outcome == DONE; i++)
        outcome = ipvs_desired(part->after[i], &part->desired, err);
    return outcome;
}

/* What an entry named before; one that was never valid named nothing. */
static void ids_before(const struct entry *entry, struct ipvs_ids *ids)
{
    struct error err = {0};
    *ids = (struct ipvs_ids){0};
    if (ipvs_desired_enabled(entry->node) && ipvs_ids_of(entry->node, ids, &err) != DONE)
        ipvs_ids_clear(ids);
    error_clear(&err);
}

static bool add_id(struct ipvs_ids *ids, const struct ipvs_service_id *id)
{
    if (!array_grow(&ids->list, ids->count, &ids->room, sizeof(*ids->list)))
        return false;
    ids->list[ids->count++] = *id;
    return true;
}

/* What the entries name or named. */
static bool collect_ids(const struct ipvs_part *part, struct ipvs_ids *all)
{
    bool complete = true;
    for (size_t i = 0; i < part->before_count; i++) {
        struct ipvs_ids ids;
        ids_before(part->before[i], &ids);
        for (size_t j = 0; j < ids.count && complete; j++)
            complete = add_id(all, &ids.list[j]);
        ipvs_ids_clear(&ids);
    }
    for (size_t i = 0; i < part->desired.count && complete; i++)
        complete = add_id(all, &part->desired.services[i].id);
    return complete;
}

static enum outcome read_held(struct ipvs_part *part, struct error *err)
{
    struct ipvs_ids ids = {0};
    if (!collect_ids(part, &ids)) {
        ipvs_ids_clear(&ids);
        return fail_memory(err);
    }
    int error = ipvs_engine_read(part->engine, ids.list, ids.count, &part->held);
    ipvs_ids_clear(&ids);
    if (!error)
        return DONE;
    ipvs_engine_lost(part->engine, error);
    return ipvs_engine_fail(part->engine, err);
}

/* Note in what the kernel holds which entry it was held for; the rest is someone else's. */
static bool mark_owners(struct ipvs_part *part)
{
    struct ipvs_index index;
    if (!ipvs_index_make(&part->held, &index))
        return false;
    for (size_t i = 0; i < part->before_count; i++) {
        struct ipvs_ids ids;
        ids_before(part->before[i], &ids);
        for (size_t j = 0; j < ids.count; j++) {
            struct ipvs_service *service = ipvs_index_find(&index, &ids.list[j]);
            if (service)
                service->node = part->before[i]->node;
        }
        ipvs_ids_clear(&ids);
    }
    ipvs_index_clear(&index);
    return true;
}

enum outcome ipvs_part_plan(struct ipvs_part *part, struct error *err)
{
    struct ipvs_engine *engine = part->engine;
    clear_plan(part);
    part->absent = !engine->sock && engine->absent;
    part->generation = engine->generation;
    part->steering = steering_generation(engine->backend->agent);
    enum outcome outcome = desire(part, err);
    if (outcome != DONE || part->absent)
        return outcome; /* in a namespace to come all of it is made when it comes */
    if (!engine->sock && !part->before_count && !part->after_count)
        return DONE; /* settings wait until it is up */
    if (!engine->sock)
        return ipvs_engine_fail(engine, err);
    outcome = read_held(part, err);
    if (outcome == DONE &&
        (!mark_owners(part) || !ipvs_steer(engine->backend->agent, &part->desired, &part->held) ||
         !ipvs_leaving_plan(part) || !ipvs_plan(&part->desired, &part->held, &part->operations)))
        outcome = fail_memory(err);
    if (outcome == DONE && part->tuned)
        outcome = ipvs_tuning_plan(&part->tuning, engine, part->director_before,
                                   part->director_after, err);
    if (outcome == DONE)
        log_debug(AREA_IPVS, "director %s: a plan of %zu operations", engine->name,
                  part->operations.count);
    return outcome;
}

bool ipvs_part_is_stale(const struct ipvs_part *part)
{
    return part->generation != part->engine->generation;
}

/* Errors that mean that what was to be taken back is so already. */
static bool is_back(const struct ipvs_operation *operation)
{
    switch (operation->verb) {
    case IPVS_ADD:
        return operation->result == EEXIST;
    case IPVS_DELETE:
        return operation->result == ENOENT || operation->result == ESRCH;
    case IPVS_EDIT:
        break;
    }
    return false;
}

static size_t take_back_table(struct ipvs_part *part, struct error *err)
{
    struct ipvs_engine *engine = part->engine;
    struct ipvs_operations inverse;
    size_t failed = 0;
    if (!engine->sock && engine->absent)
        return 0; /* it is gone, and all that was done with it */
    if (!ipvs_invert(&part->operations, &inverse)) {
        fail_memory(err);
        return 1;
    }
    ipvs_engine_run(engine, &inverse, true);
    for (size_t i = 0; i < inverse.count; i++) {
        const struct ipvs_operation *operation = &inverse.list[i];
        if (operation->result == 0 || is_back(operation))
            continue;
        struct error one = {0};
        ipvs_explain(operation, operation->result > 0 ? operation->result : ETIMEDOUT, "", &one);
        log_error(AREA_IPVS, "a change could not be taken back: %s", error_message(&one));
        if (failed++ == 0)
            error_move(err, &one);
        error_clear(&one);
    }
    ipvs_operations_clear(&inverse);
    return failed;
}

size_t ipvs_part_take_back(struct ipvs_part *part, struct error *err)
{
    size_t stuck = ipvs_tuning_take_back(&part->tuning, part->engine, err) != DONE;
    return stuck + take_back_table(part, err);
}

static bool same_name(const struct lyd_node *a, const struct lyd_node *b)
{
    const char *one = leaf_value(a, "name"), *other = leaf_value(b, "name");
    return one && other && strcmp(one, other) == 0;
}

/*
 * Services that were another entry's or nobody's have counted for someone else until now; and to
 * take a service over from another program is worth a line in the log.
 */
static void note_taken(const struct ipvs_part *part)
{
    struct ipvs_index held;
    if (!ipvs_index_make(&part->held, &held))
        return;
    for (size_t i = 0; i < part->desired.count; i++) {
        const struct ipvs_service *service = &part->desired.services[i];
        const struct ipvs_service *old = ipvs_index_find(&held, &service->id);
        char text[IPVS_TEXT_SIZE];
        if (!old || (old->node && same_name(old->node, service->node)))
            continue;
        if (!old->node)
            log_notice(AREA_IPVS,
                       "%s was in the kernel's table already: virtual server %s takes it over",
                       ipvs_service_text(&service->id, text), leaf_value(service->node, "name"));
        ipvs_since_set(part->engine->since, &service->id, NULL);
        for (size_t d = 0; d < service->count; d++)
            ipvs_since_set(part->engine->since, &service->id, &service->destinations[d].id);
    }
    ipvs_index_clear(&held);
}

/* The sum over a group is another from now on: it is told by the time of its first service. */
static void note_groups(const struct ipvs_part *part)
{
    for (size_t i = 0; i < part->desired.count; i++) {
        const struct ipvs_service *service = &part->desired.services[i];
        if (!ipvs_group_member(lyd_child(service->node)) ||
            (i && part->desired.services[i - 1].node == service->node))
            continue;
        ipvs_since_set(part->engine->since, &service->id, NULL);
        for (size_t d = 0; d < service->count; d++)
            ipvs_since_set(part->engine->since, &service->id, &service->destinations[d].id);
    }
}

/* Say what went wrong first. */
static void explain_failure(const struct ipvs_operations *operations, int error, size_t stuck,
                            struct error *err)
{
    const char *more = stuck ? " Part of the change could not be taken back: see the log." : "";
    for (size_t i = 0; i < operations->count; i++) {
        const struct ipvs_operation *operation = &operations->list[i];
        if (operation->result != 0) {
            ipvs_explain(operation, operation->result > 0 ? operation->result : error, more, err);
            return;
        }
    }
}

static size_t take_back_quietly(struct ipvs_part *part)
{
    struct error err = {0};
    size_t stuck = take_back_table(part, &err);
    error_clear(&err);
    return stuck;
}

/*
 * Run the operations. If the way to the kernel is cut, nobody knows how far they have come: take
 * back what may be done, and begin again, once. What else there is to be done about it, the engine
 * does by itself.
 */
static int run(struct ipvs_part *part)
{
    struct ipvs_operations *operations = &part->operations;
    int error = operations->count ? ipvs_engine_run(part->engine, operations, false) : 0;
    if (!error || !part->engine->sock || !ipvs_operations_cut(operations, false) ||
        take_back_quietly(part))
        return error;
    for (size_t i = 0; i < operations->count; i++)
        operations->list[i].result = IPVS_NOT_RUN;
    return ipvs_engine_run(part->engine, operations, false);
}

enum outcome ipvs_part_apply(struct ipvs_part *part, struct error *err)
{
    /*
     * Health checks and operators do not wait for a commit: their changes make a plan stale. So do
     * verdicts that come with the commit.
     */
    bool stale = ipvs_part_is_stale(part) ||
                 part->steering != steering_generation(part->engine->backend->agent);
    if (stale && !part->absent && ipvs_part_plan(part, err) != DONE)
        return FAILED;
    int error = run(part);
    if (error && !part->engine->sock)
        return ipvs_engine_fail(part->engine, err); /* it has gone since it was planned */
    if (error) {
        size_t stuck = take_back_quietly(part);
        explain_failure(&part->operations, error, stuck, err);
        return FAILED;
    }
    enum outcome outcome = ipvs_tuning_apply(&part->tuning, part->engine, err);
    if (outcome == DONE) {
        note_taken(part);
        note_groups(part);
    } else {
        take_back_quietly(part);
    }
    return outcome;
}
