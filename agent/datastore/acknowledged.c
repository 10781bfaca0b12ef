/*
 * The last revision that was acknowledged.
 */
#include "agent/datastore/acknowledged.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/datastore/record.h"

/* One record, always as long, in one sector of a disk: overwritten whole or not at all. */
#define WORD "acknowledged "
#define PAYLOAD_SIZE (sizeof(WORD) - 1 + 20 + 1)
#define FILE_SIZE (RECORD_HEADER_SIZE + PAYLOAD_SIZE)

int acknowledged_open(int folder, uint64_t *revision)
{
    char data[FILE_SIZE + 1] = {0};
    size_t length;
    *revision = 0;
    int fd = openat(folder, ACKNOWLEDGED_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    if (pread(fd, data, FILE_SIZE, 0) == FILE_SIZE &&
        record_check((unsigned char *)data, FILE_SIZE, &length) && length == PAYLOAD_SIZE)
        *revision = strtoull(data + RECORD_HEADER_SIZE + strlen(WORD), NULL, 10);
    return fd;
}

bool acknowledged_write(int fd, uint64_t revision)
{
    char data[FILE_SIZE + 1];
    char *payload = data + RECORD_HEADER_SIZE;
    snprintf(payload, PAYLOAD_SIZE + 1, WORD "%020" PRIu64 "\n", revision);
    record_header((unsigned char *)data, payload, PAYLOAD_SIZE);
    return pwrite(fd, data, FILE_SIZE, 0) == FILE_SIZE;
}
