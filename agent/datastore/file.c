/*
 * Files that are whole or not there.
 */
#include "agent/datastore/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const char *file_advice(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
        return " (run noriad as root, or name a folder of yours)";
    case ENOENT:
        return " (make the folders above it, or name another one)";
    case EROFS:
        return " (mount it for writing, or name another one)";
    case ENOSPC:
        return " (make room there)";
    default:
        return "";
    }
}

bool file_write(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t written = write(fd, data, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        data += written;
        size -= (size_t)written;
    }
    return true;
}

int file_begin(int folder, const char *temporary)
{
    /* What a crash left behind may be anything, also a link. */
    unlinkat(folder, temporary, 0);
    return openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

bool file_end(int folder, const char *name, const char *temporary, int fd, bool whole)
{
    bool done = whole && !fsync(fd) && !renameat(folder, temporary, folder, name);
    int reason = errno;
    if (!done)
        unlinkat(folder, temporary, 0);
    close(fd);
    errno = reason;
    return done && !fsync(folder);
}

bool file_replace(int folder, const char *name, const char *temporary, const char *data,
                  size_t size)
{
    int fd = file_begin(folder, temporary);
    return fd >= 0 && file_end(folder, name, temporary, fd, file_write(fd, data, size));
}

bool file_remove(int folder, const char *name)
{
    if (unlinkat(folder, name, 0) && errno != ENOENT)
        return false;
    /* Also where it was gone: an earlier attempt may have ended between the two steps. */
    return !fsync(folder);
}

bool file_read(int fd, size_t limit, char **data, size_t *size)
{
    struct stat st;
    size_t have = 0;
    if (fstat(fd, &st))
        return false;
    if ((unsigned long long)st.st_size > limit) {
        errno = EFBIG;
        return false;
    }
    char *text = malloc((size_t)st.st_size + 1);
    while (text && have < (size_t)st.st_size) {
        ssize_t got = read(fd, text + have, (size_t)st.st_size - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            free(text);
            return false;
        }
        if (!got)
            break;
        have += (size_t)got;
    }
    if (!text)
        return false;
    text[have] = '\0';
    *data = text;
    *size = have;
    return true;
}
