/*
 * reorder.c - see reorder.h.
 *
 * The steps and what has to come before what make a graph: the steps of each task, the
 * happens-before edges, and steps on one object that do not commute. Any order of the steps that
 * respects it is a run of the same program, but for what goes through memory unseen.
 *
 * Steps of the clock, and early timers, keep their place among all others: what comes to pass
 * between two of them is reordered by itself.
 */
#include "sim/reorder.h"

#include <stdlib.h>
#include <string.h>

#include "sim/dependence.h"

struct arc {
    uint32_t to, next; /* steps from 1; the next arc from the same step, 0: none */
};

/* The last steps on an object: those of the same class, which may come in any order, and the class
 * before, after which all of them come. */
struct users {
    uint32_t now, before; /* heads of lists of arcs whose `to` is the user */
    uint8_t op;
};

struct graph {
    const struct log *log;
    size_t steps, tasks, objects;
    struct arc *arcs;
    size_t arc_count, arc_room;
    uint32_t *first;   /* arc from each step */
    uint32_t *missing; /* steps that have to come before it, and have not */
    struct users *users;
    uint32_t *last; /* step of each task */
    bool *wanted;   /* what was found depends on it */
    bool failed;    /* memory is short */
};

static uint32_t new_arc(struct graph *g, uint32_t to, uint32_t next) {
    if (g->arc_count == g->arc_room) {
        size_t more = g->arc_room ? 2 * g->arc_room : 1024;
        struct arc *larger = more > UINT32_MAX ? NULL : realloc(g->arcs, more * sizeof *larger);
        if (!larger) {
            g->failed = true;
            return 0;
        }
        g->arcs = larger;
        g->arc_room = more;
    }
    if (!g->arc_count) g->arc_count = 1; /* 0 is none */
    g->arcs[g->arc_count] = (struct arc){to, next};
    return (uint32_t)g->arc_count++;
}

static void order(struct graph *g, uint32_t before, uint32_t after) {
    if (!before || before >= after || after > g->steps) return;
    g->first[before] = new_arc(g, after, g->first[before]);
    if (!g->failed) g->missing[after]++;
}

static void use(struct graph *g, uint32_t object, uint8_t op, uint32_t step) {
    struct users *users;
    if (!object || object > g->objects) return;
    users = &g->users[object];
    if (users->now && !operations_commute(users->op, op)) {
        users->before = users->now;
        users->now = 0;
    }
    users->op = op;
    /* Only what new_arc has returned is in there. */
    for (uint32_t i = users->before; i && !g->failed; i = g->arcs[i].next)
        order(g, g->arcs[i].to, step); /* NOLINT(clang-analyzer-core.*) */
    users->now = new_arc(g, step, users->now);
}

static bool build(struct graph *g) {
    const struct log *log = g->log;
    size_t next_case = 0, next_edge = 0;
    g->first = calloc(g->steps + 2, sizeof *g->first);
    g->missing = calloc(g->steps + 2, sizeof *g->missing);
    g->wanted = calloc(g->steps + 2, sizeof *g->wanted);
    g->users = calloc(g->objects + 1, sizeof *g->users);
    g->last = calloc(g->tasks + 1, sizeof *g->last);
    if (!g->first || !g->missing || !g->wanted || !g->users || !g->last) return false;
    for (uint32_t step = 1; step <= g->steps && !g->failed; step++) {
        const struct log_event *event = &log->events[step - 1];
        if (event->task && event->task <= g->tasks) {
            order(g, g->last[event->task], step);
            g->last[event->task] = step;
        }
        use(g, event->object, event->op, step);
        for (; next_case < log->case_count && log->cases[next_case].step <= step; next_case++)
            if (log->cases[next_case].step == step && log->cases[next_case].object != event->object)
                use(g, log->cases[next_case].object, event->op, step);
        for (; next_edge < log->edge_count && log->edges[next_edge].after <= step; next_edge++)
            if (log->edges[next_edge].after == step) order(g, log->edges[next_edge].before, step);
    }
    return !g->failed;
}

/* Marks what the findings depend on; nothing comes before something that is not marked. */
static void mark_causes(struct graph *g, bool causes_only) {
    const struct log *log = g->log;
    bool any = false;
    for (size_t i = 0; i < log->finding_count && i < LOG_FINDINGS && causes_only; i++) {
        uint32_t step = log->findings[i].step, other = log->findings[i].other_step;
        if (step && step <= g->steps) g->wanted[step] = any = true;
        if (other && other <= g->steps) g->wanted[other] = any = true;
    }
    for (uint32_t step = (uint32_t)g->steps; step > 0; step--) {
        if (!any) g->wanted[step] = true;
        for (uint32_t i = g->first[step]; i; i = g->arcs[i].next)
            if (g->wanted[g->arcs[i].to]) g->wanted[step] = true;
    }
}

