/* explore.c - `pirn explore`: many runs, until one fails. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cli/command.h"
#include "sim/cli/junit.h"
#include "sim/cli/launch.h"
#include "sim/cli/options.h"
#include "sim/cli/progress.h"
#include "sim/cli/report.h"
#include "sim/cli/resume.h"
#include "sim/cli/shrink.h"
#include "sim/shrink.h"
#include "viz/trace.h"

enum { RUNS = 1000, MOST_KINDS = 20 };

static const struct options_usage usage = {
    OPTIONS_EXPLORE,
    "explore",
    "[--] PROGRAM [ARGUMENT...]",
    "Runs the program under many schedules and reports the first that fails: a\n"
    "deadlock, a leak, a panic, a crash, ... with the command that repeats it.\n",
    "  pirn explore --trace orders.db ./orders\n"
    "  pirn explore -t 60 --keep-going --allow=leak ./orders --workers 3\n",
};

/* Runs that failed in the same way are told once and counted. */
struct kind {
    struct control_message first, shortest;
    uint64_t count;
};

struct exploration {
    struct report report;
    struct progress progress;
    struct junit junit;
    struct control_message figures; /* the last ones */
    struct kind kinds[MOST_KINDS];
    int kind_count;
    uint64_t others; /* beyond the kinds that there is room for */
};

static void add_to_junit(struct exploration *e, const struct control_message *failure) {
    struct tool_text text = {0};
    if (!e->junit.file) return;
    report_text(&e->report, failure, &text);
    junit_failure(&e->junit, failure, text.data);
    tool_text_free(&text);
}

static bool is_known(struct exploration *e, const struct control_message *failure) {
    for (int i = 0; i < e->kind_count; i++) {
        struct kind *kind = &e->kinds[i];
        if (kind->first.kind != failure->kind) continue;
        kind->count++;
        if (failure->run_steps < kind->shortest.run_steps) kind->shortest = *failure;
        return true;
    }
    if (e->kind_count == MOST_KINDS) {
        e->others++;
        return true;
    }
    e->kinds[e->kind_count++] = (struct kind){*failure, *failure, 1};
    add_to_junit(e, failure);
    return false;
}

static void told(void *context, const struct control_message *message) {
    struct exploration *e = context;
    if (message->type == CONTROL_HELLO) return;
    if (message->type == CONTROL_ERROR || message->type == CONTROL_NOTE) {
        progress_erase(&e->progress);
        return;
    }
    e->figures = *message;
    if (message->type == CONTROL_FAILURE && (!is_known(e, message) || e->report.options->json)) {
        progress_erase(&e->progress);
        report_failure(&e->report, message);
        if (!e->report.options->json) fputs("\n", stdout);
    }
    if (message->type != CONTROL_DONE) progress_show(&e->progress, message);
}

/* ---- The end ------------------------------------------------------------------------------- */

static void print_kinds(const struct exploration *e) {
    for (int i = 0; i < e->kind_count; i++) {
        const struct control_message *shortest = &e->kinds[i].shortest;
        printf("%8" PRIu64 " of %s: %s\n", e->kinds[i].count, pirn_outcome_name(shortest->outcome),
               shortest->message);
        if (shortest->run == e->kinds[i].first.run) continue;
        printf("         the shortest, %" PRIu64 " steps: ", shortest->run_steps);
        report_replay(&e->report, shortest);
    }
    if (e->others) printf("%8" PRIu64 " of other kinds\n", e->others);
}

/* How sure one can be. Runs that ended with the first failure are no fair sample. */
static bool has_estimate(const struct exploration *e) {
    const struct control_message *f = &e->figures;
    return f->unseen >= 0 && (!f->failures || e->report.options->control.keep_going);
}

static void print_estimate(const struct exploration *e) {
    const struct control_message *f = &e->figures;
    double percent = 100 * (f->unseen > 0 ? f->unseen : 1 / (double)f->runs);
    int digits = 0; /* behind the point, so that two are told */
    for (double rest = percent; rest < 9.95 && digits < 12; digits++) rest *= 10;
    printf("the probability that one more run shows an order of events that none has shown is "
           "%s %.*f %%\n",
           f->unseen > 0 ? "about" : "less than", digits, percent);
}

