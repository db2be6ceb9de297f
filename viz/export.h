/*
 * export.h - a run in the formats of other programs. Each depends on nothing but its arguments, and
 * is the same bytes each time.
 */
#ifndef VIZ_EXPORT_H
#define VIZ_EXPORT_H

#include "viz/picture.h"

/* One JSON object a line: the run, its tasks, objects, the events and edges shown, findings, waits,
 * predictions, and differences to what the recorder says. */
void export_json(struct tool_text *out, const struct picture *picture, const char *trace);

/* The trace event format of Chrome, which Perfetto opens: a thread a task, 10 microseconds a step,
 * arrows for messages and the like. */
void export_chrome(struct tool_text *out, const struct picture *picture);

/* The log that ShiViz reads with its default expression: the event, then the task and its vector
 * clock over the events shown. */
void export_shiviz(struct tool_text *out, const struct picture *picture);

/* A sequence diagram for Mermaid, at most 400 lines and 45,000 bytes; it says so when it has been
 * cut. */
void export_mermaid(struct tool_text *out, const struct picture *picture);

#endif
