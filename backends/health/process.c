/*
 * Processes of this node that are counted.
 *
 * /proc is read by a helper thread of the event loop, once for all checks that wait: one thread at
 * most, whatever their number.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/datastore/entry.h"
#include "backends/health/checkers.h"
#include "backends/health/tracked.h"

/* So much of a command line is looked at. */
#define LINE_MAX_READ 16384

/* One check. */
struct counted {
    struct tracked_process wanted;
    uint32_t quorum, quorum_max;
    int32_t weight;
    bool reverse;
};

/* A run that waits for its list of processes. */
struct process_run {
    struct check_job *job;
    struct process_run *next, **link;
};

struct process_entry {
    char name[17];
    char *line;
    size_t size;
};

/* What all of them share. */
struct scanner {
    uv_loop_t *loop;
    uv_work_t work;
    bool busy, ended;
    struct process_run *waiting, *served; /* served: by the list that is being made */
    /* The list; the helper thread's while busy. */
    struct process_entry *entries;
    size_t count, room;
};

/* The helper thread. */

static size_t read_file(const char *pid, const char *name, char *to, size_t room)
{
    char path[300];
    snprintf(path, sizeof(path), "/proc/%s/%s", pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? 0 : read(fd, to, room);
    if (fd >= 0)
        close(fd);
    return size > 0 ? (size_t)size : 0;
}

static void add_process(struct scanner *scanner, const char *pid, char *line)
{
    if (scanner->count == scanner->room) {
        size_t room = scanner->room ? scanner->room * 2 : 256;
        struct process_entry *entries = realloc(scanner->entries, room * sizeof(*entries));
        if (!entries)
            return;
        scanner->entries = entries;
        scanner->room = room;
    }
    struct process_entry *entry = &scanner->entries[scanner->count];
    *entry = (struct process_entry){.size = read_file(pid, "cmdline", line, LINE_MAX_READ)};
    if (!entry->size)
        return;
    read_file(pid, "comm", entry->name, sizeof(entry->name) - 1);
    entry->name[strcspn(entry->name, "\n")] = '\0';
    entry->line = malloc(entry->size);
    if (!entry->line)
        return;
    memcpy(entry->line, line, entry->size);
    scanner->count++;
}

static void scan(uv_work_t *work)
{
    struct scanner *scanner = work->data;
    char *line = malloc(LINE_MAX_READ);
    DIR *folder = opendir("/proc");
    for (const struct dirent *entry; folder && line && (entry = readdir(folder));)
        if (isdigit((unsigned char)*entry->d_name))
            add_process(scanner, entry->d_name, line);
    if (folder)
        closedir(folder);
    free(line);
}

/* The core thread. */

static void clear(struct scanner *scanner)
{
    for (size_t i = 0; i < scanner->count; i++)
        free(scanner->entries[i].line);
    scanner->count = 0;
}

static void free_scanner(struct scanner *scanner)
{
    clear(scanner);
    free(scanner->entries);
    free(scanner);
}

static void enlist(struct process_run **list, struct process_run *run)
{
    run->next = *list;
    run->link = list;
    if (run->next)
        run->next->link = &run->next;
    *list = run;
}

static void leave(struct process_run *run)
{
    *run->link = run->next;
    if (run->next)
        run->next->link = run->link;
}

static void judge(struct check_job *job, uint32_t found)
{
    const struct counted *counted = job->parameters;
    bool right = found >= counted->quorum && found <= counted->quorum_max;
    if (!counted->weight) {
        if (right != counted->reverse)
            check_pass(job);
        else
            check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "%u processes %s run", found,
                      counted->wanted.command);
        return;
    }
    int32_t weight = counted->reverse ? -counted->weight : counted->weight;
    check_end_adjust(job, right == (weight > 0) ? weight : 0);
}

static void serve(const struct scanner *scanner, struct check_job *job)
{
    const struct counted *counted = job->parameters;
    uint32_t found = 0;
    for (size_t i = 0; i < scanner->count; i++) {
        const struct process_entry *entry = &scanner->entries[i];
        found += tracked_process_is(&counted->wanted, entry->name, entry->line, entry->size);
    }
    judge(job, found);
}

