/*
 * test_strategies.c - the randomised strategies draw what their papers say.
 *
 * A model is a few tasks with their steps. The simulator runs it, and each task writes its number
 * down in each of its steps; here the same model is enumerated, with the probability of each order
 * that comes of the strategy's definition. Seeds are fixed, so the outcome is always the same.
 */
#include "tests/support.h"

static pirn_sim_result explore(pirn_fn *fn, void *arg, pirn_sim_options options) {
    pirn_sim_result result;
    if (!options.seed) options.seed = 1;
    check_equal(pirn_sim_explore(&options, fn, arg, &result), 0);
    return result;
}

static const char *const samplers[] = {"portfolio", "random", "pct", "pos", "surw"};

enum { SAMPLERS = sizeof samplers / sizeof *samplers };

/* ---- Models -------------------------------------------------------------------------------- */

enum { TASKS = 3, MOST_STEPS = 16, MOST_ORDERS = 4096 };

/* What a task does: 'y' yields, 't' tries to lock the one mutex, a digit starts that task. Its
 * first step is to begin; "" ends it there. Task 0 is the first. */
struct model {
    const char *tasks[TASKS];
};

typedef char sequence[MOST_STEPS + 1]; /* who took each step, as digits */

static const struct model *running;
static pirn_mutex tried;
static sequence written;
static size_t length;
static void act(void *arg);

static void take_note(int me) {
    if (length < MOST_STEPS) written[length++] = (char)('0' + me);
}

static void act(void *arg) {
    static int numbers[TASKS] = {0, 1, 2};
    int me = *(int *)arg;
    take_note(me);
    for (const char *step = running->tasks[me]; *step; step++) {
        if (*step == 'y')
            pirn_yield();
        else if (*step == 't')
            pirn_mutex_trylock(&tried);
        else
            check_equal(pirn_go(act, &numbers[*step - '0']), 0);
        take_note(me);
    }
}

/* What was seen of each order. */
static struct tally {
    sequence order;
    unsigned seen;
    double share;
} tallies[MOST_ORDERS];
static int tally_count;

static struct tally *tally_of(const char *order) {
    for (int i = 0; i < tally_count; i++)
        if (!strcmp(tallies[i].order, order)) return &tallies[i];
    if (tally_count == MOST_ORDERS) abort();
    tallies[tally_count] = (struct tally){0};
    strcpy(tallies[tally_count].order, order);
    return &tallies[tally_count++];
}

static void count_written(void) {
    written[length] = '\0';
    if (length) tally_of(written)->seen++;
    length = 0;
}

static void begin_model(void *arg) {
    static int first = 0;
    (void)arg;
    count_written(); /* of the run before */
    tried = (pirn_mutex){0};
    act(&first);
}

static void run_model(const struct model *model, const char *strategy, uint64_t runs) {
    pirn_sim_result r;
    running = model;
    length = 0;
    r = explore(begin_model, NULL, (pirn_sim_options){.strategy = strategy, .runs = runs});
    count_written();
    check_equal(r.outcome, PIRN_OK);
    check_equal(r.runs, runs);
    pirn_sim_result_free(&r);
}

/* Whether what was seen is what was to be expected: the orders of `tallies` with their shares. */
static void compare(const char *what) {
    static unsigned seen[MOST_ORDERS];
    static double shares[MOST_ORDERS];
    for (int i = 0; i < tally_count; i++) {
        seen[i] = tallies[i].seen;
        shares[i] = tallies[i].share;
        if (!check(shares[i] > 0))
            fprintf(stderr, "    %s: %s cannot be\n", what, tallies[i].order);
    }
    if (!check_shares(seen, shares, tally_count)) fprintf(stderr, "    in %s\n", what);
}

/* ---- Enumerations -------------------------------------------------------------------------- */

/* How far each task is; -1: it has not been started. */
struct state {
    int done[TASKS]; /* steps */
    sequence order;
    size_t length;
};

static int steps_of(const struct model *m, int task) { return (int)strlen(m->tasks[task]) + 1; }

static bool can_run(const struct model *m, const struct state *s, int task) {
    return s->done[task] >= 0 && s->done[task] < steps_of(m, task);
}

/* What the task's next step is: 'b' to begin. */
static char next_of(const struct model *m, const struct state *s, int task) {
    return s->done[task] ? m->tasks[task][s->done[task] - 1] : 'b';
}

