/*
 * Trees that many threads read.
 *
 * libyang keeps a hash table of a node's children, and its look-ups write into it: they put another
 * function in for a while. So trees that threads share have none; libyang then looks at one child
 * after the other. Beside, the tables take more memory than the nodes of a small entry.
 */
#ifndef NORIA_DATASTORE_PLAIN_H
#define NORIA_DATASTORE_PLAIN_H

#include <libyang/libyang.h>
#include <stdbool.h>

/**
 * Take the hash table from one node.
 * @param node Of a tree of this thread's own, whose top is a container or a notification.
 * @return false for want of memory.
 */
bool plain_node(struct lyd_node *node);

/** plain_node() of a node and of all below it. */
bool plain_tree(struct lyd_node *tree);

#endif
