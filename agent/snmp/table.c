#include "agent/snmp/table.h"

#include <net-snmp/agent/net-snmp-agent-includes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const oid noria_mib[] = {1, 3, 6, 1, 4, 1, NORIA_ENTERPRISE, 1};

/* What a handler needs to know of its table. */
struct registered_table {
    struct snmp_cache *cache;
    struct snmp_set *set;
    const struct snmp_table *table;
    oid root[MAX_OID_LEN]; /* Of the table or of the scalars' group. */
    size_t root_length;
    int64_t epoch; /* As snmp_epoch() says. */
};

struct snmp_tables {
    size_t count;
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

static void answer_get(const struct snmp_rows *rows, struct registered_table *table,
                       netsnmp_agent_request_info *info, netsnmp_request_info *request,
                       const oid *suffix, size_t length)
{
    struct snmp_instance at;

    switch (snmp_rows_find(rows, suffix, length, &at)) {
    case FOUND:
        send_value(request->requestvb, rows, table, &at);
        break;
    case NO_SUCH_OBJECT:
        netsnmp_set_request_error(info, request, SNMP_NOSUCHOBJECT);
        break;
    case NO_SUCH_INSTANCE:
        netsnmp_set_request_error(info, request, SNMP_NOSUCHINSTANCE);
        break;
    }
}

/* Without an answer, Net-SNMP goes on with what is registered next. */
static void answer_getnext(const struct snmp_rows *rows, struct registered_table *table,
                           netsnmp_request_info *request, const oid *suffix, size_t length)
{
    struct snmp_instance at;
    oid name[MAX_OID_LEN];
    size_t end = table->root_length;

    if (!snmp_rows_next(rows, suffix, length, request->inclusive != 0, &at))
        return;
    memcpy(name, table->root, end * sizeof(oid));
    end += snmp_rows_suffix(rows, &at, name + end);
    snmp_set_var_objid(request->requestvb, name, end);
    send_value(request->requestvb, rows, table, &at);
}

static void answer(const struct snmp_rows *rows, struct registered_table *table,
                   netsnmp_agent_request_info *info, netsnmp_request_info *request)
{
    const oid *name = request->requestvb->name;
    size_t length = request->requestvb->name_length;
    size_t root = table->root_length;
    int order =
        snmp_oid_compare(name, length < root ? length : root, table->root, table->root_length);

    if (order == 0)
        length -= root;
    else
        length = 0;
    if (info->mode == MODE_GET)
        answer_get(rows, table, info, request, name + root, length);
    else if (order <= 0)
        answer_getnext(rows, table, request, name + root, length);
}

static int handle(netsnmp_mib_handler *handler, netsnmp_handler_registration *registration,
                  netsnmp_agent_request_info *info, netsnmp_request_info *requests)
{
    struct registered_table *table = handler->myvoid;

    if (info->mode != MODE_GET && info->mode != MODE_GETNEXT)
        return snmp_set_phase(table->set, snmp_cache_last(table->cache, table->table), table->root,
                              table->root_length, info, requests);

    const struct snmp_rows *rows = snmp_cache_rows(table->cache, table->table);
    for (netsnmp_request_info *request = requests; request; request = request->next) {
        if (!request->processed)
            answer(rows, table, info, request);
    }
    return SNMP_ERR_NOERROR;
}

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
    netsnmp_handler_registration *registration = netsnmp_create_handler_registration(
        table->table->name, handle, name, length,
        is_writable(table->table) ? HANDLER_CAN_RWRITE : HANDLER_CAN_RONLY);

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
        made->tables[made->count] =
            (struct registered_table){.cache = cache, .set = set, .table = tables[i]};
        outcome = register_table(&made->tables[made->count++], err);
    }
    *registered = made;
    return outcome;
}

void snmp_tables_free(struct snmp_tables *registered)
{
    free(registered);
}
