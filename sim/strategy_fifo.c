/* strategy_fifo.c - a fair baseline: tasks take turns, cases take turns, timers wait until no
 * task can run. */
#include "sim/random.h"
#include "sim/sim.h"

static void begin(struct strategy *strategy, uint64_t seed) {
    strategy->state[0] = seed;
    strategy->state[1] = 0;
}

static struct task *task(struct strategy *strategy, struct task *current, bool timer) {
    (void)strategy;
    (void)current;
    (void)timer;
    return sim.oldest;
}

static uint64_t pick(struct strategy *strategy, uint64_t n) { return strategy->state[1]++ % n; }

static uint64_t draw(struct strategy *strategy) { return random_next(&strategy->state[0]); }

struct strategy strategy_fifo = {
    .name = "fifo",
    .summary = "tasks take turns, step by step: one schedule, fair and always the same",
    .begin = begin,
    .task = task,
    .pick = pick,
    .random = draw,
    .fair = true,
};
