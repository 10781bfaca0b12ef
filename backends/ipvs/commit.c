#include "backends/ipvs/commit.h"

#include <stdlib.h>
#include <string.h>

#include "agent/array.h"
#include "agent/log.h"
#include "backends/ipvs/desired.h"
#include "backends/ipvs/director.h"
#include "backends/ipvs/directors.h"
#include "backends/ipvs/part.h"
#include "backends/ipvs/placement.h"
#include "backends/ipvs/rivals.h"
#include "backends/ipvs/steered.h"
#include "backends/ipvs/unsettled.h"

#define SERVERS "/noria-virtual-server:virtual-servers/virtual-server"

/* A director whose engine comes, goes or is replaced by one in another namespace. */
struct move {
    struct ipvs_engine *out; /* NULL: none. Borrowed; owned once it is out of the set. */
    struct ipvs_engine *in;  /* NULL: none. Owned until it is in the set. */
};

/* What a transaction does: first to the set of directors, then in each. */
struct plan {
    struct move *moves; /* Owned. */
    size_t move_count;
    size_t move_room;
    bool moved;
    struct ipvs_part *parts; /* Owned. */
    size_t part_count;
    size_t part_room;
    unsigned unsettled;        /* Its number, see unsettled.h; 0: it makes no services. */
    struct backend_step *step; /* While orders of those who leave are stored. */
    size_t waiting;            /* How many of them. */
};

/* A plan at work. */
struct work {
    struct ipvs_directors *directors;
    const struct change_set *changes;
    struct plan *plan;
    struct error *err;
};

static bool is_of(const struct change *change, const char *list)
{
    return change->unit->list && strcmp(change->unit->list->name, list) == 0;
}

/* -- Directors that come and go --------------------------------------------------------------- */

static enum outcome plan_move(const struct work *work, const struct change *change)
{
    struct plan *plan = work->plan;
    const struct entry *entry = change->after ? change->after : change->before;
    const char *name = leaf_value(entry->node, "name");
    char *path = NULL;

    if (strcmp(name, IPVS_MAIN) == 0)
        return DONE; /* always there */
    if (change->after && !ipvs_director_path(change->after->node, &path))
        return fail_memory(work->err);
    struct move move = {.out = ipvs_directors_find(work->directors, name)};
    if (move.out && path && strcmp(move.out->path, path) == 0) {
        free(path);
        return DONE;
    }
    if (!array_grow(&plan->moves, plan->move_count, &plan->move_room, sizeof(*plan->moves))) {
        free(path);
        return fail_memory(work->err);
    }
    if (path) {
        move.in = ipvs_director_new(work->directors, name, path);
        if (!move.in)
            return fail_memory(work->err);
    }
    if (move.out)
        move.out->leaving = true;
    plan->moves[plan->move_count++] = move;
    return DONE;
}

/* Once it is known who leaves: open those that come, none where another is. */
static void open_moved(struct plan *plan)
{
    for (size_t i = 0; i < plan->move_count; i++) {
        struct ipvs_engine *in = plan->moves[i].in;
        const char *there = NULL;
        if (!in || !ipvs_director_open(in))
            continue;
        for (size_t j = 0; j < i; j++) {
            const struct ipvs_engine *other = plan->moves[j].in;
            if (other && other->sock && ipvs_namespace_same(&other->id, &in->id))
                there = other->name;
        }
        if (there)
            ipvs_director_collide(in, there);
    }
}

static const struct move *find_move(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->move_count; i++) {
        const struct move *move = &plan->moves[i];
        if (strcmp((move->in ? move->in : move->out)->name, name) == 0)
            return move;
    }
    return NULL;
}

/* The engine of a director when the transaction is over, or NULL. */
static struct ipvs_engine *engine_after(const struct work *work, const char *name)
{
    const struct move *move = find_move(work->plan, name);
    return move ? move->in : ipvs_directors_find(work->directors, name);
}

/*
 * The engine that is to undo what a director has done, or NULL: its own; or, where that leaves and
 * another comes to the same namespace, the other, so that one plan sees all of the table.
 */
static struct ipvs_engine *engine_before(const struct work *work, const char *name)
{
    struct ipvs_engine *engine = ipvs_directors_find(work->directors, name);
    for (size_t i = 0; engine && engine->leaving && i < work->plan->move_count; i++) {
        struct ipvs_engine *in = work->plan->moves[i].in;
        if (in && in->sock && engine->sock && ipvs_namespace_same(&in->id, &engine->id))
            return in;
    }
    return engine;
}

