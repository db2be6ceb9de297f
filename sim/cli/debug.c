/*
 * debug.c - see debug.h.
 *
 * gdb starts the program with the simulator's library and the schedule in its environment, so that
 * `run` in gdb is the same run once more. The commands (lib/pirn-gdb.py) are held by this program
 * and handed over in a memory file, so that they are found wherever it is installed.
 */
#include "sim/cli/debug.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim/cli/launch.h"

extern const char debug_commands[];

/* A memory file with the commands, that gdb inherits; -1 after a message. */
static int commands_file(void) {
    size_t length = strlen(debug_commands);
    int fd = memfd_create("pirn-gdb.py", 0);
    if (fd >= 0 && write(fd, debug_commands, length) == (ssize_t)length) return fd;
    tool_error("cannot hand the commands to gdb: %s", strerror(errno));
    if (fd >= 0) close(fd);
    return -1;
}

static int preload(struct tool_text *text) {
    char library[PATH_MAX];
    const char *more = getenv("LD_PRELOAD");
    int status = launch_library(library);
    if (status != TOOL_OK) return status;
    if (strpbrk(library, " :")) {
        tool_error("%s: gdb cannot start a program with a library whose path holds a space or a "
                   "colon",
                   library);
        return TOOL_USAGE;
    }
    tool_text_addf(text, "set environment LD_PRELOAD %s", library);
    if (more && *more) tool_text_addf(text, ":%s", more);
    return TOOL_OK;
}

enum { FIXED = 20 };

static int become_gdb(const struct options *options, const char *schedule, char *path, int fd,
                      const char *library) {
    const struct control_options *c = &options->control;
    struct tool_text source = {0}, replay = {0}, control = {0}, until = {0};
    size_t arguments = 0, n = 0;
    while (options->program[arguments]) arguments++;
    const char **argv = tool_alloc(arguments + FIXED, sizeof *argv);

    tool_text_addf(&source,
                   "python import os; exec(compile(open('/proc/self/fd/%d').read(), "
                   "'pirn-gdb.py', 'exec')); os.close(%d)",
                   fd, fd);
    tool_text_addf(&replay, "set environment PIRN_REPLAY %s", schedule);
    tool_text_addf(&control,
                   "set environment " CONTROL_VARIABLE " " CONTROL_ALONE "%" PRIu64 ",%u,%d",
                   c->max_steps, c->allow, c->late_timers);
    tool_text_addf(&until, "pirn until %s", options->until ? options->until : "1");

    argv[n++] = "gdb";
    argv[n++] = "-q";
    const char *const commands[] = {
        source.data, "set startup-with-shell off", library, replay.data, control.data, until.data,
    };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        argv[n++] = "-ex";
        argv[n++] = commands[i];
    }
    argv[n++] = "--args";
    argv[n++] = path;
    for (size_t i = 1; i < arguments; i++) argv[n++] = options->program[i];
    argv[n] = NULL;
    execvp("gdb", (char *const *)(uintptr_t)argv);

    if (errno == ENOENT)
        tool_error("gdb is not installed, and --gdb needs it (Debian: gdb)");
    else
        tool_error("cannot start gdb: %s", strerror(errno));
    free(argv);
    tool_text_free(&source);
    tool_text_free(&replay);
    tool_text_free(&control);
    tool_text_free(&until);
    return TOOL_FAILED;
}

int debug_program(const struct options *options, const char *schedule) {
    struct tool_text library = {0};
    char *path;
    int status, fd;
    if (options->trace || options->json)
        return tool_usage_error("replay", "--gdb goes with neither --trace nor --json");
    status = launch_find(options->program[0], &path);
    if (status != TOOL_OK) return status;
    status = preload(&library);
    if (status == TOOL_OK) {
        status = TOOL_FAILED;
        fd = commands_file();
        if (fd >= 0) {
            status = become_gdb(options, schedule, path, fd, library.data);
            close(fd);
        }
    }
    tool_text_free(&library);
    free(path);
    return status;
}
