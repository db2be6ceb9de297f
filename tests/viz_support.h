/*
 * viz_support.h - what the tests of the reader of traces share: an empty folder, traces made of SQL,
 * calls of the subcommands, golden files.
 *
 * A fixture is a file of SQL in tests/traces that fills an empty trace; what is made of it is
 * compared with tests/golden. PIRN_GOLDEN_UPDATE=1 writes those files anew: look at the difference
 * before it is committed.
 */
#ifndef VIZ_SUPPORT_H
#define VIZ_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/harness.h"
#include "viz/tool.h"
#include "viz/trace.h"

extern char scratch_dir[];

/* Goes to an empty folder of the test's own; every test begins with it. */
void begin(void);

/* Returns a file's contents, NULL when it is not there; free() frees it. */
char *read_path(const char *path);
void write_path(const char *path, const char *bytes, size_t length);
bool exists(const char *path);

/* Returns a file of the source tree. */
char *read_source(const char *name);

/* Executes SQL on a database. */
void execute(const char *path, const char *sql);

/* Makes NAME.db with the schema, what tests/traces/NAME.sql puts in (unless `sql` is given), and
 * `sql`. */
void make_trace(const char *name, const char *sql);

/* Makes small.db: one run whose events are given; tasks 1 to 4 (main, anna, bert, carl) and objects
 * 1 to 7 (ch, mu, rw, wg, once, sem, cond) are there. `more` is SQL that comes after it. */
void make_small(const char *events, const char *more);

struct trace_run *load(const char *name);

/* Calls a subcommand with the arguments up to NULL; returns its exit status, 128 + the signal for a
 * crash. What it has written is in last_output and last_error. */
int call(int (*function)(int, char **), ...);
extern char *last_output, *last_error;

/* Whether standard error has the words; whether it is one message with them, on one line (and the
 * pointer to the help, after a wrong usage). */
bool said(const char *words);
bool said_once(const char *words);

/* Compares a file with tests/golden/NAME. */
void compare(const char *name, const char *path);

#endif
