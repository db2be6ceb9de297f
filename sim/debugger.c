/*
 * debugger.c - where a debugger stops a run, and what it has to know of the inside.
 *
 * The debugger writes what it wants into pirn__debugger_stop before or during a run, and has a
 * breakpoint at pirn__debugger_here. While it wants nothing no step costs more than without it.
 */
#include "lib/core/debugger.h"

#include "sim/sim.h"

extern struct debugger_stop {
    uint64_t step; /* stop when this one begins, or a later one of that task; 0: at none */
    uint64_t task; /* 0: of any */
    bool found;    /* stop at the first finding */
    /* The step that it has stopped at; by 0: the clock. */
    uint64_t number, by;
    uint32_t op, object; /* object 0: none */
    const void *site;
    /* The finding that it has stopped at, in words. */
    const char *kind, *message;
} pirn__debugger_stop;

EXPORT struct debugger_stop pirn__debugger_stop;

EXPORT __attribute__((noinline)) void pirn__debugger_here(void);

void pirn__debugger_here(void) { __asm__ volatile("" : : : "memory"); }

void debugger_plan(void) {
    const struct debugger_stop *stop = &pirn__debugger_stop;
    sim.end_step = stop->step && stop->step <= sim.last_step ? stop->step - 1 : sim.last_step;
    if (sim.options.expected) sim.end_step = 0;
}

void debugger_step(const struct task *self, const struct place *place, uint32_t object) {
    struct debugger_stop *stop = &pirn__debugger_stop;
    if (!stop->step || sim.log->steps + 1 < stop->step) return;
    if (stop->task && stop->task != self->core.id) return;
    stop->step = 0;
    stop->number = sim.log->steps + 1;
    stop->by = self->core.id;
    stop->op = place->op;
    stop->object = object;
    stop->site = task_site(self, place->site);
    pirn__debugger_here();
    debugger_plan(); /* it may want to stop again */
}

void debugger_found(pirn_outcome kind, const char *message) {
    struct debugger_stop *stop = &pirn__debugger_stop;
    if (!stop->found) return;
    stop->kind = pirn_outcome_name(kind);
    stop->message = message;
    pirn__debugger_here();
}

extern const struct debugger_row pirn__debugger_sim[];

EXPORT const struct debugger_row pirn__debugger_sim[] = {
    DEBUGGER_ROWS,
    {"task.next", offsetof(struct task, next)},
    {"task.entry", offsetof(struct task, entry)},
    {"task.next_place", offsetof(struct task, next_place)},
    {"entry.first_step", offsetof(struct log_task, first_step)},
    {"state_ended", TASK_ENDED},
    {"state_parked", TASK_PARKED},
    {"tasks", DEBUGGER_ADDRESS(sim.tasks)},
    {"current", DEBUGGER_ADDRESS(sim.current)},
    {"first_task", DEBUGGER_ADDRESS(sim.first_task)},
    {"epoch", DEBUGGER_ADDRESS(sim.epoch)},
    {"log", DEBUGGER_ADDRESS(sim.log)},
    {"log.steps", offsetof(struct log, steps)},
    {"log.objects", offsetof(struct log, objects)},
    {"object.size", sizeof(struct log_object)},
    {"object.site", offsetof(struct log_object, site)},
    {"object.kind", offsetof(struct log_object, kind)},
    {"running", DEBUGGER_ADDRESS(sim.active)},
    {"stop.step", offsetof(struct debugger_stop, step)},
    {"stop.task", offsetof(struct debugger_stop, task)},
    {"stop.found", offsetof(struct debugger_stop, found)},
    {"stop.number", offsetof(struct debugger_stop, number)},
    {"stop.by", offsetof(struct debugger_stop, by)},
    {"stop.op", offsetof(struct debugger_stop, op)},
    {"stop.object", offsetof(struct debugger_stop, object)},
    {"stop.site", offsetof(struct debugger_stop, site)},
    {"stop.kind", offsetof(struct debugger_stop, kind)},
    {"stop.message", offsetof(struct debugger_stop, message)},
    {"end_step", DEBUGGER_ADDRESS(sim.end_step)},
    {"", 0},
};
