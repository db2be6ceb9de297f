/* report.c - a run's failure as Markdown, as annotations on GitHub, as JUnit's XML and as JSON. */
#include "viz/report.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "viz/check.h"
#include "viz/explain.h"
#include "viz/json.h"
#include "viz/label.h"
#include "viz/predict.h"
#include "viz/spacetime.h"
#include "viz/utf8.h"

#define STEPS 12
#define MOST_RESULTS 100 /* places that a report points at */

/* ---- What to point at ---------------------------------------------------------------------- */

static bool next_culprit(const struct report *r, size_t *cursor, size_t *event,
                         struct tool_text *message) {
    const struct trace_run *run = r->run;
    for (; *cursor < run->task_count; ++*cursor) {
        if (!waits_is_culprit(r->waits, *cursor)) continue;
        const struct waits_task *task = &r->waits->tasks[*cursor];
        *event = task->event;
        label_task(message, run, *cursor);
        tool_text_add(message, " waits for ever ");
        label_wait_sentence(message, run, task->event);
        for (size_t i = 0; i < task->arc_count && i < 4; i++) {
            const struct waits_arc *arc = &r->waits->arcs[task->first_arc + i];
            tool_text_add(message, i == 0 ? ": " : "; ");
            label_object(message, run, arc->object);
            tool_text_addf(message, " (%s: ", waits_why_word(arc));
            label_task(message, run, arc->to);
            tool_text_addf(message, ", step %lld at ", (long long)run->events[arc->since].step);
            label_place(message, run, arc->since);
            tool_text_add(message, ")");
        }
        ++*cursor;
        return true;
    }
    return false;
}

bool report_next(const struct report *r, size_t *cursor, size_t *event, struct tool_text *message,
                 const char **kind) {
    const struct trace_run *run = r->run;
    tool_text_clear(message);
    *kind = run->summary.outcome;
    if (*cursor < run->task_count && next_culprit(r, cursor, event, message)) return true;
    for (; *cursor < run->task_count + run->finding_count; ++*cursor) {
        const struct trace_finding *finding = &run->findings[*cursor - run->task_count];
        if (strcmp(finding->kind, "deadlock") == 0 || strcmp(finding->kind, "leak") == 0) continue;
        *event = finding->event;
        *kind = finding->kind;
        tool_text_add(message, *finding->message != '\0' ? finding->message : finding->kind);
        ++*cursor;
        return true;
    }
    return false;
}

void report_path(struct tool_text *out, const struct trace_site *site) {
    char folder[4096];
    const char *path = site->path;
    size_t length = getcwd(folder, sizeof folder) != NULL ? strlen(folder) : 0;
    if (length > 1 && strncmp(path, folder, length) == 0 && path[length] == '/') path += length + 1;
    while (strncmp(path, "./", 2) == 0) path += 2;
    tool_text_add(out, path);
}

static const struct trace_site *site_of(const struct trace_run *run, size_t event) {
    size_t site = event != TRACE_NONE ? run->events[event].site : TRACE_NONE;
    return site != TRACE_NONE && *run->sites[site].path != '\0' && run->sites[site].line > 0
               ? &run->sites[site]
               : NULL;
}

static void explain(struct tool_text *out, const struct report *r) {
    struct explain_options options = {.trace = r->trace, .steps = STEPS, .predict = true};
    explain_text(out, r->run, r->waits, &options);
}

/* ---- Markdown ------------------------------------------------------------------------------ */

static void markdown_line(struct tool_text *out, const char *text) {
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '<')
            tool_text_add(out, "&lt;");
        else if (*p == '&')
            tool_text_add(out, "&amp;");
        else if (strchr("\\`*_{}[]()#+-!|>~@", *p) != NULL)
            tool_text_addf(out, "\\%c", *p);
        else
            tool_text_add_bytes(out, p, 1);
    }
}

