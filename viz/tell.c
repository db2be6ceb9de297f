/* tell.c - `pirn explain`: one run in words, for people, for reviews and for programs. */
#include <getopt.h>
#include <string.h>

#include "viz/explain.h"
#include "viz/render.h"
#include "viz/report.h"
#include "viz/tool.h"
#include "viz/trace.h"
#include "viz/utf8.h"
#include "viz/viz.h"

#define STEPS 12

static const char help[] =
    "usage: pirn explain [OPTIONS] TRACE[#RUN]\n"
    "\n"
    "Tells a failure in words: who waits for whom, since when and where, the steps\n"
    "that led there, and what could go wrong in another interleaving of the same\n"
    "steps. Without RUN: the first run that found something, else the first.\n"
    "\n"
    "      --format=FORMAT   text, markdown, github, junit, sarif or json\n"
    "  -o, --output=FILE     instead of standard output\n"
    "      --ascii           text without characters outside ASCII\n"
    "      --color=WHEN      auto, always or never\n"
    "      --help            this text\n"
    "\n"
    "  pirn explain 'orders.db#17'\n"
    "  pirn explain --format=sarif -o pirn.sarif orders.db\n";

typedef void writer(struct tool_text *out, const struct report *report);

static const struct {
    const char *word;
    writer *write; /* NULL: text */
} formats[] = {
    {"text", NULL},          {"markdown", report_markdown}, {"github", report_github},
    {"junit", report_junit}, {"sarif", report_sarif},       {"json", report_json},
};
#define FORMATS (sizeof formats / sizeof *formats)

struct request {
    size_t format;
    const char *output;
    bool ascii;
    enum tool_color_mode color;
};

static int read_format(const char *word, size_t *format) {
    for (size_t i = 0; i < FORMATS; i++) {
        if (strcmp(word, formats[i].word) != 0) continue;
        *format = i;
        return TOOL_OK;
    }
    return tool_usage_error(
        "explain", "--format is text, markdown, github, junit, sarif or json, not '%s'", word);
}

static int explain(const struct request *request, struct trace *trace, struct trace_run *run) {
    struct waits *waits = waits_find(run);
    struct tool_text out = {0};
    bool to_output = request->output == NULL;
    if (formats[request->format].write != NULL) {
        struct report report = {run, waits, trace_path(trace)};
        formats[request->format].write(&out, &report);
    } else {
        struct explain_options options = {
            .trace = trace_path(trace),
            .steps = STEPS,
            .predict = true,
            .ascii = request->ascii || (to_output && !utf8_is_wanted()),
            .color = to_output ? tool_color(stdout, request->color)
                               : request->color == TOOL_COLOR_ALWAYS,
        };
        explain_text(&out, run, waits, &options);
    }
    int status = render_save(to_output ? "-" : request->output, &out);
    tool_text_free(&out);
    waits_free(waits);
    return status;
}

int explain_main(int argc, char **argv) {
    enum { OPTION_FORMAT = 256, OPTION_ASCII, OPTION_COLOR, OPTION_HELP };
    static const struct option options[] = {{"format", required_argument, NULL, OPTION_FORMAT},
                                            {"output", required_argument, NULL, 'o'},
                                            {"ascii", no_argument, NULL, OPTION_ASCII},
                                            {"color", required_argument, NULL, OPTION_COLOR},
                                            {"help", no_argument, NULL, OPTION_HELP},
                                            {NULL, 0, NULL, 0}};
    struct request request = {.color = TOOL_COLOR_AUTO};
    optind = 0;
    for (int option; (option = getopt_long(argc, argv, ":o:", options, NULL)) != -1;) {
        switch (option) {
        case OPTION_FORMAT:
            if (read_format(optarg, &request.format) != TOOL_OK) return TOOL_USAGE;
            break;
        case 'o':
            request.output = optarg;
            break;
        case OPTION_ASCII:
            request.ascii = true;
            break;
        case OPTION_COLOR:
            if (!tool_color_parse(optarg, &request.color))
                return tool_usage_error("explain", "--color is auto, always or never, not '%s'",
                                        optarg);
            break;
        case OPTION_HELP:
            fputs(help, stdout);
            return tool_flush(stdout, "standard output");
        default:
            return tool_option_error("explain", argv, option, options);
        }
    }
    if (argc - optind != 1)
        return tool_usage_error("explain", argc == optind ? "which trace?" : "one trace at a time");
    struct trace *trace;
    struct trace_run *run;
    int status = trace_load_named(argv[optind], &trace, &run);
    if (status != TOOL_OK) return status;
    status = explain(&request, trace, run);
    trace_run_free(run);
    trace_close(trace);
    return status;
}
