/* diff.c - `pirn diff`: two runs of one program, aligned by task and operation. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "viz/explain.h"
#include "viz/json.h"
#include "viz/label.h"
#include "viz/order.h"
#include "viz/page.h"
#include "viz/picture.h"
#include "viz/render.h"
#include "viz/tool.h"
#include "viz/trace.h"
#include "viz/utf8.h"
#include "viz/viz.h"

#define BEFORE 3 /* steps shown that the runs have in common */
#define AFTER 40 /* steps shown of each run after they part */
#define ROWS 16  /* of the two lists side by side */
#define MOST_TASKS 20
#define CELL 40

static const char help[] =
    "usage: pirn diff [OPTIONS] TRACE[#A] [[TRACE]#B]\n"
    "\n"
    "Compares two runs of one program: the first step in which they differ, which\n"
    "task and which operation that was in each, what each task did differently from\n"
    "then on, and how both ended. A is the first run that found something, B the run\n"
    "of the same trace that passed and went the same way for longest, unless named.\n"
    "\n"
    "  -o, --output=FILE     .svg, .png or .pdf (by Graphviz), .dot: both runs side\n"
    "                        by side; .txt, .json; else text, to standard output\n"
    "      --format=FORMAT   svg, png, pdf, dot, txt or json, whatever FILE is called\n"
    "      --ascii           text without characters outside ASCII\n"
    "      --help            this text\n"
    "\n"
    "  pirn diff orders.db\n"
    "  pirn diff 'orders.db#17' '#3'\n"
    "  pirn diff 'orders.db#17' '#3' -o diff.svg\n";

/* ---- Alignment ----------------------------------------------------------------------------- */

struct side {
    struct trace *trace;
    struct trace_run *run;
    struct waits *waits;
    size_t parts; /* the first event that differs; event_count: none */
};

struct comparison {
    struct side sides[2];
    size_t *partner; /* by task of the first run: that of the second, or TRACE_NONE */
};

struct named {
    const char *name;
    size_t task;
};

static int compare_names(const void *left, const void *right) {
    const struct named *a = left, *b = right;
    return strcmp(a->name, b->name);
}

/* Tasks are the same when their names are: those do not depend on the schedule. */
static void match_tasks(struct comparison *c) {
    const struct trace_run *a = c->sides[0].run, *b = c->sides[1].run;
    struct named *names = tool_alloc(b->task_count, sizeof *names);
    c->partner = tool_alloc(a->task_count, sizeof *c->partner);
    for (size_t i = 0; i < b->task_count; i++) names[i] = (struct named){b->tasks[i].name, i};
    if (b->task_count > 0) qsort(names, b->task_count, sizeof *names, compare_names);
    for (size_t i = 0; i < a->task_count; i++) {
        struct named key = {a->tasks[i].name, 0};
        const struct named *found =
            b->task_count > 0 ? bsearch(&key, names, b->task_count, sizeof *names, compare_names)
                              : NULL;
        c->partner[i] = found != NULL ? found->task : TRACE_NONE;
    }
    free(names);
}

static const char *object_name(const struct trace_run *run, size_t object) {
    return object != TRACE_NONE ? run->objects[object].name : "";
}

/* The same operation on the same thing, with the same outcome. */
static bool same_operation(const struct comparison *c, size_t a, size_t b) {
    const struct trace_run *x = c->sides[0].run, *y = c->sides[1].run;
    const struct trace_event *left = &x->events[a], *right = &y->events[b];
    return strcmp(left->op_word, right->op_word) == 0 && left->slept == right->slept &&
           left->result == right->result &&
           strcmp(object_name(x, left->object), object_name(y, right->object)) == 0;
}

static bool same_event(const struct comparison *c, size_t a, size_t b) {
    size_t left = c->sides[0].run->events[a].task, right = c->sides[1].run->events[b].task;
    size_t partner = left != TRACE_NONE ? c->partner[left] : TRACE_NONE;
    return partner == right && (left == TRACE_NONE) == (right == TRACE_NONE) &&
           same_operation(c, a, b);
}

