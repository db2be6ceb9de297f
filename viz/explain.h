/*
 * explain.h - a run's failure in plain sentences: what went wrong, who waits for whom, the way
 * there.
 *
 * Tasks, objects and places are called by their names; there are no addresses.
 */
#ifndef VIZ_EXPLAIN_H
#define VIZ_EXPLAIN_H

#include <stdio.h>

#include "viz/tool.h"
#include "viz/trace.h"
#include "viz/waits.h"

struct explain_options {
    const char
        *trace; /* the file, for the command that replays the run; NULL: no such command is shown */
    size_t steps; /* that led there, to be listed; 0: none */
    bool predict; /* tell what could have gone wrong as well */
    bool ascii;   /* no character outside ASCII */
    bool color;   /* with ANSI escape sequences */
};

/*
 * Writes the explanation of a run. `options` may be NULL: no replay command, 12 steps, no colour.
 * Works for every outcome, and for a run that was not recorded in full (it then says so). Returns
 * TOOL_OK, or TOOL_FAILED with a message when `out` cannot be written to.
 */
int explain_run(FILE *out, const struct trace_run *run, const struct explain_options *options);

/* The same into memory, for who has `waits` already. */
void explain_text(struct tool_text *out, const struct trace_run *run, const struct waits *waits,
                  const struct explain_options *options);

/* Appends the failure in one line without a full stop: "deadlock: 3 tasks wait for each other
 * (D1)". */
void explain_headline(struct tool_text *out, const struct trace_run *run,
                      const struct waits *waits);

/* Appends "pirn replay TRACE#RUN -- PROGRAM ARGUMENTS", with tool_command for pirn, quoted for a
 * shell. */
void explain_replay_command(struct tool_text *out, const struct trace_run *run, const char *trace);

#endif
