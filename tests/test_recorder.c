/* test_recorder.c - runs into rows: what a trace holds, who else may write to it, and what is
 * done with files that are none. */
#include "tests/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/core/engine.h"
#include "lib/core/program.h"
#include "sim/recorder.h"
#include "sim/task_names.h"

enum { MANY_STEPS = 2000 };

/* ---- Files --------------------------------------------------------------------------------- */

static char folder[64];
static char file[128]; /* the trace of the test */

static void begin(void) {
    strcpy(folder, "/tmp/pirn-recorder-XXXXXX");
    if (!mkdtemp(folder)) abort();
    chmod(folder, 0777);
    snprintf(file, sizeof file, "%s/trace.db", folder);
}

static void end(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    CU_ASSERT_EQUAL(harness_command(command, 10, NULL, NULL), 0);
}

/* What is in the file, with its length; the caller frees it. */
static char *contents(size_t *length) {
    FILE *in = fopen(file, "rb");
    char *bytes = calloc(1, 1 << 20);
    *length = in ? fread(bytes, 1, 1 << 20, in) : 0;
    if (in) fclose(in);
    return bytes;
}

static void write_file(const char *bytes, size_t length) {
    FILE *out = fopen(file, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    CU_ASSERT_EQUAL(fwrite(bytes, 1, length, out), length);
    fclose(out);
}

/* The first column of the first row, as text; "" for none. Valid until the next call. */
static const char *query(const char *sql) {
    static char value[1024];
    sqlite3 *db;
    sqlite3_stmt *statement = NULL;
    value[0] = '\0';
    sqlite3_open(file, &db);
    sqlite3_busy_timeout(db, 5000);
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL))
        snprintf(value, sizeof value, "error: %s", sqlite3_errmsg(db));
    else if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_text(statement, 0))
        snprintf(value, sizeof value, "%s", (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
}

static void expect(const char *sql, const char *value) {
    const char *found = query(sql);
    if (strcmp(found, value)) fprintf(stderr, "%s\n  is '%s', not '%s'\n", sql, found, value);
    CU_ASSERT_STRING_EQUAL(found, value);
}

static void expect_sound(void) {
    expect("PRAGMA integrity_check", "ok");
    expect("PRAGMA application_id", "1346982478");
    expect("PRAGMA user_version", "1");
}

/* ---- Logs ---------------------------------------------------------------------------------- */

/* Functions of tasks, and places: code that symbol_resolve knows. */
static __attribute__((noinline)) void serve(void *arg) { *(volatile int *)arg = 1; }
static __attribute__((noinline)) void fetch(void *arg) { *(volatile int *)arg = 2; }

static const void *place(void (*function)(void *)) { return (const char *)(uintptr_t)function + 1; }

static void add_event(struct log *log, uint32_t task, enum op op, uint32_t object, int64_t result,
                      const void *site) {
    log->events[log->steps++] = (struct log_event){.task = task,
                                                   .object = object,
                                                   .op = (uint8_t)op,
                                                   .has_result = true,
                                                   .result = result,
                                                   .site = site};
}

static void add_task(struct log *log, uint32_t parent, const char *name, void (*function)(void *)) {
    struct log_task *task = &log->task_table[log->tasks++];
    *task = (struct log_task){.parent = parent,
                              .first_step = 1,
                              .last_step = 2,
                              .function = (const void *)(uintptr_t)function};
    snprintf(task->name, sizeof task->name, "%s", name);
}

/* A run in which main receives from a channel to which nobody sends. */
static struct log *deadlock(void) {
    struct log *log = log_new(MANY_STEPS);
    CU_ASSERT_PTR_NOT_NULL_FATAL(log);
    log_reset(log);
    add_task(log, 0, "", serve);
    add_task(log, 1, "", fetch);
    log->task_table[0].state = LOG_BLOCKED;
    add_event(log, 1, OP_START, 0, 0, NULL);
    add_event(log, 1, OP_GO, 0, 2, place(serve));
    add_event(log, 2, OP_START, 0, 0, place(fetch));
    add_event(log, 2, OP_EXIT, 0, 0, NULL);
    add_event(log, 1, OP_RECV, 1, 0, place(serve));
    log->events[4].has_result = false;
    log->events[4].time = 7;
    log->objects[log->object_count++] = (struct log_object){
        .kind = OBJECT_CHAN, .labelled = true, .label = "answers", .capacity = 3, .value_size = 8};
    log->objects[log->object_count++] =
        (struct log_object){.kind = OBJECT_MUTEX, .site = place(fetch)};
    log->edges[log->edge_count++] = (struct log_edge){2, 3, EDGE_GO};
    log->cases[log->case_count++] = (struct log_case){5, 0, 1, OP_RECV};
    log->cases[log->case_count++] = (struct log_case){5, 1, 0, OP_SEND};
    log_find(log, PIRN_DEADLOCK, 5, 1, NULL, "main waits\nfor ever");
    strcpy(log->message, "1 task is\nblocked");
    log->outcome = PIRN_DEADLOCK;
    log->seed = UINT64_MAX;
    log->graph = 42;
    log->finished = true;
    return log;
}

/* A run of so many steps that go right. */
static struct log *fine(uint64_t steps) {
    struct log *log = log_new(MANY_STEPS);
    log_reset(log);
    add_task(log, 0, "", serve);
    for (uint64_t i = 0; i < steps; i++) add_event(log, 1, OP_YIELD, 0, 0, place(serve));
    log->finished = true;
    return log;
}

static struct recorder *open_trace(void) {
    char message[512] = "";
    int error = 0;
    struct recorder *recorder = recorder_open(file, message, sizeof message, &error);
    if (!recorder) fprintf(stderr, "%s\n", message);
    CU_ASSERT_PTR_NOT_NULL_FATAL(recorder);
    return recorder;
}

/* ---- What is recorded ---------------------------------------------------------------------- */

static void a_run_is_recorded(void) {
    struct log *log = deadlock();
    int64_t id = 0;
    begin();
    struct recorder *recorder = open_trace();
    CU_ASSERT_EQUAL(recorder_add(recorder, log, "random", "pirn1:x", true, &id), 0);
    CU_ASSERT_EQUAL(id, 1);
    CU_ASSERT_EQUAL(recorder_close(recorder, NULL, 0), 0);
    expect_sound();
    expect("SELECT group_concat(strategy || seed || schedule || outcome || message || steps || "
           "tasks || graph) FROM run",
           "random-1pirn1:xdeadlock1 task is blocked5242");
    expect("SELECT group_concat(name || coalesce(parent, '') || state || daemon) FROM task",
           "main"
           "blocked0,fetch1exited0");
    expect("SELECT group_concat(step || task || op || coalesce(object, '') || coalesce(result, "
           "'-'), ' ') FROM event",
           "11start0 21go2 32start0 42exit0 51recv1-");
    expect("SELECT time FROM event WHERE step = 5", "7");
    /* Compilers differ in whether they record the whole path. */
    expect(
        "SELECT function || ' ' || (file LIKE '%test_recorder.c') || ' ' || (line > 0) FROM site "
        "JOIN event ON site.id = site WHERE step = 3",
        "fetch 1 1");
    expect("SELECT group_concat(kind || coalesce(label, '-') || coalesce(capacity, '') || "
           "coalesce(value_size, '')) FROM object",
           "channelanswers38,mutex-");
    expect("SELECT count(*) FROM object WHERE site IS NOT NULL", "1");
    expect("SELECT group_concat(before || after || kind) FROM edge", "23go");
    expect("SELECT group_concat(step || position || op || coalesce(object, '-')) FROM select_case",
           "50recv1,51send-");
    expect("SELECT kind || step || object || message || coalesce(other_step, '-') FROM finding",
           "deadlock51main waits for ever-");
    expect("SELECT count(*) FROM site", "2");
    log_free(log);
    end();
}

static void a_run_in_short_has_one_row(void) {
    struct log *log = deadlock();
    int64_t id = 0;
    begin();
    struct recorder *recorder = open_trace();
    CU_ASSERT_EQUAL(recorder_add(recorder, log, "fifo", "pirn1:x", false, &id), 0);
    CU_ASSERT_EQUAL(recorder_close(recorder, NULL, 0), 0);
    expect("SELECT count(*) FROM run", "1");
    expect("SELECT (SELECT count(*) FROM task) + (SELECT count(*) FROM event) + (SELECT count(*) "
           "FROM finding)",
           "0");
    log_free(log);
    end();
}

static void the_program_is_recorded(void) {
    char path[4096] = "";
    begin();
    CU_ASSERT_EQUAL(recorder_close(open_trace(), NULL, 0), 0);
    CU_ASSERT(readlink("/proc/self/exe", path, sizeof path - 1) > 0);
    expect("SELECT path FROM program", path);
    expect("SELECT build_id FROM program", program_build_id());
    expect("SELECT json_array_length(arguments) >= 1 FROM program", "1");
    expect("SELECT pirn_version FROM program", PIRN_VERSION);
    expect("SELECT started_at GLOB '20[0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-9][0-9]:*Z' FROM program",
           "1");
    end();
}

static void builds_are_told_apart(void) {
    char one[PROGRAM_BUILD_ID], other[PROGRAM_BUILD_ID];
    begin();
    write_file("#!/bin/sh\n", 10);
    CU_ASSERT_EQUAL(program_build_id_of(file, one), 0);
    write_file("#!/bin/sh\n\n", 11);
    CU_ASSERT_EQUAL(program_build_id_of(file, other), 0);
    CU_ASSERT(!strncmp(one, "fnv1a:", 6) && strcmp(one, other));
    CU_ASSERT_NOT_EQUAL(program_fingerprint_of(one), program_fingerprint_of(other));
    CU_ASSERT_EQUAL(program_build_id_of("/proc/self/exe", one), 0);
    CU_ASSERT_STRING_EQUAL(one, program_build_id());
    write_file("\177ELF\2\1\1", 7); /* cut short */
    CU_ASSERT_EQUAL(program_build_id_of(file, one), 0);
    unlink(file);
    CU_ASSERT_EQUAL(program_build_id_of(file, one), -ENOENT);
    end();
}

static void names_are_unique(void) {
    static const char *const wanted[] = {"",     "work", "work", "serve", "work.2",
                                         "main", "work", "",     ""};
    struct log *log = fine(1);
    int64_t id;
    begin();
    struct recorder *recorder = open_trace();
    for (size_t i = 1; i < sizeof wanted / sizeof *wanted; i++)
        add_task(log, 1, wanted[i], i == 8 ? NULL : fetch);
    CU_ASSERT_EQUAL(recorder_add(recorder, log, "fifo", "", true, &id), 0);
    CU_ASSERT_EQUAL(recorder_close(recorder, NULL, 0), 0);
    expect("SELECT group_concat(name, ' ') FROM task",
           "main work.1 work.3 serve work.2 main.1 work.4 fetch task");
    log_free(log);
    end();
}

static void many_tasks_have_names_quickly(void) {
    enum { TASKS = 100000 };
    const char **base = calloc(TASKS, sizeof *base);
    char name[TASK_NAME];
    for (int i = 0; i < TASKS; i++) base[i] = i % 2 ? "left" : "right";
    struct task_names *names = task_names_new(base, TASKS);
    CU_ASSERT_PTR_NOT_NULL_FATAL(names);
    for (size_t i = 0; i < TASKS; i++) task_names_next(names, i, name);
    CU_ASSERT_STRING_EQUAL(name, "left.50000");
    task_names_free(names);
    free(base);
}

static void an_overwritten_log_does_no_harm(void) {
    struct log *log = deadlock();
    int64_t id;
    begin();
    struct recorder *recorder = open_trace();
    log->events[0].op = 255;
    log->events[1].site = (const void *)(uintptr_t)0x1234567;
    log->edges[0].kind = 255;
    log->cases[0].op = 255;
    log->objects[0].kind = 255;
    log->task_table[0].state = 255;
    log->findings[0].kind = 255;
    memset(log->task_table[1].name, 0xee, LOG_NAME);
    memset(log->objects[0].label, 0xee, LOG_NAME);
    memset(log->findings[0].message, 0xee, LOG_MESSAGE);
    memset(log->message, 0xee, LOG_MESSAGE);
    log->outcome = (pirn_outcome)77;
    log->steps = log->tasks = log->edge_count = log->case_count = log->object_count =
        log->finding_count = UINT64_MAX;
    CU_ASSERT_EQUAL(recorder_add(recorder, log, "fifo", "", true, &id), 0);
    CU_ASSERT_EQUAL(recorder_close(recorder, NULL, 0), 0);
    expect_sound();
    log_free(log);
    end();
}

/* ---- Several writers, and sudden ends ------------------------------------------------------ */

static void two_may_record_into_one_file(void) {
    struct log *log = deadlock();
    int64_t id, last = 0;
    begin();
    struct recorder *one = open_trace(), *other = open_trace();
    for (int i = 0; i < 20; i++) {
        struct recorder *recorder = i % 2 ? one : other;
        CU_ASSERT_EQUAL(recorder_add(recorder, log, "fifo", "", true, &id), 0);
        CU_ASSERT_EQUAL(id, ++last);
        CU_ASSERT_EQUAL(recorder_commit(recorder), 0);
    }
    CU_ASSERT_EQUAL(recorder_close(one, NULL, 0), 0);
    CU_ASSERT_EQUAL(recorder_close(other, NULL, 0), 0);
    expect_sound();
    expect("SELECT count(*) FROM run", "20");
    expect("SELECT count(DISTINCT program) FROM run", "2");
    expect("SELECT count(*) FROM site", "2");
    expect("SELECT count(*) FROM event", "100");
    log_free(log);
    end();
}

/* More runs in one transaction than are written at once, and of each kind of row too. */
static void many_runs_in_one_transaction_keep_their_rows(void) {
    enum { RUNS = 1500 };
    struct log *log = deadlock(), *short_log = fine(1);
    int64_t id;
    begin();
    struct recorder *recorder = open_trace();
    for (int i = 1; i <= RUNS; i++) {
        /* What is collected must not depend on what becomes of the log. */
        log->seed = (uint64_t)i;
        log->events[0].time = i;
        log->edges[0].before = (uint32_t)(2 + i % 2);
        snprintf(log->objects[0].label, LOG_NAME, "label %d", i);
        snprintf(log->task_table[1].name, LOG_NAME, "task %d", i);
        CU_ASSERT_EQUAL(recorder_add(recorder, i % 3 ? log : short_log, "fifo", "", true, &id), 0);
        CU_ASSERT_EQUAL(id, i);
    }
    CU_ASSERT_EQUAL(recorder_close(recorder, NULL, 0), 0);
    expect_sound();
    expect("SELECT count(*) FROM run", "1500");
    expect("SELECT count(*) FROM event", "5500");
    expect("SELECT count(*) || ' ' || min(run) || ' ' || max(run) FROM event WHERE run % 3 = 0",
           "500 3 1500");
    expect("SELECT count(*) FROM event JOIN run ON run.id = run WHERE step = 1 AND time = run "
           "AND seed = run",
           "1000");
    expect("SELECT count(*) FROM task WHERE name = 'task ' || run", "1000");
    expect("SELECT count(*) FROM object WHERE label = 'label ' || run", "1000");
    expect("SELECT count(*) FROM edge WHERE before = 2 + run % 2 AND kind = 'go'", "1000");
    expect("SELECT count(*) FROM select_case", "2000");
    expect("SELECT count(*) FROM finding", "1000");
    log_free(log);
    log_free(short_log);
    end();
}

static void a_trace_is_added_to(void) {
    struct log *log = fine(3);
    int64_t id;
    begin();
    for (int i = 1; i <= 3; i++) {
        struct recorder *recorder = open_trace();
        CU_ASSERT_EQUAL(recorder_add(recorder, log, "fifo", "", true, &id), 0);
        CU_ASSERT_EQUAL(id, i);
        CU_ASSERT_EQUAL(recorder_close(recorder, NULL, 0), 0);
    }
    expect("SELECT count(*) FROM site", "1");
    log_free(log);
    end();
}

/* Records until it is killed; says how many runs are safe. */
static void record_for_ever(int report) {
    struct log *log = fine(500);
    struct recorder *recorder = open_trace();
    for (int64_t id;;) {
        if (recorder_add(recorder, log, "fifo", "", true, &id) ||
            (id % 3 == 0 && recorder_commit(recorder)))
            _exit(1);
        if (id % 3 == 0 && write(report, &id, sizeof id) != (ssize_t)sizeof id) _exit(1);
    }
}

static void what_was_committed_outlives_a_kill(void) {
    begin();
    for (int i = 0; i < 30; i++) {
        int ends[2];
        int64_t id, safe = 0;
        char sql[128], count[32];
        CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) record_for_ever(ends[1]);
        close(ends[1]);
        usleep((useconds_t)(1000 + 1500 * i));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(ends[0], &id, sizeof id) == (ssize_t)sizeof id) safe = id;
        close(ends[0]);
        if (safe == 0 && access(file, F_OK)) continue;
        expect("PRAGMA integrity_check", "ok");
        snprintf(count, sizeof count, "%lld", (long long)safe);
        snprintf(sql, sizeof sql, "SELECT count(*) FROM run WHERE id <= %s", count);
        if (safe) expect(sql, count);
    }
    expect("SELECT count(*) FROM run WHERE (SELECT count(*) FROM event WHERE run = id) <> 500",
           "0");
    end();
}