static void take(const struct model *m, struct state *s, int task) {
    char what = next_of(m, s, task);
    if (what >= '1' && what <= '9') s->done[what - '0'] = 0;
    s->done[task]++;
    s->order[s->length++] = (char)('0' + task);
    s->order[s->length] = '\0';
}

static struct state first_state(void) {
    struct state s = {.length = 0};
    for (int i = 1; i < TASKS; i++) s.done[i] = -1;
    return s;
}

/* Every order, with the share of a walk that takes each runnable task as likely. Returns how many
 * there are. */
static int enumerate_walk(const struct model *m, const struct state *s, double share) {
    int runnable = 0, orders = 0;
    for (int i = 0; i < TASKS; i++) runnable += can_run(m, s, i);
    if (!runnable) {
        tally_of(s->order)->share += share;
        return 1;
    }
    for (int i = 0; i < TASKS; i++) {
        struct state after = *s;
        if (!can_run(m, s, i)) continue;
        take(m, &after, i);
        orders += enumerate_walk(m, &after, share / runnable);
    }
    return orders;
}

/* ---- random -------------------------------------------------------------------------------- */

static const struct model uneven = {{"12", "yyy", "y"}};

static void random_takes_each_task_as_likely(void) {
    struct state s = first_state();
    tally_count = 0;
    check(enumerate_walk(&uneven, &s, 1) > 20);
    run_model(&uneven, "random", 40000);
    compare("random");
    conclude("random");
}

/* ---- surw ---------------------------------------------------------------------------------- */

static void surw_takes_each_order_as_likely(void) {
    static const struct model models[] = {
        {{"12", "yyy", "y"}}, {{"1", "2yyy", ""}}, {{"y12yy", "yyyy", ""}}};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        struct state s = first_state();
        double least = 1, most = 0;
        tally_count = 0;
        enumerate_walk(&models[i], &s, 1);
        for (int k = 0; k < tally_count; k++) {
            if (tallies[k].share < least) least = tallies[k].share;
            if (tallies[k].share > most) most = tallies[k].share;
            tallies[k].share = 1;
        }
        check(most >= 4 * least); /* in a plain walk */
        run_model(&models[i], "surw", 40000);
        compare("surw");
    }
    conclude("surw");
}

/* ---- pct ----------------------------------------------------------------------------------- */

/* The position of the n-th step of a task in an order. */
static int at(const char *order, char task, int n) {
    for (int i = 0; order[i]; i++)
        if (order[i] == task && --n == 0) return i;
    return -1;
}

/* Bugs that show when so many pairs of steps come in a certain order. */
static bool of_depth_1(const char *order) { return at(order, '2', 2) < at(order, '1', 2); }

static bool of_depth_2(const char *order) {
    return at(order, '1', 2) < at(order, '2', 2) && at(order, '2', 2) < at(order, '1', 3);
}

static bool of_depth_3(const char *order) {
    return at(order, '1', 2) < at(order, '2', 2) && at(order, '2', 2) < at(order, '1', 3) &&
           at(order, '1', 3) < at(order, '2', 3);
}

static const struct model symmetric = {{"12", "yyy", "yyy"}};

static int highest(const struct model *m, const struct state *s, const int *priority) {
    int best = -1;
    for (int i = 0; i < TASKS; i++)
        if (can_run(m, s, i) && (best < 0 || priority[i] > priority[best])) best = i;
    return best;
}

/* The order that follows from priorities and change points: those in `points` give the priorities
 * 1, 2, ... The end of a task is a step, too, right behind its last one. */
static void follow_priorities(const struct model *m, const int *priorities, const int *points,
                              int count, char *order) {
    struct state s = first_state();
    int priority[TASKS], steps = 0;
    for (int i = 0; i < TASKS; i++) priority[i] = 100 + priorities[i];
    for (;; steps++) {
        int best = highest(m, &s, priority);
        if (best < 0) break;
        for (int i = 0; i < count; i++)
            if (points[i] == steps + 1) priority[best] = i + 1;
        best = highest(m, &s, priority);
        take(m, &s, best);
        if (!can_run(m, &s, best)) steps++;
    }
    strcpy(order, s.order);
}

