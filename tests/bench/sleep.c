/* sleep.c - the row about sleeping. */
#include "tests/bench/bench.h"

static atomic_ullong awake;

/* The numbers of the tasks spread over the milliseconds, out of order. */
static void sleep_some(void *arg) {
    int64_t time = (*(int64_t *)arg * 37 % 100 + 1) * PIRN_MSEC, start = pirn_now();
    pirn_sleep(time);
    bench_expect(pirn_now() - start >= time, true);
    atomic_fetch_add(&awake, 1);
}

static void sleepers(struct bench *b) {
    pirn_waitgroup group = {0};

    bench_start(b);
    for (uint64_t i = 0; i < b->count; i++) bench_go(&group, sleep_some, &i, sizeof i);
    pirn_waitgroup_wait(&group);
    bench_stop(b, b->count);
    bench_expect(awake, b->count);
}

const struct row bench_sleep[] = {
    {"sleepers", "CPU ms", CPU, true, 100000, 500, sleepers},
    {0},
};
