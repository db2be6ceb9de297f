/* debug.h - a replayed run in the debugger. */
#ifndef SIM_CLI_DEBUG_H
#define SIM_CLI_DEBUG_H

#include "sim/cli/options.h"

/*
 * Becomes gdb, with the program and the schedule, stopped where options->until says. Returns only
 * where that fails: TOOL_USAGE or TOOL_FAILED, after a message.
 */
int debug_program(const struct options *options, const char *schedule);

#endif
