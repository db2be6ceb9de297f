/*
 * cycles.c - the strongly connected components of the wait-for graph, by Tarjan's algorithm.
 *
 * It keeps its own stack, since a chain of waiting tasks may be as long as there are tasks. Blocked
 * tasks that are not stuck (daemons) take part: a cycle may lead through one.
 */
#include "viz/cycles.h"

#include <stdlib.h>

#include "viz/tool.h"

struct node {
    size_t index, low; /* order of discovery, from 1; the earliest one reachable */
    size_t next_arc;   /* to be looked at */
    bool on_stack;
    size_t component; /* number of its cycle, from 1; 0: in none */
};

struct search {
    struct waits *waits;
    struct node *nodes;
    size_t *path, path_length;   /* from the start to the node in hand */
    size_t *stack, stack_length; /* nodes whose component is open */
    size_t discovered, components;
};

static bool waits_for_itself(const struct waits *waits, size_t task) {
    const struct waits_task *self = &waits->tasks[task];
    for (size_t i = 0; i < self->arc_count; i++) {
        if (waits->arcs[self->first_arc + i].to == task) return true;
    }
    return false;
}

static void enter(struct search *s, size_t task) {
    struct node *node = &s->nodes[task];
    node->index = node->low = ++s->discovered;
    node->on_stack = true;
    s->stack[s->stack_length++] = task;
    s->path[s->path_length++] = task;
}

/* The node in hand has no further arc: closes its component when it is the first of it. */
static void leave(struct search *s) {
    size_t task = s->path[--s->path_length];
    struct node *node = &s->nodes[task];
    if (s->path_length > 0) {
        struct node *above = &s->nodes[s->path[s->path_length - 1]];
        if (node->low < above->low) above->low = node->low;
    }
    if (node->low != node->index) return;
    bool cycle = s->stack[s->stack_length - 1] != task || waits_for_itself(s->waits, task);
    size_t component = cycle ? ++s->components : 0;
    size_t member;
    do {
        member = s->stack[--s->stack_length];
        s->nodes[member].on_stack = false;
        s->nodes[member].component = component;
    } while (member != task);
}

static void search_from(struct search *s, size_t start) {
    enter(s, start);
    while (s->path_length > 0) {
        size_t task = s->path[s->path_length - 1];
        struct node *node = &s->nodes[task];
        const struct waits_task *self = &s->waits->tasks[task];
        if (node->next_arc == self->arc_count) {
            leave(s);
            continue;
        }
        size_t to = s->waits->arcs[self->first_arc + node->next_arc++].to;
        if (s->waits->tasks[to].state != WAITS_BLOCKED) continue;
        if (s->nodes[to].index == 0)
            enter(s, to);
        else if (s->nodes[to].on_stack && s->nodes[to].index < node->low)
            node->low = s->nodes[to].index;
    }
}

/* ---- Roles --------------------------------------------------------------------------------- */

/* Whether the trace shows for certain that nobody is left to help: a NULL channel, or a holder that
 * is not blocked itself (it has exited with the lock). That the partners known so far have exited
 * shows less: one that is stuck elsewhere might have come to help. */
static bool is_root(const struct trace_run *run, const struct waits *waits, size_t task) {
    const struct waits_task *self = &waits->tasks[task];
    for (size_t i = 0; i < self->arc_count; i++) {
        size_t to = waits->arcs[self->first_arc + i].to;
        if (waits->tasks[to].state == WAITS_BLOCKED) return false;
    }
    if (self->arc_count > 0) return true;
    if (run->events[self->event].object != TRACE_NONE) return false;
    size_t first;
    size_t count = trace_cases(run, self->event, &first);
    for (size_t i = first; i < first + count; i++) {
        if (run->cases[i].object != TRACE_NONE) return false;
    }
    return true;
}

