/* test_timer.c - timers, tickers and functions that run later; the rules T2 and T3. */
#include <pthread.h>
#include <unistd.h>

#include "tests/support.h"

#if SIMULATED
#include <sqlite3.h>
#endif

/* How often each side of a race has been seen. Every schedule is the simulator's to choose: there
 * both sides have to come. */
static atomic_int early, late;

static void check_both_sides(const char *what) {
    if (SIMULATED) {
        check(early > 0);
        check(late > 0);
    }
    early = late = 0;
    conclude(what);
}

/* ---- Timers with a channel ----------------------------------------------------------------- */

static void receive_once(void *arg) {
    static const int64_t times[] = {PIRN_MSEC, 1, 0, -1, INT64_MIN};
    (void)arg;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        int64_t start = pirn_now(), got = 0;
        pirn_timer *timer = pirn_timer_new(times[i]);
        pirn_chan *chan;
        if (!check(timer != NULL)) return;
        chan = pirn_timer_chan(timer);
        check_equal(pirn_recv(chan, &got), 0);
        check(got >= start + (times[i] > 0 ? times[i] : 0));
        check(got <= pirn_now());
        check_equal(pirn_recv_until(chan, &got, pirn_now() + PIRN_MSEC), -ETIMEDOUT);
        check(!pirn_timer_stop(timer));
        pirn_timer_free(timer);
    }
}

static void timer_gives_the_time_once(void) { run_body(receive_once, NULL); }

static void look_at_length(void *arg) {
    pirn_timer *timer = pirn_timer_new(PIRN_MSEC);
    pirn_chan *chan = pirn_timer_chan(timer);
    int64_t start = pirn_now(), got = 0;
    (void)arg;
    check_equal(pirn_chan_cap(chan), 0);
    check_equal(pirn_chan_len(chan), 0);
    pirn_sleep(20 * PIRN_MSEC);
    check_equal(pirn_chan_len(chan), 0);
    check_equal(pirn_recv(chan, &got), 0); /* T2: it has come, and was kept for a late reader */
    if (SIMULATED) check_equal(got, start + PIRN_MSEC);
    pirn_timer_free(timer);
}

/* T2 */
static void channel_seems_unbuffered(void) { run_settled(look_at_length, NULL); }

static void stop_some(void *arg) {
    static const int64_t times[] = {INT64_MAX, INT64_MAX / 2 + 1, 3600 * PIRN_SEC};
    (void)arg;
    for (int i = 0; i < 3; i++) {
        pirn_timer *timer = pirn_timer_new(times[i]);
        check(pirn_timer_stop(timer));
        check(!pirn_timer_stop(timer));
        check_equal(pirn_try_recv(pirn_timer_chan(timer), NULL), -EAGAIN);
        pirn_timer_free(timer);
    }
}

/* On a schedule of the simulator's even an hour may pass before a task takes its next step; nobody
 * receives, so each stop is in time. */
static void stop_tells_whether_it_was_armed(void) { run_body(stop_some, NULL); }

static void stop_expired(void *arg) {
    pirn_timer *timer = pirn_timer_new(PIRN_MSEC);
    (void)arg;
    pirn_sleep(10 * PIRN_MSEC);
    check(pirn_timer_stop(timer)); /* nobody had received it */
    check(!pirn_timer_stop(timer));
    check_equal(pirn_recv_until(pirn_timer_chan(timer), NULL, pirn_now() + PIRN_MSEC), -ETIMEDOUT);
    pirn_timer_free(timer);
}

/* T2 */
static void stop_takes_back_what_was_not_received(void) { run_body(stop_expired, NULL); }

struct race {
    pirn_timer *timer;
    pirn_waitgroup group;
    pirn_chan *quit;
    atomic_int received;
};

static void receive_ticks(void *arg) {
    struct race *r = arg;
    for (;;) {
        pirn_case cases[] = {PIRN_CASE_RECV(pirn_timer_chan(r->timer), NULL),
                             PIRN_CASE_RECV(r->quit, NULL)};
        if (pirn_select_first(cases, 2, PIRN_FOREVER) == 1) return;
        atomic_fetch_add(&r->received, 1);
    }
}

