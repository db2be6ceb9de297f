/*
 * interpose.c - functions of the C library that the simulator takes over.
 *
 * For a task in a run the clocks show virtual time, sleeping takes virtual time, and random numbers
 * come from the schedule. Everything else (the program outside of runs, the library itself, the
 * pirn command) gets what the C library has.
 *
 * Other functions do what they do, and it is noted that they were called (outside.h). The end of
 * the process is where a keeper takes over (keeper.h).
 *
 * These have no symbol version: the dynamic linker takes them in the place of any version that a
 * program was linked with.
 */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "lib/core/sanitize.h"
#include "lib/core/timer.h"
#include "sim/allocated.h"
#include "sim/keeper.h"
#include "sim/outside.h"
#include "sim/random.h"
#include "sim/sim.h"

/* The first of January 2025, in seconds: what a calendar shows when a run begins. */
#define CALENDAR_START INT64_C(1735689600)

#define INTERPOSE EXPORT

/* ---- What is behind ------------------------------------------------------------------------ */

/* All that is taken over and called. `real` has a pointer for each. */
#define TAKEN_OVER(X)     \
    X(clock)              \
    X(clock_gettime)      \
    X(clock_nanosleep)    \
    X(gettimeofday)       \
    X(nanosleep)          \
    X(sleep)              \
    X(time)               \
    X(timespec_get)       \
    X(usleep)             \
    X(arc4random)         \
    X(arc4random_buf)     \
    X(arc4random_uniform) \
    X(getentropy)         \
    X(getrandom)          \
    X(rand)               \
    X(random)             \
    X(srand)              \
    X(srandom)            \
    X(chdir)              \
    X(dup2)               \
    X(dup3)               \
    X(fchdir)             \
    X(fork)               \
    X(madvise)            \
    X(mmap)               \
    X(mmap64)             \
    X(mprotect)           \
    X(mremap)             \
    X(munmap)             \
    X(popen)              \
    X(posix_spawn)        \
    X(posix_spawnp)       \
    X(pthread_create)     \
    X(pthread_sigmask)    \
    X(setitimer)          \
    X(sigaction)          \
    X(signal)             \
    X(sigprocmask)        \
    X(system)             \
    X(timer_create)       \
    X(umask)              \
    X(_Exit)              \
    X(_exit)              \
    X(malloc)             \
    X(calloc)             \
    X(realloc)            \
    X(aligned_alloc)      \
    X(memalign)           \
    X(posix_memalign)

#define POINTER(name) void *name;
static struct { TAKEN_OVER(POINTER) } real;

/* Where the C library does not have a function nobody can have been linked with it. */
static void *find(void **pointer, const char *name) {
    if (!*pointer) *pointer = dlsym(RTLD_NEXT, name);
    if (!*pointer) abort();
    return *pointer;
}

#define REAL(name) (*(__typeof__(&name))find(&real.name, #name))

static void on_exit_of_all(int status, void *arg) {
    (void)arg;
    fflush(NULL);
    keeper_exit(status);
}

/*
 * Handlers are called in the reverse order of their registration, and this comes before those of
 * the program and the dynamic linker's own. Pointers are looked up at once, or each run would do so
 * anew.
 */
static __attribute__((constructor)) void prepare(void) {
#define LOOK_UP(name) real.name = dlsym(RTLD_NEXT, #name);
    TAKEN_OVER(LOOK_UP)
    on_exit(on_exit_of_all, NULL);
}

/* ---- Time ---------------------------------------------------------------------------------- */

static struct timespec to_timespec(int64_t ns) {
    return (struct timespec){ns / PIRN_SEC, ns % PIRN_SEC};
}

static bool is_calendar(clockid_t clock) {
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
}

/* What a clock shows to a task. One that counts the time of a processor counts all time. */
static int64_t read_clock(clockid_t clock) {
    int64_t now = engine_now();
    if (is_calendar(clock)) return CALENDAR_START * PIRN_SEC + now - CLOCK_START;
    return clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID ? now - CLOCK_START
                                                                                 : now;
}

INTERPOSE int clock_gettime(clockid_t clock, struct timespec *time) {
    if (!sim_in_task()) return REAL(clock_gettime)(clock, time);
    *time = to_timespec(read_clock(clock));
    return 0;
}

