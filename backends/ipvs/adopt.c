#include "backends/ipvs/adopt.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/ipvs/desired.h"
#include "backends/ipvs/engine.h"
#include "backends/ipvs/explain.h"
#include "backends/ipvs/group.h"
#include "backends/ipvs/tuning.h"

#define MODULE "noria-virtual-server"
#define UNIT "/noria-virtual-server:virtual-servers/virtual-server"

/* One adoption. */
struct work {
    const struct schema *schema;
    const struct unit *unit;
    const struct snapshot *running; /* or NULL */
    const char *director;
    struct lyd_node *container;
    size_t count;
    bool complete; /* there was memory */
    struct error *err;
};

static const char *protocol_name(uint16_t protocol)
{
    return protocol == IPPROTO_UDP ? "udp" : protocol == IPPROTO_SCTP ? "sctp" : "tcp";
}

void ipvs_adopt_name(const struct ipvs_service_id *id, char name[IPVS_NAME_SIZE])
{
    char address[INET6_ADDRSTRLEN] = "?";
    if (id->mark) {
        snprintf(name, IPVS_NAME_SIZE, "mark-%s%u", id->family == AF_INET6 ? "ipv6-" : "",
                 id->mark);
        return;
    }
    inet_ntop(id->family, id->address, address, sizeof address);
    snprintf(name, IPVS_NAME_SIZE, "%s-%s-%u", protocol_name(id->protocol), address, id->port);
}

static void put(struct work *work, struct lyd_node *parent, const char *name, const char *format,
                ...) __attribute__((format(printf, 4, 5)));

static void put(struct work *work, struct lyd_node *parent, const char *name, const char *format,
                ...)
{
    char value[128];
    va_list args;
    va_start(args, format);
    vsnprintf(value, sizeof value, format, args);
    va_end(args);
    if (lyd_new_term(parent, NULL, name, value, 0, NULL))
        work->complete = false;
}

static struct lyd_node *put_container(struct work *work, struct lyd_node *parent, const char *name)
{
    struct lyd_node *node = NULL;
    if (lyd_new_inner(parent, NULL, name, 0, &node))
        work->complete = false;
    return node;
}

static const char *method_name(uint32_t method)
{
    switch (method) {
    case IP_VS_CONN_F_MASQ:
    case IP_VS_CONN_F_LOCALNODE:
        return "nat";
    case IP_VS_CONN_F_TUNNEL:
        return "tun";
    case IP_VS_CONN_F_DROUTE:
        return "dr";
    default:
        return NULL;
    }
}

static void put_tunnel(struct work *work, struct lyd_node *real,
                       const struct ipvs_destination *destination)
{
    static const char *const types[] = {"ipip", "gue", "gre"};
    struct lyd_node *tunnel = put_container(work, real, "tunnel");
    if (!tunnel)
        return;
    if (destination->tunnel_type && destination->tunnel_type < sizeof types / sizeof *types)
        put(work, tunnel, "type", "%s", types[destination->tunnel_type]);
    if (destination->tunnel_port)
        put(work, tunnel, "port", "%u", destination->tunnel_port);
    if (destination->tunnel_flags & IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM)
        put(work, tunnel, "checksum", "remote");
    else if (destination->tunnel_flags & IP_VS_TUNNEL_ENCAP_FLAG_CSUM)
        put(work, tunnel, "checksum", "full");
}

static enum outcome put_real(struct work *work, struct lyd_node *server,
                             const struct ipvs_service *service,
                             const struct ipvs_destination *destination)
{
    char address[INET6_ADDRSTRLEN] = "?", port[8], text[IPVS_TEXT_SIZE], of[IPVS_TEXT_SIZE];
    struct lyd_node *real;
    const char *method = method_name(destination->method);
    if (!method)
        return fail(work->err, TAG_OPERATION_FAILED, NULL,
                    "The real server %s of %s is reached by a method that cannot be configured "
                    "(%u): remove it from the kernel's table, or give it another.",
                    ipvs_destination_text(&destination->id, text),
                    ipvs_service_text(&service->id, of), destination->method);
    inet_ntop(destination->id.family, destination->id.address, address, sizeof address);
    snprintf(port, sizeof port, "%u", destination->id.port);
    if (lyd_new_list(server, NULL, "real-server", 0, &real, address, port))
        return fail_memory(work->err);
    if (destination->weight != 1)
        put(work, real, "weight", "%u", destination->weight);
    if (strcmp(method, "nat") != 0)
        put(work, real, "forwarding-method", "%s", method);
    if (destination->method == IP_VS_CONN_F_TUNNEL)
        put_tunnel(work, real, destination);
    if (destination->upper_threshold)
        put(work, real, "upper-threshold", "%u", destination->upper_threshold);
    if (destination->lower_threshold)
        put(work, real, "lower-threshold", "%u", destination->lower_threshold);
    return DONE;
}

