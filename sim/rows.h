/*
 * rows.h - arrays as tables: an INSERT that selects from one writes all its rows at once, which
 * takes a fraction of the time of a statement for each.
 */
#ifndef SIM_ROWS_H
#define SIM_ROWS_H

#include <sqlite3.h>
#include <stddef.h>

/* A table with the columns c0, c1, ... What is in it may be different at each statement. */
struct rows {
    const char *name;
    int columns;
    size_t count; /* of rows, now */
    /* Says with one of sqlite3_result_... what a cell holds; without, it is NULL. Texts have to stay
     * until the statement has ended. */
    void (*cell)(sqlite3_context *result, const void *context, size_t row, int column);
    const void *context;
};

/* Makes the table known to the connection; `rows` must stay until that is closed. Returns SQLite's
 * code. */
int rows_register(sqlite3 *db, const struct rows *rows);

#endif
