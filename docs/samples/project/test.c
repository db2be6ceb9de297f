/* test.c - sums of squares under a thousand schedules, in one process. Links with the simulator. */
#include <pirn-sim.h>
#include <stdio.h>

#include "squares.h"

static void check_sum(void *arg) {
    (void)arg;
    pirn_assert(squares_sum(4, 2) == 30);
}

int main(void) {
    pirn_sim_result result;
    int rc = pirn_sim_explore(NULL, check_sum, NULL, &result);
    if (rc != 0 || result.outcome != PIRN_OK)
        fprintf(stderr, "%s: %s\nPIRN_REPLAY=%s\n", pirn_outcome_name(result.outcome),
                result.message, result.schedule ? result.schedule : "");
    int failed = rc != 0 || result.outcome != PIRN_OK;
    pirn_sim_result_free(&result);
    return failed;
}
