/*
 * compare.c - measures the benchmarks, and their peers in turn with them, and prints a table.
 *
 * Each repetition is a process of its own. All programs repeat a row in turn, and who begins
 * changes, so that what slows the machine down for a while meets them all.
 */
#include "tests/bench/compare.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_ROWS = 100 };

/* How long a repetition takes at least, is meant to take, and takes at most if that can be had. */
static const double shortest = 0.1, aim = 0.25, longest = 0.5;

static struct program {
    const char *path;
    char version[LONGEST];
    char name[CELL]; /* the version up to a comma */
    struct series series;
    uint64_t count;         /* of the current row */
    bool lacks;             /* that row */
} programs[1 + MOST_PEERS]; /* the first is ours */

static int program_count;

static struct row rows[MOST_ROWS];
static int row_count;

static struct options {
    int runs, workers[MOST_WORKERS], worker_counts;
    bool quick, each;
    const char *built, *document, *name, *peers;
} options = {.runs = 5, .workers = {1, 2}, .worker_counts = 2, .name = "bench-doc", .peers = "Go"};

static void print_usage(FILE *out) {
    fputs("usage: compare [OPTIONS] BENCH [ROW]...\n"
          "\n"
          "Measures the rows, all unless some are named, of the program BENCH. ROW=COUNT measures\n"
          "a row with this count.\n"
          "\n"
          "  -p, --peer PROGRAM     measure this in turn with it and print ratios; of several the\n"
          "                         better one is the peer\n"
          "  -e, --each             a line for each peer, and first where ours is slower\n"
          "  -b, --built TEXT       how the library was built, to be printed\n"
          "  -c, --called NAME      what peers are called in the table (Go)\n"
          "  -u, --update DOCUMENT  write the table into this Markdown file, too\n"
          "  -n, --name NAME        at the place that is marked so in it (bench-doc)\n"
          "  -q, --quick            do little, to see that it works; times mean nothing then\n"
          "  -h, --help             this\n"
          "\n"
          "PIRN_BENCH_RUNS is how often each row is measured (5), PIRN_BENCH_WORKERS the numbers "
          "of\n"
          "workers (\"1 2\").\n"
          "\n"
          "Exit status: 0, 1 when a benchmark failed, 2 wrong usage.\n",
          out);
}

