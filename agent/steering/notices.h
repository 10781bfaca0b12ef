/*
 * What steering tells: the notifications of noria-operations, and lines in the log.
 *
 * Any thread. Without events (unit tests) nothing is emitted.
 */
#ifndef NORIA_STEERING_NOTICES_H
#define NORIA_STEERING_NOTICES_H

#include "agent/steering/steering.h"

/**
 * order-change.
 * @param key Without an address: all real servers of the virtual server.
 * @param order What holds now.
 * @param owner Who did it; NULL: the order's time was over.
 */
void notice_order(struct agent *agent, const struct steering_key *key,
                  const struct steering_order *order, const char *owner);

/** drain-progress. @param event Its name in YANG. @param connections Those left; -1: unknown. */
void notice_drain(struct agent *agent, const struct steering_key *key,
                  enum steering_order_kind kind, const char *event, int64_t connections);

#endif
