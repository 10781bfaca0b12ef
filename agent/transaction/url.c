/*
 * Configurations in files that a client names by URL.
 */
#include "agent/transaction/url.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/datastore/document.h"
#include "agent/datastore/file.h"
#include "agent/transaction/transaction.h"

#define TEMPORARY ".noria.new"
#define NAME_MOST 255

/* One writer at a time, because of the temporary file. */
static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;

/* A file that was found: its folder is open, its name is the last one of the URL. */
struct place {
    const char *url;
    int folder;
    char *path; /* of all names, decoded; owned */
    const char *name;
};

static enum outcome refuse_url(struct error *err, enum error_tag tag, const char *url,
                               const char *why)
{
    refuse(err, tag, NULL, "%.200s: %s", url, why);
    if (err && !err->element)
        err->element = strdup("url");
    return REFUSED;
}

/* What went wrong with a file, as the asker's fault where it is. */
static enum outcome refuse_file(struct error *err, const struct place *place, int reason)
{
    switch (reason) {
    case ENOENT:
        return refuse_url(err, TAG_DATA_MISSING, place->url,
                          "there is no such file or folder below the url-directory.");
    case ELOOP:
    case ENOTDIR:
    case EISDIR:
    case ENXIO:
        return refuse_url(err, TAG_INVALID_VALUE, place->url,
                          "only regular files can be named, and no links.");
    case EFBIG:
        return refuse_url(err, TAG_RESOURCE_DENIED, place->url, "the file is too large.");
    default:
        return fail(err, TAG_OPERATION_FAILED, NULL, "%.200s: %s.", place->url, strerror(reason));
    }
}

static int hex(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* The path of a URL without its first slash, %XX decoded, or NULL. */
static char *decode(const char *path)
{
    char *decoded = malloc(strlen(path) + 1), *to = decoded;
    for (; decoded && *path; path++) {
        char c = *path;
        if (c == '%') {
            if (!isxdigit((unsigned char)path[1]) || !isxdigit((unsigned char)path[2]))
                goto bad;
            c = (char)(hex(path[1]) << 4 | hex(path[2]));
            path += 2;
            if (c == '/')
                goto bad;
        } else if (c == '?' || c == '#') {
            goto bad;
        }
        if ((unsigned char)c < ' ' || c == 127)
            goto bad;
        *to++ = c;
    }
    if (decoded)
        *to = '\0';
    return decoded;
bad:
    free(decoded);
    return NULL;
}

/* RFC 8089: file:/path, file:///path, file://localhost/path. */
static const char *path_of(const char *url)
{
    static const char *const beginnings[] = {"file:///", "file://localhost/", "file:/"};
    for (size_t i = 0; i < 3; i++)
        if (!strncasecmp(url, beginnings[i], strlen(beginnings[i])))
            return url + strlen(beginnings[i]);
    return NULL;
}

static bool names_are_plain(const char *path)
{
    for (;; path++) {
        size_t length = strcspn(path, "/");
        if (!length || length > NAME_MOST || *path == '.')
            return false;
        path += length;
        if (!*path)
            return true;
    }
}

static char *folder_of(struct agent *agent)
{
    const struct unit *unit = schema_unit_find(agent->schema, "/noria-agent:netconf-server");
    struct snapshot *running = agent_running(agent);
    const struct entry *entry = unit ? snapshot_find(running, unit, "") : NULL;
    const char *value = entry ? leaf_value(entry->node, "url-directory") : NULL;
    char *folder = value ? strdup(value) : NULL;
    snapshot_unref(running);
    return folder;
}

static enum outcome open_root(const char *folder, bool make, const struct place *place, int *fd,
                              struct error *err)
{
    struct stat st;
    if (make && mkdir(folder, 0700) && errno != EEXIST)
        return fail(err, TAG_OPERATION_FAILED, NULL, "Cannot make the url-directory %s: %s.",
                    folder, strerror(errno));
    *fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*fd < 0 && errno == ENOENT)
        return refuse_file(err, place, ENOENT);
    if (*fd < 0 || fstat(*fd, &st))
        return fail(err, TAG_OPERATION_FAILED, NULL, "Cannot open the url-directory %s: %s.",
                    folder, strerror(errno));
    if (st.st_uid == geteuid() && !(st.st_mode & 022))
        return DONE;
    return fail(err, TAG_OPERATION_FAILED, NULL,
                "The url-directory %s is not used: others can write there (it must belong to the "
                "agent's user, with mode 0755 or less).",
                folder);
}