static void exchange(struct ipvs_directors *directors, struct plan *plan)
{
    for (size_t i = 0; i < plan->move_count; i++) {
        struct move *move = &plan->moves[i];
        ipvs_directors_exchange(directors, plan->moved ? move->in : move->out,
                                plan->moved ? move->out : move->in);
    }
    plan->moved = !plan->moved;
    for (size_t i = 0; i < plan->part_count; i++) {
        size_t after = ipvs_groups_in(plan->parts[i].after, plan->parts[i].after_count);
        size_t before = ipvs_groups_in(plan->parts[i].before, plan->parts[i].before_count);
        directors->groups += plan->moved ? after - before : before - after;
    }
}

/* -- What is touched -------------------------------------------------------------------------- */

static struct ipvs_part *part_of(const struct work *work, struct ipvs_engine *engine)
{
    struct plan *plan = work->plan;
    for (size_t i = 0; i < plan->part_count; i++)
        if (plan->parts[i].engine == engine)
            return &plan->parts[i];
    if (!array_grow(&plan->parts, plan->part_count, &plan->part_room, sizeof(*plan->parts))) {
        fail_memory(work->err);
        return NULL;
    }
    struct ipvs_part *part = &plan->parts[plan->part_count++];
    *part = (struct ipvs_part){.engine = ipvs_engine_ref(engine)};
    return part;
}

/* An entry that names a director that there is not. */
static enum outcome refuse_director(const struct work *work, const struct entry *entry)
{
    char *path = ipvs_path(entry->node, "/director");
    const char *name = ipvs_desired_director(entry->node);
    enum outcome outcome = refuse(
        work->err, TAG_DATA_MISSING, path,
        "There is no director '%s': add it to /noria-director:directors, or name another.", name);
    error_set_app_tag(work->err, "instance-required");
    free(path);
    return outcome;
}

static enum outcome touch(const struct work *work, const struct entry *before,
                          const struct entry *after)
{
    enum outcome outcome = DONE;
    struct ipvs_engine *engine =
        before ? engine_before(work, ipvs_desired_director(before->node)) : NULL;
    struct ipvs_part *part = engine ? part_of(work, engine) : NULL;
    if (engine)
        outcome = part ? ipvs_part_add_before(part, before, work->err) : FAILED;
    if (!after || outcome != DONE)
        return outcome;
    engine = engine_after(work, ipvs_desired_director(after->node));
    if (!engine)
        return refuse_director(work, after);
    part = part_of(work, engine);
    return part ? ipvs_part_add_after(part, after, work->err) : FAILED;
}

/* The settings of a director, which may have another engine from now on. */
static enum outcome touch_director(const struct work *work, const struct change *change)
{
    const struct entry *entry = change->after ? change->after : change->before;
    const char *name = leaf_value(entry->node, "name");
    struct ipvs_engine *old = engine_before(work, name);
    struct ipvs_engine *new = engine_after(work, name);
    struct ipvs_part *part = old ? part_of(work, old) : NULL;
    if (old && !part)
        return FAILED;
    if (part) {
        part->tuned = true;
        part->director_before = change->before;
    }
    part = new ? part_of(work, new) : NULL;
    if (new && !part)
        return FAILED;
    if (part) {
        part->tuned = true;
        part->director_after = change->after;
    }
    return DONE;
}

static int order_keys(const void *key, const void *member)
{
    const struct change *change = member;
    const struct entry *entry = change->after ? change->after : change->before;
    return entry_compare(key, entry);
}

/* Entries that nobody edits are touched, too, if their director goes or is elsewhere from now on.
 */
static enum outcome touch_moved(const struct work *work)
{
    const struct change_set *changes = work->changes;
    const struct unit *unit = schema_unit_find(work->directors->backend->schema, SERVERS);
    size_t count = 0, first = unit ? snapshot_range(changes->after, unit, &count) : 0;
    bool leaves = false;
    enum outcome outcome = DONE;

    for (size_t i = 0; i < work->plan->move_count; i++)
        leaves = leaves || work->plan->moves[i].out;
    for (size_t i = 0; i < count && leaves && outcome == DONE; i++) {
        const struct entry *entry = changes->after->entries[first + i];
        const struct move *move = find_move(work->plan, ipvs_desired_director(entry->node));
        if (move && move->out &&
            !bsearch(entry, changes->changes, changes->count, sizeof(*changes->changes),
                     order_keys))
            outcome = touch(work, entry, entry);
    }
    return outcome;
}

