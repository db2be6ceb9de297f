/* view.c - `pirn view` and `pirn explain`: one run as a picture, as text, or in words. */
#include <errno.h>
#include <getopt.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "viz/explain.h"
#include "viz/picture.h"
#include "viz/render.h"
#include "viz/tool.h"
#include "viz/trace.h"
#include "viz/viz.h"

#define MOST_EVENTS 300   /* more make a picture that is hard to read */
#define PICTURE_EVENTS 60 /* shown of a longer run unless more is asked for */
#define TEXT_EVENTS 40
#define EXPLAIN_STEPS 12
#define PAGE_WIDTH 120 /* where there is no terminal to ask */

static const char view_help[] =
    "usage: pirn view [OPTIONS] TRACE[#RUN]\n"
    "\n"
    "Draws a run: time downwards, a column a task, and who waits for whom at the end.\n"
    "Without RUN: the first run that found something, else the first.\n"
    "\n"
    "  -o, --output=FILE     .svg, .png or .pdf (these need Graphviz), .dot or .txt;\n"
    "                        without it text goes to standard output\n"
    "      --format=FORMAT   svg, png, pdf, dot or txt, whatever the file is called\n"
    "      --full            every step, instead of those that led to the failure\n"
    "      --steps=A..B      the steps from A to B\n"
    "      --ascii           text without characters outside ASCII\n"
    "      --width=COLUMNS   of the text; below 100 a list is written\n"
    "      --color=WHEN      auto, always or never\n"
    "      --help            this text\n"
    "\n"
    "  pirn view orders.db\n"
    "  pirn view 'orders.db#17' -o deadlock.svg\n";

static const char explain_help[] =
    "usage: pirn explain [OPTIONS] TRACE[#RUN]\n"
    "\n"
    "Tells a failure in words: who waits for whom, since when and where, and the steps that\n"
    "led there. Without RUN: the first run that found something, else the first.\n"
    "\n"
    "      --ascii           no characters outside ASCII\n"
    "      --color=WHEN      auto, always or never\n"
    "      --help            this text\n"
    "\n"
    "  pirn explain 'orders.db#17'\n";

enum format { FORMAT_NONE, FORMAT_SVG, FORMAT_PNG, FORMAT_PDF, FORMAT_DOT, FORMAT_TXT, FORMATS };
static const char *const formats[FORMATS] = {"", "svg", "png", "pdf", "dot", "txt"};

struct request {
    const char *output;
    enum format format;
    struct spacetime_options slice;
    bool ascii;
    size_t width;
    enum tool_color_mode color;
};

static enum format find_format(const char *word) {
    for (int i = FORMAT_NONE + 1; i < FORMATS; i++) {
        if (strcmp(word, formats[i]) == 0) return (enum format)i;
    }
    return FORMAT_NONE;
}

static enum format format_of_file(const char *path) {
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash != NULL ? slash : path, '.');
    return dot != NULL ? find_format(dot + 1) : FORMAT_NONE;
}

/* The locale's own characters, since bars in a wrong encoding would be rubbish on the terminal. */
static bool needs_ascii(void) {
    setlocale(LC_CTYPE, "");
    return strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
}

static size_t page_width(void) {
    struct winsize size;
    if (isatty(STDOUT_FILENO) == 1 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
        size.ws_col > 0)
        return size.ws_col;
    return PAGE_WIDTH;
}

/* ---- Options ------------------------------------------------------------------------------- */

/* A positive number at `*text`, which is moved behind it; 0 when there is none. */
static int64_t read_number(const char **text) {
    if (**text < '0' || **text > '9') return 0;
    char *end;
    errno = 0;
    long long number = strtoll(*text, &end, 10);
    *text = end;
    return errno == 0 ? number : 0;
}

/* "A..B", "A..", "..B" or "A". */
static bool read_steps(const char *text, struct spacetime_options *slice) {
    bool from = *text != '.';
    slice->from = from ? read_number(&text) : 1;
    slice->to = slice->from;
    if (slice->from < 1) return false;
    if (*text == '\0') return from;
    if (strncmp(text, "..", 2) != 0) return false;
    text += 2;
    bool to = *text != '\0';
    slice->to = to ? read_number(&text) : INT64_MAX;
    return *text == '\0' && (from || to) && slice->to >= slice->from;
}