/* Go down name by name: no name is "..", and no link is followed, so it never leaves the root. */
static enum outcome descend(struct place *place, struct error *err)
{
    char *name = place->path, *slash;
    for (; (slash = strchr(name, '/')); name = slash + 1) {
        *slash = '\0';
        int next = openat(place->folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int reason = errno;
        close(place->folder);
        place->folder = next;
        if (next < 0)
            return refuse_file(err, place, reason);
    }
    place->name = name;
    return DONE;
}

static void leave(struct place *place)
{
    if (place->folder >= 0)
        close(place->folder);
    free(place->path);
}

static enum outcome find(struct agent *agent, const char *url, bool make, struct place *place,
                         struct error *err)
{
    *place = (struct place){.url = url, .folder = -1};
    const char *path = path_of(url);
    if (!path)
        return refuse_url(err, TAG_INVALID_VALUE, url,
                          "only file:///NAME can be used here (capability url, scheme file).");
    place->path = decode(path);
    if (!place->path || !names_are_plain(place->path))
        return refuse_url(err, TAG_INVALID_VALUE, url,
                          "names of files and folders must not be empty or begin with a dot, "
                          "and hold no control characters.");
    char *folder = folder_of(agent);
    enum outcome outcome =
        folder ? open_root(folder, make, place, &place->folder, err) : fail_memory(err);
    if (outcome == DONE)
        outcome = descend(place, err);
    free(folder);
    return outcome;
}

static enum outcome check_regular(const struct place *place, bool must_be, struct error *err)
{
    struct stat st;
    if (fstatat(place->folder, place->name, &st, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT && !must_be ? DONE : refuse_file(err, place, errno);
    return S_ISREG(st.st_mode) ? DONE : refuse_file(err, place, ELOOP);
}

static enum outcome read_text(const struct place *place, char **text, struct error *err)
{
    struct stat st;
    size_t size;
    enum outcome outcome = DONE;
    /* Not to wait where a pipe was put. */
    int fd = openat(place->folder, place->name,
                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return refuse_file(err, place, errno);
    if (fstat(fd, &st) || !S_ISREG(st.st_mode))
        outcome = refuse_file(err, place, ELOOP);
    else if (!file_read(fd, URL_FILE_MAX, text, &size))
        outcome = refuse_file(err, place, errno);
    else if (strlen(*text) != size)
        outcome = refuse_url(err, TAG_INVALID_VALUE, place->url, "the file is not text.");
    close(fd);
    return outcome;
}

enum outcome url_read(struct agent *agent, const char *url, struct lyd_node **owner,
                      struct lyd_node **config, struct error *err)
{
    struct place place;
    char *text = NULL;
    *owner = NULL;
    enum outcome outcome = find(agent, url, false, &place, err);
    if (outcome == DONE)
        outcome = read_text(&place, &text, err);
    if (outcome == DONE)
        outcome = document_read(agent->schema, text, owner, config, err);
    free(text);
    leave(&place);
    return outcome;
}

enum outcome url_write(struct agent *agent, const char *url, const struct snapshot *snapshot,
                       struct error *err)
{
    struct place place;
    char *xml = NULL;
    size_t size = 0;
    enum outcome outcome = find(agent, url, true, &place, err);
    if (outcome == DONE)
        outcome = check_regular(&place, false, err);
    if (outcome == DONE)
        outcome = document_write(agent->schema, snapshot, &xml, &size, err);
    if (outcome == DONE) {
        pthread_mutex_lock(&writing);
        if (!file_replace(place.folder, place.name, TEMPORARY, xml, size))
            outcome = refuse_file(err, &place, errno);
        pthread_mutex_unlock(&writing);
    }
    free(xml);
    leave(&place);
    return outcome;
}

enum outcome url_delete(struct agent *agent, const char *url, struct error *err)
{
    struct place place;
    enum outcome outcome = find(agent, url, false, &place, err);
    if (outcome == DONE)
        outcome = check_regular(&place, true, err);
    if (outcome == DONE && !file_remove(place.folder, place.name))
        outcome = refuse_file(err, &place, errno);
    leave(&place);
    return outcome;
}
