/* export.c - a run in the formats of other programs. */
#include "viz/export.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "viz/check.h"
#include "viz/draw.h"
#include "viz/explain.h"
#include "viz/json.h"
#include "viz/label.h"
#include "viz/order.h"
#include "viz/predict.h"
#include "viz/utf8.h"

static bool is_shown(const struct picture *p, size_t event) { return draw_has_row(p, event); }

/* ---- JSON lines ---------------------------------------------------------------------------- */

static void json_run(struct tool_text *out, const struct picture *p, const char *trace) {
    const struct trace_summary *run = &p->run->summary;
    tool_text_addf(out, "{\"type\":\"run\",\"format\":%d,\"trace\":", JSON_FORMAT);
    tool_json_string(out, trace);
    tool_text_addf(out, ",\"run\":%lld,\"outcome\":", (long long)run->id);
    tool_json_string(out, run->outcome);
    tool_text_add(out, ",\"message\":");
    tool_json_string(out, run->message);
    tool_text_add(out, ",\"strategy\":");
    tool_json_string(out, run->strategy);
    tool_text_addf(out, ",\"seed\":\"0x%llx\",\"schedule\":", (unsigned long long)run->seed);
    tool_json_string(out, run->schedule);
    tool_text_add(out, ",\"program\":[");
    for (size_t i = 0; i < p->run->program.argument_count; i++) {
        tool_text_add(out, i > 0 ? "," : "");
        tool_json_string(out, p->run->program.arguments[i]);
    }
    tool_text_add(out, "]}\n");
}

static void json_tasks(struct tool_text *out, const struct trace_run *run) {
    for (size_t i = 0; i < run->task_count; i++) {
        const struct trace_task *task = &run->tasks[i];
        tool_text_addf(out, "{\"type\":\"task\",\"id\":%lld,\"name\":", (long long)task->id);
        tool_json_string(out, task->name);
        tool_text_add(out, ",\"parent\":");
        json_task(out, run, task->parent);
        tool_text_add(out, ",\"place\":");
        tool_json_string(out, trace_place(run, task->site));
        tool_text_addf(out, ",\"daemon\":%s}\n", task->daemon ? "true" : "false");
    }
}

static void json_objects(struct tool_text *out, const struct trace_run *run) {
    for (size_t i = 0; i < run->object_count; i++) {
        const struct trace_object *object = &run->objects[i];
        tool_text_addf(out, "{\"type\":\"object\",\"id\":%lld,\"kind\":", (long long)object->id);
        tool_json_string(out, object->kind_word);
        tool_text_add(out, ",\"name\":");
        tool_json_string(out, object->name);
        if (object->capacity >= 0)
            tool_text_addf(out, ",\"capacity\":%lld", (long long)object->capacity);
        tool_text_add(out, ",\"place\":");
        tool_json_string(out, trace_place(run, object->site));
        tool_text_add(out, "}\n");
    }
}

void export_json(struct tool_text *out, const struct picture *p, const char *trace) {
    const struct trace_run *run = p->run;
    json_run(out, p, trace);
    json_tasks(out, run);
    json_objects(out, run);
    for (size_t i = 0; i < run->event_count; i++) {
        if (!is_shown(p, i)) continue;
        json_event(out, run, i, "event");
        tool_text_add(out, "\n");
    }
    for (size_t i = 0; i < run->edge_count; i++) {
        const struct trace_edge *edge = &run->edges[i];
        if (!is_shown(p, edge->before) || !is_shown(p, edge->after)) continue;
        tool_text_add(out, "{\"type\":\"edge\",\"before\":");
        json_step(out, run, edge->before);
        tool_text_add(out, ",\"after\":");
        json_step(out, run, edge->after);
        tool_text_add(out, ",\"kind\":");
        tool_json_string(out, edge->kind_word);
        tool_text_addf(out, ",\"implied\":%s}\n", p->implied[i] ? "true" : "false");
    }
    for (size_t i = 0; i < run->finding_count; i++) {
        json_finding(out, run, i, "finding");
        tool_text_add(out, "\n");
    }
    for (size_t i = 0; i < run->task_count; i++) {
        json_wait(out, run, p->waits, i, "end");
        tool_text_add(out, "\n");
    }
    struct predictions *predictions = predict(run);
    for (size_t i = 0; i < predictions->count; i++) {
        json_prediction(out, run, predictions, i, "prediction");
        tool_text_add(out, "\n");
    }
    predict_free(predictions);
    struct tool_text differences = {0};
    if (check_findings(&differences, run) > 0) {
        tool_text_add(out, "{\"type\":\"differences\",\"lines\":");
        json_lines(out, differences.data);
        tool_text_add(out, "}\n");
    }
    tool_text_free(&differences);
}