INTERPOSE int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    struct timespec now;
    if (!sim_in_task()) return REAL(gettimeofday)(time, zone);
    now = to_timespec(read_clock(CLOCK_REALTIME));
    *time = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    if (zone) memset(zone, 0, sizeof(struct timezone));
    return 0;
}

INTERPOSE time_t time(time_t *seconds) {
    time_t now;
    if (!sim_in_task()) return REAL(time)(seconds);
    now = read_clock(CLOCK_REALTIME) / PIRN_SEC;
    if (seconds) *seconds = now;
    return now;
}

INTERPOSE int timespec_get(struct timespec *time, int base) {
    if (!sim_in_task() || base != TIME_UTC) return REAL(timespec_get)(time, base);
    *time = to_timespec(read_clock(CLOCK_REALTIME));
    return base;
}

INTERPOSE clock_t clock(void) {
    if (!sim_in_task()) return REAL(clock)();
    return read_clock(CLOCK_PROCESS_CPUTIME_ID) / (PIRN_SEC / CLOCKS_PER_SEC);
}

/* ---- Sleeping ------------------------------------------------------------------------------ */

static bool is_valid(const struct timespec *time) {
    return time->tv_sec >= 0 && time->tv_nsec >= 0 && time->tv_nsec < PIRN_SEC;
}

static int64_t to_ns(const struct timespec *time) {
    int64_t ns;
    if (__builtin_mul_overflow((int64_t)time->tv_sec, PIRN_SEC, &ns) ||
        __builtin_add_overflow(ns, (int64_t)time->tv_nsec, &ns))
        return INT64_MAX;
    return ns;
}

INTERPOSE int nanosleep(const struct timespec *time, struct timespec *left) {
    if (!sim_in_task()) return REAL(nanosleep)(time, left);
    if (!is_valid(time)) {
        errno = EINVAL;
        return -1;
    }
    time_sleep(to_ns(time), CALLER());
    return 0;
}

INTERPOSE int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
                              struct timespec *left) {
    int64_t ns;
    if (!sim_in_task()) return REAL(clock_nanosleep)(clock, flags, time, left);
    if (!is_valid(time)) return EINVAL;
    ns = to_ns(time);
    time_sleep(flags & TIMER_ABSTIME ? ns - read_clock(clock) : ns, CALLER());
    return 0;
}

INTERPOSE int usleep(useconds_t us) {
    if (!sim_in_task()) return REAL(usleep)(us);
    time_sleep((int64_t)us * 1000, CALLER());
    return 0;
}

INTERPOSE unsigned sleep(unsigned seconds) {
    if (!sim_in_task()) return REAL(sleep)(seconds);
    time_sleep((int64_t)seconds * PIRN_SEC, CALLER());
    return 0;
}

/* ---- Random numbers ------------------------------------------------------------------------ */

static uint32_t seeded_in; /* the run in which the program has chosen the sequence itself */

static bool is_drawn(void) { return sim_in_task() && seeded_in != sim.epoch; }

INTERPOSE int rand(void) { return is_drawn() ? (int)(engine_random() & RAND_MAX) : REAL(rand)(); }

INTERPOSE long random(void) {
    return is_drawn() ? (long)(engine_random() & RAND_MAX) : REAL(random)();
}

INTERPOSE void srand(unsigned seed) {
    if (sim_in_task()) seeded_in = sim.epoch;
    REAL(srand)(seed);
}

INTERPOSE void srandom(unsigned seed) {
    if (sim_in_task()) seeded_in = sim.epoch;
    REAL(srandom)(seed);
}

/* Many bytes are of one choice, which they are made from. */
static void fill(void *to, size_t size) {
    unsigned char *bytes = to;
    uint64_t state = engine_random(), value = state;
    for (size_t i = 0; i < size; i += sizeof value) {
        size_t part = size - i < sizeof value ? size - i : sizeof value;
        memcpy(bytes + i, &value, part);
        value = random_next(&state);
    }
}

INTERPOSE ssize_t getrandom(void *to, size_t size, unsigned flags) {
    if (!sim_in_task()) return REAL(getrandom)(to, size, flags);
    fill(to, size);
    return (ssize_t)size;
}

