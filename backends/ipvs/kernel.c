#include "backends/ipvs/kernel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define SOCKET_BUFFER (1 << 20)  /* the kernel gives less where net.core.rmem_max is less */
#define RECEIVE_SIZE (64 * 1024) /* a dump comes in messages of 32 KiB at most */
#define SEND_SIZE (32 * 1024)    /* of one system call */
#define SEND_COUNT 64            /* messages in it: their acks fit any receive buffer */
#define QUERY_COUNT 16           /* the same for queries, whose answers are larger */
#define SILENCE_SECONDS 5        /* the kernel answers at once, or it never will */
#define REQUEST_SIZE 512         /* the largest message has 230 octets */

struct ipvs_socket {
    struct nl_sock *sock;
    int fd;
    int family;
    uint32_t sequence; /* of the last message */
    char *buffer;      /* RECEIVE_SIZE */
    char *batch;       /* SEND_SIZE */
    size_t batched;    /* octets in it */
};

/* What is done with an answer: msg is a service's, a destination's or an error's. */
typedef int (*answer_fn)(struct nlmsghdr *msg, void *data);

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

/* Begin a message in the batch. Its sequence number is the last one's plus 1. */
static struct nl_msg *new_request(struct ipvs_socket *sock, int command, int flags)
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

/* Append a message to the batch, and free it. */
static void batch_request(struct ipvs_socket *sock, struct nl_msg *msg)
{
    struct nlmsghdr *header = nlmsg_hdr(msg);
    size_t length = NLMSG_ALIGN(header->nlmsg_len);
    memset(sock->batch + sock->batched, 0, length);
    memcpy(sock->batch + sock->batched, header, header->nlmsg_len);
    sock->batched += length;
    nlmsg_free(msg);
}

static int send_batch(struct ipvs_socket *sock)
{
    ssize_t sent;
    do
        sent = send(sock->fd, sock->batch, sock->batched, 0);
    while (sent < 0 && errno == EINTR);
    sock->batched = 0;
    return sent < 0 ? errno : 0;
}

/*
 * Receive once and hand what answers a message from number first on to a function, until that
 * returns other than 0. What is older is the late answer to a call that gave up.
 */
static int receive(struct ipvs_socket *sock, uint32_t first, answer_fn answer, void *data)
{
    ssize_t length;
    do
        length = recv(sock->fd, sock->buffer, RECEIVE_SIZE, 0);
    while (length < 0 && errno == EINTR);
    if (length < 0)
        return errno == EAGAIN ? ETIMEDOUT : errno;

    int rest = (int)length, error = 0;
    struct nlmsghdr *msg = (struct nlmsghdr *)sock->buffer;
    for (; nlmsg_ok(msg, rest) && !error; msg = nlmsg_next(msg, &rest)) {
        if (msg->nlmsg_seq - first <= sock->sequence - first)
            error = answer(msg, data);
    }
    return error;
}

/* The errno in an error or ack message; 0 in an ack. */
static int error_in(struct nlmsghdr *msg)
{
    const struct nlmsgerr *body = nlmsg_data(msg);
    if (nlmsg_datalen(msg) < (int)sizeof body->error)
        return EBADMSG;
    return -body->error;
}

/* -- Reading ---------------------------------------------------------------------------------- */

static uint16_t get_u16(struct nlattr *const *attrs, int type)
{
    return attrs[type] && nla_len(attrs[type]) >= 2 ? nla_get_u16(attrs[type]) : 0;
}

static uint32_t get_u32(struct nlattr *const *attrs, int type)
{
    return attrs[type] && nla_len(attrs[type]) >= 4 ? nla_get_u32(attrs[type]) : 0;
}

/* A counter of either width: STATS has 32 bits for most, STATS64 has 64 for all. */
static uint64_t get_count(struct nlattr *const *attrs, int type)
{
    if (!attrs[type])
        return 0;
    return nla_len(attrs[type]) >= 8 ? nla_get_u64(attrs[type]) : get_u32(attrs, type);
}

static void get_address(struct nlattr *const *attrs, int type, uint16_t family, uint8_t address[16])
{
    size_t size = family == AF_INET6 ? 16 : 4;
    if (attrs[type] && (size_t)nla_len(attrs[type]) >= size)
        memcpy(address, nla_data(attrs[type]), size);
}

