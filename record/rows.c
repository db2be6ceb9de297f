/* rows.c - see rows.h. */
#include "record/rows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/engine.h"
#include "lib/core/fd.h"
#include "lib/core/label.h"
#include "record/table.h"
#include "sim/task_names.h"

enum {
    SWEEP = 4096,         /* things in a table, before those that are over are looked for */
    RECENT = 1 << 20,     /* steps whose tasks are known */
    SEEN = 4,             /* lists that a task has acquired last */
    MOST_LISTED = 1 << 23 /* steps in lists of marks */
};

struct row_task {
    uint32_t id;
    struct log_task log;
    uint64_t first, last; /* its steps */
    uint32_t object;      /* of the last */
    bool dirty, exited, slept, timed, known;
    struct row_task *next_dirty;
    struct {
        uint32_t list, length;
    } seen[SEEN];    /* newest first: what its later steps come after anyway */
    uint32_t *cases; /* the objects of its last select */
    uint32_t case_count, case_room;
};

struct row_object {
    uint32_t id;
    struct log_object log;
    const void *address; /* NULL: gone */
    uint64_t last;       /* step on it */
    bool dirty;
    struct row_object *next_dirty;
};

/* Steps that a mark stands for. */
struct row_list {
    uint32_t id;
    uint64_t used; /* the last step that had to do with it */
    uint64_t *steps;
    uint32_t count, room;
};

/* One of the last steps. */
struct kept {
    struct log_event event;
    struct kept_part {
        uint64_t before; /* of an edge; 0: a case */
        uint32_t object;
        uint8_t kind; /* of an edge; of a case its operation */
    } * parts;
    uint32_t part_count;
};

struct rows_of_run {
    struct drain drain;
    struct recorder *recorder;
    int64_t run;
    struct table tasks, objects, lists;
    size_t sweep_at[2]; /* tasks, objects: when there are so many */
    size_t listed;      /* steps in lists */
    struct row_task *dirty_tasks;
    struct row_object *dirty_objects;
    uint32_t *recent; /* task of each of the last RECENT steps */
    uint64_t steps, switches, task_count;
    uint32_t last_task;
    int64_t time;
    double tick;
    struct kept *kept; /* a ring, NULL: all are written at once */
    uint64_t room;
    uint64_t *holes; /* steps that nobody told of */
    size_t hole_count;
    int rc;
};

static void fail(struct rows_of_run *r, int rc) {
    if (!r->rc) r->rc = rc;
}

/* ---- Tasks and objects --------------------------------------------------------------------- */

static struct row_task *task_of(struct rows_of_run *r, uint32_t id) {
    struct row_task *task = table_find(&r->tasks, id);
    if (task || !id) return task;
    task = calloc(1, sizeof *task);
    if (!task || !table_add(&r->tasks, id, task)) {
        free(task);
        fail(r, -ENOMEM);
        return NULL;
    }
    task->id = id;
    r->task_count++;
    return task;
}

static struct row_object *object_of(struct rows_of_run *r, uint32_t id) {
    struct row_object *object = table_find(&r->objects, id);
    if (object || !id) return object;
    object = calloc(1, sizeof *object);
    if (!object || !table_add(&r->objects, id, object)) {
        free(object);
        fail(r, -ENOMEM);
        return NULL;
    }
    object->id = id;
    return object;
}

static void touch_task(struct rows_of_run *r, struct row_task *task) {
    if (task->dirty || r->kept) return;
    task->dirty = true;
    task->next_dirty = r->dirty_tasks;
    r->dirty_tasks = task;
}

static void touch_object(struct rows_of_run *r, struct row_object *object) {
    if (object->dirty || r->kept) return;
    object->dirty = true;
    object->next_dirty = r->dirty_objects;
    r->dirty_objects = object;
}

/* The first step that is kept. */
static uint64_t first_kept(const struct rows_of_run *r) {
    return r->kept && r->steps > r->room ? r->steps - r->room + 1 : 1;
}

static bool keep_task(void *value, void *arg) {
    struct row_task *task = value;
    const struct rows_of_run *r = arg;
    if (task->id == 1 || !task->exited || task->last >= first_kept(r)) return true;
    free(task->cases);
    free(task);
    return false;
}

