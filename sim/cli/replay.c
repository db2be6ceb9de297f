/* replay.c - `pirn replay`: the same run again, from a schedule or from a run in a trace. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cli/command.h"
#include "sim/cli/launch.h"
#include "sim/cli/options.h"
#include "sim/cli/report.h"
#include "sim/program.h"
#include "sim/schedule.h"
#include "viz/trace.h"

static const struct options_usage usage = {
    OPTIONS_REPLAY,
    "replay",
    "TRACE[#RUN]|pirn1:... [--] PROGRAM [ARGUMENT...]",
    "Repeats a run: the program takes every turn that it took then. Without RUN it is the first "
    "failing\n"
    "run of the trace. Where the program does something else, replay says so and ends with status "
    "4.\n",
    "  pirn replay orders.db#17 ./orders\n"
    "  pirn replay pirn1:AAAAAD2xGgMMAgIEaQ1vYw ./orders --workers 3\n",
};

struct replay {
    struct schedule schedule;
    char *text;            /* of the schedule */
    struct trace_run *run; /* that is repeated, when it is in a trace */
    struct control_message result;
    bool has_result;
};

/* ---- What to repeat ------------------------------------------------------------------------ */

/* A program that a trace names is never run because of that. */
static int suggest_program(const struct options *options, const struct trace_run *run) {
    struct tool_text text = {0};
    int status = options_no_program(&usage);
    if (run && run->program.argument_count > 0) {
        tool_text_add(&text, "it was recorded with: ");
        tool_shell_quote(&text, tool_command);
        tool_text_add(&text, " replay ");
        tool_shell_quote(&text, options->schedule);
        tool_text_add(&text, " -- ");
        tool_shell_quote(&text, run->program.path);
        for (size_t i = 1; i < run->program.argument_count; i++) {
            tool_text_add(&text, " ");
            tool_shell_quote(&text, run->program.arguments[i]);
        }
        fprintf(stderr, "%s\n", text.data);
    }
    tool_text_free(&text);
    return status;
}

/* `from` is the trace that it was read from; NULL: the command line. */
static int read_schedule(struct replay *replay, const char *from) {
    char message[256] = "";
    int rc = schedule_read(replay->text, &replay->schedule, message, sizeof message);
    if (rc == 0) return TOOL_OK;
    tool_error("%s%s%s", from ? from : "", from ? ": " : "", message);
    return rc == -ENOMEM ? TOOL_FAILED : TOOL_USAGE;
}

/* Reads the run from the trace; the library compares with its events, if there are any. */
static int read_trace(struct replay *replay, struct options *options) {
    struct trace *trace;
    int64_t number;
    char path[PATH_MAX];
    int status = trace_open_named(options->schedule, &trace, &number);
    if (status != TOOL_OK) return status;
    status = trace_load(trace, number, &replay->run);
    if (status == TOOL_OK) {
        replay->text = tool_copy(replay->run->summary.schedule);
        options->control.expected_run = number;
        options->control.seed =
            replay->run->summary.seed; /* decides nothing, but says which run it is */
        if (!realpath(trace_path(trace), path) ||
            strlen(path) >= sizeof options->control.trace_expected) {
            tool_error("%s: %s", trace_path(trace), strerror(errno ? errno : ENAMETOOLONG));
            status = TOOL_FAILED;
        } else {
            strcpy(options->control.trace_expected, path);
        }
    }
    trace_close(trace);
    return status == TOOL_OK ? read_schedule(replay, options->schedule) : status;
}

/* ---- What has come of it ------------------------------------------------------------------- */

static void told(void *context, const struct control_message *message) {
    struct replay *replay = context;
    if (message->type != CONTROL_FAILURE && message->type != CONTROL_DONE) return;
    if (replay->has_result && replay->result.type == CONTROL_FAILURE) return;
    replay->result = *message;
    replay->has_result = true;
}

/* Whether the program is another build than the one that the schedule comes from. */
static bool is_other_build(const struct replay *replay, const struct options *options) {
    char id[PROGRAM_BUILD_ID], *path;
    bool other = false;
    if (!replay->schedule.program || launch_find(options->program[0], &path) != TOOL_OK)
        return false;
    /* A script is started by a schedule's program, and is none. */
    if (program_build_id_of(path, id) == 0)
        other = program_fingerprint_of(id) != replay->schedule.program;
    free(path);
    return other;
}

/* A run that was cut short, by a crash, is not compared with the recorded one as it would be at
 * its end. */
static void compare(struct replay *replay) {
    struct control_message *result = &replay->result;
    if (result->outcome == PIRN_DIVERGED || result->run_steps == replay->schedule.steps) return;
    snprintf(result->message + strlen(result->message),
             sizeof result->message - strlen(result->message),
             "%sthe run had %" PRIu64 " steps, the recorded one %" PRIu64,
             *result->message ? "; " : "", result->run_steps, replay->schedule.steps);
    result->outcome = PIRN_DIVERGED;
}

static int conclude(struct replay *replay, const struct report *report) {
    const struct control_message *result = &replay->result;
    const struct options *options = report->options;
    compare(replay);
    bool diverged = result->outcome == PIRN_DIVERGED, failed = result->outcome != PIRN_OK;
    FILE *out = report->out;

    if (options->json) {
        struct tool_text json = {0};
        report_json_run(report, result, &json);
        fprintf(out, "{\"type\":\"replay\",%s,\"same\":%s}\n", json.data,
                diverged ? "false" : "true");
        tool_text_free(&json);
    } else if (diverged) {
        fprintf(out, "diverged: %s\n", result->message);
        if (!strstr(result->message, "another build") && is_other_build(replay, options))
            fputs("note: this is another program, or another build of it, than the one that was "
                  "recorded\n",
                  out);
    } else if (!options->quiet || failed) {
        fprintf(out, "%s%s%s\n", pirn_outcome_name(result->outcome), failed ? ": " : "",
                failed ? result->message : "");
        if (!options->quiet) fprintf(out, "the same %" PRIu64 " events\n", result->run_steps);
    }
    int written = tool_flush(out, "standard output");
    return diverged ? TOOL_DIVERGED : failed ? TOOL_FOUND : written;
}

static int perform(struct replay *replay, struct options *options) {
    struct launch launch = {
        .program = options->program, .schedule = replay->text, .told = told, .context = replay};
    struct report report;
    bool scratch = options->trace == NULL;
    options->control.runs = 1;
    /* What is already recorded need not be recorded once more. */
    options->control.record = scratch ? CONTROL_RECORD_NONE : CONTROL_RECORD_ALL;
    int status = report_prepare(&report, options, stdout);
    launch.control = options->control;
    if (status == TOOL_OK) status = launch_program(&launch);
    if (replay->has_result && (status == TOOL_OK || launch.interrupted))
        status = conclude(replay, &report);
    return status;
}

int replay_main(int argc, char **argv) {
    struct options options;
    struct replay replay = {0};
    int status;

    if (!options_read(&options, &usage, argc, argv, &status)) return status;
    if (!strncmp(options.schedule, "pirn1:", 6)) {
        replay.text = tool_copy(options.schedule);
        status = read_schedule(&replay, NULL);
    } else {
        status = read_trace(&replay, &options);
    }
    if (status == TOOL_OK)
        status =
            *options.program ? perform(&replay, &options) : suggest_program(&options, replay.run);
    trace_run_free(replay.run);
    schedule_free(&replay.schedule);
    free(replay.text);
    options_free(&options);
    return status;
}
