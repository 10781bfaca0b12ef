/*
 * Virtual servers of an import.
 */
#include "clients/import/service.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool service_text_is_ipv4(const char *text)
{
    struct in_addr address;
    return inet_pton(AF_INET, text, &address) == 1;
}

bool service_text_is_ipv6(const char *text)
{
    struct in6_addr address;
    return inet_pton(AF_INET6, text, &address) == 1;
}

/* A number without a sign, as inet:port-number has it. */
static bool is_number(const char *text, unsigned long max)
{
    size_t digits = strspn(text, "0123456789");
    return digits && digits <= 10 && !text[digits] && strtoul(text, NULL, 10) <= max;
}

bool service_of_address(struct service *service, const char *protocol, const char *address,
                        const char *port)
{
    *service = (struct service){0};
    if (!port)
        port = "0";
    if ((!service_text_is_ipv4(address) && !service_text_is_ipv6(address)) ||
        !is_number(port, 65535))
        return false;
    snprintf(service->protocol, sizeof(service->protocol), "%s", protocol);
    snprintf(service->address, sizeof(service->address), "%s", address);
    snprintf(service->port, sizeof(service->port), "%lu", strtoul(port, NULL, 10));
    return true;
}

bool service_of_text(struct service *service, const char *protocol, const char *text)
{
    char address[80];
    const char *colon = strrchr(text, ':'), *port = colon ? colon + 1 : NULL;
    size_t length = colon ? (size_t)(colon - text) : strlen(text);
    if (text[0] == '[') {
        const char *end = strchr(text, ']');
        if (!end || (end[1] && end[1] != ':'))
            return false;
        port = end[1] ? end + 2 : NULL;
        length = (size_t)(end - text) - 1;
        text++;
    } else if (service_text_is_ipv6(text)) {
        length = strlen(text);
        port = NULL;
    }
    if (length >= sizeof(address))
        return false;
    snprintf(address, sizeof(address), "%.*s", (int)length, text);
    return service_of_address(service, protocol, address, port);
}

bool service_of_mark(struct service *service, const char *mark, bool ipv6)
{
    *service = (struct service){.ipv6 = ipv6};
    if (!is_number(mark, UINT32_MAX))
        return false;
    snprintf(service->mark, sizeof(service->mark), "%lu", strtoul(mark, NULL, 10));
    return true;
}

bool service_is_ipv6(const struct service *service)
{
    return service->mark[0] ? service->ipv6 : strchr(service->address, ':') != NULL;
}

static char *name_of(const struct service *service)
{
    if (service->mark[0])
        return import_text("mark%s-%s", service->ipv6 ? "6" : "", service->mark);
    return import_text("%s-%s-%s", service->protocol, service->address, service->port);
}

struct lyd_node *service_list(struct import *import, struct place place)
{
    return import_container(import, place, NULL, "noria-virtual-server:virtual-servers");
}

struct lyd_node *service_make(struct import *import, struct place place,
                              const struct service *service, const char *name)
{
    char *own = name_of(service);
    struct lyd_node *list = service_list(import, place);
    struct lyd_node *server =
        import_entry(import, place, list, "virtual-server", name ? name : own, NULL);
    free(own);
    if (!server)
        return NULL;
    if (service->mark[0]) {
        import_leaf(import, place, server, "firewall-mark", service->mark);
        if (service->ipv6)
            import_leaf(import, place, server, "address-family", "ipv6");
    } else {
        import_leaf(import, place, server, "address", service->address);
        import_leaf(import, place, server, "port", service->port);
        import_leaf(import, place, server, "protocol", service->protocol);
    }
    return server;
}

static bool has(const struct lyd_node *server, const char *leaf, const char *value)
{
    const struct lyd_node *node = import_find(server, leaf);
    return node && !strcmp(lyd_get_value(node), value);
}

struct lyd_node *service_find(const struct import *import, const struct service *service)
{
    struct lyd_node *top, *server;
    LY_LIST_FOR(import->tree, top)
    {
        if (!strcmp(top->schema->name, "virtual-servers"))
            break;
    }
    /* From the last one on: real servers come soon after their virtual server. */
    server = top && lyd_child(top) ? lyd_child(top)->prev : NULL;
    for (; server; server = server->prev->next ? server->prev : NULL) {
        bool found = service->mark[0] ? has(server, "firewall-mark", service->mark) &&
                                            has(server, "address-family", "ipv6") == service->ipv6
                                      : has(server, "address", service->address) &&
                                            has(server, "port", service->port) &&
                                            has(server, "protocol", service->protocol);
        if (found)
            return server;
    }
    return NULL;
}

struct lyd_node *service_main_director(struct import *import, struct place place)
{
    struct lyd_node *directors = import_container(import, place, NULL, "noria-director:directors");
    struct lyd_node *main = import_find(directors, "director");
    return main ? main : import_entry(import, place, directors, "director", "main", NULL);
}

const char *service_scheduler_flag(const char *flag)
{
    static const char *const flags[][2] = {
        {"flag-1", "fallback"}, {"sh-fallback", "fallback"}, {"mh-fallback", "fallback"},
        {"flag-2", "port"},     {"sh-port", "port"},         {"mh-port", "port"},
        {"flag-3", "flag-3"},
    };
    for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
        if (!strcmp(flag, flags[i][0]))
            return flags[i][1];
    return NULL;
}

int service_prefix_length(const char *mask)
{
    struct in_addr address;
    if (is_number(mask, 128))
        return atoi(mask);
    if (inet_pton(AF_INET, mask, &address) != 1)
        return -1;
    uint32_t bits = ntohl(address.s_addr);
    int length = bits ? 32 - __builtin_ctz(bits) : 0;
    return bits == (length ? UINT32_MAX << (32 - length) : 0) ? length : -1;
}