/* Which part of all priorities and change points shows the bug. */
static double enumerate_pct(const struct model *m, int depth, bool (*bug)(const char *), int k) {
    static const int permutations[6][TASKS] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                               {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    int points[2], all = 1, shown = 0;
    sequence order;
    for (int i = 1; i < depth; i++) all *= k;
    for (int p = 0; p < 6; p++) {
        for (int i = 0; i < all; i++) {
            points[0] = 1 + i % k;
            points[1] = 1 + i / k;
            if (depth == 3 && points[0] == points[1]) points[0] = 0; /* the later one counts */
            follow_priorities(m, permutations[p], points, depth - 1, order);
            shown += bug(order);
        }
    }
    return shown / (6.0 * all);
}

static void pct_meets_its_bound(void) {
    static bool (*const bugs[])(const char *) = {of_depth_1, of_depth_2, of_depth_3};
    int k = TASKS; /* steps: as many ends as tasks, */
    for (int i = 0; i < TASKS; i++) k += steps_of(&symmetric, i);
    for (int depth = 1; depth <= 3; depth++) {
        char name[40];
        unsigned shown[3][2] = {{0}};
        double bound = 1.0 / TASKS;
        snprintf(name, sizeof name, "pct:depth=%d", depth);
        tally_count = 0;
        run_model(&symmetric, name, 40000);
        for (int i = 0; i < 3; i++)
            for (int n = 0; n < tally_count; n++)
                shown[i][!bugs[i](tallies[n].order)] += tallies[n].seen;
        for (int i = 0; i < depth; i++) {
            double share = enumerate_pct(&symmetric, depth, bugs[i], k);
            double shares[2] = {share, 1 - share};
            if (i) bound /= k;
            if (i == depth - 1) check(share >= bound);
            check_shares(shown[i], shares, 2);
        }
        /* With fewer points than the bug needs no priorities show it. */
        for (int i = depth; i < 3; i++) check(shown[i][0] <= 1); /* the first run guesses */
    }
    conclude("pct");
}

static void depth_is_an_option_too(void) {
    static const int depths[] = {1, 2, 3};
    unsigned shown[3] = {0};
    for (int i = 0; i < 3; i++) {
        pirn_sim_result r;
        tally_count = 0;
        running = &symmetric;
        length = 0;
        r = explore(begin_model, NULL,
                    (pirn_sim_options){.strategy = "pct", .runs = 3000, .depth = depths[i]});
        count_written();
        pirn_sim_result_free(&r);
        for (int n = 0; n < tally_count; n++)
            shown[i] += of_depth_2(tallies[n].order) ? tallies[n].seen : 0;
    }
    check_equal(shown[0], 0);
    check(shown[1] > 0 && shown[2] > 0);
    conclude("depth");
}

/* ---- pos ----------------------------------------------------------------------------------- */

enum { DRAWS = 9 };

/* The order that follows from the priorities in the order in which they are drawn. */
static void follow_draws(const struct model *m, const int *draws, char *order) {
    struct state s = first_state();
    int priority[TASKS] = {0}, drawn = 0;
    for (;;) {
        int best = -1, runnable = 0;
        for (int i = 0; i < TASKS; i++) runnable += can_run(m, &s, i);
        if (!runnable) break;
        for (int i = 0; i < TASKS; i++) {
            if (!can_run(m, &s, i)) continue;
            if (runnable > 1 && !priority[i]) {
                if (drawn == DRAWS) abort();
                priority[i] = 1 + draws[drawn++];
            }
            if (best < 0 || priority[i] > priority[best]) best = i;
        }
        for (int i = 0; i < TASKS; i++)
            if (can_run(m, &s, i) && next_of(m, &s, i) == 't' && next_of(m, &s, best) == 't')
                priority[i] = 0;
        priority[best] = 0;
        take(m, &s, best);
    }
    strcpy(order, s.order);
}

/* Goes through all orders of the draws. */
static void enumerate_pos(const struct model *m, int *draws, int count) {
    if (count == DRAWS) {
        sequence order;
        follow_draws(m, draws, order);
        tally_of(order)->share++;
        return;
    }
    for (int i = count; i < DRAWS; i++) {
        int kept = draws[count];
        draws[count] = draws[i], draws[i] = kept;
        enumerate_pos(m, draws, count + 1);
        draws[i] = draws[count], draws[count] = kept;
    }
}

static void pos_draws_conflicts_anew(void) {
    static const struct model models[] = {
        {{"12", "tt", "t"}},  /* two in conflict with one */
        {{"12", "tt", "y"}},  /* no conflict */
        {{"12", "ty", "yt"}}, /* a conflict beside other steps */
    };
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        int draws[DRAWS];
        for (int n = 0; n < DRAWS; n++) draws[n] = n;
        tally_count = 0;
        enumerate_pos(&models[i], draws, 0);
        run_model(&models[i], "pos", 40000);
        compare("pos");
    }
    conclude("pos");
}

