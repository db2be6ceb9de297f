/* recorder_own.h - what recorder.c and recorder_run.c share. */
#ifndef SIM_RECORDER_OWN_H
#define SIM_RECORDER_OWN_H

#include <sqlite3.h>

#include "lib/core/symbol.h"
#include "sim/log.h"
#include "sim/recorder.h"
#include "sim/rows.h"
#include "sim/task_names.h"

enum statement {
    ADD_PROGRAM,
    ADD_RUN,
    FIND_SITE,
    ADD_SITE,
    ADD_TASK,
    ADD_OBJECT,
    ADD_EVENT,
    ADD_CASE,
    ADD_EDGE,
    ADD_FINDING,
    ADD_EXPLORATION,
    ADD_EXPLORED,
    REACH,
    FIND_POSITION,
    FIND_BUILD,
    SUM_RUNS,
    FIND_GRAPHS,
    SET_SHRUNK_FROM,
    SET_CERTAINTY,
    ADD_ORDER,
    SET_RUN,
    STATEMENTS
};

struct site {
    const void *address; /* as for symbol_resolve; NULL: a free slot */
    int64_t id;          /* 0: it has no row yet */
    struct symbol symbol;
};

/*
 * Rows of several runs are collected and written at once, as what statements select from (rows.h):
 * each statement has its price. None is held back beyond the end of the transaction.
 */
enum source { NEW_TASKS, NEW_OBJECTS, NEW_EVENTS, NEW_CASES, NEW_EDGES, SOURCES };

enum { BATCH = 1024 };

struct new_rows {
    struct new_task {
        int64_t run, id, site; /* site 0: none */
        struct log_task task;
        char name[TASK_NAME];
    } tasks[BATCH];
    struct new_object {
        int64_t run, id, site;
        struct log_object object; /* its label is one line */
    } objects[BATCH];
    struct new_event {
        int64_t run, step, site;
        struct log_event event;
    } events[BATCH];
    struct new_case {
        int64_t run;
        struct log_case entry;
    } cases[BATCH];
    struct new_edge {
        int64_t run;
        struct log_edge edge;
    } edges[BATCH];
};

struct recorder {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    struct rows sources[SOURCES];
    struct new_rows rows;
    char *path;
    int64_t program;
    const struct recorder_program *other; /* whose runs these are; NULL: this program's */
    int64_t exploration;                  /* 0: none */
    uint64_t next, recorded;              /* from which run on it goes on: really, and in the row */
    char *(*ask_position)(void *context); /* where the search stands; NULL: it is none */
    void *position_context;
    int64_t begun; /* when the transaction began; 0: there is none */
    int64_t added; /* when something was last added */
    int failed;    /* 0; -ENOMEM or -EIO: nothing more is written */
    char error[1024];
    struct site *sites; /* a hash table */
    size_t site_count, site_room;
};

/* Takes SQLite's error, rolls back and returns what it comes to: that of the first one. */
int recorder_fail(struct recorder *recorder, int code);

/* CLOCK_MONOTONIC, in ns. */
int64_t recorder_clock(void);

/* Begins a transaction, unless there is one. Returns 0, or what has failed. */
int recorder_begin(struct recorder *recorder);

/* Runs a statement that gives no rows. Returns likewise. */
int recorder_insert(struct recorder *recorder, sqlite3_stmt *statement);

/* Makes the tables that statements select from. Returns as SQLite does. */
int recorder_add_sources(struct recorder *recorder);

/* Writes the rows that a source has collected. Returns 0, or what has failed. */
int recorder_write_rows(struct recorder *recorder, enum source source);

/* Binding cannot fail: nothing of what is bound is copied. */
static inline void bind_int(sqlite3_stmt *statement, int position, int64_t value) {
    sqlite3_bind_int64(statement, position, value);
}

/* 0 stands for NULL. */
static inline void bind_optional(sqlite3_stmt *statement, int position, int64_t value) {
    if (value)
        sqlite3_bind_int64(statement, position, value);
    else
        sqlite3_bind_null(statement, position);
}

/* The text has to live until the statement has run. */
static inline void bind_text(sqlite3_stmt *statement, int position, const char *text) {
    sqlite3_bind_text(statement, position, text, -1, SQLITE_STATIC);
}

#endif
