/* expect.c - reads back the steps of a recorded run, for a replay to be compared with. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/engine.h"
#include "lib/core/symbol.h"
#include "sim/recorder.h"
#include "sim/trace_file.h"

static const char query[] =
    "SELECT event.step, event.task, event.op, coalesce(event.object, 0), coalesce(site.function, "
    "''), "
    "coalesce(site.file, ''), coalesce(site.line, 0) "
    "FROM event LEFT JOIN site ON site.id = event.site WHERE event.run = ?1 ORDER BY event.step";

static const char *column_text(sqlite3_stmt *statement, int column) {
    const unsigned char *text = sqlite3_column_text(statement, column);
    return text ? (const char *)text : "";
}

/* OP_NONE for a word that is unknown. */
static enum op op_of_word(const char *word) {
    for (int op = 1; op < OP_COUNT; op++) {
        if (!strcmp(op_names[op], word)) return (enum op)op;
    }
    return OP_NONE;
}

static void read_step(sqlite3_stmt *row, struct recorder_step *step) {
    const char *function = column_text(row, 4), *file = symbol_basename(column_text(row, 5));
    step->task = (uint32_t)sqlite3_column_int64(row, 1);
    step->op = (uint8_t)op_of_word(column_text(row, 2));
    /* Which case of a select runs is not known yet when its step begins. */
    if (step->op != OP_SELECT && step->op != OP_SELECT_FIRST)
        step->object = (uint32_t)sqlite3_column_int64(row, 3);
    step->line = (uint32_t)sqlite3_column_int64(row, 6);
    if (!*file)
        snprintf(step->where, sizeof step->where, "%s", function);
    else
        snprintf(step->where, sizeof step->where, "%s%s%s:%u", function, *function ? " at " : "",
                 file, (unsigned)step->line);
}

/* Reads the rows; they have to be numbered from 1 without a gap, as a run's are. Returns an
 * SQLite code. */
static int read_steps(sqlite3_stmt *rows, struct recorder_step **steps, int64_t *count) {
    size_t room = 0;
    int rc;
    while ((rc = sqlite3_step(rows)) == SQLITE_ROW) {
        if ((size_t)*count == room) {
            room = room ? 2 * room : 256;
            struct recorder_step *larger = realloc(*steps, room * sizeof *larger);
            if (!larger) return SQLITE_NOMEM;
            memset(larger + *count, 0, (room - (size_t)*count) * sizeof *larger);
            *steps = larger;
        }
        struct recorder_step *step = &(*steps)[(*count)++];
        read_step(rows, step);
        if (sqlite3_column_int64(rows, 0) != *count || step->op == OP_NONE) return SQLITE_CORRUPT;
    }
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int64_t recorder_expect(const char *path, int64_t run, struct recorder_step **steps, char *message,
                        size_t size) {
    int error;
    sqlite3 *db = trace_file_open(path, TRACE_READ, message, size, &error);
    sqlite3_stmt *rows = NULL;
    int64_t count = 0;
    *steps = NULL;
    if (!db) return error;
    int rc = sqlite3_prepare_v2(db, query, -1, &rows, NULL);
    if (!rc) {
        sqlite3_bind_int64(rows, 1, run);
        rc = read_steps(rows, steps, &count);
    }
    if (rc) {
        error = trace_file_explain(db, rc, path, message, size);
        free(*steps);
        *steps = NULL;
    }
    sqlite3_finalize(rows);
    sqlite3_close(db);
    return rc ? error : count;
}
