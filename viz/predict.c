/* predict.c - what could have gone wrong in a run and did not. */
#include "viz/predict.h"

#include <stdlib.h>
#include <string.h>

#include "viz/label.h"

#define MOST_LOOKS 2000000 /* pairs of requests that are compared */
#define LONGEST_CYCLE 8    /* tasks; longer ones are not looked for */

struct oracle {
    const struct trace_run *run;
    struct predictions *found;
    size_t list_capacity, event_capacity;
};

static void add_event(struct oracle *o, size_t event) {
    struct predictions *found = o->found;
    found->events =
        tool_grow(found->events, &o->event_capacity, found->event_count + 1, sizeof *found->events);
    found->events[found->event_count++] = event;
    found->list[found->count - 1].count++;
}

static void add_prediction(struct oracle *o, enum predict_kind kind, size_t object) {
    struct predictions *found = o->found;
    found->list = tool_grow(found->list, &o->list_capacity, found->count + 1, sizeof *found->list);
    found->list[found->count++] =
        (struct prediction){.kind = kind, .object = object, .first = found->event_count};
}

/* ---- Lock orders --------------------------------------------------------------------------- */

struct chase {
    struct oracle *oracle;
    const struct locks *locks;
    size_t *first, *holders; /* by object: the requests made while it was held */
    size_t path[LONGEST_CYCLE];
    size_t length, looks;
    bool happened; /* looks for the deadlock in which the run ended */
};

static const struct locks_held *held_by(const struct chase *c, size_t request, size_t object) {
    const struct locks_request *r = &c->locks->requests[request];
    for (size_t i = 0; i < r->held; i++) {
        if (c->locks->held[r->first + i].object == object) return &c->locks->held[r->first + i];
    }
    return NULL;
}

/* Whether the holder keeps the one who asks waiting. */
static bool hinders(const struct chase *c, size_t asks, size_t holds) {
    const struct locks_held *held = held_by(c, holds, c->locks->requests[asks].object);
    return held != NULL && !(held->reads && c->locks->requests[asks].reads);
}

/* Whether two requests could be waiting at the same time. */
static bool together(const struct chase *c, size_t a, size_t b) {
    const struct locks_request *x = &c->locks->requests[a], *y = &c->locks->requests[b];
    return x->task != y->task && !locks_gated(c->locks, x, y) &&
           !order_mark_knows(c->locks->order, &x->mark, y->event) &&
           !order_mark_knows(c->locks->order, &y->mark, x->event);
}

/* The same locks asked for at the same lines, by these tasks or others: one report is enough. */
static bool is_known(const struct chase *c) {
    const struct predictions *found = c->oracle->found;
    const struct trace_run *run = c->oracle->run;
    for (size_t i = 0; i < found->count; i++) {
        const struct prediction *other = &found->list[i];
        if (other->count != 2 * c->length) continue;
        size_t same = 0;
        for (size_t k = 0; k < c->length; k++) {
            const struct trace_event *mine = &run->events[c->locks->requests[c->path[k]].event];
            for (size_t j = 0; j < c->length; j++) {
                const struct trace_event *theirs =
                    &run->events[found->events[other->first + 2 * j + 1]];
                /* A line may be several places of the program. */
                if (theirs->object != mine->object ||
                    strcmp(trace_place(run, theirs->site), trace_place(run, mine->site)) != 0)
                    continue;
                same++;
                break;
            }
        }
        if (same == c->length) return true;
    }
    return false;
}

static void close_cycle(struct chase *c) {
    if (is_known(c)) return;
    add_prediction(c->oracle, PREDICT_DEADLOCK, c->locks->requests[c->path[0]].object);
    for (size_t i = 0; i < c->length; i++) {
        size_t before = c->path[(i + c->length - 1) % c->length];
        add_event(c->oracle, held_by(c, c->path[i], c->locks->requests[before].object)->event);
        add_event(c->oracle, c->locks->requests[c->path[i]].event);
    }
}

/* Goes on from the last of the path to those who hold what it asks for. The first has the lowest
 * task of all, so that each cycle is met once. */
