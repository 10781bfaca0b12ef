/*
 * Checks that ask nothing: always passed, and always failed.
 */
#include "backends/health/checkers.h"

static void on_start(struct check_job *job)
{
    check_pass(job);
}

static void off_start(struct check_job *job)
{
    check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "it is configured to be off");
}

/* A run ends where it starts. */
static void cancel(struct check_job *job)
{
}

const struct checker on_checker = {
    .name = "on",
    .portless = true,
    .start = on_start,
    .cancel = cancel,
};

const struct checker off_checker = {
    .name = "off",
    .portless = true,
    .start = off_start,
    .cancel = cancel,
};
