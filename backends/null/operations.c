/*
 * The operations of the null backend.
 */
#include "backends/null/operations.h"

#include <stdlib.h>
#include <string.h>

/* A call that ends later. */
struct null_call {
    uv_timer_t timer;
    struct null_backend *null;
    struct backend_call *call;
    struct null_call *next;
};

static bool put(struct lyd_node *parent, const char *name, const char *value)
{
    return !lyd_new_term(parent, NULL, name, value, 1, NULL);
}

/* The value that is held of the item that an action was asked of. */
static bool put_held(struct null_backend *null, struct backend_call *call)
{
    char *key = lyd_parent(call->request) ? entry_key_of(lyd_parent(call->request)) : NULL;
    bool well = true;
    uv_mutex_lock(&null->lock);
    for (const struct held *item = null->items; key && item; item = item->next)
        if (!strcmp(item->key, key))
            well = put(call->reply, "held", item->value);
    uv_mutex_unlock(&null->lock);
    free(key);
    return well;
}

static enum outcome perform(struct backend_call *call)
{
    const char *outcome = leaf_value(call->request, "outcome");
    if (!strcmp(outcome, "refuse"))
        return refuse(&call->error, TAG_IN_USE, NULL, "The null backend was told to refuse.");
    if (!strcmp(outcome, "fail"))
        return fail(&call->error, TAG_OPERATION_FAILED, NULL, "The null backend was told to fail.");
    bool spoil = !strcmp(leaf_value(call->request, "spoil"), "true");
    if ((!spoil && !put(call->reply, "said", leaf_value(call->request, "say"))) ||
        !put_held(call->backend->data, call))
        return fail_memory(&call->error);
    return DONE;
}

static void free_call(uv_handle_t *timer)
{
    free(timer->data);
}

static void dawdled(uv_timer_t *timer)
{
    struct null_call *late = timer->data, **at = &late->null->calls;
    while (*at != late)
        at = &(*at)->next;
    *at = late->next;
    call_done(late->call, perform(late->call));
    uv_close((uv_handle_t *)timer, free_call);
}

static void run_perform(struct backend *backend, struct backend_call *call)
{
    struct null_backend *null = backend->data;
    uint64_t delay = strtoull(leaf_value(call->request, "delay"), NULL, 10);
    struct null_call *late = delay ? calloc(1, sizeof(*late)) : NULL;
    if (!late) {
        call_done(call, perform(call));
        return;
    }
    *late = (struct null_call){.null = null, .call = call, .next = null->calls};
    null->calls = late;
    uv_timer_init(backend->loop, &late->timer);
    late->timer.data = late;
    uv_timer_start(&late->timer, dawdled, delay, 0);
}

void null_operations_stop(struct null_backend *null)
{
    while (null->calls) {
        struct null_call *late = null->calls;
        null->calls = late->next;
        fail(&late->call->error, TAG_OPERATION_FAILED, NULL, "The agent is ending.");
        call_done(late->call, FAILED);
        uv_close((uv_handle_t *)&late->timer, free_call);
    }
}

static void run_list_held(struct backend *backend, struct backend_call *call)
{
    struct null_backend *null = backend->data;
    bool well = true;
    uv_mutex_lock(&null->lock);
    for (const struct held *item = null->items; item && well; item = item->next) {
        struct lyd_node *node;
        well = !lyd_new_list(call->reply, NULL, "item", 1, &node) && put(node, "name", item->key) &&
               put(node, "value", item->value);
    }
    uv_mutex_unlock(&null->lock);
    call_done(call, well ? DONE : fail_memory(&call->error));
}

const struct backend_operation null_operations[] = {
    {.path = "/noria-null:perform", .run = run_perform},
    {.path = "/noria-null:list-held", .run = run_list_held, .reads = true},
    {.path = "/noria-null:null/item/perform", .run = run_perform},
    {.path = "/noria-null:judge", .run = null_judge},
    {.path = "/noria-null:sum", .run = null_sum, .reads = true},
    {0},
};
