/*
 * test_refused.c - a trace is written and read where each call that this takes fails once.
 *
 * All that a recorder does is done again and again, and in the n-th round the n-th allocation fails,
 * or the n-th system call of a kind on files, or that one and all after it. It has to say so, in
 * words and by a code, and what it leaves behind is a trace that can be written to.
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/core/engine.h"
#include "sim/orders.h"
#include "sim/recorder.h"
#include "tests/harness.h"

#include "lib/core/sanitize.h"

#if !PIRN_ASAN && !PIRN_TSAN /* which need malloc for themselves */
#include "tests/refusal.h"

/* ---- Calls that fail ------------------------------------------------------------------------- */

ssize_t pwrite64(int fd, const void *from, size_t size, off64_t at) {
    return refuse("pwrite") ? -1 : syscall(SYS_pwrite64, fd, from, size, at);
}

ssize_t pread64(int fd, void *to, size_t size, off64_t at) {
    return refuse("pread") ? -1 : syscall(SYS_pread64, fd, to, size, at);
}

int fdatasync(int fd) { return refuse("fdatasync") ? -1 : (int)syscall(SYS_fdatasync, fd); }

int unlink(const char *path) { return refuse("unlink") ? -1 : (int)syscall(SYS_unlink, path); }

/* ---- All that a recorder does ----------------------------------------------------------------- */

static char file[64];

static __attribute__((noinline)) void serve(void *arg) { *(volatile int *)arg = 1; }
static const void *place(void) { return (const char *)(uintptr_t)serve + 1; }

static struct log *blocked(void) {
    struct log *log = log_new(100);
    CU_ASSERT_PTR_NOT_NULL_FATAL(log);
    log_reset(log);
    log->task_table[log->tasks++] = (struct log_task){
        .first_step = 1, .last_step = 2, .state = LOG_BLOCKED, .function = place()};
    log->events[log->steps++] = (struct log_event){.task = 1, .op = OP_START, .site = place()};
    log->events[log->steps++] = (struct log_event){.task = 1, .op = OP_SELECT, .object = 1};
    log->objects[log->object_count++] = (struct log_object){.kind = OBJECT_CHAN, .site = place()};
    log->edges[log->edge_count++] = (struct log_edge){1, 2, EDGE_GO};
    log->cases[log->case_count++] = (struct log_case){2, 0, 1, OP_RECV};
    log_find(log, PIRN_DEADLOCK, 2, 1, NULL, "main waits for ever");
    log->outcome = PIRN_DEADLOCK;
    log->finished = true;
    return log;
}

/* More of everything than is kept back, and more places than there is room for at first. */
enum { MANY = 1200, PLACES = 300 };

static struct log *large(void) {
    struct log *log = log_new(2 * MANY);
    const char *from = place();
    CU_ASSERT_PTR_NOT_NULL_FATAL(log);
    log_reset(log);
    for (uint32_t i = 0; i < MANY; i++) {
        const void *site = from + i % PLACES;
        log->task_table[log->tasks++] = (struct log_task){.parent = i,
                                                          .first_step = i + 1,
                                                          .last_step = i + 1,
                                                          .state = LOG_EXITED,
                                                          .function = place(),
                                                          .site = site};
        log->objects[log->object_count++] =
            (struct log_object){.kind = OBJECT_CHAN, .site = site, .labelled = i % 2, .label = "c"};
        log->events[log->steps++] =
            (struct log_event){.task = i + 1, .op = OP_SELECT, .object = i + 1, .site = site};
        log->cases[log->case_count++] = (struct log_case){i + 1, 0, i + 1, OP_RECV};
        if (i) log->edges[log->edge_count++] = (struct log_edge){i, i + 1, EDGE_GO};
    }
    log->finished = true;
    return log;
}

