/*
 * load.c - loads one run of a trace into arrays.
 *
 * What holds once trace_load has returned TOOL_OK, whatever the file held:
 *  1. every index in the arrays is in range or TRACE_NONE;
 *  2. steps, and the ids of tasks, objects and sites, are above 0 and strictly increase;
 *  3. an edge leads from an event to a later one, so that the graph has no cycle;
 *  4. every string can be shown as it is, but for the details of a finding: line by line, cleaned.
 */
#include "viz/reader.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "viz/tool.h"
#include "viz/utf8.h"

#define WORD_(name, word) word,
static const char *const op_words[] = {TRACE_OPS(WORD_)};
static const char *const kind_words[] = {TRACE_KINDS(WORD_)};
static const char *const edge_words[] = {TRACE_EDGES(WORD_)};
static const char *const state_words[] = {TRACE_STATES(WORD_)};
#define COUNT(words) (sizeof(words) / sizeof *(words))

/* The index of a word in its list, or the list's length: a word of a later version. */
static size_t find_word(const char *const *words, size_t count, const char *word) {
    size_t i = 0;
    while (i < count && strcmp(words[i], word) != 0) i++;
    return i;
}

/* Tasks, objects, sites and events all begin with the number that the file knows them by. */
static int64_t id_at(const void *array, size_t size, size_t index) {
    int64_t id;
    memcpy(&id, (const char *)array + index * size, sizeof id);
    return id;
}

static size_t find_id(const void *array, size_t count, size_t size, int64_t id) {
    /* Ids are dense as a rule, so the first guess is nearly always right. */
    if (id >= 1 && (uint64_t)id <= count && id_at(array, size, (size_t)id - 1) == id)
        return (size_t)id - 1;
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (id_at(array, size, middle) < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && id_at(array, size, low) == id ? low : TRACE_NONE;
}

/* The index that the id in a column stands for; NULL is TRACE_NONE, an id that nothing has is an
 * error. */
static size_t refer(struct reader *reader, int column, const void *array, size_t count,
                    size_t size) {
    if (reader_is_null(reader, column)) return TRACE_NONE;
    int64_t id = reader_int(reader, column);
    size_t index = find_id(array, count, size, id);
    if (index == TRACE_NONE)
        reader_wrong(reader, "%s %lld does not exist",
                     sqlite3_column_name(reader->statement, column), (long long)id);
    return index;
}

#define REFER(reader, column, run, things, count) \
    refer(reader, column, (run)->things, (run)->count, sizeof *(run)->things)
#define REFER_SITE(reader, column, run) REFER(reader, column, run, sites, site_count)
#define REFER_TASK(reader, column, run) REFER(reader, column, run, tasks, task_count)
#define REFER_OBJECT(reader, column, run) REFER(reader, column, run, objects, object_count)
#define REFER_EVENT(reader, column, run) REFER(reader, column, run, events, event_count)

/* Checks invariant 2 for a new id. */
static void check_order(struct reader *reader, int64_t id, int64_t before) {
    if (id < 1 || id <= before) reader_wrong(reader, "number %lld is out of order", (long long)id);
}

/* ---- The run's row and its program --------------------------------------------------------- */

static int load_arguments(struct trace *trace, struct trace_run *run, const char *json) {
    struct trace_program *program = &run->program;
    size_t capacity = 0;
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(trace->db, "SELECT value FROM json_each(?1)", -1, &statement, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_bind_text(statement, 1, json, -1, SQLITE_STATIC);
        while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
            const char *text = (const char *)sqlite3_column_text(statement, 0);
            if (text == NULL) text = "";
            program->arguments = tool_grow(program->arguments, &capacity,
                                           program->argument_count + 1, sizeof(char *));
            program->arguments[program->argument_count++] = tool_copy(text);
        }
    }
    sqlite3_finalize(statement);
    if (rc != SQLITE_DONE || program->argument_count == 0) {
        /* Only the command that replays needs them; the path alone is better than no picture. */
        while (program->argument_count > 0) free(program->arguments[--program->argument_count]);
        program->arguments = tool_grow(program->arguments, &capacity, 1, sizeof(char *));
        program->arguments[program->argument_count++] =
            tool_copy(*program->path != '\0' ? program->path : "PROGRAM");
    }
    return TOOL_OK;
}