static void stop_while_it_fires(void *arg) {
    (void)arg;
    for (int i = 0; i < MANY(500, 3); i++) {
        struct race r = {pirn_timer_new(i % 3 * 20 * PIRN_USEC), {0}, pirn_chan_new(0, 0), 0};
        bool stopped;
        int received;
        check_equal(pirn_waitgroup_go(&r.group, receive_ticks, &r), 0);
        pirn_sleep(i % 5 * 10 * PIRN_USEC);
        stopped = pirn_timer_stop(r.timer);
        check_equal(pirn_try_recv(pirn_timer_chan(r.timer), NULL), -EAGAIN);
        pirn_close(r.quit);
        pirn_waitgroup_wait(&r.group);
        received = r.received;
        check_equal(received, !stopped); /* one of the two, always */
        atomic_fetch_add(stopped ? &early : &late, 1);
        pirn_timer_free(r.timer);
        pirn_chan_unref(r.quit);
    }
}

/* T2 */
static void stop_and_receive_exclude_each_other(void) {
    run_body(stop_while_it_fires, NULL);
    check_both_sides("stop against fire");
}

static void reset_while_it_fires(void *arg) {
    (void)arg;
    for (int i = 0; i < MANY(500, 3); i++) {
        pirn_timer *timer = pirn_timer_new(i % 3 * 20 * PIRN_USEC);
        int64_t got = 0, before;
        if (i % 2) pirn_yield();
        if (i % 4) pirn_sleep(i % 4 * 10 * PIRN_USEC);
        if (i % 5 == 4) check(pirn_timer_stop(timer));
        before = pirn_now();
        check_equal(pirn_timer_reset(timer, 100 * PIRN_USEC), i % 5 != 4);
        check_equal(pirn_recv(pirn_timer_chan(timer), &got), 0);
        check(got >= before + 100 * PIRN_USEC); /* nothing from before */
        check(!pirn_timer_stop(timer));
        pirn_timer_free(timer);
    }
}

/* T2 */
static void no_value_from_before_a_reset_is_received(void) { run_body(reset_while_it_fires, NULL); }

static void reset_in_turn(void *arg) {
    pirn_timer *timer = pirn_timer_new(3600 * PIRN_SEC);
    pirn_chan *chan = pirn_timer_chan(timer);
    int64_t start = pirn_now(), got = 0;
    (void)arg;
    check(pirn_timer_reset(timer, PIRN_MSEC)); /* sooner */
    check_equal(pirn_recv(chan, &got), 0);
    check(got >= start + PIRN_MSEC);
    if (SIMULATED) check_equal(got, start + PIRN_MSEC);
    check(!pirn_timer_reset(timer, 0)); /* it had fired */
    check_equal(pirn_recv(chan, NULL), 0);
    check(!pirn_timer_reset(timer, PIRN_MSEC));
    check(pirn_timer_reset(timer, INT64_MAX)); /* later */
    pirn_sleep(5 * PIRN_MSEC);
    check_equal(pirn_try_recv(chan, NULL), -EAGAIN);
    check(pirn_timer_stop(timer));
    check(!pirn_timer_reset(timer, -1)); /* it was stopped */
    check_equal(pirn_recv(chan, NULL), 0);
    pirn_timer_free(timer);
}

static void reset_arms_a_timer_in_any_state(void) { run_settled(reset_in_turn, NULL); }

static void keep_channel(void *arg) {
    static const int64_t times[] = {0, 1, PIRN_USEC, 50 * PIRN_USEC, 3600 * PIRN_SEC};
    (void)arg;
    for (int i = 0; i < MANY(1000, 20); i++) {
        pirn_timer *timer =
            i % 2 ? pirn_timer_new(times[i % 5]) : pirn_ticker_new(times[i % 5] + 1);
        pirn_chan *chan = pirn_chan_ref(pirn_timer_chan(timer));
        if (i % 3 == 0) pirn_yield();
        if (i % 7 == 0) pirn_sleep(20 * PIRN_USEC);
        pirn_timer_free(timer); /* before, while or after it fires */
        check_equal(pirn_try_recv(chan, NULL), -EAGAIN);
        check_equal(pirn_chan_len(chan), 0);
        pirn_chan_unref(chan);
    }
    pirn_timer_free(NULL);
}

static void channel_outlives_its_timer(void) { run_body(keep_channel, NULL); }

static void free_under_a_reader(void *arg) {
    pirn_timer *timer = arg;
    pirn_sleep(10 * PIRN_MSEC);
    pirn_timer_free(timer);
    NOT_A_TAIL_CALL();
}

static void wait_for_freed(void *arg) {
    pirn_timer *timer = pirn_timer_new(3600 * PIRN_SEC);
    (void)arg;
    check_equal(pirn_go(free_under_a_reader, timer), 0);
    pirn_recv(pirn_timer_chan(timer), NULL);
}

