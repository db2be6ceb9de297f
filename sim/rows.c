/* rows.c - see rows.h: a virtual table that is read from its first row to its last. */
#include "sim/rows.h"

#include <stdio.h>

enum { MOST_COLUMNS = 16 };

struct table {
    sqlite3_vtab base;
    const struct rows *rows;
};

struct cursor {
    sqlite3_vtab_cursor base;
    size_t at;
};

static const struct rows *rows_of(const sqlite3_vtab_cursor *cursor) {
    return ((const struct table *)cursor->pVtab)->rows;
}

static int connect_table(sqlite3 *db, void *context, int argc, const char *const *argv,
                         sqlite3_vtab **made, char **error) {
    const struct rows *rows = context;
    char declaration[32 + MOST_COLUMNS * 8] = "CREATE TABLE x(c0";
    size_t length = sizeof "CREATE TABLE x(c0" - 1;
    struct table *table;
    int rc;

    (void)argc;
    (void)argv;
    (void)error;
    for (int i = 1; i < rows->columns && i < MOST_COLUMNS; i++)
        length += (size_t)snprintf(declaration + length, sizeof declaration - length, ", c%d", i);
    snprintf(declaration + length, sizeof declaration - length, ")");
    if ((rc = sqlite3_declare_vtab(db, declaration))) return rc;
    if (!(table = sqlite3_malloc(sizeof *table))) return SQLITE_NOMEM;
    *table = (struct table){.rows = rows};
    *made = &table->base;
    return SQLITE_OK;
}

static int disconnect_table(sqlite3_vtab *table) {
    sqlite3_free(table);
    return SQLITE_OK;
}

/* There is one way to read it. */
static int plan(sqlite3_vtab *table, sqlite3_index_info *info) {
    (void)table;
    (void)info;
    return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *table, sqlite3_vtab_cursor **made) {
    struct cursor *cursor = sqlite3_malloc(sizeof *cursor);
    (void)table;
    if (!cursor) return SQLITE_NOMEM;
    *cursor = (struct cursor){.at = 0};
    *made = &cursor->base;
    return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *cursor) {
    sqlite3_free(cursor);
    return SQLITE_OK;
}

static int go_to_first(sqlite3_vtab_cursor *cursor, int plan_number, const char *plan_text,
                       int argc, sqlite3_value **argv) {
    (void)plan_number;
    (void)plan_text;
    (void)argc;
    (void)argv;
    ((struct cursor *)cursor)->at = 0;
    return SQLITE_OK;
}

static int go_to_next(sqlite3_vtab_cursor *cursor) {
    ((struct cursor *)cursor)->at++;
    return SQLITE_OK;
}

static int is_at_end(sqlite3_vtab_cursor *cursor) {
    return ((struct cursor *)cursor)->at >= rows_of(cursor)->count;
}

static int read_cell(sqlite3_vtab_cursor *cursor, sqlite3_context *result, int column) {
    const struct rows *rows = rows_of(cursor);
    rows->cell(result, rows->context, ((struct cursor *)cursor)->at, column);
    return SQLITE_OK;
}

static int read_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *id) {
    *id = (sqlite3_int64)((struct cursor *)cursor)->at;
    return SQLITE_OK;
}

/* Without xCreate the table is simply there, under the module's name. */
static const sqlite3_module module = {
    .xConnect = connect_table,
    .xBestIndex = plan,
    .xDisconnect = disconnect_table,
    .xOpen = open_cursor,
    .xClose = close_cursor,
    .xFilter = go_to_first,
    .xNext = go_to_next,
    .xEof = is_at_end,
    .xColumn = read_cell,
    .xRowid = read_rowid,
};

int rows_register(sqlite3 *db, const struct rows *rows) {
    return sqlite3_create_module(db, rows->name, &module, (void *)(size_t)rows);
}