/* ---- Chrome -------------------------------------------------------------------------------- */

#define STEP 10 /* microseconds */
#define SLICE 8 /* of an event; the rest of the step keeps it apart from the next */
#define CLOCK 0 /* the thread of timers */

static size_t thread_of(const struct trace_event *event) {
    return event->task != TRACE_NONE ? event->task + 1 : CLOCK;
}

static void chrome_name(struct tool_text *out, const char *what, size_t thread, const char *name) {
    tool_text_addf(out, "{\"ph\":\"M\",\"pid\":1,\"tid\":%zu,\"name\":\"%s\",\"args\":{\"name\":",
                   thread, what);
    tool_json_string(out, name);
    tool_text_add(out, "}},\n");
}

static void chrome_slice(struct tool_text *out, const struct picture *p, size_t index) {
    const struct trace_run *run = p->run;
    const struct trace_event *event = &run->events[index];
    struct tool_text label = {0};
    label_event(&label, run, index);
    tool_text_addf(out,
                   "{\"ph\":\"X\",\"pid\":1,\"tid\":%zu,\"ts\":%zu,\"dur\":%d,\"cat\":\"step\","
                   "\"name\":",
                   thread_of(event), index * STEP, SLICE);
    tool_json_string(out, tool_text_string(&label));
    tool_text_add(out, ",\"args\":");
    json_event(out, run, index, NULL);
    tool_text_add(out, "},\n");
    tool_text_free(&label);
    if (!event->slept || event->task == TRACE_NONE) return;
    size_t end = event->next != TRACE_NONE ? event->next : run->event_count;
    label_wait(&label, run, index);
    tool_text_addf(out,
                   "{\"ph\":\"X\",\"pid\":1,\"tid\":%zu,\"ts\":%zu,\"dur\":%zu,\"cat\":\"%s\","
                   "\"name\":",
                   thread_of(event), index * STEP + SLICE, (end - index) * STEP - SLICE,
                   event->next == TRACE_NONE && p->waits->tasks[event->task].role != WAITS_FREE
                       ? "stuck"
                       : "blocked");
    struct tool_text name = {0};
    tool_text_addf(&name, "waits: %s", tool_text_string(&label));
    tool_json_string(out, name.data);
    tool_text_add(out, "},\n");
    tool_text_free(&name);
    tool_text_free(&label);
}

static void chrome_flow(struct tool_text *out, const struct picture *p, size_t index) {
    const struct trace_run *run = p->run;
    const struct trace_edge *edge = &run->edges[index];
    const struct trace_event *before = &run->events[edge->before],
                             *after = &run->events[edge->after];
    if (!draw_shows_edge(p, index)) return;
    struct tool_text name = {0};
    tool_json_string(&name, edge->kind_word);
    tool_text_addf(out,
                   "{\"ph\":\"s\",\"pid\":1,\"tid\":%zu,\"ts\":%zu,\"id\":%zu,\"cat\":\"edge\","
                   "\"name\":%s},\n",
                   thread_of(before), edge->before * STEP + SLICE / 2, index + 1, name.data);
    tool_text_addf(out,
                   "{\"ph\":\"f\",\"bp\":\"e\",\"pid\":1,\"tid\":%zu,\"ts\":%zu,\"id\":%zu,"
                   "\"cat\":\"edge\",\"name\":%s},\n",
                   thread_of(after), edge->after * STEP + SLICE / 2, index + 1, name.data);
    tool_text_free(&name);
}

void export_chrome(struct tool_text *out, const struct picture *p) {
    const struct trace_run *run = p->run;
    struct tool_text headline = {0};
    explain_headline(&headline, run, p->waits);
    tool_text_addf(out,
                   "{\"displayTimeUnit\":\"ns\",\n\"otherData\":{\"format\":%d,\"step_us\":%d,"
                   "\"run\":%lld,\"finding\":",
                   JSON_FORMAT, STEP, (long long)run->summary.id);
    tool_json_string(out, headline.data);
    tool_text_add(out, "},\n\"traceEvents\":[\n");
    for (size_t i = 0; i < run->task_count; i++)
        chrome_name(out, "thread_name", i + 1, run->tasks[i].name);
    for (size_t i = 0; i < run->event_count; i++) {
        if (is_shown(p, i)) chrome_slice(out, p, i);
    }
    for (size_t i = 0; i < run->edge_count; i++) chrome_flow(out, p, i);
    chrome_name(out, "thread_name", CLOCK, "clock");
    chrome_name(out, "process_name", CLOCK, p->title);
    out->length -= 2; /* the comma after the last */
    out->data[out->length] = '\0';
    tool_text_add(out, "\n]}\n");
    tool_text_free(&headline);
}

