/* replay.c - `pirn replay`: the same run again, from a schedule or from a run in a trace. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cli/command.h"
#include "sim/cli/debug.h"
#include "sim/cli/launch.h"
#include "sim/cli/options.h"
#include "sim/cli/report.h"
#include "sim/cli/source.h"
#include "lib/core/program.h"

static const struct options_usage usage = {
    OPTIONS_REPLAY,
    "replay",
    "TRACE[#RUN]|pirn1:... [--] PROGRAM [ARGUMENT...]",
    "Repeats a run: the program takes every turn that it took then. Without RUN it is\n"
    "the first failing run of the trace. Where the program does something else,\n"
    "replay says so and ends with status 4.\n",
    "  pirn replay orders.db#17 ./orders\n"
    "  pirn replay --until=finding orders.db ./orders\n",
};

struct replay {
    struct source source;
    struct control_message result;
    bool has_result;
};

/* The library compares with the events of the recorded run, if there are any. */
static int expect(const struct source *source, struct options *options) {
    char path[PATH_MAX];
    if (!source->run) return TOOL_OK;
    options->control.expected_run = source->run->summary.id;
    options->control.seed = source->run->summary.seed; /* decides nothing, but says which it is */
    if (!realpath(source->path, path) || strlen(path) >= sizeof options->control.trace_expected) {
        tool_error("%s: %s", source->path, strerror(errno ? errno : ENAMETOOLONG));
        return TOOL_FAILED;
    }
    strcpy(options->control.trace_expected, path);
    return TOOL_OK;
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
    if (!replay->source.schedule.program || launch_find(options->program[0], &path) != TOOL_OK)
        return false;
    /* A script is started by a schedule's program, and is none. */
    if (program_build_id_of(path, id) == 0)
        other = program_fingerprint_of(id) != replay->source.schedule.program;
    free(path);
    return other;
}

/* A run that was cut short, by a crash, is not compared with the recorded one as it would be at
 * its end. */
static void compare(struct replay *replay) {
    struct control_message *result = &replay->result;
    if (result->outcome == PIRN_DIVERGED || result->run_steps == replay->source.schedule.steps)
        return;
    snprintf(result->message + strlen(result->message),
             sizeof result->message - strlen(result->message),
             "%sthe run had %" PRIu64 " steps, the recorded one %" PRIu64,
             *result->message ? "; " : "", result->run_steps, replay->source.schedule.steps);
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
    struct launch launch = {.program = options->program,
                            .schedule = replay->source.text,
                            .told = told,
                            .context = replay};
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
    status = source_read(&replay.source, options.schedule);
    if (status == TOOL_OK) status = expect(&replay.source, &options);
    if (status == TOOL_OK) {
        if (!*options.program)
            status = source_suggest_program(&replay.source, &usage, options.schedule);
        else if (options.gdb)
            status = debug_program(&options, replay.source.text);
        else
            status = perform(&replay, &options);
    }
    source_free(&replay.source);
    options_free(&options);
    return status;
}
