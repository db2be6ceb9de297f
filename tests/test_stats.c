/* test_stats.c - pirn_stats, where the numbers are known. */
#include "tests/support.h"

#include <unistd.h>

enum { TASKS = 50 };

static struct pirn_stats stats_now(void) {
    struct pirn_stats stats;
    memset(&stats, 0xff, sizeof stats);
    check_equal(pirn_stats(&stats), 0);
    return stats;
}

static void wrong_arguments(void) {
    struct pirn_stats stats = stats_now();
    check_equal(pirn_stats(NULL), -EINVAL);
    check_equal(stats.started, 0);
    check_equal(stats.switches, 0);
    check_equal(stats.workers, 0);
    check_equal(stats.stack_most, 0);
    conclude("outside");
}

/* ---- Counts -------------------------------------------------------------------------------- */

static void receive_from(void *arg) {
    pirn_recv(arg, NULL);
    NOT_A_TAIL_CALL();
}

/* On a busy machine another worker may have stood in for the only one, and added to it. */
static void check_most(const struct pirn_stats *stats) {
    check(stats->most_live >= TASKS + 1);
    check(stats->most_live <= (SIMULATED ? TASKS + 1 : 3 * TASKS));
}

static void count_tasks(void *arg) {
    pirn_chan *chan = pirn_chan_new(0, 0);
    pirn_waitgroup done = {0};
    struct pirn_stats before, stats;
    (void)arg;

    before = stats_now();
    check_equal(before.started, 1);
    check_equal(before.live, 1);
    check_equal(before.most_live, 1);
    check_equal(before.parks, 0);
    check_equal(before.blocked, 0);
    check_equal(before.timers, 0);
    check_equal(before.descriptor_waits, 0);
    check_equal(before.workers, SIMULATED ? 0 : 1);
    check_equal(before.extra_workers, 0);
    check_equal(before.helpers, 0);

    for (int i = 0; i < TASKS; i++) check_equal(pirn_waitgroup_go(&done, receive_from, chan), 0);
    stats = stats_now();
    check_equal(stats.started, TASKS + 1);
    check_equal(stats.live, TASKS + 1);
    check_equal(stats.most_live, TASKS + 1);
    settle();
    stats = stats_now();
    check_equal(stats.parks, TASKS + 1); /* all, and main itself */
    check(stats.blocked > 0);
    check(stats.switches >= TASKS + 1);
    check(stats.stack_used > TASKS * 200 * 1024);
    check(stats.stack_most >= stats.stack_used);
    check(stats.stack_reserved >= stats.stack_most);

    check_equal(pirn_close(chan), 0);
    pirn_waitgroup_wait(&done);
    settle();
    stats = stats_now();
    check_equal(stats.started, TASKS + 1);
    check_equal(stats.live, 1);
    check_most(&stats);
    check(stats.parks >= TASKS + 2);
    if (SIMULATED) check_equal(stats.steals, 0);

    for (int i = 0; i < 4 * TASKS; i++) { /* one after the other */
        check_equal(pirn_waitgroup_go(&done, receive_from, chan), 0);
        pirn_waitgroup_wait(&done);
    }
    settle();
    stats = stats_now();
    check_equal(stats.started, 5 * TASKS + 1);
    check_equal(stats.live, 1);
    check_most(&stats);
    pirn_chan_unref(chan);
}

static void counts_are_exact(void) { run_settled(count_tasks, NULL); }

static void totals_stay_after_the_run(void) {
    struct pirn_stats stats;
    run_settled(count_tasks, NULL);
    stats = stats_now();
    check_equal(stats.started, 5 * TASKS + 1);
    check_most(&stats);
    check(stats.parks > TASKS);
    check(stats.switches > TASKS);
    check(stats.stack_most > 0);
    check(stats.stack_deepest > 0);
    check_equal(stats.live, 0);
    check_equal(stats.workers, 0);
    check_equal(stats.stack_used, 0);
    check_equal(stats.stack_reserved, 0);
    run_settled(count_tasks, NULL); /* which begins with nothing */
    conclude("after");
}

/* ---- Waits --------------------------------------------------------------------------------- */

static void sleep_a_while(void *arg) { pirn_sleep(*(int64_t *)arg); }

static void add_up_waits(void *arg) {
    int64_t time = 40 * PIRN_MSEC;
    pirn_waitgroup done = {0};
    struct pirn_stats stats;
    (void)arg;
    for (int i = 0; i < 10; i++)
        check_equal(pirn_waitgroup_go_copy(&done, sleep_a_while, &time, sizeof time), 0);
    pirn_yield();
    pirn_waitgroup_wait(&done);
    stats = stats_now();
    check_equal(stats.parks, 11);
    if (SIMULATED)
        check_equal(stats.blocked, 11 * time);
    else
        check(stats.blocked >= 11 * (time - 15 * PIRN_MSEC));
}

