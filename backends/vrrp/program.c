/*
 * A program and its output.
 */
#include "backends/vrrp/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is kept of its output. */
#define SAID_MAX 2048

struct vrrp_program {
    pid_t pid;
    int pidfd;
    uv_poll_t exit; /* on pidfd */
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

static void close_handle(struct vrrp_program *program, uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, on_closed);
}

static void on_exit_of(uv_poll_t *exit, int status, int events)
{
    struct vrrp_program *program = exit->data;
    int result = 0;
    waitpid(program->pid, &result, 0);
    program->ran.status = WIFEXITED(result) ? WEXITSTATUS(result) : 0;
    program->ran.signal = WIFSIGNALED(result) ? WTERMSIG(result) : 0;
    close_handle(program, (uv_handle_t *)exit);
    close(program->pidfd);
    close_handle(program, (uv_handle_t *)&program->limit);
    if (program->ran.late) /* what it has left behind may keep the pipe open */
        close_handle(program, (uv_handle_t *)&program->output);
}

static void on_late(uv_timer_t *timer)
{
    struct vrrp_program *program = timer->data;
    program->ran.late = true;
    kill(program->pid, SIGKILL);
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
        close_handle(program, (uv_handle_t *)stream);
    else if (buffer->base != program->rest)
        program->length += (size_t)count;
}

/* Standard error is the pipe; nothing else of the agent's is its, neither are signals. */
static int spawn(pid_t *pid, char **arguments, int output)
{
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t files;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, output, 2);
    for (int fd = 0; fd < 2; fd++)
        posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_addclosefrom_np(&files, 3);
    int error = posix_spawnp(pid, arguments[0], &files, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return error;
}

/* Without a descriptor of the process nobody would know its end. */
static int watch(struct vrrp_program *program, uv_loop_t *loop)
{
    program->pidfd = (int)syscall(SYS_pidfd_open, program->pid, 0);
    if (program->pidfd >= 0 && !uv_poll_init(loop, &program->exit, program->pidfd))
        return 0;
    int error = errno;
    kill(program->pid, SIGKILL);
    waitpid(program->pid, NULL, 0);
    if (program->pidfd >= 0)
        close(program->pidfd);
    return error;
}

/*
 * uv_spawn() forks, which copies the tables of the agent's memory: of a large configuration that
 * takes longer than the program does. posix_spawn() borrows them.
 * @return 0 or an errno.
 */
static int start(struct vrrp_program *program, uv_loop_t *loop, char **arguments)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return errno;
    int error = spawn(&program->pid, arguments, ends[1]);
    close(ends[1]);
    if (!error)
        error = watch(program, loop);
    if (error || uv_pipe_open(&program->output, ends[0]))
        close(ends[0]);
    return error;
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
    program->exit.data = program->output.data = program->limit.data = program;
    uv_pipe_init(loop, &program->output, 0);
    uv_timer_init(loop, &program->limit);
    program->ran.spawned = -start(program, loop, arguments);
    program->handles = program->ran.spawned ? 2 : 3;
    if (program->ran.spawned) {
        uv_close((uv_handle_t *)&program->output, on_closed);
        uv_close((uv_handle_t *)&program->limit, on_closed);
        return program;
    }
    uv_poll_start(&program->exit, UV_READABLE, on_exit_of);
    uv_timer_start(&program->limit, on_late, limit_ms, 0);
    if (uv_read_start((uv_stream_t *)&program->output, give_room, on_read))
        uv_close((uv_handle_t *)&program->output, on_closed);
    return program;
}

void vrrp_program_forget(struct vrrp_program *program)
{
    if (!program)
        return;
    program->done(program->arg, NULL);
    program->done = NULL;
}
