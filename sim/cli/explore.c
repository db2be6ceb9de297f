/* explore.c - `pirn explore`: many runs, until one fails. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cli/command.h"
#include "sim/cli/launch.h"
#include "sim/cli/options.h"
#include "sim/cli/progress.h"
#include "sim/cli/report.h"

enum { RUNS = 1000, MOST_KINDS = 20 };

static const struct options_usage usage = {
    OPTIONS_EXPLORE,
    "explore",
    "[--] PROGRAM [ARGUMENT...]",
    "Runs the program under many schedules and reports the first that fails: a deadlock, a leak, "
    "a\n"
    "panic, a crash, ... with the command that repeats it.\n",
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
    struct control_message figures; /* the last ones */
    struct kind kinds[MOST_KINDS];
    int kind_count;
    uint64_t others; /* beyond the kinds that there is room for */
};

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
    return false;
}

static void told(void *context, const struct control_message *message) {
    struct exploration *e = context;
    if (message->type == CONTROL_HELLO) return;
    if (message->type == CONTROL_ERROR) {
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
    if (f->unseen > 0)
        printf("the probability that one more run shows an order of events that none has shown is "
               "about %.2g %%\n",
               100 * f->unseen);
    else
        printf("the probability that one more run shows an order of events that none has shown is "
               "less than %.2g %%\n",
               100 / (double)f->runs);
}

static void print_summary(const struct exploration *e, bool interrupted) {
    const struct control_message *f = &e->figures;
    if (e->kind_count > 1 || f->failures > 1) print_kinds(e);
    printf("%s%" PRIu64 " run%s, %" PRIu64 " distinct, %" PRIu64 " failure%s in %.3g s\n",
           interrupted ? "interrupted: " : "", f->runs, f->runs == 1 ? "" : "s", f->distinct,
           f->failures, f->failures == 1 ? "" : "s", progress_seconds(&e->progress));
    if (has_estimate(e) && f->runs > 1) print_estimate(e);
}

static void print_json_summary(const struct exploration *e, bool interrupted) {
    const struct control_message *f = &e->figures;
    printf("{\"type\":\"summary\",\"runs\":%" PRIu64 ",\"distinct\":%" PRIu64
           ",\"failures\":%" PRIu64 ",\"steps\":%" PRIu64 ",\"seconds\":%.6f,\"interrupted\":%s",
           f->runs, f->distinct, f->failures, f->steps, progress_seconds(&e->progress),
           interrupted ? "true" : "false");
    if (has_estimate(e)) printf(",\"unseen\":%.6g", f->unseen);
    puts("}");
}

static int conclude(struct exploration *e, int status, bool interrupted) {
    progress_erase(&e->progress);
    if (status != TOOL_OK && !interrupted && !e->figures.runs) return status;
    if (e->report.options->json)
        print_json_summary(e, interrupted);
    else if (!e->report.options->quiet)
        print_summary(e, interrupted);
    int written = tool_flush(stdout, "standard output");
    /* What was found is worth more to know than who ended it. */
    if (e->figures.failures && (status == TOOL_OK || interrupted)) return TOOL_FOUND;
    return status == TOOL_OK ? written : status;
}

int explore_main(int argc, char **argv) {
    struct options options;
    struct exploration e = {0};
    int status;

    if (!options_read(&options, &usage, argc, argv, &status)) return status;
    if (!*options.program) {
        status = options_no_program(&usage);
    } else {
        struct launch launch = {.program = options.program, .told = told, .context = &e};
        if (!options.runs_given && !options.control.time_limit) options.control.runs = RUNS;
        options.control.quiet_program = true;
        status = report_prepare(&e.report, &options, stdout);
        if (status == TOOL_OK) {
            launch.control = options.control;
            progress_begin(&e.progress, &options.control, !options.quiet && !options.json);
            status = launch_program(&launch);
            status = conclude(&e, status, launch.interrupted != 0);
        }
    }
    options_free(&options);
    return status;
}
