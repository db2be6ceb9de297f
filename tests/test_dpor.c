/* test_dpor.c - the systematic strategies: how many schedules there are, to the last one. */
#include "lib/core/sanitize.h"
#include "tests/support.h"

/* depth 0: none */
static pirn_sim_result search(const char *strategy, pirn_fn *fn, void *arg, int depth) {
    pirn_sim_options options = {.strategy = strategy,
                                .seed = 1,
                                .depth = depth,
                                .allow = PIRN_ALLOW_LEAK | PIRN_ALLOW_SEND_ON_CLOSED,
                                .keep_going = true};
    pirn_sim_result result;
    if (!check_equal(pirn_sim_explore(&options, fn, arg, &result), 0))
        fprintf(stderr, "    %s\n", result.message);
    return result;
}

/* make check-long goes further. */
static bool long_run(void) { return getenv("PIRN_TEST_TASKS") != NULL; }

static uint64_t binomial(uint64_t n, uint64_t k) {
    return k == 0 ? 1 : binomial(n - 1, k - 1) * n / k;
}

static uint64_t factorial(uint64_t n) { return n < 2 ? 1 : n * factorial(n - 1); }

/* ---- dfs ----------------------------------------------------------------------------------- */

struct walk {
    int tasks, yields;
};

static void walk(void *arg) {
    const struct walk *how = arg;
    for (int i = 0; i < how->yields; i++) pirn_yield();
}

static void walk_together(void *arg) {
    const struct walk *how = arg;
    for (int i = 0; i < how->tasks; i++) check_equal(pirn_go(walk, arg), 0);
}

/* Schedules of main, which has left the task that starts the others, and these: by counting all
 * paths of a model of it. steps[0] is main's. */
static uint64_t paths(int *steps, int tasks, int started) {
    uint64_t sum = 0;
    bool any = false;
    for (int i = 0; i <= started; i++) {
        if (!steps[i]) continue;
        any = true;
        steps[i]--;
        sum += paths(steps, tasks, started + (i == 0 && started < tasks));
        steps[i]++;
    }
    return any ? sum : 1;
}

static void dfs_makes_every_schedule_once(void) {
    for (int tasks = 1; tasks <= 3; tasks++)
        for (int yields = 0; yields <= 2; yields++) {
            struct walk how = {tasks, yields};
            /* main: its begin, whence it starts all, one step each; the others: begin, yields. */
            int steps[5] = {tasks, yields + 1, yields + 1, yields + 1, 0};
            pirn_sim_result r = search("dfs", walk_together, &how, 0);
            check_equal(r.outcome, PIRN_OK);
            check_equal(r.runs, paths(steps, tasks, 0));
            check_equal(r.distinct, 1);
            check(r.exhausted);
            pirn_sim_result_free(&r);
        }
    conclude("schedules");
}

static void choose_twice(void *arg) {
    unsigned *seen = arg;
    uint64_t first = pirn_choose(3), second = pirn_choose(first + 1);
    seen[first * 3 + second]++;
}

static void dfs_makes_every_choice_once(void) {
    unsigned seen[9] = {0};
    pirn_sim_result r = search("dfs", choose_twice, seen, 0);
    check_equal(r.runs, 6);
    check_equal(r.distinct, 6);
    check(r.exhausted);
    for (unsigned i = 0; i < 9; i++) check_equal(seen[i], i % 3 <= i / 3);
    pirn_sim_result_free(&r);
    conclude("choices");
}

/* With a bound the number of schedules with 0, 1, ... preemptions; all of them add up. */
static void bound_counts_preemptions(void) {
    struct walk how = {2, 2};
    uint64_t all, last = 0;
    pirn_sim_result r = search("dfs", walk_together, &how, 0);
    all = r.runs;
    check(r.exhausted);
    pirn_sim_result_free(&r);
    for (int bound = 1; bound <= 8; bound++) {
        r = search("dfs", walk_together, &how, bound);
        check(r.exhausted);
        check(bound > 6 ? r.runs == all : r.runs >= last);
        if (bound == 1) check(r.runs < all);
        last = r.runs;
        pirn_sim_result_free(&r);
    }
    check_equal(last, all);
    conclude("bound");
}

static int counter;

static void add_carelessly(void *arg) {
    int seen = counter;
    (void)arg;
    pirn_yield();
    counter = seen + 1;
}

static void lose_an_update(void *arg) {
    pirn_waitgroup group = {0};
    (void)arg;
    counter = 0;
    for (int i = 0; i < 2; i++) check_equal(pirn_waitgroup_go(&group, add_carelessly, NULL), 0);
    pirn_waitgroup_wait(&group);
    pirn_assert(counter == 2);
}

static void fewest_preemptions_come_first(void) {
    pirn_sim_options options = {.strategy = "dfs", .depth = 3};
    pirn_sim_result r;
    check_equal(pirn_sim_explore(&options, lose_an_update, NULL, &r), 0);
    check_equal(r.outcome, PIRN_PANIC);
    check(!r.exhausted);
    check(r.schedule != NULL);
    options = (pirn_sim_options){.replay = r.schedule};
    pirn_sim_result again;
    check_equal(pirn_sim_explore(&options, lose_an_update, NULL, &again), 0);
    check_equal(again.outcome, PIRN_PANIC);
    pirn_sim_result_free(&again);
    pirn_sim_result_free(&r);
    conclude("first");
}

static void limits_leave_gaps(void) {
    struct walk how = {2, 2};
    pirn_sim_options options = {.strategy = "dfs", .runs = 10};
    pirn_sim_result r;
    check_equal(pirn_sim_explore(&options, walk_together, &how, &r), 0);
    check_equal(r.runs, 10);
    check(!r.exhausted);
    pirn_sim_result_free(&r);
    options = (pirn_sim_options){.strategy = "dfs", .max_steps = 6, .keep_going = true};
    check_equal(pirn_sim_explore(&options, walk_together, &how, &r), 0);
    check(!r.exhausted);
    pirn_sim_result_free(&r);
    options = (pirn_sim_options){.strategy = "dfs", .depth = 65};
    check_equal(pirn_sim_explore(&options, walk_together, &how, &r), -EINVAL);
    check(r.message[0] != '\0');
    pirn_sim_result_free(&r);
    conclude("limits");
}

static unsigned rang;

static void ring(void *arg) {
    (void)arg;
    pirn_sleep(PIRN_MSEC);
    rang |= 1;
}

static void ring_or_not(void *arg) {
    unsigned *seen = arg;
    rang = 0;
    check_equal(pirn_go(ring, NULL), 0);
    pirn_yield();
    seen[rang]++;
}

static void tick(void *arg) {
    pirn_timer *ticker = pirn_ticker_new(PIRN_MSEC);
    (void)arg;
    for (int i = 0; i < 2; i++) check_equal(pirn_recv(pirn_timer_chan(ticker), NULL), 0);
    pirn_timer_free(ticker);
}

static void dfs_fires_timers_early(void) {
    unsigned seen[2] = {0};
    pirn_sim_result r = search("dfs", ring_or_not, seen, 0);
    check_equal(r.outcome, PIRN_OK);
    check(r.exhausted);
    check(seen[0] > 0 && seen[1] > 0);
    pirn_sim_result_free(&r);
    r = search("dfs", tick, NULL, 0); /* which ends */
    check_equal(r.outcome, PIRN_OK);
    pirn_sim_result_free(&r);
    conclude("timers");
}

