/*
 * keepalived's FIFO.
 *
 * It is opened for reading and writing, so that it never ends, and lives longer than the agent.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/log.h"
#include "backends/vrrp/files.h"
#include "backends/vrrp/vrrp.h"

/* So much is read at a time: who floods the FIFO does not hold the loop up. */
#define TURN 16384

static void take_line(const char *line, void *arg)
{
    struct vrrp *vrrp = arg;
    struct vrrp_notice notice;
    enum vrrp_state before;
    if (!vrrp_notice_read(line, &notice)) {
        log_debug(AREA_VRRP, "keepalived says: %s", line);
        return;
    }
    struct vrrp_item *item = vrrp_states_take(&vrrp->states, &notice, &before);
    if (item)
        vrrp_tell(vrrp, item, before);
    if (item && !item->group)
        vrrp_masters_changed(vrrp, item);
    if (notice.other_master)
        vrrp_rival_heard(vrrp, notice.name);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct vrrp *vrrp = poll->data;
    char data[TURN];
    ssize_t length = read(vrrp->fifo, data, sizeof(data));
    if (length > 0)
        vrrp_lines_take(&vrrp->lines, data, (size_t)length, take_line, vrrp);
}

bool vrrp_fifo_open(struct vrrp *vrrp)
{
    char path[PATH_MAX];
    struct stat st;
    snprintf(path, sizeof(path), "%s/" VRRP_FIFO, vrrp->folder);
    if (!stat(path, &st) && !S_ISFIFO(st.st_mode))
        unlink(path);
    if (mkfifo(path, 0600) && errno != EEXIST)
        return false;
    vrrp->fifo = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (vrrp->fifo < 0)
        return false;
    uv_poll_init(vrrp->backend->loop, &vrrp->listen, vrrp->fifo);
    vrrp->listen.data = vrrp;
    uv_poll_start(&vrrp->listen, UV_READABLE, on_readable);
    return true;
}

void vrrp_fifo_close(struct vrrp *vrrp, void (*closed)(uv_handle_t *handle))
{
    uv_poll_stop(&vrrp->listen);
    close(vrrp->fifo);
    uv_close((uv_handle_t *)&vrrp->listen, closed);
}
