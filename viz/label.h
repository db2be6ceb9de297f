/*
 * label.h - events and waits in words: short for pictures and tables, in sentences for
 * explanations.
 */
#ifndef VIZ_LABEL_H
#define VIZ_LABEL_H

#include "viz/trace.h"

struct tool_text;

/* Columns to which names are cut in pictures, tables and sentences, so that a hostile one leaves
 * them readable. */
#define LABEL_NAME 28

/* Appends an event as "send jobs", "recv? log" (the ? says that the task went to sleep), "go
 * worker". */
void label_event(struct tool_text *text, const struct trace_run *run, size_t event);

/* Appends what the event of a blocked task waits for, as "send jobs", "lock mu_state". */
void label_wait(struct tool_text *text, const struct trace_run *run, size_t event);

/* Appends the same as the end of a sentence, as "to send on jobs", "for the wait group done". */
void label_wait_sentence(struct tool_text *text, const struct trace_run *run, size_t event);

/* Append a name, cut to LABEL_NAME. */
void label_task(struct tool_text *text, const struct trace_run *run, size_t task);
void label_object(struct tool_text *text, const struct trace_run *run, size_t object);

/* Appends the place of an event. */
void label_place(struct tool_text *text, const struct trace_run *run, size_t event);

/* Appends "9 steps left out", or for a period above 0 "the last 3 steps again, x 4". */
void label_gap(struct tool_text *text, size_t period, size_t steps);

/* Whether the event of a select sends; false also when nothing in the trace tells. */
bool label_select_sends(const struct trace_run *run, size_t event);

#endif
