/*
 * strategy_random.c - the random walk: at each point every runnable task is as likely.
 *
 * No schedule is impossible, but one that needs a task to be passed over for n steps beside one
 * other has a probability of 2^-n.
 */
#include "sim/random.h"
#include "sim/strategies.h"

/* state[1] is what state[0] gives next: a processor that has to guess which task it will be knows
 * better the sooner. */
static inline void look_ahead(struct strategy *strategy) {
    uint64_t state = strategy->state[0];
    strategy->state[1] = random_next(&state);
}

static void begin(struct strategy *strategy, uint64_t seed) {
    strategy_seed(strategy, seed);
    look_ahead(strategy);
}

static uint64_t pick(struct strategy *strategy, uint64_t n) {
    uint64_t picked = strategy_pick(strategy, n);
    look_ahead(strategy);
    return picked;
}

static uint64_t draw(struct strategy *strategy) {
    uint64_t drawn = strategy_draw(strategy);
    look_ahead(strategy);
    return drawn;
}

static struct task *task_or_timer(struct strategy *strategy) {
    double drawn = random_unit(&strategy->state[0]) * ((double)sim.count + timer_weight());
    look_ahead(strategy);
    return drawn >= (double)sim.count ? NULL : sim.runnable[(size_t)drawn];
}

static __attribute__((noinline)) struct task *task_slowly(struct strategy *strategy, bool timer) {
    return timer ? task_or_timer(strategy) : sim.runnable[pick(strategy, sim.count)];
}

static struct task *task(struct strategy *strategy, struct task *current, bool timer) {
    uint64_t product;
    (void)current;
    if (UNLIKELY(timer || !random_is_even(strategy->state[1], sim.count, &product)))
        return task_slowly(strategy, timer);
    random_next(&strategy->state[0]);
    look_ahead(strategy);
    return sim.runnable[product >> 32];
}

struct strategy strategy_random = {
    .name = "random",
    .summary = "every runnable task is as likely at every step",
    .begin = begin,
    .task = task,
    .pick = pick,
    .random = draw,
    .sampling = true,
};