/* Adds runs until it fails: in a child, whose files may not grow beyond a bound. */
static void fill(void *arg) {
    struct rlimit limit = {300000, 300000};
    struct log *log = fine(500);
    struct recorder *recorder;
    int64_t id, safe = 0;
    int rc = 0;
    (void)arg;
    signal(SIGXFSZ, SIG_IGN);
    if (!(recorder = open_trace()) || setrlimit(RLIMIT_FSIZE, &limit)) _exit(1);
    for (int i = 0; i < 1000 && !rc; i++) {
        rc = recorder_add(recorder, log, "fifo", "", true, &id);
        if (!rc) rc = recorder_commit(recorder);
        if (!rc) safe = id;
    }
    if (rc != -EIO || safe < 2 || !strstr(recorder_error(recorder), file)) _exit(2);
    if (recorder_add(recorder, log, "fifo", "", true, &id) != -EIO ||
        recorder_commit(recorder) != -EIO)
        _exit(3);
    if (recorder_close(recorder, NULL, 0) != -EIO) _exit(4);
    _exit(safe < 100 ? (int)safe + 10 : 5);
}

static void what_was_committed_outlives_a_full_disk(void) {
    char *error, count[16];
    begin();
    int status = harness_child(fill, NULL, &error);
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) > 10);
    snprintf(count, sizeof count, "%d", WEXITSTATUS(status) - 10);
    expect_sound();
    expect("SELECT count(*) FROM run", count);
    free(error);
    end();
}

