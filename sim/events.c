/* events.c - the steps of a run: how each begins and ends in the log. */
#include <stdio.h>

#include "lib/core/report.h"
#include "lib/core/task.h"
#include "sim/recorder.h"
#include "sim/dependence.h"

static void check_expected(const struct log_event *event, uint64_t index) {
    const struct recorder_step *step;
    char buffer[LOG_MESSAGE];
    struct text text = text_in(buffer, sizeof buffer);

    if (index >= sim.options.expected_steps) {
        text_add(&text, "the recorded run ended after %llu steps, but the program goes on: ",
                 (unsigned long long)sim.options.expected_steps);
    } else {
        step = &sim.options.expected[index];
        if (step->task == event->task && step->op == event->op && step->object == event->object)
            return;
        text_add(&text, "step %llu: recorded was %s by task %u in %s, but there came ",
                 (unsigned long long)index + 1, op_names[step->op], step->task, step->where);
    }
    text_add(&text, "%s by task %u in ", op_names[event->op], event->task);
    text_add_site(&text, event->site);
    sim_stop(PIRN_DIVERGED, buffer);
}

static __attribute__((cold)) _Noreturn void stop_too_long(void) {
    char message[80];
    sim.log->cut = true;
    /* Then nobody waits for an end any more. */
    if (sim.main_returned) sim_leave();
    snprintf(message, sizeof message, "no end after %llu steps",
             (unsigned long long)(sim.log->steps - sim.first_step));
    sim_stop(PIRN_LIVELOCK, message);
}

/* An odd number without a pattern: histories are mixed well already. */
#define OPERATION UINT64_C(0xd6e8feb86659fd93)

struct log_event *event_add(struct task *self, const struct place *place, uint32_t object) {
    struct log *log = sim.log;
    struct log_task *entry = self->entry;
    struct log_event *event;
    uint64_t index = log->steps;

    if (UNLIKELY(index >= sim.end_step)) {
        if (index >= sim.last_step) stop_too_long();
        debugger_step(self, place, object);
    }
    event = &log->events[index];
    event->task = (uint32_t)self->core.id;
    event->object = object;
    event->op = (uint8_t)place->op;
    event->has_result = false;
    event->result = 0;
    event->time = sim.now - CLOCK_START;
    event->site = task_site(self, place->site);
    event->hash = self->history ^ (place->op + 1) * OPERATION;
    log->steps = index + 1;
    self->step = (uint32_t)(index + 1);
    if (entry) {
        sim.task_steps++;
        entry->last_step = self->step;
        entry->steps++;
        log->last_task = event->task;
    }
    if (UNLIKELY(sim.options.expected != NULL)) check_expected(event, index);
    return event;
}

/* Sets of operations. */
#define SET(op) (UINT64_C(1) << OP_##op)
_Static_assert(OP_COUNT <= 64, "a set has a bit for each");

/* Their results depend on the order of independent steps, or are no part of the order. */
#define NOT_ORDERING (SET(GO) | SET(RANDOM) | SET(ADD) | SET(DONE) | SET(SIGNAL) | SET(BROADCAST))

/* They only look. */
#define LOOKING (SET(YIELD) | SET(LEN) | SET(ERR))

static bool is_in(uint64_t set, enum op op) { return set >> op & 1; }

/* For the others nothing has changed: it has only looked, or has been refused. */
static bool changes_nothing(enum op op, int64_t result) {
    return is_in(LOOKING, op) || result == -EAGAIN || result == -EBUSY;
}

static void count_idle(bool changed) {
    if (!changed) {
        sim.idle++;
        return;
    }
    /* It will not take as long the next time, or a long way would take too long. */
    if (UNLIKELY(sim.idle >= sim.patience) && sim.patience > LEAST_PATIENCE) sim.patience /= 2;
    sim.idle = 0;
}

bool event_in_vain(const struct log_event *event) {
    return event->has_result && changes_nothing(event->op, event->result);
}

void sim_step(struct task *self, const struct place *place) {
    event_add(self, place, object_number(place));
}

static void end_step(struct task *self, struct log_event *event, int64_t result, bool changed) {
    count_idle(changed);
    event->has_result = true;
    event->result = result;
    self->history =
        mix(event->hash, self->inputs + (is_in(NOT_ORDERING, event->op) ? 0 : (uint64_t)result));
    self->inputs = 0;
}

void engine_end(struct task *self, int64_t result) {
    struct log_event *event;
    if (!sim.active || !self->step) return;
    event = &sim.log->events[self->step - 1];
    end_step(self, event, result, !changes_nothing(event->op, result));
}

void sim_end(struct task *self, int64_t result, bool changed) {
    end_step(self, &sim.log->events[self->step - 1], result, changed);
}

void engine_end_case(struct task *self, int64_t index) {
    if (sim.active && self->step)
        sim.log->events[self->step - 1].object =
            sim.log->cases[self->first_case + (size_t)index].object;
    engine_end(self, index);
}

void engine_select_case(struct task *self, enum op op, waitq *queue) {
    struct log *log = sim.log;
    struct log_case *entry;
    struct place place =
        PLACE(NONE, CHAN, queue, queue, NULL); /* a channel begins with its queue */
    uint32_t position = 0;

    if (!sim.active || !self->step) return;
    if (log->case_count == log->case_room)
        sim_stop(PIRN_LIVELOCK, "more select cases than a run has room for");
    if (log->case_count && log->cases[log->case_count - 1].step == self->step)
        position = log->cases[log->case_count - 1].position + 1;
    else
        self->first_case = log->case_count;
    if (dependence_footprint && queue) dependence_case(op, queue);
    entry = &log->cases[log->case_count++];
    *entry = (struct log_case){self->step, position, object_number(&place), (uint8_t)op};
}
