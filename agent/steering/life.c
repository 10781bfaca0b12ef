/*
 * The start of steering, and its end.
 */
#include <stdlib.h>
#include <unistd.h>

#include "agent/log.h"
#include "agent/steering/internal.h"
#include "agent/transaction/transaction.h"

static void close_all(struct steering *steering, uv_close_cb closed)
{
    uv_close((uv_handle_t *)&steering->turn, closed);
    uv_close((uv_handle_t *)&steering->verdict_due, closed);
    uv_close((uv_handle_t *)&steering->order_due, closed);
}

static void closed(uv_handle_t *handle)
{
    struct steering *steering = handle->data;
    if (--steering->handles)
        return;
    steering_table_clear(&steering->table);
    standing_clear(&steering->standing);
    uv_mutex_destroy(&steering->lock);
    if (steering->folder >= 0)
        close(steering->folder);
    free(steering);
}

static void on_turn(uv_idle_t *turn)
{
    struct steering *steering = turn->data;
    uv_idle_stop(turn);
    steering_tell(steering);
    steering_store_now(steering, false);
}

enum outcome steering_start(struct agent *agent, struct error *err)
{
    struct steering *steering = calloc(1, sizeof(*steering));
    if (!steering || uv_mutex_init(&steering->lock)) {
        free(steering);
        return fail_memory(err);
    }
    steering->agent = agent;
    steering->folder = -1;
    steering->on_turn = on_turn;
    steering->handles = 3;
    uv_idle_init(&agent->loop, &steering->turn);
    uv_timer_init(&agent->loop, &steering->verdict_due);
    uv_timer_init(&agent->loop, &steering->order_due);
    steering->turn.data = steering->verdict_due.data = steering->order_due.data = steering;
    agent->steering = steering;
    if (steering_load(steering, err) != DONE)
        return FAILED;
    steering_forget(steering, NULL);
    steering_maintain_all(steering);
    steering_orders_begin(steering);
    transactions_follow(agent->transactions, steering_transaction_ended);
    if (steering->table.record_count)
        log_info(AREA_STEERING, "something is known of %zu real servers",
                 steering->table.record_count);
    return DONE;
}

void steering_stop(struct agent *agent)
{
    struct steering *steering = agent->steering;
    if (!steering)
        return;
    steering->stopping = true;
    steering_store_last(steering);
    transactions_follow(agent->transactions, NULL);
    agent->steering = NULL;
    close_all(steering, closed);
}
