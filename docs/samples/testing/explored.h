/*
 * explored.h - one call for tests of any framework: a function under many schedules.
 *
 * Compiled with -DON_THREADS, and linked with -lpirn, it runs once, for `pirn explore ./test`.
 */
#ifndef EXPLORED_H
#define EXPLORED_H

#ifdef ON_THREADS

#include <pirn.h>

/* Returns "" when it passed, else what was found. */
static inline const char *explored(pirn_fn *main_fn, void *arg) {
    return pirn_run(NULL, main_fn, arg) == 0 ? "" : "pirn_run failed";
}

#else

#include <pirn-sim.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Returns "" when it passed under all schedules, else what was found and the schedule that repeats
 * it: in PIRN_REPLAY it is the only run. */
static inline const char *explored(pirn_fn *main_fn, void *arg) {
    static char message[4096];
    pirn_sim_options options;
    pirn_sim_result result;
    memset(&options, 0, sizeof options);
    options.replay = getenv("PIRN_REPLAY");
    int rc = pirn_sim_explore(&options, main_fn, arg, &result);
    message[0] = '\0';
    if (rc != 0 || result.outcome != PIRN_OK)
        snprintf(message, sizeof message, "%s: %s; again: PIRN_REPLAY=%s",
                 pirn_outcome_name(result.outcome), result.message,
                 result.schedule ? result.schedule : "");
    pirn_sim_result_free(&result);
    return message;
}

#endif

#endif
