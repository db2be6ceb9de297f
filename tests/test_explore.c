/* test_explore.c - what an exploration makes of its runs: kinds of failures, how much is still
 * unseen, and turns for tasks where others would spin for ever. */
#include "tests/support.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

static pirn_sim_result explore(pirn_fn *fn, void *arg, pirn_sim_options options) {
    pirn_sim_result result;
    if (!options.seed) options.seed = 1;
    check_equal(pirn_sim_explore(&options, fn, arg, &result), 0);
    return result;
}

static const char *const samplers[] = {"portfolio", "random", "pct", "pos", "surw"};

enum { SAMPLERS = sizeof samplers / sizeof *samplers };

/* ---- Kinds of failures --------------------------------------------------------------------- */

static void panic_after_a_while(void *arg) {
    int times = (int)pirn_choose(10);
    (void)arg;
    for (int i = 0; i < times; i++) pirn_yield();
    pirn_panic("after %d times", times);
}

static void shortest_of_a_kind_is_kept(void) {
    pirn_sim_options options = {.runs = 200, .keep_going = true};
    pirn_sim_result r = explore(panic_after_a_while, NULL, options), again;
    check_equal(r.failures, 200);
    check_equal(r.kinds, 1); /* one call, though it says other things */
    if (!check(r.schedule != NULL)) return;
    again = explore(panic_after_a_while, NULL, (pirn_sim_options){.replay = r.schedule});
    check_equal(again.outcome, PIRN_PANIC);
    check_contains(again.message, "after 0 times");
    pirn_sim_result_free(&again);
    pirn_sim_result_free(&r);
    conclude("shortest");
}

static void wait_on(void *arg) { pirn_recv(arg, NULL); }

static void panic_here(void) { pirn_panic("here"); }
static void panic_there(void) { pirn_panic("there"); }

/* Fails in one of four ways: a panic, another one, a leak on one channel, and on another. */
static void fail_somehow(void *arg) {
    uint64_t how = pirn_choose(5);
    pirn_chan *left = pirn_chan_new(0, 0), *right = pirn_chan_new(0, 0);
    (void)arg;
    pirn_label(left, "left");
    pirn_label(right, "right");
    if (how == 0) panic_here();
    if (how == 1) panic_there();
    if (how < 4) check_equal(pirn_go(wait_on, how == 2 ? left : right), 0);
}

static void kinds_are_told_apart(void) {
    pirn_sim_options options = {.runs = 300, .keep_going = true};
    pirn_sim_result r = explore(fail_somehow, NULL, options);
    check_equal(r.kinds, 4);
    check(r.failures > 200 && r.failures < 280);
    pirn_sim_result_free(&r);
    r = explore(fail_somehow, NULL, (pirn_sim_options){.runs = 300});
    check_equal(r.kinds, 1);
    pirn_sim_result_free(&r);
    conclude("kinds");
}

static pirn_mutex forks[3];

static void dine(void *arg) {
    int seat = *(int *)arg;
    pirn_mutex_lock(&forks[seat]);
    pirn_mutex_lock(&forks[(seat + 1) % 3]);
    pirn_mutex_unlock(&forks[(seat + 1) % 3]);
    pirn_mutex_unlock(&forks[seat]);
}

static void dinner(void *arg) {
    static int seats[] = {0, 1, 2};
    pirn_waitgroup guests = {0};
    (void)arg;
    memset(forks, 0, sizeof forks);
    for (int i = 0; i < 3; i++) {
        pirn_label(&forks[i], "fork %d", i);
        check_equal(pirn_waitgroup_go(&guests, dine, &seats[i]), 0);
    }
    pirn_waitgroup_wait(&guests);
}

/* All deadlocks of the philosophers are one, in whatever order they came to it. */
static void order_makes_no_kind(void) {
    pirn_sim_options options = {.runs = 1000, .keep_going = true};
    pirn_sim_result r = explore(dinner, NULL, options);
    check(r.failures > 20);
    check_equal(r.kinds, 1);
    pirn_sim_result_free(&r);
    conclude("order");
}

/* ---- How much is unseen -------------------------------------------------------------------- */

static void choose_of(void *arg) { pirn_choose(*(uint64_t *)arg); }

