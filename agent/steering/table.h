/*
 * What steering knows, found by key: two hash tables, of virtual servers and of real servers.
 *
 * No thread of its own; whoever has a table guards it.
 */
#ifndef NORIA_STEERING_TABLE_H
#define NORIA_STEERING_TABLE_H

#include "agent/steering/steering.h"

struct steering_service;

/** A real server of which something is known. */
struct steering_record {
    struct steering_record *next; /**< In its bucket. */
    struct steering_record *next_of_service;
    struct steering_record **at_service; /**< What points to it in that list. */
    struct steering_service *service;
    char *address; /**< Owned. */
    uint16_t port;
    bool unconfirmed; /**< It was not configured when it was first spoken of. */
    struct steering_verdict verdict;
    bool recalled;                /**< The verdict is of before a restart. */
    struct steering_order *order; /**< NULL: none. Owned. */
    int64_t connections;          /**< While it drains; -1: not counted yet. */
    uint64_t told;                /**< When its drain was last told of (uv_hrtime()). */
    bool ended;                   /**< Its drain has ended, and that was told. */
};

/** A virtual server of which, or of whose real servers, something is known. */
struct steering_service {
    struct steering_service *next; /**< In its bucket. */
    char *name;                    /**< Owned. */
    bool unconfirmed;              /**< As of a record. */
    bool quorum_lost;
    bool otherwise; /**< Likewise, as of a verdict. */
    bool recalled;  /**< It is of before a restart. */
    bool changed;   /**< It is to be told of. */
    struct steering_service *next_changed;
    struct steering_record *records;
};

/** The tables; {0} is empty. Read the members; change them by the functions. */
struct steering_table {
    struct steering_service **services; /**< Buckets. Owned. */
    size_t service_count, service_buckets;
    struct steering_record **records; /**< Buckets. Owned. */
    size_t record_count, record_buckets;
};

/** The virtual server with a name, or NULL. */
struct steering_service *steering_table_service(const struct steering_table *table,
                                                const char *name);

/** The same, made if it is not there. @return NULL for want of memory. */
struct steering_service *steering_table_add_service(struct steering_table *table, const char *name);

/** The real server with a key (with an address), or NULL. */
struct steering_record *steering_table_find(const struct steering_table *table,
                                            const struct steering_key *key);

/** The same, made if it is not there. @return NULL for want of memory. */
struct steering_record *steering_table_add(struct steering_table *table,
                                           const struct steering_key *key);

/** Remove a real server. */
void steering_table_remove(struct steering_table *table, struct steering_record *record);

/** Remove a virtual server that has no records. */
void steering_table_remove_service(struct steering_table *table, struct steering_service *service);

/** The key of a record; borrows from it. */
struct steering_key steering_record_key(const struct steering_record *record);

/** What is known, as a plain value. @param record NULL: nothing is known. */
void steering_record_read(const struct steering_record *record, struct steering_server *server);

/** Set or take away (kind NONE) the order of a record. @return false for want of memory. */
bool steering_record_order(struct steering_record *record, const struct steering_order *order);

/** Whether nothing is known of a record, so that it need not be kept. */
bool steering_record_is_empty(const struct steering_record *record);

/** Free what a table owns, and empty it. */
void steering_table_clear(struct steering_table *table);

#endif
