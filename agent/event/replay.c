/*
 * The replay log.
 */
#include "agent/event/replay.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/datastore/record.h"
#include "agent/log.h"

#define PREFIX "events."
#define CREATED_FILE "created"

/* The log is dropped by this part of it. */
#define SEGMENTS 8

/* A segment, named after the number of its first event. */
struct segment {
    uint64_t first;
    size_t size;
    size_t events;
};

struct replay {
    struct replay_limits limits;
    char *folder;
    int folder_fd;
    int fd; /* of the last segment, or -1 */
    int64_t created;
    uint64_t last;
    struct segment segments[2 * SEGMENTS + 2]; /* oldest first */
    size_t segment_count;
    char *batch; /* what is to be written */
    size_t batch_size, batch_room, batch_events;
    uint64_t batch_first;
};

struct replay_reader {
    int folder_fd;
    uint64_t segment; /* that is at work, or 0 */
    char *data;       /* of it */
    size_t size, at;
    char kept; /* what the zero byte after the last record has replaced */
};

static enum outcome fail_file(struct error *err, const struct replay *replay, const char *what)
{
    return fail(err, TAG_OPERATION_FAILED, NULL, "Cannot %s the replay log in %s: %s.", what,
                replay->folder, strerror(errno));
}

static void segment_name(uint64_t first, char name[40])
{
    snprintf(name, 40, PREFIX "%020" PRIu64, first);
}

/* The whole of a segment with room for one byte more; to be freed. NULL with errno. */
static char *read_segment(int folder_fd, uint64_t first, size_t *size)
{
    char name[40], *data = NULL;
    struct stat st;
    segment_name(first, name);
    int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC);
    *size = 0;
    if (fd < 0)
        return NULL;
    if (!fstat(fd, &st) && (data = malloc((size_t)st.st_size + 1))) {
        ssize_t count = 1;
        while (count > 0 && *size < (size_t)st.st_size) {
            count = pread(fd, data + *size, (size_t)st.st_size - *size, (off_t)*size);
            *size += count > 0 ? (size_t)count : 0;
        }
        data[*size] = '\0';
    }
    close(fd);
    return data;
}

/* Take the payload "event NUMBER TIME\n<xml>" apart. */
static bool read_payload(const char *payload, struct replay_record *record)
{
    char *end;
    if (strncmp(payload, "event ", 6) != 0)
        return false;
    record->number = strtoull(payload + 6, &end, 10);
    record->time = strtoll(end, &end, 10);
    if (*end != '\n')
        return false;
    record->xml = end + 1;
    return true;
}

/* Opening. */

