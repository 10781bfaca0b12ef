/*
 * keepalived's account of itself: asked for after a take-over, and when somebody reads counters.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/datastore/file.h"
#include "agent/log.h"
#include "backends/vrrp/files.h"
#include "backends/vrrp/vrrp.h"

#define FILE_MAX ((size_t)16 << 20)

/* Counters that are read are no older. */
#define FRESH_NS (UINT64_C(5) * 1000000000)

/* So often one is asked for in any case: errors are to be told though nobody looks. */
#define DUE_MS 10000

/* So many in a row that do not come: keepalived hangs. */
#define UNANSWERED_MAX 3

/* An account that is no older was asked for because of a change that goes on. */
#define RECENT_NS (UINT64_C(2) * 1000000000)

/*
 * What was counted before. An account of just now may have been in the middle of what is to be
 * explained: then it is the one before it.
 */
static struct vrrp_counters before_of(struct vrrp_item *item)
{
    uint64_t now = uv_hrtime();
    if (now - item->counted_at > RECENT_NS)
        item->earlier = item->counters;
    item->counted_at = now;
    return item->earlier;
}

static void take(const struct vrrp_dumped *dumped, void *arg)
{
    struct vrrp *vrrp = arg;
    enum vrrp_state before;
    struct vrrp_item *known = vrrp_states_find(&vrrp->states, false, dumped->name, false);
    bool counted = known && known->counted;
    struct vrrp_counters counters = counted ? before_of(known) : (struct vrrp_counters){0};
    unsigned long long errors = counted ? known->counters.ttl_errors : 0;
    struct vrrp_item *item = vrrp_states_take_dumped(&vrrp->states, dumped, &before);
    if (item)
        vrrp_tell(vrrp, item, before);
    if (item && before == VRRP_BACKUP) /* it was faster than the FIFO */
        vrrp_masters_changed(vrrp, item);
    counters.ttl_errors = errors;
    vrrp_masters_counted(vrrp, dumped, counted ? &counters : NULL);
}

/* The state of a group is that of its members, of which the account has nothing. */
static void take_group(struct vrrp *vrrp, const struct lyd_node *group)
{
    struct vrrp_notice notice = {.group = true, .state = VRRP_INITIALIZE, .priority = -1};
    const struct lyd_node *child;
    enum vrrp_state before;
    LY_LIST_FOR(lyd_child(group), child)
    {
        bool member = child->schema && !strcmp(child->schema->name, "member");
        const struct vrrp_item *item =
            member ? vrrp_states_find(&vrrp->states, false, lyd_get_value(child), false) : NULL;
        if (item && item->state != VRRP_INITIALIZE)
            notice.state = item->state;
    }
    strncpy(notice.name, leaf_value(group, "name"), sizeof(notice.name) - 1);
    const struct vrrp_item *changed = vrrp_states_take(&vrrp->states, &notice, &before);
    if (changed)
        vrrp_tell(vrrp, changed, before);
}

static void take_groups(struct vrrp *vrrp)
{
    const struct unit *unit = schema_unit_find(vrrp->backend->schema, VRRP_GROUP);
    size_t count = 0, first = unit ? snapshot_range(vrrp->running, unit, &count) : 0;
    for (size_t i = first; i < first + count; i++)
        take_group(vrrp, vrrp->running->entries[i]->node);
}

static bool read_own(const struct vrrp *vrrp, const char *name, char **data, size_t *size)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", vrrp->folder, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool whole = fd >= 0 && file_read(fd, FILE_MAX, data, size);
    if (fd >= 0)
        close(fd);
    return whole;
}

static void remove_own(const struct vrrp *vrrp, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", vrrp->folder, name);
    unlink(path);
}

/* It was asked for before the account, so it is whole when that is. */
static void take_record(struct vrrp *vrrp)
{
    char *data = NULL;
    size_t size;
    if (read_own(vrrp, VRRP_RECORD, &data, &size)) {
        vrrp_states_take_record(&vrrp->states, data, size);
        remove_own(vrrp, VRRP_RECORD);
    }
    free(data);
}

static void note_answer(struct vrrp *vrrp)
{
    if (vrrp->unanswered >= UNANSWERED_MAX)
        backend_report_up(vrrp->backend);
    vrrp->unanswered = 0;
}

/* The file is written piece by piece: what is not whole comes again. */
static void on_file(uv_fs_event_t *watch, const char *name, int events, int status)
{
    struct vrrp *vrrp = watch->data;
    char *data = NULL;
    size_t size;
    if (!name || strcmp(name, VRRP_DUMP) != 0)
        return;
    if (read_own(vrrp, VRRP_DUMP, &data, &size) && vrrp_dump_read(data, size, take, vrrp)) {
        remove_own(vrrp, VRRP_DUMP);
        take_groups(vrrp);
        take_record(vrrp);
        note_answer(vrrp);
    }
    free(data);
}

static void on_due(uv_timer_t *timer)
{
    struct vrrp *vrrp = timer->data;
    if (!vrrp->process.pid)
        return;
    if (++vrrp->unanswered == UNANSWERED_MAX)
        backend_report_down(
            vrrp->backend,
            "keepalived (process %d) has not answered for %d s, so that states may be old: look "
            "whether it hangs, and whether %s is full; if it is killed, noriad starts it again",
            (int)vrrp->process.pid, UNANSWERED_MAX * DUE_MS / 1000, vrrp->folder);
    vrrp_account_wanted(vrrp);
}

void vrrp_account_open(struct vrrp *vrrp)
{
    uv_timer_init(vrrp->backend->loop, &vrrp->account_due);
    vrrp->account_due.data = vrrp;
    uv_timer_start(&vrrp->account_due, on_due, DUE_MS, DUE_MS);
    uv_fs_event_init(vrrp->backend->loop, &vrrp->watch);
    vrrp->watch.data = vrrp;
    if (uv_fs_event_start(&vrrp->watch, on_file, vrrp->folder, 0))
        log_error(AREA_VRRP, "cannot watch %s: counters stay unknown", vrrp->folder);
}

static void ask(void *arg)
{
    struct vrrp *vrrp = arg;
    vrrp_process_account(&vrrp->process);
}

void vrrp_account_wanted(struct vrrp *vrrp)
{
    uint64_t now = uv_hrtime();
    uv_mutex_lock(&vrrp->states.lock);
    bool old = !vrrp->states.asked || now - vrrp->states.asked > FRESH_NS;
    if (old)
        vrrp->states.asked = now;
    uv_mutex_unlock(&vrrp->states.lock);
    if (old)
        agent_post(vrrp->backend->agent, ask, vrrp);
}
