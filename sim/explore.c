/* explore.c - the loop over runs, and pirn_sim_explore, which makes them in this process. */
#include "sim/explore.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "lib/core/config.h"
#include "lib/core/label.h"
#include "lib/core/symbol.h"
#include "sim/again.h"
#include "sim/jobs.h"
#include "lib/core/program.h"
#include "sim/race/report.h"
#include "sim/searches.h"
#include "sim/shrink.h"

static int64_t clock_of(clockid_t clock) {
    struct timespec ts;
    clock_gettime(clock, &ts);
    return ts.tv_sec * PIRN_SEC + ts.tv_nsec;
}

int64_t explore_clock(void) { return clock_of(CLOCK_MONOTONIC); }

uint64_t explore_fresh_seed(void) {
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        seed = (uint64_t)clock_of(CLOCK_MONOTONIC) * 0x9e3779b97f4a7c15u;
    /* Short enough to be typed. */
    return (seed >> 24) | 1;
}

enum { SEEN_AGAIN = 1 /* in place of the lowest bit of a graph's hash */ };

static size_t find_graph(const uint64_t *graphs, size_t room, uint64_t graph) {
    size_t at = (graph >> 1) & (room - 1);
    while (graphs[at] && (graphs[at] | SEEN_AGAIN) != (graph | SEEN_AGAIN))
        at = (at + 1) & (room - 1);
    return at;
}

/* Counts the graph of a run. Without memory every graph counts as seen. */
static void add_graph(struct exploration *e, uint64_t graph) {
    size_t at;
    graph &= ~(uint64_t)SEEN_AGAIN;
    if (!graph) graph = 2;
    if (2 * (e->distinct + 1) > e->graph_room) {
        size_t more = e->graph_room ? 2 * e->graph_room : 1024;
        uint64_t *bigger = calloc(more, sizeof *bigger);
        if (!bigger) return;
        for (size_t i = 0; i < e->graph_room; i++)
            if (e->graphs[i]) bigger[find_graph(bigger, more, e->graphs[i])] = e->graphs[i];
        free(e->graphs);
        e->graphs = bigger;
        e->graph_room = more;
    }
    at = find_graph(e->graphs, e->graph_room, graph);
    if (!e->graphs[at]) {
        e->graphs[at] = e->strategy->sampling ? graph : graph | SEEN_AGAIN;
        e->distinct++;
        e->once += e->strategy->sampling;
    } else if (!(e->graphs[at] & SEEN_AGAIN)) {
        e->graphs[at] |= SEEN_AGAIN;
        e->once--;
    }
}

/* A run of before the exploration went on. The lessons count when it is known again whether they
 * are drawn at random: as they are performed once more. */
static void add_earlier(struct exploration *e, uint64_t run, uint64_t graph) {
    if (run < LESSONS && !e->strategy->ends) {
        e->lessons[run] = graph ? graph : 1;
    } else {
        e->sampled += e->strategy->sampling;
        add_graph(e, graph);
    }
}

static void add_lesson(struct exploration *e, uint64_t run) {
    if (!e->lessons[run]) return;
    e->sampled += e->strategy->sampling;
    add_graph(e, e->lessons[run]);
    e->lessons[run] = 0;
}

/* I. J. Good: The population frequencies of species and the estimation of population parameters,
 * Biometrika 1953: the share of the runs whose graph no other run has had. */
double explore_unseen(const struct exploration *e) {
    return !e->replay && e->sampled ? (double)e->once / (double)e->sampled : -1;
}

/* ---- Kinds of failures --------------------------------------------------------------------- */

static uint64_t hash_text(uint64_t hash, const char *text) {
    for (; *text; text++) hash = mix(hash, (unsigned char)*text);
    return hash;
}

/* A message without what differs from run to run: numbers. */
static uint64_t hash_words(uint64_t hash, const char text[LOG_MESSAGE]) {
    for (size_t i = 0; i < LOG_MESSAGE && text[i]; i++)
        if (text[i] < '0' || text[i] > '9') hash = mix(hash, (unsigned char)text[i]);
    return hash;
}

static uint64_t resolve_site(const void *site) {
    struct symbol symbol;
    symbol_resolve(site, &symbol);
    if (!*symbol.file) return hash_text(symbol.offset, symbol.module);
    return hash_text(hash_text(mix((uint64_t)symbol.line, 1), symbol.function), symbol.file);
}

