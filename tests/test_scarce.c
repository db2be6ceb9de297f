/*
 * test_scarce.c - explorations for which memory runs out in the middle: where a failure is shrunk, and
 * where a run is watched for races.
 *
 * Each is done again and again, and in the n-th round the n-th allocation that it makes itself fails,
 * or that one and all after it. It says so, or finds what it would have found; and the exploration
 * after it, with memory, is as it always is. (tests/test_alloc.c does so for the public interface.)
 */
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support.h"

#include "sim/race/libc.h"

/* A sanitizer needs the functions for itself. */
#if !ASAN && !TSAN

/* ---- What is refused ------------------------------------------------------------------------ */

static struct {
    long left; /* allocations until the one that is refused; 0: none is */
    bool for_good;
    long refused;
} refusal;

static bool refuse(void) {
    if (!refusal.left || (refusal.left > 1 && refusal.left--)) return false;
    if (!refusal.for_good) refusal.left = 0;
    refusal.refused++;
    errno = ENOMEM;
    return true;
}

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

void *malloc(size_t size) { return refuse() ? NULL : __libc_malloc(size); }
void *calloc(size_t count, size_t size) { return refuse() ? NULL : __libc_calloc(count, size); }
void *realloc(void *block, size_t size) {
    return size && refuse() ? NULL : __libc_realloc(block, size);
}
void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset) {
    return refuse() ? MAP_FAILED
                    : (void *)syscall(SYS_mmap, at, size, protection, flags, fd, offset);
}

/* ---- Scenarios ------------------------------------------------------------------------------ */

struct scenario {
    pirn_fn *body;
    pirn_sim_options options;
    pirn_outcome outcome;
    const char *words; /* of the message */
};

static int counter, turns;
static pirn_mutex lock;
static pirn_waitgroup group;

static void add_one(void *arg) {
    int seen;
    (void)arg;
    pirn_mutex_lock(&lock);
    seen = counter;
    pirn_mutex_unlock(&lock);
    pirn_mutex_lock(&lock);
    counter = seen + 1;
    pirn_mutex_unlock(&lock);
}

static void take_turns(void *arg) {
    (void)arg;
    for (int i = 0; i < 3; i++) {
        pirn_sleep(PIRN_MSEC * (int64_t)pirn_choose(3));
        turns++;
    }
}

/* Fails where an update is lost; the rest of it can be left out. Without memory for its tasks it
 * ends well. */
static void lose_an_update(void *arg) {
    int started = 0;
    (void)arg;
    counter = turns = 0;
    lock = (pirn_mutex){0};
    group = (pirn_waitgroup){0};
    pirn_waitgroup_go(&group, take_turns, NULL);
    for (int i = 0; i < 3; i++) started += pirn_waitgroup_go(&group, add_one, NULL) == 0;
    pirn_waitgroup_wait(&group);
    if (counter != started) pirn_panic("an update is lost");
}

int __tsan_atomic32_fetch_add(volatile int *object, int value, int order);
void __tsan_atomic_thread_fence(int order);
void __tsan_write8(void *address);
void __tsan_init(void);

enum { COUNTERS = 140, BLOCKS = 260 };
static int counters[COUNTERS];
static long watched;

/* As compiled by `pirn cc`: much of what is watched, on the heap and in atomics. */
static void touch_all(void *arg) {
    char *text, *block = __wrap_malloc(100), *zeros = __wrap_calloc(3, 5);
    for (int i = 0; i < (arg ? COUNTERS : 2); i++)
        __tsan_atomic32_fetch_add(&counters[i], 1, i % 2 ? __ATOMIC_ACQ_REL : __ATOMIC_RELAXED);
    __tsan_atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (block) block = __wrap_realloc(block, 1000);
    if (zeros) check_equal(zeros[14], 0);
    text = __wrap_strdup("some text");
    if (text) check(!strcmp(text, "some text"));
    __wrap_free(text);
    __wrap_free(zeros);
    __wrap_free(block);
    for (int i = 0; i < BLOCKS && arg; i++) __wrap_free(__wrap_malloc(10 + (size_t)i));
    __tsan_write8(&watched);
}

static void race(void *arg) {
    (void)arg;
    group = (pirn_waitgroup){0};
    pirn_waitgroup_go(&group, touch_all, &group);
    for (int i = 0; i < 5; i++) pirn_waitgroup_go(&group, touch_all, NULL);
    pirn_waitgroup_wait(&group);
}

static const struct scenario shrinking = {
    lose_an_update,
    {.strategy = "random", .seed = 3, .runs = 50, .shrink = true},
    PIRN_PANIC,
    "an update is lost"};
static const struct scenario watching = {
    race, {.strategy = "random", .seed = 1, .runs = 1}, PIRN_RACE, "data race"};

/* ---- Rounds --------------------------------------------------------------------------------- */

enum { FINE, WRONG, NEVER_REFUSED };

static int found(const struct scenario *s, int rc, const pirn_sim_result *result) {
    if (!check_equal(rc, 0) || !check_equal(result->outcome, s->outcome)) return WRONG;
    return check_contains(result->message, s->words) && check(result->schedule != NULL) ? FINE
                                                                                        : WRONG;
}

/* In a process of its own: as the first that it does. */
static int perform(const struct scenario *s, long n, bool for_good) {
    pirn_sim_result result;
    long refused;
    int rc;
    if (s == &watching) __tsan_init();
    refusal.for_good = for_good;
    refusal.left = n;
    rc = pirn_sim_explore(&s->options, s->body, NULL, &result);
    refusal.left = 0;
    refused = refusal.refused;
    check(rc == 0 || (rc == -ENOMEM && strstr(result.message, "memory")));
    /* A run that was short of memory ends early, and says why; or makes do with less. */
    if (rc == 0 && result.outcome == PIRN_LIVELOCK) check_contains(result.message, "memory");
    if (rc == 0 && !refused) found(s, rc, &result);
    pirn_sim_result_free(&result);
    rc = pirn_sim_explore(&s->options, s->body, NULL, &result);
    found(s, rc, &result);
    pirn_sim_result_free(&result);
    return failed_checks() ? WRONG : refused ? FINE : NEVER_REFUSED;
}

static void refuse_each(const struct scenario *s) {
    for (int for_good = 0; for_good < 2; for_good++) {
        int status = FINE;
        for (long n = 1; n < 100000 && status != NEVER_REFUSED; n += 1 + n / 20) {
            pid_t child = fork();
            if (child == 0) {
                alarm(60);
                _exit(perform(s, n, for_good));
            }
            if (!check(child > 0 && waitpid(child, &status, 0) == child)) break;
            status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            if (!check(status == FINE || status == NEVER_REFUSED))
                fprintf(stderr, "    with allocation %ld refused%s: %d\n", n,
                        for_good ? ", and all after it" : "", status);
        }
        check_equal(status, NEVER_REFUSED);
    }
    conclude(s->words);
}

static void memory_to_shrink(void) { refuse_each(&shrinking); }
static void memory_to_watch(void) { refuse_each(&watching); }

static const struct test tests[] = {
    TEST_SECONDS(memory_to_shrink, 120),
    TEST_SECONDS(memory_to_watch, 120),
};
#else
static void nothing_to_refuse(void) {}
static const struct test tests[] = {TEST(nothing_to_refuse)};
#endif

HARNESS(tests)