static void channel_that_somebody_waits_on_is_not_to_be_freed(void) {
#if SIMULATED
    expect_outcome(wait_for_freed, 50, 0, PIRN_MISUSE, "free_under_a_reader at test_timer.c");
#else
    char *report = abort_report(wait_for_freed);
    check_contains(report, "free_under_a_reader at test_timer.c");
    check_contains(report, "while a task is blocked on it");
    free(report);
#endif
    conclude("freed under a reader");
}

/* ---- Tickers ------------------------------------------------------------------------------- */

static void receive_many(void *arg) {
    int64_t start = pirn_now(), got = 0, last = start;
    pirn_timer *ticker = pirn_ticker_new(100 * PIRN_USEC);
    pirn_chan *chan = pirn_timer_chan(ticker);
    (void)arg;
    check_equal(pirn_chan_cap(chan), 0);
    for (int i = 1; i <= 20; i++) {
        check_equal(pirn_recv(chan, &got), 0);
        check(got >= start + i * 100 * PIRN_USEC);
        check(got > last);
        last = got;
    }
    check(pirn_timer_stop(ticker));
    check(!pirn_timer_stop(ticker));
    check_equal(pirn_recv_until(chan, NULL, pirn_now() + PIRN_MSEC), -ETIMEDOUT);
    check(!pirn_timer_reset(ticker, 200 * PIRN_USEC));
    start = pirn_now();
    check_equal(pirn_recv(chan, &got), 0);
    check_equal(pirn_recv(chan, &got), 0);
    check(got >= start + 200 * PIRN_USEC);
    check(pirn_timer_reset(ticker, INT64_MAX));
    check_equal(pirn_recv_until(chan, NULL, pirn_now() + PIRN_MSEC), -ETIMEDOUT);
    check(pirn_timer_stop(ticker));
    pirn_timer_free(ticker);
}

static void ticker_ticks_until_it_is_stopped(void) { run_settled(receive_many, NULL); }

static void receive_slowly(void *arg) {
    int64_t start = pirn_now(), first = 0, second = 0, third = 0;
    pirn_timer *ticker = pirn_ticker_new(PIRN_MSEC);
    pirn_chan *chan = pirn_timer_chan(ticker);
    (void)arg;
    pirn_sleep(11 * PIRN_MSEC / 2);
    check_equal(pirn_recv(chan, &first), 0);
    check(first < pirn_now()); /* the oldest is kept, the others are dropped */
    check_equal(pirn_recv(chan, &second), 0);
    check(second >= start + 6 * PIRN_MSEC);
    check_equal(pirn_recv(chan, &third), 0);
    check(third > second);
    if (SIMULATED) {
        check_equal(first, start + PIRN_MSEC);
        check_equal(second, start + 6 * PIRN_MSEC); /* no drift */
        check_equal(third, start + 7 * PIRN_MSEC);
        check_equal(pirn_try_recv(chan, NULL), -EAGAIN);
    }
    pirn_timer_free(ticker);
}

/* T2 */
static void slow_reader_misses_ticks(void) { run_settled(receive_slowly, NULL); }

static void tick_at_once(void *arg) {
    (void)arg;
    pirn_ticker_new(0);
    NOT_A_TAIL_CALL();
}

static void tick_at_once_again(void *arg) {
    (void)arg;
    pirn_timer_reset(pirn_ticker_new(PIRN_SEC), -1);
    NOT_A_TAIL_CALL();
}

/* T3 */
static void period_must_be_positive(void) {
    static pirn_fn *const bodies[] = {tick_at_once, tick_at_once_again};
    for (int i = 0; i < 2; i++) {
        char *report = abort_report(bodies[i]);
        check_contains(report, "misuse: the period of a ticker must be greater than zero");
        check_contains(report, "test_timer.c:");
        free(report);
    }
    conclude("periods");
}

/* ---- Functions ----------------------------------------------------------------------------- */

struct calls {
    pirn_timer *timer;
    pirn_chan *called;
    atomic_int count;
    uint64_t task;
};

static void count_call(void *arg) {
    struct calls *c = arg;
    c->task = pirn_self();
    atomic_fetch_add(&c->count, 1);
    check_equal(pirn_send(c->called, NULL), 0);
}

