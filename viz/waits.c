/*
 * waits.c - who waits for whom at the end of a run: turns the peers of what each blocked task waits
 * for into arcs.
 */
#include "viz/waits.h"

#include <stdlib.h>
#include <string.h>

#include "viz/cycles.h"
#include "viz/peers.h"
#include "viz/tool.h"

#define MOST_ARCS 64 /* of one task; who waits for more than that is not helped by seeing them */

/* ---- Arcs ---------------------------------------------------------------------------------- */

struct finder {
    const struct trace_run *run;
    struct peers peers;
    struct waits *waits;
    size_t *first_writer; /* by object: the oldest task that waits to write, or TRACE_NONE */
    size_t capacity;
};

static void add_arc(struct finder *f, size_t from, const struct peer *peer, bool only) {
    struct waits *waits = f->waits;
    struct waits_task *task = &waits->tasks[from];
    for (size_t i = 0; i < task->arc_count; i++) {
        if (waits->arcs[task->first_arc + i].to == peer->task) return;
    }
    if (task->arc_count >= MOST_ARCS) return;
    waits->arcs = tool_grow(waits->arcs, &f->capacity, waits->arc_count + 1, sizeof *waits->arcs);
    waits->arcs[waits->arc_count++] = (struct waits_arc){.from = from,
                                                         .to = peer->task,
                                                         .object = peer->object,
                                                         .why = peer->what,
                                                         .since = peer->event,
                                                         .only = only};
    task->arc_count++;
}

/* Arcs to those that hold something: certain, also when the holder has exited. */
static void wait_for_holders(struct finder *f, size_t from, size_t object, enum waits_why what) {
    size_t first;
    size_t count = peers_find(&f->peers, object, what, &first);
    for (size_t i = 0; i < count; i++) {
        if (f->peers.list[first + i].task != TRACE_NONE)
            add_arc(f, from, &f->peers.list[first + i], count == 1);
    }
}

/* Arcs to those that could do something again; who has exited cannot. */
static void wait_for_users(struct finder *f, size_t from, size_t object, enum waits_why what,
                           bool may_be_only) {
    size_t first;
    size_t count = peers_find(&f->peers, object, what, &first);
    struct waits_task *task = &f->waits->tasks[from];
    for (size_t i = 0; i < count; i++) {
        const struct peer *peer = &f->peers.list[first + i];
        if (peer->task == TRACE_NONE) {
            task->timer = true;
        } else if (f->waits->tasks[peer->task].state == WAITS_EXITED) {
            task->gone++;
            task->gone_task = peer->task;
        } else if (peer->task != from || count == 1) {
            add_arc(f, from, peer, count == 1 && may_be_only);
        }
    }
}

static void wait_for_members(struct finder *f, size_t from, size_t object) {
    size_t first;
    size_t count = peers_find(&f->peers, object, WAITS_HAS_NOT_DONE, &first);
    struct waits_task *task = &f->waits->tasks[from];
    task->left = f->peers.left[object];
    for (size_t i = 0; i < count; i++)
        add_arc(f, from, &f->peers.list[first + i], (int64_t)count == task->left && count == 1);
}

