/*
 * bench.h - the benchmarks of the threaded runtime: rows, each run once in a process of its own.
 *
 * A row does `count` units of its workload between bench_start and bench_stop and checks that the
 * results are right. tests/bench/peers has the same rows in Go.
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pirn.h>

struct bench {
    uint64_t count; /* of units asked for, or what else sets the size of a row of fixed size */
    uint64_t units; /* done */
    double resident, speedup; /* what a row of these measures has found itself */
    int64_t wall, cpu;        /* nanoseconds between start and stop */
    int64_t wall_started, cpu_started;
};

enum measure {
    WALL,     /* ns a unit */
    CPU,      /* ms of CPU time in all */
    RESIDENT, /* bytes of memory a unit */
    RATE,     /* units a second */
    SPEEDUP   /* how many times as fast as in one task; more is better, as with RATE */
};

struct row {
    const char *name, *unit; /* the unit of the value that is printed */
    enum measure measure;
    bool fixed;                   /* always `count`; otherwise count is where calibration begins */
    uint64_t count;               /* for a measurement */
    uint64_t few;                 /* for a quick look at the results */
    void (*run)(struct bench *b); /* as the main task */
};

/* The rows of each family; a row without a name ends them. */
extern const struct row bench_tasks[], bench_channels[], bench_selects[], bench_locks[],
    bench_sleep[], bench_timers[], bench_net[];

void bench_start(struct bench *b);
void bench_stop(struct bench *b, uint64_t units);

/* Ends the process with a message unless the two are equal; from any task. */
#define bench_expect(actual, expected) \
    bench_expect_at((long long)(actual), (long long)(expected), #actual, __FILE__, __LINE__)
void bench_expect_at(long long actual, long long expected, const char *text, const char *file,
                     int line);

/* pirn_waitgroup_go_copy and pirn_chan_new that end the process when they fail. */
void bench_go(pirn_waitgroup *group, pirn_fn *fn, const void *arg, size_t size);
pirn_chan *bench_chan(size_t value_size, size_t capacity);

/* Waits until `count` tasks have said in `about_to_park` that parking comes next, and gives them
 * the time for it. */
void bench_await_parked(atomic_ullong *about_to_park, uint64_t count);

#endif
