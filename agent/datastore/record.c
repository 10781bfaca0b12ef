/*
 * Records.
 */
#include "agent/datastore/record.h"

#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "agent/array.h"
#include "agent/datastore/file.h"
#include "agent/datastore/pattern.h"
#include "agent/datastore/references.h"

#define MAGIC "NORIA1\r\n"

/* Of a record that is written to a file piece by piece: well below a millisecond of work. */
#define PIECE_SIZE 65536

static void write_text(FILE *stream, const char *text)
{
    fprintf(stream, " %zu %s", strlen(text), text);
}

/* An entry's data in its top-level container, from the text that it keeps of itself. */
static void write_data(FILE *stream, const struct unit *unit, const char *xml)
{
    const char *top = unit->top->name, *namespace = unit->top->module->ns;
    size_t length = 2 * strlen(top) + strlen(namespace) + strlen(xml) + strlen("< xmlns=\"\"></>");
    fputs("data", stream);
    if (!unit->list && *xml)
        write_text(stream, xml);
    else
        fprintf(stream, " %zu <%s xmlns=\"%s\">%s</%s>", length, top, namespace, xml, top);
    fputc('\n', stream);
}

static bool write_entry(FILE *stream, const struct entry *entry)
{
    const char *xml = entry_text(entry);
    if (!xml)
        return false;
    fprintf(stream, "put %" PRIu32 " %" PRIu32, entry->number, entry->last_row);
    write_text(stream, entry->unit->path);
    fputc('\n', stream);
    for (size_t i = 0; i < entry->row_count; i++) {
        fprintf(stream, "row %" PRIu32, entry->rows[i].number);
        write_text(stream, entry->rows[i].path);
        fputc('\n', stream);
    }
    write_data(stream, entry->unit, xml);
    return true;
}

static void write_commit(FILE *stream, const struct schema *schema, const struct snapshot *snapshot)
{
    fprintf(stream, "commit %" PRIu64 " %" PRId64 "\nschema %s\n", snapshot->revision,
            snapshot->committed, schema->fingerprint);
}

bool record_write(FILE *stream, const struct schema *schema, const struct change_set *changes)
{
    write_commit(stream, schema, changes->after);
    for (size_t i = 0; i < changes->count; i++) {
        const struct change *change = &changes->changes[i];
        if (change->after) {
            if (!write_entry(stream, change->after))
                return false;
            continue;
        }
        fputs("del", stream);
        write_text(stream, change->unit->path);
        write_text(stream, change->before->key);
        fputc('\n', stream);
    }
    return !ferror(stream);
}

bool record_write_all(FILE *stream, const struct schema *schema, const struct snapshot *snapshot,
                      const record_numbers *numbers)
{
    write_commit(stream, schema, snapshot);
    for (size_t i = 0; i < schema->unit_count; i++) {
        fprintf(stream, "last %" PRIu32, numbers[i]);
        write_text(stream, schema->units[i].path);
        fputc('\n', stream);
    }
    for (size_t i = 0; i < snapshot->count; i++)
        if (snapshot->entries[i]->unit->config && !write_entry(stream, snapshot->entries[i]))
            return false;
    return !ferror(stream);
}

static void make_header(unsigned char header[RECORD_HEADER_SIZE], size_t length, uint32_t checksum)
{
    uint32_t size = htole32((uint32_t)length), sum = htole32(checksum);
    memcpy(header, MAGIC, 8);
    memcpy(header + 8, &size, 4);
    memcpy(header + 12, &sum, 4);
}

void record_header(unsigned char header[RECORD_HEADER_SIZE], const char *payload, size_t length)
{
    make_header(header, length, (uint32_t)crc32_z(0, (const unsigned char *)payload, length));
}

enum outcome record_frame(char **data, size_t *size, bool (*write_payload)(FILE *, const void *),
                          const void *arg, struct error *err)
{
    unsigned char header[RECORD_HEADER_SIZE] = {0};
    FILE *stream = open_memstream(data, size);
    if (!stream)
        return fail_memory(err);
    bool whole = fwrite(header, sizeof(header), 1, stream) == 1 && write_payload(stream, arg);
    if (fclose(stream) || !whole) {
        free(*data);
        *data = NULL;
        return fail_memory(err);
    }
    if (*size - RECORD_HEADER_SIZE > UINT32_MAX) {
        free(*data);
        *data = NULL;
        return fail(err, TAG_OPERATION_FAILED, NULL, "The configuration is too large to store.");
    }
    record_header(header, *data + RECORD_HEADER_SIZE, *size - RECORD_HEADER_SIZE);
    memcpy(*data, header, sizeof(header));
    return DONE;
}

