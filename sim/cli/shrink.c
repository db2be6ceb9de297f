/* shrink.c - `pirn shrink`: the failing run with the fewest preemptions that fails in the same
 * way. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cli/command.h"
#include "sim/cli/launch.h"
#include "sim/cli/options.h"
#include "sim/cli/report.h"
#include "sim/cli/shrink.h"
#include "sim/cli/source.h"
#include "sim/shrink.h"

static const struct options_usage usage = {
    OPTIONS_SHRINK,
    "shrink",
    "TRACE[#RUN]|pirn1:... [--] PROGRAM [ARGUMENT...]",
    "Looks for the simplest run that fails in the same way as the given one: with the\n"
    "fewest preemptions, then the fewest steps and tasks. It is recorded in the trace\n"
    "beside the other. Without RUN it is the first failing run of the trace. Ctrl-C\n"
    "keeps the smallest run so far.\n",
    "  pirn shrink orders.db#17 ./orders\n",
};

struct shrinking {
    const struct report *report;
    struct control_message result;
    bool has_result;
};

static void told(void *context, const struct control_message *message) {
    struct shrinking *shrinking = context;
    if (message->type != CONTROL_SHRUNK) return;
    shrinking->result = *message;
    shrinking->has_result = true;
}

int shrink_perform(const struct report *report, const char *schedule, int64_t from, bool *found) {
    struct shrinking shrinking = {.report = report};
    struct launch launch = {.program = report->options->program,
                            .control = report->options->control,
                            .schedule = schedule,
                            .told = told,
                            .context = &shrinking,
                            .graceful = true};
    launch.control.shrink = true;
    launch.control.shrunk_from = from;
    launch.control.quiet_program = true;
    int status = launch_program(&launch);
    *found = shrinking.has_result;
    if (shrinking.has_result) report_shrunk(report, &shrinking.result);
    return status;
}

/* Whether two paths lead to the same file. */
static bool is_same_file(const char *a, const char *b) {
    char one[PATH_MAX], other[PATH_MAX];
    return realpath(a, one) && realpath(b, other) && !strcmp(one, other);
}

/* The shrunk run goes into the trace of the one it comes from, unless another is named. Only there
 * can it say where it comes from. */
static int choose_trace(struct options *options, const struct source *source, int64_t *from) {
    *from = 0;
    if (!source->path) return TOOL_OK;
    if (!options->trace && !options_trace(options, source->path)) {
        tool_error("%s: %s", source->path, strerror(ENAMETOOLONG));
        return TOOL_USAGE;
    }
    /* A source with a path has a run. NOLINTNEXTLINE(clang-analyzer-core.*) */
    if (is_same_file(options->trace, source->path)) *from = source->run->summary.id;
    return TOOL_OK;
}

int shrink_main(int argc, char **argv) {
    struct options options;
    struct source source = {0};
    struct report report;
    int64_t from;
    int status;
    bool found = false;

    if (!options_read(&options, &usage, argc, argv, &status)) return status;
    status = source_read(&source, options.schedule);
    if (status == TOOL_OK && !*options.program)
        status = source_suggest_program(&source, &usage, options.schedule);
    if (status == TOOL_OK && source.run && !strcmp(source.run->summary.outcome, "ok")) {
        tool_error("%s: no run of it fails, so there is nothing to shrink (pirn explore finds runs "
                   "that do)",
                   options.schedule);
        status = TOOL_USAGE;
    }
    if (status == TOOL_OK) status = choose_trace(&options, &source, &from);
    if (status == TOOL_OK) status = report_prepare(&report, &options, stdout);
    if (status == TOOL_OK) {
        if (source.run) options.control.seed = source.run->summary.seed;
        if (!options.runs_given && !options.control.time_limit) {
            options.control.runs = SHRINK_RUNS;
            options.control.time_limit = SHRINK_TIME;
        }
        status = shrink_perform(&report, source.text, from, &found);
        int written = tool_flush(stdout, "standard output");
        /* What was found is worth more to know than who ended it. */
        if (found && (status == TOOL_OK || status > 128))
            status = TOOL_FOUND;
        else if (status == TOOL_OK)
            status = written;
    }
    source_free(&source);
    options_free(&options);
    return status;
}
