/* report.c - see report.h. */
#include "sim/cli/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cli/command.h"
#include "sim/cli/scratch.h"
#include "lib/core/trace_kind.h"
#include "viz/explain.h"
#include "viz/trace.h"
#include "viz/utf8.h"

/* A longer argument than 128 KiB cannot be passed to a program, and nobody likes to paste half
 * of that. */
enum { LONGEST_SCHEDULE = 60000 };

int report_prepare(struct report *report, struct options *options, FILE *out) {
    char message[1024];
    *report = (struct report){.options = options, .out = out, .scratch = options->trace == NULL};
    if (report->scratch && options->control.record == CONTROL_RECORD_NONE) return TOOL_OK;
    options->control.scratch = report->scratch;
    if (report->scratch)
        return scratch_trace(options->control.trace, sizeof options->control.trace);
    /* The library would say the same, but only after the program has been started. */
    if (trace_kind_check(options->trace, TRACE_WRITE, message, sizeof message)) return TOOL_OK;
    tool_error("%s", message);
    return TOOL_USAGE;
}

/* Loads the run from the trace; NULL: it is not there, or could not be read, which has been
 * told. */
static struct trace_run *load(const struct report *report, const struct control_message *failure) {
    struct trace *trace;
    struct trace_run *run = NULL;
    if (!failure->trace_run || trace_open(report->options->control.trace, &trace) != TOOL_OK)
        return NULL;
    trace_load(trace, failure->trace_run, &run);
    trace_close(trace);
    return run;
}

/* ---- The commands -------------------------------------------------------------------------- */

/* The trace and the run, in a form that is no option, no schedule and one word of a shell's. */
static void add_reference(struct tool_text *text, const struct report *report, int64_t run) {
    const char *path = report->options->trace;
    struct tool_text name = {0};
    if (path[0] == '-' || !strncmp(path, "pirn1:", 6)) tool_text_add(&name, "./");
    tool_text_add(&name, path);
    tool_shell_quote(text, name.data);
    tool_text_addf(text, "#%" PRId64, run);
    tool_text_free(&name);
}

static void add_program(struct tool_text *text, const struct report *report) {
    size_t count = 0;
    while (report->options->program[count]) count++;
    tool_text_add(text, "-- ");
    tool_shell_quote_all(text, report->options->program, count);
}

static void add_replay(struct tool_text *text, const struct report *report,
                       const struct control_message *failure, const struct trace_run *run) {
    const char *schedule = run ? run->summary.schedule : "",
               *strategy = report->options->control.strategy;
    bool by_trace = !report->scratch && failure->trace_run;
    tool_shell_quote(text, tool_command);
    if (by_trace ||
        (*schedule && (failure->type == CONTROL_SHRUNK || strlen(schedule) <= LONGEST_SCHEDULE))) {
        tool_text_addf(text, " replay %s", tool_text_string(&report->options->repeated));
        if (by_trace)
            add_reference(text, report, failure->trace_run);
        else
            tool_shell_quote(text, schedule);
    } else {
        /* The seed and the strategy decide as much as a schedule does, the runs before included,
         * from which the strategy may have learned. */
        uint64_t before = failure->run - 1, shards = report->options->control.shards;
        tool_text_addf(text, " %s %s--seed=0x%" PRIx64, before ? "explore" : "run",
                       tool_text_string(&report->options->repeated), failure->seed - before);
        if (before) tool_text_addf(text, " -n %" PRIu64, failure->run);
        if (before && report->options->control.keep_going) tool_text_add(text, " --keep-going");
        /* The order of a search's runs depends on that. */
        if (before && report->options->control.jobs > 1 && pirn__strategy_ends(strategy))
            tool_text_addf(text, " -j %" PRIu32, report->options->control.jobs);
        if (before && shards > 1)
            tool_text_addf(text, " --shard=%" PRIu64 "/%" PRIu64, report->options->control.shard,
                           shards);
        if (*strategy) tool_text_addf(text, " --strategy=%s", strategy);
    }
    tool_text_add(text, " ");
    add_program(text, report);
}

/* ---- As text ------------------------------------------------------------------------------- */

static void print_headline(const struct report *report, const struct control_message *failure,
                           bool color) {
    struct tool_text message = {0};
    utf8_add_clean(&message, failure->message, strlen(failure->message));
    fprintf(report->out, "%sFAIL%s %s in run %" PRIu64 " (seed 0x%" PRIx64 ")",
            color ? "\033[1;31m" : "", color ? "\033[0m" : "", pirn_outcome_name(failure->outcome),
            failure->run, failure->seed);
    if (message.length) fprintf(report->out, ": %s", message.data);
    fputs("\n", report->out);
    tool_text_free(&message);
}

/* Why it came about, how to have it again, and where to see it. */
static void print_rest(const struct report *report, const struct control_message *failure,
                       const struct trace_run *run) {
    struct tool_text command = {0};
    bool color = tool_color(report->out, report->options->color);
    if (run && !report->options->quiet && !report->brief) {
        struct explain_options options = {.steps = 12, .color = color};
        fputs("\n", report->out);
        explain_run(report->out, run, &options);
        fputs("\n", report->out);
    }
    add_replay(&command, report, failure, run);
    fprintf(report->out, "replay: %s\n", command.data);
    if (!report->scratch && run && run->event_count > 0 && !report->options->quiet &&
        !report->brief) {
        tool_text_clear(&command);
        tool_shell_quote(&command, tool_command);
        tool_text_add(&command, " view ");
        add_reference(&command, report, failure->trace_run);
        fprintf(report->out, "picture: %s -o run.svg\n", command.data);
    }
    if (run && report->options->annotate && !report->brief)
        annotate_run(report->out, run, report->options->annotate);
    tool_text_free(&command);
}

