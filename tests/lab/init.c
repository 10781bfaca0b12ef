/*
 * The first process of a lab node: gives the node its own root, name and addresses, and runs the
 * command there.
 *
 * In a guest it is the kernel's init; on the host's own kernel it starts inside fresh namespaces.
 * It is a static program, not a script, because a guest takes 10 ms and more to start a program.
 *
 * tools/lab passes LAB_KIND, LAB_NODE, LAB_NODES and LAB_RUN: a folder with what to run in the
 * files argv, env and cwd, and the folders to write through in shares, as strings that each end
 * with a zero byte. The command's status is left in LAB_RUN/status.NODE.
 *
 * The commands start when all nodes are there, and a node stays until the last command has ended:
 * what a command leaves running serves the others to the end.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static bool guest;
static int node, nodes;
static const char *run;
static int run_folder; /* the host's, whatever the root is */

static void power_off(void)
{
    tcdrain(STDOUT_FILENO);
    tcdrain(STDERR_FILENO);
    reboot(RB_POWER_OFF);
}

static void die(const char *what)
{
    fprintf(stderr, "lab: node-%d: %s: %s\n", node, what, strerror(errno));
    if (guest)
        power_off();
    exit(125);
}

/* Nothing here is ever freed: the process lives as long as its node. */
static __attribute__((format(printf, 1, 2))) char *text(const char *format, ...)
{
    char *s;
    va_list ap;
    va_start(ap, format);
    if (vasprintf(&s, format, ap) < 0)
        die("memory");
    va_end(ap);
    return s;
}

/* The strings in a file of LAB_RUN, as an array that ends with NULL and has room for a few more. */
static char **strings_in(const char *name)
{
    char *path = text("%s/%s", run, name), *data;
    size_t size, count = 0;
    FILE *from = fopen(path, "r"), *to = open_memstream(&data, &size);
    if (!from || !to)
        die(path);
    for (int c; (c = getc(from)) != EOF; count += c == 0)
        putc(c, to);
    fclose(from);
    fclose(to);

    char **strings = calloc(count + 8, sizeof *strings);
    for (size_t i = 0; i < count; i++, data += strlen(data) + 1)
        strings[i] = data;
    return strings;
}

static void append(char **strings, char *s)
{
    while (*strings)
        strings++;
    *strings = s;
}

static void make_folders(const char *path)
{
    char *copy = strdup(path);
    for (char *slash = copy; (slash = strchr(slash + 1, '/')); *slash = '/') {
        *slash = 0;
        mkdir(copy, 0755);
    }
    mkdir(copy, 0755);
}

static void must_mount(const char *source, const char *target, const char *type,
                       unsigned long flags, const char *data)
{
    if (mount(source, target, type, flags, data))
        die(text("mount %s on %s", source, target));
}

/*
 * The root: an overlay over the host's files that dies with the node.
 */

/* What kernels usually have built in and this one has not. */
static void load_module(const char *file)
{
    struct utsname kernel;
    uname(&kernel);
    char *path = text("/usr/lib/uml/modules/%s/kernel/%s", kernel.release, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST)
        die(path);
    close(fd);
}

static int overlay(const char *lower, const char *target)
{
    static int count;
    char *upper = text("%s/root/upper.%d", run, ++count);
    char *work = text("%s/root/work.%d", run, count);
    struct stat st;
    if (stat(lower, &st) || mkdir(upper, st.st_mode) || mkdir(work, 0755) ||
        chmod(upper, st.st_mode))
        return -1;
    return mount("lab", target, "overlay", 0,
                 text("lowerdir=%s,upperdir=%s,workdir=%s", lower, upper, work));
}

static bool below(const char *path, const char *folder)
{
    size_t n = strlen(folder);
    return !strncmp(path, folder, n) && (path[n] == '/' || !path[n]);
}

