/*
 * keepalived's record of what it has found of the things that are tracked, and of other masters:
 * a file that it writes when it is asked to, for what the dump (dump.h) does not have.
 */
#ifndef NORIA_VRRP_RECORD_H
#define NORIA_VRRP_RECORD_H

#include <stddef.h>

/** Name of the file, in the folder that TMPDIR names for keepalived. */
#define VRRP_RECORD "keepalived.data"

/** What something in the record is. */
enum vrrp_kind {
    VRRP_KIND_NONE,
    VRRP_KIND_INSTANCE,
    VRRP_KIND_SCRIPT,
    VRRP_KIND_FILE,
    VRRP_KIND_PROCESS,
    VRRP_KIND_BFD
};

/** Longest name or value in the record that counts. */
#define VRRP_RECORDED_MAX 96

/**
 * Read a record.
 * @param take Called for each line about something with a name: "Status", "GOOD"; a line that is no
 *             such pair is the name, and its value is empty.
 */
void vrrp_record_read(const char *text, size_t length,
                      void (*take)(enum vrrp_kind kind, const char *name, const char *field,
                                   const char *value, void *arg),
                      void *arg);

#endif
