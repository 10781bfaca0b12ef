/*
 * The first half of a transaction: what keepalived will be told is generated and tried.
 *
 * The part that changes, if there is one, is tried while all of it is generated: keepalived takes
 * longer to begin than everything else does together.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/vrrp/trial.h"
#include "backends/vrrp/version.h"
#include "backends/vrrp/vrrp.h"

/* What is wrong with all of it is said rather than what keepalived says of a part. */
static void on_tried(void *arg, enum outcome outcome, bool missing, struct error *err)
{
    struct vrrp_plan *plan = arg;
    struct backend_step *step = plan->step;
    unlink(plan->tried);
    if (plan->outcome != DONE) {
        outcome = plan->outcome;
        error_move(&step->error, &plan->error);
    } else if (missing) { /* it is stored; the backend is down, and says why */
        outcome = DONE;
    } else {
        error_move(&step->error, err);
    }
    step_done(step, outcome);
}

static void on_version(void *arg, const char *complaint)
{
    struct vrrp_plan *plan = arg;
    struct error error = {0};
    if (complaint) /* it could not say anything to the point */
        on_tried(plan, DONE, true, &error);
    else if (!vrrp_trial(plan->vrrp->backend->loop, plan->tried, on_tried, plan))
        on_tried(plan, fail_memory(&error), false, &error);
    error_clear(&error);
}

/* One that runs is known to be new enough. @return DONE: on_tried() will be called. */
static enum outcome try(struct vrrp_plan *plan, const struct vrrp_text *text, struct error *err)
{
    struct vrrp *vrrp = plan->vrrp;
    if (asprintf(&plan->tried, "%s/trial.%u", vrrp->folder, ++vrrp->trials) < 0) {
        plan->tried = NULL;
        return fail_memory(err);
    }
    if (!vrrp_text_write(text, plan->tried))
        return fail(err, TAG_OPERATION_FAILED, NULL, "Cannot write %s: %s.", plan->tried,
                    strerror(errno));
    bool begun = vrrp->process.pid
                     ? vrrp_trial(vrrp->backend->loop, plan->tried, on_tried, plan)
                     : vrrp_version_ask(vrrp->backend->loop, on_version, plan) != NULL;
    return begun ? DONE : fail_memory(err);
}

static enum outcome generate(struct vrrp_plan *plan, struct error *err)
{
    return vrrp_generate(plan->vrrp->backend->schema, plan->step->changes->after,
                         plan->vrrp->folder, &plan->vrrp->memo, &plan->text, err);
}

/* The part that changes. @return false: there is none. */
static bool generate_part(const struct vrrp_plan *plan, struct vrrp_text *part)
{
    const struct schema *schema = plan->vrrp->backend->schema;
    const struct change_set *changes = plan->step->changes;
    struct vrrp_slice slice;
    struct error error = {0};
    bool found = vrrp_slice_of(schema, changes, &slice) &&
                 vrrp_generate_slice(schema, changes->after, plan->vrrp->folder, &slice, part,
                                     &error) == DONE &&
                 part->instances;
    error_clear(&error); /* generate() finds it again */
    vrrp_slice_clear(&slice);
    return found;
}

static enum outcome try_part(struct vrrp_plan *plan, const struct vrrp_text *part,
                             struct error *err)
{
    enum outcome outcome = try(plan, part, err);
    if (outcome == DONE)
        plan->outcome = generate(plan, &plan->error);
    return outcome;
}

/* All of it; without instances keepalived need not run, and nothing is tried. */
static enum outcome try_all(struct vrrp_plan *plan, bool *begun, struct error *err)
{
    enum outcome outcome = generate(plan, err);
    *begun = outcome == DONE && plan->text.instances;
    return *begun ? try(plan, &plan->text, err) : outcome;
}

void vrrp_prepare(struct backend *backend, struct backend_step *step)
{
    struct vrrp_plan *plan = calloc(1, sizeof(*plan));
    struct vrrp_text part = {0};
    enum outcome outcome;
    bool begun = true;
    step->plan = plan;
    if (plan) {
        *plan = (struct vrrp_plan){.vrrp = backend->data, .step = step};
        outcome = generate_part(plan, &part) ? try_part(plan, &part, &step->error)
                                             : try_all(plan, &begun, &step->error);
    } else {
        outcome = fail_memory(&step->error);
    }
    vrrp_text_clear(&part);
    if (outcome != DONE || !begun)
        step_done(step, outcome);
}

void vrrp_release(struct backend *backend, void *data)
{
    struct vrrp_plan *plan = data;
    if (!plan)
        return;
    vrrp_text_clear(&plan->text);
    error_clear(&plan->error);
    free(plan->tried);
    free(plan);
}
