/*
 * What was generated for instances the last time: of hundreds, a change is about few, and the text
 * of the others is as it was. It goes by the entry, which never changes, and by the one thing
 * beside it that the text depends on.
 *
 * One thread at a time.
 */
#ifndef NORIA_VRRP_MEMO_H
#define NORIA_VRRP_MEMO_H

#include "agent/datastore/entry.h"

/** The text of one instance. */
struct vrrp_noted {
    struct entry *entry; /**< One reference. */
    bool grouped;        /**< It was in a group. */
    size_t offset, length;
};

/** The last text, and what is where in it, in the order of the entries. Begins as {0}. */
struct vrrp_memo {
    char *text; /**< Owned. */
    struct vrrp_noted *noted;
    size_t count, room;
};

/**
 * What is known of an entry.
 * @param[in,out] at Where to look on, 0 to begin with: entries are asked for in their order.
 * @return Borrowed; NULL: nothing.
 */
const struct vrrp_noted *vrrp_memo_find(const struct vrrp_memo *memo, size_t *at,
                                        const struct entry *entry, bool grouped);

/** Note that an entry's text is there; entries come in their order. @return false: no memory. */
bool vrrp_memo_add(struct vrrp_memo *memo, const struct entry *entry, bool grouped, size_t offset,
                   size_t length);

/** Replace a memo by the next one, which is empty then, with the text that it is about; for want of
 * memory both are empty. */
void vrrp_memo_renew(struct vrrp_memo *memo, struct vrrp_memo *next, const char *text,
                     size_t length);

/** Free what a memo owns, and empty it. */
void vrrp_memo_clear(struct vrrp_memo *memo);

#endif
