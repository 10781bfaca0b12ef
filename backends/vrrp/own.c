/*
 * The agent's own state in files.
 */
#include "backends/vrrp/own.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/log.h"
#include "agent/steering/standing.h"
#include "backends/vrrp/files.h"
#include "backends/vrrp/vrrp.h"

/* How long somebody else may have the lock: in all, some seconds. */
#define MOMENTS 500
#define MOMENT_MS 10

bool vrrp_own_unwell(struct agent *agent, char *why, size_t room)
{
    for (size_t i = 0; i < agent->backend_count; i++) {
        const char *name = agent->backends[i].ops->name;
        if (!strcmp(name, VRRP_BACKEND) || standing_get(agent, STANDING_BACKEND, name, 1))
            continue;
        snprintf(why, room, "the agent's backend %s is down", name);
        return true;
    }
    return false;
}

static void set(const struct vrrp *vrrp, const char *kind, const char *name, int value)
{
    if (!vrrp_file_set(vrrp->folder, kind, name, value))
        log_error(AREA_VRRP, "cannot write %s/%s.%s: %s", vrrp->folder, kind, name,
                  strerror(errno));
}

static void write_tracked_by(const struct vrrp *vrrp, const struct lyd_node *node, bool unwell)
{
    const struct lyd_node *child;
    LY_LIST_FOR(lyd_child(node), child)
    {
        const char *name = child->schema ? child->schema->name : "";
        if (!strcmp(name, "track-agent"))
            set(vrrp, VRRP_AGENT, VRRP_AGENT_NAME, unwell);
        if (strcmp(name, "track-virtual-server") != 0)
            continue;
        const char *server = leaf_value(child, "virtual-server");
        set(vrrp, VRRP_QUORUM, server, steering_quorum_lost(vrrp->backend->agent, server));
    }
}

static void write_all(const struct vrrp *vrrp, bool unwell)
{
    static const char *const lists[] = {VRRP_INSTANCE, VRRP_GROUP};
    for (size_t list = 0; list < sizeof(lists) / sizeof(*lists); list++) {
        const struct unit *unit = schema_unit_find(vrrp->backend->schema, lists[list]);
        size_t count = 0, first = unit ? snapshot_range(vrrp->running, unit, &count) : 0;
        for (size_t i = first; i < first + count; i++)
            write_tracked_by(vrrp, vrrp->running->entries[i]->node, unwell);
    }
}

void vrrp_own_write(const struct vrrp *vrrp, const struct change_set *changes)
{
    char why[128];
    bool unwell = vrrp_own_unwell(vrrp->backend->agent, why, sizeof(why));
    if (!changes)
        write_all(vrrp, unwell);
    for (size_t i = 0; changes && i < changes->count; i++)
        if (changes->changes[i].after)
            write_tracked_by(vrrp, changes->changes[i].after->node, unwell);
}

int vrrp_own_hold(const char *folder)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/" VRRP_ALIVE, folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    bool held = flock(fd, LOCK_EX | LOCK_NB) == 0;
    /* keepalived's script, which tries it, has it for a moment: that may be this one. */
    for (int i = 0; !held && errno == EWOULDBLOCK && i < MOMENTS; i++) {
        poll(NULL, 0, MOMENT_MS);
        held = flock(fd, LOCK_EX | LOCK_NB) == 0;
    }
    if (held)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}
