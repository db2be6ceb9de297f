/*
 * pirn-cunit.h - explorations as assertions of CUnit.
 *
 *     static void two_buyers(void *arg) { ... pirn_assert(stock == 0); }
 *     static void test_two_buyers(void) { PIRN_CU_EXPLORE(two_buyers, NULL); }
 *
 * The assertion's message has what was found and how to have it again:
 *
 *     PIRN_TEST='two buyers' PIRN_REPLAY=pirn1:... ./tests
 *
 * With PIRN_REPLAY set the explorations in the test of that name make that one run, in a debugger
 * say, and those in other tests make none. Everything is in this header; link with -lpirn-sim and
 * -lcunit.
 */
#ifndef PIRN_CUNIT_H
#define PIRN_CUNIT_H

#include <CUnit/CUnit.h>
#include <CUnit/TestRun.h>
#include <pirn-sim.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Asserts that main_fn(arg) passes under 1000 schedules, from a fresh seed. The test goes on after a
 * failure. */
#define PIRN_CU_EXPLORE(main_fn, arg) \
    pirn_cu_explore_(NULL, main_fn, arg, #main_fn, __FILE__, __LINE__, CU_FALSE)

/* The same under the schedules that the options ask for (a const pirn_sim_options *). */
#define PIRN_CU_EXPLORE_WITH(options, main_fn, arg) \
    pirn_cu_explore_(options, main_fn, arg, #main_fn, __FILE__, __LINE__, CU_FALSE)

/* The same; a failure ends the test. */
#define PIRN_CU_EXPLORE_FATAL(options, main_fn, arg) \
    pirn_cu_explore_(options, main_fn, arg, #main_fn, __FILE__, __LINE__, CU_TRUE)

/* Private to the macros above. */
static inline void pirn_cu_explore_(const pirn_sim_options *options, pirn_fn *main_fn, void *arg,
                                    const char *function, const char *file, unsigned line,
                                    CU_BOOL fatal) {
    const char *replay = getenv("PIRN_REPLAY"), *only = getenv("PIRN_TEST");
    CU_pTest test = CU_get_current_test();
    const char *name = test && test->pName ? test->pName : "";
    pirn_sim_options asked;
    pirn_sim_result result;
    const char *schedule, *text;
    char *message;
    size_t size;
    int rc;

    memset(&asked, 0, sizeof asked);
    if (options) asked = *options;
    if (replay && *replay) {
        if (only && strcmp(only, name) != 0) {
            CU_assertImplementation(CU_TRUE, line, function, file, "", CU_FALSE);
            return;
        }
        asked.replay = replay;
        asked.trace = NULL;
    }
    rc = pirn_sim_explore(&asked, main_fn, arg, &result);
    schedule = result.schedule ? result.schedule : "";
    size = strlen(schedule) + strlen(name) + strlen(function) + sizeof result.message + 160;
    message = (char *)malloc(size);
    text = message ? message : function;
    if (message && rc)
        snprintf(message, size, "%s could not be explored: %s", function,
                 *result.message ? result.message : strerror(-rc));
    else if (message)
        snprintf(message, size, "%s: %s in run %llu: %s; again: PIRN_TEST='%s' PIRN_REPLAY=%s",
                 function, pirn_outcome_name(result.outcome), (unsigned long long)result.runs,
                 result.message, name, schedule);
    pirn_sim_result_free(&result);
    /* A fatal failure leaves by longjmp, and CUnit has copied the message then; it is lost, as is
     * whatever a test holds. */
    CU_assertImplementation(rc == 0 && result.outcome == PIRN_OK, line, text, file, "", fatal);
    free(message);
}

#endif