static int compare_numbers(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

/* The segments of a folder in their order; to be freed. NULL for want of memory. */
static uint64_t *list_segments(int folder_fd, size_t *count)
{
    size_t room = 16;
    uint64_t *numbers = malloc(room * sizeof(*numbers));
    int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *file;
    *count = 0;
    while (numbers && dir && (file = readdir(dir))) {
        char *end;
        if (strncmp(file->d_name, PREFIX, sizeof(PREFIX) - 1) != 0)
            continue;
        uint64_t number = strtoull(file->d_name + sizeof(PREFIX) - 1, &end, 10);
        if (*end || !number)
            continue;
        if (*count == room) {
            uint64_t *more = realloc(numbers, (room *= 2) * sizeof(*numbers));
            if (!more)
                break;
            numbers = more;
        }
        numbers[(*count)++] = number;
    }
    if (dir)
        closedir(dir);
    else if (fd >= 0)
        close(fd);
    if (numbers)
        qsort(numbers, *count, sizeof(*numbers), compare_numbers);
    return numbers;
}

/* Count what is whole in a segment, and note the number of its last event. */
static void scan_segment(struct replay *replay, struct segment *segment, size_t *whole)
{
    char *data = read_segment(replay->folder_fd, segment->first, &segment->size);
    size_t at = 0, length;
    struct replay_record record;
    while (data && record_check((unsigned char *)data + at, segment->size - at, &length) &&
           read_payload(data + at + RECORD_HEADER_SIZE, &record)) {
        at += RECORD_HEADER_SIZE + length;
        segment->events++;
        if (record.number > replay->last)
            replay->last = record.number;
    }
    *whole = at;
    free(data);
}

static void drop_segment(struct replay *replay)
{
    char name[40];
    segment_name(replay->segments[0].first, name);
    if (unlinkat(replay->folder_fd, name, 0) && errno != ENOENT)
        log_warning(AREA_EVENT, "cannot remove %s/%s: %s", replay->folder, name, strerror(errno));
    memmove(replay->segments, replay->segments + 1,
            --replay->segment_count * sizeof(*replay->segments));
}

/* Drop the oldest segments until there is room for one more. */
static void make_room(struct replay *replay)
{
    for (;;) {
        size_t bytes = 0, events = 0;
        for (size_t i = 0; i < replay->segment_count; i++) {
            bytes += replay->segments[i].size;
            events += replay->segments[i].events;
        }
        /* What is not yet there of the last segment counts, too. */
        bool fits = bytes + replay->limits.bytes / SEGMENTS <= replay->limits.bytes &&
                    events + replay->limits.events / SEGMENTS <= replay->limits.events &&
                    replay->segment_count < 2 * SEGMENTS;
        if (fits || !replay->segment_count)
            return;
        drop_segment(replay);
    }
}

/* Take a segment over. What is not whole at its end must not be followed by anything. */
static enum outcome load_segment(struct replay *replay, uint64_t first, struct error *err)
{
    struct segment segment = {.first = first};
    size_t whole;
    char name[40];
    enum outcome outcome = DONE;
    scan_segment(replay, &segment, &whole);
    if (whole < segment.size) {
        segment_name(first, name);
        log_warning(AREA_EVENT, "%s/%s: dropped %zu bytes that are no whole event", replay->folder,
                    name, segment.size - whole);
        int fd = openat(replay->folder_fd, name, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || ftruncate(fd, (off_t)whole))
            outcome = fail_file(err, replay, "repair");
        if (fd >= 0)
            close(fd);
        segment.size = whole;
    }
    if (replay->segment_count == 2 * SEGMENTS)
        drop_segment(replay);
    replay->segments[replay->segment_count++] = segment;
    return outcome;
}

/* Go on with the last segment; its number may be free again if nothing in it was whole. */
static enum outcome reopen_last(struct replay *replay, struct error *err)
{
    char name[40];
    if (!replay->segment_count)
        return DONE;
    struct segment *last = &replay->segments[replay->segment_count - 1];
    if (last->first > replay->last)
        replay->last = last->first - 1;
    segment_name(last->first, name);
    replay->fd = openat(replay->folder_fd, name, O_WRONLY | O_APPEND | O_CLOEXEC);
    return replay->fd < 0 ? fail_file(err, replay, "open") : DONE;
}

/* The time of creation is in a file: the first events, which could tell, are dropped one day. */
static enum outcome read_created(struct replay *replay, struct error *err)
{
    int fd = openat(replay->folder_fd, CREATED_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    char text[32] = "";
    if (fd < 0)
        return fail_file(err, replay, "open");
    ssize_t count = pread(fd, text, sizeof(text) - 1, 0);
    replay->created = count > 0 ? strtoll(text, NULL, 10) : 0;
    bool stored = replay->created > 0;
    if (!stored) {
        replay->created = clock_now();
        stored = dprintf(fd, "%" PRId64 "\n", replay->created) > 0;
    }
    close(fd);
    return stored ? DONE : fail_file(err, replay, "begin");
}

static enum outcome load(struct replay *replay, struct error *err)
{
    size_t count;
    if (mkdir(replay->folder, 0700) && errno != EEXIST)
        return fail_file(err, replay, "make");
    replay->folder_fd = open(replay->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (replay->folder_fd < 0)
        return fail_file(err, replay, "open");
    uint64_t *numbers = list_segments(replay->folder_fd, &count);
    if (!numbers)
        return fail_memory(err);
    enum outcome outcome = read_created(replay, err);
    for (size_t i = 0; i < count && outcome == DONE; i++)
        outcome = load_segment(replay, numbers[i], err);
    free(numbers);
    return outcome == DONE ? reopen_last(replay, err) : outcome;
}

enum outcome replay_open(const char *folder, const struct replay_limits *limits,
                         struct replay **result, struct error *err)
{
    struct replay *replay = calloc(1, sizeof(*replay));
    if (!replay)
        return fail_memory(err);
    replay->limits = *limits;
    replay->fd = replay->folder_fd = -1;
    replay->folder = strdup(folder);
    enum outcome outcome = replay->folder ? load(replay, err) : fail_memory(err);
    if (outcome == DONE)
        *result = replay;
    else
        replay_close(replay);
    return outcome;
}

void replay_close(struct replay *replay)
{
    if (!replay)
        return;
    if (replay->fd >= 0)
        close(replay->fd);
    if (replay->folder_fd >= 0)
        close(replay->folder_fd);
    free(replay->batch);
    free(replay->folder);
    free(replay);
}

uint64_t replay_last(const struct replay *replay)
{
    return replay->last;
}

int64_t replay_created(const struct replay *replay)
{
    return replay->created;
}

/* Writing. */

bool replay_append(struct replay *replay, const struct replay_record *record)
{
    char start[64];
    size_t xml = strlen(record->xml);
    size_t head = (size_t)snprintf(start, sizeof(start), "event %" PRIu64 " %" PRId64 "\n",
                                   record->number, record->time);
    size_t size = RECORD_HEADER_SIZE + head + xml;
    if (replay->batch_size + size > replay->batch_room) {
        size_t room = (replay->batch_size + size) * 2;
        char *batch = realloc(replay->batch, room);
        if (!batch)
            return false;
        replay->batch = batch;
        replay->batch_room = room;
    }
    char *place = replay->batch + replay->batch_size;
    memcpy(place + RECORD_HEADER_SIZE, start, head);
    memcpy(place + RECORD_HEADER_SIZE + head, record->xml, xml);
    record_header((unsigned char *)place, place + RECORD_HEADER_SIZE, head + xml);
    if (!replay->batch_events++)
        replay->batch_first = record->number;
    replay->batch_size += size;
    replay->last = record->number;
    return true;
}

static enum outcome start_segment(struct replay *replay, struct error *err)
{
    char name[40];
    make_room(replay);
    if (replay->fd >= 0) {
        fdatasync(replay->fd);
        close(replay->fd);
    }
    segment_name(replay->batch_first, name);
    replay->fd =
        openat(replay->folder_fd, name, O_WRONLY | O_APPEND | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (replay->fd < 0)
        return fail_file(err, replay, "extend");
    fsync(replay->folder_fd);
    replay->segments[replay->segment_count++] = (struct segment){.first = replay->batch_first};
    return DONE;
}

static bool write_batch(struct replay *replay)
{
    for (size_t at = 0; at < replay->batch_size;) {
        ssize_t count = write(replay->fd, replay->batch + at, replay->batch_size - at);
        if (count < 0 && errno != EINTR)
            return false;
        at += count > 0 ? (size_t)count : 0;
    }
    return true;
}

enum outcome replay_write(struct replay *replay, struct error *err)
{
    struct segment *last = replay->fd < 0 ? NULL : &replay->segments[replay->segment_count - 1];
    enum outcome outcome = DONE;
    if (!replay->batch_events)
        return DONE;
    if (!last || last->size >= replay->limits.bytes / SEGMENTS ||
        last->events >= replay->limits.events / SEGMENTS) {
        outcome = start_segment(replay, err);
        last = outcome == DONE ? &replay->segments[replay->segment_count - 1] : NULL;
    }
    if (last && write_batch(replay)) {
        last->size += replay->batch_size;
        last->events += replay->batch_events;
    } else if (last) {
        outcome = fail_file(err, replay, "extend");
        /* Half a record must not be followed by a whole one. */
        if (ftruncate(replay->fd, (off_t)last->size))
            log_error(AREA_EVENT, "cannot cut the replay log back: %s", strerror(errno));
    }
    replay->batch_size = replay->batch_events = 0;
    return outcome;
}

enum outcome replay_sync(struct replay *replay, struct error *err)
{
    if (replay->fd >= 0 && fdatasync(replay->fd))
        return fail_file(err, replay, "store");
    return DONE;
}

/* Reading. */

struct replay_reader *replay_reader_new(const struct replay *replay)
{
    struct replay_reader *reader = calloc(1, sizeof(*reader));
    if (!reader)
        return NULL;
    reader->folder_fd = fcntl(replay->folder_fd, F_DUPFD_CLOEXEC, 0);
    if (reader->folder_fd >= 0)
        return reader;
    free(reader);
    return NULL;
}

/* Go to the next segment that is there. */
static bool next_segment(struct replay_reader *reader)
{
    size_t count;
    uint64_t *numbers = list_segments(reader->folder_fd, &count);
    bool found = false;
    free(reader->data);
    reader->data = NULL;
    reader->at = reader->size = 0;
    for (size_t i = 0; numbers && i < count && !found; i++) {
        if (numbers[i] <= reader->segment)
            continue;
        reader->segment = numbers[i];
        reader->data = read_segment(reader->folder_fd, numbers[i], &reader->size);
        found = reader->data != NULL; /* else it was dropped meanwhile */
    }
    free(numbers);
    return found;
}

bool replay_next(struct replay_reader *reader, struct replay_record *record)
{
    size_t length = 0;
    if (reader->data)
        reader->data[reader->at] = reader->kept;
    while (!reader->data || !record_check((unsigned char *)reader->data + reader->at,
                                          reader->size - reader->at, &length)) {
        if (!next_segment(reader))
            return false;
    }
    char *payload = reader->data + reader->at + RECORD_HEADER_SIZE;
    reader->at += RECORD_HEADER_SIZE + length;
    reader->kept = payload[length];
    payload[length] = '\0';
    return read_payload(payload, record);
}

void replay_reader_free(struct replay_reader *reader)
{
    if (!reader)
        return;
    close(reader->folder_fd);
    free(reader->data);
    free(reader);
}
