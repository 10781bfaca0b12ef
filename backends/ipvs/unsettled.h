/*
 * Unsettled services: those that commits are making and whose configuration is not stored yet.
 *
 * If the agent is killed in between, the kernel goes on with services that no configuration names,
 * and a start leaves such services alone. So a commit notes which services it is about to make, in
 * a file of the run folder, and removes the file at its end, whatever that is. Files that a start
 * finds are of an agent that was killed: what they name and running does not is removed from the
 * kernel. Like the kernel's table, they do not outlive the machine. Core thread.
 */
#ifndef NORIA_IPVS_UNSETTLED_H
#define NORIA_IPVS_UNSETTLED_H

#include "backends/ipvs/directors.h"
#include "backends/ipvs/part.h"

/**
 * Note the services that parts are about to make.
 * @return What ipvs_unsettled_forget() takes; 0: nothing was noted, as there are none.
 */
unsigned ipvs_unsettled_note(struct ipvs_directors *directors, const struct ipvs_part *parts,
                             size_t count);

/** Their commit has ended. */
void ipvs_unsettled_forget(const struct ipvs_directors *directors, unsigned number);

/** Remove what an agent that was killed has left of commits. Once, before any commit. */
void ipvs_unsettled_remove(const struct ipvs_directors *directors);

#endif