static int load_summary(struct trace *trace, struct trace_run *run, int64_t id) {
    struct reader reader;
    const char *arguments = "[]";
    reader_begin(&reader, trace, "run",
                 "SELECT " TRACE_SUMMARY_COLUMNS
                 ", coalesce(program.path, ''), coalesce(program.arguments, '[]') "
                 "FROM run LEFT JOIN program ON program.id = run.program WHERE run.id = ?1",
                 id);
    bool found = reader_next(&reader);
    if (found) {
        reader_summary(&reader, &run->summary, run->arena);
        run->program.path = reader_text_raw(&reader, TRACE_SUMMARY_COUNT, run->arena);
        arguments = reader_text_raw(&reader, TRACE_SUMMARY_COUNT + 1, run->arena);
    }
    int status = reader_end(&reader);
    if (status == TOOL_OK && !found) {
        tool_error("%s: it has no run %lld; 'pirn list' shows those it has", trace->path,
                   (long long)id);
        return TOOL_USAGE;
    }
    return status == TOOL_OK ? load_arguments(trace, run, arguments) : status;
}

/* ---- Sites, tasks, objects ----------------------------------------------------------------- */

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

static const char *make_place(struct trace_run *run, const struct trace_site *site,
                              const char *module, int64_t offset) {
    struct tool_text place = {0};
    if (*site->file != '\0' && site->line > 0)
        tool_text_addf(&place, "%s:%lld", site->file, (long long)site->line);
    else if (*site->function != '\0')
        tool_text_addf(&place, "%s()", site->function);
    else if (*site->file != '\0')
        tool_text_add(&place, site->file);
    else
        tool_text_addf(&place, "%s+0x%llx", *module != '\0' ? base_name(module) : "?",
                       (unsigned long long)offset);
    const char *copy = trace_arena_add(run->arena, tool_text_string(&place), place.length);
    tool_text_free(&place);
    return copy;
}

/* No system has a longer one. */
static const char *reader_path(struct reader *reader, int column, struct trace_arena *arena) {
    const char *path = reader_text(reader, column, arena);
    if (strlen(path) < PATH_MAX) return path;
    reader_wrong(reader, "no path is that long");
    return "";
}

static int load_sites(struct trace *trace, struct trace_run *run) {
    struct reader reader;
    size_t capacity = 0;
    int64_t last = 0;
    reader_begin(&reader, trace, "site",
                 "SELECT id, module, offset, function, file, line FROM site ORDER BY id", 0);
    while (reader_next(&reader)) {
        run->sites = tool_grow(run->sites, &capacity, run->site_count + 1, sizeof *run->sites);
        reader_keep(&reader, sizeof *run->sites);
        struct trace_site *site = &run->sites[run->site_count++];
        *site = (struct trace_site){.id = reader_int(&reader, 0)};
        const char *module = reader_name(&reader, 1, run->arena);
        int64_t offset = reader_int(&reader, 2);
        site->function = reader_name(&reader, 3, run->arena);
        site->path = reader_path(&reader, 4, run->arena);
        site->file = base_name(site->path);
        site->line = reader_int(&reader, 5);
        site->place = make_place(run, site, module, offset);
        check_order(&reader, site->id, last);
        last = site->id;
    }
    return reader_end(&reader);
}

static const char *numbered(struct trace_run *run, const char *word, int64_t id) {
    char name[64];
    int length = snprintf(name, sizeof name, "%.32s %lld", word, (long long)id);
    /* The word may have been cut within a character. */
    struct tool_text clean = {0};
    utf8_add_clean(&clean, name, (size_t)length);
    const char *copy = trace_arena_add(run->arena, tool_text_string(&clean), clean.length);
    tool_text_free(&clean);
    return copy;
}

