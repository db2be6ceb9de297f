/* test_report.c - what the library says about bugs in its caller: misuse, panics, labels. */
#include "tests/support.h"

#include <signal.h>
#include <sys/wait.h>

/* Calls when main waits: it has then had to wait once, and this task each time that it settled. */
static void call_when_settled(void *arg) {
    struct pirn_stats stats;
    unsigned settled = 0;
    do {
        settle();
        settled++;
        check_equal(pirn_stats(&stats), 0);
    } while (!SIMULATED && stats.parks <= settled);
    (*(pirn_fn **)arg)(NULL);
}

/* Runs `fn` in a task called "cashier" while the main task waits. */
static void in_a_task(pirn_fn *fn) {
    pirn_attr attr = {.name = "cashier"};
    pirn_chan *closing_time = pirn_chan_new(0, 0);
    pirn_label(closing_time, "closing time");
    check_equal(pirn_go_with(&attr, call_when_settled, &fn), 0);
    pirn_recv(closing_time, NULL);
    NOT_A_TAIL_CALL();
}

/* ---- Misuse -------------------------------------------------------------------------------- */

/* Each body announces the line that misuses an object labelled "till 7". */

static void unlock_free_mutex(void *arg) {
    pirn_mutex till = {0};
    (void)arg;
    pirn_label(&till, "till %d", 7);
    HERE_NEXT();
    pirn_mutex_unlock(&till);
    NOT_A_TAIL_CALL();
}

static void unlock_twice(void *arg) {
    pirn_mutex till = {0};
    (void)arg;
    pirn_label(&till, "till %d", 7);
    pirn_mutex_lock(&till);
    pirn_mutex_unlock(&till);
    HERE_NEXT();
    pirn_mutex_unlock(&till);
    NOT_A_TAIL_CALL();
}

static void unlock_free_rwmutex(void *arg) {
    pirn_rwmutex till = {0};
    (void)arg;
    pirn_label(&till, "till %d", 7);
    HERE_NEXT();
    pirn_rwmutex_unlock(&till);
    NOT_A_TAIL_CALL();
}

static void runlock_free_rwmutex(void *arg) {
    pirn_rwmutex till = {0};
    (void)arg;
    pirn_label(&till, "till %d", 7);
    HERE_NEXT();
    pirn_rwmutex_runlock(&till);
    NOT_A_TAIL_CALL();
}

static void unlock_what_is_read(void *arg) {
    pirn_rwmutex till = {0};
    (void)arg;
    pirn_label(&till, "till %d", 7);
    pirn_rwmutex_rlock(&till);
    HERE_NEXT();
    pirn_rwmutex_unlock(&till);
    NOT_A_TAIL_CALL();
}

static void runlock_what_is_written(void *arg) {
    pirn_rwmutex till = {0};
    (void)arg;
    pirn_label(&till, "till %d", 7);
    pirn_rwmutex_lock(&till);
    HERE_NEXT();
    pirn_rwmutex_runlock(&till);
    NOT_A_TAIL_CALL();
}

static void wait_with_free_mutex(void *arg) {
    pirn_mutex till = {0};
    pirn_cond bell = {0};
    (void)arg;
    pirn_label(&till, "till %d", 7);
    HERE_NEXT();
    pirn_cond_wait(&bell, &till);
    NOT_A_TAIL_CALL();
}

static void done_once_too_often(void *arg) {
    pirn_waitgroup till = {0};
    (void)arg;
    pirn_label(&till, "till %d", 7);
    pirn_waitgroup_add(&till, 1);
    pirn_waitgroup_done(&till);
    HERE_NEXT();
    pirn_waitgroup_done(&till);
    NOT_A_TAIL_CALL();
}

static void add_below_zero(void *arg) {
    pirn_waitgroup till = {0};
    (void)arg;
    pirn_label(&till, "till %d", 7);
    pirn_waitgroup_add(&till, 2);
    HERE_NEXT();
    pirn_waitgroup_add(&till, -3);
    NOT_A_TAIL_CALL();
}

static void add_beyond_all_counts(void *arg) {
    pirn_waitgroup till = {0};
    (void)arg;
    pirn_label(&till, "till %d", 7);
    pirn_waitgroup_add(&till, INT64_MAX);
    HERE_NEXT();
    pirn_waitgroup_add(&till, 1);
    NOT_A_TAIL_CALL();
}

