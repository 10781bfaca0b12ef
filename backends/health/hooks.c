#include "backends/health/hooks.h"

#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/command_line.h"
#include "agent/log.h"

#define RUNNING_MAX 8
#define WAITING_MAX 20000
#define TIME_MS 30000

/* How long the end of the agent waits for commands: a service manager kills who takes longer. */
#define END_MS 10000

/* One run of a command. */
struct hook {
    uv_process_t process;
    uv_timer_t limit;
    struct hooks *hooks;
    struct hook *next; /* of those that wait, or of those that run */
    struct hook **at;  /* while it runs: what points to it */
    unsigned handles;
    bool has_user;
    uv_uid_t uid;
    uv_gid_t gid;
    char **own;                              /* the operator's words; owned */
    char *arguments[HOOK_ARGUMENTS_MAX + 1]; /* those of ours, ended by NULL */
    char **words;                            /* all of these, ended by NULL; owned */
    char *variables[HOOK_VARIABLES_MAX + 2]; /* its environment, ended by NULL */
};

struct hooks {
    uv_loop_t *loop;
    struct hook *first, **last; /* those that wait */
    struct hook *at_work;       /* those that run */
    size_t waiting, running;
    bool ended;     /* hooks_free() was called: the last hook frees it */
    uv_timer_t end; /* from then on */
};

static void free_hook(struct hook *hook)
{
    for (char **argument = hook->arguments; *argument; argument++)
        free(*argument);
    free(hook->words);
    free(hook->own);
    for (char **variable = hook->variables; *variable; variable++)
        free(*variable);
    free(hook);
}

static void start_more(struct hooks *hooks);

static void free_hooks(uv_handle_t *end)
{
    free(end->data);
}

static void closed(uv_handle_t *handle)
{
    struct hook *hook = handle->data;
    struct hooks *hooks = hook->hooks;
    if (--hook->handles)
        return;
    free_hook(hook);
    hooks->running--;
    start_more(hooks);
    if (hooks->ended && !hooks->running)
        uv_close((uv_handle_t *)&hooks->end, free_hooks);
}

static void close_hook(struct hook *hook)
{
    *hook->at = hook->next;
    if (hook->next)
        hook->next->at = hook->at;
    uv_close((uv_handle_t *)&hook->limit, closed);
    uv_close((uv_handle_t *)&hook->process, closed);
}

static void exited(uv_process_t *process, int64_t status, int signal_number)
{
    struct hook *hook = process->data;
    if (status || signal_number)
        log_warning(AREA_HEALTH, "the command %s ended with status %" PRId64 ", signal %d",
                    hook->words[0], status, signal_number);
    close_hook(hook);
}

static void takes_too_long(uv_timer_t *timer)
{
    struct hook *hook = timer->data;
    log_warning(AREA_HEALTH, "the command %s takes more than %d s and is ended", hook->words[0],
                TIME_MS / 1000);
    kill(-hook->process.pid, SIGKILL);
}

static void start(struct hook *hook)
{
    uv_stdio_container_t nothing[3] = {
        {.flags = UV_IGNORE}, {.flags = UV_IGNORE}, {.flags = UV_IGNORE}};
    uv_process_options_t options = {.exit_cb = exited,
                                    .file = hook->words[0],
                                    .args = hook->words,
                                    .env = hook->variables,
                                    .cwd = "/",
                                    .flags = UV_PROCESS_DETACHED,
                                    .uid = hook->uid,
                                    .gid = hook->gid,
                                    .stdio_count = 3,
                                    .stdio = nothing};
    if (hook->has_user)
        options.flags |= (unsigned)(UV_PROCESS_SETUID | UV_PROCESS_SETGID);
    hook->hooks->running++;
    hook->next = hook->hooks->at_work;
    hook->at = &hook->hooks->at_work;
    if (hook->next)
        hook->next->at = &hook->next;
    hook->hooks->at_work = hook;
    hook->handles = 2;
    uv_timer_init(hook->hooks->loop, &hook->limit);
    hook->limit.data = hook->process.data = hook;
    int error = uv_spawn(hook->hooks->loop, &hook->process, &options);
    if (!error) {
        uv_timer_start(&hook->limit, takes_too_long, TIME_MS, 0);
        return;
    }
    log_warning(AREA_HEALTH, "the command %s cannot be run: %s", hook->words[0],
                uv_strerror(error));
    close_hook(hook);
}