static void find_arcs(struct finder *f, size_t from) {
    const struct trace_run *run = f->run;
    struct waits_task *task = &f->waits->tasks[from];
    const struct trace_event *event = &run->events[task->event];
    size_t object = event->object, first;
    if (event->op == TRACE_OP_SELECT || event->op == TRACE_OP_SELECT_FIRST) {
        size_t count = trace_cases(run, task->event, &first);
        for (size_t i = first; i < first + count; i++) {
            if (run->cases[i].object != TRACE_NONE)
                wait_for_users(f, from, run->cases[i].object,
                               run->cases[i].sends ? WAITS_RECEIVES : WAITS_SENDS, count == 1);
        }
        return;
    }
    if (object == TRACE_NONE) return;
    switch (event->op) {
    case TRACE_OP_SEND:
        wait_for_users(f, from, object, WAITS_RECEIVES, true);
        break;
    case TRACE_OP_RECV:
        wait_for_users(f, from, object, WAITS_SENDS, true);
        break;
    case TRACE_OP_LOCK:
        wait_for_holders(f, from, object, WAITS_HOLDS);
        wait_for_holders(f, from, object, WAITS_READS);
        break;
    case TRACE_OP_RLOCK:
        wait_for_holders(f, from, object, WAITS_HOLDS);
        if (task->arc_count == 0 && f->first_writer[object] != TRACE_NONE) {
            size_t writer = f->first_writer[object];
            add_arc(f, from,
                    &(struct peer){object, WAITS_WRITES, writer, f->waits->tasks[writer].event},
                    true);
        }
        break;
    case TRACE_OP_WAIT:
        if (run->objects[object].kind == TRACE_KIND_WAITGROUP ||
            run->objects[object].kind == TRACE_KIND_GROUP)
            wait_for_members(f, from, object);
        else
            wait_for_users(f, from, object, WAITS_SIGNALS, false);
        break;
    case TRACE_OP_ONCE:
        wait_for_holders(f, from, object, WAITS_RUNS);
        break;
    case TRACE_OP_ACQUIRE:
        wait_for_holders(f, from, object, WAITS_HAS_PERMITS);
        break;
    default:
        break;
    }
}

/* ---- Final states -------------------------------------------------------------------------- */

static enum waits_state final_state(const struct trace_run *run, const struct trace_task *task) {
    bool slept = task->last != TRACE_NONE && run->events[task->last].slept;
    if (task->last == TRACE_NONE && task->state != TRACE_STATE_EXITED) return WAITS_UNBORN;
    switch (task->state) {
    case TRACE_STATE_EXITED:
        return WAITS_EXITED;
    case TRACE_STATE_SLEEPING:
        return slept ? WAITS_SLEEPING : WAITS_RUNNABLE;
    case TRACE_STATE_BLOCKED:
        return slept ? WAITS_BLOCKED : WAITS_RUNNABLE;
    default:
        return task->state == TRACE_STATE_OTHER && slept ? WAITS_BLOCKED : WAITS_RUNNABLE;
    }
}

/* A stuck task has a finding of its own. */
static void mark_stuck(const struct trace_run *run, struct waits *waits) {
    for (size_t i = 0; i < run->finding_count; i++) {
        const struct trace_finding *finding = &run->findings[i];
        bool deadlock = strcmp(finding->kind, "deadlock") == 0;
        if ((!deadlock && strcmp(finding->kind, "leak") != 0) || finding->event == TRACE_NONE)
            continue;
        size_t task = run->events[finding->event].task;
        if (task == TRACE_NONE || waits->tasks[task].state != WAITS_BLOCKED) continue;
        waits->letter = deadlock ? 'D' : 'L';
        waits->tasks[task].role = WAITS_LOOSE; /* until something better is known */
    }
}

/* ---- Signals that did not help ------------------------------------------------------------- */

static bool waits_for_signal(const struct trace_run *run, const struct waits_task *task) {
    if (task->state != WAITS_BLOCKED || task->event == TRACE_NONE) return false;
    const struct trace_event *event = &run->events[task->event];
    return event->op == TRACE_OP_WAIT && event->object != TRACE_NONE &&
           run->objects[event->object].kind == TRACE_KIND_COND;
}

/* Of each condition variable the last signal that woke nobody, as the events go by; and the last that
 * woke somebody. */
static void find_signals(const struct trace_run *run, struct waits *waits) {
    size_t *unheard = tool_alloc(run->object_count, sizeof *unheard),
           *heard = tool_alloc(run->object_count, sizeof *heard);
    for (size_t i = 0; i < run->object_count; i++) unheard[i] = heard[i] = TRACE_NONE;
    for (size_t i = 0; i < run->event_count; i++) {
        const struct trace_event *event = &run->events[i];
        if (event->object == TRACE_NONE) continue;
        if (event->op == TRACE_OP_SIGNAL || event->op == TRACE_OP_BROADCAST)
            *(event->result == 0 ? &unheard[event->object] : &heard[event->object]) = i;
        if (event->task == TRACE_NONE) continue;
        struct waits_task *task = &waits->tasks[event->task];
        if (task->event == i && waits_for_signal(run, task)) task->unheard = unheard[event->object];
    }
    for (size_t i = 0; i < run->task_count; i++) {
        struct waits_task *task = &waits->tasks[i];
        if (!waits_for_signal(run, task)) continue;
        size_t last = heard[run->events[task->event].object];
        if (last != TRACE_NONE && last > task->event) task->diverted = last;
    }
    free(unheard);
    free(heard);
}