static void find_parting(struct comparison *c) {
    size_t i = 0;
    while (i < c->sides[0].run->event_count && i < c->sides[1].run->event_count &&
           same_event(c, i, i))
        i++;
    c->sides[0].parts = c->sides[1].parts = i;
}

/* The next operation of a task that is over or never ends: that it had to wait is the scheduler's
 * doing, and no difference. */
static size_t settled(const struct trace_run *run, size_t event) {
    while (event != TRACE_NONE && run->events[event].slept && run->events[event].next != TRACE_NONE)
        event = run->events[event].next;
    return event;
}

/* The first operations that differ between a task and its partner; TRACE_NONE for one that has no
 * more. Returns how many are alike. */
static size_t part_task(const struct comparison *c, size_t task, size_t events[2]) {
    const struct trace_run *a = c->sides[0].run, *b = c->sides[1].run;
    size_t partner = c->partner[task], alike = 0;
    events[0] = settled(a, a->tasks[task].first);
    events[1] = partner != TRACE_NONE ? settled(b, b->tasks[partner].first) : TRACE_NONE;
    while (events[0] != TRACE_NONE && events[1] != TRACE_NONE &&
           same_operation(c, events[0], events[1])) {
        events[0] = settled(a, a->events[events[0]].next);
        events[1] = settled(b, b->events[events[1]].next);
        alike++;
    }
    return alike;
}

/* ---- Text ---------------------------------------------------------------------------------- */

static void add_step(struct tool_text *out, const struct side *side, size_t event) {
    if (event >= side->run->event_count) {
        tool_text_add(out, "the run ends");
        return;
    }
    label_task(out, side->run, side->run->events[event].task);
    tool_text_add(out, "  ");
    label_event(out, side->run, event);
    tool_text_add(out, "  ");
    label_place(out, side->run, event);
}

static void add_cell(struct tool_text *out, const char *text, size_t width) {
    utf8_add_clipped(out, text, width);
    for (size_t used = utf8_columns(text); used < width; used++) tool_text_add(out, " ");
}

static void tell_ends(struct tool_text *out, const struct comparison *c) {
    for (int i = 0; i < 2; i++) {
        const struct side *side = &c->sides[i];
        tool_text_addf(out, "%c: ", "AB"[i]);
        utf8_add_clean(out, trace_path(side->trace), strlen(trace_path(side->trace)));
        tool_text_addf(out, "#%lld, ", (long long)side->run->summary.id);
        explain_headline(out, side->run, side->waits);
        tool_text_add(out, "\n");
    }
}

static void tell_parting(struct tool_text *out, const struct comparison *c) {
    const struct side *a = &c->sides[0], *b = &c->sides[1];
    size_t parts = a->parts;
    if (parts == a->run->event_count && parts == b->run->event_count) {
        tool_text_addf(out, "\nBoth runs did the same %zu steps.\n", parts);
        return;
    }
    bool inner = parts < a->run->event_count && parts < b->run->event_count &&
                 a->run->events[parts].task != TRACE_NONE &&
                 c->partner[a->run->events[parts].task] == b->run->events[parts].task;
    if (parts > 0)
        tool_text_addf(out, "\nThe first %zu step%s the same. ", parts,
                       parts == 1 ? " is" : "s are");
    else
        tool_text_add(out, "\nThe first step differs already. ");
    tool_text_add(out, inner ? "Then the same task goes another way:\n\n"
                             : "Then another task takes the step:\n\n");
    for (int i = 0; i < 2; i++) {
        tool_text_addf(out, "  %c: ", "AB"[i]);
        add_step(out, &c->sides[i], parts);
        tool_text_add(out, "\n");
    }
}

