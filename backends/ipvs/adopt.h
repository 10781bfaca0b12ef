/*
 * Adoption: what a kernel's table holds, as configuration that would make the same. Pure functions
 * over a table that was read; any thread.
 */
#ifndef NORIA_IPVS_ADOPT_H
#define NORIA_IPVS_ADOPT_H

#include "agent/datastore/snapshot.h"
#include "backends/ipvs/service.h"
#include "backends/ipvs/settings.h"

/** Room for the name of an adopted virtual server, with its terminating zero. */
#define IPVS_NAME_SIZE 65

/** The name of a service that is adopted: "tcp-192.0.2.1-80", "mark-7", "mark-ipv6-7". */
void ipvs_adopt_name(const struct ipvs_service_id *id, char name[IPVS_NAME_SIZE]);

/**
 * Turn services into virtual servers. Those that running has already are passed over.
 * @param running What is configured; NULL: nothing.
 * @param director To which the table belongs.
 * @param[out] tree The container with the virtual servers; NULL if there is none. To be freed.
 * @param[out] count Of virtual servers.
 * @return FAILED for what cannot be configured (a real server reached by a method that has no
 *         name), which the error names.
 */
enum outcome ipvs_adopt(const struct schema *schema, const struct snapshot *running,
                        const char *director, const struct ipvs_table *table,
                        struct lyd_node **tree, size_t *count, struct error *err);

/**
 * Turn settings of a director that differ from the kernel's defaults, and daemons that run, into
 * its configuration. Those that running has already are passed over.
 * @param running What is configured; NULL: nothing.
 * @param[in,out] tree Top-level nodes, or NULL: the container of the directors is added to them.
 */
enum outcome ipvs_adopt_settings(const struct schema *schema, const struct snapshot *running,
                                 const char *director, const struct ipvs_settings *held,
                                 struct lyd_node **tree, struct error *err);

/** backend_ops.adopt: the table and settings of our own network namespace. */
enum outcome ipvs_adopt_own(const struct schema *schema, struct lyd_node **tree, struct error *err);

#endif
