/*
 * Edits: what edit-config says, made on a snapshot.
 *
 * Pure functions of a snapshot and an edit; any thread may call them. The result is not validated,
 * but for new entries that are all of one form (form.h): those are valid already.
 */
#ifndef NORIA_DATASTORE_EDIT_H
#define NORIA_DATASTORE_EDIT_H

#include "agent/datastore/snapshot.h"

/** The operations of RFC 6241, 7.2, and those that a node inherits. */
enum edit_operation { EDIT_MERGE, EDIT_REPLACE, EDIT_CREATE, EDIT_DELETE, EDIT_REMOVE, EDIT_NONE };

/**
 * Make an edit.
 * @param base What is edited.
 * @param edit First top-level node of the <config>, as libyang parses it with LYD_PARSE_ONLY |
 *        LYD_PARSE_OPAQ; NULL is an empty edit.
 * @param operation What nodes do that carry no operation: EDIT_MERGE, EDIT_NONE, or EDIT_REPLACE,
 *        which replaces the whole configuration.
 * @param[out] result The edited snapshot, with one reference; entries that did not change are
 * shared.
 * @return REFUSED with the path of the element that is wrong; nothing is edited then.
 */
enum outcome edit_snapshot(const struct schema *schema, const struct snapshot *base,
                           const struct lyd_node *edit, enum edit_operation operation,
                           struct snapshot **result, struct error *err);

/**
 * edit_snapshot() of an edit that is made once and then freed: what goes into the snapshot as it
 * is need not be copied. Where it is refused, the element that is wrong stays in the edit.
 */
enum outcome edit_snapshot_taking(const struct schema *schema, const struct snapshot *base,
                                  struct lyd_node *edit, enum edit_operation operation,
                                  struct snapshot **result, struct error *err);

/**
 * The operation of a node of an edit.
 * @param inherited For a node that carries none.
 */
enum edit_operation edit_operation_of(const struct lyd_node *node, enum edit_operation inherited);

/**
 * Edit the children of a node (edit_tree.c).
 * @param target Node to be changed, of a tree of the caller's own.
 * @param edit Node of the edit with the same schema.
 * @param skip Whether a child of edit is dealt with elsewhere; may be NULL.
 */
enum outcome edit_children(struct lyd_node *target, const struct lyd_node *edit,
                           enum edit_operation operation,
                           bool (*skip)(const struct lyd_node *child, void *arg), void *arg,
                           struct error *err);

/** Say what is wrong with an element that libyang could not make data of. @return REFUSED. */
enum outcome edit_refuse_opaque(const struct lyd_node *node, struct error *err);

/** refuse() with the path of a node of the edit and its name as the bad-element. @return REFUSED.
 */
enum outcome edit_refuse(const struct lyd_node *node, enum error_tag tag, struct error *err,
                         const char *format, ...) __attribute__((format(printf, 4, 5)));

/** Whether a node exists as RFC 6243's explicit mode sees it: defaults alone do not count. */
bool edit_exists(const struct lyd_node *node);

/** Whether two children of one node cannot be there together: cases of one choice. */
bool edit_excludes(const struct lysc_node *schema, const struct lysc_node *other);

#endif
