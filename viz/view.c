/* view.c - `pirn view`: one run as a picture, as text, or for other programs. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "viz/explain.h"
#include "viz/export.h"
#include "viz/graph.h"
#include "viz/order.h"
#include "viz/page.h"
#include "viz/picture.h"
#include "viz/render.h"
#include "viz/tool.h"
#include "viz/trace.h"
#include "viz/utf8.h"
#include "viz/viz.h"

#define MOST_EVENTS 300   /* more make a picture that is hard to read */
#define PICTURE_EVENTS 60 /* shown of a longer run unless more is asked for */
#define TEXT_EVENTS 40
#define SHIVIZ_EVENTS 200
#define MOST_ROWS 1000 /* of text */
#define PAGE_WIDTH 120 /* where there is no terminal to ask */

static const char view_help[] =
    "usage: pirn view [OPTIONS] TRACE[#RUN]\n"
    "\n"
    "Draws a run: time downwards, a column a task, and who waits for whom at the end.\n"
    "Without RUN: the first run that found something, else the first.\n"
    "\n"
    "  -o, --output=FILE   .svg, .png, .pdf (by Graphviz), .html (a page to step\n"
    "                      through), .dot, .txt, .json, .mmd; else standard output\n"
    "      --format=FORMAT html svg png pdf dot txt json chrome shiviz mermaid\n"
    "      --graph=GRAPH   space-time (default); wait-for, lock-order, channels: who\n"
    "                      waits for whom, locks under locks, who sends to whom\n"
    "      --rows=ROWS     step (default); causal: what nothing orders shares a row\n"
    "      --full          every step, instead of those that led to the failure\n"
    "      --steps=A..B    the steps from A to B\n"
    "      --task=TASK     the steps of a task, by name or number; may be repeated\n"
    "      --object=OBJECT what is done to a channel, a lock, ...; may be repeated\n"
    "      --with=RUN      page: the run beside it (a passing run that goes with it\n"
    "                      for longest); none: no run\n"
    "      --no-source     page: without lines of the program\n"
    "      --ascii         text without characters outside ASCII\n"
    "      --width=COLUMNS of the text; below 100 a list is written\n"
    "      --color=WHEN    auto, always or never\n"
    "      --help          this text\n"
    "\n"
    "  pirn view orders.db#17 -o deadlock.svg\n";

enum format {
    FORMAT_NONE,
    FORMAT_SVG,
    FORMAT_PNG,
    FORMAT_PDF,
    FORMAT_DOT,
    FORMAT_TXT,
    FORMAT_HTML,
    FORMAT_JSON,
    FORMAT_CHROME,
    FORMAT_SHIVIZ,
    FORMAT_MERMAID,
    FORMATS
};

static const struct {
    const char *word, *extension;
    size_t events; /* of a long run are shown; 0: all */
} formats[FORMATS] = {
    {"", "", 0},
    {"svg", "svg", PICTURE_EVENTS},
    {"png", "png", PICTURE_EVENTS},
    {"pdf", "pdf", PICTURE_EVENTS},
    {"dot", "dot", PICTURE_EVENTS},
    {"txt", "txt", TEXT_EVENTS},
    {"html", "html", 0},
    {"json", "json", 0},
    {"chrome", "trace", 0},
    {"shiviz", "shiviz", SHIVIZ_EVENTS},
    {"mermaid", "mmd", PICTURE_EVENTS},
};

#define MOST_NAMES 100 /* of --task and --object */

struct names {
    const char *list[MOST_NAMES];
    size_t count;
};

struct request {
    const char *output;
    enum format format;
    enum graph_kind graph;
    struct names tasks, objects;
    struct spacetime_options slice;
    bool by_step; /* --rows=step, rather than nothing, was said */
    bool ascii;
    size_t width;
    enum tool_color_mode color;
    struct page_options page;
};

static enum format find_format(const char *word) {
    for (int i = FORMAT_NONE + 1; i < FORMATS; i++) {
        if (strcmp(word, formats[i].word) == 0) return (enum format)i;
    }
    return FORMAT_NONE;
}