/* ---- ShiViz -------------------------------------------------------------------------------- */

/* A host is one word; the id keeps names apart that differ in their spaces only. */
static void shiviz_host(struct tool_text *out, const struct trace_run *run, size_t task) {
    struct tool_text name = {0};
    utf8_add_clipped(&name, run->tasks[task].name, LABEL_NAME);
    bool spaced = false;
    for (size_t i = 0; i < name.length; i++) {
        if (name.data[i] != ' ' && name.data[i] != '{' && name.data[i] != '"' &&
            name.data[i] != '\\')
            continue;
        name.data[i] = '_';
        spaced = true;
    }
    tool_text_add(out, name.data);
    if (spaced) tool_text_addf(out, "_%lld", (long long)run->tasks[task].id);
    tool_text_free(&name);
}

/* By event, how many of its task up to it are shown. */
static uint32_t *count_shown(const struct picture *p) {
    const struct trace_run *run = p->run;
    uint32_t *count = tool_alloc(run->event_count, sizeof *count);
    for (size_t i = 0; i < run->event_count; i++) {
        size_t previous = run->events[i].previous;
        count[i] = (previous != TRACE_NONE ? count[previous] : 0) + is_shown(p, i);
    }
    return count;
}

void export_shiviz(struct tool_text *out, const struct picture *p) {
    const struct trace_run *run = p->run;
    uint32_t *count = count_shown(p);
    /* By task, its events in order, to find the one that is as far as a clock knows. */
    size_t *first = tool_alloc(run->task_count + 1, sizeof *first),
           *events = tool_alloc(run->event_count, sizeof *events),
           *filled = tool_alloc(run->task_count + 1, sizeof *filled);
    for (size_t i = 0; i < run->event_count; i++) {
        if (run->events[i].task != TRACE_NONE) first[run->events[i].task + 1]++;
    }
    for (size_t i = 0; i < run->task_count; i++) first[i + 1] += first[i];
    for (size_t i = 0; i < run->event_count; i++) {
        size_t task = run->events[i].task;
        if (task != TRACE_NONE) events[first[task] + filled[task]++] = i;
    }
    struct order *order = order_new(run, ORDER_ALL);
    while (order_next(order)) {
        size_t index = order_event(order), self = run->events[index].task;
        if (!is_shown(p, index) || self == TRACE_NONE) continue;
        label_event(out, run, index);
        tool_text_add(out, " at ");
        label_place(out, run, index);
        tool_text_add(out, "\n");
        shiviz_host(out, run, self);
        tool_text_add(out, " {");
        bool any = false;
        for (size_t i = 0; i < p->spacetime->column_count; i++) {
            size_t task = p->spacetime->columns[i];
            uint32_t known = task != TRACE_NONE ? order_known(order, task) : 0;
            uint32_t shown = known > 0 ? count[events[first[task] + known - 1]] : 0;
            if (shown == 0) continue;
            tool_text_add(out, any ? ", \"" : "\"");
            shiviz_host(out, run, task);
            tool_text_addf(out, "\":%u", shown);
            any = true;
        }
        tool_text_add(out, "}\n");
    }
    order_free(order);
    free(count);
    free(first);
    free(events);
    free(filled);
}

/* ---- Mermaid ------------------------------------------------------------------------------- */

#define MOST_LINES 400   /* Mermaid refuses more than 500 arrows ... */
#define MOST_BYTES 45000 /* ... and 50,000 characters */

/* Mermaid gives a meaning to most punctuation; a number between # and ; stands for a character. */
static void mermaid_text(struct tool_text *out, const char *text) {
    for (const char *p = text; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;
        if (c >= 0x80 || isalnum(c) || (c != '\0' && strchr(" ._-?(),=/", c) != NULL))
            tool_text_add_bytes(out, p, 1);
        else
            tool_text_addf(out, "#%u;", (unsigned)c);
    }
}

