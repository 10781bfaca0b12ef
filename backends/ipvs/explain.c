#include "backends/ipvs/explain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/ipvs/desired.h"

const char *ipvs_operation_text(const struct ipvs_operation *operation,
                                char text[3 * IPVS_TEXT_SIZE])
{
    static const char *const verbs[] = {"add", "edit", "delete"};
    static const char *const places[] = {"to", "of", "from"};
    char service[IPVS_TEXT_SIZE], destination[IPVS_TEXT_SIZE];
    const char *verb = verbs[operation->verb];

    ipvs_service_text(operation->id, service);
    if (ipvs_on_destination(operation))
        snprintf(text, 3 * IPVS_TEXT_SIZE, "%s %s %s %s", verb,
                 ipvs_destination_text(ipvs_destination_of(operation), destination),
                 places[operation->verb], service);
    else
        snprintf(text, 3 * IPVS_TEXT_SIZE, "%s %s", verb, service);
    return text;
}

const char *ipvs_explain_down(int error)
{
    switch (error) {
    case ENOENT:
        return "the kernel has no ip_vs: run 'modprobe ip_vs', or boot a kernel that has it "
               "(CONFIG_IP_VS)";
    case EPERM:
    case EACCES:
        return "no CAP_NET_ADMIN: run noriad as root, or give its service "
               "AmbientCapabilities=CAP_NET_ADMIN";
    case ETIMEDOUT:
        return "the kernel's ip_vs does not answer: see the kernel's log";
    case ENOMEM:
        return "out of memory";
    default:
        return strerrordesc_np(error) ? strerrordesc_np(error) : "unknown error";
    }
}

/* Why a service was not added or edited with ENOENT; says whether the scheduler is to blame. */
static bool explain_module(const struct ipvs_operation *operation, char *text, size_t size)
{
    const struct ipvs_service *service = operation->service, *old = operation->old_service;
    const char *scheduler = service->scheduler, *engine = service->engine;
    bool same_scheduler = old && strcmp(old->scheduler, scheduler) == 0;

    if (!engine[0])
        snprintf(text, size,
                 "the kernel has no scheduler '%s': choose another, or load its module "
                 "('modprobe ip_vs_%s')",
                 scheduler, scheduler);
    else if (same_scheduler)
        snprintf(text, size,
                 "the kernel has no persistence engine '%s': remove it, or load its module "
                 "('modprobe ip_vs_pe_%s')",
                 engine, engine);
    else
        snprintf(text, size,
                 "the kernel has no scheduler '%s' or no persistence engine '%s': choose others, "
                 "or load their modules ('modprobe ip_vs_%s', 'modprobe ip_vs_pe_%s')",
                 scheduler, engine, scheduler, engine);
    return !engine[0] || !same_scheduler;
}

static const char *explain_destination(int error)
{
    switch (error) {
    case EINVAL:
        return "the kernel does not take this real server: its address must be a unicast address "
               "(not link-local, not multicast, not broadcast; the network namespace needs a "
               "loopback interface that is up), and families can be mixed only while no connection "
               "synchronisation daemon runs";
    case ERANGE:
        return "the weight or the thresholds are out of the kernel's range: lower them";
    default:
        return NULL;
    }
}

static const char *explain_any(int error)
{
    switch (error) {
    case EEXIST:
        return "someone else has added it in the meantime: send the change again";
    case ENOENT:
    case ESRCH:
        return "someone else has removed it in the meantime: send the change again";
    case EINVAL:
        return "the kernel does not take these settings: check the address family and the prefix "
               "length of the persistence";
    case EAFNOSUPPORT:
        return "the kernel's ip_vs was built without this address family (CONFIG_IP_VS_IPV6)";
    case EPROTONOSUPPORT:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
        return "the kernel's ip_vs was built without this protocol or option";
    case ENOBUFS:
        return "the kernel's answer was lost for want of memory: send the change again";
    default:
        return ipvs_explain_down(error);
    }
}

/* The node that an operation is about, or NULL if nothing in the configuration is. */
static const struct lyd_node *node_of(const struct ipvs_operation *operation)
{
    if (operation->destination && operation->destination->node)
        return operation->destination->node;
    if (operation->service && operation->service->node)
        return operation->service->node;
    return operation->old_service ? operation->old_service->node : NULL;
}

enum outcome ipvs_explain(const struct ipvs_operation *operation, int error, const char *more,
                          struct error *err)
{
    char text[3 * IPVS_TEXT_SIZE], words[320];
    const char *why = NULL, *below = "";
    enum error_tag tag = TAG_OPERATION_FAILED;

    if (ipvs_on_destination(operation)) {
        why = operation->verb == IPVS_DELETE ? NULL : explain_destination(error);
        if (why)
            tag = TAG_INVALID_VALUE;
    } else if (error == ENOENT && operation->verb != IPVS_DELETE) {
        tag = TAG_INVALID_VALUE;
        below =
            explain_module(operation, words, sizeof words) ? "/scheduler" : "/persistence/engine";
        why = words;
    }
    if (!why)
        why = explain_any(error);
    const struct lyd_node *node = node_of(operation);
    char *path = node ? ipvs_path(node, below) : NULL;
    enum outcome outcome =
        fail(err, tag, path, "IPVS could not %s (%s): %s.%s", ipvs_operation_text(operation, text),
             strerrorname_np(error) ? strerrorname_np(error) : "?", why, more);
    free(path);
    return outcome;
}
