/* rows.c - see rows.h. */
#include "sim/record/rows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/engine.h"
#include "sim/record/table.h"
#include "sim/task_names.h"

enum {
    RECENT = 1 << 20,      /* steps whose tasks are known */
    SEEN = 4,              /* lists that a task has acquired last */
    MOST_LISTED = 1 << 23, /* steps in lists of marks */
    LONGEST_LIST = 1 << 26,
    MOST_UNTOLD = 1 << 20 /* steps of a list that are not told, or later than others */
};

struct row_task {
    uint32_t id;
    struct log_task log;
    uint64_t first, last; /* its steps */
    uint32_t object;      /* of the last */
    bool exited, slept, timed;
    struct {
        uint32_t list, length;
    } seen[SEEN];    /* newest first: what its later steps come after anyway */
    uint32_t *cases; /* the objects of its last select */
    uint32_t case_count, case_room;
};

struct row_object {
    uint32_t id;
    struct log_object log;
    uint64_t address; /* 0: gone */
    uint64_t told;    /* as how many-th thing that is told outside steps */
};

/* The name of what is at an address. */
struct row_label {
    uint64_t address, told;
    char text[LOG_NAME];
};

/* Steps that a mark stands for. */
struct row_list {
    uint32_t id;
    uint64_t used; /* the last step that had to do with it */
    uint64_t *steps;
    uint32_t count, room;
};

