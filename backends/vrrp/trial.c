/*
 * keepalived -t
 */
#include "backends/vrrp/trial.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* keepalived needs some hundredths of a second. */
#define TIMEOUT_MS 20000

/* What is kept of its complaints. */
#define COMPLAINT_MAX 2048

struct trial {
    uv_process_t process;
    uv_pipe_t output;
    uv_timer_t timeout;
    char *file;
    void (*done)(void *arg, enum outcome outcome, bool missing, struct error *err);
    void *arg;
    char complaint[COMPLAINT_MAX];
    size_t length;
    char rest[512]; /* read and not kept */
    int64_t status;
    int signal;
    int spawned;      /* uv_spawn()'s outcome */
    unsigned handles; /* that are open */
    bool late;
};

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

/* Its complaints; if there are none, whatever it said. To be freed; may be NULL. */
static char *complaints(struct trial *trial)
{
    trial->complaint[trial->length] = '\0';
    char *text = join_lines(trial->complaint, false);
    if (text && *text)
        return text;
    free(text);
    return join_lines(trial->complaint, true);
}

static void judge(struct trial *trial)
{
    struct error error = {0};
    enum outcome outcome = DONE;
    bool missing = trial->spawned == UV_ENOENT;
    char *text = complaints(trial);
    if (trial->spawned)
        outcome = fail(&error, TAG_OPERATION_FAILED, NULL, "keepalived cannot be run: %s.",
                       uv_strerror(trial->spawned));
    else if (trial->late)
        outcome = fail(&error, TAG_OPERATION_FAILED, NULL,
                       "keepalived did not end its test of the configuration in %d s.",
                       TIMEOUT_MS / 1000);
    else if (trial->status || trial->signal)
        outcome = refuse(&error, TAG_INVALID_VALUE, "/noria-vrrp:vrrp",
                         "keepalived does not take the configuration: %s",
                         text && *text ? text : "it does not say why");
    free(text);
    trial->done(trial->arg, outcome, missing, &error);
    error_clear(&error);
}

static void on_closed(uv_handle_t *handle)
{
    struct trial *trial = handle->data;
    if (--trial->handles)
        return;
    judge(trial);
    free(trial->file);
    free(trial);
}

static void on_exit_of(uv_process_t *process, int64_t status, int signal)
{
    struct trial *trial = process->data;
    trial->status = status;
    trial->signal = signal;
    uv_close((uv_handle_t *)process, on_closed);
    uv_close((uv_handle_t *)&trial->timeout, on_closed);
}

static void on_late(uv_timer_t *timer)
{
    struct trial *trial = timer->data;
    trial->late = true;
    uv_process_kill(&trial->process, SIGKILL);
}

static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct trial *trial = handle->data;
    size_t left = sizeof(trial->complaint) - 1 - trial->length;
    *buffer = left ? uv_buf_init(trial->complaint + trial->length, (unsigned)left)
                   : uv_buf_init(trial->rest, sizeof(trial->rest));
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct trial *trial = stream->data;
    if (count < 0)
        uv_close((uv_handle_t *)stream, on_closed);
    else if (buffer->base != trial->rest)
        trial->length += (size_t)count;
}

static int spawn(struct trial *trial, uv_loop_t *loop)
{
    char *arguments[] = {"keepalived", "-t", "-P", "-f", trial->file, NULL};
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_IGNORE},
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&trial->output},
    };
    uv_process_options_t options = {.exit_cb = on_exit_of,
                                    .file = "keepalived",
                                    .args = arguments,
                                    .stdio_count = 3,
                                    .stdio = stdio};
    return uv_spawn(loop, &trial->process, &options);
}

void vrrp_trial(uv_loop_t *loop, const char *file,
                void (*done)(void *arg, enum outcome outcome, bool missing, struct error *err),
                void *arg)
{
    struct error error = {0};
    struct trial *trial = calloc(1, sizeof(*trial));
    if (trial)
        trial->file = strdup(file);
    if (!trial || !trial->file) {
        free(trial);
        done(arg, fail_memory(&error), false, &error);
        error_clear(&error);
        return;
    }
    trial->done = done;
    trial->arg = arg;
    trial->handles = 3;
    trial->process.data = trial->output.data = trial->timeout.data = trial;
    uv_pipe_init(loop, &trial->output, 0);
    uv_timer_init(loop, &trial->timeout);
    trial->spawned = spawn(trial, loop);
    if (trial->spawned) {
        uv_close((uv_handle_t *)&trial->process, on_closed);
        uv_close((uv_handle_t *)&trial->output, on_closed);
        uv_close((uv_handle_t *)&trial->timeout, on_closed);
        return;
    }
    uv_timer_start(&trial->timeout, on_late, TIMEOUT_MS, 0);
    uv_read_start((uv_stream_t *)&trial->output, give_room, on_read);
}
