/*
 * A generation of keepalived.conf(5) at work, for the files that write its parts. Any thread.
 */
#ifndef NORIA_VRRP_GENERATION_H
#define NORIA_VRRP_GENERATION_H

#include <stdio.h>

#include "backends/vrrp/generate.h"

/** What is at work. */
struct generation {
    const struct schema *schema;
    const struct snapshot *snapshot;
    const char *folder;
    const struct vrrp_slice *slice; /**< NULL: all of it is written. */
    const struct vrrp_memo *memo;   /**< Of the last time. NULL: none. */
    struct vrrp_memo next;          /**< Of this time. */
    FILE *out;
    size_t instances;
    bool agent_tracked; /**< Something tracks the agent. */
};

/** A leaf and the keyword that it is written with. */
struct vrrp_keyword {
    const char *leaf;
    const char *keyword;
};

/** Whether a leaf is there and true. */
bool vrrp_is_true(const struct lyd_node *node, const char *leaf);

/** Whether a node has a name. */
bool vrrp_is_child(const struct lyd_node *node, const char *name);

/** Room for the name of an interface. */
#define VRRP_INTERFACE_ROOM 16

/**
 * The name of an instance's ipvlan, which keepalived is always told: left alone, it places the
 * addresses on the interface below.
 * @return name; NULL: the instance has none.
 */
const char *vrrp_ipvlan_of(const struct lyd_node *instance, char name[VRRP_INTERFACE_ROOM]);

/** The entries of a list. @return Where they begin in the snapshot; *count is how many. */
size_t vrrp_range_of(const struct generation *generation, const char *path, size_t *count);

/** A line 'keyword value', if the leaf is there. */
void vrrp_write_word(const struct generation *generation, const char *keyword,
                     const struct lyd_node *node, const char *leaf);

/** The same, with the value in quotes. */
void vrrp_write_quoted(const struct generation *generation, const char *keyword,
                       const struct lyd_node *node, const char *leaf);

/** A line 'keyword', if the leaf is true. */
void vrrp_write_flag(const struct generation *generation, const char *keyword,
                     const struct lyd_node *node, const char *leaf);

/** Each of a table of words, if its leaf is there; a table ends with {0}. */
void vrrp_write_words(const struct generation *generation, const struct lyd_node *node,
                      const struct vrrp_keyword *words);

/** ' keyword value' within a line, of each of a table, if its leaf is there. */
void vrrp_write_parts(const struct generation *generation, const struct lyd_node *node,
                      const struct vrrp_keyword *parts);

/** ' keyword' within a line, of each of a table, if its leaf is true. */
void vrrp_write_flags(const struct generation *generation, const struct lyd_node *node,
                      const struct vrrp_keyword *flags);

/** A block of all instances of a list below a node, by a function of its own; none if there are
 * none.
 */
void vrrp_write_each(const struct generation *generation, const struct lyd_node *node,
                     const char *list, const char *block,
                     void (*write)(const struct generation *, const struct lyd_node *));

/** All entries of a list, by a function of its own. */
void vrrp_write_list(const struct generation *generation, const char *path,
                     void (*write)(const struct generation *, const struct lyd_node *));

/* generate_tracked.c: what is tracked, and who tracks it. */

/** Scripts, files, processes, sessions, and the agent's own files. */
void vrrp_write_tracked(const struct generation *generation);

/**
 * What an instance or a group tracks.
 * @param order Its kind of file for orders (files.h). @param weighted Whether that counts as it is.
 */
void vrrp_write_tracking(const struct generation *generation, const struct lyd_node *node,
                         const char *order, bool weighted);

/** A file of the agent's own, which keepalived reads what the agent knows from. */
void vrrp_write_own_file(const struct generation *generation, const char *kind, const char *name);

/* generate_placed.c: what goes where the master is, and what is static. */

/** The addresses, routes and rules of an instance. */
void vrrp_write_placed(const struct generation *generation, const struct lyd_node *node);

/** The static ones, and the groups that track them. */
void vrrp_write_static(const struct generation *generation);

/* generate_globals.c */

/** All that is not about an instance or a group. */
void vrrp_write_globals(const struct generation *generation);

#endif
