/* Preloaded into every process of a test host: a disk that fails or hangs, and a clock that is wrong, while they run.
 *
 * MACHINE_FILE names a file of the layout below, which the test writes (tests/scenarios/machine.py). Only regular files
 * whose path begins with `below` are touched; the clock is that of the whole machine.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { WELL, FAILS, HANGS };

struct machine {
    volatile int32_t syncs, reads, writes, unused;
    volatile int64_t clock_s, passed_s;
    char below[480];
};

static struct machine well;
static volatile struct machine *machine = &well;

__attribute__((constructor)) static void find_machine(void)
{
    const char *path = getenv("MACHINE_FILE");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *seen = mmap(NULL, sizeof(struct machine), PROT_READ, MAP_SHARED, file, 0);
    if (seen != MAP_FAILED)
        machine = seen;
    close(file);
}

static int is_touched(int file)
{
    char link[64], path[1024];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0)
        return 0;
    path[length] = 0;
    const char *below = (const char *)machine->below;
    return *below && strncmp(path, below, strlen(below)) == 0;
}

/* 0 to go on; -1 with errno for a disk that fails; returns late for one that hangs. */
static int meet(volatile int32_t *state, int file)
{
    if (*state == WELL || !is_touched(file))
        return 0;
    while (*state == HANGS)
        usleep(5000);
    if (*state == FAILS) {
        errno = EIO;
        return -1;
    }
    return 0;
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) \
        real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define DISK(state, result, name, arguments, ...) \
    result name arguments \
    { \
        REAL(name); \
        return meet(&machine->state, file) ? -1 : real(__VA_ARGS__); \
    }

DISK(syncs, int, fsync, (int file), file)
DISK(syncs, int, fdatasync, (int file), file)
DISK(reads, ssize_t, read, (int file, void *to, size_t size), file, to, size)
DISK(reads, ssize_t, pread, (int file, void *to, size_t size, off_t at), file, to, size, at)
DISK(reads, ssize_t, pread64, (int file, void *to, size_t size, off64_t at), file, to, size, at)
DISK(writes, ssize_t, write, (int file, const void *from, size_t size), file, from, size)
DISK(writes, ssize_t, pwrite, (int file, const void *from, size_t size, off_t at), file, from, size, at)
DISK(writes, ssize_t, pwrite64, (int file, const void *from, size_t size, off64_t at), file, from, size, at)

int clock_gettime(clockid_t clock, struct timespec *now)
{
    REAL(clock_gettime);
    int failed = real(clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += machine->clock_s + machine->passed_s;
    if (!failed && clock == CLOCK_BOOTTIME)
        now->tv_sec += machine->passed_s;
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    REAL(gettimeofday);
    int failed = real(now, zone);
    if (!failed)
        now->tv_sec += machine->clock_s + machine->passed_s;
    return failed;
}

time_t time(time_t *to)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (to)
        *to = now.tv_sec;
    return now.tv_sec;
}
