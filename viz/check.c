/* check.c - what a trace says was found, held against what its events say. */
#include "viz/check.h"

#include <stdlib.h>
#include <string.h>

#include "viz/label.h"
#include "viz/order.h"

#define MOST_LINES 12
#define MOST_RACES 1000

/* ---- Races --------------------------------------------------------------------------------- */

struct access {
    size_t event;
    size_t below; /* the next in the list, + 1; 0: none */
};

struct detector {
    const struct trace_run *run;
    size_t *written; /* by object: the latest write, or TRACE_NONE */
    size_t *readers; /* by object: the reads since, + 1 */
    struct access *reads;
    size_t read_count, read_capacity;
    struct check_race *races;
    size_t race_count, race_capacity;
};

enum access_kind { ACCESS_NONE, ACCESS_READ, ACCESS_WRITE };

static enum access_kind access_of(const struct trace_run *run, size_t index) {
    const struct trace_event *event = &run->events[index];
    if (event->object == TRACE_NONE || event->task == TRACE_NONE ||
        strcmp(run->objects[event->object].kind_word, "memory") != 0)
        return ACCESS_NONE;
    if (event->op == TRACE_OP_READ) return ACCESS_READ;
    return event->op == TRACE_OP_WRITE || strcmp(event->op_word, "free") == 0 ? ACCESS_WRITE
                                                                              : ACCESS_NONE;
}

static void meet(struct detector *d, struct order *order, size_t other) {
    const struct trace_event *events = d->run->events;
    size_t event = order_event(order);
    if (other == TRACE_NONE || events[other].task == events[event].task ||
        order_knows(order, other) || d->race_count == MOST_RACES)
        return;
    for (size_t i = 0; i < d->race_count; i++) {
        const struct check_race *known = &d->races[i];
        if (events[known->event].site == events[event].site &&
            events[known->other].site == events[other].site)
            return;
    }
    d->races = tool_grow(d->races, &d->race_capacity, d->race_count + 1, sizeof *d->races);
    d->races[d->race_count++] = (struct check_race){event, other};
}

static void detect(struct detector *d, struct order *order) {
    size_t event = order_event(order);
    enum access_kind kind = access_of(d->run, event);
    if (kind == ACCESS_NONE) return;
    size_t object = d->run->events[event].object;
    meet(d, order, d->written[object]);
    if (kind == ACCESS_READ) {
        /* One of each task is enough: its latest knows the others. */
        for (size_t i = d->readers[object]; i != 0; i = d->reads[i - 1].below) {
            /* There are no readers without an array of them. NOLINTNEXTLINE(clang-analyzer-core.*) */
            if (d->run->events[d->reads[i - 1].event].task != d->run->events[event].task) continue;
            d->reads[i - 1].event = event;
            return;
        }
        d->reads = tool_grow(d->reads, &d->read_capacity, d->read_count + 1, sizeof *d->reads);
        d->reads[d->read_count++] = (struct access){event, d->readers[object]};
        d->readers[object] = d->read_count;
        return;
    }
    for (size_t i = d->readers[object]; i != 0; i = d->reads[i - 1].below)
        /* There are no readers without an array of them. NOLINTNEXTLINE(clang-analyzer-core.*) */
        meet(d, order, d->reads[i - 1].event);
    d->readers[object] = 0;
    d->written[object] = event;
}

size_t check_races(const struct trace_run *run, struct check_race **races) {
    struct detector d = {.run = run};
    *races = NULL;
    bool any = false;
    for (size_t i = 0; i < run->event_count && !any; i++) any = access_of(run, i) != ACCESS_NONE;
    if (!any) return 0;
    d.written = tool_alloc(run->object_count, sizeof *d.written);
    d.readers = tool_alloc(run->object_count, sizeof *d.readers);
    for (size_t i = 0; i < run->object_count; i++) d.written[i] = TRACE_NONE;
    struct order *order = order_new(run, ORDER_ALL);
    while (order_next(order)) detect(&d, order);
    order_free(order);
    free(d.written);
    free(d.readers);
    free(d.reads);
    *races = d.races;
    return d.race_count;
}