static void blocked_time_adds_up(void) { run_settled(add_up_waits, NULL); }

static void read_byte(void *arg) {
    char byte;
    pirn_read(*(int *)arg, &byte, 1, PIRN_FOREVER);
}

static void count_what_waits(void *arg) {
    pirn_timer *timer = pirn_timer_new(PIRN_SEC * 1000);
    pirn_waitgroup done = {0};
    int fds[2];
    (void)arg;
    check_equal(pipe(fds), 0);
    check_equal(stats_now().timers, 1);
    for (int i = 0; i < 3; i++) check_equal(pirn_waitgroup_go(&done, read_byte, fds), 0);
    while (stats_now().descriptor_waits != 3) pirn_sleep(PIRN_MSEC);
    pirn_close_fd(fds[0]);
    pirn_close_fd(fds[1]);
    pirn_waitgroup_wait(&done);
    check_equal(stats_now().descriptor_waits, 0);
    pirn_timer_free(timer);
    check_equal(stats_now().timers, 0);
}

static void timers_and_descriptors_are_counted(void) { run_settled(count_what_waits, NULL); }

/* ---- Threads and stacks -------------------------------------------------------------------- */

enum { DEPTH = 100 * 1024 };

static __attribute__((noinline)) void go_deep(void) {
    volatile char deep[DEPTH];
    for (size_t i = 0; i < sizeof deep; i += 1024) deep[i] = 1;
    (void)deep;
}

static void use_stack(void *arg) {
    (void)arg;
    go_deep();
}

static void look_for_depth(void *arg) {
    pirn_waitgroup done = {0};
    size_t before = stats_now().stack_deepest;
    (void)arg;
    check(before > 0);
    if (!ASAN) check(before < DEPTH);
    check_equal(pirn_waitgroup_go(&done, use_stack, NULL), 0);
    pirn_waitgroup_wait(&done);
    if (!ASAN) check(stats_now().stack_deepest > DEPTH); /* there, arrays may be elsewhere */
    check(stats_now().stack_deepest < 3 * DEPTH);
}

static void deepest_use_is_found(void) { run_settled(look_for_depth, NULL); }

#if !SIMULATED
static atomic_bool helping, enough;

static void help(void *arg) {
    (void)arg;
    atomic_store(&helping, true);
    while (!atomic_load(&enough)) usleep(1000);
}
static void ask_for_help(void *arg) {
    (void)arg;
    check_equal(pirn_block(help, NULL), 0);
}
static void compute(void *arg) {
    (void)arg;
    while (!atomic_load(&enough)) continue;
}

static void count_threads(void *arg) {
    pirn_waitgroup done = {0};
    struct pirn_stats stats;
    (void)arg;
    atomic_store(&helping, false);
    atomic_store(&enough, false);
    check_equal(pirn_waitgroup_go(&done, ask_for_help, NULL), 0);
    check_equal(pirn_waitgroup_go(&done, compute, NULL), 0);
    do { /* until another worker stands in for the one that computes, and runs this */
        pirn_sleep(5 * PIRN_MSEC);
        stats = stats_now();
    } while (stats.extra_workers == 0 || !atomic_load(&helping));
    check_equal(stats.helpers, 1);
    check_equal(stats.workers, 1 + stats.extra_workers);
    atomic_store(&enough, true);
    pirn_waitgroup_wait(&done);
}

static void threads_are_counted(void) { run_settled(count_threads, NULL); }

static void spin_a_while(void *arg) {
    for (volatile int i = 0; i < 20000; i++) continue;
    (void)arg;
}

/* What several workers count adds up once they are quiet. */
static void share_work(void *arg) {
    pirn_waitgroup done = {0};
    struct pirn_stats stats;
    (void)arg;
    for (int i = 0; i < 2000; i++) check_equal(pirn_waitgroup_go(&done, spin_a_while, NULL), 0);
    pirn_waitgroup_wait(&done);
    do { /* the last may still be on its way out */
        pirn_sleep(PIRN_MSEC);
        stats = stats_now();
        check(stats.live >= 1);
    } while (stats.live > 1);
    check_equal(stats.started, 2001);
    check(stats.most_live <= 2001);
    check(stats.switches >= 2001);
}

static void workers_add_up(void) { run_body(share_work, NULL); }
#endif

static const struct test tests[] = {
    TEST(wrong_arguments),
    TEST(counts_are_exact),
    TEST(totals_stay_after_the_run),
    TEST(blocked_time_adds_up),
    TEST(timers_and_descriptors_are_counted),
    TEST(deepest_use_is_found),
#if !SIMULATED
    TEST(threads_are_counted),
    TEST(workers_add_up),
#endif
};

HARNESS(tests)
