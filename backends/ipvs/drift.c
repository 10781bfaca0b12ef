#include "backends/ipvs/drift.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/array.h"
#include "agent/clock.h"
#include "agent/event/alarms.h"
#include "agent/log.h"
#include "backends/ipvs/desired.h"
#include "backends/ipvs/difference.h"
#include "backends/ipvs/directors.h"
#include "backends/ipvs/explain.h"
#include "backends/ipvs/group.h"
#include "backends/ipvs/policy.h"
#include "backends/ipvs/steered.h"
#include "backends/ipvs/table.h"
#include "backends/ipvs/tuning.h"

#define SERVERS "/noria-virtual-server:virtual-servers/virtual-server"
#define AWAY_MS 5000     /* until it is looked whether the director is up */
#define SOON_MS 2000     /* until what a start has left open is compared */
#define BUSY_MS 500      /* until it is tried again while another director is compared */
#define SLICE 32         /* services of one turn of the loop: some milliseconds */
#define TOLD_IN_ALARM 10 /* differences; the log has more */
#define TOLD_IN_LOG 100  /* of a comparison */
#define ALARM_SIZE 4096

/* A service that seems to differ. */
struct suspect {
    struct ipvs_service_id id;
    char *name; /* Of its virtual server; NULL: it has none. Owned. */
};

struct ipvs_drift {
    struct ipvs_engine *engine;
    uv_timer_t timer;
    uint64_t interval; /* That the timer runs with, in milliseconds; 0: it does not. */
    bool claimed;      /* The table is ours alone. */
    bool due;          /* That is news: one comparison is wanted, whatever the interval. */
    bool ended, closed;

    /* One comparison; while it is read, the helper thread's. */
    uv_work_t work;
    bool busy, reading;
    uv_sem_t read; /* Posted when the helper thread is done. */
    bool exclusive;
    struct snapshot *running; /* One reference. */
    int error;
    struct suspect *suspects; /* Owned. */
    size_t count, room;
    size_t next;              /* The first one that was not looked at again. */
    size_t found[2], left[2]; /* Differences, and those not repaired; of what is foreign: [1]. */
    char text[2][ALARM_SIZE]; /* Of the alarms. */
};

static struct ipvs_policy policy_of(const struct ipvs_engine *engine)
{
    return ipvs_policy_of(engine->backend->schema, engine->directors->running, engine->name);
}

static void clear_job(struct ipvs_drift *drift)
{
    for (size_t i = 0; i < drift->count; i++)
        free(drift->suspects[i].name);
    free(drift->suspects);
    snapshot_unref(drift->running);
    drift->suspects = NULL;
    drift->running = NULL;
    drift->count = drift->room = drift->next = 0;
    memset(drift->found, 0, sizeof drift->found);
    memset(drift->left, 0, sizeof drift->left);
    drift->text[0][0] = drift->text[1][0] = '\0';
}

/* -- On the helper thread --------------------------------------------------------------------- */

/* Leave out what is held and not desired: it is nobody's business unless the table is ours alone.
 */
static bool drop_foreign(const struct ipvs_table *desired, struct ipvs_table *held)
{
    struct ipvs_index index;
    size_t kept = 0;
    if (!ipvs_index_make(desired, &index))
        return false;
    for (size_t i = 0; i < held->count; i++) {
        if (ipvs_index_find(&index, &held->services[i].id))
            held->services[kept++] = held->services[i];
        else /* what is held has no sorry servers */
            free(held->services[i].destinations);
    }
    held->count = kept;
    ipvs_index_clear(&index);
    return true;
}

/* Note the services that operations are about; those of one service follow each other. */
static bool note_suspects(struct ipvs_drift *drift, const struct ipvs_operations *operations)
{
    for (size_t i = 0; i < operations->count; i++) {
        const struct ipvs_operation *operation = &operations->list[i];
        if (i > 0 && ipvs_service_compare(operations->list[i - 1].id, operation->id) == 0)
            continue;
        if (!array_grow(&drift->suspects, drift->count, &drift->room, sizeof *drift->suspects))
            return false;
        struct suspect *suspect = &drift->suspects[drift->count];
        *suspect = (struct suspect){.id = *operation->id};
        if (operation->service) {
            suspect->name = strdup(leaf_value(operation->service->node, "name"));
            if (!suspect->name)
                return false;
        }
        drift->count++;
    }
    return true;
}

static int read_held(struct ipvs_engine *engine, struct ipvs_table *held)
{
    struct ipvs_lease lease;
    int error = ipvs_pool_take(engine->pool, &lease);
    if (error)
        return error;
    error = ipvs_read_table(lease.sock, held);
    ipvs_pool_give(engine->pool, &lease, error);
    return error;
}