/* ---- All of them --------------------------------------------------------------------------- */

static unsigned chosen[5], waking[2];
static atomic_int rung;

static void ring(void *arg) {
    (void)arg;
    pirn_sleep(PIRN_MSEC);
    rung = 1;
}

static void choose_and_wait(void *arg) {
    (void)arg;
    rung = 0;
    chosen[pirn_choose(5)]++;
    check_equal(pirn_go(ring, NULL), 0);
    for (int i = 0; i < 10; i++) pirn_yield();
    waking[rung]++;
}

static void choices_and_timers_are_drawn_by_all(void) {
    static const double even[] = {1, 1, 1, 1, 1};
    for (int i = 0; i < SAMPLERS; i++) {
        pirn_sim_result r;
        memset(chosen, 0, sizeof chosen);
        memset(waking, 0, sizeof waking);
        r = explore(choose_and_wait, NULL,
                    (pirn_sim_options){.strategy = samplers[i], .runs = 2000});
        check_equal(r.outcome, PIRN_OK);
        pirn_sim_result_free(&r);
        check_shares(chosen, even, 5);
        if (!check(waking[0] > 20 && waking[1] > 20))
            fprintf(stderr, "    %s: %u late, %u early\n", samplers[i], waking[0], waking[1]);
    }
    conclude("choices and timers");
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
    for (int i = 0; i < 3; i++) check_equal(pirn_waitgroup_go(&guests, dine, &seats[i]), 0);
    pirn_waitgroup_wait(&guests);
}

static void all_find_and_repeat(void) {
    for (int i = 0; i < SAMPLERS; i++) {
        pirn_sim_options options = {.strategy = samplers[i], .runs = 2000, .seed = 7};
        pirn_sim_result first = explore(dinner, NULL, options), again;
        if (!check_equal(first.outcome, PIRN_DEADLOCK)) fprintf(stderr, "    %s\n", samplers[i]);
        again = explore(dinner, NULL, options);
        check_equal(again.runs, first.runs);
        if (!check(first.schedule && again.schedule)) break;
        check(strcmp(again.schedule, first.schedule) == 0);
        pirn_sim_result_free(&again);
        again = explore(dinner, NULL, (pirn_sim_options){.replay = first.schedule});
        check_equal(again.outcome, PIRN_DEADLOCK);
        if (check(again.schedule != NULL)) check(strcmp(again.schedule, first.schedule) == 0);
        pirn_sim_result_free(&again);
        pirn_sim_result_free(&first);
    }
    conclude("find and repeat");
}

static void refuse(const char *strategy, int depth) {
    pirn_sim_options options = {.strategy = strategy, .depth = depth, .runs = 1};
    pirn_sim_result r;
    if (!check_equal(pirn_sim_explore(&options, dinner, NULL, &r), -EINVAL))
        fprintf(stderr, "    %s, %d\n", strategy, depth);
    pirn_sim_result_free(&r);
}

static void bad_depths_are_refused(void) {
    static const char *const wrong[] = {
        "pct:",         "pct:depth=",    "pct:depth=0",    "pct:depth=-1", "pct:depth=65",
        "pct:depth=3x", "pct:breadth=3", "random:depth=3", "pc",           "pctt"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) refuse(wrong[i], 0);
    refuse("pct", -1);
    refuse("pct", 65);
    conclude("depths");
}

static const struct test tests[] = {
    TEST(random_takes_each_task_as_likely),
    TEST(surw_takes_each_order_as_likely),
    TEST(pct_meets_its_bound),
    TEST(depth_is_an_option_too),
    TEST(pos_draws_conflicts_anew),
    TEST(choices_and_timers_are_drawn_by_all),
    TEST(all_find_and_repeat),
    TEST(bad_depths_are_refused),
};

HARNESS(tests)
