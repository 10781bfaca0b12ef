#include "backends/ipvs/since.h"

#include <search.h>
#include <stdlib.h>
#include <uv.h>

#include "agent/clock.h"

/* A time; destination is all 0 for the service itself. */
struct row {
    struct ipvs_service_id service;
    struct ipvs_destination_id destination;
    int64_t time;
};

struct ipvs_since {
    uv_mutex_t lock;
    void *rows; /* tsearch(3) */
    int64_t start;
};

static int order_rows(const void *a, const void *b)
{
    const struct row *one = a, *other = b;
    int order = ipvs_service_compare(&one->service, &other->service);
    return order ? order : ipvs_destination_compare(&one->destination, &other->destination);
}

static struct row key_of(const struct ipvs_service_id *service,
                         const struct ipvs_destination_id *destination)
{
    struct row key = {.service = *service};
    if (destination)
        key.destination = *destination;
    return key;
}

struct ipvs_since *ipvs_since_new(void)
{
    struct ipvs_since *since = calloc(1, sizeof *since);
    if (since && uv_mutex_init(&since->lock) != 0) {
        free(since);
        since = NULL;
    }
    if (since)
        since->start = clock_now();
    return since;
}

void ipvs_since_free(struct ipvs_since *since)
{
    if (!since)
        return;
    tdestroy(since->rows, free);
    uv_mutex_destroy(&since->lock);
    free(since);
}

void ipvs_since_set(struct ipvs_since *since, const struct ipvs_service_id *service,
                    const struct ipvs_destination_id *destination)
{
    struct row *row = malloc(sizeof *row);
    if (!row)
        return;
    *row = key_of(service, destination);
    row->time = clock_now();

    uv_mutex_lock(&since->lock);
    struct row **found = tsearch(row, &since->rows, order_rows);
    if (found && *found != row)
        (*found)->time = row->time;
    bool kept = found && *found == row;
    uv_mutex_unlock(&since->lock);
    if (!kept)
        free(row);
}

void ipvs_since_drop(struct ipvs_since *since, const struct ipvs_service_id *service,
                     const struct ipvs_destination_id *destination)
{
    struct row key = key_of(service, destination);
    uv_mutex_lock(&since->lock);
    struct row **found = tfind(&key, &since->rows, order_rows), *row = found ? *found : NULL;
    if (row)
        tdelete(&key, &since->rows, order_rows);
    uv_mutex_unlock(&since->lock);
    free(row);
}

int64_t ipvs_since_get(struct ipvs_since *since, const struct ipvs_service_id *service,
                       const struct ipvs_destination_id *destination)
{
    struct row key = key_of(service, destination);
    uv_mutex_lock(&since->lock);
    struct row **found = tfind(&key, &since->rows, order_rows);
    int64_t time = found ? (*found)->time : since->start;
    uv_mutex_unlock(&since->lock);
    return time;
}
