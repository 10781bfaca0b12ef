/*
 * keepalived as a process.
 */
#include "backends/vrrp/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/log.h"
#include "backends/vrrp/files.h"
#include "backends/vrrp/program.h"
#include "backends/vrrp/version.h"

/* Pauses between attempts. */
#define FIRST_PAUSE_MS 500
#define LONGEST_PAUSE_MS 30000

/* Who has run for so long stays up. */
#define STEADY_NS (INT64_C(60) * 1000000000)

/* For scripts, where the agent has no PATH itself. */
#define STANDARD_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* An account is asked for so long after a reload: of many instances it takes longer than that. */
#define SETTLED_MS 500

/* How often it is looked whether a new process can take a signal. */
#define READY_MS 20

/* Files of other processes. */

static size_t read_file(const char *path, char *text, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read(fd, text, room - 1) : -1;
    if (fd >= 0)
        close(fd);
    text[length > 0 ? length : 0] = '\0';
    return length > 0 ? (size_t)length : 0;
}

static pid_t read_pid(const struct vrrp_process *process, const char *name)
{
    char path[PATH_MAX], text[32];
    snprintf(path, sizeof(path), "%s/%s", process->folder, name);
    read_file(path, text, sizeof(text));
    long pid = strtol(text, NULL, 10);
    return pid > 1 && pid <= INT_MAX ? (pid_t)pid : 0;
}

/* Whether a process is a keepalived, and whether one of ours. */
static bool is_keepalived(const struct vrrp_process *process, pid_t pid, bool *ours)
{
    char path[PATH_MAX], text[4096], mine[PATH_MAX];
    snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    read_file(path, text, sizeof(text));
    if (strcmp(text, "keepalived\n") != 0)
        return false;
    snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
    size_t length = read_file(path, text, sizeof(text));
    snprintf(mine, sizeof(mine), "%s/" VRRP_CONFIGURATION, process->folder);
    *ours = length && memmem(text, length + 1, mine, strlen(mine) + 1) != NULL;
    return true;
}

static bool shares_network(pid_t pid)
{
    char path[64];
    struct stat mine, theirs;
    snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
    return !stat("/proc/self/ns/net", &mine) && !stat(path, &theirs) &&
           mine.st_ino == theirs.st_ino && mine.st_dev == theirs.st_dev;
}

/* Whether one that is ours is the first, which has started the others. */
static bool is_first(const struct vrrp_process *process, pid_t pid)
{
    char path[64], text[1024];
    bool ours = false;
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    read_file(path, text, sizeof(text));
    const char *state = strrchr(text, ')'); /* "PID (COMMAND) STATE PARENT ..." */
    long parent = state && strlen(state) > 4 ? strtol(state + 4, NULL, 10) : 0;
    return parent > 0 && !(is_keepalived(process, (pid_t)parent, &ours) && ours);
}

/* The first process of ours, or a keepalived in this network namespace that is not ours; or 0. */
static pid_t find(const struct vrrp_process *process, bool wanted)
{
    DIR *proc = opendir("/proc");
    struct dirent *file;
    pid_t found = 0;
    while (proc && !found && (file = readdir(proc))) {
        pid_t pid = (pid_t)strtol(file->d_name, NULL, 10);
        bool ours;
        if (pid > 1 && is_keepalived(process, pid, &ours) && ours == wanted &&
            (ours ? is_first(process, pid) : shares_network(pid)))
            found = pid;
    }
    if (proc)
        closedir(proc);
    return found;
}

/* Watching. */

static void attempt(struct vrrp_process *process);

static void on_again(uv_timer_t *timer)
{
    attempt(timer->data);
}

static void later(struct vrrp_process *process, const char *reason)
{
    uint64_t pause = FIRST_PAUSE_MS;
    for (unsigned i = 1; i < process->failures && pause < LONGEST_PAUSE_MS; i++)
        pause *= 2;
    process->changed(process, reason);
    uv_timer_start(&process->again, on_again, pause < LONGEST_PAUSE_MS ? pause : LONGEST_PAUSE_MS,
                   0);
}

static void free_watch(uv_handle_t *handle)
{
    free(handle);
}

static void stop_watching(struct vrrp_process *process)
{
    if (!process->exit)
        return;
    uv_close((uv_handle_t *)process->exit, free_watch);
    close(process->pidfd);
    process->exit = NULL;
    process->pidfd = -1;
}

