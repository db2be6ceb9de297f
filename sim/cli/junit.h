/* junit.h - what an exploration found, as the XML file that CI servers read. */
#ifndef SIM_CLI_JUNIT_H
#define SIM_CLI_JUNIT_H

#include <stdio.h>

#include "sim/control.h"
#include "viz/tool.h"

struct junit {
    FILE *file; /* NULL: none is wanted */
    const char *path, *program;
    struct tool_text cases;
    unsigned failures;
};

/* Opens the file, so that what is wrong with it shows before the work. `path` NULL: none is wanted,
 * and the functions below do nothing. Returns TOOL_OK, or TOOL_USAGE after a message. */
int junit_begin(struct junit *junit, const char *path, const char *program);

/* Adds a failure; `text` explains it. */
void junit_failure(struct junit *junit, const struct control_message *failure, const char *text);

/* Writes it all. `status` other than TOOL_OK and TOOL_FOUND is an error of the exploration itself.
 * Returns TOOL_OK, or TOOL_FAILED after a message. */
int junit_end(struct junit *junit, const struct control_message *figures, double seconds,
              int status);

#endif
