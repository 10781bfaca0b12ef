/*
 * Reading: from datastores and the server's own state to replies (get, get-config, get-data).
 *
 * All data goes into a reply by one function (add_entry() in rpc_get.c): what is asked for of an
 * entry is selected, then reduced to what the view shows, then printed.
 */
#ifndef NORIA_NETCONF_READING_H
#define NORIA_NETCONF_READING_H

#include "agent/netconf/filter.h"
#include "agent/netconf/rpc.h"
#include "agent/netconf/view.h"

/** What is asked for. */
struct reading {
    struct filter filter;
    struct view view;
};

/**
 * Set a view to the mode of the parameter with-defaults (RFC 6243, 4.5.1).
 * @param fallback LYD_PRINT_WD_* where there is no such parameter.
 */
void reading_defaults(const struct rpc *rpc, uint32_t fallback, struct view *view);

/** Read a datastore's configuration into rpc->data. */
enum outcome reading_config(struct rpc *rpc, const struct reading *reading,
                            enum datastore datastore);

/** Read the operational state into rpc->data: running, with state, and the server's own. */
enum outcome reading_operational(struct rpc *rpc, const struct reading *reading);

/**
 * State of the server that is no unit of the configuration: whole top-level trees.
 * @param[out] tree The first of them, to be freed with lyd_free_all().
 */
enum outcome library_read(struct rpc *rpc, struct lyd_node **tree);    /* RFC 8525; library.c */
enum outcome monitoring_read(struct rpc *rpc, struct lyd_node **tree); /* RFC 6022; monitoring.c */

#endif
