/* run.c - pirn_run in the simulator: one run, alone or as a child of serve.c. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/core/config.h"
#include "lib/core/report.h"
#include "lib/core/task.h"
#include "sim/control.h"
#include "sim/explore.h"
#include "sim/keeper.h"
#include "sim/race/report.h"
#include "sim/serve.h"

/* Alone there is nobody to ask for more steps, and a program may well be a large one. */
enum { STEPS_ALONE = 10000000 };

/* What pirn_run returns where the program goes on after a run with this outcome. */
static int result_of(const struct log *log) {
    switch (log->outcome) {
    case PIRN_DEADLOCK:
        return -EDEADLK;
    case PIRN_LIVELOCK:
    case PIRN_TIMEOUT:
        return -ETIMEDOUT;
    case PIRN_DIVERGED:
        return -ESTALE;
    default:
        return 0;
    }
}

/* ---- In a child of its own ----------------------------------------------------------------- */

static struct {
    struct log *log;
    struct strategy *strategy;
    struct run_options options;
} child;

static int run_in_child(const pirn_config *config, pirn_fn *main_fn, void *arg) {
    struct log *next;
    int rc;
    for (;;) {
        child.log->finished = false;
        rc = sim_run(config, main_fn, arg, child.log, child.strategy, &child.options);
        if (rc) return rc;
        child.log->finished = true;
        if (!(next = keeper_next())) break;
        child.log = next;
    }
    if (child.log->outcome == PIRN_OK || child.log->outcome == PIRN_DEADLOCK ||
        child.log->outcome == PIRN_LEAK)
        return result_of(child.log);
    /* On threads the program would have ended here, or never come here. */
    fflush(NULL);
    _exit(1);
}

/* ---- Alone --------------------------------------------------------------------------------- */

static int number_from(const char *name, uint64_t *value) {
    const char *text = getenv(name);
    char *end;
    if (!text || !*text) return 0;
    errno = 0;
    *value = strtoull(text, &end, 0);
    if (!errno && !*end && *text != '-') return 0;
    fprintf(stderr, "pirn: %s is %s, which is not a number\n", name, text);
    return -EINVAL;
}

enum { MOST_LINES = 100 };

static void tell_races(void) {
    const struct log *log = sim.log;
    for (size_t i = 0; i < log->finding_count; i++) {
        char whole[RACE_REPORT];
        struct text text = text_in(whole, sizeof whole);
        if (!log->findings[i].race) continue;
        race_describe(&text, log, &log->findings[i]);
        fprintf(stderr, "  %s\n", whole);
    }
}

/* What happened, every task that is left, and how to see it again. */
static void tell(void) {
    const struct log *log = sim.log;
    char *schedule = explore_schedule(log), line[1024];
    uint32_t last = log_last_task(log);
    size_t left = 0;

    fprintf(stderr, "pirn: %s: %s\n", pirn_outcome_name(log->outcome), log->message);
    tell_races();
    for (const struct task *task = sim.tasks; task; task = task->next) {
        struct text text = text_in(line, sizeof line);
        if (task->state == TASK_ENDED || left++ >= MOST_LINES) continue;
        text_add_state(&text, task,
                       task->core.id == last ? "running"
                       : task->step          ? "runnable"
                                             : "not begun");
        if (task->state == TASK_RUNNABLE && task->next_place->op != OP_NONE) {
            text_add(&text, "; next: ");
            text_add_waiting(&text, task->next_place, NULL);
            text_add(&text, ", in ");
            text_add_site(&text, task_site(task, task->next_place->site));
        }
        fprintf(stderr, "  %s\n", line);
    }
    if (left > MOST_LINES) fprintf(stderr, "  ... and %zu more\n", left - MOST_LINES);
    fprintf(stderr, "pirn: seed %llu; the same run again: set PIRN_REPLAY=%s\n",
            (unsigned long long)log->seed, schedule ? schedule : "(not enough memory)");
    free(schedule);
}

/* A program that goes on after a race ends well by itself; who has started it shall know better. */
static void end_badly(int status, void *arg) {
    (void)arg;
    fflush(NULL);
    if (!status) _exit(1);
}

/* As the command asks, where the program has been started under a debugger. */
static void take_options(struct run_options *options) {
    const char *value = getenv(CONTROL_VARIABLE);
    unsigned long long steps;
    unsigned allow, late;
    if (!value || sscanf(value, CONTROL_ALONE "%llu,%u,%u", &steps, &allow, &late) != 3) return;
    if (steps && steps < options->max_steps) options->max_steps = steps;
    options->allow = allow;
    options->late_timers = late != 0;
}

static int run_alone(const pirn_config *config, pirn_fn *main_fn, void *arg) {
    struct run_options options = {.max_steps = STEPS_ALONE, .failed = tell};
    const char *replay = getenv("PIRN_REPLAY");
    struct strategy *strategy = strategy_find(NULL);
    struct schedule schedule = {0};
    uint64_t seed = 0;
    char message[256];
    struct log *log;
    pirn_outcome outcome;
    int rc;

    take_options(&options);
    if ((rc = number_from("PIRN_SEED", &seed))) return rc;
    if (!seed) seed = explore_fresh_seed();
    if (replay && *replay) {
        if ((rc = schedule_read(replay, &schedule, message, sizeof message))) {
            fprintf(stderr, "pirn: PIRN_REPLAY: %s\n", message);
            return rc;
        }
        strategy = strategy_replay(schedule.choices, schedule.count);
    }
    if (!(log = log_new(STEPS_ALONE)) && !(log = log_new(MAX_STEPS))) {
        schedule_free(&schedule);
        return -ENOMEM;
    }
    if (replay && *replay) schedule_take_points(&schedule, log);
    log_reset(log);
    log->seed = seed;
    strategy_start(strategy);
    strategy->begin(strategy, seed);
    faults_begin(0);
    rc = sim_run(config, main_fn, arg, log, strategy, &options);
    faults_end();
    if (rc == 0 && replay && *replay && log->outcome != PIRN_DIVERGED &&
        (log->steps != schedule.steps || log_event_hash(log) != schedule.event_hash)) {
        sim_outcome(PIRN_DIVERGED, "the run did other things than the recorded one");
        fprintf(stderr, "pirn: diverged: %s\n", log->message);
    }
    if (rc == 0) rc = result_of(log);
    outcome = log->outcome;
    schedule_free(&schedule);
    sim_release();
    log_free(log);
    if (outcome == PIRN_RACE && on_exit(end_badly, NULL) != 0) abort();
    if (outcome == PIRN_PANIC || outcome == PIRN_MISUSE || outcome == PIRN_CRASH) abort();
    return rc;
}

EXPORT int pirn_run(const pirn_config *config, pirn_fn *main_fn, void *arg) {
    pirn_config resolved;
    int rc;
    if (!main_fn) return -EINVAL;
    if (sim.active) return -EBUSY;
    if ((rc = config_resolve(config, &resolved))) return rc;
    if (!sim.forked && serve_wanted())
        serve(main_fn, resolved.stack_size, &child.log, &child.strategy, &child.options);
    return sim.forked ? run_in_child(&resolved, main_fn, arg) : run_alone(&resolved, main_fn, arg);
}
