/* live.c - when a run is watched for races. */
#include "sim/race/kept.h"
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
    race_live = sim.extras = sim.log->watched = true;
    for (size_t i = 0; i < log->edge_count; i++) {
        const struct log_edge *edge = &log->edges[i];
        clock_edge(log->events[edge->after - 1].task, edge->after, edge->before);
    }
}

void race_begin(void) {
    race_live = false;
    if (!++race_kept.run) race_kept.run++;
    shadow_step();
    calls_forget();
    race_thread = true;
    points_any = sim.options.points == POINTS_ACCESS || sim.log->points_used;
}

void race_task_begins(const struct task *self) {
    if (race_programmed) race_start();
    if (!race_live) return;
    calls_forget();
    /* Used anew, like the copy of its argument. */
    shadow_clear((uintptr_t)self->stack.base, self->stack.size);
    if (self->copy_size) shadow_clear((uintptr_t)self->core.arg, self->copy_size);
}

void race_touch_now(struct task *task, const void *address, size_t size, bool writes,
                    const void *site) {
    if (race_task()) shadow_note(task, (uintptr_t)address, size, writes ? ACCESS_WRITE : 0, site);
}

void race_touch_offered(struct task *task, const void *value, size_t size) {
    const struct place *place = &task->core.waits;
    /* A plain send has said so before it began. */
    if (place->op != OP_SELECT && place->op != OP_SELECT_FIRST) return;
    race_touch_now(task, value, size, false, place->site);
}

void race_touch_case(struct task *self, int64_t index, void *value, const void *site) {
    const struct log *log = sim.log;
    uint32_t object = self->step ? log->cases[self->first_case + (size_t)index].object : 0;
    if (object) race_touch(value, (size_t)log->objects[object - 1].value_size, true, site);
}

void race_touch(const void *address, size_t size, bool writes, const void *site) {
    struct task *self = race_task();
    if (self) shadow_access(self, (uintptr_t)address, size, writes ? ACCESS_WRITE : 0, site);
}
