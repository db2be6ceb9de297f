/* options.c - see options.h. One table says what there is, who takes it, and what the help
 * tells. */
#include "sim/cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/shrink.h"

enum {
    RUN = OPTIONS_RUN,
    EXPLORE = OPTIONS_EXPLORE,
    REPLAY = OPTIONS_REPLAY,
    SHRINK = OPTIONS_SHRINK,
    ALL = RUN | EXPLORE | REPLAY | SHRINK
};

/* Values of long options without a letter. */
enum {
    SEED = 256,
    STRATEGY,
    TRACE,
    RECORD,
    KEEP_GOING,
    ALLOW,
    MAX_STEPS,
    TIMERS,
    TIMEOUT,
    POINTS,
    SUPPRESS,
    JSON,
    COLOR,
    SHARD,
    RESUME,
    JUNIT,
    SHRINK_FOUND,
    SAMPLES,
    ISOLATE,
    ANNOTATE,
    GDB,
    UNTIL
};

static const struct row {
    int of;
    int value;            /* a letter, if it is one */
    const char *name;     /* long */
    const char *argument; /* NULL: none */
    const char *wanted;   /* of the argument */
    const char *help;     /* NULL: not shown */
} rows[] = {
    {EXPLORE, 'n', "runs", "RUNS", "a number from 1",
     "at most so many runs (1000; with -t, dfs, dpor: any)"},
    {SHRINK, 'n', "runs", "RUNS", "a number from 1", "try at most so many runs (20000)"},
    {EXPLORE | SHRINK, 't', "time", "SECONDS", "seconds, such as 2 or 0.5", "at most so long"},
    {EXPLORE, 'j', "jobs", "N", "a number from 1 to 1024",
     "in N processes; what comes of it is the same (1)"},
    {EXPLORE, SHARD, "shard", "K/N", "K/N, such as 1/4",
     "the K-th of N parts of the runs; needs --seed"},
    {RUN | EXPLORE, SEED, "seed", "N", "a number, decimal or with 0x",
     "of the first run; the next has the next (fresh)"},
    {RUN | EXPLORE, STRATEGY, "strategy", "NAME", "a name that --strategy=help lists",
     "how to schedule; help: lists them (portfolio)"},
    {ALL, TRACE, "trace", "FILE", "the path of a file",
     "record into FILE, which is created or added to"},
    {EXPLORE, RESUME, "resume", "TRACE", "the path of a file",
     "go on with the next runs of what TRACE records"},
    {EXPLORE, RECORD, "record", "WHICH", "failing, all or none",
     "the events of: failing runs, all, none (failing)"},
    {EXPLORE, KEEP_GOING, "keep-going", NULL, NULL, "go on after the first failure"},
    {EXPLORE, SHRINK_FOUND, "shrink", NULL, NULL,
     "make schedules of what fails as simple as can be"},
    {EXPLORE | SHRINK, SAMPLES, "samples", "N", "a number from 0 to 1000000",
     "runs to tell if a failure was certain; 0: none (100)"},
    {ALL, ALLOW, "allow", "WHAT,...",
     "leak, race, send-on-closed or double-close, with commas between",
     "none of: leak, race, send-on-closed, double-close"},
    {REPLAY, GDB, "gdb", NULL, NULL, "in the debugger, stopped at the first step of the run"},
    {REPLAY, UNTIL, "until", "STEP", "the number of a step, or finding",
     "there in the debugger; finding: at the first failure"},
    {ALL, MAX_STEPS, "max-steps", "N", "a number from 1 to 268435455",
     "more steps in one run are a livelock (100000)"},
    {ALL, POINTS, "points", "WHICH", "sync, atomic or access",
     "pirn cc: switch at sync, atomic, access (atomic)"},
    {ALL, SUPPRESS, "suppress", "FILE", "the path of a file",
     "races not to tell, as for ThreadSanitizer"},
    {ALL, TIMERS, "timers", "WHEN", "early or late",
     "early: may fire before tasks go on; late (early)"},
    {ALL, TIMEOUT, "timeout", "SECONDS", "seconds, such as 2 or 0.5",
     "of a run, and for the program to begin one (10)"},
    {EXPLORE, ISOLATE, "isolate", "HOW", "fork, snapshot or none",
     "runs from each other: fork, snapshot (where exact)"},
    {ALL, 'q', "quiet", NULL, NULL, "print failures only"},
    {ALL, JSON, "json", NULL, NULL, "print one JSON object a line"},
    {EXPLORE, JUNIT, "junit", "FILE", "the path of a file",
     "write the outcome into FILE, as JUnit XML"},
    {RUN | EXPLORE | SHRINK, ANNOTATE, "annotate", "FORM", "gcc or github",
     "findings as lines for editors, CI: gcc, github"},
    {ALL, COLOR, "color", "WHEN", "auto, always or never", "auto, always or never"},
    {ALL, 'h', "help", NULL, "all", "this text"},
};

