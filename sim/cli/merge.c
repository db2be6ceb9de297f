/*
 * merge.c - `pirn merge`: the runs of several traces in one.
 *
 * Rows are copied table by table, and what they refer to gets its number in the new file on the
 * way: programs and places that are there already are not written twice, runs and explorations get
 * the next numbers. All of it is one transaction, so that a disk that is full leaves nothing that
 * is half done.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/cli/command.h"
#include "sim/trace_file.h"
#include "viz/tool.h"
#include "viz/trace.h"

static const char help[] =
    "usage: pirn merge [OPTIONS] OUT IN...\n"
    "\n"
    "Writes the runs of the traces IN, with all that is recorded of them, into the\n"
    "new trace OUT: those of all shards of an exploration, say. Runs get new numbers,\n"
    "in the order of the traces.\n"
    "\n"
    "      --append        add to OUT where it is there already\n"
    "      --any-program   also where they are of different programs, or builds\n"
    "  -q, --quiet         do not tell how many runs there are\n"
    "      --help          this text\n"
    "\n"
    "  pirn explore --shard=1/2 --seed=1 -n 10000 --trace=1.db ./orders\n"
    "  pirn explore --shard=2/2 --seed=1 -n 10000 --trace=2.db ./orders\n"
    "  pirn merge orders.db 1.db 2.db\n";

/* ---- Numbers ------------------------------------------------------------------------------- */

/* What the numbers of one table become. */
struct map {
    struct pair {
        int64_t from, to;
    } * pairs; /* by `from` */
    size_t count, capacity;
};

enum { NO_MAP = -1, PROGRAMS, EXPLORATIONS, RUNS, SITES, MAPS };

static int compare_pairs(const void *a, const void *b) {
    int64_t x = ((const struct pair *)a)->from, y = ((const struct pair *)b)->from;
    return (x > y) - (x < y);
}

static void map_add(struct map *map, int64_t from, int64_t to) {
    map->pairs = tool_grow(map->pairs, &map->capacity, map->count + 1, sizeof *map->pairs);
    map->pairs[map->count++] = (struct pair){from, to};
}

/* Rows come in the order of their numbers, so that is how they are added. */
static const struct pair *map_find(const struct map *map, int64_t from) {
    struct pair key = {from, 0};
    return map->count ? bsearch(&key, map->pairs, map->count, sizeof key, compare_pairs) : NULL;
}

/* ---- Tables -------------------------------------------------------------------------------- */

enum { MOST_COLUMNS = 20 };

/* The tables, each after those that it refers to. */
static const struct table {
    const char *name;
    int own;             /* the map of its first column, which is its number; NO_MAP: it has none */
    bool shared;         /* a row that is there already is not written twice */
    const char *columns; /* what is copied */
    const char *find;    /* a row that is equal to the one that is bound, as columns are; or NULL */
    int maps[MOST_COLUMNS]; /* 0: as it is; else 1 + the map of what it refers to */
    const char *conflict;   /* what becomes of a row whose key is there already; NULL: an error */
} tables[] = {
    {"program",
     PROGRAMS,
     true,
     "path, build_id, arguments, started_at, pirn_version",
     "SELECT id FROM program WHERE path = ?1 AND build_id = ?2 AND arguments = ?3 AND "
     "pirn_version = ?5 AND ?4 IS NOT NULL",
     {0},
     NULL},
    {"exploration",
     EXPLORATIONS,
     false,
     "program, strategy, seed, shard, shards, allow, max_steps, late_timers, next, position",
     NULL,
     {1 + PROGRAMS},
     NULL},
    {"site",
     SITES,
     true,
     "module, offset, function, file, line",
     "SELECT id FROM site WHERE module = ?1 AND offset = ?2 AND function = ?3 AND file = ?4 AND "
     "line = ?5",
     {0},
     NULL},
    {"run",
     RUNS,
     false,
     "program, strategy, seed, schedule, outcome, message, steps, tasks, switches, preemptions, "
     "virtual_ns, wall_ns, graph, shrunk_from",
     NULL,
     {[0] = 1 + PROGRAMS, [13] = 1 + RUNS},
     NULL},
    {"explored", NO_MAP, false, "exploration, run", NULL, {1 + EXPLORATIONS, 1 + RUNS}, NULL},
    {"task",
     NO_MAP,
     false,
     "run, id, parent, name, site, first_step, last_step, state, daemon",
     NULL,
     {[0] = 1 + RUNS, [4] = 1 + SITES},
     NULL},
    {"object",
     NO_MAP,
     false,
     "run, id, kind, label, capacity, value_size, site",
     NULL,
     {[0] = 1 + RUNS, [6] = 1 + SITES},
     NULL},
    {"event",
     NO_MAP,
     false,
     "run, step, task, op, object, result, site, time",
     NULL,
     {[0] = 1 + RUNS, [6] = 1 + SITES},
     NULL},
    {"select_case", NO_MAP, false, "run, step, position, op, object", NULL, {1 + RUNS}, NULL},
    {"edge", NO_MAP, false, "run, before, after, kind", NULL, {1 + RUNS}, NULL},
    {"finding",
     NO_MAP,
     false,
     "run, id, kind, step, other_step, object, message",
     NULL,
     {1 + RUNS},
     NULL},
    {"certainty", NO_MAP, false, "run, step, samples, before", NULL, {1 + RUNS}, NULL},
    {"call_order",
     NO_MAP,
     false,
     "program, before_op, before_site, after_op, after_site, runs, run",
     NULL,
     {[0] = 1 + PROGRAMS, [2] = 1 + SITES, [4] = 1 + SITES, [6] = 1 + RUNS},
     "DO UPDATE SET runs = runs + excluded.runs"},
};