uint64_t explore_site(struct exploration *e, const void *site) {
    size_t slot = mix((uint64_t)(uintptr_t)site, 0) % RESOLVED_SITES;
    struct resolved_site *known = &e->sites[slot];
    if (known->site != site) *known = (struct resolved_site){site, resolve_site(site)};
    return known->hash;
}

/* What an object is known by in every run: its label, else where it was made, or first used. The
 * numbers of descriptors depend on what else is open. */
static uint64_t hash_object(struct exploration *e, uint32_t number) {
    const struct log *log = e->log;
    const struct log_object *object;
    uint64_t hash;
    if (!number || number > log->object_count || number > log->object_room) return 0;
    object = &log->objects[number - 1];
    hash = mix(object->kind, 1);
    if (!object->labelled || object->kind == OBJECT_FD)
        return mix(hash, explore_site(e, object->site));
    for (size_t i = 0; i < LOG_NAME && object->label[i]; i++)
        hash = mix(hash, (unsigned char)object->label[i]);
    return hash;
}

/* The same, whichever of the two came first. */
static uint64_t hash_pair(struct exploration *e, const struct log_race *race) {
    return mix(explore_site(e, race->now.calls ? race->now.sites[0] : NULL) +
                   explore_site(e, race->before.calls ? race->before.sites[0] : NULL),
               PIRN_RACE);
}

/*
 * A run may have any of the races of the program. It is of a new kind if it has one that no run
 * before had; else of the kind that its first one was told with.
 */
static uint64_t kind_of_races(struct exploration *e) {
    const struct log *log = e->log;
    uint64_t kind = 0, oldest = 0;
    for (size_t i = 0; i < log->finding_count && i < LOG_FINDINGS; i++) {
        const struct log_finding *finding = &log->findings[i];
        struct race_pair *known = e->races;
        uint64_t pair;
        if (finding->kind != PIRN_RACE || !finding->race) continue;
        pair = hash_pair(e, &log->races[finding->race - 1]);
        while (known < e->races + e->race_count && known->pair != pair) known++;
        if (known == e->races + e->race_count) {
            if (!kind) kind = pair;
            if (e->race_count < MOST_FAILURE_KINDS)
                e->races[e->race_count++] = (struct race_pair){pair, kind};
        } else if (!oldest) {
            oldest = known->kind;
        }
    }
    return kind ? kind : oldest;
}

/*
 * Equal for runs that failed in the same way: findings of the same kinds, on the same objects, with
 * the same call sites, in any order. What the call site does not tell, or is none, the words do.
 */
uint64_t explore_kind(struct exploration *e) {
    const struct log *log = e->log;
    uint64_t hash = 0;
    if (log->outcome == PIRN_RACE) return kind_of_races(e);
    for (size_t i = 0; i < log->finding_count && i < LOG_FINDINGS; i++) {
        const struct log_finding *finding = &log->findings[i];
        uint64_t one = mix(finding->kind, explore_site(e, finding->site));
        /* A panic has no object: it comes after whatever was last. */
        if (finding->kind != PIRN_PANIC) one = mix(one, hash_object(e, finding->object));
        hash += finding->site ? one : hash_words(finding->kind, log->message);
    }
    return mix(hash, log->outcome);
}

/* Counts a failing run; takes the schedule where it is the shortest of its kind. */
static void add_failure(struct exploration *e, char **schedule) {
    const struct log *log = e->log;
    uint64_t key = explore_kind(e);
    struct failure_kind *kind = e->kinds;
    e->failing_kind = key;
    while (kind < e->kinds + e->kind_count && kind->key != key) kind++;
    if (kind == e->kinds + e->kind_count) {
        if (e->kind_count == MOST_FAILURE_KINDS) return;
        e->kind_count++;
        *kind = (struct failure_kind){.key = key};
    }
    if (kind->count++ && kind->steps <= log->steps) return;
    free(kind->schedule);
    kind->schedule = *schedule;
    kind->steps = log->steps;
    kind->run = e->trace_run;
    *schedule = NULL;
}

char *explore_schedule(const struct log *log) {
    struct schedule schedule = {
        program_fingerprint(), log_event_hash(log), log->steps,
        log->choices,          log->choice_count,   (uint32_t *)(uintptr_t)log->points,
        log->points_used};
    return schedule_print(&schedule);
}

