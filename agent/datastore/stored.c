/*
 * Whole configurations in files of their own.
 */
#include "agent/datastore/stored.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/datastore/file.h"
#include "agent/datastore/record.h"

static enum outcome fail_file(struct error *err, const char *what, const char *folder,
                              const char *name)
{
    return fail(err, TAG_OPERATION_FAILED, NULL, "Cannot %s %s/%s: %s.", what, folder, name,
                strerror(errno));
}

static int open_folder(const char *folder)
{
    return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

struct whole {
    const struct schema *schema;
    const struct snapshot *snapshot;
    record_numbers *numbers;
};

static bool write_whole(FILE *stream, const void *arg)
{
    const struct whole *whole = arg;
    return record_write_all(stream, whole->schema, whole->snapshot, whole->numbers);
}

enum outcome stored_write(const struct schema *schema, const char *folder, const char *name,
                          const struct snapshot *snapshot, struct error *err)
{
    char *data = NULL, temporary[64];
    size_t size;
    /* The highest numbers are the journal's to know. */
    struct whole whole = {schema, snapshot, calloc(schema->unit_count, sizeof(*whole.numbers))};
    enum outcome outcome =
        whole.numbers ? record_frame(&data, &size, write_whole, &whole, err) : fail_memory(err);
    free(whole.numbers);
    if (outcome != DONE)
        return outcome;
    snprintf(temporary, sizeof(temporary), "%s.new", name);
    int fd = open_folder(folder);
    if (fd < 0 || !file_replace(fd, name, temporary, data, size))
        outcome = fail_file(err, "write", folder, name);
    if (fd >= 0)
        close(fd);
    free(data);
    return outcome;
}

/* data is ended by a zero byte, and so is the payload, which is the last thing in it. */
static enum outcome read_record(const struct schema *schema, const char *data, size_t size,
                                struct snapshot **snapshot, struct error *err)
{
    struct snapshot *nothing = NULL;
    record_numbers *numbers = calloc(schema->unit_count, sizeof(*numbers));
    enum outcome outcome = numbers ? snapshot_new_empty(schema, &nothing, err) : fail_memory(err);
    if (outcome == DONE)
        outcome = record_replay(schema, nothing, data + RECORD_HEADER_SIZE,
                                size - RECORD_HEADER_SIZE, numbers, snapshot, err);
    snapshot_unref(nothing);
    free(numbers);
    return outcome;
}

enum outcome stored_read(const struct schema *schema, const char *folder, const char *name,
                         struct snapshot **snapshot, struct error *err)
{
    char *data = NULL;
    size_t size = 0, length;
    enum outcome outcome = DONE;
    *snapshot = NULL;
    int folder_fd = open_folder(folder);
    int fd = folder_fd < 0 ? -1 : openat(folder_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        goto out;
    if (fd < 0 || !file_read(fd, SIZE_MAX - 1, &data, &size)) {
        outcome = fail_file(err, "read", folder, name);
        goto out;
    }
    if (!record_check((unsigned char *)data, size, &length) ||
        length + RECORD_HEADER_SIZE != size) {
        outcome = fail(err, TAG_OPERATION_FAILED, NULL,
                       "%s/%s is damaged in its record at offset 0: restore the file from a "
                       "backup, or remove it to go on without it.",
                       folder, name);
        goto out;
    }
    struct error cause = {0};
    outcome = read_record(schema, data, size, snapshot, &cause);
    if (outcome != DONE)
        outcome =
            fail(err, TAG_OPERATION_FAILED, cause.path,
                 "%s/%s: the record at offset 0 cannot be taken over: %s%s", folder, name,
                 error_message(&cause), record_advice(schema, data + RECORD_HEADER_SIZE, length));
    error_clear(&cause);
out:
    free(data);
    if (fd >= 0)
        close(fd);
    if (folder_fd >= 0)
        close(folder_fd);
    return outcome;
}

enum outcome stored_remove(const char *folder, const char *name, struct error *err)
{
    int fd = open_folder(folder);
    bool removed = fd >= 0 && file_remove(fd, name);
    if (!removed)
        fail_file(err, "remove", folder, name);
    if (fd >= 0)
        close(fd);
    return removed ? DONE : FAILED;
}
