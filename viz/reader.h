/*
 * reader.h - rows of a trace, each value checked; what trace.c and load.c share.
 *
 * A struct reader walks the rows of one query. The first thing that does not fit is told once and
 * makes reader_next return false; reader_end then gives the status.
 */
#ifndef VIZ_READER_H
#define VIZ_READER_H

#include <sqlite3.h>

#include "viz/trace.h"

struct trace {
    sqlite3 *db;
    char *path;
    uint64_t work, most_work;   /* of the query under way, in calls of SQLite's progress handler */
    size_t loaded, most_loaded; /* bytes of the run that is being loaded */
};

struct reader {
    struct trace *trace;
    sqlite3_stmt *statement;
    const char *what; /* the table, for messages */
    int64_t row;      /* rows read so far */
    int status;
};

/* Tells what SQLite's last error on this file means for the user. Returns TOOL_FAILED. */
int trace_sql_error(struct trace *trace);

/* Prepares a query, with `run` bound to its parameter when it has one. */
void reader_begin(struct reader *reader, struct trace *trace, const char *what, const char *sql,
                  int64_t run);

/* Goes to the next row; false at the end and after an error. */
bool reader_next(struct reader *reader);

/* Finishes. Returns the status. */
int reader_end(struct reader *reader);

/* Says what is wrong with the current row; keeps the first message. */
void reader_wrong(struct reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Counts bytes that are kept of the current row; a run that needs more memory than there is to
 * spare is told as an error. */
void reader_keep(struct reader *reader, size_t bytes);

/* A column of the current row; NULL counts as wrong, or as `fallback`. Text is cleaned unless it is
 * asked for raw. */
int64_t reader_int(struct reader *reader, int column);
int64_t reader_int_or(struct reader *reader, int column, int64_t fallback);
const char *reader_text(struct reader *reader, int column, struct trace_arena *arena);
const char *reader_text_raw(struct reader *reader, int column, struct trace_arena *arena);
/* A name: what is shown again and again, so a long one is cut. */
const char *reader_name(struct reader *reader, int column, struct trace_arena *arena);
bool reader_is_null(struct reader *reader, int column);

/* Strings that live as long as a run. */
struct trace_arena *trace_arena_new(void);
void trace_arena_free(struct trace_arena *arena);
const char *trace_arena_add(struct trace_arena *arena, const char *bytes, size_t length);

/* Reads the columns of a struct trace_summary, in the order of TRACE_SUMMARY_COLUMNS, from `column`
 * on. */
#define TRACE_SUMMARY_COLUMNS                                                             \
    "run.id, run.strategy, run.seed, run.schedule, run.outcome, run.message, run.steps, " \
    "run.tasks, run.switches, "                                                           \
    "run.preemptions, run.virtual_ns, run.wall_ns, run.graph, run.shrunk_from"
#define TRACE_SUMMARY_COUNT 14
void reader_summary(struct reader *reader, struct trace_summary *summary,
                    struct trace_arena *arena);

#endif
