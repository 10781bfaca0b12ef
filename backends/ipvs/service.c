#include "backends/ipvs/service.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare_numbers(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

int ipvs_service_compare(const struct ipvs_service_id *a, const struct ipvs_service_id *b)
{
    int order = compare_numbers(a->family, b->family);
    if (!order)
        order = compare_numbers(a->mark, b->mark);
    if (!order)
        order = compare_numbers(a->protocol, b->protocol);
    if (!order)
        order = memcmp(a->address, b->address, sizeof a->address);
    if (!order)
        order = compare_numbers(a->port, b->port);
    return order;
}

int ipvs_destination_compare(const struct ipvs_destination_id *a,
                             const struct ipvs_destination_id *b)
{
    int order = compare_numbers(a->family, b->family);
    if (!order)
        order = memcmp(a->address, b->address, sizeof a->address);
    if (!order)
        order = compare_numbers(a->port, b->port);
    return order;
}

bool ipvs_service_same(const struct ipvs_service *a, const struct ipvs_service *b)
{
    return !strcmp(a->scheduler, b->scheduler) && !strcmp(a->engine, b->engine) &&
           (a->flags & IPVS_SERVICE_FLAGS) == (b->flags & IPVS_SERVICE_FLAGS) &&
           a->timeout == b->timeout && a->netmask == b->netmask;
}

bool ipvs_destination_same(const struct ipvs_destination *a, const struct ipvs_destination *b)
{
    if (a->method != b->method || a->weight != b->weight ||
        a->upper_threshold != b->upper_threshold || a->lower_threshold != b->lower_threshold)
        return false;
    /* The kernel keeps a tunnel for every destination; it means something for one method only. */
    return a->method != IP_VS_CONN_F_TUNNEL ||
           (a->tunnel_type == b->tunnel_type && a->tunnel_port == b->tunnel_port &&
            a->tunnel_flags == b->tunnel_flags);
}

static const char *protocol_name(uint16_t protocol)
{
    switch (protocol) {
    case IPPROTO_TCP:
        return "tcp";
    case IPPROTO_UDP:
        return "udp";
    case IPPROTO_SCTP:
        return "sctp";
    default:
        return "protocol?";
    }
}

/* Write "10.0.0.1:80" or "[fd00::1]:80". */
static void put_endpoint(char *text, size_t size, uint16_t family, const uint8_t *address,
                         uint16_t port)
{
    char name[INET6_ADDRSTRLEN];
    if (!inet_ntop(family, address, name, sizeof name))
        strcpy(name, "?");
    snprintf(text, size, family == AF_INET6 ? "[%s]:%u" : "%s:%u", name, port);
}

const char *ipvs_service_text(const struct ipvs_service_id *id, char text[IPVS_TEXT_SIZE])
{
    if (id->mark) {
        snprintf(text, IPVS_TEXT_SIZE, "%s mark %u", id->family == AF_INET6 ? "ipv6" : "ipv4",
                 id->mark);
    } else {
        int length = snprintf(text, IPVS_TEXT_SIZE, "%s ", protocol_name(id->protocol));
        put_endpoint(text + length, IPVS_TEXT_SIZE - (size_t)length, id->family, id->address,
                     id->port);
    }
    return text;
}

const char *ipvs_destination_text(const struct ipvs_destination_id *id, char text[IPVS_TEXT_SIZE])
{
    put_endpoint(text, IPVS_TEXT_SIZE, id->family, id->address, id->port);
    return text;
}

struct ipvs_service *ipvs_table_add(struct ipvs_table *table)
{
    if (table->count == table->room) {
        size_t room = table->room ? table->room * 2 : 8;
        struct ipvs_service *more = reallocarray(table->services, room, sizeof *more);
        if (!more)
            return NULL;
        table->services = more;
        table->room = room;
    }
    struct ipvs_service *service = &table->services[table->count++];
    memset(service, 0, sizeof *service);
    return service;
}

void ipvs_table_clear(struct ipvs_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        free(table->services[i].destinations);
        free(table->services[i].sorry);
    }
    free(table->services);
    *table = (struct ipvs_table){0};
}

struct ipvs_destination *ipvs_service_add(struct ipvs_service *service)
{
    size_t count = service->count;
    if ((count & (count - 1)) == 0) { /* 0 or a power of two: the room is used up */
        struct ipvs_destination *more =
            reallocarray(service->destinations, count ? count * 2 : 1, sizeof *more);
        if (!more)
            return NULL;
        service->destinations = more;
    }
    struct ipvs_destination *destination = &service->destinations[service->count++];
    memset(destination, 0, sizeof *destination);
    return destination;
}

void ipvs_service_exchange(struct ipvs_service *service)
{
    struct ipvs_destination *destinations = service->destinations;
    size_t count = service->count;
    service->destinations = service->sorry;
    service->count = service->sorry_count;
    service->sorry = destinations;
    service->sorry_count = count;
}

static int order_destinations(const void *a, const void *b)
{
    const struct ipvs_destination *one = a, *other = b;
    return ipvs_destination_compare(&one->id, &other->id);
}

void ipvs_service_sort(struct ipvs_service *service)
{
    if (service->count > 1)
        qsort(service->destinations, service->count, sizeof *service->destinations,
              order_destinations);
}

static int seek_destination(const void *key, const void *member)
{
    const struct ipvs_destination *destination = member;
    return ipvs_destination_compare(key, &destination->id);
}

struct ipvs_destination *ipvs_service_find(const struct ipvs_service *service,
                                           const struct ipvs_destination_id *id)
{
    if (service->count == 0)
        return NULL;
    return bsearch(id, service->destinations, service->count, sizeof *service->destinations,
                   seek_destination);
}

/* By identity; what is equal stays in the order of the table. */
static int order_services(const void *a, const void *b)
{
    const struct ipvs_service *const *one = a, *const *other = b;
    int order = ipvs_service_compare(&(*one)->id, &(*other)->id);
    return order ? order : (*one > *other) - (*one < *other);
}

bool ipvs_index_make(const struct ipvs_table *table, struct ipvs_index *index)
{
    *index = (struct ipvs_index){0};
    if (table->count == 0)
        return true;
    index->services = calloc(table->count, sizeof *index->services);
    if (!index->services)
        return false;
    for (size_t i = 0; i < table->count; i++)
        index->services[i] = &table->services[i];
    index->count = table->count;
    qsort(index->services, index->count, sizeof *index->services, order_services);
    return true;
}

struct ipvs_service *ipvs_index_find(const struct ipvs_index *index,
                                     const struct ipvs_service_id *id)
{
    size_t low = 0, high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ipvs_service_compare(&index->services[middle]->id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == index->count || ipvs_service_compare(&index->services[low]->id, id) != 0)
        return NULL;
    return index->services[low];
}

void ipvs_index_clear(struct ipvs_index *index)
{
    free(index->services);
    *index = (struct ipvs_index){0};
}