static enum format format_of_file(const char *path) {
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash != NULL ? slash : path, '.');
    for (int i = FORMAT_NONE + 1; dot != NULL && i < FORMATS; i++) {
        if (strcmp(dot + 1, formats[i].extension) == 0) return (enum format)i;
    }
    return FORMAT_NONE;
}

static bool is_drawing(enum format format) { return format >= FORMAT_SVG && format <= FORMAT_DOT; }

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

static bool add_name(struct names *names, const char *name) {
    if (names->count == MOST_NAMES) return false;
    names->list[names->count++] = name;
    return true;
}

static bool read_rows(const char *word, struct request *request) {
    request->slice.causal = strcmp(word, "causal") == 0;
    request->by_step = strcmp(word, "step") == 0;
    return request->slice.causal || request->by_step;
}

/* What is to be written when nobody says so. */
static int choose_format(struct request *request) {
    bool graph = request->graph != GRAPH_SPACE_TIME;
    if (request->format == FORMAT_NONE && request->output == NULL)
        request->format = graph ? FORMAT_DOT : FORMAT_TXT;
    if (request->format == FORMAT_NONE) request->format = format_of_file(request->output);
    if (request->format == FORMAT_NONE)
        return tool_usage_error("view",
                                "cannot tell the format of '%s'; use .html, .svg, .png, .pdf, .dot "
                                "or .txt, or --format",
                                request->output);
    if (graph && !is_drawing(request->format))
        return tool_usage_error("view", "--graph is drawn as svg, png, pdf or dot, not as %s",
                                formats[request->format].word);
    return TOOL_OK;
}

static bool read_with(const char *text, int64_t *with) {
    *with = strcmp(text, "none") == 0 ? PAGE_WITH_NONE : read_number(&text);
    return *with == PAGE_WITH_NONE || (*with > 0 && *text == '\0');
}

/* Returns TOOL_OK, or -1 when the help has been printed. */
static int read_options(int argc, char **argv, struct request *request) {
    enum {
        OPTION_FORMAT = 256,
        OPTION_GRAPH,
        OPTION_ROWS,
        OPTION_FULL,
        OPTION_STEPS,
        OPTION_TASK,
        OPTION_OBJECT,
        OPTION_WITH,
        OPTION_NO_SOURCE,
        OPTION_ASCII,
        OPTION_WIDTH,
        OPTION_COLOR,
        OPTION_HELP
    };
    static const struct option options[] = {{"output", required_argument, NULL, 'o'},
                                            {"format", required_argument, NULL, OPTION_FORMAT},
                                            {"graph", required_argument, NULL, OPTION_GRAPH},
                                            {"rows", required_argument, NULL, OPTION_ROWS},
                                            {"full", no_argument, NULL, OPTION_FULL},
                                            {"steps", required_argument, NULL, OPTION_STEPS},
                                            {"task", required_argument, NULL, OPTION_TASK},
                                            {"object", required_argument, NULL, OPTION_OBJECT},
                                            {"with", required_argument, NULL, OPTION_WITH},
                                            {"no-source", no_argument, NULL, OPTION_NO_SOURCE},
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
                    "view",
                    "unknown format '%s'; known are html, svg, png, pdf, dot, txt, "
                    "json, chrome, shiviz and mermaid",
                    optarg);
            break;
        case OPTION_GRAPH:
            if (!graph_parse(optarg, &request->graph))
                return tool_usage_error(
                    "view", "--graph is space-time, wait-for, lock-order or channels, not '%s'",
                    optarg);
            break;
        case OPTION_ROWS:
            if (!read_rows(optarg, request))
                return tool_usage_error("view", "--rows is step or causal, not '%s'", optarg);
            break;
        case OPTION_FULL:
            request->slice.full = true;
            break;
        case OPTION_STEPS:
            if (!read_steps(optarg, &request->slice))
                return tool_usage_error("view", "--steps wants a range such as 10..40, not '%s'",
                                        optarg);
            break;
        case OPTION_TASK:
        case OPTION_OBJECT:
            if (!add_name(option == OPTION_TASK ? &request->tasks : &request->objects, optarg))
                return tool_usage_error("view", "more than %d names", MOST_NAMES);
            break;
        case OPTION_WITH:
            if (!read_with(optarg, &request->page.with))
                return tool_usage_error(
                    "view", "--with wants the number of a run, or none, not '%s'", optarg);
            break;
        case OPTION_NO_SOURCE:
            request->page.sources = false;
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
            return tool_option_error("view", argv, option, options);
        }
    }
    if (argc - optind != 1)
        return tool_usage_error("view", argc == optind ? "which trace?" : "one trace at a time");
    return choose_format(request);
}

