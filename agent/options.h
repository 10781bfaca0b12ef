/*
 * The command line.
 */
#ifndef NORIA_OPTIONS_H
#define NORIA_OPTIONS_H

#include "agent/agent.h"

/** What main() is to do after the command line was read. */
enum options_next {
    OPTIONS_RUN,   /**< Start the agent. */
    OPTIONS_DONE,  /**< --help or --version was answered: end with status 0. */
    OPTIONS_WRONG, /**< It was said what is wrong: end with status 2. */
};

/** Read the command line; sets the log's level, too. Strings in options belong to argv. */
enum options_next options_read(int argc, char **argv, struct agent_options *options);

#endif
