/*
 * The files of steering: "orders" and "verdicts" in the state folder, each replaced as a whole.
 *
 * A file is a record (record.h): a header with a checksum, and lines,
 *
 *     order KIND WEIGHT DRAINED SINCE UNTIL PORT LENGTH ADDRESS LENGTH NAME LENGTH OWNER LENGTH
 * REASON verdict HEALTH WEIGHT INHIBIT SINCE PORT LENGTH ADDRESS LENGTH NAME lost LENGTH NAME a
 * virtual server whose quorum is lost
 */
#ifndef NORIA_STEERING_STORE_H
#define NORIA_STEERING_STORE_H

#include "agent/steering/table.h"

/** Names of the files. */
#define STEERING_ORDERS "orders"
#define STEERING_VERDICTS "verdicts"

/** All orders as a file's content. @param[out] data To be freed. Whoever guards the table. */
enum outcome steering_write_orders(const struct steering_table *table, char **data, size_t *size,
                                   struct error *err);

/** All verdicts and lost quorums as a file's content. @param[out] data To be freed. */
enum outcome steering_write_verdicts(const struct steering_table *table, char **data, size_t *size,
                                     struct error *err);

/**
 * Add what a file's content says to a table.
 * @return FAILED if it is not whole; what was read until then is in the table.
 */
enum outcome steering_read_file(struct steering_table *table, const char *data, size_t size,
                                struct error *err);

#endif
