/*
 * support.h - what the suites share: checks that any task or thread may make, and ways to run a
 * body.
 *
 * The same test source is built for both engines. A body is a main function for pirn_run; it may be
 * run many times, so it sets up its own state, and it checks with check(), because CUnit's
 * assertions belong to the test's own thread.
 */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pirn.h>

#include "tests/harness.h"

#if PIRN_SIMULATED
#define SIMULATED 1
#include <pirn-sim.h>
#else
#define SIMULATED 0
#endif

/* Sanitizers slow everything down and ThreadSanitizer knows no more than some 8,000 stacks. */
#if defined __SANITIZE_THREAD__
#define TSAN 1
#elif defined __has_feature
#if __has_feature(thread_sanitizer)
#define TSAN 1
#endif
#endif
#ifndef TSAN
#define TSAN 0
#endif

/* AddressSanitizer explains crashes itself, and ends the process. */
#if defined __SANITIZE_ADDRESS__
#define ASAN 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define ASAN 1
#endif
#endif
#ifndef ASAN
#define ASAN 0
#endif

/* How often to repeat something that is cheap on threads and recorded step by step when
 * simulated. */
#define MANY(threads, simulated) (SIMULATED ? (simulated) : TSAN ? (threads) / 10 : (threads))

/* ---- Checks -------------------------------------------------------------------------------- */

/* Counts and prints a failure unless the expression is true; from any task or thread. Returns
 * whether it is. */
#define check(expression) check_at((expression) ? true : false, #expression, __FILE__, __LINE__)
bool check_at(bool ok, const char *text, const char *file, int line);

/* The same for two integers, with their values. */
#define check_equal(actual, expected) \
    check_equal_at((long long)(actual), (long long)(expected), #actual, __FILE__, __LINE__)
bool check_equal_at(long long actual, long long expected, const char *text, const char *file,
                    int line);

/* Checks that `text` contains `word`; for reports. */
#define check_contains(text, word) check_contains_at(text, word, __FILE__, __LINE__)
bool check_contains_at(const char *text, const char *word, const char *file, int line);

/* Checks that `seen` counts fit the expected shares: a chi-square test that is wrong once in
 * 10^9. */
#define check_shares(seen, shares, count) check_shares_at(seen, shares, count, __FILE__, __LINE__)
bool check_shares_at(const unsigned *seen, const double *shares, int count, const char *file,
                     int line);

/* How many have failed since the last call of conclude(): for a process that a test has forked. */
int failed_checks(void);

/* Turns the failures counted since the last call into one failure of the current CUnit test. */
void conclude(const char *what);

/* ---- Running bodies ------------------------------------------------------------------------ */

/*
 * Runs the body under many interleavings: on threads with 1, 2 and 4 workers, several times each;
 * when simulated under 50 random schedules. The run has to end well and every check to hold, else
 * the test fails. Sending on a closed channel and closing twice are allowed. Returns what pirn_run
 * returned, or 0 or -1 for the simulator.
 */
int run_body(pirn_fn *fn, void *arg);

/* The same for a body that leaves blocked tasks behind. */
int run_body_leaving(pirn_fn *fn, void *arg);

/* The same for a body with much work in it: fewer runs. */
int run_heavy(pirn_fn *fn, void *arg);

/*
 * Runs a body in which settle() is enough to know that every other task has gone as far as it can:
 * one worker on threads, the fair schedule in the simulator, where timers fire only when nothing
 * can run.
 */
int run_settled(pirn_fn *fn, void *arg);
void settle(void);

/* ---- Programs that fail -------------------------------------------------------------------- */

/* Keeps the compiler from making the call before it a jump, which would hide the place of the
 * call. */
#define NOT_A_TAIL_CALL() __asm__ volatile("" ::: "memory")

/*
 * Says on standard error which line comes next; check_places() then checks that the rest of a
 * report names each line announced so.
 */
#define HERE_NEXT() fprintf(stderr, "@ %s:%d\n", strrchr("/" __FILE__, '/') + 1, __LINE__ + 1)
#define check_places(report) check_places_at(report, __FILE__, __LINE__)
bool check_places_at(const char *report, const char *file, int line);

/* Runs `fn` with pirn_run in a child process that has to be killed by SIGABRT. Returns what it
 * wrote to standard error. */
char *abort_report(pirn_fn *fn);

/* Runs `fn` with pirn_run in a child process, where pirn_run has to return `rc`. Returns what it
 * wrote to standard error. */
char *run_report(pirn_fn *fn, int rc);

#if SIMULATED
/* Explores `fn` until the outcome, which has to come within `runs` runs with a message that
 * contains `word`. */
void expect_outcome(pirn_fn *fn, uint64_t runs, unsigned allow, pirn_outcome outcome,
                    const char *word);
#endif

#endif
