/*
 * What the server can do, and whether that is what it could do when it last ran (RFC 6470, 2.2).
 *
 * Capabilities come from modules and features, so they change with the program: what an upgrade has
 * changed is told at the first start after it, to those who ask for past events, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/array.h"
#include "agent/datastore/file.h"
#include "agent/event/notices.h"
#include "agent/log.h"
#include "agent/netconf/internal.h"
#include "agent/netconf/text.h"

/* In the state folder: a capability a line. */
#define FILE_NAME "capabilities"
#define FILE_MAX ((size_t)1 << 20)

/* Capabilities, in the order in which the hello has them. */
struct set {
    char **all;
    size_t count, room;
};

static bool add(struct set *set, const char *capability, size_t length)
{
    if (!array_grow(&set->all, set->count, &set->room, sizeof(*set->all)))
        return false;
    set->all[set->count] = strndup(capability, length);
    return set->all[set->count] && ++set->count;
}

static void set_free(struct set *set)
{
    for (size_t i = 0; i < set->count; i++)
        free(set->all[i]);
    free(set->all);
}

static bool read_present(struct agent *agent, struct set *set)
{
    struct ly_ctx *ctx = agent->schema->ctx;
    const char **all = nc_server_get_cpblts(ctx);
    bool good = all != NULL;
    for (size_t i = 0; all && all[i]; i++) {
        good = good && add(set, all[i], strlen(all[i]));
        lydict_remove(ctx, all[i]);
    }
    free(all);
    return good;
}

/* Those of the last run; none where there was none. */
static bool read_past(int folder, struct set *set)
{
    char *data = NULL;
    size_t size;
    int fd = openat(folder, FILE_NAME, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT;
    bool good = file_read(fd, FILE_MAX, &data, &size);
    for (const char *line = data; good && *line;) {
        size_t length = strcspn(line, "\n");
        good = !length || add(set, line, length);
        line += length + (line[length] == '\n');
    }
    close(fd);
    free(data);
    return good;
}

static bool write_present(int folder, const struct set *set)
{
    struct text text = {0};
    for (size_t i = 0; i < set->count; i++) {
        text_add_string(&text, set->all[i]);
        text_add_string(&text, "\n");
    }
    bool good =
        !text.failed && file_replace(folder, FILE_NAME, FILE_NAME ".new", text.data, text.length);
    text_free(&text);
    return good;
}

/* Whether two are the same but for their parameters. */
static bool same_name(const char *a, const char *b)
{
    size_t length = strcspn(a, "?");
    return length == strcspn(b, "?") && !memcmp(a, b, length);
}

static const char *find(const struct set *set, const char *capability)
{
    for (size_t i = 0; i < set->count; i++)
        if (same_name(set->all[i], capability))
            return set->all[i];
    return NULL;
}

/* What of one set another lacks, and what has other parameters there. */
static size_t compare(const struct set *set, const struct set *with, const char *missing,
                      const char *modified, struct capability_change *changes)
{
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++) {
        const char *other = find(with, set->all[i]);
        if (!other)
            changes[count++] = (struct capability_change){missing, set->all[i]};
        else if (modified && strcmp(other, set->all[i]) != 0)
            changes[count++] = (struct capability_change){modified, set->all[i]};
    }
    return count;
}

static void tell(struct agent *agent, const struct set *past, const struct set *present)
{
    struct capability_change *changes = calloc(past->count + present->count + 1, sizeof(*changes));
    if (!changes)
        return;
    size_t count = compare(present, past, "added-capability", "modified-capability", changes);
    count += compare(past, present, "deleted-capability", NULL, changes + count);
    if (count) {
        log_notice(AREA_NETCONF, "%zu capabilities are not those of the last run", count);
        event_capability_change(agent, changes, count);
    }
    free(changes);
}

void capabilities_compare(struct agent *agent)
{
    struct set past = {0}, present = {0};
    int folder = open(agent->options.state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = folder >= 0 && read_past(folder, &past) && read_present(agent, &present);
    if (good && past.count)
        tell(agent, &past, &present);
    if (!good || !write_present(folder, &present))
        log_warning(AREA_NETCONF, "cannot keep the capabilities in %s/" FILE_NAME ": %s",
                    agent->options.state_dir, strerror(errno));
    set_free(&past);
    set_free(&present);
    if (folder >= 0)
        close(folder);
}
