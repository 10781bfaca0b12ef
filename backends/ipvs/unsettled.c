#include "backends/ipvs/unsettled.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/array.h"
#include "agent/log.h"
#include "backends/ipvs/kernel.h"
#include "backends/ipvs/namespace.h"
#include "backends/ipvs/table.h"

#define PREFIX "unsettled."
#define OWN "-" /* for the path of our own namespace; others are absolute */

static void path_of(const struct ipvs_directors *directors, const char *name, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s", directors->backend->agent->options.run_dir, name);
}

/* -- Noting ----------------------------------------------------------------------------------- */

static bool makes_service(const struct ipvs_operation *operation)
{
    return operation->verb == IPVS_ADD && !ipvs_on_destination(operation);
}

static size_t services_made(const struct ipvs_part *part)
{
    size_t count = 0;
    for (size_t i = 0; i < part->operations.count; i++)
        count += makes_service(&part->operations.list[i]);
    return count;
}

static void write_service(FILE *file, const struct ipvs_service_id *id, const char *path)
{
    fprintf(file, "%" PRIu16 " %" PRIu16 " %" PRIu16 " %" PRIu32 " ", id->family, id->protocol,
            id->port, id->mark);
    for (size_t i = 0; i < sizeof id->address; i++)
        fprintf(file, "%02x", id->address[i]);
    fprintf(file, " %s\n", path ? path : OWN);
}

unsigned ipvs_unsettled_note(struct ipvs_directors *directors, const struct ipvs_part *parts,
                             size_t count)
{
    char name[32], path[PATH_MAX];
    size_t made = 0;
    for (size_t i = 0; i < count; i++)
        made += services_made(&parts[i]);
    if (!made)
        return 0;
    snprintf(name, sizeof name, PREFIX "%u", ++directors->unsettled);
    path_of(directors, name, path);
    FILE *file = fopen(path, "we");
    for (size_t i = 0; file && i < count; i++)
        for (size_t k = 0; k < parts[i].operations.count; k++)
            if (makes_service(&parts[i].operations.list[k]))
                write_service(file, parts[i].operations.list[k].id, parts[i].engine->path);
    if (!file || fclose(file))
        log_warning(AREA_IPVS, "cannot write %s: %s; if the agent is killed now, services may stay",
                    path, strerrordesc_np(errno));
    return directors->unsettled;
}

void ipvs_unsettled_forget(const struct ipvs_directors *directors, unsigned number)
{
    char name[32], path[PATH_MAX];
    if (!number)
        return;
    snprintf(name, sizeof name, PREFIX "%u", number);
    path_of(directors, name, path);
    unlink(path);
}

/* -- Removing --------------------------------------------------------------------------------- */

/* A service in a namespace. */
struct left {
    struct ipvs_service_id id;
    char *path; /* NULL: our own. Owned. */
};

struct lefts {
    struct left *list; /* Owned. */
    size_t count, room;
};

static bool read_address(const char *text, uint8_t address[16])
{
    unsigned octet;
    for (size_t i = 0; i < 16; i++) {
        if (sscanf(text + 2 * i, "%2x", &octet) != 1)
            return false;
        address[i] = (uint8_t)octet;
    }
    return true;
}

/* A line that is not whole is of a service that was not made yet. */
static void read_line(char *line, struct lefts *lefts)
{
    struct left left = {0};
    char address[33];
    int end = 0;
    line[strcspn(line, "\n")] = '\0';
    if (sscanf(line, "%" SCNu16 " %" SCNu16 " %" SCNu16 " %" SCNu32 " %32s %n", &left.id.family,
               &left.id.protocol, &left.id.port, &left.id.mark, address, &end) != 5 ||
        !end || !line[end] || !read_address(address, left.id.address) ||
        !array_grow(&lefts->list, lefts->count, &lefts->room, sizeof *lefts->list))
        return;
    if (strcmp(line + end, OWN) != 0 && !(left.path = strdup(line + end)))
        return;
    lefts->list[lefts->count++] = left;
}

static void read_left(const struct ipvs_directors *directors, const char *name, struct lefts *lefts)
{
    char path[PATH_MAX], line[PATH_MAX + 128];
    path_of(directors, name, path);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        read_line(line, lefts);
    if (file)
        fclose(file);
}

static void delete_file(const struct ipvs_directors *directors, const char *name,
                        struct lefts *unused)
{
    char path[PATH_MAX];
    path_of(directors, name, path);
    unlink(path);
}

