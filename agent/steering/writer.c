/*
 * Steering's files, written on a helper thread.
 *
 * One write at a time, with all orders that came meanwhile in the next one, so that many orders
 * cost two writes and not many.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/datastore/file.h"
#include "agent/log.h"
#include "agent/steering/internal.h"

#define FILE_MAX ((size_t)1 << 30)

/* Reading. */

static void load_file(struct steering *steering, const char *name)
{
    struct error error = {0};
    char *data = NULL;
    size_t size;
    int fd = openat(steering->folder, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return;
    if (fd < 0 || !file_read(fd, FILE_MAX, &data, &size))
        fail(&error, TAG_OPERATION_FAILED, NULL, "%s", strerror(errno));
    else
        steering_read_file(&steering->table, data, size, &error);
    if (error.outcome != DONE)
        log_error(AREA_STEERING, "%s/%s cannot be used as it is: %s Look at the real servers' %s.",
                  steering->agent->options.state_dir, name, error_message(&error), name);
    error_clear(&error);
    free(data);
    if (fd >= 0)
        close(fd);
}

enum outcome steering_load(struct steering *steering, struct error *err)
{
    const char *folder = steering->agent->options.state_dir;
    steering->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (steering->folder < 0)
        return fail(err, TAG_OPERATION_FAILED, NULL, "Cannot open the state folder %s: %s.", folder,
                    strerror(errno));
    load_file(steering, STEERING_ORDERS);
    load_file(steering, STEERING_VERDICTS);
    return DONE;
}

/* Those who wait. */

static void waiter_free(struct steering_waiter *waiter)
{
    free(waiter->virtual_server);
    free(waiter->address);
    free(waiter);
}

struct steering_waiter *
steering_wait(struct steering *steering, const struct steering_key *key,
              const struct steering_order *before, const struct steering_order *after,
              void (*done)(void *arg, enum outcome outcome, struct error *err), void *arg)
{
    struct steering_waiter *waiter = calloc(1, sizeof(*waiter));
    if (!waiter)
        return NULL;
    *waiter = (struct steering_waiter){
        .port = key->port, .before = *before, .after = *after, .done = done, .arg = arg};
    waiter->virtual_server = strdup(key->virtual_server);
    waiter->address = strdup(key->address);
    if (!waiter->virtual_server || !waiter->address) {
        waiter_free(waiter);
        return NULL;
    }
    if (!steering->waiters.first)
        steering->waiters.last = &steering->waiters.first;
    *steering->waiters.last = waiter;
    steering->waiters.last = &waiter->next;
    return waiter;
}

/* An order that could not be stored is taken back, if it has not been changed again since. */
static void take_back(struct steering *steering, const struct steering_waiter *waiter)
{
    struct steering_key key = {
        .virtual_server = waiter->virtual_server, .address = waiter->address, .port = waiter->port};
    struct steering_server now;
    steering_read(steering->agent, &key, &now);
    if (now.order.kind == waiter->after.kind && now.order.since == waiter->after.since)
        steering_put_order(steering, &key, &waiter->before);
}

static void tell_waiters(struct steering *steering, struct steering_write *write)
{
    struct steering_waiter *waiter = write->waiters.first, *next;
    write->waiters.first = NULL;
    for (; waiter; waiter = next) {
        struct error error = {0};
        enum outcome outcome = waiter->failed ? fail_memory(&error) : write->orders_outcome;
        next = waiter->next;
        if (outcome != DONE) {
            take_back(steering, waiter);
            fail(&error, write->error.tag, NULL, "%s", error_message(&write->error));
        }
        if (waiter->done)
            waiter->done(waiter->arg, outcome, &error);
        error_clear(&error);
        waiter_free(waiter);
    }
}

/* Writing. */

static void clear_write(struct steering_write *write)
{
    free(write->orders);
    free(write->verdicts);
    write->orders = write->verdicts = NULL;
    error_clear(&write->error);
    write->orders_outcome = write->verdicts_outcome = DONE;
}

/* Put down what is to be written. @return Whether that is anything. */
static bool begin_write(struct steering *steering, bool verdicts_too)
{
    struct steering_write *write = &steering->write;
    write->folder = steering->folder;
    if (steering->waiters.first || steering->orders_changed) {
        write->waiters = steering->waiters;
        steering->waiters.first = NULL;
        steering->orders_changed = false;
        write->orders_outcome = steering_write_orders(&steering->table, &write->orders,
                                                      &write->orders_size, &write->error);
    }
    if (verdicts_too && steering->verdicts_changed) {
        steering->verdicts_changed = false;
        write->verdicts_outcome = steering_write_verdicts(&steering->table, &write->verdicts,
                                                          &write->verdicts_size, NULL);
    }
    return write->waiters.first || write->orders || write->verdicts;
}

static void do_write(uv_work_t *work)
{
    struct steering_write *write = work->data;
    if (write->orders && !file_replace(write->folder, STEERING_ORDERS, STEERING_ORDERS ".new",
                                       write->orders, write->orders_size))
        write->orders_outcome =
            fail(&write->error, TAG_OPERATION_FAILED, NULL,
                 "The order cannot be stored, so it was not taken: %s.", strerror(errno));
    if (write->verdicts && !file_replace(write->folder, STEERING_VERDICTS, STEERING_VERDICTS ".new",
                                         write->verdicts, write->verdicts_size))
        write->verdicts_outcome = FAILED;
}

static void end_write(struct steering *steering)
{
    struct steering_write *write = &steering->write;
    write->running = false;
    if (write->orders_outcome != DONE)
        log_error(AREA_STEERING, "orders: %s", error_message(&write->error));
    if (write->verdicts_outcome != DONE)
        log_error(AREA_STEERING, "verdicts cannot be stored in %s",
                  steering->agent->options.state_dir);
    tell_waiters(steering, write);
    clear_write(write);
}

static void written(uv_work_t *work, int status)
{
    struct steering_write *write = work->data;
    struct steering *steering =
        (struct steering *)((char *)write - offsetof(struct steering, write));
    end_write(steering);
    if (!steering->stopping)
        steering_store_now(steering, false);
}

void steering_store_now(struct steering *steering, bool verdicts_too)
{
    struct steering_write *write = &steering->write;
    if (write->running || !begin_write(steering, verdicts_too))
        return;
    write->running = true;
    write->work.data = write;
    uv_queue_work(&steering->agent->loop, &write->work, do_write, written);
}

void steering_store_last(struct steering *steering)
{
    struct steering_write *write = &steering->write;
    while (write->running)
        uv_run(&steering->agent->loop, UV_RUN_ONCE);
    if (begin_write(steering, true)) {
        write->work.data = write;
        do_write(&write->work);
        end_write(steering);
    }
}
