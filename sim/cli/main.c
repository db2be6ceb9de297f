/* main.c - the `pirn` command: finds the subcommand and calls it. */
#include <fcntl.h>
#include <pirn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/cli/command.h"
#include "sim/cli/recordings.h"
#include "viz/tool.h"
#include "viz/viz.h"

static const struct subcommand {
    const char *name;
    int (*main)(int argc, char **argv);
    const char *use, *summary;
    bool reads; /* traces that are named to it */
} subcommands[] = {
    {"run", run_main, "[--] PROGRAM...", "one simulated run", false},
    {"explore", explore_main, "[--] PROGRAM...", "many runs, until one fails", true},
    {"replay", replay_main, "RUN [--] PROGRAM...", "the same run again: TRACE[#RUN], pirn1:...",
     true},
    {"record", record_main, "[--] PROGRAM...", "a real run, on threads, into a trace", false},
    {"shrink", shrink_main, "RUN [--] PROGRAM...", "the simplest run that fails so", true},
    {"merge", merge_main, "OUT IN...", "several traces into one", true},
    {"list", list_main, "TRACE...", "the runs of a trace", true},
    {"stats", stats_main, "TRACE[#RUN]...", "findings, tasks and channels counted", true},
    {"coverage", coverage_main, "TRACE", "orders of calls that were not seen", true},
    {"cc", cc_main, "ARGUMENT...", "compiles programs to be watched for races", false},
    {"explain", explain_main, "TRACE[#RUN]", "a failure told in words", true},
    {"view", view_main, "TRACE[#RUN] -o FILE.svg", "a run as a picture", true},
    {"diff", diff_main, "TRACE[#A] [[TRACE]#B]", "where two runs part ways", true},
};

enum { COUNT = sizeof subcommands / sizeof *subcommands };

static void print_usage(FILE *out) {
    fputs("usage: pirn SUBCOMMAND [OPTIONS] ARGUMENTS\n"
          "\n"
          "Runs a program that uses libpirn in a simulator that decides every interleaving:\n"
          "finds the schedules under which it fails, repeats, explains and draws them.\n"
          "\n",
          out);
    for (int i = 0; i < COUNT; i++) {
        const struct subcommand *s = &subcommands[i];
        fprintf(out, "  %-8s %-24s %s\n", s->name, s->use, s->summary);
    }
    fputs("\n"
          "pirn SUBCOMMAND --help tells its options, pirn --version the version. Exit\n"
          "status: 0 nothing found, 1 a bug was found, 2 wrong usage, 3 the tool or the\n"
          "machine failed, 4 a replay diverged. To begin with:\n"
          "\n"
          "  pirn explore ./orders\n",
          out);
}

/* ---- Which one was meant ------------------------------------------------------------------- */

static int unknown(const char *word) {
    const char *names[COUNT], *nearest;
    for (int i = 0; i < COUNT; i++) names[i] = subcommands[i].name;
    nearest = tool_nearest(word, names, COUNT);
    if (nearest)
        tool_error("there is no subcommand '%s'; did you mean '%s'?", word, nearest);
    else if (!access(word, X_OK))
        tool_error("there is no subcommand '%s'; to run that program: pirn run %s", word, word);
    else
        tool_error("there is no subcommand '%s'; pirn --help lists them", word);
    return TOOL_USAGE;
}

/* ---- What to call this command ------------------------------------------------------------- */

static bool is_this(const char *path) {
    struct stat self, other;
    return !stat("/proc/self/exe", &self) && !stat(path, &other) && self.st_dev == other.st_dev &&
           self.st_ino == other.st_ino;
}

/* Whether the first `pirn` in PATH is this one. */
static bool is_in_path(void) {
    const char *folder = getenv("PATH");
    struct tool_text path = {0};
    bool found = false, executable = false;
    while (folder && !executable) {
        size_t length = strcspn(folder, ":");
        tool_text_clear(&path);
        tool_text_addf(&path, "%.*s/pirn", (int)length, folder);
        executable = length > 0 && !access(path.data, X_OK);
        found = executable && is_this(path.data);
        folder = folder[length] ? folder + length + 1 : NULL;
    }
    tool_text_free(&path);
    return found;
}

/* How a shell in this folder calls this very command: "pirn" where PATH leads to it, else a
 * path. */
static const char *command_name(const char *called_as) {
    static char path[4096];
    ssize_t length;
    if (is_in_path()) return "pirn";
    if (strchr(called_as, '/') && is_this(called_as)) return called_as;
    length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0) return "pirn";
    path[length] = '\0';
    return path;
}

/* ---- main ---------------------------------------------------------------------------------- */

int main(int argc, char **argv) {
    int fd;
    /* Whoever closed the standard descriptors would otherwise find sockets and traces under
     * their numbers. */
    while ((fd = open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0 && fd <= STDERR_FILENO) continue;
    if (fd >= 0) close(fd);
    /* A reader that goes away shows as an error of writing, so that what is temporary can still
     * be removed. */
    signal(SIGPIPE, SIG_IGN);
    if (argc > 0) tool_command = command_name(argv[0]);

    if (argc < 2) {
        print_usage(stderr);
        return TOOL_USAGE;
    }
    const char *word = argv[1];
    if (!strcmp(word, "--help") || !strcmp(word, "-h") || (!strcmp(word, "help") && argc == 2)) {
        print_usage(stdout);
        return tool_flush(stdout, "standard output");
    }
    if (!strcmp(word, "--version")) {
        printf("pirn %s\n", PIRN_VERSION);
        return tool_flush(stdout, "standard output");
    }
    if (!strcmp(word, "help")) {
        static char help[] = "--help";
        argv[1] = argv[2];
        argv[2] = help;
        argc = 3;
        word = argv[1];
    }
    for (int i = 0; i < COUNT; i++) {
        if (strcmp(word, subcommands[i].name)) continue;
        int status = subcommands[i].reads ? recordings_prepare(argc, argv) : TOOL_OK;
        return status ? status : subcommands[i].main(argc - 1, argv + 1);
    }
    if (word[0] == '-') {
        tool_error("unknown option '%s'; pirn --help tells more", word);
        return TOOL_USAGE;
    }
    return unknown(word);
}
