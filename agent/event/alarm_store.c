/*
 * The alarms' file: written some time after a change, on a helper thread, and at the end.
 *
 * Alarms are no transactions: what changed in the last seconds may be lost when the power goes, and
 * whoever raised an alarm raises it again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/datastore/file.h"
#include "agent/event/alarm_internal.h"
#include "agent/log.h"

#define STORE_MS 2000
#define FILE_MAX ((size_t)256 << 20)

/* Reading. */

static struct lyd_node *parse(struct alarms *alarms, const char *data)
{
    struct lyd_node *tree = NULL;
    if (lyd_parse_data_mem(alarms->agent->schema->ctx, data, LYD_XML, LYD_PARSE_ONLY, 0, &tree))
        log_error(AREA_EVENT, "the stored alarms cannot be read: the list begins anew");
    return tree;
}

static void take_over(struct alarms *alarms, const struct lyd_node *top)
{
    const struct lyd_node *list, *node;
    LY_LIST_FOR(lyd_child(top), list)
    {
        LY_LIST_FOR(lyd_child(list), node)
        {
            struct alarm *alarm =
                node->schema && node->schema->nodetype == LYS_LIST ? alarm_tree_read(node) : NULL;
            if (!alarm)
                continue;
            if (alarm_last(alarm)->time > alarms->last_changed)
                alarms->last_changed = alarm_last(alarm)->time;
            alarm->recalled = true;
            alarm_list_put(&alarms->list, alarm);
        }
    }
}

static int open_folder(const struct alarms *alarms)
{
    return open(alarms->agent->options.state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void load(struct alarms *alarms)
{
    char *data = NULL;
    size_t size;
    int folder = open_folder(alarms);
    int fd = folder >= 0 ? openat(folder, ALARM_FILE, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0 && file_read(fd, FILE_MAX, &data, &size)) {
        struct lyd_node *tree = parse(alarms, data);
        take_over(alarms, tree);
        lyd_free_all(tree);
    } else if (fd >= 0 || errno != ENOENT) {
        log_error(AREA_EVENT, "the stored alarms cannot be read: %s", strerror(errno));
    }
    free(data);
    if (fd >= 0)
        close(fd);
    if (folder >= 0)
        close(folder);
}

/* Writing. */

/*
 * Through a stream, whose memory grows by doubling: lyd_print_mem() asks for more with each word,
 * and where that means to copy, 10,000 alarms take minutes.
 */
static char *text_of(const struct lyd_node *top)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    bool printed = stream && !lyd_print_file(stream, top, LYD_XML, LYD_PRINT_SHRINK);
    if (stream && fclose(stream))
        printed = false;
    if (printed)
        return text;
    free(text);
    return NULL;
}

static char *print(struct alarms *alarms)
{
    struct error error = {0};
    struct lyd_node *top = NULL;
    char *text = NULL;
    size_t count;
    int64_t last;
    struct alarm **taken = alarms_take(alarms, &count, &last);
    if (!taken ||
        lyd_new_path(NULL, alarms->agent->schema->ctx, "/ietf-alarms:alarms", NULL, 0, &top))
        fail_memory(&error);
    else if (alarm_tree_add_list(top, taken, count, last, &error) == DONE && !(text = text_of(top)))
        fail_memory(&error);
    if (error.outcome != DONE)
        log_error(AREA_EVENT, "the alarms cannot be stored: %s", error_message(&error));
    error_clear(&error);
    lyd_free_all(top);
    if (taken)
        alarms_give_back(taken, count);
    return text;
}

/* Helper thread, or the core's at the end. */
static void store(struct alarms *alarms)
{
    atomic_store(&alarms->posted, false);
    uv_mutex_lock(&alarms->lock);
    alarms->changed = false;
    uv_mutex_unlock(&alarms->lock);
    char *text = print(alarms);
    int folder = text ? open_folder(alarms) : -1;
    if (text &&
        (folder < 0 || !file_replace(folder, ALARM_FILE, ALARM_FILE ".new", text, strlen(text))))
        log_error(AREA_EVENT, "the alarms cannot be stored: %s", strerror(errno));
    if (folder >= 0)
        close(folder);
    free(text);
}

static bool is_changed(struct alarms *alarms)
{
    uv_mutex_lock(&alarms->lock);
    bool changed = alarms->changed;
    uv_mutex_unlock(&alarms->lock);
    return changed;
}

static void alarms_free(struct alarms *alarms)
{
    if (is_changed(alarms))
        store(alarms);
    alarm_list_clear(&alarms->list);
    uv_mutex_destroy(&alarms->lock);
    free(alarms);
}

static void on_closed(uv_handle_t *handle)
{
    alarms_free(handle->data);
}

static void arm(void *arg);

static void store_work(uv_work_t *work)
{
    store(work->data);
}

static void store_done(uv_work_t *work, int status)
{
    struct alarms *alarms = work->data;
    alarms->storing = false;
    if (alarms->stopping)
        uv_close((uv_handle_t *)&alarms->store_due, on_closed);
    else if (is_changed(alarms))
        arm(alarms);
}

static void on_due(uv_timer_t *timer)
{
    struct alarms *alarms = timer->data;
    alarms->storing = true;
    alarms->store_work.data = alarms;
    uv_queue_work(&alarms->agent->loop, &alarms->store_work, store_work, store_done);
}

/* Core thread. */
static void arm(void *arg)
{
    struct alarms *alarms = arg;
    if (alarms->storing || alarms->stopping || uv_is_active((uv_handle_t *)&alarms->store_due))
        return;
    uv_update_time(&alarms->agent->loop);
    uv_timer_start(&alarms->store_due, on_due, STORE_MS, 0);
}

void alarm_store_later(struct alarms *alarms)
{
    if (!atomic_exchange(&alarms->posted, true))
        agent_post(alarms->agent, arm, alarms);
}

void alarm_store_open(struct alarms *alarms)
{
    uv_timer_init(&alarms->agent->loop, &alarms->store_due);
    alarms->store_due.data = alarms;
    load(alarms);
}

void alarm_store_close(struct alarms *alarms)
{
    alarms->stopping = true;
    if (!alarms->storing)
        uv_close((uv_handle_t *)&alarms->store_due, on_closed);
}