/* ---- dpor ---------------------------------------------------------------------------------- */

/* Where dfs needs no longer than this many runs, dpor has to see exactly the graphs that it sees:
 * no more come from real runs, so as many are the same. */
enum { FEW_RUNS = 2000 };

/* Explores with dpor, which has to end, and to make as many runs as there are classes. */
static pirn_sim_result cover(pirn_fn *fn, void *arg, uint64_t classes) {
    pirn_sim_result r = search("dpor", fn, arg, 0);
    check(r.exhausted);
    if (!check_equal(r.runs, classes)) fprintf(stderr, "    distinct: %" PRIu64 "\n", r.distinct);
    check_equal(r.distinct, r.runs);
    return r;
}

static void compare_with_dfs(pirn_fn *fn, void *arg, uint64_t distinct) {
    pirn_sim_options options = {.strategy = "dfs",
                                .seed = 1,
                                .runs = FEW_RUNS,
                                .allow = PIRN_ALLOW_LEAK | PIRN_ALLOW_SEND_ON_CLOSED,
                                .keep_going = true};
    pirn_sim_result r;
    check_equal(pirn_sim_explore(&options, fn, arg, &r), 0);
    if (r.exhausted)
        check_equal(r.distinct, distinct);
    else
        check(r.distinct <= distinct);
    pirn_sim_result_free(&r);
}

static void expect_classes(pirn_fn *fn, void *arg, uint64_t classes) {
    pirn_sim_result r = cover(fn, arg, classes);
    check_equal(r.outcome, PIRN_OK);
    if (r.outcome) fprintf(stderr, "    %s\n", r.message);
    pirn_sim_result_free(&r);
    compare_with_dfs(fn, arg, classes);
}

struct size {
    int tasks, rounds;
};

static pirn_mutex mutexes[16];
static pirn_chan *chans[16];
static pirn_waitgroup all;

static void start(pirn_fn *fn, int tasks) {
    memset(&all, 0, sizeof all);
    pirn_waitgroup_add(&all, tasks);
    for (int i = 0; i < tasks; i++) check_equal(pirn_go_copy(fn, &i, sizeof i), 0);
}

static int rounds;

static void lock_often(void *arg) {
    (void)arg;
    for (int i = 0; i < rounds; i++) {
        pirn_mutex_lock(&mutexes[0]);
        pirn_mutex_unlock(&mutexes[0]);
    }
    pirn_waitgroup_done(&all);
}

static void lock_one_mutex(void *arg) {
    const struct size *size = arg;
    memset(mutexes, 0, sizeof mutexes);
    rounds = size->rounds;
    start(lock_often, size->tasks);
    pirn_waitgroup_wait(&all);
}

static void one_mutex(void) {
    for (int n = 1; n <= (long_run() ? 8 : 5); n++)
        expect_classes(lock_one_mutex, &(struct size){n, 1}, factorial((uint64_t)n));
    for (int n = 1; n <= (long_run() ? 8 : 5); n++)
        expect_classes(lock_one_mutex, &(struct size){2, n},
                       binomial(2 * (uint64_t)n, (uint64_t)n));
    conclude("one mutex");
}

static void lock_own(void *arg) {
    pirn_mutex *mutex = &mutexes[*(int *)arg];
    pirn_mutex_lock(mutex);
    pirn_mutex_unlock(mutex);
    pirn_waitgroup_done(&all);
}

static void lock_different(void *arg) {
    memset(mutexes, 0, sizeof mutexes);
    start(lock_own, *(int *)arg);
    pirn_waitgroup_wait(&all);
}

static void different_mutexes(void) {
    for (int n = 1; n <= 8; n++) expect_classes(lock_different, &n, 1);
    conclude("different mutexes");
}

/* Who allocates memory in which runs follow each other, and where it is then, is nobody's choice. */
enum { LEAKED = 1000 };
static void *leaked[LEAKED];
static size_t leaked_count;
static pirn_mutex *moving;

static void lock_moving(void *arg) {
    for (int i = 0; i < *(int *)arg % 2 + 1; i++) {
        pirn_mutex_lock(moving);
        pirn_mutex_unlock(moving);
    }
    pirn_waitgroup_done(&all);
}

static void lock_what_moves(void *arg) {
    const struct size *size = arg;
    moving = calloc(1, sizeof *moving);
    check(moving && leaked_count < LEAKED);
    leaked[leaked_count++ % LEAKED] = moving;
    start(lock_moving, size->tasks);
    pirn_waitgroup_wait(&all);
}

static void lock_what_is_own(void *arg) {
    pirn_mutex *own = calloc(1, sizeof *own);
    check(own != NULL);
    (void)arg;
    pirn_mutex_lock(own);
    pirn_mutex_unlock(own);
    free(own);
    pirn_waitgroup_done(&all);
}

static void allocate_in_any_order(void *arg) {
    start(lock_what_is_own, ((const struct size *)arg)->tasks);
    pirn_waitgroup_wait(&all);
}

static void memory_that_moves(void) {
    /* With a sanitizer it is not known who allocates what. */
    for (int n = 1; n <= 5 && !PIRN_SANITIZED; n++)
        expect_classes(allocate_in_any_order, &(struct size){n, 1}, 1);
    for (int n = 2; n <= 4; n++) {
        pirn_sim_result r = search("dpor", lock_what_moves, &(struct size){n, 1}, 0);
        /* Of one lock or two by each: a multinomial coefficient. */
        int locks = n + n / 2;
        check_equal(r.distinct, factorial((uint64_t)locks) >> n / 2);
        if (!PIRN_SANITIZED) check_equal(r.runs, r.distinct);
        check(r.exhausted);
        check_equal(r.outcome, PIRN_OK);
        pirn_sim_result_free(&r);
        while (leaked_count) free(leaked[--leaked_count]);
    }
    conclude("memory that is elsewhere in each run");
}

static int seats;

static void dine(void *arg) {
    int seat = *(int *)arg;
    pirn_mutex *left = &mutexes[seat], *right = &mutexes[(seat + 1) % seats];
    pirn_mutex_lock(left);
    pirn_mutex_lock(right);
    pirn_mutex_unlock(right);
    pirn_mutex_unlock(left);
    pirn_waitgroup_done(&all);
}

static void dinner(void *arg) {
    memset(mutexes, 0, sizeof mutexes);
    seats = *(int *)arg;
    start(dine, seats);
    pirn_waitgroup_wait(&all);
}

static void philosophers(void) {
    for (int n = 2; n <= (long_run() ? 12 : 7); n++) {
        pirn_sim_result r = cover(dinner, &n, (1u << n) - 1);
        check_equal(r.outcome, PIRN_DEADLOCK);
        check_equal(r.failures, 1);
        pirn_sim_result_free(&r);
        compare_with_dfs(dinner, &n, (1u << n) - 1);
    }
    conclude("philosophers");
}

/* ---- Channels ------------------------------------------------------------------------------ */

static void send_once(void *arg) { check_equal(pirn_send(chans[0], arg), 0); }

