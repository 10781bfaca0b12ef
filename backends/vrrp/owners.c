/*
 * Owners of addresses.
 */
#include "backends/vrrp/owners.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/array.h"
#include "backends/vrrp/generate.h"

/* An address that is placed. */
struct owned {
    const char *address;
    const char *interface; /* "": it does not matter which */
    const struct lyd_node *node;
};

struct owners {
    struct owned *owned;
    size_t count, room;
};

static bool is_link_local(const char *address)
{
    return !strncasecmp(address, "fe8", 3) || !strncasecmp(address, "fe9", 3) ||
           !strncasecmp(address, "fea", 3) || !strncasecmp(address, "feb", 3);
}

static int compare(const void *a, const void *b)
{
    const struct owned *first = a, *second = b;
    int order = strcmp(first->address, second->address);
    return order ? order : strcmp(first->interface, second->interface);
}

static bool add(struct owners *owners, const struct lyd_node *node)
{
    const char *address = leaf_value(node, "address"), *interface = leaf_value(node, "interface");
    if (!array_grow(&owners->owned, owners->count, &owners->room, sizeof(*owners->owned)))
        return false;
    if (!interface)
        interface = leaf_value(lyd_parent(node), "interface");
    owners->owned[owners->count++] =
        (struct owned){.address = address,
                       .interface = is_link_local(address) && interface ? interface : "",
                       .node = node};
    return true;
}

static bool add_instance(struct owners *owners, const struct lyd_node *instance)
{
    const struct lyd_node *child;
    bool added = true;
    if (strcmp(leaf_value(instance, "enabled"), "true") != 0)
        return true;
    LY_LIST_FOR(lyd_child(instance), child)
    {
        const char *name = child->schema ? child->schema->name : "";
        if (!strcmp(name, "virtual-address") || !strcmp(name, "excluded-address"))
            added = added && add(owners, child);
    }
    return added;
}

static bool add_all(struct owners *owners, const struct schema *schema,
                    const struct snapshot *snapshot, const char *path,
                    bool (*add_entry)(struct owners *, const struct lyd_node *))
{
    const struct unit *unit = schema_unit_find(schema, path);
    size_t count = 0, first = unit ? snapshot_range(snapshot, unit, &count) : 0;
    bool added = true;
    for (size_t i = first; i < first + count && added; i++)
        added = add_entry(owners, snapshot->entries[i]->node);
    return added;
}

static enum outcome refuse_second(const struct owned *first, const struct owned *second,
                                  struct error *err)
{
    const char *name = leaf_value(lyd_parent(first->node), "name");
    char *path = lyd_path(second->node, LYD_PATH_STD, NULL, 0);
    refuse(err, TAG_INVALID_VALUE, path,
           "The address %s is one of %s%s already: an address has one owner.", first->address,
           name ? "the instance " : "the static addresses", name ? name : "");
    free(path);
    return REFUSED;
}

enum outcome vrrp_owners_check(const struct schema *schema, const struct snapshot *snapshot,
                               struct error *err)
{
    struct owners owners = {0};
    enum outcome outcome = DONE;
    if (!add_all(&owners, schema, snapshot, VRRP_INSTANCE, add_instance) ||
        !add_all(&owners, schema, snapshot, VRRP_TOP "/static-address", add))
        outcome = fail_memory(err);
    if (owners.count)
        qsort(owners.owned, owners.count, sizeof(*owners.owned), compare);
    for (size_t i = 1; i < owners.count && outcome == DONE; i++)
        if (!compare(&owners.owned[i - 1], &owners.owned[i]))
            outcome = refuse_second(&owners.owned[i - 1], &owners.owned[i], err);
    free(owners.owned);
    return outcome;
}
