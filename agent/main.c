/*
 * noriad: the program around the agent.
 */
#include <stdio.h>
#include <stdlib.h>

#include "agent/life.h"
#include "agent/log.h"
#include "agent/offline.h"
#include "agent/options.h"
#include "agent/status.h"

static void print_error(const char *what, const struct error *err)
{
    fprintf(stderr, "%s: %s%s%s\n", what, err->path ? err->path : "", err->path ? ": " : "",
            error_message(err));
}

static int check(const struct agent_options *options)
{
    struct error error = {0};
    char *what = NULL;
    enum outcome outcome = offline_check(options, &what, &error);
    if (outcome == DONE)
        printf("%s is valid\n", what);
    else
        print_error(what ? what : "noriad", &error);
    error_clear(&error);
    free(what);
    return outcome == DONE ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int adopt(const struct agent_options *options)
{
    struct error error = {0};
    enum outcome outcome = offline_adopt(options, &error);
    if (outcome != DONE)
        print_error("noriad", &error);
    error_clear(&error);
    return outcome == DONE ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run(const struct agent_options *options)
{
    static struct agent agent; /* threads hold its address */
    struct error error = {0};
    enum outcome outcome = life_start(&agent, options, &error);
    if (outcome == DONE) {
        life_run(&agent);
    } else {
        log_error(AREA_AGENT, "cannot start: %s%s%s", error.path ? error.path : "",
                  error.path ? ": " : "", error_message(&error));
        status_tell_failure(error_message(&error));
    }
    life_end(&agent);
    error_clear(&error);
    return outcome == DONE ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    /* libyang's localtime(3) would look at /etc/localtime for each time that is read. */
    setenv("TZ", ":/etc/localtime", 0);
    struct agent_options options;
    switch (options_read(argc, argv, &options)) {
    case OPTIONS_RUN:
        return options.check ? check(&options) : options.adopt ? adopt(&options) : run(&options);
    case OPTIONS_DONE:
        return EXIT_SUCCESS;
    default:
        return 2;
    }
}
