/* test_page.c - the parts of the page that no browser is needed for. */
#include "tests/harness.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "viz/page.h"
#include "viz/tool.h"
#include "viz/trace.h"

/* ---- Digests and strings ------------------------------------------------------------------- */

static void check_hash(const char *bytes, size_t length, const char *wanted) {
    struct tool_text digest = {0};

    page_hash(&digest, bytes, length);
    CU_ASSERT_STRING_EQUAL(tool_text_string(&digest), wanted);
    tool_text_free(&digest);
}

/* The examples of FIPS 180-4, and lengths around those at which the padding needs another block
 * (these by another implementation). */
static void digests_are_those_of_the_standard(void) {
    char many[1000];

    memset(many, 'a', sizeof many);
    check_hash("", 0, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    check_hash("abc", 3, "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
    check_hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
               "JI1qYdIGOLjlwCaTDD5gOaM85Flk/yFn9uzt1BnbBsE=");
    check_hash(many, 55, "n0OQ+NMMLdkuyfCVtl4rmumwqSWlJY4kHJ8ekQ9zQxg=");
    check_hash(many, 63, "fT50oF19sVvOStnsBljqmOPwbu7PFrTG//LaRX3cLzQ=");
    check_hash(many, 64, "/+BU/nrgy23GXDr5th1SCfQ5hR20PQulmXM33xVGaOs=");
    check_hash(many, 1000, "Qe3s5C1j6Nm/UVqbppMuHCDLyfWl0TRkWttdsblzfqM=");
}

static void check_json(const char *string, const char *wanted) {
    struct tool_text json = {0};

    page_json_string(&json, string);
    CU_ASSERT_STRING_EQUAL(tool_text_string(&json), wanted);
    tool_text_free(&json);
}

static void json_may_stand_in_html(void) {
    check_json("", "\"\"");
    check_json("plain \xc3\xa9", "\"plain \xc3\xa9\"");
    check_json("\"></script>&", "\"\\\"\\u003e\\u003c/script\\u003e\\u0026\"");
    check_json("<!--\\", "\"\\u003c!--\\\\\"");
    check_json("a\xe2\x80\xa8"
               "b\xe2\x80\xa9",
               "\"a\\u2028b\\u2029\"");
    check_json("\xe2\x80", "\"\\ufffd\\ufffd\"");
    check_json("\n\x7f", "\"\\u000a\\u007f\"");
}

/* ---- The nearest passing run --------------------------------------------------------------- */

static char path[] = "/tmp/pirn-page-XXXXXX";

static void execute(sqlite3 *db, const char *sql) {
    char *error = NULL;

    sqlite3_exec(db, sql, NULL, NULL, &error);
    if (error) printf("%s\n", error);
    CU_ASSERT_PTR_NULL_FATAL(error);
}

static void add_schema(sqlite3 *db) {
    const char *source = getenv("srcdir");
    char name[4096], *text;
    FILE *file;
    size_t length;

    snprintf(name, sizeof name, "%s/traces/schema.sql", source ? source : ".");
    file = fopen(name, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    text = tool_alloc(1 << 20, 1);
    length = fread(text, 1, (1 << 20) - 1, file);
    CU_ASSERT(length > 0);
    fclose(file);
    execute(db, text);
    free(text);
}

/* A run whose events are those of the run before, but for step `differs` (0: none). */
static void add_run(sqlite3 *db, int id, int program, const char *outcome, int steps, int differs) {
    char *sql = sqlite3_mprintf(
        "INSERT INTO run VALUES(%d, %d, 'fifo', 1, 'pirn1:', %Q, '', %d, 1, 0, 0, 0, 0, 0, NULL);"
        "INSERT INTO task VALUES(%d, 1, NULL, 'main', NULL, 1, %d, 'runnable', 0);"
        "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
        "INSERT INTO event SELECT %d, i, 1, iif(i = %d, 'sleep', 'yield'), NULL, 0, NULL, 0 FROM n "
        "WHERE %d > 0",
        id, program, outcome, steps, id, steps, steps, id, differs, steps);

    execute(db, sql);
    sqlite3_free(sql);
}

static void check_nearest(int64_t id, int64_t wanted) {
    struct trace *trace;
    struct trace_run *run;
    int64_t nearest = -7;

    CU_ASSERT_EQUAL_FATAL(trace_open(path, &trace), TOOL_OK);
    CU_ASSERT_EQUAL_FATAL(trace_load(trace, id, &run), TOOL_OK);
    CU_ASSERT_EQUAL(page_nearest(trace, run, &nearest), TOOL_OK);
    CU_ASSERT_EQUAL(nearest, wanted);
    trace_run_free(run);
    trace_close(trace);
}

static void nearest_run_is_found(void) {
    sqlite3 *db;
    int fd = mkstemp(path);

    CU_ASSERT_FATAL(fd >= 0);
    close(fd);
    CU_ASSERT_EQUAL_FATAL(sqlite3_open(path, &db), SQLITE_OK);
    add_schema(db);
    execute(db,
            "INSERT INTO program VALUES(1, './p', '', '[]', '', ''), (2, './q', '', '[]', '', ''),"
            "(3, './p', '', '[]', '', '')");
    add_run(db, 1, 1, "panic", 20, 0);
    check_nearest(1, 0);
    add_run(db, 2, 2, "ok", 20, 0); /* of another program */
    add_run(db, 3, 1, "ok", 0, 0);  /* without its steps */
    add_run(db, 4, 1, "leak", 20, 0);
    check_nearest(1, 0);
    add_run(db, 5, 1, "ok", 20, 1); /* nothing in common is better than none */
    check_nearest(1, 5);
    add_run(db, 6, 1, "ok", 20, 7);
    add_run(db, 7, 3, "ok", 20, 12); /* the same program, explored again */
    add_run(db, 8, 1, "ok", 20, 12);
    check_nearest(1, 7);
    add_run(db, 9, 1, "ok", 15, 0);
    check_nearest(1, 9);
    check_nearest(4, 9);
    check_nearest(9, 0);
    CU_ASSERT_EQUAL(sqlite3_close(db), SQLITE_OK);
    unlink(path);
}

static const struct test tests[] = {
    TEST(digests_are_those_of_the_standard),
    TEST(json_may_stand_in_html),
    TEST(nearest_run_is_found),
};

HARNESS(tests)
