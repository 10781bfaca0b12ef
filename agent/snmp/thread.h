/*
 * The SNMP thread: the one on which Net-SNMP runs.
 *
 * The core thread hands settings over and is told by its event loop what became of them; neither
 * thread waits for the other, but for snmp_thread_stop().
 */
#ifndef NORIA_SNMP_THREAD_H
#define NORIA_SNMP_THREAD_H

#include "agent/agent.h"
#include "agent/snmp/settings.h"

struct snmp_thread;

/** What the thread has to tell. */
struct snmp_report {
    bool finished;        /**< Whether settings have been dealt with since the last report. */
    enum outcome outcome; /**< What became of them. */
    struct error error;   /**< Why. To be cleared. */
    bool up;              /**< Whether all that the settings ask for is served. */
    char *reason;         /**< Why not, or NULL. To be freed. */
};

/**
 * Start the thread. Core thread.
 * @param settings To begin with; taken, also on failure.
 * @param wake_up Sent whenever there is something to report.
 * @param[out] thread To be ended with snmp_thread_stop().
 */
enum outcome snmp_thread_start(struct agent *agent, struct snmp_settings *settings,
                               uv_async_t *wake_up, struct snmp_thread **thread, struct error *err);

/**
 * Hand settings over; the one before must have been reported. Core thread.
 *
 * While the thread waits for the transaction of a SET, nobody may wait for the thread: then the
 * settings are taken when that has ended, and what cannot be had of them is the agent's status.
 * @param settings Taken.
 * @param strict As in snmp_engine_apply().
 * @return Whether it will be reported that the thread has finished with them.
 */
bool snmp_thread_submit(struct snmp_thread *thread, struct snmp_settings *settings, bool strict);

/** Take the report. Core thread. */
void snmp_thread_collect(struct snmp_thread *thread, struct snmp_report *report);

/** End the thread and free it; NULL is legal. Core thread. */
void snmp_thread_stop(struct snmp_thread *thread);

#endif
