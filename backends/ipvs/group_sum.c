#include "backends/ipvs/group_sum.h"

#include <stdlib.h>

#include "backends/ipvs/group.h"

static void add_statistics(struct ipvs_statistics *sum, const struct ipvs_statistics *more)
{
    sum->connections += more->connections;
    sum->in_packets += more->in_packets;
    sum->out_packets += more->out_packets;
    sum->in_bytes += more->in_bytes;
    sum->out_bytes += more->out_bytes;
    sum->connection_rate += more->connection_rate;
    sum->in_packet_rate += more->in_packet_rate;
    sum->out_packet_rate += more->out_packet_rate;
    sum->in_byte_rate += more->in_byte_rate;
    sum->out_byte_rate += more->out_byte_rate;
}

static struct ipvs_destination *find(const struct ipvs_service *service,
                                     const struct ipvs_destination_id *id)
{
    for (size_t i = 0; i < service->count; i++)
        if (ipvs_destination_compare(&service->destinations[i].id, id) == 0)
            return &service->destinations[i];
    return NULL;
}

static bool add_destination(struct ipvs_service *sum, const struct ipvs_service *service,
                            const struct ipvs_destination *more)
{
    struct ipvs_destination_id id = more->id;
    if (id.port == service->id.port)
        id.port = sum->id.port; /* the port of the service, whichever that is */
    struct ipvs_destination *destination = find(sum, &id);
    if (!destination) {
        destination = ipvs_service_add(sum);
        if (!destination)
            return false;
        *destination = *more;
        destination->id = id;
        return true;
    }
    destination->active += more->active;
    destination->inactive += more->inactive;
    destination->persistent += more->persistent;
    add_statistics(&destination->statistics, &more->statistics);
    return true;
}

static bool sum_up(const struct ipvs_ids *ids, const struct ipvs_index *index, bool destinations,
                   struct ipvs_group_sum *sum)
{
    bool complete = true;
    sum->wanted = ids->count;
    if (ids->count)
        sum->service.id = ids->list[0];
    for (size_t i = 0; i < ids->count && complete; i++) {
        const struct ipvs_service *service = ipvs_index_find(index, &ids->list[i]);
        if (!service)
            continue;
        sum->present++;
        add_statistics(&sum->service.statistics, &service->statistics);
        for (size_t d = 0; destinations && d < service->count && complete; d++)
            complete = add_destination(&sum->service, service, &service->destinations[d]);
    }
    ipvs_service_sort(&sum->service);
    return complete;
}

bool ipvs_group_sum(const struct lyd_node *node, const struct ipvs_index *index,
                    struct ipvs_group_sum *sum)
{
    struct ipvs_ids ids;
    struct error err = {0};
    *sum = (struct ipvs_group_sum){0};
    enum outcome outcome = ipvs_ids_of(node, &ids, &err);
    bool complete = outcome != FAILED && (outcome == REFUSED || sum_up(&ids, index, true, sum));
    ipvs_ids_clear(&ids);
    error_clear(&err);
    return complete;
}

bool ipvs_group_sum_member(const struct lyd_node *member, const struct ipvs_index *index,
                           struct ipvs_group_sum *sum)
{
    struct ipvs_ids ids = {0};
    struct error err = {0};
    *sum = (struct ipvs_group_sum){0};
    enum outcome outcome = ipvs_ids_of_member(member, &ids, &err);
    bool complete = outcome != FAILED && (outcome == REFUSED || sum_up(&ids, index, false, sum));
    ipvs_ids_clear(&ids);
    error_clear(&err);
    return complete;
}

void ipvs_group_sum_clear(struct ipvs_group_sum *sum)
{
    free(sum->service.destinations);
    *sum = (struct ipvs_group_sum){0};
}
