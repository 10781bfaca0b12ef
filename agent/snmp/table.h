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
 * @param settings Where the settings in force are found at each request.
 * @param tables Ended by NULL; not copied.
 * @param[out] registered To be freed with snmp_tables_free().
 */
enum outcome snmp_tables_register(struct snmp_cache *cache, struct snmp_set *set,
                                  struct snmp_settings *const *settings,
                                  const struct snmp_table *const *tables,
                                  struct snmp_tables **registered, struct error *err);

/** Whether all variables of a request are in tables, so that snmp_tables_answer() knows them. */
bool snmp_tables_have(struct snmp_tables *registered, const netsnmp_variable_list *variables);

/**
 * Put an answer in place of a variable of a request, as Net-SNMP's agent would.
 * @param next Whether the one behind it is asked for, up to the OID that is the variable's value
 *        (RFC 2741, 5.2); endOfMibView says that there is none. Its type is ASN_PRIV_INCL_RANGE if
 *        it may be the one itself.
 */
void snmp_tables_answer(struct snmp_tables *registered, netsnmp_variable_list *variable, bool next);

/** Forget registered tables after Net-SNMP has been shut down; NULL is legal. */
void snmp_tables_free(struct snmp_tables *registered);

#endif
