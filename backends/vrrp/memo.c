/*
 * Memos.
 */
#include "backends/vrrp/memo.h"

#include <stdlib.h>
#include <string.h>

#include "agent/array.h"
#include "agent/datastore/snapshot.h"

const struct vrrp_noted *vrrp_memo_find(const struct vrrp_memo *memo, size_t *at,
                                        const struct entry *entry, bool grouped)
{
    while (*at < memo->count && memo->noted[*at].entry != entry &&
           entry_compare(memo->noted[*at].entry, entry) < 0)
        ++*at;
    if (*at >= memo->count || memo->noted[*at].entry != entry ||
        memo->noted[*at].grouped != grouped)
        return NULL;
    return &memo->noted[*at];
}

bool vrrp_memo_add(struct vrrp_memo *memo, const struct entry *entry, bool grouped, size_t offset,
                   size_t length)
{
    if (!array_grow(&memo->noted, memo->count, &memo->room, sizeof(*memo->noted)))
        return false;
    memo->noted[memo->count++] = (struct vrrp_noted){
        .entry = entry_ref(entry), .grouped = grouped, .offset = offset, .length = length};
    return true;
}

void vrrp_memo_renew(struct vrrp_memo *memo, struct vrrp_memo *next, const char *text,
                     size_t length)
{
    vrrp_memo_clear(memo);
    *memo = *next;
    *next = (struct vrrp_memo){0};
    memo->text = malloc(length + 1);
    if (memo->text)
        memcpy(memo->text, text, length + 1);
    else
        vrrp_memo_clear(memo);
}

void vrrp_memo_clear(struct vrrp_memo *memo)
{
    for (size_t i = 0; i < memo->count; i++)
        entry_unref(memo->noted[i].entry);
    free(memo->noted);
    free(memo->text);
    *memo = (struct vrrp_memo){0};
}