static void on_ended(uv_poll_t *poll, int status, int events)
{
    struct vrrp_process *process = poll->data;
    int result = 0;
    char reason[128];
    pid_t pid = process->pid;
    bool child = waitpid(pid, &result, WNOHANG) == pid;
    stop_watching(process);
    uv_timer_stop(&process->again); /* what waited for a signal */
    process->pid = 0;
    process->reload_due = process->account_due = false;
    if (process->ending || !process->wanted) {
        process->failures = 0;
        process->changed(process, NULL);
        attempt(process); /* it may be wanted again by now */
        return;
    }
    process->failures = clock_now() - process->since > STEADY_NS ? 1 : process->failures + 1;
    process->restarts++;
    if (child && WIFSIGNALED(result))
        snprintf(reason, sizeof(reason), "keepalived was ended by signal %d", WTERMSIG(result));
    else if (child)
        snprintf(reason, sizeof(reason), "keepalived ended with status %d: look at its messages",
                 WEXITSTATUS(result));
    else
        snprintf(reason, sizeof(reason), "keepalived has ended");
    later(process, reason);
}

static bool watch(struct vrrp_process *process, pid_t pid)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    uv_poll_t *exit = pidfd >= 0 ? malloc(sizeof(*exit)) : NULL;
    if (!exit || uv_poll_init(process->loop, exit, pidfd)) {
        if (pidfd >= 0)
            close(pidfd);
        free(exit);
        return false;
    }
    exit->data = process;
    uv_poll_start(exit, UV_READABLE, on_ended);
    process->exit = exit;
    process->pidfd = pidfd;
    process->pid = pid;
    process->ending = false;
    process->since = clock_now();
    return true;
}

/* Starting. */

/* Without the agent's terminal, signals and descriptors. @return 0 or an errno. */
static int spawn(const struct vrrp_process *process, pid_t *pid)
{
    char configuration[PATH_MAX], own[PATH_MAX], child[PATH_MAX], bfd[PATH_MAX];
    char *arguments[] = {"keepalived", "-n", "-D",  "-P", "-f", configuration, "-p",
                         own,          "-r", child, "-b", bfd,  NULL};
    char temporary[PATH_MAX], path[PATH_MAX], *environment[] = {path, temporary, NULL};
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t files;
    sigset_t none, all;
    snprintf(configuration, sizeof(configuration), "%s/" VRRP_CONFIGURATION, process->folder);
    snprintf(own, sizeof(own), "%s/" VRRP_PID, process->folder);
    snprintf(child, sizeof(child), "%s/" VRRP_CHILD_PID, process->folder);
    snprintf(bfd, sizeof(bfd), "%s/" VRRP_BFD_PID, process->folder);
    snprintf(temporary, sizeof(temporary), "TMPDIR=%s", process->folder);
    snprintf(path, sizeof(path), "PATH=%s", getenv("PATH") ? getenv("PATH") : STANDARD_PATH);
    unlink(child); /* what is there is not this one's */
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawn_file_actions_init(&files);
    for (int fd = 0; fd < 3; fd++)
        posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
    /* It outlives the agent, and would hold what libraries leave open, as the port of SNMP. */
    posix_spawn_file_actions_addclosefrom_np(&files, 3);
    int error = posix_spawnp(pid, "keepalived", &files, &attributes, arguments, environment);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return error;
}

static void on_version(void *arg, const char *complaint)
{
    struct vrrp_process *process = arg;
    process->version = NULL;
    process->usable = !complaint;
    if (!complaint) {
        attempt(process);
        return;
    }
    process->failures++;
    later(process, complaint);
}

/* It is asked before each start: another one may have been installed meanwhile. */
static void ask_version(struct vrrp_process *process)
{
    if (process->version)
        return;
    process->version = vrrp_version_ask(process->loop, on_version, process);
    if (!process->version)
        later(process, "keepalived cannot be started: no memory");
}

static bool take_over(struct vrrp_process *process, pid_t pid)
{
    if (!watch(process, pid))
        return false;
    log_notice(AREA_VRRP, "took over a running keepalived (process %d)", (int)pid);
    process->changed(process, NULL);
    return true;
}

