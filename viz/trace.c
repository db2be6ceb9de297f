/* trace.c - opens a trace file, sees that it is one, and finds its runs. */
#include "viz/reader.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "viz/tool.h"

#define HEADER_SIZE 100          /* of a database file */
#define TABLES 13                /* of a trace */
#define BUSY_MS 5000             /* how long to wait for a writer's transaction to end */
#define LONGEST_VALUE (64 << 20) /* bytes; a longer text is no schedule or name that Pirn wrote */

/* A query that reads each row of a file takes some ten instructions of SQLite's machine for each
 * byte at most; one that takes many more goes in circles. */
#define LOOK_EVERY 100000
#define WORK_AT_ALL UINT64_C(30000000)
#define WORK_A_BYTE 100

void trace_close(struct trace *trace) {
    if (trace == NULL) return;
    sqlite3_close(trace->db);
    free(trace->path);
    free(trace);
}

const char *trace_path(const struct trace *trace) { return trace->path; }

const char *trace_title(const struct trace *trace) {
    const char *slash = strrchr(trace->path, '/');
    return slash != NULL ? slash + 1 : trace->path;
}

/* A file that does not begin as a database is somebody's mistake in the command line, not damage.
 */
static int check_kind(const char *path, uint64_t *size) {
    static const char magic[16] = "SQLite format 3";
    struct stat status;
    if (stat(path, &status) != 0) {
        tool_error(errno == ENOENT ? "%s: no such file" : "%s: %s", path, strerror(errno));
        return TOOL_USAGE;
    }
    if (!S_ISREG(status.st_mode)) {
        tool_error("%s: not a file", path);
        return TOOL_USAGE;
    }
    *size = (uint64_t)status.st_size;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        tool_error("%s: cannot open it: %s", path, strerror(errno));
        return TOOL_FAILED;
    }
    char head[HEADER_SIZE] = {0};
    size_t length = fread(head, 1, sizeof head, file);
    bool failed = ferror(file) != 0;
    fclose(file);
    if (failed) {
        tool_error("%s: cannot read it", path);
        return TOOL_FAILED;
    }
    if (length >= sizeof magic && memcmp(head, magic, sizeof magic) == 0) {
        if (length == sizeof head) return TOOL_OK;
        tool_error("%s: the file is cut short; record the runs again", path);
        return TOOL_FAILED;
    }
    tool_error("%s: not a Pirn trace%s", path, length == 0 ? " (the file is empty)" : "");
    return TOOL_USAGE;
}

static int pragma_number(struct trace *trace, const char *sql, int64_t *number) {
    struct reader reader;
    reader_begin(&reader, trace, "pragma", sql, 0);
    *number = reader_next(&reader) ? reader_int(&reader, 0) : 0;
    return reader_end(&reader);
}

static int check_format(struct trace *trace) {
    int64_t application = 0, version = 0, tables = 0;
    int status = pragma_number(trace, "PRAGMA application_id", &application);
    if (status == TOOL_OK) status = pragma_number(trace, "PRAGMA user_version", &version);
    if (status != TOOL_OK) return status;
    if (application != TRACE_APPLICATION_ID) {
        tool_error("%s: not a Pirn trace (a database of another program)", trace->path);
        return TOOL_USAGE;
    }
    if (version != TRACE_VERSION) {
        tool_error("%s: a trace of format %lld; this pirn reads format %d: use the pirn that "
                   "recorded it, or record the "
                   "runs again",
                   trace->path, (long long)version, TRACE_VERSION);
        return TOOL_USAGE;
    }
    /* Views under these names could make reading cost anything, so they have to be tables. */
    status = pragma_number(
        trace,
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('program', "
        "'exploration', 'explored', 'run', 'site', 'task', 'object', 'event', 'select_case', "
        "'edge', 'finding', 'certainty', 'call_order')",
        &tables);
    if (status == TOOL_OK && tables != TABLES) {
        tool_error("%s: %d of its %d tables are missing; record the runs again", trace->path,
                   (int)(TABLES - tables), TABLES);
        return TOOL_FAILED;
    }
    return status;
}

/* A table that is computed may cost anything, whatever the size of the file. */
static int check_tables(struct trace *trace) {
    int64_t computed = 0;
    int status =
        pragma_number(trace,
                      "SELECT count(*) FROM sqlite_schema AS t, pragma_table_xinfo(t.name) AS c "
                      "WHERE t.type = 'table' AND (c.hidden <> 0 OR t.rootpage = 0)",
                      &computed);
    if (status == TOOL_OK && computed > 0) {
        tool_error("%s: it has tables that are computed, which no trace has; record the runs again",
                   trace->path);
        return TOOL_FAILED;
    }
    return status;
}

static int look_at_work(void *arg) {
    struct trace *trace = arg;
    return ++trace->work > trace->most_work;
}

/* Bounds the time and the memory that a file can cost. */
static void set_bounds(struct trace *trace, uint64_t size) {
    uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur < memory) memory = limit.rlim_cur;
    if (getrlimit(RLIMIT_DATA, &limit) == 0 && limit.rlim_cur < memory) memory = limit.rlim_cur;
    trace->most_loaded = (size_t)(memory / 4);
    trace->most_work = (WORK_AT_ALL + WORK_A_BYTE * size) / LOOK_EVERY;
    sqlite3_progress_handler(trace->db, LOOK_EVERY, look_at_work, trace);
}