enum { ROWS = sizeof rows / sizeof *rows, MOST_SHARDS = 1000000, MOST_STEPS = UINT32_MAX / 16 };
_Static_assert(MOST_JOBS == 1024 && MOST_SAMPLES == 1000000 && MOST_STEPS == 268435455,
               "as the table says");

/* ---- Help ---------------------------------------------------------------------------------- */

enum { SCREEN_LINES = 24, SCREEN_COLUMNS = 80 };

static bool is_shown(const struct options_usage *usage, const struct row *row) {
    return (row->of & (int)usage->of) && row->help;
}

static int lines_of(const char *text) {
    int lines = 0;
    for (; *text; text++) lines += *text == '\n';
    return lines;
}

/* Of these only the name is shown where the help would not fit a screen. */
static bool is_rare(const struct row *row) {
    static const int rare[] = {SHARD,  RESUME,   RECORD, SAMPLES, ISOLATE, MAX_STEPS,
                               POINTS, SUPPRESS, TIMERS, TIMEOUT, JSON,    COLOR};
    for (size_t i = 0; i < sizeof rare / sizeof *rare; i++)
        if (row->value == rare[i]) return true;
    return false;
}

/* Whether the help with all options fits a screen. */
static bool fits_screen(const struct options_usage *usage) {
    int lines = lines_of(usage->summary) + lines_of(usage->examples) + 4;
    for (int i = 0; i < ROWS; i++) lines += is_shown(usage, &rows[i]);
    return lines <= SCREEN_LINES;
}

static void name_rare(const struct options_usage *usage) {
    int column = printf("\nMore, with --help=all:");
    for (int i = 0; i < ROWS; i++) {
        if (!is_shown(usage, &rows[i]) || !is_rare(&rows[i])) continue;
        if (column + 3 + (int)strlen(rows[i].name) > SCREEN_COLUMNS) column = printf("\n ") - 1;
        column += printf(" --%s", rows[i].name);
    }
    printf("\n");
}

static int print_help(const struct options_usage *usage, bool all) {
    all = all || fits_screen(usage);
    printf("usage: pirn %s [OPTIONS] %s\n\n%s\n", usage->name, usage->synopsis, usage->summary);
    for (int i = 0; i < ROWS; i++) {
        char name[64];
        if (!is_shown(usage, &rows[i]) || (is_rare(&rows[i]) && !all)) continue;
        snprintf(name, sizeof name, "--%s%s%s", rows[i].name, rows[i].argument ? "=" : "",
                 rows[i].argument ? rows[i].argument : "");
        if (rows[i].value < 256)
            printf("  -%c, %-20s %s\n", rows[i].value, name, rows[i].help);
        else
            printf("      %-20s %s\n", name, rows[i].help);
    }
    if (!all) name_rare(usage);
    printf("\n%s", usage->examples);
    return tool_flush(stdout, "standard output");
}

static int print_strategies(void) {
    const char *name, *summary;
    for (size_t i = 0; (name = pirn__strategy(i, &summary)); i++)
        printf("%-10s %s\n", name, summary);
    return tool_flush(stdout, "standard output");
}

int options_no_program(const struct options_usage *usage) {
    return tool_usage_error(usage->name, "which program? pirn %s %s", usage->name, usage->synopsis);
}

/* ---- Values -------------------------------------------------------------------------------- */

