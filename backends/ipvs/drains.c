#include "backends/ipvs/drains.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/array.h"
#include "agent/log.h"
#include "agent/steering/steering.h"
#include "backends/ipvs/desired.h"
#include "backends/ipvs/explain.h"
#include "backends/ipvs/group.h"
#include "backends/ipvs/steered.h"

#define COUNT_MS 1000

/*
 * The least time of a drain, in nanoseconds: a connection that was on its way when the weight
 * became 0 is established by then.
 */
#define LEAST_TIME UINT64_C(1000000000)

/* A real server that drains. */
struct draining {
    char *virtual_server; /* owned */
    struct steering_row row;
    uint64_t connections; /* in all services of its virtual server */
    int error;            /* of the reading */
};

/* Its part in one service of its virtual server, of which a group has many. */
struct counted {
    size_t draining;            /* whose it is */
    struct ipvs_engine *engine; /* one reference, or NULL: nobody serves it */
    struct ipvs_service_id service;
    struct ipvs_destination_id destination;
    uint64_t connections;
    int error; /* of the reading */
};

struct ipvs_drains {
    struct ipvs_directors *directors;
    struct steering_follower follower;
    uv_timer_t timer; /* runs while there are names */
    char **names;     /* of virtual servers of which some real server may drain; owned */
    size_t name_count, name_room;

    bool counting; /* the helper thread has what follows */
    uv_work_t work;
    struct counted *counted; /* by service; owned */
    size_t count, room;
    struct draining *draining; /* owned */
    size_t draining_count, draining_room;
};

/* -- Counting, on the helper thread ----------------------------------------------------------- */

/* With TCP and SCTP what is not established is at its end; others have no such state. */
static uint64_t connections_of(const struct ipvs_service_id *service,
                               const struct ipvs_destination *destination)
{
    bool stateful = service->protocol == IPPROTO_TCP || service->protocol == IPPROTO_SCTP;
    return destination->active + (stateful ? 0 : (uint64_t)destination->inactive);
}

/* Count those from the first on that are of one service. @return How many these are. */
static size_t count_service(struct ipvs_socket *sock, struct counted *first, size_t rest,
                            int *error)
{
    struct ipvs_service service = {.id = first->service};
    size_t count = 0;
    *error = ipvs_read_destinations(sock, &service);
    ipvs_service_sort(&service);
    while (count < rest && first[count].engine == first->engine &&
           !ipvs_service_compare(&first[count].service, &first->service)) {
        const struct ipvs_destination *found =
            ipvs_service_find(&service, &first[count].destination);
        first[count].connections = found ? connections_of(&service.id, found) : 0;
        count++;
    }
    free(service.destinations);
    return count;
}

/* Those from the first on that one director serves. @return How many these are. */
static size_t count_director(struct counted *first, size_t rest)
{
    struct ipvs_lease lease;
    size_t count = 0;
    int error = first->engine ? ipvs_pool_take(first->engine->pool, &lease) : ENOTCONN;
    bool leased = !error;
    while (count < rest && first[count].engine == first->engine && !error)
        count += count_service(lease.sock, &first[count], rest - count, &error);
    if (leased)
        ipvs_pool_give(first->engine->pool, &lease, error);
    if (!error)
        return count;
    for (count = 0; count < rest && first[count].engine == first->engine; count++)
        first[count].error = error;
    log_debug(AREA_IPVS, "connections of real servers that drain cannot be counted: %s",
              ipvs_explain_down(error));
    return count;
}

static void count_all(uv_work_t *work)
{
    struct ipvs_drains *drains = work->data;
    for (size_t i = 0; i < drains->count;)
        i += count_director(&drains->counted[i], drains->count - i);
}

/* -- Its outcome ------------------------------------------------------------------------------ */

static void judge(struct ipvs_drains *drains, const struct draining *draining)
{
    struct agent *agent = drains->directors->backend->agent;
    const struct steering_order *order = &draining->row.server.order;
    struct steering_key key = {.virtual_server = draining->virtual_server,
                               .address = draining->row.address,
                               .port = draining->row.port};
    struct steering_server now;
    uint64_t time = uv_hrtime();
    steering_read(agent, &key, &now);
    if (!steering_drains(&now.order) || now.order.since != order->since)
        return; /* another order came meanwhile */
    if (!draining->error)
        steering_set_connections(agent, &key, draining->connections);
    if (!draining->error && !draining->connections && time - order->begun >= LEAST_TIME)
        steering_end_drain(agent, &key, false);
    else if (order->due && time >= order->due)
        steering_end_drain(agent, &key, true);
}

static void counted_all(uv_work_t *work, int status)
{
    struct ipvs_drains *drains = work->data;
    drains->counting = false;
    for (size_t i = 0; i < drains->count; i++) {
        struct draining *draining = &drains->draining[drains->counted[i].draining];
        draining->connections += drains->counted[i].connections;
        draining->error = draining->error ? draining->error : drains->counted[i].error;
        ipvs_engine_unref(drains->counted[i].engine);
    }
    drains->count = 0;
    for (size_t i = 0; i < drains->draining_count; i++) {
        judge(drains, &drains->draining[i]);
        free(drains->draining[i].virtual_server);
    }
    drains->draining_count = 0;
}

/* -- What is to be counted -------------------------------------------------------------------- */

/* Those from the first on that drain, in one service. @return Whether there was memory. */
static bool add_service(struct ipvs_drains *drains, size_t first, struct ipvs_engine *engine,
                        const struct ipvs_service_id *service)
{
    for (size_t i = first; i < drains->draining_count; i++) {
        const struct steering_row *row = &drains->draining[i].row;
        if (!array_grow(&drains->counted, drains->count, &drains->room, sizeof *drains->counted))
            return false;
        struct counted *counted = &drains->counted[drains->count];
        *counted = (struct counted){.draining = i, .service = *service};
        if (!ipvs_destination_id_parse(row->address, row->port, service, &counted->destination))
            continue;
        if (engine && engine->sock)
            counted->engine = ipvs_engine_ref(engine);
        drains->count++;
    }
    return true;
}