/* ---- The new order ------------------------------------------------------------------------- */

struct queue {      /* each task's steps, in their order */
    uint32_t *next; /* step of the same task that follows; 0: none */
    uint32_t *head; /* by task: the next to come */
    uint32_t *done; /* by task */
};

static bool queue_up(const struct graph *g, struct queue *queue) {
    uint32_t *tail = calloc(g->tasks + 1, sizeof *tail);
    queue->next = calloc(g->steps + 2, sizeof *queue->next);
    queue->head = calloc(g->tasks + 1, sizeof *queue->head);
    queue->done = calloc(g->tasks + 1, sizeof *queue->done);
    if (!tail || !queue->next || !queue->head || !queue->done) {
        free(tail);
        return false;
    }
    for (uint32_t step = 1; step <= g->steps; step++) {
        uint32_t task = g->log->events[step - 1].task;
        if (!task || task > g->tasks || !g->wanted[step]) continue;
        *(tail[task] ? &queue->next[tail[task]] : &queue->head[task]) = step;
        tail[task] = step;
    }
    free(tail);
    return true;
}

/* Whether the task's next step is one of those up to `end` and may come now. */
static bool ready(const struct graph *g, const struct queue *queue, uint32_t task, uint32_t end) {
    uint32_t step = task ? queue->head[task] : 0;
    return step && step <= end && !g->missing[step];
}

static uint32_t choose(const struct graph *g, const struct queue *queue, enum reorder_next how,
                       uint32_t end) {
    uint32_t best = 0;
    for (uint32_t task = 1; task <= g->tasks; task++) {
        if (!ready(g, queue, task, end)) continue;
        if (!best || (queue->head[task] < queue->head[best]) == (how == REORDER_EARLIEST))
            best = task;
    }
    return best;
}

static void come(struct graph *g, uint32_t step) {
    for (uint32_t i = g->first[step]; i; i = g->arcs[i].next) g->missing[g->arcs[i].to]--;
}

/* The steps up to `end` that have not come yet. `*task` is who runs. */
static bool window(struct graph *g, struct queue *queue, enum reorder_next how, uint32_t end,
                   uint32_t *task, struct plan *plan) {
    while (ready(g, queue, *task, end) || (*task = choose(g, queue, how, end))) {
        uint32_t step = queue->head[*task];
        queue->head[*task] = queue->next[step];
        come(g, step);
        if (!plan_step(plan, g->log->task_table[*task - 1].identity, ++queue->done[*task],
                       &g->log->events[step - 1]))
            return false;
    }
    return true;
}

static bool arrange(struct graph *g, struct queue *queue, const struct notes *notes,
                    enum reorder_next how, struct plan *plan) {
    uint32_t task = 0, step = 1;
    plan_clear(plan);
    for (size_t i = 0; i <= notes->count; i++) {
        const struct note *note = &notes->entries[i];
        bool last = i == notes->count;
        if (!last && !note->timer) {
            if (note->draw.value && !plan_draw(plan, note->draw)) return false;
            continue;
        }
        for (uint32_t end = last || note->step > g->steps ? (uint32_t)g->steps : note->step;
             step <= end; step++) {
            bool barrier = !g->log->events[step - 1].task;
            if (!barrier && step < end) continue;
            if (!window(g, queue, how, barrier ? step - 1 : step, &task, plan)) return false;
            if (barrier) come(g, step);
        }
        if (!last && !plan_wish(plan, (struct wish){0})) return false;
    }
    plan_sort(plan);
    return true;
}

bool reorder(const struct log *log, const struct notes *notes, enum reorder_next how,
             bool causes_only, struct plan *plan) {
    struct graph g = {
        .log = log,
        .steps = log->steps < log->event_room ? log->steps : log->event_room,
        .tasks = log->tasks < log->task_room ? log->tasks : log->task_room,
        .objects = log->object_count < log->object_room ? log->object_count : log->object_room,
    };
    struct queue queue = {0};
    bool fits = build(&g);
    if (fits) {
        mark_causes(&g, causes_only);
        fits = queue_up(&g, &queue) && arrange(&g, &queue, notes, how, plan);
    }
    free(queue.next);
    free(queue.head);
    free(queue.done);
    free(g.arcs);
    free(g.first);
    free(g.missing);
    free(g.wanted);
    free(g.users);
    free(g.last);
    return fits;
}