struct waits *waits_find(const struct trace_run *run) {
    struct waits *waits = tool_alloc(1, sizeof *waits);
    waits->tasks = tool_alloc(run->task_count, sizeof *waits->tasks);
    waits->letter = 'D';
    struct finder finder = {.run = run, .waits = waits, .capacity = 1};
    bool *wanted = tool_alloc(run->object_count, sizeof *wanted);
    waits->arcs = tool_alloc(finder.capacity, sizeof *waits->arcs);
    finder.first_writer = tool_alloc(run->object_count, sizeof *finder.first_writer);
    for (size_t i = 0; i < run->object_count; i++) finder.first_writer[i] = TRACE_NONE;

    for (size_t i = 0; i < run->task_count; i++) {
        struct waits_task *task = &waits->tasks[i];
        *task = (struct waits_task){.event = TRACE_NONE,
                                    .gone_task = TRACE_NONE,
                                    .unheard = TRACE_NONE,
                                    .diverted = TRACE_NONE,
                                    .left = -1};
        task->state = final_state(run, &run->tasks[i]);
        if (task->state != WAITS_BLOCKED && task->state != WAITS_SLEEPING) continue;
        task->event = run->tasks[i].last;
        if (task->event == TRACE_NONE) continue;
        size_t object = run->events[task->event].object, first;
        size_t count = trace_cases(run, task->event, &first);
        for (size_t k = first; k < first + count; k++) {
            if (run->cases[k].object != TRACE_NONE) wanted[run->cases[k].object] = true;
        }
        if (object == TRACE_NONE) continue;
        wanted[object] = true;
        size_t *writer = &finder.first_writer[object];
        if (run->events[task->event].op == TRACE_OP_LOCK &&
            (*writer == TRACE_NONE || waits->tasks[*writer].event > task->event))
            *writer = i;
    }
    mark_stuck(run, waits);

    peers_collect(&finder.peers, run, wanted);
    for (size_t i = 0; i < run->task_count; i++) {
        waits->tasks[i].first_arc = waits->arc_count;
        if (waits->tasks[i].state == WAITS_BLOCKED) find_arcs(&finder, i);
    }
    cycles_assign_roles(run, waits);
    find_signals(run, waits);

    peers_free(&finder.peers);
    free(wanted);
    free(finder.first_writer);
    return waits;
}

void waits_free(struct waits *waits) {
    if (waits == NULL) return;
    free(waits->tasks);
    free(waits->arcs);
    free(waits);
}

bool waits_is_culprit(const struct waits *waits, size_t task) {
    return task != TRACE_NONE &&
           (waits->tasks[task].role == WAITS_CYCLE || waits->tasks[task].role == WAITS_ROOT);
}

const char *waits_why_word(const struct waits_arc *arc) {
    switch (arc->why) {
    case WAITS_HOLDS:
        return "holder";
    case WAITS_READS:
        return arc->only ? "only reader" : "a reader";
    case WAITS_WRITES:
        return "waiting writer";
    case WAITS_RECEIVES:
        return arc->only ? "only receiver" : "a receiver";
    case WAITS_SENDS:
        return arc->only ? "only sender" : "a sender";
    case WAITS_SIGNALS:
        return "has signalled";
    case WAITS_HAS_NOT_DONE:
        return "not done";
    case WAITS_RUNS:
        return "runs it";
    case WAITS_HAS_PERMITS:
        return "has permits";
    }
    return "";
}
