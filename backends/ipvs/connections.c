#include "backends/ipvs/connections.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/ipvs/desired.h"
#include "backends/ipvs/group.h"

#define UNIT "/noria-virtual-server:virtual-servers/virtual-server"
#define LINE_SIZE 512

/* One end of a connection. */
struct end {
    uint16_t family;
    uint8_t address[16];
    uint16_t port;
};

struct connection {
    char protocol[8]; /* In small letters. */
    struct end client, virtual, real;
    char state[24];
    uint32_t expires;
    char engine[16]; /* Persistence engine, or "". */
    char data[256];  /* What that ties connections by. */
};

/* Which connections are asked for. */
struct wanted {
    struct ipvs_ids services; /* Of the virtual server, if any is named. */
    bool by_service;
    const char *protocol, *state; /* NULL: any */
    bool by_real, by_client;
    struct end real;
    long real_port; /* -1: any */
    struct end client;
    unsigned prefix;
    uint64_t limit;
};

/* -- Reading lines ---------------------------------------------------------------------------- */

/* "C0A80001", or "2001:0db8:..." */
static bool parse_address(const char *text, struct end *end)
{
    memset(end->address, 0, sizeof end->address);
    if (strchr(text, ':')) {
        end->family = AF_INET6;
        return inet_pton(AF_INET6, text, end->address) == 1;
    }
    char *rest;
    uint32_t number = htonl((uint32_t)strtoul(text, &rest, 16));
    end->family = AF_INET;
    memcpy(end->address, &number, sizeof number);
    return rest != text && !*rest;
}

/* Copy the rest of a line. It came from a client: what could not be in XML becomes '?'. */
static void copy_printable(const char *line, char *text, size_t size)
{
    size_t length = strcspn(line, "\n");
    if (length >= size)
        length = size - 1;
    for (size_t i = 0; i < length; i++)
        text[i] = line[i] >= ' ' && line[i] <= '~' ? line[i] : '?';
    text[length] = '\0';
}

