/*
 * json.h - what a trace holds as JSON objects, for every machine-readable output alike.
 *
 * Tasks and objects are referred to by the ids of the trace, steps by their numbers; a place is
 * "file:line" and never empty. JSON_FORMAT goes up when a key changes its meaning or goes away.
 */
#ifndef VIZ_JSON_H
#define VIZ_JSON_H

#include "viz/predict.h"
#include "viz/tool.h"
#include "viz/trace.h"
#include "viz/waits.h"

#define JSON_FORMAT 1

/* Each appends one object, without a newline. The first key is "type" unless `type` is NULL. */
void json_event(struct tool_text *out, const struct trace_run *run, size_t event, const char *type);
void json_finding(struct tool_text *out, const struct trace_run *run, size_t finding,
                  const char *type);
void json_wait(struct tool_text *out, const struct trace_run *run, const struct waits *waits,
               size_t task, const char *type);
void json_prediction(struct tool_text *out, const struct trace_run *run,
                     const struct predictions *predictions, size_t index, const char *type);

/* Appends the id of a task, an object, or the step of an event; null for TRACE_NONE. */
void json_task(struct tool_text *out, const struct trace_run *run, size_t task);
void json_object(struct tool_text *out, const struct trace_run *run, size_t object);
void json_step(struct tool_text *out, const struct trace_run *run, size_t event);

/* Appends an array of strings, one for each line of a text. */
void json_lines(struct tool_text *out, const char *text);

#endif
