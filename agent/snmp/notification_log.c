/*
 * The notification log.
 */
#include "agent/snmp/notification_log.h"

#include <net-snmp/agent/net-snmp-agent-includes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/log.h"
#include "agent/snmp/value.h"

/* Columns of nlmLogTable; addresses are those of notifications of others, which there are none of.
 */
enum {
    LOG_TIME = 2,
    LOG_DATE,
    LOG_ENGINE_ID,
    LOG_CONTEXT_ENGINE_ID = 7,
    LOG_CONTEXT_NAME,
    LOG_NOTIFICATION,
};

/* Columns of nlmLogVariableTable; from VARIABLE_VALUE on one for each type. */
enum { VARIABLE_ID = 2, VARIABLE_TYPE, VARIABLE_VALUE, VARIABLE_LAST = 12 };

/* nlmLogVariableValueType, and the columns, are in this order. */
static const unsigned char value_types[] = {ASN_COUNTER,   ASN_UNSIGNED,  ASN_TIMETICKS,
                                            ASN_INTEGER,   ASN_OCTET_STR, ASN_IPADDRESS,
                                            ASN_OBJECT_ID, ASN_COUNTER64, ASN_OPAQUE};
static const long shown_types[] = {1, 2, 3, 4, 6, 5, 7, 8, 9};

struct log_entry {
    uint32_t number;
    uint32_t uptime;
    int64_t time;
    netsnmp_variable_list *variables; /* snmpTrapOID first. Owned. */
};

struct snmp_log {
    const struct snmp_engine_id *id;
    uint64_t last;         /* The number that was last given. */
    unsigned long added;   /* nlmStatsGlobalNotificationsLogged */
    unsigned long dropped; /* nlmStatsGlobalNotificationsBumped */
    size_t first, count;   /* A ring. */
    struct log_entry entries[SNMP_LOG_MAX];
};

struct snmp_log *snmp_log_new(void)
{
    return calloc(1, sizeof(struct snmp_log));
}

void snmp_log_free(struct snmp_log *log)
{
    if (!log)
        return;
    for (size_t i = 0; i < SNMP_LOG_MAX; i++)
        snmp_free_varbind(log->entries[i].variables);
    free(log);
}

static struct log_entry *entry_at(struct snmp_log *log, size_t place)
{
    return &log->entries[(log->first + place) % SNMP_LOG_MAX];
}

void snmp_log_add(struct snmp_log *log, uint64_t number, int64_t time, uint32_t uptime,
                  netsnmp_variable_list *variables)
{
    if (number <= log->last || number > UINT32_MAX) {
        snmp_free_varbind(variables);
        return;
    }
    if (log->count == SNMP_LOG_MAX) {
        snmp_free_varbind(entry_at(log, 0)->variables);
        log->first = (log->first + 1) % SNMP_LOG_MAX;
        log->count--;
        log->dropped++;
    }
    *entry_at(log, log->count++) = (struct log_entry){(uint32_t)number, uptime, time, variables};
    log->last = number;
    log->added++;
}

/* --- cells: an entry, one of its variables (0: none is meant), a column --- */

struct cell {
    oid column;
    size_t place;
    oid variable; /* From 1 on. */
};

static const netsnmp_variable_list *variable_of(const struct log_entry *entry, oid number)
{
    const netsnmp_variable_list *at = entry->variables;
    for (; at && number; number--)
        at = at->next_variable;
    return at;
}

/* The place of a variable's type, or that behind the last one. */
static size_t type_of(const netsnmp_variable_list *variable)
{
    size_t type = 0;
    while (type < sizeof(value_types) && value_types[type] != variable->type)
        type++;
    return type;
}

static bool has_variable_cell(const struct log_entry *entry, const struct cell *cell)
{
    const netsnmp_variable_list *variable = variable_of(entry, cell->variable);
    if (!variable || cell->column < VARIABLE_ID || cell->column > VARIABLE_LAST)
        return false;
    return cell->column < VARIABLE_VALUE || cell->column == VARIABLE_VALUE + type_of(variable);
}

static bool has_log_cell(const struct cell *cell)
{
    return (cell->column >= LOG_TIME && cell->column <= LOG_ENGINE_ID) ||
           (cell->column >= LOG_CONTEXT_ENGINE_ID && cell->column <= LOG_NOTIFICATION);
}