static int load_tasks(struct trace *trace, struct trace_run *run, int64_t id) {
    struct reader reader;
    size_t capacity = 0;
    reader_begin(
        &reader, trace, "task",
        "SELECT id, parent, name, site, state, daemon FROM task WHERE run = ?1 ORDER BY id", id);
    while (reader_next(&reader)) {
        run->tasks = tool_grow(run->tasks, &capacity, run->task_count + 1, sizeof *run->tasks);
        reader_keep(&reader, sizeof *run->tasks);
        struct trace_task *task = &run->tasks[run->task_count];
        *task = (struct trace_task){
            .id = reader_int(&reader, 0), .first = TRACE_NONE, .last = TRACE_NONE};
        check_order(&reader, task->id, run->task_count > 0 ? task[-1].id : 0);
        /* A parent is older than its child, so it has been loaded. */
        task->parent = REFER_TASK(&reader, 1, run);
        task->name = reader_name(&reader, 2, run->arena);
        if (*task->name == '\0') task->name = numbered(run, "task", task->id);
        task->site = REFER_SITE(&reader, 3, run);
        task->state = (enum trace_state)find_word(state_words, COUNT(state_words),
                                                  reader_text(&reader, 4, run->arena));
        task->daemon = reader_int(&reader, 5) != 0;
        run->task_count++;
    }
    return reader_end(&reader);
}

static int load_objects(struct trace *trace, struct trace_run *run, int64_t id) {
    struct reader reader;
    size_t capacity = 0;
    reader_begin(&reader, trace, "object",
                 "SELECT id, kind, label, capacity, site FROM object WHERE run = ?1 ORDER BY id",
                 id);
    while (reader_next(&reader)) {
        run->objects =
            tool_grow(run->objects, &capacity, run->object_count + 1, sizeof *run->objects);
        reader_keep(&reader, sizeof *run->objects);
        struct trace_object *object = &run->objects[run->object_count];
        *object = (struct trace_object){.id = reader_int(&reader, 0)};
        check_order(&reader, object->id, run->object_count > 0 ? object[-1].id : 0);
        object->kind_word = reader_name(&reader, 1, run->arena);
        object->kind = (enum trace_kind)find_word(kind_words, COUNT(kind_words), object->kind_word);
        object->name = reader_is_null(&reader, 2) ? "" : reader_name(&reader, 2, run->arena);
        object->labelled = *object->name != '\0';
        if (!object->labelled) object->name = numbered(run, object->kind_word, object->id);
        object->capacity = reader_int_or(&reader, 3, -1);
        object->site = REFER_SITE(&reader, 4, run);
        run->object_count++;
    }
    return reader_end(&reader);
}

/* ---- Events and what refers to them -------------------------------------------------------- */

static void link_event(struct trace_run *run, size_t index) {
    struct trace_event *event = &run->events[index];
    event->previous = event->next = TRACE_NONE;
    if (event->task == TRACE_NONE) return;
    struct trace_task *task = &run->tasks[event->task];
    event->previous = task->last;
    if (task->last != TRACE_NONE)
        run->events[task->last].next = index;
    else
        task->first = index;
    task->last = index;
}

static int load_events(struct trace *trace, struct trace_run *run, int64_t id) {
    struct reader reader;
    size_t capacity = 0;
    reader_begin(&reader, trace, "event",
                 "SELECT step, nullif(task, 0) AS task, op, object, result, site, time FROM event "
                 "WHERE run = ?1 "
                 "ORDER BY step",
                 id);
    while (reader_next(&reader)) {
        run->events = tool_grow(run->events, &capacity, run->event_count + 1, sizeof *run->events);
        reader_keep(&reader, sizeof *run->events);
        struct trace_event *event = &run->events[run->event_count];
        *event = (struct trace_event){.step = reader_int(&reader, 0)};
        check_order(&reader, event->step, run->event_count > 0 ? event[-1].step : 0);
        event->task = REFER_TASK(&reader, 1, run);
        event->op_word = reader_name(&reader, 2, run->arena);
        event->op = (enum trace_op)find_word(op_words, COUNT(op_words), event->op_word);
        if (event->op != TRACE_OP_OTHER) event->op_word = op_words[event->op];
        event->object = REFER_OBJECT(&reader, 3, run);
        event->slept = reader_is_null(&reader, 4);
        event->result = reader_int_or(&reader, 4, 0);
        event->site = REFER_SITE(&reader, 5, run);
        event->time = reader_int(&reader, 6);
        if (reader.status == TOOL_OK) link_event(run, run->event_count++);
    }
    return reader_end(&reader);
}