static void compare(uv_work_t *work)
{
    struct ipvs_drift *drift = work->data;
    struct ipvs_engine *engine = drift->engine;
    struct ipvs_table desired = {0}, held = {0};
    struct ipvs_operations operations = {0};

    drift->error = read_held(engine, &held);
    if (!drift->error &&
        (!ipvs_engine_desire(engine, drift->running, false, &desired) ||
         (!drift->exclusive && !drop_foreign(&desired, &held)) ||
         !ipvs_steer(engine->backend->agent, &desired, &held) ||
         !ipvs_plan(&desired, &held, &operations) || !note_suspects(drift, &operations)))
        drift->error = ENOMEM;
    ipvs_operations_clear(&operations);
    ipvs_table_clear(&held);
    ipvs_table_clear(&desired);
    uv_sem_post(&drift->read);
}

/* -- On the core thread: what differs indeed --------------------------------------------------- */

/* What differs, of one slice of the suspects. */
struct slice {
    struct ipvs_service_id ids[SLICE];
    size_t count;
    struct ipvs_table desired, held;
    struct ipvs_operations operations;
};

/* Whether a virtual server stands for a service; one of its group may. */
static bool stands_for(const struct ipvs_engine *engine, const struct lyd_node *node,
                       const struct ipvs_service_id *id)
{
    struct error err = {0};
    struct ipvs_ids ids;
    bool found = false;
    if (strcmp(ipvs_desired_director(node), engine->name) != 0 || !ipvs_desired_enabled(node))
        return false;
    if (ipvs_ids_of(node, &ids, &err) == DONE)
        for (size_t i = 0; i < ids.count && !found; i++)
            found = ipvs_service_compare(&ids.list[i], id) == 0;
    ipvs_ids_clear(&ids);
    error_clear(&err);
    return found;
}

/* Whether any virtual server stands for a service by now. */
static bool is_configured(const struct ipvs_engine *engine, const struct ipvs_service_id *id)
{
    const struct snapshot *running = engine->directors->running;
    const struct unit *unit = schema_unit_find(engine->backend->schema, SERVERS);
    size_t count = 0, first = unit ? snapshot_range(running, unit, &count) : 0;
    for (size_t i = 0; i < count; i++)
        if (stands_for(engine, running->entries[first + i]->node, id))
            return true;
    return false;
}

/* Move those services of a virtual server that are suspects to the slice; free the others. */
static bool pick(struct ipvs_table *all, const struct suspect *suspects, size_t count,
                 struct slice *slice)
{
    bool complete = true;
    for (size_t i = 0; i < all->count; i++) {
        struct ipvs_service *service = &all->services[i], *kept;
        size_t s = 0;
        while (s < count && ipvs_service_compare(&suspects[s].id, &service->id) != 0)
            s++;
        if (s == count || !complete)
            continue;
        kept = ipvs_table_add(&slice->desired);
        complete = kept;
        if (!kept)
            continue;
        *kept = *service;
        service->destinations = service->sorry = NULL;
        slice->ids[slice->count++] = kept->id;
    }
    ipvs_table_clear(all);
    return complete;
}

/* Take suspects of one name into the slice, unless the configuration has changed for them. */
static bool take_suspects(struct ipvs_engine *engine, const struct suspect *suspects, size_t count,
                          struct slice *slice)
{
    struct ipvs_table all = {0};
    struct error err = {0};
    if (!suspects->name) {
        if (!is_configured(engine, &suspects->id))
            slice->ids[slice->count++] = suspects->id;
        return true;
    }
    const struct entry *entry = ipvs_steered_entry(engine->directors, suspects->name);
    if (!entry || strcmp(ipvs_desired_director(entry->node), engine->name) != 0)
        return true;
    enum outcome outcome = ipvs_desired(entry, &all, &err);
    error_clear(&err);
    return pick(&all, suspects, count, slice) && outcome != FAILED;
}

/* How many suspects from one on are services of the same virtual server. */
static size_t same_name(const struct suspect *suspects, size_t count)
{
    size_t same = 1;
    while (suspects->name && same < count && suspects[same].name &&
           strcmp(suspects[same].name, suspects->name) == 0)
        same++;
    return same;
}

static int plan_slice(struct ipvs_drift *drift, struct slice *slice)
{
    struct ipvs_engine *engine = drift->engine;
    size_t end = drift->count - drift->next < SLICE ? drift->count : drift->next + SLICE;
    while (drift->next < end) {
        const struct suspect *suspects = &drift->suspects[drift->next];
        size_t count = same_name(suspects, end - drift->next);
        if (!take_suspects(engine, suspects, count, slice))
            return ENOMEM;
        drift->next += count;
    }
    int error = ipvs_engine_read(engine, slice->ids, slice->count, &slice->held);
    if (error)
        return error;
    return ipvs_steer(engine->backend->agent, &slice->desired, &slice->held) &&
                   ipvs_plan(&slice->desired, &slice->held, &slice->operations)
               ? 0
               : ENOMEM;
}

