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

/** Which entries of a unit can matter. */
struct filter_unit {
    bool wanted; /**< Some. */
    bool all;    /**< Every one; else those with the keys that follow. */
    char **keys; /**< As entries have them. Owned. */
    size_t key_count;
};

/** A filter. */
struct filter {
    const struct schema *schema;
    enum { FILTER_NONE, FILTER_SUBTREE, FILTER_XPATH } kind;
    struct lyd_node *message;     /**< The request, for a subtree filter. Owned. */
    const struct lyd_node *first; /**< Its first element, or NULL. */
    char *xpath;                  /**< With module names as prefixes. Owned. */
    struct filter_unit *units;    /**< By rank. Owned. */
    bool library;                 /**< /ietf-yang-library:* is asked for. */
    bool streams;                 /**< /nc-notifications:netconf is asked for. */
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

/** Free what a filter owns. */
void filter_free(struct filter *filter);

/** For operational_read(): whether a unit (entry is NULL) or an entry can matter. */
bool filter_wants(const struct unit *unit, const struct entry *entry, void *filter);

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
