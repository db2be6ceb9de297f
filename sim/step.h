/*
 * step.h - what nearly every step goes through, inlined: who calls, how a step begins in the log,
 * and marks.
 */
#ifndef SIM_STEP_H
#define SIM_STEP_H

#include "lib/core/task.h"
#include "lib/core/wait.h"

/* Of dpor: see dependence.h. */
HIDDEN extern struct footprint *dependence_footprint;

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

/* What else there is says nothing of such an operation, and stays as it was. */
static inline void engine_intend_until(struct task *self, int64_t deadline) {
    self->intent.deadline = deadline;
}

/* ---- Steps --------------------------------------------------------------------------------- */

/* An odd number without a pattern: histories are mixed well already. */
#define OPERATION UINT64_C(0xd6e8feb86659fd93)

/* The stamp with which the race detector marks bytes that a step has written; it is odd, that of
 * bytes only read less by one. Or STAMP_NONE, which no byte bears: each access is to be looked at. */
HIDDEN extern uint64_t shadow_stamp;
#define SHADOW_ALL(byte) ((byte)*UINT64_C(0x0101010101010101)) /* a byte eight times */
#define STAMP_NONE SHADOW_ALL(2)

/* A step begins, of a run that is watched for races. */
static inline void shadow_step(void) { shadow_stamp = STAMP_NONE; }

/* Begins a step that somebody wants to see begin, or that is one too many. */
void event_add_watched(struct task *self, const struct place *place, uint32_t object);

/* What a step is, in the log. */
static inline __attribute__((always_inline)) void event_fill(struct task *self, enum op op,
                                                             const void *site, uint32_t object) {
    struct log *log = sim.log;
    uint64_t index = log->steps;
    struct log_event *event = &log->events[index];
    uint32_t before = self->step;
    log->steps = index + 1;
    self->event = event;
    self->step = (uint32_t)(index + 1);
    event->task = (uint32_t)self->core.id;
    event->object = object;
    event->op = (uint8_t)op;
    event->has_result = event->changed = event->unused = false;
    event->result = 0;
    event->time = sim.now - CLOCK_START;
    event->site = site;
    event->hash = self->history ^ (op + 1) * OPERATION;
    self->steps++;
    self->step_before = before;
}

/* What there is to do at the beginning of a step, once it is in the log, where sim.extras is set.
 * `place` as dpor is to see it; NULL: not at all. */
void step_extras(struct task *self, const struct place *place);

/* Begins a step of a task; `op` is that of the place, where a compiler may know it. Of `place` only
 * the site is looked at: the object may be gone. */
static inline __attribute__((always_inline)) void
event_add(struct task *self, enum op op, const struct place *place, uint32_t object) {
    if (UNLIKELY(sim.log->steps >= sim.end_step))
        event_add_watched(self, place, object);
    else
        event_fill(self, op, task_site(self, place->site), object);
}

/* The same of a step at a task's beginning or end, for which its function stands. */
void event_add_outer_watched(struct task *self, enum op op);

static inline __attribute__((always_inline)) void event_add_outer(struct task *self, enum op op) {
    if (UNLIKELY(sim.log->steps >= sim.end_step))
        event_add_outer_watched(self, op);
    else
        event_fill(self, op, (const char *)(uintptr_t)self->core.fn + 1, 0);
}

/* Sets of operations. */
#define OP_SET(op) (UINT64_C(1) << OP_##op)
_Static_assert(OP_COUNT <= 64, "a set has a bit for each");

static inline bool op_is_in(uint64_t set, enum op op) { return set >> op & 1; }

/* Their results depend on the order of independent steps, or are no part of the order. */
#define NOT_ORDERING \
    (OP_SET(GO) | OP_SET(RANDOM) | OP_SET(ADD) | OP_SET(DONE) | OP_SET(SIGNAL) | OP_SET(BROADCAST))

/* They only look. */
#define LOOKING (OP_SET(YIELD) | OP_SET(LEN) | OP_SET(ERR))

/* The step has a result, and with it the task a longer history. */
static inline __attribute__((always_inline)) void event_conclude(struct task *self,
                                                                 struct log_event *event,
                                                                 enum op op, int64_t result,
                                                                 bool changed) {
    event->op = (uint8_t)op; /* as it is: one write of all four */
    event->has_result = true;
    event->changed = changed;
    event->unused = false;
    event->result = result;
    self->history =
        mix(event->hash, self->inputs + (op_is_in(NOT_ORDERING, op) ? 0 : (uint64_t)result));
    self->inputs = 0;
}

/* The same where steps have changed nothing, this one or those before. */
void event_conclude_idle(struct task *self, struct log_event *event, int64_t result, bool changed);

static inline __attribute__((always_inline)) void
event_end(struct task *self, struct log_event *event, enum op op, int64_t result, bool changed) {
    if (UNLIKELY(!changed || sim.idle))
        event_conclude_idle(self, event, result, changed);
    else
        event_conclude(self, event, op, result, true);
}

/* For the others nothing has changed: it has only looked, or has been refused. */
static inline bool changes_nothing(enum op op, int64_t result) {
    return op_is_in(LOOKING, op) || result == -EAGAIN || result == -EBUSY;
}