static bool keep_object(void *value, void *arg) {
    struct row_object *object = value;
    const struct rows_of_run *r = arg;
    if (object->address || object->last >= first_kept(r)) return true;
    free(object);
    return false;
}

/* Of the last steps' only what they concern is kept. */
static void sweep(struct rows_of_run *r) {
    if (!r->kept) return;
    if (r->tasks.count >= r->sweep_at[0]) {
        table_sweep(&r->tasks, keep_task, r);
        r->sweep_at[0] = 2 * r->tasks.count + SWEEP;
    }
    if (r->objects.count >= r->sweep_at[1]) {
        table_sweep(&r->objects, keep_object, r);
        r->sweep_at[1] = 2 * r->objects.count + SWEEP;
    }
}

/* ---- Lists of marks ------------------------------------------------------------------------ */

struct age {
    uint64_t oldest;
    struct rows_of_run *rows;
};

static bool keep_list(void *value, void *arg) {
    struct row_list *list = value;
    const struct age *age = arg;
    if (list->used >= age->oldest) return true;
    age->rows->listed -= list->room;
    free(list->steps);
    free(list);
    return false;
}

/* Forgets those that have not been used for longest. */
static void forget_lists(struct rows_of_run *r) {
    struct age age = {0, r};
    for (uint64_t back = r->steps; back && r->listed > MOST_LISTED / 2; back /= 2) {
        age.oldest = r->steps - back / 2;
        table_sweep(&r->lists, keep_list, &age);
    }
}

static struct row_list *list_of(struct rows_of_run *r, uint32_t id) {
    struct row_list *list = table_find(&r->lists, id);
    if (list) return list;
    list = calloc(1, sizeof *list);
    if (!list || !table_add(&r->lists, id, list)) {
        free(list);
        fail(r, -ENOMEM);
        return NULL;
    }
    list->id = id;
    return list;
}

static void add_to_list(struct rows_of_run *r, uint32_t id, uint64_t index, uint64_t step) {
    struct row_list *list = list_of(r, id);
    if (!list) return;
    list->used = r->steps;
    if (index >= list->room) {
        uint32_t room = list->room ? list->room : 4;
        while (room <= index) room *= 2;
        uint64_t *larger = realloc(list->steps, room * sizeof *larger);
        if (!larger) {
            fail(r, -ENOMEM);
            return;
        }
        memset(larger + list->room, 0, (room - list->room) * sizeof *larger);
        r->listed += room - list->room;
        list->steps = larger;
        list->room = room;
    }
    list->steps[index] = step - r->drain.base;
    if (index >= list->count) list->count = (uint32_t)index + 1;
    if (r->listed > MOST_LISTED) forget_lists(r);
}

/* ---- What is told outside steps ------------------------------------------------------------ */

static void add_text(char *to, const struct item *item) {
    size_t length = strlen(to), more = strnlen(item->text, ITEM_TEXT);
    if (length + more >= LOG_NAME) more = LOG_NAME - 1 - length;
    memcpy(to + length, item->text, more);
    to[length + more] = '\0';
}

static void take_task(struct rows_of_run *r, const struct item *item) {
    struct row_task *task = task_of(r, item->task);
    if (!task) return;
    task->known = true;
    task->log.parent = item->object;
    task->log.function = (const void *)(uintptr_t)item->result;
    task->log.site = item->site;
    task->log.daemon = item->flags & ITEM_DAEMON;
    task->log.name[0] = '\0';
    touch_task(r, task);
    sweep(r);
}

static void take_object(struct rows_of_run *r, const struct item *item) {
    struct row_object *object = object_of(r, item->object);
    if (!object) return;
    object->log.kind = item->kind;
    object->log.capacity = item->step;
    object->log.value_size = (uint64_t)item->result;
    object->log.site = item->site;
    touch_object(r, object);
    sweep(r);
}