/* A fence is longer than any run of backquotes within. */
static void markdown_block(struct tool_text *out, const char *text) {
    size_t longest = 2, run = 0;
    for (const char *p = text; *p != '\0'; p++) {
        run = *p == '`' ? run + 1 : 0;
        if (run > longest) longest = run;
    }
    struct tool_text fence = {0};
    for (size_t i = 0; i <= longest; i++) tool_text_add(&fence, "`");
    tool_text_addf(out, "%s\n%s%s%s\n", fence.data, text,
                   *text != '\0' && text[strlen(text) - 1] == '\n' ? "" : "\n", fence.data);
    tool_text_free(&fence);
}

void report_markdown(struct tool_text *out, const struct report *r) {
    const struct trace_run *run = r->run;
    struct tool_text text = {0}, message = {0};
    const char *kind;
    size_t cursor = 0, event, count = 0;
    explain_headline(&text, run, r->waits);
    tool_text_add(out, "### ");
    markdown_line(out, text.data);
    tool_text_add(out, "\n\n");
    while (report_next(r, &cursor, &event, &message, &kind) && count++ < MOST_RESULTS) {
        tool_text_add(out, "- ");
        if (event != TRACE_NONE) {
            tool_text_addf(out, "step %lld, ", (long long)run->events[event].step);
            tool_text_clear(&text);
            label_place(&text, run, event);
            markdown_line(out, text.data);
            tool_text_add(out, ": ");
        }
        markdown_line(out, tool_text_string(&message));
        tool_text_add(out, "\n");
    }
    if (count > 0) tool_text_add(out, "\n");
    tool_text_clear(&text);
    explain(&text, r);
    markdown_block(out, text.data);
    tool_text_addf(out, "\nRun %lld, strategy ", (long long)run->summary.id);
    markdown_line(out, run->summary.strategy);
    tool_text_addf(out, ", seed 0x%llx, %lld steps, %lld tasks\n",
                   (unsigned long long)run->summary.seed, (long long)run->summary.steps,
                   (long long)run->summary.tasks);
    tool_text_free(&text);
    tool_text_free(&message);
}

/* ---- GitHub -------------------------------------------------------------------------------- */

static void github_escape(struct tool_text *out, const char *text, bool property) {
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '%' || *p == '\r' || *p == '\n' || (property && (*p == ':' || *p == ',')))
            tool_text_addf(out, "%%%02X", (unsigned char)*p);
        else
            tool_text_add_bytes(out, p, 1);
    }
}

void report_github(struct tool_text *out, const struct report *r) {
    const struct trace_run *run = r->run;
    struct tool_text title = {0}, message = {0}, path = {0};
    const char *kind;
    size_t cursor = 0, event, count = 0;
    explain_headline(&title, run, r->waits);
    while (report_next(r, &cursor, &event, &message, &kind) && count++ < MOST_RESULTS) {
        const struct trace_site *site = site_of(run, event);
        tool_text_add(out, "::error ");
        if (site != NULL) {
            tool_text_clear(&path);
            report_path(&path, site);
            tool_text_add(out, "file=");
            github_escape(out, path.data, true);
            tool_text_addf(out, ",line=%lld,", (long long)site->line);
        }
        tool_text_add(out, "title=");
        github_escape(out, title.data, true);
        tool_text_add(out, "::");
        github_escape(out, tool_text_string(&message), false);
        tool_text_add(out, "\n");
    }
    if (count == 0) {
        bool ok = strcmp(run->summary.outcome, "ok") == 0;
        tool_text_addf(out, "::%s title=pirn::", ok ? "notice" : "error");
        github_escape(out, title.data, false);
        tool_text_add(out, "\n");
    }
    tool_text_free(&title);
    tool_text_free(&message);
    tool_text_free(&path);
}

/* ---- JUnit --------------------------------------------------------------------------------- */

