/*
 * sarif.c - a run's failure in the Static Analysis Results Interchange Format, 2.1.0.
 *
 * A result has a code flow with a thread flow for each task, whose locations have the step as
 * execution order, so that a viewer can walk through the run.
 */
#include <pirn.h>
#include <stdlib.h>
#include <string.h>

#include "viz/explain.h"
#include "viz/label.h"
#include "viz/predict.h"
#include "viz/report.h"
#include "viz/spacetime.h"

#define STEPS 60
#define MOST_RESULTS 100
#define SCHEMA "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"

static const struct {
    const char *id, *about;
} rules[] = {
    {"deadlock", "Nothing can ever run again."},
    {"leak", "Tasks are blocked for ever after main has returned."},
    {"race", "Two accesses to the same memory, one of them a write, are not ordered."},
    {"panic", "The program gave up."},
    {"misuse", "An operation was used in a way that it does not allow."},
    {"crash", "The program was ended by a signal."},
    {"livelock", "The run went on without an end in sight."},
    {"timeout", "The run took too long."},
    {"exit", "The program ended with a status other than 0."},
    {"lock_order", "Locks are taken in different orders, which could deadlock."},
    {"send_on_closed", "A send could meet a closed channel."},
    {"send_order", "The order of two sends was chance."},
    {"receive_order", "The order of two receives was chance."},
    {"other", "Something else went wrong."},
};
#define RULES (sizeof rules / sizeof *rules)

static size_t rule_of(const char *kind) {
    size_t i = 0;
    while (i + 1 < RULES && strcmp(rules[i].id, kind) != 0) i++;
    return i;
}

/* A path as a URI: relative stays relative, absolute becomes file://. */
static void add_uri(struct tool_text *out, const struct trace_site *site) {
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
    struct tool_text path = {0};
    report_path(&path, site);
    tool_text_add(out, "\"");
    if (path.data[0] == '/') tool_text_add(out, "file://");
    for (const char *p = path.data; *p != '\0'; p++) {
        if (strchr(plain, *p) != NULL)
            tool_text_add_bytes(out, p, 1);
        else
            tool_text_addf(out, "%%%02X", (unsigned char)*p);
    }
    tool_text_add(out, "\"");
    tool_text_free(&path);
}

static void add_message(struct tool_text *out, const char *text) {
    tool_text_add(out, "\"message\":{\"text\":");
    tool_json_string(out, text);
    tool_text_add(out, "}");
}

/* A location object; without a file it has a logical place only. */
static void add_location(struct tool_text *out, const struct trace_run *run, size_t event,
                         const char *message) {
    size_t index = event != TRACE_NONE ? run->events[event].site : TRACE_NONE;
    const struct trace_site *site = index != TRACE_NONE ? &run->sites[index] : NULL;
    tool_text_add(out, "{");
    if (site != NULL && *site->path != '\0') {
        tool_text_add(out, "\"physicalLocation\":{\"artifactLocation\":{\"uri\":");
        add_uri(out, site);
        tool_text_add(out, "}");
        bool known = site->line > 0 && site->line <= INT32_MAX;
        tool_text_addf(out, ",\"region\":{\"startLine\":%lld}},",
                       known ? (long long)site->line : 1);
    }
    tool_text_add(out, "\"logicalLocations\":[{\"name\":");
    tool_json_string(out, site != NULL && *site->function != '\0' ? site->function
                                                                  : trace_place(run, index));
    tool_text_add(out, "}]");
    if (message != NULL) {
        tool_text_add(out, ",");
        add_message(out, message);
    }
    tool_text_add(out, "}");
}

/* ---- Code flows ---------------------------------------------------------------------------- */

static void add_flow_location(struct tool_text *out, const struct report *r,
                              const struct spacetime *st, size_t event) {
    struct tool_text label = {0};
    label_event(&label, r->run, event);
    tool_text_add(out, "{\"location\":");
    add_location(out, r->run, event, tool_text_string(&label));
    int64_t step = r->run->events[event].step;
    tool_text_addf(out, ",\"executionOrder\":%lld,\"importance\":\"%s\"}",
                   (long long)(step <= INT32_MAX ? step : INT32_MAX),
                   st->evidence[event] ? "essential" : "important");
    tool_text_free(&label);
}

