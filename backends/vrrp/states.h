/*
 * The states of instances and groups, as keepalived last said them, and what operators ordered.
 *
 * The core thread writes; readers read with the lock.
 */
#ifndef NORIA_VRRP_STATES_H
#define NORIA_VRRP_STATES_H

#include <stdint.h>
#include <uv.h>

#include "backends/backend.h"
#include "backends/vrrp/dump.h"
#include "backends/vrrp/record.h"

/** What can be ordered of an instance. */
enum vrrp_order_kind { VRRP_ORDER_NONE, VRRP_ORDER_FAIL_OVER, VRRP_ORDER_PRIORITY };

/** An order. */
struct vrrp_order {
    enum vrrp_order_kind kind;
    int priority;   /**< Of VRRP_ORDER_PRIORITY. */
    int64_t since;  /**< Nanoseconds since 1970 UTC. */
    int64_t until;  /**< Or 0: until it is taken back. */
    char owner[64]; /**< Login name. */
    char reason[256];
};

/** An instance or a group. */
struct vrrp_item {
    bool group;
    bool configured; /**< It is in the configuration, and enabled. */
    bool disabled;   /**< It is not told to keepalived, which says nothing more of it. */
    char name[65];
    char member_of[65]; /**< The group of an instance, or nothing. */
    char master[46];    /**< Address of the master that it last heard, or nothing. */
    enum vrrp_state state;
    enum vrrp_state wanted;   /**< As keepalived last said; 0: not known. */
    bool placed;              /**< The addresses are, as keepalived last said. */
    enum vrrp_reason reason;  /**< Why it is master. */
    bool reason_due;          /**< It is not known yet. Core thread. */
    int priority;             /**< Effective; -1: not known. */
    int64_t last_change;      /**< Of the state, or 0. */
    int64_t up_since;         /**< When it began to take part, or 0: it does not. */
    uint32_t to_master;       /**< How often it became master. */
    int64_t priority_changed; /**< When the priority last was another, or 0. */
    struct vrrp_order order;
    bool filed;                    /**< Its file has a number of ours. Core thread. */
    int filed_as;                  /**< Which. */
    int64_t order_ended;           /**< When an order last ended, or 0. */
    uint64_t rival_heard;          /**< When another master was, on the loop's clock, or 0. */
    bool counted;                  /**< The counters are known. */
    struct vrrp_counters counters; /**< As keepalived last said. */
    struct vrrp_counters earlier;  /**< As it said some seconds before. Core thread. */
    uint64_t counted_at;           /**< When it last said (uv_hrtime()). Core thread. */
};

/** Something that can be tracked, as keepalived last recorded it. */
struct vrrp_object {
    enum vrrp_kind kind;
    char name[65];
    int number; /**< Result of a script, content of a file, processes, 1 of a session that is up. */
    bool met;   /**< The quorum of processes. */
};

/** All of them. */
struct vrrp_states {
    uv_mutex_t lock;
    struct vrrp_item *items; /**< In the order of their names, groups last. Owned. */
    size_t count, room;
    struct vrrp_object *objects; /**< Owned. */
    size_t object_count, object_room;
    char groups[2][46];    /**< Multicast groups of IPv4 and of IPv6. */
    int64_t running_since; /**< 0: keepalived does not run. */
    uint64_t asked;        /**< When it was last asked for counters (uv_hrtime()); 0: never. */
    uint32_t restarts;
};

/** An item by its name, made if asked for; NULL if there is none, or for want of memory. It moves
 * when another one is made. With the lock, or on the core thread. */
struct vrrp_item *vrrp_states_find(struct vrrp_states *states, bool group, const char *name,
                                   bool make);

/** What changed by a notice: the state before. @return The item; NULL if nothing has changed. */
struct vrrp_item *vrrp_states_take(struct vrrp_states *states, const struct vrrp_notice *notice,
                                   enum vrrp_state *before);

/** What keepalived says of an instance, all of it. @return As vrrp_states_take(). */
struct vrrp_item *vrrp_states_take_dumped(struct vrrp_states *states,
                                          const struct vrrp_dumped *dumped,
                                          enum vrrp_state *before);

/** Take keepalived's record of what is tracked, and of other masters. */
void vrrp_states_take_record(struct vrrp_states *states, const char *text, size_t length);

/**
 * keepalived has ended: an item takes part no more.
 * @param[out] before Its state before. @return Whether that was another.
 */
bool vrrp_states_reset(struct vrrp_states *states, struct vrrp_item *item, enum vrrp_state *before);

/** Forget what is not configured any more; the members configured are set before. */
void vrrp_states_tidy(struct vrrp_states *states);

/** Add the state of entries to readers' nodes (backend.h, operational). Any thread. */
enum outcome vrrp_states_add(struct vrrp_states *states, const struct state_request *request,
                             struct error *err);

#endif