struct rows_of_run {
    struct drain drain;
    struct recorder *recorder;
    int64_t run;
    struct table tasks, objects, lists;
    size_t listed;  /* steps in lists */
    uint64_t added; /* to lists, so far */
    struct row_label *labels;
    size_t label_count, label_room;
    uint64_t told;
    uint32_t *recent; /* task of each of the last RECENT steps */
    uint64_t steps, switches, task_count;
    uint32_t last_task;
    int64_t time;
    struct rows_clock clock;
    uint64_t *holes; /* steps that nobody told of, in their order */
    size_t hole_count, hole_room;
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
    if (list || !id) return list;
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
    bool is_one = index < LONGEST_LIST && index <= r->added + MOST_UNTOLD;
    struct row_list *list = is_one ? list_of(r, id) : NULL;
    r->added++;
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

static const void *pointer(uint64_t address) { return (const void *)(uintptr_t)address; }

static void take_text(char to[LOG_NAME], const struct item *item) {
    size_t length = item->length < LOG_NAME ? item->length : LOG_NAME - 1;
    if (length) memcpy(to, item->text, length);
    to[length] = '\0';
}

static void take_task(struct rows_of_run *r, const struct item *item) {
    struct row_task *task = task_of(r, item->task);
    if (!task) return;
    task->log.parent = item->object;
    task->log.function = pointer((uint64_t)item->result);
    task->log.site = pointer(item->site);
    task->log.daemon = item->flags & ITEM_DAEMON;
    take_text(task->log.name, item);
}

/* How it stands; what has been read of its steps is as good. */
static void take_state(struct rows_of_run *r, const struct item *item) {
    struct row_task *task = task_of(r, item->task);
    if (!task || task->last) return;
    task->object = item->object;
    object_of(r, item->object);
    task->slept = item->flags & ITEM_SLEEPS;
    task->timed = item->flags & ITEM_TIMED;
}

static void take_object(struct rows_of_run *r, const struct item *item) {
    struct row_object *object = object_of(r, item->object);
    if (!object) return;
    object->log.kind = item->kind;
    object->log.capacity = item->step;
    object->log.value_size = item->time;
    object->log.site = pointer(item->site);
    object->address = (uint64_t)item->result;
    object->told = r->told;
}

static void take_label_at(struct rows_of_run *r, const struct item *item) {
    if (r->label_count == r->label_room) {
        size_t room = r->label_room ? 2 * r->label_room : 64;
        void *larger = realloc(r->labels, room * sizeof *r->labels);
        if (!larger) {
            fail(r, -ENOMEM);
            return;
        }
        r->labels = larger;
        r->label_room = room;
    }
    r->labels[r->label_count] =
        (struct row_label){.address = (uint64_t)item->result, .told = r->told};
    take_text(r->labels[r->label_count++].text, item);
}

static void take_other(struct drain *drain, const struct item *item) {
    struct rows_of_run *r = (struct rows_of_run *)drain;
    struct row_object *object;
    r->told++;
    switch (item->type) {
    case ITEM_TASK:
        take_task(r, item);
        break;
    case ITEM_STATE:
        take_state(r, item);
        break;
    case ITEM_OBJECT:
        take_object(r, item);
        break;
    case ITEM_LABEL:
        if ((object = object_of(r, item->object))) {
            object->log.labelled = true;
            take_text(object->log.label, item);
        }
        break;
    case ITEM_LABEL_AT:
        take_label_at(r, item);
        break;
    case ITEM_OBJECT_END:
        if ((object = object_of(r, item->object))) object->address = 0;
        break;
    case ITEM_ADD:
        if (item->step > r->drain.base)
            add_to_list(r, item->object, (uint64_t)item->result, item->step);
        break;
    }
}

/* ---- Steps --------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static bool is_hole(const struct rows_of_run *r, uint64_t step) {
    return r->hole_count && bsearch(&step, r->holes, r->hole_count, sizeof step, by_number);
}

static void write_edge(struct rows_of_run *r, uint64_t before, uint64_t after, uint8_t kind) {
    struct log_edge edge = {(uint32_t)before, (uint32_t)after, kind};
    if (recorder_put_edge(r->recorder, r->run, &edge)) fail(r, -EIO);
}

/* Tells of an edge to the step that is under way. */
static void take_edge(struct rows_of_run *r, uint32_t task, uint64_t before, uint8_t kind) {
    /* What a task did itself is ordered anyway. */
    if (!before || before >= r->steps || is_hole(r, before)) return;
    if (r->steps - before < RECENT && r->recent[before % RECENT] == task) return;
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

static void take_edges(struct rows_of_run *r, struct row_task *task, const struct item *item) {
    struct row_list *list = table_find(&r->lists, item->object);
    uint32_t count, id = task ? task->id : 0;
    if (!list) return;
    list->used = r->steps;
    count = (uint64_t)item->result < list->count ? (uint32_t)item->result : list->count;
    for (uint32_t i = task ? see_list(task, list->id, count) : 0; i < count; i++)
        take_edge(r, id, list->steps[i], item->kind);
}

static void take_cases(struct rows_of_run *r, struct row_task *task, const struct item *parts,
                       uint32_t count) {
    uint32_t position = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct log_case entry = {(uint32_t)r->steps, position, parts[i].object, parts[i].op};
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
        object_of(r, parts[i].object);
        if (recorder_put_case(r->recorder, r->run, &entry)) fail(r, -EIO);
        position++;
    }
    if (position) task->case_count = position;
}

/* The time of a step, which is no earlier than that of the step before. */
static int64_t time_of(struct rows_of_run *r, uint64_t ticks) {
    double time = ticks > r->clock.start ? (double)(ticks - r->clock.start) * r->clock.tick : 0;
    if (time < (double)(INT64_MAX / 2) && (int64_t)time > r->time) r->time = (int64_t)time;
    return r->time;
}

static void take_step(struct drain *drain, const struct item *event, const struct item *parts,
                      uint32_t count) {
    struct rows_of_run *r = (struct rows_of_run *)drain;
    struct row_task *task;
    struct log_event row;

    if (r->rc) return;
    task = task_of(r, event->task);
    r->steps = event->step - drain->base;
    if (r->steps > UINT32_MAX) fail(r, -EFBIG);
    if (r->rc) return;
    if (task) take_cases(r, task, parts, count);
    row = (struct log_event){.task = event->task,
                             .object = event->object,
                             .op = event->op,
                             .has_result = !(event->flags & ITEM_SLEEPS),
                             .result = event->result,
                             .time = time_of(r, event->time),
                             .site = pointer(event->site)};
    if (event->flags & ITEM_CHOSEN && task && (uint64_t)event->result < task->case_count)
        row.object = task->cases[event->result];
    for (uint32_t i = 0; i < count; i++) {
        if (parts[i].type == ITEM_EDGE && parts[i].step > drain->base)
            take_edge(r, event->task, parts[i].step - drain->base, parts[i].kind);
        else if (parts[i].type == ITEM_EDGES)
            take_edges(r, task, &parts[i]);
    }
    r->recent[r->steps % RECENT] = event->task;
    if (event->task && event->task != r->last_task) {
        r->switches += r->last_task != 0;
        r->last_task = event->task;
    }
    object_of(r, row.object);
    if (task) {
        if (!task->first) task->first = r->steps;
        task->last = r->steps;
        task->object = row.object;
        task->exited = event->op == OP_EXIT;
        task->slept = event->flags & ITEM_SLEEPS;
        task->timed = event->flags & ITEM_TIMED;
    }
    if (recorder_put_event(r->recorder, r->run, (int64_t)r->steps, &row)) fail(r, -EIO);
}

static void miss_step(struct drain *drain, uint64_t step) {
    struct rows_of_run *r = (struct rows_of_run *)drain;
    if (r->hole_count == r->hole_room) {
        size_t room = r->hole_room ? 2 * r->hole_room : 64;
        void *larger = realloc(r->holes, room * sizeof *r->holes);
        if (!larger) {
            fail(r, -ENOMEM);
            return;
        }
        r->holes = larger;
        r->hole_room = room;
    }
    r->steps = step - drain->base;
    r->holes[r->hole_count++] = r->steps;
}

/* ---- Writing ------------------------------------------------------------------------------- */

static int by_address(const void *a, const void *b) {
    const struct row_label *x = a, *y = b;
    if (x->address != y->address) return (x->address > y->address) - (x->address < y->address);
    return (x->told > y->told) - (x->told < y->told);
}

/* The last name that was given to where an object was still at the end. */
static void find_label(const struct rows_of_run *r, struct row_object *object) {
    size_t low = 0, high = r->label_count;
    if (!object->address) return;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (r->labels[middle].address <= object->address)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low || r->labels[low - 1].address != object->address ||
        r->labels[low - 1].told < object->told)
        return;
    memcpy(object->log.label, r->labels[low - 1].text, LOG_NAME);
    object->log.labelled = true;
}

