/*
 * explorer.c - how fast the simulator explores: like bench.c, runs one row once and prints what it
 * took.
 *
 * Usage: explorer ROW COUNT    makes so many runs; prints the value in the row's unit, and the wall
 *                              and CPU seconds
 *        explorer --list       as bench
 *        explorer --version    as bench
 *
 * A row is PROGRAM-HOW. HOW is a strategy, and nothing is recorded; or "recorded": every run of the
 * strategy "random" leaves all its events in a trace. A second is one of CPU time. Exit status:
 * 0, 1 wrong results, 2 usage.
 */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <pirn-sim.h>

/* ---- The programs -------------------------------------------------------------------------- */

static struct {
    pirn_mutex mutex;
    int n;
} count;

static void add(void *arg) {
    (void)arg;
    pirn_mutex_lock(&count.mutex);
    count.n = count.n + 1;
    pirn_mutex_unlock(&count.mutex);
}

/* Three tasks, each of which adds to a counter under a mutex. */
static void counter(void *arg) {
    memset(&count, 0, sizeof count);
    pirn_go(add, NULL);
    pirn_go(add, NULL);
    add(arg);
}

enum { PLACES = 2, ITEMS = 2 };

static struct {
    pirn_mutex mutex;
    pirn_cond not_full, not_empty;
    int items;
} queue;

static void produce(void *arg) {
    (void)arg;
    for (int i = 0; i < ITEMS; i++) {
        pirn_mutex_lock(&queue.mutex);
        while (queue.items == PLACES) pirn_cond_wait(&queue.not_full, &queue.mutex);
        queue.items++;
        pirn_cond_signal(&queue.not_empty);
        pirn_mutex_unlock(&queue.mutex);
    }
}

/* Two producers of two items each, a queue with two places, and a consumer. */
static void producers(void *arg) {
    (void)arg;
    memset(&queue, 0, sizeof queue);
    pirn_go(produce, NULL);
    pirn_go(produce, NULL);
    for (int i = 0; i < 2 * ITEMS; i++) {
        pirn_mutex_lock(&queue.mutex);
        while (queue.items == 0) pirn_cond_wait(&queue.not_empty, &queue.mutex);
        queue.items--;
        pirn_cond_signal(&queue.not_full);
        pirn_mutex_unlock(&queue.mutex);
    }
}

enum { YIELDS = 1000 };

static void yield(void *arg) {
    (void)arg;
    for (int i = 0; i < YIELDS; i++) pirn_yield();
}

/* Three tasks that do nothing but let the others go on. */
static void yields(void *arg) {
    pirn_go(yield, NULL);
    pirn_go(yield, NULL);
    yield(arg);
}

/* ---- The rows ------------------------------------------------------------------------------ */

enum measure { RUNS, STEPS, EVENTS };

static const char *const units[] = {"runs/s", "steps/s", "events/s"};

static const struct row {
    const char *name, *strategy;
    pirn_fn *program;
    enum measure measure;
    uint64_t steps;    /* in each run; 0: it depends */
    uint64_t distinct; /* happens-before graphs there are; 0: they have not been counted */
    uint64_t count, few;
} rows[] = {
    {"counter-random", "random", counter, RUNS, 0, 6, 300000, 1000},
    {"counter-portfolio", "portfolio", counter, RUNS, 0, 6, 300000, 1000},
    {"queue-random", "random", producers, RUNS, 0, 0, 100000, 1000},
    {"queue-portfolio", "portfolio", producers, RUNS, 0, 0, 100000, 1000},
    /* Beside the yields: two starts of tasks, and the first and the last step of each task. */
    {"yields-random", "random", yields, STEPS, 3 * YIELDS + 8, 1, 5000, 10},
    {"yields-portfolio", "portfolio", yields, STEPS, 3 * YIELDS + 8, 1, 5000, 10},
    {"counter-recorded", "random", counter, EVENTS, 0, 6, 100000, 1000},
    {"queue-recorded", "random", producers, EVENTS, 0, 0, 40000, 1000},
};