static void chase_on(struct chase *c) {
    size_t last = c->path[c->length - 1], object = c->locks->requests[last].object;
    for (size_t i = c->first[object]; i < c->first[object + 1]; i++) {
        size_t next = c->holders[i];
        if (c->looks++ >= MOST_LOOKS) {
            c->oracle->found->cut = true;
            return;
        }
        if (c->locks->requests[next].task <= c->locks->requests[c->path[0]].task ||
            !hinders(c, last, next) || (c->happened && !c->locks->requests[next].pending))
            continue;
        bool fits = true;
        for (size_t k = 0; k < c->length && fits; k++) fits = together(c, c->path[k], next);
        if (!fits) continue;
        c->path[c->length++] = next;
        if (hinders(c, next, c->path[0]))
            close_cycle(c);
        else if (c->length < LONGEST_CYCLE)
            chase_on(c);
        c->length--;
    }
}

static void chase_all(struct chase *c) {
    for (size_t i = 0; i < c->locks->request_count; i++) {
        if (c->happened && !c->locks->requests[i].pending) continue;
        c->path[0] = i;
        c->length = 1;
        chase_on(c);
    }
}

static void predict_deadlocks(struct oracle *o) {
    struct locks *locks = locks_find(o->run);
    struct chase c = {.oracle = o, .locks = locks};
    c.first = tool_alloc(o->run->object_count + 2, sizeof *c.first);
    c.holders = tool_alloc(locks->held_count, sizeof *c.holders);
    for (size_t i = 0; i < locks->held_count; i++) c.first[locks->held[i].object + 2]++;
    for (size_t i = 2; i < o->run->object_count + 2; i++) c.first[i] += c.first[i - 1];
    for (size_t i = 0; i < locks->request_count; i++) {
        const struct locks_request *request = &locks->requests[i];
        for (size_t k = 0; k < request->held; k++)
            c.holders[c.first[locks->held[request->first + k].object + 1]++] = i;
    }
    /* What has happened is no prediction; it is found first, and taken out at the end. */
    c.happened = true;
    chase_all(&c);
    size_t happened = o->found->count;
    c.happened = false;
    chase_all(&c);
    o->found->count -= happened;
    for (size_t i = 0; i < o->found->count; i++) o->found->list[i] = o->found->list[i + happened];
    free(c.first);
    free(c.holders);
    locks_free(locks);
}

/* ---- Channels ------------------------------------------------------------------------------ */

enum { SENDS, RECEIVES, WAYS };

struct traffic {
    struct oracle *o;
    size_t *done[WAYS];       /* by object: where that was done */
    size_t *last[WAYS];       /* by object: the event that went through it last, or TRACE_NONE */
    bool *told[WAYS];         /* by object */
    size_t *senders;          /* by object: the latest send, + 1; 0: none */
    size_t *before;           /* by event: of a send, the one before it on the same channel, + 1 */
    bool *ended;              /* by event: a close let it go on, so no value went through */
    bool *receives;           /* by event: of a select, that it received */
    size_t *common;           /* by object: a lock that all sends and closes held, or TRACE_NONE */
    bool *used;               /* by object: `common` is set */
    struct order_mark *marks; /* by task: its last event that was not the begin of a wait */
};

static bool is_select(const struct trace_event *event) {
    return event->op == TRACE_OP_SELECT || event->op == TRACE_OP_SELECT_FIRST;
}

/* Which way an event goes through its channel, WAYS when none. */
static int way_of(const struct traffic *t, size_t index) {
    const struct trace_event *event = &t->o->run->events[index];
    if (event->object == TRACE_NONE || event->task == TRACE_NONE || event->slept ||
        t->o->run->objects[event->object].kind != TRACE_KIND_CHANNEL)
        return WAYS;
    if (is_select(event)) {
        if (event->result < 0 || t->ended[index]) return WAYS;
        return t->receives[index] ? RECEIVES : SENDS;
    }
    if (event->result != 0) return WAYS;
    switch (event->op) {
    case TRACE_OP_SEND:
    case TRACE_OP_TRY_SEND:
        return SENDS;
    case TRACE_OP_RECV:
    case TRACE_OP_TRY_RECV:
        return RECEIVES;
    default:
        return WAYS;
    }
}

/* Where an operation that waited arrived: what it does to others it does there. */
static size_t arrival(const struct trace_run *run, size_t event) {
    size_t previous = run->events[event].previous;
    while (previous != TRACE_NONE && run->events[previous].slept &&
           run->events[previous].op == run->events[event].op) {
        event = previous;
        previous = run->events[event].previous;
    }
    return event;
}