/* In full, and once more row by row. */
static int record_large(struct recorder *r, const struct log *log) {
    const struct recorder_exploration row = {.strategy = "pct", .shards = 1};
    int64_t id;
    int rc = recorder_explore(r, &row);
    if (!rc) rc = recorder_add(r, log, "pct", "pirn1:x", true, &id);
    if (!rc) rc = recorder_add(r, log, "pct", "", false, &id);
    for (uint32_t i = 0; i < MANY; i++) {
        if (!rc) rc = recorder_put_task(r, id, i + 1, &log->task_table[i], "a task");
        if (!rc) rc = recorder_put_object(r, id, i + 1, &log->objects[i]);
        if (!rc) rc = recorder_put_event(r, id, i + 1, &log->events[i]);
        if (!rc && i) rc = recorder_put_edge(r, id, &log->edges[i - 1]);
        if (!rc) rc = recorder_put_case(r, id, &log->cases[i]);
    }
    return rc ? rc : recorder_commit(r);
}

static char *stand(void *context) {
    (void)context;
    return strdup("here");
}

/* In many runs, so that more is written than is kept back. */
static int record_all(struct recorder *r, const struct log *log) {
    const struct recorder_exploration row = {.strategy = "pct", .shards = 1};
    const struct call_order order = {
        .before = {.op = OP_SEND, .site = place()}, .after = {.op = OP_RECV}, .runs = 1};
    int64_t first, id;
    int rc = recorder_explore(r, &row);
    recorder_ask_position(r, stand, NULL);
    if (!rc) rc = recorder_add(r, log, "pct", "pirn1:x", true, &first);
    for (int i = 0; i < 300 && !rc; i++) rc = recorder_add(r, log, "pct", "", true, &id);
    if (!rc) rc = recorder_add(r, log, "pct", "", false, &id);
    if (!rc) rc = recorder_put_task(r, id, 1, &log->task_table[0], "main");
    if (!rc) rc = recorder_put_object(r, id, 1, &log->objects[0]);
    if (!rc) rc = recorder_put_event(r, id, 1, &log->events[0]);
    if (!rc) rc = recorder_put_edge(r, id, &log->edges[0]);
    if (!rc) rc = recorder_put_case(r, id, &log->cases[0]);
    if (!rc) rc = recorder_update(r, id, log);
    if (!rc) rc = recorder_shrunk_from(r, id, first);
    if (!rc) rc = recorder_certainty(r, id, 1, 10, 5);
    if (!rc) rc = recorder_order(r, &order);
    return rc ? rc : recorder_commit(r);
}

/* Goes on with the first exploration. */
static int resume(struct recorder *r) {
    uint64_t runs = 0, failures, steps, graph, seed;
    char *position = NULL;
    int rc = recorder_resume(r, 1, &runs, &failures, &steps);
    while (!rc && recorder_resume_graph(r, &graph, &seed)) runs--;
    if (!rc) rc = recorder_resume_position(r, &position);
    free(position);
    if (!rc) recorder_reached(r, 7);
    return rc ? rc : recorder_commit(r);
}

/* Opens the trace for one of these, or to read it; returns what that comes to. */
enum deed { RECORD, RESUME, READ, DEEDS, LARGE = DEEDS };

static int perform(enum deed deed, const struct log *log, char *message, size_t size) {
    struct recorder_step *steps;
    struct recorder *recorder;
    int rc;
    if (deed == READ) {
        int64_t count = recorder_expect(file, 1, &steps, message, size);
        free(steps);
        return count < 0 ? (int)count : 0;
    }
    if (!(recorder = recorder_open(file, message, size, &rc))) return rc;
    rc = deed == RECORD  ? record_all(recorder, log)
         : deed == LARGE ? record_large(recorder, log)
                         : resume(recorder);
    if (rc) snprintf(message, size, "%s", recorder_error(recorder));
    int closed = recorder_close(recorder, rc ? NULL : message, size);
    return rc ? rc : closed;
}

/* ---- Rounds ----------------------------------------------------------------------------------- */

static void remove_trace(void) {
    char journal[sizeof file + sizeof "-journal"];
    snprintf(journal, sizeof journal, "%s-journal", file);
    unlink(file);
    unlink(journal);
}

static bool is_sound(void) {
    sqlite3 *db;
    sqlite3_stmt *s = NULL;
    bool sound;
    sqlite3_open(file, &db);
    sound = sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &s, NULL) == 0 &&
            sqlite3_step(s) == SQLITE_ROW && !strcmp((const char *)sqlite3_column_text(s, 0), "ok");
    sqlite3_finalize(s);
    sqlite3_close(db);
    return sound;
}

