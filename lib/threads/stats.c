/* stats.c - what is counted in a run, and kept after it. */
#include <string.h>

#include "lib/threads/runtime.h"

_Atomic int64_t threads_clock;

/* Of the last run. While the tasks are held, as all of this. */
static struct pirn_stats last;
static size_t deepest; /* as found by the last call in this run */

static uint64_t read_count(_Atomic uint64_t *counter) {
    return atomic_load_explicit(counter, memory_order_acquire);
}

static void add_counts(struct pirn_stats *stats, struct counts *counts) {
    uint64_t ended = read_count(&counts->ended), parks = read_count(&counts->parks);
    stats->live -= ended;
    stats->most_live += read_count(&counts->structs);
    stats->switches += ended + parks + read_count(&counts->yields);
    stats->parks += parks;
    stats->steals += read_count(&counts->steals);
    stats->blocked += (int64_t)read_count(&counts->blocked);
}

/* What is left of a run when it has ended. */
static void add_totals(struct pirn_stats *stats) {
    int started = atomic_load_explicit(&runtime.started, memory_order_acquire);
    add_counts(stats, &runtime.counts);
    for (int i = 0; i < started; i++) {
        add_counts(stats, &runtime.workers[i].counts);
        /* Structs are used again before new ones are, so as many tasks were there at once. */
        stats->most_live -= atomic_load_explicit(&runtime.workers[i].unused, memory_order_relaxed);
    }
    /* After those that have ended, so that none has that was not started. */
    stats->started = read_count(&runtime.counts.started);
    for (int i = 0; i < started; i++)
        stats->started += read_count(&runtime.workers[i].counts.started);
    stats->live += stats->started;
    runtime_lock();
    stack_stats(&runtime.stacks, stats);
    runtime_unlock();
}

static void add_present(struct pirn_stats *stats) {
    stats->workers = atomic_load(&runtime.active);
    if (stats->workers > runtime.worker_count)
        stats->extra_workers = stats->workers - runtime.worker_count;
    stats->helpers = block_helpers();
    stats->timers = timers_count();
    stats->descriptor_waits = (uint64_t)poller_count();
}

static size_t find_deepest(void) {
    struct stack_look look = {0};
    size_t found = 0, depth;
    for (;;) {
        bool more;
        runtime_lock();
        more = stack_look_next(&runtime.stacks, &look);
        runtime_unlock();
        if (!more) return found;
        depth = stack_look_deepest(&look);
        if (depth > found) found = depth;
    }
}

void stats_keep(void) {
    memset(&last, 0, sizeof last);
    add_totals(&last);
    last.live = 0;
    last.stack_reserved = last.stack_used = 0;
    last.stack_deepest = deepest;
    deepest = 0;
}

void engine_stats(struct pirn_stats *stats) {
    tasks_hold();
    if (atomic_load(&runtime.running)) {
        add_totals(stats);
        add_present(stats);
        stats->stack_deepest = deepest = find_deepest();
    } else {
        *stats = last;
    }
    tasks_let_go();
}
