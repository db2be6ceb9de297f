/* list.c - `pirn list`: the runs of a trace, as a table or as JSON lines. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "viz/tool.h"
#include "viz/trace.h"
#include "viz/utf8.h"
#include "viz/viz.h"

static const char help[] =
    "usage: pirn list [--json] TRACE...\n"
    "\n"
    "Lists the runs of traces: what each found, how it was scheduled, how long it\n"
    "was.\n"
    "\n"
    "      --json          one JSON object a line, with all that is known of a run\n"
    "      --color=WHEN    auto, always or never\n"
    "      --help          this text\n"
    "\n"
    "  pirn list orders.db\n"
    "  pirn list --json orders.db | jq 'select(.outcome == \"deadlock\")'\n";

enum {
    COLUMN_RUN,
    COLUMN_OUTCOME,
    COLUMN_STRATEGY,
    COLUMN_SEED,
    COLUMN_STEPS,
    COLUMN_TASKS,
    COLUMN_PREEMPTIONS,
    COLUMNS
};

static const struct {
    const char *title;
    bool number;
} columns[COLUMNS] = {{"run", true},   {"outcome", false}, {"strategy", false},  {"seed", true},
                      {"steps", true}, {"tasks", true},    {"preemptions", true}};

#define MOST_CELL 24 /* of a word that the trace has from elsewhere */

struct outcome {
    char *word;
    size_t count;
};

struct table {
    size_t width[COLUMNS];
    struct outcome *outcomes; /* in the order of their first run */
    size_t outcome_count, outcome_capacity, runs;
    bool color;
};

static void fill_cells(const struct trace_summary *run, struct tool_text cells[COLUMNS]) {
    for (int i = 0; i < COLUMNS; i++) tool_text_clear(&cells[i]);
    tool_text_addf(&cells[COLUMN_RUN], "%" PRId64, run->id);
    utf8_add_clipped(&cells[COLUMN_OUTCOME], run->outcome, MOST_CELL);
    utf8_add_clipped(&cells[COLUMN_STRATEGY], run->strategy, MOST_CELL);
    tool_text_addf(&cells[COLUMN_SEED], "0x%" PRIx64, run->seed);
    tool_text_addf(&cells[COLUMN_STEPS], "%" PRId64, run->steps);
    tool_text_addf(&cells[COLUMN_TASKS], "%" PRId64, run->tasks);
    tool_text_addf(&cells[COLUMN_PREEMPTIONS], "%" PRId64, run->preemptions);
}

static void free_cells(struct tool_text cells[COLUMNS]) {
    for (int i = 0; i < COLUMNS; i++) tool_text_free(&cells[i]);
}

static void count_outcome(struct table *table, const char *word) {
    table->runs++;
    for (size_t i = 0; i < table->outcome_count; i++) {
        if (strcmp(table->outcomes[i].word, word) == 0) {
            table->outcomes[i].count++;
            return;
        }
    }
    /* A trace knows a dozen words; one made up of others gets no table as long as itself. */
    if (table->outcome_count == 20) return;
    table->outcomes = tool_grow(table->outcomes, &table->outcome_capacity, table->outcome_count + 1,
                                sizeof *table->outcomes);
    table->outcomes[table->outcome_count++] = (struct outcome){tool_copy(word), 1};
}

static void measure_run(void *context, const struct trace_summary *run) {
    struct table *table = context;
    struct tool_text cells[COLUMNS] = {{0}};
    fill_cells(run, cells);
    for (int i = 0; i < COLUMNS; i++) {
        size_t width = utf8_columns(tool_text_string(&cells[i]));
        if (width > table->width[i]) table->width[i] = width;
    }
    free_cells(cells);
    count_outcome(table, run->outcome);
}

static void print_cell(const struct table *table, int column, const char *text) {
    size_t used = utf8_columns(text), width = table->width[column];
    int space = used < width ? (int)(width - used) : 0;
    if (column > 0) fputs("  ", stdout);
    if (columns[column].number)
        printf("%*s%s", space, "", text);
    else
        printf("%s%*s", text, space, "");
}

static void print_run(void *context, const struct trace_summary *run) {
    struct table *table = context;
    struct tool_text cells[COLUMNS] = {{0}};
    bool red = table->color && strcmp(run->outcome, "ok") != 0;
    fill_cells(run, cells);
    for (int i = 0; i < COLUMNS; i++) {
        if (red && i == COLUMN_OUTCOME) fputs("\033[31m", stdout);
        print_cell(table, i, tool_text_string(&cells[i]));
        if (red && i == COLUMN_OUTCOME) fputs("\033[0m", stdout);
    }
    /* A line without a message ends with its last number. */
    printf("%s%s\n", *run->message ? "  " : "", run->message);
    free_cells(cells);
}

