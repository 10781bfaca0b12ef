#include "backends/ipvs/named.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/datastore/entry.h"

char *ipvs_path(const struct lyd_node *node, const char *below)
{
    char *path = NULL, *base = lyd_path(node, LYD_PATH_STD, NULL, 0);
    if (base && asprintf(&path, "%s%s", base, below) < 0)
        path = NULL;
    free(base);
    return path;
}

const char *ipvs_value_or(const struct lyd_node *node, const char *path, const char *fallback)
{
    const char *value = leaf_value(node, path);
    return value ? value : fallback;
}

uint32_t ipvs_number_or(const struct lyd_node *node, const char *path, uint32_t fallback)
{
    const char *value = leaf_value(node, path);
    return value ? (uint32_t)strtoul(value, NULL, 10) : fallback;
}

static bool parse_address(const char *text, uint16_t *family, uint8_t address[16])
{
    memset(address, 0, 16);
    *family = text && strchr(text, ':') ? AF_INET6 : AF_INET;
    return text && inet_pton(*family, text, address) == 1;
}

bool ipvs_desired_enabled(const struct lyd_node *node)
{
    return strcmp(ipvs_value_or(node, "enabled", "true"), "true") == 0;
}

const char *ipvs_desired_director(const struct lyd_node *node)
{
    return ipvs_value_or(node, "director", "main");
}

bool ipvs_service_id_read(const struct lyd_node *node, struct ipvs_service_id *id)
{
    *id = (struct ipvs_service_id){0};
    id->mark = ipvs_number_or(node, "firewall-mark", 0);
    if (id->mark) {
        const char *family = ipvs_value_or(node, "address-family", "ipv4");
        id->family = strcmp(family, "ipv6") == 0 ? AF_INET6 : AF_INET;
        return true;
    }
    const char *protocol = ipvs_value_or(node, "protocol", "tcp");
    id->protocol = strcmp(protocol, "udp") == 0    ? IPPROTO_UDP
                   : strcmp(protocol, "sctp") == 0 ? IPPROTO_SCTP
                                                   : IPPROTO_TCP;
    id->port = (uint16_t)ipvs_number_or(node, "port", 0);
    return parse_address(leaf_value(node, "address"), &id->family, id->address);
}

bool ipvs_desired_destination_id(const struct lyd_node *node, const struct ipvs_service_id *service,
                                 struct ipvs_destination_id *id)
{
    return ipvs_destination_id_parse(leaf_value(node, "address"),
                                     (uint16_t)ipvs_number_or(node, "port", 0), service, id);
}

bool ipvs_destination_id_parse(const char *address, uint16_t port,
                               const struct ipvs_service_id *service,
                               struct ipvs_destination_id *id)
{
    *id = (struct ipvs_destination_id){.port = port};
    if (id->port == 0)
        id->port = service->port; /* 0 for a mark or for all ports: the client's */
    return parse_address(address, &id->family, id->address);
}
