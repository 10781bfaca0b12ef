#include "backends/ipvs/settings.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/ipvs/desired.h"

const struct ipvs_parameter ipvs_parameters[IPVS_PARAMETERS] = {
    {.name = "am-droprate", .standard = "10"},
    {.name = "amemthresh", .standard = "1024"},
    {.name = "backup-only", .standard = "0"},
    {.name = "cache-bypass", .standard = "0"},
    {.name = "conn-reuse-mode", .standard = "1"},
    {.name = "conntrack", .standard = "0"},
    {.name = "drop-entry", .standard = "0"},
    {.name = "drop-packet", .standard = "0"},
    {.name = "est-cpulist", .standard = NULL},
    {.name = "est-nice", .standard = "0"},
    {.name = "expire-nodest-conn", .standard = "0"},
    {.name = "expire-quiescent-template", .standard = "0"},
    {.name = "ignore-tunneled", .standard = "0"},
    {.name = "lblc-expiration", .standard = "86400", .module = "ip_vs_lblc"},
    {.name = "lblcr-expiration", .standard = "86400", .module = "ip_vs_lblcr"},
    {.name = "nat-icmp-send", .standard = "0"},
    {.name = "pmtu-disc", .standard = "1"},
    {.name = "run-estimation", .standard = "1"},
    {.name = "schedule-icmp", .standard = "0"},
    {.name = "secure-tcp", .standard = "0"},
    {.name = "sloppy-sctp", .standard = "0"},
    {.name = "sloppy-tcp", .standard = "0"},
    {.name = "snat-reroute", .standard = "1"},
    {.name = "sync-persist-mode", .standard = "0"},
    {.name = "sync-ports", .standard = "1"},
    {.name = "sync-qlen-max", .standard = NULL},
    {.name = "sync-refresh-period", .standard = "0"},
    {.name = "sync-retries", .standard = "0"},
    {.name = "sync-sock-size", .standard = "0"},
    {.name = "sync-threshold", .standard = "3", .file = "sync_threshold", .place = 0},
    {.name = "sync-period", .standard = "50", .file = "sync_threshold", .place = 1},
    {.name = "sync-version", .standard = "1"},
};

const char *const ipvs_timeout_names[IPVS_TIMEOUTS] = {"tcp", "tcp-fin", "udp"};

const char *const ipvs_role_names[IPVS_ROLES] = {"master", "backup"};

const uint32_t ipvs_standard_timeouts[IPVS_TIMEOUTS] = {15 * 60, 2 * 60, 5 * 60};

void ipvs_settings_clear(struct ipvs_settings *settings)
{
    for (size_t i = 0; i < IPVS_PARAMETERS; i++)
        free(settings->parameters[i]);
    *settings = (struct ipvs_settings){0};
}

static const char *value_below(const struct lyd_node *node, const char *container, const char *leaf)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", container, leaf);
    return leaf_value(node, path);
}

static void read_daemon(const struct lyd_node *node, enum ipvs_role role,
                        struct ipvs_daemon *daemon)
{
    char at[64];
    snprintf(at, sizeof at, "sync-daemon/%s", ipvs_role_names[role]);
    const char *interface = value_below(node, at, "interface");
    if (!interface)
        return;
    const char *group = value_below(node, at, "multicast-group");
    const char *length = value_below(node, at, "max-length");
    daemon->on = true;
    snprintf(daemon->interface, sizeof daemon->interface, "%s", interface);
    daemon->sync_id = (uint8_t)atoi(value_below(node, at, "sync-id"));
    daemon->ttl = (uint8_t)atoi(value_below(node, at, "ttl"));
    daemon->port = (uint16_t)atoi(value_below(node, at, "port"));
    daemon->max_length = length ? (uint16_t)atoi(length) : 0;
    daemon->family = strchr(group, ':') ? AF_INET6 : AF_INET;
    inet_pton(daemon->family, group, daemon->group);
}

bool ipvs_settings_desired(const struct lyd_node *node, struct ipvs_settings *settings)
{
    *settings = (struct ipvs_settings){0};
    if (!node)
        return true;
    for (size_t i = 0; i < IPVS_PARAMETERS; i++) {
        const char *value = value_below(node, "parameters", ipvs_parameters[i].name);
        if (!value)
            continue;
        value = strcmp(value, "true") == 0 ? "1" : strcmp(value, "false") == 0 ? "0" : value;
        settings->parameters[i] = strdup(value);
        if (!settings->parameters[i])
            return false;
    }
    for (size_t i = 0; i < IPVS_TIMEOUTS; i++) {
        const char *value = value_below(node, "timeouts", ipvs_timeout_names[i]);
        settings->timeouts[i] = value ? (uint32_t)strtoul(value, NULL, 10) : 0;
    }
    for (enum ipvs_role role = 0; role < IPVS_ROLES; role++)
        read_daemon(node, role, &settings->daemons[role]);
    return true;
}