static void take_other(struct drain *drain, const struct item *item) {
    struct rows_of_run *r = (struct rows_of_run *)drain;
    struct row_task *task;
    struct row_object *object;
    switch (item->type) {
    case ITEM_TASK:
        take_task(r, item);
        break;
    case ITEM_NAME:
        if ((task = task_of(r, item->task))) add_text(task->log.name, item);
        break;
    case ITEM_OBJECT:
        take_object(r, item);
        break;
    case ITEM_ADDRESS:
        if ((object = object_of(r, item->object)))
            object->address = (const void *)(uintptr_t)item->result;
        break;
    case ITEM_LABEL:
        if ((object = object_of(r, item->object))) {
            /* What was known before may be another. */
            if (object->address) object->log.label[0] = '\0';
            object->address = NULL;
            object->log.labelled = true;
            add_text(object->log.label, item);
            touch_object(r, object);
        }
        break;
    case ITEM_OBJECT_END:
        if ((object = object_of(r, item->object))) object->address = NULL;
        break;
    case ITEM_ADD:
        if (item->step > r->drain.base)
            add_to_list(r, item->object, (uint64_t)item->result, item->step);
        break;
    }
}

/* ---- Steps --------------------------------------------------------------------------------- */

static bool is_hole(const struct rows_of_run *r, uint64_t step) {
    for (size_t i = 0; i < r->hole_count; i++)
        if (r->holes[i] == step) return true;
    return false;
}

static void write_edge(struct rows_of_run *r, uint64_t before, uint64_t after, uint8_t kind) {
    struct log_edge edge = {(uint32_t)before, (uint32_t)after, kind};
    if (recorder_put_edge(r->recorder, r->run, &edge)) fail(r, -EIO);
}

/* Tells of an edge to the step that is under way; in `kept` where that is kept. */
static void take_edge(struct rows_of_run *r, struct kept *kept, uint32_t task, uint64_t before,
                      uint8_t kind) {
    /* What a task did itself is ordered anyway. */
    if (!before || before >= r->steps || is_hole(r, before)) return;
    if (r->steps - before < RECENT && r->recent[before % RECENT] == task) return;
    if (kept)
        kept->parts[kept->part_count++] = (struct kept_part){before, 0, kind};
    else
        write_edge(r, before, r->steps, kind);
}

/* How much of a list an earlier step of the task has acquired; from now on it is `length`. */
static uint32_t see_list(struct row_task *task, uint32_t list, uint32_t length) {
    uint32_t before = 0, at = 0;
    while (at < SEEN - 1 && task->seen[at].list != list) at++;
    if (task->seen[at].list == list) before = task->seen[at].length;
    memmove(&task->seen[1], &task->seen[0], at * sizeof task->seen[0]);
    task->seen[0].list = list;
    task->seen[0].length = length;
    return before;
}

static void take_edges(struct rows_of_run *r, struct kept *kept, struct row_task *task,
                       const struct item *item) {
    struct row_list *list = table_find(&r->lists, item->object);
    uint32_t count, id = task ? task->id : 0;
    if (!list) return;
    list->used = r->steps;
    count = item->result < list->count ? (uint32_t)item->result : list->count;
    for (uint32_t i = task ? see_list(task, list->id, count) : 0; i < count; i++)
        take_edge(r, kept, id, list->steps[i], item->kind);
}

/* How many parts a step may come to. */
static size_t count_parts(const struct rows_of_run *r, const struct item *parts, uint32_t count) {
    size_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct row_list *list =
            parts[i].type == ITEM_EDGES ? table_find(&r->lists, parts[i].object) : NULL;
        sum += list ? list->count : 1;
    }
    return sum;
}

static void take_cases(struct rows_of_run *r, struct row_task *task, struct kept *kept,
                       const struct item *parts, uint32_t count) {
    uint32_t position = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct row_object *object;
        if (parts[i].type != ITEM_CASE) continue;
        if (position == task->case_room) {
            uint32_t room = position ? 2 * position : 8;
            void *larger = realloc(task->cases, room * sizeof *task->cases);
            if (!larger) {
                fail(r, -ENOMEM);
                return;
            }
            task->cases = larger;
            task->case_room = room;
        }
        task->cases[position] = parts[i].object;
        if ((object = object_of(r, parts[i].object))) object->last = r->steps;
        if (object) touch_object(r, object);
        if (kept) {
            kept->parts[kept->part_count++] = (struct kept_part){0, parts[i].object, parts[i].op};
        } else {
            struct log_case entry = {(uint32_t)r->steps, position, parts[i].object, parts[i].op};
            if (recorder_put_case(r->recorder, r->run, &entry)) fail(r, -EIO);
        }
        position++;
    }
    if (position) task->case_count = position;
}

