/*
 * strategy_surw.c - the uniform random walk over interleavings.
 *
 * H. Zhao, D. Wolff, U. Mathur, A. Roychoudhury: Selectively Uniform Concurrency Testing, ASPLOS
 * 2025.
 *
 * A walk that takes every runnable task as likely at each step prefers interleavings that switch
 * evenly: a short task beside a long one is over long before. Here the next task is drawn with a
 * probability in proportion to the steps that it still has to do, those of the tasks that it
 * will start included. Where the numbers are right and tasks wait for nobody, every interleaving
 * has the same probability.
 *
 * Where this departs from the paper
 *   - It is uniform over all steps: none are selected.
 *   - The numbers are means over the first runs (share.h) that came to rest, for each task by its
 *     place in the tree of tasks. In the very first run, and for tasks that have not been seen,
 *     every task counts as one step, as in `random`; and so does one that goes on for longer than
 *     it used to.
 *   - A timer takes part with its weight, as one step.
 */
#include <string.h>

#include "sim/random.h"
#include "sim/strategies.h"

enum { ROOM = 4096 /* a power of two; what does not fit is not learned */ };

/* What is known of a task: how many steps it and its descendants have. */
static struct known {
    uint64_t identity; /* 0: free */
    double steps;      /* mean */
    uint64_t runs;
} known[ROOM];
static size_t known_count;

static struct known *find(uint64_t identity) {
    size_t at = identity & (ROOM - 1);
    if (!identity) identity = 1;
    while (known[at].identity && known[at].identity != identity) at = (at + 1) & (ROOM - 1);
    return &known[at];
}

static void start(struct strategy *strategy) {
    (void)strategy;
    if (known_count) memset(known, 0, sizeof known);
    known_count = 0;
}

/* ---- During a run -------------------------------------------------------------------------- */

/* The steps that a task still has to do, with those of the tasks that it will start. */
static double remaining(struct task *task) {
    double left;
    if (!task->planned) {
        task->planned = true;
        task->plan = find(task->identity)->steps;
    }
    /* Those it has started have plans of their own. */
    while (task->children_planned < task->children)
        task->plan -= find(mix(task->identity, ++task->children_planned))->steps;
    left = task->plan - task->steps;
    return left > 1 ? left : 1;
}

static struct task *task(struct strategy *strategy, struct task *current, bool timer) {
    double total = timer ? timer_weight() : 0, drawn;
    (void)current;
    for (size_t i = 0; i < sim.count; i++)
        total += sim.runnable[i]->left = remaining(sim.runnable[i]);
    drawn = random_unit(&strategy->state[0]) * total;
    for (size_t i = 0; i < sim.count; i++) {
        if (drawn < sim.runnable[i]->left) return sim.runnable[i];
        drawn -= sim.runnable[i]->left;
    }
    /* Rounding must not make a timer of a task. */
    return timer ? NULL : sim.runnable[sim.count - 1];
}

/* ---- Between runs -------------------------------------------------------------------------- */

static void take_in(uint64_t identity, uint32_t steps) {
    struct known *entry = find(identity);
    if (!entry->identity) {
        if (known_count == ROOM / 2) return;
        known_count++;
        entry->identity = identity ? identity : 1;
    }
    entry->runs++;
    entry->steps += (steps - entry->steps) / (double)entry->runs;
}

static void learn(struct strategy *strategy, struct log *log) {
    size_t count = log->tasks < log->task_room ? (size_t)log->tasks : log->task_room;
    (void)strategy;
    if (log->outcome != PIRN_OK && log->outcome != PIRN_LEAK && log->outcome != PIRN_DEADLOCK)
        return;
    log_tally(log);
    for (size_t i = 0; i < count; i++) {
        struct log_task *task = &log->task_table[i];
        /* Nobody is asked who goes on before a task's exit: it belongs to the step before. */
        task->with_children = task->steps - (task->state == LOG_EXITED && task->steps);
    }
    /* A task is younger than the one that started it. */
    for (size_t i = count; i-- > 0;) {
        struct log_task *task = &log->task_table[i];
        if (task->parent && task->parent <= i)
            log->task_table[task->parent - 1].with_children += task->with_children;
        take_in(task->identity, task->with_children);
    }
}

static const struct strategy_memory memory[] = {
    {known, sizeof known}, {&known_count, sizeof known_count}, {NULL, 0}};

struct strategy strategy_surw = {
    .name = "surw",
    .summary = "a task is the likelier the more steps it has left: all interleavings alike",
    .start = start,
    .begin = strategy_seed,
    .task = task,
    .pick = strategy_pick,
    .random = strategy_draw,
    .learn = learn,
    .memory = memory,
    .sampling = true,
};
