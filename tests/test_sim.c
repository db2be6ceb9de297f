/* test_sim.c - the simulator as a test calls it: options, outcomes, schedules, what is explored. */
#include "tests/support.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static pirn_sim_result explore(pirn_fn *fn, void *arg, pirn_sim_options options) {
    pirn_sim_result result;
    if (!options.seed) options.seed = 1;
    check_equal(pirn_sim_explore(&options, fn, arg, &result), 0);
    return result;
}

static void expect_ok(pirn_fn *fn, void *arg, uint64_t runs) {
    pirn_sim_result r = explore(fn, arg, (pirn_sim_options){.strategy = "random", .runs = runs});
    if (!check_equal(r.outcome, PIRN_OK))
        fprintf(stderr, "    %s\n    %s\n", r.message, r.schedule);
    check_equal(r.runs, runs);
    check_equal(r.failures, 0);
    pirn_sim_result_free(&r);
}

static void nothing(void *arg) { (void)arg; }

/* ---- Options and results ------------------------------------------------------------------- */

static void refuse(pirn_sim_options options, int rc) {
    pirn_sim_result result;
    memset(&result, 0x5a, sizeof result); /* need not be initialised */
    if (!check_equal(pirn_sim_explore(&options, nothing, NULL, &result), rc) && options.replay)
        fprintf(stderr, "    with the schedule \"%s\"\n", options.replay);
    check(memchr(result.message, '\0', sizeof result.message) != NULL);
    check(result.message[0] != '\0');
    check_equal(result.runs, 0);
    check(result.schedule == NULL);
    pirn_sim_result_free(&result);
}

static void bad_options_are_refused(void) {
    pirn_sim_result result;
    refuse((pirn_sim_options){.strategy = "nonsense"}, -EINVAL);
    refuse((pirn_sim_options){.strategy = ""}, -EINVAL);
    refuse((pirn_sim_options){.time_limit = -1}, -EINVAL);
    refuse((pirn_sim_options){.allow = 1u << 20}, -EINVAL);
    refuse((pirn_sim_options){.trace = "/nonexistent/directory/trace.db"}, -EIO);
    CU_ASSERT_EQUAL(pirn_sim_explore(NULL, NULL, NULL, &result), -EINVAL);
    CU_ASSERT(result.message[0] != '\0');
    pirn_sim_result_free(&result);
    pirn_sim_result_free(NULL);
    conclude("bad options");
}

static atomic_int calls;

static void count_calls(void *arg) {
    (void)arg;
    calls++;
}

static void defaults_are_as_documented(void) {
    pirn_sim_options options = {0};
    pirn_sim_result result;
    CU_ASSERT_EQUAL(pirn_sim_explore(NULL, count_calls, NULL, &result), 0);
    CU_ASSERT_EQUAL(calls, 1001); /* the 1000th run was repeated */
    CU_ASSERT_EQUAL(result.runs, 1000);
    CU_ASSERT_EQUAL(result.outcome, PIRN_OK);
    CU_ASSERT_EQUAL(result.failures, 0);
    CU_ASSERT_EQUAL(result.distinct, 1);
    CU_ASSERT_FALSE(result.exhausted);
    CU_ASSERT_PTR_NULL(result.schedule);
    CU_ASSERT_STRING_EQUAL(result.message, "");
    pirn_sim_result_free(&result);
    calls = 0;
    CU_ASSERT_EQUAL(pirn_sim_explore(&options, count_calls, NULL, &result), 0);
    CU_ASSERT_EQUAL(calls, 1001);
    pirn_sim_result_free(&result);
    calls = 0;
    options.runs = 7;
    options.strategy = "fifo";
    CU_ASSERT_EQUAL(pirn_sim_explore(&options, count_calls, NULL, &result), 0);
    CU_ASSERT_EQUAL(calls, 7);
    CU_ASSERT_EQUAL(result.runs, 7);
    pirn_sim_result_free(&result);
}

