/* reader.c - checked access to the rows of a trace. */
#include "viz/reader.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "viz/tool.h"
#include "viz/utf8.h"

#define LONGEST_NAME 400 /* columns */

/* ---- Strings of a run ---------------------------------------------------------------------- */

struct block {
    struct block *next;
    size_t used, size;
    char bytes[];
};

struct trace_arena {
    struct block *blocks;
};

struct trace_arena *trace_arena_new(void) {
    return tool_alloc(1, sizeof(struct trace_arena));
}

void trace_arena_free(struct trace_arena *arena) {
    if (arena == NULL) return;
    for (struct block *block = arena->blocks; block != NULL;) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
    free(arena);
}

const char *trace_arena_add(struct trace_arena *arena, const char *bytes, size_t length) {
    struct block *block = arena->blocks;
    if (block == NULL || block->size - block->used <= length) {
        size_t size = length + 1 > 8192 ? length + 1 : 8192;
        block = tool_alloc(1, sizeof *block + size);
        block->size = size;
        block->next = arena->blocks;
        arena->blocks = block;
    }
    char *copy = block->bytes + block->used;
    if (length > 0) memcpy(copy, bytes, length);
    copy[length] = '\0';
    block->used += length + 1;
    return copy;
}

/* ---- Errors -------------------------------------------------------------------------------- */

/* Asks SQLite what is wrong with the file; a page number is more use than "malformed". */
static void tell_damage(struct trace *trace) {
    struct tool_text finding = {0};
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(trace->db, "PRAGMA quick_check(1)", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        const char *line = (const char *)sqlite3_column_text(statement, 0);
        if (line != NULL && strcmp(line, "ok") != 0)
            tool_text_addf(&finding, " (%s)", strncmp(line, "*** ", 4) == 0 ? line + 4 : line);
    }
    sqlite3_finalize(statement);
    tool_error(
        "%s: the file is damaged or cut short%s; record the runs again, or save what is left with "
        "sqlite3's .recover",
        trace->path, tool_text_string(&finding));
    tool_text_free(&finding);
}

int trace_sql_error(struct trace *trace) {
    int code = sqlite3_extended_errcode(trace->db);
    switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        tell_damage(trace);
        break;
    case SQLITE_NOMEM:
        tool_error("%s: out of memory", trace->path);
        break;
    case SQLITE_INTERRUPT:
        tool_error("%s: there is more to read than the file can hold, so it refers to itself; "
                   "record the runs again",
                   trace->path);
        break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        tool_error("%s: another process is writing to it; try again when that is done",
                   trace->path);
        break;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
        tool_error("%s: a write to it was cut short and must be undone first, which needs "
                   "permission to write to the "
                   "file and its folder",
                   trace->path);
        break;
    case SQLITE_ERROR: /* no such column: the tables are not those of schema.sql */
        tool_error("%s: its tables are not those of a Pirn trace (%s); record the runs again",
                   trace->path, sqlite3_errmsg(trace->db));
        break;
    default:
        tool_error("%s: cannot read it: %s", trace->path, sqlite3_errmsg(trace->db));
    }
    return TOOL_FAILED;
}

void reader_wrong(struct reader *reader, const char *format, ...) {
    if (reader->status != TOOL_OK) return;
    struct tool_text message = {0};
    va_list arguments;
    va_start(arguments, format);
    tool_text_addv(&message, format, arguments);
    va_end(arguments);
    tool_error("%s: table %s, row %lld: %s; the trace is damaged, record the run again",
               reader->trace->path, reader->what, (long long)reader->row,
               tool_text_string(&message));
    tool_text_free(&message);
    reader->status = TOOL_FAILED;
}

/* ---- Rows ---------------------------------------------------------------------------------- */

void reader_begin(struct reader *reader, struct trace *trace, const char *what, const char *sql,
                  int64_t run) {
    *reader = (struct reader){.trace = trace, .what = what, .status = TOOL_OK};
    trace->work = 0;
    if (sqlite3_prepare_v2(trace->db, sql, -1, &reader->statement, NULL) != SQLITE_OK) {
        reader->status = trace_sql_error(trace);
        return;
    }
    if (sqlite3_bind_parameter_count(reader->statement) > 0)
        sqlite3_bind_int64(reader->statement, 1, run);
}

