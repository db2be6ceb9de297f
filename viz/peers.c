/*
 * peers.c - who has done what with which object.
 *
 * One pass over the events. Most operations make their task a peer of the object for good. What a
 * task holds (a lock, permits, a once that it runs) is kept on a stack for each object, and what is
 * left there at the end makes peers.
 */
#include "viz/peers.h"

#include <stdlib.h>

#include "viz/tool.h"

/* What is held: a stack for each object. */
struct hold {
    enum waits_why what;
    size_t task, event;
    struct hold *below;
};

struct collector {
    const struct trace_run *run;
    const bool *wanted;
    struct peers *peers;
    size_t capacity;
    struct hold **holds; /* by object */
};

static void add_peer(struct collector *c, size_t object, enum waits_why what, size_t task,
                     size_t event) {
    if (object == TRACE_NONE || !c->wanted[object]) return;
    struct peers *peers = c->peers;
    peers->list = tool_grow(peers->list, &c->capacity, peers->count + 1, sizeof *peers->list);
    peers->list[peers->count++] = (struct peer){object, what, task, event};
}

/* ---- Holders ------------------------------------------------------------------------------- */

/* pirn_waitgroup_go and pirn_group_go are an `add` and a `go` of one task at one place: the one way
 * to know who belongs to the group. Returns the task, or TRACE_NONE if this `add` is none of
 * them. */
static size_t member_of(const struct trace_run *run, const struct trace_event *add) {
    if (add->next == TRACE_NONE || add->site == TRACE_NONE) return TRACE_NONE;
    const struct trace_event *go = &run->events[add->next];
    if (go->op != TRACE_OP_GO || go->site != add->site || go->result <= 0) return TRACE_NONE;
    return trace_find_task(run, go->result);
}

/* Who has the permits from now on: the task, or that which it starts in a group with a limit. */
static size_t taker_of(const struct trace_run *run, const struct trace_event *acquire) {
    const struct trace_event *add =
        acquire->next != TRACE_NONE ? &run->events[acquire->next] : acquire;
    size_t member = TRACE_NONE;
    if (add->op == TRACE_OP_ADD && add->site == acquire->site && add->object != TRACE_NONE &&
        run->objects[add->object].kind == TRACE_KIND_GROUP)
        member = member_of(run, add);
    return member != TRACE_NONE ? member : acquire->task;
}

static void take(struct collector *c, size_t object, enum waits_why what, size_t event) {
    const struct trace_event *taken = &c->run->events[event];
    size_t task = what == WAITS_HAS_PERMITS ? taker_of(c->run, taken) : taken->task;
    struct hold *hold = tool_alloc(1, sizeof *hold);
    *hold = (struct hold){what, task, event, c->holds[object]};
    c->holds[object] = hold;
}

static void drop_all(struct collector *c, size_t object, enum waits_why what, bool any) {
    for (struct hold **link = &c->holds[object]; *link != NULL;) {
        struct hold *hold = *link;
        if (any || hold->what == what) {
            *link = hold->below;
            free(hold);
        } else {
            link = &hold->below;
        }
    }
}

/* Any task may unlock for another, so where the task itself holds nothing the latest hold goes. */
static void drop_one(struct collector *c, size_t object, enum waits_why what, size_t task) {
    struct hold **found = NULL;
    for (struct hold **link = &c->holds[object]; *link != NULL; link = &(*link)->below) {
        if ((*link)->what != what) continue;
        if (found == NULL || (*link)->task == task) found = link;
        if ((*link)->task == task) break;
    }
    if (found == NULL) return;
    struct hold *hold = *found;
    *found = hold->below;
    free(hold);
}

/* A wait on a condition variable unlocks its mutex within its own step. Nothing in the trace tells,
 * but the next one who gets the lock shows that nobody else holds it any more; so a lock taken is
 * the end of what was held before. */
static void collect_lock(struct collector *c, size_t index) {
    const struct trace_event *event = &c->run->events[index];
    switch (event->op) {
    case TRACE_OP_LOCK:
    case TRACE_OP_TRYLOCK:
        drop_all(c, event->object, WAITS_HOLDS, true);
        take(c, event->object, WAITS_HOLDS, index);
        break;
    case TRACE_OP_RLOCK:
    case TRACE_OP_TRYRLOCK:
        drop_all(c, event->object, WAITS_HOLDS, false);
        take(c, event->object, WAITS_READS, index);
        break;
    case TRACE_OP_UNLOCK:
        drop_one(c, event->object, WAITS_HOLDS, event->task);
        break;
    case TRACE_OP_RUNLOCK:
        drop_one(c, event->object, WAITS_READS, event->task);
        break;
    case TRACE_OP_ONCE:
        if (event->result == 1) take(c, event->object, WAITS_RUNS, index);
        break;
    case TRACE_OP_ONCE_DONE:
        drop_all(c, event->object, WAITS_RUNS, false);
        break;
    case TRACE_OP_ACQUIRE:
        take(c, event->object, WAITS_HAS_PERMITS, index);
        break;
    case TRACE_OP_RELEASE:
        drop_one(c, event->object, WAITS_HAS_PERMITS, event->task);
        break;
    default:
        break;
    }
}

/* ---- Peers --------------------------------------------------------------------------------- */

