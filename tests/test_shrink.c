/* test_shrink.c - failing schedules made simple, where a failure became certain, runs that are
 * repeated and compared, and orders of calls. */
#include "tests/support.h"

#include <sqlite3.h>
#include <unistd.h>

enum { TASKS = 3, SEATS = 5 };

static char file[64]; /* the trace of the test */

static void begin_trace(void) {
    strcpy(file, "/tmp/pirn-shrink-XXXXXX");
    int descriptor = mkstemp(file);
    if (descriptor < 0) abort();
    close(descriptor);
    unlink(file);
}

/* The number that a query gives; -1: none. */
static int64_t number(const char *sql) {
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    int64_t value = -1;
    check_equal(sqlite3_open(file, &db), SQLITE_OK);
    if (check_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK) &&
        sqlite3_step(statement) == SQLITE_ROW)
        value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
}

static const char *const samplers[] = {"portfolio", "random", "pct", "pos", "surw"};

enum { SAMPLERS = sizeof samplers / sizeof *samplers };

#define SHRUNK " FROM run WHERE strategy = 'shrink' ORDER BY id DESC LIMIT 1"

/* Explores until `fn` fails, and shrinks that. The schedule has to fail in the same way when it is
 * replayed. Returns the preemptions that are left. */
static int64_t shrink(pirn_fn *fn, const char *strategy, uint64_t seed, pirn_outcome outcome) {
    pirn_sim_options options = {
        .strategy = strategy, .seed = seed, .runs = 20000, .trace = file, .shrink = true};
    pirn_sim_result found, again;
    begin_trace();
    check_equal(pirn_sim_explore(&options, fn, NULL, &found), 0);
    if (!check_equal(found.outcome, outcome) || !check(found.schedule != NULL)) return -1;
    options = (pirn_sim_options){.replay = found.schedule};
    check_equal(pirn_sim_explore(&options, fn, NULL, &again), 0);
    check_equal(again.outcome, outcome);
    pirn_sim_result_free(&again);
    pirn_sim_result_free(&found);
    return number("SELECT preemptions FROM run ORDER BY id DESC LIMIT 1");
}

static void end_trace(void) { unlink(file); }

/* ---- Preemptions --------------------------------------------------------------------------- */

static int count;

static void add_one(void *arg) {
    int seen;
    (void)arg;
    seen = count;
    pirn_yield();
    count = seen + 1;
}

static void lose_an_update(void *arg) {
    pirn_waitgroup group = {0};
    (void)arg;
    count = 0;
    for (int i = 0; i < TASKS; i++) check_equal(pirn_waitgroup_go(&group, add_one, NULL), 0);
    pirn_waitgroup_wait(&group);
    pirn_assert(count == TASKS);
}

/* No run without a preemption loses one. */
static void lost_update_takes_one(void) {
    for (uint64_t seed = 1; seed <= 10; seed++) {
        check_equal(shrink(lose_an_update, samplers[seed % SAMPLERS], seed, PIRN_PANIC), 1);
        end_trace();
    }
    conclude("lost update");
}

static pirn_mutex forks[SEATS];

static void dine(void *arg) {
    int seat = *(int *)arg;
    pirn_mutex_lock(&forks[seat]);
    pirn_mutex_lock(&forks[(seat + 1) % SEATS]);
    pirn_mutex_unlock(&forks[(seat + 1) % SEATS]);
    pirn_mutex_unlock(&forks[seat]);
}

static void dinner(void *arg) {
    static int seats[] = {0, 1, 2, 3, 4};
    pirn_waitgroup guests = {0};
    (void)arg;
    memset(forks, 0, sizeof forks);
    for (int i = 0; i < SEATS; i++) {
        pirn_label(&forks[i], "fork %d", i);
        check_equal(pirn_waitgroup_go(&guests, dine, &seats[i]), 0);
    }
    pirn_waitgroup_wait(&guests);
}

/* All but the last may have been interrupted with one fork in hand. One is enough, where the others
 * come in such an order that each finds the second fork taken. */
static void philosophers_take_few(void) {
    for (uint64_t seed = 1; seed <= 10; seed++) {
        int64_t preemptions = shrink(dinner, samplers[seed % 2], seed, PIRN_DEADLOCK);
        check(preemptions >= 1 && preemptions <= SEATS - 1);
        end_trace();
    }
    conclude("philosophers");
}

static void send_to_nobody(void *arg) { pirn_send(arg, NULL); }

static void leave_one(void *arg) {
    pirn_chan *chan = pirn_chan_new(0, 0);
    (void)arg;
    for (int i = 0; i < TASKS; i++) check_equal(pirn_go(send_to_nobody, chan), 0);
    for (int i = 0; i < TASKS - 1; i++) pirn_recv(chan, NULL);
}

static void leak_takes_none(void) {
    for (uint64_t seed = 1; seed <= 5; seed++) {
        check_equal(shrink(leave_one, samplers[seed % SAMPLERS], seed, PIRN_LEAK), 0);
        end_trace();
    }
    conclude("leak");
}

/* The steps between the two that matter are no part of what is left. */
static pirn_chan *flag;