static void get_statistics(struct nlattr *wide, struct nlattr *narrow,
                           struct ipvs_statistics *statistics)
{
    struct nlattr *attrs[IPVS_STATS_ATTR_MAX + 1];
    struct nlattr *nest = wide ? wide : narrow;

    if (!nest || nla_parse_nested(attrs, IPVS_STATS_ATTR_MAX, nest, NULL) < 0)
        return;
    *statistics = (struct ipvs_statistics){
        .connections = get_count(attrs, IPVS_STATS_ATTR_CONNS),
        .in_packets = get_count(attrs, IPVS_STATS_ATTR_INPKTS),
        .out_packets = get_count(attrs, IPVS_STATS_ATTR_OUTPKTS),
        .in_bytes = get_count(attrs, IPVS_STATS_ATTR_INBYTES),
        .out_bytes = get_count(attrs, IPVS_STATS_ATTR_OUTBYTES),
        .connection_rate = get_count(attrs, IPVS_STATS_ATTR_CPS),
        .in_packet_rate = get_count(attrs, IPVS_STATS_ATTR_INPPS),
        .out_packet_rate = get_count(attrs, IPVS_STATS_ATTR_OUTPPS),
        .in_byte_rate = get_count(attrs, IPVS_STATS_ATTR_INBPS),
        .out_byte_rate = get_count(attrs, IPVS_STATS_ATTR_OUTBPS),
    };
}

/* Parse the nest that a message carries at its first level. */
static int parse_nest(struct nlmsghdr *msg, int type, struct nlattr **attrs, int max)
{
    struct nlattr *outer[IPVS_CMD_ATTR_MAX + 1];
    if (!genlmsg_valid_hdr(msg, 0) || genlmsg_parse(msg, 0, outer, IPVS_CMD_ATTR_MAX, NULL) < 0 ||
        !outer[type] || nla_parse_nested(attrs, max, outer[type], NULL) < 0)
        return EBADMSG;
    return 0;
}

/* Add the service of a message to a table. */
static int take_service(struct nlmsghdr *msg, void *data)
{
    struct nlattr *attrs[IPVS_SVC_ATTR_MAX + 1];
    int error = parse_nest(msg, IPVS_CMD_ATTR_SERVICE, attrs, IPVS_SVC_ATTR_MAX);
    if (error)
        return error;
    struct ipvs_service *service = ipvs_table_add(data);
    if (!service)
        return ENOMEM;
    service->id.family = get_u16(attrs, IPVS_SVC_ATTR_AF);
    service->id.mark = get_u32(attrs, IPVS_SVC_ATTR_FWMARK);
    if (!service->id.mark) {
        service->id.protocol = get_u16(attrs, IPVS_SVC_ATTR_PROTOCOL);
        service->id.port = ntohs(get_u16(attrs, IPVS_SVC_ATTR_PORT));
        get_address(attrs, IPVS_SVC_ATTR_ADDR, service->id.family, service->id.address);
    }
    if (attrs[IPVS_SVC_ATTR_SCHED_NAME])
        nla_strlcpy(service->scheduler, attrs[IPVS_SVC_ATTR_SCHED_NAME], sizeof service->scheduler);
    if (attrs[IPVS_SVC_ATTR_PE_NAME])
        nla_strlcpy(service->engine, attrs[IPVS_SVC_ATTR_PE_NAME], sizeof service->engine);
    struct ip_vs_flags flags = {0};
    if (attrs[IPVS_SVC_ATTR_FLAGS])
        nla_memcpy(&flags, attrs[IPVS_SVC_ATTR_FLAGS], sizeof flags);
    service->flags = flags.flags & IPVS_SERVICE_FLAGS;
    service->timeout = get_u32(attrs, IPVS_SVC_ATTR_TIMEOUT);
    service->netmask = get_u32(attrs, IPVS_SVC_ATTR_NETMASK);
    get_statistics(attrs[IPVS_SVC_ATTR_STATS64], attrs[IPVS_SVC_ATTR_STATS], &service->statistics);
    return 0;
}

