/*
 * What the agent starts with: what is stored, or else the initial configuration from a file.
 */
#ifndef NORIA_CONFIGURATION_H
#define NORIA_CONFIGURATION_H

#include "agent/agent.h"
#include "agent/datastore/journal.h"

/** Load the modules from the folders of options->yang_dirs. @param[out] schema As schema_load(). */
enum outcome configuration_schema(const struct agent_options *options, struct schema **schema,
                                  struct error *err);

/**
 * Read and validate a configuration file: XML, the top-level containers one after the other.
 * @param[out] snapshot With one reference and revision 1.
 * @return REFUSED with the path of what is wrong in it.
 */
enum outcome configuration_read(const struct schema *schema, const char *file,
                                struct snapshot **snapshot, struct error *err);

/**
 * The configuration that the agent starts with: the stored one; where nothing is stored yet, that
 * of the file, which is stored then; where there is no such file, an empty one. A confirmed commit
 * that was pending when the agent ended is taken back. With options->from_startup it becomes what
 * the startup datastore holds, if that was ever written. All changes are stored on return.
 */
enum outcome configuration_load(const struct schema *schema, struct journal *journal,
                                const struct agent_options *options, struct snapshot **snapshot,
                                struct error *err);

#endif
