#include "backends/ipvs/backend.h"

#include "backends/ipvs/adopt.h"
#include "backends/ipvs/commit.h"
#include "backends/ipvs/directors.h"
#include "backends/ipvs/operations.h"
#include "backends/ipvs/state.h"

static enum outcome ipvs_start(struct backend *backend, const struct snapshot *running,
                               struct error *err)
{
    struct ipvs_directors *directors = ipvs_directors_new(backend, running);
    if (!directors)
        return fail_memory(err);
    backend->data = directors;
    ipvs_directors_start(directors);
    return DONE;
}

static void ipvs_stop(struct backend *backend)
{
    ipvs_directors_close(backend->data);
    backend->data = NULL;
}

static const char *const claims[] = {"/noria-virtual-server:virtual-servers",
                                     "/noria-director:directors", NULL};

const struct backend_ops ipvs_backend = {
    .name = "ipvs",
    .summary = "virtual servers in the kernel (IPVS), by generic netlink",
    .claims = claims,
    .operations = ipvs_operations,
    .adopt = ipvs_adopt_own,
    .start = ipvs_start,
    .prepare = ipvs_prepare,
    .apply = ipvs_apply,
    .revert = ipvs_revert,
    .release = ipvs_release,
    .operational = ipvs_operational,
    .stop = ipvs_stop,
};
