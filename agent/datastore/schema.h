/*
 * The YANG modules that the agent serves, and how their data is cut into units.
 *
 * A unit is what is stored, validated and applied as one piece: an instance of a list that is a
 * child of a top-level container (a virtual server, a user), or the rest of a top-level container.
 * So a change costs what the touched instances cost, however many there are.
 *
 * Made once at start and constant from then on: any thread may read it.
 */
#ifndef NORIA_DATASTORE_SCHEMA_H
#define NORIA_DATASTORE_SCHEMA_H

#include <libyang/libyang.h>
#include <stdbool.h>
#include <stddef.h>

#include "agent/datastore/fingerprint.h"
#include "agent/datastore/rules.h"
#include "agent/outcome.h"

struct sample;

/** A kind of piece that the configuration is cut into. */
struct unit {
    const struct lysc_node *top;  /**< The top-level container. */
    const struct lysc_node *list; /**< The list that it is an instance of; NULL: the rest of top. */
    size_t rank;                  /**< Place among all units; snapshots are ordered by it. */
    bool config;                  /**< Whether it holds configuration; else it is state alone. */
    char *path;                   /**< Path of the list or container, "/module:top/list". Owned. */
};

/** The modules and their units. */
struct schema {
    struct ly_ctx *ctx; /**< Owned. */
    struct unit *units; /**< By rank. Owned. */
    size_t unit_count;
    struct unit_rules *rules; /**< Rules that reach beyond an entry, by the unit's rank. Owned. */
    char fingerprint[FINGERPRINT_SIZE]; /**< Of the modules. */
};

/**
 * Load the modules: those of the agent and the standard ones that NETCONF needs.
 * @param search Folders with YANG modules, ended by NULL.
 * @param with_null Also noria-null, the module of the null backend (tests).
 * @param[out] schema To be freed with schema_free().
 */
enum outcome schema_load(const char *const *search, bool with_null, struct schema **schema,
                         struct error *err);

/** Have paths in access control rules be all that RFC 8341 lets them be; for schema_load(). */
enum outcome schema_relax_paths(struct ly_ctx *ctx, const struct sample *sample, struct error *err);

/** Make values of unions cost less, as addresses; for schema_load(). */
void schema_quicken_values(struct ly_ctx *ctx, const struct sample *sample);

/** Free a schema, after all data that uses it; NULL is legal. */
void schema_free(struct schema *schema);

/** The unit that holds the children of a top-level container that are in no unit list, or NULL. */
const struct unit *schema_unit_of_top(const struct schema *schema, const struct lysc_node *top);

/** The unit of the instances of a list below a top-level container, or NULL if it is none. */
const struct unit *schema_unit_of_list(const struct schema *schema, const struct lysc_node *list);

/**
 * The unit's own node that a node of a tree is, or is in.
 * @param[out] unit The unit; NULL: it is in none.
 * @return That node; without a unit the top of the tree.
 */
const struct lyd_node *schema_own_node(const struct schema *schema, const struct lyd_node *node,
                                       const struct unit **unit);

/** The unit with a path ("/noria-virtual-server:virtual-servers/virtual-server"), or NULL. */
const struct unit *schema_unit_find(const struct schema *schema, const char *path);

/** Whether a node, or one above it, carries an extension of ietf-netconf-acm (RFC 8341, 3.7.3). */
bool schema_is_marked(const struct lysc_node *node, const char *extension);

/**
 * What libyang says of a value, without the value if that is for nobody's eyes: for the log, too.
 * @param node What the value is of; NULL: that is not known.
 * @return To be freed; NULL for want of memory.
 */
char *schema_told_of_value(const struct lysc_node *node, const char *message);

/**
 * What a value of a leaf may be, for behind what libyang says of one that may not. schema_words.c
 * @param message What libyang says.
 * @return To be freed; NULL: that is nothing short, or there is no memory.
 */
char *schema_allowed(const struct lysc_node *node, const char *message);

/** The node at a path that goes through choices and cases, as libyang tells it, or NULL. */
const struct lysc_node *schema_node_at(const struct ly_ctx *ctx, const char *path);

/** That a node, or any of a choice's, is missing. @return To be freed; NULL for want of memory. */
char *schema_told_of_missing(const struct lysc_node *missing);

/**
 * Where it is missing in a tree: the path that it would have there.
 * @return To be freed; NULL: it is nowhere missing, or there is no memory.
 */
char *schema_path_of_missing(const struct lyd_node *tree, const struct lysc_node *missing);

/**
 * Turn what libyang first said on this thread into an error, and forget what it said. It tells no
 * value that is a secret.
 * @param instance Path of the data at hand, for errors that name none; may be NULL.
 * @param fallback Message if libyang said nothing.
 * @return REFUSED.
 */
enum outcome schema_refuse(const struct schema *schema, const char *instance, struct error *err,
                           const char *fallback);

/** The same of a tree: what misses something is looked for in it. @param tree May be NULL. */
enum outcome schema_refuse_tree(const struct schema *schema, const struct lyd_node *tree,
                                const char *instance, struct error *err, const char *fallback);

#endif
