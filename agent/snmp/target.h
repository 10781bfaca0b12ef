/*
 * Targets: what of the configuration a variable of a SET stands for.
 *
 * On the SNMP thread; they belong to one PDU, and see the configuration as it was at its begin.
 */
#ifndef NORIA_SNMP_TARGET_H
#define NORIA_SNMP_TARGET_H

#include "agent/agent.h"
#include "agent/snmp/rows.h"

/** The rows that a PDU can name; zero-initialise before use. */
struct snmp_targets {
    struct snapshot *running;     /**< One reference. */
    const struct unit *unit;      /**< That of which the entries are. */
    const struct entry **entries; /**< By number. Owned. */
    size_t count;
};

/** Begin with what is configured now. */
void snmp_targets_begin(struct snmp_targets *targets, struct agent *agent);

/** Give back what targets hold, and empty them. */
void snmp_targets_clear(struct snmp_targets *targets);

/**
 * The column that an OID behind a table's is of.
 * @return SNMP_ERR_NOERROR if it can be written, else why not.
 */
int snmp_target_column(const struct snmp_rows *rows, const oid *suffix, size_t length,
                       size_t *column);

/**
 * The value of a variable as text of the column's leaf.
 * @param[out] text Room for SNMP_TEXT_MAX + 1; empty of KIND_ENUM_OR_NONE: none, and of
 * KIND_ACTION: nothing is to be done.
 * @return SNMP_ERR_NOERROR, _WRONGTYPE, _WRONGLENGTH or _WRONGVALUE.
 */
int snmp_target_value(const struct snmp_rows *rows, size_t column, const netsnmp_variable_list *var,
                      char *text);

/**
 * Find the column's leaf, or its action, in the row that an OID names.
 * @param[out] path Of the leaf; to be freed.
 * @param[out] before The value that was set of it, to be freed; NULL: none was.
 * @return Whether there is such a row, and memory.
 */
bool snmp_target_find(struct snmp_targets *targets, const struct snmp_rows *rows, size_t column,
                      const oid *suffix, size_t length, char **path, char **before);

/** Whether a column stands for an rpc, which snmp_target_rpc() finds. */
bool snmp_target_is_rpc(const struct snmp_rows *rows, size_t column);

/**
 * Find what a column's rpc is asked with in the row that an OID names: a row of the state, which
 * need not be configured.
 * @param rows As they are now.
 * @param[out] path Of the rpc; to be freed.
 * @param[out] value Of its input's leaf, whose name is behind the last slash of the column's leaf;
 *        to be freed.
 * @return Whether there is such a row, and memory.
 */
bool snmp_target_rpc(const struct snmp_rows *rows, size_t column, const oid *suffix, size_t length,
                     char **path, char **value);

#endif