/* An overlay shows one file system only: what the host has mounted further down comes apart. */
static void cover_mounts(const char *root)
{
    static const char *const own[] = {"/proc", "/sys", "/dev", "/run", "/var/run"};
    FILE *mounts = fopen("/proc/self/mountinfo", "r");
    char *line = NULL, *list = NULL;
    size_t size = 0, listed;
    FILE *points = open_memstream(&list, &listed);
    if (!mounts || !points)
        die("/proc/self/mountinfo");
    while (getline(&line, &size, mounts) > 0) {
        char point[4096];
        struct stat st;
        bool skip = sscanf(line, "%*s %*s %*s %*s %4095s", point) != 1 || below(point, run) ||
                    !strcmp(point, "/") || strchr(point, '\\');
        for (size_t i = 0; i < sizeof own / sizeof *own; i++)
            skip |= below(point, own[i]);
        if (!skip && !stat(point, &st) && S_ISDIR(st.st_mode))
            fprintf(points, "%s\n", point);
    }
    fclose(mounts);
    fclose(points);
    for (char *point = strtok(list, "\n"); point; point = strtok(NULL, "\n")) {
        char *target = text("%s%s", root, point);
        if (overlay(point, target)) /* a file system that cannot be a lower layer */
            if (mount(point, target, NULL, MS_BIND, NULL) ||
                mount(NULL, target, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL))
                die(target);
    }
}

static void mount_kernel_file_systems(void)
{
    static const char *const links[][2] = {
        {"fd", ""}, {"stdin", "/0"}, {"stdout", "/1"}, {"stderr", "/2"}};
    must_mount("proc", "proc", "proc", 0, NULL);
    must_mount("sysfs", "sys", "sysfs", 0, NULL);
    must_mount("lab", "run", "tmpfs", 0, "mode=755");
    mkdir("run/lock", 01777);
    if (!guest) {
        must_mount("/dev", "dev", NULL, MS_BIND | MS_REC, NULL);
    } else {
        must_mount("dev", "dev", "devtmpfs", 0, NULL);
        mkdir("dev/pts", 0755);
        mkdir("dev/shm", 01777);
        must_mount("devpts", "dev/pts", "devpts", 0, "ptmxmode=666");
        for (size_t i = 0; i < sizeof links / sizeof *links; i++)
            symlink(text("/proc/self/fd%s", links[i][1]), text("dev/%s", links[i][0]));
    }
    must_mount("lab", "dev/shm", "tmpfs", 0, "mode=1777");
}

/* $LAB_SHARE and the folders of -s are the host's own. */
static void mount_shares(char **shares)
{
    for (; *shares; shares++) {
        char *target = *shares + 1; /* relative to the new root */
        make_folders(target);
        if (guest)
            must_mount("none", target, "hostfs", 0, *shares);
        else
            must_mount(*shares, target, NULL, MS_BIND, NULL);
    }
}

/* Debian keeps the guest kernel's modules apart; modprobe, the kernel's own calls too, looks here.
 */
static void link_modules(void)
{
    struct utsname kernel;
    uname(&kernel);
    make_folders("lib/modules");
    if (symlink(text("/usr/lib/uml/modules/%s", kernel.release),
                text("lib/modules/%s", kernel.release)) &&
        errno != EEXIST)
        die("lib/modules");
}

/* A guest has 39-bit addresses, the compiler's libasan wants 47: put the one that asks over it. */
static void replace_libasan(void)
{
    char *ours = getenv("LAB_LIBASAN"), *theirs = getenv("LAB_LIBASAN_OVER");
    if (ours && theirs)
        must_mount(ours, theirs + 1, NULL, MS_BIND, NULL);
}

static void enter_root(char **shares)
{
    char *base = text("%s/root", run), *root = text("%s/tree", base);
    must_mount("lab", base, "tmpfs", 0, "mode=755");
    mkdir(root, 0755);
    if (guest) {
        load_module("fs/overlayfs/overlay.ko");
        load_module("lib/crc-ccitt.ko"); /* the next one needs it */
        load_module("net/ipv6/ipv6.ko");
    }
    if (overlay("/", root))
        die("overlay");
    if (!guest)
        cover_mounts(root);
    if (chdir(root))
        die(root);
    mount_kernel_file_systems();
    if (guest)
        link_modules();
    mount_shares(shares);
    if (guest)
        replace_libasan();
    mkdir(".host", 0700);
    if (syscall(SYS_pivot_root, ".", ".host") || chdir("/") || umount2("/.host", MNT_DETACH))
        die("pivot_root");
    rmdir("/.host");
}

/*
 * Names and addresses.
 */

