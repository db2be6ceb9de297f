/*
 * check.h - what a trace says was found, held against what its events say.
 *
 * The reader does not take the recorder's word: who is stuck it sees from the last event of each
 * task, and which accesses race from happens-before as order.h rebuilds it.
 */
#ifndef VIZ_CHECK_H
#define VIZ_CHECK_H

#include "viz/tool.h"
#include "viz/trace.h"

/* Two accesses to one object of the kind "memory", one of them a write, that nothing orders. */
struct check_race {
    size_t event, other; /* other < event */
};

/* Appends the races among the accesses in the events, one for each pair of places. `*races` is for
 * free(); returns their number. */
size_t check_races(const struct trace_run *run, struct check_race **races);

/* Appends a line for each difference, indented by two spaces. Returns their number; 0 for a run
 * that was not recorded in full. */
size_t check_findings(struct tool_text *out, const struct trace_run *run);

#endif
