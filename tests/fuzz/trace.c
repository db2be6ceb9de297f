/*
 * trace.c - changes traces at random, and has the reader show them in every form.
 *
 *     tests/fuzz/trace SOURCE [ROUNDS [SEED]]
 *
 * A round fills a trace from one of SOURCE/tests/traces, changes some values of it to others that
 * are valid for the database, or some bytes of the file, and calls the subcommands that read traces.
 * Each is to show it, or to say what is wrong with it: a crash, a hang or any other status fails.
 * Works in the current folder. The round that failed leaves fuzz.db, and its seed is printed.
 */
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "viz/tool.h"
#include "viz/viz.h"

#define FILE_NAME "fuzz.db"
#define HANGS_AFTER 120 /* seconds, for all of a round */

static uint64_t state;

static uint64_t draw(uint64_t below) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (state >> 33) % below;
}

#define PICK(list) ((list)[draw(sizeof(list) / sizeof *(list))])

static void fail(const char *what) {
    fprintf(stderr, "fuzz: %s\n", what);
    exit(3);
}

/* ---- A trace ------------------------------------------------------------------------------- */

static char *read_text(const char *source, const char *name) {
    struct tool_text path = {0}, text = {0};
    char buffer[4096];
    size_t n;
    tool_text_addf(&path, "%s/%s", source, name);
    FILE *file = fopen(path.data, "r");
    if (!file) fail(path.data);
    while ((n = fread(buffer, 1, sizeof buffer, file)) > 0) tool_text_add_bytes(&text, buffer, n);
    fclose(file);
    tool_text_free(&path);
    return text.data;
}

static void make_trace(const char *source) {
    static const char *const fixtures[] = {"orders", "abba", "leak",   "panic",
                                           "group",  "race", "hostile"};
    struct tool_text name = {0};
    tool_text_addf(&name, "tests/traces/%s.sql", PICK(fixtures));
    char *schema = read_text(source, "traces/schema.sql"), *rows = read_text(source, name.data);
    sqlite3 *db;
    unlink(FILE_NAME);
    if (sqlite3_open(FILE_NAME, &db) != SQLITE_OK) fail("cannot make " FILE_NAME);
    /* Nothing has to outlast a crash of the machine. */
    sqlite3_exec(db, "PRAGMA synchronous = OFF", NULL, NULL, NULL);
    if (sqlite3_exec(db, schema, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(db, rows, NULL, NULL, NULL) != SQLITE_OK)
        fail(sqlite3_errmsg(db));
    sqlite3_close(db);
    free(schema);
    free(rows);
    tool_text_free(&name);
}

/* Sets a column of one row, or of all, to a number or a word that stands elsewhere in traces, or in
 * none. What the database refuses changes nothing. */
static void change_values(void) {
    static const char *const columns[][2] = {
        {"event", "task"},         {"event", "op"},         {"event", "object"},
        {"event", "result"},       {"event", "site"},       {"event", "time"},
        {"event", "step"},         {"edge", "before"},      {"edge", "after"},
        {"edge", "kind"},          {"task", "parent"},      {"task", "name"},
        {"task", "state"},         {"task", "site"},        {"task", "daemon"},
        {"object", "kind"},        {"object", "label"},     {"object", "capacity"},
        {"object", "id"},          {"select_case", "step"}, {"select_case", "op"},
        {"select_case", "object"}, {"finding", "kind"},     {"finding", "step"},
        {"finding", "other_step"}, {"finding", "object"},   {"finding", "message"},
        {"site", "line"},          {"site", "file"},        {"site", "function"},
        {"run", "outcome"},        {"run", "steps"},        {"run", "message"},
        {"program", "arguments"},
    };
    static const char *const values[] = {
        "NULL",
        "0",
        "1",
        "2",
        "3",
        "5",
        "-1",
        "-32",
        "-11",
        "9223372036854775807",
        "-9223372036854775808",
        "''",
        "'lock'",
        "'unlock'",
        "'rlock'",
        "'send'",
        "'recv'",
        "'select'",
        "'wait'",
        "'close'",
        "'fire'",
        "'exit'",
        "'start'",
        "'go'",
        "'acquire'",
        "'add'",
        "'done'",
        "'read'",
        "'write'",
        "'channel'",
        "'mutex'",
        "'memory'",
        "'waitgroup'",
        "'timer'",
        "'message'",
        "'race'",
        "'deadlock'",
        "'leak'",
        "'ok'",
        "'exited'",
        "'blocked'",
        "'\"><script>'",
        "'\\N```%n%s'",
        "char(27, 10, 0, 55296)",
        "printf('%5000s', 'x')",
        "abs(random() % 40)",
        "abs(random() % 4)",
    };
    sqlite3 *db;
    if (sqlite3_open(FILE_NAME, &db) != SQLITE_OK) fail("cannot open " FILE_NAME);
    for (uint64_t i = 0, count = 1 + draw(12); i < count; i++) {
        struct tool_text sql = {0};
        const char *const *column = PICK(columns);
        /* random() of the database would not come back with the seed. */
        uint64_t number = draw(40);
        const char *value = PICK(values);
        tool_text_addf(&sql, "UPDATE OR REPLACE %s SET %s = ", column[0], column[1]);
        if (strstr(value, "random"))
            tool_text_addf(&sql, "%d", (int)number);
        else
            tool_text_add(&sql, value);
        if (draw(4) > 0)
            tool_text_addf(&sql, " WHERE %s IS (SELECT %s FROM %s LIMIT 1 OFFSET %d)", column[1],
                           column[1], column[0], (int)draw(40));
        sqlite3_exec(db, sql.data, NULL, NULL, NULL);
        tool_text_free(&sql);
    }
    sqlite3_close(db);
}

static void change_bytes(void) {
    int fd = open(FILE_NAME, O_RDWR);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) fail("cannot open " FILE_NAME);
    for (uint64_t i = 0, count = 1 + draw(30); i < count; i++) {
        unsigned char byte = (unsigned char)draw(256);
        if (pwrite(fd, &byte, 1, (off_t)(100 + draw((uint64_t)status.st_size - 100))) != 1)
            fail("cannot write to " FILE_NAME);
    }
    close(fd);
}

