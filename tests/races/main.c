/* main.c - explores each case and compares. Prints TAP. */
#include <limits.h>
#include <stdio.h>

#include "races.h"

static struct race_case *cases, **last = &cases;
static struct race_object *objects;

void race_case_add(struct race_case *one) {
    *last = one;
    last = &one->next;
}

void race_object_add(struct race_object *one) {
    one->next = objects;
    objects = one;
}

/* Runs enough that a race which needs a rare order shows; what must not be found is looked for as
 * long. */
enum { RUNS = 400 };

/*
 * A search may make so many runs. It is exhausted before, so that what is known of a case is known
 * of all its schedules, but for what is told of here:
 *
 * - Where a task may try in vain for ever, schedules in which it goes on doing so are left out: the
 *   search comes to its end, but has not seen everything.
 * - dfs makes many runs of each class of equal ones, dpor makes one. The cases that need more than
 *   SEARCH_RUNS are searched to the end by `make check-long`, those that need more than
 *   LONG_SEARCH_RUNS by dpor alone.
 *
 * With gcc a weak compare-exchange may fail for no reason, as often as it likes; clang makes it
 * strong.
 */
enum { SEARCH_RUNS = 4000, LONG_SEARCH_RUNS = 100000, MORE = INT_MAX };

#if defined __clang__
enum { WEAK = false };
#else
enum { WEAK = true };
#endif

static const struct {
    const char *name;
    bool spins;
    int dfs_runs; /* 0: fewer than SEARCH_RUNS */
} special[] = {
    {"two_stores_one_ordered", false, MORE},
    {"sequence_by_rmw", false, MORE},
    {"sequence_broken", false, MORE},
    {"spin_lock", true, 27689},
    {"spin_lock_relaxed", true, 4626},
    {"flag_as_lock", true, 4626},
    {"free_races_with_write", true, 0},
    {"free_after_acquire", true, 0},
    {"stack_reuse", false, MORE},
    {"read_set_one_ordered", false, 34416},
    {"read_set_both_ordered", false, MORE},
    {"double_checked", false, 27792},
    {"double_checked_relaxed", false, 27792},
    {"double_checked_no_release", false, 27792},
    {"seqlock", false, 59850},
    {"treiber_stack", WEAK, MORE},
    {"treiber_stack_relaxed", false, WEAK ? 6015 : 0},
    {"treiber_stack_aba", WEAK, WEAK ? MORE : 12802},
    {"michael_scott_queue", false, MORE},
    {"ring_of_two", true, MORE},
    {"ring_without_release", true, MORE},
    {"ring_reused_too_early", true, MORE},
    {"chase_lev_deque", false, MORE},
    {"chase_lev_deque_relaxed", false, MORE},
    {"peterson", true, MORE},
    {"peterson_relaxed", true, MORE},
    {"rwmutex_reader_writer", false, MORE},
    {"rwmutex_write_under_read_lock", false, MORE},
    {"cond_wait", false, 4336},
    {"cond_wait_too_late", false, 4336},
    {"sent_value_changed", false, 34416},
    {"received_value_read", false, 74520},
    {"copying_reads", false, 10098},
};

static void run(void *arg) {
    const struct race_case *one = arg;
    for (const struct race_object *o = objects; o; o = o->next) memset(o->at, 0, o->size);
    one->fn(NULL);
}

/* Draws schedules at random. */
static bool sample(const struct race_case *one, pirn_sim_result *result) {
    pirn_sim_options options = {.seed = 1, .runs = RUNS};
    return pirn_sim_explore(&options, run, (void *)one, result) == 0 &&
           result->outcome == one->outcome;
}

/* Searches all of them. */
static bool search(const struct race_case *one, const char *strategy, pirn_sim_result *result) {
    uint64_t runs = getenv("PIRN_TEST_TASKS") ? LONG_SEARCH_RUNS : SEARCH_RUNS;
    pirn_sim_options options = {.strategy = strategy, .seed = 1, .runs = runs, .keep_going = true};
    bool ends = true, whole = true;
    for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
        if (strcmp(special[i].name, one->name)) continue;
        ends = strcmp(strategy, "dfs") || (uint64_t)special[i].dfs_runs < runs;
        whole = !special[i].spins;
    }
    return pirn_sim_explore(&options, run, (void *)one, result) == 0 &&
           result->outcome == one->outcome && (result->runs < runs) == ends &&
           result->exhausted == (ends && whole);
}

static bool explore(const struct race_case *one, const char *strategy, const char *how,
                    int number) {
    pirn_sim_result result = {0};
    bool ok = strategy ? search(one, strategy, &result) : sample(one, &result);
    printf("%s %d - %s, %s\n", ok ? "ok" : "not ok", number, one->name, how);
    if (!ok)
        printf("# expected %s, got %s after %llu runs%s: %s\n", pirn_outcome_name(one->outcome),
               pirn_outcome_name(result.outcome), (unsigned long long)result.runs,
               result.exhausted ? ", which are all" : "", result.message);
    pirn_sim_result_free(&result);
    return ok;
}

/* Arguments: how this was compiled; then names of cases, or none for all. RACES_STRATEGY is a
 * search instead of random schedules. */
int main(int argc, char **argv) {
    const char *strategy = getenv("RACES_STRATEGY");
    int count = 0, failed = 0;
    for (const struct race_case *one = cases; one; one = one->next) {
        bool wanted = argc < 3;
        for (int i = 2; i < argc; i++) wanted |= !strcmp(argv[i], one->name);
        if (!wanted) continue;
        failed += !explore(one, strategy, argc > 1 ? argv[1] : "", ++count);
        fflush(stdout);
    }
    printf("1..%d\n", count);
    return failed ? 1 : 0;
}
