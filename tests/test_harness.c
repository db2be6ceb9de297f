/*
 * test_harness.c - the harness itself. Called with the argument `sample` the program is a suite of
 * tests that go wrong in every way; the real suite runs it so and looks at the report.
 */
#include "tests/harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- What goes wrong ---- */

static void passes(void) {
    puts("not shown");
    CU_ASSERT(1);
}

enum { FAILURE = __LINE__ + 3 };
static void fails(void) {
    printf("shown");
    CU_ASSERT_EQUAL(1, 2);
    CU_ASSERT(0 != 0);
}

static void fails_for_good(void) {
    CU_ASSERT_FATAL(0);
    puts("not reached");
}

static void crashes(void) { raise(SIGKILL); }

static void exits(void) { exit(0); }

static void exit_badly(void) { _exit(3); }

static void spoils_the_end(void) { atexit(exit_badly); }

static void hangs(void) {
    signal(SIGQUIT, SIG_IGN);
    puts("before it hung");
    fflush(stdout);
    for (;;) pause();
}

/* Starts processes that leave the test's process group, and ends. */
static void leaves_processes(void) {
    if (fork() == 0) {
        setsid();
        if (fork() == 0) execlp("sleep", "sleep", getenv("SLEEP_MARK"), (char *)NULL);
        pause();
    }
    usleep(100000);
}

static const struct test sample[] = {
    TEST(passes), TEST(fails),          TEST(fails_for_good),   TEST(crashes),
    TEST(exits),  TEST(spoils_the_end), TEST_SECONDS(hangs, 1), TEST(leaves_processes),
};

/* ---- The tests ---- */

/* The report of the sample's tests whose name is the word. The caller frees it. */
static char *report(const char *word, int status) {
    char program[4096], command[5000], *output = NULL;
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);

    CU_ASSERT_FATAL(length > 0);
    program[length] = '\0';
    snprintf(command, sizeof command, "PIRN_TEST_SLOWNESS=1 '%s' sample %s", program, word);
    CU_ASSERT_EQUAL(harness_command(command, 20, &output, NULL), status);
    return output;
}

static void expect(const char *word, int status, const char *wanted) {
    char *text = report(word, status);

    if (!strstr(text, wanted)) printf("wanted:\n%s\ngot:\n%s\n", wanted, text);
    CU_ASSERT(strstr(text, wanted) != NULL);
    free(text);
}

static void output_of_a_passed_test_is_not_shown(void) {
    char *text = report("passes", 0);

    CU_ASSERT_STRING_EQUAL(text, "1..1\nok 1 - passes\n");
    free(text);
}

static void failed_assertions_are_reported(void) {
    char line[100];

    expect("fails", 1, "not ok 1 - fails\n# shown\n# ");
    snprintf(line, sizeof line, "test_harness.c:%d: assertion failed: CU_ASSERT_EQUAL(1,2)\n",
             FAILURE);
    expect("fails", 1, line);
    expect("fails", 1, ": assertion failed: 0 != 0\n# fails: 2 failed assertions\n");
    expect("fails_for_good", 1, ": assertion failed: 0\n# fails_for_good: 1 failed assertion\n");
}

static void a_crash_fails_one_test(void) {
    expect("crashes", 1, "not ok 1 - crashes\n# crashes: killed by signal 9 (Killed)\n");
}

static void an_exit_is_a_failure(void) {
    expect("exits", 1,
           "not ok 1 - exits\n# exits: the process ended with status 0 within the test\n");
    expect("spoils", 1, "# spoils_the_end: the process ended with status 3 after the test\n");
}

static void a_hang_is_stopped(void) {
    expect("hangs", 1, "not ok 1 - hangs # time limit\n# before it hung\n");
}

static void processes_left_behind_are_killed(void) {
    char mark[32], command[128], *found = NULL;

    snprintf(mark, sizeof mark, "86399.%d", (int)getpid());
    setenv("SLEEP_MARK", mark, 1);
    free(report("leaves_processes", 0));
    snprintf(command, sizeof command,
             "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c '[s]leep %s'", mark);
    CU_ASSERT_EQUAL(harness_command(command, 5, &found, NULL), 1);
    CU_ASSERT_STRING_EQUAL(found, "0\n");
    free(found);
}

static void the_whole_suite_is_counted(void) {
    expect("", 1, "1..8\n");
    expect("", 1, "\nok 8 - leaves_processes\n");
    expect("no_such_test", 1, "1..0\n");
}

static void commands(void) {
    char *output, *error;

    CU_ASSERT_EQUAL(harness_command("echo out; echo err >&2; exit 7", 5, &output, &error), 7);
    CU_ASSERT_STRING_EQUAL(output, "out\n");
    CU_ASSERT_STRING_EQUAL(error, "err\n");
    free(output), free(error);

    CU_ASSERT_EQUAL(harness_command("kill -9 $$", 5, NULL, NULL), 128 + 9);
    CU_ASSERT_EQUAL(harness_command("echo before; sleep 86399", 1, &output, NULL), 124);
    CU_ASSERT_STRING_EQUAL(output, "before\n");
    free(output);
}

static void greet_and_abort(void *arg) {
    fprintf(stderr, "hello %s", (const char *)arg);
    abort();
}

static void children(void) {
    char *error, whom[] = "world";
    int status = harness_child(greet_and_abort, whom, &error);

    CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    CU_ASSERT_STRING_EQUAL(error, "hello world");
    free(error);
}

static const struct test suite[] = {
    TEST(output_of_a_passed_test_is_not_shown),
    TEST(failed_assertions_are_reported),
    TEST(a_crash_fails_one_test),
    TEST(an_exit_is_a_failure),
    TEST(a_hang_is_stopped),
    TEST(processes_left_behind_are_killed),
    TEST_SECONDS(the_whole_suite_is_counted, 60),
    TEST(commands),
    TEST(children),
};

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "sample") == 0)
        return harness_main(argc - 1, argv + 1, sample, sizeof sample / sizeof *sample);
    return harness_main(argc, argv, suite, sizeof suite / sizeof *suite);
}
