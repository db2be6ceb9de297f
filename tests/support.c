/* support.c - see support.h. */
#include "tests/support.h"

#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int failures;

/* ---- Checks -------------------------------------------------------------------------------- */

static void fail(const char *file, int line, const char *format, ...) {
    char message[400];
    va_list arguments;

    if (atomic_fetch_add(&failures, 1) >= 20) return; /* the first ones tell enough */
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s:%d: %s\n", file, line, message);
}

bool check_at(bool ok, const char *text, const char *file, int line) {
    if (!ok) fail(file, line, "not true: %s", text);
    return ok;
}

bool check_equal_at(long long actual, long long expected, const char *text, const char *file,
                    int line) {
    if (actual != expected) fail(file, line, "%s is %lld, not %lld", text, actual, expected);
    return actual == expected;
}

bool check_contains_at(const char *text, const char *word, const char *file, int line) {
    bool found = text && strstr(text, word);
    if (!found) {
        fail(file, line, "\"%s\" is not in the report", word);
        if (!text || *text) fprintf(stderr, "----\n%s\n----\n", text ? text : "(nothing)");
    }
    return found;
}

bool check_shares_at(const unsigned *seen, const double *shares, int count, const char *file,
                     int line) {
    double total = 0, weight = 0, square = 0;

    for (int i = 0; i < count; i++) total += seen[i], weight += shares[i];
    for (int i = 0; i < count; i++) {
        double expected = total * shares[i] / weight;
        square += (seen[i] - expected) * (seen[i] - expected) / expected;
    }
    /* The quantile of 1 - 10^-9 is 37 for one degree of freedom, 41 for two, 45 for three, 68
     * for ten. */
    if (square < 37 + 4.0 * (count - 2)) return true;
    fail(file, line, "shares are off: chi-square %.1f over %.0f", square, total);
    for (int i = 0; i < count; i++) fprintf(stderr, "    case %d: %u\n", i, seen[i]);
    return false;
}

int failed_checks(void) { return atomic_load(&failures); }

void conclude(const char *what) {
    char message[200];
    int count = atomic_exchange(&failures, 0);

    if (!count) return;
    snprintf(message, sizeof message, "%s: %d failed checks, see standard error", what, count);
    CU_assertImplementation(CU_FALSE, 0, message, __FILE__, "", CU_FALSE);
}

/* ---- Running bodies ------------------------------------------------------------------------ */

#if SIMULATED

static int explore(pirn_fn *fn, void *arg, const char *strategy, uint64_t runs, unsigned allow) {
    const char *seed = getenv("PIRN_TEST_SEED");
    pirn_sim_options options = {
        .strategy = strategy,
        .seed = seed ? strtoull(seed, NULL, 10) : 1,
        .runs = runs,
        .max_steps = 20000000,
        .allow = allow | PIRN_ALLOW_SEND_ON_CLOSED | PIRN_ALLOW_DOUBLE_CLOSE,
    };
    pirn_sim_result result;
    int rc = pirn_sim_explore(&options, fn, arg, &result);
    bool well = check_equal_at(rc, 0, "what pirn_sim_explore returned", __FILE__, __LINE__);

    well = well && check_equal(result.outcome, PIRN_OK);
    if (!well)
        fprintf(stderr, "    %s, seed %" PRIu64 ": %s\n    %s\n", pirn_outcome_name(result.outcome),
                result.seed, result.message, result.schedule ? result.schedule : "");
    else
        check_equal(result.runs, runs);
    pirn_sim_result_free(&result);
    conclude(strategy);
    return well ? 0 : -1;
}

int run_body(pirn_fn *fn, void *arg) { return explore(fn, arg, "random", 50, 0); }
int run_body_leaving(pirn_fn *fn, void *arg) {
    return explore(fn, arg, "random", 50, PIRN_ALLOW_LEAK);
}
int run_heavy(pirn_fn *fn, void *arg) { return explore(fn, arg, "random", 2, 0); }
int run_settled(pirn_fn *fn, void *arg) { return explore(fn, arg, "fifo", 1, 0); }

void settle(void) { pirn_sleep(PIRN_SEC); }

#else