void die(int status, const char *format, ...) {
    va_list arguments;

    fputs("compare: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(status);
}

/* ---- Options ------------------------------------------------------------------------------- */

/* Reads the number at *text and moves *text behind it. */
static int read_number(const char *variable, char **text, int most) {
    const char *start = *text;
    long n = strtol(start, text, 10);
    if (*text == start || (**text != '\0' && **text != ' ') || n < 1 || n > most)
        die(2, "%s: '%s' is no number from 1 to %d", variable, start, most);
    return (int)n;
}

static void read_environment(void) {
    char *runs = getenv("PIRN_BENCH_RUNS"), *workers = getenv("PIRN_BENCH_WORKERS");

    if (runs && *runs) options.runs = read_number("PIRN_BENCH_RUNS", &runs, MOST_RUNS);
    if (!workers || !*workers) return;
    for (options.worker_counts = 0; *workers; workers += strspn(workers, " ")) {
        if (options.worker_counts == MOST_WORKERS)
            die(2, "PIRN_BENCH_WORKERS: at most %d numbers", MOST_WORKERS);
        options.workers[options.worker_counts++] =
            read_number("PIRN_BENCH_WORKERS", &workers, 1024);
    }
}

static void add_program(const char *path) {
    if (program_count > MOST_PEERS) die(2, "at most %d peers", MOST_PEERS);
    programs[program_count++].path = path;
}

/* Returns the index of the first argument that is no option. */
static int read_options(int argc, char **argv) {
    static const struct option known[] = {
        {"peer", required_argument, NULL, 'p'},
        {"built", required_argument, NULL, 'b'},
        {"update", required_argument, NULL, 'u'},
        {"name", required_argument, NULL, 'n'},
        {"called", required_argument, NULL, 'c'},
        {"quick", no_argument, NULL, 'q'},
        {"each", no_argument, NULL, 'e'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int c;

    program_count = 1;
    while ((c = getopt_long(argc, argv, "p:b:u:n:c:qeh", known, NULL)) != -1) switch (c) {
        case 'p':
            add_program(optarg);
            break;
        case 'b':
            options.built = optarg;
            break;
        case 'u':
            options.document = optarg;
            break;
        case 'n':
            options.name = optarg;
            break;
        case 'c':
            options.peers = optarg;
            break;
        case 'q':
            options.quick = true;
            break;
        case 'e':
            options.each = true;
            break;
        case 'h':
            print_usage(stdout);
            exit(0);
        default:
            print_usage(stderr);
            exit(2);
        }
    if (optind == argc) {
        print_usage(stderr);
        exit(2);
    }
    programs[0].path = argv[optind];
    return optind + 1;
}

/* ---- What there is to measure -------------------------------------------------------------- */

static void ask_versions(void) {
    double cpu = 0;
    for (int i = 0; i < program_count; i++) {
        char *text = machine_run((const char *[]){programs[i].path, "--version", NULL}, &cpu);
        snprintf(programs[i].version, LONGEST, "%.*s", (int)strcspn(text, "\n"), text);
        snprintf(programs[i].name, CELL, "%.*s", (int)strcspn(text, ",\n"), text);
        free(text);
    }
}

/* Whether `wish`, ROW or ROW=COUNT, is for the row. */
static bool is_for(const char *wish, const struct row *row) {
    size_t length = strcspn(wish, "=");
    return strlen(row->name) == length && strncmp(wish, row->name, length) == 0;
}

/* Sets the row to what is wanted of it. */
static bool is_wanted(struct row *row, char **names) {
    bool wanted = !*names;
    for (; *names; names++) {
        if (!is_for(*names, row)) continue;
        char *count = strchr(*names, '='), *end;
        wanted = true;
        if (!count) continue;
        row->count = strtoull(count + 1, &end, 10);
        row->fixed = true;
        if (!isdigit((unsigned char)count[1]) || *end != '\0' || row->count == 0)
            die(2, "'%s' has no count from 1 up", *names);
    }
    return wanted;
}

/* Takes the rows that are named, or all. */
static void ask_rows(char **names) {
    double cpu = 0;
    char *text = machine_run((const char *[]){programs[0].path, "--list", NULL}, &cpu), *rest;

    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        struct row *row = &rows[row_count];
        char size[8], better[8];
        if (row_count == MOST_ROWS ||
            sscanf(line, "%23s %7s %7s %" SCNu64 " %" SCNu64 " %23[^\n]", row->name, size, better,
                   &row->count, &row->few, row->unit) != 6)
            die(1, "%s --list: this makes no sense: %s", programs[0].path, line);
        row->fixed = strcmp(size, "fixed") == 0;
        row->more_is_better = strcmp(better, "more") == 0;
        if (is_wanted(row, names)) row_count++;
    }
    free(text);
    for (; *names; names++) {
        bool found = false;
        for (int i = 0; i < row_count; i++) found |= is_for(*names, &rows[i]);
        if (!found) die(2, "there is no row '%s'; %s --list names them", *names, programs[0].path);
    }
}

/* ---- Measuring ----------------------------------------------------------------------------- */

/* Runs the row once and returns the value; its wall seconds in *wall, its CPU seconds added to
 * *cpu. A peer may lack the row, which is 0 then. */
static double repeat(struct program *program, const struct row *row, double *wall, double *cpu) {
    char count[LONGEST];
    double value = 0, own_cpu;

    if (program->lacks) return 0;
    snprintf(count, sizeof count, "%" PRIu64, program->count);
    char *text = machine_run((const char *[]){program->path, row->name, count, NULL}, cpu);
    program->lacks = program != programs && strcmp(text, "none\n") == 0;
    if (!program->lacks && sscanf(text, "%lf %lf %lf", &value, wall, &own_cpu) != 3)
        die(1, "%s %s: this makes no sense: %s", program->path, row->name, text);
    free(text);
    return value;
}

/* Finds the count with which a repetition takes long enough. */
static void calibrate(struct program *program, const struct row *row) {
    double wall, cpu = 0;

    program->count = options.quick ? row->few : row->count;
    if (options.quick || row->fixed) return;
    /* On a busy machine it may never be found. */
    for (int i = 0; i < 10; i++) {
        repeat(program, row, &wall, &cpu);
        if (program->lacks || (wall >= shortest && wall <= longest)) return;
        /* A short one tells little of a long one. */
        double factor = wall < aim / 50 ? 50 : aim / wall;
        uint64_t count = (uint64_t)((double)program->count * factor);
        if (wall > longest && count < row->few) return;
        program->count = count;
    }
}

/* Measures a row with all programs; returns the share of the machine that others had. */
static double measure(const struct row *row, int workers) {
    char number[LONGEST];
    double wall, cpu = 0;

    snprintf(number, sizeof number, "%d", workers);
    setenv("PIRN_WORKERS", number, 1);
    setenv("GOMAXPROCS", number, 1);
    for (int i = 0; i < program_count; i++) {
        programs[i].lacks = false;
        calibrate(&programs[i], row);
        programs[i].series.runs = 0;
    }
    struct usage before = machine_usage();
    for (int run = 0; run < options.runs; run++)
        for (int i = 0; i < program_count; i++) {
            struct program *program = &programs[(run + i) % program_count];
            program->series.value[program->series.runs++] = repeat(program, row, &wall, &cpu);
        }
    struct usage after = machine_usage();
    double all = after.all - before.all, others = after.busy - before.busy - cpu;
    return all > 0 && others > 0 ? others / all : 0;
}

static const struct program *better_peer(const struct row *row) {
    const struct program *best = NULL;
    for (int i = 1; i < program_count; i++) {
        const struct program *peer = &programs[i];
        double value = series_best(&peer->series, row->more_is_better),
               other = best ? series_best(&best->series, row->more_is_better) : value;
        if (peer->lacks) continue;
        if (!best || (row->more_is_better ? value > other : value < other)) best = peer;
    }
    return best;
}

/* ---- Reporting ----------------------------------------------------------------------------- */

static void describe(FILE *out) {
    char day[LONGEST];
    time_t now = time(NULL);

    strftime(day, sizeof day, "%Y-%m-%d", localtime(&now));
    machine_describe(out);
    fprintf(out, "- %s%s%s\n", programs[0].version, options.built ? "; library built with " : "",
            options.built ? options.built : "");
    for (int i = 1; i < program_count; i++)
        fprintf(out, "- %s: %s\n", options.peers, programs[i].version);
    if (program_count == 1) fprintf(out, "- no %s: ours alone\n", options.peers);
    fprintf(out, "- %s; runs of each row: %d\n\n", day, options.runs);
}

/* A line for each peer that has the row. `slower` is told where ours is. */
static void compare_each(struct table tables[2], struct line *line, FILE *slower) {
    for (int i = 1; i < program_count; i++) {
        const struct program *peer = &programs[i];
        if (peer->lacks) continue;
        line->peer = &peer->series;
        line->peer_name = peer->name;
        for (int t = 0; t < 2; t++) table_line(&tables[t], line);
        if (table_ratio(line) > 1)
            fprintf(slower, "- `%s` with %d worker%s: %.2f times that of %s\n", line->row->name,
                    line->workers, line->workers == 1 ? "" : "s", table_ratio(line), peer->name);
    }
}

/* Both tables at once: that on the terminal, and the one for the document. */
static void compare(struct table tables[2], FILE *slower) {
    for (int t = 0; t < 2; t++) table_head(&tables[t]);
    for (int i = 0; i < row_count; i++)
        for (int w = 0; w < options.worker_counts; w++) {
            double others = measure(&rows[i], options.workers[w]);
            const struct program *peer = better_peer(&rows[i]);
            struct line line = {
                .row = &rows[i],
                .workers = options.workers[w],
                .ours = &programs[0].series,
                .peer = peer ? &peer->series : NULL,
                .peer_name = peer ? peer->version : NULL,
                .others = others,
            };
            if (options.each && program_count > 1)
                compare_each(tables, &line, slower);
            else
                for (int t = 0; t < 2; t++) table_line(&tables[t], &line);
        }
    for (int t = 0; t < 2; t++) table_foot(&tables[t]);
}

/* What is slower comes before the table, once all is measured. */
static void write_document(const char *slower, const char *table) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out) die(1, "%s", strerror(errno));
    describe(out);
    if (*slower) fprintf(out, "Ours is slower, or larger, here (medians):\n\n%s\n", slower);
    fputs(table, out);
    if (fclose(out) != 0) die(1, "%s", strerror(ENOMEM));
    table_insert(options.document, options.name, text);
    free(text);
}

int main(int argc, char **argv) {
    char *markdown = NULL, *slower_text = NULL;
    size_t size, slower_size;
    FILE *table = open_memstream(&markdown, &size);
    FILE *slower = open_memstream(&slower_text, &slower_size);

    if (!table || !slower) die(1, "%s", strerror(errno));
    read_environment();
    int named = read_options(argc, argv);
    ask_versions();
    ask_rows(argv + named);
    bool ratios = program_count > 1, each = options.each && ratios;
    bool name_peer = each || program_count > 2;
    describe(stdout);
    compare((struct table[]){{stdout, false, ratios, name_peer, each, options.peers},
                             {table, true, ratios, name_peer, each, options.peers}},
            slower);
    if (fclose(table) != 0 || fclose(slower) != 0) die(1, "%s", strerror(ENOMEM));
    if (*slower_text) printf("\nOurs is slower, or larger, here (medians):\n\n%s", slower_text);
    if (options.document) write_document(slower_text, markdown);
    free(markdown);
    free(slower_text);
    return fflush(stdout) == 0 ? 0 : 1;
}