static void send_log_cell(const struct snmp_log *log, const struct log_entry *entry, oid column,
                          netsnmp_variable_list *to)
{
    unsigned char date[11];
    switch (column) {
    case LOG_TIME:
        snmp_set_var_typed_integer(to, ASN_TIMETICKS, (long)entry->uptime);
        break;
    case LOG_DATE:
        snmp_date_and_time(entry->time, date);
        snmp_set_var_typed_value(to, ASN_OCTET_STR, date, sizeof(date));
        break;
    case LOG_ENGINE_ID:
    case LOG_CONTEXT_ENGINE_ID:
        snmp_set_var_typed_value(to, ASN_OCTET_STR, log->id->octets, log->id->length);
        break;
    case LOG_CONTEXT_NAME:
        snmp_set_var_typed_value(to, ASN_OCTET_STR, "", 0);
        break;
    default:
        snmp_set_var_typed_value(to, ASN_OBJECT_ID, entry->variables->val.objid,
                                 entry->variables->val_len);
    }
}

static void send_variable_cell(const struct log_entry *entry, const struct cell *cell,
                               netsnmp_variable_list *to)
{
    const netsnmp_variable_list *variable = variable_of(entry, cell->variable);
    if (cell->column == VARIABLE_ID)
        snmp_set_var_typed_value(to, ASN_OBJECT_ID, variable->name,
                                 variable->name_length * sizeof(oid));
    else if (cell->column == VARIABLE_TYPE)
        snmp_set_var_typed_integer(to, ASN_INTEGER, shown_types[type_of(variable)]);
    else
        snmp_set_var_typed_value(to, variable->type, variable->val.string, variable->val_len);
}

/* --- looking for them --- */

