/*
 * What every operation does with its request: read its parameters, and refuse it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/netconf/rpc.h"

const struct lyd_node *rpc_parameter(const struct rpc *rpc, const char *name)
{
    const struct lyd_node *child;
    LY_LIST_FOR(lyd_child(rpc->request), child)
    {
        if (!strcmp(LYD_NAME(child), name))
            return child;
    }
    return NULL;
}

const char *rpc_value(const struct rpc *rpc, const char *name, const char *fallback)
{
    const struct lyd_node *node = rpc_parameter(rpc, name);
    const char *value = node ? lyd_get_value(node) : NULL;
    return value ? value : fallback;
}

enum outcome rpc_refuse(struct rpc *rpc, enum error_tag tag, const char *element,
                        const char *format, ...)
{
    char *message = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&message, format, args) < 0)
        message = NULL;
    va_end(args);
    refuse(&rpc->error, tag, NULL, "%s", message ? message : "");
    free(message);
    if (element && !rpc->error.element)
        rpc->error.element = strdup(element);
    rpc->protocol = true;
    return REFUSED;
}
