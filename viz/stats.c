/* stats.c - `pirn stats`: the findings of traces grouped, and what the tasks and channels of a run
 * did. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "viz/json.h"
#include "viz/label.h"
#include "viz/tool.h"
#include "viz/trace.h"
#include "viz/usage.h"
#include "viz/utf8.h"
#include "viz/viz.h"

#define MOST_ROWS 40    /* of a table of tasks or channels; --json has all */
#define MOST_GROUPS 100 /* findings that are alike */
#define MESSAGE_LENGTH 100

static const char help[] =
    "usage: pirn stats [--json] TRACE[#RUN]...\n"
    "\n"
    "Counts: the runs of each trace and what they found, those alike together; and\n"
    "of one run of each (RUN, else the first that found something, else the first)\n"
    "the tasks, and the channels with their sends, receives, waits and longest\n"
    "queues.\n"
    "\n"
    "      --json          one JSON object a line\n"
    "      --help          this text\n"
    "\n"
    "  pirn stats orders.db\n"
    "  pirn stats --json monday.db tuesday.db\n";

/* ---- Groups -------------------------------------------------------------------------------- */

struct group {
    char *outcome, *message;
    size_t runs;
    int64_t first, shortest; /* runs */
    int64_t steps;           /* of the shortest */
};

struct groups {
    struct group *list;
    size_t count, capacity, runs, left_out;
    int64_t steps;
};

static void group_run(void *context, const struct trace_summary *run) {
    struct groups *groups = context;
    size_t i = 0;
    groups->runs++;
    groups->steps += run->steps > 0 && groups->steps < INT64_MAX - run->steps ? run->steps : 0;
    while (i < groups->count && (strcmp(groups->list[i].outcome, run->outcome) != 0 ||
                                 strcmp(groups->list[i].message, run->message) != 0))
        i++;
    if (i == groups->count) {
        if (i == MOST_GROUPS) {
            groups->left_out++;
            return;
        }
        groups->list =
            tool_grow(groups->list, &groups->capacity, groups->count + 1, sizeof *groups->list);
        groups->list[groups->count++] = (struct group){.outcome = tool_copy(run->outcome),
                                                       .message = tool_copy(run->message),
                                                       .first = run->id,
                                                       .shortest = run->id,
                                                       .steps = run->steps};
    }
    struct group *group = &groups->list[i];
    group->runs++;
    if (run->steps < group->steps) {
        group->shortest = run->id;
        group->steps = run->steps;
    }
}

static void free_groups(struct groups *groups) {
    for (size_t i = 0; i < groups->count; i++) {
        free(groups->list[i].outcome);
        free(groups->list[i].message);
    }
    free(groups->list);
}

static void print_groups(struct tool_text *out, const struct trace *trace,
                         const struct groups *groups) {
    utf8_add_clean(out, trace_path(trace), strlen(trace_path(trace)));
    tool_text_addf(out, ": %zu run%s, %lld steps\n\n", groups->runs, groups->runs == 1 ? "" : "s",
                   (long long)groups->steps);
    tool_text_add(out, "    runs  shortest  steps   what\n");
    for (size_t i = 0; i < groups->count; i++) {
        const struct group *group = &groups->list[i];
        tool_text_addf(out, "%8zu  %8lld  %5lld   ", group->runs, (long long)group->shortest,
                       (long long)group->steps);
        struct tool_text what = {0};
        tool_text_addf(&what, "%s%s%s", group->outcome, *group->message != '\0' ? ": " : "",
                       group->message);
        utf8_add_clipped(out, what.data, MESSAGE_LENGTH);
        tool_text_free(&what);
        tool_text_add(out, "\n");
    }
    if (groups->left_out > 0) tool_text_addf(out, "%8zu  runs of other kinds\n", groups->left_out);
}

static void json_groups(struct tool_text *out, const struct trace *trace,
                        const struct groups *groups) {
    for (size_t i = 0; i < groups->count; i++) {
        const struct group *group = &groups->list[i];
        tool_text_addf(out, "{\"type\":\"group\",\"format\":%d,\"trace\":", JSON_FORMAT);
        tool_json_string(out, trace_path(trace));
        tool_text_add(out, ",\"outcome\":");
        tool_json_string(out, group->outcome);
        tool_text_add(out, ",\"message\":");
        tool_json_string(out, group->message);
        tool_text_addf(out,
                       ",\"runs\":%zu,\"first_run\":%lld,\"shortest_run\":%lld,\"steps\":%lld}\n",
                       group->runs, (long long)group->first, (long long)group->shortest,
                       (long long)group->steps);
    }
    tool_text_addf(out, "{\"type\":\"trace\",\"format\":%d,\"trace\":", JSON_FORMAT);
    tool_json_string(out, trace_path(trace));
    tool_text_addf(out, ",\"runs\":%zu,\"steps\":%lld}\n", groups->runs, (long long)groups->steps);
}