void report_junit(struct tool_text *out, const struct report *r) {
    const struct trace_run *run = r->run;
    bool ok = strcmp(run->summary.outcome, "ok") == 0;
    struct tool_text text = {0}, name = {0};
    utf8_add_clean(&name, run->program.arguments[0], strlen(run->program.arguments[0]));
    tool_text_addf(out,
                   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                   "<testsuites tests=\"1\" failures=\"%d\">\n"
                   "  <testsuite name=\"pirn\" tests=\"1\" failures=\"%d\" errors=\"0\" "
                   "skipped=\"0\">\n"
                   "    <testcase classname=\"",
                   !ok, !ok);
    utf8_add_xml(out, tool_text_string(&name));
    tool_text_addf(
        out, "\" name=\"run %lld, seed 0x%llx\" time=\"%lld.%06lld\"", (long long)run->summary.id,
        (unsigned long long)run->summary.seed,
        (long long)(run->summary.wall_ns > 0 ? run->summary.wall_ns / 1000000000 : 0),
        (long long)(run->summary.wall_ns > 0 ? run->summary.wall_ns / 1000 % 1000000 : 0));
    if (ok) {
        tool_text_add(out, "/>\n");
    } else {
        explain_headline(&text, run, r->waits);
        tool_text_add(out, ">\n      <failure type=\"");
        utf8_add_xml(out, run->summary.outcome);
        tool_text_add(out, "\" message=\"");
        utf8_add_xml(out, text.data);
        tool_text_add(out, "\">");
        tool_text_clear(&text);
        explain(&text, r);
        utf8_add_xml(out, text.data);
        tool_text_add(out, "</failure>\n    </testcase>\n");
    }
    tool_text_add(out, "  </testsuite>\n</testsuites>\n");
    tool_text_free(&text);
    tool_text_free(&name);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void json_steps(struct tool_text *out, const struct report *r) {
    struct spacetime_options slice = {.all_up_to = STEPS, .budget = STEPS};
    struct spacetime *spacetime = spacetime_build(r->run, r->waits, &slice);
    bool any = false;
    for (size_t i = 0; i < spacetime->row_count; i++) {
        if (spacetime->rows[i].kind != SPACETIME_EVENT) continue;
        tool_text_add(out, any ? ",\n " : "\n ");
        json_event(out, r->run, spacetime->rows[i].event, NULL);
        any = true;
    }
    spacetime_free(spacetime);
}

void report_json(struct tool_text *out, const struct report *r) {
    const struct trace_run *run = r->run;
    struct tool_text text = {0};
    bool any = false;
    explain_headline(&text, run, r->waits);
    tool_text_addf(out, "{\"format\":%d,\"trace\":", JSON_FORMAT);
    tool_json_string(out, r->trace);
    tool_text_addf(out, ",\"run\":%lld,\"outcome\":", (long long)run->summary.id);
    tool_json_string(out, run->summary.outcome);
    tool_text_add(out, ",\"headline\":");
    tool_json_string(out, text.data);
    tool_text_add(out, ",\n\"findings\":[");
    for (size_t i = 0; i < run->finding_count; i++) {
        tool_text_add(out, i > 0 ? ",\n " : "\n ");
        json_finding(out, run, i, NULL);
    }
    tool_text_add(out, "],\n\"stuck\":[");
    for (size_t i = 0; i < run->task_count; i++) {
        if (r->waits->tasks[i].role == WAITS_FREE) continue;
        tool_text_add(out, any ? ",\n " : "\n ");
        json_wait(out, run, r->waits, i, NULL);
        any = true;
    }
    tool_text_add(out, "],\n\"predictions\":[");
    struct predictions *predictions = predict(run);
    for (size_t i = 0; i < predictions->count; i++) {
        tool_text_add(out, i > 0 ? ",\n " : "\n ");
        json_prediction(out, run, predictions, i, NULL);
    }
    predict_free(predictions);
    tool_text_add(out, "],\n\"steps\":[");
    json_steps(out, r);
    tool_text_add(out, "],\n\"differences\":");
    tool_text_clear(&text);
    check_findings(&text, run);
    json_lines(out, tool_text_string(&text));
    tool_text_clear(&text);
    tool_text_add(out, ",\n\"text\":");
    explain(&text, r);
    json_lines(out, text.data);
    tool_text_clear(&text);
    tool_text_add(out, ",\n\"replay\":");
    explain_replay_command(&text, run, r->trace);
    tool_json_string(out, text.data);
    tool_text_add(out, "}\n");
    tool_text_free(&text);
}