static bool read_width(const char *text, size_t *width) {
    int64_t number = read_number(&text);
    if (*text != '\0' || number < 20 || number > 10000) return false;
    *width = (size_t)number;
    return true;
}

/* Returns TOOL_OK, or -1 when the help has been printed. */
static int read_options(int argc, char **argv, struct request *request) {
    enum {
        OPTION_FORMAT = 256,
        OPTION_FULL,
        OPTION_STEPS,
        OPTION_ASCII,
        OPTION_WIDTH,
        OPTION_COLOR,
        OPTION_HELP
    };
    static const struct option options[] = {{"output", required_argument, NULL, 'o'},
                                            {"format", required_argument, NULL, OPTION_FORMAT},
                                            {"full", no_argument, NULL, OPTION_FULL},
                                            {"steps", required_argument, NULL, OPTION_STEPS},
                                            {"ascii", no_argument, NULL, OPTION_ASCII},
                                            {"width", required_argument, NULL, OPTION_WIDTH},
                                            {"color", required_argument, NULL, OPTION_COLOR},
                                            {"help", no_argument, NULL, OPTION_HELP},
                                            {NULL, 0, NULL, 0}};
    optind = 0;
    for (int option; (option = getopt_long(argc, argv, ":o:", options, NULL)) != -1;) {
        switch (option) {
        case 'o':
            request->output = optarg;
            break;
        case OPTION_FORMAT:
            request->format = find_format(optarg);
            if (request->format == FORMAT_NONE)
                return tool_usage_error(
                    "view", "unknown format '%s'; known are svg, png, pdf, dot and txt", optarg);
            break;
        case OPTION_FULL:
            request->slice.full = true;
            break;
        case OPTION_STEPS:
            if (!read_steps(optarg, &request->slice))
                return tool_usage_error("view", "--steps wants a range such as 10..40, not '%s'",
                                        optarg);
            break;
        case OPTION_ASCII:
            request->ascii = true;
            break;
        case OPTION_WIDTH:
            if (!read_width(optarg, &request->width))
                return tool_usage_error("view", "--width wants a number from 20 to 10000, not '%s'",
                                        optarg);
            break;
        case OPTION_COLOR:
            if (!tool_color_parse(optarg, &request->color))
                return tool_usage_error("view", "--color is auto, always or never, not '%s'",
                                        optarg);
            break;
        case OPTION_HELP:
            fputs(view_help, stdout);
            return -1;
        default:
            return tool_option_error("view", argv, option);
        }
    }
    if (argc - optind != 1)
        return tool_usage_error("view", argc == optind ? "which trace?" : "one trace at a time");
    if (request->format == FORMAT_NONE) {
        request->format = request->output == NULL ? FORMAT_TXT : format_of_file(request->output);
        if (request->format == FORMAT_NONE)
            return tool_usage_error(
                "view",
                "cannot tell the format of '%s'; use .svg, .png, .pdf, .dot or .txt, or --format",
                request->output);
    }
    return TOOL_OK;
}

/* ---- View ---------------------------------------------------------------------------------- */

static int load_named(const char *name, struct trace **trace, struct trace_run **run) {
    int64_t number;
    int status = trace_open_named(name, trace, &number);
    if (status != TOOL_OK) return status;
    status = trace_load(*trace, number, run);
    if (status != TOOL_OK) trace_close(*trace);
    return status;
}

static void write_text(struct tool_text *out, const struct request *request,
                       const struct picture *picture, const char *path) {
    bool to_terminal = request->output == NULL;
    struct picture_text_options text = {
        .width = request->width != 0 ? request->width
                 : to_terminal       ? page_width()
                                     : PAGE_WIDTH,
        .ascii = request->ascii || (to_terminal && needs_ascii()),
        .color =
            to_terminal ? tool_color(stdout, request->color) : request->color == TOOL_COLOR_ALWAYS,
    };
    struct explain_options explain = {.trace = path, .ascii = text.ascii, .color = text.color};
    picture_text(out, picture, &text);
    tool_text_add(out, "\n");
    explain_text(out, picture->run, picture->waits, &explain);
}

