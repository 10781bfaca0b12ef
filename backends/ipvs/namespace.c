#include "backends/ipvs/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define OWN "/proc/self/ns/net"

char *ipvs_namespace_path(const char *name)
{
    char *path;
    if (strchr(name, '/'))
        return strdup(name);
    return asprintf(&path, "/run/netns/%s", name) < 0 ? NULL : path;
}

/*
 * Open the file of a namespace. Where 'ip netns add' is at work, the file is there before the
 * namespace is mounted over it.
 */
static int open_file(const char *path, int *fd)
{
    struct statfs filesystem;
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0)
        return errno == ENOTDIR || errno == ENXIO ? ENOENT : errno;
    if (fstatfs(*fd, &filesystem) == 0 && filesystem.f_type == NSFS_MAGIC)
        return 0;
    close(*fd);
    return ENOENT;
}

int ipvs_namespace_find(const char *path, struct ipvs_namespace_id *id)
{
    struct stat status;
    int fd, error = open_file(path ? path : OWN, &fd);
    if (error)
        return error;
    error = fstat(fd, &status) < 0 ? errno : 0;
    close(fd);
    *id = (struct ipvs_namespace_id){status.st_dev, status.st_ino};
    return error;
}

bool ipvs_namespace_same(const struct ipvs_namespace_id *a, const struct ipvs_namespace_id *b)
{
    return a->device == b->device && a->inode == b->inode;
}

/* A visit to a namespace. */
struct visit {
    const char *path;
    int (*work)(void *arg);
    void *arg;
    int error; /* of going there */
    int result;
};

static void *go(void *data)
{
    struct visit *visit = data;
    int fd;
    visit->error = open_file(visit->path, &fd);
    if (visit->error)
        return NULL;
    /* A namespace of another kind is none that we look for. */
    if (setns(fd, CLONE_NEWNET) < 0)
        visit->error = errno == EINVAL ? ENOENT : errno;
    close(fd);
    if (!visit->error)
        visit->result = visit->work(visit->arg);
    return NULL;
}

int ipvs_namespace_run(const char *path, int (*work)(void *arg), void *arg, int *result)
{
    struct visit visit = {.path = path, .work = work, .arg = arg};
    pthread_t thread;

    if (!path) {
        *result = work(arg);
        return 0;
    }
    int error = pthread_create(&thread, NULL, go, &visit);
    if (error)
        return error;
    pthread_join(thread, NULL);
    *result = visit.result;
    return visit.error;
}
