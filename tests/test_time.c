/* test_time.c - the clock, sleeping and pirn_after; the rule T1. */
#include "tests/support.h"

static void read_clock(void *arg) {
    int64_t last = pirn_now();
    (void)arg;
    check(last > 0);
    for (int i = 0; i < 1000; i++) {
        int64_t now = pirn_now();
        check(now >= last);
        last = now;
    }
    pirn_sleep(1);
    check(pirn_now() > last);
}

static void clock_never_goes_back(void) { run_body(read_clock, NULL); }

static void sleep_some(void *arg) {
    static const int64_t times[] = {1, 1000, 100 * PIRN_USEC, PIRN_MSEC, 3 * PIRN_MSEC};
    (void)arg;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        int64_t start = pirn_now();
        pirn_sleep(times[i]);
        check(pirn_now() >= start + times[i]);
    }
}

/* T1 */
static void sleep_never_ends_early(void) { run_body(sleep_some, NULL); }

static void sleep_not(void *arg) {
    int64_t start = pirn_now();
    (void)arg;
    pirn_sleep(0);
    pirn_sleep(-1);
    pirn_sleep(-PIRN_SEC * 1000000);
    pirn_sleep(INT64_MIN);
    if (SIMULATED) check_equal(pirn_now(), start);
}

/* T1: or the test runs into its time limit. */
static void sleep_of_nothing_returns(void) { run_body(sleep_not, NULL); }

static atomic_int awake;

static void sleep_long(void *arg) {
    pirn_sleep(*(int64_t *)arg);
    atomic_fetch_add(&awake, 1);
}

static void sleep_huge(void *arg) {
    static const int64_t times[] = {INT64_MAX, INT64_MAX - 1, INT64_MAX / 2 + 1};
    (void)arg;
    atomic_store(&awake, 0);
    for (int i = 0; i < 3; i++)
        check_equal(pirn_go_copy(sleep_long, &times[i], sizeof times[i]), 0);
    settle();
    check_equal(awake, 0); /* T1: saturates, never wraps */
}

static void huge_sleep_does_not_wrap(void) { run_settled(sleep_huge, NULL); }

struct sleepers {
    pirn_waitgroup group;
    atomic_int next, order[5];
};

struct sleeper {
    struct sleepers *all;
    int number;
    int64_t time;
};

static void sleep_and_note(void *arg) {
    struct sleeper *s = arg;
    int64_t start = pirn_now();
    pirn_sleep(s->time);
    check(pirn_now() >= start + s->time);
    s->all->order[atomic_fetch_add(&s->all->next, 1) % 5] = s->number;
}

static void sleep_together(void *arg) {
    static const int64_t times[] = {4, 2, 5, 1, 3};
    struct sleepers all = {0};
    int64_t start = pirn_now();
    (void)arg;
    for (int i = 0; i < 5; i++) {
        struct sleeper s = {&all, i, times[i] * 2 * PIRN_MSEC};
        check_equal(pirn_waitgroup_go_copy(&all.group, sleep_and_note, &s, sizeof s), 0);
    }
    pirn_waitgroup_wait(&all.group);
    check(pirn_now() >= start + 10 * PIRN_MSEC);
    check_equal(all.next, 5);
#if SIMULATED
    /* T1: in the order in which they are due. On threads who runs first is open. */
    static const int expected[] = {3, 1, 4, 0, 2};
    if (arg)
        for (int i = 0; i < 5; i++) check_equal(all.order[i], expected[i]);
#endif
}

static void sleepers_wake_when_they_are_due(void) {
    run_settled(sleep_together, (void *)1);
    run_body(sleep_together, NULL);
}

static void sleep_in_a_crowd(void *arg) {
    struct sleepers all = {0};
    (void)arg;
    for (int i = 0; i < MANY(2000, 200); i++) {
        struct sleeper s = {&all, i, i % 17 * 300 * PIRN_USEC};
        check_equal(pirn_waitgroup_go_copy(&all.group, sleep_and_note, &s, sizeof s), 0);
    }
    pirn_waitgroup_wait(&all.group);
    check_equal(all.next, MANY(2000, 200));
}

static void many_sleep_at_once(void) { run_heavy(sleep_in_a_crowd, NULL); }

