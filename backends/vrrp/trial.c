/*
 * keepalived -t
 */
#include "backends/vrrp/trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/vrrp/program.h"

/* keepalived needs some hundredths of a second. */
#define TIMEOUT_MS 20000

/* Lines that are no complaint about the configuration. */
static bool is_mere_remark(const char *line)
{
    return strstr(line, "WARNING") || strstr(line, "NOTICE") ||
           strstr(line, "'keepalived_script' does not exist");
}

/* Its lines as one, without the file's name: of all, or of those that complain. */
static char *join_lines(const char *lines, bool remarks)
{
    char *text = NULL, *copy = strdup(lines), *rest = NULL;
    size_t size;
    FILE *out = copy ? open_memstream(&text, &size) : NULL;
    for (char *line = out ? strtok_r(copy, "\n", &rest) : NULL; line;
         line = strtok_r(NULL, "\n", &rest)) {
        const char *place = strstr(line, ": Line ");
        if (remarks || !is_mere_remark(line))
            fprintf(out, "%s%s%s", ftell(out) ? "; " : "", place ? "(" : "",
                    place ? place + 2 : line);
    }
    if (out)
        fclose(out);
    free(copy);
    return text;
}

struct trial {
    void (*done)(void *arg, enum outcome outcome, bool missing, struct error *err);
    void *arg;
};

/* Its complaints; if there are none, whatever it said. To be freed; may be NULL. */
static char *complaints(const char *said)
{
    char *text = join_lines(said, false);
    if (text && *text)
        return text;
    free(text);
    return join_lines(said, true);
}

static void judge(void *arg, const struct vrrp_ran *ran)
{
    struct trial *trial = arg;
    struct error error = {0};
    enum outcome outcome = DONE;
    char *text = complaints(ran->said);
    if (ran->spawned)
        outcome = fail(&error, TAG_OPERATION_FAILED, NULL, "keepalived cannot be run: %s.",
                       uv_strerror(ran->spawned));
    else if (ran->late)
        outcome = fail(&error, TAG_OPERATION_FAILED, NULL,
                       "keepalived did not end its test of the configuration in %d s.",
                       TIMEOUT_MS / 1000);
    else if (ran->status || ran->signal)
        outcome = refuse(&error, TAG_INVALID_VALUE, "/noria-vrrp:vrrp",
                         "keepalived does not take the configuration: %s",
                         text && *text ? text : "it does not say why");
    free(text);
    trial->done(trial->arg, outcome, ran->spawned == UV_ENOENT, &error);
    error_clear(&error);
    free(trial);
}

bool vrrp_trial(uv_loop_t *loop, const char *file,
                void (*done)(void *arg, enum outcome outcome, bool missing, struct error *err),
                void *arg)
{
    struct trial *trial = malloc(sizeof(*trial));
    char *arguments[] = {"keepalived", "-t", "-P", "-f", (char *)file, NULL};
    if (!trial)
        return false;
    *trial = (struct trial){.done = done, .arg = arg};
    if (vrrp_program_run(loop, arguments, TIMEOUT_MS, judge, trial))
        return true;
    free(trial);
    return false;
}
