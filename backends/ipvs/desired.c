#include "backends/ipvs/desired.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/ipvs/group.h"

/* How packets are encapsulated, and the node that says so. */
struct tunnel {
    uint8_t type;
    uint16_t port;
    uint16_t flags;
    const struct lyd_node *node; /* A virtual-server or a real-server. */
};

/* A service at work: the entry's node and what is inherited from it. */
struct work {
    const struct lyd_node *node;
    struct ipvs_service *service;
    const char *method;
    struct tunnel tunnel;
    struct error *err;
};

/* The name of an identity without its module's. */
static const char *identity_name(const char *value)
{
    const char *colon = strchr(value, ':');
    return colon ? colon + 1 : value;
}

bool ipvs_desired_service_id(const struct lyd_node *node, struct ipvs_service_id *id)
{
    const struct lyd_node *member = ipvs_group_member(lyd_child(node));
    return ipvs_service_id_read(member ? member : node, id);
}

static uint32_t method_number(const char *name)
{
    if (strcmp(name, "dr") == 0)
        return IP_VS_CONN_F_DROUTE;
    return strcmp(name, "tun") == 0 ? IP_VS_CONN_F_TUNNEL : IP_VS_CONN_F_MASQ;
}

static void read_tunnel(const struct lyd_node *node, struct tunnel *tunnel)
{
    const char *type = ipvs_value_or(node, "tunnel/type", "ipip");
    const char *checksum = ipvs_value_or(node, "tunnel/checksum", "none");

    *tunnel = (struct tunnel){.node = node};
    if (strcmp(type, "gue") == 0)
        tunnel->type = IP_VS_CONN_F_TUNNEL_TYPE_GUE;
    else if (strcmp(type, "gre") == 0)
        tunnel->type = IP_VS_CONN_F_TUNNEL_TYPE_GRE;
    tunnel->port = (uint16_t)ipvs_number_or(node, "tunnel/port", 0);
    if (strcmp(checksum, "full") == 0)
        tunnel->flags = IP_VS_TUNNEL_ENCAP_FLAG_CSUM;
    else if (strcmp(checksum, "remote") == 0)
        tunnel->flags = IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM;
}

/*
 * Whether a real server has a tunnel of its own: it names its forwarding method, and so its tunnel
 * goes with it, or it sets a leaf of the tunnel. Else its tunnel, all defaults, stands for the
 * virtual server's.
 */
static bool has_tunnel(const struct lyd_node *real)
{
    if (leaf_value(real, "forwarding-method"))
        return true;
    const struct lyd_node *child;
    LY_LIST_FOR(lyd_child(real), child)
    {
        if (strcmp(child->schema->name, "tunnel") != 0)
            continue;
        const struct lyd_node *leaf;
        LY_LIST_FOR(lyd_child(child), leaf)
        {
            if (!(leaf->flags & LYD_DEFAULT))
                return true;
        }
    }
    return false;
}

static const char *family_name(uint16_t family)
{
    return family == AF_INET6 ? "IPv6" : "IPv4";
}

/* Families can be mixed by a tunnel alone: the other methods keep the packet's own header. */
static enum outcome check_family(const struct work *work, const struct lyd_node *real,
                                 const struct ipvs_destination *destination, const char *method)
{
    uint16_t wanted = work->service->id.family;
    if (destination->id.family == wanted || destination->method == IP_VS_CONN_F_TUNNEL)
        return DONE;
    char *path = ipvs_path(real, "/forwarding-method");
    enum outcome outcome = refuse(
        work->err, TAG_INVALID_VALUE, path,
        "%s cannot reach an %s real server from an %s virtual server: give it the "
        "forwarding method tun, or an %s address.",
        method, family_name(destination->id.family), family_name(wanted), family_name(wanted));
    free(path);
    return outcome;
}

static enum outcome check_tunnel(const struct work *work, const struct tunnel *tunnel)
{
    if (tunnel->type != IP_VS_CONN_F_TUNNEL_TYPE_GUE || tunnel->port)
        return DONE;
    char *path = ipvs_path(tunnel->node, "/tunnel/port");
    enum outcome outcome = refuse(work->err, TAG_INVALID_VALUE, path,
                                  "A gue tunnel needs a UDP port: set the tunnel's port, or "
                                  "another type.");
    free(path);
    return outcome;
}

