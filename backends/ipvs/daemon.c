#include "backends/ipvs/daemon.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ip_vs.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <string.h>
#include <sys/socket.h>

static const uint32_t states[IPVS_ROLES] = {IP_VS_STATE_MASTER, IP_VS_STATE_BACKUP};

/* Note the daemon of a message. */
static int take_daemon(struct nlmsghdr *msg, void *data)
{
    struct ipvs_settings *settings = data;
    struct nlattr *outer[IPVS_CMD_ATTR_MAX + 1], *attrs[IPVS_DAEMON_ATTR_MAX + 1];
    if (!genlmsg_valid_hdr(msg, 0) || genlmsg_parse(msg, 0, outer, IPVS_CMD_ATTR_MAX, NULL) < 0 ||
        !outer[IPVS_CMD_ATTR_DAEMON] ||
        nla_parse_nested(attrs, IPVS_DAEMON_ATTR_MAX, outer[IPVS_CMD_ATTR_DAEMON], NULL) < 0 ||
        !attrs[IPVS_DAEMON_ATTR_STATE])
        return EBADMSG;
    bool backup = nla_get_u32(attrs[IPVS_DAEMON_ATTR_STATE]) == IP_VS_STATE_BACKUP;
    struct ipvs_daemon *daemon = &settings->daemons[backup ? IPVS_BACKUP : IPVS_MASTER];

    /* Kernels before 4.3 tell no more than the first two: what follows is all they do. */
    *daemon = (struct ipvs_daemon){.on = true, .ttl = 1, .port = 8848, .family = AF_INET};
    memcpy(daemon->group, (const uint8_t[]){224, 0, 0, 81}, 4);
    if (attrs[IPVS_DAEMON_ATTR_MCAST_IFN])
        nla_strlcpy(daemon->interface, attrs[IPVS_DAEMON_ATTR_MCAST_IFN], sizeof daemon->interface);
    if (attrs[IPVS_DAEMON_ATTR_SYNC_ID])
        daemon->sync_id = (uint8_t)nla_get_u32(attrs[IPVS_DAEMON_ATTR_SYNC_ID]);
    if (attrs[IPVS_DAEMON_ATTR_SYNC_MAXLEN])
        daemon->max_length = nla_get_u16(attrs[IPVS_DAEMON_ATTR_SYNC_MAXLEN]);
    if (attrs[IPVS_DAEMON_ATTR_MCAST_PORT])
        daemon->port = nla_get_u16(attrs[IPVS_DAEMON_ATTR_MCAST_PORT]);
    if (attrs[IPVS_DAEMON_ATTR_MCAST_TTL])
        daemon->ttl = nla_get_u8(attrs[IPVS_DAEMON_ATTR_MCAST_TTL]);
    if (attrs[IPVS_DAEMON_ATTR_MCAST_GROUP])
        nla_memcpy(daemon->group, attrs[IPVS_DAEMON_ATTR_MCAST_GROUP], 4);
    if (attrs[IPVS_DAEMON_ATTR_MCAST_GROUP6]) {
        daemon->family = AF_INET6;
        nla_memcpy(daemon->group, attrs[IPVS_DAEMON_ATTR_MCAST_GROUP6], 16);
    }
    return 0;
}

int ipvs_read_daemons(struct ipvs_socket *sock, struct ipvs_settings *settings)
{
    memset(settings->daemons, 0, sizeof settings->daemons);
    return ipvs_dump(sock, ipvs_request_new(sock, IPVS_CMD_GET_DAEMON, NLM_F_DUMP), take_daemon,
                     settings);
}

/* Everything but the state. */
static bool put_daemon(struct nl_msg *msg, const struct ipvs_daemon *daemon)
{
    bool put = nla_put_string(msg, IPVS_DAEMON_ATTR_MCAST_IFN, daemon->interface) == 0 &&
               nla_put_u32(msg, IPVS_DAEMON_ATTR_SYNC_ID, daemon->sync_id) == 0 &&
               nla_put_u16(msg, IPVS_DAEMON_ATTR_MCAST_PORT, daemon->port) == 0 &&
               nla_put_u8(msg, IPVS_DAEMON_ATTR_MCAST_TTL, daemon->ttl) == 0;
    if (put && daemon->max_length)
        put = nla_put_u16(msg, IPVS_DAEMON_ATTR_SYNC_MAXLEN, daemon->max_length) == 0;
    if (put && daemon->family == AF_INET6)
        return nla_put(msg, IPVS_DAEMON_ATTR_MCAST_GROUP6, 16, daemon->group) == 0;
    return put && nla_put(msg, IPVS_DAEMON_ATTR_MCAST_GROUP, 4, daemon->group) == 0;
}

/* @param daemon NULL: the role alone. */
static int command(struct ipvs_socket *sock, int command, enum ipvs_role role,
                   const struct ipvs_daemon *daemon)
{
    struct nl_msg *msg = ipvs_request_new(sock, command, NLM_F_ACK);
    struct nlattr *nest = msg ? nla_nest_start(msg, IPVS_CMD_ATTR_DAEMON) : NULL;
    if (!nest || nla_put_u32(msg, IPVS_DAEMON_ATTR_STATE, states[role]) != 0 ||
        (daemon && !put_daemon(msg, daemon))) {
        nlmsg_free(msg);
        return ENOMEM;
    }
    nla_nest_end(msg, nest);
    return ipvs_ask(sock, msg, NULL, NULL);
}

int ipvs_start_daemon(struct ipvs_socket *sock, enum ipvs_role role,
                      const struct ipvs_daemon *daemon)
{
    return command(sock, IPVS_CMD_NEW_DAEMON, role, daemon);
}

int ipvs_stop_daemon(struct ipvs_socket *sock, enum ipvs_role role)
{
    int error = command(sock, IPVS_CMD_DEL_DAEMON, role, NULL);
    return error == ESRCH ? 0 : error;
}

/* -- Time-outs -------------------------------------------------------------------------------- */

static const int timeout_attributes[IPVS_TIMEOUTS] = {
    IPVS_CMD_ATTR_TIMEOUT_TCP, IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, IPVS_CMD_ATTR_TIMEOUT_UDP};

static int take_timeouts(struct nlmsghdr *msg, void *data)
{
    struct ipvs_settings *settings = data;
    struct nlattr *attrs[IPVS_CMD_ATTR_MAX + 1];
    if (!genlmsg_valid_hdr(msg, 0) || genlmsg_parse(msg, 0, attrs, IPVS_CMD_ATTR_MAX, NULL) < 0)
        return EBADMSG;
    for (size_t i = 0; i < IPVS_TIMEOUTS; i++)
        if (attrs[timeout_attributes[i]])
            settings->timeouts[i] = nla_get_u32(attrs[timeout_attributes[i]]);
    return 0;
}

int ipvs_read_timeouts(struct ipvs_socket *sock, struct ipvs_settings *settings)
{
    return ipvs_ask(sock, ipvs_request_new(sock, IPVS_CMD_GET_CONFIG, 0), take_timeouts, settings);
}

int ipvs_set_timeouts(struct ipvs_socket *sock, const uint32_t timeouts[IPVS_TIMEOUTS])
{
    struct nl_msg *msg = ipvs_request_new(sock, IPVS_CMD_SET_CONFIG, NLM_F_ACK);
    for (size_t i = 0; msg && i < IPVS_TIMEOUTS; i++) {
        if (timeouts[i] && nla_put_u32(msg, timeout_attributes[i], timeouts[i]) != 0) {
            nlmsg_free(msg);
            return ENOMEM;
        }
    }
    return ipvs_ask(sock, msg, NULL, NULL);
}