static void send_and_drain(void *arg) {
    const struct size *size = arg;
    int value;
    chans[0] = pirn_chan_new(sizeof value, (size_t)size->rounds);
    start(send_once, size->tasks);
    for (int i = 0; i < size->tasks; i++) check_equal(pirn_recv(chans[0], &value), 0);
    pirn_chan_unref(chans[0]);
}

/* The values come in one of k! orders; how far the buffer fills makes no difference. */
static void senders_into_a_channel(void) {
    for (int k = 1; k <= (long_run() ? 6 : 4); k++)
        for (int capacity = 0; capacity <= k; capacity++)
            expect_classes(send_and_drain, &(struct size){k, capacity}, factorial((uint64_t)k));
    conclude("senders");
}

static void send_own(void *arg) {
    check_equal(pirn_send(chans[*(int *)arg], arg), 0);
    pirn_waitgroup_done(&all);
}

static void send_apart(void *arg) {
    int tasks = *(int *)arg, value;
    for (int i = 0; i < tasks; i++) chans[i] = pirn_chan_new(sizeof value, 1);
    start(send_own, tasks);
    pirn_waitgroup_wait(&all);
    for (int i = 0; i < tasks; i++) {
        check_equal(pirn_recv(chans[i], &value), 0);
        pirn_chan_unref(chans[i]);
    }
}

static void senders_into_different_channels(void) {
    for (int k = 1; k <= 6; k++) expect_classes(send_apart, &k, 1);
    conclude("different channels");
}

static void produce(void *arg) {
    (void)arg;
    for (int i = 0; i < rounds; i++) check_equal(pirn_send(chans[0], &i), 0);
}

static void pass_along(void *arg) {
    const struct size *size = arg;
    int value;
    chans[0] = pirn_chan_new(sizeof value, (size_t)size->rounds);
    rounds = size->tasks;
    check_equal(pirn_go(produce, NULL), 0);
    for (int i = 0; i < size->tasks; i++) {
        check_equal(pirn_recv(chans[0], &value), 0);
        check_equal(value, i);
    }
    pirn_chan_unref(chans[0]);
}

/* One sends, one receives: there is one order, however they interleave. */
static void one_sender_and_one_receiver(void) {
    for (int n = 1; n <= 6; n++)
        for (int capacity = 0; capacity <= 3; capacity++)
            expect_classes(pass_along, &(struct size){n, capacity}, 1);
    conclude("pipe");
}

static void send_or_fail(void *arg) {
    int rc = pirn_send(chans[0], arg);
    check(rc == 0 || rc == -EPIPE);
    pirn_waitgroup_done(&all);
}

static void close_while_they_send(void *arg) {
    int tasks = *(int *)arg, value;
    chans[0] = pirn_chan_new(sizeof value, (size_t)tasks);
    start(send_or_fail, tasks);
    pirn_close(chans[0]);
    while (pirn_recv(chans[0], &value) == 0) continue;
    pirn_waitgroup_wait(&all);
    pirn_chan_unref(chans[0]);
}

/* Those that come before the close, in any order: the sum of k! / (k - i)!. Those after it fail. */
static void a_closer_races_with_senders(void) {
    for (int k = 1; k <= 4; k++) {
        uint64_t classes = 0;
        for (int i = 0; i <= k; i++)
            classes += factorial((uint64_t)k) / factorial((uint64_t)(k - i));
        expect_classes(close_while_they_send, &k, classes);
    }
    conclude("closer");
}

static void select_all(void *arg) {
    int k = *(int *)arg, value = 0;
    pirn_case cases[16];
    for (int i = 0; i < k; i++) {
        chans[i] = pirn_chan_new(sizeof value, 1);
        check_equal(pirn_send(chans[i], &value), 0);
        cases[i] = (pirn_case)PIRN_CASE_RECV(chans[i], &value);
    }
    for (int left = k; left; left--) {
        int chosen = pirn_select(cases, (size_t)k, PIRN_FOREVER);
        cases[chosen].chan = NULL;
    }
    for (int i = 0; i < k; i++) pirn_chan_unref(chans[i]);
}

/* k ready channels, taken in one of k! orders. */
static void select_among_ready_channels(void) {
    for (int k = 1; k <= 6; k++) expect_classes(select_all, &k, factorial((uint64_t)k));
    conclude("select");
}

static void meet_by_select(void *arg) {
    int k = *(int *)arg, value = 0;
    pirn_case cases[16];
    for (int i = 0; i < k; i++) {
        chans[i] = pirn_chan_new(sizeof value, 0);
        cases[i] = (pirn_case)PIRN_CASE_RECV(chans[i], &value);
    }
    start(send_own, k);
    for (int left = k; left; left--) {
        int chosen = pirn_select(cases, (size_t)k, PIRN_FOREVER);
        cases[chosen].chan = NULL;
    }
    pirn_waitgroup_wait(&all);
    for (int i = 0; i < k; i++) pirn_chan_unref(chans[i]);
}

/* k senders, each into an unbuffered channel of its own, met by one select after the other. */
static void select_meets_senders(void) {
    for (int k = 1; k <= 4; k++) expect_classes(meet_by_select, &k, factorial((uint64_t)k));
    conclude("rendezvous by select");
}

/* k tasks that each send into a channel of their own, with room for it, and who takes what they
 * send. */
enum taker { TAKES_ALL, TAKES_ONE, TRIES_ONE, TAKES_FIRST, TWO_TAKE_ONE };

struct taking {
    enum taker taker;
    int k;
    bool closes; /* they close it instead */
};

static const struct taking *taking;

static int take_case(enum taker taker, bool *taken) {
    pirn_case cases[16];
    int values[16], chosen;
    for (int i = 0; i < taking->k; i++) {
        cases[i] = (pirn_case)PIRN_CASE_RECV(chans[i], &values[i]);
        if (taken && taken[i]) cases[i].chan = NULL;
    }
    chosen = taker == TAKES_FIRST ? pirn_select_first(cases, (size_t)taking->k, PIRN_FOREVER)
                                  : pirn_select(cases, (size_t)taking->k,
                                                taker == TRIES_ONE ? PIRN_NOW : PIRN_FOREVER);
    if (taken && chosen >= 0) taken[chosen] = true;
    return chosen;
}

static void fill_own(void *arg) {
    if (taking->closes)
        check_equal(pirn_close(chans[*(int *)arg]), 0);
    else
        check_equal(pirn_send(chans[*(int *)arg], arg), 0);
    pirn_waitgroup_done(&all);
}

static void take_one(void *arg) {
    (void)arg;
    check(take_case(TAKES_ONE, NULL) >= 0);
}

static void take_what_is_sent(void *arg) {
    bool taken[16] = {false};
    taking = arg;
    for (int i = 0; i < taking->k; i++) chans[i] = pirn_chan_new(sizeof(int), 1);
    start(fill_own, taking->k);
    if (taking->taker == TWO_TAKE_ONE) {
        pirn_waitgroup_wait(&all);
        for (int i = 0; i < 2; i++) check_equal(pirn_waitgroup_go(&all, take_one, NULL), 0);
    } else if (taking->taker == TAKES_ALL) {
        for (int i = 0; i < taking->k; i++) take_case(TAKES_ALL, taken);
    } else {
        take_case(taking->taker, NULL);
    }
    pirn_waitgroup_wait(&all);
    for (int i = 0; i < taking->k; i++) pirn_chan_unref(chans[i]);
}