static void call_later(void *arg) {
    struct calls c = {NULL, pirn_chan_new(0, 16), 0, 0};
    int64_t start = pirn_now();
    (void)arg;
    c.timer = pirn_timer_func(PIRN_MSEC, count_call, &c);
    check(pirn_timer_chan(c.timer) == NULL);
    check_equal(pirn_recv(c.called, NULL), 0);
    check(pirn_now() >= start + PIRN_MSEC);
    check(c.task != 0 && c.task != pirn_self());
    check(!pirn_timer_stop(c.timer));
    check(!pirn_timer_reset(c.timer, 0));
    check_equal(pirn_recv(c.called, NULL), 0);
    check(!pirn_timer_reset(c.timer, 3600 * PIRN_SEC));
    check(pirn_timer_reset(c.timer, -1));
    check_equal(pirn_recv(c.called, NULL), 0);
    check(!pirn_timer_reset(c.timer, 3600 * PIRN_SEC));
    check(pirn_timer_stop(c.timer));
    check_equal(c.count, 3);
    pirn_timer_free(c.timer);
    pirn_chan_unref(c.called);
    check(pirn_timer_func(0, NULL, NULL) == NULL);
}

static void function_is_called_in_a_task_of_its_own(void) { run_settled(call_later, NULL); }

static void stop_while_it_calls(void *arg) {
    (void)arg;
    for (int i = 0; i < MANY(500, 3); i++) {
        struct calls c = {NULL, pirn_chan_new(0, 1), 0, 0};
        bool stopped;
        c.timer = pirn_timer_func(i % 3 * 20 * PIRN_USEC, count_call, &c);
        if (i % 2) pirn_yield();
        if (i % 5) pirn_sleep(i % 5 * 10 * PIRN_USEC);
        stopped = pirn_timer_stop(c.timer);
        check(!pirn_timer_stop(c.timer));
        if (!stopped) check_equal(pirn_recv(c.called, NULL), 0); /* it has been started */
        if (i % 50 == 0) pirn_sleep(PIRN_MSEC);
        check_equal(atomic_load(&c.count), !stopped);
        atomic_fetch_add(stopped ? &early : &late, 1);
        pirn_timer_free(c.timer);
        pirn_chan_unref(c.called);
    }
}

static void stop_prevents_the_call_or_tells_that_it_came(void) {
    run_body(stop_while_it_calls, NULL);
    check_both_sides("stop against call");
}

static void free_own_timer(void *arg) {
    struct calls *c = arg;
    pirn_timer *timer = NULL;
    check_equal(pirn_recv(c->called, &timer), 0);
    pirn_timer_free(timer);
    atomic_fetch_add(&c->count, 1);
    check_equal(pirn_send(c->called, &timer), 0);
}

static void free_inside(void *arg) {
    (void)arg;
    for (int i = 0; i < MANY(300, 3); i++) {
        struct calls c = {NULL, pirn_chan_new(sizeof(pirn_timer *), 0), 0, 0};
        c.timer = pirn_timer_func(i % 3 * 10 * PIRN_USEC, free_own_timer, &c);
        check_equal(pirn_send(c.called, &c.timer), 0);
        check_equal(pirn_recv(c.called, NULL), 0);
        check_equal(c.count, 1);
        pirn_chan_unref(c.called);
    }
}

static void function_may_free_its_timer(void) { run_body(free_inside, NULL); }

static void repeat(void *arg) {
    struct calls *c = arg;
    if (atomic_fetch_add(&c->count, 1) < 9)
        check(!pirn_timer_reset(c->timer, 10 * PIRN_USEC));
    else
        check_equal(pirn_send(c->called, NULL), 0);
}

static void call_again_and_again(void *arg) {
    struct calls c = {NULL, pirn_chan_new(0, 0), 0, 0};
    (void)arg;
    c.timer = pirn_timer_func(3600 * PIRN_SEC, repeat, &c);
    check(pirn_timer_reset(c.timer, 0));
    check_equal(pirn_recv(c.called, NULL), 0);
    check_equal(c.count, 10);
    pirn_timer_free(c.timer);
    pirn_chan_unref(c.called);
}

static void function_may_reset_its_timer(void) { run_settled(call_again_and_again, NULL); }

/* ---- When a task cannot be started --------------------------------------------------------- */

static void occupy(void *arg) { pirn_recv(arg, NULL); }