static void name_node(void)
{
    char *name = text("node-%d", node);
    if (sethostname(name, strlen(name)))
        die("hostname");
    unlink("/etc/hosts"); /* the host's may be a link */
    FILE *hosts = fopen("/etc/hosts", "w");
    if (!hosts)
        die("/etc/hosts");
    fputs("127.0.0.1 localhost\n::1 localhost ip6-localhost\n", hosts);
    if (nodes == 1)
        fprintf(hosts, "127.0.1.1 node-1\n");
    for (int n = 1; nodes > 1 && n <= nodes; n++)
        fprintf(hosts, "10.99.0.%d node-%d\n", n, n);
    fclose(hosts);
}

static void must_ioctl(int fd, unsigned long request, struct ifreq *r, const char *what)
{
    if (ioctl(fd, request, r))
        die(text("%s %s", what, r->ifr_name));
}

static void set_address(int fd, unsigned long request, const char *address)
{
    struct ifreq r = {.ifr_name = "eth0"};
    struct sockaddr_in *sin = (struct sockaddr_in *)&r.ifr_addr;
    sin->sin_family = AF_INET;
    inet_pton(AF_INET, address, &sin->sin_addr);
    must_ioctl(fd, request, &r, address);
}

static void bring_up(int fd, const char *name)
{
    struct ifreq r = {0};
    strcpy(r.ifr_name, name);
    must_ioctl(fd, SIOCGIFFLAGS, &r, "flags of"); /* or MULTICAST would be cleared */
    r.ifr_flags |= IFF_UP;
    must_ioctl(fd, SIOCSIFFLAGS, &r, "bring up");
}

static void set_up_network(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bring_up(fd, "lo");
    if (nodes == 1)
        return;
    if (guest) {
        struct ifreq r = {.ifr_name = "vec0", .ifr_newname = "eth0"};
        must_ioctl(fd, SIOCSIFNAME, &r, "rename");
    }
    set_address(fd, SIOCSIFADDR, text("10.99.0.%d", node));
    set_address(fd, SIOCSIFNETMASK, "255.255.255.0");
    bring_up(fd, "eth0");
}

/*
 * What the nodes tell each other and tools/lab: files in LAB_RUN.
 */

static void open_run_folder(void)
{
    char *folder = text("%s/root", run);
    if (guest)
        must_mount("none", folder, "hostfs", 0, run);
    run_folder = open(guest ? folder : run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (run_folder < 0)
        die(run);
    if (guest)
        umount2(folder, MNT_DETACH);
}

static void tell(const char *what, int value)
{
    int fd = openat(run_folder, text("%s.%d", what, node), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || dprintf(fd, "%d\n", value) < 0)
        die(what);
    close(fd);
}

/* Have all nodes told this? tools/lab says when one of them has ended early. */
static bool all_told(const char *what)
{
    if (nodes == 1 || !faccessat(run_folder, "failed", F_OK, 0))
        return true;
    for (int n = 1; n <= nodes; n++) {
        char name[32];
        snprintf(name, sizeof name, "%s.%d", what, n);
        if (faccessat(run_folder, name, F_OK, 0))
            return false;
    }
    return true;
}

/*
 * The command.
 */

static void exec_command(char **argv, char **env, const char *folder)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    if (chdir(folder)) {
        fprintf(stderr, "lab: node-%d: no %s here, starting in /\n", node, folder);
        chdir("/");
    }
    environ = env;
    execvp(argv[0], argv);
    fprintf(stderr, "lab: %s: %s\n", argv[0], strerror(errno));
    _exit(errno == ENOENT ? 127 : 126);
}

