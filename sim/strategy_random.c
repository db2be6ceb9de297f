/*
 * strategy_random.c - the random walk: at each point every runnable task is as likely.
 *
 * No schedule is impossible, but one that needs a task to be passed over for n steps beside one
 * other has a probability of 2^-n.
 */
#include "sim/random.h"
#include "sim/strategies.h"

static struct task *task(struct strategy *strategy, struct task *current, bool timer) {
    (void)current;
    if (timer) {
        double drawn = random_unit(&strategy->state[0]) * ((double)sim.count + timer_weight());
        return drawn >= (double)sim.count ? NULL : sim.runnable[(size_t)drawn];
    }
    return sim.runnable[random_below(&strategy->state[0], sim.count)];
}

struct strategy strategy_random = {
    .name = "random",
    .summary = "every runnable task is as likely at every step",
    .begin = strategy_seed,
    .task = task,
    .pick = strategy_pick,
    .random = strategy_draw,
    .sampling = true,
};
