#include "agent/mail/backend.h"

#include "agent/mail/mailer.h"

#define MAIL "/noria-mail:mail"

static enum outcome mail_start(struct backend *backend, const struct snapshot *running,
                               struct error *err)
{
    struct mail_settings *settings = NULL;
    if (mail_settings_new(backend->schema, running, &settings, err) != DONE)
        return FAILED;
    backend->data = mailer_new(backend->agent, settings);
    if (!backend->data)
        return fail(err, TAG_OPERATION_FAILED, MAIL, "The thread for e-mail cannot be started.");
    backend_report_up(backend);
    return DONE;
}

/* A plan is the settings that are not in force: first the next ones, then those of before. */
static void mail_prepare(struct backend *backend, struct backend_step *step)
{
    struct mail_settings *settings = NULL;
    enum outcome outcome =
        mail_settings_new(backend->schema, step->changes->after, &settings, &step->error);
    step->plan = settings;
    step_done(step, outcome);
}

static void mail_swap(struct backend *backend, struct backend_step *step)
{
    step->plan = mailer_exchange(backend->data, step->plan);
    step_done(step, DONE);
}

static void mail_release(struct backend *backend, void *plan)
{
    mail_settings_unref(plan);
}

static enum outcome add_figures(struct mailer *mailer, struct lyd_node *node, struct error *err)
{
    struct mailer_figures figures;
    mailer_read(mailer, &figures);
    enum outcome outcome = state_add_number(node, "waiting", figures.waiting, err);
    if (outcome == DONE)
        outcome = state_add_number(node, "sent", figures.sent, err);
    if (outcome == DONE)
        outcome = state_add_number(node, "failed", figures.failed, err);
    if (outcome == DONE && figures.last_sent)
        outcome = state_add_time(node, "last-sent", figures.last_sent, err);
    if (outcome == DONE && *figures.last_error)
        outcome = state_add(node, "last-error", figures.last_error, err);
    return outcome;
}

static enum outcome mail_operational(struct backend *backend, const struct state_request *request,
                                     struct error *err)
{
    enum outcome outcome = DONE;
    for (size_t i = 0; i < request->count && outcome == DONE; i++)
        if (!request->entries[i]->unit->list)
            outcome = add_figures(backend->data, request->nodes[i], err);
    return outcome;
}

static void mail_stop(struct backend *backend)
{
    mailer_free(backend->data);
    backend->data = NULL;
}

static const char *const claims[] = {MAIL, NULL};

const struct backend_ops mail_backend = {
    .name = "mail",
    .summary = "e-mail about what happens",
    .claims = claims,
    .start = mail_start,
    .prepare = mail_prepare,
    .apply = mail_swap,
    .revert = mail_swap,
    .release = mail_release,
    .operational = mail_operational,
    .stop = mail_stop,
};