enum { TABLES = sizeof tables / sizeof *tables };

struct merge {
    sqlite3 *out;
    const char *out_path;
    sqlite3 *in;
    const char *in_path;
    bool append, any_program, quiet;
    bool created; /* there was no such file before */
    struct map maps[MAPS];
};

/* SQLite's codes into words. Returns TOOL_FAILED. */
static int out_failed(struct merge *m, int rc) {
    char message[1024];
    trace_file_explain(m->out, rc, m->out_path, message, sizeof message);
    /* The words are for who records. */
    char *advice = strstr(message, "; the runs recorded so far are safe");
    if (advice) strcpy(advice, ", and nothing was written: make room, or write elsewhere");
    tool_error("%s", message);
    return TOOL_FAILED;
}

static int in_failed(struct merge *m, const char *table) {
    int rc = sqlite3_errcode(m->in);
    tool_error("%s: damaged, or not as a trace is made: table %s: %s", m->in_path, table,
               sqlite3_errmsg(m->in));
    return rc == SQLITE_NOMEM || rc == SQLITE_IOERR ? TOOL_FAILED : TOOL_USAGE;
}

static int prepare(sqlite3 *db, sqlite3_stmt **statement, struct tool_text *sql) {
    int rc = sqlite3_prepare_v2(db, tool_text_string(sql), -1, statement, NULL);
    tool_text_clear(sql);
    return rc;
}

/* Binds the columns of a row, from `first` on, with what they refer to as it is called now. */
static int bind_row(struct merge *m, const struct table *table, sqlite3_stmt *from, int first,
                    sqlite3_stmt *to) {
    int count = sqlite3_column_count(from) - first;
    for (int i = 0; i < count; i++) {
        sqlite3_value *value = sqlite3_column_value(from, first + i);
        int map = table->maps[i] - 1, rc;
        if (map == NO_MAP || sqlite3_value_type(value) == SQLITE_NULL) {
            rc = sqlite3_bind_value(to, i + 1, value);
        } else {
            const struct pair *pair = map_find(&m->maps[map], sqlite3_value_int64(value));
            if (!pair) {
                tool_error("%s: table %s refers to %s %lld, which does not exist", m->in_path,
                           table->name, sqlite3_column_name(from, first + i),
                           (long long)sqlite3_value_int64(value));
                return TOOL_USAGE;
            }
            rc = sqlite3_bind_int64(to, i + 1, pair->to);
        }
        if (rc) return out_failed(m, rc);
    }
    return TOOL_OK;
}

static int copy_row(struct merge *m, const struct table *table, sqlite3_stmt *from,
                    sqlite3_stmt *find, sqlite3_stmt *add) {
    int first = table->own == NO_MAP ? 0 : 1, status;
    int64_t id = first ? sqlite3_column_int64(from, 0) : 0, found = 0;
    if (find) {
        if ((status = bind_row(m, table, from, first, find)) != TOOL_OK) return status;
        if (sqlite3_step(find) == SQLITE_ROW) found = sqlite3_column_int64(find, 0);
        int rc = sqlite3_reset(find);
        if (rc) return out_failed(m, rc);
    }
    if (!found) {
        if ((status = bind_row(m, table, from, first, add)) != TOOL_OK) return status;
        sqlite3_step(add);
        int rc = sqlite3_reset(add);
        if ((rc & 0xff) == SQLITE_CONSTRAINT || (rc & 0xff) == SQLITE_MISMATCH) {
            tool_error("%s: not as a trace is made: table %s: %s", m->in_path, table->name,
                       sqlite3_errmsg(m->out));
            return TOOL_USAGE;
        }
        if (rc) return out_failed(m, rc);
        found = sqlite3_last_insert_rowid(m->out);
    }
    if (first) map_add(&m->maps[table->own], id, found);
    return TOOL_OK;
}