static void each_file(const struct ipvs_directors *directors, struct lefts *lefts,
                      void (*visit)(const struct ipvs_directors *, const char *, struct lefts *))
{
    DIR *folder = opendir(directors->backend->agent->options.run_dir);
    const struct dirent *file;
    while (folder && (file = readdir(folder)))
        if (!strncmp(file->d_name, PREFIX, strlen(PREFIX)))
            visit(directors, file->d_name, lefts);
    if (folder)
        closedir(folder);
}

static bool same_path(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static int order_lefts(const void *a, const void *b)
{
    const struct left *one = a, *other = b;
    int order = strcmp(one->path ? one->path : OWN, other->path ? other->path : OWN);
    return order ? order : ipvs_service_compare(&one->id, &other->id);
}

/* What is to be removed in one namespace. */
struct removal {
    struct ipvs_service_id *ids; /* Owned. */
    size_t count;
};

static void log_removed(const struct ipvs_operations *operations)
{
    char text[IPVS_TEXT_SIZE];
    for (size_t i = 0; i < operations->count; i++) {
        const struct ipvs_operation *operation = &operations->list[i];
        if (operation->result)
            log_error(AREA_IPVS, "%s is of a commit which was never stored, and stays: %s",
                      ipvs_service_text(operation->id, text),
                      strerrordesc_np(operation->result > 0 ? operation->result : EIO));
        else
            log_notice(AREA_IPVS, "%s is of a commit which was never stored: it is removed",
                       ipvs_service_text(operation->id, text));
    }
}

/* Where they are; a socket of its own will do. */
static int remove_there(void *arg)
{
    const struct removal *removal = arg;
    const struct ipvs_table nothing = {0};
    struct ipvs_table held = {0};
    struct ipvs_operations operations = {0};
    struct ipvs_socket *sock = NULL;
    int error = ipvs_open(&sock);
    if (!error)
        error = ipvs_read_some(sock, removal->ids, removal->count, &held);
    if (!error && !ipvs_plan(&nothing, &held, &operations))
        error = ENOMEM;
    if (!error)
        ipvs_run(sock, operations.list, operations.count, true);
    log_removed(&operations);
    ipvs_operations_clear(&operations);
    ipvs_table_clear(&held);
    ipvs_close(sock);
    return error;
}

/* What running wants in a namespace; nothing, if it is no director's. */
static bool desire_in(const struct ipvs_directors *directors, const char *path,
                      struct ipvs_table *desired)
{
    for (size_t i = 0; i < directors->count; i++)
        if (same_path(directors->engines[i]->path, path))
            return ipvs_engine_desire(directors->engines[i], directors->running, false, desired);
    return true;
}

/* Those of one namespace. */
static void remove_in(const struct ipvs_directors *directors, const struct left *lefts,
                      size_t count)
{
    struct ipvs_table desired = {0};
    struct ipvs_index index = {0};
    struct removal removal = {.ids = calloc(count, sizeof(*removal.ids))};
    int error = removal.ids && desire_in(directors, lefts->path, &desired) &&
                        ipvs_index_make(&desired, &index)
                    ? 0
                    : ENOMEM;
    int result = 0;
    for (size_t i = 0; i < count && !error; i++)
        if (!ipvs_index_find(&index, &lefts[i].id))
            removal.ids[removal.count++] = lefts[i].id;
    if (!error && removal.count)
        error = ipvs_namespace_run(lefts->path, remove_there, &removal, &result);
    if ((error && error != ENOENT) || (result && result != ENOENT)) /* else it is gone with all */
        log_error(AREA_IPVS, "services of a commit which was never stored may be left in %s: %s",
                  lefts->path ? lefts->path : "the agent's own network namespace",
                  strerrordesc_np(error ? error : result));
    ipvs_index_clear(&index);
    ipvs_table_clear(&desired);
    free(removal.ids);
}

void ipvs_unsettled_remove(const struct ipvs_directors *directors)
{
    struct lefts lefts = {0};
    size_t next;
    each_file(directors, &lefts, read_left);
    if (lefts.count > 1)
        qsort(lefts.list, lefts.count, sizeof *lefts.list, order_lefts);
    for (size_t i = 0; i < lefts.count; i = next) {
        for (next = i + 1; next < lefts.count; next++)
            if (!same_path(lefts.list[i].path, lefts.list[next].path))
                break;
        remove_in(directors, &lefts.list[i], next - i);
    }
    each_file(directors, NULL, delete_file); /* the last thing: an end on the way is made good */
    for (size_t i = 0; i < lefts.count; i++)
        free(lefts.list[i].path);
    free(lefts.list);
}
