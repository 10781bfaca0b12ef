/*
 * Tables in Net-SNMP's agent: a handler that looks instances up and sends their values.
 *
 * On the SNMP thread.
 */
#ifndef NORIA_SNMP_TABLE_H
#define NORIA_SNMP_TABLE_H

#include "agent/snmp/cache.h"
#include "agent/snmp/set.h"

/** Registered tables. */
struct snmp_tables;

/**
 * Register tables with Net-SNMP.
 * @param set Carries SETs out; not copied.
 * @param tables Ended by NULL; not copied.
 * @param[out] registered To be freed with snmp_tables_free().
 */
enum outcome snmp_tables_register(struct snmp_cache *cache, struct snmp_set *set,
                                  const struct snmp_table *const *tables,
                                  struct snmp_tables **registered, struct error *err);

/** Forget registered tables after Net-SNMP has been shut down; NULL is legal. */
void snmp_tables_free(struct snmp_tables *registered);

#endif
