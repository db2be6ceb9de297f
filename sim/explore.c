/* explore.c - the loop over runs, and pirn_sim_explore, which makes them in this process. */
#include "sim/explore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "lib/core/label.h"
#include "sim/program.h"

static const char *const outcome_names[] = {"ok",       "deadlock", "leak",    "race",
                                            "panic",    "misuse",   "crash",   "exit",
                                            "livelock", "timeout",  "diverged"};

EXPORT const char *pirn_outcome_name(pirn_outcome outcome) {
    return (unsigned)outcome < sizeof outcome_names / sizeof *outcome_names ? outcome_names[outcome]
                                                                            : "unknown";
}

static int64_t wall_clock(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * PIRN_SEC + ts.tv_nsec;
}

uint64_t explore_fresh_seed(void) {
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        seed = (uint64_t)wall_clock() * 0x9e3779b97f4a7c15u;
    /* Short enough to be typed. */
    return (seed >> 24) | 1;
}

/* Adds to the set of graphs; returns whether it was new. Without memory every graph counts as
 * seen. */
static bool add_graph(struct exploration *e, uint64_t graph) {
    size_t at;
    if (!graph) graph = 1;
    if (2 * (e->distinct + 1) > e->graph_room) {
        size_t more = e->graph_room ? 2 * e->graph_room : 1024;
        uint64_t *bigger = calloc(more, sizeof *bigger);
        if (!bigger) return false;
        for (size_t i = 0; i < e->graph_room; i++) {
            if (!e->graphs[i]) continue;
            for (at = e->graphs[i] & (more - 1); bigger[at]; at = (at + 1) & (more - 1)) continue;
            bigger[at] = e->graphs[i];
        }
        free(e->graphs);
        e->graphs = bigger;
        e->graph_room = more;
    }
    for (at = graph & (e->graph_room - 1); e->graphs[at]; at = (at + 1) & (e->graph_room - 1))
        if (e->graphs[at] == graph) return false;
    e->graphs[at] = graph;
    return true;
}

char *explore_schedule(const struct log *log) {
    struct schedule schedule = {program_fingerprint(), log->event_hash, log->steps, log->choices,
                                log->choice_count};
    return schedule_print(&schedule);
}

static int no_memory(struct exploration *e) {
    snprintf(e->message, sizeof e->message, "not enough memory");
    return -ENOMEM;
}

/* A run that follows a schedule must use all of it and do the same. */
static void check_replay(struct exploration *e) {
    struct log *log = e->log;
    const char *build = "";
    if (log->outcome == PIRN_DIVERGED || !log->finished) return;
    if (log->steps == e->replay->steps && log->event_hash == e->replay->event_hash) return;
    if (e->replay->program && e->replay->program != program_fingerprint())
        build = "; the schedule was recorded from another program, or another build of this one";
    log->outcome = PIRN_DIVERGED;
    snprintf(log->message, sizeof log->message,
             "the run did other things than the recorded one: %llu steps instead of %llu%s",
             (unsigned long long)log->steps, (unsigned long long)e->replay->steps, build);
}

/* Counts and records the run that is in the log. */
static int take_in(struct exploration *e, const char *strategy) {
    struct log *log = e->log;
    bool failed = log->outcome != PIRN_OK, full;
    char *schedule = NULL;

    e->done++;
    e->steps += log->steps;
    if (add_graph(e, log->graph)) e->distinct++;
    if (failed || e->recorder) {
        schedule = explore_schedule(log);
        if (!schedule) return no_memory(e);
    }
    if (e->recorder) {
        full = e->record == CONTROL_RECORD_ALL || (failed && e->record == CONTROL_RECORD_FAILING);
        if (recorder_add(e->recorder, log, strategy, schedule, full, &e->trace_run) != 0) {
            snprintf(e->message, sizeof e->message, "%s", recorder_error(e->recorder));
            free(schedule);
            return -EIO;
        }
    }
    if (failed && ++e->failures == 1) {
        e->outcome = log->outcome;
        e->failing_seed = log->seed;
        e->failing_run = e->trace_run;
        snprintf(e->message, sizeof e->message, "%s", log->message);
        e->schedule = schedule;
        schedule = NULL;
    }
    free(schedule);
    return 0;
}

static int commit(struct exploration *e) {
    if (!e->recorder || recorder_commit(e->recorder) == 0) return 0;
    snprintf(e->message, sizeof e->message, "%s", recorder_error(e->recorder));
    return -EIO;
}

static int report(struct exploration *e, enum control_type type) {
    int rc = commit(e);
    if (rc == 0 && e->report) e->report(e, type);
    return rc;
}