static void mermaid_event(struct tool_text *out, const struct trace_run *run, size_t event,
                          bool place) {
    struct tool_text label = {0};
    tool_text_addf(&label, "%lld ", (long long)run->events[event].step);
    label_event(&label, run, event);
    if (place) {
        tool_text_add(&label, "  ");
        label_place(&label, run, event);
    }
    mermaid_text(out, tool_text_string(&label));
    tool_text_free(&label);
}

static size_t mermaid_number(const struct picture *p, size_t event) {
    return spacetime_column(p->spacetime, p->run, event) + 1;
}

/* The arrows that arrive at an event; when there is none, a note. */
static size_t mermaid_row(struct tool_text *out, const struct picture *p, size_t index,
                          size_t *edge) {
    const struct trace_run *run = p->run;
    size_t arrows = 0;
    while (*edge < run->edge_count && run->edges[*edge].after < index) ++*edge;
    for (; *edge < run->edge_count && run->edges[*edge].after == index; ++*edge) {
        if (!draw_shows_edge(p, *edge)) continue;
        const struct trace_edge *e = &run->edges[*edge];
        tool_text_addf(out, "    t%zu%st%zu: ", mermaid_number(p, e->before),
                       e->kind == TRACE_EDGE_MESSAGE ? "->>" : "-->>", mermaid_number(p, index));
        mermaid_event(out, run, index, p->spacetime->evidence[index]);
        tool_text_add(out, "\n");
        arrows++;
    }
    if (arrows > 0) return arrows;
    tool_text_addf(out, "    Note over t%zu: ", mermaid_number(p, index));
    mermaid_event(out, run, index, p->spacetime->evidence[index]);
    tool_text_add(out, "\n");
    return 1;
}

void export_mermaid(struct tool_text *out, const struct picture *p) {
    const struct trace_run *run = p->run;
    const struct spacetime *st = p->spacetime;
    struct tool_text headline = {0};
    size_t lines = 0, begin = out->length, edge = 0;
    explain_headline(&headline, run, p->waits);
    tool_text_addf(out, "%%%% format %d\nsequenceDiagram\n    title: ", JSON_FORMAT);
    mermaid_text(out, headline.data);
    tool_text_add(out, "\n");
    for (size_t i = 0; i < st->column_count; i++) {
        struct tool_text name = {0};
        label_task(&name, run, st->columns[i]);
        tool_text_addf(out, "    participant t%zu as ", i + 1);
        mermaid_text(out, name.data);
        tool_text_add(out, "\n");
        tool_text_free(&name);
    }
    for (size_t i = 0; i < st->row_count && st->column_count > 0; i++) {
        const struct spacetime_row *row = &st->rows[i];
        if (row->kind == SPACETIME_HIDDEN) continue;
        if (lines >= MOST_LINES || out->length - begin > MOST_BYTES) {
            tool_text_addf(out, "    Note over t1: cut at step %lld#59; Mermaid takes no more\n",
                           (long long)run->events[row->event].step);
            break;
        }
        if (row->kind == SPACETIME_EVENT) {
            lines += mermaid_row(out, p, row->event, &edge);
            continue;
        }
        struct tool_text gap = {0};
        if (row->kind == SPACETIME_FOLD)
            tool_text_addf(&gap, "%zu local events", row->count);
        else
            label_gap(&gap, row->kind == SPACETIME_ROUNDS ? row->period : 0, row->count);
        if (row->kind == SPACETIME_FOLD)
            tool_text_addf(out, "    Note over t%zu: ", mermaid_number(p, row->event));
        else
            tool_text_addf(out, "    Note over t1,t%zu: ", st->column_count);
        mermaid_text(out, gap.data);
        tool_text_add(out, "\n");
        tool_text_free(&gap);
        lines++;
    }
    for (size_t i = 0; i < st->column_count; i++) {
        size_t task = st->columns[i];
        if (task == TRACE_NONE || p->waits->tasks[task].role == WAITS_FREE) continue;
        struct tool_text wait = {0};
        label_wait(&wait, run, p->waits->tasks[task].event);
        tool_text_addf(out, "    Note over t%zu: %s#58; ", i + 1,
                       waits_is_culprit(p->waits, task) ? "stuck" : "waits");
        mermaid_text(out, wait.data);
        tool_text_add(out, "\n");
        tool_text_free(&wait);
    }
    tool_text_free(&headline);
}
