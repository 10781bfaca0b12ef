#include "agent/snmp/table.h"

#include <net-snmp/agent/bulk_to_next.h>
#include <net-snmp/agent/net-snmp-agent-includes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/snmp/access.h"

/* The least room for an answer with which many variables are looked up before it is looked at. */
#define AMPLE 32768

static const oid noria_mib[] = {1, 3, 6, 1, 4, 1, NORIA_ENTERPRISE, 1};

/* What a handler needs to know of its table. */
struct registered_table {
    struct snmp_cache *cache;
    struct snmp_set *set;
    struct snmp_settings *const *settings;
    const struct snmp_table *table;
    oid root[MAX_OID_LEN]; /* Of the table or of the scalars' group. */
    size_t root_length;
    struct snmp_instance last; /* What was found last. */
    int64_t epoch;             /* As snmp_epoch() says. */
};

struct snmp_tables {
    size_t count;
    size_t last; /* The table that was asked for last. */
    struct registered_table tables[];
};

static int64_t present_time(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void send_number(netsnmp_variable_list *to, unsigned char type, uint64_t number)
{
    if (type == ASN_COUNTER64) {
        struct counter64 wide = {.high = number >> 32, .low = number & UINT32_MAX};
        snmp_set_var_typed_value(to, type, &wide, sizeof(wide));
    } else {
        uint32_t half = (uint32_t)(number & UINT32_MAX);
        long narrow = type == ASN_INTEGER ? (int32_t)half : (long)half;
        snmp_set_var_typed_value(to, type, &narrow, sizeof(narrow));
    }
}

/* Give the value of an instance that was found. */
static void send_value(netsnmp_variable_list *to, const struct snmp_rows *rows,
                       struct registered_table *table, const struct snmp_instance *at)
{
    enum snmp_kind kind = rows->table->columns[at->column].kind;
    unsigned char type = snmp_kind_type(kind);
    unsigned char date[11];
    struct snmp_value value;

    snmp_rows_value(rows, at, &value);
    if (snmp_kind_is_text(kind)) {
        snmp_set_var_typed_value(to, type, value.text, value.length);
        return;
    }
    switch (kind) {
    case KIND_DATE_AND_TIME:
        snmp_date_and_time((int64_t)value.number, date);
        snmp_set_var_typed_value(to, type, date, sizeof(date));
        return;
    case KIND_TIME_STAMP:
        table->epoch =
            snmp_epoch(table->epoch, present_time(), (uint32_t)netsnmp_get_agent_uptime());
        value.number = snmp_time_since(table->epoch, (int64_t)value.number);
        break;
    case KIND_TIME_SINCE:
        value.number = snmp_time_since((int64_t)value.number, present_time());
        break;
    case KIND_HIGH:
        value.number >>= 32;
        break;
    case KIND_GAUGE:
        if (value.number > UINT32_MAX)
            value.number = UINT32_MAX;
        break;
    default:
        break;
    }
    send_number(to, type, value.number);
}

/* Whether there is the instance that an OID behind the table's names; if so, its value is given. */
static enum snmp_found give_this(const struct snmp_rows *rows, struct registered_table *table,
                                 netsnmp_variable_list *variable, const oid *suffix, size_t length)
{
    enum snmp_found found = snmp_rows_find(rows, suffix, length, &table->last);

    if (found == FOUND)
        send_value(variable, rows, table, &table->last);
    return found;
}

/* An end of a range; of no length, there is none. */
struct end {
    oid name[MAX_OID_LEN];
    size_t length;
};

/* Give the first instance behind an OID behind the table's. @return Whether there is one. */
static bool give_next(const struct snmp_rows *rows, struct registered_table *table,
                      netsnmp_variable_list *variable, const oid *suffix, size_t length,
                      bool inclusive, const struct end *end)
{
    oid name[MAX_OID_LEN];
    size_t name_length = table->root_length;

    if (!snmp_rows_next(rows, suffix, length, inclusive, &table->last))
        return false;
    memcpy(name, table->root, name_length * sizeof(oid));
    name_length += snmp_rows_suffix(rows, &table->last, name + name_length);
    if (end && end->length && snmp_oid_compare(name, name_length, end->name, end->length) >= 0)
        return false;
    snmp_set_var_objid(variable, name, name_length);
    send_value(variable, rows, table, &table->last);
    return true;
}

static void answer_get(const struct snmp_rows *rows, struct registered_table *table,
                       netsnmp_agent_request_info *info, netsnmp_request_info *request,
                       const oid *suffix, size_t length)
{
    switch (give_this(rows, table, request->requestvb, suffix, length)) {
    case FOUND:
        break;
    case NO_SUCH_OBJECT:
        netsnmp_set_request_error(info, request, SNMP_NOSUCHOBJECT);
        break;
    case NO_SUCH_INSTANCE:
        netsnmp_set_request_error(info, request, SNMP_NOSUCHINSTANCE);
        break;
    }
}

/* How an OID stands to that of a table: below 0, 0 (in it) or above. */
static int compare_root(const struct registered_table *table, const oid *name, size_t length)
{
    size_t root = table->root_length;

    return snmp_oid_compare(name, length < root ? length : root, table->root, root);
}

/* Without an answer to "next", Net-SNMP goes on with what is registered next. */
static void answer(const struct snmp_rows *rows, struct registered_table *table,
                   netsnmp_agent_request_info *info, netsnmp_request_info *request)
{
    const oid *name = request->requestvb->name;
    size_t length = request->requestvb->name_length;
    int order = compare_root(table, name, length);

    length = order == 0 ? length - table->root_length : 0;
    name += table->root_length;
    if (info->mode == MODE_GET)
        answer_get(rows, table, info, request, name, length);
    else if (order <= 0)
        give_next(rows, table, request->requestvb, name, length, request->inclusive != 0, NULL);
}

static bool is_open(const netsnmp_request_info *request)
{
    return !request->processed &&
           (request->requestvb->type == ASN_NULL || request->requestvb->type == ASN_PRIV_RETRY);
}

/*
 * Whether all repetitions may be looked up at once: none of them will turn out to be hidden from
 * the manager, nor, very likely, to be too much for the answer. For Net-SNMP looks at all that it
 * has after each step.
 */
static bool may_hurry(const struct registered_table *table, const netsnmp_agent_request_info *info)
{
    const netsnmp_pdu *pdu = info->asp->pdu;

    return pdu->msgMaxSize >= AMPLE && *table->settings &&
           snmp_access_sees_all(*table->settings, pdu, table->root, table->root_length);
}

static void answer_bulk(const struct snmp_rows *rows, struct registered_table *table,
                        netsnmp_agent_request_info *info, netsnmp_request_info *requests)
{
    bool hurry = may_hurry(table, info), any;

    do {
        any = false;
        for (netsnmp_request_info *request = requests; request; request = request->next) {
            if (!is_open(request))
                continue;
            answer(rows, table, info, request);
            any = any || !is_open(request);
        }
        netsnmp_bulk_to_next_fix_requests(requests);
    } while (any && hurry);
}

static int handle(netsnmp_mib_handler *handler, netsnmp_handler_registration *registration,
                  netsnmp_agent_request_info *info, netsnmp_request_info *requests)
{
    struct registered_table *table = handler->myvoid;

    if (info->mode != MODE_GET && info->mode != MODE_GETNEXT && info->mode != MODE_GETBULK)
        return snmp_set_phase(table->set, snmp_cache_last(table->cache, table->table), table->root,
                              table->root_length, info, requests);

    const struct snmp_rows *rows = snmp_cache_rows(table->cache, table->table);
    if (info->mode == MODE_GETBULK) {
        answer_bulk(rows, table, info, requests);
        return SNMP_ERR_NOERROR;
    }
    for (netsnmp_request_info *request = requests; request; request = request->next) {
        if (!request->processed)
            answer(rows, table, info, request);
    }
    return SNMP_ERR_NOERROR;
}

/* --- without Net-SNMP's agent --- */

/* The table that an OID is in; none if it is a scalar's. */
static struct registered_table *table_of(struct snmp_tables *registered,
                                         const netsnmp_variable_list *variable)
{
    for (size_t i = 0; i < registered->count; i++) {
        size_t at = (registered->last + i) % registered->count;
        struct registered_table *table = &registered->tables[at];
        if (!table->table->index_count ||
            compare_root(table, variable->name, variable->name_length) != 0)
            continue;
        registered->last = at;
        return table;
    }
    return NULL;
}

bool snmp_tables_have(struct snmp_tables *registered, const netsnmp_variable_list *variables)
{
    for (; variables; variables = variables->next_variable) {
        if (!table_of(registered, variables))
            return false;
    }
    return true;
}

/* The end of the range that a variable has as its value; 0.0 stands for none. */
static void read_end(const netsnmp_variable_list *variable, struct end *end)
{
    end->length = variable->val_len / sizeof(oid);
    if (end->length > MAX_OID_LEN)
        end->length = 0;
    memcpy(end->name, variable->val.objid, end->length * sizeof(oid));
    if (end->length == 2 && !end->name[0] && !end->name[1])
        end->length = 0;
}

void snmp_tables_answer(struct snmp_tables *registered, netsnmp_variable_list *variable, bool next)
{
    struct registered_table *table = table_of(registered, variable);
    const struct snmp_rows *rows = snmp_cache_rows(table->cache, table->table);
    const oid *suffix = variable->name + table->root_length;
    size_t length = variable->name_length - table->root_length;
    unsigned char missing = SNMP_ENDOFMIBVIEW;
    struct end end;

    if (next) {
        read_end(variable, &end);
        if (give_next(rows, table, variable, suffix, length, variable->type == ASN_PRIV_INCL_RANGE,
                      &end))
            return;
    } else {
        enum snmp_found found = give_this(rows, table, variable, suffix, length);
        if (found == FOUND)
            return;
        missing = found == NO_SUCH_OBJECT ? SNMP_NOSUCHOBJECT : SNMP_NOSUCHINSTANCE;
    }
    snmp_set_var_typed_value(variable, missing, NULL, 0);
}

/* --- registration --- */

static bool is_writable(const struct snmp_table *table)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (table->columns[i].access != READ_ONLY)
            return true;
    return false;
}