/* The time of a step, which is no earlier than that of the step before. */
static int64_t time_of(struct rows_of_run *r, uint64_t ticks) {
    int64_t time =
        ticks > run.started_ticks ? (int64_t)((double)(ticks - run.started_ticks) * r->tick) : 0;
    if (time > r->time) r->time = time;
    return r->time;
}

/* Makes room in the ring for one more of the last steps. */
static struct kept *next_kept(struct rows_of_run *r, const struct item *parts, uint32_t count) {
    struct kept *kept = &r->kept[r->steps % r->room];
    size_t most = count_parts(r, parts, count);
    free(kept->parts);
    kept->part_count = 0;
    kept->parts = most ? malloc(most * sizeof *kept->parts) : NULL;
    if (most && !kept->parts) fail(r, -ENOMEM);
    return kept;
}

static void take_step(struct drain *drain, const struct item *event, const struct item *parts,
                      uint32_t count) {
    struct rows_of_run *r = (struct rows_of_run *)drain;
    struct row_task *task;
    struct row_object *object;
    struct kept *kept = NULL;
    struct log_event row;

    if (r->rc) return;
    task = task_of(r, event->task);
    r->steps = event->step - drain->base;
    if (!r->kept && r->steps > UINT32_MAX) fail(r, -EFBIG);
    if (r->kept) kept = next_kept(r, parts, count);
    if (r->rc) return;
    if (task) take_cases(r, task, kept, parts, count);
    row = (struct log_event){.task = event->task,
                             .object = event->object,
                             .op = event->op,
                             .has_result = !(event->flags & ITEM_SLEEPS),
                             .result = event->result,
                             .time = time_of(r, event->time),
                             .site = event->site};
    if (event->flags & ITEM_CHOSEN && task && (uint64_t)event->result < task->case_count)
        row.object = task->cases[event->result];
    for (uint32_t i = 0; i < count; i++) {
        if (parts[i].type == ITEM_EDGE && parts[i].step > drain->base)
            take_edge(r, kept, event->task, parts[i].step - drain->base, parts[i].kind);
        else if (parts[i].type == ITEM_EDGES)
            take_edges(r, kept, task, &parts[i]);
    }
    r->recent[r->steps % RECENT] = event->task;
    if (event->task && event->task != r->last_task) {
        r->switches += r->last_task != 0;
        r->last_task = event->task;
    }
    if ((object = object_of(r, row.object))) {
        object->last = r->steps;
        touch_object(r, object);
    }
    if (task) {
        if (!task->first) task->first = r->steps;
        task->last = r->steps;
        task->object = row.object;
        task->exited = event->op == OP_EXIT;
        task->slept = event->flags & ITEM_SLEEPS;
        task->timed = event->flags & ITEM_TIMED;
        touch_task(r, task);
    }
    if (kept)
        kept->event = row;
    else if (recorder_put_event(r->recorder, r->run, (int64_t)r->steps, &row))
        fail(r, -EIO);
}

static void miss_step(struct drain *drain, uint64_t step) {
    struct rows_of_run *r = (struct rows_of_run *)drain;
    uint64_t *larger = realloc(r->holes, (r->hole_count + 1) * sizeof *larger);
    if (!larger) {
        fail(r, -ENOMEM);
        return;
    }
    r->holes = larger;
    r->holes[r->hole_count++] = step - drain->base;
    r->steps = step - drain->base;
    if (r->kept) {
        struct kept *kept = next_kept(r, NULL, 0);
        kept->event = (struct log_event){.op = OP_NONE};
    }
}

/* ---- Writing ------------------------------------------------------------------------------- */

static void take_label(struct row_object *object) {
    struct log_object *log = &object->log;
    if (!object->address) return;
    if (log->kind == OBJECT_FD) {
        snprintf(log->label, sizeof log->label, "%s %d", object_names[OBJECT_FD],
                 fd_number(object->address));
        log->labelled = true;
    } else {
        log->labelled = label_get(object->address, log->label);
    }
}

static void write_object(struct rows_of_run *r, struct row_object *object) {
    take_label(object);
    if (recorder_put_object(r->recorder, r->run, object->id, &object->log)) fail(r, -EIO);
}

