/*
 * Network namespaces: to find them and to open sockets in them, without taking the caller there.
 *
 * A namespace is named by the path of a file that stands for it (nsfs), or by NULL: the process's
 * own. Any thread. Errors are errnos: 0 is success.
 */
#ifndef NORIA_IPVS_NAMESPACE_H
#define NORIA_IPVS_NAMESPACE_H

#include <stdbool.h>
#include <sys/types.h>

/** What tells a namespace from the others while it exists. */
struct ipvs_namespace_id {
    dev_t device;
    ino_t inode;
};

/**
 * The path of a namespace by its name as the configuration has it: a name of ip-netns(8) or a path.
 * @return To be freed; NULL for want of memory.
 */
char *ipvs_namespace_path(const char *name);

/**
 * Find a namespace.
 * @param[out] id Undefined after an error.
 * @return ENOENT: there is no such file, or it stands for no network namespace (yet).
 */
int ipvs_namespace_find(const char *path, struct ipvs_namespace_id *id);

/** Whether two are the same namespace. */
bool ipvs_namespace_same(const struct ipvs_namespace_id *a, const struct ipvs_namespace_id *b);

/**
 * Run a function in a namespace and wait for its end: on a thread of its own, which goes there, so
 * that the caller never does; directly if the path is NULL. What it opens stays in the namespace.
 * @param work What it returns is put into *result.
 * @return 0, or why the namespace could not be entered: ENOENT as above, EPERM (no CAP_SYS_ADMIN).
 */
int ipvs_namespace_run(const char *path, int (*work)(void *arg), void *arg, int *result);

#endif