static void crowd(void *arg) {
    struct calls c = {NULL, pirn_chan_new(0, 1), 0, 0};
    pirn_chan *leave = pirn_chan_new(0, 0);
    int rc;
    (void)arg;
    check_equal(pirn_go(occupy, leave), 0);
    check_equal(pirn_go(occupy, leave), -EAGAIN);
    c.timer = pirn_timer_func(0, count_call, &c);
    pirn_sleep(10 * PIRN_MSEC);
    check_equal(atomic_load(&c.count), 0);
    check_equal(pirn_send(leave, NULL), 0);
    check_equal(pirn_recv(c.called, NULL), 0); /* later, but not lost */
    check_equal(c.count, 1);
    check(!pirn_timer_stop(c.timer));
    /* The task that called may not quite have ended. */
    while ((rc = pirn_go(occupy, leave)) == -EAGAIN) pirn_sleep(PIRN_MSEC);
    check_equal(rc, 0);
    check(!pirn_timer_reset(c.timer, 0));
    pirn_sleep(5 * PIRN_MSEC);
    check(pirn_timer_stop(c.timer)); /* it has not begun */
    check_equal(pirn_send(leave, NULL), 0);
    pirn_sleep(10 * PIRN_MSEC);
    check_equal(c.count, 1);
    pirn_timer_free(c.timer);
    pirn_chan_unref(c.called);
    pirn_chan_unref(leave);
}

static void call_waits_until_there_is_room_for_a_task(void) {
    for (int workers = 1; workers <= 4; workers *= 2) {
        pirn_config config = {.workers = workers, .max_tasks = 2};
        check_equal(pirn_run(&config, crowd, NULL), 0);
    }
    conclude("max_tasks");
}

static void wait_for_call_in_vain(void *arg) {
    struct calls c = {NULL, pirn_chan_new(0, 1), 0, 0};
    (void)arg;
    c.timer = pirn_timer_func(0, count_call, &c);
    pirn_recv(c.called, NULL);
    check(!"called though there was no room");
}

/* G4: or the test runs into its time limit. */
static void call_that_there_will_never_be_room_for_hides_no_deadlock(void) {
    pirn_config config = {.workers = 2, .max_tasks = 1};
    check_equal(pirn_run(&config, wait_for_call_in_vain, NULL), -EDEADLK);
    conclude("no room");
}

/* ---- Deadlocks, reports, the ends of runs -------------------------------------------------- */

static void wait_beside_timers(void *arg) {
    pirn_chan *never = pirn_chan_new(sizeof(int), 0);
    (void)arg;
    check(pirn_ticker_new(PIRN_MSEC) != NULL);
    check(pirn_timer_new(3600 * PIRN_SEC) != NULL);
    pirn_recv(never, NULL);
    check(!"received from nobody");
}

/* G4: or the test runs into its time limit. */
static void ticker_that_nobody_waits_for_hides_no_deadlock(void) {
    free(run_report(wait_beside_timers, -EDEADLK));
    conclude("idle ticker");
}

/* Of a day of milliseconds the first tick is there, and the next comes at its time. */
static void sleep_beside_ticker(void *arg) {
    const int64_t start = pirn_now();
    pirn_timer *ticker = pirn_ticker_new(PIRN_MSEC);
    int64_t tick, next;
    (void)arg;
    pirn_sleep(SIMULATED ? 86400 * PIRN_SEC : 20 * PIRN_MSEC);
    check_equal(pirn_recv(pirn_timer_chan(ticker), &tick), 0);
    check(tick - start >= PIRN_MSEC);
    check_equal(pirn_recv(pirn_timer_chan(ticker), &next), 0);
    check(next - start >= (SIMULATED ? 86400 * PIRN_SEC : 20 * PIRN_MSEC));
    pirn_timer_free(ticker);
}

static void ticker_that_nobody_reads_costs_nothing(void) { run_settled(sleep_beside_ticker, NULL); }

static void send_later(void *arg) { check_equal(pirn_send(arg, NULL), 0); }

static void wait_for_call(void *arg) {
    pirn_chan *chan = pirn_chan_new(0, 0);
    pirn_timer *timer = pirn_timer_func(5 * PIRN_MSEC, send_later, chan);
    (void)arg;
    check_equal(pirn_recv(chan, NULL), 0);
    pirn_timer_free(timer);
    pirn_chan_unref(chan);
}

/* G5 */
static void armed_call_is_no_deadlock(void) { run_body(wait_for_call, NULL); }

static void block(void *arg) { pirn_recv(arg, NULL); }

static void call_and_block(void *arg) {
    pirn_chan *never = pirn_chan_new(0, 0);
    (void)arg;
    HERE_NEXT();
    check(pirn_timer_func(PIRN_MSEC, block, never) != NULL);
    pirn_recv(never, NULL);
    NOT_A_TAIL_CALL();
}