/* Moves what there is from a pipe to where it is read; says false at the end of either. */
static bool pump(int from, int to)
{
    char data[65536];
    ssize_t n = read(from, data, sizeof data);
    for (ssize_t done = 0, wrote; done < n; done += wrote)
        if ((wrote = write(to, data + done, n - done)) < 0)
            return false;
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* Init adopts orphans: reap every child, and say whether the command was among them. */
static bool reap(pid_t command, int *status)
{
    bool ended = false;
    int s;
    for (pid_t pid; (pid = waitpid(-1, &s, WNOHANG)) > 0;)
        if (pid == command) {
            ended = true;
            *status = WIFSIGNALED(s) ? 128 + WTERMSIG(s) : WEXITSTATUS(s);
        }
    return ended;
}

static void drain(int from, int to)
{
    int left;
    while (from >= 0 && !ioctl(from, FIONREAD, &left) && left > 0 && pump(from, to))
        ;
}

/*
 * In a guest the command writes to pipes, as it would under `| cat` on the host, and this process
 * moves the data to two raw serial lines; elsewhere the command just has the caller's files.
 */
static int run_command(char **argv, char **env, const char *folder)
{
    int out[2] = {-1, -1}, err[2] = {-1, -1}, status = 125;
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    if (guest && (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC)))
        die("pipe");

    pid_t command = fork();
    if (command < 0)
        die("fork");
    if (command == 0) {
        if (guest && (dup2(out[1], STDOUT_FILENO) < 0 || dup2(err[1], STDERR_FILENO) < 0))
            die("dup2");
        exec_command(argv, env, folder);
    }
    close(out[1]);
    close(err[1]);

    struct pollfd fds[] = {
        {signalfd(-1, &child, SFD_CLOEXEC), POLLIN, 0}, {out[0], POLLIN, 0}, {err[0], POLLIN, 0}};
    for (bool ended = false; !ended || !all_told("status");) {
        if (poll(fds, 3, ended ? 50 : -1) < 0 && errno != EINTR)
            die("poll");
        struct signalfd_siginfo info;
        if (fds[0].revents && read(fds[0].fd, &info, sizeof info) > 0 && reap(command, &status)) {
            ended = true;
            tell("status", status);
        }
        for (int i = 1; i <= 2; i++)
            if (fds[i].revents && !pump(fds[i].fd, i)) {
                close(fds[i].fd); /* a command that goes on writing gets SIGPIPE */
                fds[i].fd = -1;
            }
    }
    drain(fds[1].fd, STDOUT_FILENO);
    drain(fds[2].fd, STDERR_FILENO);
    return status;
}

/*
 * The two ends of a guest.
 */

/* Lines are terminals: raw ones change nothing in what passes. */
static int open_line(const char *path)
{
    int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios t;
    if (fd < 0 || tcgetattr(fd, &t))
        die(path);
    cfmakeraw(&t);
    tcsetattr(fd, TCSANOW, &t);
    return fd;
}

static void open_standard_files(void)
{
    int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (dup2(in, STDIN_FILENO) < 0 || dup2(open_line("/dev/tty1"), STDOUT_FILENO) < 0 ||
        dup2(open_line("/dev/tty2"), STDERR_FILENO) < 0)
        die("standard files");
}

/* The clock ran fast while the kernel came up (see shim.c): ask the host, which answers on a line.
 */
static void set_clock(void)
{
    struct pollfd line = {open_line("/dev/tty3"), POLLIN, 0};
    char answer[64] = "";
    size_t got = 0;
    write(line.fd, "?", 1);
    while (!strchr(answer, '\n') && got < sizeof answer - 1 && poll(&line, 1, 5000) == 1) {
        ssize_t n = read(line.fd, answer + got, sizeof answer - 1 - got);
        if (n <= 0)
            break;
        got += n;
    }
    struct timespec t;
    if (sscanf(answer, "%ld%*c%ld", &t.tv_sec, &t.tv_nsec) != 2)
        die(text("got no time from the host but '%s'", answer));
    t.tv_nsec *= 1000;
    if (clock_settime(CLOCK_REALTIME, &t))
        die("clock");
    close(line.fd);
}

static int number(const char *name)
{
    const char *value = getenv(name);
    return value ? atoi(value) : 1;
}

int main(void)
{
    const char *kind = getenv("LAB_KIND");
    guest = kind && !strcmp(kind, "uml");
    run = getenv("LAB_RUN");
    node = number("LAB_NODE");
    nodes = number("LAB_NODES");
    if (!run || !kind)
        return fprintf(stderr, "this is started by tools/lab\n"), 125;

    umask(022);
    char **argv = strings_in("argv"), **env = strings_in("env"), **folder = strings_in("cwd");
    char **shares = strings_in("shares");
    if (guest) {
        open_standard_files();
        set_clock();
        mount("proc", "/proc", "proc", 0, NULL);
    }
    open_run_folder();
    enter_root(shares);
    name_node();
    set_up_network();
    append(env, text("LAB_KIND=%s", kind));
    append(env, text("LAB_NODE=%d", node));
    append(env, text("LAB_NODES=%d", nodes));
    append(env, text("LAB_SHARE=%s", shares[0]));
    tell("ready", 1);
    while (!all_told("ready"))
        usleep(20000);
    int status = run_command(argv, env, *folder);
    if (guest)
        power_off();
    return status;
}
