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
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/datastore/acknowledged.h"
#include "agent/datastore/file.h"
#include "agent/datastore/record.h"
#include "agent/log.h"

/* A journal of less is not worth folding. */
#define FOLD_AT_LEAST (1 << 20)

/* How long a fold rests after each piece, a multiple of the work that it is. */
#define FOLD_REST_NS 1000000

#define RUNNING_FILE "running"
#define RUNNING_TEMPORARY "running.new"
#define JOURNAL_PREFIX "journal."
#define LOST_PREFIX "lost."

struct journal {
    const struct schema *schema;
    char *folder;
    int folder_fd;
    int lock_fd;
    int acknowledged_fd;
    uint64_t acknowledged; /* what acknowledged_fd said at the start */
    int fd;                /* of the journal that is appended to, or -1 before the first commit */
    atomic_llong size;     /* of it */
    bool uncut;            /* what follows there is of an append that failed */
    char *loss;            /* the file that is kept of lost commits, or NULL */
    atomic_llong running_size; /* of the file that it follows */
    record_numbers *numbers;
};

static enum outcome fail_file(struct error *err, const struct journal *journal, const char *what,
                              const char *name)
{
    return fail(err, TAG_OPERATION_FAILED, NULL, "Cannot %s %s/%s: %s.", what, journal->folder,
                name, strerror(errno));
}