/*
 * When something comes into a channel makes no difference to who takes from another. So there is
 * one class for each thing that the selects can do: all in one of k! orders; one of k; one of k,
 * or none, before anything was there; the first that is there when those before it are not; and of
 * two tasks the one takes one of k, the other one of the k - 1 left. A channel that is closed is
 * ready just so, but is not used up.
 */
static void select_takes_what_is_sent(void) {
    for (int k = 2; k <= (long_run() ? 5 : 4); k++) {
        uint64_t n = (uint64_t)k;
        expect_classes(take_what_is_sent, &(struct taking){TAKES_ALL, k, false}, factorial(n));
        expect_classes(take_what_is_sent, &(struct taking){TAKES_ONE, k, false}, n);
        expect_classes(take_what_is_sent, &(struct taking){TAKES_ONE, k, true}, n);
        expect_classes(take_what_is_sent, &(struct taking){TRIES_ONE, k, false}, n + 1);
        expect_classes(take_what_is_sent, &(struct taking){TAKES_FIRST, k, false}, n);
        expect_classes(take_what_is_sent, &(struct taking){TWO_TAKE_ONE, k, false}, n * (n - 1));
    }
    conclude("select and senders");
}

static void receive_once(void *arg) {
    int value;
    (void)arg;
    check_equal(pirn_recv(chans[0], &value), 0);
}

static void meet_in_pairs(void *arg) {
    int k = *(int *)arg;
    chans[0] = pirn_chan_new(sizeof(int), 0);
    start(send_once, k);
    for (int i = 0; i < k; i++) check_equal(pirn_go(receive_once, NULL), 0);
}

/* k senders and k receivers: whoever meets whom, k! ways; in which order they do is nothing. */
static void senders_meet_receivers(void) {
    for (int k = 1; k <= (long_run() ? 6 : 4); k++)
        expect_classes(meet_in_pairs, &k, factorial((uint64_t)k));
    conclude("pairs");
}

/* ---- Other objects ------------------------------------------------------------------------- */

static pirn_rwmutex rwmutex;

static void read_once(void *arg) {
    (void)arg;
    pirn_rwmutex_rlock(&rwmutex);
    pirn_rwmutex_runlock(&rwmutex);
}

static void read_and_write(void *arg) {
    memset(&rwmutex, 0, sizeof rwmutex);
    start(read_once, *(int *)arg);
    pirn_rwmutex_lock(&rwmutex);
    pirn_rwmutex_unlock(&rwmutex);
}

/* Each reader comes before the writer or after it. */
static void readers_and_a_writer(void) {
    for (int n = 1; n <= (long_run() ? 10 : 5); n++) {
        pirn_sim_result r = search("dpor", read_and_write, &n, 0);
        check_equal(r.distinct, 1u << n);
        check_equal(r.runs, 1u << n);
        check(r.exhausted);
        pirn_sim_result_free(&r);
        compare_with_dfs(read_and_write, &n, 1u << n);
    }
    conclude("readers");
}

static void take_a_permit(void *arg) {
    pirn_sem *sem = arg;
    pirn_sem_acquire(sem, 1, PIRN_FOREVER);
    pirn_sem_release(sem, 1);
}

static void share_one_permit(void *arg) {
    static pirn_sem sem;
    pirn_sem_init(&sem, 1);
    for (int i = 0; i < *(int *)arg; i++) check_equal(pirn_go(take_a_permit, &sem), 0);
}

static void one_permit(void) {
    for (int n = 1; n <= 4; n++) expect_classes(share_one_permit, &n, factorial((uint64_t)n));
    conclude("permit");
}

static pirn_sem small_sem, large_sem;

static void take_three_then_release(void *arg) {
    (void)arg;
    pirn_sem_acquire(&large_sem, 3, PIRN_FOREVER);
    pirn_sem_release(&small_sem, 1);
}

static void take_a_few(void *arg) {
    (void)arg;
    pirn_sem_acquire(&small_sem, 1, PIRN_FOREVER);
}

static void release_beside_a_large_request(void *arg) {
    bool takes_first = *(bool *)arg;
    pirn_sem_init(&small_sem, 1);
    pirn_sem_init(&large_sem, 3);
    if (takes_first) check_equal(pirn_go(take_a_few, NULL), 0);
    check_equal(pirn_go(take_three_then_release, NULL), 0);
    if (!takes_first) check_equal(pirn_go(take_a_few, NULL), 0);
}

/* Who acquires what is there already comes before the release or after it; how much the other one
 * has asked for elsewhere is none of that. */
static void a_release_is_not_needed(void) {
    expect_classes(release_beside_a_large_request, &(bool){false}, 2);
    expect_classes(release_beside_a_large_request, &(bool){true}, 2);
    conclude("release");
}

/* ---- Small programs that are easily got wrong ---------------------------------------------- */

static pirn_sem permits;

/* Tasks that share two mutexes, a read/write lock, a semaphore of two permits, channels without a
 * buffer (0 and 1), with one for a value (2) and for two (3). */
struct small {
    const char *name;
    pirn_fn *tasks[4];
    bool exact; /* in as many runs as there are graphs */
};

static void play_small(void *arg) {
    const struct small *small = arg;
    memset(mutexes, 0, sizeof mutexes);
    memset(&rwmutex, 0, sizeof rwmutex);
    pirn_sem_init(&permits, 2);
    for (int i = 0; i < 4; i++) chans[i] = pirn_chan_new(sizeof(int), i < 2 ? 0 : (size_t)i - 1);
    for (int i = 0; i < 4 && small->tasks[i]; i++)
        check_equal(pirn_go(small->tasks[i], (void *)(uintptr_t)arg), 0);
}

static int choose_of(int a, int a_op, int b, int b_op, int64_t deadline, bool in_order) {
    int values[2] = {1, 2};
    pirn_case cases[2] = {{.op = a_op, .chan = chans[a], .value = &values[0]},
                          {.op = b_op, .chan = chans[b], .value = &values[1]}};
    return in_order ? pirn_select_first(cases, 2, deadline) : pirn_select(cases, 2, deadline);
}

/* A task of one such select. */
#define SELECT_TASK(name, ...)    \
    static void name(void *arg) { \
        (void)arg;                \
        choose_of(__VA_ARGS__);   \
    }

static int64_t soon(void) { return pirn_now() + PIRN_MSEC; }

/* A task in a select with two cases on one channel, another that can do something else. */
SELECT_TASK(send_twice, 0, PIRN_SEND, 0, PIRN_SEND, PIRN_FOREVER, false)
SELECT_TASK(receive_or_send, 0, PIRN_RECV, 2, PIRN_SEND, PIRN_FOREVER, false)
SELECT_TASK(receive_or_send_now, 0, PIRN_RECV, 2, PIRN_SEND, PIRN_NOW, false)
SELECT_TASK(either_way, 0, PIRN_RECV, 0, PIRN_SEND, PIRN_FOREVER, false)

