/*
 * dpor_order.c - which steps of a run that is over come before which: see dpor_races.h.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/dpor_races.h"

struct race_order race_order;

static bool grow(void *array, size_t count, size_t size) {
    void **pointer = array;
    void *bigger = realloc(*pointer, count * size);
    if (bigger) *pointer = bigger;
    return bigger;
}

/* The index of a task; SIZE_MAX: no memory. */
static size_t index_of(uint64_t task) {
    size_t t = 0;
    while (t < race_order.task_count && race_order.tasks[t] != task) t++;
    if (t == race_order.task_room) {
        size_t room = race_order.task_room ? 2 * race_order.task_room : 16;
        if (!grow(&race_order.tasks, room, sizeof *race_order.tasks) ||
            !grow(&race_order.last, room, sizeof *race_order.last))
            return SIZE_MAX;
        race_order.task_room = room;
    }
    if (t == race_order.task_count) {
        race_order.tasks[race_order.task_count++] = task;
        race_order.last[t] = 0;
    }
    return t;
}

bool race_make_room(void) {
    size_t room = 2 * dpor->next;
    if (race_order.steps_room >= dpor->next) return true;
    if (!grow(&race_order.members, 2 * room, sizeof *race_order.members) ||
        !grow(&race_order.sketches, room, sizeof *race_order.sketches) ||
        !grow(&race_order.serials, room, sizeof *race_order.serials) ||
        !grow(&race_order.sequence, room, sizeof *race_order.sequence) ||
        !grow(&race_order.chosen, room, sizeof *race_order.chosen) ||
        !grow(&race_order.found, room, sizeof *race_order.found))
        return false;
    race_order.steps_room = room;
    return true;
}

/* Numbers the tasks of the run, and links their steps. */
static bool number_tasks(void) {
    race_order.task_count = 0;
    for (size_t i = 0; i < dpor->next; i++) {
        struct label label = dpor->nodes[i].label;
        size_t one = index_of(label.task), other = label.other ? index_of(label.other) : one;
        if (one == SIZE_MAX || other == SIZE_MAX) return false;
        race_order.members[2 * i] = (struct race_member){(uint32_t)one, race_order.last[one]};
        race_order.members[2 * i + 1] =
            (struct race_member){(uint32_t)other, race_order.last[other]};
        race_order.last[one] = race_order.last[other] = (uint32_t)i + 1;
    }
    return true;
}

static uint32_t *clock_of(size_t step) { return &race_order.clocks[step * race_order.stride]; }

static void join(size_t step, size_t with) {
    uint32_t *to = clock_of(step), *from = clock_of(with);
    for (size_t t = 0; t < race_order.task_count; t++)
        if (from[t] > to[t]) to[t] = from[t];
}

/* The nodes that the steps of the log belong to. */
static bool find_owners(const struct log *log) {
    size_t node = 0;
    if (race_order.owner_room < log->steps) {
        if (!grow(&race_order.owner, 2 * log->steps, sizeof *race_order.owner)) return false;
        race_order.owner_room = 2 * log->steps;
    }
    for (size_t step = 0; step < log->steps; step++) {
        while (node + 1 < dpor->next && dpor->nodes[node + 1].log_steps <= step) node++;
        race_order.owner[step] = (uint32_t)node;
    }
    return true;
}

/* What moves has one for all: a sketch may be from an earlier run. */
static uint64_t bit_of(uint64_t object) {
    if (object & KEY_MOVES) object = KEY_MOVES;
    return UINT64_C(1) << (object * UINT64_C(0x9e3779b97f4a7c15) >> 58);
}

static void sketch(size_t step) {
    const struct node *node = &dpor->nodes[step];
    struct race_sketch *sketch = &race_order.sketches[step];
    /* What has done everything has changed what every step accesses. */
    *sketch = (struct race_sketch){.objects = 1, .tasks = bit_of(node->label.task)};
    if (node->label.other) sketch->tasks |= bit_of(node->label.other);
    if (node->footprint.everything) sketch->objects = sketch->changed = UINT64_MAX;
    for (int i = 0; i < node->footprint.count; i++) {
        const struct access *access = &node->footprint.accesses[i];
        sketch->objects |= bit_of(access->object);
        if (access->way != WAY_READ) sketch->changed |= bit_of(access->object);
    }
}