/* ---- View ---------------------------------------------------------------------------------- */

/* A name, or the number that the trace has for it, as the names of tables are. */
static bool is_called(const char *word, const char *name, int64_t id) {
    int64_t number = read_number(&(const char *){word});
    return strcmp(word, name) == 0 || (number == id && word[strspn(word, "0123456789")] == '\0');
}

static int64_t task_at(const struct trace_run *run, size_t i, const char **name) {
    *name = run->tasks[i].name;
    return run->tasks[i].id;
}

static int64_t object_at(const struct trace_run *run, size_t i, const char **name) {
    *name = run->objects[i].name;
    return run->objects[i].id;
}

/* Finds the things that are named. Returns NULL with a message when one is not there, else which of
 * `count` they are; free() frees it. */
static bool *find_names(const struct trace_run *run, const struct names *names, const char *what,
                        size_t count,
                        int64_t (*at)(const struct trace_run *, size_t, const char **)) {
    bool *found = tool_alloc(count, sizeof *found);
    for (size_t i = 0; i < names->count; i++) {
        bool any = false;
        for (size_t k = 0; k < count; k++) {
            const char *name;
            int64_t id = at(run, k, &name);
            if (!is_called(names->list[i], name, id)) continue;
            found[k] = any = true;
        }
        if (any) continue;
        tool_error("run %lld has no %s '%s'; pirn stats shows those it has",
                   (long long)run->summary.id, what, names->list[i]);
        free(found);
        return NULL;
    }
    return found;
}

static void write_text(struct tool_text *out, const struct request *request,
                       const struct picture *picture, const char *path) {
    bool to_terminal = request->output == NULL;
    struct picture_text_options text = {
        .width = request->width != 0 ? request->width
                 : to_terminal       ? page_width()
                                     : PAGE_WIDTH,
        .ascii = request->ascii || (to_terminal && !utf8_is_wanted()),
        .color =
            to_terminal ? tool_color(stdout, request->color) : request->color == TOOL_COLOR_ALWAYS,
    };
    struct explain_options explain = {.trace = path, .ascii = text.ascii, .color = text.color};
    picture_text(out, picture, &text);
    tool_text_add(out, "\n");
    explain_text(out, picture->run, picture->waits, &explain);
}

static int draw(const struct request *request, struct tool_text *out) {
    if (request->format == FORMAT_DOT) return TOOL_OK;
    struct tool_text rendered = {0};
    int status = render_dot(formats[request->format].word, out, RENDER_SECONDS, &rendered);
    tool_text_free(out);
    *out = rendered;
    return status;
}

static int write_spacetime(struct tool_text *out, const struct request *request,
                           const struct trace *trace, const struct picture *picture) {
    const struct spacetime *spacetime = picture->spacetime;
    bool text = request->format == FORMAT_TXT;
    size_t most = text ? MOST_ROWS : MOST_EVENTS;
    if ((text || is_drawing(request->format)) && spacetime->shown > most)
        tool_error("the picture has %zu steps and is hard to read; --steps A..B draws fewer",
                   spacetime->shown);
    switch (request->format) {
    case FORMAT_TXT:
        write_text(out, request, picture, trace_path(trace));
        return TOOL_OK;
    case FORMAT_JSON:
        export_json(out, picture, trace_path(trace));
        return TOOL_OK;
    case FORMAT_CHROME:
        export_chrome(out, picture);
        return TOOL_OK;
    case FORMAT_SHIVIZ:
        export_shiviz(out, picture);
        return TOOL_OK;
    case FORMAT_MERMAID:
        export_mermaid(out, picture);
        return TOOL_OK;
    default:
        picture_dot(out, picture);
        return draw(request, out);
    }
}

