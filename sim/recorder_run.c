/*
 * recorder_run.c - a run into rows (recorder.h).
 *
 * Rows are collected and written by the thousand. A site in the cache with an id has a row:
 * committed, or in the transaction that is open.
 */
#include "sim/recorder_own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/engine.h"
#include "lib/core/report.h"
#include "sim/orders.h"
#include "sim/race/report.h"

/* A transaction that has lasted so long ends with the next run, so that others get their turn;
 * and so does one before which nothing was added for as long, since the next run may take as
 * long again. */
#define TRANSACTION_NS 100000000

const char *const log_state_names[] = {"exited", "blocked", "sleeping", "runnable"};

/* ---- Rows ---------------------------------------------------------------------------------- */

int recorder_write_rows(struct recorder *r, enum source source) {
    static const enum statement statements[SOURCES] = {
        [NEW_TASKS] = ADD_TASK, [NEW_OBJECTS] = ADD_OBJECT, [NEW_EVENTS] = ADD_EVENT,
        [NEW_CASES] = ADD_CASE, [NEW_EDGES] = ADD_EDGE,
    };
    int rc = r->sources[source].count ? recorder_insert(r, r->statements[statements[source]]) : 0;
    r->sources[source].count = 0;
    return rc;
}

/* Makes one row more of a source, *at, having written the others where there are too many. */
static int add_row(struct recorder *r, enum source source, size_t *at) {
    int rc = r->sources[source].count == BATCH ? recorder_write_rows(r, source) : 0;
    *at = rc ? 0 : r->sources[source].count++;
    return rc;
}

/* The cells of a row, which have no errors but want of memory. 0 and NULL stand for NULL. */
static void give_optional(sqlite3_context *result, int64_t value) {
    if (value) sqlite3_result_int64(result, value);
}

static void give_text(sqlite3_context *result, const char *text) {
    if (text) sqlite3_result_text(result, text, -1, SQLITE_STATIC);
}

/* ---- Sites --------------------------------------------------------------------------------- */

static struct site *find_slot(struct site *sites, size_t room, const void *address) {
    size_t slot = (size_t)(((uint64_t)(uintptr_t)address * 0x9e3779b97f4a7c15u) >> 20) & (room - 1);
    while (sites[slot].address && sites[slot].address != address) slot = (slot + 1) & (room - 1);
    return &sites[slot];
}

static bool grow_sites(struct recorder *r) {
    size_t room = r->site_room ? 2 * r->site_room : 256;
    struct site *larger = calloc(room, sizeof *larger);
    if (!larger) return false;
    for (size_t i = 0; i < r->site_room; i++) {
        if (r->sites[i].address) *find_slot(larger, room, r->sites[i].address) = r->sites[i];
    }
    free(r->sites);
    r->sites = larger;
    r->site_room = room;
    return true;
}

/* What is known of an address that is not NULL; valid until the next call. NULL: no memory,
 * which has been told. */
static struct site *resolve(struct recorder *r, const void *address) {
    if (2 * r->site_count >= r->site_room && !grow_sites(r)) {
        recorder_fail(r, SQLITE_NOMEM);
        return NULL;
    }
    struct site *site = find_slot(r->sites, r->site_room, address);
    if (!site->address) {
        if (r->other)
            r->other->resolve(r->other->context, address, &site->symbol);
        else
            symbol_resolve(address, &site->symbol);
        site->address = address;
        r->site_count++;
    }
    return site;
}

static void bind_symbol(sqlite3_stmt *statement, const struct symbol *symbol) {
    bind_text(statement, 1, symbol->module);
    bind_int(statement, 2, (int64_t)symbol->offset);
    bind_text(statement, 3, symbol->function);
    bind_text(statement, 4, symbol->file);
    bind_int(statement, 5, symbol->line);
}

/* Finds or makes the row of a site. */
static int add_site(struct recorder *r, struct site *site) {
    sqlite3_stmt *find = r->statements[FIND_SITE], *add = r->statements[ADD_SITE];
    bind_symbol(find, &site->symbol);
    if (sqlite3_step(find) == SQLITE_ROW) site->id = sqlite3_column_int64(find, 0);
    int rc = sqlite3_reset(find);
    if (rc) return recorder_fail(r, rc);
    if (site->id) return 0;
    bind_symbol(add, &site->symbol);
    rc = recorder_insert(r, add);
    site->id = rc ? 0 : sqlite3_last_insert_rowid(r->db);
    return rc;
}

