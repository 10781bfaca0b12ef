/*
 * Preloaded into linux.uml.
 *
 * ptrace: makes its short register writes acceptable to the host. User-Mode Linux 6.1 reserves a
 * fixed space for a process's extended registers. On a CPU with more of them than that (AMX) the
 * host refuses a write that is shorter than its own set, and the guest panics with "ptrace set fp
 * regs failed, errno = 14". So read the whole set, lay what UML wants to write over its front, and
 * write the whole. On other CPUs nothing changes.
 *
 * timer_settime: makes the periodic tick of the first moments of a boot 20 times as fast. Until the
 * kernel leaves it for one-shot timers it only waits: 0.85 s of a 1.4 s boot are spent counting
 * 16 ticks for each of five ways to compute RAID-6. The guest's clock is then ahead; init sets it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static long set_registers(long pid, const struct iovec *in)
{
    static __thread unsigned char set[65536] __attribute__((aligned(64)));
    struct iovec whole = {set, sizeof set};

    if (syscall(SYS_ptrace, PTRACE_GETREGSET, pid, NT_X86_XSTATE, &whole) ||
        whole.iov_len <= in->iov_len)
        return syscall(SYS_ptrace, PTRACE_SETREGSET, pid, NT_X86_XSTATE, in);
    memcpy(set, in->iov_base, in->iov_len);
    return syscall(SYS_ptrace, PTRACE_SETREGSET, pid, NT_X86_XSTATE, &whole);
}

long ptrace(enum __ptrace_request request, ...)
{
    va_list ap;
    va_start(ap, request);
    long pid = va_arg(ap, int);
    void *addr = va_arg(ap, void *);
    void *data = va_arg(ap, void *);
    va_end(ap);

    if (request == PTRACE_SETREGSET && (long)addr == NT_X86_XSTATE)
        return set_registers(pid, data);
    if (request != PTRACE_PEEKTEXT && request != PTRACE_PEEKDATA && request != PTRACE_PEEKUSER)
        return syscall(SYS_ptrace, request, pid, addr, data);

    long word; /* the system call stores what the library function returns */
    if (syscall(SYS_ptrace, request, pid, addr, &word) < 0)
        return -1;
    errno = 0;
    return word;
}

static void hasten(struct timespec *t)
{
    t->tv_nsec = (t->tv_sec * 1000000000 + t->tv_nsec) / 20;
    t->tv_sec = 0;
}

int timer_settime(timer_t timer, int flags, const struct itimerspec *value, struct itimerspec *old)
{
    int (*next)(timer_t, int, const struct itimerspec *, struct itimerspec *);
    *(void **)&next = dlsym(RTLD_NEXT, "timer_settime");

    struct itimerspec fast = *value;
    if (value->it_interval.tv_sec || value->it_interval.tv_nsec) {
        hasten(&fast.it_interval);
        hasten(&fast.it_value);
    }
    return next(timer, flags, &fast, old);
}
