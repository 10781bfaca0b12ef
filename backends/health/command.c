/*
 * Commands: keepalived's MISC_CHECK and ldirectord's external checks.
 *
 * A command is the leader of a process group of its own, which is ended as a whole when the time is
 * over: first politely, and what is left a second later for good.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/datastore/entry.h"
#include "backends/health/checkers.h"

#define GRACE_MS 1000

struct command {
    char *path;
    bool dynamic;
    bool told_first, told_last; /* ldirectord's arguments come before or behind its own */
    bool has_user, has_group;
    uv_uid_t uid;
    uv_gid_t gid;
    size_t count;
    char *arguments[]; /* ended by NULL */
};

/* A process, which may outlive its run. */
struct run_process {
    uv_process_t process;
    uv_timer_t killer;
    struct check_job *job; /* NULL: nobody waits for it any more */
    unsigned handles;
    bool exited;
};

struct command_run {
    struct run_process *process;
};

static void closed(uv_handle_t *handle)
{
    struct run_process *process = handle->data;
    if (!--process->handles)
        free(process);
}

static void close_process(struct run_process *process)
{
    uv_close((uv_handle_t *)&process->killer, closed);
    uv_close((uv_handle_t *)&process->process, closed);
}

static void judge(struct check_job *job, int64_t status, int signal_number)
{
    const struct command *command = job->parameters;
    if (signal_number)
        check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "the command was ended by signal %d",
                  signal_number);
    else if (!status)
        check_pass(job);
    else if (command->dynamic && status >= 2 && status <= 255)
        check_end(job, CHECK_PASSED, (int32_t)status - 2, NULL);
    else
        check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "exit status %d", (int)status);
}

static void exited(uv_process_t *handle, int64_t status, int signal_number)
{
    struct run_process *process = handle->data;
    struct check_job *job = process->job;
    process->exited = true;
    process->job = NULL;
    if (!uv_is_active((uv_handle_t *)&process->killer))
        close_process(process); /* else the rest of its group is ended first */
    if (job)
        judge(job, status, signal_number);
}

static void kill_group(uv_timer_t *timer)
{
    struct run_process *process = timer->data;
    kill(-process->process.pid, SIGKILL);
    if (process->exited)
        close_process(process);
}

/* Environment of a command. @return The variables, ended by NULL; to be freed with the texts. */
static char **environment_of(const struct check_job *job)
{
    const char *path = getenv("PATH");
    const struct {
        const char *name, *value;
    } variables[] = {
        {"PATH", path ? path : "/usr/sbin:/usr/bin:/sbin:/bin"},
        {"NORIA_VIRTUAL_SERVER", job->virtual_name},
        {"NORIA_VIRTUAL_ADDRESS", job->virtual_address},
        {"NORIA_VIRTUAL_PORT", job->virtual_port},
        {"NORIA_REAL_ADDRESS", job->server},
        {"NORIA_REAL_PORT", job->server_port},
    };
    size_t count = sizeof(variables) / sizeof(*variables);
    char **environment = calloc(count + 1, sizeof(*environment));
    for (size_t i = 0; i < count && environment; i++)
        if (asprintf(&environment[i], "%s=%s", variables[i].name, variables[i].value) < 0)
            environment[i] = NULL;
    return environment;
}

static void free_environment(char **environment)
{
    for (char **at = environment; at && *at; at++)
        free(*at);
    free(environment);
}

/* Add ldirectord's arguments. @return Where the next one goes. */
static char **tell(const struct check_job *job, char **at)
{
    *at++ = (char *)job->virtual_address;
    *at++ = (char *)job->virtual_port;
    *at++ = (char *)job->server;
    *at++ = (char *)job->server_port;
    return at;
}

