#include "agent/snmp/settings.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/snmp/foreign_notification.h"

/* The notifications of other MIBs; VRRP's are sent unless it is said otherwise. */
static unsigned foreign_of(const struct entry *entry)
{
    const char *keepalived = entry ? leaf_value(entry->node, "keepalived-notifications") : NULL;
    const char *vrrp = entry ? leaf_value(entry->node, "vrrp-notifications") : NULL;

    return (keepalived && !strcmp(keepalived, "true") ? SNMP_FOREIGN_KEEPALIVED : 0) |
           (!vrrp || !strcmp(vrrp, "true") ? SNMP_FOREIGN_VRRP : 0);
}

static bool is_true(const struct entry *entry, const char *leaf)
{
    const char *value = entry ? leaf_value(entry->node, leaf) : NULL;

    return value && !strcmp(value, "true");
}

static enum outcome set_general(struct snmp_settings *settings, const struct entry *entry,
                                struct error *err)
{
    const struct lyd_node *node = entry ? entry->node : NULL;
    const char *enabled = leaf_value(node, "enabled"), *mode = leaf_value(node, "mode");
    const char *path = leaf_value(node, "agentx-socket");
    const char *rate = leaf_value(node, "notification-rate");

    settings->host_mibs = is_true(entry, "host-mibs");
    settings->rate = rate ? (unsigned)strtoul(rate, NULL, 10) : 20;
    settings->foreign = foreign_of(entry);
    settings->mode = mode && !strcmp(mode, "agentx") ? SNMP_AGENTX : SNMP_MASTER;
    if (enabled && !strcmp(enabled, "false"))
        settings->mode = SNMP_OFF;
    settings->agentx_socket = strdup(path ? path : "/var/agentx/master");
    return settings->agentx_socket &&
                   leaf_copy(node, "agentx-write-as", &settings->agentx_writer) &&
                   leaf_copy(node, "contact", &settings->contact) &&
                   leaf_copy(node, "location", &settings->location)
               ? DONE
               : fail_memory(err);
}

static void set_socket(struct snmp_address *address, const char *text, uint16_t port)
{
    if (inet_pton(AF_INET, text, &address->socket.v4.sin_addr) == 1) {
        address->socket.v4.sin_family = AF_INET;
        address->socket.v4.sin_port = htons(port);
        address->length = sizeof(address->socket.v4);
    } else if (inet_pton(AF_INET6, text, &address->socket.v6.sin6_addr) == 1) {
        address->socket.v6.sin6_family = AF_INET6;
        address->socket.v6.sin6_port = htons(port);
        address->length = sizeof(address->socket.v6);
    }
}

static enum outcome set_address(struct snmp_address *address, const struct entry *entry,
                                struct error *err)
{
    const char *text = leaf_value(entry->node, "address");
    const char *port = leaf_value(entry->node, "port");
    const char *transport = leaf_value(entry->node, "transport");
    bool v6 = text && strchr(text, ':');
    bool tcp = transport && !strcmp(transport, "tcp");

    if (!text)
        return fail(err, TAG_OPERATION_FAILED, entry->unit->path, "an address is missing");
    port = port ? port : "161";
    set_socket(address, text, (uint16_t)strtoul(port, NULL, 10));
    address->socktype = tcp ? SOCK_STREAM : SOCK_DGRAM;
    if (asprintf(&address->path, "%s%s/address", entry->unit->path, entry->key) < 0)
        address->path = NULL;
    if (asprintf(&address->spec, "%s%s:%s%s%s:%s", tcp ? "tcp" : "udp", v6 ? "6" : "",
                 v6 ? "[" : "", text, v6 ? "]" : "", port) < 0)
        address->spec = NULL;
    return address->path && address->spec ? DONE : fail_memory(err);
}

static bool read_network(const char *text, struct snmp_network *network)
{
    char net[INET6_ADDRSTRLEN];
    size_t length = strcspn(text, "/");

    if (!text[length] || length >= sizeof(net))
        return false;
    memcpy(net, text, length);
    net[length] = '\0';
    network->prefix = (unsigned)strtoul(text + length + 1, NULL, 10);
    network->family = strchr(net, ':') ? AF_INET6 : AF_INET;
    return inet_pton(network->family, net, network->net) == 1;
}

