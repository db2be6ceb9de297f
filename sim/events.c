/* events.c - the steps of a run: how each begins and ends in the log. */
#include <stdio.h>

#include "lib/core/report.h"
#include "lib/core/task.h"
#include "sim/recorder.h"
#include "sim/dependence.h"
#include "sim/race/shadow.h"

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

void event_add_watched(struct task *self, const struct place *place, uint32_t object) {
    uint64_t index = sim.log->steps;
    if (index >= sim.last_step) stop_too_long();
    debugger_step(self, place, object);
    event_fill(self, place->op, task_site(self, place->site), object);
    shadow_step();
    if (!self->entry) sim.clock_steps++;
    if (sim.options.expected) check_expected(&sim.log->events[index], index);
}

/* Who stores what is there already does not try anything. */
bool event_in_vain(const struct log_event *event) {
    return event->has_result && !event->changed && event->op != OP_STORE;
}

void event_add_outer_watched(struct task *self, enum op op) {
    struct place place = {.op = op, .site = (const char *)(uintptr_t)self->core.fn + 1};
    event_add_watched(self, &place, 0);
}

void step_extras(struct task *self, const struct place *place) {
    if (sim.aged) task_becomes_newest(self);
    shadow_step();
    if (place && dependence_footprint) dependence_begin(self, place);
}

void sim_step(struct task *self, const struct place *place) {
    event_add_watched(self, place, object_number(place));
}

void event_conclude_idle(struct task *self, struct log_event *event, int64_t result, bool changed) {
    if (!changed) {
        sim.idle++;
    } else {
        /* It will not take as long the next time, or a long way would take too long. */
        if (sim.idle >= sim.patience && sim.patience > LEAST_PATIENCE) sim.patience /= 2;
        sim.idle = 0;
    }
    sim_plan();
    event_conclude(self, event, event->op, result, changed);
}

void engine_end(struct task *self, int64_t result) {
    engine_end_here(self, self->event->op, result);
}

void sim_end(struct task *self, int64_t result, bool changed) {
    event_end(self, self->event, self->event->op, result, changed);
}

void engine_end_case(struct task *self, int64_t index) {
    if (sim.active && self->step)
        self->event->object = sim.log->cases[self->first_case + (size_t)index].object;
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
