/*
 * trace.c - changes traces at random, and has the reader show them in every form.
 *
 *     tests/fuzz/trace SOURCE [ROUNDS [SEED]]
 *
 * A round fills a trace from one of SOURCE/tests/traces, changes some values of it to others that
 * are valid for the database, or some bytes of the file, and calls the subcommands that read traces.
 * Each is to show it, in the form that was asked for, or to say what is wrong with it: a crash, a
 * hang, any other status and what is not well-formed fail. Works in the current folder. The round
 * that failed leaves fuzz.db, and its seed is printed. Built with clang -fsanitize=fuzzer
 * -DPIRN_LIBFUZZER=1, the fuzzer says what is changed, to what values, in place of the seed; SOURCE
 * is what PIRN_FUZZ_SOURCE names.
 */
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/well_formed.h"
#include "viz/tool.h"
#include "viz/viz.h"

#define FILE_NAME "fuzz.db"
#define HANGS_AFTER 120 /* seconds, for all of a round */

#define COUNT(list) (sizeof(list) / sizeof *(list))

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

static const char *const fixtures[] = {"orders", "abba", "leak",   "panic",
                                       "group",  "race", "hostile"};

static void make_trace(const char *source, const char *fixture) {
    struct tool_text name = {0};
    tool_text_addf(&name, "tests/traces/%s.sql", fixture);
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

#if !PIRN_LIBFUZZER
static uint64_t state;

static uint64_t draw(uint64_t below) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (state >> 33) % below;
}

#define PICK(list) ((list)[draw(COUNT(list))])

/* Sets a column of one row, or of all, to a number or a word that stands elsewhere in traces, or in
 * none. What the database refuses changes nothing. */