static enum outcome set_sources(struct snmp_community *community, const struct entry *entry,
                                struct error *err)
{
    const struct lyd_node *child;
    size_t count = 0;

    LY_LIST_FOR(lyd_child(entry->node), child)
    count++;
    community->sources = calloc(count, sizeof(*community->sources));
    if (count && !community->sources)
        return fail_memory(err);
    LY_LIST_FOR(lyd_child(entry->node), child)
    {
        if (strcmp(LYD_NAME(child), "source") != 0)
            continue;
        if (!read_network(lyd_get_value(child), &community->sources[community->source_count++]))
            return fail(err, TAG_OPERATION_FAILED, entry->unit->path, "%s is no prefix",
                        lyd_get_value(child));
    }
    return DONE;
}

static enum outcome set_community(struct snmp_community *community, const struct entry *entry,
                                  struct error *err)
{
    const char *name = leaf_value(entry->node, "name");

    community->name = strdup(name ? name : "");
    if (!community->name || !leaf_copy(entry->node, "write-as", &community->writer) ||
        !leaf_copy(entry->node, "view", &community->view))
        return fail_memory(err);
    community->length = strlen(community->name);
    return set_sources(community, entry, err);
}

static size_t range_of(const struct schema *schema, const struct snapshot *snapshot,
                       const char *path, size_t *count)
{
    const struct unit *unit = schema_unit_find(schema, path);

    *count = 0;
    return unit ? snapshot_range(snapshot, unit, count) : 0;
}

static enum outcome set_managers(struct snmp_settings *settings, const struct schema *schema,
                                 const struct snapshot *snapshot, struct error *err)
{
    enum outcome outcome = DONE;
    size_t count, first = range_of(schema, snapshot, "/noria-agent:snmp-agent/user", &count);

    settings->users = calloc(count + 1, sizeof(*settings->users));
    if (!settings->users)
        return fail_memory(err);
    for (size_t i = 0; i < count && outcome == DONE; i++)
        outcome = snmp_user_read(&settings->users[settings->user_count++],
                                 snapshot->entries[first + i]->node, err);
    first = range_of(schema, snapshot, "/noria-agent:snmp-agent/target", &count);
    settings->destinations = calloc(count + 1, sizeof(*settings->destinations));
    if (!settings->destinations)
        return fail_memory(err);
    for (size_t i = 0; i < count && outcome == DONE; i++)
        outcome = snmp_destination_read(&settings->destinations[settings->destination_count++],
                                        snapshot->entries[first + i]->node, err);
    first = range_of(schema, snapshot, "/noria-agent:snmp-agent/view", &count);
    settings->views = calloc(count + 1, sizeof(*settings->views));
    if (!settings->views)
        return fail_memory(err);
    for (size_t i = 0; i < count && outcome == DONE; i++)
        outcome = snmp_view_read(&settings->views[settings->view_count++],
                                 snapshot->entries[first + i]->node, err);
    return outcome;
}

static enum outcome fill(struct snmp_settings *settings, const struct schema *schema,
                         const struct snapshot *snapshot, struct error *err)
{
    const struct unit *unit = schema_unit_find(schema, "/noria-agent:snmp-agent");
    size_t count, first;

    if (set_general(settings, unit ? snapshot_find(snapshot, unit, "") : NULL, err) != DONE)
        return FAILED;
    first = range_of(schema, snapshot, "/noria-agent:snmp-agent/listen", &count);
    settings->addresses = calloc(count + 1, sizeof(*settings->addresses));
    if (!settings->addresses)
        return fail_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct snmp_address *address = &settings->addresses[settings->address_count++];
        if (set_address(address, snapshot->entries[first + i], err) != DONE)
            return FAILED;
    }
    first = range_of(schema, snapshot, "/noria-agent:snmp-agent/community", &count);
    settings->communities = calloc(count + 1, sizeof(*settings->communities));
    if (!settings->communities)
        return fail_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct snmp_community *community = &settings->communities[settings->community_count++];
        if (set_community(community, snapshot->entries[first + i], err) != DONE)
            return FAILED;
    }
    return set_managers(settings, schema, snapshot, err);
}

