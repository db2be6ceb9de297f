/* source.h - the run that a command is given to repeat: a schedule, or a run in a trace. */
#ifndef SIM_CLI_SOURCE_H
#define SIM_CLI_SOURCE_H

#include "sim/cli/options.h"
#include "sim/schedule.h"
#include "viz/trace.h"

struct source {
    struct schedule schedule;
    char *text;            /* of the schedule */
    struct trace_run *run; /* when it is in a trace; else NULL */
    char *path;            /* of that trace; else NULL */
};

/* Reads "TRACE[#RUN]" or "pirn1:...". Returns TOOL_OK, or another status after a message. */
int source_read(struct source *source, const char *name);
void source_free(struct source *source);

/* Prints that no program was given, and which one it was recorded with: a program that a trace
 * names is never run because of that. Returns TOOL_USAGE. */
int source_suggest_program(const struct source *source, const struct options_usage *usage,
                           const char *name);

#endif
