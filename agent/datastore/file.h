/*
 * Files that are whole or not there: written beside their place, made durable, and renamed.
 *
 * Any thread; errno says why something did not work.
 */
#ifndef NORIA_DATASTORE_FILE_H
#define NORIA_DATASTORE_FILE_H

#include <stdbool.h>
#include <stddef.h>

/** What to do about an errno of a folder, to follow its text; "" where that is plain. */
const char *file_advice(int error);

/** write(2) until all is written. @return false with errno. */
bool file_write(int fd, const char *data, size_t size);

/**
 * Put a file in place, mode 0600, durable on return.
 * @param folder Descriptor of the folder.
 * @param temporary Name of a file in the same folder that no other thread uses meanwhile.
 * @return false with errno: what was there before still is.
 */
bool file_replace(int folder, const char *name, const char *temporary, const char *data,
                  size_t size);

/** Begin a file that is to be written piece by piece. @return A descriptor, or -1 with errno. */
int file_begin(int folder, const char *temporary);

/**
 * End it: put it in place of another, durable on return.
 * @param fd Closed.
 * @param whole Whether all of it was written; else errno says why not, and it is removed.
 * @return false with errno: what was there before still is.
 */
bool file_end(int folder, const char *name, const char *temporary, int fd, bool whole);

/** Remove a file, durable on return; one that is not there is no error. @return false with errno.
 */
bool file_remove(int folder, const char *name);

/**
 * Read a whole file and put a zero byte after it.
 * @param[out] data To be freed.
 * @return false with errno; EFBIG if it is larger than the limit.
 */
bool file_read(int fd, size_t limit, char **data, size_t *size);

#endif
