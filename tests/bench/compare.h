/*
 * compare.h - the comparison of the benchmarks with their peers: running programs, what the machine
 * is and does meanwhile, and the table.
 */
#ifndef TESTS_BENCH_COMPARE_H
#define TESTS_BENCH_COMPARE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { MOST_PEERS = 8, MOST_RUNS = 1000, MOST_WORKERS = 16, LONGEST = 128, CELL = 24 };

/* Ends the program with status 1, or 2 for wrong usage. */
_Noreturn void die(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- machine.c ----------------------------------------------------------------------------- */

/* CPU time in seconds: of all processors, busy or not; of those busy with any process. */
struct usage {
    double all, busy;
};

struct usage machine_usage(void);

/* Writes lines that say what the machine is. */
void machine_describe(FILE *out);

/* Returns what can be read from the file until its end, to be freed. */
char *machine_read(int fd);

/* Runs a program to its end and returns what it printed, to be freed. Adds the CPU seconds that it
 * took to *cpu. Dies unless the program ends with status 0. */
char *machine_run(const char *const argv[], double *cpu);

/* ---- table.c ------------------------------------------------------------------------------- */

struct row {
    char name[CELL], unit[CELL];
    bool fixed, more_is_better;
    uint64_t count, few;
};

/* What one program has measured for one row and one number of workers, in the order of the runs. */
struct series {
    int runs;
    double value[MOST_RUNS];
};

/* One line of the table. */
struct line {
    const struct row *row;
    int workers;
    const struct series *ours, *peer; /* peer may be NULL */
    const char *peer_name;
    double others; /* the share of the machine that other processes had */
};

/* Above this share the line is marked. */
#define TABLE_DISTURBED 0.05

/* The value of the run in the middle, and of the best one. */
double series_median(const struct series *series);
double series_best(const struct series *series, bool more_is_better);

struct table {
    FILE *out;
    bool markdown;
    bool ratios;       /* there are peers */
    bool name_peer;    /* there are several */
    bool spread;       /* between which ratios those of the single runs are */
    const char *peers; /* what the peers are called together */
};

void table_head(const struct table *table);
void table_line(const struct table *table, const struct line *line);
/* The ratio of the medians; below 1 when ours is better. */
double table_ratio(const struct line *line);
/* Says what the marks mean. */
void table_foot(const struct table *table);

/* Puts `text` between the two lines of a file that mark the place of the table of that name. */
void table_insert(const char *path, const char *name, const char *text);

#endif
