/*
 * Filters of get and get-config (RFC 6241, 6 and 8.9): what part of the data is asked for.
 *
 * A filter first says which entries can matter at all, so that asking for one of ten thousand
 * touches one; then what of each is to be shown. A plain value of one thread.
 */
#ifndef NORIA_NETCONF_FILTER_H
#define NORIA_NETCONF_FILTER_H

#include "agent/datastore/snapshot.h"

/** What of a node is asked for. */
enum selection { SELECT_NOTHING, SELECT_PART, SELECT_ALL };

/** A filter. */
struct filter {
    const struct schema *schema;
    enum { FILTER_NONE, FILTER_SUBTREE, FILTER_XPATH } kind;
    struct lyd_node *message;     /**< The request, for a subtree filter. Owned. */
    const struct lyd_node *first; /**< Its first element, or NULL. */
    char *xpath;                  /**< With module names as prefixes. Owned. */
    struct entry_choice *units;   /**< Which entries can matter, by rank. Owned. */
    char *xpath_top; /**< The only top-level node that the expression can concern. NULL: any. Owned.
                      */
};

/**
 * Read the filter of a request.
 * @param node The parameter <filter>, or NULL.
 * @param message The request as it was received: libyang's tree lacks attributes of the filter.
 * @param bare A context without modules, to read it with; outlives the filter.
 * @param[out] filter To be ended with filter_free(), also after a failure.
 * @return DONE, or REFUSED.
 */
enum outcome filter_read(const struct schema *schema, const struct lyd_node *node,
                         const char *message, const struct ly_ctx *bare, struct filter *filter,
                         struct error *err);

/**
 * Read the subtree filter of a request of another name (get-data, RFC 8526).
 * @param name The name of the parameter that holds it.
 */
enum outcome filter_read_subtree(const struct schema *schema, const char *name, const char *message,
                                 const struct ly_ctx *bare, struct filter *filter,
                                 struct error *err);

/** Make a filter of an XPath expression. @param expression With module names as prefixes. */
enum outcome filter_read_xpath(const struct schema *schema, const char *expression,
                               struct filter *filter, struct error *err);

/** Whether a top-level node that is no unit can matter. */
bool filter_wants_top(const struct filter *filter, const struct lysc_node *top);

/**
 * Whether the filter named a node of a part itself, or of a pruned tree: then all below it is
 * there, too. Other nodes lead to such ones.
 */
bool filter_named(const struct lyd_node *node);

/** Note that the filter named a node, which is a private copy. */
void filter_name(struct lyd_node *node);

/** Free what a filter owns. */
void filter_free(struct filter *filter);

/* Subtree filters: */

/** Filter elements that apply at one place. */
struct filter_set {
    const struct lyd_node_opaq **all; /**< Array owned. */
    size_t count;
};

/**
 * The filter elements for the children of a top-level container.
 * @param container Its node without the lists that are units, for content match nodes.
 * @param[out] set To be ended with filter_set_free().
 * @return SELECT_PART if there are any; SELECT_ALL if all of the container is asked for.
 */
enum selection filter_top(const struct filter *filter, const struct lyd_node *container,
                          struct filter_set *set);

/**
 * What of a node is asked for.
 * @param set As filter_top() gave it, for a child of the container; NULL: node is at the top.
 * @param[out] part A copy of the part, to be freed, for SELECT_PART.
 */
enum selection filter_select(const struct filter *filter, const struct lyd_node *node,
                             const struct filter_set *set, struct lyd_node **part);

/** Free what a set owns. */
void filter_set_free(struct filter_set *set);

/* XPath filters (filter_xpath.c): */

/** Find out which entries an expression can concern. */
enum outcome filter_xpath_units(struct filter *filter, struct error *err);

/** Leave of a tree what the expression selects, with its ancestors and their keys. */
enum outcome filter_xpath_prune(const struct filter *filter, struct lyd_node **tree,
                                struct error *err);

#endif
