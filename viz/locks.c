/* locks.c - which locks were asked for while others were held. */
#include "viz/locks.h"

#include <stdlib.h>

#include "viz/tool.h"

#define SAME 4  /* requests that are alike and kept */
#define MOST 64 /* locks that a task holds at a time and are looked at */

/* ---- What is held -------------------------------------------------------------------------- */

struct pocket { /* what a task holds */
    struct locks_held *list;
    size_t count, capacity;
};

struct walk {
    const struct trace_run *run;
    struct pocket *pockets; /* by task */
    size_t *owner;          /* by object: the task that holds it for writing, or TRACE_NONE */
};

static bool take_out(struct pocket *pocket, size_t object, bool reads) {
    for (size_t i = pocket->count; i-- > 0;) {
        if (pocket->list[i].object != object || pocket->list[i].reads != reads) continue;
        for (size_t k = i + 1; k < pocket->count; k++) pocket->list[k - 1] = pocket->list[k];
        pocket->count--;
        return true;
    }
    return false;
}

static void put_in(struct pocket *pocket, size_t object, size_t event, bool reads) {
    if (pocket->count == MOST) return;
    pocket->list =
        tool_grow(pocket->list, &pocket->capacity, pocket->count + 1, sizeof *pocket->list);
    pocket->list[pocket->count++] = (struct locks_held){object, event, reads};
}

/* Who gets a lock shows that whoever had it has let it go. */
static void forget_owner(struct walk *w, size_t object) {
    size_t task = w->owner[object];
    if (task != TRACE_NONE) take_out(&w->pockets[task], object, false);
    w->owner[object] = TRACE_NONE;
}

static void follow_event(struct walk *w, size_t index) {
    const struct trace_event *event = &w->run->events[index];
    size_t object = event->object;
    if (object == TRACE_NONE || event->slept || event->result != 0) return;
    switch (event->op) {
    case TRACE_OP_LOCK:
    case TRACE_OP_TRYLOCK:
        forget_owner(w, object);
        put_in(&w->pockets[event->task], object, index, false);
        w->owner[object] = event->task;
        break;
    case TRACE_OP_RLOCK:
    case TRACE_OP_TRYRLOCK:
        forget_owner(w, object);
        put_in(&w->pockets[event->task], object, index, true);
        break;
    case TRACE_OP_UNLOCK:
        forget_owner(w, object);
        break;
    case TRACE_OP_RUNLOCK:
        take_out(&w->pockets[event->task], object, true);
        break;
    default:
        break;
    }
}

void locks_walk(const struct trace_run *run,
                void (*each)(void *context, size_t event, const struct locks_held *held,
                             size_t count),
                void *context) {
    struct walk w = {.run = run};
    w.pockets = tool_alloc(run->task_count, sizeof *w.pockets);
    w.owner = tool_alloc(run->object_count, sizeof *w.owner);
    for (size_t i = 0; i < run->object_count; i++) w.owner[i] = TRACE_NONE;
    for (size_t i = 0; i < run->event_count; i++) {
        size_t task = run->events[i].task;
        if (task == TRACE_NONE) {
            each(context, i, NULL, 0);
            continue;
        }
        each(context, i, w.pockets[task].list, w.pockets[task].count);
        follow_event(&w, i);
    }
    for (size_t i = 0; i < run->task_count; i++) free(w.pockets[i].list);
    free(w.pockets);
    free(w.owner);
}

/* ---- Requests ------------------------------------------------------------------------------ */

struct collector {
    const struct trace_run *run;
    struct locks *locks;
    size_t request_capacity, held_capacity;
    size_t *table; /* requests + 1 by hash; 0: free */
    size_t table_size;
};

/* A request that blocks: `trylock` never does, and one that went on after a sleep began before. */
static bool asks(const struct trace_run *run, const struct trace_event *event) {
    bool woken = event->previous != TRACE_NONE && run->events[event->previous].slept &&
                 run->events[event->previous].op == event->op;
    return (event->op == TRACE_OP_LOCK || event->op == TRACE_OP_RLOCK) &&
           event->object != TRACE_NONE && !woken;
}

/* Whether a request was never granted: each time that the task was woken it fell asleep again. */
static bool is_pending(const struct trace_run *run, size_t event) {
    enum trace_op op = run->events[event].op;
    while (run->events[event].slept && run->events[event].next != TRACE_NONE) {
        event = run->events[event].next;
        if (run->events[event].op != op) return false;
    }
    return run->events[event].slept;
}

