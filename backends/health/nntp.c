/*
 * NNTP (RFC 3977): the greeting, TLS where it is wanted (RFC 4642), a login (RFC 4643), a group,
 * and the farewell, as a dialogue.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/datastore/entry.h"
#include "backends/health/checkers.h"
#include "backends/health/credentials.h"
#include "backends/health/dialogue.h"

#define STEPS_MAX 6
#define ANSWER_MAX 1024

/* @param command Without its line end; NULL: nothing is sent. @return Whether there was memory. */
static bool add_step(struct dialogue *dialogue, const char *name, const char *command,
                     const char *expect)
{
    char error[200], *line = NULL;
    struct dialogue_step *step = &dialogue->steps[dialogue->count++];
    int size = command ? asprintf(&line, "%s\r\n", command) : 0;
    if (size < 0)
        return false;
    snprintf(step->name, sizeof(step->name), "%s", name);
    step->line = true;
    step->send = (unsigned char *)line;
    step->size = (size_t)size;
    step->expect = pattern_new(expect, error, sizeof(error));
    return step->expect;
}

/* A step whose command has an argument. */
static bool add_command(struct dialogue *dialogue, const char *command, const char *argument,
                        const char *expect)
{
    char line[SECRET_SIZE + 32];
    snprintf(line, sizeof(line), "%s %s", command, argument);
    bool added = add_step(dialogue, command, line, expect);
    explicit_bzero(line, sizeof(line));
    return added;
}

static bool add_starttls(struct dialogue *dialogue)
{
    bool added = add_step(dialogue, "STARTTLS", "STARTTLS", "^382");
    dialogue->steps[dialogue->count - 1].secures = true;
    return added;
}

static bool is_tls(const struct lyd_node *config, const char *wanted)
{
    return !strcmp(leaf_value(config, "tls"), wanted);
}

static bool add_steps(struct dialogue *dialogue, const struct lyd_node *config,
                      const char *password)
{
    const char *user = leaf_value(config, "username"), *group = leaf_value(config, "group");
    return add_step(dialogue, "the greeting", NULL, "^20[01]") &&
           (!is_tls(config, "starttls") || add_starttls(dialogue)) &&
           (!user || add_command(dialogue, "AUTHINFO USER", user, *password ? "^381" : "^281")) &&
           (!user || !*password || add_command(dialogue, "AUTHINFO PASS", password, "^281")) &&
           (!group || add_command(dialogue, "GROUP", group, "^211")) &&
           add_step(dialogue, "QUIT", "QUIT", "^205");
}

static void nntp_free(void *parameters)
{
    dialogue_free(parameters);
}

static enum outcome nntp_parse(const struct lyd_node *config, struct check_target *target,
                               void **parameters, struct error *err)
{
    char password[SECRET_SIZE];
    struct dialogue *dialogue = *parameters = dialogue_new(STEPS_MAX, ANSWER_MAX);
    if (!dialogue)
        return fail_memory(err);
    enum outcome outcome = credentials_secret(config, "password", "password-file", password, err);
    if (outcome == DONE && strpbrk(password, "\r\n"))
        outcome = check_refuse(config, "password", err, "The password must be one line.");
    dialogue->tls_first = is_tls(config, "implicit");
    if (!is_tls(config, "none") && !(dialogue->tls = tls_settings_new(config, target)))
        outcome = fail_memory(err);
    if (outcome == DONE && !add_steps(dialogue, config, password))
        outcome = fail_memory(err);
    explicit_bzero(password, sizeof(password));
    return outcome;
}

const struct checker nntp_checker = {
    .name = "nntp",
    .state = sizeof(struct dialogue_run),
    .parse = nntp_parse,
    .free_parameters = nntp_free,
    .start = dialogue_start,
    .cancel = dialogue_cancel,
};