static enum outcome register_oid(struct registered_table *table, const oid *name, size_t length,
                                 struct error *err)
{
    int can = is_writable(table->table) ? HANDLER_CAN_RWRITE : HANDLER_CAN_RONLY;
    netsnmp_handler_registration *registration = netsnmp_create_handler_registration(
        table->table->name, handle, name, length,
        table->table->index_count ? can | HANDLER_CAN_GETBULK : can);

    if (!registration)
        return fail_memory(err);
    registration->handler->myvoid = table;
    if (netsnmp_register_handler(registration) != MIB_REGISTERED_OK)
        return fail(err, TAG_OPERATION_FAILED, NULL, "%s could not be registered",
                    table->table->name);
    return DONE;
}

/* Scalars are registered one by one, for a table may be among them. */
static enum outcome register_table(struct registered_table *table, struct error *err)
{
    const struct snmp_table *data = table->table;
    enum outcome outcome = DONE;

    table->root_length = data->root ? data->root_length : sizeof(noria_mib) / sizeof(oid);
    memcpy(table->root, data->root ? data->root : noria_mib, table->root_length * sizeof(oid));
    for (size_t i = 0; i < data->oid_length; i++)
        table->root[table->root_length++] = data->oid[i];
    if (data->index_count)
        return register_oid(table, table->root, table->root_length, err);
    for (size_t i = 0; i < data->column_count && outcome == DONE; i++) {
        table->root[table->root_length] = data->columns[i].id;
        outcome = register_oid(table, table->root, table->root_length + 1, err);
    }
    return outcome;
}

enum outcome snmp_tables_register(struct snmp_cache *cache, struct snmp_set *set,
                                  struct snmp_settings *const *settings,
                                  const struct snmp_table *const *tables,
                                  struct snmp_tables **registered, struct error *err)
{
    size_t count = 0;
    enum outcome outcome = DONE;

    while (tables[count])
        count++;
    struct snmp_tables *made = calloc(1, sizeof(*made) + count * sizeof(made->tables[0]));
    if (!made)
        return fail_memory(err);
    for (size_t i = 0; i < count && outcome == DONE; i++) {
        made->tables[made->count] = (struct registered_table){
            .cache = cache, .set = set, .settings = settings, .table = tables[i]};
        outcome = register_table(&made->tables[made->count++], err);
    }
    *registered = made;
    return outcome;
}

void snmp_tables_free(struct snmp_tables *registered)
{
    free(registered);
}
