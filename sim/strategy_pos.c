/*
 * strategy_pos.c - partial order sampling.
 *
 * X. Yuan, J. Yang, R. Gu: Partial Order Aware Concurrency Sampling, CAV 2018.
 *
 * Each step to come has a random priority of its own, and the one with the highest is taken. The
 * steps that conflict with it, those on the same object that do not commute with it, draw theirs
 * anew: so the order of each pair of conflicting steps is as good as open, and independent steps
 * cost nothing. Every partial order can come, and has a probability that depends on its conflicts
 * alone and not on how many steps there are beside them.
 *
 * Where this departs from the paper
 *   - A conflict is one of operations on the library's objects. Of a select only is known that it
 *     looks at channels, so it conflicts with all operations on channels.
 *   - Timers take part (timer_rank), each time that they are armed, and conflict with nothing.
 */
#include "sim/random.h"
#include "sim/strategies.h"

static void begin(struct strategy *strategy, uint64_t seed) {
    strategy_seed(strategy, seed);
    strategy->state[1] = random_next(&strategy->state[0]);
}

/* The task whose next step has the highest priority; draws those that are missing. */
static struct task *highest(struct strategy *strategy) {
    struct task *best = NULL;
    for (size_t i = 0; i < sim.count; i++) {
        struct task *task = sim.runnable[i];
        /* A step is told by the one before it. */
        if (!task->rank || task->ranked_at != task->step) {
            task->rank = random_next(&strategy->state[0]) | 1;
            task->ranked_at = task->step;
        }
        if (!best || task->rank > best->rank) best = task;
    }
    return best;
}

static struct task *task(struct strategy *strategy, struct task *current, bool timer) {
    struct task *best = highest(strategy);
    (void)current;
    if (timer && timer_rank(strategy->state[1]) > best->rank) return NULL;
    for (size_t i = 0; i < sim.count; i++) {
        struct task *other = sim.runnable[i];
        if (other != best && steps_conflict(best, other)) other->rank = 0;
    }
    best->rank = 0;
    return best;
}

struct strategy strategy_pos = {
    .name = "pos",
    .summary = "random priorities of steps, drawn anew for those in conflict: orders of few "
               "conflicts among many steps",
    .begin = begin,
    .task = task,
    .pick = strategy_pick,
    .random = strategy_draw,
    .sampling = true,
};
