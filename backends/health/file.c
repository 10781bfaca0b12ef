/*
 * Files that are followed: a number in a file makes a check pass or fail, or changes the weight.
 *
 * The file is read when it is time, and when inotify(7) says that it has changed: its folder is
 * watched, so that a file may come, go and be replaced.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/datastore/entry.h"
#include "backends/health/checkers.h"
#include "backends/health/poller.h"
#include "backends/health/tracked.h"

#define CHANGES (IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)

/* What all of them share. */
struct followers {
    struct health_poller *poller;
    struct health_watch watch; /* of inotify; fd -1: it is not to be had */
    struct follower *first;
};

struct follower {
    struct followers *followers; /* NULL before the first run; then it is in the list */
    struct follower *next, **link;
    struct check_job *job;
    char *path, *folder;
    const char *name; /* in path */
    int watched;      /* inotify's number of the folder, or -1 */
    int32_t weight;
    bool reverse;
    bool absent; /* what counts is whether it is there */
};

static void note_change(const struct followers *followers, const struct inotify_event *event)
{
    for (struct follower *one = followers->first; one; one = one->next) {
        if (one->watched != event->wd)
            continue;
        if (event->mask & IN_IGNORED)
            one->watched = -1; /* the folder is gone */
        if (!event->len || !strcmp(event->name, one->name))
            check_again(one->job);
    }
}

static void changed(struct health_watch *watch, uint32_t events)
{
    const struct followers *followers = watch->arg;
    _Alignas(struct inotify_event) char buffer[4096];
    ssize_t size = read(watch->fd, buffer, sizeof(buffer));
    for (ssize_t at = 0; at < size;) {
        const struct inotify_event *event = (const struct inotify_event *)(buffer + at);
        note_change(followers, event);
        at += (ssize_t)(sizeof(*event) + event->len);
    }
}

static void *followers_begin(struct health_poller *poller, uv_loop_t *loop)
{
    struct followers *followers = calloc(1, sizeof(*followers));
    if (!followers)
        return NULL;
    followers->poller = poller;
    followers->watch = (struct health_watch){.ready = changed, .arg = followers};
    followers->watch.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (followers->watch.fd >= 0 && health_watch_start(poller, &followers->watch, EPOLLIN))
        health_watch_close(poller, &followers->watch);
    return followers;
}

static void followers_end(void *shared)
{
    struct followers *followers = shared;
    health_watch_close(followers->poller, &followers->watch);
    free(followers);
}

static void follow(struct follower *follower, struct check_job *job)
{
    struct followers *followers = job->shared;
    if (!follower->followers) {
        follower->followers = followers;
        follower->job = job;
        follower->next = followers->first;
        follower->link = &followers->first;
        if (follower->next)
            follower->next->link = &follower->next;
        followers->first = follower;
    }
    if (follower->watched < 0 && followers->watch.fd >= 0)
        follower->watched = inotify_add_watch(followers->watch.fd, follower->folder, CHANGES);
}

/* @return A descriptor; -1 if there is no file, -2 if the run has ended. */
static int open_file(struct check_job *job, const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return -1;
    if (fd < 0) {
        check_end_errno(job, "open", errno);
        return -2;
    }
    if (!fstat(fd, &status) && S_ISREG(status.st_mode))
        return fd;
    close(fd);
    check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "%s is not a regular file", path);
    return -2;
}

static void end_with(struct check_job *job, int64_t number)
{
    const struct follower *follower = job->parameters;
    if (follower->weight)
        check_end_adjust(job, tracked_product(number, follower->weight, follower->reverse));
    else if ((number != 0) == follower->reverse)
        check_pass(job);
    else
        check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "%s holds %lld", follower->path,
                  (long long)number);
}

/* Whether a file is there, and not what it holds. */
static void look_for(struct check_job *job, const struct follower *follower)
{
    bool there = !access(follower->path, F_OK);
    if (!there && errno != ENOENT && errno != ENOTDIR)
        check_end_errno(job, "access", errno);
    else if (there == follower->reverse)
        check_pass(job);
    else
        check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "%s is %sthere", follower->path,
                  there ? "" : "not ");
}

static void file_start(struct check_job *job)
{
    struct follower *follower = job->parameters;
    char text[64];
    int64_t number = 0;
    follow(follower, job); /* first, so that no change is missed */
    if (follower->absent) {
        look_for(job, follower);
        return;
    }
    int fd = open_file(job, follower->path);
    if (fd == -2)
        return;
    ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof(text));
    if (fd >= 0)
        close(fd);
    if (size < 0)
        check_end_errno(job, "read", errno);
    else if (!tracked_number(text, (size_t)size, &number))
        check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "%s does not hold a whole number",
                  follower->path);
    else
        end_with(job, number);
}

/* A run ends where it starts. */
static void file_cancel(struct check_job *job)
{
}

static void file_free(void *parameters)
{
    struct follower *follower = parameters;
    if (follower->followers) {
        *follower->link = follower->next;
        if (follower->next)
            follower->next->link = follower->link;
    }
    free(follower->path);
    free(follower->folder);
    free(follower);
}

static enum outcome file_parse(const struct lyd_node *config, struct check_target *target,
                               void **parameters, struct error *err)
{
    const char *path = leaf_value(config, "path");
    struct follower *follower = *parameters = calloc(1, sizeof(*follower));
    if (!follower)
        return fail_memory(err);
    follower->watched = -1;
    follower->path = strdup(path);
    follower->folder = strndup(path, (size_t)(strrchr(path, '/') - path) + 1);
    if (!follower->path || !follower->folder)
        return fail_memory(err);
    follower->name = strrchr(follower->path, '/') + 1;
    follower->weight = (int32_t)strtol(leaf_value(config, "weight"), NULL, 10);
    follower->reverse = !strcmp(leaf_value(config, "reverse"), "true");
    follower->absent = !strcmp(leaf_value(config, "absent"), "true");
    return DONE;
}

const struct checker file_checker = {
    .name = "file",
    .portless = true,
    .begin = followers_begin,
    .end = followers_end,
    .parse = file_parse,
    .free_parameters = file_free,
    .start = file_start,
    .cancel = file_cancel,
};
