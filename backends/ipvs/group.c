#include "backends/ipvs/group.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "agent/array.h"
#include "agent/datastore/entry.h"
#include "backends/ipvs/named.h"

const struct lyd_node *ipvs_group_member(const struct lyd_node *siblings)
{
    const struct lyd_node *node;
    LY_LIST_FOR(siblings, node)
    {
        if (node->schema && strcmp(node->schema->name, "member") == 0)
            return node;
    }
    return NULL;
}

void ipvs_ids_clear(struct ipvs_ids *ids)
{
    if (ids->list != &ids->one)
        free(ids->list);
    *ids = (struct ipvs_ids){0};
}

static enum outcome refuse_at(const struct lyd_node *node, const char *below, struct error *err,
                              const char *message)
{
    char *path = ipvs_path(node, below);
    enum outcome outcome = refuse(err, TAG_INVALID_VALUE, path, "%s", message);
    free(path);
    return outcome;
}

/* -- Addresses as numbers --------------------------------------------------------------------- */

static size_t size_of(const struct ipvs_service_id *id)
{
    return id->family == AF_INET6 ? 16 : 4;
}

/* The last address of the network; the first one is put into the identity. */
static void cut_prefix(struct ipvs_service_id *id, unsigned length, uint8_t last[16])
{
    memcpy(last, id->address, 16);
    for (size_t bit = length; bit < size_of(id) * 8; bit++) {
        uint8_t mask = (uint8_t)(0x80 >> bit % 8);
        id->address[bit / 8] &= (uint8_t)~mask;
        last[bit / 8] |= mask;
    }
}

static void next_address(struct ipvs_service_id *id)
{
    for (size_t i = size_of(id); i-- > 0;)
        if (++id->address[i] != 0)
            return;
}

/* -- Expansion -------------------------------------------------------------------------------- */

/* The last address of a member; the identity becomes that of the first. */
static enum outcome find_last(const struct lyd_node *member, struct ipvs_service_id *id,
                              uint8_t last[16], struct error *err)
{
    const char *text = leaf_value(member, "last-address");
    const char *length = leaf_value(member, "prefix-length");
    memcpy(last, id->address, 16);
    if (length && !id->mark)
        cut_prefix(id, (unsigned)atoi(length), last);
    if (!text || id->mark)
        return DONE;
    memset(last, 0, 16);
    if (inet_pton(id->family, text, last) != 1)
        return refuse_at(member, "/last-address", err,
                         "The last address is not of the first one's family: give one that is.");
    if (memcmp(last, id->address, 16) < 0)
        return refuse_at(member, "/last-address", err,
                         "The last address is below the first one: exchange them.");
    return DONE;
}

enum outcome ipvs_ids_of_member(const struct lyd_node *member, struct ipvs_ids *ids,
                                struct error *err)
{
    struct ipvs_service_id id;
    uint8_t last[16];
    if (!ipvs_service_id_read(member, &id))
        return refuse_at(member, "/address", err,
                         "This is no IPv4 or IPv6 address: give one, or a firewall-mark.");
    enum outcome outcome = find_last(member, &id, last, err);
    while (outcome == DONE) {
        if (ids->count == IPVS_GROUP_MOST)
            return refuse_at(member, "", err,
                             "These are more than 65536 services: make the ranges smaller, or "
                             "mark the packets and name the firewall-mark.");
        if (!array_grow(&ids->list, ids->count, &ids->room, sizeof(*ids->list)))
            return fail_memory(err);
        ids->list[ids->count++] = id;
        if (memcmp(id.address, last, sizeof last) == 0)
            break;
        next_address(&id);
    }
    return outcome;
}

static int order_ids(const void *a, const void *b)
{
    return ipvs_service_compare(a, b);
}

static enum outcome check_twice(const struct lyd_node *node, const struct ipvs_ids *ids,
                                struct error *err)
{
    struct ipvs_service_id *sorted = calloc(ids->count + 1, sizeof *sorted);
    enum outcome outcome = DONE;
    if (!sorted)
        return fail_memory(err);
    memcpy(sorted, ids->list, ids->count * sizeof *sorted);
    qsort(sorted, ids->count, sizeof *sorted, order_ids);
    for (size_t i = 1; i < ids->count && outcome == DONE; i++) {
        char text[IPVS_TEXT_SIZE];
        if (ipvs_service_compare(&sorted[i - 1], &sorted[i]) != 0)
            continue;
        char *path = ipvs_path(node, "");
        outcome = refuse(err, TAG_INVALID_VALUE, path,
                         "Two members of the group name %s: leave it to one of them.",
                         ipvs_service_text(&sorted[i], text));
        free(path);
    }
    free(sorted);
    return outcome;
}

enum outcome ipvs_ids_of(const struct lyd_node *node, struct ipvs_ids *ids, struct error *err)
{
    *ids = (struct ipvs_ids){0};
    const struct lyd_node *member = ipvs_group_member(lyd_child(node));
    if (!member) {
        if (!ipvs_service_id_read(node, &ids->one))
            return refuse_at(node, "/address", err,
                             "This is no IPv4 or IPv6 address: give one, or a firewall-mark.");
        ids->list = &ids->one;
        ids->count = 1;
        return DONE;
    }
    enum outcome outcome = DONE;
    for (; member && outcome == DONE; member = ipvs_group_member(member->next))
        outcome = ipvs_ids_of_member(member, ids, err);
    return outcome == DONE ? check_twice(node, ids, err) : outcome;
}
