/*
 * The version of keepalived that is installed.
 */
#ifndef NORIA_VRRP_VERSION_H
#define NORIA_VRRP_VERSION_H

#include <uv.h>

/** The oldest version that knows all that is generated: 2.2.0. */
#define VRRP_VERSION_MAJOR 2
#define VRRP_VERSION_MINOR 2

/**
 * What is to be said against the version that a keepalived states ("Keepalived v2.2.7
 * (01/16,2022)", as keepalived -v does). Pure; any thread.
 * @return NULL: nothing. Else a text, to be freed.
 */
char *vrrp_version_complaint(const char *said);

struct vrrp_program;

/**
 * Ask keepalived. Core thread.
 * @param done Called from the loop: complaint is NULL if it is there and new enough, else why not.
 * @return The program at work, which may be forgotten: done() is not called then. NULL for want of
 *         memory: neither is it.
 */
struct vrrp_program *vrrp_version_ask(uv_loop_t *loop,
                                      void (*done)(void *arg, const char *complaint), void *arg);

#endif
