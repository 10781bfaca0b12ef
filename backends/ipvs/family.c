#include "backends/ipvs/family.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/log.h"

#define CONTROLLER "nlctrl"
#define GROUP "notify"
#define RECEIVE_SIZE (16 * 1024) /* a message tells one family, in some hundred octets */

struct ipvs_family_watch {
    struct nl_sock *sock; /* Owned. */
    uv_poll_t poll;
    ipvs_family_fn told;
    void *arg;
    char buffer[RECEIVE_SIZE];
};

static bool is_ipvs(struct nlmsghdr *msg)
{
    struct nlattr *attrs[CTRL_ATTR_MAX + 1];
    return genlmsg_valid_hdr(msg, 0) && genlmsg_parse(msg, 0, attrs, CTRL_ATTR_MAX, NULL) == 0 &&
           attrs[CTRL_ATTR_FAMILY_NAME] &&
           nla_strcmp(attrs[CTRL_ATTR_FAMILY_NAME], IPVS_GENL_NAME) == 0;
}

static void tell(struct ipvs_family_watch *watch, int length)
{
    struct nlmsghdr *msg = (struct nlmsghdr *)watch->buffer;
    for (; nlmsg_ok(msg, length); msg = nlmsg_next(msg, &length)) {
        if (msg->nlmsg_type != GENL_ID_CTRL || !is_ipvs(msg))
            continue;
        uint8_t command = genlmsg_hdr(msg)->cmd;
        if (command == CTRL_CMD_NEWFAMILY)
            watch->told(watch->arg, IPVS_FAMILY_CAME);
        else if (command == CTRL_CMD_DELFAMILY)
            watch->told(watch->arg, IPVS_FAMILY_GONE);
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct ipvs_family_watch *watch = poll->data;
    int fd = nl_socket_get_fd(watch->sock);
    ssize_t length;
    do {
        length = recv(fd, watch->buffer, sizeof watch->buffer, MSG_DONTWAIT);
        if (length > 0)
            tell(watch, (int)length);
        else if (length < 0 && errno == ENOBUFS)
            watch->told(watch->arg, IPVS_FAMILY_MISSED);
    } while (length > 0 || (length < 0 && (errno == ENOBUFS || errno == EINTR)));
}

static int join(struct nl_sock *sock)
{
    int error = genl_connect(sock);
    if (error)
        return error;
    nl_socket_disable_seq_check(sock);
    int group = genl_ctrl_resolve_grp(sock, CONTROLLER, GROUP);
    return group < 0 ? group : nl_socket_add_membership(sock, group);
}

static void on_closed(uv_handle_t *handle)
{
    struct ipvs_family_watch *watch = handle->data;
    nl_socket_free(watch->sock);
    free(watch);
}

struct ipvs_family_watch *ipvs_family_watch(uv_loop_t *loop, ipvs_family_fn told, void *arg)
{
    struct ipvs_family_watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return NULL;
    *watch = (struct ipvs_family_watch){.told = told, .arg = arg, .sock = nl_socket_alloc()};
    int error = watch->sock ? join(watch->sock) : -NLE_NOMEM;
    if (!error && uv_poll_init(loop, &watch->poll, nl_socket_get_fd(watch->sock)) != 0)
        error = -NLE_FAILURE;
    if (error) {
        log_warning(AREA_IPVS,
                    "the kernel does not tell when its module ip_vs comes and goes (%s): the next "
                    "comparison finds it",
                    nl_geterror(error));
        nl_socket_free(watch->sock);
        free(watch);
        return NULL;
    }
    watch->poll.data = watch;
    uv_poll_start(&watch->poll, UV_READABLE, on_readable);
    return watch;
}

void ipvs_family_unwatch(struct ipvs_family_watch *watch)
{
    if (watch)
        uv_close((uv_handle_t *)&watch->poll, on_closed);
}
