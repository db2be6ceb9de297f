/* strategy_replay.c - follows a schedule, and stops the run where that does not fit. */
#include <stdio.h>

#include "sim/sim.h"

static struct {
    const uint64_t *choices;
    size_t count, next;
} replay;

static _Noreturn void misfit(const char *what) {
    char message[160];
    snprintf(message, sizeof message, "choice %zu of the schedule %s", replay.next, what);
    sim_stop(PIRN_DIVERGED, message);
}

static uint64_t next(void) {
    if (replay.next == replay.count) {
        replay.next++;
        misfit("is needed, but the schedule ends before it: the program does other things than "
               "when it was recorded");
    }
    return replay.choices[replay.next++];
}

static void begin(struct strategy *strategy, uint64_t seed) {
    (void)strategy;
    (void)seed;
    replay.next = 0;
}

static struct task *task(struct strategy *strategy, struct task *current, bool timer) {
    uint64_t choice = next(), id;
    (void)strategy;
    if (choice == CHOICE_CONTINUE) {
        if (!current) misfit("lets a task go on that cannot");
        return current;
    }
    if (choice == CHOICE_TIMER) {
        if (!timer) misfit("fires a timer, but none is armed");
        return NULL;
    }
    id = choice - CHOICE_TASK + 1;
    for (size_t i = 0; i < sim.count; i++)
        if (sim.runnable[i]->core.id == id) return sim.runnable[i];
    misfit("runs a task that is not there or cannot run");
}

static uint64_t pick(struct strategy *strategy, uint64_t n) {
    uint64_t choice = next();
    (void)strategy;
    if (choice >= n) misfit("takes a case that is not there");
    return choice;
}

static uint64_t draw(struct strategy *strategy) {
    (void)strategy;
    return next();
}

static struct strategy strategy = {
    .name = "replay",
    .summary = "follows a schedule",
    .begin = begin,
    .task = task,
    .pick = pick,
    .random = draw,
    .fair = true, /* what was done about it is in the schedule */
};

struct strategy *strategy_replay(const uint64_t *choices, size_t count) {
    replay.choices = choices;
    replay.count = count;
    return &strategy;
}

bool strategy_replay_used_up(const struct strategy *asked) {
    return asked != &strategy || replay.next == replay.count;
}
