/*
 * Forms of entries: what validation made of one serves for all that are like it.
 *
 * A load of ten thousand virtual servers gives the same few elements again and again, with other
 * names and addresses. Two new entries have the same form if they give the same elements in the
 * same order, with the same values wherever a rule looks at the value. libyang's verdict on the
 * first is that on all, and adds the same defaults to each; so it is asked once.
 *
 * Forms are learned during one edit and forgotten with it; one thread.
 */
#ifndef NORIA_DATASTORE_FORM_H
#define NORIA_DATASTORE_FORM_H

#include "agent/datastore/entry.h"

struct forms;
struct form;

/** Whether rules beyond the entry forbid that entries of a unit are judged by their form. */
bool forms_serve(const struct schema *schema, const struct unit *unit);

/** Forms of which none is known yet; to be freed with forms_free(). NULL for want of memory. */
struct forms *forms_new(const struct schema *schema);

void forms_free(struct forms *forms);

/**
 * The known form of an instance of a unit's list, as it is in an edit; NULL if there is none.
 * Nodes that are opaque, have attributes or are given twice are of no form.
 */
const struct form *form_find(struct forms *forms, const struct lyd_node *node);

/** Whether to try to learn one more: not if enough are known, or many were tried. */
bool form_try(struct forms *forms);

/** Learn the form of an instance, which alone is what the valid entry was made from. */
void form_learn(struct forms *forms, const struct lyd_node *node, struct entry *entry);

/**
 * Make the tree of a valid entry from an instance of the form.
 * @param take Whether the instance goes into the tree; else it is copied.
 * @return For entry_new_valid(); NULL for want of memory.
 */
struct lyd_node *form_make(const struct form *form, struct lyd_node *node, bool take);

#endif
