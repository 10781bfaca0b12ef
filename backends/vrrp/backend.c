/*
 * The VRRP backend.
 */
#include "backends/vrrp/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/datastore/file.h"
#include "agent/log.h"
#include "backends/vrrp/files.h"
#include "backends/vrrp/own.h"
#include "backends/vrrp/sync.h"
#include "backends/vrrp/vrrp.h"

/* Telling keepalived. */

/* It needs no place on stable storage: keepalived is told by an agent, which has written it. */
static bool write_configuration(const struct vrrp *vrrp, const struct vrrp_text *text)
{
    char path[PATH_MAX], next[PATH_MAX];
    snprintf(path, sizeof(path), "%s/" VRRP_CONFIGURATION, vrrp->folder);
    snprintf(next, sizeof(next), "%s/" VRRP_CONFIGURATION ".new", vrrp->folder);
    return vrrp_text_write(text, next) && !rename(next, path);
}

static bool is_written(const struct vrrp *vrrp, const struct vrrp_text *text)
{
    char path[PATH_MAX], *data = NULL;
    size_t size = 0;
    snprintf(path, sizeof(path), "%s/" VRRP_CONFIGURATION, vrrp->folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool same = fd >= 0 && file_read(fd, text->length, &data, &size) && size == text->length &&
                !memcmp(data, text->text, size);
    free(data);
    if (fd >= 0)
        close(fd);
    return same;
}

/* The group that an instance is in. */
static void note_groups(struct vrrp *vrrp, struct vrrp_item *item)
{
    const struct lyd_node *group = vrrp_group_of(vrrp->backend->schema, vrrp->running, item->name);
    snprintf(item->member_of, sizeof(item->member_of), "%s",
             group ? leaf_value(group, "name") : "");
}

/* The multicast groups. */
static void note_addresses(struct vrrp *vrrp)
{
    const struct unit *unit = schema_unit_find(vrrp->backend->schema, VRRP_TOP);
    const struct entry *entry = unit ? snapshot_find(vrrp->running, unit, "") : NULL;
    static const char *const leaves[] = {"multicast-group", "multicast-group-ipv6"};
    for (size_t i = 0; i < 2; i++) {
        const char *address = entry ? leaf_value(entry->node, leaves[i]) : NULL;
        snprintf(vrrp->states.groups[i], sizeof(vrrp->states.groups[i]), "%s",
                 address ? address : "");
    }
}

/* Which instances and groups there are now; what was ordered of others, and what was wrong with
 * them, is forgotten. */
static void note_configured(struct vrrp *vrrp)
{
    static const char *const lists[] = {VRRP_INSTANCE, VRRP_GROUP};
    uv_mutex_lock(&vrrp->states.lock);
    for (size_t i = 0; i < vrrp->states.count; i++)
        vrrp->states.items[i].configured = false;
    for (size_t list = 0; list < 2; list++) {
        const struct unit *unit = schema_unit_find(vrrp->backend->schema, lists[list]);
        size_t count = 0, first = unit ? snapshot_range(vrrp->running, unit, &count) : 0;
        for (size_t i = first; i < first + count; i++) {
            const char *name = leaf_value(vrrp->running->entries[i]->node, "name");
            struct vrrp_item *item = vrrp_states_find(&vrrp->states, list == 1, name, true);
            if (!item)
                continue;
            item->configured = true;
            if (!list)
                note_groups(vrrp, item);
        }
    }
    note_addresses(vrrp);
    uv_mutex_unlock(&vrrp->states.lock);
    bool ordered = false;
    for (size_t i = 0; i < vrrp->states.count; i++) {
        const struct vrrp_item *item = &vrrp->states.items[i];
        if (item->configured)
            continue;
        ordered = ordered || item->order.kind != VRRP_ORDER_NONE;
        vrrp_file_remove(vrrp->folder, item->group ? VRRP_GROUP_ORDER : VRRP_ORDER, item->name);
        vrrp_tell_gone(vrrp, item);
    }
    vrrp_states_tidy(&vrrp->states);
    if (ordered)
        vrrp_orders_store(vrrp);
}

/* keepalived does not say that it does without an instance which it is not told any more. */
static void note_enabled(struct vrrp *vrrp, const struct lyd_node *instance)
{
    struct vrrp_item *item =
        vrrp_states_find(&vrrp->states, false, leaf_value(instance, "name"), false);
    enum vrrp_state before;
    if (!item)
        return;
    uv_mutex_lock(&vrrp->states.lock);
    item->disabled = strcmp(leaf_value(instance, "enabled"), "true") != 0;
    uv_mutex_unlock(&vrrp->states.lock);
    if (item->disabled && vrrp_states_reset(&vrrp->states, item, &before))
        vrrp_tell(vrrp, item, before);
}

/* By what is new in a change; NULL: all. */
static void note_all_enabled(struct vrrp *vrrp, const struct change_set *changes)
{
    const struct unit *unit = schema_unit_find(vrrp->backend->schema, VRRP_INSTANCE);
    size_t count = 0, first = unit && !changes ? snapshot_range(vrrp->running, unit, &count) : 0;
    for (size_t i = first; i < first + count; i++)
        note_enabled(vrrp, vrrp->running->entries[i]->node);
    for (size_t i = 0; changes && i < changes->count; i++)
        if (changes->changes[i].unit == unit && changes->changes[i].after)
            note_enabled(vrrp, changes->changes[i].after->node);
}

static void set_running(struct vrrp *vrrp, const struct snapshot *running)
{
    struct snapshot *before = vrrp->running;
    vrrp->running = snapshot_ref(running);
    snapshot_unref(before);
}

/* Whether a change is about more than what instances say that stay: about which there are. */
static bool is_about_which(const struct change_set *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        const struct change *change = &changes->changes[i];
        if (!change->before || !change->after || strcmp(change->unit->path, VRRP_INSTANCE) != 0)
            return true;
    }
    return false;
}

