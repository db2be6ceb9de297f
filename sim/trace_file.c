/* trace_file.c - see trace_file.h. */
#include "sim/trace_file.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/core/output.h"

/* traces/schema.sql, as text; made by the build. */
extern const char trace_schema[];

/* For another exploration that records into the same file. */
enum { BUSY_MS = 10000, BUSY_S = BUSY_MS / 1000 };

#define ELSEWHERE "record into another file"

/* Why a new file cannot be made, which SQLite does not tell: it tries to read it next. 0: it
 * can. */
static int creation_error(const char *path) {
    const char *slash = strrchr(path, '/');
    char *folder = strndup(slash ? path : ".", slash ? (size_t)(slash - path) + 1 : 1);
    int error =
        folder && access(path, F_OK) && errno == ENOENT && access(folder, W_OK | X_OK) ? errno : 0;
    free(folder);
    return error;
}

/* What is behind one of SQLite's short codes: want of memory, or a file that is not there any more,
 * which it tells as errors of the disk and as files that may not be written to. */
static int real_code(sqlite3 *db, int code) {
    int extended = db ? sqlite3_extended_errcode(db) : code;
    if ((extended & 0xff) != (code & 0xff)) return code & 0xff;
    switch (extended) {
    case SQLITE_IOERR_NOMEM:
        return SQLITE_NOMEM;
    case SQLITE_READONLY_DBMOVED:
    case SQLITE_IOERR_DELETE_NOENT:
        return SQLITE_NOTFOUND;
    default:
        return code & 0xff;
    }
}

int trace_file_explain(sqlite3 *db, int code, const char *path, char *message, size_t size) {
    int number = db ? sqlite3_system_errno(db) : 0;
    int real = number == ENOSPC || number == EDQUOT ? SQLITE_FULL : real_code(db, code);
    switch (real) {
    case SQLITE_FULL:
        snprintf(
            message, size,
            "%s: the disk is full; the runs recorded so far are safe: make room, or " ELSEWHERE,
            path);
        break;
    case SQLITE_READONLY:
        snprintf(message, size,
                 "%s: the file or its folder is read-only; make both writable, or " ELSEWHERE,
                 path);
        break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        snprintf(message, size,
                 "%s: another process has kept it locked for %d s; try again when that is done, "
                 "or " ELSEWHERE,
                 path, BUSY_S);
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        snprintf(message, size, "%s: the trace is damaged or cut short (%s); " ELSEWHERE, path,
                 sqlite3_errstr(code));
        break;
    case SQLITE_ERROR:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
        snprintf(message, size, "%s: not as a trace is made (%s); " ELSEWHERE, path,
                 db ? sqlite3_errmsg(db) : "");
        break;
    case SQLITE_NOMEM:
        snprintf(message, size, "%s: not enough memory to record", path);
        break;
    case SQLITE_NOTFOUND:
        snprintf(message, size,
                 "%s: the file, or its journal, was moved or deleted while it was written to; "
                 "record again, or into another file that nobody else has",
                 path);
        break;
    case SQLITE_CANTOPEN:
        if (creation_error(path)) number = creation_error(path);
        /* fall through */
    default:
        snprintf(message, size, "%s: cannot be accessed: %s; see to that, or " ELSEWHERE, path,
                 number ? strerror(number)
                 : db   ? sqlite3_errmsg(db)
                        : sqlite3_errstr(code));
    }
    return real == SQLITE_NOMEM ? -ENOMEM : -EIO;
}

/* ---- Opening ------------------------------------------------------------------------------- */

static int pragma(sqlite3 *db, const char *sql, int64_t *value) {
    sqlite3_stmt *statement;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (rc) return rc;
    rc = sqlite3_step(statement);
    *value = rc == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    return sqlite3_finalize(statement);
}

/* Makes an empty file a trace, unless another process has done so meanwhile. */
static int create(sqlite3 *db) {
    int64_t application = 0;
    int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (!rc) rc = pragma(db, "PRAGMA application_id", &application);
    if (!rc && application != TRACE_APPLICATION)
        rc = sqlite3_exec(db, trace_schema, NULL, NULL, NULL);
    return rc ? rc : sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
}

sqlite3 *trace_file_open(const char *path, enum trace_use use, char *message, size_t size,
                         int *error) {
    int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (use == TRACE_WRITE ? SQLITE_OPEN_CREATE : 0);
    sqlite3 *db = NULL;
    char *name;
    int64_t application;

    *error = -EINVAL;
    if (use == TRACE_WRITE && !output_claim(path, true, message, size)) return NULL;
    if (!trace_kind_check(path, use, message, size)) return NULL;
    /* A path that begins with "file:" or ":" would mean something else to SQLite. */
    name = sqlite3_mprintf("%s%s", path[0] == '/' ? "" : "./", path);
    int rc = name ? sqlite3_open_v2(name, &db, flags, NULL) : SQLITE_NOMEM;
    sqlite3_free(name);
    if (!rc) {
        /* Nothing that a file brings along is run. The journal is SQLite's default, one that is
         * deleted with each commit. */
        sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
        sqlite3_busy_timeout(db, BUSY_MS);
        rc = sqlite3_exec(db, "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16000", NULL, NULL,
                          NULL);
    }
    if (!rc) rc = pragma(db, "PRAGMA application_id", &application);
    if (!rc && use == TRACE_WRITE && application != TRACE_APPLICATION) rc = create(db);
    /* SQLite opens a write-protected file for reading without a word. */
    if (!rc && use == TRACE_WRITE && sqlite3_db_readonly(db, "main") == 1) rc = SQLITE_READONLY;
    if (!rc) return db;
    *error = trace_file_explain(db, rc, path, message, size);
    sqlite3_close(db);
    return NULL;
}
