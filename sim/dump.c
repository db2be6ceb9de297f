/* dump.c - every task of the run under way, and what has been counted in it. */
#include "lib/core/dump.h"

#include <string.h>

#include "lib/core/task.h"
#include "sim/sim.h"

/* Of the last run. */
static struct pirn_stats last;
static size_t deepest; /* as found by the last call in this run */

static void add_cases(struct dump_task *seen, const struct wait *wait) {
    seen->cases = wait->count;
    while (seen->cases_got < wait->count && seen->cases_got < DUMP_CASES) {
        const struct waiter *waiter = &wait->waiters[seen->cases_got];
        seen->shown[seen->cases_got++] =
            (struct dump_case){waiter->queue == waiter->guard, waiter->guard, *waiter->guard};
    }
}

static void add_task(struct dump *dump, const struct task *task) {
    struct dump_task seen = {.core = task->core, .worker = -1, .time = -1};
    struct place *waits = &seen.core.waits;
    const struct wait *wait = wait_of(task);

    if (seen.core.name) {
        strncpy(seen.name, seen.core.name, sizeof seen.name - 1);
        seen.core.name = seen.name;
    }
    seen.core.id -= sim.first_task;
    if (seen.core.parent) seen.core.parent -= sim.first_task;
    seen.state = task == sim.current ? DUMP_RUNNING : DUMP_RUNNABLE;
    if (task->state == TASK_PARKED) {
        seen.state = DUMP_WAITING;
        seen.time = sim.now - task->since;
        if (waits->queue) {
            seen.queue = *waits->queue;
            waits->queue = &seen.queue;
        }
        if (wait && (waits->op == OP_SELECT || waits->op == OP_SELECT_FIRST))
            add_cases(&seen, wait);
    }
    dump_add(dump, &seen);
}

bool engine_dump(struct dump *dump) {
    engine_self(); /* which sees to it that the simulator's thread calls */
    if (!sim.active) return false;
    for (const struct task *task = sim.tasks; task; task = task->next)
        if (task->state != TASK_ENDED) add_task(dump, task);
    return true;
}

static void add_totals(struct pirn_stats *stats) {
    stats->started = sim.log->tasks - sim.first_task;
    stats->live = sim.live;
    stats->most_live = sim.most_live;
    stats->switches = sim.log->switches - sim.first_switch;
    stats->parks = sim.parks;
    stats->blocked = sim.blocked;
    stack_stats(&sim.stacks, stats);
}

void stats_begin(void) {
    sim.first_switch = sim.log->switches;
    sim.most_live = 0;
    sim.parks = 0;
    sim.blocked = 0;
    sim.stacks.most_out = sim.stacks.out;
    deepest = 0;
}

void stats_keep(void) {
    if (!sim.log) return;
    memset(&last, 0, sizeof last);
    add_totals(&last);
    last.live = 0;
    last.stack_reserved = last.stack_used = 0;
    last.stack_deepest = deepest;
}

void engine_stats(struct pirn_stats *stats) {
    struct stack_look look = {0};
    engine_self();
    if (!sim.active) {
        stats_keep();
        *stats = last;
        return;
    }
    sim_free_dead();
    add_totals(stats);
    stats->timers = timers_armed;
    stats->descriptor_waits = fds_count();
    deepest = 0;
    while (stack_look_next(&sim.stacks, &look)) {
        size_t depth = stack_look_deepest(&look);
        if (depth > deepest) deepest = depth;
    }
    stats->stack_deepest = deepest;
}
