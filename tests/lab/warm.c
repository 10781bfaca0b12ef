/*
 * Memory that costs a program of a guest what it costs on a machine: preloaded by tools/lab -w.
 *
 * User-Mode Linux tells the host of a page only when a program first touches it, by a signal and
 * several changes between processes: 0.2 to 0.6 ms for each page, where a machine needs less than a
 * microsecond, and three or four times a system call instead of a part of one. So a program that
 * holds its data in memory looks slow beside one that asks the kernel for each of them. A change of
 * protection makes UML tell the host of all pages of a range at once, in a tenth of the time.
 *
 * An allocator that takes its memory by mmap(2) has to be preloaded too; glibc's cannot be seen
 * doing it.
 */
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* What is smaller is no heap; what is larger may be meant never to be used as a whole. */
#define SIZE_MIN (64 * 1024)
#define SIZE_MAX_WARM (64 * 1024 * 1024)

void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    int warm = (flags & MAP_ANONYMOUS) && (flags & MAP_PRIVATE) && !(flags & MAP_STACK) &&
               (protection & PROT_WRITE) && size >= SIZE_MIN && size <= SIZE_MAX_WARM;
    if (warm)
        flags |= MAP_POPULATE;
    void *memory = (void *)syscall(SYS_mmap, address, size, protection, flags, fd, offset);
    if (warm && memory != MAP_FAILED) {
        syscall(SYS_mprotect, memory, size, PROT_NONE);
        syscall(SYS_mprotect, memory, size, protection);
    }
    return memory;
}
