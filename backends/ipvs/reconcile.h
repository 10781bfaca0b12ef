/*
 * From what is desired and what is held to what is to be done: the planner. Pure functions; any
 * thread.
 */
#ifndef NORIA_IPVS_RECONCILE_H
#define NORIA_IPVS_RECONCILE_H

#include "backends/ipvs/service.h"

/** What to do with an object. */
enum ipvs_verb {
    IPVS_ADD,
    IPVS_EDIT,
    IPVS_DELETE, /**< Of a service: with its destinations, as the kernel does it. */
};

/**
 * One thing to be done to a service, or, where a destination is named, to that destination of the
 * service. The pointers are borrowed from the two tables that were compared.
 */
struct ipvs_operation {
    enum ipvs_verb verb;
    const struct ipvs_service_id *id;               /**< The service. */
    const struct ipvs_service *service;             /**< As it will be; NULL if it is deleted. */
    const struct ipvs_service *old_service;         /**< As it was; NULL if it is added. */
    const struct ipvs_destination *destination;     /**< As it will be. */
    const struct ipvs_destination *old_destination; /**< As it was. */
    int result; /**< 0: done; an errno; IPVS_NOT_RUN or IPVS_LOST. Set by ipvs_run(). */
};

/** The result of an operation that was not sent to the kernel. */
#define IPVS_NOT_RUN (-1)

/** The result of an operation that was sent and whose answer was lost: it may have been done. */
#define IPVS_LOST (-2)

/** Operations in the order in which they are to be done; {0} is none. */
struct ipvs_operations {
    struct ipvs_operation *list; /**< Owned. */
    size_t count;
    size_t room;
};

/**
 * The smallest list of operations that turns what is held into what is desired. Services that are
 * held and not desired are deleted, first of all, so that what names them is free for others; a
 * service's destinations are added and edited before others are deleted, so that it has some at
 * every moment. A service that is desired twice is taken once.
 * @param desired What should be there.
 * @param held What is there, of that which may be touched; its destinations get sorted.
 * @param[out] operations Borrows from both; free with ipvs_operations_clear().
 * @return Whether there was memory.
 */
bool ipvs_plan(const struct ipvs_table *desired, struct ipvs_table *held,
               struct ipvs_operations *operations);

/**
 * What takes back those operations that were done (result 0 or IPVS_LOST), in reverse order. A
 * deleted service is added with all the destinations that it had.
 * @param[out] inverse Borrows what the operations borrow; free with ipvs_operations_clear().
 * @return Whether there was memory.
 */
bool ipvs_invert(const struct ipvs_operations *operations, struct ipvs_operations *inverse);

/**
 * Whether the way to the kernel was cut while operations were run: some were not sent, or their
 * answers were lost, for another reason than that one before them was refused.
 * @param go_on Whether they were to be run whatever fails.
 */
bool ipvs_operations_cut(const struct ipvs_operations *operations, bool go_on);

/** Whether an operation is about a destination. */
static inline bool ipvs_on_destination(const struct ipvs_operation *operation)
{
    return operation->destination || operation->old_destination;
}

/** The identity of the destination that an operation is about. */
static inline const struct ipvs_destination_id *
ipvs_destination_of(const struct ipvs_operation *operation)
{
    return operation->destination ? &operation->destination->id : &operation->old_destination->id;
}

/** Free what a list of operations owns, and empty it. */
void ipvs_operations_clear(struct ipvs_operations *operations);

#endif