static int copy_rows(struct merge *m, const struct table *table, sqlite3_stmt *from,
                     sqlite3_stmt *find, sqlite3_stmt *add) {
    int rc, status;
    while ((rc = sqlite3_step(from)) == SQLITE_ROW)
        if ((status = copy_row(m, table, from, find, add)) != TOOL_OK) return status;
    return rc == SQLITE_DONE ? TOOL_OK : in_failed(m, table->name);
}

static int copy_table(struct merge *m, const struct table *table) {
    sqlite3_stmt *from = NULL, *find = NULL, *add = NULL;
    struct tool_text sql = {0};
    int rc, status;
    tool_text_addf(&sql, "SELECT %s%s FROM %s%s", table->own == NO_MAP ? "" : "id, ",
                   table->columns, table->name, table->own == NO_MAP ? "" : " ORDER BY id");
    if (prepare(m->in, &from, &sql)) {
        status = in_failed(m, table->name);
    } else {
        tool_text_addf(&sql, "INSERT INTO %s(%s) VALUES(", table->name, table->columns);
        for (int i = table->own == NO_MAP ? 0 : 1; i < sqlite3_column_count(from); i++)
            tool_text_addf(&sql, "?%s", i + 1 < sqlite3_column_count(from) ? ", " : ")");
        if (table->conflict) tool_text_addf(&sql, " ON CONFLICT %s", table->conflict);
        rc = prepare(m->out, &add, &sql);
        if (!rc && table->find) {
            tool_text_add(&sql, table->find);
            rc = prepare(m->out, &find, &sql);
        }
        status = rc ? out_failed(m, rc) : copy_rows(m, table, from, find, add);
    }
    sqlite3_finalize(from);
    sqlite3_finalize(find);
    sqlite3_finalize(add);
    tool_text_free(&sql);
    return status;
}

/* ---- One trace ----------------------------------------------------------------------------- */

/* The reader of traces knows what is one; it complains where it is none. */
static int check(const char *path) {
    struct trace *trace;
    int status = trace_open(path, &trace);
    if (status == TOOL_OK) trace_close(trace);
    return status;
}

static int open_in(struct merge *m) {
    char message[1024];
    int status = check(m->in_path), error;
    if (status != TOOL_OK) return status;
    m->in = trace_file_open(m->in_path, TRACE_READ, message, sizeof message, &error);
    if (!m->in) {
        tool_error("%s", message);
        return TOOL_FAILED;
    }
    /* As it is now, though somebody may be recording into it. */
    return sqlite3_exec(m->in, "BEGIN", NULL, NULL, NULL) ? in_failed(m, "program") : TOOL_OK;
}

/* The first build that the trace knows other than `build`, or any where that is NULL; freed by the
 * caller. NULL: none. */