void schedule_take_points(const struct schedule *schedule, struct log *log) {
    log->point_count = schedule->point_count < LOG_POINTS ? schedule->point_count : LOG_POINTS;
    for (size_t i = 0; i < log->point_count; i++) log->points[i] = schedule->points[i];
    log->points_used = log->point_count;
}

static int no_memory(struct exploration *e) {
    snprintf(e->message, sizeof e->message, "not enough memory");
    return -ENOMEM;
}

void explore_check(struct exploration *e, const struct schedule *schedule) {
    struct log *log = e->log;
    const char *build = "";
    if (log->outcome == PIRN_DIVERGED || !log->finished) return;
    if (log->steps == schedule->steps && log_event_hash(log) == schedule->event_hash) return;
    if (schedule->program && schedule->program != program_fingerprint())
        build = "; the schedule was recorded from another program, or another build of this one";
    log->outcome = PIRN_DIVERGED;
    snprintf(log->message, sizeof log->message,
             "the run did other things than the recorded one: %llu steps instead of %llu%s",
             (unsigned long long)log->steps, (unsigned long long)schedule->steps, build);
}

/* The recorder's error, if `rc` is one, is the exploration's. */
static int recorder_said(struct exploration *e, int rc) {
    if (rc) snprintf(e->message, sizeof e->message, "%s", recorder_error(e->recorder));
    return rc;
}

static int open_trace(struct exploration *e) {
    uint64_t graph, seed;
    int rc;
    if (e->reserved >= 0) close(e->reserved);
    e->reserved = -1;
    if (!(e->recorder = recorder_open(e->trace, e->message, sizeof e->message, &rc))) return rc;
    if (!e->share.shards) return 0;
    if (e->resumed) {
        rc = recorder_resume(e->recorder, e->resumed, &e->done, &e->failures, &e->steps);
        while (rc == 0 && recorder_resume_graph(e->recorder, &graph, &seed))
            add_earlier(e, seed - e->seed, graph);
    } else {
        struct recorder_exploration row = {e->asked,          e->seed,      e->share.shard,
                                           e->share.shards,   e->run.allow, e->run.max_steps,
                                           e->run.late_timers};
        rc = recorder_explore(e->recorder, &row);
    }
    return recorder_said(e, rc);
}

static int record(struct exploration *e, const char *strategy, const char *schedule) {
    bool failed = e->log->outcome != PIRN_OK;
    bool full = e->record == CONTROL_RECORD_ALL || (failed && e->record == CONTROL_RECORD_FAILING);
    recorder_reached(e->recorder, e->next);
    log_tally(e->log);
    return recorder_said(
        e, recorder_add(e->recorder, e->log, strategy, schedule, full, &e->trace_run));
}

/* Counts and records the run that is in the log. */
static int take_in(struct exploration *e, const char *strategy, uint64_t run) {
    struct log *log = e->log;
    bool failed = log->outcome != PIRN_OK, recorded = e->trace && (failed || !e->only_failures);
    char *schedule = NULL;
    uint64_t distinct = e->distinct;
    int rc = 0;

    e->done++;
    e->next = run + 1;
    e->sampled += e->strategy->sampling;
    e->steps += log->steps;
    add_graph(e, log->graph);
    if ((failed || recorded) && !(schedule = explore_schedule(log))) return no_memory(e);
    if (recorded && !e->recorder) rc = open_trace(e);
    if (recorded && rc == 0) rc = record(e, strategy, schedule);
    if (rc) {
        free(schedule);
        return rc;
    }
    if (!recorded) e->trace_run = 0;
    if (e->count_orders && e->distinct > distinct && !log->brief) orders_count(&e->orders, e);
    if (failed) {
        e->failures++;
        if (e->outcome == PIRN_OK) {
            e->outcome = log->outcome;
            e->failing_seed = log->seed;
            e->failing_run = e->trace_run;
            snprintf(e->message, sizeof e->message, "%s", log->message);
        }
        add_failure(e, &schedule);
    }
    free(schedule);
    return 0;
}

static int commit(struct exploration *e) {
    return e->recorder ? recorder_said(e, recorder_commit(e->recorder)) : 0;
}