static enum outcome add_destination(const struct work *work, const struct lyd_node *real)
{
    struct ipvs_destination *destination = ipvs_service_add(work->service);
    if (!destination)
        return fail_memory(work->err);
    destination->node = real;
    if (!ipvs_desired_destination_id(real, &work->service->id, &destination->id)) {
        char *path = ipvs_path(real, "/address");
        enum outcome outcome = refuse(work->err, TAG_INVALID_VALUE, path,
                                      "This is no IPv4 or IPv6 address: give one.");
        free(path);
        return outcome;
    }
    const char *method = ipvs_value_or(real, "forwarding-method", work->method);
    destination->method = method_number(method);
    destination->weight = ipvs_number_or(real, "weight", 1);
    destination->upper_threshold = ipvs_number_or(real, "upper-threshold", 0);
    destination->lower_threshold = ipvs_number_or(real, "lower-threshold", 0);

    enum outcome outcome = check_family(work, real, destination, method);
    if (outcome != DONE || destination->method != IP_VS_CONN_F_TUNNEL)
        return outcome;
    struct tunnel tunnel = work->tunnel;
    if (has_tunnel(real))
        read_tunnel(real, &tunnel);
    destination->tunnel_type = tunnel.type;
    destination->tunnel_port = tunnel.port;
    destination->tunnel_flags = tunnel.flags;
    return check_tunnel(work, &tunnel);
}

static int order_destinations(const void *a, const void *b)
{
    const struct ipvs_destination *const *one = a, *const *other = b;
    int order = ipvs_destination_compare(&(*one)->id, &(*other)->id);
    return order ? order : (*one > *other) - (*one < *other);
}

/* Ports 0 and 80 of one address are two list entries and, behind port 80, one destination. */
static enum outcome check_twins(const struct work *work)
{
    const struct ipvs_service *service = work->service;
    if (service->count < 2)
        return DONE;
    const struct ipvs_destination **sorted = calloc(service->count, sizeof *sorted);
    if (!sorted)
        return fail_memory(work->err);
    for (size_t i = 0; i < service->count; i++)
        sorted[i] = &service->destinations[i];
    qsort(sorted, service->count, sizeof *sorted, order_destinations);

    enum outcome outcome = DONE;
    for (size_t i = 1; i < service->count && outcome == DONE; i++) {
        const struct ipvs_destination *one = sorted[i - 1], *other = sorted[i];
        if (ipvs_destination_compare(&one->id, &other->id) != 0)
            continue;
        char text[IPVS_TEXT_SIZE], *path = ipvs_path(other->node, "");
        outcome =
            refuse(work->err, TAG_INVALID_VALUE, path,
                   "The real servers with the ports %s and %s are both %s to the kernel, as "
                   "port 0 stands for the virtual server's: remove one of them.",
                   ipvs_value_or(one->node, "port", "0"), ipvs_value_or(other->node, "port", "0"),
                   ipvs_destination_text(&other->id, text));
        free(path);
    }
    free(sorted);
    return outcome;
}

/* Copy the name of a kernel module's algorithm, whose room the kernel limits. */
static enum outcome read_name(const struct work *work, const char *leaf, char *name, size_t size)
{
    const char *value = leaf_value(work->node, leaf);
    if (!value)
        return DONE;
    value = identity_name(value);
    if (strlen(value) < size) {
        strcpy(name, value);
        return DONE;
    }
    char below[64];
    snprintf(below, sizeof below, "/%s", leaf);
    char *path = ipvs_path(work->node, below);
    enum outcome outcome = refuse(work->err, TAG_INVALID_VALUE, path,
                                  "The kernel knows no name as long as '%s' (%zu characters at "
                                  "most): choose another.",
                                  value, size - 1);
    free(path);
    return outcome;
}

