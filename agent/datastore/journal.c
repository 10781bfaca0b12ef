/*
 * The journal.
 */
#include "agent/datastore/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/datastore/file.h"
#include "agent/datastore/record.h"
#include "agent/log.h"

/* A journal of less is not worth folding. */
#define FOLD_AT_LEAST (1 << 20)

#define RUNNING_FILE "running"
#define RUNNING_TEMPORARY "running.new"
#define JOURNAL_PREFIX "journal."

struct journal {
    const struct schema *schema;
    char *folder;
    int folder_fd;
    int lock_fd;
    int fd;     /* of the journal that is appended to, or -1 before the first commit */
    off_t size; /* of it */
    atomic_llong running_size; /* of the file that it follows */
    record_numbers *numbers;
};

static enum outcome fail_file(struct error *err, const struct journal *journal, const char *what,
                              const char *name)
{
    return fail(err, TAG_OPERATION_FAILED, NULL, "Cannot %s %s/%s: %s.", what, journal->folder,
                name, strerror(errno));
}

static enum outcome fail_store(const struct journal *journal, struct error *err)
{
    return fail(err, TAG_OPERATION_FAILED, NULL,
                "Cannot store the configuration in %s: %s. Nothing was changed.", journal->folder,
                strerror(errno));
}

static enum outcome open_folder(struct journal *journal, struct error *err)
{
    if (mkdir(journal->folder, 0700) && errno != EEXIST)
        return fail(err, TAG_OPERATION_FAILED, NULL, "Cannot make the state folder %s: %s.",
                    journal->folder, strerror(errno));
    journal->folder_fd = open(journal->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (journal->folder_fd < 0)
        return fail(err, TAG_OPERATION_FAILED, NULL, "Cannot open the state folder %s: %s.",
                    journal->folder, strerror(errno));
    journal->lock_fd = openat(journal->folder_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (journal->lock_fd < 0)
        return fail_file(err, journal, "open", "lock");
    if (flock(journal->lock_fd, LOCK_EX | LOCK_NB))
        return fail(err, TAG_IN_USE, NULL,
                    "Another noriad uses the state folder %s: stop it, or name another folder by "
                    "--state-dir.",
                    journal->folder);
    return DONE;
}

enum outcome journal_open(const struct schema *schema, const char *folder, struct journal **result,
                          struct error *err)
{
    struct journal *journal = calloc(1, sizeof(*journal));
    if (!journal)
        return fail_memory(err);
    journal->folder_fd = journal->lock_fd = journal->fd = -1;
    journal->schema = schema;
    journal->folder = strdup(folder);
    journal->numbers = calloc(schema->unit_count, sizeof(*journal->numbers));
    enum outcome outcome =
        journal->folder && journal->numbers ? open_folder(journal, err) : fail_memory(err);
    if (outcome == DONE)
        *result = journal;
    else
        journal_close(journal);
    return outcome;
}

void journal_close(struct journal *journal)
{
    if (!journal)
        return;
    if (journal->fd >= 0)
        close(journal->fd);
    if (journal->lock_fd >= 0)
        close(journal->lock_fd);
    if (journal->folder_fd >= 0)
        close(journal->folder_fd);
    free(journal->numbers);
    free(journal->folder);
    free(journal);
}

/* Replay the records of one file. *end is where the last whole record ends. */
static enum outcome replay_data(struct journal *journal, const char *name,
                                const unsigned char *data, size_t size, struct snapshot **running,
                                size_t *end, struct error *err)
{
    size_t at = 0, length;
    for (; at < size && record_check(data + at, size - at, &length); at += length) {
        struct error cause = {0};
        struct snapshot *next;
        at += RECORD_HEADER_SIZE;
        char *payload = strndup((const char *)data + at, length);
        enum outcome outcome = payload ? record_replay(journal->schema, *running, payload, length,
                                                       journal->numbers, &next, &cause)
                                       : fail_memory(&cause);
        free(payload);
        if (outcome != DONE) {
            fail(err, TAG_OPERATION_FAILED, NULL,
                 "%s/%s: the record at offset %zu cannot be taken over: %s%s%s", journal->folder,
                 name, at - RECORD_HEADER_SIZE, error_message(&cause), cause.path ? " at " : "",
                 cause.path ? cause.path : "");
            error_clear(&cause);
            return FAILED;
        }
        snapshot_unref(*running);
        *running = next;
    }
    *end = at;
    return DONE;
}

/*
 * What a crash cut short was never acknowledged, so no mark is behind it. Records may be: those of
 * one append reach the disk in any order.
 */
static bool is_torn_tail(const unsigned char *data, size_t size)
{
    size_t length;
    for (size_t at = 1; at < size; at++)
        if (record_check(data + at, size - at, &length) && record_is_mark(data + at, length))
            return false;
    return true;
}

static enum outcome replay_file(struct journal *journal, const char *name, bool last,
                                struct snapshot **running, struct error *err)
{
    struct stat st;
    size_t end = 0;
    enum outcome outcome = DONE;
    int fd = openat(journal->folder_fd, name, O_RDWR | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st)) {
        fail_file(err, journal, "open", name);
        if (fd >= 0)
            close(fd);
        return FAILED;
    }
    size_t size = (size_t)st.st_size;
    void *data = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    if (data == MAP_FAILED) {
        outcome = fail_file(err, journal, "read", name);
        goto out;
    }
    if (size)
        outcome = replay_data(journal, name, data, size, running, &end, err);
    if (outcome == DONE && end < size &&
        (!last || !is_torn_tail((unsigned char *)data + end, size - end)))
        outcome = fail(err, TAG_OPERATION_FAILED, NULL,
                       "%s/%s is damaged at offset %zu. What follows there was acknowledged, so "
                       "it is not dropped silently: restore the file from a backup, or cut it "
                       "there (truncate -s %zu) to go on without the later commits.",
                       journal->folder, name, end, end);
    if (size)
        munmap(data, size);
    if (outcome == DONE && end < size) {
        log_warning(AREA_DATASTORE,
                    "%s/%s: dropped %zu bytes that were cut short and never acknowledged",
                    journal->folder, name, size - end);
        if (ftruncate(fd, (off_t)end) || fsync(fd))
            outcome = fail_file(err, journal, "repair", name);
    }
out:
    close(fd);
    return outcome;
}

static int is_journal(const struct dirent *file)
{
    return !strncmp(file->d_name, JOURNAL_PREFIX, sizeof(JOURNAL_PREFIX) - 1);
}

static int by_revision(const struct dirent **a, const struct dirent **b)
{
    uint64_t x = strtoull((*a)->d_name + sizeof(JOURNAL_PREFIX) - 1, NULL, 10);
    uint64_t y = strtoull((*b)->d_name + sizeof(JOURNAL_PREFIX) - 1, NULL, 10);
    return x < y ? -1 : x > y;
}

/* Append to the last journal from here on. */
static enum outcome continue_journal(struct journal *journal, const char *name, struct error *err)
{
    struct stat st;
    journal->fd = openat(journal->folder_fd, name, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (journal->fd < 0 || fstat(journal->fd, &st))
        return fail_file(err, journal, "open", name);
    journal->size = st.st_size;
    return DONE;
}

enum outcome journal_load(struct journal *journal, struct snapshot **running, struct error *err)
{
    struct dirent **files = NULL;
    struct stat st;
    *running = NULL;
    enum outcome outcome = snapshot_new_empty(journal->schema, running, err);
    int count = scandir(journal->folder, &files, is_journal, by_revision);
    if (count < 0)
        outcome = fail_file(err, journal, "list", ".");
    if (outcome == DONE && !fstatat(journal->folder_fd, RUNNING_FILE, &st, 0)) {
        journal->running_size = st.st_size;
        outcome = replay_file(journal, RUNNING_FILE, false, running, err);
    }
    for (int i = 0; i < count && outcome == DONE; i++)
        outcome = replay_file(journal, files[i]->d_name, i == count - 1, running, err);
    if (outcome == DONE && count > 0)
        outcome = continue_journal(journal, files[count - 1]->d_name, err);
    for (int i = 0; i < count; i++)
        free(files[i]);
    free(files);
    if (outcome != DONE || (*running)->revision == 0) {
        snapshot_unref(*running);
        *running = NULL;
    }
    return outcome;
}

void journal_number(struct journal *journal, const struct change_set *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        struct entry *entry = (struct entry *)changes->changes[i].after;
        record_numbers *last = entry ? &journal->numbers[entry->unit->rank] : NULL;
        if (entry && !entry->number)
            entry->number = ++*last;
        else if (entry && entry->number > *last)
            *last = entry->number; /* it comes from a file that knows more than the journal */
    }
}

static enum outcome start_file(struct journal *journal, uint64_t revision, struct error *err)
{
    char name[64];
    snprintf(name, sizeof(name), JOURNAL_PREFIX "%020" PRIu64, revision);
    int fd = openat(journal->folder_fd, name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_file(err, journal, "make", name);
    if (fsync(journal->folder_fd)) {
        close(fd);
        return fail_file(err, journal, "make", name);
    }
    if (journal->fd >= 0)
        close(journal->fd);
    journal->fd = fd;
    journal->size = 0;
    return DONE;
}

static bool write_changes(FILE *stream, const void *changes)
{
    return record_write(stream, changes);
}

static bool write_mark(FILE *stream, const void *revision)
{
    return record_write_mark(stream, *(const uint64_t *)revision);
}

/* What was written beyond the end must not be followed by a later record. */
static void cut_back(struct journal *journal)
{
    if (ftruncate(journal->fd, journal->size))
        log_error(AREA_DATASTORE, "cannot cut the journal back: %s", strerror(errno));
}

/*
 * Say behind what is on stable storage that it is, so that damage to it cannot be taken for a
 * record that was never acknowledged. The mark itself is synchronised with what follows, or when
 * the kernel likes to: the journal is sound without it.
 */
static void append_mark(struct journal *journal, uint64_t revision)
{
    struct error error = {0};
    char *data = NULL;
    size_t size;
    if (record_frame(&data, &size, write_mark, &revision, &error) == DONE &&
        file_write(journal->fd, data, size))
        journal->size += (off_t)size;
    else
        cut_back(journal);
    free(data);
    error_clear(&error);
}

enum outcome journal_append(struct journal *journal, const struct change_set *const *sets,
                            size_t count, struct error *err)
{
    off_t added = 0;
    enum outcome outcome = DONE;
    if (journal->fd < 0)
        outcome = start_file(journal, sets[0]->before->revision, err);
    for (size_t i = 0; i < count && outcome == DONE; i++) {
        char *data;
        size_t size;
        outcome = record_frame(&data, &size, write_changes, sets[i], err);
        if (outcome != DONE)
            break;
        if (!file_write(journal->fd, data, size))
            outcome = fail_store(journal, err);
        added += (off_t)size;
        free(data);
    }
    if (outcome == DONE && fdatasync(journal->fd))
        outcome = fail_store(journal, err);
    if (outcome != DONE) {
        if (journal->fd >= 0)
            cut_back(journal);
        return outcome;
    }
    journal->size += added;
    append_mark(journal, sets[count - 1]->after->revision);
    return DONE;
}

bool journal_is_long(const struct journal *journal)
{
    return journal->size > FOLD_AT_LEAST && journal->size > journal->running_size;
}

enum outcome journal_rotate(struct journal *journal, uint64_t revision, struct error *err)
{
    return start_file(journal, revision, err);
}

enum outcome journal_fold_begin(struct journal *journal, const struct snapshot *snapshot,
                                struct journal_fold_job *job, struct error *err)
{
    size_t size = journal->schema->unit_count * sizeof(*journal->numbers);
    *job = (struct journal_fold_job){.journal = journal, .numbers = malloc(size)};
    if (!job->numbers)
        return fail_memory(err);
    memcpy(job->numbers, journal->numbers, size);
    job->snapshot = snapshot_ref(snapshot);
    return DONE;
}

void journal_fold_end(struct journal_fold_job *job)
{
    snapshot_unref(job->snapshot);
    free(job->numbers);
}

static bool write_whole(FILE *stream, const void *arg)
{
    const struct journal_fold_job *job = arg;
    return record_write_all(stream, job->journal->schema, job->snapshot, job->numbers);
}

static void drop_covered(struct journal *journal, uint64_t revision)
{
    struct dirent **files = NULL;
    int count = scandir(journal->folder, &files, is_journal, by_revision);
    for (int i = 0; i < count; i++) {
        uint64_t first = strtoull(files[i]->d_name + sizeof(JOURNAL_PREFIX) - 1, NULL, 10);
        if (first < revision && unlinkat(journal->folder_fd, files[i]->d_name, 0))
            log_warning(AREA_DATASTORE, "cannot remove %s/%s: %s", journal->folder,
                        files[i]->d_name, strerror(errno));
        free(files[i]);
    }
    free(files);
}

enum outcome journal_fold(struct journal_fold_job *job, struct error *err)
{
    struct journal *journal = job->journal;
    char *data;
    size_t size;
    enum outcome outcome = record_frame(&data, &size, write_whole, job, err);
    if (outcome != DONE)
        return outcome;
    if (!file_replace(journal->folder_fd, RUNNING_FILE, RUNNING_TEMPORARY, data, size))
        outcome = fail_file(err, journal, "write", RUNNING_FILE);
    free(data);
    if (outcome != DONE)
        return outcome;
    /* Only now that the new file is safe may the journals go that it covers. */
    journal->running_size = (long long)size;
    drop_covered(journal, job->snapshot->revision);
    log_info(AREA_DATASTORE, "folded the journal at revision %" PRIu64 " (%zu bytes)",
             job->snapshot->revision, size);
    return DONE;
}