static void raise_flag(void *arg) {
    (void)arg;
    for (int i = 0; i < 5; i++) pirn_yield();
    pirn_close(flag);
}

static void see_flag(void *arg) {
    (void)arg;
    pirn_assert(pirn_try_recv(flag, NULL) != -EPIPE);
}

static void stroll(void *arg) {
    (void)arg;
    for (int i = 0; i < 10; i++) pirn_yield();
}

static void see_flag_among_others(void *arg) {
    (void)arg;
    flag = pirn_chan_new(0, 0);
    for (int i = 0; i < 4; i++) check_equal(pirn_go(stroll, NULL), 0);
    check_equal(pirn_go(raise_flag, NULL), 0);
    check_equal(pirn_go(see_flag, NULL), 0);
    for (int i = 0; i < 4; i++) check_equal(pirn_go(stroll, NULL), 0);
}

static void steps_of_others_go(void) {
    for (uint64_t seed = 1; seed <= 5; seed++) {
        check_equal(shrink(see_flag_among_others, "random", seed, PIRN_PANIC), 0);
        /* All of main and of raise_flag, as far as the assertion of see_flag; of the others nothing,
         * though they have been started. */
        check_equal(number("SELECT count(*) FROM task JOIN (SELECT id" SHRUNK
                           ") AS shrunk ON run = shrunk.id WHERE first_step IS NOT NULL"),
                    3);
        check_equal(number("SELECT steps" SHRUNK), 12 + 8 + 2);
        end_trace();
    }
    conclude("steps");
}

/* ---- Draws --------------------------------------------------------------------------------- */

static uint64_t idle, decisive, more;

static void count_up(void *arg) {
    (void)arg;
    count++;
}

static void draw_badly(void *arg) {
    (void)arg;
    idle = pirn_choose(100);
    decisive = pirn_choose(10);
    more = pirn_choose(4);
    idle += pirn_random() & 1023;
    for (uint64_t i = 0; i < more; i++) check_equal(pirn_go(count_up, NULL), 0);
    pirn_assert(decisive < 5);
}

static void draws_become_zero(void) {
    for (uint64_t seed = 1; seed <= 5; seed++) {
        check_equal(shrink(draw_badly, NULL, seed, PIRN_PANIC), 0);
        /* The last run was the replay of what is left. */
        check_equal(idle, 0);
        check_equal(more, 0);
        check(decisive >= 5);
        end_trace();
    }
    conclude("draws");
}

/* ---- Timers -------------------------------------------------------------------------------- */

static void answer_slowly(void *arg) {
    for (int i = 0; i < 3; i++) pirn_yield();
    pirn_try_send(arg, &(int){1});
}

static void be_impatient(void *arg) {
    pirn_chan *answer = pirn_chan_new(sizeof(int), 1);
    int value;
    (void)arg;
    check_equal(pirn_go(answer_slowly, answer), 0);
    pirn_assert(pirn_recv_until(answer, &value, pirn_now() + PIRN_MSEC) == 0);
}

static void early_timer_stays(void) {
    for (uint64_t seed = 1; seed <= 5; seed++) {
        check_equal(shrink(be_impatient, NULL, seed, PIRN_PANIC), 0);
        end_trace();
    }
    conclude("timer");
}

/* ---- What is recorded ---------------------------------------------------------------------- */

static void shrunk_run_is_recorded(void) {
    int64_t preemptions = shrink(dinner, "random", 1, PIRN_DEADLOCK);
    check_equal(preemptions, number("SELECT preemptions" SHRUNK));
    check_equal(number("SELECT count(*) FROM run WHERE strategy = 'shrink'"), 1);
    check_equal(number("SELECT a.preemptions > b.preemptions AND a.outcome = 'deadlock' FROM run b "
                       "JOIN run a ON a.id = b.shrunk_from WHERE b.strategy = 'shrink'"),
                1);
    check_equal(
        number("SELECT count(*) = run.steps FROM run JOIN event ON event.run = run.id WHERE "
               "run.strategy = 'shrink'"),
        1);
    /* It is certain with the last fork that is taken before anybody has two. */
    check_equal(number("SELECT event.op = 'lock' AND event.result = 0 AND (SELECT count(*) FROM "
                       "event e WHERE e.run = event.run AND e.op = 'lock' AND e.result = 0 AND "
                       "e.step > event.step) = 0 FROM certainty JOIN event USING(run, step)"),
                1);
    check_equal(number("SELECT samples = 100 AND before < samples AND before > 0 FROM certainty"),
                1);
    end_trace();
    conclude("recorded");
}

static void fail_at_once(void *arg) {
    (void)arg;
    pirn_yield();
    pirn_panic("always");
}

static void smallest_stays(void) {
    check_equal(shrink(fail_at_once, NULL, 1, PIRN_PANIC), 0);
    check_equal(number("SELECT count(*) FROM run"), 1);
    check_equal(number("SELECT step FROM certainty"), 0);
    end_trace();
    conclude("smallest");
}

static void fail_in_two_ways(void *arg) {
    (void)arg;
    if (pirn_choose(2))
        lose_an_update(arg);
    else
        dinner(arg);
}

