/*
 * The file 'acknowledged' of the state folder: the last revision whose commit was acknowledged.
 *
 * A record at the end of the journal that cannot be read may have been cut short by a crash, or may
 * be damaged. In the first case nobody was told that its commit is safe; in the second somebody
 * was, and must be told that it is not. This file tells the two apart, and it is a file of its own
 * so that what damages the one hardly damages the other.
 *
 * It is written after the journal is on stable storage and before the commit is acknowledged, but
 * it is not waited for: it outlives the agent at once, and the machine when the kernel has written
 * it, within half a minute or so. It never says more than is true.
 *
 * One thread at a time.
 */
#ifndef NORIA_DATASTORE_ACKNOWLEDGED_H
#define NORIA_DATASTORE_ACKNOWLEDGED_H

#include <stdbool.h>
#include <stdint.h>

#define ACKNOWLEDGED_FILE "acknowledged"

/**
 * Open the file, which is made if it is missing.
 * @param folder Descriptor of the folder.
 * @param[out] revision 0 if the file says nothing or is damaged.
 * @return A descriptor, or -1 with errno.
 */
int acknowledged_open(int folder, uint64_t *revision);

/** Note a revision. @return false with errno: what the file says may be too old, or nothing. */
bool acknowledged_write(int fd, uint64_t revision);

#endif
