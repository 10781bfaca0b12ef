/*
 * The whole table of an engine: what is wanted of it, and made of it when it comes up.
 */
#ifndef NORIA_IPVS_TABLE_H
#define NORIA_IPVS_TABLE_H

#include "backends/ipvs/engine.h"

/**
 * What a configuration wants of an engine; what the kernel cannot do is left out. Any thread.
 * @param log Whether to log that.
 * @param desired Where to add it; borrows from the snapshot.
 * @return Whether there was memory.
 */
bool ipvs_engine_desire(const struct ipvs_engine *engine, const struct snapshot *running, bool log,
                        struct ipvs_table *desired);

/**
 * Make the kernel hold what the running configuration says. One service that it does not take
 * keeps no other from being served; sets engine->missing. The engine has a socket. Core thread.
 * @param[out] listed Set where the kernel's list was believed, which does not show everything: the
 *             rest is to be compared soon.
 * @return 0 or the errno of a reading that failed. 0 also where the engine has lost its socket in
 *         writing: it is down then.
 */
int ipvs_engine_reconcile(struct ipvs_engine *engine, bool *listed);

#endif