static int write_picture(const struct request *request, const struct trace *trace,
                         const struct trace_run *run, const struct spacetime_options *options) {
    struct spacetime_options slice = *options;
    slice.all_up_to = slice.budget = formats[request->format].events;
    if (slice.budget == 0) slice.all_up_to = SIZE_MAX;
    /* That nothing orders two accesses shows where rows are no order. */
    if (is_drawing(request->format) && strcmp(run->summary.outcome, "race") == 0)
        slice.causal = !request->by_step;
    struct waits *waits = waits_find(run);
    struct tool_text out = {0};
    int status = TOOL_OK;
    if (request->graph != GRAPH_SPACE_TIME) {
        status = graph_dot(&out, run, waits, request->graph, &slice);
        if (status == TOOL_OK) status = draw(request, &out);
    } else {
        struct spacetime *spacetime = spacetime_build(run, waits, &slice);
        bool *implied = request->format != FORMAT_TXT ? order_reduce(run) : NULL;
        struct picture picture = {.run = run,
                                  .waits = waits,
                                  .spacetime = spacetime,
                                  .implied = implied,
                                  .title = trace_title(trace)};
        if (spacetime->shown == 0) {
            tool_error("%s: run %lld has no such steps; its last is %lld", trace_path(trace),
                       (long long)run->summary.id,
                       (long long)run->events[run->event_count - 1].step);
            status = TOOL_USAGE;
        } else {
            status = write_spacetime(&out, request, trace, &picture);
        }
        free(implied);
        spacetime_free(spacetime);
    }
    if (status == TOOL_OK)
        status = render_save(request->output != NULL ? request->output : "-", &out);
    tool_text_free(&out);
    waits_free(waits);
    return status;
}

static int write_chosen(const struct request *request, const struct trace *trace,
                        const struct trace_run *run) {
    struct spacetime_options slice = request->slice;
    bool *tasks = find_names(run, &request->tasks, "task", run->task_count, task_at);
    bool *objects = tasks != NULL
                        ? find_names(run, &request->objects, "object", run->object_count, object_at)
                        : NULL;
    int status = TOOL_USAGE;
    if (objects != NULL) {
        if (request->tasks.count > 0) slice.tasks = tasks;
        if (request->objects.count > 0) slice.objects = objects;
        status = write_picture(request, trace, run, &slice);
    }
    free(tasks);
    free(objects);
    return status;
}

static int write_page(const struct request *request, struct trace *trace,
                      const struct trace_run *run) {
    struct tool_text out = {0};
    int status = page_write(&out, trace, run, &request->page);
    if (status == TOOL_OK)
        status = render_save(request->output != NULL ? request->output : "-", &out);
    tool_text_free(&out);
    return status;
}

int view_main(int argc, char **argv) {
    struct request request = {.color = TOOL_COLOR_AUTO, .page = {.sources = true}};
    int status = read_options(argc, argv, &request);
    if (status != TOOL_OK) return status == -1 ? tool_flush(stdout, "standard output") : status;
    struct trace *trace;
    struct trace_run *run;
    status = trace_load_named(argv[optind], &trace, &run);
    if (status != TOOL_OK) return status;
    if (run->event_count == 0) {
        tool_error("%s: the steps of run %lld (%s) were not recorded, so there is nothing to draw; "
                   "pirn explore "
                   "--record=all records those of every run",
                   trace_path(trace), (long long)run->summary.id, run->summary.outcome);
        status = TOOL_USAGE;
    } else if (request.format == FORMAT_HTML) {
        status = write_page(&request, trace, run);
    } else {
        status = write_chosen(&request, trace, run);
    }
    trace_run_free(run);
    trace_close(trace);
    return status;
}
