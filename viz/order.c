/*
 * order.c - happens-before by vector clocks that share what they have in common.
 *
 * A clock tells for each task how many of its events are known. It is a tree with WIDE branches at
 * each node; nodes never change once they are shared, so two clocks that differ in one task share
 * all but one path, and joining them looks only at what differs. A task's own place is not in its
 * clock but beside it, so that its own steps cost nothing.
 */
#include "viz/order.h"

#include <stdlib.h>
#include <string.h>

#include "viz/tool.h"

#define WIDE 8
#define BITS 3

struct order_clock {
    size_t owners;
    union {
        struct order_clock *below[WIDE]; /* NULL: all 0 */
        uint32_t known[WIDE];
    } u;
};

struct order {
    const struct trace_run *run;
    unsigned kinds;
    int levels;                 /* of inner nodes */
    size_t event;               /* the current one, or TRACE_NONE before the first */
    uint32_t *place;            /* by event: its number among those of its task, from 1 */
    struct order_clock **tasks; /* by task: what it knows of the others */
    struct order_clock **kept;  /* by event: of those with edges that have not arrived */
    uint32_t *leaving;          /* by event: such edges */
    size_t edge, edge_end;      /* those that end in the current event */
    struct order_clock *now;    /* what the current event knows; owned by its task, if it has one */
    struct order_clock *before; /* what its task knew before it; owned */
    struct order_clock *spare;  /* nodes to use again, linked by u.below[0] */
};

/* ---- Clocks -------------------------------------------------------------------------------- */

static struct order_clock *share(struct order_clock *clock) {
    if (clock != NULL) clock->owners++;
    return clock;
}

static struct order_clock *new_node(struct order *order) {
    struct order_clock *node = order->spare;
    if (node != NULL) {
        order->spare = node->u.below[0];
        memset(node, 0, sizeof *node);
    } else {
        node = tool_alloc(1, sizeof *node);
    }
    node->owners = 1;
    return node;
}

static void drop(struct order *order, struct order_clock *clock, int level) {
    if (clock == NULL || --clock->owners > 0) return;
    for (int i = 0; level > 0 && i < WIDE; i++) drop(order, clock->u.below[i], level - 1);
    clock->u.below[0] = order->spare;
    order->spare = clock;
}

static uint32_t known(const struct order *order, const struct order_clock *clock, size_t task) {
    for (int level = order->levels; level > 0 && clock != NULL; level--)
        clock = clock->u.below[task >> (level * BITS) & (WIDE - 1)];
    return clock != NULL ? clock->u.known[task & (WIDE - 1)] : 0;
}

static struct order_clock *join_leaves(struct order *order, struct order_clock *a,
                                       struct order_clock *b) {
    bool more_in_a = false, more_in_b = false;
    for (int i = 0; i < WIDE; i++) {
        more_in_a |= a->u.known[i] > b->u.known[i];
        more_in_b |= b->u.known[i] > a->u.known[i];
    }
    if (!more_in_b) return share(a);
    if (!more_in_a) return share(b);
    struct order_clock *node = new_node(order);
    for (int i = 0; i < WIDE; i++)
        node->u.known[i] = a->u.known[i] > b->u.known[i] ? a->u.known[i] : b->u.known[i];
    return node;
}

/* Returns what either knows, with an owner of its own. */
static struct order_clock *join(struct order *order, struct order_clock *a, struct order_clock *b,
                                int level) {
    if (a == b || b == NULL) return share(a);
    if (a == NULL) return share(b);
    if (level == 0) return join_leaves(order, a, b);
    struct order_clock *node = new_node(order);
    bool is_a = true, is_b = true;
    for (int i = 0; i < WIDE; i++) {
        node->u.below[i] = join(order, a->u.below[i], b->u.below[i], level - 1);
        is_a = is_a && node->u.below[i] == a->u.below[i];
        is_b = is_b && node->u.below[i] == b->u.below[i];
    }
    if (!is_a && !is_b) return node;
    drop(order, node, level);
    return share(is_a ? a : b);
}

/* Returns the clock with one entry raised; takes over `clock`, and copies what others share. */
static struct order_clock *raise(struct order *order, struct order_clock *clock, size_t task,
                                 uint32_t value, int level) {
    struct order_clock *node = clock;
    if (node == NULL || node->owners > 1) {
        node = new_node(order);
        if (clock != NULL) {
            node->u = clock->u;
            for (int i = 0; level > 0 && i < WIDE; i++) share(node->u.below[i]);
            clock->owners--;
        }
    }
    if (level == 0) {
        uint32_t *entry = &node->u.known[task & (WIDE - 1)];
        if (*entry < value) *entry = value;
    } else {
        struct order_clock **below = &node->u.below[task >> (level * BITS) & (WIDE - 1)];
        *below = raise(order, *below, task, value, level - 1);
    }
    return node;
}

/* ---- The pass ------------------------------------------------------------------------------ */

static bool follows(const struct order *order, size_t edge) {
    return (order->kinds & ORDER_BIT(order->run->edges[edge].kind)) != 0;
}

struct order *order_new(const struct trace_run *run, unsigned kinds) {
    struct order *order = tool_alloc(1, sizeof *order);
    *order = (struct order){.run = run, .kinds = kinds, .event = TRACE_NONE};
    while ((run->task_count - (run->task_count > 0)) >> ((order->levels + 1) * BITS) > 0)
        order->levels++;
    order->place = tool_alloc(run->event_count, sizeof *order->place);
    order->kept = tool_alloc(run->event_count, sizeof(struct order_clock *));
    order->leaving = tool_alloc(run->event_count, sizeof *order->leaving);
    order->tasks = tool_alloc(run->task_count, sizeof(struct order_clock *));
    for (size_t i = 0; i < run->event_count; i++) {
        size_t previous = run->events[i].previous;
        order->place[i] = previous != TRACE_NONE ? order->place[previous] + 1 : 1;
    }
    for (size_t i = 0; i < run->edge_count; i++) {
        if (follows(order, i)) order->leaving[run->edges[i].before]++;
    }
    return order;
}