static int report(struct exploration *e, enum control_type type) {
    int rc = commit(e);
    if (rc == 0 && e->report) e->report(e, type);
    return rc;
}

bool explore_over(struct exploration *e) {
    enum { ASK_EVERY = 10000000 }; /* ns */
    int64_t now;
    if (e->over || !e->timed) return e->over;
    now = e->read ? e->read : clock_of(e->clock);
    e->read = 0;
    if (e->time_limit && now - e->begun >= e->time_limit) e->over = true;
    if (e->stopped && now - e->asked_at >= ASK_EVERY) {
        e->asked_at = now;
        if (e->stopped(e)) e->over = true;
    }
    return e->over;
}

static inline int once(struct exploration *e, struct strategy *strategy, uint64_t seed) {
    int rc;
    e->running = strategy;
    log_reset(e->log);
    e->log->seed = seed;
    rc = e->perform(e, strategy);
    if (rc == 0 && e->log->race_count) race_conclude(e->log);
    return rc;
}

int explore_once(struct exploration *e, struct strategy *strategy, uint64_t seed) {
    return once(e, strategy, seed);
}

static inline int perform(struct exploration *e, struct strategy *strategy, uint64_t run) {
    int64_t before = e->trace ? clock_of(e->clock) : 0;
    int rc = once(e, strategy, e->seed + run);
    if (rc) return rc;
    if (e->replay) explore_check(e, e->replay);
    if (e->trace) e->log->wall_ns = clock_of(e->clock) - before;
    return 0;
}

int explore_perform(struct exploration *e, struct strategy *strategy, uint64_t run) {
    return perform(e, strategy, run);
}

int explore_again(struct exploration *e, uint64_t run) {
    return e->replay || (run + 1) % AGAIN_EVERY ? 0 : run_again(e, run + 1);
}

int explore_take_in(struct exploration *e, struct strategy *strategy, uint64_t run) {
    enum { REPORT_EVERY = 100000000 }; /* ns */
    int rc;
    places_learn(e, run);
    if ((rc = take_in(e, strategy->name, run))) return rc;
    if (e->log->outcome != PIRN_OK) {
        if ((rc = report(e, CONTROL_FAILURE))) return rc;
        e->over = e->over || !e->keep_going || e->log->outcome == PIRN_DIVERGED;
    }
    if (!e->timed) return 0;
    e->read = clock_of(e->clock);
    if (e->read - e->reported < REPORT_EVERY) return 0;
    rc = report(e, CONTROL_PROGRESS);
    e->read = e->reported = clock_of(e->clock);
    return rc;
}

int explore_take_in_shrunk(struct exploration *e, struct shrink *s, bool new) {
    const struct log *log = e->log;
    e->outcome = log->outcome;
    e->failing_seed = log->seed;
    e->failing_kind = explore_kind(e);
    snprintf(e->message, sizeof e->message, "%s", log->message);
    if (e->recorder && (new || !s->from)) {
        int rc;
        log_tally(e->log);
        rc = recorder_add(e->recorder, log, "shrink", s->schedule_text,
                          e->record != CONTROL_RECORD_NONE, &s->run);
        if (rc == 0 && s->from) rc = recorder_shrunk_from(e->recorder, s->run, s->from);
        if (rc) return recorder_said(e, rc);
    }
    e->trace_run = s->run;
    return commit(e);
}

int explore_record_certainty(struct exploration *e, int64_t run, const struct certainty *c) {
    if (!e->recorder || !run) return 0;
    int rc = recorder_certainty(e->recorder, run, c->step, c->samples, c->before);
    return rc ? recorder_said(e, rc) : commit(e);
}

int explore_begin(struct exploration *e) {
    e->outcome = PIRN_OK;
    e->clock = e->trace ? CLOCK_MONOTONIC : CLOCK_MONOTONIC_COARSE;
    e->begun = e->reported = clock_of(e->clock);
    e->timed = e->time_limit || e->stopped || e->report || e->trace;
    if (!(e->log = log_new(e->run.max_steps))) {
        snprintf(e->message, sizeof e->message,
                 "not enough memory, or address space, for runs of %llu steps",
                 (unsigned long long)e->run.max_steps);
        return -ENOMEM;
    }
    if (e->replay) schedule_take_points(e->replay, e->log);
    e->reserved = -1;
    if (e->trace && !e->only_failures) return open_trace(e);
    if (e->trace) e->reserved = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return 0;
}

