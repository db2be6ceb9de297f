/*
 * harness.c - see harness.h.
 *
 * Each test is a child that leads a process group of its own. What it writes goes to a file, which
 * is shown when the test has failed. A child that ends without having said that its test function
 * returned has failed, whatever its exit status. When a test is over, everything that it started is
 * killed: its process group, and what has left that and been orphaned, which the harness inherits
 * as a subreaper.
 */
#include "tests/harness.h"

#include <CUnit/TestRun.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_SECONDS 20
#define SHOWN_BYTES 65536           /* of the output of a failed test: its last ones */
#define WRITTEN_BYTES (256ul << 20) /* at most, to a file by a test that has run wild */

/* What a child tells its parent, in memory that they share. */
struct verdict {
    bool returned; /* the test function has */
    unsigned failures;
};

static struct verdict *verdict;

/* Where the child reports failures: its test may have closed standard error. */
static int report_fd = -1;

static void die(const char *what) {
    printf("Bail out! %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now(void) {
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A file without a name, closed on exec. */
static int scratch_file(void) {
    int fd = memfd_create("output", MFD_CLOEXEC);

    if (fd < 0) die("cannot make a file for the output");
    return fd;
}

/* What has been written to a scratch file, as a string that the caller frees; closes the file. */
static char *scratch_text(int fd) {
    off_t size = lseek(fd, 0, SEEK_END);
    char *text = malloc((size_t)size + 1);
    size_t length = 0;
    ssize_t n;

    if (!text) die("cannot read the output");
    while (length < (size_t)size &&
           (n = pread(fd, text + length, (size_t)size - length, (off_t)length)) > 0)
        length += (size_t)n;
    text[length] = '\0';
    close(fd);
    return text;
}

/*
 * Waits until `child` has ended, or for that many seconds; returns whether it has. It stays a
 * zombie, so that its process group can still be killed without hitting another's.
 */
static bool await(pid_t child, double seconds) {
    double end = now() + seconds;
    struct timespec pause = {0, 100000};

    for (;;) {
        siginfo_t info = {0};

        if (waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno != EINTR)
            return true;
        if (info.si_pid == child) return true;
        if (now() >= end) return false;
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < 5000000) pause.tv_nsec *= 2;
    }
}

/* Reaps `child` and returns its wait status. */
static int reap(pid_t child) {
    int status = 0;

    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

/* Kills the process group that `child` leads, and reaps `child`. */
static int kill_group(pid_t child) {
    kill(-child, SIGKILL);
    return reap(child);
}

/* Kills the orphans that this process has inherited, and theirs in turn. */
static void kill_orphans(void) {
    for (int left = 10000; left; left--) {
        FILE *file = fopen("/proc/thread-self/children", "r");
        int pid = 0;

        if (!file) return;
        if (fscanf(file, "%d", &pid) != 1) pid = 0;
        fclose(file);
        if (pid <= 0) return;
        kill(pid, SIGKILL);
        reap(pid);
    }
}

/* ---- In the child ---- */

/* Ends a line of output that the test has left open. */
static void end_line(void) {
    off_t size;
    char last;

    fflush(NULL);
    size = lseek(report_fd, 0, SEEK_END);
    if (size > 0 && pread(report_fd, &last, 1, size - 1) == 1 && last != '\n')
        dprintf(report_fd, "\n");
}

static void test_complete(const CU_pTest test, const CU_pSuite suite,
                          const CU_pFailureRecord first) {
    (void)test, (void)suite;
    end_line();
    for (CU_pFailureRecord f = first; f; f = f->pNext) {
        dprintf(report_fd, "%s:%u: assertion failed: %s\n", f->strFileName ? f->strFileName : "?",
                f->uiLineNumber, f->strCondition ? f->strCondition : "?");
        verdict->failures++;
    }
    verdict->returned = true;
}

/* Runs one test in a CUnit registry of its own. */
static void run_child(const struct test *test) {
    CU_pSuite suite;
    CU_pTest unit;

    if (CU_initialize_registry() != CUE_SUCCESS) exit(1);
    suite = CU_add_suite("suite", NULL, NULL);
    unit = suite ? CU_add_test(suite, test->name, test->run) : NULL;
    if (!unit) exit(1);
    CU_set_test_complete_handler(test_complete);
    CU_run_test(suite, unit);
    CU_cleanup_registry();
    exit(verdict->failures != 0);
}

/* Makes a child of the caller's the leader of a process group that dies with its parent. */
static void become_leader(pid_t parent) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
}

/* ---- In the parent ---- */

static double slowness(void) {
    const char *text = getenv("PIRN_TEST_SLOWNESS");
    double factor = text ? strtod(text, NULL) : 1;

    return factor > 0 ? factor : 1;
}

/* Prints text as TAP diagnostics, all lines but the last ones left out if it is long. */
static void print_diagnostics(const char *text) {
    size_t length = strlen(text);

    if (length > SHOWN_BYTES) {
        const char *line = strchr(text + length - SHOWN_BYTES, '\n');

        printf("# (the first part of %zu bytes of output is left out)\n", length);
        text = line ? line + 1 : text + length - SHOWN_BYTES;
    }
    while (*text) {
        int width = (int)strcspn(text, "\n");

        printf("# %.*s\n", width, text);
        text += width;
        if (*text) text++;
    }
}

/* Says why the test has failed, or returns NULL when it has passed. `buffer` may hold the text. */
static const char *complaint(int status, bool late, char *buffer, size_t size) {
    if (late) return "it was stopped at its time limit";
    if (WIFSIGNALED(status)) {
        snprintf(buffer, size, "killed by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
        return buffer;
    }
    if (verdict->failures) {
        snprintf(buffer, size, "%u failed assertion%s", verdict->failures,
                 verdict->failures > 1 ? "s" : "");
        return buffer;
    }
    if (!verdict->returned) {
        snprintf(buffer, size, "the process ended with status %d within the test",
                 WEXITSTATUS(status));
        return buffer;
    }
    if (WEXITSTATUS(status) != 0) {
        snprintf(buffer, size, "the process ended with status %d after the test",
                 WEXITSTATUS(status));
        return buffer;
    }
    return NULL;
}

/* Runs one test and prints its line. Returns whether it has passed. */
static bool run_test(const struct test *test, size_t number) {
    double seconds = (test->seconds ? test->seconds : DEFAULT_SECONDS) * slowness();
    pid_t parent = getpid(), child;
    int output = scratch_file(), status;
    struct rlimit file_limit = {WRITTEN_BYTES, WRITTEN_BYTES};
    char buffer[128], *text;
    const char *why;
    bool late;

    *verdict = (struct verdict){0};
    fflush(NULL);
    child = fork();
    if (child < 0) die("cannot fork");
    if (child == 0) {
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

        become_leader(parent);
        setrlimit(RLIMIT_FSIZE, &file_limit);
        report_fd = output;
        if (dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0) _exit(1);
        run_child(test);
    }
    setpgid(child, child);

    late = !await(child, seconds);
    if (late) {
        /* The runtime answers with the state of every task. */
        kill(-child, SIGQUIT);
        sleep(1);
    }
    status = kill_group(child);
    kill_orphans();

    why = complaint(status, late, buffer, sizeof buffer);
    printf("%sok %zu - %s%s\n", why ? "not " : "", number, test->name, late ? " # time limit" : "");
    text = scratch_text(output);
    if (why) {
        print_diagnostics(text);
        printf("# %s: %s\n", test->name, why);
    }
    free(text);
    return !why;
}

static bool is_selected(const struct test *test, int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (strstr(test->name, argv[i])) return true;
    return argc < 2;
}

int harness_main(int argc, char **argv, const struct test *tests, size_t count) {
    size_t planned = 0, number = 0, failed = 0;
    struct rlimit no_core = {0, 0};

    signal(SIGCHLD, SIG_DFL);
    setlinebuf(stdout);
    setrlimit(RLIMIT_CORE, &no_core);
    setenv("PIRN_DUMP", "QUIT", 1);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    verdict =
        mmap(NULL, sizeof *verdict, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (verdict == MAP_FAILED) die("cannot share memory");

    for (size_t i = 0; i < count; i++) planned += is_selected(&tests[i], argc, argv);
    printf("1..%zu\n", planned);
    for (size_t i = 0; i < count; i++)
        if (is_selected(&tests[i], argc, argv)) failed += !run_test(&tests[i], ++number);
    return failed != 0 || planned == 0;
}

/* ---- For tests ---- */

int harness_command(const char *command, unsigned seconds, char **output, char **error) {
    int out = output ? scratch_file() : -1, err = error ? scratch_file() : -1, status;
    pid_t parent = getpid(), child;
    bool late;

    fflush(NULL);
    child = fork();
    if (child < 0) die("cannot fork");
    if (child == 0) {
        become_leader(parent);
        if ((output && dup2(out, 1) < 0) || (error && dup2(err, 2) < 0)) _exit(127);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    setpgid(child, child);
    late = !await(child, seconds * slowness());
    status = kill_group(child);
    if (output) *output = scratch_text(out);
    if (error) *error = scratch_text(err);
    if (late) return 124;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int harness_child(void (*function)(void *arg), void *arg, char **error) {
    int err = error ? scratch_file() : -1, status;
    pid_t child;

    fflush(NULL);
    child = fork();
    if (child < 0) die("cannot fork");
    if (child == 0) {
        if (error && dup2(err, 2) < 0) _exit(127);
        function(arg);
        exit(0);
    }
    status = reap(child);
    if (error) *error = scratch_text(err);
    return status;
}