bool reader_next(struct reader *reader) {
    if (reader->status != TOOL_OK) return false;
    switch (sqlite3_step(reader->statement)) {
    case SQLITE_ROW:
        reader->row++;
        return true;
    case SQLITE_DONE:
        return false;
    default:
        reader->status = trace_sql_error(reader->trace);
        return false;
    }
}

int reader_end(struct reader *reader) {
    sqlite3_finalize(reader->statement);
    reader->statement = NULL;
    return reader->status;
}

void reader_keep(struct reader *reader, size_t bytes) {
    struct trace *trace = reader->trace;
    trace->loaded += bytes;
    if (trace->loaded <= trace->most_loaded || reader->status != TOOL_OK) return;
    tool_error("%s: the run needs more than %zu MiB of memory, a quarter of what there is; look at "
               "it with sqlite3, or record a shorter one",
               trace->path, trace->most_loaded >> 20);
    reader->status = TOOL_FAILED;
}

bool reader_is_null(struct reader *reader, int column) {
    return sqlite3_column_type(reader->statement, column) == SQLITE_NULL;
}

int64_t reader_int(struct reader *reader, int column) {
    if (sqlite3_column_type(reader->statement, column) != SQLITE_INTEGER) {
        reader_wrong(reader, "%s is not a whole number",
                     sqlite3_column_name(reader->statement, column));
        return 0;
    }
    return sqlite3_column_int64(reader->statement, column);
}

int64_t reader_int_or(struct reader *reader, int column, int64_t fallback) {
    return reader_is_null(reader, column) ? fallback : reader_int(reader, column);
}

const char *reader_text_raw(struct reader *reader, int column, struct trace_arena *arena) {
    if (sqlite3_column_type(reader->statement, column) != SQLITE_TEXT) {
        reader_wrong(reader, "%s is not text", sqlite3_column_name(reader->statement, column));
        return "";
    }
    const char *text = (const char *)sqlite3_column_text(reader->statement, column);
    if (text == NULL) {
        reader->status = trace_sql_error(reader->trace);
        return "";
    }
    size_t length = strlen(text);
    reader_keep(reader, length);
    return trace_arena_add(arena, text, length);
}

const char *reader_text(struct reader *reader, int column, struct trace_arena *arena) {
    const char *raw = reader_text_raw(reader, column, arena);
    size_t length = strlen(raw);
    bool plain = true;
    for (size_t i = 0; i < length && plain; i++) plain = raw[i] >= 0x20 && raw[i] < 0x7f;
    if (plain) return raw;
    struct tool_text clean = {0};
    utf8_add_clean(&clean, raw, length);
    const char *copy = trace_arena_add(arena, tool_text_string(&clean), clean.length);
    tool_text_free(&clean);
    return copy;
}

const char *reader_name(struct reader *reader, int column, struct trace_arena *arena) {
    const char *text = reader_text(reader, column, arena);
    if (strlen(text) <= LONGEST_NAME) return text;
    struct tool_text cut = {0};
    utf8_add_clipped(&cut, text, LONGEST_NAME);
    const char *copy = trace_arena_add(arena, tool_text_string(&cut), cut.length);
    tool_text_free(&cut);
    return copy;
}

void reader_summary(struct reader *reader, struct trace_summary *summary,
                    struct trace_arena *arena) {
    summary->id = reader_int(reader, 0);
    summary->strategy = reader_text(reader, 1, arena);
    summary->seed = (uint64_t)reader_int(reader, 2);
    summary->schedule = reader_text(reader, 3, arena);
    summary->outcome = reader_text(reader, 4, arena);
    summary->message = reader_text(reader, 5, arena);
    summary->steps = reader_int(reader, 6);
    summary->tasks = reader_int(reader, 7);
    summary->switches = reader_int(reader, 8);
    summary->preemptions = reader_int(reader, 9);
    summary->virtual_ns = reader_int(reader, 10);
    summary->wall_ns = reader_int(reader, 11);
    summary->graph = (uint64_t)reader_int(reader, 12);
    summary->shrunk_from = reader_int_or(reader, 13, 0);
    if (*summary->outcome == '\0') reader_wrong(reader, "outcome is empty");
}
