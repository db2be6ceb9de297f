/*
 * coverage.c - linked into everything that is built by configure --enable-coverage, so that counts
 * are written where gcov's own code would lose them: by processes that leave with _exit, by the
 * system call or with abort, by those that wait to be killed, and by runs whose memory is put back
 * afterwards, counters included.
 *
 * Each library and program has counters and a way to write them of its own, which nobody else sees.
 * They meet in a page at a fixed address, which processes that are forked share.
 *
 * Writing takes some ms, and there are explorations of a hundred thousand runs: of many processes
 * that end in the same way only some write. The one that has begun the program always does, and
 * who has started others.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MEETING_PLACE ((void *)0x10000000000)
enum { MOST = 15, ALL_OF = 100, ONE_IN = 64 };

struct meeting {
    _Atomic unsigned ends, restores, count;
    pid_t first; /* process */
    struct {
        void (*write)(void);
        void (*reset)(void);
    } parts[MOST];
};

void __gcov_dump(void);
void __gcov_reset(void);

/* What the linker's --wrap makes of the calls, and of the functions themselves, which not everybody
 * has. */
#define WRAPPED(result, name, ...)                                           \
    __attribute__((weak)) result __real_##name(__VA_ARGS__);                 \
    __attribute__((visibility("hidden"))) result __wrap_##name(__VA_ARGS__); \
    result __wrap_##name(__VA_ARGS__)

static struct meeting *meeting;

/* A program that is not built so may have loaded a library that is: whoever comes first makes it. */
__attribute__((constructor)) static void join_meeting(void) {
    void *at = mmap(MEETING_PLACE, sizeof *meeting, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    unsigned number;
    meeting = MEETING_PLACE;
    if (at == MEETING_PLACE) meeting->first = getpid();
    number = atomic_fetch_add(&meeting->count, 1);
    if (number >= MOST) abort();
    meeting->parts[number].write = __gcov_dump;
    meeting->parts[number].reset = __gcov_reset;
}

static bool is_chosen(_Atomic unsigned *counter) {
    unsigned number = atomic_fetch_add(counter, 1);
    return number < ALL_OF || number % ONE_IN == 0;
}

static pid_t starter; /* it is this process if it has started others */

static bool end_is_chosen(void) {
    return getpid() == meeting->first || getpid() == starter || is_chosen(&meeting->ends);
}

/* Of a program that refuses calls: those made for writing shall not be. */
__attribute__((weak)) void coverage_writes(bool writing);

static void write_all(void) {
    if (coverage_writes) coverage_writes(true);
    for (unsigned i = 0; i < meeting->count; i++) meeting->parts[i].write();
    if (coverage_writes) coverage_writes(false);
}

static void reset_all(void) {
    for (unsigned i = 0; i < meeting->count; i++) meeting->parts[i].reset();
}

/* ---- Ends ---------------------------------------------------------------------------------- */

WRAPPED(void, _exit, int status) {
    if (end_is_chosen()) write_all();
    __real__exit(status);
    __builtin_unreachable();
}

WRAPPED(long, syscall, long number, ...) {
    va_list rest;
    long arguments[6];
    va_start(rest, number);
    for (int i = 0; i < 6; i++) arguments[i] = va_arg(rest, long);
    va_end(rest);
    if (number == SYS_exit_group) write_all();
    return __real_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3],
                          arguments[4], arguments[5]);
}

WRAPPED(pid_t, fork, void) {
    pid_t child = __real_fork();
    if (child) starter = getpid();
    return child;
}

WRAPPED(void, abort, void) {
    write_all();
    __real_abort();
}

WRAPPED(int, raise, int number) {
    write_all();
    reset_all();
    return __real_raise(number);
}

/* Called by exit, once for each object. */
WRAPPED(void, __gcov_exit, void) {
    static int chosen = -1;
    if (chosen < 0) chosen = end_is_chosen();
    if (chosen) __real___gcov_exit();
}

/* ---- Processes that are killed ------------------------------------------------------------- */

struct exploration;

/* Called after each run; who performs runs for others does so until it is killed. */
WRAPPED(int, explore_again, struct exploration *exploration, uint64_t run) {
    static pid_t process;
    static unsigned calls;
    int rc = __real_explore_again(exploration, run);
    if (process != getpid()) calls = 0;
    process = getpid();
    calls++;
    if (process != meeting->first && ((calls & (calls - 1)) == 0 || calls % ONE_IN == 0)) {
        write_all();
        reset_all();
    }
    return rc;
}

/* ---- Memory that is put back --------------------------------------------------------------- */

struct log;
struct snapshot;
struct stack_pool;

static bool just_taken; /* put back to `false` */

/* The counters of a snapshot are 0, or every run would write what was before it once more; but for
 * those of taking it. */
WRAPPED(struct snapshot *, snapshot_take, const void *top, const struct stack_pool *pool,
        const char **why) {
    struct snapshot *taken;
    write_all();
    reset_all();
    taken = __real_snapshot_take(top, pool, why);
    just_taken = true;
    write_all();
    return taken;
}

/* Called after a run. */
WRAPPED(const char *, snapshot_restore, struct snapshot *snapshot) {
    if (just_taken || is_chosen(&meeting->restores)) write_all();
    return __real_snapshot_restore(snapshot);
}

/* The same where nothing is put back, in a process that is killed in the end. */
WRAPPED(struct log *, keeper_next, void) {
    if (is_chosen(&meeting->restores)) {
        write_all();
        reset_all();
    }
    return __real_keeper_next();
}
