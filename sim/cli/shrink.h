/* shrink.h - what `pirn shrink` and `pirn explore --shrink` have in common. */
#ifndef SIM_CLI_SHRINK_H
#define SIM_CLI_SHRINK_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/cli/report.h"

/*
 * Shrinks the run of a schedule with the program and the limits of the report's options, and
 * reports what is left; `from` is its number in the trace that is recorded into, 0 when it is not
 * there. Returns what launch_program does, and sets `found` when there is something left.
 */
int shrink_perform(const struct report *report, const char *schedule, int64_t from, bool *found);

#endif
