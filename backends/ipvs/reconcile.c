#include "backends/ipvs/reconcile.h"

#include <stdlib.h>

static bool add_operation(struct ipvs_operations *operations, struct ipvs_operation operation)
{
    if (operations->count == operations->room) {
        size_t room = operations->room ? operations->room * 2 : 16;
        struct ipvs_operation *more = reallocarray(operations->list, room, sizeof *more);
        if (!more)
            return false;
        operations->list = more;
        operations->room = room;
    }
    operation.result = IPVS_NOT_RUN;
    operations->list[operations->count++] = operation;
    return true;
}

void ipvs_operations_clear(struct ipvs_operations *operations)
{
    free(operations->list);
    *operations = (struct ipvs_operations){0};
}

/* Add and edit destinations, and say which of the held ones are wanted. */
static bool plan_wanted(const struct ipvs_service *service, const struct ipvs_service *old,
                        bool *wanted, struct ipvs_operations *operations)
{
    for (size_t i = 0; i < service->count; i++) {
        const struct ipvs_destination *destination = &service->destinations[i];
        const struct ipvs_destination *was = old ? ipvs_service_find(old, &destination->id) : NULL;
        struct ipvs_operation operation = {.verb = was ? IPVS_EDIT : IPVS_ADD,
                                           .id = &service->id,
                                           .service = service,
                                           .old_service = old,
                                           .destination = destination,
                                           .old_destination = was};
        if (was)
            wanted[was - old->destinations] = true;
        if (was && ipvs_destination_same(destination, was))
            continue;
        if (!add_operation(operations, operation))
            return false;
    }
    return true;
}

static bool plan_destinations(const struct ipvs_service *service, const struct ipvs_service *old,
                              struct ipvs_operations *operations)
{
    size_t held = old ? old->count : 0;
    bool *wanted = held ? calloc(held, sizeof *wanted) : NULL;
    bool complete = (!held || wanted) && plan_wanted(service, old, wanted, operations);
    for (size_t i = 0; i < held && complete; i++) {
        if (!wanted[i])
            complete = add_operation(
                operations, (struct ipvs_operation){.verb = IPVS_DELETE,
                                                    .id = &service->id,
                                                    .service = service,
                                                    .old_service = old,
                                                    .old_destination = &old->destinations[i]});
    }
    free(wanted);
    return complete;
}

static bool plan_service(const struct ipvs_service *service, const struct ipvs_service *old,
                         struct ipvs_operations *operations)
{
    struct ipvs_operation operation = {.verb = old ? IPVS_EDIT : IPVS_ADD,
                                       .id = &service->id,
                                       .service = service,
                                       .old_service = old};
    if (!old || !ipvs_service_same(service, old)) {
        if (!add_operation(operations, operation))
            return false;
    }
    return plan_destinations(service, old, operations);
}

bool ipvs_plan(const struct ipvs_table *desired, struct ipvs_table *held,
               struct ipvs_operations *operations)
{
    struct ipvs_index wanted = {0}, present = {0};
    *operations = (struct ipvs_operations){0};
    bool complete = ipvs_index_make(desired, &wanted) && ipvs_index_make(held, &present);

    /*
     * From the last to the first: for two minutes the kernel looks through what was deleted, the
     * latest first, whenever a destination is added. So adding the same again finds it at once.
     */
    for (size_t i = present.count; i-- > 0 && complete;) {
        struct ipvs_service *old = present.services[i];
        ipvs_service_sort(old);
        if (!ipvs_index_find(&wanted, &old->id))
            complete = add_operation(
                operations,
                (struct ipvs_operation){.verb = IPVS_DELETE, .id = &old->id, .old_service = old});
    }
    for (size_t i = 0; i < desired->count && complete; i++) {
        const struct ipvs_service *service = &desired->services[i];
        if (ipvs_index_find(&wanted, &service->id) == service)
            complete = plan_service(service, ipvs_index_find(&present, &service->id), operations);
    }
    ipvs_index_clear(&wanted);
    ipvs_index_clear(&present);
    if (!complete)
        ipvs_operations_clear(operations);
    return complete;
}

bool ipvs_operations_cut(const struct ipvs_operations *operations, bool go_on)
{
    bool not_run = false, refused = false;
    for (size_t i = 0; i < operations->count; i++) {
        int result = operations->list[i].result;
        if (result == IPVS_LOST)
            return true;
        not_run = not_run || result == IPVS_NOT_RUN;
        refused = refused || result > 0;
    }
    return not_run && (go_on || !refused);
}

static enum ipvs_verb opposite(enum ipvs_verb verb)
{
    switch (verb) {
    case IPVS_ADD:
        return IPVS_DELETE;
    case IPVS_DELETE:
        return IPVS_ADD;
    case IPVS_EDIT:
        break;
    }
    return verb;
}

bool ipvs_invert(const struct ipvs_operations *operations, struct ipvs_operations *inverse)
{
    bool complete = true;
    *inverse = (struct ipvs_operations){0};
    for (size_t i = operations->count; i-- > 0 && complete;) {
        const struct ipvs_operation *done = &operations->list[i];
        if (done->result != 0 && done->result != IPVS_LOST)
            continue;
        struct ipvs_operation back = {.verb = opposite(done->verb),
                                      .id = done->id,
                                      .service = done->old_service,
                                      .old_service = done->service,
                                      .destination = done->old_destination,
                                      .old_destination = done->destination};
        complete = add_operation(inverse, back);
        if (done->verb == IPVS_DELETE && !ipvs_on_destination(done) && complete)
            complete = plan_destinations(done->old_service, NULL, inverse);
    }
    if (!complete)
        ipvs_operations_clear(inverse);
    return complete;
}