static bool is_wanted(const struct exploration *e, uint64_t run) {
    return !e->runs || run < e->runs;
}

/*
 * The runs that a strategy learns from, and which show at what places of the program accesses race:
 * all of them, but only our own are counted.
 */
static int take_lessons(struct exploration *e, struct strategy *strategy, const struct share *share,
                        uint64_t *run) {
    uint64_t next = e->next;
    int rc = 0;
    while (*run < LESSONS && is_wanted(e, *run) && e->searching && !explore_over(e)) {
        places_give(e, e->log, *run);
        if ((rc = explore_perform(e, strategy, *run))) return rc;
        if (!search_on(e, strategy)) continue;
        if (*run >= next && share_has(share, *run)) {
            rc = explore_take_in(e, strategy, *run);
        } else {
            add_lesson(e, *run);
            places_learn(e, *run);
        }
        if (rc) return rc;
        if (strategy->learn) strategy->learn(strategy, e->log);
        ++*run;
    }
    for (uint64_t i = *run; i < LESSONS; i++) add_lesson(e, i);
    return 0;
}

/* The runs from `position` on. */
static int take_turns(struct exploration *e, struct strategy *strategy, const struct share *share,
                      uint64_t position) {
    const uint64_t last = e->runs ? share_position(share, e->runs) : UINT64_MAX;
    uint64_t end = 0; /* of the epoch, as a position */
    int rc = 0;
    while (rc == 0 && e->searching && !explore_over(e) && position < last) {
        uint64_t run = share_run(share, position);
        if (position >= end) {
            uint64_t next = places_give(e, e->log, run);
            end = next < UINT64_MAX ? share_position(share, next) : UINT64_MAX;
            if (end > last) end = last;
        }
        e->following = end < UINT64_MAX ? end - position - 1 : UINT64_MAX;
        if ((rc = perform(e, strategy, run))) break;
        if (strategy->next && !search_on(e, strategy)) continue;
        if ((rc = explore_again(e, run))) break;
        rc = explore_take_in(e, strategy, run);
        if (e->replay) break;
        position++;
    }
    return rc;
}

static int take_all(struct exploration *e, struct strategy *strategy) {
    static const struct share whole = {.shard = 1, .shards = 1};
    const struct share *share = e->share.shards ? &e->share : &whole;
    uint64_t run = 0, position;
    int rc = e->replay || strategy->ends ? 0 : take_lessons(e, strategy, share, &run);
    position = share_position(share, run > e->next ? run : e->next);
    if (rc) return rc;
    e->settled = !strategy->ends;
    return e->jobs > 1 ? jobs_explore(e, strategy, position)
                       : take_turns(e, strategy, share, position);
}

int explore(struct exploration *e) {
    struct strategy *strategy =
        e->replay ? strategy_replay(e->replay->choices, e->replay->count) : e->strategy;
    int rc = explore_begin(e);

    if (rc) return rc;
    strategy_start(strategy);
    rc = search_begin(e, strategy);
    if (rc == 0) rc = places_begin(e);
    if (rc == 0) rc = take_all(e, strategy);
    if (rc == 1) return 1;
    if (rc == -ECANCELED) {
        e->over = true;
        rc = 0;
    }
    if (rc == 0 && e->runs && !e->over) e->next = e->runs;
    if (rc == 0 && e->recorder) recorder_reached(e->recorder, e->next);
    search_end(e, strategy);
    if (rc) return rc;
    if (e->recorder && !e->only_failures) rc = orders_record(&e->orders, e->recorder);
    return rc ? recorder_said(e, rc) : commit(e);
}

void explore_end(struct exploration *e) {
    log_free(e->log);
    orders_free(&e->orders);
    free(e->graphs);
    for (size_t i = 0; i < e->kind_count; i++) free(e->kinds[i].schedule);
    e->log = NULL;
    e->graphs = NULL;
    e->kind_count = 0;
}

/* ---- In this process ----------------------------------------------------------------------- */

struct call {
    pirn_config config; /* read from the environment once for all runs */
    pirn_fn *fn;
    void *arg;
};