/* ---- One run ------------------------------------------------------------------------------- */

static const char *state_word(const struct trace_task *task) {
    static const char *const words[] = {"exited", "blocked", "sleeping", "runnable", "unknown"};
    return words[task->state];
}

/* Where a task was started; of main, where it begins. */
static const char *origin(const struct trace_run *run, const struct trace_task *task) {
    return task->site != TRACE_NONE || task->first == TRACE_NONE
               ? trace_place(run, task->site)
               : trace_place(run, run->events[task->first].site);
}

static size_t name_width(const struct trace_run *run, bool tasks) {
    size_t width = 8;
    for (size_t i = 0; i < (tasks ? run->task_count : run->object_count); i++) {
        if (!tasks && run->objects[i].kind != TRACE_KIND_CHANNEL) continue;
        size_t columns = utf8_columns(tasks ? run->tasks[i].name : run->objects[i].name);
        if (columns > width) width = columns;
    }
    return width < LABEL_NAME ? width : LABEL_NAME;
}

static void add_name(struct tool_text *out, const char *name, size_t width) {
    size_t used = utf8_columns(name);
    utf8_add_clipped(out, name, LABEL_NAME);
    for (; used < width; used++) tool_text_add(out, " ");
}

static void print_tasks(struct tool_text *out, const struct trace_run *run,
                        const struct usage *usage) {
    size_t width = name_width(run, true);
    tool_text_add(out, "\n");
    add_name(out, "  task", width + 2);
    tool_text_add(out, "     steps  waits  end       started at\n");
    for (size_t i = 0; i < run->task_count && i < MOST_ROWS; i++) {
        tool_text_add(out, "  ");
        add_name(out, run->tasks[i].name, width);
        tool_text_addf(out, "  %8llu  %5llu  %-8s  ", (unsigned long long)usage->steps[i],
                       (unsigned long long)usage->waits[i], state_word(&run->tasks[i]));
        utf8_add_clipped(out, origin(run, &run->tasks[i]), 40);
        tool_text_add(out, "\n");
    }
    if (run->task_count > MOST_ROWS)
        tool_text_addf(out, "  and %zu other tasks\n", run->task_count - MOST_ROWS);
}

static void print_channels(struct tool_text *out, const struct trace_run *run,
                           const struct usage *usage) {
    size_t width = name_width(run, false), count = 0;
    for (size_t i = 0; i < run->object_count; i++) {
        const struct usage_channel *channel = &usage->channels[i];
        if (run->objects[i].kind != TRACE_KIND_CHANNEL || count++ >= MOST_ROWS) continue;
        if (count == 1) {
            tool_text_add(out, "\n");
            add_name(out, "  channel", width + 2);
            tool_text_add(out, "     sends  waited  receives  waited  longest/holds  closed\n");
        }
        tool_text_add(out, "  ");
        add_name(out, run->objects[i].name, width);
        struct tool_text queue = {0};
        tool_text_addf(&queue, "%llu/", (unsigned long long)channel->longest);
        if (run->objects[i].capacity >= 0)
            tool_text_addf(&queue, "%lld", (long long)run->objects[i].capacity);
        else
            tool_text_add(&queue, "?");
        tool_text_addf(out, "  %8llu  %6llu  %8llu  %6llu  %13s  ",
                       (unsigned long long)channel->counts.sends,
                       (unsigned long long)channel->counts.blocked_sends,
                       (unsigned long long)channel->counts.receives,
                       (unsigned long long)channel->counts.blocked_receives, queue.data);
        if (channel->closed != TRACE_NONE)
            tool_text_addf(out, "in step %lld", (long long)run->events[channel->closed].step);
        else
            tool_text_add(out, "no");
        tool_text_add(out, "\n");
        tool_text_free(&queue);
    }
    if (count > MOST_ROWS) tool_text_addf(out, "  and %zu other channels\n", count - MOST_ROWS);
}

