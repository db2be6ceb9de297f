/* orders.c - see orders.h. */
#include "sim/orders.h"

#include <stdlib.h>
#include <string.h>

#include "sim/dependence.h"
#include "sim/explore.h"

/* Of one object; more callers are left out, or the work would grow with their square. */
enum { MOST_USES = 64 };

/* ---- The table ----------------------------------------------------------------------------- */

static struct call_order *find(struct call_order *table, size_t room, uint64_t before,
                               uint64_t after) {
    size_t at = mix(before, after) & (room - 1);
    while (table[at].after.key && (table[at].before.key != before || table[at].after.key != after))
        at = (at + 1) & (room - 1);
    return &table[at];
}

static bool grow(struct orders *orders) {
    size_t more = orders->room ? 2 * orders->room : 256;
    struct call_order *larger = calloc(more, sizeof *larger);
    if (!larger) return false;
    for (size_t i = 0; i < orders->room; i++) {
        const struct call_order *order = &orders->table[i];
        if (order->after.key) *find(larger, more, order->before.key, order->after.key) = *order;
    }
    free(orders->table);
    orders->table = larger;
    orders->room = more;
    return true;
}

static void add(struct orders *orders, const struct exploration *e, const struct call_site *before,
                const struct call_site *after) {
    struct call_order *order;
    if (2 * (orders->count + 1) > orders->room && !grow(orders)) return;
    order = find(orders->table, orders->room, before->key, after->key);
    if (!order->after.key) {
        *order = (struct call_order){*before, *after, 0, 0, e->trace_run};
        orders->count++;
    }
    if (order->last != e->done) order->runs++;
    order->last = e->done;
}

/* ---- One run ------------------------------------------------------------------------------- */

/* Returns zeroed room for numbers from 0 to `count`, larger where it has to be; NULL: no memory. */
static uint32_t *clear(uint32_t *array, size_t *room, size_t count) {
    if (count >= *room) {
        free(array);
        *room = 2 * count + 64;
        array = calloc(*room, sizeof *array);
        if (!array) *room = 0;
    } else {
        memset(array, 0, (count + 1) * sizeof *array);
    }
    return array;
}

/* Whether a step came before the task, or the one that it descends from, was started by the task
 * of the step. */
static bool came_before(const struct orders *orders, const struct log *log, const struct use *use,
                        uint32_t task) {
    for (uint32_t parent; task; task = parent) {
        parent = log->task_table[task - 1].parent;
        /* An older task has a lower number, unless the log was overwritten. */
        if (parent >= task) return false;
        if (parent == use->task) return use->step < orders->started[task];
    }
    return false;
}

static void add_use(struct orders *orders, uint32_t object, const struct call_site *call,
                    uint32_t task, uint32_t step) {
    if (orders->use_count + 1 >= orders->use_room) {
        size_t more = orders->use_room ? 2 * orders->use_room : 256;
        struct use *larger = realloc(orders->uses, more * sizeof *larger);
        if (!larger) return;
        orders->uses = larger;
        orders->use_room = more;
    }
    orders->uses[++orders->use_count] = (struct use){*call, task, step, orders->first[object]};
    orders->first[object] = (uint32_t)orders->use_count;
}

static void count_use(struct orders *orders, const struct exploration *e, uint32_t object,
                      const struct call_site *call, uint32_t task, uint32_t step) {
    struct use *own = NULL;
    size_t count = 0;
    for (uint32_t i = orders->first[object]; i; i = orders->uses[i].next, count++) {
        struct use *use = &orders->uses[i];
        if (use->task == task) {
            if (use->call.key == call->key) own = use;
        } else if (!operations_commute(use->call.op, call->op) &&
                   !came_before(orders, e->log, use, task)) {
            add(orders, e, &use->call, call);
        }
    }
    if (own)
        own->step = step;
    else if (count < MOST_USES)
        add_use(orders, object, call, task, step);
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

void orders_count(struct orders *orders, struct exploration *e) {
    const struct log *log = e->log;
    size_t steps = least(log->steps, log->event_room), tasks = least(log->tasks, log->task_room),
           objects = least(log->object_count, log->object_room),
           edges = least(log->edge_count, log->edge_room);
    orders->first = clear(orders->first, &orders->object_room, objects);
    orders->started = clear(orders->started, &orders->task_room, tasks);
    orders->use_count = 0;
    if (!orders->first || !orders->started) return;
    for (size_t i = 0; i < edges; i++) {
        const struct log_edge *edge = &log->edges[i];
        if (edge->kind != EDGE_GO || !edge->after || edge->after > steps) continue;
        if (log->events[edge->after - 1].task <= tasks)
            orders->started[log->events[edge->after - 1].task] = edge->before;
    }
    for (size_t i = 0; i < steps; i++) {
        const struct log_event *event = &log->events[i];
        struct call_site call = {0, event->site, event->op};
        if (!event->object || event->object > objects || !event->task || event->task > tasks ||
            !event->site)
            continue;
        call.key = mix(explore_site(e, event->site), event->op) | 1;
        count_use(orders, e, event->object, &call, event->task, (uint32_t)i + 1);
    }
}

/* ---- All runs ------------------------------------------------------------------------------ */

void orders_sum(const struct orders *orders, uint64_t *pairs, uint64_t *one_way) {
    uint64_t both = 0;
    *pairs = *one_way = 0;
    for (size_t i = 0; i < orders->room; i++) {
        const struct call_order *order = &orders->table[i];
        if (!order->after.key || order->before.key == order->after.key) continue;
        if (find(orders->table, orders->room, order->after.key, order->before.key)->after.key)
            both++;
        else
            ++*one_way;
    }
    *pairs = *one_way + both / 2;
}

int orders_record(const struct orders *orders, struct recorder *recorder) {
    int rc = 0;
    for (size_t i = 0; i < orders->room && rc == 0; i++)
        if (orders->table[i].after.key) rc = recorder_order(recorder, &orders->table[i]);
    return rc;
}

void orders_free(struct orders *orders) {
    free(orders->table);
    free(orders->uses);
    free(orders->first);
    free(orders->started);
    *orders = (struct orders){0};
}
