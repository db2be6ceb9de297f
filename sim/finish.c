/* finish.c - what a run has come to. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/core/report.h"
#include "lib/core/wait.h"
#include "sim/sim.h"

static bool stuck(const struct task *task) {
    return task->state == TASK_PARKED && !task->core.daemon;
}

static bool waits_on_nothing(const struct task *task) {
    return task->core.waits.kind == OBJECT_NONE;
}

static void add_finding(pirn_outcome outcome, const struct task *task) {
    char buffer[LOG_MESSAGE];
    struct text text = text_in(buffer, sizeof buffer);
    const struct log_event *event = task->step ? &sim.log->events[task->step - 1] : NULL;

    text_add_task(&text, task);
    text_add(&text, " is blocked ");
    text_add_waiting(&text, &task->core.waits, wait_of(task));
    text_add(&text, " in ");
    text_add_site(&text, task->core.waits.site);
    log_find(sim.log, outcome, task->step, event && !waits_on_nothing(task) ? event->object : 0,
             task->core.waits.site, buffer);
}

static __attribute__((noinline)) void tell_stuck(pirn_outcome outcome, const struct task *first) {
    char buffer[LOG_MESSAGE];
    struct text text = text_in(buffer, sizeof buffer);
    uint64_t count = 0;

    for (const struct task *task = first; task; task = task->next) {
        if (!stuck(task)) continue;
        add_finding(outcome, task);
        count++;
    }
    if (count == 1)
        text_add(&text, outcome == PIRN_LEAK ? "1 task is left, blocked for ever: "
                                             : "1 task is blocked for ever: ");
    else
        text_add(&text,
                 outcome == PIRN_LEAK ? "%llu tasks are left, blocked for ever, first "
                                      : "%llu tasks are blocked for ever, first ",
                 (unsigned long long)count);
    text_add_task(&text, first);
    text_add(&text, " ");
    text_add_waiting(&text, &first->core.waits, wait_of(first));
    text_add(&text, " in ");
    text_add_site(&text, first->core.waits.site);
    sim_outcome(outcome, buffer);
}

void finish_at_rest(void) {
    pirn_outcome outcome = sim.main_returned ? PIRN_LEAK : PIRN_DEADLOCK;
    const struct task *first = sim.tasks;

    if (outcome == PIRN_LEAK && sim.options.allow & PIRN_ALLOW_LEAK) return;
    if (sim.log->cut) return; /* more would have come */
    while (first && !stuck(first)) first = first->next;
    if (first) tell_stuck(outcome, first);
}

static enum log_state state_of(const struct task *task) {
    switch (task->state) {
    case TASK_ENDED:
        return LOG_EXITED;
    case TASK_PARKED:
        return task->timed ? LOG_SLEEPING : LOG_BLOCKED;
    default:
        return LOG_RUNNABLE;
    }
}

void finish_task(const struct task *task) {
    struct log *log = sim.log;
    uint64_t end = task->history;
    task->entry->state = (uint8_t)state_of(task);
    if (task->state == TASK_PARKED && task->step)
        end = mix(log->events[task->step - 1].hash, task->inputs);
    log->graph += mix(task->identity, end);
}

void finish_log(void) {
    sim.log->virtual_ns = sim.now - CLOCK_START;
    sim.log->armed = timers_first() != NULL;
    for (const struct task *task = sim.tasks; task; task = task->next) finish_task(task);
}