/* ---- Differences --------------------------------------------------------------------------- */

struct report {
    struct tool_text *out;
    const struct trace_run *run;
    size_t lines;
    bool *named; /* by task: a finding says that it is stuck */
};

/* Begins a line; false when there have been enough. */
static bool begin(struct report *r) {
    if (r->lines++ >= MOST_LINES) return false;
    tool_text_add(r->out, "  ");
    return true;
}

static void add_step(struct report *r, size_t event) {
    tool_text_addf(r->out, "step %lld (", (long long)r->run->events[event].step);
    label_place(r->out, r->run, event);
    tool_text_add(r->out, ")");
}

static bool is_stuck_kind(const char *kind) {
    return strcmp(kind, "deadlock") == 0 || strcmp(kind, "leak") == 0;
}

static bool is_asleep(const struct trace_run *run, size_t task) {
    size_t last = run->tasks[task].last;
    return last != TRACE_NONE && run->events[last].slept;
}

static void check_stuck(struct report *r, const struct trace_finding *finding) {
    const struct trace_run *run = r->run;
    if (finding->event == TRACE_NONE) return;
    const struct trace_event *event = &run->events[finding->event];
    if (event->task == TRACE_NONE) {
        if (begin(r)) tool_text_add(r->out, "The clock is said to be stuck, which is no task.\n");
        return;
    }
    r->named[event->task] = true;
    if (!is_asleep(run, event->task)) {
        if (!begin(r)) return;
        label_task(r->out, run, event->task);
        tool_text_add(r->out, " is said to be stuck, but did not wait in its last step, ");
        add_step(r, run->tasks[event->task].last);
        tool_text_add(r->out, ".\n");
    } else if (event->next != TRACE_NONE) {
        if (!begin(r)) return;
        label_task(r->out, run, event->task);
        tool_text_add(r->out, " is said to be stuck in ");
        add_step(r, finding->event);
        tool_text_add(r->out, ", but went on in ");
        add_step(r, event->next);
        tool_text_add(r->out, ".\n");
    } else if (finding->object != event->object && finding->object != TRACE_NONE) {
        if (!begin(r)) return;
        label_task(r->out, run, event->task);
        tool_text_add(r->out, " is said to wait for ");
        label_object(r->out, run, finding->object);
        tool_text_add(r->out, ", but waits ");
        label_wait_sentence(r->out, run, finding->event);
        tool_text_add(r->out, ".\n");
    }
}

/* Those who are asleep without a word about them, and those who could have gone on. */
static void check_tasks(struct report *r) {
    const struct trace_run *run = r->run;
    bool deadlock = strcmp(run->summary.outcome, "deadlock") == 0;
    for (size_t i = 0; i < run->task_count; i++) {
        const struct trace_task *task = &run->tasks[i];
        if (task->daemon || task->last == TRACE_NONE) continue;
        bool asleep = is_asleep(run, i), blocked = asleep && task->state == TRACE_STATE_BLOCKED;
        if (blocked && !r->named[i] && is_stuck_kind(run->summary.outcome)) {
            if (!begin(r)) continue;
            label_task(r->out, run, i);
            tool_text_add(r->out, " is asleep since ");
            add_step(r, task->last);
            tool_text_add(r->out, ", but is not among those said to be stuck.\n");
        } else if (!asleep && deadlock && run->events[task->last].op != TRACE_OP_EXIT &&
                   !r->named[i]) {
            if (!begin(r)) continue;
            tool_text_add(r->out, "A deadlock is said to be the end, but ");
            label_task(r->out, run, i);
            tool_text_add(r->out, " could go on after ");
            add_step(r, task->last);
            tool_text_add(r->out, ".\n");
        }
    }
    if (strcmp(run->summary.outcome, "ok") == 0 && run->task_count > 0 && is_asleep(run, 0) &&
        begin(r)) {
        label_task(r->out, run, 0);
        tool_text_add(r->out, " is asleep since ");
        add_step(r, run->tasks[0].last);
        tool_text_add(r->out, ", but nothing is said to have gone wrong.\n");
    }
}