static int load_cases(struct trace *trace, struct trace_run *run, int64_t id) {
    struct reader reader;
    size_t capacity = 0;
    int64_t position, last = 0;
    reader_begin(&reader, trace, "select_case",
                 "SELECT step, op, object, position FROM select_case WHERE run = ?1 ORDER BY step, "
                 "position",
                 id);
    while (reader_next(&reader)) {
        run->cases = tool_grow(run->cases, &capacity, run->case_count + 1, sizeof *run->cases);
        reader_keep(&reader, sizeof *run->cases);
        struct trace_case *entry = &run->cases[run->case_count];
        entry->event = REFER_EVENT(&reader, 0, run);
        const char *op = reader_text(&reader, 1, run->arena);
        entry->sends = strcmp(op, "send") == 0;
        entry->object = REFER_OBJECT(&reader, 2, run);
        if (entry->event == TRACE_NONE) reader_wrong(&reader, "step is missing");
        position = reader_int(&reader, 3);
        if (run->case_count > 0 && (entry->event < entry[-1].event ||
                                    (entry->event == entry[-1].event && position <= last)))
            reader_wrong(&reader, "it is out of order");
        last = position;
        run->case_count++;
    }
    return reader_end(&reader);
}

static bool comes_after(const struct trace_edge *edge, const struct trace_edge *last) {
    if (edge->after != last->after) return edge->after > last->after;
    if (edge->before != last->before) return edge->before > last->before;
    return strcmp(edge->kind_word, last->kind_word) > 0;
}

static int load_edges(struct trace *trace, struct trace_run *run, int64_t id) {
    struct reader reader;
    size_t capacity = 0;
    reader_begin(&reader, trace, "edge",
                 "SELECT before AS step, after AS step, kind FROM edge WHERE run = ?1 ORDER BY "
                 "after, before, kind",
                 id);
    while (reader_next(&reader)) {
        run->edges = tool_grow(run->edges, &capacity, run->edge_count + 1, sizeof *run->edges);
        reader_keep(&reader, sizeof *run->edges);
        struct trace_edge *edge = &run->edges[run->edge_count];
        edge->before = REFER_EVENT(&reader, 0, run);
        edge->after = REFER_EVENT(&reader, 1, run);
        edge->kind_word = reader_name(&reader, 2, run->arena);
        edge->kind =
            (enum trace_edge_kind)find_word(edge_words, COUNT(edge_words), edge->kind_word);
        if (edge->kind != TRACE_EDGE_OTHER) edge->kind_word = edge_words[edge->kind];
        if (edge->before == TRACE_NONE || edge->after == TRACE_NONE)
            reader_wrong(&reader, "step is missing");
        else if (edge->before >= edge->after)
            reader_wrong(&reader, "step %lld cannot happen before step %lld",
                         (long long)run->events[edge->before].step,
                         (long long)run->events[edge->after].step);
        else if (run->edge_count > 0 && !comes_after(edge, edge - 1))
            reader_wrong(&reader, "it is out of order");
        run->edge_count++;
    }
    return reader_end(&reader);
}

/* Of two accesses there is more to tell than a line: parts the message into its first one, and the
 * indented lines that follow, as they are. */
static void take_message(struct trace_finding *finding, const char *raw,
                         struct trace_arena *arena) {
    const char *end = strstr(raw, "\n    ");
    size_t length = end ? (size_t)(end - raw) : strlen(raw);
    struct tool_text line = {0};
    utf8_add_clean(&line, raw, length);
    finding->message = trace_arena_add(arena, tool_text_string(&line), line.length);
    finding->details = raw + length + (raw[length] != '\0');
    tool_text_free(&line);
}