static void put_identity(struct work *work, struct lyd_node *server,
                         const struct ipvs_service_id *id)
{
    char address[INET6_ADDRSTRLEN] = "?";
    if (strcmp(work->director, IPVS_MAIN) != 0)
        put(work, server, "director", "%s", work->director);
    if (id->mark) {
        put(work, server, "firewall-mark", "%u", id->mark);
        if (id->family == AF_INET6)
            put(work, server, "address-family", "ipv6");
        return;
    }
    inet_ntop(id->family, id->address, address, sizeof address);
    put(work, server, "address", "%s", address);
    put(work, server, "port", "%u", id->port);
    if (id->protocol != IPPROTO_TCP)
        put(work, server, "protocol", "%s", protocol_name(id->protocol));
}

static void put_flags(struct work *work, struct lyd_node *server, uint32_t flags)
{
    char text[64];
    snprintf(text, sizeof text, "%s%s%s", flags & IP_VS_SVC_F_SCHED1 ? "fallback " : "",
             flags & IP_VS_SVC_F_SCHED2 ? "port " : "",
             flags & IP_VS_SVC_F_SCHED3 ? "flag-3 " : "");
    if (*text) {
        text[strlen(text) - 1] = '\0';
        put(work, server, "scheduler-flags", "%s", text);
    }
    if (flags & IP_VS_SVC_F_ONEPACKET)
        put(work, server, "one-packet", "true");
}

static void put_persistence(struct work *work, struct lyd_node *server,
                            const struct ipvs_service *service)
{
    bool six = service->id.family == AF_INET6;
    uint32_t whole = six ? 128 : 32;
    uint32_t length = six ? service->netmask : (uint32_t)__builtin_popcount(service->netmask);
    if (!(service->flags & IP_VS_SVC_F_PERSISTENT))
        return;
    struct lyd_node *persistence = put_container(work, server, "persistence");
    if (!persistence)
        return;
    put(work, persistence, "timeout", "%u", service->timeout);
    if (length && length != whole)
        put(work, persistence, "prefix-length", "%u", length);
    if (service->engine[0])
        put(work, persistence, "engine", MODULE ":%s", service->engine);
}

/* Whether running has a name already. */
static bool is_taken(const struct work *work, const char *name)
{
    char key[128];
    snprintf(key, sizeof key, "[name='%s']", name);
    return work->running && snapshot_find(work->running, work->unit, key);
}

static enum outcome adopt_service(struct work *work, const struct ipvs_service *service)
{
    char name[IPVS_NAME_SIZE], base[IPVS_NAME_SIZE];
    struct lyd_node *server;
    enum outcome outcome = DONE;
    ipvs_adopt_name(&service->id, base);
    strcpy(name, base);
    for (unsigned more = 2; is_taken(work, name); more++)
        snprintf(name, sizeof name, "%.50s-%u", base, more);
    if (lyd_new_list(work->container, NULL, "virtual-server", 0, &server, name))
        return fail_memory(work->err);
    work->count++;
    put_identity(work, server, &service->id);
    put(work, server, "scheduler", MODULE ":%s", service->scheduler);
    if (!work->complete)
        return fail(work->err, TAG_OPERATION_FAILED, NULL,
                    "The scheduler %s of %s cannot be configured: it is in no YANG module.",
                    service->scheduler, name);
    put_flags(work, server, service->flags);
    put_persistence(work, server, service);
    for (size_t i = 0; i < service->count && outcome == DONE; i++)
        outcome = put_real(work, server, service, &service->destinations[i]);
    return outcome;
}