static enum outcome open_folder(struct journal *journal, struct error *err)
{
    if (mkdir(journal->folder, 0700) && errno != EEXIST)
        return fail(err, TAG_OPERATION_FAILED, NULL, "Cannot make the state folder %s: %s%s.",
                    journal->folder, strerror(errno), file_advice(errno));
    journal->folder_fd = open(journal->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (journal->folder_fd < 0)
        return fail(err, TAG_OPERATION_FAILED, NULL, "Cannot open the state folder %s: %s%s.",
                    journal->folder, strerror(errno), file_advice(errno));
    journal->lock_fd = openat(journal->folder_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (journal->lock_fd < 0)
        return fail(err, TAG_OPERATION_FAILED, NULL, "Cannot write to the state folder %s: %s%s.",
                    journal->folder, strerror(errno), file_advice(errno));
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
    journal->folder_fd = journal->lock_fd = journal->acknowledged_fd = journal->fd = -1;
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
    if (journal->acknowledged_fd >= 0)
        close(journal->acknowledged_fd);
    if (journal->lock_fd >= 0)
        close(journal->lock_fd);
    if (journal->folder_fd >= 0)
        close(journal->folder_fd);
    free(journal->loss);
    free(journal->numbers);
    free(journal->folder);
    free(journal);
}

/* Replay the records of one file. *end is where the last whole record ends. */
static enum outcome replay_data(struct journal *journal, const char *name, const char *data,
                                size_t size, struct snapshot **running, size_t *end,
                                struct error *err)
{
    const unsigned char *bytes = (const unsigned char *)data;
    size_t at = 0, length;
    for (; at < size && record_check(bytes + at, size - at, &length); at += length) {
        struct error cause = {0};
        struct snapshot *next;
        at += RECORD_HEADER_SIZE;
        enum outcome outcome = record_replay(journal->schema, *running, data + at, length,
                                             journal->numbers, &next, &cause);
        if (outcome != DONE) {
            fail(err, TAG_OPERATION_FAILED, NULL,
                 "%s/%s: the record at offset %zu cannot be taken over: %s%s%s%s", journal->folder,
                 name, at - RECORD_HEADER_SIZE, error_message(&cause), cause.path ? " at " : "",
                 cause.path ? cause.path : "", record_advice(journal->schema, data + at, length));
            error_clear(&cause);
            return FAILED;
        }
        snapshot_unref(*running);
        *running = next;
    }
    *end = at;
    return DONE;
}

/* A record that was cut short by a crash is the last thing in its file. */
static bool is_torn_tail(const unsigned char *data, size_t size)
{
    size_t length;
    for (size_t at = 1; at < size; at++)
        if (record_check(data + at, size - at, &length))
            return false;
    return true;
}

static void note_kept(struct journal *journal, const char *name)
{
    free(journal->loss);
    journal->loss = strdup(name);
}

/* Commits that were acknowledged and are gone: keep what is in their place, and say so. */
static enum outcome note_loss(struct journal *journal, const struct snapshot *running,
                              const char *rest, size_t size, struct error *err)
{
    char name[64];
    snprintf(name, sizeof(name), LOST_PREFIX "%020" PRIu64, running->revision);
    /* A start that was interrupted may have kept it already, and have cut it off the journal. */
    if (faccessat(journal->folder_fd, name, F_OK, 0) &&
        !file_replace(journal->folder_fd, name, LOST_PREFIX "new", rest, size))
        return fail_file(err, journal, "keep the damaged end of the journal in", name);
    log_error(AREA_DATASTORE,
              "%s: the commits after revision %" PRIu64 " up to revision %" PRIu64
              " were acknowledged, and cannot be read any more: the agent goes on with revision "
              "%" PRIu64 ". What was found in their place (%zu bytes) is kept in %s. Compare the "
              "configuration with what it should be.",
              journal->folder, running->revision, journal->acknowledged, running->revision, size,
              name);
    journal->acknowledged = running->revision;
    note_kept(journal, name);
    return DONE;
}

/* Deal with what follows the last whole record of the last journal. */
static enum outcome drop_tail(struct journal *journal, const char *name, int fd, const char *data,
                              size_t size, size_t end, const struct snapshot *running,
                              struct error *err)
{
    enum outcome outcome = DONE;
    if (running->revision < journal->acknowledged)
        outcome = note_loss(journal, running, data + end, size - end, err);
    else
        log_warning(AREA_DATASTORE,
                    "%s/%s: dropped %zu bytes of a commit that was never acknowledged",
                    journal->folder, name, size - end);
    if (outcome == DONE && (ftruncate(fd, (off_t)end) || fsync(fd)))
        outcome = fail_file(err, journal, "repair", name);
    return outcome;
}

static enum outcome replay_file(struct journal *journal, const char *name, bool last,
                                struct snapshot **running, struct error *err)
{
    char *data = NULL;
    size_t size, end = 0;
    enum outcome outcome = DONE;
    int fd = openat(journal->folder_fd, name, O_RDWR | O_CLOEXEC);
    if (fd < 0 || !file_read(fd, SIZE_MAX, &data, &size)) {
        outcome = fail_file(err, journal, fd < 0 ? "open" : "read", name);
        goto out;
    }
    outcome = replay_data(journal, name, data, size, running, &end, err);
    if (outcome == DONE && end < size &&
        (!last || !is_torn_tail((unsigned char *)data + end, size - end)))
        outcome = fail(err, TAG_OPERATION_FAILED, NULL,
                       "%s/%s is damaged at offset %zu. What follows there was acknowledged, so "
                       "it is not dropped silently: restore the file from a backup, or cut it "
                       "there (truncate -s %zu) to go on without the later commits.",
                       journal->folder, name, end, end);
    if (outcome == DONE && end < size)
        outcome = drop_tail(journal, name, fd, data, size, end, *running, err);
out:
    free(data);
    if (fd >= 0)
        close(fd);
    return outcome;
}

static int is_journal(const struct dirent *file)
{
    return !strncmp(file->d_name, JOURNAL_PREFIX, sizeof(JOURNAL_PREFIX) - 1);
}

static int is_lost(const struct dirent *file)
{
    return !strncmp(file->d_name, LOST_PREFIX, sizeof(LOST_PREFIX) - 1);
}

static int by_revision(const struct dirent **a, const struct dirent **b)
{
    uint64_t x = strtoull((*a)->d_name + sizeof(JOURNAL_PREFIX) - 1, NULL, 10);
    uint64_t y = strtoull((*b)->d_name + sizeof(JOURNAL_PREFIX) - 1, NULL, 10);
    return x < y ? -1 : x > y;
}

/* A journal begins where what is before it ends. */
static enum outcome check_start(const struct journal *journal, const char *name,
                                const struct snapshot *running, struct error *err)
{
    uint64_t start = strtoull(name + sizeof(JOURNAL_PREFIX) - 1, NULL, 10);
    /* The first one begins at 1 where the initial configuration was that of the defaults. */
    if (start <= 1 || start <= running->revision)
        return DONE;
    return fail(err, TAG_OPERATION_FAILED, NULL,
                "%s/%s begins after revision %" PRIu64 ", but what is stored before it ends at "
                "revision %" PRIu64 ": restore the files from a backup, or move this one away to "
                "go on without its commits.",
                journal->folder, name, start, running->revision);
}

static enum outcome replay_journals(struct journal *journal, struct dirent **files, int count,
                                    struct snapshot **running, struct error *err)
{
    enum outcome outcome = DONE;
    for (int i = 0; i < count && outcome == DONE; i++) {
        outcome = check_start(journal, files[i]->d_name, *running, err);
        if (outcome == DONE)
            outcome = replay_file(journal, files[i]->d_name, i == count - 1, running, err);
    }
    return outcome;
}

/* What is kept since an earlier loss reminds of it, until somebody takes it away. */
static void remind_of_losses(struct journal *journal)
{
    struct dirent **files = NULL;
    int count = scandir(journal->folder, &files, is_lost, alphasort);
    for (int i = 0; i < count; i++) {
        log_warning(AREA_DATASTORE,
                    "%s/%s is what was found in the place of commits that were lost: when the "
                    "configuration is as it should be, remove the file",
                    journal->folder, files[i]->d_name);
        note_kept(journal, files[i]->d_name);
        free(files[i]);
    }
    free(files);
}

/* From here on the file says what was read, and what will be appended. */
static enum outcome settle_acknowledged(struct journal *journal, const struct snapshot *running,
                                        struct error *err)
{
    if (running->revision < journal->acknowledged) {
        enum outcome outcome = note_loss(journal, running, "", 0, err);
        if (outcome != DONE)
            return outcome;
    }
    if (!acknowledged_write(journal->acknowledged_fd, running->revision) ||
        fsync(journal->acknowledged_fd))
        return fail_file(err, journal, "write", ACKNOWLEDGED_FILE);
    return DONE;
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

static enum outcome open_acknowledged(struct journal *journal, struct error *err)
{
    journal->acknowledged_fd = acknowledged_open(journal->folder_fd, &journal->acknowledged);
    return journal->acknowledged_fd < 0 ? fail_file(err, journal, "open", ACKNOWLEDGED_FILE) : DONE;
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
    if (outcome == DONE)
        outcome = open_acknowledged(journal, err);
    if (outcome == DONE && !fstatat(journal->folder_fd, RUNNING_FILE, &st, 0)) {
        journal->running_size = st.st_size;
        outcome = replay_file(journal, RUNNING_FILE, false, running, err);
    }
    if (outcome == DONE)
        outcome = replay_journals(journal, files, count, running, err);
    remind_of_losses(journal);
    if (outcome == DONE)
        outcome = settle_acknowledged(journal, *running, err);
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

const char *journal_loss(const struct journal *journal)
{
    return journal->loss;
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

struct group {
    const struct schema *schema;
    const struct change_set *const *commits;
    size_t count;
};

static bool write_group(FILE *stream, const void *arg)
{
    const struct group *group = arg;
    for (size_t i = 0; i < group->count; i++)
        if (!record_write(stream, group->schema, group->commits[i]))
            return false;
    return true;
}

/*
 * What was written of a record that failed must neither be read back nor be followed by another.
 * Its end is durable before the failure is told: else a crash might bring the commits back.
 */
static enum outcome cut_back(struct journal *journal, struct error *err)
{
    journal->uncut = ftruncate(journal->fd, journal->size) || fsync(journal->fd);
    return journal->uncut ? fail_file(err, journal, "cut back", "the journal") : DONE;
}

static enum outcome append_record(struct journal *journal, const char *data, size_t size,
                                  struct error *err)
{
    struct error cut = {0};
    if (file_write(journal->fd, data, size) && !fdatasync(journal->fd)) {
        journal->size += (off_t)size;
        return DONE;
    }
    fail(err, TAG_OPERATION_FAILED, NULL,
         "Cannot store the configuration in %s: %s. Nothing was changed.", journal->folder,
         strerror(errno));
    if (cut_back(journal, &cut) != DONE)
        log_error(AREA_DATASTORE,
                  "%s No commit is taken until that works; after a crash before then, a commit "
                  "that was said to have failed may be found done.",
                  error_message(&cut));
    error_clear(&cut);
    return FAILED;
}

/* Only where it does not work is it worth a word, since the commits are safe. */
static void note_acknowledged(struct journal *journal, uint64_t revision)
{
    if (!acknowledged_write(journal->acknowledged_fd, revision))
        log_warning(AREA_DATASTORE, "cannot write %s/" ACKNOWLEDGED_FILE ": %s", journal->folder,
                    strerror(errno));
}

enum outcome journal_append(struct journal *journal, const struct change_set *const *commits,
                            size_t count, struct error *err)
{
    char *data;
    size_t size;
    struct group group = {journal->schema, commits, count};
    if (journal->fd < 0 && start_file(journal, commits[0]->before->revision, err) != DONE)
        return FAILED;
    if (journal->uncut && cut_back(journal, err) != DONE)
        return FAILED;
    enum outcome outcome = record_frame(&data, &size, write_group, &group, err);
    if (outcome != DONE)
        return outcome;
    outcome = append_record(journal, data, size, err);
    if (outcome == DONE)
        note_acknowledged(journal, commits[count - 1]->after->revision);
    free(data);
    return outcome;
}

void journal_sizes(const struct journal *journal, struct journal_sizes *sizes)
{
    sizes->journal = (uint64_t)atomic_load(&journal->size);
    sizes->running = (uint64_t)atomic_load(&journal->running_size);
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

/*
 * Nobody waits for a fold, so commits go first. It sleeps instead of running at a lower priority: a
 * thread of that kind is held up by other programs while it holds what the commits need, such as
 * the lock of the address space.
 */
static void rest(void)
{
    const struct timespec while_others_work = {.tv_nsec = FOLD_REST_NS};
    nanosleep(&while_others_work, NULL);
}

enum outcome journal_fold(struct journal_fold_job *job, struct error *err)
{
    struct journal *journal = job->journal;
    size_t size = 0;
    int fd = file_begin(journal->folder_fd, RUNNING_TEMPORARY);
    bool whole = fd >= 0 && record_write_file(fd, write_whole, job, rest, &size);
    if (fd < 0 || !file_end(journal->folder_fd, RUNNING_FILE, RUNNING_TEMPORARY, fd, whole))
        return fail_file(err, journal, "write", RUNNING_FILE);
    /* Only now that the new file is safe may the journals go that it covers. */
    journal->running_size = (long long)size;
    drop_covered(journal, job->snapshot->revision);
    log_info(AREA_DATASTORE, "folded the journal at revision %" PRIu64 " (%zu bytes)",
             job->snapshot->revision, size);
    return DONE;
}
