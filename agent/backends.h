/*
 * The backends at work: which there are, and who of them claims what.
 */
#ifndef NORIA_BACKENDS_H
#define NORIA_BACKENDS_H

#include "agent/agent.h"

/** Make a backend of each that has something to do here, with its claims; none begins yet. */
enum outcome backends_make(struct agent *agent, struct error *err);

/** Have all begin with the running configuration. Core thread. */
enum outcome backends_start(struct agent *agent, struct error *err);

/** Have those that began end, the last one first. Core thread, with its loop still to run. */
void backends_stop(struct agent *agent);

/** Free them. */
void backends_free(struct agent *agent);

#endif
