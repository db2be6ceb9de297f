/* live.c - when a run is watched for races. */
#include "sim/race/race.h"
#include "sim/race/shadow.h"

bool race_live, race_programmed;
__thread bool race_thread __attribute__((tls_model("initial-exec")));

void race_start(void) {
    const struct log *log = sim.log;
    if (race_live) return;
    clock_start();
    calls_start();
    shadow_start();
    heap_start();
    atomics_start();
    race_live = true;
    for (size_t i = 0; i < log->edge_count; i++) {
        const struct log_edge *edge = &log->edges[i];
        clock_edge(log->events[edge->after - 1].task, edge->after, edge->before);
    }
}

void race_begin(void) {
    race_live = false;
    shadow_quick = 0;
    race_thread = true;
    points_any = sim.options.points == POINTS_ACCESS || sim.log->points_used;
}

void race_task_begins(const struct task *self) {
    if (race_programmed) race_start();
    if (!race_live) return;
    /* Used anew, like the copy of its argument. */
    shadow_clear((uintptr_t)self->stack.base, self->stack.size);
    if (self->copy_size) shadow_clear((uintptr_t)self->core.arg, self->copy_size);
}

void race_touch(const void *address, size_t size, bool writes, const void *site) {
    struct task *self = race_task();
    if (self) shadow_access(self, (uintptr_t)address, size, writes ? ACCESS_WRITE : 0, site);
}