static void wait_after(void *arg) {
    static const int64_t times[] = {PIRN_MSEC, 1, 0, -1, INT64_MIN};
    (void)arg;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        int64_t start = pirn_now(), got = 0;
        pirn_chan *timer = pirn_after(times[i]);
        if (!check(timer != NULL)) return;
        check_equal(pirn_chan_cap(timer), 1);
        check_equal(pirn_recv(timer, &got), 0);
        check(got >= start + (times[i] > 0 ? times[i] : 0));
        check(got <= pirn_now());
        check_equal(pirn_recv_until(timer, &got, pirn_now() + PIRN_MSEC), -ETIMEDOUT); /* once */
        pirn_chan_unref(timer);
    }
}

static void after_gives_the_time_once(void) { run_body(wait_after, NULL); }

static void look_after(void *arg) {
    pirn_chan *timer = pirn_after(PIRN_MSEC);
    int64_t start = pirn_now(), got = 0;
    (void)arg;
    check(pirn_now() >= start + PIRN_MSEC || pirn_try_recv(timer, NULL) == -EAGAIN);
    pirn_sleep(20 * PIRN_MSEC);
    check_equal(pirn_chan_len(timer), 1); /* it waits in the channel for whoever comes late */
    check_equal(pirn_recv(timer, &got), 0);
    if (SIMULATED) check_equal(got, start + PIRN_MSEC);
    pirn_chan_unref(timer);
}

static void after_keeps_the_time_for_a_late_reader(void) { run_settled(look_after, NULL); }

static void time_out(void *arg) {
    pirn_chan *never = pirn_chan_new(sizeof(int), 0);
    (void)arg;
    for (int i = 0; i < 3; i++) {
        int64_t start = pirn_now(), got = 0;
        pirn_chan *timer = pirn_after(PIRN_MSEC);
        pirn_case cases[] = {PIRN_CASE_RECV(never, NULL), PIRN_CASE_RECV(timer, &got)};
        check_equal(pirn_select(cases, 2, PIRN_FOREVER), 1);
        check_equal(cases[1].status, 0);
        check(pirn_now() >= got && got >= start);
        pirn_chan_unref(timer);
    }
    check_equal(pirn_try_send(never, NULL), -EAGAIN);
    pirn_chan_unref(never);
}

static void after_in_a_select_is_a_timeout(void) { run_body(time_out, NULL); }

static void drop_timers(void *arg) {
    static const int64_t times[] = {
        0, 1, PIRN_USEC, 50 * PIRN_USEC, PIRN_MSEC, 3600 * PIRN_SEC, INT64_MAX};
    (void)arg;
    for (int i = 0; i < MANY(3000, 70); i++) {
        pirn_chan *timer = pirn_after(times[i % 7]);
        if (!check(timer != NULL)) return;
        if (i % 3 == 0) pirn_yield();
        pirn_chan_unref(timer); /* before, while or after it fires */
    }
    pirn_sleep(2 * PIRN_MSEC);
}

static void dropped_timer_is_disarmed(void) { run_body(drop_timers, NULL); }

static void wait_beside_a_timer(void *arg) {
    pirn_chan *never = pirn_chan_new(sizeof(int), 0);
    (void)arg;
    check(pirn_after(3600 * PIRN_SEC) != NULL);
    pirn_recv(never, NULL);
    check(!"received from nobody");
}

/* G4: or the test runs into its time limit. */
static void timer_that_nobody_waits_for_hides_no_deadlock(void) {
    free(run_report(wait_beside_a_timer, -EDEADLK));
    conclude("idle timer");
}

static void wait_for_timer(void *arg) {
    pirn_chan *timer = pirn_after(30 * PIRN_MSEC);
    (void)arg;
    check_equal(pirn_recv(timer, NULL), 0);
    pirn_chan_unref(timer);
}

/* G5 */
static void waiting_for_a_timer_is_no_deadlock(void) { run_body(wait_for_timer, NULL); }

static const struct test tests[] = {
    TEST(clock_never_goes_back),
    TEST(sleep_never_ends_early),
    TEST(sleep_of_nothing_returns),
    TEST(huge_sleep_does_not_wrap),
    TEST(sleepers_wake_when_they_are_due),
    TEST(many_sleep_at_once),
    TEST(after_gives_the_time_once),
    TEST(after_keeps_the_time_for_a_late_reader),
    TEST(after_in_a_select_is_a_timeout),
    TEST_SECONDS(dropped_timer_is_disarmed, 60),
    TEST(timer_that_nobody_waits_for_hides_no_deadlock),
    TEST(waiting_for_a_timer_is_no_deadlock),
};

HARNESS(tests)