/* -- What is configured already --------------------------------------------------------------- */

static enum outcome add_ids(const struct work *work, const struct lyd_node *node,
                            struct ipvs_table *known)
{
    struct ipvs_ids ids;
    enum outcome outcome = ipvs_ids_of(node, &ids, work->err);
    for (size_t i = 0; i < ids.count && outcome == DONE; i++) {
        struct ipvs_service *service = ipvs_table_add(known);
        if (service)
            service->id = ids.list[i];
        else
            outcome = fail_memory(work->err);
    }
    ipvs_ids_clear(&ids);
    return outcome;
}

/* All services that virtual servers of the director stand for, enabled or not. */
static enum outcome find_known(const struct work *work, struct ipvs_table *known)
{
    size_t count = 0;
    size_t first = work->running ? snapshot_range(work->running, work->unit, &count) : 0;
    enum outcome outcome = DONE;
    for (size_t i = 0; i < count && outcome == DONE; i++) {
        const struct lyd_node *node = work->running->entries[first + i]->node;
        if (strcmp(ipvs_desired_director(node), work->director) == 0)
            outcome = add_ids(work, node, known);
    }
    return outcome;
}

static enum outcome adopt_all(struct work *work, const struct ipvs_table *table)
{
    struct ipvs_table known = {0};
    struct ipvs_index index = {0}, sorted = {0};
    enum outcome outcome = find_known(work, &known);
    if (outcome == DONE && (!ipvs_index_make(&known, &index) || !ipvs_index_make(table, &sorted)))
        outcome = fail_memory(work->err);
    for (size_t i = 0; i < sorted.count && outcome == DONE; i++)
        if (!ipvs_index_find(&index, &sorted.services[i]->id))
            outcome = adopt_service(work, sorted.services[i]);
    ipvs_index_clear(&sorted);
    ipvs_index_clear(&index);
    ipvs_table_clear(&known);
    return outcome == DONE && !work->complete ? fail_memory(work->err) : outcome;
}

enum outcome ipvs_adopt(const struct schema *schema, const struct snapshot *running,
                        const char *director, const struct ipvs_table *table,
                        struct lyd_node **tree, size_t *count, struct error *err)
{
    struct work work = {.schema = schema,
                        .unit = schema_unit_find(schema, UNIT),
                        .running = running,
                        .director = director,
                        .complete = true,
                        .err = err};
    const struct lys_module *module = ly_ctx_get_module_implemented(schema->ctx, MODULE);
    *tree = NULL;
    *count = 0;
    if (!module || !work.unit || lyd_new_inner(NULL, module, "virtual-servers", 0, &work.container))
        return fail_memory(err);
    enum outcome outcome = adopt_all(&work, table);
    if (outcome == DONE && work.count)
        *tree = work.container;
    else
        lyd_free_all(work.container);
    *count = work.count;
    return outcome;
}

/* Read what our own namespace has. @return An errno. */
static int read_own(struct ipvs_table *table, struct ipvs_settings *settings)
{
    struct ipvs_socket *sock = NULL;
    int error = ipvs_open(&sock);
    if (!error)
        error = ipvs_read_table(sock, table);
    if (!error)
        error = ipvs_tuning_read(sock, NULL, settings);
    ipvs_close(sock);
    return error;
}

enum outcome ipvs_adopt_own(const struct schema *schema, struct lyd_node **tree, struct error *err)
{
    struct ipvs_table table = {0};
    struct ipvs_settings settings = {0};
    size_t count;
    *tree = NULL;
    int error = read_own(&table, &settings);
    enum outcome outcome =
        error ? fail(err, TAG_RESOURCE_DENIED, NULL, "The kernel's table cannot be read: %s",
                     ipvs_explain_down(error))
              : ipvs_adopt(schema, NULL, IPVS_MAIN, &table, tree, &count, err);
    if (outcome == DONE)
        outcome = ipvs_adopt_settings(schema, NULL, IPVS_MAIN, &settings, tree, err);
    ipvs_settings_clear(&settings);
    ipvs_table_clear(&table);
    return outcome;
}