static void free_slice(struct slice *slice)
{
    ipvs_operations_clear(&slice->operations);
    ipvs_table_clear(&slice->held);
    ipvs_table_clear(&slice->desired);
}

/* A service that is missing is one difference, whatever real servers it would have. */
static bool is_told_already(const struct ipvs_operation *operation)
{
    return ipvs_on_destination(operation) && !operation->old_service;
}

/* Count one difference, and note its text. */
static void count(struct ipvs_drift *drift, bool foreign, const char *text, bool repaired)
{
    size_t number = drift->found[foreign]++;
    char *all = drift->text[foreign];
    size_t length = strlen(all);
    if (!repaired)
        drift->left[foreign]++;
    if (number >= TOLD_IN_LOG)
        return;
    log_warning(AREA_IPVS, "drift on director %s: %s%s", drift->engine->name, text,
                repaired ? " (repaired)" : "");
    if (number < TOLD_IN_ALARM)
        snprintf(all + length, ALARM_SIZE - length, "%s%s", number ? "; " : "", text);
}

static void tell(struct ipvs_drift *drift, const struct ipvs_operation *operation)
{
    char text[IPVS_DIFFERENCE_SIZE];
    ipvs_difference_text(operation, text);
    count(drift, !operation->service, text, operation->result == 0);
}

static void tell_setting(void *arg, const char *difference, bool repaired)
{
    count(arg, false, difference, repaired);
}

static int look_again(struct ipvs_drift *drift)
{
    struct ipvs_engine *engine = drift->engine;
    struct slice slice = {0};
    int error = plan_slice(drift, &slice);
    if (!error && slice.operations.count && policy_of(engine).repair) {
        ipvs_engine_run(engine, &slice.operations, true);
        engine->generation++;
    }
    for (size_t i = 0; i < slice.operations.count && !error; i++)
        if (!is_told_already(&slice.operations.list[i]))
            tell(drift, &slice.operations.list[i]);
    free_slice(&slice);
    return error;
}

/* -- Its end ---------------------------------------------------------------------------------- */

static void set_alarm(struct ipvs_drift *drift, bool foreign, bool repair)
{
    struct agent *agent = drift->engine->backend->agent;
    size_t found = drift->found[foreign], left = drift->left[foreign];
    char resource[160];
    snprintf(resource, sizeof resource, "/noria-director:directors/director[name='%s']",
             drift->engine->name);
    const struct alarm_id id = {.resource = resource,
                                .type = foreign ? "foreign-service" : "drift"};
    if (found) {
        const char *advice =
            !left    ? "The agent has repaired this. Find who changes the table beside it."
            : repair ? "The kernel does not take the repair: see the log."
                     : "Nothing was repaired, as the director's reconciliation mode is report.";
        char more[48] = "";
        if (found > TOLD_IN_ALARM)
            snprintf(more, sizeof more, "; and %zu more", found - TOLD_IN_ALARM);
        alarm_raise(agent, &id, ALARM_WARNING, "%zu differences: %s%s. %s", found,
                    drift->text[foreign], more, advice);
    }
    if (!left)
        alarm_clear(agent, &id, found ? "It is repaired." : "The table is as configured.");
}

static void set_counts(struct ipvs_drift *drift)
{
    struct ipvs_drift_counts *counts = &drift->engine->drift_counts;
    size_t found = drift->found[0] + drift->found[1], left = drift->left[0] + drift->left[1];
    uv_mutex_lock(&drift->engine->lock);
    counts->last = clock_now();
    counts->comparisons++;
    counts->drifts += found;
    counts->repairs += found - left;
    counts->differences = (uint32_t)left;
    uv_mutex_unlock(&drift->engine->lock);
}

static void on_timer(uv_timer_t *timer);

static void arm(struct ipvs_drift *drift, uint64_t milliseconds)
{
    if (!drift->ended && (drift->interval || drift->due || drift->busy))
        uv_timer_start(&drift->timer, on_timer, milliseconds, 0);
}

static void end_comparison(struct ipvs_drift *drift, int error)
{
    struct ipvs_engine *engine = drift->engine;
    if (error)
        log_warning(AREA_IPVS, "director %s could not be compared with its configuration: %s",
                    engine->name, ipvs_explain_down(error));
    if (!error && !drift->ended) {
        bool repair = policy_of(engine).repair;
        set_counts(drift);
        set_alarm(drift, false, repair);
        set_alarm(drift, true, repair);
    }
    clear_job(drift);
    drift->busy = false;
    arm(drift, drift->due ? BUSY_MS : drift->interval);
}

