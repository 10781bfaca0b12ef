/*
 * Trees that many threads read.
 */
#include "agent/datastore/plain.h"

/* Nodes that have children: beside those of the configuration, notifications. */
#define PARENTS (LYS_CONTAINER | LYS_LIST | LYS_NOTIF)

/* The top of the tree is no list. */
bool plain_node(struct lyd_node *node)
{
    struct lyd_node_inner *inner = (struct lyd_node_inner *)node;
    struct lyd_node *top = node, *bearer;
    if (!inner->children_ht)
        return true;
    while (top->parent)
        top = lyd_parent(top);
    /* libyang frees a table with its node only. The top is copied without what is in it. */
    if (lyd_dup_single(top, NULL, LYD_DUP_NO_META, &bearer))
        return false;
    ((struct lyd_node_inner *)bearer)->children_ht = inner->children_ht;
    inner->children_ht = NULL;
    lyd_free_tree(bearer);
    return true;
}

bool plain_tree(struct lyd_node *tree)
{
    struct lyd_node *node;
    LYD_TREE_DFS_BEGIN(tree, node)
    {
        if (node->schema && (node->schema->nodetype & PARENTS) && !plain_node(node))
            return false;
        LYD_TREE_DFS_END(tree, node);
    }
    return true;
}