static int run_with(pirn_fn *fn, void *arg, int workers, int times) {
    pirn_config config = {.workers = workers};
    char what[40];
    int rc = 0;

    snprintf(what, sizeof what, "%d workers", workers);
    for (int i = 0; i < times && rc == 0; i++) {
        rc = pirn_run(&config, fn, arg);
        check_equal_at(rc, 0, "what pirn_run returned", __FILE__, __LINE__);
    }
    conclude(what);
    return rc;
}

int run_body(pirn_fn *fn, void *arg) {
    static const int workers[] = {1, 2, 4};
    int rc = 0;
    for (int i = 0; i < 3 && rc == 0; i++) rc = run_with(fn, arg, workers[i], 5);
    return rc;
}

int run_body_leaving(pirn_fn *fn, void *arg) { return run_body(fn, arg); }

int run_heavy(pirn_fn *fn, void *arg) {
    static const int workers[] = {1, 2, 4, 8};
    int rc = 0;
    for (int i = 0; i < 4 && rc == 0; i++) rc = run_with(fn, arg, workers[i], 1);
    return rc;
}

int run_settled(pirn_fn *fn, void *arg) { return run_with(fn, arg, 1, 1); }

void settle(void) { pirn_sleep(3 * PIRN_MSEC); }

#endif

/* ---- Programs that fail -------------------------------------------------------------------- */

bool check_places_at(const char *report, const char *file, int line) {
    int places = 0;
    bool found = true;

    for (const char *at = report; at && (at = strstr(at, "@ ")); at++) {
        char place[200];
        size_t length = strcspn(at + 2, "\n");
        bool again = false;
        if ((at != report && at[-1] != '\n') || length >= sizeof place) continue;
        memcpy(place, at + 2, length);
        place[length] = '\0';
        places++;
        for (const char *other = report; !again && (other = strstr(other, place)); other++) {
            char before = other == report ? '\n' : other[-1];
            again = other != at + 2 && before != '@' &&
                    !(other >= report + 2 && other[-2] == '@') &&
                    (other[length] < '0' || other[length] > '9');
        }
        if (!again) found = check_contains_at("", place, file, line);
    }
    if (!found) fprintf(stderr, "----\n%s\n----\n", report);
    return check_at(places > 0, "the report has places", file, line) && found;
}

static void run_alone(void *fn) { pirn_run(NULL, *(pirn_fn **)fn, NULL); }

char *abort_report(pirn_fn *fn) {
    char *report = NULL;
    int status = harness_child(run_alone, &fn, &report);

    if (!check(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT))
        fprintf(stderr, "    the child's status is %#x; it wrote:\n%s\n", (unsigned)status,
                report ? report : "");
    return report;
}

struct expected {
    pirn_fn *fn;
    int rc;
};

static void run_and_compare(void *arg) {
    const struct expected *expected = arg;
    int rc = pirn_run(NULL, expected->fn, NULL);
    if (rc == expected->rc) return;
    fprintf(stderr, "pirn_run returned %d\n", rc);
    fflush(NULL);
    _exit(99);
}

char *run_report(pirn_fn *fn, int rc) {
    struct expected expected = {fn, rc};
    char *report = NULL;
    int status = harness_child(run_and_compare, &expected, &report);

    if (!check(WIFEXITED(status) && WEXITSTATUS(status) == 0))
        fprintf(stderr, "    the child's status is %#x; it wrote:\n%s\n", (unsigned)status,
                report ? report : "");
    return report;
}

#if SIMULATED
void expect_outcome(pirn_fn *fn, uint64_t runs, unsigned allow, pirn_outcome outcome,
                    const char *word) {
    pirn_sim_options options = {.strategy = "random", .seed = 1, .runs = runs, .allow = allow};
    pirn_sim_result result;

    check_equal(pirn_sim_explore(&options, fn, NULL, &result), 0);
    if (!check_equal(result.outcome, outcome)) fprintf(stderr, "    %s\n", result.message);
    check_equal(result.failures, 1);
    check(result.schedule != NULL);
    check(result.seed != 0);
    if (word) check_contains(result.message, word);
    pirn_sim_result_free(&result);
}
#endif