static void begin_scan(struct scanner *scanner);

static void scanned(uv_work_t *work, int status)
{
    struct scanner *scanner = work->data;
    scanner->busy = false;
    if (scanner->ended) {
        free_scanner(scanner);
        return;
    }
    while (scanner->served) {
        struct process_run *run = scanner->served;
        leave(run);
        serve(scanner, run->job);
    }
    clear(scanner);
    begin_scan(scanner);
}

/* Those that came while a list was made get the next one, so that it is never older than they. */
static void begin_scan(struct scanner *scanner)
{
    if (scanner->busy || !scanner->waiting)
        return;
    while (scanner->waiting) {
        struct process_run *run = scanner->waiting;
        leave(run);
        enlist(&scanner->served, run);
    }
    scanner->work.data = scanner;
    scanner->busy = !uv_queue_work(scanner->loop, &scanner->work, scan, scanned);
}

static void *scanner_begin(struct health_poller *poller, uv_loop_t *loop)
{
    struct scanner *scanner = calloc(1, sizeof(*scanner));
    if (scanner)
        scanner->loop = loop;
    return scanner;
}

static void scanner_end(void *shared)
{
    struct scanner *scanner = shared;
    scanner->ended = true;
    if (!scanner->busy)
        free_scanner(scanner);
}

static void process_start(struct check_job *job)
{
    struct scanner *scanner = job->shared;
    struct process_run *run = job->state;
    run->job = job;
    job->phase = "processes are counted";
    enlist(&scanner->waiting, run);
    begin_scan(scanner);
}

static void process_cancel(struct check_job *job)
{
    leave(job->state);
}

static void process_free(void *parameters)
{
    struct counted *counted = parameters;
    for (size_t i = 0; i < counted->wanted.count; i++)
        free(counted->wanted.parameters[i]);
    free(counted->wanted.parameters);
    free(counted->wanted.command);
    free(counted);
}

static enum outcome read_parameters(struct tracked_process *wanted, const struct lyd_node *config,
                                    struct error *err)
{
    const struct lyd_node *node;
    size_t room = 0;
    LY_LIST_FOR(lyd_child(config), node)
    room++;
    wanted->parameters = calloc(room, sizeof(*wanted->parameters));
    if (!wanted->parameters)
        return fail_memory(err);
    LY_LIST_FOR(lyd_child(config), node)
    {
        if (!node->schema || strcmp(node->schema->name, "parameter") != 0)
            continue;
        if (!(wanted->parameters[wanted->count] = strdup(lyd_get_value(node))))
            return fail_memory(err);
        wanted->count++;
    }
    return DONE;
}

static enum outcome process_parse(const struct lyd_node *config, struct check_target *target,
                                  void **parameters, struct error *err)
{
    const char *match = leaf_value(config, "parameter-match");
    const char *most = leaf_value(config, "quorum-max");
    struct counted *counted = *parameters = calloc(1, sizeof(*counted));
    if (!counted)
        return fail_memory(err);
    counted->wanted.command = strdup(leaf_value(config, "command"));
    counted->wanted.match = !strcmp(match, "exact")     ? TRACKED_EXACT
                            : !strcmp(match, "initial") ? TRACKED_INITIAL
                                                        : TRACKED_PARTIAL;
    counted->quorum = (uint32_t)strtoul(leaf_value(config, "quorum"), NULL, 10);
    counted->quorum_max = most ? (uint32_t)strtoul(most, NULL, 10) : UINT32_MAX;
    counted->weight = (int32_t)strtol(leaf_value(config, "weight"), NULL, 10);
    counted->reverse = !strcmp(leaf_value(config, "reverse"), "true");
    return counted->wanted.command ? read_parameters(&counted->wanted, config, err)
                                   : fail_memory(err);
}

const struct checker process_checker = {
    .name = "process",
    .state = sizeof(struct process_run),
    .portless = true,
    .begin = scanner_begin,
    .end = scanner_end,
    .parse = process_parse,
    .free_parameters = process_free,
    .start = process_start,
    .cancel = process_cancel,
};
