/* options.h - the options that subcommands share, each meaning the same everywhere. */
#ifndef SIM_CLI_OPTIONS_H
#define SIM_CLI_OPTIONS_H

#include <stdbool.h>

#include "sim/cli/annotate.h"
#include "sim/control.h"
#include "viz/tool.h"

enum options_of { OPTIONS_RUN = 1, OPTIONS_EXPLORE = 2, OPTIONS_REPLAY = 4, OPTIONS_SHRINK = 8 };

struct options_usage {
    enum options_of of;
    const char *name;     /* of the subcommand */
    const char *synopsis; /* what stands behind the options */
    const char *summary;  /* lines */
    const char *examples; /* lines */
};

struct options {
    struct control_options control; /* as the options say; zero is the default */
    bool runs_given;
    const char *trace;  /* as given; NULL: none */
    const char *resume; /* the same, where its exploration is to go on; NULL: not */
    const char
        *fixed; /* an option that was given and that `resume` has from the trace; NULL: none */
    const char *junit; /* NULL: none */
    bool quiet, json;
    bool gdb;          /* of replay: in the debugger */
    const char *until; /* of replay: a step's number, or "finding"; NULL: the first step */
    bool shrink;       /* of explore: what fails */
    enum annotate annotate;
    enum tool_color_mode color;
    struct tool_text
        repeated; /* those that a replay needs as well, quoted, each with a space behind it */
    const char *schedule; /* of replay and shrink: the first argument that is no option */
    char **program;       /* NULL-terminated; *program is NULL when it is missing */
};

/*
 * Reads the arguments of a subcommand. Returns true when it is to go on. Else `*status` is the exit
 * status: a message has been printed, or the help.
 */
bool options_read(struct options *options, const struct options_usage *usage, int argc, char **argv,
                  int *status);
void options_free(struct options *options);

/* Has runs recorded into that file. Returns false for a path that is too long, or none. */
bool options_trace(struct options *options, const char *path);

/* Prints that no program was given, with an example. Returns TOOL_USAGE. */
int options_no_program(const struct options_usage *usage);

#endif
