/* viz_support.c - what the tests of the reader of traces share. */
#include "tests/viz_support.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "viz/viz.h"

/* ---- Files --------------------------------------------------------------------------------- */

static char source_dir[4096];
char scratch_dir[] = "/tmp/pirn-viz-XXXXXX";
static pid_t scratch_owner;

static void remove_scratch(void) {
    char command[64];

    if (getpid() != scratch_owner) return;
    snprintf(command, sizeof command, "rm -rf %s", scratch_dir);
    if (system(command) != 0) puts("the scratch folder is left");
}

/* Goes to an empty folder of the test's own; every test begins with it. */
void begin(void) {
    const char *source = getenv("srcdir");

    if (!realpath(source ? source : ".", source_dir)) exit(99);
    scratch_owner = getpid();
    if (!mkdtemp(scratch_dir) || chdir(scratch_dir) != 0 || atexit(remove_scratch) != 0) exit(99);
    unsetenv("NO_COLOR");
    setenv("LC_ALL", "C.UTF-8", 1);
    signal(SIGPIPE, SIG_IGN);
}

char *read_path(const char *path) {
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t length = 0, capacity = 0, n;

    if (!file) return NULL;
    do {
        text = tool_grow(text, &capacity, length + 65536, 1);
        n = fread(text + length, 1, 65535, file);
        length += n;
    } while (n > 0);
    text[length] = '\0';
    fclose(file);
    return text;
}

char *read_source(const char *name) {
    char path[8192];
    char *text;

    snprintf(path, sizeof path, "%s/%s", source_dir, name);
    text = read_path(path);
    if (!text) printf("cannot read %s\n", path);
    return text ? text : tool_copy("");
}

void write_path(const char *path, const char *bytes, size_t length) {
    FILE *file = fopen(path, "wb");

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(bytes, 1, length, file), length);
    CU_ASSERT_EQUAL(fclose(file), 0);
}

bool exists(const char *path) { return access(path, F_OK) == 0; }

/* ---- Traces -------------------------------------------------------------------------------- */

void execute(const char *path, const char *sql) {
    sqlite3 *db;
    char *error = NULL;

    CU_ASSERT_EQUAL_FATAL(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK) printf("%s: %s\n", path, error);
    CU_ASSERT_PTR_NULL_FATAL(error);
    CU_ASSERT_EQUAL(sqlite3_close(db), SQLITE_OK);
}

/* Makes NAME.db with the schema, what tests/traces/NAME.sql puts in (unless `sql` is given), and
 * `sql`. */
void make_trace(const char *name, const char *sql) {
    char *schema = read_source("traces/schema.sql"), *rows, path[256];

    snprintf(path, sizeof path, "tests/traces/%s.sql", name);
    rows = sql ? tool_copy(sql) : read_source(path);
    snprintf(path, sizeof path, "%s.db", name);
    execute(path, schema);
    execute(path, rows);
    free(schema);
    free(rows);
}

/* One run whose events are given; tasks 1 to 4 (main, anna, bert, carl) and objects 1 to 6 are
 * there. */
static const char small_head[] =
    "INSERT INTO program VALUES(1, './p', '', '[\"./p\"]', '', '');"
    "INSERT INTO site VALUES(1, 'p', 1, 'f', 'p.c', 10), (2, 'p', 2, 'f', 'p.c', 20), (3, 'p', 3, "
    "'f', 'p.c', 30);"
    "INSERT INTO object VALUES(1, 1, 'channel', 'ch', 0, 4, 1), (1, 2, 'mutex', 'mu', NULL, NULL, "
    "1),"
    " (1, 3, 'rwmutex', 'rw', NULL, NULL, 1), (1, 4, 'waitgroup', 'wg', NULL, NULL, 1), (1, 5, "
    "'once', 'once', NULL, NULL, 1),"
    " (1, 6, 'sem', 'sem', NULL, NULL, 1), (1, 7, 'cond', 'cond', NULL, NULL, 1);"
    "INSERT INTO event(run, step, task, op, object, result, site, time) VALUES ";
