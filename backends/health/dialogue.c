#include "backends/health/dialogue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How far a step is. */
enum progress {
    WAITING,
    MATCHED,
    ENDED, /* the run has; the job is not to be touched */
};

static void close_run(struct check_job *job)
{
    struct dialogue_run *run = job->state;
    stream_close(&run->stream, job);
    free(run->answer);
    run->answer = NULL;
}

static void end_failed(struct check_job *job, const char *what)
{
    const struct dialogue *dialogue = job->parameters;
    const char *name = dialogue->steps[((struct dialogue_run *)job->state)->step].name;
    close_run(job);
    check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "%s: %s", name, what);
}

/* The line that was not expected, without its end. */
static void end_unexpected(struct check_job *job, const struct dialogue_step *step)
{
    const struct dialogue_run *run = job->state;
    const char *end = memchr(run->answer, '\n', run->size);
    char line[100];
    size_t size = (size_t)(end - run->answer);
    if (size && end[-1] == '\r')
        size--;
    snprintf(line, sizeof(line), "%.*s", (int)size, run->answer);
    close_run(job);
    check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "%s: %s", step->name, line);
}

/* Hold what has come against what is waited for. */
static enum progress judge(struct check_job *job, const struct dialogue_step *step, bool closed)
{
    const struct dialogue *dialogue = job->parameters;
    const struct dialogue_run *run = job->state;
    bool whole = !step->line || memchr(run->answer, '\n', run->size);
    enum pattern_match match =
        whole ? pattern_match(step->expect, run->answer, run->size) : PATTERN_NO;
    if (match == PATTERN_YES)
        return MATCHED;
    if (match == PATTERN_TOO_MUCH)
        end_failed(job, "the regular expression takes too long");
    else if (step->line && whole)
        end_unexpected(job, step);
    else if (closed)
        end_failed(job, "the connection was closed before the answer matched");
    else if (run->size == dialogue->max_answer)
        end_failed(job, "the answer does not match");
    else
        return WAITING;
    return ENDED;
}

/* Read what has come, and hold it against what is waited for. @return Whether it matches; if not,
 * the run waits or has ended. */
static bool receive_step(struct check_job *job, const struct dialogue_step *step)
{
    const struct dialogue *dialogue = job->parameters;
    struct dialogue_run *run = job->state;
    job->phase = "waiting for the answer";
    while (true) {
        ssize_t got = stream_receive(&run->stream, job, run->answer + run->size,
                                     dialogue->max_answer - run->size);
        if (got < 0)
            return false;
        run->size += (size_t)got;
        enum progress progress = judge(job, step, !got);
        if (progress != WAITING)
            return progress == MATCHED;
    }
}

/*
 * What follows an answer that TLS begins after was not secured: it must not be taken for a part of
 * what is.
 */
static bool ends_with_its_line(const struct dialogue_run *run)
{
    return memchr(run->answer, '\n', run->size) == run->answer + run->size - 1;
}

/* The connection is there. @return Whether there is memory for what comes; if not, the run ends. */
static bool begin(struct check_job *job)
{
    const struct dialogue *dialogue = job->parameters;
    struct dialogue_run *run = job->state;
    run->connected = true;
    run->securing = dialogue->tls_first;
    run->answer = malloc(dialogue->max_answer);
    if (run->answer)
        return true;
    close_run(job);
    check_end_errno(job, "connect", ENOMEM);
    return false;
}

/* Go on until something has to be waited for, or to the end. */
static void talk(struct check_job *job)
{
    const struct dialogue *dialogue = job->parameters;
    struct dialogue_run *run = job->state;
    if (!run->connected && !begin(job))
        return;
    while (true) {
        if (run->securing && !stream_secure(&run->stream, job, dialogue->tls))
            return;
        run->securing = false;
        if (run->step == dialogue->count)
            break;
        const struct dialogue_step *step = &dialogue->steps[run->step];
        if (!stream_send(&run->stream, job, step->send, step->size, &run->sent) ||
            (step->expect && !receive_step(job, step)))
            return;
        if (step->secures && !ends_with_its_line(run)) {
            end_failed(job, "something follows the answer");
            return;
        }
        run->securing = step->secures;
        run->step++;
        run->sent = run->size = 0;
    }
    close_run(job);
    check_pass(job);
}

void dialogue_start(struct check_job *job)
{
    struct dialogue_run *run = job->state;
    stream_open(&run->stream, job, talk);
}

void dialogue_cancel(struct check_job *job)
{
    close_run(job);
}

struct dialogue *dialogue_new(size_t room, size_t max_answer)
{
    struct dialogue *dialogue = calloc(1, sizeof(*dialogue) + room * sizeof(*dialogue->steps));
    if (dialogue)
        dialogue->max_answer = max_answer;
    return dialogue;
}

void dialogue_free(struct dialogue *dialogue)
{
    if (!dialogue)
        return;
    tls_settings_free(dialogue->tls);
    for (size_t i = 0; i < dialogue->count; i++) {
        struct dialogue_step *step = &dialogue->steps[i];
        if (step->send)
            explicit_bzero(step->send, step->size);
        free(step->send);
        pattern_free(step->expect);
    }
    free(dialogue);
}
