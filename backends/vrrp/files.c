/*
 * The agent's own tracked files.
 */
#include "backends/vrrp/files.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool holds(const char *path, const char *text, int length)
{
    char held[16];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, held, sizeof(held)) : -1;
    if (fd >= 0)
        close(fd);
    return got == length && !memcmp(held, text, (size_t)length);
}

/* One that is right is not touched: keepalived would read hundreds of them for nothing.
 * Written in place: keepalived watches the file itself, and reads it when it is
 * closed. */
bool vrrp_file_set(const char *folder, const char *kind, const char *name, int value)
{
    char path[PATH_MAX], text[16];
    snprintf(path, sizeof(path), "%s/%s.%s", folder, kind, name);
    int length = snprintf(text, sizeof(text), "%d\n", value);
    if (holds(path, text, length))
        return true;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool whole = write(fd, text, (size_t)length) == length;
    return close(fd) == 0 && whole;
}

void vrrp_file_remove(const char *folder, const char *kind, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s.%s", folder, kind, name);
    unlink(path);
}