static int write_picture(const struct request *request, const struct trace *trace,
                         const struct trace_run *run) {
    struct spacetime_options slice = request->slice;
    bool text = request->format == FORMAT_TXT;
    slice.all_up_to = slice.budget = text ? TEXT_EVENTS : PICTURE_EVENTS;
    struct waits *waits = waits_find(run);
    struct spacetime *spacetime = spacetime_build(run, waits, &slice);
    struct picture picture = {run, waits, spacetime, trace_title(trace)};
    struct tool_text out = {0};
    int status = TOOL_OK;
    if (spacetime->shown == 0 && slice.from > 0) {
        tool_error("%s: run %lld has no such steps; its last is %lld", trace_path(trace),
                   (long long)run->summary.id, (long long)run->events[run->event_count - 1].step);
        status = TOOL_USAGE;
    } else if (text) {
        write_text(&out, request, &picture, trace_path(trace));
    } else {
        if (spacetime->shown > MOST_EVENTS)
            tool_error("the picture has %zu steps and is hard to read; --steps A..B draws fewer",
                       spacetime->shown);
        picture_dot(&out, &picture);
        if (request->format != FORMAT_DOT) {
            struct tool_text rendered = {0};
            status = render_dot(formats[request->format], &out, RENDER_SECONDS, &rendered);
            tool_text_free(&out);
            out = rendered;
        }
    }
    if (status == TOOL_OK)
        status = render_save(request->output != NULL ? request->output : "-", &out);
    tool_text_free(&out);
    spacetime_free(spacetime);
    waits_free(waits);
    return status;
}

int view_main(int argc, char **argv) {
    struct request request = {.color = TOOL_COLOR_AUTO};
    int status = read_options(argc, argv, &request);
    if (status != TOOL_OK) return status == -1 ? tool_flush(stdout, "standard output") : status;
    struct trace *trace;
    struct trace_run *run;
    status = load_named(argv[optind], &trace, &run);
    if (status != TOOL_OK) return status;
    if (run->event_count == 0) {
        tool_error("%s: the steps of run %lld (%s) were not recorded, so there is nothing to draw; "
                   "pirn explore "
                   "--record=all records those of every run",
                   trace_path(trace), (long long)run->summary.id, run->summary.outcome);
        status = TOOL_USAGE;
    } else {
        status = write_picture(&request, trace, run);
    }
    trace_run_free(run);
    trace_close(trace);
    return status;
}

/* ---- Explain ------------------------------------------------------------------------------- */

int explain_main(int argc, char **argv) {
    enum { OPTION_ASCII = 256, OPTION_COLOR, OPTION_HELP };
    static const struct option options[] = {{"ascii", no_argument, NULL, OPTION_ASCII},
                                            {"color", required_argument, NULL, OPTION_COLOR},
                                            {"help", no_argument, NULL, OPTION_HELP},
                                            {NULL, 0, NULL, 0}};
    bool ascii = false;
    enum tool_color_mode color = TOOL_COLOR_AUTO;
    optind = 0;
    for (int option; (option = getopt_long(argc, argv, ":", options, NULL)) != -1;) {
        switch (option) {
        case OPTION_ASCII:
            ascii = true;
            break;
        case OPTION_COLOR:
            if (!tool_color_parse(optarg, &color))
                return tool_usage_error("explain", "--color is auto, always or never, not '%s'",
                                        optarg);
            break;
        case OPTION_HELP:
            fputs(explain_help, stdout);
            return tool_flush(stdout, "standard output");
        default:
            return tool_option_error("explain", argv, option);
        }
    }
    if (argc - optind != 1)
        return tool_usage_error("explain", argc == optind ? "which trace?" : "one trace at a time");
    struct trace *trace;
    struct trace_run *run;
    int status = load_named(argv[optind], &trace, &run);
    if (status != TOOL_OK) return status;
    struct explain_options explain = {.trace = trace_path(trace),
                                      .steps = EXPLAIN_STEPS,
                                      .ascii = ascii || needs_ascii(),
                                      .color = tool_color(stdout, color)};
    status = explain_run(stdout, run, &explain);
    trace_run_free(run);
    trace_close(trace);
    return status;
}