/* Two that use one name would take each other's file away. */
static void a_file_taken_away_is_told(void) {
    struct log *log = fine(5);
    int64_t id;
    begin();
    struct recorder *recorder = open_trace();
    unlink(file);
    int rc = recorder_add(recorder, log, "fifo", "", true, &id);
    if (!rc) rc = recorder_commit(recorder);
    CU_ASSERT_EQUAL(rc, -EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(recorder_error(recorder), "moved or deleted"));
    recorder_close(recorder, NULL, 0);
    recorder = open_trace();
    CU_ASSERT_EQUAL(recorder_add(recorder, log, "fifo", "", true, &id), 0);
    CU_ASSERT_EQUAL(recorder_commit(recorder), 0);
    CU_ASSERT_EQUAL(recorder_certainty(recorder, id, 1, 1, 0), 0);
    char journal[sizeof file + sizeof "-journal"];
    snprintf(journal, sizeof journal, "%s-journal", file);
    CU_ASSERT_EQUAL(unlink(journal), 0);
    CU_ASSERT_EQUAL(recorder_commit(recorder), -EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(recorder_error(recorder), "moved or deleted"));
    recorder_close(recorder, NULL, 0);
    log_free(log);
    end();
}

/* ---- Files that are no traces -------------------------------------------------------------- */