/* Those from the first on that drain, in all services of their virtual server. */
static void add_services(struct ipvs_drains *drains, size_t first, const struct lyd_node *node)
{
    struct ipvs_engine *engine =
        ipvs_directors_find(drains->directors, ipvs_desired_director(node));
    struct ipvs_ids ids;
    struct error err = {0};
    bool complete = ipvs_ids_of(node, &ids, &err) == DONE;
    for (size_t i = 0; i < ids.count && complete; i++)
        complete = add_service(drains, first, engine, &ids.list[i]);
    for (size_t i = first; i < drains->draining_count && !complete; i++)
        drains->draining[i].error = ENOMEM;
    ipvs_ids_clear(&ids);
    error_clear(&err);
}

/* Add the real servers of a virtual server that drain. @return Whether there are any. */
static bool add_name(struct ipvs_drains *drains, const char *name)
{
    const struct entry *entry = ipvs_steered_entry(drains->directors, name);
    size_t first = drains->draining_count;
    struct steering_row *rows;
    size_t count = steering_orders(drains->directors->backend->agent, name, &rows);
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        if (!steering_drains(&rows[i].server.order))
            continue;
        any = true;
        char *copy = strdup(name);
        if (copy && array_grow(&drains->draining, drains->draining_count, &drains->draining_room,
                               sizeof *drains->draining))
            drains->draining[drains->draining_count++] =
                (struct draining){.virtual_server = copy, .row = rows[i]};
        else
            free(copy);
    }
    free(rows);
    if (entry && any)
        add_services(drains, first, entry->node);
    return any;
}

static void on_time(uv_timer_t *timer)
{
    struct ipvs_drains *drains = timer->data;
    size_t kept = 0;
    if (drains->counting)
        return; /* the kernel is slow: the next second will do */
    for (size_t i = 0; i < drains->name_count; i++) {
        if (add_name(drains, drains->names[i]))
            drains->names[kept++] = drains->names[i];
        else
            free(drains->names[i]);
    }
    drains->name_count = kept;
    if (!kept)
        uv_timer_stop(timer);
    if (!drains->draining_count)
        return;
    drains->counting = true;
    drains->work.data = drains;
    uv_queue_work(drains->directors->backend->loop, &drains->work, count_all, counted_all);
}

/* -- Following -------------------------------------------------------------------------------- */

static int order_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Have each name once; many may have come. */
static void drop_doubles(struct ipvs_drains *drains)
{
    size_t kept = 0;
    qsort(drains->names, drains->name_count, sizeof *drains->names, order_names);
    for (size_t i = 0; i < drains->name_count; i++) {
        if (kept && !strcmp(drains->names[kept - 1], drains->names[i]))
            free(drains->names[i]);
        else
            drains->names[kept++] = drains->names[i];
    }
    drains->name_count = kept;
}

static bool has_drain(const struct ipvs_drains *drains, const char *name)
{
    struct steering_row *rows;
    size_t count = steering_orders(drains->directors->backend->agent, name, &rows);
    bool any = false;
    for (size_t i = 0; i < count; i++)
        any = any || steering_drains(&rows[i].server.order);
    free(rows);
    return any;
}

static void on_changed(void *arg, const char *const *names, size_t count)
{
    struct ipvs_drains *drains = arg;
    for (size_t i = 0; i < count; i++) {
        if (!has_drain(drains, names[i]))
            continue;
        char *copy = strdup(names[i]);
        if (copy && array_grow(&drains->names, drains->name_count, &drains->name_room,
                               sizeof *drains->names))
            drains->names[drains->name_count++] = copy;
        else
            free(copy);
    }
    if (drains->name_count)
        drop_doubles(drains);
    if (drains->name_count && !uv_is_active((uv_handle_t *)&drains->timer))
        uv_timer_start(&drains->timer, on_time, COUNT_MS, COUNT_MS);
}

static void resume(struct ipvs_drains *drains, enum steering_order_kind kind)
{
    char **names;
    size_t count = steering_ordered(drains->directors->backend->agent, kind, &names);
    on_changed(drains, (const char *const *)names, count);
    steering_names_free(names, count);
}

struct ipvs_drains *ipvs_drains_begin(struct ipvs_directors *directors)
{
    struct ipvs_drains *drains = calloc(1, sizeof *drains);
    if (!drains)
        return NULL;
    drains->directors = directors;
    drains->follower = (struct steering_follower){.changed = on_changed, .arg = drains};
    uv_timer_init(directors->backend->loop, &drains->timer);
    drains->timer.data = drains;
    steering_follow(directors->backend->agent, &drains->follower);
    resume(drains, STEERING_ORDER_DRAIN);
    resume(drains, STEERING_ORDER_LEAVE);
    return drains;
}

static void on_closed(uv_handle_t *timer)
{
    struct ipvs_drains *drains = timer->data;
    for (size_t i = 0; i < drains->name_count; i++)
        free(drains->names[i]);
    free(drains->names);
    free(drains->counted);
    free(drains->draining);
    free(drains);
}

void ipvs_drains_end(struct ipvs_drains *drains)
{
    if (!drains)
        return;
    steering_unfollow(drains->directors->backend->agent, &drains->follower);
    uv_timer_stop(&drains->timer);
    while (drains->counting)
        uv_run(drains->directors->backend->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&drains->timer, on_closed);
}