/* A lock held at each send and close keeps the two apart; whoever takes such care looks before he
 * sends. */
static void note_locks(void *context, size_t index, const struct locks_held *held, size_t count) {
    struct traffic *t = context;
    const struct trace_event *event = &t->o->run->events[index];
    bool closes = event->op == TRACE_OP_CLOSE && event->object != TRACE_NONE && !event->slept;
    if (!closes && way_of(t, index) != SENDS) return;
    size_t object = event->object;
    if (!t->used[object]) {
        t->used[object] = true;
        t->common[object] = count > 0 ? held[count - 1].object : TRACE_NONE;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (held[i].object == t->common[object]) return;
    }
    t->common[object] = TRACE_NONE;
}

static void meet_close(struct traffic *t, struct order *order, size_t close) {
    size_t object = t->o->run->events[close].object;
    if (t->common[object] != TRACE_NONE) return;
    for (size_t i = t->senders[object]; i != 0; i = t->before[i - 1]) {
        size_t send = i - 1;
        if (order_knows(order, send)) continue;
        add_prediction(t->o, PREDICT_CLOSED, object);
        add_event(t->o, send);
        add_event(t->o, close);
        return;
    }
}

/* Two uses of a channel in the same way by different tasks, one after the other: did the first make
 * the second come later? That is asked of what its task knew before it came to the channel, since
 * what it has learnt there is what chance decided. */
static void meet_other(struct traffic *t, struct order *order, size_t event, int way) {
    const struct trace_run *run = t->o->run;
    size_t object = run->events[event].object, before = t->last[way][object];
    const struct order_mark *mark = &t->marks[run->events[event].task];
    if (before == TRACE_NONE || t->told[way][object] ||
        run->events[before].task == run->events[event].task ||
        (mark->event != TRACE_NONE && order_mark_knows(order, mark, before)))
        return;
    t->told[way][object] = true;
    add_prediction(t->o, way == SENDS ? PREDICT_SENDERS : PREDICT_RECEIVERS, object);
    add_event(t->o, t->done[way][object]);
    add_event(t->o, event);
}

/* A close is met by sends that nothing but the scheduler ordered. */
static void predict_closed(struct traffic *t) {
    const struct trace_run *run = t->o->run;
    struct order *order = order_new(run, ORDER_MUST);
    while (order_next(order)) {
        size_t index = order_event(order);
        const struct trace_event *event = &run->events[index];
        if (way_of(t, index) == SENDS) {
            size_t sent = arrival(run, index);
            t->before[sent] = t->senders[event->object];
            t->senders[event->object] = sent + 1;
        } else if (event->op == TRACE_OP_CLOSE && event->object != TRACE_NONE &&
                   event->result == 0) {
            meet_close(t, order, index);
        }
    }
    order_free(order);
}

static void predict_order(struct traffic *t) {
    const struct trace_run *run = t->o->run;
    struct order *order = order_new(run, ORDER_MUST);
    for (size_t i = 0; i < run->task_count; i++) t->marks[i].event = TRACE_NONE;
    for (size_t i = 0; i < WAYS; i++) {
        for (size_t k = 0; k < run->object_count; k++) t->last[i][k] = TRACE_NONE;
    }
    while (order_next(order)) {
        size_t index = order_event(order), task = run->events[index].task;
        int way = way_of(t, index);
        if (way != WAYS) {
            meet_other(t, order, index, way);
            t->last[way][run->events[index].object] = arrival(run, index);
            t->done[way][run->events[index].object] = index;
        }
        if (task == TRACE_NONE || run->events[index].slept) continue;
        order_release(order, &t->marks[task]);
        t->marks[task] = order_mark(order);
    }
    for (size_t i = 0; i < run->task_count; i++) order_release(order, &t->marks[i]);
    order_free(order);
}