INTERPOSE int getentropy(void *to, size_t size) {
    if (!sim_in_task()) return REAL(getentropy)(to, size);
    if (size > 256) {
        errno = EIO;
        return -1;
    }
    fill(to, size);
    return 0;
}

#if !__GLIBC_PREREQ(2, 36)
uint32_t arc4random(void);
void arc4random_buf(void *to, size_t size);
uint32_t arc4random_uniform(uint32_t bound);
#endif

INTERPOSE uint32_t arc4random(void) {
    return sim_in_task() ? (uint32_t)engine_random() : REAL(arc4random)();
}

INTERPOSE void arc4random_buf(void *to, size_t size) {
    if (sim_in_task())
        fill(to, size);
    else
        REAL(arc4random_buf)(to, size);
}

INTERPOSE uint32_t arc4random_uniform(uint32_t bound) {
    uint64_t state;
    if (!sim_in_task()) return REAL(arc4random_uniform)(bound);
    if (bound < 2) return 0;
    state = engine_random();
    return (uint32_t)random_below(&state, bound);
}

/* ---- What is noted ------------------------------------------------------------------------- */

/*
 * It is for snapshots, which are not taken under ThreadSanitizer: its library calls some of these
 * before it can bear to be called itself.
 */
#if !PIRN_TSAN

INTERPOSE void *mmap(void *at, size_t size, int protection, int flags, int file, off_t offset) {
    outside_note(OUTSIDE_MAPPINGS);
    return REAL(mmap)(at, size, protection, flags, file, offset);
}

INTERPOSE void *mmap64(void *at, size_t size, int protection, int flags, int file, off64_t offset) {
    outside_note(OUTSIDE_MAPPINGS);
    return REAL(mmap64)(at, size, protection, flags, file, offset);
}

INTERPOSE int madvise(void *at, size_t size, int advice) {
    int rc = REAL(madvise)(at, size, advice);
    if (rc == 0 && advice == MADV_DONTNEED) keeper_discarded(at, size);
    return rc;
}

INTERPOSE int munmap(void *at, size_t size) {
    outside_note(OUTSIDE_MAPPINGS);
    return REAL(munmap)(at, size);
}

INTERPOSE int mprotect(void *at, size_t size, int protection) {
    outside_note(OUTSIDE_MAPPINGS);
    return REAL(mprotect)(at, size, protection);
}

INTERPOSE void *mremap(void *at, size_t size, size_t new_size, int flags, ...) {
    void *to;
    va_list rest;
    va_start(rest, flags);
    to = flags & MREMAP_FIXED ? va_arg(rest, void *) : NULL;
    va_end(rest);
    outside_note(OUTSIDE_MAPPINGS);
    return REAL(mremap)(at, size, new_size, flags, to);
}

INTERPOSE int dup2(int from, int to) {
    outside_note(OUTSIDE_PERHAPS);
    return REAL(dup2)(from, to);
}

INTERPOSE int dup3(int from, int to, int flags) {
    outside_note(OUTSIDE_PERHAPS);
    return REAL(dup3)(from, to, flags);
}

INTERPOSE int chdir(const char *path) {
    outside_note(OUTSIDE_PERHAPS);
    return REAL(chdir)(path);
}

INTERPOSE int fchdir(int folder) {
    outside_note(OUTSIDE_PERHAPS);
    return REAL(fchdir)(folder);
}

INTERPOSE mode_t umask(mode_t mask) {
    outside_note(OUTSIDE_PERHAPS);
    return REAL(umask)(mask);
}

INTERPOSE int sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict old) {
    if (set) outside_note(OUTSIDE_PERHAPS);
    return REAL(sigprocmask)(how, set, old);
}

INTERPOSE int pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict old) {
    if (set) outside_note(OUTSIDE_PERHAPS);
    return REAL(pthread_sigmask)(how, set, old);
}

INTERPOSE int sigaction(int number, const struct sigaction *restrict action,
                        struct sigaction *restrict old) {
    if (action) outside_note(OUTSIDE_HANDLERS);
    return REAL(sigaction)(number, action, old);
}

