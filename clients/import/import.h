/*
 * An import: what other programs' files come to, as a tree of Noria's YANG modules, and what of
 * them could not be carried over.
 *
 * The tree is built piece by piece; a value that the modules do not have is left out, and noted
 * with its place. import_finish() takes out what the rules of the modules refuse, so that what
 * remains is always valid. One thread. Want of memory ends the program.
 */
#ifndef NORIA_IMPORT_H
#define NORIA_IMPORT_H

#include <libyang/libyang.h>
#include <stdbool.h>
#include <stddef.h>

#include "agent/datastore/schema.h"
#include "agent/outcome.h"

/** Where something stands in what is imported. */
struct place {
    const char *file; /**< Name of the file; belongs to the import. */
    unsigned line;    /**< From 1. */
};

/** Something that could not be carried over. */
struct leftover {
    struct place place;
    size_t order; /**< When it was noted. */
    char *text;   /**< What, and why. Owned. */
};

/** An import; begin it with import_begin(), end it with import_end(). */
struct import {
    const struct schema *schema;
    const char *config_id; /**< keepalived's --config-id, or NULL. */
    bool alone;            /**< Whether other files are never read (include). */
    struct lyd_node *tree; /**< The first of the top-level nodes, or NULL. Owned. */
    struct leftover *leftovers;
    size_t leftover_count, leftover_room;
    char **files; /**< Names that places refer to. Owned. */
    size_t file_count, file_room;
    struct place **places; /**< Of nodes, which refer to them by 'priv'. Owned. */
    size_t place_count, place_room;
};

/** Begin. @param schema Must outlive the import. */
void import_begin(struct import *import, const struct schema *schema);

/** Free what the import owns. */
void import_end(struct import *import);

/** Keep the name of a file as long as the import. @return The kept name. */
const char *import_file(struct import *import, const char *name);

/** Note what could not be carried over: "KEYWORD: why". No secret may be in it. */
void import_left(struct import *import, struct place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/**
 * Find or make a container.
 * @param parent NULL: the top level.
 * @param name "container" of the parent's module or "module:container"; "a/b" is b in a.
 * @return The container; belongs to the tree.
 */
struct lyd_node *import_container(struct import *import, struct place place,
                                  struct lyd_node *parent, const char *name);

/**
 * Make an entry of a list.
 * @param second The second key, NULL if the list has one.
 * @return The entry, or NULL if there is one with these keys or they are not as the module has
 * them; that is noted.
 */
struct lyd_node *import_entry(struct import *import, struct place place, struct lyd_node *parent,
                              const char *list, const char *first, const char *second);

/**
 * Set a leaf; a later value takes the place of an earlier one. For a leaf-list: add a value.
 * @param path Name, or "container/name", where containers are made; a name may be "module:name".
 * @return false if the value is not one that the leaf can have; that is noted.
 */
bool import_leaf(struct import *import, struct place place, struct lyd_node *parent,
                 const char *path, const char *value);

/** import_leaf() of a number. */
bool import_number(struct import *import, struct place place, struct lyd_node *parent,
                   const char *path, long value);

/** import_leaf() of a value that is not repeated where it is refused. */
bool import_secret(struct import *import, struct place place, struct lyd_node *parent,
                   const char *path, const char *value);

/** The child with a name, or NULL. */
struct lyd_node *import_find(const struct lyd_node *parent, const char *name);

/**
 * Validate, take out what is refused, note it, and sort what is noted.
 * @return FAILED only if the tree cannot be made valid, which is a defect.
 */
enum outcome import_finish(struct import *import, struct error *err);

/** Text for printf; ends the program for want of memory. @return To be freed. */
char *import_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Hand memory through, or end the program if there is none. */
void *import_need(void *memory);

/**
 * Make a name that Noria takes: what a name cannot hold becomes '_'.
 * @return To be freed.
 */
char *import_name(const char *from);

/* The formats. A text ends with NUL; 'file' is what places name. REFUSED: a syntax error that
 * cannot be gone on behind. */

/** keepalived.conf(5) and the files that it includes, from the folder of the file that names them.
 */
enum outcome import_keepalived(struct import *import, const char *text, const char *file,
                               struct error *err);

/** The output of ipvsadm -Sn, also with whole commands and long options. */
enum outcome import_ipvsadm(struct import *import, const char *text, const char *file,
                            struct error *err);

/** ldirectord(8), its configuration file. */
enum outcome import_ldirectord(struct import *import, const char *text, const char *file,
                               struct error *err);

#endif
