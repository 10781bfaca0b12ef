#include "backends/ipvs/difference.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A text that is written piece by piece. */
struct writer {
    char *text;
    size_t length;
};

static void put(struct writer *writer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void put(struct writer *writer, const char *format, ...)
{
    va_list args;
    size_t room = IPVS_DIFFERENCE_SIZE - writer->length;
    va_start(args, format);
    int length = vsnprintf(writer->text + writer->length, room, format, args);
    va_end(args);
    if (length > 0)
        writer->length += (size_t)length < room ? (size_t)length : room - 1;
}

static void put_numbers(struct writer *writer, const char *what, uint32_t held, uint32_t wanted)
{
    if (held != wanted)
        put(writer, "; %s %u is held, %u is wanted", what, held, wanted);
}

static void put_names(struct writer *writer, const char *what, const char *held, const char *wanted)
{
    if (strcmp(held, wanted) != 0)
        put(writer, "; %s %s is held, %s is wanted", what, *held ? held : "none",
            *wanted ? wanted : "none");
}

static const char *method_name(uint32_t method)
{
    switch (method) {
    case IP_VS_CONN_F_MASQ:
        return "nat";
    case IP_VS_CONN_F_TUNNEL:
        return "tun";
    case IP_VS_CONN_F_DROUTE:
        return "dr";
    case IP_VS_CONN_F_BYPASS:
        return "bypass";
    default:
        return "local";
    }
}

static void put_service(struct writer *writer, const struct ipvs_service *held,
                        const struct ipvs_service *wanted)
{
    put_names(writer, "scheduler", held->scheduler, wanted->scheduler);
    put_names(writer, "persistence engine", held->engine, wanted->engine);
    put_numbers(writer, "persistence timeout", held->timeout, wanted->timeout);
    if (held->id.family == AF_INET)
        put_numbers(writer, "prefix length", (uint32_t)__builtin_popcount(held->netmask),
                    (uint32_t)__builtin_popcount(wanted->netmask));
    else
        put_numbers(writer, "prefix length", held->netmask, wanted->netmask);
    uint32_t held_flags = held->flags & IPVS_SERVICE_FLAGS;
    uint32_t wanted_flags = wanted->flags & IPVS_SERVICE_FLAGS;
    if (held_flags != wanted_flags)
        put(writer, "; flags 0x%x are held, 0x%x are wanted", held_flags, wanted_flags);
}

static void put_destination(struct writer *writer, const struct ipvs_destination *held,
                            const struct ipvs_destination *wanted)
{
    put_numbers(writer, "weight", held->weight, wanted->weight);
    put_names(writer, "forwarding method", method_name(held->method), method_name(wanted->method));
    put_numbers(writer, "upper threshold", held->upper_threshold, wanted->upper_threshold);
    put_numbers(writer, "lower threshold", held->lower_threshold, wanted->lower_threshold);
    if (wanted->method != IP_VS_CONN_F_TUNNEL || held->method != wanted->method)
        return;
    put_numbers(writer, "tunnel type", held->tunnel_type, wanted->tunnel_type);
    put_numbers(writer, "tunnel port", held->tunnel_port, wanted->tunnel_port);
    put_numbers(writer, "tunnel flags", held->tunnel_flags, wanted->tunnel_flags);
}

const char *ipvs_difference_text(const struct ipvs_operation *operation,
                                 char text[IPVS_DIFFERENCE_SIZE])
{
    struct writer writer = {.text = text};
    char service[IPVS_TEXT_SIZE], destination[IPVS_TEXT_SIZE];
    bool on_destination = ipvs_on_destination(operation);

    *text = '\0';
    if (on_destination)
        put(&writer, "real server %s of ",
            ipvs_destination_text(ipvs_destination_of(operation), destination));
    put(&writer, "%s", ipvs_service_text(operation->id, service));
    if (operation->verb == IPVS_ADD)
        put(&writer, " is missing");
    else if (operation->verb == IPVS_DELETE)
        put(&writer, " is there and not wanted");
    else if (on_destination)
        put_destination(&writer, operation->old_destination, operation->destination);
    else
        put_service(&writer, operation->old_service, operation->service);
    return text;
}