/* The id of the row of an address; 0 for NULL. */
static int site_id(struct recorder *r, const void *address, int64_t *id) {
    *id = 0;
    if (!address) return 0;
    struct site *site = resolve(r, address);
    if (!site) return r->failed;
    int rc = site->id ? 0 : add_site(r, site);
    *id = site->id;
    return rc;
}

/* ---- A run --------------------------------------------------------------------------------- */

/*
 * The log was written by the process that ran the program, which may have had it overwritten before
 * it crashed. So no number in it is used as an index unseen.
 */
static const char *word(const char *const *words, size_t count, size_t i) {
    return words[i < count ? i : 0];
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

static const char *outcome_word(unsigned outcome) {
    return pirn_outcome_name(outcome <= PIRN_DIVERGED ? (pirn_outcome)outcome : PIRN_CRASH);
}

/* Copies text up to its end, or its buffer's, as one line. */
static void one_line(char *to, const char *from, size_t size) {
    size_t i;
    for (i = 0; i < size - 1 && from[i]; i++) to[i] = (unsigned char)from[i] < ' ' ? ' ' : from[i];
    to[i] = '\0';
}

static int add_explored(struct recorder *r, int64_t run) {
    sqlite3_stmt *s = r->statements[ADD_EXPLORED];
    bind_int(s, 1, r->exploration);
    bind_int(s, 2, run);
    return recorder_insert(r, s);
}

static int add_run(struct recorder *r, const struct log *log, const char *strategy,
                   const char *schedule, int64_t *id) {
    sqlite3_stmt *s = r->statements[ADD_RUN];
    char message[LOG_MESSAGE];
    one_line(message, log->message, sizeof message);
    bind_int(s, 1, r->program);
    bind_text(s, 2, strategy);
    bind_int(s, 3, (int64_t)log->seed);
    bind_text(s, 4, schedule);
    bind_text(s, 5, outcome_word(log->outcome));
    bind_text(s, 6, message);
    bind_int(s, 7, (int64_t)log->steps);
    bind_int(s, 8, (int64_t)log->tasks);
    bind_int(s, 9, (int64_t)log->switches);
    bind_int(s, 10, (int64_t)log->preemptions);
    bind_int(s, 11, log->virtual_ns);
    bind_int(s, 12, log->wall_ns);
    bind_int(s, 13, (int64_t)log->graph);
    int rc = recorder_insert(r, s);
    *id = rc ? 0 : sqlite3_last_insert_rowid(r->db);
    return rc || !r->exploration ? rc : add_explored(r, *id);
}

static void event_cell(sqlite3_context *result, const void *context, size_t row, int column) {
    const struct new_event *new = &((const struct new_rows *)context)->events[row];
    const struct log_event *event = &new->event;
    switch (column) {
    case 0:
        sqlite3_result_int64(result, new->run);
        break;
    case 1:
        sqlite3_result_int64(result, new->step);
        break;
    case 2:
        sqlite3_result_int64(result, event->task);
        break;
    case 3:
        give_text(result, word(op_names, OP_COUNT, event->op));
        break;
    case 4:
        give_optional(result, event->object);
        break;
    case 5:
        if (event->has_result) sqlite3_result_int64(result, event->result);
        break;
    case 6:
        give_optional(result, new->site);
        break;
    default:
        sqlite3_result_int64(result, event->time);
    }
}

static int add_event(struct recorder *r, int64_t run, int64_t step, const struct log_event *event) {
    int64_t site;
    size_t at;
    if (site_id(r, event->site, &site) || add_row(r, NEW_EVENTS, &at)) return r->failed;
    r->rows.events[at] = (struct new_event){run, step, site, *event};
    return 0;
}

static int add_events(struct recorder *r, const struct log *log, int64_t run) {
    size_t count = least(log->steps, log->event_room);
    for (size_t i = 0; i < count; i++)
        if (add_event(r, run, (int64_t)i + 1, &log->events[i])) return r->failed;
    return 0;
}

static void edge_cell(sqlite3_context *result, const void *context, size_t row, int column) {
    const struct new_edge *new = &((const struct new_rows *)context)->edges[row];
    switch (column) {
    case 0:
        sqlite3_result_int64(result, new->run);
        break;
    case 1:
        sqlite3_result_int64(result, new->edge.before);
        break;
    case 2:
        sqlite3_result_int64(result, new->edge.after);
        break;
    default:
        give_text(result, word(edge_names, EDGE_COUNT, new->edge.kind));
    }
}

static int add_edge(struct recorder *r, int64_t run, const struct log_edge *edge) {
    size_t at;
    if (add_row(r, NEW_EDGES, &at)) return r->failed;
    r->rows.edges[at] = (struct new_edge){run, *edge};
    return 0;
}

static int add_edges(struct recorder *r, const struct log *log, int64_t run) {
    size_t count = least(log->edge_count, log->edge_room);
    for (size_t i = 0; i < count; i++)
        if (add_edge(r, run, &log->edges[i])) return r->failed;
    return 0;
}

static void case_cell(sqlite3_context *result, const void *context, size_t row, int column) {
    const struct new_case *new = &((const struct new_rows *)context)->cases[row];
    switch (column) {
    case 0:
        sqlite3_result_int64(result, new->run);
        break;
    case 1:
        sqlite3_result_int64(result, new->entry.step);
        break;
    case 2:
        sqlite3_result_int64(result, new->entry.position);
        break;
    case 3:
        give_text(result, word(op_names, OP_COUNT, new->entry.op));
        break;
    default:
        give_optional(result, new->entry.object);
    }
}

static int add_case(struct recorder *r, int64_t run, const struct log_case *entry) {
    size_t at;
    if (add_row(r, NEW_CASES, &at)) return r->failed;
    r->rows.cases[at] = (struct new_case){run, *entry};
    return 0;
}

static int add_cases(struct recorder *r, const struct log *log, int64_t run) {
    size_t count = least(log->case_count, log->case_room);
    for (size_t i = 0; i < count; i++)
        if (add_case(r, run, &log->cases[i])) return r->failed;
    return 0;
}

static void task_cell(sqlite3_context *result, const void *context, size_t row, int column) {
    const struct new_task *new = &((const struct new_rows *)context)->tasks[row];
    const struct log_task *task = &new->task;
    switch (column) {
    case 0:
        sqlite3_result_int64(result, new->run);
        break;
    case 1:
        sqlite3_result_int64(result, new->id);
        break;
    case 2:
        give_optional(result, task->parent);
        break;
    case 3:
        give_text(result, new->name);
        break;
    case 4:
        give_optional(result, new->site);
        break;
    case 5:
        give_optional(result, task->first_step);
        break;
    case 6:
        give_optional(result, task->last_step);
        break;
    case 7:
        give_text(result, word(log_state_names, sizeof log_state_names / sizeof *log_state_names,
                               task->state));
        break;
    default:
        sqlite3_result_int64(result, task->daemon);
    }
}

/* The name of a task's function, "task" where it has none. */
static const char *function_name(struct recorder *r, const void *function) {
    const struct site *site = function ? resolve(r, (const char *)function + 1) : NULL;
    return site && *site->symbol.function ? site->symbol.function : "task";
}

static int add_task(struct recorder *r, const struct log_task *task, int64_t run, int64_t id,
                    const char *name) {
    struct new_task *new;
    int64_t site;
    size_t at;
    if (site_id(r, task->site, &site) || add_row(r, NEW_TASKS, &at)) return r->failed;
    new = &r->rows.tasks[at];
    new->run = run;
    new->id = id;
    new->site = site;
    new->task = *task;
    snprintf(new->name, sizeof new->name, "%s", name);
    return 0;
}

static int add_tasks(struct recorder *r, const struct log *log, int64_t run) {
    size_t count = least(log->tasks, log->task_room);
    const char **base = calloc(count + 1, sizeof *base);
    struct task_names *names = NULL;
    int rc = 0;
    if (!base) return recorder_fail(r, SQLITE_NOMEM);
    for (size_t i = 0; i < count; i++) {
        struct log_task *task = &log->task_table[i];
        task->name[LOG_NAME - 1] = '\0'; /* as it is, unless it was overwritten */
        base[i] = *task->name ? task->name : function_name(r, task->function);
    }
    if (r->failed || !(names = task_names_new(base, count))) rc = recorder_fail(r, SQLITE_NOMEM);
    for (size_t i = 0; i < count && !rc; i++) {
        char name[TASK_NAME];
        task_names_next(names, i, name);
        rc = add_task(r, &log->task_table[i], run, (int64_t)i + 1, name);
    }
    task_names_free(names);
    free(base);
    return rc;
}

static void object_cell(sqlite3_context *result, const void *context, size_t row, int column) {
    const struct new_object *new = &((const struct new_rows *)context)->objects[row];
    const struct log_object *object = &new->object;
    switch (column) {
    case 0:
        sqlite3_result_int64(result, new->run);
        break;
    case 1:
        sqlite3_result_int64(result, new->id);
        break;
    case 2:
        give_text(result, word(object_names, OBJECT_COUNT, object->kind));
        break;
    case 3:
        give_text(result, object->labelled ? object->label : NULL);
        break;
    case 4:
        if (object->kind == OBJECT_CHAN) sqlite3_result_int64(result, (int64_t)object->capacity);
        break;
    case 5:
        if (object->kind == OBJECT_CHAN) sqlite3_result_int64(result, (int64_t)object->value_size);
        break;
    default:
        give_optional(result, new->site);
    }
}

/* Memory is called what the variable is called, unless it got another label. */
static bool label_of(const struct log_object *object, char label[LOG_NAME]) {
    uintptr_t offset;
    const char *name = NULL;
    if (!object->labelled && object->address &&
        (object->kind == OBJECT_ATOMIC || object->kind == OBJECT_MEMORY))
        name = symbol_variable(object->address, &offset);
    if (!name)
        one_line(label, object->label, LOG_NAME);
    else if (offset)
        snprintf(label, LOG_NAME, "%s+%llu", name, (unsigned long long)offset);
    else
        snprintf(label, LOG_NAME, "%s", name);
    return object->labelled || name;
}

static int add_object(struct recorder *r, int64_t run, int64_t id,
                      const struct log_object *object) {
    struct new_object *new;
    char label[LOG_NAME];
    bool labelled = label_of(object, label);
    int64_t site;
    size_t at;
    if (site_id(r, object->site, &site) || add_row(r, NEW_OBJECTS, &at)) return r->failed;
    new = &r->rows.objects[at];
    *new = (struct new_object){run, id, site, *object};
    new->object.labelled = labelled;
    if (labelled) memcpy(new->object.label, label, sizeof label);
    return 0;
}

static int add_objects(struct recorder *r, const struct log *log, int64_t run) {
    size_t count = least(log->object_count, log->object_room);
    for (size_t i = 0; i < count; i++)
        if (add_object(r, run, (int64_t)i + 1, &log->objects[i])) return r->failed;
    return 0;
}

/* A race takes more than a line. */
static void describe(char whole[RACE_REPORT], const struct log *log,
                     const struct log_finding *finding) {
    struct text text = text_in(whole, RACE_REPORT);
    if (finding->race && finding->race <= log->race_count && finding->race <= LOG_FINDINGS)
        race_describe(&text, log, finding);
    if (!text.length) one_line(whole, finding->message, LOG_MESSAGE);
}

static int add_findings(struct recorder *r, const struct log *log, int64_t run) {
    sqlite3_stmt *s = r->statements[ADD_FINDING];
    size_t count = least(log->finding_count, LOG_FINDINGS);
    char whole[RACE_REPORT];
    bind_int(s, 1, run);
    for (size_t i = 0; i < count; i++) {
        const struct log_finding *finding = &log->findings[i];
        bind_int(s, 2, (int64_t)i + 1);
        bind_text(s, 3, outcome_word(finding->kind));
        bind_optional(s, 4, finding->step);
        bind_optional(s, 5, finding->other_step);
        bind_optional(s, 6, finding->object);
        describe(whole, log, finding);
        bind_text(s, 7, whole);
        if (recorder_insert(r, s)) return r->failed;
    }
    return 0;
}

int recorder_add(struct recorder *recorder, const struct log *log, const char *strategy,
                 const char *schedule, bool in_full, int64_t *id) {
    struct recorder *r = recorder;
    *id = 0;
    if (recorder_begin(r) || add_run(r, log, strategy, schedule, id)) return r->failed;
    if (in_full && (add_tasks(r, log, *id) || add_objects(r, log, *id) || add_events(r, log, *id) ||
                    add_cases(r, log, *id) || add_edges(r, log, *id) || add_findings(r, log, *id)))
        return r->failed;
    int64_t now = recorder_clock(), before = r->added;
    r->added = now;
    return now - r->begun > TRANSACTION_NS || now - before > TRANSACTION_NS ? recorder_commit(r)
                                                                            : 0;
}

/* ---- A run that goes on -------------------------------------------------------------------- */

int recorder_put_event(struct recorder *r, int64_t run, int64_t step,
                       const struct log_event *event) {
    return recorder_begin(r) || add_event(r, run, step, event) ? r->failed : 0;
}

int recorder_put_edge(struct recorder *r, int64_t run, const struct log_edge *edge) {
    return recorder_begin(r) || add_edge(r, run, edge) ? r->failed : 0;
}

int recorder_put_case(struct recorder *r, int64_t run, const struct log_case *entry) {
    return recorder_begin(r) || add_case(r, run, entry) ? r->failed : 0;
}

int recorder_put_task(struct recorder *r, int64_t run, int64_t id, const struct log_task *task,
                      const char *name) {
    return recorder_begin(r) || add_task(r, task, run, id, name) ? r->failed : 0;
}

int recorder_put_object(struct recorder *r, int64_t run, int64_t id,
                        const struct log_object *object) {
    return recorder_begin(r) || add_object(r, run, id, object) ? r->failed : 0;
}

const char *recorder_function(struct recorder *recorder, const void *function) {
    return function_name(recorder, function);
}

int recorder_update(struct recorder *recorder, int64_t run, const struct log *log) {
    struct recorder *r = recorder;
    sqlite3_stmt *s = r->statements[SET_RUN];
    char message[LOG_MESSAGE];
    one_line(message, log->message, sizeof message);
    if (recorder_begin(r)) return r->failed;
    bind_int(s, 1, run);
    bind_text(s, 2, outcome_word(log->outcome));
    bind_text(s, 3, message);
    bind_int(s, 4, (int64_t)log->steps);
    bind_int(s, 5, (int64_t)log->tasks);
    bind_int(s, 6, (int64_t)log->switches);
    bind_int(s, 7, log->wall_ns);
    return recorder_insert(r, s) || add_findings(r, log, run) ? r->failed : 0;
}

/* ---- Pairs of calls ------------------------------------------------------------------------ */

int recorder_order(struct recorder *r, const struct call_order *order) {
    sqlite3_stmt *s = r->statements[ADD_ORDER];
    int64_t before, after;
    if (recorder_begin(r) || site_id(r, order->before.site, &before) ||
        site_id(r, order->after.site, &after))
        return r->failed;
    bind_int(s, 1, r->program);
    bind_text(s, 2, word(op_names, OP_COUNT, order->before.op));
    bind_int(s, 3, before);
    bind_text(s, 4, word(op_names, OP_COUNT, order->after.op));
    bind_int(s, 5, after);
    bind_int(s, 6, (int64_t)order->runs);
    bind_optional(s, 7, order->run);
    return recorder_insert(r, s);
}

/* ---- Tables that statements select from ---------------------------------------------------- */

int recorder_add_sources(struct recorder *r) {
    static const struct rows sources[SOURCES] = {
        [NEW_TASKS] = {"new_task", 9, 0, task_cell, NULL},
        [NEW_OBJECTS] = {"new_object", 7, 0, object_cell, NULL},
        [NEW_EVENTS] = {"new_event", 8, 0, event_cell, NULL},
        [NEW_CASES] = {"new_case", 5, 0, case_cell, NULL},
        [NEW_EDGES] = {"new_edge", 4, 0, edge_cell, NULL},
    };
    int rc = 0;
    for (int i = 0; i < SOURCES && !rc; i++) {
        r->sources[i] = sources[i];
        r->sources[i].context = &r->rows;
        rc = rows_register(r->db, &r->sources[i]);
    }
    return rc;
}