void order_free(struct order *order) {
    if (order == NULL) return;
    const struct trace_run *run = order->run;
    for (size_t i = 0; i < run->task_count; i++) drop(order, order->tasks[i], order->levels);
    for (size_t i = 0; i < run->event_count; i++) drop(order, order->kept[i], order->levels);
    drop(order, order->before, order->levels);
    if (order->event != TRACE_NONE && order->event < run->event_count &&
        run->events[order->event].task == TRACE_NONE)
        drop(order, order->now, order->levels);
    while (order->spare != NULL) {
        struct order_clock *node = order->spare;
        order->spare = node->u.below[0];
        free(node);
    }
    free(order->place);
    free(order->tasks);
    free(order->kept);
    free(order->leaving);
    free(order);
}

/* Learns what an edge brings. */
static struct order_clock *learn(struct order *order, struct order_clock *clock, size_t source) {
    size_t task = order->run->events[source].task;
    struct order_clock *joined = join(order, clock, order->kept[source], order->levels);
    drop(order, clock, order->levels);
    if (task == TRACE_NONE || known(order, joined, task) >= order->place[source]) return joined;
    return raise(order, joined, task, order->place[source], order->levels);
}

/* Lets go of what the event before this one needed. */
static void leave(struct order *order) {
    const struct trace_run *run = order->run;
    for (size_t i = order->edge; i < order->edge_end; i++) {
        size_t source = run->edges[i].before;
        if (!follows(order, i) || --order->leaving[source] > 0) continue;
        drop(order, order->kept[source], order->levels);
        order->kept[source] = NULL;
    }
    drop(order, order->before, order->levels);
    order->before = NULL;
    if (run->events[order->event].task == TRACE_NONE) drop(order, order->now, order->levels);
    order->now = NULL;
}

bool order_next(struct order *order) {
    const struct trace_run *run = order->run;
    if (order->event != TRACE_NONE) leave(order);
    order->edge = order->edge_end;
    order->event = order->event == TRACE_NONE ? 0 : order->event + 1;
    if (order->event >= run->event_count) {
        order->event = run->event_count;
        order->edge_end = order->edge;
        return false;
    }
    size_t task = run->events[order->event].task;
    while (order->edge_end < run->edge_count && run->edges[order->edge_end].after == order->event)
        order->edge_end++;
    struct order_clock *clock = task != TRACE_NONE ? order->tasks[task] : NULL;
    order->before = share(clock);
    for (size_t i = order->edge; i < order->edge_end; i++) {
        if (follows(order, i)) clock = learn(order, clock, run->edges[i].before);
    }
    if (task != TRACE_NONE) order->tasks[task] = clock;
    order->now = clock;
    if (order->leaving[order->event] > 0) order->kept[order->event] = share(clock);
    return true;
}

size_t order_event(const struct order *order) { return order->event; }

/* ---- Questions ----------------------------------------------------------------------------- */

uint32_t order_known(const struct order *order, size_t task) {
    if (order->run->events[order->event].task == task) return order->place[order->event];
    return known(order, order->now, task);
}

bool order_knows(const struct order *order, size_t event) {
    size_t task = order->run->events[event].task;
    if (task == TRACE_NONE) return event == order->event;
    return order_known(order, task) >= order->place[event];
}

/* Whether what an event knew, or the event itself, covers another. */
static bool covers(const struct order *order, size_t event, const struct order_clock *clock,
                   size_t other) {
    size_t task = order->run->events[other].task;
    if (task == TRACE_NONE) return event == other;
    if (order->run->events[event].task == task) return order->place[event] >= order->place[other];
    return known(order, clock, task) >= order->place[other];
}

struct order_mark order_mark(struct order *order) {
    return (struct order_mark){order->event, share(order->now)};
}

void order_release(struct order *order, struct order_mark *mark) {
    drop(order, mark->clock, order->levels);
    mark->clock = NULL;
}

bool order_mark_knows(const struct order *order, const struct order_mark *mark, size_t event) {
    return covers(order, mark->event, mark->clock, event);
}

/* An edge is implied when its source is known through what came before in the task, through
 * another source's past, or as an earlier event of another source's task. */
static void reduce_event(struct order *order, bool *implied) {
    const struct trace_run *run = order->run;
    struct order_clock *pasts = share(order->before);
    for (size_t i = order->edge; i < order->edge_end; i++) {
        struct order_clock *joined =
            join(order, pasts, order->kept[run->edges[i].before], order->levels);
        drop(order, pasts, order->levels);
        pasts = joined;
    }
    for (size_t i = order->edge; i < order->edge_end; i++) {
        size_t source = run->edges[i].before, task = run->events[source].task;
        uint32_t place = order->place[source];
        implied[i] = i > order->edge && run->edges[i - 1].before == source;
        if (task == TRACE_NONE) continue;
        implied[i] |= task == run->events[order->event].task ||
                      known(order, pasts, task) >= place || known(order, order->now, task) > place;
    }
    drop(order, pasts, order->levels);
}

bool *order_reduce(const struct trace_run *run) {
    bool *implied = tool_alloc(run->edge_count, sizeof *implied);
    struct order *order = order_new(run, ORDER_ALL);
    while (order_next(order)) {
        if (order->edge_end > order->edge) reduce_event(order, implied);
    }
    order_free(order);
    return implied;
}