/* A parameter that the kernel lacks. */
static enum outcome refuse_parameter(const struct lyd_node *node,
                                     const struct ipvs_parameter *parameter, struct error *err)
{
    char below[64], advice[64] = "boot a kernel that has it";
    snprintf(below, sizeof below, "/parameters/%s", parameter->name);
    if (parameter->module)
        snprintf(advice, sizeof advice, "load its module (modprobe %s)", parameter->module);
    char *path = ipvs_path(node, below);
    enum outcome outcome =
        refuse(err, TAG_OPERATION_NOT_SUPPORTED, path,
               "The kernel's IPVS has no parameter %s: remove it, or %s.", parameter->name, advice);
    free(path);
    return outcome;
}

static enum outcome lay_parameters(const struct ipvs_settings *held,
                                   const struct ipvs_settings *before,
                                   const struct ipvs_settings *wanted, const struct lyd_node *node,
                                   struct ipvs_settings *target, struct error *err)
{
    enum outcome outcome = DONE;
    for (size_t i = 0; i < IPVS_PARAMETERS; i++) {
        const char *value = held->parameters[i];
        if (wanted->parameters[i] && !value && outcome == DONE)
            outcome = refuse_parameter(node, &ipvs_parameters[i], err);
        if (wanted->parameters[i] && !value)
            continue;
        if (wanted->parameters[i])
            value = wanted->parameters[i];
        else if (value && before->parameters[i] && ipvs_parameters[i].standard)
            value = ipvs_parameters[i].standard;
        target->parameters[i] = value ? strdup(value) : NULL;
        if (value && !target->parameters[i])
            return fail_memory(err);
    }
    return outcome;
}

/* One of the two that are configured runs at a time. A role that is not configured is another's. */
static void follow_role(const struct ipvs_settings *held, const struct ipvs_settings *wanted,
                        enum ipvs_follow follow, struct ipvs_settings *target)
{
    if (follow == IPVS_FOLLOW_NONE)
        return;
    if (follow == IPVS_FOLLOW_HELD)
        follow = held->daemons[IPVS_MASTER].on && !held->daemons[IPVS_BACKUP].on
                     ? IPVS_FOLLOW_MASTER
                     : IPVS_FOLLOW_BACKUP;
    enum ipvs_role idle = follow == IPVS_FOLLOW_MASTER ? IPVS_BACKUP : IPVS_MASTER;
    if (wanted->daemons[idle].on)
        target->daemons[idle] = (struct ipvs_daemon){0};
}

enum outcome ipvs_settings_target(const struct ipvs_settings *held, const struct lyd_node *before,
                                  const struct lyd_node *after, enum ipvs_follow follow,
                                  struct ipvs_settings *target, struct error *err)
{
    struct ipvs_settings old = {0}, wanted = {0};
    *target = (struct ipvs_settings){0};
    bool read = ipvs_settings_desired(before, &old) && ipvs_settings_desired(after, &wanted);
    enum outcome outcome =
        read ? lay_parameters(held, &old, &wanted, after, target, err) : fail_memory(err);

    for (size_t i = 0; i < IPVS_TIMEOUTS; i++)
        target->timeouts[i] = wanted.timeouts[i] ? wanted.timeouts[i]
                              : old.timeouts[i]  ? ipvs_standard_timeouts[i]
                                                 : held->timeouts[i];
    for (enum ipvs_role role = 0; role < IPVS_ROLES; role++)
        target->daemons[role] = wanted.daemons[role].on ? wanted.daemons[role]
                                : old.daemons[role].on  ? (struct ipvs_daemon){0}
                                                        : held->daemons[role];
    follow_role(held, &wanted, follow, target);
    ipvs_settings_clear(&old);
    ipvs_settings_clear(&wanted);
    return outcome;
}

bool ipvs_parameter_same(size_t parameter, const char *a, const char *b)
{
    static const char *const automatic[] = {"drop-entry", "drop-packet", "secure-tcp"};
    if (!a || !b || strcmp(a, b) == 0)
        return true; /* what the kernel lacks cannot be written */
    /* The automatic mode: the kernel itself goes from 1 to 2 and back. */
    for (size_t i = 0; i < sizeof automatic / sizeof *automatic; i++)
        if (strcmp(ipvs_parameters[parameter].name, automatic[i]) == 0)
            return (*a == '1' || *a == '2') && (*b == '1' || *b == '2');
    return false;
}

bool ipvs_daemon_same(const struct ipvs_daemon *held, const struct ipvs_daemon *target,
                      enum ipvs_role role)
{
    uint16_t length = target->max_length;
    if (role == IPVS_BACKUP && length && length < 1024)
        length = 1024; /* the kernel takes no less */
    if (!held->on || !target->on)
        return held->on == target->on;
    return strcmp(held->interface, target->interface) == 0 && held->sync_id == target->sync_id &&
           held->ttl == target->ttl && held->port == target->port &&
           held->family == target->family &&
           memcmp(held->group, target->group, sizeof held->group) == 0 &&
           (!length || !held->max_length || held->max_length == length);
}