/* Where a payload goes that is written to a file piece by piece. */
struct sink {
    int fd;
    size_t length;
    uint32_t sum;
    void (*rest)(void);
};

static ssize_t take_piece(void *cookie, const char *data, size_t size)
{
    struct sink *sink = cookie;
    if (!file_write(sink->fd, data, size))
        return 0; /* what stdio calls an error */
    sink->length += size;
    sink->sum = (uint32_t)crc32_z(sink->sum, (const unsigned char *)data, size);
    if (sink->rest)
        sink->rest();
    return (ssize_t)size;
}

bool record_write_file(int fd, bool (*write_payload)(FILE *, const void *), const void *arg,
                       void (*rest)(void), size_t *size)
{
    static const cookie_io_functions_t functions = {.write = take_piece};
    unsigned char header[RECORD_HEADER_SIZE] = {0};
    char piece[PIECE_SIZE];
    struct sink sink = {.fd = fd, .rest = rest};
    /* Its place is kept until length and checksum are known. */
    if (!file_write(fd, (char *)header, sizeof(header)))
        return false;
    FILE *stream = fopencookie(&sink, "w", functions);
    if (!stream)
        return false;
    setvbuf(stream, piece, _IOFBF, sizeof(piece));
    bool whole = write_payload(stream, arg);
    if (fclose(stream) || !whole)
        return false;
    if (sink.length > UINT32_MAX) {
        errno = EFBIG;
        return false;
    }
    make_header(header, sink.length, sink.sum);
    *size = sizeof(header) + sink.length;
    return pwrite(fd, header, sizeof(header), 0) == (ssize_t)sizeof(header);
}

bool record_check(const unsigned char *data, size_t size, size_t *length)
{
    uint32_t payload, sum;
    *length = 0;
    if (size < RECORD_HEADER_SIZE || memcmp(data, MAGIC, 8) != 0)
        return false;
    memcpy(&payload, data + 8, 4);
    memcpy(&sum, data + 12, 4);
    *length = le32toh(payload);
    return size - RECORD_HEADER_SIZE >= *length &&
           crc32_z(0, data + RECORD_HEADER_SIZE, *length) == le32toh(sum);
}

/* Reading: a cursor over the payload; the first thing that does not fit makes it bad for good. */
struct cursor {
    const char *at;
    size_t left;
    bool bad;
};

static bool take_word(struct cursor *cursor, const char *word)
{
    size_t length = strlen(word);
    if (cursor->bad || cursor->left < length || memcmp(cursor->at, word, length) != 0)
        return false;
    cursor->at += length;
    cursor->left -= length;
    return true;
}

static void expect(struct cursor *cursor, const char *word)
{
    if (!take_word(cursor, word))
        cursor->bad = true;
}

static uint64_t read_number(struct cursor *cursor)
{
    uint64_t number = 0;
    size_t digits = 0;
    expect(cursor, " ");
    /* Not by strtoull(): nothing ends the payload. */
    while (!cursor->bad && digits < cursor->left && isdigit((unsigned char)cursor->at[digits]))
        number = number * 10 + (uint64_t)(cursor->at[digits++] - '0');
    cursor->bad = cursor->bad || !digits;
    cursor->at += digits;
    cursor->left -= digits;
    return number;
}

/* A text with its length before it; to be freed. */
static char *read_text(struct cursor *cursor)
{
    uint64_t length = read_number(cursor);
    expect(cursor, " ");
    if (cursor->bad || length > cursor->left) {
        cursor->bad = true;
        return NULL;
    }
    char *text = strndup(cursor->at, length);
    if (!text)
        cursor->bad = true;
    cursor->at += length;
    cursor->left -= length;
    return text;
}

static const struct unit *read_unit(struct cursor *cursor, const struct schema *schema,
                                    struct error *err)
{
    char *path = read_text(cursor);
    const struct unit *unit = path ? schema_unit_find(schema, path) : NULL;
    if (path && !unit)
        fail(err, TAG_OPERATION_FAILED, NULL, "It holds %s, which is in no YANG module here.",
             path);
    if (!unit)
        cursor->bad = true;
    free(path);
    return unit;
}

/* What a record holds, while it is read. */
struct replay {
    const struct schema *schema;
    struct entry **puts;
    size_t put_count, put_room;
    const struct entry **dels;
    size_t del_count, del_room;
    bool skip;    /* the base has it already */
    bool trusted; /* it was valid under the modules of today */
    struct patterns patterns;
};

