/*
 * Views.
 *
 * All configuration that is in use was set (or:intended), or is a default (or:default). Containers
 * and lists count as set; so the origin of a node is that of its parent, unless it is a default.
 */
#include "agent/netconf/view.h"

#include "agent/netconf/filter.h"

bool view_is_plain(const struct view *view)
{
    return view->nodes == VIEW_ALL && !view->depth && !view->with_origin && !view->hides_intended &&
           !view->hides_default && !view->tags && view->defaults != LYD_PRINT_WD_TRIM;
}

bool view_shows_defaults(const struct view *view)
{
    return view->defaults == LYD_PRINT_WD_ALL;
}

uint32_t view_levels(const struct view *view, uint32_t above)
{
    if (!view->depth)
        return VIEW_UNBOUNDED;
    return view->depth > above ? view->depth - above : 0;
}

static bool is_config(const struct lyd_node *node)
{
    return node->schema && (node->schema->flags & LYS_CONFIG_W);
}

static bool is_default(const struct lyd_node *node)
{
    return (node->flags & LYD_DEFAULT) && (node->schema->nodetype & LYD_NODE_TERM);
}

static bool is_shown(const struct view *view, const struct lyd_node *node)
{
    bool config = is_config(node);
    if ((view->nodes == VIEW_CONFIG && !config) || (view->nodes == VIEW_STATE && config))
        return false;
    return !config || !(is_default(node) ? view->hides_default : view->hides_intended);
}

/* Leave what is shown, and what leads to it: ancestors and their keys. */
static bool leave(const struct view *view, struct lyd_node *node, uint32_t levels)
{
    struct lyd_node *child, *next;
    if (view->depth && filter_named(node) && levels < view->depth)
        levels = view->depth;
    bool any = levels && is_shown(view, node);
    uint32_t below = levels && levels != VIEW_UNBOUNDED ? levels - 1 : levels;
    LY_LIST_FOR_SAFE(lyd_child(node), next, child)
    {
        if (child->schema && lysc_is_key(child->schema))
            continue;
        if (leave(view, child, below))
            any = true;
        else
            lyd_free_tree(child);
    }
    return any;
}

/* libyang leaves such leaves out when it prints, but not the containers that held nothing else. */
static void trim(struct lyd_node *node)
{
    struct lyd_node *child, *next;
    LY_LIST_FOR_SAFE(lyd_child(node), next, child)
    {
        bool held = lyd_child(child) != NULL;
        trim(child);
        bool emptied = held && !lyd_child(child) && child->schema->nodetype == LYS_CONTAINER &&
                       !(child->schema->flags & LYS_PRESENCE);
        if (emptied || (is_config(child) && lyd_is_default(child)))
            lyd_free_tree(child);
    }
}

/*
 * libyang can print such tags, but in the namespace of the YANG module. A node that was set to its
 * default value is no default data where the basic mode is explicit, so it has no tag.
 */
static enum outcome tag(struct lyd_node *node, struct error *err)
{
    struct lyd_node *child;
    enum outcome outcome = DONE;
    if (is_default(node) &&
        lyd_new_meta(NULL, node, NULL, "noria-default-tag:default", "true", 0, NULL))
        return fail_memory(err);
    LY_LIST_FOR(lyd_child(node), child)
    {
        if (outcome == DONE)
            outcome = tag(child, err);
    }
    return outcome;
}

static enum outcome annotate(struct lyd_node *node, const char *inherited, struct error *err)
{
    struct lyd_node *child;
    enum outcome outcome = DONE;
    if (!is_config(node))
        return DONE;
    const char *origin = is_default(node) ? "ietf-origin:default" : "ietf-origin:intended";
    if (origin != inherited &&
        lyd_new_meta(NULL, node, NULL, "ietf-origin:origin", origin, 0, NULL))
        return fail_memory(err);
    LY_LIST_FOR(lyd_child(node), child)
    {
        if (outcome == DONE)
            outcome = annotate(child, origin, err);
    }
    return outcome;
}

enum outcome view_apply(const struct view *view, uint32_t levels, struct lyd_node **node,
                        struct error *err)
{
    if (view_is_plain(view))
        return DONE;
    if (!leave(view, *node, levels)) {
        lyd_free_tree(*node);
        *node = NULL;
        return DONE;
    }
    if (view->defaults == LYD_PRINT_WD_TRIM)
        trim(*node);
    enum outcome outcome = view->tags ? tag(*node, err) : DONE;
    return outcome == DONE && view->with_origin ? annotate(*node, NULL, err) : outcome;
}

uint32_t view_print_options(const struct view *view)
{
    /* What has been emptied is shown, where it is the depth that emptied it. */
    return LYD_PRINT_SHRINK | view->defaults | (view->depth ? LYD_PRINT_KEEPEMPTYCONT : 0);
}