static void add_code_flow(struct tool_text *out, const struct report *r,
                          const struct spacetime *st) {
    bool any_flow = false;
    tool_text_add(out, "\"codeFlows\":[{\"threadFlows\":[");
    for (size_t column = 0; column < st->column_count; column++) {
        bool any = false;
        for (size_t i = 0; i < st->row_count; i++) {
            const struct spacetime_row *row = &st->rows[i];
            if (row->kind != SPACETIME_EVENT || spacetime_column(st, r->run, row->event) != column)
                continue;
            if (!any) {
                tool_text_add(out, any_flow ? ",\n  {\"id\":" : "\n  {\"id\":");
                tool_json_string(out, trace_task_name(r->run, st->columns[column]));
                tool_text_add(out, ",\"locations\":[");
            }
            tool_text_add(out, any ? ",\n   " : "\n   ");
            add_flow_location(out, r, st, row->event);
            any = any_flow = true;
        }
        if (any) tool_text_add(out, "]}");
    }
    tool_text_add(out, "]}]");
}

/* ---- Results ------------------------------------------------------------------------------- */

static void begin_result(struct tool_text *out, const char *kind, const char *level,
                         const char *message, bool *any) {
    size_t rule = rule_of(kind);
    tool_text_addf(out, "%s{\"ruleId\":\"%s\",\"ruleIndex\":%zu,\"level\":\"%s\",",
                   *any ? ",\n " : "\n ", rules[rule].id, rule, level);
    add_message(out, message);
    *any = true;
}

/* The failure as a whole: all that it points at are its locations. */
static void add_failure(struct tool_text *out, const struct report *r, const struct spacetime *st,
                        bool *any) {
    struct tool_text text = {0}, message = {0};
    const char *kind;
    size_t cursor = 0, event = TRACE_NONE, count = 0;
    explain_headline(&text, r->run, r->waits);
    begin_result(out, r->run->summary.outcome, "error", text.data, any);
    tool_text_add(out, ",\"locations\":[");
    while (count < MOST_RESULTS && report_next(r, &cursor, &event, &message, &kind)) {
        if (event == TRACE_NONE) continue;
        tool_text_add(out, count++ > 0 ? ",\n  " : "\n  ");
        add_location(out, r->run, event, tool_text_string(&message));
    }
    tool_text_add(out, "]");
    if (st->shown > 0) {
        tool_text_add(out, ",\n ");
        add_code_flow(out, r, st);
    }
    tool_text_clear(&text);
    explain_replay_command(&text, r->run, r->trace);
    tool_text_add(out, ",\n \"properties\":{\"replay\":");
    tool_json_string(out, text.data);
    tool_text_addf(out, ",\"run\":%lld}}", (long long)r->run->summary.id);
    tool_text_free(&text);
    tool_text_free(&message);
}

static void add_predictions(struct tool_text *out, const struct report *r, bool *any) {
    struct predictions *predictions = predict(r->run);
    struct tool_text text = {0};
    for (size_t i = 0; i < predictions->count && i < MOST_RESULTS; i++) {
        const struct prediction *p = &predictions->list[i];
        tool_text_clear(&text);
        predict_sentence(&text, r->run, predictions, i);
        begin_result(out, predict_word(p->kind), p->kind <= PREDICT_CLOSED ? "warning" : "note",
                     text.data, any);
        tool_text_add(out, ",\"locations\":[");
        for (size_t k = 0; k < p->count; k++) {
            tool_text_add(out, k > 0 ? "," : "");
            add_location(out, r->run, predictions->events[p->first + k], NULL);
        }
        tool_text_add(out, "]}");
    }
    tool_text_free(&text);
    predict_free(predictions);
}

void report_sarif(struct tool_text *out, const struct report *r) {
    struct spacetime_options slice = {.all_up_to = STEPS, .budget = STEPS};
    struct spacetime *st = spacetime_build(r->run, r->waits, &slice);
    bool any = false;
    tool_text_add(out, "{\"$schema\":\"" SCHEMA "\",\"version\":\"2.1.0\",\"runs\":[{\n"
                       "\"tool\":{\"driver\":{\"name\":\"pirn\",\"version\":\"" PIRN_VERSION
                       "\",\"rules\":[");
    for (size_t i = 0; i < RULES; i++) {
        tool_text_addf(out, "%s{\"id\":\"%s\",\"shortDescription\":{\"text\":\"%s\"}}",
                       i > 0 ? ",\n " : "\n ", rules[i].id, rules[i].about);
    }
    tool_text_add(out, "]}},\n\"columnKind\":\"unicodeCodePoints\",\n\"results\":[");
    if (strcmp(r->run->summary.outcome, "ok") != 0) add_failure(out, r, st, &any);
    add_predictions(out, r, &any);
    tool_text_add(out, "]}]}\n");
    spacetime_free(st);
}