/* Both sequences from a little before the parting on. */
static void tell_steps(struct tool_text *out, const struct comparison *c) {
    size_t parts = c->sides[0].parts, first = parts > BEFORE ? parts - BEFORE : 0;
    struct tool_text cell = {0};
    tool_text_add(out, "\n  ");
    add_cell(out, "in A", CELL + 8);
    tool_text_add(out, "in B\n");
    for (size_t i = first; i < parts + ROWS; i++) {
        const struct side *a = &c->sides[0], *b = &c->sides[1];
        if (i >= a->run->event_count && i >= b->run->event_count) break;
        tool_text_add(out, i < parts ? "  " : "! ");
        for (int k = 0; k < 2; k++) {
            const struct side *side = &c->sides[k];
            tool_text_clear(&cell);
            if (i < side->run->event_count) {
                tool_text_addf(&cell, "%5lld  ", (long long)side->run->events[i].step);
                label_task(&cell, side->run, side->run->events[i].task);
                tool_text_add(&cell, "  ");
                label_event(&cell, side->run, i);
            }
            add_cell(out, tool_text_string(&cell), CELL + (k == 0 ? 8 : 0));
        }
        while (out->length > 0 && out->data[out->length - 1] == ' ')
            out->data[--out->length] = '\0';
        tool_text_add(out, "\n");
    }
    tool_text_free(&cell);
}

static void add_operation(struct tool_text *out, const struct side *side, size_t event) {
    if (event == TRACE_NONE) {
        tool_text_add(out, "nothing more");
        return;
    }
    label_event(out, side->run, event);
    tool_text_addf(out, " (step %lld, ", (long long)side->run->events[event].step);
    label_place(out, side->run, event);
    tool_text_add(out, ")");
}

static void tell_tasks(struct tool_text *out, const struct comparison *c) {
    const struct trace_run *a = c->sides[0].run;
    size_t count = 0;
    for (size_t i = 0; i < a->task_count; i++) {
        size_t events[2], alike = part_task(c, i, events);
        if (events[0] == TRACE_NONE && events[1] == TRACE_NONE) continue;
        if (count++ == 0)
            tool_text_add(
                out, "\nWhere each task goes another way (whether it had to wait left aside):\n\n");
        if (count > MOST_TASKS) continue;
        tool_text_add(out, "  ");
        label_task(out, a, i);
        if (c->partner[i] == TRACE_NONE) {
            tool_text_add(out, " is in A only.\n");
            continue;
        }
        tool_text_addf(out, ", after %zu operation%s alike:\n      A: ", alike,
                       alike == 1 ? "" : "s");
        add_operation(out, &c->sides[0], events[0]);
        tool_text_add(out, "\n      B: ");
        add_operation(out, &c->sides[1], events[1]);
        tool_text_add(out, "\n");
    }
    if (count > MOST_TASKS) tool_text_addf(out, "  and %zu other tasks.\n", count - MOST_TASKS);
    if (count == 0)
        tool_text_add(out, "\nEach task did the same operations; only their order differs.\n");
}

