#include "backends/health/announcements.h"

#include <stdlib.h>
#include <string.h>

#include "agent/log.h"
#include "backends/health/fifo.h"

/* How long is told in one go, and the pause behind it. */
#define SLICE (2 * HEALTH_MS)
#define PAUSE_MS 2

/* The verdict on a real server, or, without one, the quorum of a service. */
struct announcement {
    struct announcement *next, **at;      /* of all, in their order */
    struct announcement *next_of_service; /* of service->untold, in theirs */
    struct health_service *service;
    const struct health_server *server;
    struct health_occasion occasion;
    struct probe_result result; /* of the occasion; its error is owned */
    struct health_quorum quorum;
};

struct announcements {
    struct announcement *first, **last;
    uv_idle_t turn; /* until the loop has turned once, to those who steer */
    uv_timer_t pause;
    bool turned;
    unsigned handles;
};

static void tell(const struct announcement *it)
{
    if (it->server) {
        notice_server(it->server, &it->occasion);
        fifo_server(it->server, &it->occasion);
        hook_server(it->server, &it->occasion);
    } else {
        notice_quorum(it->service, &it->quorum);
        fifo_quorum(it->service, &it->quorum);
        hook_quorum(it->service, &it->quorum);
    }
}

/* Tell the first one of a service, and free it. */
static void tell_first_of(struct announcements *announcements, struct health_service *service)
{
    struct announcement *it = service->untold;
    service->untold = it->next_of_service;
    *it->at = it->next;
    if (it->next)
        it->next->at = it->at;
    else
        announcements->last = it->at;
    tell(it);
    free((char *)it->result.error);
    free(it);
}

/* The first of all is the first of its service, too. */
static void tell_first(struct announcements *announcements)
{
    tell_first_of(announcements, announcements->first->service);
}

static void tell_slice(uv_timer_t *pause)
{
    struct announcements *announcements = pause->data;
    uint64_t end = uv_hrtime() + SLICE;
    log_hold();
    while (announcements->first && uv_hrtime() < end)
        tell_first(announcements);
    log_release();
    uv_update_time(pause->loop);
    if (announcements->first)
        uv_timer_start(pause, tell_slice, PAUSE_MS, 0);
}

static void on_turn(uv_idle_t *turn)
{
    struct announcements *announcements = turn->data;
    if (!announcements->turned) {
        announcements->turned = true;
        return;
    }
    uv_idle_stop(turn);
    tell_slice(&announcements->pause);
}

/* Without memory it is told at once. */
static void announce(const struct announcement *what)
{
    struct announcements *announcements = what->service->engine->announcements;
    struct announcement *it = malloc(sizeof(*it));
    if (!it) {
        tell(what);
        return;
    }
    *it = *what;
    if (what->occasion.result) {
        it->result = *what->occasion.result;
        it->result.error = it->result.error ? strdup(it->result.error) : NULL;
        it->occasion.result = &it->result;
    }
    if (!announcements->first && !uv_is_active((uv_handle_t *)&announcements->pause)) {
        announcements->turned = false;
        uv_idle_start(&announcements->turn, on_turn);
    }
    it->next = it->next_of_service = NULL;
    it->at = announcements->last;
    *it->at = it;
    announcements->last = &it->next;
    if (it->service->untold)
        it->service->last_untold->next_of_service = it;
    else
        it->service->untold = it;
    it->service->last_untold = it;
}

void announce_server(const struct health_server *server, const struct health_occasion *occasion)
{
    announce(&(struct announcement){
        .service = server->service, .server = server, .occasion = *occasion});
}

void announce_quorum(struct health_service *service)
{
    announce(&(struct announcement){
        .service = service, .quorum = {.lost = service->lost, .weight_up = service->weight_up}});
}

void announce_now(struct health_service *service)
{
    while (service->untold)
        tell_first_of(service->engine->announcements, service);
}

struct announcements *announcements_new(uv_loop_t *loop)
{
    struct announcements *announcements = calloc(1, sizeof(*announcements));
    if (!announcements)
        return NULL;
    announcements->last = &announcements->first;
    announcements->handles = 2;
    uv_idle_init(loop, &announcements->turn);
    uv_timer_init(loop, &announcements->pause);
    announcements->turn.data = announcements->pause.data = announcements;
    return announcements;
}

static void closed(uv_handle_t *handle)
{
    struct announcements *announcements = handle->data;
    if (!--announcements->handles)
        free(announcements);
}

void announcements_free(struct announcements *announcements)
{
    if (!announcements)
        return;
    while (announcements->first)
        tell_first(announcements);
    uv_close((uv_handle_t *)&announcements->turn, closed);
    uv_close((uv_handle_t *)&announcements->pause, closed);
}