static int print_table(struct trace *trace, bool color) {
    struct table table = {.color = color};
    for (int i = 0; i < COLUMNS; i++) table.width[i] = strlen(columns[i].title);
    int status = trace_each_run(trace, measure_run, &table);
    if (status == TOOL_OK && table.runs == 0) {
        tool_error("%s: the trace holds no run yet", trace_path(trace));
    } else if (status == TOOL_OK) {
        for (int i = 0; i < COLUMNS; i++) print_cell(&table, i, columns[i].title);
        puts("  message");
        status = trace_each_run(trace, print_run, &table);
        printf("\n%zu run%s:", table.runs, table.runs == 1 ? "" : "s");
        for (size_t i = 0; i < table.outcome_count; i++)
            printf("%s %zu %s", i > 0 ? "," : "", table.outcomes[i].count, table.outcomes[i].word);
        puts("");
    }
    for (size_t i = 0; i < table.outcome_count; i++) free(table.outcomes[i].word);
    free(table.outcomes);
    return status;
}

/* 64-bit numbers that JSON readers would round are strings. */
static void print_json(void *context, const struct trace_summary *run) {
    const struct trace *trace = context;
    struct tool_text line = {0};
    tool_text_addf(&line, "{\"format\":1,\"run\":%" PRId64 ",\"outcome\":", run->id);
    tool_json_string(&line, run->outcome);
    tool_text_add(&line, ",\"message\":");
    tool_json_string(&line, run->message);
    tool_text_add(&line, ",\"strategy\":");
    tool_json_string(&line, run->strategy);
    tool_text_addf(&line,
                   ",\"seed\":\"0x%" PRIx64 "\",\"steps\":%" PRId64 ",\"tasks\":%" PRId64
                   ",\"switches\":%" PRId64 ",\"preemptions\":%" PRId64 ",\"virtual_ns\":%" PRId64
                   ",\"wall_ns\":%" PRId64 ",\"graph\":\"%016" PRIx64 "\"",
                   run->seed, run->steps, run->tasks, run->switches, run->preemptions,
                   run->virtual_ns, run->wall_ns, run->graph);
    if (run->shrunk_from != 0) tool_text_addf(&line, ",\"shrunk_from\":%" PRId64, run->shrunk_from);
    tool_text_add(&line, ",\"schedule\":");
    tool_json_string(&line, run->schedule);
    tool_text_add(&line, ",\"trace\":");
    tool_json_string(&line, trace_path(trace));
    tool_text_add(&line, "}\n");
    fwrite(line.data, 1, line.length, stdout);
    tool_text_free(&line);
}

static int list_trace(const char *path, bool json, bool color) {
    struct trace *trace;
    int status = trace_open(path, &trace);
    if (status != TOOL_OK) return status;
    status = json ? trace_each_run(trace, print_json, trace) : print_table(trace, color);
    trace_close(trace);
    return status;
}

int list_main(int argc, char **argv) {
    enum { OPTION_JSON = 256, OPTION_COLOR, OPTION_HELP };
    static const struct option options[] = {{"json", no_argument, NULL, OPTION_JSON},
                                            {"color", required_argument, NULL, OPTION_COLOR},
                                            {"help", no_argument, NULL, OPTION_HELP},
                                            {NULL, 0, NULL, 0}};
    bool json = false;
    enum tool_color_mode color = TOOL_COLOR_AUTO;
    optind = 0;
    for (int option; (option = getopt_long(argc, argv, ":", options, NULL)) != -1;) {
        switch (option) {
        case OPTION_JSON:
            json = true;
            break;
        case OPTION_COLOR:
            if (!tool_color_parse(optarg, &color))
                return tool_usage_error("list", "--color is auto, always or never, not '%s'",
                                        optarg);
            break;
        case OPTION_HELP:
            fputs(help, stdout);
            return tool_flush(stdout, "standard output");
        default:
            return tool_option_error("list", argv, option, options);
        }
    }
    if (argc == optind) return tool_usage_error("list", "which trace?");
    int status = TOOL_OK;
    for (int i = optind; i < argc && status == TOOL_OK; i++) {
        if (argc - optind > 1 && !json) printf("%s%s:\n", i > optind ? "\n" : "", argv[i]);
        status = list_trace(argv[i], json, tool_color(stdout, color));
    }
    int flushed = tool_flush(stdout, "standard output");
    return status != TOOL_OK ? status : flushed;
}