/* Sees that the file is refused with a message that has the word, and stays as it is. */
static void refuse(const char *word) {
    char message[512] = "";
    size_t before, after;
    char *was = contents(&before), *is;
    int error = 0;
    struct recorder *recorder = recorder_open(file, message, sizeof message, &error);
    CU_ASSERT_PTR_NULL(recorder);
    CU_ASSERT_EQUAL(error, -EIO);
    if (!strstr(message, word)) fprintf(stderr, "'%s' is not in '%s'\n", word, message);
    CU_ASSERT_PTR_NOT_NULL(strstr(message, word));
    CU_ASSERT_PTR_NOT_NULL(strstr(message, file));
    CU_ASSERT_PTR_NULL(strchr(message, '\n'));
    is = contents(&after);
    CU_ASSERT(before == after && !memcmp(was, is, before));
    free(was);
    free(is);
}

static void other_files_are_refused(void) {
    static const char text[] = "Dear diary, today I was nearly overwritten by a program that "
                               "records traces. It did not ask.\n"
                               "And the day before, too.\n";
    begin();
    write_file(text, sizeof text - 1);
    refuse("not a trace");
    write_file("x", 1);
    refuse("not a trace");
    unlink(file);
    query("CREATE TABLE t(x)");
    refuse("another program");
    unlink(file);
    CU_ASSERT_EQUAL(mkdir(file, 0777), 0);
    refuse("folder");
    rmdir(file);
    CU_ASSERT_EQUAL(mkfifo(file, 0777), 0);
    char message[512] = "";
    int error = 0;
    CU_ASSERT_PTR_NULL(recorder_open(file, message, sizeof message, &error));
    CU_ASSERT_EQUAL(error, -EIO);
    end();
}

