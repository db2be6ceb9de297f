/* main.c - explores each case and compares. Prints TAP. */
#include <stdio.h>

#include "races.h"

static struct race_case *cases, **last = &cases;

void race_case_add(struct race_case *one) {
    *last = one;
    last = &one->next;
}

/* Runs enough that a race which needs a rare order shows; what must not be found is looked for as
 * long. */
enum { RUNS = 400 };

static int explore(const struct race_case *one, const char *strategy, const char *how, int number) {
    pirn_sim_options options = {.strategy = strategy, .seed = 1, .runs = RUNS};
    pirn_sim_result result;
    int rc = pirn_sim_explore(&options, one->fn, NULL, &result);
    int ok = rc == 0 && result.outcome == one->outcome;
    printf("%s %d - %s, %s\n", ok ? "ok" : "not ok", number, one->name, how);
    if (!ok)
        printf("# expected %s, got %s after %llu runs: %s\n", pirn_outcome_name(one->outcome),
               rc ? "an error" : pirn_outcome_name(result.outcome), (unsigned long long)result.runs,
               result.message);
    pirn_sim_result_free(&result);
    return ok;
}

/* Arguments: how this was compiled; then names of cases, or none for all. */
int main(int argc, char **argv) {
    const char *strategy = getenv("RACES_STRATEGY");
    int count = 0, failed = 0;
    for (const struct race_case *one = cases; one; one = one->next) {
        int wanted = argc < 3;
        for (int i = 2; i < argc; i++) wanted |= !strcmp(argv[i], one->name);
        if (!wanted) continue;
        failed += !explore(one, strategy, argc > 1 ? argv[1] : "", ++count);
        fflush(stdout);
    }
    printf("1..%d\n", count);
    return failed ? 1 : 0;
}