/*
 * Have keepalived do what a snapshot says. One that does it already is only asked for an account.
 * @param changes Since what it did before. NULL: not known.
 * @return false with errno.
 */
static bool obey(struct vrrp *vrrp, const struct snapshot *running, const struct vrrp_text *text,
                 const struct change_set *changes)
{
    bool news = !is_written(vrrp, text);
    if (news && !write_configuration(vrrp, text))
        return false;
    set_running(vrrp, running);
    if (!changes || is_about_which(changes))
        note_configured(vrrp);
    note_all_enabled(vrrp, changes);
    vrrp_orders_write(vrrp);
    vrrp_own_write(vrrp, changes);
    if (!text->instances) {
        vrrp_process_end(&vrrp->process);
        backend_report_up(vrrp->backend);
        return true;
    }
    if (vrrp_process_want(&vrrp->process) && news)
        vrrp_process_reload(&vrrp->process);
    vrrp_process_account(&vrrp->process);
    return true;
}

static void on_changed(struct vrrp_process *process, const char *reason)
{
    struct vrrp *vrrp = process->arg;
    uv_mutex_lock(&vrrp->states.lock);
    vrrp->states.running_since = process->pid ? process->since : 0;
    vrrp->states.restarts = process->restarts;
    if (!process->pid)
        vrrp->states.object_count = 0;
    uv_mutex_unlock(&vrrp->states.lock);
    vrrp->unanswered = 0;
    if (!process->pid)
        vrrp_tell_end(vrrp);
    if (reason)
        backend_report_down(vrrp->backend, "%s", reason);
    else
        backend_report_up(vrrp->backend);
}

/* Steps. */

static void vrrp_apply(struct backend *backend, struct backend_step *step)
{
    struct vrrp *vrrp = backend->data;
    struct vrrp_plan *plan = step->plan;
    enum outcome outcome = DONE;
    if (!obey(vrrp, step->changes->after, &plan->text, step->changes))
        outcome = fail(&step->error, TAG_OPERATION_FAILED, NULL, "Cannot write %s/%s: %s.",
                       vrrp->folder, VRRP_CONFIGURATION, strerror(errno));
    step_done(step, outcome);
}

static void vrrp_revert(struct backend *backend, struct backend_step *step)
{
    struct vrrp *vrrp = backend->data;
    struct vrrp_text text;
    enum outcome outcome = vrrp_generate(backend->schema, step->changes->before, vrrp->folder,
                                         &vrrp->memo, &text, &step->error);
    if (outcome == DONE && !obey(vrrp, step->changes->before, &text, NULL))
        outcome = fail(&step->error, TAG_OPERATION_FAILED, NULL, "Cannot write %s/%s: %s.",
                       vrrp->folder, VRRP_CONFIGURATION, strerror(errno));
    vrrp_text_clear(&text);
    step_done(step, outcome);
}

static enum outcome vrrp_operational(struct backend *backend, const struct state_request *request,
                                     struct error *err)
{
    struct vrrp *vrrp = backend->data;
    vrrp_account_wanted(vrrp);
    enum outcome outcome = vrrp_states_add(&vrrp->states, request, err);
    return outcome == DONE ? vrrp_sync_add(backend->agent, request, err) : outcome;
}

/* What the agent itself finds. */

static void on_steered(void *arg, const char *const *names, size_t count)
{
    vrrp_own_write(arg, NULL);
}

static void on_standing(void *arg, enum standing_kind kind, const char *name)
{
    if (kind == STANDING_BACKEND)
        vrrp_own_write(arg, NULL);
}

/* Start and stop. */

static void vrrp_free(struct vrrp *vrrp)
{
    snapshot_unref(vrrp->running);
    vrrp_memo_clear(&vrrp->memo);
    uv_mutex_destroy(&vrrp->states.lock);
    free(vrrp->states.items);
    free(vrrp->states.objects);
    free(vrrp->folder);
    free(vrrp);
}