enum { ROWS = sizeof rows / sizeof *rows };

static _Noreturn void wrong(const struct row *row, const char *what) {
    fprintf(stderr, "explorer: %s: %s\n", row->name, what);
    exit(1);
}

/* ---- The trace ----------------------------------------------------------------------------- */

static char folder[128], trace[160];

static void make_trace(const struct row *row) {
    const char *temporary = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/pirn-explorer-XXXXXX", temporary ? temporary : "/tmp");
    if (!mkdtemp(folder)) wrong(row, "no folder for the trace can be made");
    snprintf(trace, sizeof trace, "%s/trace.db", folder);
}

/* How many events there are in it; it is removed. */
static uint64_t count_events(const struct row *row, uint64_t runs) {
    static const char sql[] = "SELECT count(*), (SELECT count(*) FROM run) FROM event";
    sqlite3_stmt *statement = NULL;
    sqlite3 *db = NULL;
    uint64_t events = 0;
    bool all = false;

    if (sqlite3_open_v2(trace, &db, SQLITE_OPEN_READONLY, NULL) == 0 &&
        sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == 0 &&
        sqlite3_step(statement) == SQLITE_ROW) {
        events = (uint64_t)sqlite3_column_int64(statement, 0);
        all = (uint64_t)sqlite3_column_int64(statement, 1) == runs;
    }
    sqlite3_finalize(statement);
    sqlite3_close(db);
    unlink(trace);
    rmdir(folder);
    if (!all) wrong(row, "not every run is in the trace");
    return events;
}

/* ---- One row ------------------------------------------------------------------------------- */

static double seconds_of(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int run(const struct row *row, uint64_t runs) {
    bool record = row->measure == EVENTS;
    pirn_sim_options options = {
        .strategy = row->strategy, .seed = 1, .runs = runs, .record_all = record};
    pirn_sim_result result;
    double wall, cpu, units_done = (double)runs;

    if (record) {
        make_trace(row);
        options.trace = trace;
    }
    wall = seconds_of(CLOCK_MONOTONIC);
    cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    if (pirn_sim_explore(&options, row->program, NULL, &result) != 0) wrong(row, result.message);
    wall = seconds_of(CLOCK_MONOTONIC) - wall;
    cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;

    if (result.outcome != PIRN_OK) wrong(row, result.message);
    if (result.runs != runs) wrong(row, "not all runs were made");
    if (row->distinct &&
        (runs >= row->few ? result.distinct != row->distinct : result.distinct > row->distinct))
        wrong(row, "the number of happens-before graphs is another");
    if (row->steps) units_done = (double)(runs * row->steps);
    if (record) units_done = (double)count_events(row, runs);
    pirn_sim_result_free(&result);
    printf("%.3f %.6f %.6f\n", units_done / cpu, wall, cpu);
    return 0;
}

/* ---- Which one ----------------------------------------------------------------------------- */

static int list(void) {
    for (int i = 0; i < ROWS; i++)
        printf("%s\t%s\tmore\t%" PRIu64 "\t%" PRIu64 "\t%s\n", rows[i].name,
               rows[i].measure == EVENTS ? "fixed" : "scaled", rows[i].count, rows[i].few,
               units[rows[i].measure]);
    return 0;
}

static int version(void) {
#if defined __clang__
    printf("libpirn-sim %s, program compiled by %s\n", pirn_version(), __VERSION__);
#else
    printf("libpirn-sim %s, program compiled by gcc %s\n", pirn_version(), __VERSION__);
#endif
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--list") == 0) return list();
    if (argc == 2 && strcmp(argv[1], "--version") == 0) return version();
    if (argc == 3) {
        char *end;
        uint64_t runs = strtoull(argv[2], &end, 10);
        for (int i = 0; i < ROWS && *end == '\0' && runs > 0; i++)
            if (strcmp(argv[1], rows[i].name) == 0) return run(&rows[i], runs);
    }
    fprintf(stderr, "usage: %s ROW COUNT, --list or --version\n", argv[0]);
    return 2;
}
