/*
 * A program and its output.
 */
#include "backends/vrrp/program.h"

#include <signal.h>
#include <stdlib.h>

/* What is kept of its output. */
#define SAID_MAX 2048

struct vrrp_program {
    uv_process_t process;
    uv_pipe_t output;
    uv_timer_t limit;
    void (*done)(void *arg, const struct vrrp_ran *ran);
    void *arg;
    struct vrrp_ran ran;
    char said[SAID_MAX];
    size_t length;
    char rest[512];   /* read and not kept */
    unsigned handles; /* that are open */
};

static void on_closed(uv_handle_t *handle)
{
    struct vrrp_program *program = handle->data;
    if (--program->handles)
        return;
    program->said[program->length] = '\0';
    program->ran.said = program->said;
    if (program->done)
        program->done(program->arg, &program->ran);
    free(program);
}

static void on_exit_of(uv_process_t *process, int64_t status, int signal)
{
    struct vrrp_program *program = process->data;
    program->ran.status = status;
    program->ran.signal = signal;
    uv_close((uv_handle_t *)process, on_closed);
    uv_close((uv_handle_t *)&program->limit, on_closed);
}

static void on_late(uv_timer_t *timer)
{
    struct vrrp_program *program = timer->data;
    program->ran.late = true;
    uv_process_kill(&program->process, SIGKILL);
}

static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct vrrp_program *program = handle->data;
    size_t left = sizeof(program->said) - 1 - program->length;
    *buffer = left ? uv_buf_init(program->said + program->length, (unsigned)left)
                   : uv_buf_init(program->rest, sizeof(program->rest));
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct vrrp_program *program = stream->data;
    if (count < 0)
        uv_close((uv_handle_t *)stream, on_closed);
    else if (buffer->base != program->rest)
        program->length += (size_t)count;
}

static int spawn(struct vrrp_program *program, uv_loop_t *loop, char **arguments)
{
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_IGNORE},
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
         .data.stream = (uv_stream_t *)&program->output},
    };
    uv_process_options_t options = {.exit_cb = on_exit_of,
                                    .file = arguments[0],
                                    .args = arguments,
                                    .stdio_count = 3,
                                    .stdio = stdio};
    return uv_spawn(loop, &program->process, &options);
}

struct vrrp_program *vrrp_program_run(uv_loop_t *loop, char **arguments, uint64_t limit_ms,
                                      void (*done)(void *arg, const struct vrrp_ran *ran),
                                      void *arg)
{
    struct vrrp_program *program = calloc(1, sizeof(*program));
    if (!program)
        return NULL;
    program->done = done;
    program->arg = arg;
    program->handles = 3;
    program->process.data = program->output.data = program->limit.data = program;
    uv_pipe_init(loop, &program->output, 0);
    uv_timer_init(loop, &program->limit);
    program->ran.spawned = spawn(program, loop, arguments);
    if (program->ran.spawned) {
        uv_close((uv_handle_t *)&program->process, on_closed);
        uv_close((uv_handle_t *)&program->output, on_closed);
        uv_close((uv_handle_t *)&program->limit, on_closed);
        return program;
    }
    uv_timer_start(&program->limit, on_late, limit_ms, 0);
    uv_read_start((uv_stream_t *)&program->output, give_room, on_read);
    return program;
}

void vrrp_program_forget(struct vrrp_program *program)
{
    if (!program)
        return;
    program->done(program->arg, NULL);
    program->done = NULL;
}