static void free_stand_in(struct entry *stand_in)
{
    for (size_t i = 0; i < stand_in->row_count; i++)
        free(stand_in->rows[i].path);
    free(stand_in->rows);
}

/* A stand-in for the entry's predecessor, from which the entry takes over its numbers. */
static void read_rows(struct cursor *cursor, struct entry *stand_in)
{
    size_t room = 0;
    while (take_word(cursor, "row")) {
        if (!array_grow(&stand_in->rows, stand_in->row_count, &room, sizeof(*stand_in->rows))) {
            cursor->bad = true;
            return;
        }
        uint32_t number = (uint32_t)read_number(cursor);
        char *path = read_text(cursor);
        expect(cursor, "\n");
        if (cursor->bad) {
            free(path);
            return;
        }
        stand_in->rows[stand_in->row_count++] = (struct row_number){path, number};
    }
}

static bool stop_at_first(const struct lyd_node *leaf, const struct unit *target, const char *key,
                          void *arg)
{
    return false;
}

/* Whether an entry can be validated alone; else its company may be in a later record. */
static bool is_alone(const struct schema *schema, const struct entry *entry)
{
    return !schema->rules[entry->unit->rank].whole &&
           references_of(schema, entry, stop_at_first, NULL);
}

/* An entry of what was valid when it was stored, under the modules of today. */
static enum outcome restore_entry(struct replay *replay, const struct unit *unit,
                                  struct lyd_node *tree, const char *xml,
                                  const struct entry *stand_in, struct entry **entry,
                                  struct error *err)
{
    enum outcome outcome = entry_restore(unit, tree, stand_in, entry, err);
    if (outcome == DONE && unit->list)
        patterns_add(&replay->patterns, *entry, xml);
    return outcome;
}

static enum outcome make_entry(struct replay *replay, const struct unit *unit, const char *xml,
                               const struct entry *stand_in, struct entry **entry,
                               struct error *err)
{
    const struct schema *schema = replay->schema;
    /* Where defaults depend on other entries, these have to be there first. */
    bool restores = replay->trusted && !schema->rules[unit->rank].whole;
    struct lyd_node *tree = restores ? patterns_match(&replay->patterns, unit, xml) : NULL;
    struct entry *bare;
    if (tree)
        return entry_new_valid(unit, tree, stand_in, entry, err);
    if (lyd_parse_data_mem(schema->ctx, xml, LYD_XML, LYD_PARSE_ONLY | LYD_PARSE_STRICT, 0,
                           &tree) ||
        !tree)
        return schema_refuse(schema, NULL, err, "The data cannot be read.");
    if (restores)
        return restore_entry(replay, unit, tree, xml, stand_in, entry, err);
    enum outcome outcome = entry_new(unit, tree, stand_in, &bare, err);
    if (outcome != DONE)
        return outcome;
    if (!is_alone(schema, bare)) {
        *entry = bare;
        return DONE;
    }
    return entry_validate_taken(schema, bare, entry, err);
}

static enum outcome read_put(struct cursor *cursor, struct replay *replay, record_numbers *numbers,
                             struct error *err)
{
    struct entry stand_in = {0}, *entry = NULL;
    enum outcome outcome = FAILED;
    stand_in.number = (uint32_t)read_number(cursor);
    stand_in.last_row = (uint32_t)read_number(cursor);
    const struct unit *unit = read_unit(cursor, replay->schema, err);
    expect(cursor, "\n");
    if (unit)
        read_rows(cursor, &stand_in);
    expect(cursor, "data");
    char *xml = read_text(cursor);
    expect(cursor, "\n");
    if (cursor->bad)
        goto out;
    if (numbers[unit->rank] < stand_in.number)
        numbers[unit->rank] = stand_in.number;
    outcome = DONE;
    if (!replay->skip)
        outcome = make_entry(replay, unit, xml, &stand_in, &entry, err);
    if (!entry)
        goto out;
    if (!array_grow(&replay->puts, replay->put_count, &replay->put_room, sizeof(*replay->puts))) {
        entry_unref(entry);
        outcome = fail_memory(err);
        goto out;
    }
    replay->puts[replay->put_count++] = entry;
out:
    free_stand_in(&stand_in);
    free(xml);
    return outcome;
}

static enum outcome read_del(struct cursor *cursor, struct replay *replay,
                             const struct snapshot *base, struct error *err)
{
    const struct unit *unit = read_unit(cursor, replay->schema, err);
    char *key = read_text(cursor);
    expect(cursor, "\n");
    const struct entry *entry = !cursor->bad ? snapshot_find(base, unit, key) : NULL;
    free(key);
    if (cursor->bad ||
        !array_grow(&replay->dels, replay->del_count, &replay->del_room, sizeof(*replay->dels)))
        return FAILED;
    if (entry)
        replay->dels[replay->del_count++] = entry;
    return DONE;
}

