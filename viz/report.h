/*
 * report.h - a run's failure for those who file, review and count failures: as Markdown, as
 * annotations of a build on GitHub, and for programs as JUnit's XML, SARIF 2.1.0 and JSON.
 *
 * Names and messages of a trace are data in all of them: none can end a string, a fence, or a line.
 */
#ifndef VIZ_REPORT_H
#define VIZ_REPORT_H

#include "viz/tool.h"
#include "viz/trace.h"
#include "viz/waits.h"

struct report {
    const struct trace_run *run;
    const struct waits *waits;
    const char *trace; /* the file as it was named, for the command that replays */
};

/* Each appends the whole report. */
void report_markdown(struct tool_text *out, const struct report *report);
void report_github(struct tool_text *out, const struct report *report);
void report_junit(struct tool_text *out, const struct report *report);
void report_sarif(struct tool_text *out, const struct report *report);
void report_json(struct tool_text *out, const struct report *report);

/*
 * What a report points at: the step in which each culprit went to sleep, and those of the other
 * findings. Returns the next after `*cursor`, which begins at 0, and sets `message` to what is
 * wrong there; TRACE_NONE at the end, or for a finding without a step (a message is set then).
 */
bool report_next(const struct report *report, size_t *cursor, size_t *event,
                 struct tool_text *message, const char **kind);

/* Appends the path of a site's file for a report that is read elsewhere: relative where the file is
 * below the current folder. "" when unknown. */
void report_path(struct tool_text *out, const struct trace_site *site);

#endif