/* One turn of the loop: a slice of the suspects, then, for the rest, another turn. */
static void take_turn(struct ipvs_drift *drift)
{
    int error = 0;
    if (!drift->engine->sock)
        error = ENOTCONN;
    else if (drift->next < drift->count)
        error = look_again(drift);
    if (error && error != ENOTCONN && error != ENOMEM)
        ipvs_engine_lost(drift->engine, error);
    if (!error && drift->next == drift->count)
        ipvs_tuning_compare(drift->engine, policy_of(drift->engine).repair, tell_setting, drift);
    if (error || drift->next == drift->count)
        end_comparison(drift, error);
    else
        arm(drift, 0);
}

/* Free what was ended, once nothing of it is under way. */
static void free_ended(struct ipvs_drift *drift)
{
    if (!drift->closed || drift->reading)
        return;
    clear_job(drift);
    uv_sem_destroy(&drift->read);
    ipvs_engine_unref(drift->engine);
    free(drift);
}

static void on_compared(uv_work_t *work, int status)
{
    struct ipvs_drift *drift = work->data;
    drift->reading = false;
    if (drift->ended) {
        free_ended(drift);
        return;
    }
    drift->engine->directors->comparing = false;
    uv_sem_wait(&drift->read);
    /* The family is gone, or another, after its module was loaded again. */
    if (drift->error == ENOENT && drift->engine->sock)
        ipvs_engine_lost(drift->engine, drift->error);
    if (status || drift->error)
        end_comparison(drift, drift->error ? drift->error : ECANCELED);
    else
        take_turn(drift);
}

static void begin_comparison(struct ipvs_drift *drift)
{
    struct ipvs_engine *engine = drift->engine;
    struct ipvs_directors *directors = engine->directors;
    /* One at a time: helper threads also write the journal. */
    if (!engine->sock || directors->comparing) {
        arm(drift, engine->sock ? BUSY_MS : drift->interval ? drift->interval : AWAY_MS);
        return;
    }
    drift->due = false;
    drift->running = snapshot_ref(directors->running);
    drift->exclusive = policy_of(engine).exclusive;
    drift->work.data = drift;
    drift->busy = drift->reading = directors->comparing =
        uv_queue_work(engine->backend->loop, &drift->work, compare, on_compared) == 0;
    if (!drift->busy) {
        clear_job(drift);
        arm(drift, drift->interval);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct ipvs_drift *drift = timer->data;
    if (drift->busy)
        take_turn(drift);
    else
        begin_comparison(drift);
}

/* -- Begin and end ---------------------------------------------------------------------------- */

void ipvs_drift_schedule(struct ipvs_drift *drift)
{
    const struct ipvs_policy policy = policy_of(drift->engine);
    bool news = policy.exclusive && !drift->claimed;
    drift->claimed = policy.exclusive;
    drift->due = drift->due || news;
    if (policy.reconcile_interval == drift->interval && !news)
        return;
    drift->interval = policy.reconcile_interval;
    if (drift->busy)
        return; /* its end arms the timer */
    uv_timer_stop(&drift->timer);
    arm(drift, drift->due ? BUSY_MS : drift->interval);
}

void ipvs_drift_soon(struct ipvs_drift *drift)
{
    drift->due = true;
    if (drift->busy)
        return; /* its end arms the timer */
    uv_timer_stop(&drift->timer);
    arm(drift, SOON_MS);
}

struct ipvs_drift *ipvs_drift_begin(struct ipvs_engine *engine)
{
    struct ipvs_drift *drift = calloc(1, sizeof *drift);
    if (!drift || uv_sem_init(&drift->read, 0) != 0) {
        free(drift);
        return NULL;
    }
    uv_timer_init(engine->backend->loop, &drift->timer);
    drift->timer.data = drift;
    drift->engine = ipvs_engine_ref(engine);
    ipvs_drift_schedule(drift);
    return drift;
}

static void on_closed(uv_handle_t *handle)
{
    struct ipvs_drift *drift = handle->data;
    drift->closed = true;
    free_ended(drift);
}

void ipvs_drift_wait(struct ipvs_drift *drift)
{
    if (!drift || !drift->reading)
        return;
    uv_sem_wait(&drift->read);
    uv_sem_post(&drift->read);
}

void ipvs_drift_end(struct ipvs_drift *drift)
{
    if (!drift)
        return;
    drift->ended = true;
    if (drift->reading)
        drift->engine->directors->comparing = false;
    uv_close((uv_handle_t *)&drift->timer, on_closed);
}