static double unseen(uint64_t n, uint64_t runs, const char *strategy) {
    pirn_sim_result r =
        explore(choose_of, &n, (pirn_sim_options){.runs = runs, .strategy = strategy});
    double estimate = r.unseen;
    pirn_sim_result_free(&r);
    return estimate;
}

static void unseen_is_estimated(void) {
    pirn_sim_result r;
    check(unseen(2, 1000, NULL) == 0);
    check(unseen(UINT64_C(1) << 60, 1000, NULL) == 1);
    check(unseen(1, 1, "random") == 1);
    /* A graph of 100 has not come in 100 runs with a probability of 0.37. */
    check(unseen(100, 100, "random") > 0.22 && unseen(100, 100, "random") < 0.52);
    check(unseen(100, 100, "fifo") == -1);
    r = explore(dinner, NULL, (pirn_sim_options){0});
    if (check(r.schedule != NULL)) {
        pirn_sim_result again = explore(dinner, NULL, (pirn_sim_options){.replay = r.schedule});
        check(again.unseen == -1);
        pirn_sim_result_free(&again);
    }
    pirn_sim_result_free(&r);
    conclude("unseen");
}

/* ---- Turns --------------------------------------------------------------------------------- */

static pirn_mutex held, other;
static atomic_bool done;
static int spins, most_spins;

static void spin_on_lock(void *arg) {
    (void)arg;
    for (spins = 1; pirn_mutex_trylock(&held) != 0; spins++) continue;
    pirn_mutex_unlock(&held);
    if (spins > most_spins) most_spins = spins;
}

/* Holds a lock for 40 operations that get on, while others try to have it. */
static void work_under_lock(void *arg) {
    pirn_waitgroup group = {0};
    (void)arg;
    held = other = (pirn_mutex){0};
    pirn_mutex_lock(&held);
    check_equal(pirn_waitgroup_go(&group, spin_on_lock, NULL), 0);
    for (int i = 0; i < 20; i++) {
        pirn_mutex_lock(&other);
        pirn_mutex_unlock(&other);
    }
    pirn_mutex_unlock(&held);
    pirn_waitgroup_wait(&group);
}

static void poll_under_lock(void *arg) {
    bool seen = false;
    (void)arg;
    while (!seen) {
        pirn_mutex_lock(&other);
        seen = done;
        pirn_mutex_unlock(&other);
    }
}

/* Every operation of the one that polls succeeds, so it looks as if it got on. */
static void be_polled(void *arg) {
    pirn_waitgroup group = {0};
    (void)arg;
    other = (pirn_mutex){0};
    done = false;
    check_equal(pirn_waitgroup_go(&group, poll_under_lock, NULL), 0);
    for (int i = 0; i < 20; i++) pirn_yield();
    done = true;
    pirn_waitgroup_wait(&group);
}

static void finish_in_an_hour(void *arg) {
    (void)arg;
    pirn_sleep(3600 * PIRN_SEC);
    done = true;
}

/* Time stands still while it spins, unless the timer gets its turn. */
static void spin_for_an_hour(void *arg) {
    pirn_waitgroup group = {0};
    (void)arg;
    done = false;
    check_equal(pirn_waitgroup_go(&group, finish_in_an_hour, NULL), 0);
    while (!done) pirn_yield();
    pirn_waitgroup_wait(&group);
}

static void ends(pirn_fn *fn, const char *strategy, uint64_t max_steps) {
    pirn_sim_result r = explore(
        fn, NULL, (pirn_sim_options){.strategy = strategy, .runs = 200, .max_steps = max_steps});
    if (!check_equal(r.outcome, PIRN_OK)) fprintf(stderr, "    %s: %s\n", strategy, r.message);
    pirn_sim_result_free(&r);
}

static void spinning_is_no_livelock(void) {
    for (int i = 0; i < SAMPLERS; i++) {
        ends(work_under_lock, samplers[i], 0);
        ends(be_polled, samplers[i], 2000);
        ends(spin_for_an_hour, samplers[i], 2000);
    }
    /* Some strategy has starved the holder; but not for long at each of its steps. */
    check(most_spins > 400);
    check(most_spins < 3000);
    conclude("spinning");
}

static void try_for_ever(void *arg) {
    (void)arg;
    while (pirn_mutex_trylock(&held) != 0) continue;
}