/* An access that is an event of its own is at that event; any other comes after the event of its
 * task that is named, and is ordered by the next one. */
static size_t end_of_access(const struct trace_run *run, size_t event) {
    return access_of(run, event) != ACCESS_NONE ? event : run->events[event].next;
}

static void check_pair(struct report *r, struct order *order, size_t early, size_t late) {
    const struct trace_run *run = r->run;
    size_t end = end_of_access(run, early);
    if (run->events[early].task != run->events[late].task &&
        (end == TRACE_NONE || end >= late || !order_knows(order, end)))
        return;
    if (!begin(r)) return;
    tool_text_add(r->out, "A race is said to be between ");
    add_step(r, early);
    tool_text_add(r->out, " and ");
    add_step(r, late);
    tool_text_add(r->out, ", but the first happens before the second.\n");
}

static void check_recorded_races(struct report *r) {
    const struct trace_run *run = r->run;
    size_t *first = tool_alloc(run->event_count, sizeof *first), /* by event: a finding, + 1 */
        *below = tool_alloc(run->finding_count, sizeof *below), pairs = 0;
    for (size_t i = 0; i < run->finding_count; i++) {
        const struct trace_finding *finding = &run->findings[i];
        if (finding->event == TRACE_NONE || finding->other == TRACE_NONE ||
            strcmp(finding->kind, "race") != 0)
            continue;
        size_t late = finding->event > finding->other ? finding->event : finding->other;
        below[i] = first[late];
        first[late] = i + 1;
        pairs++;
    }
    struct order *order = pairs > 0 ? order_new(run, ORDER_ALL) : NULL;
    while (order != NULL && order_next(order)) {
        size_t late = order_event(order);
        for (size_t i = first[late]; i != 0; i = below[i - 1]) {
            const struct trace_finding *finding = &run->findings[i - 1];
            check_pair(r, order, finding->event == late ? finding->other : finding->event, late);
        }
    }
    order_free(order);
    free(first);
    free(below);
}

static bool is_recorded(const struct trace_run *run, const struct check_race *race) {
    for (size_t i = 0; i < run->finding_count; i++) {
        const struct trace_finding *finding = &run->findings[i];
        if (strcmp(finding->kind, "race") != 0 || finding->event == TRACE_NONE) continue;
        const struct trace_event *a = &run->events[finding->event], *b = &run->events[race->event];
        if (a->object == b->object) return true;
    }
    return false;
}

static void check_own_races(struct report *r) {
    struct check_race *races;
    size_t count = check_races(r->run, &races);
    for (size_t i = 0; i < count; i++) {
        if (is_recorded(r->run, &races[i]) || !begin(r)) continue;
        tool_text_add(r->out, "Nothing orders ");
        add_step(r, races[i].other);
        tool_text_add(r->out, " and ");
        add_step(r, races[i].event);
        tool_text_add(r->out, ", which access ");
        label_object(r->out, r->run, r->run->events[races[i].event].object);
        tool_text_add(r->out, ", but no race is said to be there.\n");
    }
    free(races);
}

size_t check_findings(struct tool_text *out, const struct trace_run *run) {
    struct report r = {.out = out, .run = run};
    if (run->event_count == 0) return 0;
    r.named = tool_alloc(run->task_count, sizeof *r.named);
    for (size_t i = 0; i < run->finding_count; i++) {
        if (is_stuck_kind(run->findings[i].kind)) check_stuck(&r, &run->findings[i]);
    }
    check_tasks(&r);
    check_recorded_races(&r);
    check_own_races(&r);
    if (r.lines > MOST_LINES) tool_text_addf(out, "  and %zu more.\n", r.lines - MOST_LINES);
    free(r.named);
    return r.lines;
}
