/*
 * What keepalived writes into its FIFO, a line each (keepalived.conf(5), vrrp_notify_fifo). Pure
 * functions; any thread.
 */
#ifndef NORIA_VRRP_NOTICE_H
#define NORIA_VRRP_NOTICE_H

#include <stdbool.h>
#include <stddef.h>

/** States, as yang/noria-vrrp.yang numbers them. */
enum vrrp_state { VRRP_INITIALIZE = 1, VRRP_BACKUP, VRRP_MASTER, VRRP_FAULT };

/** Longest line that is understood; a longer one is passed over. */
#define VRRP_LINE_MAX 256

/** One line. */
struct vrrp_notice {
    bool group;            /**< About a group, else about an instance. */
    char name[65];         /**< Of it. */
    enum vrrp_state state; /**< That it has now. */
    int priority;          /**< Effective; -1 if the line does not say. */
    bool gone;             /**< It was deleted. */
    bool other_master;     /**< It is master, and hears another one of lower priority. */
};

/** Understand a line without its end. @return false if it says nothing that is understood. */
bool vrrp_notice_read(const char *line, struct vrrp_notice *notice);

/** Lines that come in pieces; zero-initialise before use. */
struct vrrp_lines {
    char held[VRRP_LINE_MAX];
    size_t length;
    bool too_long; /**< The rest of this line is passed over. */
};

/**
 * Take octets, and hand over every line that is whole.
 * @param take Called for each; it may be called with nonsense.
 */
void vrrp_lines_take(struct vrrp_lines *lines, const char *data, size_t length,
                     void (*take)(const char *line, void *arg), void *arg);

/** The name of a state, "master". A static string. */
const char *vrrp_state_name(enum vrrp_state state);

#endif