static void write_objects(struct rows_of_run *r) {
    if (r->label_count) qsort(r->labels, r->label_count, sizeof *r->labels, by_address);
    for (size_t i = 0; i < r->objects.room && !r->rc; i++) {
        struct row_object *object = r->objects.slots[i].value;
        if (!object) continue;
        find_label(r, object);
        if (recorder_put_object(r->recorder, r->run, object->id, &object->log)) fail(r, -EIO);
    }
}

static const char *base_name(struct rows_of_run *r, const struct row_task *task) {
    return *task->log.name ? task->log.name : recorder_function(r->recorder, task->log.function);
}

static void write_task(struct rows_of_run *r, struct row_task *task, const char *name) {
    struct log_task *log = &task->log;
    log->first_step = (uint32_t)task->first;
    log->last_step = (uint32_t)task->last;
    log->state = task->exited  ? LOG_EXITED
                 : task->timed ? LOG_SLEEPING
                 : task->slept ? LOG_BLOCKED
                               : LOG_RUNNABLE;
    if (log->parent >= task->id || !table_find(&r->tasks, log->parent)) log->parent = 0;
    if (recorder_put_task(r->recorder, r->run, task->id, log, name)) fail(r, -EIO);
}

static void fill_log(const struct rows_of_run *r, struct log *log) {
    *log = (struct log){.outcome = PIRN_CRASH,
                        .steps = rows_count(r),
                        .tasks = r->task_count,
                        .switches = r->switches,
                        .wall_ns = r->time,
                        .virtual_ns = r->time};
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
static void write_tasks(struct rows_of_run *r) {
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
        write_task(r, sorted[i], name);
    }
    task_names_free(names);
    free(base);
    free(sorted);
}

static void add_findings(const struct rows_of_run *r, const struct rows_end *end, struct log *log) {
    for (size_t i = 0; i < end->finding_count && i < LOG_FINDINGS; i++) {
        const struct item *from = &end->findings[i];
        const struct row_task *task = table_find(&r->tasks, from->task);
        struct log_finding *finding = &log->findings[log->finding_count++];
        finding->kind = (uint8_t)end->outcome;
        finding->step = task ? (uint32_t)task->last : 0;
        finding->object = task && from->flags & ITEM_HAS_OBJECT ? task->object : 0;
        finding->site = pointer(from->site);
        snprintf(finding->message, sizeof finding->message, "%.*s", (int)from->length, from->text);
    }
}

int rows_finish(struct rows_of_run *r, const struct rows_end *end) {
    struct log log;

    if (r->drain.no_memory) fail(r, -ENOMEM);
    if (!r->rc) write_objects(r);
    if (!r->rc) write_tasks(r);
    if (r->rc) return r->rc;
    fill_log(r, &log);
    log.outcome = end->outcome;
    snprintf(log.message, sizeof log.message, "%s", end->message);
    log.findings = calloc(LOG_FINDINGS, sizeof *log.findings);
    if (!log.findings) return -ENOMEM;
    add_findings(r, end, &log);
    if (recorder_update(r->recorder, r->run, &log)) fail(r, -EIO);
    free(log.findings);
    return r->rc;
}

/* ---- Beginning and end --------------------------------------------------------------------- */

struct drain *rows_drain(struct rows_of_run *rows) {
    return &rows->drain;
}

uint64_t rows_count(const struct rows_of_run *rows) { return rows->steps - rows->hole_count; }

uint64_t rows_last(const struct rows_of_run *rows) { return rows->steps; }

struct rows_of_run *rows_new(struct recorder *recorder, uint64_t base, uint64_t last,
                             const struct rows_clock *clock) {
    struct rows_of_run *r = calloc(1, sizeof *r);
    struct log log;
    if (!r) return NULL;
    r->drain = (struct drain){.step = take_step,
                              .other = take_other,
                              .missing = miss_step,
                              .base = base,
                              .last = last,
                              .next = base + 1};
    r->recorder = recorder;
    r->clock = *clock;
    r->recent = calloc(RECENT, sizeof *r->recent);
    if (!r->recent) {
        rows_free(r);
        return NULL;
    }
    fill_log(r, &log);
    if (recorder_add(recorder, &log, "threads", "", false, &r->run)) fail(r, -EIO);
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
    free(r->labels);
    free(r->recent);
    free(r->holes);
    free(r);
}