int trace_open(const char *path, struct trace **opened) {
    *opened = NULL;
    uint64_t size;
    int status = check_kind(path, &size);
    if (status != TOOL_OK) return status;
    struct trace *trace = tool_alloc(1, sizeof *trace);
    trace->path = tool_copy(path);
    /* A path that begins with "file:" or ":" would mean something else to SQLite. */
    struct tool_text name = {0};
    tool_text_addf(&name, "%s%s", path[0] == '/' ? "" : "./", path);
    /* A writer that was killed leaves a journal, which only a connection that may write can play
     * back. SQLite itself falls back to reading where the file is write-protected. */
    int rc =
        sqlite3_open_v2(name.data, &trace->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK && rc != SQLITE_NOMEM) {
        sqlite3_close(trace->db);
        rc = sqlite3_open_v2(name.data, &trace->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX,
                             NULL);
    }
    tool_text_free(&name);
    if (rc != SQLITE_OK) {
        tool_error("%s: cannot open it: %s", path,
                   trace->db != NULL ? sqlite3_errmsg(trace->db) : "out of memory");
        trace_close(trace);
        return TOOL_FAILED;
    }
    sqlite3_busy_timeout(trace->db, BUSY_MS);
    sqlite3_limit(trace->db, SQLITE_LIMIT_LENGTH, LONGEST_VALUE);
    sqlite3_db_config(trace->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(trace->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    set_bounds(trace, size);
    sqlite3_exec(trace->db, "PRAGMA query_only = ON; PRAGMA cell_size_check = ON", NULL, NULL,
                 NULL);
    status = check_format(trace);
    if (status == TOOL_OK) status = check_tables(trace);
    if (status != TOOL_OK) {
        trace_close(trace);
        return status;
    }
    *opened = trace;
    return TOOL_OK;
}

/* ---- Runs ---------------------------------------------------------------------------------- */

static int pick_run(struct trace *trace, int64_t *run) {
    struct reader reader;
    reader_begin(&reader, trace, "run", "SELECT id FROM run ORDER BY outcome = 'ok', id LIMIT 1",
                 0);
    bool found = reader_next(&reader);
    if (found) *run = reader_int(&reader, 0);
    int status = reader_end(&reader);
    if (status == TOOL_OK && !found) {
        tool_error("%s: the trace holds no run yet", trace->path);
        status = TOOL_USAGE;
    }
    return status;
}

/* Splits "TRACE#RUN". Returns the length of TRACE; `run` is 0 when there is no RUN, -1 when it is
 * no number. */
static size_t split_name(const char *name, int64_t *run) {
    size_t length = strlen(name);
    const char *hash = strrchr(name, '#');
    struct stat status;
    *run = 0;
    if (hash == NULL || stat(name, &status) == 0) return length;
    const char *digits = hash + 1;
    errno = 0;
    long long number = strtoll(digits, NULL, 10);
    bool valid =
        *digits != '\0' && digits[strspn(digits, "0123456789")] == '\0' && errno == 0 && number > 0;
    *run = valid ? number : -1;
    return (size_t)(hash - name);
}

int trace_open_named(const char *name, struct trace **trace, int64_t *run) {
    *trace = NULL;
    size_t length = split_name(name, run);
    if (*run < 0) {
        tool_error("%s: '%s' is not the number of a run", name, name + length + 1);
        return TOOL_USAGE;
    }
    char *path = tool_copy(name);
    path[length] = '\0';
    int status = trace_open(path, trace);
    free(path);
    if (status == TOOL_OK && *run == 0) status = pick_run(*trace, run);
    if (status != TOOL_OK) {
        trace_close(*trace);
        *trace = NULL;
    }
    return status;
}

int trace_each_run(struct trace *trace,
                   void (*each)(void *context, const struct trace_summary *run), void *context) {
    struct reader reader;
    int64_t last = 0;
    reader_begin(&reader, trace, "run", "SELECT " TRACE_SUMMARY_COLUMNS " FROM run ORDER BY id", 0);
    while (reader_next(&reader)) {
        struct trace_arena *arena = trace_arena_new();
        struct trace_summary summary;
        trace->loaded = 0;
        reader_summary(&reader, &summary, arena);
        if (summary.id <= last)
            reader_wrong(&reader, "number %lld is out of order", (long long)summary.id);
        last = summary.id;
        if (reader.status == TOOL_OK) each(context, &summary);
        trace_arena_free(arena);
    }
    return reader_end(&reader);
}