static enum outcome make_folder(struct vrrp *vrrp, struct error *err)
{
    if (asprintf(&vrrp->folder, "%s/vrrp", vrrp->backend->agent->options.run_dir) < 0) {
        vrrp->folder = NULL;
        return fail_memory(err);
    }
    if ((mkdir(vrrp->folder, 0700) && errno != EEXIST) || !vrrp_fifo_open(vrrp))
        return fail(err, TAG_OPERATION_FAILED, NULL, "Cannot use the folder %s: %s.", vrrp->folder,
                    strerror(errno));
    return DONE;
}

static struct vrrp *vrrp_new(struct backend *backend, const struct snapshot *running)
{
    struct vrrp *vrrp = calloc(1, sizeof(*vrrp));
    if (!vrrp)
        return NULL;
    vrrp->backend = backend;
    vrrp->running = snapshot_ref(running);
    uv_mutex_init(&vrrp->states.lock);
    vrrp_rivals_open(vrrp);
    uv_timer_init(backend->loop, &vrrp->order_due);
    vrrp->order_due.data = vrrp;
    vrrp->follower = (struct steering_follower){.changed = on_steered, .arg = vrrp};
    vrrp->standing = (struct standing_follower){.changed = on_standing, .arg = vrrp};
    vrrp->alive = -1;
    vrrp->process =
        (struct vrrp_process){.loop = backend->loop, .changed = on_changed, .arg = vrrp};
    return vrrp;
}

static enum outcome vrrp_start(struct backend *backend, const struct snapshot *running,
                               struct error *err)
{
    struct vrrp_text text = {0};
    struct vrrp *vrrp = vrrp_new(backend, running);
    if (!vrrp)
        return fail_memory(err);
    enum outcome outcome = make_folder(vrrp, err);
    if (outcome == DONE)
        outcome = vrrp_generate(backend->schema, running, vrrp->folder, &vrrp->memo, &text, err);
    if (outcome != DONE) { /* the agent does not start: what is on its loop is left to its end */
        return outcome;
    }
    vrrp->process.folder = vrrp->folder;
    vrrp_process_open(&vrrp->process);
    vrrp_account_open(vrrp);
    backend->data = vrrp;
    note_configured(vrrp);
    vrrp_orders_load(vrrp);
    steering_follow(backend->agent, &vrrp->follower);
    standing_follow(backend->agent, &vrrp->standing);
    vrrp->alive = vrrp_own_hold(vrrp->folder);
    if (vrrp->alive < 0)
        log_error(AREA_VRRP, "cannot lock %s/" VRRP_ALIVE ": %s", vrrp->folder, strerror(errno));
    if (!obey(vrrp, running, &text, NULL))
        backend_report_down(backend, "cannot write %s/" VRRP_CONFIGURATION ": %s", vrrp->folder,
                            strerror(errno));
    vrrp_text_clear(&text);
    return DONE;
}

static void on_closed(uv_handle_t *handle)
{
    struct vrrp *vrrp = handle->data;
    if (!--vrrp->handles)
        vrrp_free(vrrp);
}

static void on_process_closed(void *arg)
{
    struct vrrp *vrrp = arg;
    if (!--vrrp->handles)
        vrrp_free(vrrp);
}

static void vrrp_stop(struct backend *backend)
{
    struct vrrp *vrrp = backend->data;
    vrrp_orders_finish(vrrp);
    backend->data = NULL;
    steering_unfollow(backend->agent, &vrrp->follower);
    standing_unfollow(backend->agent, &vrrp->standing);
    if (vrrp->alive >= 0)
        close(vrrp->alive);
    vrrp->handles = 6;
    vrrp_process_close(&vrrp->process, on_process_closed);
    vrrp_fifo_close(vrrp, on_closed);
    uv_close((uv_handle_t *)&vrrp->watch, on_closed);
    uv_close((uv_handle_t *)&vrrp->account_due, on_closed);
    uv_close((uv_handle_t *)&vrrp->order_due, on_closed);
    uv_close((uv_handle_t *)&vrrp->rival_over, on_closed);
}

static const char *const claims[] = {VRRP_TOP, NULL};

static const struct backend_operation operations[] = {
    {.path = VRRP_INSTANCE "/fail-over", .run = vrrp_fail_over},
    {.path = VRRP_INSTANCE "/override-priority", .run = vrrp_override_priority},
    {.path = VRRP_INSTANCE "/resume", .run = vrrp_resume},
    {0},
};

const struct backend_ops vrrp_backend = {
    .name = VRRP_BACKEND,
    .summary = "addresses that move, by keepalived",
    .claims = claims,
    .operations = operations,
    .start = vrrp_start,
    .prepare = vrrp_prepare,
    .apply = vrrp_apply,
    .revert = vrrp_revert,
    .release = vrrp_release,
    .operational = vrrp_operational,
    .stop = vrrp_stop,
};
