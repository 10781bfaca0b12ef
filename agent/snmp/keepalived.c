#include "agent/snmp/keepalived.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/command_line.h"

const oid keepalived_mib[KEEPALIVED_MIB_LENGTH] = {1, 3, 6, 1, 4, 1, 9586, 100, 5};

#define MICROSECONDS 1e6

bool keepalived_zero(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = 0;
    value->length = 0;
    return true;
}

bool keepalived_one(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = 1;
    return true;
}

bool keepalived_two(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = 2;
    return true;
}

const struct lyd_node *keepalived_child(const struct lyd_node *parent, const char *name)
{
    const struct lyd_node *child = lyd_child(parent);

    while (child && (!child->schema || strcmp(child->schema->name, name)))
        child = child->next;
    return child;
}

bool keepalived_is_group(const struct lyd_node *row)
{
    return keepalived_child(row, "member") != NULL;
}

/* --- health checks: those of the virtual server hold for its real servers --- */

static bool is_sorry_server(const struct lyd_node *row)
{
    return !strcmp(row->schema->name, "sorry-server");
}

static bool is_below_virtual_server(const struct lyd_node *row)
{
    return !strcmp(row->schema->name, "real-server") || is_sorry_server(row);
}

static const struct lyd_node *health_of(const struct lyd_node *row)
{
    if (is_below_virtual_server(row))
        row = lyd_parent(row);
    return keepalived_child(row, "health");
}

/*
 * In units of a second divided by scale; without checks, what keepalived says then. A sorry server
 * is not checked, and keepalived says 0.
 */
static bool time_of(const struct lyd_node *row, const char *leaf, double without, double scale,
                    struct snmp_value *value)
{
    const struct lyd_node *health = health_of(row);
    const char *text = health ? leaf_value(health, leaf) : NULL;
    double seconds = is_sorry_server(row) ? 0 : text ? strtod(text, NULL) : without;

    value->number = (uint64_t)(scale > 1 ? seconds * scale + 0.5 : seconds);
    return true;
}

bool keepalived_delay_loop(const struct lyd_node *row, struct snmp_value *value)
{
    return time_of(row, "delay-loop", 60, 1, value);
}

bool keepalived_delay_loop_usec(const struct lyd_node *row, struct snmp_value *value)
{
    return time_of(row, "delay-loop", 60, MICROSECONDS, value);
}

bool keepalived_retry(const struct lyd_node *row, struct snmp_value *value)
{
    return time_of(row, "retry", 0, 1, value);
}

bool keepalived_retry_delay(const struct lyd_node *row, struct snmp_value *value)
{
    return time_of(row, "delay-before-retry", 0, 1, value);
}

bool keepalived_retry_delay_usec(const struct lyd_node *row, struct snmp_value *value)
{
    return time_of(row, "delay-before-retry", 0, MICROSECONDS, value);
}

bool keepalived_warmup(const struct lyd_node *row, struct snmp_value *value)
{
    return time_of(row, "warmup", 0, 1, value);
}

bool keepalived_warmup_usec(const struct lyd_node *row, struct snmp_value *value)
{
    return time_of(row, "warmup", 0, MICROSECONDS, value);
}

bool keepalived_timeout_usec(const struct lyd_node *row, struct snmp_value *value)
{
    return time_of(row, "timeout", 5, MICROSECONDS, value);
}

/* What a row says itself, or else its virtual server. */
static const char *said_of(const struct lyd_node *row, const char *leaf)
{
    const struct lyd_node *own = keepalived_child(row, "health"), *health = health_of(row);
    const char *text = own ? leaf_value(own, leaf) : NULL;

    return text || !health ? text : leaf_value(health, leaf);
}

static bool is_set_to(const struct lyd_node *row, const char *leaf, const char *wanted)
{
    const char *text = said_of(row, leaf);

    return text && !strcmp(text, wanted);
}

bool keepalived_alpha(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = is_set_to(row, "alpha", "true") ? 1 : 2;
    return true;
}

bool keepalived_ha_suspend(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = is_set_to(row, "ha-suspend", "true") ? 1 : 2;
    return true;
}

bool keepalived_omega(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = is_set_to(row, "omega", "true") ? 1 : 2;
    return true;
}

bool keepalived_command(const struct lyd_node *row, const char *leaf, struct snmp_value *value)
{
    const char *line = said_of(row, leaf);
    char **words = line ? command_line_split(line, NULL) : NULL;
    char text[SNMP_TEXT_MAX + 1];
    size_t length = 0;

    if (!words)
        return false;
    for (char **word = words; *word && length < SNMP_TEXT_MAX; word++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s'%s'",
                                   length ? " " : "", *word);
    value->length = length > SNMP_TEXT_MAX ? SNMP_TEXT_MAX : length;
    memcpy(value->text, text, value->length);
    free(words);
    return true;
}

bool keepalived_action(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = is_set_to(row, "on-failure", "inhibit") ? 2 : 1;
    return true;
}

bool keepalived_virtual_host(const struct lyd_node *row, struct snmp_value *value)
{
    const struct lyd_node *health = keepalived_child(row, "health");
    const struct lyd_node *check = health ? lyd_child(health) : NULL;
    const char *host = NULL;

    for (; check && !host; check = check->next) {
        if (!check->schema || strcmp(check->schema->name, "check"))
            continue;
        host = leaf_value(check, "http/virtual-host");
        if (!host)
            host = leaf_value(check, "https/virtual-host");
    }
    if (!host)
        return false;
    value->length = strlen(host);
    memcpy(value->text, host, value->length); /* at most 253, says the model */
    return true;
}

bool keepalived_is_alive(const struct lyd_node *real_server)
{
    const char *health = leaf_value(real_server, "health/status/state");
    const char *status = leaf_value(real_server, "oper-status");

    if (health && !strcmp(health, "down"))
        return false;
    return !status || !strcmp(status, "active") || !strcmp(status, "drained");
}

/* --- tunnels --- */

/* The row's kind of tunnel, or NULL if it does not forward by one. */
static const char *tunnel_of(const struct lyd_node *row)
{
    const char *method = leaf_value(row, "forwarding-method");

    if (!method && is_below_virtual_server(row))
        method = leaf_value(lyd_parent(row), "forwarding-method");
    if (!method || strcmp(method, "tun"))
        return NULL;
    const char *type = leaf_value(row, "tunnel/type");
    return type ? type : "ipip";
}

bool keepalived_tunnel_type(const struct lyd_node *row, struct snmp_value *value)
{
    const char *type = tunnel_of(row);

    if (!type)
        return false;
    value->number = !strcmp(type, "gre") ? 3 : !strcmp(type, "gue") ? 2 : 1;
    return true;
}

bool keepalived_tunnel_port(const struct lyd_node *row, struct snmp_value *value)
{
    const char *type = tunnel_of(row);
    const char *port = leaf_value(row, "tunnel/port");

    if (!type || strcmp(type, "gue") || !port)
        return false;
    value->number = strtoul(port, NULL, 10);
    return true;
}

bool keepalived_tunnel_checksum(const struct lyd_node *row, struct snmp_value *value)
{
    const char *type = tunnel_of(row);
    const char *checksum = leaf_value(row, "tunnel/checksum");

    if (!type || !strcmp(type, "ipip"))
        return false;
    value->number = checksum && !strcmp(checksum, "full")     ? 2
                    : checksum && !strcmp(checksum, "remote") ? 3
                                                              : 1;
    return true;
}
