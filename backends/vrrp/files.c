/*
 * The agent's own tracked files.
 */
#include "backends/vrrp/files.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Written in place: keepalived watches the file itself, and reads it when it is closed. */
bool vrrp_file_set(const char *folder, const char *kind, const char *name, int value)
{
    char path[PATH_MAX], text[16];
    snprintf(path, sizeof(path), "%s/%s.%s", folder, kind, name);
    int length = snprintf(text, sizeof(text), "%d\n", value);
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