/* Selects in order: whoever comes second takes its own first case. */
SELECT_TASK(send_in_order, 0, PIRN_SEND, 1, PIRN_SEND, PIRN_FOREVER, true)
SELECT_TASK(receive_in_order, 1, PIRN_RECV, 0, PIRN_RECV, PIRN_FOREVER, true)
SELECT_TASK(receive_either, 1, PIRN_RECV, 0, PIRN_RECV, PIRN_FOREVER, false)
SELECT_TASK(both_ways_in_order, 0, PIRN_RECV, 0, PIRN_SEND, PIRN_FOREVER, true)

/* A task that is already asleep when another one's wait could have been seen. */
static void sleep_locked(void *arg) {
    (void)arg;
    pirn_mutex_lock(&mutexes[0]);
    pirn_sleep(PIRN_MSEC);
    pirn_mutex_unlock(&mutexes[0]);
}
static void lock_briefly(void *arg) {
    (void)arg;
    pirn_mutex_lock(&mutexes[0]);
    pirn_mutex_unlock(&mutexes[0]);
}

/* A task that waits until a deadline is found by others, by one of them. */
SELECT_TASK(offer_soon, 0, PIRN_SEND, 1, PIRN_SEND, soon(), false)
static void send_soon(void *arg) {
    int value = 1;
    (void)arg;
    pirn_send_until(chans[0], &value, soon());
}
static void receive_soon(void *arg) {
    int value;
    (void)arg;
    pirn_recv_until(chans[0], &value, soon());
}
static void receive_late(void *arg) {
    int value;
    (void)arg;
    pirn_recv_until(chans[0], &value, pirn_now());
}
static void send_soon_and_try(void *arg) {
    send_soon(arg);
    pirn_try_send(chans[0], &(int){1});
}
static void receive_and_send_soon(void *arg) {
    int value;
    pirn_recv(chans[1], &value);
    send_soon(arg);
}
static void send_and_receive_soon(void *arg) {
    pirn_send(chans[1], &(int){1});
    receive_soon(arg);
    pirn_try_recv(chans[0], &(int){0});
}
static void receive_from(int chan) {
    int value;
    pirn_recv(chans[chan], &value);
}
static void receive_0(void *arg) {
    (void)arg;
    receive_from(0);
}
static void receive_1(void *arg) {
    (void)arg;
    receive_from(1);
}
static void try_receive(void *arg) {
    int value;
    (void)arg;
    pirn_try_recv(chans[0], &value);
}
static void acquire_soon(void *arg) {
    (void)arg;
    pirn_sem_acquire(&permits, 3, soon());
}
static void release(void *arg) {
    (void)arg;
    pirn_sem_release(&permits, 1);
}

/* Somebody who waits for a lock, or for many permits, keeps others out before he has them. */
static void read_until_told(void *arg) {
    (void)arg;
    pirn_rwmutex_rlock(&rwmutex);
    receive_from(0);
    pirn_rwmutex_runlock(&rwmutex);
}
static void write_alone(void *arg) {
    (void)arg;
    pirn_rwmutex_lock(&rwmutex);
    pirn_rwmutex_unlock(&rwmutex);
}
static void try_to_read_and_tell(void *arg) {
    int value = 0;
    (void)arg;
    if (pirn_rwmutex_tryrlock(&rwmutex) == 0) pirn_rwmutex_runlock(&rwmutex);
    pirn_send(chans[0], &value);
}
static void acquire_three(void *arg) {
    (void)arg;
    pirn_sem_acquire(&permits, 3, PIRN_FOREVER);
}
static void try_to_acquire_and_release(void *arg) {
    (void)arg;
    pirn_sem_acquire(&permits, 1, PIRN_NOW);
    pirn_sem_release(&permits, 2);
}

/* A send that finds the channel closed might have found room in its buffer. */
static void send_buffered(void *arg) {
    int value = 1;
    (void)arg;
    pirn_send(chans[2], &value);
}
static void close_buffered(void *arg) {
    (void)arg;
    pirn_close(chans[2]);
}
static void receive_2(void *arg) {
    (void)arg;
    receive_from(2);
}

/* Who has met one may then meet another, that would meet somebody else in the run at hand. */
static void receive_and_try(void *arg) {
    receive_0(NULL);
    try_receive(arg);
}
static void send_one(void *arg) {
    int value = 1;
    (void)arg;
    pirn_send(chans[0], &value);
}

static void try_to_acquire_and_send(void *arg) {
    pirn_sem_acquire(&permits, 1, PIRN_NOW);
    send_one(arg);
}

/* Two outcomes of a step, each with either order of others that have nothing to do with it. */
SELECT_TASK(choose_or_wait, 2, PIRN_SEND, 2, PIRN_SEND, soon(), true)
static void choose_closed(void *arg) {
    (void)arg;
    pirn_close(chans[0]);
    choose_of(0, PIRN_RECV, 0, PIRN_SEND, PIRN_NOW, false);
}

/* The one in front asks for a mutex first, to ask for many permits. */
static void acquire_three_locked(void *arg) {
    (void)arg;
    pirn_mutex_lock(&mutexes[0]);
    pirn_sem_acquire(&permits, 3, PIRN_FOREVER);
    pirn_mutex_unlock(&mutexes[0]);
}
static void acquire_one(void *arg) {
    (void)arg;
    pirn_sem_acquire(&permits, 1, PIRN_FOREVER);
}

/* A select that waits, and can be met, only after two others. */
SELECT_TASK(send_or_receive, 3, PIRN_SEND, 0, PIRN_RECV, PIRN_FOREVER, false)
static void try_send(void *arg) {
    int value = 1;
    (void)arg;
    pirn_try_send(chans[0], &value);
}
static void send_3(void *arg) {
    int value = 1;
    (void)arg;
    pirn_send(chans[3], &value);
}

