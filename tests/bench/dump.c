/*
 * What one reading of the kernel's IPVS table takes, for whoever wants only that: all services,
 * then the destinations of each, without looking at more than their identity.
 *
 *     dump     prints the seconds
 */
#include <linux/ip_vs.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define ROOM (64 * 1024)
#define IDENTITY 256

/* The attributes that name a service, as they came. */
struct identity {
    char data[IDENTITY];
    int length;
};

static struct nl_sock *sock;
static int family;
static char buffer[ROOM];
static struct identity *services;
static size_t service_count, destination_count;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void add_service(struct nlmsghdr *msg)
{
    struct nlattr *outer = genlmsg_attrdata(nlmsg_data(msg), 0), *attr;
    int rest;
    if (service_count % 1024 == 0)
        services = reallocarray(services, service_count + 1024, sizeof *services);
    if (!services)
        fail("memory");
    struct identity *identity = &services[service_count++];
    identity->length = 0;
    nla_for_each_nested(attr, outer, rest)
    {
        if (nla_type(attr) > IPVS_SVC_ATTR_FWMARK)
            continue;
        memcpy(identity->data + identity->length, attr, (size_t)nla_total_size(nla_len(attr)));
        identity->length += nla_total_size(nla_len(attr));
    }
}

static void dump(int command, const struct identity *identity)
{
    struct nl_msg *msg = nlmsg_alloc();
    if (!msg || !genlmsg_put(msg, 0, 1, family, 0, NLM_F_REQUEST | NLM_F_DUMP, (uint8_t)command,
                             IPVS_GENL_VERSION))
        fail("memory");
    if (identity &&
        nla_put(msg, IPVS_CMD_ATTR_SERVICE | NLA_F_NESTED, identity->length, identity->data))
        fail("memory");
    if (send(nl_socket_get_fd(sock), nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len, 0) < 0)
        fail("send");
    nlmsg_free(msg);
    for (;;) {
        int rest = (int)recv(nl_socket_get_fd(sock), buffer, sizeof buffer, 0);
        if (rest < 0)
            fail("recv");
        struct nlmsghdr *got = (struct nlmsghdr *)buffer;
        for (; nlmsg_ok(got, rest); got = nlmsg_next(got, &rest)) {
            if (got->nlmsg_type == NLMSG_DONE)
                return;
            if (got->nlmsg_type == NLMSG_ERROR)
                fail("the kernel's answer");
            if (identity)
                destination_count++;
            else
                add_service(got);
        }
    }
}

int main(void)
{
    struct timespec begin, end;
    sock = nl_socket_alloc();
    if (!sock || genl_connect(sock) < 0)
        fail("socket");
    family = genl_ctrl_resolve(sock, IPVS_GENL_NAME);
    if (family < 0)
        fail("ip_vs");
    clock_gettime(CLOCK_MONOTONIC, &begin);
    dump(IPVS_CMD_GET_SERVICE, NULL);
    for (size_t i = 0; i < service_count; i++)
        dump(IPVS_CMD_GET_DEST, &services[i]);
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%.6f\n",
           (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9);
    fprintf(stderr, "%zu services, %zu destinations\n", service_count, destination_count);
    return destination_count ? 0 : 1;
}