static void each_kind_is_shrunk(void) {
    pirn_sim_options options = {
        .seed = 1, .runs = 200, .trace = file, .shrink = true, .keep_going = true};
    pirn_sim_result r;
    begin_trace();
    check_equal(pirn_sim_explore(&options, fail_in_two_ways, NULL, &r), 0);
    check_equal(r.kinds, 2);
    check_equal(number("SELECT count(DISTINCT outcome) FROM run WHERE strategy = 'shrink'"), 2);
    pirn_sim_result_free(&r);
    end_trace();
    conclude("kinds");
}

/* ---- Runs that differ ---------------------------------------------------------------------- */

static int runs;

static void count_runs(void *arg) {
    static pirn_mutex mutex;
    (void)arg;
    mutex = (pirn_mutex){0};
    runs++;
    pirn_yield();
    if (runs > 1000) pirn_mutex_lock(&mutex);
    pirn_yield();
}

static void run_is_repeated_and_compared(void) {
    pirn_sim_options options = {.seed = 1, .runs = 3000};
    pirn_sim_result r;
    runs = 0;
    check_equal(pirn_sim_explore(&options, count_runs, NULL, &r), 0);
    check_equal(r.outcome, PIRN_DIVERGED);
    check_contains(r.message, "run 1000 was repeated");
    check_contains(r.message, "step 3 was yield by task 1 in count_runs at test_shrink.c:");
    check_contains(r.message, "then lock by task 1 in count_runs at test_shrink.c:");
    check_equal(runs, 1001);
    pirn_sim_result_free(&r);
    conclude("repeated");
}

static void runs_that_agree_are_no_failure(void) {
    pirn_sim_options options = {.seed = 1, .runs = 2500, .keep_going = true};
    pirn_sim_result r;
    check_equal(pirn_sim_explore(&options, dinner, NULL, &r), 0);
    check_equal(r.runs, 2500);
    check_equal(r.kinds, 1);
    check_equal(r.outcome, PIRN_DEADLOCK);
    pirn_sim_result_free(&r);
    conclude("agree");
}

static void fail_once(void *arg) {
    (void)arg;
    pirn_assert(runs++ > 0);
}

/* What does not come again cannot be shrunk, and has been found all the same. */
static void failure_that_does_not_repeat(void) {
    pirn_sim_options options = {.seed = 1, .shrink = true};
    pirn_sim_result r;
    runs = 0;
    check_equal(pirn_sim_explore(&options, fail_once, NULL, &r), 0);
    check_equal(r.outcome, PIRN_PANIC);
    check_contains(r.message, "runs++ > 0");
    check(r.schedule != NULL);
    pirn_sim_result_free(&r);
    conclude("not again");
}

/* ---- Orders of calls ----------------------------------------------------------------------- */

static pirn_mutex mutex;

static void lock_first(void *arg) {
    (void)arg;
    pirn_mutex_lock(&mutex);
    pirn_mutex_unlock(&mutex);
}

static void lock_second(void *arg) {
    pirn_sleep(PIRN_SEC);
    lock_first(arg);
}

static void lock_before_all(void *arg) {
    pirn_waitgroup group = {0};
    mutex = (pirn_mutex){0};
    pirn_mutex_lock(&mutex);
    pirn_mutex_unlock(&mutex);
    check_equal(pirn_waitgroup_go(&group, arg ? lock_second : lock_first, NULL), 0);
    pirn_mutex_lock(&mutex);
    pirn_mutex_unlock(&mutex);
    pirn_waitgroup_wait(&group);
}

/* Orders of a lock in lock_first and a lock in main, as many as the trace knows. */
static int64_t lock_orders(void *arg, const char *strategy) {
    pirn_sim_options options = {.seed = 1, .runs = 100, .trace = file, .strategy = strategy};
    pirn_sim_result r;
    begin_trace();
    check_equal(pirn_sim_explore(&options, lock_before_all, arg, &r), 0);
    check_equal(r.outcome, PIRN_OK);
    pirn_sim_result_free(&r);
    return number(
        "SELECT count(*) FROM call_order JOIN site a ON a.id = before_site JOIN site b ON "
        "b.id = after_site WHERE before_op = 'lock' AND after_op = 'lock' AND "
        "a.function <> b.function");
}

static void orders_are_counted(void) {
    /* The lock before the task was started could not have come later: it is none. */
    check_equal(lock_orders(NULL, "random"), 2);
    end_trace();
    check_equal(lock_orders(&mutex, "fifo"), 1);
    end_trace();
    conclude("orders");
}

static const struct test tests[] = {
    TEST(lost_update_takes_one),
    TEST(philosophers_take_few),
    TEST(leak_takes_none),
    TEST(steps_of_others_go),
    TEST(draws_become_zero),
    TEST(early_timer_stays),
    TEST(shrunk_run_is_recorded),
    TEST(smallest_stays),
    TEST(each_kind_is_shrunk),
    TEST(run_is_repeated_and_compared),
    TEST(runs_that_agree_are_no_failure),
    TEST(failure_that_does_not_repeat),
    TEST(orders_are_counted),
};

HARNESS(tests)
