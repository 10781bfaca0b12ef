/*
 * The kernel's connection table, read as a stream (/proc/net/ip_vs_conn): memory is taken for what
 * is listed alone. Any thread.
 */
#ifndef NORIA_IPVS_CONNECTIONS_H
#define NORIA_IPVS_CONNECTIONS_H

#include "backends/ipvs/engine.h"

/**
 * List the connections that a call of show-connections asks for.
 * @param engine Of the director; it may be down.
 */
enum outcome ipvs_list_connections(struct ipvs_engine *engine, struct backend_call *call);

#endif
