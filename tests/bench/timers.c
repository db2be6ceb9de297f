/* timers.c - the row about timers that are stopped. */
#include "tests/bench/bench.h"

static void start_and_stop(struct bench *b) {
    uint64_t stopped = 0;

    bench_start(b);
    for (uint64_t i = 0; i < b->count; i++) {
        pirn_timer *timer = pirn_timer_new(3600 * PIRN_SEC);
        bench_expect(timer != NULL, true);
        stopped += pirn_timer_stop(timer);
        pirn_timer_free(timer);
    }
    bench_stop(b, b->count);
    bench_expect(stopped, b->count);
}

const struct row bench_timers[] = {
    {"timer", "ns/timer", WALL, false, 50000, 1000, start_and_stop},
    {0},
};
