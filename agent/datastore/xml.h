/*
 * The XML of an entry, as libyang's printer writes it, for a fifth of the work.
 *
 * Pure functions; any thread.
 */
#ifndef NORIA_DATASTORE_XML_H
#define NORIA_DATASTORE_XML_H

#include <libyang/libyang.h>

/**
 * A node and all below it without white space, explicit values only: what lyd_print_mem() makes
 * with LYD_PRINT_SHRINK; "" where it makes nothing. Nodes are of the schema.
 * @return To be freed; NULL for want of memory.
 */
char *xml_of(const struct lyd_node *node);

#endif
