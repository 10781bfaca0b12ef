/*
 * What noriad does without an agent at work: look, and end.
 */
#ifndef NORIA_OFFLINE_H
#define NORIA_OFFLINE_H

#include "agent/agent.h"

/**
 * Validate the configuration that an agent would begin with.
 * @param[out] what Names what was validated, for a message; to be freed.
 */
enum outcome offline_check(const struct agent_options *options, char **what, struct error *err);

/** Print what the engines hold as configuration to standard output; nothing is changed. */
enum outcome offline_adopt(const struct agent_options *options, struct error *err);

#endif
