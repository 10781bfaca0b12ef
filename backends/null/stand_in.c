/*
 * A stand-in for the ipvs backend: virtual servers that reach no kernel, so that the agent alone
 * can be measured and tested where the kernel has no IPVS.
 */
#include "backends/null/backend.h"

static enum outcome stand_in_start(struct backend *backend, const struct snapshot *running,
                                   struct error *err)
{
    backend_report_up(backend);
    return DONE;
}

static void stand_in_step(struct backend *backend, struct backend_step *step)
{
    step_done(step, DONE);
}

static const char *const stand_in_claims[] = {"/noria-virtual-server:virtual-servers",
                                              "/noria-director:directors", NULL};

const struct backend_ops null_servers_backend = {
    .name = "null-servers",
    .summary = "virtual servers that reach no kernel: for tests",
    .claims = stand_in_claims,
    .start = stand_in_start,
    .prepare = stand_in_step,
    .apply = stand_in_step,
    .revert = stand_in_step,
};
