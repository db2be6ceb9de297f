/*
 * bench.c - runs one row once, and prints what it took.
 *
 * Usage: bench ROW COUNT    prints the value in the row's unit, and the wall and CPU seconds
 *        bench --list       prints for each row: name, "fixed" or "scaled", "less" or "more" (what
 *                           is better), count, few, unit; separated by tabs
 *        bench --version    prints what it was built with
 *
 * The number of workers is that of PIRN_WORKERS. Exit status: 0, 1 wrong results, 2 usage.
 */
#include "tests/bench/bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static const struct row *const families[] = {
    bench_tasks, bench_channels, bench_selects, bench_locks, bench_sleep, bench_timers, bench_net,
};

enum { FAMILIES = sizeof families / sizeof *families };

/* ---- For the rows -------------------------------------------------------------------------- */

static int64_t wall_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * PIRN_SEC + t.tv_nsec;
}

static int64_t cpu_now(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * PIRN_SEC +
           (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * PIRN_USEC;
}

void bench_start(struct bench *b) {
    b->cpu_started = cpu_now();
    b->wall_started = wall_now();
}

void bench_stop(struct bench *b, uint64_t units) {
    b->wall = wall_now() - b->wall_started;
    b->cpu = cpu_now() - b->cpu_started;
    b->units = units;
}

void bench_expect_at(long long actual, long long expected, const char *text, const char *file,
                     int line) {
    if (actual == expected) return;
    fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", file, line, text, actual, expected);
    _exit(1);
}

void bench_go(pirn_waitgroup *group, pirn_fn *fn, const void *arg, size_t size) {
    bench_expect(pirn_waitgroup_go_copy(group, fn, arg, size), 0);
}

pirn_chan *bench_chan(size_t value_size, size_t capacity) {
    pirn_chan *chan = pirn_chan_new(value_size, capacity);
    bench_expect(chan != NULL, true);
    return chan;
}

void bench_await_parked(atomic_ullong *about_to_park, uint64_t count) {
    while (atomic_load(about_to_park) < count) pirn_yield();
    pirn_sleep(20 * PIRN_MSEC);
}

/* ---- One row ------------------------------------------------------------------------------- */

struct job {
    const struct row *row;
    struct bench bench;
};

static void run_row(void *arg) {
    struct job *job = arg;
    job->row->run(&job->bench);
}

static double value_of(const struct job *job) {
    const struct bench *b = &job->bench;
    switch (job->row->measure) {
    case WALL:
        return (double)b->wall / (double)b->units;
    case CPU:
        return (double)b->cpu / (double)PIRN_MSEC;
    case RESIDENT:
        return b->resident / (double)b->units;
    case RATE:
        return (double)b->units * (double)PIRN_SEC / (double)b->wall;
    case SPEEDUP:
        return b->speedup;
    }
    return 0;
}

static int run(const struct row *row, uint64_t count) {
    struct job job = {row, {.count = count}};
    int rc = pirn_run(NULL, run_row, &job);
    if (rc != 0) {
        fprintf(stderr, "bench: %s: %s\n", row->name, strerror(-rc));
        return 1;
    }
    printf("%.3f %.6f %.6f\n", value_of(&job), (double)job.bench.wall / (double)PIRN_SEC,
           (double)job.bench.cpu / (double)PIRN_SEC);
    return 0;
}

/* ---- Which one ----------------------------------------------------------------------------- */

static const struct row *find_row(const char *name) {
    for (int i = 0; i < FAMILIES; i++)
        for (const struct row *row = families[i]; row->name; row++)
            if (strcmp(row->name, name) == 0) return row;
    return NULL;
}

static int list(void) {
    for (int i = 0; i < FAMILIES; i++)
        for (const struct row *row = families[i]; row->name; row++)
            printf("%s\t%s\t%s\t%" PRIu64 "\t%" PRIu64 "\t%s\n", row->name,
                   row->fixed ? "fixed" : "scaled",
                   row->measure == RATE || row->measure == SPEEDUP ? "more" : "less", row->count,
                   row->few, row->unit);
    return 0;
}

static int version(void) {
#if defined __clang__
    printf("libpirn %s, program compiled by %s\n", pirn_version(), __VERSION__);
#else
    printf("libpirn %s, program compiled by gcc %s\n", pirn_version(), __VERSION__);
#endif
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--list") == 0) return list();
    if (argc == 2 && strcmp(argv[1], "--version") == 0) return version();
    if (argc == 3) {
        const struct row *row = find_row(argv[1]);
        char *end;
        uint64_t count = strtoull(argv[2], &end, 10);
        if (row && *end == '\0' && count > 0) return run(row, count);
    }
    fprintf(stderr, "usage: %s ROW COUNT, --list or --version\n", argv[0]);
    return 2;
}