/* Read a line; the heading is none. */
static bool parse_line(const char *line, struct connection *connection)
{
    char client[48], virtual[48], real[48];
    unsigned ports[3];
    int data = 0;
    *connection = (struct connection){0};
    /* What a persistence engine ties connections by ends the line; its data may be anything. */
    int found = sscanf(line, "%7s %47s %x %47s %x %47s %x %23s %u%*1[ ]%15s%*1[ ]%n",
                       connection->protocol, client, &ports[0], virtual, &ports[1], real, &ports[2],
                       connection->state, &connection->expires, connection->engine, &data);
    if (found < 9)
        return false;
    if (data)
        copy_printable(line + data, connection->data, sizeof connection->data);
    for (char *c = connection->protocol; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c += 'a' - 'A';
    connection->client.port = (uint16_t)ports[0];
    connection->virtual.port = (uint16_t)ports[1];
    connection->real.port = (uint16_t)ports[2];
    return parse_address(client, &connection->client) &&
           parse_address(virtual, &connection->virtual) && parse_address(real, &connection->real);
}

/* -- Choosing --------------------------------------------------------------------------------- */

static bool same_prefix(const struct end *end, const struct end *of, unsigned length)
{
    if (end->family != of->family || memcmp(end->address, of->address, length / 8) != 0)
        return false;
    unsigned bits = length % 8;
    return !bits || (end->address[length / 8] ^ of->address[length / 8]) >> (8 - bits) == 0;
}

static bool is_of_service(const struct wanted *wanted, const struct connection *connection)
{
    for (size_t i = 0; i < wanted->services.count; i++) {
        const struct ipvs_service_id *id = &wanted->services.list[i];
        const char *protocol = id->protocol == IPPROTO_UDP    ? "udp"
                               : id->protocol == IPPROTO_SCTP ? "sctp"
                                                              : "tcp";
        if (id->family == connection->virtual.family &&
            (!id->port || id->port == connection->virtual.port) &&
            memcmp(id->address, connection->virtual.address, sizeof id->address) == 0 &&
            (strcmp(protocol, connection->protocol) == 0 ||
             strcmp("ip", connection->protocol) == 0))
            return true;
    }
    return false;
}

static bool is_wanted(const struct wanted *wanted, const struct connection *connection)
{
    if (wanted->protocol && strcmp(wanted->protocol, connection->protocol) != 0)
        return false;
    if (wanted->state && strcmp(wanted->state, connection->state) != 0)
        return false;
    if (wanted->by_real &&
        !same_prefix(&connection->real, &wanted->real, wanted->real.family == AF_INET6 ? 128 : 32))
        return false;
    if (wanted->real_port >= 0 && wanted->real_port != connection->real.port)
        return false;
    if (wanted->by_client && !same_prefix(&connection->client, &wanted->client, wanted->prefix))
        return false;
    return !wanted->by_service || is_of_service(wanted, connection);
}

static bool read_end(const char *text, struct end *end)
{
    end->family = strchr(text, ':') ? AF_INET6 : AF_INET;
    memset(end->address, 0, sizeof end->address);
    return inet_pton(end->family, text, end->address) == 1;
}

static enum outcome want_service(const struct backend_call *call, const struct ipvs_engine *engine,
                                 const char *name, struct wanted *wanted, struct error *err)
{
    char key[128];
    const struct unit *unit = schema_unit_find(engine->backend->schema, UNIT);
    snprintf(key, sizeof key, "[name='%s']", name);
    const struct entry *entry = unit ? snapshot_find(call->running, unit, key) : NULL;
    if (!entry || strcmp(ipvs_desired_director(entry->node), engine->name) != 0)
        return refuse(err, TAG_DATA_MISSING, NULL,
                      "The director %s has no virtual server %s: name one that it has.",
                      engine->name, name);
    wanted->by_service = true;
    enum outcome outcome = ipvs_ids_of(entry->node, &wanted->services, err);
    for (size_t i = 0; i < wanted->services.count && outcome == DONE; i++)
        if (wanted->services.list[i].mark)
            outcome = refuse(err, TAG_INVALID_VALUE, NULL,
                             "The virtual server %s has a firewall mark, and the kernel does not "
                             "list the marks of connections: choose them by other means.",
                             name);
    return outcome;
}

static enum outcome read_wanted(const struct backend_call *call, const struct ipvs_engine *engine,
                                struct wanted *wanted, struct error *err)
{
    const struct lyd_node *request = call->request;
    const char *server = leaf_value(request, "virtual-server");
    const char *real = leaf_value(request, "real-address");
    const char *port = leaf_value(request, "real-port");
    const char *prefix = leaf_value(request, "client-prefix");
    wanted->protocol = leaf_value(request, "protocol");
    wanted->state = leaf_value(request, "state");
    wanted->limit = strtoull(leaf_value(request, "limit"), NULL, 10);
    wanted->real_port = port ? strtol(port, NULL, 10) : -1;
    wanted->by_real = real && read_end(real, &wanted->real);
    if (prefix) {
        char address[64];
        snprintf(address, sizeof address, "%.*s", (int)strcspn(prefix, "/"), prefix);
        wanted->by_client = read_end(address, &wanted->client);
        wanted->prefix = (unsigned)strtoul(prefix + strcspn(prefix, "/") + 1, NULL, 10);
    }
    return server ? want_service(call, engine, server, wanted, err) : DONE;
}

/* -- Listing ---------------------------------------------------------------------------------- */

static bool put(struct lyd_node *parent, const char *name, const char *value)
{
    return !lyd_new_term(parent, NULL, name, value, 1, NULL);
}

static bool put_end(struct lyd_node *node, const char *which, const struct end *end)
{
    char name[32], text[INET6_ADDRSTRLEN] = "?", port[8];
    inet_ntop(end->family, end->address, text, sizeof text);
    snprintf(port, sizeof port, "%u", end->port);
    snprintf(name, sizeof name, "%s-address", which);
    if (!put(node, name, text))
        return false;
    snprintf(name, sizeof name, "%s-port", which);
    return put(node, name, port);
}

static bool put_connection(struct lyd_node *reply, const struct connection *connection)
{
    struct lyd_node *node;
    char expires[16];
    snprintf(expires, sizeof expires, "%u", connection->expires);
    return !lyd_new_list(reply, NULL, "connection", 1, &node) &&
           put(node, "protocol", connection->protocol) &&
           put_end(node, "client", &connection->client) &&
           put_end(node, "virtual", &connection->virtual) &&
           put_end(node, "real", &connection->real) && put(node, "state", connection->state) &&
           put(node, "expires", expires) &&
           (!connection->engine[0] || (put(node, "persistence-engine", connection->engine) &&
                                       put(node, "persistence-data", connection->data)));
}

/* The namespace is that of the thread that opens the file. */
static int open_table(void *arg)
{
    int *fd = arg;
    *fd = open("/proc/thread-self/net/ip_vs_conn", O_RDONLY | O_CLOEXEC);
    return *fd < 0 ? errno : 0;
}

static enum outcome list(FILE *table, const struct wanted *wanted, struct backend_call *call)
{
    char line[LINE_SIZE], number[24];
    uint64_t matched = 0;
    while (fgets(line, sizeof line, table)) {
        struct connection connection;
        if (!parse_line(line, &connection) || !is_wanted(wanted, &connection))
            continue;
        if (matched++ < wanted->limit && !put_connection(call->reply, &connection))
            return fail_memory(&call->error);
    }
    if (ferror(table))
        return fail(&call->error, TAG_OPERATION_FAILED, NULL,
                    "The kernel's connection table could not be read to its end: %s.",
                    strerror(errno));
    snprintf(number, sizeof number, "%llu", (unsigned long long)matched);
    return put(call->reply, "matched", number) ? DONE : fail_memory(&call->error);
}

enum outcome ipvs_list_connections(struct ipvs_engine *engine, struct backend_call *call)
{
    struct wanted wanted = {0};
    int fd = -1, result = 0;
    FILE *table = NULL;
    enum outcome outcome = read_wanted(call, engine, &wanted, &call->error);
    if (outcome == DONE) {
        int error = ipvs_namespace_run(engine->path, open_table, &fd, &result);
        table = fd >= 0 ? fdopen(fd, "r") : NULL;
        if (!table)
            outcome =
                fail(&call->error, TAG_RESOURCE_DENIED, NULL,
                     "The connection table of the director %s cannot be opened: %s.", engine->name,
                     strerror(error    ? error
                              : result ? result
                                       : ENOMEM));
    }
    if (outcome == DONE)
        outcome = list(table, &wanted, call);
    if (table)
        fclose(table);
    else if (fd >= 0)
        close(fd);
    ipvs_ids_clear(&wanted.services);
    return outcome;
}