static void change_values(void) {
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
#endif

/* ---- Showing it ---------------------------------------------------------------------------- */

enum form { TEXT, PLAIN, JSON, JSON_LINES, XML, PAGE };

static const struct {
    int (*main)(int, char **);
    enum form form;
    const char *arguments[5];
} calls[] = {
    {view_main, TEXT, {"view", "--format=txt", FILE_NAME}},
    {view_main, TEXT, {"view", "--format=dot", FILE_NAME}},
    {view_main, TEXT, {"view", "--format=dot", "--full", "--rows=causal", FILE_NAME}},
    {view_main, JSON_LINES, {"view", "--format=json", FILE_NAME}},
    {view_main, JSON, {"view", "--format=chrome", FILE_NAME}},
    {view_main, PLAIN, {"view", "--format=shiviz", FILE_NAME}},
    {view_main, PLAIN, {"view", "--format=mermaid", "--rows=causal", FILE_NAME}},
    {view_main, PAGE, {"view", "--format=html", FILE_NAME}},
    {view_main, TEXT, {"view", "--graph=wait-for", FILE_NAME}},
    {view_main, TEXT, {"view", "--graph=lock-order", FILE_NAME}},
    {view_main, TEXT, {"view", "--graph=channels", FILE_NAME}},
    {explain_main, TEXT, {"explain", FILE_NAME}},
    {explain_main, TEXT, {"explain", "--format=markdown", FILE_NAME}},
    {explain_main, PLAIN, {"explain", "--format=github", FILE_NAME}},
    {explain_main, XML, {"explain", "--format=junit", FILE_NAME}},
    {explain_main, JSON, {"explain", "--format=sarif", FILE_NAME}},
    {explain_main, JSON, {"explain", "--format=json", FILE_NAME}},
    {stats_main, PLAIN, {"stats", FILE_NAME}},
    {stats_main, JSON_LINES, {"stats", "--json", FILE_NAME}},
    {list_main, JSON_LINES, {"list", "--json", FILE_NAME}},
    {coverage_main, PLAIN, {"coverage", FILE_NAME}},
    {coverage_main, JSON_LINES, {"coverage", "--json", FILE_NAME}},
    {diff_main, PLAIN, {"diff", FILE_NAME, FILE_NAME}},
    {diff_main, TEXT, {"diff", "--format=dot", FILE_NAME, FILE_NAME}},
    {diff_main, JSON, {"diff", "--format=json", FILE_NAME, FILE_NAME}},
};
enum { CALLS = COUNT(calls) };

/* What the page's script reads is JSON, and ends where it was to. */
static bool is_page(char *text) {
    static const char begin[] = "id=\"data\">";
    char *data = strstr(text, begin), *end = data ? strstr(data, "</script") : NULL;
    const char *rest = end;
    int scripts = 0;
    if (!end) return false;
    for (const char *p = text; (p = strstr(p, "</script")); p++) scripts++;
    for (const char *p = text; (p = strstr(p, "<script")); p++) scripts++;
    *end = '\0';
    return scripts == 4 && rest && is_json(data + sizeof begin - 1, false);
}

static bool has_form(enum form form, char *text) {
    if (!*text) return form == JSON_LINES || form == PLAIN;
    switch (form) {
    case JSON:
    case JSON_LINES:
        return is_json(text, form == JSON_LINES);
    case XML:
        return is_xml(text) && is_plain(text);
    case PAGE:
        return is_page(text);
    case PLAIN:
        return is_plain(text);
    default:
        return true;
    }
}

/* Where standard output and standard error go meanwhile. */
static int written, told;

static void take_output(void) {
    written = memfd_create("output", MFD_CLOEXEC);
    told = memfd_create("messages", MFD_CLOEXEC);
    if (written < 0 || told < 0 || dup2(written, STDOUT_FILENO) < 0 ||
        dup2(told, STDERR_FILENO) < 0)
        exit(3);
}

/* What was written into a file, which is empty afterwards. The caller frees it. */
static char *take_written(int file) {
    off_t length = lseek(file, 0, SEEK_END);
    char *text = calloc(1, length < 0 ? 1 : (size_t)length + 1);
    if (!text || length < 0 || pread(file, text, (size_t)length, 0) != length ||
        ftruncate(file, 0) != 0 || lseek(file, 0, SEEK_SET) != 0)
        exit(3);
    return text;
}

/* Shows it in one form. Returns whether that is as it should be. */
static bool show_as(int call) {
    char *argv[6] = {NULL}, *output, *messages;
    int argc = 0, status;
    bool held;
    for (; argc < 5 && calls[call].arguments[argc]; argc++)
        argv[argc] = tool_copy(calls[call].arguments[argc]);
    status = calls[call].main(argc, argv);
    while (argc > 0) free(argv[--argc]);
    fflush(stdout);
    output = take_written(written);
    messages = take_written(told);
    held = is_plain(messages) &&
           (status == TOOL_OK ? has_form(calls[call].form, output)
                              : (status == TOOL_USAGE || status == TOOL_FAILED) &&
                                    !strncmp(messages, "pirn: ", 6));
    free(output);
    free(messages);
    return held;
}

/* In so many forms, from one on. Returns the number of the call that did what it should not, from
 * 1. */
static int show(int from, int count) {
    for (int i = from; i < from + count; i++)
        if (!show_as(i % CALLS)) return i % CALLS + 1;
    return 0;
}

#if PIRN_LIBFUZZER
/* ---- What the fuzzer wants ----------------------------------------------------------------- */

static struct {
    unsigned char *bytes;
    size_t size;
} made[COUNT(fixtures)];

/* Where the sanitizers write, whatever standard error is. */
void __sanitizer_set_report_fd(void *fd);

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    __sanitizer_set_report_fd((void *)(intptr_t)dup(STDERR_FILENO));
    for (size_t i = 0; i < COUNT(fixtures); i++) {
        struct stat status;
        int fd;
        make_trace(getenv("PIRN_FUZZ_SOURCE"), fixtures[i]);
        fd = open(FILE_NAME, O_RDONLY);
        if (fd < 0 || fstat(fd, &status) != 0) fail("cannot open " FILE_NAME);
        made[i].size = (size_t)status.st_size;
        made[i].bytes = malloc(made[i].size);
        if (!made[i].bytes || read(fd, made[i].bytes, made[i].size) != status.st_size)
            fail("cannot read " FILE_NAME);
        close(fd);
    }
    return 0;
}

struct input {
    const uint8_t *at, *end;
};

static unsigned take(struct input *in) { return in->at < in->end ? *in->at++ : 0; }