/* The one that our file of process identifiers names, if it runs. */
static bool take_over_named(struct vrrp_process *process)
{
    pid_t pid = read_pid(process, VRRP_PID);
    bool ours = false;
    return pid && is_keepalived(process, pid, &ours) && ours && take_over(process, pid);
}

static void attempt(struct vrrp_process *process)
{
    char reason[192];
    if (!process->wanted || process->pid)
        return;
    if (take_over_named(process)) {
        vrrp_process_reload(process);
        return;
    }
    if (!process->usable) {
        ask_version(process);
        return;
    }
    process->usable = false;
    pid_t other = find(process, false);
    if (other) {
        snprintf(reason, sizeof(reason),
                 "another keepalived (process %d) runs on this node: stop it, for example by "
                 "'systemctl disable --now keepalived', and let noriad run it",
                 (int)other);
        later(process, reason);
        return;
    }
    pid_t pid = 0;
    int error = spawn(process, &pid);
    if (error || !watch(process, pid)) {
        process->failures++;
        snprintf(reason, sizeof(reason), "keepalived cannot be started: %s",
                 strerror(error ? error : errno));
        later(process, reason);
        return;
    }
    log_notice(AREA_VRRP, "started keepalived (process %d)", (int)pid);
    process->changed(process, NULL);
}

/*
 * One of an agent before this one, which may have ended before its keepalived had written the file.
 */
static bool take_over_any(struct vrrp_process *process)
{
    if (take_over_named(process))
        return true;
    pid_t pid = find(process, true);
    return pid && take_over(process, pid);
}

bool vrrp_process_want(struct vrrp_process *process)
{
    process->wanted = true;
    if (process->pid || (!process->looked && take_over_any(process)))
        return true;
    process->looked = true;
    if (!uv_is_active((uv_handle_t *)&process->again))
        attempt(process);
    return false;
}

/* Signals. A process that is not yet ready for them is ended by them. */

static void signal_when_ready(struct vrrp_process *process);

static void on_ready(uv_timer_t *timer)
{
    signal_when_ready(timer->data);
}

static void signal_when_ready(struct vrrp_process *process)
{
    pid_t child = read_pid(process, VRRP_CHILD_PID);
    bool ours = false;
    if (!process->pid || process->ending || (!process->reload_due && !process->account_due))
        return;
    if (!child || !is_keepalived(process, child, &ours) || !ours) {
        uv_timer_start(&process->again, on_ready, READY_MS, 0);
        return;
    }
    if (process->reload_due) {
        log_info(AREA_VRRP, "keepalived reads its configuration again");
        kill(process->pid, SIGHUP);
        process->reload_due = false;
        process->settled = uv_now(process->loop) + SETTLED_MS;
    }
    if (process->account_due && uv_now(process->loop) < process->settled) {
        uv_timer_start(&process->again, on_ready, process->settled - uv_now(process->loop), 0);
        return;
    }
    if (process->account_due) {
        kill(child, SIGUSR1);             /* keepalived --signum=DATA; it takes this one first */
        kill(process->pid, SIGRTMIN + 2); /* keepalived --signum=JSON */
    }
    process->account_due = false;
}

void vrrp_process_reload(struct vrrp_process *process)
{
    process->reload_due = process->pid != 0; /* one that is to be started reads it anyway */
    signal_when_ready(process);
}

void vrrp_process_account(struct vrrp_process *process)
{
    process->account_due = process->pid != 0;
    signal_when_ready(process);
}

void vrrp_process_end(struct vrrp_process *process)
{
    process->wanted = false;
    process->reload_due = process->account_due = false;
    uv_timer_stop(&process->again);
    if (!process->pid) /* one of an agent before this one */
        take_over_named(process);
    process->ending = process->pid && !kill(process->pid, SIGTERM);
    if (process->pid && !process->ending)
        log_error(AREA_VRRP, "keepalived cannot be ended: %s", strerror(errno));
}

/* From the first to the last. */

bool vrrp_process_open(struct vrrp_process *process)
{
    process->pidfd = -1;
    process->again.data = process;
    return uv_timer_init(process->loop, &process->again) == 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct vrrp_process *process = handle->data;
    process->closed(process->arg);
}

void vrrp_process_close(struct vrrp_process *process, void (*closed)(void *arg))
{
    process->closed = closed;
    stop_watching(process);
    vrrp_program_forget(process->version);
    uv_close((uv_handle_t *)&process->again, on_closed);
}