static char *other_build(sqlite3 *db, const char *build, char **program) {
    sqlite3_stmt *s = NULL;
    char *found = NULL;
    *program = NULL;
    if (!sqlite3_prepare_v2(db, "SELECT build_id, path FROM program WHERE build_id IS NOT ?1", -1,
                            &s, NULL)) {
        sqlite3_bind_text(s, 1, build, -1, SQLITE_STATIC);
        if (sqlite3_step(s) == SQLITE_ROW && sqlite3_column_text(s, 1)) {
            found = tool_copy((const char *)sqlite3_column_text(s, 0));
            *program = tool_copy((const char *)sqlite3_column_text(s, 1));
        }
    }
    sqlite3_finalize(s);
    return found;
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Whether the runs to be merged are of the build that those before were of. */
static int check_program(struct merge *m) {
    char *known_program, *program;
    char *known = m->any_program ? NULL : other_build(m->out, NULL, &known_program);
    int status = TOOL_OK;
    if (!known) return TOOL_OK;
    char *other = other_build(m->in, known, &program);
    if (other) {
        bool same_name = !strcmp(base_name(known_program), base_name(program));
        tool_error("%s: recorded from %s%s, and those before it from %s%s (--any-program merges "
                   "them all the same)",
                   m->in_path, same_name ? "another build of " : "", base_name(program),
                   same_name ? "one build of " : "", base_name(known_program));
        status = TOOL_USAGE;
    }
    free(other);
    free(program);
    free(known);
    free(known_program);
    return status;
}

static int merge_one(struct merge *m, const char *path) {
    m->in_path = path;
    int status = open_in(m);
    if (status == TOOL_OK) status = check_program(m);
    for (int i = 0; i < TABLES && status == TOOL_OK; i++) status = copy_table(m, &tables[i]);
    sqlite3_close(m->in);
    m->in = NULL;
    for (int i = 0; i < MAPS; i++) m->maps[i].count = 0;
    return status;
}

/* ---- All of them --------------------------------------------------------------------------- */

static bool is_same(const char *a, const char *b) {
    struct stat x, y;
    return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* What is wrong with the names shows before anything is written. */
static int check_names(struct merge *m, char **in, int count) {
    struct stat status;
    bool exists = !stat(m->out_path, &status);
    m->created = !exists;
    if (exists && status.st_size > 0 && !m->append) {
        tool_error("%s: exists; --append adds to it, else choose another name", m->out_path);
        return TOOL_USAGE;
    }
    for (int i = 0; i < count; i++) {
        int known = check(in[i]);
        if (known != TOOL_OK) return known;
        if (is_same(m->out_path, in[i])) {
            tool_error("%s: to be read and written; --append keeps what is in it", in[i]);
            return TOOL_USAGE;
        }
        for (int j = 0; j < i; j++) {
            if (!is_same(in[i], in[j])) continue;
            tool_error("%s and %s are the same file: its runs would count twice", in[j], in[i]);
            return TOOL_USAGE;
        }
    }
    return TOOL_OK;
}

static void print_result(struct merge *m, int count) {
    sqlite3_stmt *s = NULL;
    if (!sqlite3_prepare_v2(m->out,
                            "SELECT count(*), count(DISTINCT graph), sum(outcome <> 'ok') FROM run",
                            -1, &s, NULL) &&
        sqlite3_step(s) == SQLITE_ROW) {
        int64_t runs = sqlite3_column_int64(s, 0), distinct = sqlite3_column_int64(s, 1),
                failures = sqlite3_column_int64(s, 2);
        printf("%" PRId64 " run%s of %d trace%s%s, %" PRId64 " distinct, %" PRId64 " failure%s\n",
               runs, runs == 1 ? "" : "s", count, count == 1 ? "" : "s",
               m->append && !m->created ? " and what was there" : "", distinct, failures,
               failures == 1 ? "" : "s");
    }
    sqlite3_finalize(s);
}

static int merge(struct merge *m, char **in, int count) {
    char message[1024];
    int status = check_names(m, in, count), error;
    if (status != TOOL_OK) return status;
    if (!trace_kind_check(m->out_path, TRACE_WRITE, message, sizeof message)) {
        tool_error("%s", message);
        return TOOL_USAGE;
    }
    m->out = trace_file_open(m->out_path, TRACE_WRITE, message, sizeof message, &error);
    if (!m->out) {
        tool_error("%s", message);
        return TOOL_FAILED;
    }
    int rc = sqlite3_exec(m->out, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc) status = out_failed(m, rc);
    for (int i = 0; i < count && status == TOOL_OK; i++) status = merge_one(m, in[i]);
    if (status == TOOL_OK && (rc = sqlite3_exec(m->out, "COMMIT", NULL, NULL, NULL)))
        status = out_failed(m, rc);
    if (status == TOOL_OK && !m->quiet) print_result(m, count);
    sqlite3_close(m->out); /* what was not committed is rolled back */
    for (int i = 0; i < MAPS; i++) free(m->maps[i].pairs);
    if (status != TOOL_OK && m->created) unlink(m->out_path);
    return status;
}

int merge_main(int argc, char **argv) {
    enum { OPTION_APPEND = 256, OPTION_ANY_PROGRAM, OPTION_HELP };
    static const struct option options[] = {{"append", no_argument, NULL, OPTION_APPEND},
                                            {"any-program", no_argument, NULL, OPTION_ANY_PROGRAM},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {"help", no_argument, NULL, OPTION_HELP},
                                            {NULL, 0, NULL, 0}};
    struct merge m = {0};
    optind = 0;
    for (int option; (option = getopt_long(argc, argv, ":q", options, NULL)) != -1;) {
        switch (option) {
        case OPTION_APPEND:
            m.append = true;
            break;
        case OPTION_ANY_PROGRAM:
            m.any_program = true;
            break;
        case 'q':
            m.quiet = true;
            break;
        case OPTION_HELP:
            fputs(help, stdout);
            return tool_flush(stdout, "standard output");
        default:
            return tool_option_error("merge", argv, option, options);
        }
    }
    if (argc - optind < 2)
        return tool_usage_error("merge", argc == optind ? "into which trace?" : "which traces?");
    m.out_path = argv[optind];
    int status = merge(&m, argv + optind + 1, argc - optind - 1);
    int flushed = tool_flush(stdout, "standard output");
    return status != TOOL_OK ? status : flushed;
}
