/*
 * coverage.c - linked into everything that is built by configure --enable-coverage, so that counts
 * are written where gcov's own code would lose them: by processes that leave with _exit or abort,
 * and by runs whose memory is put back afterwards, counters included.
 *
 * Each library and program has counters and a way to write them of its own, which nobody else sees.
 * They meet in a page at a fixed address, which processes that are forked share.
 *
 * Writing takes some ms, and there are explorations of a hundred thousand runs: of many processes
 * that end in the same way only some write.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEETING_PLACE ((void *)0x10000000000)
enum { MOST = 15, ALL_OF = 100, ONE_IN = 64 };

struct meeting {
    _Atomic unsigned ends, restores, count;
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
    (void)at;
    meeting = MEETING_PLACE;
    number = atomic_fetch_add(&meeting->count, 1);
    if (number >= MOST) abort();
    meeting->parts[number].write = __gcov_dump;
    meeting->parts[number].reset = __gcov_reset;
}

static bool is_chosen(_Atomic unsigned *counter) {
    unsigned number = atomic_fetch_add(counter, 1);
    return number < ALL_OF || number % ONE_IN == 0;
}

static void write_all(void) {
    for (unsigned i = 0; i < meeting->count; i++) meeting->parts[i].write();
}

static void reset_all(void) {
    for (unsigned i = 0; i < meeting->count; i++) meeting->parts[i].reset();
}

/* ---- Ends ---------------------------------------------------------------------------------- */

WRAPPED(void, _exit, int status) {
    if (is_chosen(&meeting->ends)) write_all();
    __real__exit(status);
    __builtin_unreachable();
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
    if (chosen < 0) chosen = is_chosen(&meeting->ends);
    if (chosen) __real___gcov_exit();
}

/* ---- Memory that is put back --------------------------------------------------------------- */

struct outside;
struct snapshot;
struct stack_pool;

/* The counters of a snapshot are 0, or every run would write what was before it once more. */
WRAPPED(struct snapshot *, snapshot_take, const void *top, const struct stack_pool *pool,
        const char **why) {
    write_all();
    reset_all();
    return __real_snapshot_take(top, pool, why);
}

/* Called after a run, before it is looked for what has changed: writing allocates, too. */
WRAPPED(const char *, outside_changed, struct outside *outside) {
    if (is_chosen(&meeting->restores)) write_all();
    return __real_outside_changed(outside);
}
