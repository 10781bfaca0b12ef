/*
 * Views: what of the data that a filter selected is shown, and how (RFC 6243; RFC 8526, 3.1.1).
 *
 * A plain value of one thread.
 */
#ifndef NORIA_NETCONF_VIEW_H
#define NORIA_NETCONF_VIEW_H

#include <libyang/libyang.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/outcome.h"

/** Levels below a node, where there is no limit. */
#define VIEW_UNBOUNDED UINT32_MAX

/** A view. Zero-initialised it shows everything, in the mode explicit. */
struct view {
    uint32_t defaults; /**< LYD_PRINT_WD_*: what of the defaults is printed. */
    bool tags;         /**< Annotate what is there by default alone (RFC 6243, 3.4). */
    enum { VIEW_ALL, VIEW_CONFIG, VIEW_STATE } nodes;
    uint32_t depth;      /**< Levels of each selected node, itself included; 0: all. */
    bool with_origin;    /**< Annotate configuration with its origin (RFC 8342, 5.3.4). */
    bool hides_intended; /**< Configuration that was set. */
    bool hides_default;  /**< Configuration that is in use by default. */
};

/** Whether the view shows data as it is stored. */
bool view_is_plain(const struct view *view);

/** Whether defaults are shown that nobody has set. */
bool view_shows_defaults(const struct view *view);

/**
 * The levels of a node that may be shown.
 * @param above How many levels above it there is a selected node; 0: it is selected itself.
 */
uint32_t view_levels(const struct view *view, uint32_t above);

/**
 * Leave of a private copy what the view shows, and annotate it.
 * @param levels As of view_levels(); 0: only what is below nodes that the filter named.
 * @param[in,out] node The node; NULL if nothing is left of it.
 */
enum outcome view_apply(const struct view *view, uint32_t levels, struct lyd_node **node,
                        struct error *err);

/** The options to print with. */
uint32_t view_print_options(const struct view *view);

#endif