static void report_names_where_the_timer_was_made(void) {
    char *report = run_report(call_and_block, -EDEADLK);
    check_contains(report, "(block)");
    check_contains(report, "; started in call_and_block at ");
    check_places(report);
    free(report);
    conclude("report");
}

static struct { pirn_timer *timer, *ticker, *func; } left;

static void do_nothing(void *arg) { (void)arg; }

static void make_timers(void) {
    left.timer = pirn_timer_new(7200 * PIRN_SEC);
    left.ticker = pirn_ticker_new(7200 * PIRN_SEC);
    left.func = pirn_timer_func(3600 * PIRN_SEC, do_nothing, NULL);
    check(left.timer && left.ticker && left.func);
}

static void leave_timers(void *arg) {
    (void)arg;
    make_timers();
}

static void free_left(void) {
    pirn_timer_free(left.timer);
    pirn_timer_free(left.ticker);
    pirn_timer_free(left.func);
}

static void use_older_timers(void *arg) {
    pirn_chan *chan = pirn_timer_chan(left.timer);
    (void)arg;
    check(!pirn_timer_reset(left.timer, PIRN_MSEC));
    check(!pirn_timer_reset(left.ticker, PIRN_MSEC));
    check_equal(pirn_recv(chan, NULL), 0);
    check_equal(pirn_recv(pirn_timer_chan(left.ticker), NULL), 0);
    check_equal(pirn_recv(pirn_timer_chan(left.ticker), NULL), 0);
}

static void timers_outlive_a_run(void) {
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(pirn_run(NULL, leave_timers, NULL), 0);
        CU_ASSERT_FALSE(pirn_timer_reset(left.timer, 0)); /* no runtime: it stays disarmed */
        CU_ASSERT_FALSE(pirn_timer_stop(left.timer));
        CU_ASSERT_FALSE(pirn_timer_stop(left.func));
        free_left();
    }
    CU_ASSERT_EQUAL(pirn_run(NULL, leave_timers, NULL), 0);
    CU_ASSERT_EQUAL(pirn_run(NULL, use_older_timers, NULL), 0);
    free_left();
    conclude("left timers");
}

static void leave_and_deadlock(void *arg) {
    pirn_chan *never = pirn_chan_new(0, 0);
    (void)arg;
    make_timers();
    check(pirn_timer_stop(left.func)); /* the others hide no deadlock */
    pirn_recv(never, NULL);
    check(!"received from nobody");
}

static void timers_outlive_a_run_that_failed(void) {
    CU_ASSERT_EQUAL(pirn_run(NULL, leave_and_deadlock, NULL), -EDEADLK);
    free_left();
    conclude("timers of a failed run");
}

static void timers_need_a_runtime(void) {
    CU_ASSERT_PTR_NULL(pirn_timer_new(0));
    CU_ASSERT_PTR_NULL(pirn_ticker_new(PIRN_SEC));
    CU_ASSERT_PTR_NULL(pirn_timer_func(0, send_later, NULL));
    pirn_timer_free(NULL);
}

/* ---- Everything at once -------------------------------------------------------------------- */

/*
 * Many stop and reset the same timers. Each arming ends in exactly one way: a stop or reset returns
 * true for it, or it does what it was armed for.
 */
struct shared {
    pirn_timer *timer, *ticker, *func;
    pirn_chan *quit;
    pirn_waitgroup group, readers;
    atomic_int timer_arms, timer_stops, received, func_arms, func_stops, called, threads;
};

static void note_called(void *arg) { atomic_fetch_add(&((struct shared *)arg)->called, 1); }

static void read_timer(void *arg) {
    struct shared *s = arg;
    for (;;) {
        int64_t tick;
        pirn_case cases[] = {PIRN_CASE_RECV(pirn_timer_chan(s->timer), NULL),
                             PIRN_CASE_RECV(pirn_timer_chan(s->ticker), &tick),
                             PIRN_CASE_RECV(s->quit, NULL)};
        int which = pirn_select_first(cases, 3, PIRN_FOREVER);
        if (which == 2) return;
        if (which == 0) atomic_fetch_add(&s->received, 1);
        if (which == 1) check(tick <= pirn_now());
    }
}