INTERPOSE sighandler_t signal(int number, sighandler_t handler) {
    outside_note(OUTSIDE_HANDLERS);
    return REAL(signal)(number, handler);
}

INTERPOSE int setitimer(__itimer_which_t which, const struct itimerval *restrict value,
                        struct itimerval *restrict old) {
    outside_note(OUTSIDE_HANDLERS);
    return REAL(setitimer)(which, value, old);
}

INTERPOSE int timer_create(clockid_t clock, struct sigevent *restrict event,
                           timer_t *restrict timer) {
    outside_note(OUTSIDE_HANDLERS);
    return REAL(timer_create)(clock, event, timer);
}

INTERPOSE int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attr,
                             void *(*start)(void *), void *restrict arg) {
    outside_note(OUTSIDE_THREADS);
    return REAL(pthread_create)(thread, attr, start, arg);
}

INTERPOSE pid_t fork(void) {
    outside_note(OUTSIDE_PROCESSES);
    return REAL(fork)();
}

INTERPOSE int posix_spawn(pid_t *restrict process, const char *restrict path,
                          const posix_spawn_file_actions_t *restrict actions,
                          const posix_spawnattr_t *restrict attr, char *const argv[restrict],
                          char *const environment[restrict]) {
    outside_note(OUTSIDE_PROCESSES);
    return REAL(posix_spawn)(process, path, actions, attr, argv, environment);
}

INTERPOSE int posix_spawnp(pid_t *restrict process, const char *restrict file,
                           const posix_spawn_file_actions_t *restrict actions,
                           const posix_spawnattr_t *restrict attr, char *const argv[restrict],
                           char *const environment[restrict]) {
    outside_note(OUTSIDE_PROCESSES);
    return REAL(posix_spawnp)(process, file, actions, attr, argv, environment);
}

INTERPOSE FILE *popen(const char *command, const char *type) {
    outside_note(OUTSIDE_PROCESSES);
    return REAL(popen)(command, type);
}

INTERPOSE int system(const char *command) {
    outside_note(OUTSIDE_PROCESSES);
    return REAL(system)(command);
}

/* ---- Memory -------------------------------------------------------------------------------- */

/* What tasks allocate is noted. Weak, so that a program may have an allocator of its own. */
#define INTERPOSE_WEAKLY INTERPOSE __attribute__((weak))

#if !PIRN_ASAN

static void *noted(void *start, size_t size, const void *site) {
    if (start && sim_in_task()) allocated_note(start, size, site);
    return start;
}

static void *own_malloc(size_t size) { return noted(REAL(malloc)(size), size, CALLER()); }
INTERPOSE_WEAKLY __attribute__((alias("own_malloc"))) void *malloc(size_t size);

INTERPOSE_WEAKLY void *calloc(size_t count, size_t size) {
    return noted(REAL(calloc)(count, size), count * size, CALLER());
}

INTERPOSE_WEAKLY void *realloc(void *old, size_t size) {
    return noted(REAL(realloc)(old, size), size, CALLER());
}

INTERPOSE_WEAKLY void *aligned_alloc(size_t alignment, size_t size) {
    return noted(REAL(aligned_alloc)(alignment, size), size, CALLER());
}

INTERPOSE_WEAKLY void *memalign(size_t alignment, size_t size) {
    return noted(REAL(memalign)(alignment, size), size, CALLER());
}

INTERPOSE_WEAKLY int posix_memalign(void **start, size_t alignment, size_t size) {
    int rc = REAL(posix_memalign)(start, alignment, size);
    if (rc == 0) noted(*start, size, CALLER());
    return rc;
}

bool allocated_all(void) {
    static const void *first;
    if (!first) first = dlsym(RTLD_DEFAULT, "malloc");
    return first == (const void *)own_malloc;
}

#endif

/* ---- The end ------------------------------------------------------------------------------- */

INTERPOSE void _exit(int status) {
    keeper_exit(status);
    REAL(_exit)(status);
    __builtin_unreachable();
}

INTERPOSE void _Exit(int status) {
    keeper_exit(status);
    REAL(_Exit)(status);
    __builtin_unreachable();
}

#endif

#if PIRN_SANITIZED
bool allocated_all(void) { return false; }
#endif