static void collect_member(struct collector *c, size_t index) {
    const struct trace_event *add = &c->run->events[index];
    size_t member = member_of(c->run, add);
    if (member != TRACE_NONE) add_peer(c, add->object, WAITS_HAS_NOT_DONE, member, index);
}

static void collect_event(struct collector *c, size_t index) {
    const struct trace_event *event = &c->run->events[index];
    if (event->object == TRACE_NONE || !c->wanted[event->object]) return;
    switch (event->op) {
    case TRACE_OP_SEND:
    case TRACE_OP_TRY_SEND:
    case TRACE_OP_FIRE:
        add_peer(c, event->object, WAITS_SENDS, event->task, index);
        break;
    case TRACE_OP_RECV:
    case TRACE_OP_TRY_RECV:
        add_peer(c, event->object, WAITS_RECEIVES, event->task, index);
        break;
    case TRACE_OP_SIGNAL:
    case TRACE_OP_BROADCAST:
        add_peer(c, event->object, WAITS_SIGNALS, event->task, index);
        break;
    case TRACE_OP_ADD:
        c->peers->left[event->object] = event->result;
        collect_member(c, index);
        break;
    case TRACE_OP_DONE:
        c->peers->left[event->object] = event->result;
        /* Sorted after the membership, which it ends. */
        add_peer(c, event->object, WAITS_HAS_NOT_DONE, event->task, TRACE_NONE);
        break;
    default:
        if (!event->slept && event->result >= 0) collect_lock(c, index);
    }
}

/* A select that ran at once does not say which way its case went, but its message does. */
static void collect_selects(struct collector *c) {
    const struct trace_run *run = c->run;
    for (size_t i = 0; i < run->edge_count; i++) {
        const struct trace_edge *edge = &run->edges[i];
        if (edge->kind != TRACE_EDGE_MESSAGE) continue;
        const struct trace_event *sender = &run->events[edge->before],
                                 *receiver = &run->events[edge->after];
        if (sender->op == TRACE_OP_SELECT || sender->op == TRACE_OP_SELECT_FIRST)
            add_peer(c, sender->object, WAITS_SENDS, sender->task, edge->before);
        if (receiver->op == TRACE_OP_SELECT || receiver->op == TRACE_OP_SELECT_FIRST)
            add_peer(c, receiver->object, WAITS_RECEIVES, receiver->task, edge->after);
    }
    for (size_t i = 0; i < run->case_count; i++) {
        const struct trace_case *entry = &run->cases[i];
        add_peer(c, entry->object, entry->sends ? WAITS_SENDS : WAITS_RECEIVES,
                 run->events[entry->event].task, entry->event);
    }
}

static int compare_peers(const void *left, const void *right) {
    const struct peer *a = left, *b = right;
    if (a->object != b->object) return a->object < b->object ? -1 : 1;
    if (a->what != b->what) return a->what < b->what ? -1 : 1;
    if (a->task != b->task) return a->task < b->task ? -1 : 1;
    return a->event < b->event ? -1 : a->event > b->event;
}

/* Sorts the peers and keeps one of each task: its first hold, the latest of anything else. Who has
 * called done is taken out: its last entry has the event TRACE_NONE. */
static void settle(struct collector *c) {
    struct peers *peers = c->peers;
    for (size_t object = 0; object < c->run->object_count; object++) {
        for (struct hold *hold = c->holds[object]; hold != NULL; hold = hold->below)
            add_peer(c, object, hold->what, hold->task, hold->event);
    }
    struct peer *list = peers->list;
    if (peers->count > 0) qsort(list, peers->count, sizeof *list, compare_peers);
    size_t kept = 0;
    for (size_t i = 0; i < peers->count;) {
        size_t end = i;
        while (end < peers->count && list[end].object == list[i].object &&
               list[end].what == list[i].what && list[end].task == list[i].task)
            end++;
        bool held = list[i].what <= WAITS_READS || list[i].what >= WAITS_RUNS;
        struct peer peer = list[held ? i : end - 1];
        if (peer.event != TRACE_NONE) list[kept++] = peer;
        i = end;
    }
    peers->count = kept;
}

/* ---- Public -------------------------------------------------------------------------------- */

void peers_collect(struct peers *peers, const struct trace_run *run, const bool *wanted) {
    *peers = (struct peers){.left = tool_alloc(run->object_count, sizeof *peers->left)};
    struct collector collector = {.run = run, .wanted = wanted, .peers = peers};
    collector.holds = tool_alloc(run->object_count, sizeof *collector.holds);
    for (size_t i = 0; i < run->event_count; i++) collect_event(&collector, i);
    collect_selects(&collector);
    settle(&collector);
    for (size_t i = 0; i < run->object_count; i++) drop_all(&collector, i, WAITS_HOLDS, true);
    free(collector.holds);
}

void peers_free(struct peers *peers) {
    free(peers->list);
    free(peers->left);
}

size_t peers_find(const struct peers *peers, size_t object, enum waits_why what, size_t *first) {
    struct peer key = {object, what, 0, 0};
    size_t low = 0, high = peers->count, count = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_peers(&peers->list[middle], &key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *first = low;
    while (low + count < peers->count && peers->list[low + count].object == object &&
           peers->list[low + count].what == what)
        count++;
    return count;
}