static void start_more(struct hooks *hooks)
{
    while (hooks->first && hooks->running < RUNNING_MAX) {
        struct hook *hook = hooks->first;
        hooks->first = hook->next;
        if (!hooks->first)
            hooks->last = &hooks->first;
        hooks->waiting--;
        start(hook);
    }
}

struct hooks *hooks_new(uv_loop_t *loop)
{
    struct hooks *hooks = calloc(1, sizeof(*hooks));
    if (!hooks)
        return NULL;
    hooks->loop = loop;
    hooks->last = &hooks->first;
    uv_timer_init(loop, &hooks->end);
    hooks->end.data = hooks;
    return hooks;
}

/* The agent's end has waited for long enough. */
static void give_up(uv_timer_t *end)
{
    struct hooks *hooks = end->data;
    struct hook *hook;
    log_warning(AREA_HEALTH,
                "the agent ends: %zu commands that run are ended, %zu that wait are not run",
                hooks->running, hooks->waiting);
    while ((hook = hooks->first)) {
        hooks->first = hook->next;
        free_hook(hook);
    }
    hooks->last = &hooks->first;
    hooks->waiting = 0;
    for (hook = hooks->at_work; hook; hook = hook->next)
        kill(-hook->process.pid, SIGKILL);
}

void hooks_free(struct hooks *hooks)
{
    if (!hooks)
        return;
    hooks->ended = true;
    if (hooks->running)
        uv_timer_start(&hooks->end, give_up, END_MS, 0);
    else
        uv_close((uv_handle_t *)&hooks->end, free_hooks);
}

/* @return Whether there is such a user; none is needed where none is named. */
static bool set_user(struct hook *hook, const char *name)
{
    struct passwd entry, *user = NULL;
    char text[4096];
    if (!name)
        return true;
    if (getpwnam_r(name, &entry, text, sizeof(text), &user) || !user)
        return false;
    hook->has_user = true;
    hook->uid = user->pw_uid;
    hook->gid = user->pw_gid;
    return true;
}

static bool add_variable(struct hook *hook, size_t *count, const char *name, const char *value)
{
    if (asprintf(&hook->variables[*count], "%s=%s", name, value) >= 0) {
        ++*count;
        return true;
    }
    hook->variables[*count] = NULL;
    return false;
}

/* The operator's words, and ours behind them. @return Whether there was memory. */
static bool join_words(struct hook *hook, const struct hook_order *order)
{
    size_t own = 0, count = 0;
    hook->own = command_line_split(order->line, &own);
    hook->words = hook->own ? calloc(own + HOOK_ARGUMENTS_MAX + 1, sizeof(*hook->words)) : NULL;
    if (!hook->words)
        return false;
    memcpy(hook->words, hook->own, own * sizeof(*hook->words));
    for (; count < HOOK_ARGUMENTS_MAX && order->arguments[count]; count++) {
        hook->arguments[count] = strdup(order->arguments[count]);
        if (!hook->arguments[count])
            return false;
        hook->words[own + count] = hook->arguments[count];
    }
    return true;
}

/* @return Whether there was memory for all. */
static bool copy_order(struct hook *hook, const struct hook_order *order)
{
    const char *path = getenv("PATH");
    size_t count = 0;
    bool whole = join_words(hook, order) &&
                 add_variable(hook, &count, "PATH", path ? path : "/usr/sbin:/usr/bin:/sbin:/bin");
    for (size_t i = 0; i < HOOK_VARIABLES_MAX && order->variables[i].name && whole; i++)
        whole = !order->variables[i].value ||
                add_variable(hook, &count, order->variables[i].name, order->variables[i].value);
    return whole;
}

bool hook_user_known(const char *name)
{
    struct hook none = {0};
    return set_user(&none, name);
}

void hook_run(struct hooks *hooks, const struct hook_order *order)
{
    struct hook *hook = order->line ? calloc(1, sizeof(*hook)) : NULL;
    if (!hook)
        return;
    hook->hooks = hooks;
    const char *fault = !copy_order(hook, order)        ? "no memory"
                        : hooks->waiting >= WAITING_MAX ? "too many wait for their turn"
                        : !set_user(hook, order->user)  ? "its user is not known on this node"
                                                        : NULL;
    if (fault) {
        log_warning(AREA_HEALTH, "the command %.*s is not run: %s",
                    (int)strcspn(order->line, " \t"), order->line, fault);
        free_hook(hook);
        return;
    }
    *hooks->last = hook;
    hooks->last = &hook->next;
    hooks->waiting++;
    start_more(hooks);
}