static void other_versions_are_refused(void) {
    begin();
    recorder_close(open_trace(), NULL, 0);
    query("PRAGMA user_version = 2");
    refuse("format 2");
    end();
}

static void damaged_traces_are_refused(void) {
    size_t length;
    begin();
    recorder_close(open_trace(), NULL, 0);
    char *bytes = contents(&length);
    write_file(bytes, 5000); /* cut short */
    refuse("record into another file");
    memset(bytes + 4096, 0x55, length - 4096);
    write_file(bytes, length);
    refuse("record into another file");
    free(bytes);
    unlink(file);
    recorder_close(open_trace(), NULL, 0);
    query("DROP TABLE event");
    refuse("no such table");
    end();
}

static void an_empty_file_becomes_a_trace(void) {
    begin();
    write_file("", 0);
    CU_ASSERT_EQUAL(recorder_close(open_trace(), NULL, 0), 0);
    expect_sound();
    expect("SELECT count(*) FROM program", "1");
    end();
}

static void names_that_mean_more_to_sqlite_are_files(void) {
    static const char *const names[] = {":memory:", "file:trace.db?mode=memory", "a b'c\"d"};
    begin();
    CU_ASSERT_EQUAL_FATAL(chdir(folder), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char message[512] = "";
        int error = 0;
        struct recorder *recorder = recorder_open(names[i], message, sizeof message, &error);
        CU_ASSERT_PTR_NOT_NULL(recorder);
        CU_ASSERT_EQUAL(recorder_close(recorder, NULL, 0), 0);
        CU_ASSERT_EQUAL(access(names[i], F_OK), 0);
    }
    CU_ASSERT_EQUAL(chdir("/"), 0);
    end();
}

