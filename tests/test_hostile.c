/*
 * test_hostile.c - traces that were made to cost more than a file of their size can hold: the reader
 * says what is wrong, once, in bounded time and memory. (What such a test takes is bounded by the
 * harness.)
 */
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/viz_support.h"
#include "viz/viz.h"

/* ---- Files that refer to themselves --------------------------------------------------------- */

enum { PAGE = 512, LEVELS = 9, TABLE_INTERIOR = 5, INDEX_INTERIOR = 2 };

static uint32_t get32(const unsigned char *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put32(unsigned char *at, uint32_t value) {
    for (int i = 0; i < 4; i++) at[i] = (unsigned char)(value >> (24 - 8 * i));
}

/* Lets all pointers of an inner page of a B-tree point at one page. */
static void point_at(unsigned char *page, uint32_t child) {
    unsigned count = page[3] * 256u + page[4];
    for (unsigned i = 0; i < count; i++)
        put32(page + page[12 + 2 * i] * 256 + page[13 + 2 * i], child);
    put32(page + 8, child);
}

/* Puts levels between the root of a table and its leaves, each a single page to which all of the one
 * above points: walking through takes for ever, and no page is damaged. */
static void tangle(const char *path, const char *table) {
    char sql[128];
    unsigned char *bytes, *root;
    sqlite3 *db;
    sqlite3_stmt *statement = NULL;
    uint32_t number, child, pages;
    FILE *file;

    execute(path, "PRAGMA page_size = 512; VACUUM");
    snprintf(sql, sizeof sql, "SELECT rootpage FROM sqlite_schema WHERE name = '%s'", table);
    CU_ASSERT_EQUAL_FATAL(sqlite3_open(path, &db), SQLITE_OK);
    CU_ASSERT_EQUAL(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    CU_ASSERT_EQUAL_FATAL(sqlite3_step(statement), SQLITE_ROW);
    number = (uint32_t)sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);

    file = fopen(path, "r+b");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fseek(file, 0, SEEK_END);
    pages = (uint32_t)(ftell(file) / PAGE);
    bytes = tool_alloc(pages + LEVELS, PAGE);
    rewind(file);
    CU_ASSERT_EQUAL(fread(bytes, PAGE, pages, file), pages);
    root = bytes + (size_t)(number - 1) * PAGE;
    CU_ASSERT_FATAL(root[0] == TABLE_INTERIOR || root[0] == INDEX_INTERIOR);
    child = get32(root + root[12] * 256 + root[13]);
    for (uint32_t i = 0; i < LEVELS; i++) {
        memcpy(bytes + (size_t)(pages + i) * PAGE, root, PAGE);
        point_at(bytes + (size_t)(pages + i) * PAGE, child);
        child = pages + i + 1;
    }
    point_at(root, child);
    put32(bytes + 28, pages + LEVELS);
    rewind(file);
    CU_ASSERT_EQUAL(fwrite(bytes, PAGE, pages + LEVELS, file), pages + LEVELS);
    fclose(file);
    free(bytes);
}

/* Enough rows of each kind that no table fits on one page. */
static const char many_rows[] =
    "WITH RECURSIVE n(i) AS (VALUES(100) UNION ALL SELECT i + 1 FROM n WHERE i < 199)"
    "INSERT INTO task SELECT 1, i, 1, 'task ' || i, 1, i, i, 'blocked', 0 FROM n;"
    "INSERT INTO object SELECT 1, id, 'channel', 'channel ' || id, 0, 8, 1 FROM task WHERE id >= "
    "100;"
    "INSERT INTO site SELECT id, 'p', id, 'f', 'p.c', id FROM task WHERE id >= 100;"
    "INSERT INTO event SELECT 1, id + 1000, id, 'select', id, 0, id, 0 FROM task WHERE id >= 100;"
    "INSERT INTO select_case SELECT 1, step, 0, 'recv', task FROM event WHERE step >= 1000;"
    "INSERT INTO select_case SELECT 1, step, 1, 'send', task FROM event WHERE step >= 1000;"
    "INSERT INTO edge SELECT 1, step, step + 1, 'message' FROM event WHERE step >= 1000 AND step < "
    "1190;"
    "INSERT INTO finding SELECT 1, id, 'leak', id + 1000, NULL, NULL, 'a message' FROM task WHERE "
    "id >= 100;"
    "INSERT INTO run SELECT id, 1, 'random', 1, 'pirn1:', 'ok', '', 1, 1, 1, 1, 1, 1, 1, NULL FROM "
    "task WHERE id >= 100;"
    "INSERT INTO call_order SELECT 1, 'send', id, 'recv', id, 1, 1 FROM task WHERE id >= 100;";

static void tangled_tables_are_refused(void) {
    static const struct {
        const char *table;
        int (*function)(int, char **);
    } cases[] = {
        {"task", explain_main},  {"object", explain_main}, {"site", view_main},
        {"event", view_main},    {"edge", view_main},      {"select_case", view_main},
        {"finding", stats_main}, {"finding", view_main},   {"run", list_main},
        {"run", explain_main},   {"run", stats_main},      {"call_order", coverage_main},
        {"site", coverage_main},
    };

    begin();
    make_trace("abba", NULL);
    execute("abba.db", many_rows);
    CU_ASSERT_EQUAL(call(view_main, "abba.db", NULL), TOOL_OK);
    CU_ASSERT_EQUAL(call(coverage_main, "abba.db", NULL), TOOL_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int status;
        execute("abba.db", "VACUUM INTO 'tangled.db'");
        tangle("tangled.db", cases[i].table);
        status = call(cases[i].function, "tangled.db", NULL);
        printf("%s: status %d: %s", cases[i].table, status, last_error);
        CU_ASSERT_EQUAL(status, TOOL_FAILED);
        CU_ASSERT(said_once("tangled.db: "));
        CU_ASSERT_EQUAL(remove("tangled.db"), 0);
    }
}

/* A column whose values are computed, and a table that is: what they cost has no bound. */
static void computed_tables_are_refused(void) {
    begin();
    make_trace("abba", NULL);
    execute("abba.db",
            "DROP TABLE certainty;"
            "CREATE TABLE certainty(run INTEGER PRIMARY KEY, step INTEGER, samples INTEGER,"
            " before INTEGER AS (zeroblob(60000000) LIKE zeroblob(40000)))");
    CU_ASSERT_EQUAL(call(explain_main, "abba.db", NULL), TOOL_FAILED);
    CU_ASSERT(said_once("tables that are computed"));
    make_trace("orders", NULL);
    execute("orders.db", "DROP TABLE certainty; PRAGMA writable_schema = ON;"
                         "INSERT INTO sqlite_schema VALUES('table', 'certainty', 'certainty', 0,"
                         " 'CREATE VIRTUAL TABLE certainty USING fts5(x)')");
    CU_ASSERT_EQUAL(call(list_main, "orders.db", NULL), TOOL_FAILED);
    CU_ASSERT(said_once("orders.db: "));
}

/* ---- Size ---------------------------------------------------------------------------------- */

/* What is named with each event must not be as long as the file. */
static void long_names_are_cut(void) {
    struct trace_run *run;

    begin();
    make_trace("abba", NULL);
    execute("abba.db",
            "UPDATE task SET name = printf('%100000s', 'x') || id;"
            "UPDATE object SET label = printf('%100000s', 'x'), kind = printf('%100000s', 'x');"
            "UPDATE event SET op = printf('%100000s', 'x');"
            "UPDATE site SET function = printf('%100000s', 'x') || id, file = 'p.c'");
    run = load("abba.db");
    for (size_t i = 0; i < run->task_count; i++) CU_ASSERT(strlen(run->tasks[i].name) < 1000);
    for (size_t i = 0; i < run->object_count; i++) CU_ASSERT(strlen(run->objects[i].name) < 1000);
    trace_run_free(run);
    CU_ASSERT_EQUAL(call(view_main, "--format=json", "abba.db", NULL), TOOL_OK);
    CU_ASSERT(strlen(last_output) < 100000);
    execute("abba.db", "UPDATE site SET file = printf('%100000s', '.c')");
    CU_ASSERT_EQUAL(call(view_main, "abba.db", NULL), TOOL_FAILED);
    CU_ASSERT(said_once("no path is that long"));
}

#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
/* A run that takes a large part of the memory is not begun with. */
static void runs_larger_than_memory_are_refused(void) {
    struct rlimit before, little = {.rlim_cur = 100 << 20};

    begin();
    make_trace("abba", NULL);
    execute("abba.db",
            "WITH RECURSIVE n(i) AS (VALUES(1000) UNION ALL SELECT i + 1 FROM n WHERE i < 600000)"
            "INSERT INTO event SELECT 1, i, 1, 'yield', NULL, 0, 1, 0 FROM n");
    CU_ASSERT_EQUAL(call(list_main, "abba.db", NULL), TOOL_OK);
    CU_ASSERT_EQUAL(getrlimit(RLIMIT_DATA, &before), 0);
    little.rlim_max = before.rlim_max;
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_DATA, &little), 0);
    CU_ASSERT_EQUAL(call(explain_main, "abba.db", NULL), TOOL_FAILED);
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_DATA, &before), 0);
    CU_ASSERT(said_once("needs more than 25 MiB of memory"));
    CU_ASSERT_EQUAL(call(explain_main, "abba.db", NULL), TOOL_OK);
}
#endif

static const struct test tests[] = {
    TEST_SECONDS(tangled_tables_are_refused, 120),
    TEST(computed_tables_are_refused),
    TEST(long_names_are_cut),
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
    TEST(runs_larger_than_memory_are_refused),
#endif
};

HARNESS(tests)
