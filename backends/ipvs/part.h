/*
 * The part of a transaction that concerns one director: what it touches there, and the operations
 * that carry it out. Core thread.
 */
#ifndef NORIA_IPVS_PART_H
#define NORIA_IPVS_PART_H

#include "backends/ipvs/engine.h"
#include "backends/ipvs/leaving.h"
#include "backends/ipvs/tuning.h"

/** A part; zero but for the engine, it touches nothing. */
struct ipvs_part {
    struct ipvs_engine *engine;  /**< One reference. */
    const struct entry **before; /**< Touched entries that were served here. Owned; borrows them. */
    size_t before_count;
    size_t before_room;
    const struct entry **after; /**< Touched entries that are to be served here. The same. */
    size_t after_count;
    size_t after_room;

    bool places;                         /**< A touched entry places addresses, or did. */
    bool tuned;                          /**< The director's own entry is touched. */
    const struct entry *director_before; /**< That entry, if the engine was its; borrowed. */
    const struct entry *director_after;  /**< The same, if the engine is to be its. */

    bool absent;               /**< There is no namespace, so nothing to be done. */
    struct ipvs_table desired; /**< Of the touched entries, after. */
    struct ipvs_table held;    /**< Of the kernel's, what touched entries name, before or after. */
    struct ipvs_operations operations;
    struct ipvs_tuning tuning;
    struct ipvs_leavers leavers; /**< Who stays for a while though it is gone. */
    uint64_t generation;         /**< Of the kernel's table that it was planned for. */
    uint64_t steering;           /**< The steering's generation by which it was planned. */
};

/** An entry that is touched was served here. @return DONE or FAILED. */
enum outcome ipvs_part_add_before(struct ipvs_part *part, const struct entry *entry,
                                  struct error *err);

/** An entry that is touched is to be served here. @return DONE or FAILED. */
enum outcome ipvs_part_add_after(struct ipvs_part *part, const struct entry *entry,
                                 struct error *err);

/**
 * Compare with the kernel, and plan, in place of what was planned.
 * @return REFUSED as ipvs_desired(); FAILED if the director is down.
 */
enum outcome ipvs_part_plan(struct ipvs_part *part, struct error *err);

/**
 * Carry the plan out, which is made anew if the table, verdicts or orders were changed meanwhile;
 * if that fails, what was done is taken back.
 * @return DONE or FAILED.
 */
enum outcome ipvs_part_apply(struct ipvs_part *part, struct error *err);

/**
 * Take back what was done, in reverse order and whatever fails; every failure is logged.
 * @return How many failed; the first one is in err.
 */
size_t ipvs_part_take_back(struct ipvs_part *part, struct error *err);

/** Whether the table was changed beside the plan. */
bool ipvs_part_is_stale(const struct ipvs_part *part);

/** Free what a part owns, and empty it. */
void ipvs_part_clear(struct ipvs_part *part);

#endif
