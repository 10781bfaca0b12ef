/*
 * The files of steering.
 */
#include "agent/steering/store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/datastore/record.h"

static void write_text(FILE *stream, const char *text)
{
    fprintf(stream, " %zu %s", strlen(text), text);
}

static void write_key(FILE *stream, const struct steering_record *record)
{
    fprintf(stream, " %" PRIu16, record->port);
    write_text(stream, record->address);
    write_text(stream, record->service->name);
}

static bool write_orders(FILE *stream, const void *arg)
{
    const struct steering_table *table = arg;
    for (size_t i = 0; i < table->record_buckets; i++) {
        for (const struct steering_record *at = table->records[i]; at; at = at->next) {
            const struct steering_order *order = at->order;
            if (!order)
                continue;
            fprintf(stream, "order %d %" PRId32 " %d %" PRId64 " %" PRId64, (int)order->kind,
                    order->weight, order->drained | order->configured << 1, order->since,
                    order->until);
            write_key(stream, at);
            write_text(stream, order->owner);
            write_text(stream, order->reason);
            fputc('\n', stream);
        }
    }
    return !ferror(stream);
}

static bool write_verdicts(FILE *stream, const void *arg)
{
    const struct steering_table *table = arg;
    for (size_t i = 0; i < table->service_buckets; i++) {
        for (const struct steering_service *at = table->services[i]; at; at = at->next) {
            if (!at->quorum_lost)
                continue;
            fputs(at->otherwise ? "otherwise-lost" : "lost", stream);
            write_text(stream, at->name);
            fputc('\n', stream);
        }
    }
    for (size_t i = 0; i < table->record_buckets; i++) {
        for (const struct steering_record *at = table->records[i]; at; at = at->next) {
            const struct steering_verdict *verdict = &at->verdict;
            if (verdict->health == STEERING_UNCHECKED)
                continue;
            fprintf(stream, "verdict %d %" PRId32 " %d %" PRId64, (int)verdict->health,
                    verdict->weight, verdict->inhibit | verdict->otherwise << 1, verdict->since);
            write_key(stream, at);
            fputc('\n', stream);
        }
    }
    return !ferror(stream);
}

enum outcome steering_write_orders(const struct steering_table *table, char **data, size_t *size,
                                   struct error *err)
{
    return record_frame(data, size, write_orders, table, err);
}

enum outcome steering_write_verdicts(const struct steering_table *table, char **data, size_t *size,
                                     struct error *err)
{
    return record_frame(data, size, write_verdicts, table, err);
}

/* Reading: a cursor over the lines; the first thing that does not fit makes it bad for good. */
struct cursor {
    const char *at;
    const char *end;
    bool bad;
};

static bool take_word(struct cursor *cursor, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, word, length) != 0)
        return false;
    cursor->at += length;
    return true;
}

static int64_t take_number(struct cursor *cursor, int64_t least, int64_t most)
{
    char *end;
    if (cursor->bad || !take_word(cursor, " ")) {
        cursor->bad = true;
        return least;
    }
    int64_t number = strtoll(cursor->at, &end, 10);
    cursor->bad = end == cursor->at || number < least || number > most;
    cursor->at = end;
    return cursor->bad ? least : number;
}

/* A text, copied; what does not fit makes the cursor bad. */
static void take_text(struct cursor *cursor, char *text, size_t size)
{
    size_t length = (size_t)take_number(cursor, 0, (int64_t)size - 1);
    *text = '\0';
    cursor->bad =
        cursor->bad || !take_word(cursor, " ") || (size_t)(cursor->end - cursor->at) < length;
    if (cursor->bad)
        return;
    memcpy(text, cursor->at, length);
    text[length] = '\0';
    cursor->at += length;
}

/* The names of a key, which the cursor has no room for. */
struct names {
    char address[STEERING_ADDRESS_SIZE];
    char service[256];
};

static struct steering_key take_key(struct cursor *cursor, struct names *names)
{
    uint16_t port = (uint16_t)take_number(cursor, 0, UINT16_MAX);
    take_text(cursor, names->address, sizeof(names->address));
    take_text(cursor, names->service, sizeof(names->service));
    return (struct steering_key){
        .virtual_server = names->service, .address = names->address, .port = port};
}

static void read_order(struct steering_table *table, struct cursor *cursor)
{
    struct names names;
    struct steering_order order = {0};
    order.kind =
        (enum steering_order_kind)take_number(cursor, STEERING_ORDER_UP, STEERING_ORDER_LEAVE);
    order.weight = (int32_t)take_number(cursor, INT32_MIN, INT32_MAX);
    int64_t marks = take_number(cursor, 0, 3);
    order.drained = marks & 1;
    order.configured = marks & 2;
    order.since = take_number(cursor, INT64_MIN, INT64_MAX);
    order.until = take_number(cursor, INT64_MIN, INT64_MAX);
    struct steering_key key = take_key(cursor, &names);
    take_text(cursor, order.owner, sizeof(order.owner));
    take_text(cursor, order.reason, sizeof(order.reason));
    struct steering_record *record = cursor->bad ? NULL : steering_table_add(table, &key);
    cursor->bad = !record || !steering_record_order(record, &order);
}

static void read_verdict(struct steering_table *table, struct cursor *cursor)
{
    struct names names;
    struct steering_verdict verdict = {0};
    verdict.health = (enum steering_health)take_number(cursor, STEERING_UP, STEERING_DOWN);
    verdict.weight = (int32_t)take_number(cursor, INT32_MIN, INT32_MAX);
    int64_t marks = take_number(cursor, 0, 3);
    verdict.inhibit = marks & 1;
    verdict.otherwise = marks & 2;
    verdict.since = take_number(cursor, INT64_MIN, INT64_MAX);
    struct steering_key key = take_key(cursor, &names);
    struct steering_record *record = cursor->bad ? NULL : steering_table_add(table, &key);
    if (record) {
        record->verdict = verdict;
        record->recalled = true;
    }
    cursor->bad = !record;
}

static void read_lost(struct steering_table *table, struct cursor *cursor, bool otherwise)
{
    struct names names;
    take_text(cursor, names.service, sizeof(names.service));
    struct steering_service *service =
        cursor->bad ? NULL : steering_table_add_service(table, names.service);
    if (service) {
        service->quorum_lost = service->recalled = true;
        service->otherwise = otherwise;
    }
    cursor->bad = !service;
}

enum outcome steering_read_file(struct steering_table *table, const char *data, size_t size,
                                struct error *err)
{
    size_t length;
    if (!record_check((const unsigned char *)data, size, &length))
        return fail(err, TAG_OPERATION_FAILED, NULL, "It is damaged: its checksum is wrong.");
    struct cursor cursor = {.at = data + RECORD_HEADER_SIZE};
    cursor.end = cursor.at + length;
    while (cursor.at < cursor.end && !cursor.bad) {
        if (take_word(&cursor, "order"))
            read_order(table, &cursor);
        else if (take_word(&cursor, "verdict"))
            read_verdict(table, &cursor);
        else if (take_word(&cursor, "lost"))
            read_lost(table, &cursor, false);
        else if (take_word(&cursor, "otherwise-lost"))
            read_lost(table, &cursor, true);
        else
            cursor.bad = true;
        cursor.bad = cursor.bad || !take_word(&cursor, "\n");
    }
    return cursor.bad
               ? fail(err, TAG_OPERATION_FAILED, NULL, "It holds a line that is not understood.")
               : DONE;
}