/* Add the destination of a message to a service. */
static int take_destination(struct nlmsghdr *msg, void *data)
{
    struct ipvs_service *service = data;
    struct nlattr *attrs[IPVS_DEST_ATTR_MAX + 1];
    int error = parse_nest(msg, IPVS_CMD_ATTR_DEST, attrs, IPVS_DEST_ATTR_MAX);
    if (error)
        return error;
    struct ipvs_destination *destination = ipvs_service_add(service);
    if (!destination)
        return ENOMEM;
    /* Kernels before 3.18 do not say the family: it is the service's. */
    uint16_t family = get_u16(attrs, IPVS_DEST_ATTR_ADDR_FAMILY);
    destination->id.family = family ? family : service->id.family;
    destination->id.port = ntohs(get_u16(attrs, IPVS_DEST_ATTR_PORT));
    get_address(attrs, IPVS_DEST_ATTR_ADDR, destination->id.family, destination->id.address);
    destination->method = get_u32(attrs, IPVS_DEST_ATTR_FWD_METHOD) & IP_VS_CONN_F_FWD_MASK;
    destination->weight = get_u32(attrs, IPVS_DEST_ATTR_WEIGHT);
    destination->upper_threshold = get_u32(attrs, IPVS_DEST_ATTR_U_THRESH);
    destination->lower_threshold = get_u32(attrs, IPVS_DEST_ATTR_L_THRESH);
    if (attrs[IPVS_DEST_ATTR_TUN_TYPE])
        destination->tunnel_type = nla_get_u8(attrs[IPVS_DEST_ATTR_TUN_TYPE]);
    destination->tunnel_port = ntohs(get_u16(attrs, IPVS_DEST_ATTR_TUN_PORT));
    destination->tunnel_flags = get_u16(attrs, IPVS_DEST_ATTR_TUN_FLAGS);
    destination->active = get_u32(attrs, IPVS_DEST_ATTR_ACTIVE_CONNS);
    destination->inactive = get_u32(attrs, IPVS_DEST_ATTR_INACT_CONNS);
    destination->persistent = get_u32(attrs, IPVS_DEST_ATTR_PERSIST_CONNS);
    get_statistics(attrs[IPVS_DEST_ATTR_STATS64], attrs[IPVS_DEST_ATTR_STATS],
                   &destination->statistics);
    return 0;
}

/* Put what tells a service from the others; the nest is left open for more. */
static struct nlattr *put_service_id(struct nl_msg *msg, const struct ipvs_service_id *id)
{
    struct nlattr *nest = nla_nest_start(msg, IPVS_CMD_ATTR_SERVICE);
    bool put = nest && nla_put_u16(msg, IPVS_SVC_ATTR_AF, id->family) == 0;
    if (put && id->mark)
        put = nla_put_u32(msg, IPVS_SVC_ATTR_FWMARK, id->mark) == 0;
    else if (put)
        put = nla_put_u16(msg, IPVS_SVC_ATTR_PROTOCOL, id->protocol) == 0 &&
              nla_put(msg, IPVS_SVC_ATTR_ADDR, sizeof id->address, id->address) == 0 &&
              nla_put_u16(msg, IPVS_SVC_ATTR_PORT, htons(id->port)) == 0;
    return put ? nest : NULL;
}

/* What a dump is read into. */
struct dump {
    answer_fn take;
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
            error = error_in(msg); /* DONE starts with the same number */
    } else if (msg->nlmsg_type >= NLMSG_MIN_TYPE) {
        error = dump->take(msg, dump->data);
    }
    return error;
}

/* Dump; id names the service whose destinations are dumped, or is NULL. */
static int run_dump(struct ipvs_socket *sock, int command, const struct ipvs_service_id *id,
                    answer_fn take, void *data)
{
    struct nl_msg *msg = new_request(sock, command, NLM_F_DUMP);
    struct nlattr *nest = msg && id ? put_service_id(msg, id) : NULL;
    if (!msg || (id && !nest)) {
        nlmsg_free(msg);
        return ENOMEM;
    }
    if (nest)
        nla_nest_end(msg, nest);
    batch_request(sock, msg);
    int error = send_batch(sock);
    struct dump dump = {.take = take, .data = data};
    while (!error && !dump.done)
        error = receive(sock, sock->sequence, take_dumped, &dump);
    return error;
}

