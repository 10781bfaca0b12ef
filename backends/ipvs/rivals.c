#include "backends/ipvs/rivals.h"

#include <stdlib.h>
#include <string.h>

#include "backends/ipvs/desired.h"
#include "backends/ipvs/group.h"

#define SERVERS "/noria-virtual-server:virtual-servers/virtual-server"

static bool is_group(const struct entry *entry)
{
    return ipvs_group_member(lyd_child(entry->node));
}

size_t ipvs_groups_in(const struct entry *const *entries, size_t count)
{
    size_t groups = 0;
    for (size_t i = 0; i < count; i++)
        groups += is_group(entries[i]);
    return groups;
}

static enum outcome refuse_rival(const struct ipvs_service *service, const char *other,
                                 struct error *err)
{
    char text[IPVS_TEXT_SIZE], *path = ipvs_path(service->node, "");
    enum outcome outcome =
        refuse(err, TAG_OPERATION_FAILED, path,
               "%s is served by the virtual server '%s' already: take it out of one of the two.",
               ipvs_service_text(&service->id, text), other);
    error_set_app_tag(err, "data-not-unique");
    free(path);
    return outcome;
}

/* Among those that are touched together. */
static enum outcome check_touched(const struct ipvs_index *index, struct error *err)
{
    for (size_t i = 1; i < index->count; i++) {
        const struct ipvs_service *one = index->services[i - 1], *other = index->services[i];
        if (ipvs_service_compare(&one->id, &other->id) == 0)
            return refuse_rival(other, leaf_value(one->node, "name"), err);
    }
    return DONE;
}

/* Against one that may be untouched. */
static enum outcome check_other(const struct ipvs_index *index, const struct entry *entry,
                                struct error *err)
{
    const char *name = leaf_value(entry->node, "name");
    struct ipvs_ids ids;
    struct error ignored = {0};
    enum outcome outcome = DONE;
    if (ipvs_ids_of(entry->node, &ids, &ignored) == DONE) {
        for (size_t i = 0; i < ids.count && outcome == DONE; i++) {
            const struct ipvs_service *service = ipvs_index_find(index, &ids.list[i]);
            if (service && strcmp(leaf_value(service->node, "name"), name) != 0)
                outcome = refuse_rival(service, name, err);
        }
    }
    ipvs_ids_clear(&ids);
    error_clear(&ignored);
    return outcome;
}

enum outcome ipvs_rivals_check(const struct ipvs_directors *directors, const struct snapshot *after,
                               const struct ipvs_part *part, struct error *err)
{
    bool touched = ipvs_groups_in(part->after, part->after_count) != 0;
    if (!touched && !directors->groups)
        return DONE;
    struct ipvs_index index;
    if (!ipvs_index_make(&part->desired, &index))
        return fail_memory(err);
    enum outcome outcome = check_touched(&index, err);
    const struct unit *unit = schema_unit_find(directors->backend->schema, SERVERS);
    size_t count = 0, first = unit ? snapshot_range(after, unit, &count) : 0;
    for (size_t i = 0; i < count && index.count && outcome == DONE; i++) {
        const struct entry *entry = after->entries[first + i];
        if ((touched || is_group(entry)) && ipvs_desired_enabled(entry->node) &&
            strcmp(ipvs_desired_director(entry->node), part->engine->name) == 0)
            outcome = check_other(&index, entry, err);
    }
    ipvs_index_clear(&index);
    return outcome;
}