static enum outcome make_plan(const struct work *work)
{
    enum outcome outcome = DONE;
    for (size_t i = 0; i < work->changes->count && outcome == DONE; i++)
        if (is_of(&work->changes->changes[i], "director"))
            outcome = plan_move(work, &work->changes->changes[i]);
    if (outcome == DONE)
        open_moved(work->plan);
    for (size_t i = 0; i < work->changes->count && outcome == DONE; i++)
        if (is_of(&work->changes->changes[i], "director"))
            outcome = touch_director(work, &work->changes->changes[i]);
    for (size_t i = 0; i < work->changes->count && outcome == DONE; i++) {
        const struct change *change = &work->changes->changes[i];
        if (is_of(change, "virtual-server"))
            outcome = touch(work, change->before, change->after);
    }
    if (outcome == DONE)
        outcome = touch_moved(work);
    for (size_t i = 0; i < work->plan->part_count && outcome == DONE; i++)
        outcome = ipvs_part_plan(&work->plan->parts[i], work->err);
    for (size_t i = 0; i < work->plan->part_count && outcome == DONE; i++)
        outcome = ipvs_rivals_check(work->directors, work->changes->after, &work->plan->parts[i],
                                    work->err);
    for (size_t i = 0; i < work->plan->part_count && outcome == DONE; i++)
        if (work->plan->parts[i].places)
            outcome =
                ipvs_placement_check(work->plan->parts[i].engine, work->changes->after, work->err);
    return outcome;
}

static void free_plan(struct plan *plan)
{
    if (!plan)
        return;
    for (size_t i = 0; i < plan->part_count; i++)
        ipvs_part_clear(&plan->parts[i]);
    /* Who is out of the set is at its end. */
    for (size_t i = 0; i < plan->move_count; i++) {
        if (!plan->moved && plan->moves[i].out)
            plan->moves[i].out->leaving = false;
        ipvs_director_close(plan->moved ? plan->moves[i].out : plan->moves[i].in);
    }
    free(plan->parts);
    free(plan->moves);
    free(plan);
}

/* -- The steps -------------------------------------------------------------------------------- */

void ipvs_prepare(struct backend *backend, struct backend_step *step)
{
    struct plan *plan = calloc(1, sizeof *plan);
    struct work work = {
        .directors = backend->data, .changes = step->changes, .plan = plan, .err = &step->error};
    enum outcome outcome = plan ? make_plan(&work) : fail_memory(&step->error);
    if (outcome == DONE)
        step->plan = plan;
    else
        free_plan(plan);
    step_done(step, outcome);
}

/* Take back the first parts. @return How many operations could not be; the first one is in err. */
static size_t take_back(struct plan *plan, size_t count, struct error *err)
{
    size_t stuck = 0;
    while (count-- > 0)
        stuck += ipvs_part_take_back(&plan->parts[count], err);
    return stuck;
}

/* What came up while the transaction ran, or comes with it, has to hold what is configured now. */
static void settle(struct ipvs_directors *directors, struct plan *plan)
{
    for (size_t i = 0; i < plan->part_count; i++) {
        struct ipvs_part *part = &plan->parts[i];
        if ((part->absent || (part->tuned && !part->tuning.planned)) && part->engine->sock)
            ipvs_director_connect(part->engine);
    }
    for (size_t i = 0; i < plan->move_count; i++) {
        struct ipvs_engine *engine = plan->moved ? plan->moves[i].in : plan->moves[i].out;
        struct ipvs_engine *left = plan->moved ? plan->moves[i].out : plan->moves[i].in;
        if (engine && engine->sock)
            ipvs_engine_ready(engine);
        if (engine)
            ipvs_engine_tell(engine);
        else if (left)
            ipvs_engine_tell_gone(left);
    }
}

static void leave_stored(void *arg, enum outcome outcome, struct error *err)
{
    struct plan *plan = arg;
    if (outcome != DONE)
        log_error(AREA_IPVS, "a real server that is busy is removed at once: %s",
                  error_message(err));
    if (--plan->waiting == 0)
        step_done(plan->step, DONE);
}

/*
 * Real servers that leave: a restart after the commit has to know of them, so their orders are
 * stored before the step ends. @return Whether there are any; then the step ends later.
 */
static bool order_leavers(struct agent *agent, struct backend_step *step, struct plan *plan)
{
    plan->step = step;
    plan->waiting = 0;
    for (size_t i = 0; i < plan->part_count; i++)
        plan->waiting += plan->parts[i].leavers.count;
    for (size_t i = 0; plan->waiting && i < plan->part_count; i++)
        ipvs_leaving_order(agent, &plan->parts[i].leavers, leave_stored, plan);
    return plan->waiting;
}

