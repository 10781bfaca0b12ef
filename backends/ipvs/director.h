/*
 * One director: an engine at work, with the comparisons of its table. How it comes, follows its
 * namespace and goes.
 *
 * Core thread.
 */
#ifndef NORIA_IPVS_DIRECTOR_H
#define NORIA_IPVS_DIRECTOR_H

#include "backends/ipvs/engine.h"

/**
 * The path of the namespace that a director's configuration names.
 * @param node Its instance. @param[out] path To be freed; NULL: our own.
 * @return Whether there was memory.
 */
bool ipvs_director_path(const struct lyd_node *node, char **path);

/**
 * Make a director; it is down and does nothing, and is in no set.
 * @param path Of its namespace, taken, also on failure; NULL: our own.
 * @return To be ended with ipvs_director_close(); NULL for want of memory.
 */
struct ipvs_engine *ipvs_director_new(struct ipvs_directors *directors, const char *name,
                                      char *path);

/** End a director, and give its maker's reference back; the kernel's services go on. NULL is legal.
 */
void ipvs_director_close(struct ipvs_engine *engine);

/**
 * Open a socket, and do no more: what follows decides what to do. Sets the status down and begins
 * to retry if it cannot; does nothing if the engine has a socket.
 * @return Whether it has a socket now.
 */
bool ipvs_director_open(struct ipvs_engine *engine);

/** Set the status down: the namespace is that of another director, which has its name. */
void ipvs_director_collide(struct ipvs_engine *engine, const char *other);

/**
 * Bring the director up: open a socket and make the kernel hold what the running configuration
 * says. Sets the status up or down; while it is down, this is tried again every few seconds.
 */
void ipvs_director_connect(struct ipvs_engine *engine);

/** Look whether the namespace has come, gone or been replaced by another, and follow it. */
void ipvs_director_follow(struct ipvs_engine *engine);

#endif
