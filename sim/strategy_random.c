/*
 * strategy_random.c - the random walk: at each point every runnable task is as likely.
 *
 * No schedule is impossible, but one that needs a task to be passed over for n steps beside one
 * other has a probability of 2^-n.
 */
#include "sim/random.h"
#include "sim/strategies.h"

static void begin(struct strategy *strategy, uint64_t seed) {
    strategy_seed(strategy, seed);
    random_look_ahead(strategy);
}

static uint64_t pick(struct strategy *strategy, uint64_t n) {
    uint64_t picked = strategy_pick(strategy, n);
    random_look_ahead(strategy);
    return picked;
}

static uint64_t draw(struct strategy *strategy) {
    uint64_t drawn = strategy_draw(strategy);
    random_look_ahead(strategy);
    return drawn;
}

static struct task *task_or_timer(struct strategy *strategy) {
    double drawn = random_unit(&strategy->state[0]) * ((double)sim.count + timer_weight());
    random_look_ahead(strategy);
    return drawn >= (double)sim.count ? NULL : sim.runnable[(size_t)drawn];
}

static struct task *task(struct strategy *strategy, struct task *current, bool timer) {
    (void)current;
    return UNLIKELY(timer) ? task_or_timer(strategy) : sim_walk(strategy);
}

struct strategy strategy_random = {
    .name = "random",
    .summary = "every runnable task is as likely at every step",
    .begin = begin,
    .task = task,
    .pick = pick,
    .random = draw,
    .walks = true,
    .sampling = true,
};