enum outcome snmp_settings_new(const struct schema *schema, const struct snapshot *snapshot,
                               struct snmp_settings **settings, struct error *err)
{
    struct snmp_settings *made = calloc(1, sizeof(*made));

    if (!made)
        return fail_memory(err);
    if (fill(made, schema, snapshot, err) != DONE) {
        snmp_settings_free(made);
        return FAILED;
    }
    *settings = made;
    return DONE;
}

void snmp_settings_free(struct snmp_settings *settings)
{
    if (!settings)
        return;
    for (size_t i = 0; i < settings->address_count; i++) {
        free(settings->addresses[i].path);
        free(settings->addresses[i].spec);
    }
    for (size_t i = 0; i < settings->community_count; i++) {
        free(settings->communities[i].name);
        free(settings->communities[i].writer);
        free(settings->communities[i].view);
        free(settings->communities[i].sources);
    }
    for (size_t i = 0; i < settings->user_count; i++)
        snmp_user_clear(&settings->users[i]);
    for (size_t i = 0; i < settings->view_count; i++)
        snmp_view_clear(&settings->views[i]);
    for (size_t i = 0; i < settings->destination_count; i++)
        snmp_destination_clear(&settings->destinations[i]);
    free(settings->destinations);
    free(settings->users);
    free(settings->views);
    free(settings->agentx_writer);
    free(settings->contact);
    free(settings->location);
    free(settings->addresses);
    free(settings->communities);
    free(settings->agentx_socket);
    free(settings);
}

bool snmp_settings_have(const struct snmp_settings *settings, const char *spec)
{
    for (size_t i = 0; settings && i < settings->address_count; i++) {
        if (!strcmp(settings->addresses[i].spec, spec))
            return true;
    }
    return false;
}

/* --- who may read --- */

static bool is_in_prefix(const unsigned char *address, const unsigned char *net, unsigned prefix)
{
    unsigned octets = prefix / 8, bits = prefix % 8;

    if (memcmp(address, net, octets))
        return false;
    return !bits || !((address[octets] ^ net[octets]) >> (8 - bits));
}

static bool is_in_network(const struct snmp_network *network, const struct sockaddr *from)
{
    if (from->sa_family == AF_INET)
        return network->family == AF_INET &&
               is_in_prefix((const void *)&((const struct sockaddr_in *)from)->sin_addr,
                            network->net, network->prefix);
    if (from->sa_family != AF_INET6)
        return false;

    const struct in6_addr *six = &((const struct sockaddr_in6 *)from)->sin6_addr;
    if (network->family == AF_INET)
        return IN6_IS_ADDR_V4MAPPED(six) &&
               is_in_prefix(six->s6_addr + 12, network->net, network->prefix);
    return is_in_prefix(six->s6_addr, network->net, network->prefix);
}

static bool is_from(const struct snmp_community *community, const struct sockaddr *from)
{
    for (size_t i = 0; from && i < community->source_count; i++)
        if (is_in_network(&community->sources[i], from))
            return true;
    return !community->source_count;
}

const struct snmp_community *snmp_settings_admit(const struct snmp_settings *settings,
                                                 const unsigned char *community, size_t length,
                                                 const struct sockaddr *from)
{
    for (size_t i = 0; i < settings->community_count; i++) {
        const struct snmp_community *own = &settings->communities[i];
        if (own->length == length && !memcmp(own->name, community, length) && is_from(own, from))
            return own;
    }
    return NULL;
}

const struct snmp_user *snmp_settings_user(const struct snmp_settings *settings, const char *name,
                                           size_t length)
{
    for (size_t i = 0; i < settings->user_count; i++) {
        const struct snmp_user *user = &settings->users[i];
        if (strlen(user->name) == length && !memcmp(user->name, name, length))
            return user;
    }
    return NULL;
}

const struct snmp_view *snmp_settings_view(const struct snmp_settings *settings, const char *name)
{
    for (size_t i = 0; name && i < settings->view_count; i++) {
        if (!strcmp(settings->views[i].name, name))
            return &settings->views[i];
    }
    return NULL;
}