bool race_wakes(size_t a, size_t b) {
    const struct footprint *footprint = &dpor->nodes[a].footprint;
    for (int i = 0; i < footprint->count; i++)
        if (takes_part(dpor->nodes[b].label, footprint->accesses[i].object)) return true;
    return false;
}

bool race_depends(size_t a, size_t b) {
    return race_wakes(a, b) ||
           dependence_between(&dpor->nodes[a].footprint, &dpor->nodes[b].footprint);
}

static bool may_depend(size_t a, size_t b) {
    return race_may_conflict(a, b) || race_order.sketches[a].objects & race_order.sketches[b].tasks;
}

/* What comes before a step; edges of the log from `*edge` on. */
static void order_step(size_t i, const struct log *log, size_t *edge, size_t final) {
    sketch(i);
    memset(clock_of(i), 0, race_order.stride * sizeof *race_order.clocks);
    for (size_t m = 2 * i; m <= 2 * i + 1; m++)
        if (race_order.members[m].previous) join(i, race_order.members[m].previous - 1);
    for (; *edge < log->edge_count; ++*edge) {
        size_t from = race_order.owner[log->edges[*edge].before - 1];
        size_t to = race_order.owner[log->edges[*edge].after - 1];
        if (to > i) break;
        if (to == i && from < i) join(i, from);
    }
    for (size_t k = i < final ? i : final; k-- > 0;)
        if (may_depend(k, i) && !race_before(k, i) && race_depends(k, i)) join(i, k);
    for (size_t m = 2 * i; m <= 2 * i + 1; m++)
        clock_of(i)[race_order.members[m].task] = (uint32_t)i + 1;
}

/* Of the prefix that ends with a step which is not the last. */
static uint64_t serial_of(size_t step) { return dpor_search.path[step + 1]->serial; }

/* How many steps are those of the run that was looked at last, with all that comes before them. */
static size_t find_known(size_t final) {
    size_t i = 0, most = race_order.known < final ? race_order.known : final;
    while (i < most && i + 1 < dpor->next && race_order.serials[i] == serial_of(i)) i++;
    return i;
}

bool race_make_order(const struct log *log, size_t final) {
    size_t steps = dpor->next, edge = 0, known;
    if (!number_tasks() || !find_owners(log)) return false;
    race_order.edges = log->edges;
    race_order.edge_count = log->edge_count;
    if (race_order.stride != race_order.task_room) race_order.known = 0;
    race_order.stride = race_order.task_room;
    known = find_known(final);
    race_order.known = 0;
    if (race_order.clock_room < steps * race_order.stride) {
        size_t room = 2 * steps * race_order.stride;
        if (!grow(&race_order.clocks, room, sizeof *race_order.clocks)) return false;
        race_order.clock_room = room;
    }
    while (edge < log->edge_count && race_order.owner[log->edges[edge].after - 1] < known) edge++;
    for (size_t i = known; i < steps; i++) {
        order_step(i, log, &edge, final);
        race_order.serials[i] = i + 1 < steps ? serial_of(i) : 0;
    }
    race_order.known = final < steps ? final : steps - 1;
    return true;
}

bool race_edge_between(size_t from, size_t to) {
    for (size_t e = 0; e < race_order.edge_count; e++)
        if (race_order.owner[race_order.edges[e].before - 1] == from &&
            race_order.owner[race_order.edges[e].after - 1] == to)
            return true;
    return false;
}

void races_close(void) {
    free(race_order.tasks);
    free(race_order.members);
    free(race_order.clocks);
    free(race_order.sketches);
    free(race_order.serials);
    free(race_order.last);
    free(race_order.owner);
    free(race_order.sequence);
    free(race_order.chosen);
    free(race_order.found);
    memset(&race_order, 0, sizeof race_order);
}
