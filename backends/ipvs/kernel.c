#include "backends/ipvs/kernel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "backends/ipvs/netlink.h"

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

int ipvs_read_services(struct ipvs_socket *sock, struct ipvs_table *table)
{
    return ipvs_dump(sock, ipvs_request_new(sock, IPVS_CMD_GET_SERVICE, NLM_F_DUMP), take_service,
                     table);
}

int ipvs_read_destinations(struct ipvs_socket *sock, struct ipvs_service *service)
{
    struct nl_msg *msg = ipvs_request_new(sock, IPVS_CMD_GET_DEST, NLM_F_DUMP);
    struct nlattr *nest = msg ? put_service_id(msg, &service->id) : NULL;
    if (!nest) {
        nlmsg_free(msg);
        return ENOMEM;
    }
    nla_nest_end(msg, nest);
    return ipvs_dump(sock, msg, take_destination, service);
}

int ipvs_read_table(struct ipvs_socket *sock, struct ipvs_table *table)
{
    size_t first = table->count;
    int error = ipvs_read_services(sock, table);
    for (size_t i = first; i < table->count && !error; i++) {
        error = ipvs_read_destinations(sock, &table->services[i]);
        ipvs_service_sort(&table->services[i]);
    }
    return error;
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
    int error = ipvs_error_in(msg);
    return error == ESRCH ? 0 : error; /* no such service */
}

int ipvs_read_some(struct ipvs_socket *sock, const struct ipvs_service_id *ids, size_t count,
                   struct ipvs_table *table)
{
    int error = 0;
    for (size_t next = 0; next < count && !error;) {
        uint32_t first = sock->sequence + 1;
        struct queries queries = {.table = table};
        for (; next < count && queries.open < IPVS_BATCH_QUERIES; next++, queries.open++) {
            /* Without an ack: there is one answer to each, the service or the error. */
            struct nl_msg *msg = ipvs_request_new(sock, IPVS_CMD_GET_SERVICE, 0);
            struct nlattr *nest = msg ? put_service_id(msg, &ids[next]) : NULL;
            if (!nest) {
                nlmsg_free(msg);
                sock->batched = 0;
                return ENOMEM;
            }
            nla_nest_end(msg, nest);
            ipvs_request_add(sock, msg);
        }
        error = ipvs_send(sock);
        while (!error && queries.open)
            error = ipvs_receive(sock, first, take_queried, &queries);
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

/* Put an operation into the batch. The kernel answers whatever fails, and the rest if asked to. */
static int batch_operation(struct ipvs_socket *sock, const struct ipvs_operation *operation,
                           bool ack)
{
    static const int commands[2][3] = {
        {IPVS_CMD_NEW_SERVICE, IPVS_CMD_SET_SERVICE, IPVS_CMD_DEL_SERVICE},
        {IPVS_CMD_NEW_DEST, IPVS_CMD_SET_DEST, IPVS_CMD_DEL_DEST},
    };
    bool on_destination = ipvs_on_destination(operation);
    bool full = operation->verb != IPVS_DELETE;
    struct nl_msg *msg =
        ipvs_request_new(sock, commands[on_destination][operation->verb], ack ? NLM_F_ACK : 0);
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
    ipvs_request_add(sock, msg);
    return 0;
}

/* Operations that were sent and whose answers are awaited. */
struct sent {
    struct ipvs_operation *operations;
    size_t count;
    uint32_t first; /* the first one's sequence number */
    bool answered;  /* the last one is, and so are all that failed before it */
};

static int take_ack(struct nlmsghdr *msg, void *data)
{
    struct sent *sent = data;
    size_t which = msg->nlmsg_seq - sent->first;
    if (msg->nlmsg_type != NLMSG_ERROR || which >= sent->count ||
        sent->operations[which].result != IPVS_NOT_RUN)
        return 0;
    sent->operations[which].result = ipvs_error_in(msg);
    sent->answered = which == sent->count - 1;
    return 0;
}

/*
 * Send some operations and wait for the last one's answer: the kernel takes them in their order, so
 * whatever was not answered until then was done. Answers that it cannot deliver it reports
 * (ENOBUFS). @return The first error.
 */
static int run_some(struct ipvs_socket *sock, struct ipvs_operation *operations, size_t count)
{
    struct sent sent = {operations, count, sock->sequence + 1, false};
    int error = 0;
    for (size_t i = 0; i < count && !error; i++)
        error = batch_operation(sock, &operations[i], i == count - 1);
    if (!error)
        error = ipvs_send(sock);
    if (error)
        return error; /* none was sent */
    while (!error && !sent.answered)
        error = ipvs_receive(sock, sent.first, take_ack, &sent);
    for (size_t i = count; i-- > 0;) {
        if (operations[i].result == IPVS_NOT_RUN)
            operations[i].result = sent.answered ? 0 : IPVS_LOST;
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
        size_t some = count - next < IPVS_BATCH_CHANGES ? count - next : IPVS_BATCH_CHANGES;
        int error = run_some(sock, operations + next, some);
        if (!first)
            first = error;
        next += some;
    }
    return first;
}

static int zero(struct ipvs_socket *sock, const struct ipvs_service_id *id)
{
    struct nl_msg *msg = ipvs_request_new(sock, IPVS_CMD_ZERO, NLM_F_ACK);
    struct nlattr *nest = msg && id ? put_service_id(msg, id) : NULL;
    if (id && !nest) {
        nlmsg_free(msg);
        return ENOMEM;
    }
    if (nest)
        nla_nest_end(msg, nest);
    return ipvs_ask(sock, msg, NULL, NULL);
}

int ipvs_zero(struct ipvs_socket *sock, const struct ipvs_service_id *ids, size_t count)
{
    int error = ids ? 0 : zero(sock, NULL);
    for (size_t i = 0; i < count && !error; i++)
        error = zero(sock, &ids[i]);
    return error;
}
