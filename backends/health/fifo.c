#include "backends/health/fifo.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/log.h"

#define UNIT "/noria-health:health-engine/notify-fifo"
#define LINE_SIZE 512

struct fifo {
    char *path; /* owned */
    int fd;     /* open for reading, too, so that it never lacks a reader */
    bool full;  /* the last line was lost; logged once */
};

struct health_fifos {
    size_t count;
    struct fifo list[];
};

/* It belongs to the user, who alone may read it. @return 0 or an errno. */
static int make(const char *path, const char *user)
{
    char text[4096];
    struct passwd entry, *known = NULL;
    if (user && (getpwnam_r(user, &entry, text, sizeof(text), &known) || !known))
        return ESRCH;
    if (mkfifo(path, 0600) && errno != EEXIST)
        return errno;
    return known && lchown(path, known->pw_uid, known->pw_gid) ? errno : 0;
}

/* @return 0 or an errno. */
static int open_fifo(struct fifo *fifo)
{
    struct stat status;
    fifo->fd = open(fifo->path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
    if (fifo->fd < 0)
        return errno;
    return fstat(fifo->fd, &status) ? errno : S_ISFIFO(status.st_mode) ? 0 : EEXIST;
}

static enum outcome add(struct health_fifos *fifos, const struct lyd_node *node, struct error *err)
{
    struct fifo *fifo = &fifos->list[fifos->count++];
    const char *user = leaf_value(node, "user");
    struct stat status;
    fifo->fd = -1;
    fifo->path = strdup(leaf_value(node, "path"));
    if (!fifo->path)
        return fail_memory(err);
    bool other = !lstat(fifo->path, &status) && !S_ISFIFO(status.st_mode);
    int error = other ? EEXIST : make(fifo->path, user);
    if (!error)
        error = open_fifo(fifo);
    if (!error)
        return DONE;
    char *path = lyd_path(node, LYD_PATH_STD, NULL, 0);
    enum outcome outcome =
        error == EEXIST
            ? refuse(err, TAG_INVALID_VALUE, path,
                     "There is something else than a FIFO at %s: name another path.", fifo->path)
        : error == ESRCH
            ? refuse(err, TAG_INVALID_VALUE, path, "There is no user %s on this node.", user)
            : refuse(err, TAG_INVALID_VALUE, path, "The FIFO %s cannot be had: %s.", fifo->path,
                     strerror(error));
    free(path);
    return outcome;
}

enum outcome health_fifos_new(const struct schema *schema, const struct snapshot *snapshot,
                              struct health_fifos **fifos, struct error *err)
{
    const struct unit *unit = schema_unit_find(schema, UNIT);
    size_t count = 0, first = unit ? snapshot_range(snapshot, unit, &count) : 0;
    struct health_fifos *made = calloc(1, sizeof(*made) + count * sizeof(*made->list));
    enum outcome outcome = made ? DONE : fail_memory(err);
    for (size_t i = first; i < first + count && outcome == DONE; i++)
        outcome = add(made, snapshot->entries[i]->node, err);
    if (outcome == DONE)
        *fifos = made;
    else
        health_fifos_free(made);
    return outcome;
}

void health_fifos_free(struct health_fifos *fifos)
{
    for (size_t i = 0; fifos && i < fifos->count; i++) {
        if (fifos->list[i].fd >= 0)
            close(fifos->list[i].fd);
        free(fifos->list[i].path);
    }
    free(fifos);
}

static void write_line(struct health_fifos *fifos, const char *line)
{
    for (size_t i = 0; i < fifos->count; i++) {
        struct fifo *fifo = &fifos->list[i];
        bool lost = write(fifo->fd, line, strlen(line)) < 0;
        if (lost && !fifo->full)
            log_warning(AREA_HEALTH, "the FIFO %s loses lines: %s", fifo->path, strerror(errno));
        fifo->full = lost;
    }
}

/* "[192.0.2.1]:tcp:80", "FWM 7", "[NAME]:0" of a group. */
static void put_service(const struct health_service *service, char text[LINE_SIZE / 2])
{
    if (service->group)
        snprintf(text, LINE_SIZE / 2, "[%s]:0", service->name);
    else if (!strcmp(service->protocol, "fwm"))
        snprintf(text, LINE_SIZE / 2, "FWM %s", service->virtual_address);
    else
        snprintf(text, LINE_SIZE / 2, "[%s]:%s:%s", service->virtual_address, service->protocol,
                 service->virtual_port);
}

static struct health_fifos *fifos_of(const struct health_service *service)
{
    struct health_fifos *fifos = service->engine->fifos;
    return fifos && fifos->count ? fifos : NULL;
}

void fifo_server(const struct health_server *server, const struct health_occasion *occasion)
{
    const struct health_service *service = server->service;
    char line[LINE_SIZE], virtual[LINE_SIZE / 2];
    bool mark = !strcmp(service->protocol, "fwm");
    if (!fifos_of(service) || occasion->health == STEERING_UNCHECKED)
        return;
    put_service(service, virtual);
    snprintf(line, sizeof(line), "RS [%s]:%s:%u %s %s\n", server->address,
             mark ? "none" : service->protocol, server->port, virtual,
             occasion->health == STEERING_DOWN ? "DOWN" : "UP");
    write_line(fifos_of(service), line);
}

void fifo_quorum(const struct health_service *service, const struct health_quorum *quorum)
{
    char line[LINE_SIZE], virtual[LINE_SIZE / 2];
    if (!fifos_of(service))
        return;
    put_service(service, virtual);
    snprintf(line, sizeof(line), "VS %s %s\n", virtual, quorum->lost ? "DOWN" : "UP");
    write_line(fifos_of(service), line);
}