static const char *base_name(struct rows_of_run *r, const struct row_task *task) {
    return *task->log.name ? task->log.name : recorder_function(r->recorder, task->log.function);
}

/* `shift`: what is taken off the numbers of steps. */
static void write_task(struct rows_of_run *r, struct row_task *task, const char *name,
                       uint64_t shift) {
    struct log_task *log = &task->log;
    log->first_step = task->first > shift ? (uint32_t)(task->first - shift) : task->last > shift;
    log->last_step = task->last > shift ? (uint32_t)(task->last - shift) : 0;
    log->state = task->exited  ? LOG_EXITED
                 : task->timed ? LOG_SLEEPING
                 : task->slept ? LOG_BLOCKED
                               : LOG_RUNNABLE;
    if (log->parent && !table_find(&r->tasks, log->parent)) log->parent = 0;
    if (recorder_put_task(r->recorder, r->run, task->id, log, name)) fail(r, -EIO);
}

/* A name for the time being: at the end it is known which are the only ones. */
static void write_dirty(struct rows_of_run *r) {
    for (struct row_task *task = r->dirty_tasks; task; task = task->next_dirty) {
        char name[TASK_NAME];
        if (task->id == 1)
            snprintf(name, sizeof name, "main");
        else
            snprintf(name, sizeof name, "%.100s.%u", base_name(r, task), task->id);
        write_task(r, task, name, 0);
        task->dirty = false;
    }
    for (struct row_object *object = r->dirty_objects; object; object = object->next_dirty) {
        write_object(r, object);
        object->dirty = false;
    }
    r->dirty_tasks = NULL;
    r->dirty_objects = NULL;
}

static void fill_log(const struct rows_of_run *r, struct log *log) {
    *log = (struct log){.outcome = PIRN_CRASH,
                        .steps = r->steps - first_kept(r) + 1,
                        .tasks = r->task_count,
                        .switches = r->switches,
                        .wall_ns = r->time,
                        .virtual_ns = r->time};
    if (!r->steps) log->steps = 0;
    strcpy(log->message, "the process ended without a word: it was killed, or the machine stopped");
}

int rows_commit(struct rows_of_run *r) {
    struct log log;
    r->tick = run_tick();
    if (r->drain.no_memory) fail(r, -ENOMEM);
    if (r->rc || r->kept) return r->rc;
    write_dirty(r);
    fill_log(r, &log);
    if (recorder_update(r->recorder, r->run, &log) || recorder_commit(r->recorder)) fail(r, -EIO);
    return r->rc;
}

static int by_id(const void *a, const void *b) {
    uint32_t x = (*(struct row_task *const *)a)->id, y = (*(struct row_task *const *)b)->id;
    return (x > y) - (x < y);
}

/* All tasks, by their ids; the caller frees the array. */
static struct row_task **sort_tasks(struct rows_of_run *r, size_t *count) {
    struct row_task **sorted = malloc((r->tasks.count + 1) * sizeof(struct row_task *));
    *count = 0;
    for (size_t i = 0; sorted && i < r->tasks.room; i++)
        if (r->tasks.slots[i].id) sorted[(*count)++] = r->tasks.slots[i].value;
    if (sorted) qsort(sorted, *count, sizeof(struct row_task *), by_id);
    return sorted;
}

/* With their names for good. */
static void write_tasks(struct rows_of_run *r, uint64_t shift) {
    size_t count;
    struct row_task **sorted = sort_tasks(r, &count);
    const char **base = calloc(count + 1, sizeof *base);
    struct task_names *names = NULL;
    for (size_t i = 0; sorted && base && i < count; i++) base[i] = base_name(r, sorted[i]);
    if (sorted && base) names = task_names_new(base, count);
    if (!names) fail(r, -ENOMEM);
    for (size_t i = 0; names && i < count; i++) {
        char name[TASK_NAME];
        task_names_next(names, i, name);
        write_task(r, sorted[i], name, shift);
    }
    task_names_free(names);
    free(base);
    free(sorted);
}

