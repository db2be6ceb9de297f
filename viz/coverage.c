/* coverage.c - `pirn coverage`: pairs of calls that were seen in one order only. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "viz/reader.h"
#include "viz/tool.h"
#include "viz/utf8.h"
#include "viz/viz.h"

static const char help[] =
    "usage: pirn coverage [--json] TRACE\n"
    "\n"
    "Lists the pairs of calls, by two tasks on one object, that came in one order\n"
    "only in all the runs of a trace, with the number of runs. The other order has\n"
    "not been tried, or cannot be.\n"
    "\n"
    "      --json          one JSON object a line\n"
    "      --help          this text\n"
    "\n"
    "  pirn explore --trace orders.db ./orders && pirn coverage orders.db\n";

/* Calls are the same when they stand in the same line, whichever build or exploration saw them. */
static const char query[] =
    "WITH place(id, function, name, path, line) AS MATERIALIZED ("
    "  SELECT id, function, CASE WHEN file = '' THEN module || '+' || offset "
    "    ELSE file || ':' || line END, file, line FROM site),"
    "pair AS MATERIALIZED ("
    "  SELECT before_op, one.function AS before_function, one.name AS before_name,"
    "    after_op, other.function AS after_function, other.name AS after_name,"
    "    sum(runs) AS runs, min(run) AS run"
    "  FROM call_order JOIN place AS one ON one.id = before_site"
    "  JOIN place AS other ON other.id = after_site GROUP BY 1, 2, 3, 4, 5, 6)"
    "SELECT before_op, before_function, before_name, after_op, after_function, after_name, runs,"
    "  coalesce(run, 0), EXISTS (SELECT 1 FROM pair AS back WHERE back.before_op = pair.after_op"
    "    AND back.before_name = pair.after_name AND back.after_op = pair.before_op"
    "    AND back.after_name = pair.before_name)"
    "FROM pair WHERE before_op <> after_op OR before_name <> after_name "
    "ORDER BY 3, 1, 6, 4";

struct half {
    const char *op, *function, *place;
};

static struct half read_half(struct reader *reader, int column, struct trace_arena *arena) {
    struct half half = {reader_text(reader, column, arena), reader_text(reader, column + 1, arena),
                        reader_text(reader, column + 2, arena)};
    return half;
}

/* The place without its folder. */
static const char *short_place(const char *place) {
    const char *slash = strrchr(place, '/');
    return slash ? slash + 1 : place;
}

static void add_half(struct tool_text *text, const struct half *half) {
    tool_text_addf(text, "%s in ", half->op);
    if (*half->function != '\0') tool_text_addf(text, "%s at ", half->function);
    tool_text_add(text, short_place(half->place));
}

static void add_json(struct tool_text *text, const char *name, const struct half *half) {
    tool_text_addf(text, ",\"%s\":{\"op\":", name);
    tool_json_string(text, half->op);
    tool_text_add(text, ",\"function\":");
    tool_json_string(text, half->function);
    tool_text_add(text, ",\"place\":");
    tool_json_string(text, half->place);
    tool_text_add(text, "}");
}

static void print(const struct half *before, const struct half *after, int64_t runs, int64_t run,
                  bool json) {
    struct tool_text line = {0};
    if (json) {
        tool_text_addf(&line, "{\"format\":1,\"runs\":%" PRId64, runs);
        if (run) tool_text_addf(&line, ",\"run\":%" PRId64, run);
        add_json(&line, "before", before);
        add_json(&line, "after", after);
        tool_text_add(&line, "}");
    } else {
        add_half(&line, before);
        tool_text_add(&line, " before ");
        add_half(&line, after);
        tool_text_addf(&line, ": in %" PRId64 " run%s", runs, runs == 1 ? "" : "s");
        if (run) tool_text_addf(&line, ", first in #%" PRId64, run);
    }
    fprintf(stdout, "%s\n", line.data);
    tool_text_free(&line);
}

static int list(struct trace *trace, bool json) {
    struct reader reader;
    int64_t one_way = 0, both = 0;
    reader_begin(&reader, trace, "call_order", query, 0);
    while (reader_next(&reader)) {
        struct trace_arena *arena = trace_arena_new();
        struct half before = read_half(&reader, 0, arena), after = read_half(&reader, 3, arena);
        int64_t runs = reader_int(&reader, 6), run = reader_int(&reader, 7);
        bool turned = reader_int(&reader, 8) != 0;
        if (reader.status == TOOL_OK) {
            both += turned;
            one_way += !turned;
            if (!turned) print(&before, &after, runs, run, json);
        }
        trace_arena_free(arena);
    }
    int status = reader_end(&reader);
    if (status != TOOL_OK || json) return status;
    int64_t pairs = one_way + both / 2;
    if (pairs == 0)
        puts("no two tasks have used one object");
    else
        printf("%s%" PRId64 " of %" PRId64 " pairs of calls on one object came in one order only\n",
               one_way ? "\n" : "", one_way, pairs);
    return TOOL_OK;
}

int coverage_main(int argc, char **argv) {
    enum { OPTION_JSON = 256, OPTION_HELP };
    static const struct option options[] = {{"json", no_argument, NULL, OPTION_JSON},
                                            {"help", no_argument, NULL, OPTION_HELP},
                                            {NULL, 0, NULL, 0}};
    bool json = false;
    optind = 0;
    for (int option; (option = getopt_long(argc, argv, ":", options, NULL)) != -1;) {
        switch (option) {
        case OPTION_JSON:
            json = true;
            break;
        case OPTION_HELP:
            fputs(help, stdout);
            return tool_flush(stdout, "standard output");
        default:
            return tool_option_error("coverage", argv, option, options);
        }
    }
    if (argc - optind != 1)
        return tool_usage_error("coverage",
                                argc == optind ? "which trace?" : "one trace at a time");
    struct trace *trace;
    int status = trace_open(argv[optind], &trace);
    if (status != TOOL_OK) return status;
    status = list(trace, json);
    trace_close(trace);
    int flushed = tool_flush(stdout, "standard output");
    return status != TOOL_OK ? status : flushed;
}
