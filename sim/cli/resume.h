/* resume.h - an exploration that goes on where it ended another time. */
#ifndef SIM_CLI_RESUME_H
#define SIM_CLI_RESUME_H

#include <stdint.h>

#include "sim/cli/options.h"

/*
 * Finds the last exploration in the trace options->resume (of the shard, where one was asked for),
 * and sets the options as it had them, to go on with its next run. `*before` gets how many runs it
 * has. Returns TOOL_OK, or another status after a message.
 */
int resume(struct options *options, uint64_t *before);

#endif