/* A whole number, decimal or with 0x. */
static bool read_number(const char *text, uint64_t least, uint64_t most, uint64_t *number) {
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const char *digits = hex ? text + 2 : text;
    if (!*digits || digits[strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789")])
        return false;
    errno = 0;
    *number = strtoull(digits, NULL, hex ? 16 : 10);
    return !errno && *number >= least && *number <= most;
}

/* Seconds, such as 2 or 0.5; more than none. */
static bool read_seconds(const char *text, int64_t *ns) {
    char *end;
    if (!*text || text[strspn(text, "0123456789.")]) return false;
    double seconds = strtod(text, &end);
    if (*end || !(seconds > 0) || seconds > 1e9) return false;
    *ns = seconds < 1e-9 ? 1 : (int64_t)(seconds * 1e9);
    return true;
}

/* Finds a word in a list that ends with NULL; -1: it is none of them. */
static int read_word(const char *text, size_t length, const char *const *words) {
    for (int i = 0; words[i]; i++) {
        if (strlen(words[i]) == length && !strncmp(words[i], text, length)) return i;
    }
    return -1;
}

static bool read_allowed(const char *text, unsigned *allow) {
    static const char *const words[] = {"leak", "race", "send-on-closed", "double-close", NULL};
    static const unsigned bits[] = {PIRN_ALLOW_LEAK, PIRN_ALLOW_RACE, PIRN_ALLOW_SEND_ON_CLOSED,
                                    PIRN_ALLOW_DOUBLE_CLOSE};
    for (;;) {
        size_t length = strcspn(text, ",");
        int i = read_word(text, length, words);
        if (i < 0) return false;
        *allow |= bits[i];
        if (!text[length]) return true;
        text += length + 1;
    }
}

static bool read_path(const char *path, char *to, size_t size) {
    struct tool_text absolute = {0};
    char folder[PATH_MAX];
    if (path[0] != '/' && getcwd(folder, sizeof folder)) tool_text_addf(&absolute, "%s/", folder);
    tool_text_add(&absolute, path);
    bool fits = *path && absolute.length < size;
    if (fits) strcpy(to, absolute.data);
    tool_text_free(&absolute);
    return fits;
}

bool options_trace(struct options *o, const char *path) {
    o->trace = path;
    return read_path(path, o->control.trace, sizeof o->control.trace);
}

/* "2/5". */
static bool read_shard(const char *text, struct control_options *c) {
    char first[24];
    size_t length = strcspn(text, "/");
    if (!text[length] || length >= sizeof first) return false;
    memcpy(first, text, length);
    first[length] = '\0';
    return read_number(text + length + 1, 1, MOST_SHARDS, &c->shards) &&
           read_number(first, 1, c->shards, &c->shard);
}

static bool read_strategy(struct options *o, const char *name) {
    if (strlen(name) >= sizeof o->control.strategy || pirn__strategy_check(name)) return false;
    strcpy(o->control.strategy, name);
    return true;
}

/* ---- Reading ------------------------------------------------------------------------------- */

/* Takes one option. Returns false when its argument is wrong. */
static bool take(struct options *o, int value, const char *text) {
    static const char *const which[] = {"failing", "all", "none", NULL};
    static const char *const when[] = {"early", "late", NULL};
    static const char *const how[] = {"fork", "snapshot", "none",
                                      NULL}; /* enum control_isolation */
    static const char *const points[] = {"atomic", "sync", "access", NULL}; /* enum points */
    static const char *const forms[] = {"gcc", "github", NULL};
    struct control_options *c = &o->control;
    uint64_t number;
    int i;
    switch (value) {
    case 'n':
        return o->runs_given = read_number(text, 1, UINT64_MAX, &c->runs);
    case 't':
        return read_seconds(text, &c->time_limit);
    case 'j':
        if (!read_number(text, 1, MOST_JOBS, &number)) return false;
        c->jobs = (uint32_t)number;
        return true;
    case SHARD:
        return read_shard(text, c);
    case RESUME:
        o->resume = text;
        return options_trace(o, text);
    case JUNIT:
        o->junit = text;
        return *text != '\0';
    case SEED:
        return read_number(text, 0, UINT64_MAX, &c->seed);
    case STRATEGY:
        return read_strategy(o, text);
    case TRACE:
        return options_trace(o, text);
    case RECORD:
        if ((i = read_word(text, strlen(text), which)) < 0) return false;
        c->record = (enum control_record)i;
        return true;
    case SHRINK_FOUND:
        return o->shrink = true;
    case SAMPLES:
        if (!read_number(text, 0, MOST_SAMPLES, &number)) return false;
        c->samples = (uint32_t)number;
        return true;
    case ANNOTATE:
        if ((i = read_word(text, strlen(text), forms)) < 0) return false;
        o->annotate = (enum annotate)(ANNOTATE_GCC + i);
        return true;
    case GDB:
        return o->gdb = true;
    case UNTIL:
        o->gdb = true;
        o->until = text;
        return !strcmp(text, "finding") || read_number(text, 1, UINT64_MAX, &number);
    case KEEP_GOING:
        return c->keep_going = true;
    case ALLOW:
        return read_allowed(text, &c->allow);
    case MAX_STEPS:
        return read_number(text, 1, MOST_STEPS, &c->max_steps);
    case TIMERS:
        if ((i = read_word(text, strlen(text), when)) < 0) return false;
        c->late_timers = i == 1;
        return true;
    case POINTS:
        if ((i = read_word(text, strlen(text), points)) < 0) return false;
        c->points = (uint8_t)i;
        return true;
    case SUPPRESS:
        return read_path(text, c->suppressions, sizeof c->suppressions);
    case TIMEOUT:
        return read_seconds(text, &c->run_time_limit);
    case ISOLATE:
        if ((i = read_word(text, strlen(text), how)) < 0) return false;
        c->isolation = (enum control_isolation)(CONTROL_ISOLATE_FORK + i);
        return true;
    case 'q':
        return o->quiet = true;
    case JSON:
        return o->json = true;
    default:
        return tool_color_parse(text, &o->color);
    }
}

static const struct row *row_of(const struct options_usage *usage, int value, const char *name) {
    for (int i = 0; i < ROWS; i++) {
        if (rows[i].value == value && rows[i].of & (int)usage->of &&
            (!name || !strcmp(rows[i].name, name)))
            return &rows[i];
    }
    return NULL;
}

static int wrong_value(const struct options_usage *usage, const struct row *row,
                       const char *value) {
    return tool_usage_error(usage->name, "'%s' is no value for --%s, which takes %s", value,
                            row->name, row->wanted);
}

/* Options up to the first argument that is none. Returns how many arguments they take, or -1
 * with `*status`. */
static int read_options(struct options *o, const struct options_usage *usage, int argc, char **argv,
                        int *status) {
    struct option table[ROWS + 1] = {{0}};
    char letters[3 * ROWS + 8] = "+:";
    int option, position, count = 0;
    for (int i = 0; i < ROWS; i++) {
        if (!(rows[i].of & (int)usage->of)) continue;
        int argument = rows[i].value == 'h' ? optional_argument
                       : rows[i].argument   ? required_argument
                                            : no_argument;
        table[count++] = (struct option){rows[i].name, argument, NULL, rows[i].value};
        if (rows[i].value < 256)
            snprintf(letters + strlen(letters), 4, "%c%s", rows[i].value,
                     rows[i].argument ? ":" : "");
    }
    optind = 0;
    while (position = -1, (option = getopt_long(argc, argv, letters, table, &position)) != -1) {
        if (option == '?' || option == ':') {
            *status = tool_option_error(usage->name, argv, option, table);
            return -1;
        }
        const struct row *row = row_of(usage, option, position < 0 ? NULL : table[position].name);
        if (option == 'h') {
            bool all = optarg && !strcmp(optarg, "all");
            *status = !optarg || all ? print_help(usage, all) : wrong_value(usage, row, optarg);
            return -1;
        }
        if (option == STRATEGY && !strcmp(optarg, "help")) {
            *status = print_strategies();
            return -1;
        }
        if (!take(o, option, optarg)) {
            *status = wrong_value(usage, row, optarg);
            return -1;
        }
        if (option == SEED || option == STRATEGY || option == TRACE || option == ALLOW ||
            option == MAX_STEPS || option == TIMERS)
            o->fixed = row->name;
        if (option == ALLOW || option == MAX_STEPS || option == TIMERS || option == TIMEOUT ||
            option == POINTS || option == SUPPRESS) {
            tool_text_addf(&o->repeated, "--%s=", row->name);
            tool_shell_quote(&o->repeated, optarg);
            tool_text_add(&o->repeated, " ");
        }
    }
    return optind;
}

bool options_read(struct options *options, const struct options_usage *usage, int argc, char **argv,
                  int *status) {
    *options = (struct options){.control.samples = SHRINK_SAMPLES};
    int taken = read_options(options, usage, argc, argv, status);
    if (taken >= 0 && (usage->of & (OPTIONS_REPLAY | OPTIONS_SHRINK))) {
        if (taken == argc) {
            *status = tool_usage_error(usage->name, "which run? pirn %s %s", usage->name,
                                       usage->synopsis);
            taken = -1;
        } else {
            /* More of them may follow; the schedule stands where getopt expects the name of a
             * program. */
            options->schedule = argv[taken];
            argv += taken;
            argc -= taken;
            taken = read_options(options, usage, argc, argv, status);
        }
    }
    if (taken < 0) {
        options_free(options);
        return false;
    }
    options->program = argv + taken;
    options->control.size = sizeof options->control;
    return true;
}

void options_free(struct options *options) { tool_text_free(&options->repeated); }
