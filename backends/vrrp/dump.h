/*
 * keepalived's own account of its instances: a file that it writes when it is asked to.
 *
 * It says what its FIFO has said to an agent before this one, and what instances have counted.
 */
#ifndef NORIA_VRRP_DUMP_H
#define NORIA_VRRP_DUMP_H

#include <stdbool.h>
#include <stddef.h>

#include "backends/vrrp/notice.h"

/** Name of the file, in the folder that TMPDIR names for keepalived. */
#define VRRP_DUMP "keepalived.json"

/** What an instance has counted (RFC 8347, statistics). */
struct vrrp_counters {
    unsigned long long advertisements_received;
    unsigned long long advertisements_sent;
    unsigned long long interval_errors;
    unsigned long long packet_length_errors;
    unsigned long long ttl_errors;
    unsigned long long address_list_errors;
    unsigned long long invalid_types;
    unsigned long long invalid_authentication_types;
    unsigned long long authentication_mismatches;
    unsigned long long authentication_failures;
    unsigned long long priority_zero_received;
    unsigned long long priority_zero_sent;
    unsigned long long became_master;
};

/** Why an instance is master, as yang/noria-vrrp.yang numbers it. */
enum vrrp_reason { VRRP_NOT_MASTER, VRRP_PRIORITY, VRRP_PREEMPTED, VRRP_NO_RESPONSE };

/** One instance in the file. */
struct vrrp_dumped {
    const char *name; /**< Valid during the call. */
    enum vrrp_state state;
    enum vrrp_state wanted; /**< State that it is to come to. */
    int priority;           /**< Effective. */
    int master_priority;    /**< Of the master that it last heard. */
    bool placed;            /**< Its addresses are on their interfaces. */
    struct vrrp_counters counters;
};

/** The name of a reason, "preempted". A static string. */
const char *vrrp_reason_name(enum vrrp_reason reason);

/**
 * Why an instance that was backup is master now.
 * @param before What it had counted as backup; NULL: not known.
 */
enum vrrp_reason vrrp_reason_of(const struct vrrp_dumped *dumped,
                                const struct vrrp_counters *before);

/**
 * Read a dump.
 * @param take Called for each instance.
 * @return false if the text is not whole (yet).
 */
bool vrrp_dump_read(const char *text, size_t length,
                    void (*take)(const struct vrrp_dumped *dumped, void *arg), void *arg);

#endif
