/*
 * Which nodes a filter named: what libyang leaves to its users in each node says it.
 */
#include "agent/netconf/filter.h"

static char named;

bool filter_named(const struct lyd_node *node)
{
    return node->priv == &named;
}

void filter_name(struct lyd_node *node)
{
    node->priv = &named;
}