/* The first entry whose number is not below one. */
static size_t bisect(struct snmp_log *log, oid number)
{
    size_t low = 0, high = log->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (entry_at(log, middle)->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Behind a table's OID: entry, column, length of the log's name (0), number, variable. */
enum { AT_ENTRY, AT_COLUMN, AT_NAME, AT_NUMBER, AT_VARIABLE, SUFFIX_MAX };

static bool has_cell(struct snmp_log *log, bool variables, const struct cell *cell)
{
    return variables ? has_variable_cell(entry_at(log, cell->place), cell) : has_log_cell(cell);
}

static bool find(struct snmp_log *log, bool variables, const oid *suffix, size_t length,
                 struct cell *cell)
{
    if (length != (size_t)SUFFIX_MAX - !variables || suffix[AT_ENTRY] != 1 || suffix[AT_NAME] != 0)
        return false;
    *cell = (struct cell){suffix[AT_COLUMN], bisect(log, suffix[AT_NUMBER]),
                          variables ? suffix[AT_VARIABLE] : 0};
    return cell->place < log->count && entry_at(log, cell->place)->number == suffix[AT_NUMBER] &&
           (!variables || cell->variable) && has_cell(log, variables, cell);
}

/* Where to begin to look for what comes after an OID; its column may have no rows left. */
static struct cell start_after(struct snmp_log *log, bool variables, const oid *suffix,
                               size_t length)
{
    struct cell cell = {0, 0, variables};
    if (length <= AT_COLUMN || suffix[AT_ENTRY] < 1)
        return cell;
    cell.column = suffix[AT_COLUMN];
    if (length <= AT_NAME)
        return cell;
    if (suffix[AT_NAME] > 0) {
        cell.place = log->count;
        return cell;
    }
    if (length <= AT_NUMBER)
        return cell;
    cell.place = bisect(log, suffix[AT_NUMBER]);
    if (cell.place == log->count || entry_at(log, cell.place)->number != suffix[AT_NUMBER])
        return cell;
    if (!variables)
        cell.place++;
    else if (length > AT_VARIABLE)
        cell.variable = suffix[AT_VARIABLE] < UINT32_MAX ? suffix[AT_VARIABLE] + 1 : UINT32_MAX;
    return cell;
}

static bool find_next(struct snmp_log *log, bool variables, const oid *suffix, size_t length,
                      struct cell *cell)
{
    const oid last = variables ? VARIABLE_LAST : LOG_NOTIFICATION;
    if (length > 0 && suffix[AT_ENTRY] > 1)
        return false;
    *cell = start_after(log, variables, suffix, length);
    for (; cell->column <= last; cell->column++, cell->place = 0, cell->variable = variables) {
        for (; cell->place < log->count; cell->place++, cell->variable = variables) {
            do {
                if (has_cell(log, variables, cell))
                    return true;
            } while (variables && variable_of(entry_at(log, cell->place), cell->variable++));
        }
    }
    return false;
}

/* --- Net-SNMP --- */

static const oid mib[] = {1, 3, 6, 1, 2, 1, 92, 1};
#define MIB_LENGTH (sizeof(mib) / sizeof(oid))
#define TABLE_LENGTH (MIB_LENGTH + 2)

static void send_cell(struct snmp_log *log, bool variables, const struct cell *cell,
                      netsnmp_variable_list *to)
{
    const struct log_entry *entry = entry_at(log, cell->place);
    if (variables)
        send_variable_cell(entry, cell, to);
    else
        send_log_cell(log, entry, cell->column, to);
}

static void answer_next(struct snmp_log *log, netsnmp_handler_registration *table, bool variables,
                        netsnmp_request_info *request)
{
    netsnmp_variable_list *to = request->requestvb;
    size_t length = to->name_length > TABLE_LENGTH ? to->name_length - TABLE_LENGTH : 0;
    oid name[TABLE_LENGTH + SUFFIX_MAX];
    struct cell cell;

    if (snmp_oid_compare(to->name, to->name_length, table->rootoid, TABLE_LENGTH) < 0)
        length = 0;
    if (request->inclusive && find(log, variables, to->name + TABLE_LENGTH, length, &cell)) {
        send_cell(log, variables, &cell, to);
        return;
    }
    if (!find_next(log, variables, to->name + TABLE_LENGTH, length, &cell))
        return;
    memcpy(name, table->rootoid, TABLE_LENGTH * sizeof(oid));
    const oid suffix[SUFFIX_MAX] = {1, cell.column, 0, entry_at(log, cell.place)->number,
                                    cell.variable};
    memcpy(name + TABLE_LENGTH, suffix, sizeof(suffix));
    snmp_set_var_objid(to, name, sizeof(name) / sizeof(oid) - !variables);
    send_cell(log, variables, &cell, to);
}

static int handle(netsnmp_mib_handler *handler, netsnmp_handler_registration *table,
                  netsnmp_agent_request_info *info, netsnmp_request_info *requests)
{
    struct snmp_log *log = handler->myvoid;
    bool variables = table->rootoid[TABLE_LENGTH - 1] == 2;
    struct cell cell;

    for (netsnmp_request_info *request = requests; request; request = request->next) {
        const netsnmp_variable_list *asked = request->requestvb;
        if (request->processed)
            continue;
        if (info->mode != MODE_GET)
            answer_next(log, table, variables, request);
        else if (find(log, variables, asked->name + TABLE_LENGTH, asked->name_length - TABLE_LENGTH,
                      &cell))
            send_cell(log, variables, &cell, request->requestvb);
        else
            netsnmp_set_request_error(info, request, SNMP_NOSUCHINSTANCE);
    }
    return SNMP_ERR_NOERROR;
}

/* nlmConfigGlobalEntryLimit, nlmConfigGlobalAgeOut, and two that count. */
static int handle_scalar(netsnmp_mib_handler *handler, netsnmp_handler_registration *scalar,
                         netsnmp_agent_request_info *info, netsnmp_request_info *requests)
{
    const struct snmp_log *log = handler->myvoid;
    bool counts = scalar->rootoid[MIB_LENGTH] == 2, first = scalar->rootoid[MIB_LENGTH + 1] == 1;
    unsigned long number = counts ? (first ? log->added : log->dropped) : first ? SNMP_LOG_MAX : 0;

    if (info->mode != MODE_GET)
        return SNMP_ERR_NOTWRITABLE;
    snmp_set_var_typed_integer(requests->requestvb, counts ? ASN_COUNTER : ASN_UNSIGNED,
                               (long)(uint32_t)number);
    return SNMP_ERR_NOERROR;
}

void snmp_log_register(struct snmp_log *log, const struct snmp_engine_id *id)
{
    oid name[TABLE_LENGTH];
    bool well = true;

    log->id = id;
    memcpy(name, mib, sizeof(mib));
    for (oid group = 1; group <= 3; group++) {
        for (oid part = 1; part <= 2; part++) {
            name[MIB_LENGTH] = group;
            name[MIB_LENGTH + 1] = part;
            netsnmp_handler_registration *made = netsnmp_create_handler_registration(
                "notification log", group < 3 ? handle_scalar : handle, name, TABLE_LENGTH,
                HANDLER_CAN_RONLY);
            if (made)
                made->handler->myvoid = log;
            well = made && well &&
                   (group < 3 ? netsnmp_register_read_only_scalar(made)
                              : netsnmp_register_handler(made)) == SNMPERR_SUCCESS;
        }
    }
    if (!well)
        log_warning(AREA_SNMP, "the notification log could not be registered");
}