/* What the n-th refusal comes to; returns whether there was one. */
static bool refused_is_told(enum deed deed, const struct log *log, const char *call, int error,
                            const char *words, long n, bool for_good) {
    char message[1024] = "";
    int rc, wanted = error == ENOMEM ? -ENOMEM : -EIO;
    remove_trace();
    if (deed != RECORD && deed != LARGE)
        CU_ASSERT_EQUAL(perform(RECORD, log, message, sizeof message), 0);
    message[0] = '\0';
    refuse_nth(call, error, n, for_good);
    rc = perform(deed, log, message, sizeof message);
    grant();
    bool told = rc == 0 || (rc == wanted && strstr(message, words) && !strchr(message, '\n'));
    if (!told)
        fprintf(stderr, "%s %ld%s, deed %d: %d, %s\n", call, n, for_good ? " and on" : "", deed, rc,
                message);
    CU_ASSERT(told);
    CU_ASSERT(refusal.refused > 0 || rc == 0);
    /* And then all is as it should be. */
    if (deed == LARGE) {
        rc = perform(LARGE, log, message, sizeof message);
        if (rc) fprintf(stderr, "afterwards: %d, %s\n", rc, message);
        CU_ASSERT_EQUAL(rc, 0);
    }
    for (int again = RECORD; deed != LARGE && again < DEEDS; again++) {
        rc = perform((enum deed)again, log, message, sizeof message);
        if (rc) fprintf(stderr, "afterwards, deed %d: %d, %s\n", again, rc, message);
        CU_ASSERT_EQUAL(rc, 0);
    }
    CU_ASSERT(is_sound());
    return refusal.refused > 0;
}

static void refuse_each(const char *call, int error, const char *words) {
    struct log *log = blocked();
    long refusals = 0;
    snprintf(file, sizeof file, "test-refused-%d.db", (int)getpid());
    for (int deed = RECORD; deed < DEEDS; deed++) {
        for (int for_good = 0; for_good < 2; for_good++) {
            long n = 1;
            while (refused_is_told((enum deed)deed, log, call, error, words, n, for_good))
                n += n < 150 ? 1 : n / 20;
            refusals += n - 1;
        }
    }
    CU_ASSERT(refusals > 0);
    remove_trace();
    log_free(log);
}

static void refuse_large(const char *call, int error, const char *words) {
    struct log *log = large();
    long refusals = 0;
    snprintf(file, sizeof file, "test-refused-%d.db", (int)getpid());
    for (int for_good = 0; for_good < 2; for_good++)
        for (long n = 1; refused_is_told(LARGE, log, call, error, words, n, for_good);
             n += 1 + n / 3)
            refusals++;
    CU_ASSERT(refusals > 0);
    remove_trace();
    log_free(log);
}

static void memory_for_large_runs(void) { refuse_large("malloc", ENOMEM, "not enough memory"); }
static void room_for_large_runs(void) { refuse_large("pwrite", ENOSPC, "the disk is full"); }

static void memory(void) { refuse_each("malloc", ENOMEM, "not enough memory"); }
static void writes(void) { refuse_each("pwrite", EIO, "cannot be accessed"); }
static void room(void) { refuse_each("pwrite", ENOSPC, "the disk is full"); }
/* Of EIO SQLite says that the file is damaged. */
static void reads(void) { refuse_each("pread", EACCES, "cannot be accessed"); }
static void syncs(void) { refuse_each("fdatasync", EIO, "cannot be accessed"); }
static void removals(void) { refuse_each("unlink", EIO, "cannot be accessed"); }

static const struct test tests[] = {
    TEST_SECONDS(memory, 300),
    TEST_SECONDS(writes, 120),
    TEST_SECONDS(room, 120),
    TEST_SECONDS(reads, 120),
    TEST_SECONDS(syncs, 120),
    TEST_SECONDS(removals, 120),
    TEST_SECONDS(memory_for_large_runs, 120),
    TEST_SECONDS(room_for_large_runs, 120),
};
#else
static void nothing_to_refuse(void) {}
static const struct test tests[] = {TEST(nothing_to_refuse)};
#endif

HARNESS(tests)