static void predict_channels(struct oracle *o) {
    const struct trace_run *run = o->run;
    struct traffic t = {.o = o};
    for (int i = 0; i < WAYS; i++) {
        t.last[i] = tool_alloc(run->object_count, sizeof *t.last[i]);
        t.done[i] = tool_alloc(run->object_count, sizeof *t.done[i]);
        t.told[i] = tool_alloc(run->object_count, sizeof *t.told[i]);
    }
    t.senders = tool_alloc(run->object_count, sizeof *t.senders);
    t.common = tool_alloc(run->object_count, sizeof *t.common);
    t.used = tool_alloc(run->object_count, sizeof *t.used);
    t.before = tool_alloc(run->event_count, sizeof *t.before);
    t.marks = tool_alloc(run->task_count, sizeof *t.marks);
    t.receives = tool_alloc(run->event_count, sizeof *t.receives);
    for (size_t i = 0; i < run->event_count; i++)
        t.receives[i] = is_select(&run->events[i]) && run->events[i].object != TRACE_NONE &&
                        !label_select_sends(run, i);
    t.ended = tool_alloc(run->event_count, sizeof *t.ended);
    for (size_t i = 0; i < run->edge_count; i++) {
        if (run->edges[i].kind == TRACE_EDGE_CLOSE) t.ended[run->edges[i].after] = true;
    }
    locks_walk(run, note_locks, &t);
    predict_closed(&t);
    predict_order(&t);
    for (int i = 0; i < WAYS; i++) {
        free(t.last[i]);
        free(t.done[i]);
        free(t.told[i]);
    }
    free(t.senders);
    free(t.common);
    free(t.used);
    free(t.receives);
    free(t.ended);
    free(t.before);
    free(t.marks);
}

/* ---- Public -------------------------------------------------------------------------------- */

struct predictions *predict(const struct trace_run *run) {
    struct predictions *found = tool_alloc(1, sizeof *found);
    struct oracle oracle = {.run = run, .found = found};
    predict_deadlocks(&oracle);
    predict_channels(&oracle);
    return found;
}

void predict_free(struct predictions *predictions) {
    if (predictions == NULL) return;
    free(predictions->list);
    free(predictions->events);
    free(predictions);
}

const char *predict_word(enum predict_kind kind) {
    static const char *const words[] = {"lock_order", "send_on_closed", "send_order",
                                        "receive_order"};
    return words[kind];
}

static void add_where(struct tool_text *out, const struct trace_run *run, size_t event) {
    tool_text_addf(out, " (step %lld, ", (long long)run->events[event].step);
    label_place(out, run, event);
    tool_text_add(out, ")");
}

static void add_task(struct tool_text *out, const struct trace_run *run, size_t event) {
    label_task(out, run, run->events[event].task);
}

void predict_sentence(struct tool_text *out, const struct trace_run *run,
                      const struct predictions *predictions, size_t index) {
    const struct prediction *p = &predictions->list[index];
    const size_t *events = &predictions->events[p->first];
    switch (p->kind) {
    case PREDICT_DEADLOCK:
        tool_text_addf(
            out, "%zu tasks could deadlock, since they lock in different orders: ", p->count / 2);
        for (size_t i = 0; i + 1 < p->count; i += 2) {
            tool_text_add(out, i == 0 ? "" : i + 2 == p->count ? " and " : ", ");
            add_task(out, run, events[i + 1]);
            tool_text_add(out, " locks ");
            label_object(out, run, run->events[events[i + 1]].object);
            add_where(out, run, events[i + 1]);
            tool_text_add(out, " while it holds ");
            label_object(out, run, run->events[events[i]].object);
            add_where(out, run, events[i]);
        }
        tool_text_add(out, ".");
        break;
    case PREDICT_CLOSED:
        tool_text_add(out, "A send could meet a closed channel: nothing makes ");
        add_task(out, run, events[0]);
        tool_text_add(out, " send on ");
        label_object(out, run, p->object);
        add_where(out, run, events[0]);
        tool_text_add(out, " before ");
        add_task(out, run, events[1]);
        tool_text_add(out, " closes it");
        add_where(out, run, events[1]);
        tool_text_add(out, ".");
        break;
    case PREDICT_SENDERS:
    case PREDICT_RECEIVERS:
        tool_text_add(out, "It was chance that ");
        add_task(out, run, events[0]);
        add_where(out, run, events[0]);
        tool_text_add(out, p->kind == PREDICT_SENDERS ? " sent on " : " received from ");
        label_object(out, run, p->object);
        tool_text_add(out, " before ");
        add_task(out, run, events[1]);
        add_where(out, run, events[1]);
        tool_text_add(out, " did.");
        break;
    }
}
