/* sleep.c - the row about sleeping, and what it cannot do without. */
#include <sys/mman.h>

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

/* What the kernel takes to give as many stacks their first page. */
static void touch(struct bench *b) {
    const size_t apart = 128 * 1024, size = b->count * apart;
    char *stacks = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    bench_expect(stacks != MAP_FAILED, true);
    bench_start(b);
    for (size_t at = 0; at < size; at += apart) stacks[at] = 1;
    bench_stop(b, b->count);
    bench_expect(munmap(stacks, size), 0);
}

const struct row bench_sleep[] = {
    {"sleepers", "CPU ms", CPU, true, 100000, 500, sleepers},
    {"touch", "CPU ms", CPU, true, 100000, 500, touch},
    {0},
};