/* Selects that commute with what is done where they take nothing. */
SELECT_TASK(select_receive, 2, PIRN_RECV, 3, PIRN_RECV, PIRN_FOREVER, false)
SELECT_TASK(select_receive_now, 2, PIRN_RECV, 3, PIRN_RECV, PIRN_NOW, false)
SELECT_TASK(receive_first, 2, PIRN_RECV, 3, PIRN_RECV, PIRN_FOREVER, true)
SELECT_TASK(send_and_receive_now, 2, PIRN_SEND, 3, PIRN_RECV, PIRN_NOW, false)
static void receive_now_and_try(void *arg) {
    int value;
    select_receive_now(arg);
    pirn_try_recv(chans[2], &value);
}
static void send_and_close_3(void *arg) {
    send_3(arg);
    pirn_close(chans[3]);
}
SELECT_TASK(meet_or_receive, 2, PIRN_RECV, 0, PIRN_RECV, PIRN_FOREVER, false)
SELECT_TASK(meet_or_send, 2, PIRN_SEND, 0, PIRN_SEND, PIRN_FOREVER, false)
static void send_and_meet_or_receive(void *arg) {
    send_buffered(arg);
    meet_or_receive(arg);
}
static void try_to_send_3(void *arg) {
    (void)arg;
    pirn_try_send(chans[3], &(int){1});
}
SELECT_TASK(receive_or_meet, 3, PIRN_RECV, 0, PIRN_SEND, PIRN_FOREVER, false)
static void receive_and_close(void *arg) {
    receive_2(arg);
    pirn_close(chans[2]);
}
static void close_1(void *arg) {
    (void)arg;
    pirn_close(chans[1]);
}
SELECT_TASK(meet_first_or_send, 1, PIRN_RECV, 2, PIRN_SEND, PIRN_FOREVER, true)
static void receive_late_and_send_first(void *arg) {
    int value;
    (void)arg;
    pirn_recv_until(chans[2], &value, pirn_now() - 1);
    choose_of(2, PIRN_SEND, 0, PIRN_RECV, PIRN_FOREVER, true);
}
static void look_2(void *arg) {
    (void)arg;
    pirn_chan_len(chans[2]);
}
static void look_and_receive_2(void *arg) {
    look_2(arg);
    receive_2(arg);
}
static void close_and_send_locked(void *arg) {
    int value = 1;
    (void)arg;
    pirn_close(chans[2]);
    pirn_mutex_lock(&mutexes[0]);
    pirn_send(chans[2], &value);
    pirn_mutex_unlock(&mutexes[0]);
}
static void look_locked(void *arg) {
    pirn_mutex_lock(&mutexes[0]);
    look_2(arg);
    pirn_mutex_unlock(&mutexes[0]);
}
static void send_and_close_2(void *arg) {
    send_buffered(arg);
    pirn_close(chans[2]);
}
SELECT_TASK(receive_2_or_2, 2, PIRN_RECV, 2, PIRN_RECV, PIRN_FOREVER, false)
SELECT_TASK(send_3_or_receive_2, 3, PIRN_SEND, 2, PIRN_RECV, PIRN_FOREVER, false)
static void send_late(void *arg) {
    (void)arg;
    pirn_send_until(chans[2], &(int){1}, pirn_now() - 1);
}
SELECT_TASK(meet_or_send_late, 0, PIRN_RECV, 2, PIRN_SEND, pirn_now() - 1, false)
SELECT_TASK(send_first_or_receive_3, 3, PIRN_SEND, 3, PIRN_RECV, PIRN_FOREVER, true)
SELECT_TASK(meet_first_or_send_3, 0, PIRN_RECV, 3, PIRN_SEND, PIRN_FOREVER, true)
static void close_0(void *arg) {
    (void)arg;
    pirn_close(chans[0]);
}
static void receive_and_send_2(void *arg) {
    receive_2(arg);
    send_buffered(arg);
}
SELECT_TASK(meet_0_or_send_2, 0, PIRN_RECV, 2, PIRN_SEND, PIRN_FOREVER, true)
static void send_and_try_to_receive(void *arg) {
    send_buffered(arg);
    choose_of(0, PIRN_RECV, 2, PIRN_RECV, PIRN_NOW, false);
}
SELECT_TASK(send_or_receive_2, 2, PIRN_SEND, 2, PIRN_RECV, PIRN_FOREVER, false)
SELECT_TASK(meet_0_or_0, 0, PIRN_RECV, 0, PIRN_RECV, PIRN_FOREVER, false)
SELECT_TASK(send_0_or_receive_now, 0, PIRN_SEND, 2, PIRN_RECV, PIRN_NOW, false)
static void try_0_or_0_and_send(void *arg) {
    (void)arg;
    choose_of(0, PIRN_RECV, 0, PIRN_RECV, PIRN_NOW, false);
    send_buffered(arg);
}
static void send_0_and_choose(void *arg) {
    send_one(arg);
    choose_of(2, PIRN_RECV, 0, PIRN_SEND, PIRN_FOREVER, false);
}
static void send_close_and_receive_2(void *arg) {
    send_buffered(arg);
    pirn_close(chans[2]);
    receive_2(arg);
}
SELECT_TASK(send_0_or_2, 0, PIRN_SEND, 2, PIRN_SEND, PIRN_FOREVER, false)

static void receive_first_and_send(void *arg) {
    (void)arg;
    choose_of(2, PIRN_RECV, 2, PIRN_SEND, PIRN_FOREVER, true);
    choose_of(2, PIRN_SEND, 3, PIRN_RECV, PIRN_FOREVER, false);
}
SELECT_TASK(send_first_or_receive_2, 2, PIRN_SEND, 2, PIRN_RECV, PIRN_FOREVER, true)

SELECT_TASK(receive_first_or_meet, 2, PIRN_RECV, 0, PIRN_SEND, PIRN_FOREVER, true)

static const struct small smalls[] = {
    {"two cases on one channel", {send_twice, receive_or_send}, true},
    {"two cases on one channel, tried", {send_twice, receive_or_send_now}, true},
    {"two cases on one channel, both ways", {send_twice, either_way, either_way}, true},
    {"selects in order", {send_in_order, receive_in_order}, true},
    {"a select in order and another", {send_in_order, receive_either}, true},
    {"another and a select in order", {receive_either, send_in_order}, true},
    {"selects in order, both ways", {both_ways_in_order, both_ways_in_order}, true},
    {"asleep already", {sleep_locked, lock_briefly}, true},
    {"a select until a deadline, tried", {offer_soon, try_receive}, false},
    {"a select until a deadline", {offer_soon, receive_0, receive_1}, false},
    {"a send until a deadline", {send_soon, receive_0, receive_0, try_receive}, false},
    {"a deadline that is over, and a select that must wait",
     {receive_late, try_to_send_3, receive_or_meet},
     false},
    {"deadlines from where tasks begin", {receive_soon, send_soon_and_try}, false},
    {"a deadline from where a task goes on", {receive_and_send_soon, send_and_receive_soon}, false},
    {"an acquire until a deadline", {acquire_soon, acquire_soon, release, release}, false},
    {"a writer waits", {read_until_told, write_alone, try_to_read_and_tell}, true},
    {"many permits", {acquire_three, try_to_acquire_and_release}, true},
    {"many permits, and a meeting", {try_receive, try_to_acquire_and_send, acquire_three}, true},
    {"many permits, behind a mutex", {acquire_three_locked, acquire_one}, true},
    {"a closer and a full buffer", {send_buffered, send_buffered, receive_2, close_buffered}, true},
    {"one meeting after another", {receive_and_try, send_one, receive_0, send_one}, true},
    {"a meeting after two others", {send_or_receive, try_send, send_3, send_3}, true},
    {"outcomes beside others", {send_buffered, choose_or_wait, choose_closed}, true},
    {"a select and two senders", {select_receive, send_buffered, send_3}, true},
    {"a select that tries, and two senders", {select_receive_now, send_buffered, send_3}, true},
    {"a select in order and two senders", {receive_first, send_buffered, send_3}, true},
    {"a select in order and a closer", {receive_first, send_buffered, send_and_close_3}, true},
    {"two selects at two buffers", {select_receive, select_receive, send_buffered, send_3}, true},
    {"a try after a select", {receive_now_and_try, send_and_receive_now, send_3}, true},
    {"selects at a buffer and without one", {meet_or_send, meet_or_receive}, true},
    {"a select and a try", {meet_or_receive, send_buffered, try_send}, true},
    {"a select that must wait for a try",
     {send_and_meet_or_receive, try_send, receive_and_close},
     true},
    {"a select in order, before a closer and a sender",
     {close_1, send_buffered, meet_first_or_send},
     true},
    {"what is sent, or closed, and looked at", {send_buffered, close_buffered, look_2}, true},
    {"the same, with a mutex", {close_and_send_locked, look_locked, send_buffered}, true},
    {"room that comes after a closer", {send_buffered, send_and_close_2, receive_2_or_2}, false},
    {"a closed channel that has been full", {send_close_and_receive_2, send_0_or_2}, true},
    {"a select in order that lets another send",
     {receive_first_and_send, send_first_or_receive_2},
     true},
    {"a deadline, a select and a look", {send_3_or_receive_2, look_and_receive_2, send_late}, true},
    {"a full buffer, in order",
     {close_0, send_3, send_first_or_receive_3, meet_first_or_send_3},
     true},
    {"a full buffer that is emptied",
     {receive_and_send_2, meet_0_or_send_2, close_0, send_buffered},
     true},
    {"a select whose deadline is over",
     {try_receive, meet_or_send, meet_or_send_late, receive_2},
     true},
    {"a try by select beside a select",
     {send_and_try_to_receive, send_one, receive_2, send_or_receive_2},
     true},
    {"a meeting once a buffer has been emptied",
     {receive_first_or_meet, try_receive, receive_2_or_2, send_buffered},
     false},
    {"two outcomes of a meeting", {meet_0_or_0, send_0_or_receive_now, send_buffered}, false},
    {"two outcomes, and then another", {try_0_or_0_and_send, send_0_and_choose, try_receive}, true},
    {"a select in order that must wait for a try",
     {receive_late_and_send_first, try_send, send_buffered, send_buffered},
     true},
};