static const char small_tail[] =
    ";INSERT INTO task SELECT 1, column1, iif(column1 = 1, NULL, 1), column2, 1, NULL, NULL,"
    " CASE (SELECT op || ifnull(result, 'x') FROM event WHERE task = column1 ORDER BY step DESC "
    "LIMIT 1)"
    " WHEN 'exit0' THEN 'exited' ELSE 'blocked' END, 0 FROM (VALUES(1, 'main'), (2, 'anna'), (3, "
    "'bert'), (4, 'carl'))"
    " WHERE column1 = 1 OR column1 IN (SELECT task FROM event);"
    "INSERT INTO run SELECT 1, 1, 'fifo', 1, 'pirn1:', 'deadlock', 'm', max(step), 1, 1, 1, 1, 1, "
    "1, NULL FROM event;"
    "INSERT INTO finding SELECT 1, task, 'deadlock', max(step), NULL, object, '' FROM event WHERE "
    "task IN"
    " (SELECT id FROM task WHERE state = 'blocked') GROUP BY task;";

struct trace_run *load(const char *name) {
    struct trace *trace;
    struct trace_run *run = NULL;
    int64_t id;

    CU_ASSERT_EQUAL_FATAL(trace_open_named(name, &trace, &id), TOOL_OK);
    CU_ASSERT_EQUAL_FATAL(trace_load(trace, id, &run), TOOL_OK);
    trace_close(trace);
    return run;
}

void make_small(const char *events, const char *more) {
    struct tool_text sql = {0};

    tool_text_addf(&sql, "%s%s%s%s", small_head, events, small_tail, more ? more : "");
    if (exists("small.db")) unlink("small.db");
    make_trace("small", sql.data);
    tool_text_free(&sql);
}

/* ---- Subcommands --------------------------------------------------------------------------- */

struct call {
    int (*function)(int, char **);
    int argc;
    char *argv[12];
};

static void perform(void *arg) {
    struct call *call = arg;

    if (!freopen("output", "w", stdout)) _exit(99);
    exit(call->function(call->argc, call->argv));
}

char *last_output, *last_error;

/* Calls a subcommand with the arguments up to NULL; returns its exit status, 128 + the signal for a
 * crash. */
int call(int (*function)(int, char **), ...) {
    struct call call = {.function = function, .argc = 1};
    va_list arguments;
    int status;

    call.argv[0] = (char *)(function == list_main    ? "list"
                            : function == stats_main ? "stats"
                            : function == diff_main  ? "diff"
                            : function == view_main  ? "view"
                                                     : "explain");
    va_start(arguments, function);
    while ((call.argv[call.argc] = va_arg(arguments, char *))) call.argc++;
    va_end(arguments);
    free(last_output);
    free(last_error);
    status = harness_child(perform, &call, &last_error);
    last_output = read_path("output");
    if (WIFSIGNALED(status)) return 128 + WTERMSIG(status);
    return WEXITSTATUS(status);
}

bool said(const char *words) {
    if (strstr(last_error, words)) return true;
    printf("standard error has no \"%s\": %s\n", words, last_error);
    return false;
}

/* One message, on one line (and the pointer to the help, after a wrong usage). */
bool said_once(const char *words) {
    const char *end = strchr(last_error, '\n');

    return said(words) && strncmp(last_error, "pirn: ", 6) == 0 && end &&
           (end[1] == '\0' || strncmp(end + 1, "try 'pirn ", 10) == 0);
}

/* ---- Golden files -------------------------------------------------------------------------- */

void compare(const char *name, const char *path) {
    char golden[8192], *expected, *written = read_path(path);

    CU_ASSERT_PTR_NOT_NULL_FATAL(written);
    snprintf(golden, sizeof golden, "%s/tests/golden/%s", source_dir, name);
    if (getenv("PIRN_GOLDEN_UPDATE")) write_path(golden, written, strlen(written));
    expected = read_path(golden);
    if (!expected || strcmp(expected, written) != 0) {
        char command[8300];

        CU_FAIL("differs from the golden file");
        snprintf(command, sizeof command, "diff '%s' '%s' | head -40", golden, path);
        fflush(stdout);
        if (system(command) < 0) puts("no diff");
    }
    free(expected);
    free(written);
}