static void never_unlock(void *arg) {
    pirn_waitgroup group = {0};
    (void)arg;
    held = (pirn_mutex){0};
    pirn_mutex_lock(&held);
    for (int i = 0; i < 2; i++) check_equal(pirn_waitgroup_go(&group, try_for_ever, NULL), 0);
    pirn_waitgroup_wait(&group);
}

static void livelock_is_still_found_and_repeats(void) {
    for (int i = 0; i < SAMPLERS; i++) {
        pirn_sim_options options = {.strategy = samplers[i], .runs = 3, .max_steps = 3000};
        pirn_sim_result r = explore(never_unlock, NULL, options), again;
        check_equal(r.outcome, PIRN_LIVELOCK);
        check_equal(r.runs, 1);
        if (!check(r.schedule != NULL)) break;
        options.replay = r.schedule;
        again = explore(never_unlock, NULL, options);
        check_equal(again.outcome, PIRN_LIVELOCK);
        if (check(again.schedule != NULL)) check(strcmp(again.schedule, r.schedule) == 0);
        pirn_sim_result_free(&again);
        pirn_sim_result_free(&r);
    }
    conclude("livelock");
}

/* A run in which tasks were made to take turns is repeated from its schedule as any other. */
static void spin_and_panic(void *arg) {
    work_under_lock(arg);
    if (spins > 350) pirn_panic("spun");
}

static void turns_are_in_the_schedule(void) {
    pirn_sim_result r =
        explore(spin_and_panic, NULL, (pirn_sim_options){.strategy = "pct", .runs = 500});
    check_equal(r.outcome, PIRN_PANIC);
    if (check(r.schedule != NULL)) {
        pirn_sim_result again =
            explore(spin_and_panic, NULL, (pirn_sim_options){.replay = r.schedule});
        check_equal(again.outcome, PIRN_PANIC);
        if (check(again.schedule != NULL)) check(strcmp(again.schedule, r.schedule) == 0);
        pirn_sim_result_free(&again);
    }
    pirn_sim_result_free(&r);
    conclude("turns");
}

/* ---- What is recorded ---------------------------------------------------------------------- */

/* The first column of the first row. */
static int64_t query(const char *path, const char *sql) {
    sqlite3_stmt *statement = NULL;
    int64_t value = -1;
    sqlite3 *db = NULL;
    if (check(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == 0) &&
        check(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == 0) &&
        check(sqlite3_step(statement) == SQLITE_ROW))
        value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
}

static void lock_once(void *arg) {
    pirn_mutex_lock(arg);
    pirn_mutex_unlock(arg);
}

static void nothing_fails(void *arg) {
    static pirn_mutex mutex;
    (void)arg;
    mutex = (pirn_mutex){0};
    for (int i = 0; i < 3; i++) check_equal(pirn_go(lock_once, &mutex), 0);
}

static void all_runs_are_recorded_if_asked_for(void) {
    char path[] = "/tmp/pirn-trace-XXXXXX";
    int fd = mkstemp(path);
    pirn_sim_options options = {.trace = path, .runs = 30};
    pirn_sim_result r;
    if (!check(fd >= 0)) return;
    close(fd);
    r = explore(nothing_fails, NULL, options);
    check_equal(r.failures, 0);
    check_equal(query(path, "SELECT count(*) FROM run"), 30);
    check_equal(query(path, "SELECT count(*) FROM event"), 0);
    pirn_sim_result_free(&r);

    options.record_all = true;
    r = explore(nothing_fails, NULL, options);
    check_equal(query(path, "SELECT count(*) FROM run"), 60);
    check_equal(query(path, "SELECT count(DISTINCT run) FROM event"), 30);
    check_equal(query(path, "SELECT sum(steps) - (SELECT count(*) FROM event) FROM run "
                            "WHERE id > 30"),
                0);
    check_equal(query(path, "SELECT count(DISTINCT graph) FROM run WHERE id > 30"),
                (int64_t)r.distinct);
    pirn_sim_result_free(&r);
    unlink(path);
    conclude("recorded");
}

static const struct test tests[] = {
    TEST(shortest_of_a_kind_is_kept), TEST(kinds_are_told_apart),
    TEST(order_makes_no_kind),        TEST(unseen_is_estimated),
    TEST(spinning_is_no_livelock),    TEST(livelock_is_still_found_and_repeats),
    TEST(turns_are_in_the_schedule),  TEST(all_runs_are_recorded_if_asked_for),
};

HARNESS(tests)