static void outcomes_have_names(void) {
    static const struct {
        pirn_outcome outcome;
        const char *name;
    } names[] = {
        {PIRN_OK, "ok"},           {PIRN_DEADLOCK, "deadlock"}, {PIRN_LEAK, "leak"},
        {PIRN_RACE, "race"},       {PIRN_PANIC, "panic"},       {PIRN_MISUSE, "misuse"},
        {PIRN_CRASH, "crash"},     {PIRN_EXIT, "exit"},         {PIRN_LIVELOCK, "livelock"},
        {PIRN_TIMEOUT, "timeout"}, {PIRN_DIVERGED, "diverged"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        CU_ASSERT_STRING_EQUAL(pirn_outcome_name(names[i].outcome), names[i].name);
}

static void explore_within(void *arg) {
    pirn_sim_result result;
    (void)arg;
    check_equal(pirn_sim_explore(NULL, nothing, NULL, &result), -EBUSY);
    check(result.message[0] != '\0');
    pirn_sim_result_free(&result);
    check_equal(pirn_run(NULL, nothing, NULL), -EBUSY);
}

static void exploring_inside_a_run_is_refused(void) {
    expect_ok(explore_within, NULL, 3);
    conclude("nested");
}

static void yield_a_little(void *arg) {
    (void)arg;
    for (int i = 0; i < 1000; i++) pirn_yield();
}

static void time_limit_ends_the_exploration(void) {
    pirn_sim_result r =
        explore(yield_a_little, NULL,
                (pirn_sim_options){.runs = UINT64_MAX / 2, .time_limit = 50 * PIRN_MSEC});
    check(r.outcome == PIRN_OK || r.outcome == PIRN_TIMEOUT);
    check(r.runs > 0);
    check(r.runs < UINT64_MAX / 2);
    pirn_sim_result_free(&r);
    conclude("time limit");
}

/* ---- Outcomes ------------------------------------------------------------------------------ */

static pirn_mutex forks[2];

static void take_right_first(void *arg) {
    (void)arg;
    pirn_mutex_lock(&forks[1]);
    pirn_mutex_lock(&forks[0]);
    pirn_mutex_unlock(&forks[0]);
    pirn_mutex_unlock(&forks[1]);
}

/* Deadlocks in some of its schedules. */
static void dine(void *arg) {
    pirn_waitgroup group = {0};
    (void)arg;
    memset(forks, 0, sizeof forks);
    pirn_label(&forks[0], "left fork");
    pirn_label(&forks[1], "right fork");
    check_equal(pirn_waitgroup_go(&group, take_right_first, NULL), 0);
    pirn_mutex_lock(&forks[0]);
    pirn_mutex_lock(&forks[1]);
    pirn_mutex_unlock(&forks[1]);
    pirn_mutex_unlock(&forks[0]);
    pirn_waitgroup_wait(&group);
}

static void deadlock_is_found(void) {
    pirn_sim_result r = explore(dine, NULL, (pirn_sim_options){.strategy = "random", .runs = 1000});
    check_equal(r.outcome, PIRN_DEADLOCK);
    check(r.runs >= 1 && r.runs <= 1000);
    check_equal(r.failures, 1);
    check(r.distinct >= 1 && r.distinct <= r.runs);
    check_contains(r.message, "fork");
    check(r.schedule && strncmp(r.schedule, "pirn1:", 6) == 0);
    if (r.schedule)
        for (const char *c = r.schedule; *c; c++)
            check(*c > ' ' && *c < 127 && !strchr("'\"\\$`", *c));
    pirn_sim_result_free(&r);
    conclude("deadlock");
}

static void receive_from(void *arg) { pirn_recv(arg, NULL); }

static void leave_a_receiver(void *arg) {
    pirn_chan *chan = pirn_chan_new(0, 0);
    (void)arg;
    pirn_label(chan, "forgotten");
    check_equal(pirn_go(receive_from, chan), 0);
}

static void leak_is_found(void) {
    expect_outcome(leave_a_receiver, 1, 0, PIRN_LEAK, "forgotten");
    expect_outcome(leave_a_receiver, 1, 0, PIRN_LEAK, "receive_from");
    pirn_sim_result r =
        explore(leave_a_receiver, NULL, (pirn_sim_options){.runs = 20, .allow = PIRN_ALLOW_LEAK});
    check_equal(r.outcome, PIRN_OK);
    check_equal(r.runs, 20);
    pirn_sim_result_free(&r);
    conclude("leak");
}

static void sleep_an_hour(void *arg) {
    (void)arg;
    pirn_sleep(3600 * PIRN_SEC);
}

static void send_after_an_hour(void *arg) {
    pirn_sleep(3600 * PIRN_SEC);
    check_equal(pirn_send(arg, NULL), 0);
}

static void yield_for_ever(void *arg) {
    (void)arg;
    for (;;) pirn_yield();
}

static void leave_what_is_no_leak(void *arg) {
    pirn_attr daemon = {.name = "daemon", .daemon = true};
    pirn_chan *chan = pirn_chan_new(0, 0);
    check_equal(pirn_go_with(&daemon, receive_from, pirn_chan_new(0, 0)), 0);
    check_equal(pirn_go(sleep_an_hour, NULL), 0);
    check_equal(pirn_go(receive_from, chan), 0); /* the next one wakes it */
    check_equal(pirn_go(send_after_an_hour, chan), 0);
    if (arg) check_equal(pirn_go(yield_for_ever, NULL), 0);
}

static void leave_one_that_goes_on(void *arg) {
    (void)arg;
    check_equal(pirn_go(yield_for_ever, NULL), 0);
}

/* After main has returned nobody waits for an end: not even where the limit of steps is low. */
static void what_goes_on_after_main_is_no_livelock(void) {
    pirn_sim_result r =
        explore(leave_one_that_goes_on, NULL, (pirn_sim_options){.runs = 20, .max_steps = 200});
    check_equal(r.outcome, PIRN_OK);
    pirn_sim_result_free(&r);
    conclude("after main");
}

static void what_can_still_run_is_no_leak(void) {
    expect_ok(leave_what_is_no_leak, NULL, 50);
    expect_ok(leave_what_is_no_leak, (void *)1, 3); /* cut off after a bound of its own */
    conclude("no leak");
}

static void panic_if_second(void *arg) {
    atomic_int *turn = arg;
    pirn_yield();
    if (atomic_fetch_add(turn, 1) == 1) pirn_panic("came second: %s", "bad luck");
}

static void panic_sometimes(void *arg) {
    static atomic_int turn;
    pirn_waitgroup group = {0};
    (void)arg;
    turn = 0;
    check_equal(pirn_waitgroup_go(&group, panic_if_second, &turn), 0);
    pirn_yield();
    atomic_fetch_add(&turn, 1);
    pirn_waitgroup_wait(&group);
}

static void panic_is_found(void) {
    expect_outcome(panic_sometimes, 200, 0, PIRN_PANIC, "came second: bad luck");
    conclude("panic");
}

static void unlock_too_soon(void *arg) {
    pirn_mutex mutex = {0};
    (void)arg;
    pirn_label(&mutex, "never locked");
    pirn_mutex_unlock(&mutex);
    NOT_A_TAIL_CALL();
}

static void misuse_is_found(void) {
    expect_outcome(unlock_too_soon, 1, 0, PIRN_MISUSE, "never locked");
    conclude("misuse");
}

static volatile char *forbidden;

static void touch_forbidden_memory(void *arg) {
    (void)arg;
    pirn_yield();
    forbidden[8] = 1;
}

static void crash(void *arg) {
    pirn_waitgroup group = {0};
    if (!arg) touch_forbidden_memory(NULL);
    check_equal(pirn_waitgroup_go(&group, touch_forbidden_memory, NULL), 0);
    pirn_waitgroup_wait(&group);
}

static void give_up(void *arg) {
    (void)arg;
    abort();
}

/* Where a library gives up says nothing; where it was called from does. */
static void abort_names_its_caller(void) {
    if (ASAN) return;
    expect_outcome(give_up, 1, 0, PIRN_CRASH, "give_up at test_sim.c");
    conclude("abort");
}

static void crash_is_found(void) {
    if (ASAN) return;
    forbidden = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 2; i++) { /* once in main, once in another task */
        pirn_sim_result r = explore(crash, i ? (void *)1 : NULL, (pirn_sim_options){.runs = 10});
        char address[40];
        snprintf(address, sizeof address, "%" PRIxPTR, (uintptr_t)forbidden + 8);
        check_equal(r.outcome, PIRN_CRASH);
        check_contains(r.message, address);
        check(r.schedule != NULL);
        pirn_sim_result_free(&r);
    }
    expect_ok(nothing, NULL, 10); /* and the process can go on */
    conclude("crash");
}

static void livelock_is_found(void) {
    pirn_sim_result r =
        explore(yield_for_ever, NULL, (pirn_sim_options){.runs = 10, .max_steps = 500});
    check_equal(r.outcome, PIRN_LIVELOCK);
    check_equal(r.runs, 1);
    check(r.message[0] != '\0');
    pirn_sim_result_free(&r);
    r = explore(yield_for_ever, NULL, (pirn_sim_options){.runs = 2});
    check_equal(r.outcome, PIRN_LIVELOCK);
    pirn_sim_result_free(&r);
    r = explore(yield_a_little, NULL, (pirn_sim_options){.runs = 2, .max_steps = 5000});
    check_equal(r.outcome, PIRN_OK);
    pirn_sim_result_free(&r);
    conclude("livelock");
}

static void deadlock_and_leak(void *arg) {
    pirn_chan *chan = pirn_chan_new(0, 0);
    check_equal(pirn_go(receive_from, chan), 0);
    if (arg) pirn_recv(chan, NULL);
    pirn_mutex_unlock(&(pirn_mutex){0});
}

static void worst_outcome_counts(void) {
    expect_outcome(deadlock_and_leak, 1, 0, PIRN_MISUSE, NULL);
    pirn_sim_result r = explore(deadlock_and_leak, (void *)1, (pirn_sim_options){.runs = 1});
    check_equal(r.outcome, PIRN_DEADLOCK);
    pirn_sim_result_free(&r);
    conclude("precedence");
}

static void keep_going_collects_failures(void) {
    pirn_sim_result r = explore(
        dine, NULL, (pirn_sim_options){.strategy = "random", .runs = 300, .keep_going = true});
    check_equal(r.outcome, PIRN_DEADLOCK);
    check_equal(r.runs, 300);
    check(r.failures > 1);
    check(r.failures < 300);
    check(r.distinct > 1);
    check(r.distinct < 300);
    pirn_sim_result_free(&r);
    r = explore(leave_a_receiver, NULL, (pirn_sim_options){.runs = 30, .keep_going = true});
    check_equal(r.failures, 30);
    pirn_sim_result_free(&r);
    conclude("keep going");
}

static void idle_timer(void *arg) {
    pirn_chan *timer = pirn_after(PIRN_SEC), *never = pirn_chan_new(0, 0);
    check(timer != NULL);
    if (arg)
        pirn_recv(never, NULL);
    else
        check_equal(pirn_go(receive_from, never), 0);
}

static void timer_that_nobody_waits_for_hides_nothing(void) {
    pirn_sim_result r =
        explore(idle_timer, (void *)1, (pirn_sim_options){.runs = 20, .keep_going = true});
    check_equal(r.outcome, PIRN_DEADLOCK);
    check_equal(r.failures, 20);
    pirn_sim_result_free(&r);
    r = explore(idle_timer, NULL, (pirn_sim_options){.runs = 20, .keep_going = true});
    check_equal(r.outcome, PIRN_LEAK);
    check_equal(r.failures, 20);
    pirn_sim_result_free(&r);
    conclude("idle timer");
}

/* ---- The same again ------------------------------------------------------------------------ */

enum { LOG = 400 };

static struct {
    int length;
    unsigned char entries[LOG];
} log_now;

static void note(int what) {
    if (log_now.length < LOG) log_now.entries[log_now.length++] = (unsigned char)what;
}

struct lottery {
    pirn_chan *chan;
    pirn_mutex mutex;
    pirn_waitgroup group;
};

static void play(void *arg) {
    struct lottery *l = arg;
    int me = (int)pirn_self();
    for (int i = 0; i < 3; i++) {
        int value = (int)pirn_choose(10);
        pirn_case cases[] = {PIRN_CASE_SEND(l->chan, &value), PIRN_CASE_RECV(l->chan, &value)};
        int rc = pirn_select(cases, 2, pirn_now() + PIRN_MSEC);
        note(me), note(rc), note(value), note((int)(pirn_random() & 255));
        pirn_mutex_lock(&l->mutex);
        note(me);
        pirn_mutex_unlock(&l->mutex);
        pirn_sleep((int64_t)pirn_choose(3) * PIRN_MSEC);
    }
}

/* Notes all that it sees, and fails now and then. */
static void lottery(void *arg) {
    struct lottery l = {.chan = pirn_chan_new(sizeof(int), 1)};
    (void)arg;
    log_now.length = 0;
    for (int i = 0; i < 3; i++) check_equal(pirn_waitgroup_go(&l.group, play, &l), 0);
    pirn_waitgroup_wait(&l.group);
    pirn_chan_unref(l.chan);
    if (pirn_choose(3) == 2) pirn_panic("drawn");
}

static void same_seed_gives_the_same_run(void) {
    static unsigned char logs[6][LOG];
    char *schedules[6];
    int lengths[6], different = 0;
    for (int i = 0; i < 6; i++) {
        pirn_sim_result r =
            explore(lottery, NULL, (pirn_sim_options){.seed = i < 3 ? 12 : 20 + (uint64_t)i});
        check_equal(r.outcome, PIRN_PANIC);
        lengths[i] = log_now.length;
        memcpy(logs[i], log_now.entries, LOG);
        schedules[i] = r.schedule ? strdup(r.schedule) : strdup("");
        if (i && i < 3) {
            check_equal(lengths[i], lengths[0]);
            check(memcmp(logs[i], logs[0], (size_t)lengths[0]) == 0);
            check(strcmp(schedules[i], schedules[0]) == 0);
        }
        if (i >= 3) different += strcmp(schedules[i], schedules[0]) != 0;
        pirn_sim_result_free(&r);
    }
    check(lengths[0] > 0);
    check_equal(different, 3);
    for (int i = 0; i < 6; i++) free(schedules[i]);
    conclude("seeds");
}

/* Where the strategy does not learn from the runs before. */
static void seed_of_the_failure_gives_it_at_once(void) {
    static const char *const strategies[] = {"random", "pos"};
    for (int i = 0; i < 2; i++) {
        pirn_sim_options options = {.strategy = strategies[i], .runs = 1000};
        pirn_sim_result first = explore(dine, NULL, options), again;
        check_equal(first.outcome, PIRN_DEADLOCK);
        check_equal(first.seed, 1 + first.runs - 1); /* the next run has the next seed */
        options.runs = 1;
        options.seed = first.seed;
        again = explore(dine, NULL, options);
        check_equal(again.outcome, PIRN_DEADLOCK);
        check_equal(again.seed, first.seed);
        if (check(first.schedule && again.schedule))
            check(strcmp(first.schedule, again.schedule) == 0);
        check(strcmp(first.message, again.message) == 0);
        pirn_sim_result_free(&first);
        pirn_sim_result_free(&again);
    }
    conclude("seed");
}

static void replay_gives_the_same_run(void) {
    for (uint64_t seed = 1; seed <= 20; seed++) {
        static unsigned char entries[LOG];
        pirn_sim_result first = explore(lottery, NULL, (pirn_sim_options){.seed = seed * 1000});
        int length = log_now.length;
        if (!check_equal(first.outcome, PIRN_PANIC)) break;
        memcpy(entries, log_now.entries, LOG);
        for (int i = 0; i < 5; i++) {
            pirn_sim_result again =
                explore(lottery, NULL, (pirn_sim_options){.replay = first.schedule});
            check_equal(again.outcome, first.outcome);
            check_equal(again.runs, 1);
            check(strcmp(again.message, first.message) == 0);
            if (check(again.schedule != NULL)) check(strcmp(again.schedule, first.schedule) == 0);
            check_equal(log_now.length, length);
            check(memcmp(log_now.entries, entries, (size_t)length) == 0);
            pirn_sim_result_free(&again);
        }
        pirn_sim_result_free(&first);
    }
    conclude("replay");
}

static void replay_repeats(pirn_fn *fn, pirn_sim_options options, pirn_outcome outcome) {
    pirn_sim_result first = explore(fn, NULL, options), again;
    check_equal(first.outcome, outcome);
    if (!check(first.schedule != NULL)) return;
    options.replay = first.schedule;
    again = explore(fn, NULL, options);
    check_equal(again.outcome, outcome);
    check(strcmp(again.message, first.message) == 0);
    pirn_sim_result_free(&first);
    pirn_sim_result_free(&again);
}

static void crash_in_main(void *arg) {
    (void)arg;
    touch_forbidden_memory(NULL);
}

static void every_outcome_replays(void) {
    forbidden = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    replay_repeats(dine, (pirn_sim_options){0}, PIRN_DEADLOCK);
    replay_repeats(leave_a_receiver, (pirn_sim_options){0}, PIRN_LEAK);
    replay_repeats(panic_sometimes, (pirn_sim_options){0}, PIRN_PANIC);
    replay_repeats(unlock_too_soon, (pirn_sim_options){0}, PIRN_MISUSE);
    if (!ASAN) replay_repeats(crash_in_main, (pirn_sim_options){0}, PIRN_CRASH);
    replay_repeats(yield_for_ever, (pirn_sim_options){.max_steps = 300}, PIRN_LIVELOCK);
    conclude("replays");
}

static void replay_of_another_program_diverges(void) {
    pirn_sim_result first = explore(dine, NULL, (pirn_sim_options){0}), other;
    check(first.schedule != NULL);
    other = explore(lottery, NULL, (pirn_sim_options){.replay = first.schedule});
    check_equal(other.outcome, PIRN_DIVERGED);
    check(other.message[0] != '\0');
    pirn_sim_result_free(&other);
    other = explore(nothing, NULL, (pirn_sim_options){.replay = first.schedule});
    check_equal(other.outcome, PIRN_DIVERGED);
    pirn_sim_result_free(&other);
    pirn_sim_result_free(&first);
    conclude("divergence");
}

static void damaged_schedule_is_refused(void) {
    pirn_sim_result first = explore(lottery, NULL, (pirn_sim_options){.seed = 77});
    size_t length;
    char *damaged, *longer;
    if (!check(first.schedule != NULL)) {
        conclude("damage");
        return;
    }
    length = strlen(first.schedule);
    damaged = strdup(first.schedule);
    check(length > 20);
    for (size_t i = 0; i < length; i++) { /* each byte changed */
        static const char others[] = "Aq7-_! \n\x80";
        for (const char *c = others; *c; c++) {
            if (first.schedule[i] == *c) continue;
            damaged[i] = *c;
            refuse((pirn_sim_options){.replay = damaged}, -EINVAL);
        }
        damaged[i] = first.schedule[i];
    }
    for (size_t i = 0; i < length; i++) { /* cut off anywhere */
        damaged[i] = '\0';
        refuse((pirn_sim_options){.replay = damaged}, -EINVAL);
        damaged[i] = first.schedule[i];
    }
    longer = malloc(length + 20);
    sprintf(longer, "%sA", first.schedule);
    refuse((pirn_sim_options){.replay = longer}, -EINVAL);
    sprintf(longer, "%s A", first.schedule);
    refuse((pirn_sim_options){.replay = longer}, -EINVAL);
    sprintf(longer, "pirn2:%s", first.schedule + 6);
    refuse((pirn_sim_options){.replay = longer}, -EINVAL);
    refuse((pirn_sim_options){.replay = first.schedule + 6}, -EINVAL);
    refuse((pirn_sim_options){.replay = ""}, -EINVAL);
    refuse((pirn_sim_options){.replay = "pirn1:"}, -EINVAL);
    refuse((pirn_sim_options){.replay = "pirn1:AAAA"}, -EINVAL);
    free(longer);
    free(damaged);
    pirn_sim_result_free(&first);
    conclude("damage");
}

/* ---- What is explored ---------------------------------------------------------------------- */

static unsigned reached;

static void reach(pirn_fn *fn, unsigned all, uint64_t runs) {
    pirn_sim_result r;
    reached = 0;
    r = explore(fn, NULL, (pirn_sim_options){.strategy = "random", .runs = runs});
    if (!check_equal(r.outcome, PIRN_OK)) fprintf(stderr, "    %s\n", r.message);
    if (!check_equal(reached, all)) fprintf(stderr, "    reached %#x of %#x\n", reached, all);
    pirn_sim_result_free(&r);
}

static void select_any(void *arg) {
    pirn_chan *a = pirn_chan_new(0, 1), *b = pirn_chan_new(0, 1);
    pirn_case cases[] = {PIRN_CASE_SEND(a, NULL), PIRN_CASE_RECV(b, NULL), PIRN_CASE_SEND(a, NULL)};
    (void)arg;
    check_equal(pirn_send(b, NULL), 0);
    reached |= 1u << pirn_select(cases, 3, PIRN_FOREVER);
    pirn_chan_unref(a);
    pirn_chan_unref(b);
}

static void choose_any(void *arg) {
    (void)arg;
    reached |= 1u << pirn_choose(5);
}

static int finish[3], finished;

static void finish_in_turn(void *arg) { finish[finished++] = *(int *)arg; }

static void finish_in_any_order(void *arg) {
    static const int number[3][3][3] = {
        [0][1][2] = 0, [0][2][1] = 1, [1][0][2] = 2, [1][2][0] = 3, [2][0][1] = 4, [2][1][0] = 5};
    pirn_waitgroup group = {0};
    (void)arg;
    finished = 0;
    for (int i = 0; i < 3; i++)
        check_equal(pirn_waitgroup_go_copy(&group, finish_in_turn, &i, sizeof i), 0);
    pirn_waitgroup_wait(&group);
    reached |= 1u << number[finish[0]][finish[1]][finish[2]];
}

static atomic_int rung;

static void ring(void *arg) {
    (void)arg;
    pirn_sleep(PIRN_MSEC);
    rung = 1;
}

static void work_while_it_may_ring(void *arg) {
    pirn_waitgroup group = {0};
    (void)arg;
    rung = 0;
    check_equal(pirn_waitgroup_go(&group, ring, NULL), 0);
    for (int i = 0; i < 10; i++) pirn_yield();
    reached |= 1u << rung; /* main can run all the while, yet the timer may be early */
    pirn_waitgroup_wait(&group);
}

static pirn_mutex door;
static atomic_int entered, waiting;

static void enter(void *arg) {
    (void)arg;
    waiting = 1;
    pirn_mutex_lock(&door);
    entered = 1;
    pirn_mutex_unlock(&door);
}

static void push_ahead(void *arg) {
    pirn_waitgroup group = {0};
    bool waited;
    (void)arg;
    memset(&door, 0, sizeof door);
    entered = waiting = 0;
    pirn_mutex_lock(&door);
    check_equal(pirn_waitgroup_go(&group, enter, NULL), 0);
    for (int i = 0; i < 10; i++) pirn_yield();
    waited = waiting;
    pirn_mutex_unlock(&door);
    pirn_mutex_lock(&door);
    if (waited) reached |= entered ? 1 : 2; /* M2: it may be ahead of one that waits, or behind */
    pirn_mutex_unlock(&door);
    pirn_waitgroup_wait(&group);
}

static pirn_chan *answers;

static void answer(void *arg) {
    (void)arg;
    check_equal(pirn_send(answers, NULL), 0);
}

static void answer_or_time_out(void *arg) {
    pirn_attr attr = {.name = "answerer", .daemon = true};
    int rc;
    (void)arg;
    answers = pirn_chan_new(0, 0);
    check_equal(pirn_go_with(&attr, answer, NULL), 0);
    rc = pirn_recv_until(answers, NULL, pirn_now() + PIRN_MSEC);
    check(rc == 0 || rc == -ETIMEDOUT);
    reached |= rc == 0 ? 1 : 2;
}

static void every_choice_is_reached(void) {
    reach(select_any, 7, 200);
    reach(choose_any, 31, 300);
    reach(finish_in_any_order, 63, 5000);
    reach(push_ahead, 3, 500);
    conclude("choices");
}

static void timers_may_be_early(void) {
    reach(work_while_it_may_ring, 3, 1000);
    reach(answer_or_time_out, 3, 1000);
    conclude("timers");
}

static void jump_an_hour(void *arg) {
    int64_t start = pirn_now();
    (void)arg;
    pirn_sleep(3600 * PIRN_SEC);
    check_equal(pirn_now() - start, 3600 * PIRN_SEC);
    for (int i = 0; i < 10; i++) pirn_yield();
    check_equal(pirn_now() - start, 3600 * PIRN_SEC); /* it stands still while a task can run */
    pirn_sleep(365 * 24 * 3600 * PIRN_SEC);
    check_equal(pirn_now() - start, (365 * 24 + 1) * 3600 * PIRN_SEC);
}

static void time_is_virtual(void) {
    expect_ok(jump_an_hour, NULL, 20);
    conclude("time");
}

/* ---- From the environment, and the trace --------------------------------------------------- */

static void replay_from_environment(void *arg) {
    setenv("PIRN_REPLAY", arg, 1);
    _exit(pirn_run(NULL, dine, NULL) == -EDEADLK ? 0 : 1);
}

static void run_from_seed(void *arg) {
    setenv("PIRN_SEED", arg, 1);
    _exit(pirn_run(NULL, dine, NULL) == -EDEADLK ? 0 : 1);
}

static void run_reads_the_environment(void) {
    pirn_sim_result r = {0};
    char *report = NULL, seed[30];
    int status;
    /* Such seeds make a run of its own a random one. */
    for (uint64_t first = 4; first < 4000 && r.outcome != PIRN_DEADLOCK; first += 4) {
        pirn_sim_result_free(&r);
        r = explore(dine, NULL, (pirn_sim_options){.strategy = "random", .seed = first, .runs = 1});
    }
    check_equal(r.outcome, PIRN_DEADLOCK);
    if (!check(r.schedule != NULL)) return;
    for (int i = 0; i < 5; i++) {
        status = harness_child(replay_from_environment, r.schedule, &report);
        check_equal(status, 0);
        check_contains(report, "left fork");
        free(report);
        snprintf(seed, sizeof seed, "%" PRIu64, r.seed);
        status = harness_child(run_from_seed, seed, &report);
        check_equal(status, 0);
        check_contains(report, "right fork");
        free(report);
    }
    pirn_sim_result_free(&r);
    conclude("environment");
}

static void wait_for_ever(void *arg) {
    (void)arg;
    pirn_recv(NULL, NULL);
}

static void failing_run_tells_how_to_repeat_it(void) {
    char *report = run_report(wait_for_ever, -EDEADLK);
    check_contains(report, "PIRN_");
    check(strstr(report, "pirn1:") || strstr(report, "PIRN_SEED="));
    free(report);
    conclude("fresh seed");
}

static void trace_is_written(void) {
    char path[] = "/tmp/pirn-trace-XXXXXX", start[16] = "";
    int fd = mkstemp(path);
    pirn_sim_result r;
    CU_ASSERT_FATAL(fd >= 0);
    unlink(path);
    close(fd);
    for (int i = 0; i < 2; i++) { /* made, then added to */
        r = explore(dine, NULL, (pirn_sim_options){.trace = path, .runs = 50, .keep_going = true});
        check_equal(r.runs, 50);
        pirn_sim_result_free(&r);
    }
    fd = open(path, O_RDONLY);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(read(fd, start, sizeof start), sizeof start);
    CU_ASSERT_NSTRING_EQUAL(start, "SQLite format 3", 16);
    close(fd);
    unlink(path);
    conclude("trace");
}

static void foreign_trace_is_refused(void) {
    char path[] = "/tmp/pirn-trace-XXXXXX", text[100] = "";
    int fd = mkstemp(path);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(write(fd, "this is no database, and it has to stay as it is\n", 49), 49);
    refuse((pirn_sim_options){.trace = path}, -EIO);
    CU_ASSERT_EQUAL(pread(fd, text, sizeof text, 0), 49);
    CU_ASSERT_STRING_EQUAL(text, "this is no database, and it has to stay as it is\n");
    close(fd);
    unlink(path);
    conclude("foreign trace");
}

static const struct test tests[] = {
    TEST(bad_options_are_refused),
    TEST(defaults_are_as_documented),
    TEST(outcomes_have_names),
    TEST(exploring_inside_a_run_is_refused),
    TEST(time_limit_ends_the_exploration),
    TEST(deadlock_is_found),
    TEST(leak_is_found),
    TEST(what_can_still_run_is_no_leak),
    TEST(what_goes_on_after_main_is_no_livelock),
    TEST(panic_is_found),
    TEST(misuse_is_found),
    TEST(crash_is_found),
    TEST(abort_names_its_caller),
    TEST(livelock_is_found),
    TEST(worst_outcome_counts),
    TEST(keep_going_collects_failures),
    TEST(timer_that_nobody_waits_for_hides_nothing),
    TEST(same_seed_gives_the_same_run),
    TEST(seed_of_the_failure_gives_it_at_once),
    TEST(replay_gives_the_same_run),
    TEST(every_outcome_replays),
    TEST(replay_of_another_program_diverges),
    TEST_SECONDS(damaged_schedule_is_refused, 60),
    TEST(every_choice_is_reached),
    TEST(timers_may_be_early),
    TEST(time_is_virtual),
    TEST(run_reads_the_environment),
    TEST(failing_run_tells_how_to_repeat_it),
    TEST(trace_is_written),
    TEST(foreign_trace_is_refused),
};

HARNESS(tests)
