/*
 * step.h - what nearly every step goes through, inlined: who calls, how a step begins in the log,
 * and marks.
 */
#ifndef SIM_STEP_H
#define SIM_STEP_H

#include "lib/core/task.h"
#include "lib/core/wait.h"

/* Whichever header came first. */
static inline const void *task_site(const struct task *self, const void *site);

/* The same where there is no task, or where the thread is another. */
struct task *sim_outside(void);

static inline struct task *engine_self(void) {
    struct task *self = sim.current;
    return LIKELY(self && sim_thread) ? self : sim_outside();
}

static inline void engine_intend(struct task *self, int64_t deadline, int64_t number,
                                 const void *more, size_t count) {
    self->intent = (struct intent){deadline, number, more, count};
}

/* ---- Steps --------------------------------------------------------------------------------- */

/* An odd number without a pattern: histories are mixed well already. */
#define OPERATION UINT64_C(0xd6e8feb86659fd93)

/* The stamp with which the race detector marks bytes that a step has written; it is odd, that of
 * bytes only read less by one. Or STAMP_NONE, which no byte bears: each access is to be looked at. */
HIDDEN extern uint64_t shadow_stamp;
#define SHADOW_ALL(byte) ((byte)*UINT64_C(0x0101010101010101)) /* a byte eight times */
#define STAMP_NONE SHADOW_ALL(2)

/* A step begins. */
static inline void shadow_step(void) { shadow_stamp = STAMP_NONE; }

/* Begins a step that somebody wants to see begin, or that is one too many. */
void event_add_watched(struct task *self, const struct place *place, uint32_t object);

/* What a step is, in the log. Of `place` only the site is looked at: the object may be gone. */
static inline __attribute__((always_inline)) void
event_fill(struct task *self, enum op op, const struct place *place, uint32_t object) {
    struct log *log = sim.log;
    uint64_t index = log->steps;
    struct log_event *event = &log->events[index];
    event->task = (uint32_t)self->core.id;
    event->object = object;
    event->op = (uint8_t)op;
    event->has_result = false;
    event->result = 0;
    event->time = sim.now - CLOCK_START;
    event->site = task_site(self, place->site);
    event->hash = self->history ^ (op + 1) * OPERATION;
    log->steps = index + 1;
    self->step_before = self->step;
    self->step = (uint32_t)(index + 1);
    shadow_step();
}

/* The step that has begun is a task's, not the clock's. */
static inline __attribute__((always_inline)) void event_count(const struct task *self) {
    struct log_task *entry = self->entry;
    sim.task_steps++;
    entry->last_step = self->step;
    entry->steps++;
    sim.log->last_task = (uint32_t)self->core.id;
}

/* Begins a step of a task; `op` is that of the place, where a compiler may know it. */
static inline __attribute__((always_inline)) void
event_add(struct task *self, enum op op, const struct place *place, uint32_t object) {
    if (UNLIKELY(sim.log->steps >= sim.end_step)) {
        event_add_watched(self, place, object);
        return;
    }
    event_fill(self, op, place, object);
    event_count(self);
}

/* ---- Marks: marks.c has what they are ------------------------------------------------------ */

static inline void engine_release(struct task *self, uint64_t *mark) {
    if (LIKELY(self->step)) *mark = sim.mark | self->step;
}

/* A mark of this run. */
static inline bool mark_is_current(uint64_t mark) { return ((mark ^ sim.mark) >> 33) == 0; }

/* The steps of such a mark happen before that of the task, which is in one. */
void mark_join(struct task *self, uint64_t mark, enum edge_kind kind);

static inline void engine_acquire(struct task *self, const uint64_t *mark, enum edge_kind kind) {
    if (mark_is_current(*mark) && LIKELY(self->step)) mark_join(self, *mark, kind);
}

/* ---- Choices ------------------------------------------------------------------------------- */

_Noreturn void sim_stop_choosing(void);

static inline void sim_log_choice(uint64_t choice) {
    struct log *log = sim.log;
    if (UNLIKELY(log->choice_count == log->choice_room)) sim_stop_choosing();
    log->choices[log->choice_count++] = choice;
}

static inline void sim_log_task(const struct task *task, const struct task *current) {
    sim_log_choice(task == current ? CHOICE_CONTINUE : CHOICE_TASK + task->core.id - 1);
}

/* The same where it takes more than a question to the strategy. */
struct task *sim_choose_anyhow(struct task *current);

/* Decides who takes the next step. `current` is the task at a scheduling point; NULL: it cannot
 * go on. */
static inline __attribute__((always_inline)) struct task *sim_choose(struct task *current) {
    struct task *task;
    if (UNLIKELY(sim.log->steps >= sim.plain_until)) return sim_choose_anyhow(current);
    if (sim.count < 2)
        return sim.count && !sim.strategy->fires ? sim.runnable[0] : sim_choose_anyhow(current);
    task = sim.strategy->task(sim.strategy, current, false);
    sim_log_task(task, current);
    return task;
}

/* ---- Runnable tasks by age ----------------------------------------------------------------- */

static inline void task_unlink_age(struct task *task) {
    *(task->older ? &task->older->newer : &sim.oldest) = task->newer;
    *(task->newer ? &task->newer->older : &sim.newest) = task->older;
}

static inline void task_link_newest(struct task *task) {
    task->older = sim.newest;
    task->newer = NULL;
    *(sim.newest ? &sim.newest->newer : &sim.oldest) = task;
    sim.newest = task;
}

/* It takes a step. */
static inline void task_becomes_newest(struct task *task) {
    if (task == sim.newest) return;
    task_unlink_age(task);
    task_link_newest(task);
}

/* ---- Switching ----------------------------------------------------------------------------- */

void sim_free_dead(void);

/* First thing on a stack that has been switched to. */
static inline __attribute__((always_inline)) void sim_arrive(struct fiber *self) {
    sanitize_arrive(self, sim.came_from);
    if (sim.dead) sim_free_dead();
}

/*
 * Inlined, into functions that are called by as few others as can be: processors predict that a
 * function returns to who called it last, and that is wrong for every frame that a switch leaves
 * behind and finds.
 */
static inline __attribute__((always_inline)) void sim_switch(struct task *self, struct task *next,
                                                             bool ends) {
    sim.log->switches++;
    if (self->state == TASK_RUNNABLE) sim.log->preemptions++;
    sim.current = next;
    if (PIRN_SANITIZED) sim.came_from = &self->fiber;
    sanitize_leave(&self->fiber, &next->fiber, ends);
    context_switch(&self->context, &next->context, NULL);
    sim_arrive(&self->fiber);
}

/* Of dpor: see dependence.h. */
HIDDEN extern struct footprint *dependence_footprint;
void dependence_begin(struct task *self, const struct place *place);

/* Begins an operation of who is no task. */
void sim_begin_outside(struct task *self, const struct place *place);

static inline __attribute__((always_inline)) void engine_begin_here(struct task *self,
                                                                    const struct place *place) {
    const enum op op = place->op;
    struct task *next;
    if (UNLIKELY(self != sim.current)) {
        sim_begin_outside(self, place);
        return;
    }
    self->next_place = place;
    next = sim_choose(self);
    if (next != self) sim_switch(self, next, false);
    task_becomes_newest(self);
    self->next_place = &place_nowhere;
    event_add(self, op, place, object_number(place));
    if (UNLIKELY(dependence_footprint != NULL)) dependence_begin(self, place);
}

#endif
