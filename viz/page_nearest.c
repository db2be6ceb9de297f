/* page_nearest.c - finds the passing run that goes the same way as a failing one for longest. */
#include <string.h>

#include "viz/page.h"
#include "viz/reader.h"

#define MOST_RUNS 10000 /* that are looked at: beyond that a nearer one is not worth the wait */

struct search {
    const struct trace_run *run;
    sqlite3_stmt *events;
    size_t longest;
    int64_t nearest;
};

static int64_t id_of(const struct trace_run *run, size_t object) {
    return object != TRACE_NONE ? run->objects[object].id : 0;
}

/* Whether the row of the statement is the run's event. */
static bool is_same(sqlite3_stmt *row, const struct trace_run *run,
                    const struct trace_event *event) {
    const char *op = (const char *)sqlite3_column_text(row, 1);
    int64_t task = event->task != TRACE_NONE ? run->tasks[event->task].id : 0;
    bool slept = sqlite3_column_type(row, 3) == SQLITE_NULL;
    return op != NULL && sqlite3_column_int64(row, 0) == task && strcmp(op, event->op_word) == 0 &&
           sqlite3_column_int64(row, 2) == id_of(run, event->object) && slept == event->slept &&
           sqlite3_column_int64(row, 3) == event->result;
}

/* Returns TOOL_OK, or TOOL_FAILED when the file cannot be read. */
static int compare(struct trace *trace, struct search *search, int64_t id) {
    const struct trace_run *run = search->run;
    size_t same = 0, rows = 0;
    int rc;
    sqlite3_bind_int64(search->events, 1, id);
    while ((rc = sqlite3_step(search->events)) == SQLITE_ROW) {
        rows++;
        if (same == run->event_count || !is_same(search->events, run, &run->events[same])) break;
        same++;
    }
    sqlite3_reset(search->events);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) return trace_sql_error(trace);
    if (rows > 0 && (search->nearest == 0 || same > search->longest)) {
        search->longest = same;
        search->nearest = id;
    }
    return TOOL_OK;
}

int page_nearest(struct trace *trace, const struct trace_run *run, int64_t *other) {
    static const char candidates[] =
        "SELECT run.id FROM run JOIN program ON program.id = run.program "
        "WHERE run.outcome = 'ok' AND run.id <> ?1 AND program.path = "
        "(SELECT path FROM program WHERE id = (SELECT program FROM run WHERE id = ?1)) AND "
        "EXISTS(SELECT 1 FROM event WHERE event.run = run.id) ORDER BY run.id";
    static const char events[] =
        "SELECT task, op, coalesce(object, 0), result FROM event WHERE run = ?1 ORDER BY step";
    struct search search = {.run = run};
    struct reader reader;
    int status = TOOL_OK;
    *other = 0;
    if (strcmp(run->summary.outcome, "ok") == 0) return TOOL_OK;
    if (sqlite3_prepare_v2(trace->db, events, -1, &search.events, NULL) != SQLITE_OK)
        return trace_sql_error(trace);
    reader_begin(&reader, trace, "run", candidates, run->summary.id);
    for (int i = 0; i < MOST_RUNS && status == TOOL_OK && reader_next(&reader); i++)
        status = compare(trace, &search, reader_int(&reader, 0));
    int ended = reader_end(&reader);
    sqlite3_finalize(search.events);
    *other = search.nearest;
    return status != TOOL_OK ? status : ended;
}