static void init_negative_sem(void *arg) {
    pirn_sem till = {0};
    (void)arg;
    pirn_label(&till, "till %d", 7);
    HERE_NEXT();
    pirn_sem_init(&till, -1);
    NOT_A_TAIL_CALL();
}

static void acquire_negative(void *arg) {
    pirn_sem till = {0};
    (void)arg;
    pirn_label(&till, "till %d", 7);
    HERE_NEXT();
    pirn_sem_acquire(&till, -1, PIRN_FOREVER);
    NOT_A_TAIL_CALL();
}

static void release_negative(void *arg) {
    pirn_sem till = {0};
    (void)arg;
    pirn_label(&till, "till %d", 7);
    HERE_NEXT();
    pirn_sem_release(&till, -1);
    NOT_A_TAIL_CALL();
}

static void release_beyond_all_counts(void *arg) {
    pirn_sem till = {0};
    (void)arg;
    pirn_label(&till, "till %d", 7);
    pirn_sem_init(&till, INT64_MAX);
    HERE_NEXT();
    pirn_sem_release(&till, 1);
    NOT_A_TAIL_CALL();
}

static void receive_what_is_freed(void *arg) { pirn_recv(arg, NULL); }

static void free_while_a_task_waits(void *arg) {
    pirn_chan *till = pirn_chan_new(8, 0);
    (void)arg;
    pirn_label(till, "till %d", 7);
    check_equal(pirn_go(receive_what_is_freed, till), 0);
    settle();
    HERE_NEXT();
    pirn_chan_unref(till);
    NOT_A_TAIL_CALL();
}

struct misuse {
    pirn_fn *fn;
    const char *function;
};

