/*
 * The cache: the rows of all tables, read from the operational state when a manager asks.
 *
 * Tables whose rows come from the same top-level container are read together. What was read is
 * served for a second, or for ten times as long as the reading took, so that walking a large table
 * is cheap and sees rows of one moment. On the SNMP thread.
 */
#ifndef NORIA_SNMP_CACHE_H
#define NORIA_SNMP_CACHE_H

#include "agent/agent.h"
#include "agent/snmp/rows.h"

struct snmp_cache;

/**
 * Make a cache for some tables; nothing is read yet.
 * @param tables Ended by NULL; not copied.
 * @param[out] cache To be freed with snmp_cache_free(). On failure there is none.
 */
enum outcome snmp_cache_new(struct agent *agent, const struct snmp_table *const *tables,
                            struct snmp_cache **cache, struct error *err);

/** Free a cache; NULL is legal. */
void snmp_cache_free(struct snmp_cache *cache);

/**
 * Say what time it is, now and then before requests that have come are answered: where a clock
 * costs a system call, looking for each variable takes longer than finding it. NULL is legal.
 * @param now By uv_hrtime().
 */
void snmp_cache_tick(struct snmp_cache *cache, uint64_t now);

/**
 * The rows of a table, read anew if they are too old. If that fails, it is logged and the rows are
 * those of before.
 * @return Belongs to the cache, unchanged until the next call.
 */
const struct snmp_rows *snmp_cache_rows(struct snmp_cache *cache, const struct snmp_table *table);

/** The rows of a table as they were last read; of none, if they never were. */
const struct snmp_rows *snmp_cache_last(const struct snmp_cache *cache,
                                        const struct snmp_table *table);

/** Have all rows read anew when they are next asked for. */
void snmp_cache_expire(struct snmp_cache *cache);

#endif