/* Whether the next commit of the same record follows. */
static bool at_commit(const struct cursor *cursor)
{
    struct cursor ahead = *cursor;
    return take_word(&ahead, "commit");
}

static enum outcome read_items(struct cursor *cursor, struct replay *replay,
                               const struct snapshot *base, record_numbers *numbers,
                               struct error *err)
{
    enum outcome outcome = DONE;
    while (outcome == DONE && !cursor->bad && cursor->left && !at_commit(cursor)) {
        if (take_word(cursor, "put"))
            outcome = read_put(cursor, replay, numbers, err);
        else if (take_word(cursor, "del"))
            outcome = read_del(cursor, replay, base, err);
        else {
            expect(cursor, "last");
            uint32_t number = (uint32_t)read_number(cursor);
            const struct unit *unit = read_unit(cursor, replay->schema, err);
            expect(cursor, "\n");
            if (unit && numbers[unit->rank] < number)
                numbers[unit->rank] = number;
        }
    }
    if (outcome == DONE && !cursor->bad)
        return DONE;
    /* The checksum is right, so this is no damage: another version wrote it. */
    return fail(err, TAG_OPERATION_FAILED, NULL,
                "The record holds what this version does not understand, %zu bytes before its "
                "end.",
                cursor->left);
}

/* Records of before there were fingerprints have none. */
static bool read_trust(struct cursor *cursor, const struct schema *schema)
{
    if (!take_word(cursor, "schema "))
        return false;
    bool same = take_word(cursor, schema->fingerprint);
    if (!same && cursor->left >= FINGERPRINT_SIZE - 1) {
        cursor->at += FINGERPRINT_SIZE - 1;
        cursor->left -= FINGERPRINT_SIZE - 1;
    }
    expect(cursor, "\n");
    return same && !cursor->bad;
}

const char *record_advice(const struct schema *schema, const char *payload, size_t length)
{
    static const char word[] = "\nschema ";
    const char *at = memmem(payload, length, word, sizeof(word) - 1);
    size_t left = at ? length - (size_t)(at + sizeof(word) - 1 - payload) : 0;
    if (left < FINGERPRINT_SIZE - 1 ||
        !memcmp(at + sizeof(word) - 1, schema->fingerprint, FINGERPRINT_SIZE - 1))
        return "";
    return " It was written by another version of noriad, or with other YANG modules. Install that "
           "version again; what this one does not take can be removed there.";
}

static enum outcome replay_commit(struct cursor *cursor, const struct schema *schema,
                                  const struct snapshot *base, record_numbers *numbers,
                                  struct snapshot **next, struct error *err)
{
    struct replay replay = {.schema = schema};
    expect(cursor, "commit");
    uint64_t revision = read_number(cursor);
    int64_t committed = (int64_t)read_number(cursor);
    expect(cursor, "\n");
    replay.trusted = read_trust(cursor, schema);
    replay.skip = base->revision && revision <= base->revision;
    enum outcome outcome = read_items(cursor, &replay, base, numbers, err);
    if (outcome == DONE) {
        *next = replay.skip ? snapshot_ref(base)
                            : snapshot_with(base, replay.puts, replay.put_count, replay.dels,
                                            replay.del_count);
        if (!*next)
            outcome = fail_memory(err);
    }
    if (outcome == DONE && !replay.skip) {
        (*next)->revision = revision;
        (*next)->committed = committed;
    }
    for (size_t i = 0; i < replay.put_count; i++)
        entry_unref(replay.puts[i]);
    free(replay.puts);
    free(replay.dels);
    patterns_clear(&replay.patterns);
    return outcome;
}

enum outcome record_replay(const struct schema *schema, const struct snapshot *base,
                           const char *payload, size_t length, record_numbers *numbers,
                           struct snapshot **next, struct error *err)
{
    struct cursor cursor = {.at = payload, .left = length};
    struct snapshot *reached = snapshot_ref(base), *after = NULL;
    enum outcome outcome;
    do {
        outcome = replay_commit(&cursor, schema, reached, numbers, &after, err);
        if (outcome == DONE) {
            snapshot_unref(reached);
            reached = after;
        }
    } while (outcome == DONE && cursor.left);
    if (outcome == DONE)
        *next = reached;
    else
        snapshot_unref(reached);
    return outcome;
}