static int64_t take_number(struct input *in, unsigned bytes) {
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++) value |= (uint64_t)take(in) << 8 * i;
    return bytes == 1 ? (int8_t)value : (int64_t)value;
}

/* The next value: its kind, and its bytes. */
static void bind_value(sqlite3_stmt *statement, struct input *in) {
    unsigned kind = take(in);
    size_t length = kind % 64, rest = (size_t)(in->end - in->at);
    if (kind >= 64 && kind < 128) {
        sqlite3_bind_int64(statement, 1, take_number(in, 1));
        return;
    }
    if (kind >= 128 && kind < 144) {
        sqlite3_bind_int64(statement, 1, take_number(in, 8));
        return;
    }
    if (kind >= 252) return; /* NULL */
    if (length > rest) length = rest;
    if (kind >= 248)
        sqlite3_bind_blob(statement, 1, in->at, (int)length, SQLITE_TRANSIENT);
    else
        sqlite3_bind_text(statement, 1, (const char *)in->at, (int)length, SQLITE_TRANSIENT);
    in->at += length;
}

/* Column, row (255: all) and value, again and again. */
static void change_rows(struct input *in) {
    sqlite3 *db;
    if (sqlite3_open(FILE_NAME, &db) != SQLITE_OK) fail("cannot open " FILE_NAME);
    sqlite3_exec(db, "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF; BEGIN", NULL, NULL,
                 NULL);
    while (in->at < in->end) {
        const char *const *column = columns[take(in) % COUNT(columns)];
        unsigned row = take(in);
        struct tool_text sql = {0};
        sqlite3_stmt *statement;
        tool_text_addf(&sql, "UPDATE OR IGNORE %s SET %s = ?1", column[0], column[1]);
        if (row < 255)
            tool_text_addf(&sql, " WHERE %s IS (SELECT %s FROM %s LIMIT 1 OFFSET %u)", column[1],
                           column[1], column[0], row);
        if (sqlite3_prepare_v2(db, sql.data, -1, &statement, NULL) != SQLITE_OK)
            fail(sqlite3_errmsg(db));
        bind_value(statement, in);
        sqlite3_step(statement);
        sqlite3_finalize(statement);
        tool_text_free(&sql);
    }
    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(db);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = {data, data + size};
    unsigned first = take(&in), fixture = first % COUNT(fixtures);
    int from = (int)take(&in) % CALLS;
    int fd = open(FILE_NAME, O_RDWR | O_CREAT | O_TRUNC, 0600), wrong;
    int kept[2] = {dup(STDOUT_FILENO), dup(STDERR_FILENO)};
    size_t length = made[fixture].size;
    unsigned char *bytes = malloc(length);
    if (fd < 0 || !bytes) abort();
    memcpy(bytes, made[fixture].bytes, length);
    /* Either bytes of the file, or values in its rows. */
    while (first >= 192 && in.at < in.end) {
        size_t at = (size_t)(uint16_t)take_number(&in, 2) * 2;
        bytes[100 + (at + take(&in) % 2) % (length - 100)] = (unsigned char)take(&in);
    }
    if (write(fd, bytes, length) != (ssize_t)length) abort();
    close(fd);
    free(bytes);
    if (first < 192) change_rows(&in);
    take_output();
    wrong = show(from, 4);
    dup2(kept[0], STDOUT_FILENO);
    dup2(kept[1], STDERR_FILENO);
    close(kept[0]);
    close(kept[1]);
    close(written);
    close(told);
    if (!wrong) return 0;
    fprintf(stderr, "%s %s\n", calls[wrong - 1].arguments[0], calls[wrong - 1].arguments[1]);
    abort();
}
#else
static bool survives(void) {
    int status;
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) fail("cannot fork");
    if (child == 0) {
        alarm(HANGS_AFTER);
        take_output();
        exit(show(0, CALLS));
    }
    if (waitpid(child, &status, 0) != child) fail("cannot wait");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
    if (WIFSIGNALED(status))
        printf("signal %d\n", WTERMSIG(status));
    else if (WEXITSTATUS(status) <= CALLS)
        printf("%s %s: a wrong status or form\n", calls[WEXITSTATUS(status) - 1].arguments[0],
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
        make_trace(argv[1], PICK(fixtures));
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
#endif