/* Nobody may write here; the superuser would. */
static void try_to_write(void *arg) {
    char message[512] = "";
    int error = 0;
    if (geteuid() == 0 && setuid(65534)) _exit(1);
    if (recorder_open(file, message, sizeof message, &error) || error != -EIO) _exit(2);
    fputs(message, stderr);
    _exit(strstr(message, arg) ? 0 : 3);
}

static void refuse_to_others(const char *word) {
    char *error;
    int status = harness_child(try_to_write, (void *)(uintptr_t)word, &error);
    if (status) fprintf(stderr, "%s\n", error);
    CU_ASSERT_EQUAL(status, 0);
    free(error);
}

static void what_cannot_be_written_is_told(void) {
    char message[512] = "";
    int error = 0;
    begin();
    snprintf(file, sizeof file, "%s/nowhere/trace.db", folder);
    CU_ASSERT_PTR_NULL(recorder_open(file, message, sizeof message, &error));
    CU_ASSERT_PTR_NOT_NULL(strstr(message, "No such file"));
    snprintf(file, sizeof file, "%s/trace.db", folder);
    CU_ASSERT_EQUAL(chmod(folder, 0555), 0);
    refuse_to_others("Permission denied");
    CU_ASSERT_EQUAL(chmod(folder, 0777), 0);
    recorder_close(open_trace(), NULL, 0);
    CU_ASSERT_EQUAL(chmod(file, 0444), 0);
    refuse_to_others("read-only");
    CU_ASSERT_EQUAL(chmod(file, 0666), 0);
    CU_ASSERT_EQUAL(chmod(folder, 0555), 0);
    refuse_to_others("writable"); /* the journal cannot be made */
    CU_ASSERT_EQUAL(chmod(folder, 0777), 0);
    end();
}

