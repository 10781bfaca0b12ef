/*
 * lock, unlock, close-session and kill-session (RFC 6241, 7.5, 7.6, 7.8 and 7.9).
 */
#include <stdlib.h>

#include "agent/log.h"
#include "agent/netconf/rpc.h"

enum outcome rpc_lock(struct rpc *rpc)
{
    enum datastore target;
    enum outcome outcome = rpc_datastore(rpc, "target", &target, NULL);
    if (outcome == DONE)
        outcome = datastore_lock(rpc->agent, target, &rpc->origin, &rpc->error);
    return outcome;
}

enum outcome rpc_unlock(struct rpc *rpc)
{
    enum datastore target;
    enum outcome outcome = rpc_datastore(rpc, "target", &target, NULL);
    if (outcome == DONE)
        outcome = datastore_unlock(rpc->agent, target, &rpc->origin, &rpc->error);
    return outcome;
}

enum outcome rpc_close_session(struct rpc *rpc)
{
    rpc->close = true;
    return DONE;
}

enum outcome rpc_kill_session(struct rpc *rpc)
{
    const char *value = rpc_value(rpc, "session-id", NULL);
    if (!value)
        return rpc_refuse(rpc, TAG_MISSING_ELEMENT, "session-id",
                          "The operation lacks its session-id.");
    uint32_t id = (uint32_t)strtoul(value, NULL, 10);
    if (id == rpc->session->id)
        return rpc_refuse(rpc, TAG_INVALID_VALUE, "session-id",
                          "A session cannot kill itself: use close-session.");
    if (!session_kill(rpc->session, id))
        return rpc_refuse(rpc, TAG_INVALID_VALUE, "session-id", "There is no session %u.", id);
    log_notice(AREA_NETCONF, "session %u was killed by session %u of user %s", id, rpc->session->id,
               rpc->session->user);
    return DONE;
}
