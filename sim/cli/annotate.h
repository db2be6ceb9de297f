/* annotate.h - findings as lines that editors and CI servers parse. */
#ifndef SIM_CLI_ANNOTATE_H
#define SIM_CLI_ANNOTATE_H

#include <stdio.h>

#include "viz/trace.h"

enum annotate {
    ANNOTATE_NONE,
    ANNOTATE_GCC,   /* FILE:LINE: error: ..., as compilers have it */
    ANNOTATE_GITHUB /* ::error file=...::, a workflow command of GitHub's */
};

/* Prints a line for each finding of a run, at the call in which it showed. */
void annotate_run(FILE *out, const struct trace_run *run, enum annotate form);

#endif
