/* report.h - tells the user of a failing run: what it is, why it came about, how to have it
 * again. */
#ifndef SIM_CLI_REPORT_H
#define SIM_CLI_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/cli/options.h"
#include "sim/control.h"

struct report {
    const struct options *options;
    FILE *out;
    bool brief;   /* failures without the explanation, which is told of the shrunk runs */
    bool scratch; /* the trace will be gone: the command that replays must do without it */
};

/*
 * Prepares to record: into the file that the user named, else into one that is removed at the end.
 * Sets options->control.trace. Returns TOOL_OK, or another status after a message when the user's
 * file is no trace.
 */
int report_prepare(struct report *report, struct options *options, FILE *out);

/* Prints a failure in full; with --quiet without the explanation, with --json as one object. */
void report_failure(const struct report *report, const struct control_message *failure);

/* Appends the explanation of a failing run and the command that repeats it. */
void report_text(const struct report *report, const struct control_message *failure,
                 struct tool_text *text);
/* Prints what shrinking has left of a failing run, likewise. */
void report_shrunk(const struct report *report, const struct control_message *shrunk);

/* Prints the command that repeats a failing run, as a line. */
void report_replay(const struct report *report, const struct control_message *failure);

/* Appends the figures of a run as members of a JSON object, without braces. */
void report_json_run(const struct report *report, const struct control_message *run,
                     struct tool_text *json);

#endif