int ipvs_read_services(struct ipvs_socket *sock, struct ipvs_table *table)
{
    return run_dump(sock, IPVS_CMD_GET_SERVICE, NULL, take_service, table);
}

int ipvs_read_destinations(struct ipvs_socket *sock, struct ipvs_service *service)
{
    return run_dump(sock, IPVS_CMD_GET_DEST, &service->id, take_destination, service);
}

/* What queries for single services are read into. */
struct queries {
    struct ipvs_table *table;
    size_t open; /* answers to come */
};

static int take_queried(struct nlmsghdr *msg, void *data)
{
    struct queries *queries = data;
    if (queries->open == 0)
        return 0;
    queries->open--;
    if (msg->nlmsg_type != NLMSG_ERROR)
        return take_service(msg, queries->table);
    int error = error_in(msg);
    return error == ESRCH ? 0 : error; /* no such service */
}

int ipvs_read_some(struct ipvs_socket *sock, const struct ipvs_service_id *ids, size_t count,
                   struct ipvs_table *table)
{
    int error = 0;
    for (size_t next = 0; next < count && !error;) {
        uint32_t first = sock->sequence + 1;
        struct queries queries = {.table = table};
        for (; next < count && queries.open < QUERY_COUNT; next++, queries.open++) {
            /* Without an ack: there is one answer to each, the service or the error. */
            struct nl_msg *msg = new_request(sock, IPVS_CMD_GET_SERVICE, 0);
            struct nlattr *nest = msg ? put_service_id(msg, &ids[next]) : NULL;
            if (!nest) {
                nlmsg_free(msg);
                sock->batched = 0;
                return ENOMEM;
            }
            nla_nest_end(msg, nest);
            batch_request(sock, msg);
        }
        error = send_batch(sock);
        while (!error && queries.open)
            error = receive(sock, first, take_queried, &queries);
    }
    return error;
}

/* -- Writing ---------------------------------------------------------------------------------- */

static bool put_service(struct nl_msg *msg, const struct ipvs_service *service)
{
    struct ip_vs_flags flags = {.flags = service->flags, .mask = IPVS_SERVICE_FLAGS};
    return nla_put_string(msg, IPVS_SVC_ATTR_SCHED_NAME, service->scheduler) == 0 &&
           (!service->engine[0] ||
            nla_put_string(msg, IPVS_SVC_ATTR_PE_NAME, service->engine) == 0) &&
           nla_put(msg, IPVS_SVC_ATTR_FLAGS, sizeof flags, &flags) == 0 &&
           nla_put_u32(msg, IPVS_SVC_ATTR_TIMEOUT, service->timeout) == 0 &&
           nla_put_u32(msg, IPVS_SVC_ATTR_NETMASK, service->netmask) == 0;
}

static bool put_destination(struct nl_msg *msg, const struct ipvs_destination_id *id,
                            const struct ipvs_destination *destination)
{
    struct nlattr *nest = nla_nest_start(msg, IPVS_CMD_ATTR_DEST);
    bool put = nest && nla_put_u16(msg, IPVS_DEST_ATTR_ADDR_FAMILY, id->family) == 0 &&
               nla_put(msg, IPVS_DEST_ATTR_ADDR, sizeof id->address, id->address) == 0 &&
               nla_put_u16(msg, IPVS_DEST_ATTR_PORT, htons(id->port)) == 0;
    if (put && destination)
        put = nla_put_u32(msg, IPVS_DEST_ATTR_FWD_METHOD, destination->method) == 0 &&
              nla_put_u32(msg, IPVS_DEST_ATTR_WEIGHT, destination->weight) == 0 &&
              nla_put_u32(msg, IPVS_DEST_ATTR_U_THRESH, destination->upper_threshold) == 0 &&
              nla_put_u32(msg, IPVS_DEST_ATTR_L_THRESH, destination->lower_threshold) == 0 &&
              nla_put_u8(msg, IPVS_DEST_ATTR_TUN_TYPE, destination->tunnel_type) == 0 &&
              nla_put_u16(msg, IPVS_DEST_ATTR_TUN_PORT, htons(destination->tunnel_port)) == 0 &&
              nla_put_u16(msg, IPVS_DEST_ATTR_TUN_FLAGS, destination->tunnel_flags) == 0;
    if (put)
        nla_nest_end(msg, nest);
    return put;
}