static void tell(struct tool_text *out, const struct comparison *c) {
    bool same = c->sides[0].parts == c->sides[0].run->event_count &&
                c->sides[1].parts == c->sides[1].run->event_count;
    tell_ends(out, c);
    tell_parting(out, c);
    if (same) return;
    tell_steps(out, c);
    tell_tasks(out, c);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void json_operation(struct tool_text *out, const struct side *side, size_t event) {
    if (event < side->run->event_count)
        json_event(out, side->run, event, NULL);
    else
        tool_text_add(out, "null");
}

static void tell_json(struct tool_text *out, const struct comparison *c) {
    tool_text_addf(out, "{\"format\":%d,\"same_steps\":%zu,\"runs\":[", JSON_FORMAT,
                   c->sides[0].parts);
    for (int i = 0; i < 2; i++) {
        const struct side *side = &c->sides[i];
        tool_text_add(out, i == 0 ? "{\"trace\":" : ",{\"trace\":");
        tool_json_string(out, trace_path(side->trace));
        tool_text_addf(out, ",\"run\":%lld,\"outcome\":", (long long)side->run->summary.id);
        tool_json_string(out, side->run->summary.outcome);
        tool_text_add(out, ",\"first_difference\":");
        json_operation(out, side, side->parts);
        tool_text_add(out, "}");
    }
    tool_text_add(out, "],\n\"tasks\":[");
    bool any = false;
    for (size_t i = 0; i < c->sides[0].run->task_count; i++) {
        size_t events[2], alike = part_task(c, i, events);
        if (events[0] == TRACE_NONE && events[1] == TRACE_NONE) continue;
        tool_text_add(out, any ? ",\n {\"name\":" : "\n {\"name\":");
        tool_json_string(out, c->sides[0].run->tasks[i].name);
        tool_text_addf(out, ",\"alike\":%zu,\"a\":", alike);
        json_operation(out, &c->sides[0], events[0]);
        tool_text_add(out, ",\"b\":");
        json_operation(out, &c->sides[1], events[1]);
        tool_text_add(out, "}");
        any = true;
    }
    tool_text_add(out, "]}\n");
}

/* ---- Picture ------------------------------------------------------------------------------- */

static void draw(struct tool_text *out, const struct comparison *c) {
    struct picture pictures[2];
    struct spacetime *spacetimes[2];
    bool *implied[2];
    for (int i = 0; i < 2; i++) {
        const struct side *side = &c->sides[i];
        size_t last = side->run->event_count - 1, from = side->parts, to = side->parts + AFTER;
        from = from > BEFORE ? from - BEFORE : 0;
        /* What is hardly longer is drawn to its end, which is what it is about. */
        if (last <= to + AFTER / 4) to = last;
        struct spacetime_options slice = {
            .from = side->run->events[from < last ? from : last].step,
            .to = side->run->events[to < last ? to : last].step,
        };
        spacetimes[i] = spacetime_build(side->run, side->waits, &slice);
        implied[i] = order_reduce(side->run);
        pictures[i] = (struct picture){.run = side->run,
                                       .waits = side->waits,
                                       .spacetime = spacetimes[i],
                                       .implied = implied[i],
                                       .title = trace_title(side->trace),
                                       .parts = side->parts <= last ? side->parts + 1 : 0};
    }
    picture_dot_pair(out, &pictures[0], &pictures[1]);
    for (int i = 0; i < 2; i++) {
        free(implied[i]);
        spacetime_free(spacetimes[i]);
    }
}

/* ---- The command --------------------------------------------------------------------------- */

static const char *const formats[] = {"txt", "json", "dot", "svg", "png", "pdf"};
enum { FORMAT_TXT, FORMAT_JSON, FORMAT_DOT, FORMATS = sizeof formats / sizeof *formats };

struct request {
    const char *output, *format;
    bool ascii;
};

static int find_format(const char *word) {
    for (int i = 0; i < FORMATS; i++) {
        if (strcmp(word, formats[i]) == 0) return i;
    }
    return -1;
}

static int choose_format(const struct request *request) {
    const char *word = request->format;
    if (word == NULL && request->output == NULL) return FORMAT_TXT;
    if (word == NULL) {
        const char *slash = strrchr(request->output, '/'),
                   *dot = strrchr(slash != NULL ? slash : request->output, '.');
        word = dot != NULL ? dot + 1 : "";
    }
    int format = find_format(word);
    if (format < 0)
        tool_usage_error("diff", "unknown format '%s'; known are svg, png, pdf, dot, txt and json",
                         word);
    return format;
}

static int write_comparison(const struct request *request, int format, const struct comparison *c) {
    struct tool_text out = {0};
    int status = TOOL_OK;
    if (format == FORMAT_TXT) {
        struct tool_text text = {0};
        tell(&text, c);
        if (request->ascii || (request->output == NULL && !utf8_is_wanted()))
            utf8_add_ascii(&out, text.data);
        else
            tool_text_add(&out, text.data);
        tool_text_free(&text);
    } else if (format == FORMAT_JSON) {
        tell_json(&out, c);
    } else {
        draw(&out, c);
    }
    if (format > FORMAT_DOT) {
        struct tool_text rendered = {0};
        status = render_dot(formats[format], &out, RENDER_SECONDS, &rendered);
        tool_text_free(&out);
        out = rendered;
    }
    if (status == TOOL_OK)
        status = render_save(request->output != NULL ? request->output : "-", &out);
    tool_text_free(&out);
    return status;
}

static int open_side(const char *name, struct side *side) {
    int status = trace_load_named(name, &side->trace, &side->run);
    if (status != TOOL_OK) return status;
    side->waits = waits_find(side->run);
    if (side->run->event_count > 0) return TOOL_OK;
    tool_error("%s: the steps of run %lld (%s) were not recorded; pirn explore --record=all "
               "records those of every run",
               trace_path(side->trace), (long long)side->run->summary.id,
               side->run->summary.outcome);
    return TOOL_USAGE;
}

/* Names the passing run that goes the way of the first side for longest. */
static int name_nearest(struct tool_text *name, const struct side *side) {
    const struct trace_run *run = side->run;
    int64_t nearest = 0;
    int status = page_nearest(side->trace, run, &nearest);
    if (status != TOOL_OK) return status;
    if (nearest != 0) {
        tool_text_addf(name, "%s#%lld", trace_path(side->trace), (long long)nearest);
        return TOOL_OK;
    }
    if (strcmp(run->summary.outcome, "ok") == 0)
        return tool_usage_error("diff", "run %lld found nothing; with which one is it compared?",
                                (long long)run->summary.id);
    tool_error("%s: no run that passed has its steps in it, to compare run %lld with; pirn explore "
               "--record=all records those of every run",
               trace_path(side->trace), (long long)run->summary.id);
    return TOOL_USAGE;
}

/* `names`: two, of which the second may be NULL. */
static int compare(const struct request *request, int format, char **names) {
    struct comparison c = {.partner = NULL};
    struct tool_text second = {0};
    int status = open_side(names[0], &c.sides[0]);
    if (status == TOOL_OK && names[1] == NULL) {
        status = name_nearest(&second, &c.sides[0]);
    } else if (status == TOOL_OK) {
        /* "#3" is a run of the same file. */
        if (names[1][0] == '#') tool_text_add(&second, trace_path(c.sides[0].trace));
        tool_text_add(&second, names[1]);
    }
    if (status == TOOL_OK) status = open_side(second.data, &c.sides[1]);
    if (status == TOOL_OK) {
        match_tasks(&c);
        find_parting(&c);
        status = write_comparison(request, format, &c);
    }
    for (int i = 0; i < 2; i++) {
        waits_free(c.sides[i].waits);
        trace_run_free(c.sides[i].run);
        trace_close(c.sides[i].trace);
    }
    free(c.partner);
    tool_text_free(&second);
    return status;
}

int diff_main(int argc, char **argv) {
    enum { OPTION_FORMAT = 256, OPTION_ASCII, OPTION_HELP };
    static const struct option options[] = {{"output", required_argument, NULL, 'o'},
                                            {"format", required_argument, NULL, OPTION_FORMAT},
                                            {"ascii", no_argument, NULL, OPTION_ASCII},
                                            {"help", no_argument, NULL, OPTION_HELP},
                                            {NULL, 0, NULL, 0}};
    struct request request = {.output = NULL};
    optind = 0;
    for (int option; (option = getopt_long(argc, argv, ":o:", options, NULL)) != -1;) {
        switch (option) {
        case 'o':
            request.output = optarg;
            break;
        case OPTION_FORMAT:
            request.format = optarg;
            break;
        case OPTION_ASCII:
            request.ascii = true;
            break;
        case OPTION_HELP:
            fputs(help, stdout);
            return tool_flush(stdout, "standard output");
        default:
            return tool_option_error("diff", argv, option, options);
        }
    }
    if (argc - optind < 1 || argc - optind > 2)
        return tool_usage_error("diff", argc - optind < 1 ? "which run of which trace?"
                                                          : "two runs at a time");
    int format = choose_format(&request);
    return format < 0 ? TOOL_USAGE : compare(&request, format, argv + optind);
}