static void print_orders(const struct exploration *e) {
    const struct control_message *f = &e->figures;
    const struct options *options = e->report.options;
    struct tool_text trace = {0};
    if (!f->one_way) return;
    printf("%" PRIu64 " of %" PRIu64 " pairs of calls on one object came in one order only",
           f->one_way, f->pairs);
    if (options->trace) {
        tool_shell_quote(&trace, options->trace);
        printf(": pirn coverage %s", trace.data);
        tool_text_free(&trace);
    }
    puts("");
}

static void print_coverage(const struct exploration *e) {
    const struct control_message *f = &e->figures;
    const struct control_options *c = &e->report.options->control;
    if (f->exhausted && c->shards > 1)
        printf("exhausted: every schedule of shard %" PRIu64 "/%" PRIu64 " is covered", c->shard,
               c->shards);
    else
        printf("%s", f->exhausted ? "exhausted: every schedule that was asked for is covered"
                     : f->fair
                         ? "every fair schedule is covered: not those in which tasks try in vain "
                           "again and again, or time passes while no task moves"
                         : "not exhausted: there may be more schedules");
    if (f->repeated)
        printf("; %" PRIu64 " further run%s came to nothing new", f->repeated,
               f->repeated == 1 ? "" : "s");
    puts("");
}

/* How runs were kept apart from each other. */
static const char *isolation(const struct exploration *e) {
    const struct control_message *f = &e->figures;
    bool none = e->report.options->control.isolation == CONTROL_ISOLATE_NONE;
    if (!f->kept) return "fork";
    if (2 * f->kept > f->runs) return none ? "none" : "snapshot";
    return none ? "none and fork" : "snapshot and fork";
}

static void print_summary(const struct exploration *e, bool interrupted) {
    const struct control_message *f = &e->figures;
    if (e->kind_count > 1 || f->failures > 1) print_kinds(e);
    printf("%s%" PRIu64 " run%s", interrupted ? "interrupted: " : "", f->runs,
           f->runs == 1 ? "" : "s");
    if (e->report.options->resume) printf(" (%" PRIu64 " of them before)", e->progress.before);
    printf(", %" PRIu64 " distinct, %" PRIu64 " failure%s in %.3g s (%s)\n", f->distinct,
           f->failures, f->failures == 1 ? "" : "s", progress_seconds(&e->progress), isolation(e));
    if (*f->isolation)
        printf("each run needs a process of its own, since the program cannot be put back: %s\n",
               f->isolation);
    if (has_estimate(e) && f->runs > 1) {
        print_estimate(e);
        print_orders(e);
    }
    if (f->systematic) print_coverage(e);
}

static void print_json_summary(const struct exploration *e, bool interrupted) {
    const struct control_message *f = &e->figures;
    printf("{\"type\":\"summary\",\"runs\":%" PRIu64 ",\"distinct\":%" PRIu64
           ",\"failures\":%" PRIu64 ",\"steps\":%" PRIu64 ",\"seconds\":%.6f,\"interrupted\":%s",
           f->runs, f->distinct, f->failures, f->steps, progress_seconds(&e->progress),
           interrupted ? "true" : "false");
    if (has_estimate(e))
        printf(",\"unseen\":%.6g,\"pairs\":%" PRIu64 ",\"one_way\":%" PRIu64, f->unseen, f->pairs,
               f->one_way);
    if (f->systematic)
        printf(",\"exhausted\":%s,\"repeated\":%" PRIu64, f->exhausted ? "true" : "false",
               f->repeated);
    printf(",\"isolation\":\"%s\"", isolation(e));
    if (*f->isolation) printf(",\"not_restored\":\"%s\"", f->isolation);
    puts("}");
}

static int conclude(struct exploration *e, int status, bool interrupted) {
    const struct options *options = e->report.options;
    double seconds = progress_seconds(&e->progress);
    progress_erase(&e->progress);
    if (status == TOOL_OK || interrupted || e->figures.runs) {
        if (options->json)
            print_json_summary(e, interrupted);
        else if (!options->quiet)
            print_summary(e, interrupted);
        int written = tool_flush(stdout, "standard output");
        /* What was found is worth more to know than who ended it. */
        if (e->figures.outcome == PIRN_DIVERGED && status == TOOL_OK)
            status = TOOL_DIVERGED;
        else if (e->figures.failures && (status == TOOL_OK || interrupted))
            status = TOOL_FOUND;
        else if (status == TOOL_OK)
            status = written;
    }
    int written = junit_end(&e->junit, &e->figures, seconds, interrupted ? TOOL_OK : status);
    return status == TOOL_OK || status == TOOL_FOUND ? (written ? written : status) : status;
}

