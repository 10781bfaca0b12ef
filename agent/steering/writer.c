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

/* How long verdicts wait to be stored with others. */
#define VERDICTS_MS 3000

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
    steering_tell_waiters(steering, write);
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

static void on_verdicts_due(uv_timer_t *timer)
{
    struct steering *steering = timer->data;
    steering_store_now(steering, true);
    if (steering->verdicts_changed) /* a write was under way */
        uv_timer_start(timer, on_verdicts_due, VERDICTS_MS, 0);
}

void steering_store_verdicts_later(struct steering *steering)
{
    if (!steering->verdicts_changed && !steering->stopping)
        uv_timer_start(&steering->verdict_due, on_verdicts_due, VERDICTS_MS, 0);
    steering->verdicts_changed = true;
}
