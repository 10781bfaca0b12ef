/*
 * What filling the kernel's IPVS table takes, for whoever does nothing else: services with four
 * destinations each, as messages that are ready, 128 a send, with one acknowledgement a send.
 *
 *     fill SERVICES     prints the seconds
 */
#include <arpa/inet.h>
#include <linux/ip_vs.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH 128
#define REALS 4

static struct nl_sock *sock;
static int family;
static char batch[BATCH * 256];
static size_t batch_length, batch_count;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void read_answer(void)
{
    char answer[8192];
    ssize_t length = recv(nl_socket_get_fd(sock), answer, sizeof answer, 0);
    const struct nlmsghdr *header = (const struct nlmsghdr *)answer;
    const struct nlmsgerr *error = NLMSG_DATA(header);
    if (length < 0 || header->nlmsg_type != NLMSG_ERROR || error->error)
        fail("the kernel's answer");
}

static void send_batch(void)
{
    if (!batch_length)
        return;
    if (send(nl_socket_get_fd(sock), batch, batch_length, 0) < 0)
        fail("send");
    read_answer();
    batch_length = batch_count = 0;
}

/* The last message of a batch asks for the answer; errors come unasked. */
static void add(struct nl_msg *msg)
{
    struct nlmsghdr *header = nlmsg_hdr(msg);
    header->nlmsg_flags = NLM_F_REQUEST | (batch_count + 1 == BATCH ? NLM_F_ACK : 0);
    memcpy(batch + batch_length, header, header->nlmsg_len);
    batch_length += NLMSG_ALIGN(header->nlmsg_len);
    nlmsg_free(msg);
    if (++batch_count == BATCH)
        send_batch();
}

static struct nl_msg *begin(int command)
{
    struct nl_msg *msg = nlmsg_alloc_size(512);
    if (!msg || !genlmsg_put(msg, 0, 1, family, 0, 0, (uint8_t)command, IPVS_GENL_VERSION))
        fail("memory");
    return msg;
}

static void put_service(struct nl_msg *msg, uint32_t address, int whole)
{
    const struct ip_vs_flags flags = {.mask = ~0U};
    struct nlattr *nest = nla_nest_start(msg, IPVS_CMD_ATTR_SERVICE);
    address = htonl(address);
    nla_put_u16(msg, IPVS_SVC_ATTR_AF, AF_INET);
    nla_put_u16(msg, IPVS_SVC_ATTR_PROTOCOL, IPPROTO_TCP);
    nla_put(msg, IPVS_SVC_ATTR_ADDR, sizeof address, &address);
    nla_put_u16(msg, IPVS_SVC_ATTR_PORT, htons(80));
    if (whole) {
        nla_put_string(msg, IPVS_SVC_ATTR_SCHED_NAME, "wlc");
        nla_put(msg, IPVS_SVC_ATTR_FLAGS, sizeof flags, &flags);
        nla_put_u32(msg, IPVS_SVC_ATTR_TIMEOUT, 0);
        nla_put_u32(msg, IPVS_SVC_ATTR_NETMASK, ~0U);
    }
    nla_nest_end(msg, nest);
}

static void add_service(uint32_t address)
{
    struct nl_msg *msg = begin(IPVS_CMD_NEW_SERVICE);
    put_service(msg, address, 1);
    add(msg);
}

static void add_destination(uint32_t service, uint32_t address)
{
    struct nl_msg *msg = begin(IPVS_CMD_NEW_DEST);
    put_service(msg, service, 0);
    struct nlattr *nest = nla_nest_start(msg, IPVS_CMD_ATTR_DEST);
    address = htonl(address);
    nla_put(msg, IPVS_DEST_ATTR_ADDR, sizeof address, &address);
    nla_put_u16(msg, IPVS_DEST_ATTR_ADDR_FAMILY, AF_INET);
    nla_put_u16(msg, IPVS_DEST_ATTR_PORT, htons(80));
    nla_put_u32(msg, IPVS_DEST_ATTR_FWD_METHOD, 0);
    nla_put_u32(msg, IPVS_DEST_ATTR_WEIGHT, 1);
    nla_put_u32(msg, IPVS_DEST_ATTR_U_THRESH, 0);
    nla_put_u32(msg, IPVS_DEST_ATTR_L_THRESH, 0);
    nla_nest_end(msg, nest);
    add(msg);
}

int main(int argc, char **argv)
{
    struct timespec begun, ended;
    uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
    sock = nl_socket_alloc();
    if (!sock || genl_connect(sock) < 0)
        fail("socket");
    family = genl_ctrl_resolve(sock, IPVS_GENL_NAME);
    if (family < 0 || !count)
        fail("ip_vs");
    clock_gettime(CLOCK_MONOTONIC, &begun);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t service = 192U << 24 | i;
        add_service(service);
        for (uint32_t r = 1; r <= REALS; r++)
            add_destination(service, 10U << 24 | i << 8 | r);
    }
    if (batch_length) {
        struct nl_msg *last = begin(IPVS_CMD_GET_INFO); /* answered, and so the batch's end */
        nlmsg_hdr(last)->nlmsg_flags = NLM_F_REQUEST;
        memcpy(batch + batch_length, nlmsg_hdr(last), nlmsg_hdr(last)->nlmsg_len);
        batch_length += nlmsg_hdr(last)->nlmsg_len;
        nlmsg_free(last);
        char answer[8192];
        if (send(nl_socket_get_fd(sock), batch, batch_length, 0) < 0 ||
            recv(nl_socket_get_fd(sock), answer, sizeof answer, 0) < 0 ||
            ((struct nlmsghdr *)answer)->nlmsg_type == NLMSG_ERROR)
            fail("the last batch");
    }
    clock_gettime(CLOCK_MONOTONIC, &ended);
    printf("%.6f\n",
           (double)(ended.tv_sec - begun.tv_sec) + (double)(ended.tv_nsec - begun.tv_nsec) / 1e9);
    return 0;
}