/* ---- Showing it ---------------------------------------------------------------------------- */

static const struct {
    int (*main)(int, char **);
    const char *arguments[5];
} calls[] = {
    {view_main, {"view", "--format=txt", FILE_NAME}},
    {view_main, {"view", "--format=dot", FILE_NAME}},
    {view_main, {"view", "--format=dot", "--full", "--rows=causal", FILE_NAME}},
    {view_main, {"view", "--format=json", FILE_NAME}},
    {view_main, {"view", "--format=chrome", FILE_NAME}},
    {view_main, {"view", "--format=shiviz", FILE_NAME}},
    {view_main, {"view", "--format=mermaid", "--rows=causal", FILE_NAME}},
    {view_main, {"view", "--graph=wait-for", FILE_NAME}},
    {view_main, {"view", "--graph=lock-order", FILE_NAME}},
    {view_main, {"view", "--graph=channels", FILE_NAME}},
    {explain_main, {"explain", FILE_NAME}},
    {explain_main, {"explain", "--format=markdown", FILE_NAME}},
    {explain_main, {"explain", "--format=github", FILE_NAME}},
    {explain_main, {"explain", "--format=junit", FILE_NAME}},
    {explain_main, {"explain", "--format=sarif", FILE_NAME}},
    {explain_main, {"explain", "--format=json", FILE_NAME}},
    {stats_main, {"stats", FILE_NAME}},
    {stats_main, {"stats", "--json", FILE_NAME}},
    {list_main, {"list", "--json", FILE_NAME}},
    {diff_main, {"diff", FILE_NAME, FILE_NAME}},
    {diff_main, {"diff", "--format=dot", FILE_NAME, FILE_NAME}},
};
enum { CALLS = sizeof calls / sizeof *calls };

/* The child's status is the number of the call that returned what it should not, from 1. */
static int show(void) {
    int null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
        return CALLS + 1;
    for (int i = 0; i < CALLS; i++) {
        char *argv[6] = {NULL};
        int argc = 0, status;
        for (; argc < 5 && calls[i].arguments[argc]; argc++)
            argv[argc] = tool_copy(calls[i].arguments[argc]);
        status = calls[i].main(argc, argv);
        while (argc > 0) free(argv[--argc]);
        if (status != TOOL_OK && status != TOOL_USAGE && status != TOOL_FAILED) return i + 1;
    }
    return 0;
}

static bool survives(void) {
    int status;
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) fail("cannot fork");
    if (child == 0) {
        alarm(HANGS_AFTER);
        exit(show());
    }
    if (waitpid(child, &status, 0) != child) fail("cannot wait");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
    if (WIFSIGNALED(status))
        printf("signal %d\n", WTERMSIG(status));
    else if (WEXITSTATUS(status) <= CALLS)
        printf("%s %s: a wrong status\n", calls[WEXITSTATUS(status) - 1].arguments[0],
               calls[WEXITSTATUS(status) - 1].arguments[1]);
    else
        printf("status %d\n", WEXITSTATUS(status));
    return false;
}

int main(int argc, char **argv) {
    if (argc < 2 || argc > 4) {
        fputs("usage: trace SOURCE [ROUNDS [SEED]]\n", stderr);
        return 2;
    }
    uint64_t rounds = argc > 2 ? strtoull(argv[2], NULL, 0) : 100,
             seed = argc > 3 ? strtoull(argv[3], NULL, 0) : 1;
    for (uint64_t round = 0; round < rounds; round++, seed++) {
        state = seed;
        draw(1);
        make_trace(argv[1]);
        if (draw(8) == 0)
            change_bytes();
        else
            change_values();
        if (survives()) continue;
        printf("failed with seed %llu: tests/fuzz/trace SOURCE 1 %llu\n", (unsigned long long)seed,
               (unsigned long long)seed);
        return 1;
    }
    unlink(FILE_NAME);
    printf("%llu traces were shown or refused\n", (unsigned long long)rounds);
    return 0;
}
