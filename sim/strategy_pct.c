/*
 * strategy_pct.c - probabilistic concurrency testing.
 *
 * S. Burckhardt, P. Kothari, M. Musuvathi, S. Nagarakatte: A Randomized Scheduler with
 * Probabilistic Guarantees of Finding Bugs, ASPLOS 2010.
 *
 * Each task has a random priority, and the runnable task with the highest one takes the step. At
 * d - 1 random steps, the change points, the task that would go on falls below all that have not
 * fallen: the i-th point gives it the priority i. A bug of depth d, one that shows whenever d
 * certain steps come in a certain order, is hit by a run of at most n tasks and k steps with a
 * probability of at least 1 / (n k^(d-1)).
 *
 * Where this departs from the paper
 *   - k is not known before: it is learned from the first runs (share.h), quickly upwards and
 *     slowly downwards. The very first guesses, and the guarantee begins with the second.
 *   - Timers take part (timer_rank), and count as a task each time that they are armed.
 *   - A task that starves others is made to take turns in the end (engine.c).
 */
#include <string.h>

#include "sim/random.h"
#include "sim/strategies.h"

#define HIGH (UINT64_C(1) << 63) /* priorities that tasks begin with are not below this */

static uint64_t length; /* estimate of the steps in a run; 0: none yet */
static struct change {
    uint64_t step; /* of this run, from 1 */
    uint64_t rank;
} changes[MOST_DEPTH];
static int change_count, change_next;

static void start(struct strategy *strategy) {
    (void)strategy;
    length = 0;
}

/* They stand in the order of their steps; of two at one step the second counts. */
static void add_change(struct change change) {
    int at = change_count;
    while (at > 0 && changes[at - 1].step > change.step) at--;
    if (at > 0 && changes[at - 1].step == change.step) {
        changes[at - 1] = change;
        return;
    }
    memmove(&changes[at + 1], &changes[at], (size_t)(change_count - at) * sizeof change);
    changes[at] = change;
    change_count++;
}

static void begin(struct strategy *strategy, uint64_t seed) {
    uint64_t *state = &strategy->state[0], most = length;
    strategy_seed(strategy, seed);
    strategy->state[1] = random_next(state);
    /* The scale of a program is as open as its length. */
    if (!most) most = UINT64_C(16) << random_below(state, 8);
    change_next = 0;
    change_count = 0;
    for (int rank = 1; rank < strategy->depth; rank++) {
        add_change((struct change){1 + random_below(state, most), (uint64_t)rank});
    }
}

static struct task *highest(struct strategy *strategy) {
    struct task *best = NULL;
    for (size_t i = 0; i < sim.count; i++) {
        struct task *task = sim.runnable[i];
        if (!task->rank) task->rank = HIGH | random_next(&strategy->state[0]);
        if (!best || task->rank > best->rank) best = task;
    }
    return best;
}

/* The steps at which there was nothing to choose have passed without a question. */
static void catch_up(uint64_t steps) {
    for (; change_next < change_count && changes[change_next].step <= steps; change_next++) {
        const struct change *change = &changes[change_next];
        uint32_t id = sim.log->events[sim.first_step + change->step - 1].task;
        struct task *task = sim.tasks;
        while (task && task->core.id != id) task = task->next;
        if (task) task->rank = change->rank;
    }
}

static struct task *task(struct strategy *strategy, struct task *current, bool timer) {
    uint64_t steps = sim.log->steps - sim.first_step;
    struct task *best;
    (void)current;
    if (change_next < change_count) catch_up(steps);
    for (;;) {
        best = highest(strategy);
        if (timer && timer_rank(strategy->state[1]) > (best->rank & ~HIGH) << 1) return NULL;
        if (change_next == change_count || changes[change_next].step > steps + 1) return best;
        best->rank = changes[change_next++].rank;
    }
}

static void learn(struct strategy *strategy, struct log *log) {
    uint64_t steps = log->steps;
    (void)strategy;
    /* Where a run was cut off says nothing of how long others are. */
    if (log->outcome == PIRN_LIVELOCK || log->outcome == PIRN_TIMEOUT || log->outcome == PIRN_CRASH)
        return;
    if (steps >= length)
        length = steps;
    else
        length -= (length - steps) / 8;
}

static const struct strategy_memory memory[] = {{&length, sizeof length}, {NULL, 0}};

struct strategy strategy_pct = {
    .name = "pct",
    .summary = "priorities that change at depth-1 random steps (depth=3): bugs that need few "
               "switches",
    .start = start,
    .begin = begin,
    .task = task,
    .pick = strategy_pick,
    .random = strategy_draw,
    .learn = learn,
    .memory = memory,
    .most_depth = MOST_DEPTH,
    .sampling = true,
};