/* Put an operation into the batch. */
static int batch_operation(struct ipvs_socket *sock, const struct ipvs_operation *operation)
{
    static const int commands[2][3] = {
        {IPVS_CMD_NEW_SERVICE, IPVS_CMD_SET_SERVICE, IPVS_CMD_DEL_SERVICE},
        {IPVS_CMD_NEW_DEST, IPVS_CMD_SET_DEST, IPVS_CMD_DEL_DEST},
    };
    bool on_destination = ipvs_on_destination(operation);
    bool full = operation->verb != IPVS_DELETE;
    struct nl_msg *msg = new_request(sock, commands[on_destination][operation->verb], NLM_F_ACK);
    struct nlattr *nest = msg ? put_service_id(msg, operation->id) : NULL;
    bool put = nest;
    if (put && full && !on_destination)
        put = put_service(msg, operation->service);
    if (put) {
        nla_nest_end(msg, nest);
        if (on_destination)
            put = put_destination(msg, ipvs_destination_of(operation),
                                  full ? operation->destination : NULL);
    }
    if (!put) {
        nlmsg_free(msg);
        sock->batched = 0;
        return ENOMEM;
    }
    batch_request(sock, msg);
    return 0;
}

/* Operations that were sent and whose acks are awaited. */
struct sent {
    struct ipvs_operation *operations;
    size_t count;
    size_t open;    /* acks to come */
    uint32_t first; /* the first one's sequence number */
};

static int take_ack(struct nlmsghdr *msg, void *data)
{
    struct sent *sent = data;
    size_t which = msg->nlmsg_seq - sent->first;
    if (msg->nlmsg_type != NLMSG_ERROR || which >= sent->count ||
        sent->operations[which].result != IPVS_NOT_RUN)
        return 0;
    sent->operations[which].result = error_in(msg);
    sent->open--;
    return 0;
}

/* Send some operations and wait for their acks. @return The first error. */
static int run_some(struct ipvs_socket *sock, struct ipvs_operation *operations, size_t count)
{
    struct sent sent = {operations, count, count, sock->sequence + 1};
    int error = 0;
    for (size_t i = 0; i < count && !error; i++)
        error = batch_operation(sock, &operations[i]);
    if (!error)
        error = send_batch(sock);
    if (error)
        return error; /* none was sent */
    while (!error && sent.open)
        error = receive(sock, sent.first, take_ack, &sent);
    for (size_t i = count; i-- > 0;) {
        if (operations[i].result == IPVS_NOT_RUN)
            operations[i].result = IPVS_LOST;
        else if (operations[i].result != 0)
            error = operations[i].result;
    }
    return error;
}

int ipvs_run(struct ipvs_socket *sock, struct ipvs_operation *operations, size_t count, bool go_on)
{
    int first = 0;
    for (size_t i = 0; i < count; i++)
        operations[i].result = IPVS_NOT_RUN;
    for (size_t next = 0; next < count && (go_on || !first);) {
        size_t some = count - next < SEND_COUNT ? count - next : SEND_COUNT;
        int error = run_some(sock, operations + next, some);
        if (!first)
            first = error;
        next += some;
    }
    return first;
}

/* -- Opening ---------------------------------------------------------------------------------- */

/* Ask for some service, which need not be there: may we ask at all? */
static int check_permission(struct ipvs_socket *sock)
{
    struct ipvs_service_id nobody = {.family = AF_INET, .mark = UINT32_MAX};
    struct ipvs_table table = {0};
    int error = ipvs_read_some(sock, &nobody, 1, &table);
    ipvs_table_clear(&table);
    return error == EACCES ? EPERM : error;
}

int ipvs_open(struct ipvs_socket **opened)
{
    struct ipvs_socket *sock = calloc(1, sizeof *sock);
    *opened = NULL;
    if (!sock)
        return ENOMEM;
    sock->fd = -1;
    sock->buffer = malloc(RECEIVE_SIZE);
    sock->batch = malloc(SEND_SIZE);
    int error = sock->buffer && sock->batch ? connect_socket(sock) : ENOMEM;
    if (!error)
        error = check_permission(sock);
    if (error)
        ipvs_close(sock);
    else
        *opened = sock;
    return error;
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
