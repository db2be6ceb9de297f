/*
 * strategy_random.c - the uniform walk: at each point every runnable task is as likely.
 *
 * The next timer takes part with a weight that falls with its distance: as a task up to 1 ms, a
 * tenth of that at 10 ms, ... since a real task can be slow, but is seldom that slow.
 */
#include "sim/random.h"
#include "sim/sim.h"

static void begin(struct strategy *strategy, uint64_t seed) {
    strategy->state[0] = seed;
    /* Seeds that follow each other must not give sequences that overlap. */
    strategy->state[0] = random_next(&strategy->state[0]);
}

static struct task *task(struct strategy *strategy, struct task *current, bool timer) {
    (void)current;
    if (timer) {
        int64_t distance = timers_first()->core.when - sim.now;
        double weight = distance <= PIRN_MSEC ? 1 : (double)PIRN_MSEC / (double)distance;
        double drawn = (double)(random_next(&strategy->state[0]) >> 11) * 0x1p-53 *
                       ((double)sim.count + weight);
        return drawn >= (double)sim.count ? NULL : sim.runnable[(size_t)drawn];
    }
    return sim.runnable[random_below(&strategy->state[0], sim.count)];
}

static uint64_t pick(struct strategy *strategy, uint64_t n) {
    return random_below(&strategy->state[0], n);
}

static uint64_t draw(struct strategy *strategy) { return random_next(&strategy->state[0]); }

struct strategy strategy_random = {
    .name = "random",
    .summary = "every runnable task is as likely at every step (the default)",
    .begin = begin,
    .task = task,
    .pick = pick,
    .random = draw,
};
