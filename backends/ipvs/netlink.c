#include "backends/ipvs/netlink.h"

#include <errno.h>
#include <linux/ip_vs.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "backends/ipvs/namespace.h"

#define SOCKET_BUFFER (1 << 20)  /* the kernel gives less where net.core.rmem_max is less */
#define RECEIVE_SIZE (64 * 1024) /* a dump comes in messages of 32 KiB at most */
#define RECEIVE_COUNT 2          /* of one system call: a short dump and its end */
#define SEND_SIZE (32 * 1024)    /* of one system call */
#define SILENCE_SECONDS 5        /* the kernel answers at once, or it never will */
#define REQUEST_SIZE 512         /* the largest message has 230 octets */

static int errno_of(int nl_error)
{
    switch (nl_error < 0 ? -nl_error : nl_error) {
    case NLE_SUCCESS:
        return 0;
    case NLE_OBJ_NOTFOUND:
        return ENOENT;
    case NLE_NOMEM:
        return ENOMEM;
    case NLE_PERM:
    case NLE_NOACCESS:
        return EPERM;
    case NLE_AF_NOSUPPORT:
        return EAFNOSUPPORT;
    default:
        return EIO;
    }
}

static int connect_socket(struct ipvs_socket *sock)
{
    struct timeval silence = {.tv_sec = SILENCE_SECONDS};
    int one = 1, size = SOCKET_BUFFER;

    sock->sock = nl_socket_alloc();
    if (!sock->sock)
        return ENOMEM;
    int error = genl_connect(sock->sock);
    if (error)
        return errno_of(error);
    sock->fd = nl_socket_get_fd(sock->sock);
    if (setsockopt(sock->fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence) < 0)
        return errno;
    /* Both are for the better: acks without a copy of the request, and room for many. */
    setsockopt(sock->fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof one);
    if (setsockopt(sock->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
        setsockopt(sock->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    /* By name, for which the kernel loads the module (alias net-pf-16-proto-16-family-IPVS). */
    sock->family = genl_ctrl_resolve(sock->sock, IPVS_GENL_NAME);
    return sock->family < 0 ? errno_of(sock->family) : 0;
}

struct nl_msg *ipvs_request_new(struct ipvs_socket *sock, int command, int flags)
{
    struct nl_msg *msg = nlmsg_alloc_size(REQUEST_SIZE);
    if (msg &&
        !genlmsg_put(msg, nl_socket_get_local_port(sock->sock), ++sock->sequence, sock->family, 0,
                     NLM_F_REQUEST | flags, (uint8_t)command, IPVS_GENL_VERSION)) {
        nlmsg_free(msg);
        msg = NULL;
    }
    return msg;
}

void ipvs_request_add(struct ipvs_socket *sock, struct nl_msg *msg)
{
    struct nlmsghdr *header = nlmsg_hdr(msg);
    size_t length = NLMSG_ALIGN(header->nlmsg_len);
    memset(sock->batch + sock->batched, 0, length);
    memcpy(sock->batch + sock->batched, header, header->nlmsg_len);
    sock->batched += length;
    nlmsg_free(msg);
}

int ipvs_send(struct ipvs_socket *sock)
{
    ssize_t sent;
    do
        sent = send(sock->fd, sock->batch, sock->batched, 0);
    while (sent < 0 && errno == EINTR);
    sock->batched = 0;
    return sent < 0 ? errno : 0;
}

/* Hand what answers a request from number first on to a function, until that fails. */
static int hand_on(const struct ipvs_socket *sock, char *data, int length, uint32_t first,
                   ipvs_answer_fn answer, void *arg)
{
    int error = 0;
    struct nlmsghdr *msg = (struct nlmsghdr *)data;
    for (; nlmsg_ok(msg, length) && !error; msg = nlmsg_next(msg, &length)) {
        if (msg->nlmsg_seq - first <= sock->sequence - first)
            error = answer(msg, arg);
    }
    return error;
}

/*
 * A dump ends with a datagram of its own, which is there as soon as the one before has been taken:
 * to take two in one call saves a third of the calls where there are many short dumps.
 */
int ipvs_receive(struct ipvs_socket *sock, uint32_t first, ipvs_answer_fn answer, void *data)
{
    struct iovec parts[RECEIVE_COUNT];
    struct mmsghdr heads[RECEIVE_COUNT] = {0};
    int count, error = 0;
    for (size_t i = 0; i < RECEIVE_COUNT; i++) {
        parts[i] = (struct iovec){sock->buffer + i * RECEIVE_SIZE, RECEIVE_SIZE};
        heads[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
    do
        count = recvmmsg(sock->fd, heads, RECEIVE_COUNT, MSG_WAITFORONE, NULL);
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return errno == EAGAIN ? ETIMEDOUT : errno;
    for (int i = 0; i < count && !error; i++)
        error = hand_on(sock, parts[i].iov_base, (int)heads[i].msg_len, first, answer, data);
    return error;
}

int ipvs_error_in(struct nlmsghdr *msg)
{
    const struct nlmsgerr *body = nlmsg_data(msg);
    if (nlmsg_datalen(msg) < (int)sizeof body->error)
        return EBADMSG;
    return -body->error;
}

/* What a dump is read into. */
struct dump {
    ipvs_answer_fn take;
    void *data;
    bool done;
};

static int take_dumped(struct nlmsghdr *msg, void *data)
{
    struct dump *dump = data;
    int error = 0;

    if (msg->nlmsg_type == NLMSG_DONE || msg->nlmsg_type == NLMSG_ERROR) {
        dump->done = true;
        if (msg->nlmsg_type == NLMSG_ERROR || nlmsg_datalen(msg) >= (int)sizeof(int))
            error = ipvs_error_in(msg); /* DONE starts with the same number */
    } else if (msg->nlmsg_type >= NLMSG_MIN_TYPE) {
        error = dump->take(msg, dump->data);
    }
    return error;
}

int ipvs_dump(struct ipvs_socket *sock, struct nl_msg *msg, ipvs_answer_fn take, void *data)
{
    if (!msg)
        return ENOMEM;
    ipvs_request_add(sock, msg);
    int error = ipvs_send(sock);
    struct dump dump = {.take = take, .data = data};
    while (!error && !dump.done)
        error = ipvs_receive(sock, sock->sequence, take_dumped, &dump);
    return error;
}

/* The one answer to a request. */
static int take_one(struct nlmsghdr *msg, void *data)
{
    struct dump *one = data;
    if (one->done)
        return 0;
    one->done = true;
    if (msg->nlmsg_type == NLMSG_ERROR)
        return ipvs_error_in(msg);
    return one->take ? one->take(msg, one->data) : 0;
}

int ipvs_ask(struct ipvs_socket *sock, struct nl_msg *msg, ipvs_answer_fn take, void *data)
{
    if (!msg)
        return ENOMEM;
    ipvs_request_add(sock, msg);
    int error = ipvs_send(sock);
    struct dump one = {.take = take, .data = data};
    while (!error && !one.done)
        error = ipvs_receive(sock, sock->sequence, take_one, &one);
    return error;
}

/* -- Opening ---------------------------------------------------------------------------------- */

static int take_info(struct nlmsghdr *msg, void *data)
{
    struct ipvs_info *info = data;
    struct nlattr *attrs[IPVS_INFO_ATTR_MAX + 1];
    if (!genlmsg_valid_hdr(msg, 0) || genlmsg_parse(msg, 0, attrs, IPVS_INFO_ATTR_MAX, NULL) < 0)
        return EBADMSG;
    if (attrs[IPVS_INFO_ATTR_VERSION])
        info->version = nla_get_u32(attrs[IPVS_INFO_ATTR_VERSION]);
    if (attrs[IPVS_INFO_ATTR_CONN_TAB_SIZE])
        info->connection_table_size = nla_get_u32(attrs[IPVS_INFO_ATTR_CONN_TAB_SIZE]);
    return 0;
}

/* Who may not ask for this may ask for nothing. */
static int read_info(struct ipvs_socket *sock)
{
    int error =
        ipvs_ask(sock, ipvs_request_new(sock, IPVS_CMD_GET_INFO, 0), take_info, &sock->info);
    return error == EACCES ? EPERM : error;
}

int ipvs_open(struct ipvs_socket **opened)
{
    struct ipvs_socket *sock = calloc(1, sizeof *sock);
    *opened = NULL;
    if (!sock)
        return ENOMEM;
    sock->fd = -1;
    sock->buffer = malloc((size_t)RECEIVE_COUNT * RECEIVE_SIZE);
    sock->batch = malloc(SEND_SIZE);
    int error = sock->buffer && sock->batch ? connect_socket(sock) : ENOMEM;
    if (!error)
        error = read_info(sock);
    if (error)
        ipvs_close(sock);
    else
        *opened = sock;
    return error;
}

static int open_here(void *arg)
{
    return ipvs_open(arg);
}

int ipvs_open_in(const char *path, struct ipvs_socket **opened, bool *entered)
{
    int result = 0;
    *opened = NULL;
    int error = ipvs_namespace_run(path, open_here, opened, &result);
    if (entered)
        *entered = !error;
    return error ? error : result;
}

void ipvs_close(struct ipvs_socket *sock)
{
    if (!sock)
        return;
    nl_socket_free(sock->sock);
    free(sock->buffer);
    free(sock->batch);
    free(sock);
}
