/* scratch.h - a trace for the time that the command runs, where the user has not named one. */
#ifndef SIM_CLI_SCRATCH_H
#define SIM_CLI_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Makes a folder in $TMPDIR, which is removed when the command exits, and writes the path of a
 * trace in it. Returns TOOL_OK or TOOL_FAILED after a message. To be called once.
 */
int scratch_trace(char *path, size_t size);

#endif