static void write_kept_step(struct rows_of_run *r, uint64_t step, uint64_t shift) {
    const struct kept *kept = &r->kept[step % r->room];
    uint32_t position = 0;
    if (is_hole(r, step)) return;
    if (recorder_put_event(r->recorder, r->run, (int64_t)(step - shift), &kept->event))
        fail(r, -EIO);
    for (uint32_t i = 0; i < kept->part_count; i++) {
        const struct kept_part *part = &kept->parts[i];
        struct log_case entry = {(uint32_t)(step - shift), position, part->object, part->kind};
        if (part->before > shift) {
            write_edge(r, part->before - shift, step - shift, part->kind);
        } else if (!part->before) {
            if (recorder_put_case(r->recorder, r->run, &entry)) fail(r, -EIO);
            position++;
        }
    }
}

static uint32_t shifted(uint64_t step, uint64_t shift) {
    return step > shift ? (uint32_t)(step - shift) : 0;
}

static void add_findings(struct rows_of_run *r, const struct run_end *end, struct log *log,
                         uint64_t shift) {
    for (size_t i = 0; i < end->finding_count && log->findings; i++) {
        const struct run_finding *from = &end->findings[i];
        const struct row_task *task = table_find(&r->tasks, from->task);
        log_find(log, end->outcome, task ? shifted(task->last, shift) : 0,
                 task && from->has_object ? task->object : 0, from->site, from->message);
    }
}

int rows_finish(struct rows_of_run *r, const struct run_end *end) {
    uint64_t shift = first_kept(r) - 1;
    struct log log;

    r->tick = run_tick();
    if (r->drain.no_memory) fail(r, -ENOMEM);
    for (uint64_t step = shift + 1; r->kept && step <= r->steps && !r->rc; step++)
        write_kept_step(r, step, shift);
    for (size_t i = 0; i < r->objects.room && !r->rc; i++)
        if (r->objects.slots[i].id) write_object(r, r->objects.slots[i].value);
    if (!r->rc) write_tasks(r, shift);
    if (r->rc) return r->rc;
    fill_log(r, &log);
    log.outcome = end->outcome;
    memcpy(log.message, end->message, sizeof log.message);
    log.findings = calloc(LOG_FINDINGS, sizeof *log.findings);
    add_findings(r, end, &log, shift);
    if (recorder_update(r->recorder, r->run, &log) || recorder_commit(r->recorder)) fail(r, -EIO);
    free(log.findings);
    return r->rc;
}

/* ---- Beginning and end --------------------------------------------------------------------- */

struct drain *rows_drain(struct rows_of_run *rows) {
    return &rows->drain;
}

struct rows_of_run *rows_new(struct recorder *recorder, uint64_t base, uint64_t last) {
    struct rows_of_run *r = calloc(1, sizeof *r);
    struct log log;
    if (!r) return NULL;
    r->drain = (struct drain){.step = take_step,
                              .other = take_other,
                              .missing = miss_step,
                              .base = base,
                              .next = base + 1};
    r->recorder = recorder;
    r->recent = calloc(RECENT, sizeof *r->recent);
    r->room = last;
    r->kept = last ? calloc(last, sizeof *r->kept) : NULL;
    r->sweep_at[0] = r->sweep_at[1] = SWEEP;
    r->tick = run_tick();
    if (!r->recent || (last && !r->kept)) {
        rows_free(r);
        return NULL;
    }
    fill_log(r, &log);
    if (recorder_add(recorder, &log, "threads", "", false, &r->run) || recorder_commit(recorder))
        fail(r, -EIO);
    return r;
}

static bool free_task(void *value, void *arg) {
    (void)arg;
    free(((struct row_task *)value)->cases);
    free(value);
    return false;
}

static bool free_object(void *value, void *arg) {
    (void)arg;
    free(value);
    return false;
}

static bool free_list(void *value, void *arg) {
    (void)arg;
    free(((struct row_list *)value)->steps);
    free(value);
    return false;
}

void rows_free(struct rows_of_run *r) {
    table_sweep(&r->tasks, free_task, NULL);
    table_sweep(&r->objects, free_object, NULL);
    table_sweep(&r->lists, free_list, NULL);
    table_free(&r->tasks);
    table_free(&r->objects);
    table_free(&r->lists);
    for (uint64_t i = 0; r->kept && i < r->room; i++) free(r->kept[i].parts);
    free(r->kept);
    free(r->recent);
    free(r->holes);
    free(r);
}