static void meddle(void *arg) {
    struct shared *s = arg;
    for (int i = 0; i < MANY(2000, 25); i++) {
        int64_t ns = (int64_t)pirn_choose(4) * 5 * PIRN_USEC;
        switch (pirn_choose(7)) {
        case 0:
            if (pirn_timer_stop(s->timer)) atomic_fetch_add(&s->timer_stops, 1);
            break;
        case 1:
            if (pirn_timer_reset(s->timer, ns)) atomic_fetch_add(&s->timer_stops, 1);
            atomic_fetch_add(&s->timer_arms, 1);
            break;
        case 2:
            if (pirn_timer_stop(s->func)) atomic_fetch_add(&s->func_stops, 1);
            break;
        case 3:
            if (pirn_timer_reset(s->func, ns)) atomic_fetch_add(&s->func_stops, 1);
            atomic_fetch_add(&s->func_arms, 1);
            break;
        case 4:
            pirn_timer_stop(s->ticker);
            break;
        case 5:
            pirn_timer_reset(s->ticker, 1 + ns);
            break;
        default:
            pirn_yield();
        }
    }
}

#if !SIMULATED
static void *meddle_in_thread(void *arg) {
    struct shared *s = arg;
    meddle(s);
    atomic_fetch_add(&s->threads, 1);
    return NULL;
}
#endif

static void meddle_together(void *arg) {
    struct shared s = {.timer = pirn_timer_new(0),
                       .ticker = pirn_ticker_new(PIRN_USEC),
                       .quit = pirn_chan_new(0, 0),
                       .timer_arms = 1,
                       .func_arms = 1};
    (void)arg;
    s.func = pirn_timer_func(0, note_called, &s);
    for (int i = 0; i < 2; i++) check_equal(pirn_waitgroup_go(&s.readers, read_timer, &s), 0);
#if !SIMULATED
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        check_equal(pthread_create(&threads[i], NULL, meddle_in_thread, &s), 0);
#endif
    for (int i = 0; i < 3; i++) check_equal(pirn_waitgroup_go(&s.group, meddle, &s), 0);
    pirn_waitgroup_wait(&s.group);
#if !SIMULATED
    while (s.threads < 2) pirn_sleep(PIRN_MSEC); /* joining would block a worker */
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
#endif
    if (pirn_timer_stop(s.timer)) s.timer_stops++;
    if (pirn_timer_stop(s.func)) s.func_stops++;
    pirn_timer_stop(s.ticker);
    pirn_close(s.quit);
    pirn_waitgroup_wait(&s.readers);
    check_equal(s.received, s.timer_arms - s.timer_stops);
    while (s.called < s.func_arms - s.func_stops) pirn_sleep(PIRN_MSEC);
    pirn_sleep(PIRN_MSEC);
    check_equal(s.called, s.func_arms - s.func_stops);
    pirn_timer_free(s.timer);
    pirn_timer_free(s.ticker);
    pirn_timer_free(s.func);
    pirn_chan_unref(s.quit);
}

static void many_stop_and_reset_at_once(void) { run_body(meddle_together, NULL); }

/* ---- Schedules and traces ------------------------------------------------------------------ */

#if SIMULATED
static int made_on;

static void leave_blocked(void *arg) {
    pirn_chan *never = pirn_chan_new(0, 0);
    pirn_timer *ticker = pirn_ticker_new(PIRN_MSEC), *func;
    (void)arg;
    pirn_label(never, "never");
    func = pirn_timer_func(10 * PIRN_MSEC, block, never), made_on = __LINE__;
    pirn_recv(pirn_timer_chan(ticker), NULL);
    pirn_recv(pirn_timer_chan(ticker), NULL);
    pirn_timer_reset(ticker, 2 * PIRN_MSEC);
    pirn_timer_free(ticker);
    pirn_sleep(20 * PIRN_MSEC);
    pirn_timer_free(func);
    pirn_chan_unref(pirn_chan_ref(never));
}

static void check_number(sqlite3 *db, const char *query, int expected) {
    sqlite3_stmt *statement = NULL;
    check_equal(sqlite3_prepare_v2(db, query, -1, &statement, NULL), SQLITE_OK);
    check_equal(sqlite3_step(statement), SQLITE_ROW);
    if (!check_equal(sqlite3_column_int(statement, 0), expected))
        fprintf(stderr, "    %s\n", query);
    sqlite3_finalize(statement);
}