static void print_size(FILE *out, const struct control_size *size) {
    fprintf(out, "%" PRIu64 " step%s, %" PRIu64 " switch%s, %" PRIu64 " preemption%s", size->steps,
            size->steps == 1 ? "" : "s", size->switches, size->switches == 1 ? "" : "es",
            size->preemptions, size->preemptions == 1 ? "" : "s");
}

static void print_shrunk(const struct report *report, const struct control_message *shrunk,
                         const struct trace_run *run) {
    fputs("shrunk: ", report->out);
    print_size(report->out, &shrunk->before);
    fputs(" -> ", report->out);
    print_size(report->out, &shrunk->after);
    fprintf(report->out, " (%" PRIu64 " runs tried)\n", shrunk->tried);
    if (!shrunk->minimal)
        fputs("it may become smaller yet: an interruption came first, or the limit of runs or time "
              "(pirn shrink -n, -t)\n",
              report->out);
    print_rest(report, shrunk, run);
}

/* ---- As JSON ------------------------------------------------------------------------------- */

void report_json_run(const struct report *report, const struct control_message *run,
                     struct tool_text *json) {
    tool_text_addf(json, "\"outcome\":\"%s\",\"message\":", pirn_outcome_name(run->outcome));
    tool_json_string(json, run->message);
    if (run->type == CONTROL_FAILURE || run->type == CONTROL_SHRUNK)
        tool_text_addf(json, ",\"kind\":\"%016" PRIx64 "\"", run->kind);
    tool_text_addf(json, ",\"run\":%" PRIu64 ",\"seed\":\"0x%" PRIx64 "\",\"steps\":%" PRIu64,
                   run->run, run->seed, run->run_steps);
    if (report->scratch || !run->trace_run) return;
    tool_text_add(json, ",\"trace\":");
    tool_json_string(json, report->options->trace);
    tool_text_addf(json, ",\"trace_run\":%" PRId64, run->trace_run);
}

static void add_size(struct tool_text *json, const char *name, const struct control_size *size) {
    tool_text_addf(json,
                   ",\"%s\":{\"steps\":%" PRIu64 ",\"tasks\":%" PRIu64 ",\"switches\":%" PRIu64
                   ",\"preemptions\":%" PRIu64 "}",
                   name, size->steps, size->tasks, size->switches, size->preemptions);
}

static void add_shrunk(struct tool_text *json, const struct control_message *shrunk) {
    add_size(json, "before", &shrunk->before);
    add_size(json, "after", &shrunk->after);
    tool_text_addf(json, ",\"tried\":%" PRIu64 ",\"minimal\":%s", shrunk->tried,
                   shrunk->minimal ? "true" : "false");
    if (shrunk->samples)
        tool_text_addf(json, ",\"certain\":{\"step\":%" PRIu64 ",\"samples\":%u,\"before\":%u}",
                       shrunk->certain, shrunk->samples, shrunk->certain_before);
}

static void print_json(const struct report *report, const struct control_message *failure,
                       const struct trace_run *run) {
    struct tool_text json = {0}, command = {0};
    tool_text_addf(&json, "{\"type\":\"%s\",",
                   failure->type == CONTROL_SHRUNK ? "shrunk" : "failure");
    report_json_run(report, failure, &json);
    if (failure->type == CONTROL_SHRUNK) add_shrunk(&json, failure);
    if (run) {
        tool_text_add(&json, ",\"schedule\":");
        tool_json_string(&json, run->summary.schedule);
    }
    add_replay(&command, report, failure, run);
    tool_text_add(&json, ",\"replay\":");
    tool_json_string(&json, command.data);
    fprintf(report->out, "%s}\n", json.data);
    tool_text_free(&command);
    tool_text_free(&json);
}

void report_text(const struct report *report, const struct control_message *failure,
                 struct tool_text *text) {
    struct trace_run *run = load(report, failure);
    struct explain_options options = {.steps = 12};
    char *bytes = NULL;
    size_t size = 0;
    FILE *memory = run ? open_memstream(&bytes, &size) : NULL;
    if (memory) {
        explain_run(memory, run, &options);
        if (!fclose(memory)) tool_text_add_bytes(text, bytes, size);
        tool_text_add(text, "\n");
    }
    free(bytes);
    tool_text_add(text, "replay: ");
    add_replay(text, report, failure, run);
    trace_run_free(run);
}

void report_failure(const struct report *report, const struct control_message *failure) {
    struct trace_run *run = load(report, failure);
    if (report->options->json) {
        print_json(report, failure, run);
    } else {
        print_headline(report, failure, tool_color(report->out, report->options->color));
        print_rest(report, failure, run);
    }
    trace_run_free(run);
    fflush(report->out);
}

void report_shrunk(const struct report *report, const struct control_message *shrunk) {
    struct trace_run *run = load(report, shrunk);
    if (report->options->json)
        print_json(report, shrunk, run);
    else
        print_shrunk(report, shrunk, run);
    trace_run_free(run);
    fflush(report->out);
}

void report_replay(const struct report *report, const struct control_message *failure) {
    struct tool_text command = {0};
    struct trace_run *run = load(report, failure);
    add_replay(&command, report, failure, run);
    fprintf(report->out, "%s\n", command.data);
    trace_run_free(run);
    tool_text_free(&command);
}
