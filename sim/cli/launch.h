/* launch.h - starts a program under the simulator, and listens to what the library in it has to
 * say. */
#ifndef SIM_CLI_LAUNCH_H
#define SIM_CLI_LAUNCH_H

#include <limits.h>
#include <stdbool.h>

#include "sim/control.h"

struct launch {
    char **program; /* its arguments, NULL-terminated; the first is looked up as a shell does */
    struct control_options control;
    const char *schedule; /* to replay; NULL: none */
    /* Told of everything the library reports, CONTROL_DONE included; CONTROL_NOTE and CONTROL_ERROR
     * are then printed by launch_program. */
    void (*told)(void *context, const struct control_message *message);
    void *context;
    bool graceful;   /* the first interruption lets the library come to an end; the second kills */
    int interrupted; /* set to the signal with which the user ended it all, else 0 */
};

/*
 * Runs the program until the library is done. Returns TOOL_OK then; another status after printing
 * why it went no further; 128 + signal when it was interrupted. Nothing that was started is left
 * behind.
 */
int launch_program(struct launch *launch);

/*
 * Finds the file of a program: as given where it contains a slash, else in PATH. Returns TOOL_OK
 * with the path, which the caller frees; TOOL_USAGE after a message.
 */
int launch_find(const char *program, char **path);

/* Finds the simulator library: where this command has it from. Returns TOOL_OK, or TOOL_FAILED after
 * a message. */
int launch_library(char path[PATH_MAX]);

#endif