static void trace_shows_timers(void) {
    char path[] = "/tmp/test_timer.XXXXXX";
    pirn_sim_options options = {.strategy = "fifo", .runs = 1, .seed = 1, .trace = path};
    pirn_sim_result result;
    sqlite3 *db = NULL;
    int fd = mkstemp(path);

    check(fd >= 0);
    close(fd);
    unlink(path);
    check_equal(pirn_sim_explore(&options, leave_blocked, NULL, &result), 0);
    check_equal(result.outcome, PIRN_LEAK);
    pirn_sim_result_free(&result);
    check_equal(sqlite3_open(path, &db), SQLITE_OK);
    check_number(db, "SELECT count(*) FROM event WHERE op = 'arm'", 2);
    check_number(db, "SELECT count(*) FROM event WHERE op = 'reset' AND result = 1", 1);
    check_number(db, "SELECT count(*) FROM event WHERE op = 'stop'", 2);
    check_number(db, "SELECT count(*) FROM object WHERE kind = 'timer'", 1);
    check_number(db,
                 "SELECT count(*) FROM edge JOIN event a ON a.step = edge.before JOIN event b ON"
                 " b.step = edge.after WHERE kind = 'timer' AND a.op = 'arm' AND b.op = 'fire'"
                 " AND a.object = b.object",
                 3); /* two ticks and a call */
    check_number(db,
                 "SELECT count(*) FROM edge JOIN event a ON a.step = edge.before JOIN event b ON"
                 " b.step = edge.after WHERE kind = 'go' AND a.op = 'fire' AND b.op = 'start'"
                 " AND a.result = b.task",
                 1);
    check_number(db,
                 "SELECT site.line FROM task JOIN site ON site.id = task.site WHERE task.id = 2",
                 made_on);
    check_number(db, "SELECT parent IS NULL FROM task WHERE id = 2", 1);
    sqlite3_close(db);
    unlink(path);
    conclude("trace");
}

static void stop_in_a_race(void *arg) {
    pirn_timer *timer = pirn_timer_func(PIRN_MSEC, send_later, arg);
    pirn_sleep(PIRN_MSEC); /* due at the same time */
    pirn_assert(pirn_timer_stop(timer));
    pirn_timer_free(timer);
}

/* One of the two orders fails: that one is found, and comes again when it is replayed. */
static void order_of_stop_and_fire_is_replayed(void) {
    pirn_sim_options options = {.strategy = "random", .runs = 1000, .seed = 1};
    pirn_sim_result found, again;
    check_equal(pirn_sim_explore(&options, stop_in_a_race, NULL, &found), 0);
    check_equal(found.outcome, PIRN_PANIC);
    check(found.distinct > 0);
    options = (pirn_sim_options){.replay = found.schedule};
    check_equal(pirn_sim_explore(&options, stop_in_a_race, NULL, &again), 0);
    check_equal(again.outcome, PIRN_PANIC);
    check(strcmp(again.message, found.message) == 0);
    pirn_sim_result_free(&found);
    pirn_sim_result_free(&again);
    conclude("replay");
}
#endif

static const struct test tests[] = {
    TEST(timer_gives_the_time_once),
    TEST(channel_seems_unbuffered),
    TEST(stop_tells_whether_it_was_armed),
    TEST(stop_takes_back_what_was_not_received),
    TEST(stop_and_receive_exclude_each_other),
    TEST(no_value_from_before_a_reset_is_received),
    TEST(reset_arms_a_timer_in_any_state),
    TEST(channel_outlives_its_timer),
    TEST(channel_that_somebody_waits_on_is_not_to_be_freed),
    TEST(ticker_ticks_until_it_is_stopped),
    TEST(slow_reader_misses_ticks),
    TEST(period_must_be_positive),
    TEST(function_is_called_in_a_task_of_its_own),
    TEST(stop_prevents_the_call_or_tells_that_it_came),
    TEST(function_may_free_its_timer),
    TEST(function_may_reset_its_timer),
    TEST(call_waits_until_there_is_room_for_a_task),
    TEST(call_that_there_will_never_be_room_for_hides_no_deadlock),
    TEST(ticker_that_nobody_waits_for_hides_no_deadlock),
    TEST(ticker_that_nobody_reads_costs_nothing),
    TEST(armed_call_is_no_deadlock),
    TEST(report_names_where_the_timer_was_made),
    TEST(timers_outlive_a_run),
    TEST(timers_outlive_a_run_that_failed),
    TEST(timers_need_a_runtime),
    TEST_SECONDS(many_stop_and_reset_at_once, 120),
#if SIMULATED
    TEST(trace_shows_timers),
    TEST(order_of_stop_and_fire_is_replayed),
#endif
};

HARNESS(tests)