/* Everyone who waits for a culprit, directly or not, is behind it. Follows the arcs backwards. */
static void mark_behind(const struct trace_run *run, struct waits *waits) {
    size_t *first = tool_alloc(run->task_count + 1, sizeof *first),
           *queue = tool_alloc(run->task_count, sizeof *queue);
    size_t *from = tool_alloc(waits->arc_count, sizeof *from);
    for (size_t i = 0; i < waits->arc_count; i++) first[waits->arcs[i].to + 1]++;
    for (size_t i = 0; i < run->task_count; i++) first[i + 1] += first[i];
    size_t *fill = tool_alloc(run->task_count, sizeof *fill);
    for (size_t i = 0; i < waits->arc_count; i++) {
        size_t to = waits->arcs[i].to;
        from[first[to] + fill[to]++] = waits->arcs[i].from;
    }
    size_t head = 0, tail = 0;
    for (size_t i = 0; i < run->task_count; i++) {
        if (waits_is_culprit(waits, i)) queue[tail++] = i;
    }
    while (head < tail) {
        size_t to = queue[head++];
        for (size_t i = first[to]; i < first[to + 1]; i++) {
            struct waits_task *task = &waits->tasks[from[i]];
            if (task->role == WAITS_LOOSE) {
                task->role = WAITS_BEHIND;
                queue[tail++] = from[i];
            }
        }
    }
    free(first);
    free(queue);
    free(from);
    free(fill);
}

static void number(const struct trace_run *run, struct waits *waits, const struct node *nodes,
                   size_t components) {
    int *tags = tool_alloc(components + 1, sizeof *tags);
    for (size_t i = 0; i < run->task_count; i++) {
        struct waits_task *task = &waits->tasks[i];
        if (!waits_is_culprit(waits, i)) continue;
        size_t component = nodes[i].component;
        if (task->role == WAITS_ROOT || tags[component] == 0) {
            task->tag = ++waits->tags;
            if (task->role == WAITS_CYCLE) tags[component] = task->tag;
        } else {
            task->tag = tags[component];
        }
    }
    free(tags);
}

void cycles_assign_roles(const struct trace_run *run, struct waits *waits) {
    struct search s = {.waits = waits};
    s.nodes = tool_alloc(run->task_count, sizeof *s.nodes);
    s.path = tool_alloc(run->task_count, sizeof *s.path);
    s.stack = tool_alloc(run->task_count, sizeof *s.stack);
    for (size_t i = 0; i < run->task_count; i++) {
        if (waits->tasks[i].state == WAITS_BLOCKED && s.nodes[i].index == 0) search_from(&s, i);
    }
    /* A cycle of daemons alone is none of our business. */
    bool *stuck = tool_alloc(s.components + 1, sizeof *stuck), blame = false;
    for (size_t i = 0; i < run->task_count; i++)
        stuck[s.nodes[i].component] |= waits->tasks[i].role != WAITS_FREE;
    for (size_t i = 0; i < run->task_count; i++) {
        struct waits_task *task = &waits->tasks[i];
        if (s.nodes[i].component != 0 && stuck[s.nodes[i].component])
            task->role = WAITS_CYCLE;
        else if (task->role != WAITS_FREE && is_root(run, waits, i))
            task->role = WAITS_ROOT;
        blame |= waits_is_culprit(waits, i);
    }
    /* With nobody else to blame those of whom nothing is known are all there is to show. */
    for (size_t i = 0; i < run->task_count && !blame; i++) {
        if (waits->tasks[i].role == WAITS_LOOSE && waits->tasks[i].arc_count == 0)
            waits->tasks[i].role = WAITS_ROOT;
    }
    for (size_t i = 0; i < waits->arc_count; i++) {
        struct waits_arc *arc = &waits->arcs[i];
        size_t component = s.nodes[arc->from].component;
        arc->cycle = component != 0 && stuck[component] && component == s.nodes[arc->to].component;
    }
    mark_behind(run, waits);
    number(run, waits, s.nodes, s.components);
    for (size_t i = 0; i < run->task_count; i++) {
        waits->stuck += waits->tasks[i].role != WAITS_FREE;
        waits->culprits += waits_is_culprit(waits, i);
    }
    free(stuck);
    free(s.nodes);
    free(s.path);
    free(s.stack);
}
