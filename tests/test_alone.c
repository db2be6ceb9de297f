/* test_alone.c - simulated runs that a program makes without the command. */
#include "tests/support.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

struct call {
    const char *variable, *value; /* of the environment */
    pirn_fn *fn;
    void *arg;
    int rc; /* what pirn_run has to return */
};

static void run(void *arg) {
    const struct call *call = arg;
    int rc;
    if (call->variable) setenv(call->variable, call->value, 1);
    rc = pirn_run(NULL, call->fn, call->arg);
    if (rc != call->rc) fprintf(stderr, "%d, not %d\n", rc, call->rc);
    _exit(rc == call->rc ? 0 : 1);
}

/* The run returns what it should, and says so. */
static void expect(const struct call *call, const char *words) {
    char *report = NULL;
    if (!check_equal(harness_child(run, (void *)(uintptr_t)call, &report), 0))
        fprintf(stderr, "    %s: %s\n", call->value, report);
    check_contains(report, words);
    free(report);
}

static void yield(void *arg) {
    for (int i = 0; i < *(int *)arg; i++) pirn_yield();
}

static void bad_seeds_are_told(void) {
    static const char *const bad[] = {"seven", "7 and more", "-7", "99999999999999999999"};
    int once = 1;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char words[100];
        snprintf(words, sizeof words, "pirn: PIRN_SEED is %s, which is not a number", bad[i]);
        expect(&(struct call){"PIRN_SEED", bad[i], yield, &once, -EINVAL}, words);
    }
    expect(&(struct call){"PIRN_SEED", "", yield, &once, 0}, "");
    expect(&(struct call){"PIRN_SEED", "0x10", yield, &once, 0}, "");
    conclude("seeds");
}

static void bad_schedules_are_told(void) {
    int once = 1;
    expect(&(struct call){"PIRN_REPLAY", "nonsense", yield, &once, -EINVAL}, "pirn: PIRN_REPLAY: ");
    expect(&(struct call){"PIRN_REPLAY", "", yield, &once, 0}, "");
    conclude("schedules");
}

/* A program that has changed does not repeat what was recorded, though it takes no other choices. */
static void changed_programs_diverge(void) {
    const pirn_sim_options options = {.strategy = "random", .seed = 1, .runs = 1};
    int before = 2, after[] = {1, 2, 3};
    pirn_sim_result result;
    check_equal(pirn_sim_explore(&options, yield, &before, &result), 0);
    if (!check(result.schedule != NULL)) return;
    for (int i = 0; i < 3; i++) {
        bool same = after[i] == before;
        expect(&(struct call){"PIRN_REPLAY", result.schedule, yield, &after[i], same ? 0 : -ESTALE},
               same ? "" : "pirn: diverged: the run did other things than the recorded one");
    }
    pirn_sim_result_free(&result);
    conclude("changed programs");
}

/* ---- What is told of a run that fails -------------------------------------------------------- */

static void wait_for_ever(void *arg) {
    (void)arg;
    pirn_recv(NULL, NULL);
}

static void leave_many(void *arg) {
    for (int i = 0; i < *(int *)arg; i++) pirn_go(wait_for_ever, NULL);
    wait_for_ever(NULL);
}

static void many_tasks_are_counted(void) {
    int few = 99, many = 150;
    expect(&(struct call){NULL, NULL, leave_many, &many, -EDEADLK}, "\n  ... and 51 more\n");
    expect(&(struct call){NULL, NULL, leave_many, &few, -EDEADLK}, "deadlock");
    conclude("many tasks");
}

/* Under a debugger a run has the command's limit. */
static void debugged_runs_have_the_same_limits(void) {
    int few = 10, many = 100;
    expect(&(struct call){"PIRN_CONTROL", "alone:50,0,0", yield, &many, -ETIMEDOUT}, "livelock");
    expect(&(struct call){"PIRN_CONTROL", "alone:50,0,0", yield, &few, 0}, "");
    expect(&(struct call){"PIRN_CONTROL", "alone:0,0,1", yield, &many, 0}, "");
    expect(&(struct call){"PIRN_CONTROL", "alone:99999999999,0,0", yield, &many, 0}, "");
    expect(&(struct call){"PIRN_CONTROL", "alone:nonsense", yield, &many, 0}, "");
    conclude("limits");
}

#if !ASAN && !TSAN
struct fault {
    int number;
    const char *words;
};

static void end_it(void *arg) {
    kill(getpid(), ((struct fault *)arg)->number);
    NOT_A_TAIL_CALL();
}

static void crash(void *arg) { pirn_run(NULL, end_it, arg); }

static void crashes_have_names(void) {
    struct fault faults[] = {{SIGBUS, "SIGBUS, memory that cannot be used so"},
                             {SIGFPE, "SIGFPE, bad arithmetic"},
                             {SIGILL, "SIGILL, no such instruction"},
                             {SIGABRT, "SIGABRT, abort or a failed assertion"}};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char *report = NULL;
        int status = harness_child(crash, &faults[i], &report);
        check(WIFSIGNALED(status));
        check_contains(report, faults[i].words);
        check_contains(report, "by task 1 (main) in end_it at ");
        check_contains(report, "set PIRN_REPLAY=pirn1:");
        check(!strstr(report, "address")); /* no access has been the cause */
        free(report);
    }
    conclude("crashes");
}
#endif

static const struct test tests[] = {
    TEST(bad_seeds_are_told),
    TEST(bad_schedules_are_told),
    TEST(changed_programs_diverge),
    TEST(many_tasks_are_counted),
    TEST(debugged_runs_have_the_same_limits),
#if !ASAN && !TSAN
    TEST(crashes_have_names),
#endif
};

HARNESS(tests)
