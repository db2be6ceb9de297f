/*
 * recorder.c - see recorder.h: the file, its transactions, and explorations.
 *
 * Invariants
 *   1. Rows are written between BEGIN IMMEDIATE and COMMIT, and ids are looked up there, so that
 *      other processes may record into the same file.
 *   2. Once anything has failed the transaction is rolled back and nothing is written any more.
 */
#include "sim/recorder_own.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/core/program.h"
#include "sim/trace_file.h"

/* Programs and runs get the next number. */
static const char *const sql[STATEMENTS] = {
    "INSERT INTO program(path, build_id, arguments, started_at, pirn_version) "
    "VALUES(?1, ?2, ?3, CASE WHEN ?5 IS NULL THEN strftime('%Y-%m-%dT%H:%M:%SZ', 'now') "
    "ELSE strftime('%Y-%m-%dT%H:%M:%SZ', ?5, 'unixepoch') END, ?4)",
    "INSERT INTO run(program, strategy, seed, schedule, outcome, message, steps, tasks, switches, "
    "preemptions, virtual_ns, "
    "wall_ns, graph) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    "SELECT id FROM site WHERE module = ?1 AND offset = ?2 AND function = ?3 AND file = ?4 AND "
    "line = ?5",
    "INSERT INTO site(module, offset, function, file, line) VALUES(?1, ?2, ?3, ?4, ?5)",
    "INSERT OR REPLACE INTO task SELECT * FROM new_task",
    "INSERT OR REPLACE INTO object SELECT * FROM new_object",
    "INSERT INTO event SELECT * FROM new_event",
    "INSERT OR IGNORE INTO select_case SELECT * FROM new_case",
    "INSERT OR IGNORE INTO edge SELECT * FROM new_edge",
    "INSERT INTO finding VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    "INSERT INTO exploration(program, strategy, seed, shard, shards, allow, max_steps, "
    "late_timers, next) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0)",
    "INSERT INTO explored VALUES(?1, ?2)",
    "UPDATE exploration SET next = ?2, position = ?3 WHERE id = ?1",
    "SELECT position FROM exploration WHERE id = ?1",
    "SELECT build_id FROM exploration JOIN program ON program.id = program WHERE exploration.id = "
    "?1",
    "SELECT count(*), coalesce(sum(outcome <> 'ok'), 0), coalesce(sum(steps), 0) FROM explored "
    "JOIN run ON run.id = run WHERE exploration = ?1",
    "SELECT graph, seed FROM explored JOIN run ON run.id = run WHERE exploration = ?1",
    "UPDATE run SET shrunk_from = ?2 WHERE id = ?1",
    "INSERT OR REPLACE INTO certainty VALUES(?1, ?2, ?3, ?4)",
    "INSERT INTO call_order VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET "
    "runs = runs + excluded.runs",
    "UPDATE run SET outcome = ?2, message = ?3, steps = ?4, tasks = ?5, switches = ?6, "
    "virtual_ns = ?7, wall_ns = ?7 WHERE id = ?1",
};

int64_t recorder_clock(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int recorder_fail(struct recorder *r, int code) {
    if (!r->failed) r->failed = trace_file_explain(r->db, code, r->path, r->error, sizeof r->error);
    /* Where SQLite has rolled back already this is an error, of no interest. */
    sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL);
    r->begun = 0;
    return r->failed;
}

const char *recorder_error(const struct recorder *recorder) { return recorder->error; }

/* ---- Statements and transactions ------------------------------------------------------------ */

int recorder_insert(struct recorder *r, sqlite3_stmt *statement) {
    sqlite3_step(statement);
    int rc = sqlite3_reset(statement);
    return rc ? recorder_fail(r, rc) : 0;
}

int recorder_begin(struct recorder *r) {
    if (r->failed) return r->failed;
    if (r->begun) return 0;
    int rc = sqlite3_exec(r->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc) return recorder_fail(r, rc);
    r->begun = recorder_clock();
    return 0;
}

static int add_reached(struct recorder *r);

int recorder_commit(struct recorder *recorder) {
    if (recorder->failed || add_reached(recorder)) return recorder->failed;
    if (!recorder->begun) return 0;
    for (int i = 0; i < SOURCES; i++)
        if (recorder_write_rows(recorder, (enum source)i)) return recorder->failed;
    int rc = sqlite3_exec(recorder->db, "COMMIT", NULL, NULL, NULL);
    if (rc) return recorder_fail(recorder, rc);
    recorder->begun = 0;
    return 0;
}

/* ---- An exploration ------------------------------------------------------------------------ */

int recorder_explore(struct recorder *recorder, const struct recorder_exploration *exploration) {
    struct recorder *r = recorder;
    sqlite3_stmt *s = r->statements[ADD_EXPLORATION];
    bind_int(s, 1, r->program);
    bind_text(s, 2, exploration->strategy);
    bind_int(s, 3, (int64_t)exploration->seed);
    bind_int(s, 4, (int64_t)exploration->shard);
    bind_int(s, 5, (int64_t)exploration->shards);
    bind_int(s, 6, exploration->allow);
    bind_int(s, 7, (int64_t)exploration->max_steps);
    bind_int(s, 8, exploration->late_timers);
    if (recorder_begin(r) || recorder_insert(r, s)) return r->failed;
    r->exploration = sqlite3_last_insert_rowid(r->db);
    return recorder_commit(r);
}

void recorder_reached(struct recorder *recorder, uint64_t next) { recorder->next = next; }

void recorder_ask_position(struct recorder *recorder, char *(*ask)(void *context), void *context) {
    recorder->ask_position = ask;
    recorder->position_context = context;
}

static int add_reached(struct recorder *r) {
    sqlite3_stmt *s = r->statements[REACH];
    char *position = NULL;
    int rc;
    if (!r->exploration || (r->next == r->recorded && !r->ask_position)) return 0;
    if (r->ask_position && !(position = r->ask_position(r->position_context)))
        return recorder_fail(r, SQLITE_NOMEM);
    bind_int(s, 1, r->exploration);
    bind_int(s, 2, (int64_t)r->next);
    bind_text(s, 3, position);
    rc = recorder_begin(r) || recorder_insert(r, s) ? r->failed : 0;
    free(position);
    if (rc == 0) r->recorded = r->next;
    return rc;
}

static int refuse(struct recorder *r, const char *why) {
    snprintf(r->error, sizeof r->error, "%s: %s", r->path, why);
    return r->failed = -EIO;
}

/* The first row of a query about the exploration; it stays to be read until it is reset. */
static int ask(struct recorder *r, enum statement which) {
    bind_int(r->statements[which], 1, r->exploration);
    int rc = sqlite3_step(r->statements[which]);
    if (rc == SQLITE_ROW) return 0;
    sqlite3_reset(r->statements[which]);
    return rc == SQLITE_DONE ? refuse(r, "the exploration to go on with is not there any more")
                             : recorder_fail(r, rc);
}

int recorder_resume(struct recorder *recorder, int64_t id, uint64_t *runs, uint64_t *failures,
                    uint64_t *steps) {
    struct recorder *r = recorder;
    sqlite3_stmt *build = r->statements[FIND_BUILD], *sum = r->statements[SUM_RUNS];
    r->exploration = id;
    if (ask(r, FIND_BUILD)) return r->failed;
    const char *found = (const char *)sqlite3_column_text(build, 0);
    bool same = found && !strcmp(found, program_build_id());
    sqlite3_reset(build);
    if (!same)
        return refuse(r, "recorded from another program, or another build of it: what its runs "
                         "were says nothing of this one; begin a new exploration");
    if (ask(r, SUM_RUNS)) return r->failed;
    *runs = (uint64_t)sqlite3_column_int64(sum, 0);
    *failures = (uint64_t)sqlite3_column_int64(sum, 1);
    *steps = (uint64_t)sqlite3_column_int64(sum, 2);
    sqlite3_reset(sum);
    bind_int(r->statements[FIND_GRAPHS], 1, id);
    return 0;
}

int recorder_resume_position(struct recorder *r, char **position) {
    sqlite3_stmt *s = r->statements[FIND_POSITION];
    const char *text;
    *position = NULL;
    if (ask(r, FIND_POSITION)) return r->failed;
    text = (const char *)sqlite3_column_text(s, 0);
    if (text) *position = strdup(text);
    sqlite3_reset(s);
    return text && !*position ? recorder_fail(r, SQLITE_NOMEM) : 0;
}

bool recorder_resume_graph(struct recorder *recorder, uint64_t *graph, uint64_t *seed) {
    sqlite3_stmt *s = recorder->statements[FIND_GRAPHS];
    if (sqlite3_step(s) == SQLITE_ROW) {
        *graph = (uint64_t)sqlite3_column_int64(s, 0);
        *seed = (uint64_t)sqlite3_column_int64(s, 1);
        return true;
    }
    int rc = sqlite3_reset(s);
    if (rc) recorder_fail(recorder, rc);
    return false;
}

int recorder_shrunk_from(struct recorder *r, int64_t run, int64_t from) {
    sqlite3_stmt *s = r->statements[SET_SHRUNK_FROM];
    if (recorder_begin(r)) return r->failed;
    bind_int(s, 1, run);
    bind_int(s, 2, from);
    return recorder_insert(r, s);
}

int recorder_certainty(struct recorder *r, int64_t run, uint64_t step, uint32_t samples,
                       uint32_t before) {
    sqlite3_stmt *s = r->statements[SET_CERTAINTY];
    if (recorder_begin(r)) return r->failed;
    bind_int(s, 1, run);
    bind_int(s, 2, (int64_t)step);
    bind_int(s, 3, samples);
    bind_int(s, 4, before);
    return recorder_insert(r, s);
}

/* ---- Beginning and end --------------------------------------------------------------------- */

static int add_other_program(struct recorder *r) {
    sqlite3_stmt *s = r->statements[ADD_PROGRAM];
    int rc = recorder_begin(r);
    bind_text(s, 1, r->other->path);
    bind_text(s, 2, r->other->build_id);
    bind_text(s, 3, r->other->arguments);
    bind_text(s, 4, r->other->version);
    bind_int(s, 5, r->other->started);
    if (!rc) rc = recorder_insert(r, s);
    r->program = sqlite3_last_insert_rowid(r->db);
    return rc;
}

static int add_program(struct recorder *r) {
    sqlite3_stmt *s = r->statements[ADD_PROGRAM];
    char *arguments = program_arguments();
    if (!arguments) return recorder_fail(r, SQLITE_NOMEM);
    bind_text(s, 1, program_path());
    bind_text(s, 2, program_build_id());
    bind_text(s, 3, arguments);
    bind_text(s, 4, pirn_version());
    int rc = recorder_begin(r);
    if (!rc) rc = recorder_insert(r, s);
    r->program = sqlite3_last_insert_rowid(r->db);
    free(arguments);
    return rc ? rc : recorder_commit(r);
}

static void release(struct recorder *r) {
    for (int i = 0; i < STATEMENTS; i++) sqlite3_finalize(r->statements[i]);
    sqlite3_close(r->db);
    free(r->sites);
    free(r->path);
    free(r);
}

static struct recorder *open_recorder(const char *path, const struct recorder_program *other,
                                      char *message, size_t size, int *error) {
    struct recorder *r = calloc(1, sizeof *r);
    int rc = 0;
    if (!r || !(r->path = strdup(path))) {
        free(r);
        snprintf(message, size, "not enough memory to record");
        *error = -ENOMEM;
        return NULL;
    }
    r->db = trace_file_open(path, TRACE_WRITE, message, size, error);
    if (!r->db) {
        if (*error != -ENOMEM) *error = -EIO;
        release(r);
        return NULL;
    }
    rc = recorder_add_sources(r);
    for (int i = 0; i < STATEMENTS && !rc; i++)
        rc = sqlite3_prepare_v3(r->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &r->statements[i],
                                NULL);
    r->added = recorder_clock();
    r->other = other;
    if (rc ? recorder_fail(r, rc) : other ? add_other_program(r) : add_program(r)) {
        snprintf(message, size, "%s", r->error);
        *error = r->failed;
        release(r);
        return NULL;
    }
    return r;
}

struct recorder *recorder_open(const char *path, char *message, size_t size, int *error) {
    return open_recorder(path, NULL, message, size, error);
}

struct recorder *recorder_open_for(const char *path, const struct recorder_program *program,
                                   char *message, size_t size, int *error) {
    return open_recorder(path, program, message, size, error);
}

int recorder_close(struct recorder *recorder, char *message, size_t size) {
    if (!recorder) return 0;
    int rc = recorder_commit(recorder);
    if (rc && message) snprintf(message, size, "%s", recorder->error);
    release(recorder);
    return rc;
}

void recorder_forget(struct recorder *recorder) {
    /* Closing would release nothing but memory, which the child shares unwritten; and the file
     * is the parent's. */
    (void)recorder;
}
