/* run.c - `pirn run`: one simulated run, whose output is the program's. What is to be said goes
 * to standard error. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cli/command.h"
#include "sim/cli/launch.h"
#include "sim/cli/options.h"
#include "sim/cli/report.h"

static const struct options_usage usage = {
    OPTIONS_RUN,
    "run",
    "[--] PROGRAM [ARGUMENT...]",
    "Runs the program once in the simulator, under one schedule. Its output is shown;\n"
    "what the run was, or why it failed, is told on standard error (with --json, on\n"
    "standard output).\n",
    "  pirn run ./orders\n"
    "  pirn run --trace orders.db --seed 0x51 ./orders && pirn explain orders.db\n",
};

struct single {
    struct control_message result; /* CONTROL_DONE, or CONTROL_FAILURE */
    bool has_result;
};

static void told(void *context, const struct control_message *message) {
    struct single *single = context;
    if (message->type != CONTROL_FAILURE && message->type != CONTROL_DONE) return;
    if (single->has_result && single->result.type == CONTROL_FAILURE) return;
    single->result = *message;
    single->has_result = true;
}

static void print_json(const struct report *report, const struct control_message *result) {
    struct tool_text json = {0};
    report_json_run(report, result, &json);
    printf("{\"type\":\"run\",%s}\n", json.data);
    tool_text_free(&json);
}

static int conclude(const struct report *report, const struct single *single) {
    const struct control_message *result = &single->result;
    const struct options *options = report->options;
    bool failed = result->type == CONTROL_FAILURE;
    if (failed)
        report_failure(report, result);
    else if (options->json)
        print_json(report, result);
    else if (!options->quiet)
        fprintf(stderr, "ok: %" PRIu64 " steps, seed 0x%" PRIx64 "\n", result->run_steps,
                result->seed);
    int written = tool_flush(stdout, "standard output");
    return failed ? TOOL_FOUND : written;
}

int run_main(int argc, char **argv) {
    struct options options;
    struct report report;
    struct single single = {0};
    int status;

    if (!options_read(&options, &usage, argc, argv, &status)) return status;
    if (!*options.program) {
        status = options_no_program(&usage);
    } else {
        struct launch launch = {.program = options.program, .told = told, .context = &single};
        options.control.runs = 1;
        options.control.record = CONTROL_RECORD_ALL;
        status = report_prepare(&report, &options, options.json ? stdout : stderr);
        launch.control = options.control;
        if (status == TOOL_OK) status = launch_program(&launch);
        if (single.has_result && (status == TOOL_OK || launch.interrupted))
            status = conclude(&report, &single);
    }
    options_free(&options);
    return status;
}
