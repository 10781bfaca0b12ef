/*
 * The NETCONF server: sessions over SSH and over the local socket (libnetconf2).
 *
 * It has threads of its own: one accepts, and each connection and each session has one. All calls
 * of libnetconf2 and libssh are in this folder.
 */
#ifndef NORIA_NETCONF_SERVER_H
#define NORIA_NETCONF_SERVER_H

#include "agent/agent.h"

/** The backend that applies /noria-agent:netconf-server: addresses and time-outs of the server. */
extern const struct backend_ops netconf_server_backend;

/**
 * Begin to serve: make the host key if there is none, open the local socket and the configured
 * addresses, start the threads. Core thread. An address that cannot be had is reported by the
 * backend's status and tried again; it is no error.
 */
enum outcome netconf_server_start(struct agent *agent, struct error *err);

/**
 * Close all sessions, end the threads, free everything. Core thread, once it takes no more calls.
 * A session that computes for longer than five seconds is left alone: then agent->netconf stays
 * set, and what its thread uses (schema, transactions, candidate, locks) must not be freed.
 */
void netconf_server_stop(struct agent *agent);

#endif
