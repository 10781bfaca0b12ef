/*
 * keepalived -v
 */
#include "backends/vrrp/version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/vrrp/program.h"

/* It answers in hundredths of a second. */
#define TIMEOUT_MS 10000

struct question {
    void (*done)(void *arg, const char *complaint);
    void *arg;
};

static bool is_new_enough(unsigned major, unsigned minor)
{
    return major > VRRP_VERSION_MAJOR ||
           (major == VRRP_VERSION_MAJOR && minor >= VRRP_VERSION_MINOR);
}

char *vrrp_version_complaint(const char *said)
{
    unsigned major, minor, patch = 0;
    char *text = NULL;
    int length = 0;
    const char *version = strstr(said, "Keepalived v");
    if (!version || sscanf(version, "Keepalived v%u.%u.%u", &major, &minor, &patch) < 2)
        length = asprintf(&text, "keepalived does not say its version");
    else if (!is_new_enough(major, minor))
        length =
            asprintf(&text,
                     "keepalived is too old: version %u.%u.%u is installed, and %d.%d or newer "
                     "is needed",
                     major, minor, patch, VRRP_VERSION_MAJOR, VRRP_VERSION_MINOR);
    return length < 0 ? NULL : text;
}

static void judge(void *arg, const struct vrrp_ran *ran)
{
    struct question *question = arg;
    char *complaint = NULL;
    int length = 0;
    if (!ran) {
        free(question);
        return;
    }
    if (ran->spawned)
        length =
            asprintf(&complaint, "keepalived cannot be started: %s%s", uv_strerror(ran->spawned),
                     ran->spawned == UV_ENOENT ? ": install the package keepalived" : "");
    else if (ran->late)
        length =
            asprintf(&complaint, "keepalived did not say its version in %d s", TIMEOUT_MS / 1000);
    else
        complaint = vrrp_version_complaint(ran->said);
    question->done(question->arg, length < 0 ? "keepalived cannot be started" : complaint);
    free(complaint);
    free(question);
}

struct vrrp_program *vrrp_version_ask(uv_loop_t *loop,
                                      void (*done)(void *arg, const char *complaint), void *arg)
{
    char *arguments[] = {"keepalived", "-v", NULL};
    struct question *question = malloc(sizeof(*question));
    struct vrrp_program *program = NULL;
    if (question) {
        *question = (struct question){.done = done, .arg = arg};
        program = vrrp_program_run(loop, arguments, TIMEOUT_MS, judge, question);
    }
    if (!program)
        free(question);
    return program;
}
