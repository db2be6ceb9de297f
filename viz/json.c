/* json.c - what a trace holds as JSON objects. */
#include "viz/json.h"

#include <string.h>

#include "viz/label.h"

void json_task(struct tool_text *out, const struct trace_run *run, size_t task) {
    if (task == TRACE_NONE)
        tool_text_add(out, "null");
    else
        tool_text_addf(out, "%lld", (long long)run->tasks[task].id);
}

void json_object(struct tool_text *out, const struct trace_run *run, size_t object) {
    if (object == TRACE_NONE)
        tool_text_add(out, "null");
    else
        tool_text_addf(out, "%lld", (long long)run->objects[object].id);
}

void json_step(struct tool_text *out, const struct trace_run *run, size_t event) {
    if (event == TRACE_NONE)
        tool_text_add(out, "null");
    else
        tool_text_addf(out, "%lld", (long long)run->events[event].step);
}

void json_lines(struct tool_text *out, const char *text) {
    struct tool_text line = {0};
    tool_text_add(out, "[");
    for (bool first = true; *text != '\0'; first = false) {
        size_t length = strcspn(text, "\n"), skip = strspn(text, " ");
        if (skip > length) skip = length;
        tool_text_clear(&line);
        tool_text_add_bytes(&line, text + skip, length - skip);
        if (!first) tool_text_add(out, ",");
        tool_json_string(out, tool_text_string(&line));
        text += length + (text[length] == '\n');
    }
    tool_text_add(out, "]");
    tool_text_free(&line);
}

static void begin(struct tool_text *out, const char *type) {
    tool_text_add(out, "{");
    if (type != NULL) tool_text_addf(out, "\"type\":\"%s\",", type);
}

static void add_place(struct tool_text *out, const char *place) {
    tool_text_add(out, ",\"place\":");
    tool_json_string(out, place);
}

void json_event(struct tool_text *out, const struct trace_run *run, size_t index,
                const char *type) {
    const struct trace_event *event = &run->events[index];
    struct tool_text label = {0};
    label_event(&label, run, index);
    begin(out, type);
    tool_text_add(out, "\"step\":");
    json_step(out, run, index);
    tool_text_add(out, ",\"task\":");
    json_task(out, run, event->task);
    tool_text_add(out, ",\"op\":");
    tool_json_string(out, event->op_word);
    tool_text_add(out, ",\"object\":");
    json_object(out, run, event->object);
    if (event->slept)
        tool_text_add(out, ",\"result\":null");
    else
        tool_text_addf(out, ",\"result\":%lld", (long long)event->result);
    tool_text_add(out, ",\"text\":");
    tool_json_string(out, tool_text_string(&label));
    add_place(out, trace_place(run, event->site));
    if (event->site != TRACE_NONE && *run->sites[event->site].function != '\0') {
        tool_text_add(out, ",\"function\":");
        tool_json_string(out, run->sites[event->site].function);
    }
    tool_text_addf(out, ",\"time\":%lld", (long long)event->time);
    size_t first, count = trace_cases(run, index, &first);
    if (count > 0) tool_text_add(out, ",\"cases\":[");
    for (size_t i = 0; i < count; i++) {
        tool_text_addf(out, "%s{\"op\":\"%s\",\"object\":", i > 0 ? "," : "",
                       run->cases[first + i].sends ? "send" : "recv");
        json_object(out, run, run->cases[first + i].object);
        tool_text_add(out, "}");
    }
    tool_text_add(out, count > 0 ? "]}" : "}");
    tool_text_free(&label);
}

void json_finding(struct tool_text *out, const struct trace_run *run, size_t index,
                  const char *type) {
    const struct trace_finding *finding = &run->findings[index];
    begin(out, type);
    tool_text_add(out, "\"kind\":");
    tool_json_string(out, finding->kind);
    tool_text_add(out, ",\"step\":");
    json_step(out, run, finding->event);
    tool_text_add(out, ",\"other_step\":");
    json_step(out, run, finding->other);
    tool_text_add(out, ",\"object\":");
    json_object(out, run, finding->object);
    tool_text_add(out, ",\"message\":");
    tool_json_string(out, finding->message);
    add_place(out, trace_place(run, finding->event != TRACE_NONE ? run->events[finding->event].site
                                                                 : TRACE_NONE));
    tool_text_add(out, "}");
}

static const char *state_word(enum waits_state state) {
    static const char *const words[] = {"exited", "never_ran", "runnable", "sleeping", "blocked"};
    return words[state];
}

static const char *role_word(enum waits_role role) {
    static const char *const words[] = {"free", "cycle", "root", "behind", "unknown"};
    return words[role];
}

void json_wait(struct tool_text *out, const struct trace_run *run, const struct waits *waits,
               size_t index, const char *type) {
    const struct waits_task *task = &waits->tasks[index];
    begin(out, type);
    tool_text_add(out, "\"task\":");
    json_task(out, run, index);
    tool_text_add(out, ",\"name\":");
    tool_json_string(out, run->tasks[index].name);
    tool_text_addf(out, ",\"state\":\"%s\",\"role\":\"%s\"", state_word(task->state),
                   role_word(task->role));
    if (task->event != TRACE_NONE) {
        struct tool_text label = {0};
        label_wait_sentence(&label, run, task->event);
        tool_text_add(out, ",\"step\":");
        json_step(out, run, task->event);
        tool_text_add(out, ",\"waits\":");
        tool_json_string(out, tool_text_string(&label));
        add_place(out, trace_place(run, run->events[task->event].site));
        tool_text_free(&label);
    }
    tool_text_add(out, ",\"waits_for\":[");
    for (size_t i = 0; i < task->arc_count; i++) {
        const struct waits_arc *arc = &waits->arcs[task->first_arc + i];
        tool_text_add(out, i > 0 ? ",{\"task\":" : "{\"task\":");
        json_task(out, run, arc->to);
        tool_text_add(out, ",\"object\":");
        json_object(out, run, arc->object);
        tool_text_addf(out, ",\"why\":\"%s\",\"since_step\":", waits_why_word(arc));
        json_step(out, run, arc->since);
        add_place(out, trace_place(run, run->events[arc->since].site));
        tool_text_addf(out, ",\"cycle\":%s}", arc->cycle ? "true" : "false");
    }
    tool_text_add(out, "]}");
}

void json_prediction(struct tool_text *out, const struct trace_run *run,
                     const struct predictions *predictions, size_t index, const char *type) {
    const struct prediction *p = &predictions->list[index];
    struct tool_text sentence = {0};
    predict_sentence(&sentence, run, predictions, index);
    begin(out, type);
    tool_text_addf(out, "\"kind\":\"%s\",\"object\":", predict_word(p->kind));
    json_object(out, run, p->object);
    tool_text_add(out, ",\"steps\":[");
    for (size_t i = 0; i < p->count; i++) {
        tool_text_add(out, i > 0 ? "," : "");
        json_step(out, run, predictions->events[p->first + i]);
    }
    tool_text_add(out, "],\"text\":");
    tool_json_string(out, tool_text_string(&sentence));
    tool_text_add(out, "}");
    tool_text_free(&sentence);
}
