#include "backends/health/status_ranges.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool add(struct status_ranges *ranges, const char *text)
{
    unsigned from = 0, to = 0;
    int count = sscanf(text, "%u-%u", &from, &to);
    struct status_range *more =
        realloc(ranges->ranges, (ranges->count + 1) * sizeof(*ranges->ranges));
    if (!more)
        return false;
    ranges->ranges = more;
    more[ranges->count++] = (struct status_range){from, count == 2 ? to : from};
    return true;
}

bool status_ranges_read(struct status_ranges *ranges, const struct lyd_node *config)
{
    const struct lyd_node *leaf;
    LY_LIST_FOR(config ? lyd_child(config) : NULL, leaf)
    {
        if (leaf->schema && !strcmp(leaf->schema->name, "status-code") &&
            !add(ranges, lyd_get_value(leaf)))
            return false;
    }
    return true;
}

bool status_ranges_hold(const struct status_ranges *ranges, unsigned long status)
{
    if (!ranges->count)
        return status >= 200 && status <= 299;
    for (size_t i = 0; i < ranges->count; i++)
        if (status >= ranges->ranges[i].from && status <= ranges->ranges[i].to)
            return true;
    return false;
}

void status_ranges_free(struct status_ranges *ranges)
{
    free(ranges->ranges);
    *ranges = (struct status_ranges){0};
}