/* What dfs has seen, in so many runs at most, dpor has seen too, and no more where dfs has seen all. */
static void small_programs(void) {
    for (size_t i = 0; i < sizeof smalls / sizeof *smalls; i++) {
        void *small = (void *)(uintptr_t)&smalls[i];
        pirn_sim_options options = {.strategy = "dfs",
                                    .seed = 1,
                                    .runs = 10 * FEW_RUNS,
                                    .allow = PIRN_ALLOW_LEAK | PIRN_ALLOW_SEND_ON_CLOSED,
                                    .keep_going = true};
        pirn_sim_result whole, few = search("dpor", play_small, small, 0);
        bool same;
        check_equal(pirn_sim_explore(&options, play_small, small, &whole), 0);
        same = check(few.exhausted);
        same &= check(whole.distinct > 1);
        same &= whole.exhausted ? check_equal(few.distinct, whole.distinct)
                                : check(few.distinct >= whole.distinct);
        if (whole.exhausted) same &= check_equal(few.outcome, whole.outcome);
        if (smalls[i].exact) same &= check_equal(few.runs, few.distinct);
        if (!same) fprintf(stderr, "    %s\n", smalls[i].name);
        pirn_sim_result_free(&whole);
        pirn_sim_result_free(&few);
    }
    conclude("small programs");
}

/* ---- Spinning ------------------------------------------------------------------------------ */

static void spin_for_lock(void *arg) {
    (void)arg;
    while (pirn_mutex_trylock(&mutexes[0])) pirn_yield();
    pirn_mutex_unlock(&mutexes[0]);
}

static void hold_while_others_spin(void *arg) {
    (void)arg;
    memset(mutexes, 0, sizeof mutexes);
    pirn_mutex_lock(&mutexes[0]);
    check_equal(pirn_go(spin_for_lock, NULL), 0);
    pirn_yield();
    pirn_mutex_unlock(&mutexes[0]);
}

static void spin_for_ever(void *arg) {
    hold_while_others_spin(arg);
    memset(&all, 0, sizeof all);
    pirn_mutex_lock(&mutexes[0]);
    check_equal(pirn_waitgroup_go(&all, spin_for_lock, NULL), 0);
    pirn_waitgroup_wait(&all);
}

/* A task that spins is put off until something changes, and that is said. */
static void spinning_is_put_off(void) {
    static const char *const names[] = {"dfs", "dpor"};
    for (int i = 0; i < 2; i++) {
        pirn_sim_result r = search(names[i], hold_while_others_spin, NULL, 0);
        check_equal(r.outcome, PIRN_OK);
        check(r.runs > 1 && r.runs < 1000);
        pirn_sim_result_free(&r);
        pirn_sim_options options = {
            .strategy = names[i], .runs = 50, .max_steps = 2000, .keep_going = true};
        check_equal(pirn_sim_explore(&options, spin_for_ever, NULL, &r), 0);
        check_equal(r.outcome, PIRN_LIVELOCK);
        check(!r.exhausted);
        pirn_sim_result_free(&r);
    }
    conclude("spinning");
}

static void first_failure_ends_it(void) {
    pirn_sim_options options = {.strategy = "dpor"};
    pirn_sim_result r;
    int n = 3;
    check_equal(pirn_sim_explore(&options, dinner, &n, &r), 0);
    check_equal(r.outcome, PIRN_DEADLOCK);
    check_equal(r.failures, 1);
    check(!r.exhausted);
    pirn_sim_result_free(&r);
    conclude("first failure");
}

/* ---- Random programs ----------------------------------------------------------------------- */

/*
 * Two or three tasks of a few random operations on few objects: dpor has to see every graph that dfs
 * sees. A pair of operations that is taken for independent and is not shows here.
 */
enum act {
    LOCKS,
    TRIES,
    CONDITION,
    SIGNALS,
    READS,
    WRITES,
    ONCE,
    COUNTS,
    PERMIT,
    TRY_PERMIT,
    TWO_PERMITS,
    SENDS,
    RECEIVES,
    SENDS_BUFFERED,
    RECEIVES_BUFFERED,
    TRIES_SEND,
    TRIES_RECEIVE,
    TRIES_SEND_BUFFERED,
    TRIES_RECEIVE_BUFFERED,
    CLOSES,
    CLOSES_BUFFERED,
    LENGTH,
    CANCELS,
    ASKS,
    CHOOSES,
    YIELDS,
    SELECTS,
    SELECTS_BOTH_WAYS,
    SELECTS_IN_ORDER,
    TRIES_SELECT,
    EXACT,
    SLEEPS = EXACT,
    RECEIVES_UNTIL,
    ACTS
};

static struct script {
    int tasks, counts[3];
    enum act acts[3][3];
} script;
static pirn_cond condition;
static pirn_once once;
static pirn_ctx *context;

static void nothing(void *arg) { (void)arg; }