static size_t hash(size_t seed, size_t value) {
    uint64_t mixed = (seed ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(mixed ^ mixed >> 29);
}

static size_t key_of(const struct trace_event *event, const struct locks_held *held, size_t count) {
    size_t key = hash(hash(hash(1, event->task), event->object), event->site);
    for (size_t i = 0; i < count; i++) key = hash(key, held[i].object);
    return key;
}

static bool same_request(const struct collector *c, const struct locks_request *request,
                         size_t event, const struct locks_held *held, size_t count) {
    const struct trace_event *a = &c->run->events[request->event], *b = &c->run->events[event];
    if (a->task != b->task || a->op != b->op || a->object != b->object || a->site != b->site ||
        request->held != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct locks_held *other = &c->locks->held[request->first + i];
        if (other->object != held[i].object || other->reads != held[i].reads) return false;
    }
    return true;
}

static void rehash(struct collector *c, size_t size);

/* Whether there are enough like it; counts it. `*slot` is where it belongs in the table. */
static bool enough(struct collector *c, size_t event, const struct locks_held *held, size_t count,
                   size_t *slot) {
    size_t key = key_of(&c->run->events[event], held, count), same = 0;
    if ((c->locks->request_count + 1) * 2 > c->table_size)
        rehash(c, c->table_size == 0 ? 64 : c->table_size * 2);
    /* rehash has made the table. NOLINTNEXTLINE(clang-analyzer-core.*) */
    for (*slot = key & (c->table_size - 1); c->table[*slot] != 0;
         *slot = (*slot + 1) & (c->table_size - 1)) {
        struct locks_request *other = &c->locks->requests[c->table[*slot] - 1];
        if (!same_request(c, other, event, held, count)) continue;
        if (same++ == 0) other->times++;
    }
    return same >= SAME;
}

static void rehash(struct collector *c, size_t size) {
    free(c->table);
    c->table = tool_alloc(size, sizeof *c->table);
    c->table_size = size;
    for (size_t i = 0; i < c->locks->request_count; i++) {
        const struct locks_request *request = &c->locks->requests[i];
        size_t slot = key_of(&c->run->events[request->event], c->locks->held + request->first,
                             request->held) &
                      (size - 1);
        while (c->table[slot] != 0) slot = (slot + 1) & (size - 1);
        c->table[slot] = i + 1;
    }
}

static void collect(void *context, size_t index, const struct locks_held *held, size_t count) {
    struct collector *c = context;
    struct locks *locks = c->locks;
    const struct trace_event *event = &c->run->events[index];
    order_next(locks->order);
    if (event->task == TRACE_NONE || count == 0 || !asks(c->run, event)) return;
    /* What it holds already it has let go in a wait on a condition variable, or it waits for
     * itself, which is no matter of order. */
    for (size_t i = 0; i < count; i++) {
        if (held[i].object == event->object) return;
    }
    size_t slot;
    if (enough(c, index, held, count, &slot) && !is_pending(c->run, index)) return;
    locks->requests = tool_grow(locks->requests, &c->request_capacity, locks->request_count + 1,
                                sizeof *locks->requests);
    c->table[slot] = locks->request_count + 1;
    locks->requests[locks->request_count++] =
        (struct locks_request){.task = event->task,
                               .object = event->object,
                               .event = index,
                               .reads = event->op == TRACE_OP_RLOCK,
                               .pending = is_pending(c->run, index),
                               .first = locks->held_count,
                               .held = count,
                               .times = 1,
                               .mark = order_mark(locks->order)};
    locks->held =
        tool_grow(locks->held, &c->held_capacity, locks->held_count + count, sizeof *locks->held);
    for (size_t i = 0; i < count; i++) locks->held[locks->held_count++] = held[i];
}

struct locks *locks_find(const struct trace_run *run) {
    struct locks *locks = tool_alloc(1, sizeof *locks);
    struct collector c = {.run = run, .locks = locks};
    locks->order = order_new(run, ORDER_MUST);
    locks_walk(run, collect, &c);
    free(c.table);
    return locks;
}

void locks_free(struct locks *locks) {
    if (locks == NULL) return;
    for (size_t i = 0; i < locks->request_count; i++)
        order_release(locks->order, &locks->requests[i].mark);
    order_free(locks->order);
    free(locks->requests);
    free(locks->held);
    free(locks);
}

bool locks_gated(const struct locks *locks, const struct locks_request *a,
                 const struct locks_request *b) {
    for (size_t i = 0; i < a->held; i++) {
        for (size_t k = 0; k < b->held; k++) {
            const struct locks_held *x = &locks->held[a->first + i],
                                    *y = &locks->held[b->first + k];
            if (x->object == y->object && !(x->reads && y->reads)) return true;
        }
    }
    return false;
}