#define MISUSE(fn) \
    { fn, #fn }

static const struct misuse misuses[] = {
    MISUSE(unlock_free_mutex),    MISUSE(unlock_twice),
    MISUSE(unlock_free_rwmutex),  MISUSE(runlock_free_rwmutex),
    MISUSE(unlock_what_is_read),  MISUSE(runlock_what_is_written),
    MISUSE(wait_with_free_mutex), MISUSE(done_once_too_often),
    MISUSE(add_below_zero),       MISUSE(add_beyond_all_counts),
    MISUSE(init_negative_sem),    MISUSE(acquire_negative),
    MISUSE(release_negative),     MISUSE(release_beyond_all_counts),
};

enum { MISUSES = sizeof misuses / sizeof *misuses };

static const struct misuse *current;

static void misuse_in_a_task(void *arg) {
    (void)arg;
    in_a_task(current->fn);
}

/* M1, M4 */
static void misuse_is_reported(void) {
    for (current = misuses; current < misuses + MISUSES; current++) {
        char *report = abort_report(misuse_in_a_task);
        bool well = check_contains(report, "misuse");
        well &= check_contains(report, "cashier");
        well &= check_contains(report, "till 7");
        well &= check_contains(report, current->function);
        well &= check_contains(report, "task 1");
        well &= check_contains(report, "in_a_task"); /* where the cashier was started */
        /* What main waits for; a random schedule may not have come that far. */
        if (!SIMULATED) well &= check_contains(report, "closing time");
        well &= check_places(report);
        if (!well) fprintf(stderr, "    in the report of %s\n", current->function);
        free(report);
    }
    conclude("misuse");
}

static void free_a_channel_in_use(void *arg) {
    (void)arg;
    in_a_task(free_while_a_task_waits);
}

static void freeing_a_channel_in_use_is_reported(void) {
    char *report;
#if SIMULATED
    pirn_sim_options options = {.strategy = "fifo", .runs = 1};
    pirn_sim_result result;
    check_equal(pirn_sim_explore(&options, free_a_channel_in_use, NULL, &result), 0);
    check_equal(result.outcome, PIRN_MISUSE);
    check_contains(result.message, "till 7");
    pirn_sim_result_free(&result);
    (void)report;
#else
    report = abort_report(free_a_channel_in_use);
    check_contains(report, "misuse");
    check_contains(report, "cashier");
    check_contains(report, "till 7");
    check_contains(report, "free_while_a_task_waits");
    check_contains(report, "receive_what_is_freed");
    check_places(report);
    free(report);
#endif
    conclude("unref");
}

static void exit_from_no_task(void *arg) {
    (void)arg;
    pirn_exit();
}

static void exit_outside_any_task_is_misuse(void) {
    char *error = NULL;
    int status = harness_child(exit_from_no_task, NULL, &error);
    CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    check_contains(error, "misuse");
    check_contains(error, "pirn_exit");
    free(error);
    conclude("exit");
}

/* What has an error code counts as a bug all the same where every schedule is examined. */
#if SIMULATED
static void send_on_closed(void *arg) {
    pirn_chan *till = pirn_chan_new(8, 1);
    (void)arg;
    pirn_label(till, "till 7");
    check_equal(pirn_close(till), 0);
    check_equal(pirn_send(till, NULL), -EPIPE);
}

static void select_on_closed(void *arg) {
    pirn_chan *till = pirn_chan_new(8, 1);
    pirn_case cases[] = {PIRN_CASE_SEND(till, NULL)};
    (void)arg;
    pirn_label(till, "till 7");
    check_equal(pirn_close(till), 0);
    check_equal(pirn_select(cases, 1, PIRN_NOW), 0);
}

static void send_and_wait(void *arg) { check_equal(pirn_send(arg, NULL), -EPIPE); }

static void close_under_a_sender(void *arg) {
    pirn_chan *till = pirn_chan_new(8, 0);
    (void)arg;
    pirn_label(till, "till 7");
    check_equal(pirn_go(send_and_wait, till), 0);
    check_equal(pirn_close(till), 0);
}

static void close_twice(void *arg) {
    pirn_chan *till = pirn_chan_new(8, 1);
    (void)arg;
    pirn_label(till, "till 7");
    check_equal(pirn_close(till), 0);
    check_equal(pirn_close(till), -EPIPE);
}

static void close_null(void *arg) {
    (void)arg;
    check_equal(pirn_close(NULL), -EINVAL);
}

static void allow(pirn_fn *fn, unsigned allowed) {
    pirn_sim_options options = {.strategy = "random", .runs = 10, .allow = allowed};
    pirn_sim_result result;
    check_equal(pirn_sim_explore(&options, fn, NULL, &result), 0);
    check_equal(result.outcome, PIRN_OK);
    check_equal(result.runs, 10);
    pirn_sim_result_free(&result);
}

/* C5, C6, C7 */
static void what_go_panics_for_is_misuse(void) {
    expect_outcome(send_on_closed, 1, PIRN_ALLOW_DOUBLE_CLOSE | PIRN_ALLOW_LEAK, PIRN_MISUSE,
                   "till 7");
    expect_outcome(select_on_closed, 1, PIRN_ALLOW_DOUBLE_CLOSE, PIRN_MISUSE, "till 7");
    expect_outcome(close_under_a_sender, 1, 0, PIRN_MISUSE, "till 7");
    expect_outcome(close_twice, 1, PIRN_ALLOW_SEND_ON_CLOSED, PIRN_MISUSE, "till 7");
    expect_outcome(close_null, 1, 0, PIRN_MISUSE, NULL);
    allow(send_on_closed, PIRN_ALLOW_SEND_ON_CLOSED);
    allow(select_on_closed, PIRN_ALLOW_SEND_ON_CLOSED);
    allow(close_under_a_sender, PIRN_ALLOW_SEND_ON_CLOSED);
    allow(close_twice, PIRN_ALLOW_DOUBLE_CLOSE);
    conclude("closed channels");
    free(abort_report(send_on_closed));
    free(abort_report(close_twice));
    free(abort_report(close_null));
    conclude("a run alone");
}

static void misuse_is_an_outcome(void) {
    for (int i = 0; i < MISUSES; i++) {
        current = &misuses[i];
        expect_outcome(current->fn, 1, 0, PIRN_MISUSE, "till 7");
        expect_outcome(misuse_in_a_task, 1, 0, PIRN_MISUSE, "till 7");
    }
    conclude("misuse");
}
#endif

/* ---- Panics -------------------------------------------------------------------------------- */

static void panic(void *arg) {
    (void)arg;
    HERE_NEXT();
    pirn_panic("%s is short by %d", "the till", 300);
}

static void panic_in_a_task(void *arg) {
    (void)arg;
    in_a_task(panic);
}

/* G3 */
static void panic_is_reported(void) {
    char *report = abort_report(panic);
    check_contains(report, "panic");
    check_contains(report, "the till is short by 300");
    check_places(report);
    free(report);
    report = abort_report(panic_in_a_task);
    check_contains(report, "the till is short by 300");
    check_contains(report, "cashier");
    check_contains(report, "in_a_task");
    if (!SIMULATED) check_contains(report, "closing time");
    check_places(report);
    free(report);
#if SIMULATED
    expect_outcome(panic, 1, 0, PIRN_PANIC, "the till is short by 300");
    expect_outcome(panic_in_a_task, 1, 0, PIRN_PANIC, "the till is short by 300");
#endif
    conclude("panic");
}

static void assert_falsely(void *arg) {
    int coins = 3;
    pirn_assert(coins == 3);
    HERE_NEXT();
    pirn_assert(coins == (arg ? 3 : 4));
}

static void assertion_is_a_panic(void) {
    char *report = abort_report(assert_falsely);
    check_contains(report, "assertion failed: coins == (arg ? 3 : 4)");
    check_contains(report, "test_report.c");
    check_places(report);
    free(report);
#if SIMULATED
    expect_outcome(assert_falsely, 1, 0, PIRN_PANIC, "coins == (arg ? 3 : 4)");
#endif
    CU_ASSERT_EQUAL(pirn_run(NULL, assert_falsely, (void *)1), 0);
    conclude("assertion");
}

static void long_panic(void *arg) {
    (void)arg;
    pirn_panic("%0*d", 5000, 1);
}

static void long_message_is_no_overflow(void) {
    char *report = abort_report(long_panic);
    check_contains(report, "000000000000000000000000000000000000000000000000000000000000");
    free(report);
    conclude("long message");
}

/* ---- Labels -------------------------------------------------------------------------------- */

#define SIXTY "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff"

static void wait_with_long_label(void *arg) {
    pirn_chan *chan = pirn_chan_new(0, 0);
    (void)arg;
    pirn_label(chan, "the first label");
    pirn_label(chan, "%s%d", SIXTY, 123456);
    pirn_recv(chan, NULL);
    NOT_A_TAIL_CALL();
}

static void label_is_cut_off_and_replaced(void) {
    char *report = run_report(wait_with_long_label, -EDEADLK);
    check_contains(report, SIXTY "123");
    check(!strstr(report, SIXTY "1234"));
    check(!strstr(report, "the first label"));
    free(report);
    conclude("label");
}

static void label_many(void *arg) {
    pirn_chan *chan;
    (void)arg;
    pirn_label(NULL, "nothing");
    for (int i = 0; i < 10000; i++) { /* a label goes with its channel */
        chan = pirn_chan_new(0, 0);
        pirn_label(chan, "channel %d", i);
        pirn_chan_unref(chan);
    }
    chan = pirn_chan_new(0, 0);
    pirn_recv(chan, NULL);
    NOT_A_TAIL_CALL();
}

static void label_ends_with_its_channel(void) {
    char *report = run_report(label_many, -EDEADLK);
    check(!strstr(report, "channel 9999"));
    check(!strstr(report, "channel 5000"));
    free(report);
    conclude("labels");
}

/* ---- Names of tasks ------------------------------------------------------------------------ */

static volatile int coins;

static inline __attribute__((always_inline)) int inlined_at_once(void) { return coins + 1; }

static void counts_and_waits(void *arg) {
    coins = inlined_at_once();
    pirn_recv(arg, NULL); /* by a jump, so that nothing need be done before */
}

static void wait_with_it(void *arg) {
    pirn_chan *till = pirn_chan_new(0, 0);
    (void)arg;
    check_equal(pirn_go(counts_and_waits, till), 0);
    pirn_recv(till, NULL);
    NOT_A_TAIL_CALL();
}

/* Not by one that the compiler has put at its beginning. */
static void task_goes_by_its_function(void) {
    char *report = run_report(wait_with_it, -EDEADLK);
    check_contains(report, "(counts_and_waits)");
    check(!strstr(report, "inlined_at_once"));
    free(report);
    conclude("name");
}

static const struct test tests[] = {
    TEST_SECONDS(misuse_is_reported, 60),
    TEST(freeing_a_channel_in_use_is_reported),
    TEST(exit_outside_any_task_is_misuse),
#if SIMULATED
    TEST(what_go_panics_for_is_misuse),
    TEST(misuse_is_an_outcome),
#endif
    TEST(panic_is_reported),
    TEST(assertion_is_a_panic),
    TEST(long_message_is_no_overflow),
    TEST(label_is_cut_off_and_replaced),
    TEST(label_ends_with_its_channel),
    TEST(task_goes_by_its_function),
};

HARNESS(tests)