static void print_run(struct tool_text *out, const struct trace_run *run) {
    tool_text_addf(out, "\nRun %lld: ", (long long)run->summary.id);
    utf8_add_clipped(out, run->summary.outcome, LABEL_NAME);
    if (run->event_count == 0) {
        tool_text_add(out, "; its steps were not recorded\n");
        return;
    }
    struct usage *usage = usage_find(run);
    tool_text_addf(out, ", %zu steps, %zu tasks, %zu objects\n", run->event_count, run->task_count,
                   run->object_count);
    print_tasks(out, run, usage);
    print_channels(out, run, usage);
    usage_free(usage);
}

static void json_counts(struct tool_text *out, const struct usage_counts *counts) {
    tool_text_addf(
        out,
        "\"sends\":%llu,\"blocked_sends\":%llu,\"receives\":%llu,\"blocked_receives\":%llu,"
        "\"ends\":%llu",
        (unsigned long long)counts->sends, (unsigned long long)counts->blocked_sends,
        (unsigned long long)counts->receives, (unsigned long long)counts->blocked_receives,
        (unsigned long long)counts->ends);
}

static void json_run(struct tool_text *out, const struct trace_run *run) {
    struct usage *usage = usage_find(run);
    long long id = (long long)run->summary.id;
    for (size_t i = 0; i < run->task_count; i++) {
        tool_text_addf(out, "{\"type\":\"task\",\"run\":%lld,\"id\":%lld,\"name\":", id,
                       (long long)run->tasks[i].id);
        tool_json_string(out, run->tasks[i].name);
        tool_text_addf(out, ",\"steps\":%llu,\"waits\":%llu,\"state\":\"%s\",\"place\":",
                       (unsigned long long)usage->steps[i], (unsigned long long)usage->waits[i],
                       state_word(&run->tasks[i]));
        tool_json_string(out, origin(run, &run->tasks[i]));
        tool_text_add(out, "}\n");
    }
    for (size_t i = 0; i < run->object_count; i++) {
        if (run->objects[i].kind != TRACE_KIND_CHANNEL) continue;
        tool_text_addf(out, "{\"type\":\"channel\",\"run\":%lld,\"id\":%lld,\"name\":", id,
                       (long long)run->objects[i].id);
        tool_json_string(out, run->objects[i].name);
        tool_text_addf(out, ",\"capacity\":%lld,\"longest\":%llu,\"closed_step\":",
                       (long long)run->objects[i].capacity,
                       (unsigned long long)usage->channels[i].longest);
        json_step(out, run, usage->channels[i].closed);
        tool_text_add(out, ",");
        json_counts(out, &usage->channels[i].counts);
        tool_text_add(out, "}\n");
    }
    for (size_t i = 0; i < usage->link_count; i++) {
        tool_text_addf(out, "{\"type\":\"link\",\"run\":%lld,\"task\":", id);
        json_task(out, run, usage->links[i].task);
        tool_text_add(out, ",\"channel\":");
        json_object(out, run, usage->links[i].object);
        tool_text_add(out, ",");
        json_counts(out, &usage->links[i].counts);
        tool_text_add(out, "}\n");
    }
    usage_free(usage);
}

/* ---- The command --------------------------------------------------------------------------- */

static int count_trace(const char *name, bool json) {
    struct trace *trace;
    struct trace_run *run;
    int status = trace_load_named(name, &trace, &run);
    if (status != TOOL_OK) return status;
    struct groups groups = {0};
    struct tool_text out = {0};
    status = trace_each_run(trace, group_run, &groups);
    if (status == TOOL_OK) {
        (json ? json_groups : print_groups)(&out, trace, &groups);
        (json ? json_run : print_run)(&out, run);
        fwrite(out.data, 1, out.length, stdout);
    }
    tool_text_free(&out);
    free_groups(&groups);
    trace_run_free(run);
    trace_close(trace);
    return status;
}

int stats_main(int argc, char **argv) {
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
            return tool_option_error("stats", argv, option, options);
        }
    }
    if (argc == optind) return tool_usage_error("stats", "which trace?");
    int status = TOOL_OK;
    for (int i = optind; i < argc && status == TOOL_OK; i++) {
        if (i > optind && !json) puts("");
        status = count_trace(argv[i], json);
    }
    int flushed = tool_flush(stdout, "standard output");
    return status != TOOL_OK ? status : flushed;
}