/* ---- Reading back -------------------------------------------------------------------------- */

static void steps_are_read_back(void) {
    struct log *log = deadlock();
    struct recorder_step *steps = NULL;
    char message[512] = "";
    int64_t id;
    begin();
    struct recorder *recorder = open_trace();
    log->events[3].op = OP_SELECT;
    log->events[3].object = 1;
    recorder_add(recorder, log, "fifo", "", true, &id);
    recorder_add(recorder, log, "fifo", "", false, &id);
    recorder_close(recorder, NULL, 0);
    CU_ASSERT_EQUAL_FATAL(recorder_expect(file, 1, &steps, message, sizeof message), 5);
    CU_ASSERT(steps[0].task == 1 && steps[0].op == OP_START && steps[0].object == 0 &&
              steps[0].line == 0);
    CU_ASSERT_STRING_EQUAL(steps[0].where, "");
    CU_ASSERT(steps[4].task == 1 && steps[4].op == OP_RECV && steps[4].object == 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(steps[4].where, "serve at test_recorder.c:"));
    CU_ASSERT(steps[3].op == OP_SELECT && steps[3].object == 0);
    free(steps);
    CU_ASSERT_EQUAL(recorder_expect(file, 2, &steps, message, sizeof message), 0);
    free(steps);
    CU_ASSERT_EQUAL(recorder_expect(file, 99, &steps, message, sizeof message), 0);
    free(steps);
    query("DELETE FROM event WHERE step = 2");
    CU_ASSERT_EQUAL(recorder_expect(file, 1, &steps, message, sizeof message), -EIO);
    CU_ASSERT_PTR_NULL(steps);
    CU_ASSERT_PTR_NOT_NULL(strstr(message, "damaged"));
    write_file("", 0);
    CU_ASSERT_EQUAL(recorder_expect(file, 1, &steps, message, sizeof message), -EINVAL);
    log_free(log);
    end();
}

static const struct test suite[] = {
    TEST(a_run_is_recorded),
    TEST(a_run_in_short_has_one_row),
    TEST(the_program_is_recorded),
    TEST(builds_are_told_apart),
    TEST(names_are_unique),
    TEST(many_tasks_have_names_quickly),
    TEST(an_overwritten_log_does_no_harm),
    TEST(two_may_record_into_one_file),
    TEST(many_runs_in_one_transaction_keep_their_rows),
    TEST(a_trace_is_added_to),
    TEST_SECONDS(what_was_committed_outlives_a_kill, 60),
    TEST(what_was_committed_outlives_a_full_disk),
    TEST(a_file_taken_away_is_told),
    TEST(other_files_are_refused),
    TEST(other_versions_are_refused),
    TEST(damaged_traces_are_refused),
    TEST(an_empty_file_becomes_a_trace),
    TEST(names_that_mean_more_to_sqlite_are_files),
    TEST(what_cannot_be_written_is_told),
    TEST(steps_are_read_back),
};

HARNESS(suite)
