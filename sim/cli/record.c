/*
 * record.c - `pirn record`: runs a program on threads, for real, and records what it does.
 *
 * The library that records takes the place of libpirn in the program; this command becomes the
 * program, so that signals, terminal and exit status are the program's own.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/cli/command.h"
#include "sim/cli/launch.h"
#include "sim/pirn-sim.h"
#include "viz/tool.h"

#define LIBRARY "libpirn-trace.so"

enum { LAST = 256 };

static const char synopsis[] = "usage: pirn record [OPTIONS] [--] PROGRAM [ARGUMENT...]\n";

static const char help[] =
    "\n"
    "Runs the program on threads, as it runs without this command, and records every\n"
    "operation of its tasks. The trace is then like that of a simulated run: pirn\n"
    "list, explain and view read it. The same without this command: PIRN_TRACE=FILE\n"
    "or PIRN_TRACE=FILE,last=N in the environment.\n"
    "\n"
    "  -o, --output=FILE   record into FILE, which is created or added to (pirn.db)\n"
    "      --last=N        keep the last N steps only, written when the run ends\n"
    "  -h, --help          this text\n"
    "\n"
    "  pirn record -o orders.db ./orders && pirn explain orders.db\n";

struct wish {
    const char *output, *last; /* last NULL: all */
};

/* Returns how many arguments the options take; -1 with the exit status. */
static int read_options(struct wish *wish, int argc, char **argv, int *status) {
    static const struct option table[] = {{"output", required_argument, NULL, 'o'},
                                          {"last", required_argument, NULL, LAST},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    int option;
    optind = 0;
    while ((option = getopt_long(argc, argv, "+:o:h", table, NULL)) != -1) {
        switch (option) {
        case 'o':
            wish->output = optarg;
            break;
        case LAST:
            wish->last = optarg;
            break;
        case 'h':
            fputs(synopsis, stdout);
            fputs(help, stdout);
            *status = tool_flush(stdout, "standard output");
            return -1;
        default:
            *status = tool_option_error("record", argv, option, table);
            return -1;
        }
    }
    return optind;
}

static bool is_count(const char *text) {
    return *text && strspn(text, "0123456789") == strlen(text) && strlen(text) <= 9 &&
           strtol(text, NULL, 10) > 0;
}

/* The library lies beside the one that this command has; in LD_PRELOAD blanks and colons part one
 * from the next, so a path with such is passed as an open file. */
static bool find_library(char path[PATH_MAX]) {
    char beside[PATH_MAX];
    Dl_info info;
    char *slash;
    int fd;
    if (!dladdr(pirn_outcome_name(PIRN_OK), &info) || !info.dli_fname ||
        !realpath(info.dli_fname, beside) || !(slash = strrchr(beside, '/')))
        return false;
    slash[1] = '\0';
    if (snprintf(path, PATH_MAX, "%s" LIBRARY, beside) >= PATH_MAX) return false;
    if (!strpbrk(path, " :")) return !access(path, R_OK);
    fd = open(path, O_RDONLY);
    if (fd < 0) return false;
    snprintf(path, PATH_MAX, "/proc/self/fd/%d", fd);
    return true;
}

static bool set_environment(const struct wish *wish, const char *library) {
    const char *more = getenv("LD_PRELOAD");
    struct tool_text text = {0};
    bool set;
    tool_text_add(&text, library);
    if (more && *more) tool_text_addf(&text, ":%s", more);
    set = !setenv("LD_PRELOAD", text.data, 1);
    tool_text_clear(&text);
    tool_text_add(&text, wish->output);
    if (wish->last) tool_text_addf(&text, ",last=%s", wish->last);
    set = set && !setenv("PIRN_TRACE", text.data, 1);
    tool_text_free(&text);
    return set;
}

int record_main(int argc, char **argv) {
    struct wish wish = {.output = "pirn.db"};
    char library[PATH_MAX], *path, **program;
    int status = TOOL_OK, taken = read_options(&wish, argc, argv, &status);

    if (taken < 0) return status;
    program = argv + taken;
    if (!*program)
        return tool_usage_error("record", "which program? pirn record [--] PROGRAM [ARGUMENT...]");
    if (!*wish.output)
        return tool_usage_error("record",
                                "'' is no value for --output, which takes the path of a file");
    if (wish.last && !is_count(wish.last))
        return tool_usage_error(
            "record", "'%s' is no value for --last, which takes a number of steps", wish.last);
    if ((status = launch_find(*program, &path)) != TOOL_OK) return status;
    if (!find_library(library)) {
        tool_error("cannot find " LIBRARY ", which lies beside libpirn-sim.so: install both");
        return TOOL_FAILED;
    }
    if (set_environment(&wish, library)) {
        signal(SIGPIPE, SIG_DFL);
        execv(path, program);
    }
    tool_error("%s: cannot be run: %s", *program, strerror(errno));
    free(path);
    return TOOL_USAGE;
}