static int spawn(struct check_job *job, struct run_process *process)
{
    const struct command *command = job->parameters;
    char *arguments[command->count + 6], **at = arguments;
    char **environment = environment_of(job);
    *at++ = command->path;
    if (command->told_first)
        at = tell(job, at);
    memcpy(at, command->arguments, command->count * sizeof(*at));
    at += command->count;
    if (command->told_last)
        at = tell(job, at);
    *at = NULL;
    uv_stdio_container_t nothing[3] = {
        {.flags = UV_IGNORE}, {.flags = UV_IGNORE}, {.flags = UV_IGNORE}};
    uv_process_options_t options = {
        .exit_cb = exited,
        .file = command->path,
        .args = arguments,
        .env = environment,
        .cwd = "/",
        .flags = UV_PROCESS_DETACHED | (command->has_user ? (unsigned)UV_PROCESS_SETUID : 0) |
                 (command->has_group ? (unsigned)UV_PROCESS_SETGID : 0),
        .uid = command->uid,
        .gid = command->gid,
        .stdio_count = 3,
        .stdio = nothing,
    };
    int error = environment ? uv_spawn(job->loop, &process->process, &options) : UV_ENOMEM;
    free_environment(environment);
    return -error;
}

static void command_start(struct check_job *job)
{
    struct command_run *run = job->state;
    struct run_process *process = calloc(1, sizeof(*process));
    job->phase = "the command runs";
    if (!process) {
        check_end_errno(job, "run", ENOMEM);
        return;
    }
    uv_timer_init(job->loop, &process->killer);
    process->killer.data = process->process.data = process;
    process->job = job;
    process->handles = 2;
    run->process = process;
    int error = spawn(job, process);
    if (!error)
        return;
    process->job = NULL;
    close_process(process);
    /* That it cannot be run is its own fault; that there are too many processes is not. */
    if (error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE)
        check_end_errno(job, "run", error);
    else
        check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "run: %s", strerror(error));
}

static void command_cancel(struct check_job *job)
{
    struct run_process *process = ((struct command_run *)job->state)->process;
    process->job = NULL;
    kill(-process->process.pid, SIGTERM);
    uv_timer_start(&process->killer, kill_group, GRACE_MS, 0);
}

static void command_free(void *parameters)
{
    struct command *command = parameters;
    for (size_t i = 0; i < command->count; i++)
        free(command->arguments[i]);
    free(command->path);
    free(command);
}

static bool is_argument(const struct lyd_node *node)
{
    return node->schema && !strcmp(node->schema->name, "argument");
}

static enum outcome set_user(struct command *command, const struct lyd_node *config,
                             struct error *err)
{
    const char *name = leaf_value(config, "user");
    struct passwd entry, *user = NULL;
    char text[4096];
    if (!name)
        return DONE;
    if (getpwnam_r(name, &entry, text, sizeof(text), &user) || !user)
        return check_refuse(config, "user", err, "There is no user %s on this node.", name);
    command->has_user = command->has_group = true;
    command->uid = user->pw_uid;
    command->gid = user->pw_gid;
    return DONE;
}

static enum outcome set_group(struct command *command, const struct lyd_node *config,
                              struct error *err)
{
    const char *name = leaf_value(config, "group");
    struct group entry, *group = NULL;
    char text[16384];
    if (!name)
        return DONE;
    if (getgrnam_r(name, &entry, text, sizeof(text), &group) || !group)
        return check_refuse(config, "group", err, "There is no group %s on this node.", name);
    command->has_group = true;
    command->gid = group->gr_gid;
    return DONE;
}

static enum outcome command_parse(const struct lyd_node *config, struct check_target *target,
                                  void **parameters, struct error *err)
{
    const struct lyd_node *node;
    size_t count = 0;
    LY_LIST_FOR(lyd_child(config), node)
    count += is_argument(node);
    struct command *command = *parameters =
        calloc(1, sizeof(*command) + (count + 1) * sizeof(*command->arguments));
    if (!command || !(command->path = strdup(leaf_value(config, "path"))))
        return fail_memory(err);
    command->dynamic = !strcmp(leaf_value(config, "dynamic"), "true");
    command->told_first = !strcmp(leaf_value(config, "arguments"), "ldirectord");
    command->told_last = !strcmp(leaf_value(config, "arguments"), "ldirectord-after");
    LY_LIST_FOR(lyd_child(config), node)
    {
        if (is_argument(node) &&
            !(command->arguments[command->count++] = strdup(lyd_get_value(node))))
            return fail_memory(err);
    }
    enum outcome outcome = set_user(command, config, err);
    return outcome == DONE ? set_group(command, config, err) : outcome;
}

const struct checker command_checker = {
    .name = "command",
    .state = sizeof(struct command_run),
    .portless = true,
    .alone = true,
    .parse = command_parse,
    .free_parameters = command_free,
    .start = command_start,
    .cancel = command_cancel,
};