static int perform_here(struct exploration *e, struct strategy *strategy) {
    const struct call *call = e->context;
    int rc;
    strategy->begin(strategy, e->log->seed);
    rc = sim_run(&call->config, call->fn, call->arg, e->log, strategy, &e->run);
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
        wrong = "there is no such strategy, or it has no such depth";
    else if (o->depth < 0 || o->depth > MOST_DEPTH)
        wrong = "`depth` is out of range";
    else if (o->allow & ~known)
        wrong = "`allow` has bits without a meaning";
    else if (o->time_limit < 0 || o->max_steps > UINT32_MAX / 16)
        wrong = "a limit is out of range";
    if (wrong) {
        snprintf(result->message, sizeof result->message, "%s", wrong);
        return -EINVAL;
    }
    return 0;
}

/* What became of an exploration with every failure of a kind of its own made small. */
static int shrink_all(struct exploration *e) {
    char message[sizeof e->message];
    pirn_outcome outcome = e->outcome;
    uint64_t seed = e->failing_seed;
    int rc = 0;
    memcpy(message, e->message, sizeof message);
    /* Without a trace nobody sees but the first. */
    for (size_t i = 0; i < e->kind_count && !rc && (i == 0 || e->trace); i++) {
        struct failure_kind *kind = &e->kinds[i];
        struct schedule schedule;
        struct shrink s = {.schedule = &schedule,
                           .from = kind->run,
                           .runs = SHRINK_RUNS,
                           .time_limit = SHRINK_TIME,
                           .samples = e->trace ? SHRINK_SAMPLES : 0};
        if ((rc = schedule_read(kind->schedule, &schedule, e->message, sizeof e->message))) break;
        rc = shrink(e, &s);
        schedule_free(&schedule);
        if (rc == 0) {
            free(kind->schedule);
            kind->schedule = s.schedule_text;
        } else {
            free(s.schedule_text);
        }
        /* A program that does not repeat its run cannot be shrunk, and has failed all the same. */
        if (rc == -ESTALE || rc == -ESRCH) rc = 0;
    }
    if (rc) return rc;
    e->outcome = outcome;
    e->failing_seed = seed;
    memcpy(e->message, message, sizeof message);
    return 0;
}

EXPORT int pirn_sim_explore(const pirn_sim_options *options, pirn_fn *main_fn, void *arg,
                            pirn_sim_result *result) {
    static const pirn_sim_options defaults;
    const pirn_sim_options *o = options ? options : &defaults;
    struct call call = {.fn = main_fn, .arg = arg};
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
    if ((rc = config_resolve(NULL, &call.config))) {
        snprintf(result->message, sizeof result->message,
                 "a PIRN_ variable of the environment has a value that it cannot have");
        return rc;
    }
    if (o->replay) {
        if ((rc = schedule_read(o->replay, &schedule, result->message, sizeof result->message)))
            return rc;
        e.replay = &schedule;
    }
    e.strategy = strategy_find(o->strategy);
    if (o->depth && strategy_has_depth(e.strategy, o->depth)) e.strategy->depth = o->depth;
    e.run.max_steps = o->max_steps ? o->max_steps : MAX_STEPS;
    e.run.allow = o->allow;
    e.seed = o->seed ? o->seed : explore_fresh_seed();
    e.runs = o->runs || e.strategy->ends ? o->runs : 1000;
    e.time_limit = o->time_limit;
    e.keep_going = o->keep_going;
    e.trace = o->trace && *o->trace ? o->trace : NULL;
    e.record = o->record_all ? CONTROL_RECORD_ALL : CONTROL_RECORD_FAILING;
    e.count_orders = e.trace != NULL;

    label_keep();
    faults_begin(RUN_TIME_LIMIT);
    rc = explore(&e);
    if (rc == 0 && o->shrink) rc = shrink_all(&e);
    faults_end();
    if (e.recorder) {
        int closed = recorder_close(e.recorder, rc ? NULL : e.message, sizeof e.message);
        if (rc == 0) rc = closed;
    }
    sim_release();
    if (e.replay) schedule_free(&schedule);

    result->outcome = e.outcome;
    result->runs = e.done;
    result->distinct = e.distinct;
    result->failures = e.failures;
    result->exhausted = e.exhausted;
    result->seed = e.failing_seed;
    result->kinds = e.kind_count;
    result->unseen = explore_unseen(&e);
    if (e.kind_count) {
        result->schedule = e.kinds[0].schedule;
        e.kinds[0].schedule = NULL;
    }
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