static void act(enum act what) {
    int value = 0;
    pirn_case cases[2] = {PIRN_CASE_RECV(chans[0], &value), PIRN_CASE_RECV(chans[1], &value)};
    switch (what) {
    case LOCKS:
        pirn_mutex_lock(&mutexes[0]);
        pirn_mutex_unlock(&mutexes[0]);
        break;
    case TRIES:
        if (pirn_mutex_trylock(&mutexes[0]) == 0) pirn_mutex_unlock(&mutexes[0]);
        break;
    case CONDITION:
    case SIGNALS:
        pirn_mutex_lock(&mutexes[0]);
        if (what == SIGNALS)
            pirn_cond_signal(&condition);
        else
            pirn_cond_wait(&condition, &mutexes[0]);
        pirn_mutex_unlock(&mutexes[0]);
        break;
    case READS:
        read_once(NULL);
        break;
    case WRITES:
        pirn_rwmutex_lock(&rwmutex);
        pirn_rwmutex_unlock(&rwmutex);
        break;
    case ONCE:
        pirn_once_do(&once, nothing, NULL);
        break;
    case COUNTS:
        pirn_waitgroup_add(&all, 1);
        pirn_waitgroup_done(&all);
        break;
    case PERMIT:
    case TRY_PERMIT:
        if (pirn_sem_acquire(&permits, 1, what == PERMIT ? PIRN_FOREVER : PIRN_NOW) == 0)
            pirn_sem_release(&permits, 1);
        break;
    case TWO_PERMITS:
        pirn_sem_acquire(&permits, 2, PIRN_FOREVER);
        pirn_sem_release(&permits, 2);
        break;
    case SENDS:
    case SENDS_BUFFERED:
        pirn_send(chans[what == SENDS_BUFFERED], &value);
        break;
    case RECEIVES:
    case RECEIVES_BUFFERED:
        pirn_recv(chans[what == RECEIVES_BUFFERED], &value);
        break;
    case TRIES_SEND:
    case TRIES_SEND_BUFFERED:
        pirn_try_send(chans[what == TRIES_SEND_BUFFERED], &value);
        break;
    case TRIES_RECEIVE:
    case TRIES_RECEIVE_BUFFERED:
        pirn_try_recv(chans[what == TRIES_RECEIVE_BUFFERED], &value);
        break;
    case CLOSES:
    case CLOSES_BUFFERED:
        pirn_close(chans[what == CLOSES_BUFFERED]);
        break;
    case LENGTH:
        pirn_chan_len(chans[1]);
        break;
    case CANCELS:
        pirn_ctx_cancel(context);
        break;
    case ASKS:
        pirn_ctx_err(context);
        break;
    case CHOOSES:
        pirn_choose(2);
        break;
    case YIELDS:
        pirn_yield();
        break;
    case SELECTS_BOTH_WAYS:
        cases[0].op = PIRN_SEND;
        /* fall through */
    case SELECTS:
        pirn_select(cases, 2, PIRN_FOREVER);
        break;
    case SELECTS_IN_ORDER:
        pirn_select_first(cases, 2, PIRN_FOREVER);
        break;
    case TRIES_SELECT:
        cases[1].op = PIRN_SEND;
        pirn_select(cases, 2, PIRN_NOW);
        break;
    case SLEEPS:
        pirn_sleep(PIRN_MSEC);
        break;
    case RECEIVES_UNTIL:
        pirn_recv_until(chans[0], &value, pirn_now() + PIRN_MSEC);
        break;
    default:
        break;
    }
}

static void play(void *arg) {
    int task = *(int *)arg;
    for (int i = 0; i < script.counts[task]; i++) act(script.acts[task][i]);
}

static void play_all(void *arg) {
    (void)arg;
    memset(mutexes, 0, sizeof mutexes);
    memset(&rwmutex, 0, sizeof rwmutex);
    memset(&condition, 0, sizeof condition);
    memset(&once, 0, sizeof once);
    memset(&all, 0, sizeof all);
    pirn_sem_init(&permits, 2);
    chans[0] = pirn_chan_new(sizeof(int), 0);
    chans[1] = pirn_chan_new(sizeof(int), 1);
    context = pirn_ctx_with_cancel(pirn_ctx_background());
    for (int i = 0; i < script.tasks; i++) check_equal(pirn_go_copy(play, &i, sizeof i), 0);
}

static uint64_t drawn;

static int draw(int below) {
    drawn = drawn * 6364136223846793005u + 1442695040888963407u;
    return (int)((drawn >> 33) % (unsigned)below);
}

static void write_script(uint64_t seed, int acts) {
    drawn = seed;
    script.tasks = 2 + draw(2);
    for (int i = 0; i < script.tasks; i++) {
        script.counts[i] = 1 + draw(script.tasks == 2 ? 3 : 2);
        for (int k = 0; k < script.counts[i]; k++) script.acts[i][k] = (enum act)draw(acts);
    }
}

static void print_script(uint64_t seed) {
    fprintf(stderr, "    program %" PRIu64 ":", seed);
    for (int i = 0; i < script.tasks; i++)
        for (int k = 0; k < script.counts[i]; k++)
            fprintf(stderr, "%s%d", k ? " " : i ? " | " : " ", (int)script.acts[i][k]);
    fputs("\n", stderr);
}

/* `exact`: in as many runs as there are graphs, but for one program in a hundred. */
static void play_scripts(int acts, bool exact) {
    int compared = 0, repeated = 0;
    for (uint64_t seed = 1; seed <= (long_run() ? 1000 : 60); seed++) {
        pirn_sim_options options = {.strategy = "dfs",
                                    .seed = 1,
                                    .runs = 4000,
                                    .allow = PIRN_ALLOW_LEAK | PIRN_ALLOW_SEND_ON_CLOSED |
                                             PIRN_ALLOW_DOUBLE_CLOSE,
                                    .keep_going = true};
        pirn_sim_result all_runs, few;
        bool same;
        write_script(seed, acts);
        check_equal(pirn_sim_explore(&options, play_all, NULL, &all_runs), 0);
        pirn_sim_result_free(&all_runs);
        if (all_runs.runs == options.runs) continue;
        compared++;
        options.strategy = "dpor";
        check_equal(pirn_sim_explore(&options, play_all, NULL, &few), 0);
        same = check_equal(few.distinct, all_runs.distinct);
        same &= check_equal(few.outcome, all_runs.outcome);
        if (exact) same &= check(few.exhausted);
        repeated += few.runs > few.distinct;
        if (!same) print_script(seed);
        pirn_sim_result_free(&few);
    }
    check(compared >= 20);
    if (exact) check(100 * repeated <= compared);
}

static void random_programs(void) {
    play_scripts(EXACT, true);
    conclude("random programs");
}

static void random_programs_with_deadlines(void) {
    play_scripts(ACTS, false);
    conclude("random programs");
}

static const struct test tests[] = {
    TEST(dfs_makes_every_schedule_once),
    TEST(dfs_makes_every_choice_once),
    TEST(bound_counts_preemptions),
    TEST(fewest_preemptions_come_first),
    TEST(limits_leave_gaps),
    TEST(dfs_fires_timers_early),
    TEST(one_mutex),
    TEST(different_mutexes),
    TEST(memory_that_moves),
    TEST(philosophers),
    TEST(senders_into_a_channel),
    TEST(senders_into_different_channels),
    TEST(one_sender_and_one_receiver),
    TEST(a_closer_races_with_senders),
    TEST(select_among_ready_channels),
    TEST(select_meets_senders),
    TEST(select_takes_what_is_sent),
    TEST(senders_meet_receivers),
    TEST(readers_and_a_writer),
    TEST(one_permit),
    TEST(a_release_is_not_needed),
    TEST(small_programs),
    TEST(spinning_is_put_off),
    TEST(first_failure_ends_it),
    TEST(random_programs),
    TEST(random_programs_with_deadlines),
};

HARNESS(tests)