/* A leaf of type bits is the names of its set bits with single spaces between them. */
static uint32_t read_flags(const char *bits)
{
    static const struct {
        const char *name;
        uint32_t flag;
    } known[] = {
        {"fallback", IP_VS_SVC_F_SCHED1},
        {"port", IP_VS_SVC_F_SCHED2},
        {"flag-3", IP_VS_SVC_F_SCHED3},
    };
    uint32_t flags = 0;
    while (*bits) {
        size_t length = strcspn(bits, " ");
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
            if (strlen(known[i].name) == length && strncmp(bits, known[i].name, length) == 0)
                flags |= known[i].flag;
        }
        bits += length;
        bits += strspn(bits, " ");
    }
    return flags;
}

static void read_persistence(const struct lyd_node *node, struct ipvs_service *service)
{
    uint32_t whole = service->id.family == AF_INET6 ? 128 : 32, length = whole;

    if (leaf_value(node, "persistence/timeout")) { /* it has a default: the container is there */
        service->flags |= IP_VS_SVC_F_PERSISTENT;
        service->timeout = ipvs_number_or(node, "persistence/timeout", 300);
        length = ipvs_number_or(node, "persistence/prefix-length", whole);
    }
    if (service->id.family == AF_INET6)
        service->netmask = length;
    else /* at most 32, as YANG has it */
        service->netmask = length ? htonl(UINT32_MAX << (32 - (length > 32 ? 32 : length))) : 0;
}

static enum outcome read_service(struct work *work, const struct ipvs_service_id *id)
{
    const struct lyd_node *node = work->node;
    struct ipvs_service *service = work->service;

    service->node = node;
    service->id = *id;
    strcpy(service->scheduler, "wlc");
    enum outcome outcome =
        read_name(work, "scheduler", service->scheduler, sizeof service->scheduler);
    if (outcome == DONE)
        outcome = read_name(work, "persistence/engine", service->engine, sizeof service->engine);
    service->flags = read_flags(ipvs_value_or(node, "scheduler-flags", ""));
    if (strcmp(ipvs_value_or(node, "one-packet", "false"), "true") == 0)
        service->flags |= IP_VS_SVC_F_ONEPACKET;
    read_persistence(node, service);
    work->method = ipvs_value_or(node, "forwarding-method", "nat");
    read_tunnel(node, &work->tunnel);
    return outcome;
}

/* The destinations of one of the lists of an entry. */
static enum outcome add_destinations(const struct work *work, const char *list)
{
    enum outcome outcome = DONE;
    const struct lyd_node *child;
    LY_LIST_FOR(lyd_child(work->node), child)
    {
        if (strcmp(child->schema->name, list) == 0 && ipvs_desired_enabled(child))
            outcome = add_destination(work, child);
        if (outcome != DONE)
            return outcome;
    }
    return check_twins(work);
}

static enum outcome add_service(const struct lyd_node *node, const struct ipvs_service_id *id,
                                struct ipvs_table *table, struct error *err)
{
    struct work work = {.node = node, .service = ipvs_table_add(table), .err = err};
    if (!work.service)
        return fail_memory(err);
    enum outcome outcome = read_service(&work, id);
    if (outcome == DONE)
        outcome = add_destinations(&work, "real-server");
    ipvs_service_exchange(work.service);
    if (outcome == DONE)
        outcome = add_destinations(&work, "sorry-server");
    ipvs_service_exchange(work.service);
    return outcome;
}

enum outcome ipvs_desired(const struct entry *entry, struct ipvs_table *table, struct error *err)
{
    if (!ipvs_desired_enabled(entry->node))
        return DONE;
    size_t held = table->count;
    struct ipvs_ids ids;
    enum outcome outcome = ipvs_ids_of(entry->node, &ids, err);
    for (size_t i = 0; i < ids.count && outcome == DONE; i++)
        outcome = add_service(entry->node, &ids.list[i], table, err);
    while (outcome != DONE && table->count > held) {
        struct ipvs_service *service = &table->services[--table->count];
        free(service->destinations);
        free(service->sorry);
    }
    ipvs_ids_clear(&ids);
    return outcome;
}