static inline __attribute__((always_inline)) void engine_end_here(struct task *self, enum op op,
                                                                  int64_t result) {
    event_end(self, self->event, op, result, !changes_nothing(op, result));
}

/* ---- Marks: marks.c has what they are ------------------------------------------------------ */

static inline void engine_release(struct task *self, uint64_t *mark) {
    if (LIKELY(self->step)) *mark = sim.mark | self->step;
}

/* A mark of this run. */
static inline bool mark_is_current(uint64_t mark) { return ((mark ^ sim.mark) >> 33) == 0; }

/* Rotations of one name add up to none of the others, unless there are dozens of them. */
static inline uint64_t mark_rotate(uint64_t name, unsigned by) {
    by &= 63;
    return name << by | name >> (-by & 63);
}

_Noreturn void mark_stop(void); /* there are too many */
HIDDEN extern bool race_live;   /* race/race.h */
void clock_edge(uint32_t task, uint32_t step, uint32_t before);

/* That step happens before the one that the task is in. */
static inline __attribute__((always_inline)) void mark_edge(struct task *self, uint32_t before,
                                                            enum edge_kind kind) {
    struct log *log = sim.log;
    const struct log_event *source = &log->events[before - 1];
    struct log_edge *edge;
    /* What a task did itself is ordered anyway. */
    if (source->task == self->core.id) return;
    if (UNLIKELY(log->edge_count == log->edge_room)) mark_stop();
    edge = &log->edges[log->edge_count++];
    edge->before = before;
    edge->after = self->step;
    edge->kind = (uint8_t)kind;
    self->inputs += mark_rotate(source->hash, 5 * kind + 1);
    if (UNLIKELY(race_live)) clock_edge((uint32_t)self->core.id, self->step, before);
}

/* The same of all steps of a list. */
void mark_join_list(struct task *self, uint64_t mark, enum edge_kind kind);

/* The steps of the mark happen before that of the task, if it is in one. */
static inline __attribute__((always_inline)) void
engine_acquire(struct task *self, const uint64_t *mark, enum edge_kind kind) {
    uint64_t rest = *mark ^ sim.mark;
    if (LIKELY(rest >> 32 == 0)) {
        mark_edge(self, (uint32_t)rest, kind);
    } else if (UNLIKELY(rest >> 33 == 0)) {
        mark_join_list(self, *mark, kind);
    }
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

/* Of `random`: state[1] is what state[0] gives next. A processor that has to guess which task it will
 * be knows better the sooner. */
static inline void random_look_ahead(struct strategy *strategy) {
    strategy->state[1] = random_hash(strategy->state[0]);
}

/* The answer of `random`, where all that can go on is a task, and there are two at least. */
static inline __attribute__((always_inline)) struct task *sim_walk(struct strategy *strategy) {
    uint64_t product;
    if (UNLIKELY(!random_is_even(strategy->state[1], sim.count, &product)))
        return sim.runnable[strategy->pick(strategy, sim.count)];
    strategy->state[0] += RANDOM_STEP;
    random_look_ahead(strategy);
    return sim.runnable[product >> 32];
}

/* The same where it takes more than a question to the strategy. */
struct task *sim_choose_anyhow(struct task *current);

/* Decides who takes the next step. `current` is the task at a scheduling point; NULL: it cannot
 * go on. */
static inline __attribute__((always_inline)) struct task *sim_choose(struct task *current) {
    struct strategy *strategy = sim.strategy;
    struct task *task;
    if (UNLIKELY(sim.log->steps >= sim.plain_until)) return sim_choose_anyhow(current);
    if (sim.count < 2)
        return sim.count && !strategy->fires ? sim.runnable[0] : sim_choose_anyhow(current);
    task = strategy->walks ? sim_walk(strategy) : strategy->task(strategy, current, false);
    sim_log_task(task, current);
    return task;
}

/* ---- Switching ----------------------------------------------------------------------------- */

/* First thing on a stack that has been switched to. */
static inline __attribute__((always_inline)) void sim_arrive(struct fiber *self) {
    sanitize_arrive(self, sim.came_from);
}

/*
 * Inlined, into functions that are called by as few others as can be: processors predict that a
 * function returns to who called it last, and that is wrong for every frame that a switch leaves
 * behind and finds.
 */
static inline __attribute__((always_inline)) void sim_switch(struct task *self, struct task *next,
                                                             bool ends) {
    sim.log->switches++;
    sim.current = next;
    if (PIRN_SANITIZED) sim.came_from = &self->fiber;
    sanitize_leave(&self->fiber, &next->fiber, ends);
    context_switch(&self->context, &next->context, NULL);
    sim_arrive(&self->fiber);
}

/* Begins an operation of who is no task. */
void sim_begin_outside(struct task *self, const struct place *place);

static inline __attribute__((always_inline)) void engine_begin_here(struct task *self, enum op op,
                                                                    const struct place *place) {
    waitq *queue = place->queue;
    struct task *next;
    if (UNLIKELY(self != sim.current)) {
        sim_begin_outside(self, place);
        return;
    }
    self->next_place = place;
    next = sim_choose(self);
    if (next != self) {
        sim.log->preemptions++;
        sim_switch(self, next, false);
    }
    self->next_place = &place_nowhere;
    event_add(self, op, place, object_number_in(queue, place));
    if (UNLIKELY(sim.extras)) step_extras(self, place);
}

#endif
