/*
 * TCP: a connection is opened (connection.c), and if there are steps, a dialogue is held
 * (dialogue.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/datastore/entry.h"
#include "backends/health/checkers.h"
#include "backends/health/connection.h"
#include "backends/health/dialogue.h"
#include "backends/health/octets.h"

/* As noria-health.yang says. */
#define STEPS_MAX 16

static void connected(struct check_job *job, uint32_t events)
{
    connection_end(job);
    check_pass(job);
}

static void tcp_start(struct check_job *job)
{
    if (job->parameters)
        dialogue_start(job);
    else
        connection_open(job->shared, job, connected);
}

static void tcp_cancel(struct check_job *job)
{
    if (job->parameters)
        dialogue_cancel(job);
    else
        connection_end(job);
}

static void tcp_free(void *parameters)
{
    dialogue_free(parameters);
}

static int compare_steps(const void *a, const void *b)
{
    const struct lyd_node *const *one = a, *const *other = b;
    return atoi(leaf_value(*one, "number")) - atoi(leaf_value(*other, "number"));
}

static enum outcome parse_step(const struct lyd_node *config, struct dialogue_step *step,
                               struct error *err)
{
    const char *text = leaf_value(config, "send");
    snprintf(step->name, sizeof(step->name), "step %s", leaf_value(config, "number"));
    if (text && !octets_unescape(text, &step->send, &step->size))
        return check_refuse(config, "send", err,
                            "A backslash must begin \\r, \\n, \\t, \\\\ or \\xHH.");
    return pattern_parse(config, "expect", &step->expect, err);
}

static bool is_step(const struct lyd_node *node)
{
    return node->schema && !strcmp(node->schema->name, "step");
}

static enum outcome tcp_parse(const struct lyd_node *config, struct check_target *target,
                              void **parameters, struct error *err)
{
    const struct lyd_node *node, *steps[STEPS_MAX];
    size_t count = 0;
    LY_LIST_FOR(lyd_child(config), node)
    {
        if (is_step(node) && count < STEPS_MAX)
            steps[count++] = node;
    }
    if (!count)
        return DONE;
    qsort(steps, count, sizeof(*steps), compare_steps);
    struct dialogue *dialogue = *parameters =
        dialogue_new(count, strtoul(leaf_value(config, "max-answer"), NULL, 10));
    if (!dialogue)
        return fail_memory(err);
    enum outcome outcome = DONE;
    for (size_t i = 0; i < count && outcome == DONE; i++)
        outcome = parse_step(steps[i], &dialogue->steps[dialogue->count++], err);
    return outcome;
}

static void *tcp_begin(struct health_poller *poller, uv_loop_t *loop)
{
    return connections_new(poller);
}

static void tcp_end(void *connections)
{
    connections_free(connections);
}

const struct checker tcp_checker = {
    .name = "tcp",
    .state = sizeof(struct dialogue_run),
    .begin = tcp_begin,
    .end = tcp_end,
    .parse = tcp_parse,
    .free_parameters = tcp_free,
    .start = tcp_start,
    .cancel = tcp_cancel,
};