/* Completes what was asked for by what is not said, or by what the trace says. */
static int prepare(struct options *options, uint64_t *before) {
    struct control_options *c = &options->control;
    if (options->shrink && c->record == CONTROL_RECORD_NONE)
        return tool_usage_error("explore", "--shrink starts from runs that have been recorded: "
                                           "leave out --record=none");
    bool ends = pirn__strategy_ends(c->strategy);
    if (!options->runs_given && !c->time_limit && !ends) c->runs = RUNS;
    c->quiet_program = true;
    if (options->resume) {
        int status = resume(options, before);
        if (status != TOOL_OK) return status;
    }
    if (options->resume) return TOOL_OK;
    if (c->shards > 1 && !c->seed)
        return tool_usage_error("explore", "--shard needs --seed=N, the same for every shard");
    if (!c->shards) c->shard = c->shards = 1;
    return TOOL_OK;
}

/* ---- --shrink ------------------------------------------------------------------------------ */

/* The schedule of a run that has been recorded; NULL after a message. */
static char *schedule_of(const struct report *report, int64_t number) {
    struct trace *trace;
    struct trace_run *run = NULL;
    char *schedule = NULL;
    if (trace_open(report->options->control.trace, &trace) != TOOL_OK) return NULL;
    if (trace_load(trace, number, &run) == TOOL_OK) schedule = tool_copy(run->summary.schedule);
    trace_run_free(run);
    trace_close(trace);
    return schedule;
}

/* Shrinks the shortest run of each kind. Where that cannot be, which has been told, the others are
 * still worth it. */
static int shrink_kinds(struct exploration *e, struct options *options) {
    int status = TOOL_OK;
    progress_erase(&e->progress);
    options->control.runs = SHRINK_RUNS;
    options->control.time_limit = SHRINK_TIME;
    options->control.shards = 0; /* no runs of the exploration */
    options->control.resumed = 0;
    e->report.brief = false;
    for (int i = 0; i < e->kind_count && status == TOOL_OK; i++) {
        const struct control_message *shortest = &e->kinds[i].shortest;
        bool found = false;
        char *schedule;
        if (shortest->outcome == PIRN_DIVERGED) continue;
        schedule = schedule_of(&e->report, shortest->trace_run);
        options->control.seed = shortest->seed;
        status = schedule ? shrink_perform(&e->report, schedule, shortest->trace_run, &found)
                          : TOOL_FAILED;
        if (found && !options->json) fputs("\n", stdout);
        if (status == TOOL_USAGE || status == TOOL_DIVERGED) status = TOOL_OK;
        free(schedule);
    }
    return status;
}

static int perform(struct options *options) {
    struct exploration e = {0};
    struct launch launch = {
        .program = options->program, .told = told, .context = &e, .graceful = true};
    uint64_t before = 0;
    int status = prepare(options, &before);
    if (status == TOOL_OK) status = report_prepare(&e.report, options, stdout);
    if (status == TOOL_OK) status = junit_begin(&e.junit, options->junit, *options->program);
    if (status != TOOL_OK) return status;
    launch.control = options->control;
    progress_begin(&e.progress, &options->control, !options->quiet && !options->json);
    e.progress.before = before;
    e.report.brief = options->shrink;
    status = launch_program(&launch);
    if (status == TOOL_OK && options->shrink) {
        launch.control = options->control; /* as it was asked for */
        status = shrink_kinds(&e, options);
        options->control = launch.control;
    }
    return conclude(&e, status, launch.interrupted != 0 || status > 128);
}

int explore_main(int argc, char **argv) {
    struct options options;
    int status;

    if (!options_read(&options, &usage, argc, argv, &status)) return status;
    status = *options.program ? perform(&options) : options_no_program(&usage);
    options_free(&options);
    return status;
}
