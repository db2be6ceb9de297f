/*
 * harness.h - runs CUnit tests, each in a process of its own with a time limit, and reports as TAP.
 *
 * A test is a function that uses CUnit's assertions. A test that hangs, crashes or calls exit()
 * fails alone; a hang is first asked for the state of every task.
 */
#ifndef TESTS_HARNESS_H
#define TESTS_HARNESS_H

#include <CUnit/CUnit.h>
#include <stdbool.h>
#include <stddef.h>

struct test {
    const char *name;
    void (*run)(void);
    unsigned seconds; /* time limit; 0: 20. PIRN_TEST_SLOWNESS multiplies it */
};

/* clang-format off */
#define TEST(function) {#function, function, 0}
#define TEST_SECONDS(function, seconds) {#function, function, seconds}
/* clang-format on */

/*
 * Runs the tests, or those whose names contain one of the program's arguments, and prints TAP.
 * Returns the exit status for main: 0 when all passed.
 */
int harness_main(int argc, char **argv, const struct test *tests, size_t count);

/* Defines main() for a suite: an array of struct test. */
#define HARNESS(suite)                                                           \
    int main(int argc, char **argv) {                                            \
        return harness_main(argc, argv, suite, sizeof(suite) / sizeof *(suite)); \
    }

/*
 * Runs `command` with /bin/sh -c, at most `seconds` long. Returns its exit status (128 + signal
 * when one killed it, 124 when it took too long) and its output, which the caller frees; `error` or
 * `output` may be NULL.
 */
int harness_command(const char *command, unsigned seconds, char **output, char **error);

/* Runs function(arg) in a child process, with its standard error captured; the caller frees
 * `*error`. Returns the wait status. */
int harness_child(void (*function)(void *arg), void *arg, char **error);

#endif