static int load_findings(struct trace *trace, struct trace_run *run, int64_t id) {
    struct reader reader;
    size_t capacity = 0;
    int64_t last = INT64_MIN;
    reader_begin(&reader, trace, "finding",
                 "SELECT kind, step, other_step AS step, object, message, id FROM finding WHERE "
                 "run = ?1 ORDER BY id",
                 id);
    while (reader_next(&reader)) {
        run->findings =
            tool_grow(run->findings, &capacity, run->finding_count + 1, sizeof *run->findings);
        reader_keep(&reader, sizeof *run->findings);
        struct trace_finding *finding = &run->findings[run->finding_count++];
        finding->kind = reader_name(&reader, 0, run->arena);
        finding->event = REFER_EVENT(&reader, 1, run);
        finding->other = REFER_EVENT(&reader, 2, run);
        finding->object = REFER_OBJECT(&reader, 3, run);
        take_message(finding, reader_text_raw(&reader, 4, run->arena), run->arena);
        if (run->finding_count > 1 && reader_int(&reader, 5) <= last)
            reader_wrong(&reader, "it is out of order");
        last = reader_int(&reader, 5);
    }
    return reader_end(&reader);
}

static int load_certainty(struct trace *trace, struct trace_run *run, int64_t id) {
    struct trace_certainty *certainty = &run->certainty;
    struct reader reader;
    reader_begin(&reader, trace, "certainty",
                 "SELECT step, samples, before FROM certainty WHERE run = ?1", id);
    if (reader_next(&reader)) {
        certainty->step = reader_int(&reader, 0);
        certainty->samples = reader_int(&reader, 1);
        certainty->before = reader_int(&reader, 2);
        if (certainty->step < 0 || certainty->step > run->summary.steps || certainty->samples < 0 ||
            certainty->before < 0 || certainty->before > certainty->samples)
            reader_wrong(&reader, "its numbers do not fit");
    }
    return reader_end(&reader);
}

/* ---- Public -------------------------------------------------------------------------------- */

int trace_load(struct trace *trace, int64_t id, struct trace_run **loaded) {
    static int (*const parts[])(struct trace *, struct trace_run *, int64_t) = {
        load_tasks, load_objects,  load_events,    load_cases,
        load_edges, load_findings, load_certainty,
    };
    *loaded = NULL;
    struct trace_run *run = tool_alloc(1, sizeof *run);
    run->arena = trace_arena_new();
    trace->loaded = 0;
    /* One transaction, so that a writer at work in another process cannot come between two tables.
     */
    sqlite3_exec(trace->db, "BEGIN", NULL, NULL, NULL);
    int status = load_summary(trace, run, id);
    if (status == TOOL_OK) status = load_sites(trace, run);
    for (size_t i = 0; i < COUNT(parts) && status == TOOL_OK; i++)
        status = parts[i](trace, run, id);
    sqlite3_exec(trace->db, "ROLLBACK", NULL, NULL, NULL);
    if (status != TOOL_OK) {
        trace_run_free(run);
        return status;
    }
    *loaded = run;
    return TOOL_OK;
}

int trace_load_named(const char *name, struct trace **trace, struct trace_run **run) {
    int64_t number;
    int status = trace_open_named(name, trace, &number);
    if (status != TOOL_OK) return status;
    status = trace_load(*trace, number, run);
    if (status == TOOL_OK) return TOOL_OK;
    trace_close(*trace);
    *trace = NULL;
    return status;
}

void trace_run_free(struct trace_run *run) {
    if (run == NULL) return;
    for (size_t i = 0; i < run->program.argument_count; i++) free(run->program.arguments[i]);
    free(run->program.arguments);
    free(run->sites);
    free(run->tasks);
    free(run->objects);
    free(run->events);
    free(run->edges);
    free(run->cases);
    free(run->findings);
    trace_arena_free(run->arena);
    free(run);
}

const char *trace_place(const struct trace_run *run, size_t site) {
    return site != TRACE_NONE ? run->sites[site].place : "unknown place";
}

const char *trace_task_name(const struct trace_run *run, size_t task) {
    return task != TRACE_NONE ? run->tasks[task].name : "clock";
}

size_t trace_find_task(const struct trace_run *run, int64_t id) {
    return find_id(run->tasks, run->task_count, sizeof *run->tasks, id);
}

size_t trace_cases(const struct trace_run *run, size_t event, size_t *first) {
    size_t low = 0, high = run->case_count, count = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (run->cases[middle].event < event)
            low = middle + 1;
        else
            high = middle;
    }
    *first = low;
    while (low + count < run->case_count && run->cases[low + count].event == event) count++;
    return count;
}