static enum outcome place_on(struct ipvs_engine *engine, bool stays, struct error *err)
{
    if (!engine || engine->member != stays)
        return DONE;
    return ipvs_placement_reconcile(engine->placement, err);
}

/*
 * Place what running wants. First where nothing is wanted any more: what follows may be in the same
 * namespace.
 */
static enum outcome place(const struct plan *plan, struct error *err)
{
    enum outcome outcome = DONE;
    bool any = false;
    for (size_t i = 0; i < plan->part_count; i++)
        any = any || plan->parts[i].places;
    for (int stays = 0; any && stays <= 1; stays++) {
        for (size_t i = 0; i < plan->part_count; i++)
            if (plan->parts[i].places && place_on(plan->parts[i].engine, stays, err) != DONE)
                outcome = FAILED;
        for (size_t i = 0; i < plan->move_count; i++)
            if (place_on(plan->moves[i].out, stays, err) != DONE ||
                place_on(plan->moves[i].in, stays, err) != DONE)
                outcome = FAILED;
    }
    return outcome;
}

/* Bring the virtual servers of a plan to what running says. @return Whether they are. */
static bool reconcile_touched(struct ipvs_directors *directors, const struct plan *plan)
{
    const char **names = NULL;
    size_t count = 0, room = 0;
    bool complete = true;
    for (size_t i = 0; i < plan->part_count; i++) {
        const struct ipvs_part *part = &plan->parts[i];
        for (size_t e = 0; e < part->before_count && complete; e++) {
            complete = array_grow(&names, count, &room, sizeof(*names));
            if (complete)
                names[count++] = leaf_value(part->before[e]->node, "name");
        }
    }
    complete = complete && ipvs_steered_pass(directors, names, count) == 0;
    free(names);
    return complete;
}

static bool is_stale(const struct plan *plan)
{
    for (size_t i = 0; i < plan->part_count; i++)
        if (ipvs_part_is_stale(&plan->parts[i]))
            return true;
    return false;
}

/* Take back what was done. @return How many operations could not be; the first one is in err. */
static size_t undo(struct ipvs_directors *directors, struct plan *plan,
                   const struct snapshot *before, struct error *err)
{
    ipvs_directors_set_running(directors, before);
    exchange(directors, plan);
    for (size_t i = 0; i < plan->part_count; i++)
        ipvs_leaving_take_back(directors->backend->agent, &plan->parts[i].leavers);
    size_t stuck = take_back(plan, plan->part_count, err);
    /* What changed meanwhile for another reason is no failure, and may have been overwritten. */
    if (is_stale(plan) && reconcile_touched(directors, plan))
        stuck = 0;
    if (place(plan, err) != DONE)
        stuck++;
    settle(directors, plan);
    return stuck;
}

void ipvs_apply(struct backend *backend, struct backend_step *step)
{
    struct ipvs_directors *directors = backend->data;
    struct plan *plan = step->plan;
    struct error back = {0};
    enum outcome outcome = DONE;

    plan->unsettled = ipvs_unsettled_note(directors, plan->parts, plan->part_count);
    for (size_t i = 0; i < plan->part_count && outcome == DONE; i++) {
        outcome = ipvs_part_apply(&plan->parts[i], &step->error);
        if (outcome != DONE)
            take_back(plan, i, &back);
    }
    if (outcome == DONE) {
        exchange(directors, plan);
        ipvs_directors_set_running(directors, step->changes->after);
        outcome = place(plan, &step->error);
        if (outcome == DONE)
            settle(directors, plan);
        else
            undo(directors, plan, step->changes->before, &back);
    }
    error_clear(&back);
    if (outcome != DONE || !order_leavers(backend->agent, step, plan))
        step_done(step, outcome);
}

void ipvs_revert(struct backend *backend, struct backend_step *step)
{
    struct error err = {0};
    size_t stuck = undo(backend->data, step->plan, step->changes->before, &err);
    if (stuck)
        fail(&step->error, TAG_ROLLBACK_FAILED, err.path, "%zu changes could not be taken back: %s",
             stuck, error_message(&err));
    error_clear(&err);
    step_done(step, stuck ? FAILED : DONE);
}

void ipvs_release(struct backend *backend, void *data)
{
    struct plan *plan = data;
    if (plan)
        ipvs_unsettled_forget(backend->data, plan->unsettled);
    free_plan(plan);
}