int explore(struct exploration *e) {
    enum { REPORT_EVERY = 100000000 }; /* ns */
    int64_t start = wall_clock(), reported = start;
    struct strategy *strategy =
        e->replay ? strategy_replay(e->replay->choices, e->replay->count) : e->strategy;
    int rc = 0;

    e->outcome = PIRN_OK;
    if (!(e->log = log_new(e->run.max_steps))) {
        snprintf(e->message, sizeof e->message,
                 "not enough memory, or address space, for runs of %llu steps",
                 (unsigned long long)e->run.max_steps);
        return -ENOMEM;
    }
    if (e->trace && !(e->recorder = recorder_open(e->trace, e->message, sizeof e->message)))
        return -EIO;
    for (uint64_t i = 0; !e->runs || i < e->runs; i++) {
        int64_t before = wall_clock();
        if (e->time_limit && before - start >= e->time_limit) break;
        log_reset(e->log);
        e->log->seed = e->seed + i;
        rc = e->perform(e, strategy);
        if (rc) break;
        if (e->replay) check_replay(e);
        e->log->wall_ns = wall_clock() - before;
        if ((rc = take_in(e, strategy->name))) break;
        if (e->log->outcome != PIRN_OK) {
            if ((rc = report(e, CONTROL_FAILURE)) || !e->keep_going) break;
        }
        if (wall_clock() - reported >= REPORT_EVERY) {
            if ((rc = report(e, CONTROL_PROGRESS))) break;
            reported = wall_clock();
        }
        if (e->replay) break;
    }
    return rc ? rc : commit(e);
}

void explore_end(struct exploration *e) {
    log_free(e->log);
    free(e->graphs);
    free(e->schedule);
    e->log = NULL;
    e->graphs = NULL;
    e->schedule = NULL;
}

/* ---- In this process ----------------------------------------------------------------------- */

struct call {
    pirn_fn *fn;
    void *arg;
};

static int perform_here(struct exploration *e, struct strategy *strategy) {
    const struct call *call = e->context;
    int rc;
    strategy->begin(strategy, e->log->seed);
    rc = sim_run(NULL, call->fn, call->arg, e->log, strategy, &e->run);
    if (rc) {
        snprintf(e->message, sizeof e->message, "a run could not begin: not enough memory");
        return rc;
    }
    e->log->finished = true;
    label_restore();
    return 0;
}

static int check(const pirn_sim_options *o, pirn_fn *fn, pirn_sim_result *result) {
    const unsigned known =
        PIRN_ALLOW_LEAK | PIRN_ALLOW_SEND_ON_CLOSED | PIRN_ALLOW_DOUBLE_CLOSE | PIRN_ALLOW_RACE;
    const char *wrong = NULL;
    if (!fn)
        wrong = "no function to run";
    else if (!strategy_find(o->strategy))
        wrong = "there is no such strategy";
    else if (o->allow & ~known)
        wrong = "`allow` has bits without a meaning";
    else if (o->time_limit < 0 || o->max_steps > UINT32_MAX / 16)
        wrong = "a limit is out of range";
    if (wrong) {
        snprintf(result->message, sizeof result->message, "%s", wrong);
        return -EINVAL;
    }
    if (!o->shrink) return 0;
    snprintf(result->message, sizeof result->message, "shrinking is not available yet");
    return -ENOTSUP;
}

EXPORT int pirn_sim_explore(const pirn_sim_options *options, pirn_fn *main_fn, void *arg,
                            pirn_sim_result *result) {
    static const pirn_sim_options defaults;
    const pirn_sim_options *o = options ? options : &defaults;
    struct call call = {main_fn, arg};
    struct exploration e = {.perform = perform_here, .context = &call};
    struct schedule schedule;
    int rc;

    if (!result) return -EINVAL;
    memset(result, 0, sizeof *result);
    if (sim.active) {
        snprintf(result->message, sizeof result->message,
                 "pirn_sim_explore was called inside a run");
        return -EBUSY;
    }
    if ((rc = check(o, main_fn, result))) return rc;
    if (o->replay) {
        if ((rc = schedule_read(o->replay, &schedule, result->message, sizeof result->message)))
            return rc;
        e.replay = &schedule;
    }
    e.strategy = strategy_find(o->strategy);
    e.run.max_steps = o->max_steps ? o->max_steps : MAX_STEPS;
    e.run.allow = o->allow;
    e.seed = o->seed ? o->seed : explore_fresh_seed();
    e.runs = o->runs ? o->runs : 1000;
    e.time_limit = o->time_limit;
    e.keep_going = o->keep_going;
    e.trace = o->trace && *o->trace ? o->trace : NULL;

    label_keep();
    faults_begin(RUN_TIME_LIMIT);
    rc = explore(&e);
    faults_end();
    if (e.recorder && recorder_close(e.recorder, e.message, sizeof e.message) != 0 && rc == 0)
        rc = -EIO;
    sim_release();
    if (e.replay) schedule_free(&schedule);

    result->outcome = e.outcome;
    result->runs = e.done;
    result->distinct = e.distinct;
    result->failures = e.failures;
    result->seed = e.failing_seed;
    result->schedule = e.schedule;
    e.schedule = NULL;
    snprintf(result->message, sizeof result->message, "%.*s", (int)sizeof result->message - 1,
             e.message);
    explore_end(&e);
    return rc;
}

EXPORT void pirn_sim_result_free(pirn_sim_result *result) {
    if (!result) return;
    free(result->schedule);
    result->schedule = NULL;
}
