/*
 * Validation of what a transaction changes.
 */
#include <stdlib.h>

#include "agent/transaction/transaction.h"

static enum outcome validate_changes(const struct schema *schema, const struct change_set *changes,
                                     struct entry **puts, size_t *put_count,
                                     const struct entry **dels, size_t *del_count,
                                     struct error *err)
{
    for (size_t i = 0; i < changes->count; i++) {
        const struct change *change = &changes->changes[i];
        struct entry *valid;
        if (!change->after) {
            dels[(*del_count)++] = change->before;
            continue;
        }
        enum outcome outcome = entry_validate(schema, (struct entry *)change->after, &valid, err);
        if (outcome != DONE)
            return outcome;
        if (change->before && entry_same(change->before, valid)) {
            entry_unref(valid);
            continue;
        }
        puts[(*put_count)++] = valid;
    }
    return DONE;
}

enum outcome transaction_validate(const struct schema *schema, const struct snapshot *base,
                                  const struct snapshot *target, struct snapshot **valid,
                                  struct error *err)
{
    struct change_set changes;
    enum outcome outcome = change_set_make(base, target, &changes, err);
    if (outcome != DONE)
        return outcome;
    size_t put_count = 0, del_count = 0;
    struct entry **puts = calloc(changes.count + 1, sizeof(*puts));
    const struct entry **dels = calloc(changes.count + 1, sizeof(*dels));
    if (puts && dels)
        outcome = validate_changes(schema, &changes, puts, &put_count, dels, &del_count, err);
    else
        outcome = fail_memory(err);
    if (outcome == DONE) {
        *valid = snapshot_with(base, puts, put_count, dels, del_count);
        if (!*valid)
            outcome = fail_memory(err);
    }
    for (size_t i = 0; puts && i < put_count; i++)
        entry_unref(puts[i]);
    free(puts);
    free(dels);
    change_set_free(&changes);
    return outcome;
}
