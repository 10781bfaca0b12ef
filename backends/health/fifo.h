/*
 * FIFOs that are told of verdicts and quorums, a line each, as keepalived writes them.
 *
 * A FIFO is made where there is none, and left in the end. Who does not read loses lines, and
 * nothing waits. Core thread.
 */
#ifndef NORIA_HEALTH_FIFO_H
#define NORIA_HEALTH_FIFO_H

#include "agent/datastore/snapshot.h"
#include "backends/health/service.h"

struct health_fifos;

/**
 * The FIFOs that a snapshot asks for, made and open.
 * @param[out] fifos To be freed.
 * @return REFUSED if one cannot be had, with its path.
 */
enum outcome health_fifos_new(const struct schema *schema, const struct snapshot *snapshot,
                              struct health_fifos **fifos, struct error *err);

/** Close them; NULL is legal. */
void health_fifos_free(struct health_fifos *fifos);

/** "RS [10.0.0.1]:tcp:80 [192.0.2.1]:tcp:80 DOWN" to the engine's FIFOs. */
void fifo_server(const struct health_server *server, const struct health_occasion *occasion);

/** "VS [192.0.2.1]:tcp:80 DOWN". */
void fifo_quorum(const struct health_service *service, const struct health_quorum *quorum);

#endif
