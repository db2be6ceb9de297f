/* usage.c - how much the channels of a run were used, and by whom. */
#include "viz/usage.h"

#include <errno.h>
#include <stdlib.h>

#include "viz/label.h"
#include "viz/tool.h"

enum what { NOTHING, SEND, RECEIVE, BLOCKED_SEND, BLOCKED_RECEIVE, END, CLOSE };

struct use {
    size_t object, task;
    enum what what;
};

struct counter {
    const struct trace_run *run;
    struct usage *usage;
    struct use *uses;
    size_t use_count, use_capacity;
    uint64_t *buffered; /* by object */
    bool *ended;        /* by event: a close let it go on */
};

static bool is_channel(const struct trace_run *run, size_t object) {
    return object != TRACE_NONE && run->objects[object].kind == TRACE_KIND_CHANNEL;
}

static void add_use(struct counter *c, size_t object, size_t task, enum what what) {
    if (!is_channel(c->run, object) || what == NOTHING) return;
    c->uses = tool_grow(c->uses, &c->use_capacity, c->use_count + 1, sizeof *c->uses);
    c->uses[c->use_count++] = (struct use){object, task, what};
    struct usage_channel *channel = &c->usage->channels[object];
    if (what == SEND && ++c->buffered[object] > channel->longest)
        channel->longest = c->buffered[object];
    /* Taken back by a timer that was stopped, a value may be missing. */
    if (what == RECEIVE && c->buffered[object] > 0) c->buffered[object]--;
}

static enum what what_of(const struct counter *c, size_t index) {
    const struct trace_run *run = c->run;
    const struct trace_event *event = &run->events[index];
    switch (event->op) {
    case TRACE_OP_SEND:
        if (event->slept) return BLOCKED_SEND;
        return event->result == 0 ? SEND : NOTHING;
    case TRACE_OP_TRY_SEND:
    case TRACE_OP_FIRE:
        return event->result == 0 ? SEND : NOTHING;
    case TRACE_OP_RECV:
        if (event->slept) return BLOCKED_RECEIVE;
        return event->result == 0 ? RECEIVE : event->result == -EPIPE ? END : NOTHING;
    case TRACE_OP_TRY_RECV:
        return event->result == 0 ? RECEIVE : event->result == -EPIPE ? END : NOTHING;
    case TRACE_OP_SELECT:
    case TRACE_OP_SELECT_FIRST:
        if (event->slept || event->result < 0) return NOTHING;
        if (c->ended[index]) return END;
        return label_select_sends(run, index) ? SEND : RECEIVE;
    case TRACE_OP_CLOSE:
        return event->result == 0 ? CLOSE : NOTHING;
    default:
        return NOTHING;
    }
}

static void count_event(struct counter *c, size_t index) {
    const struct trace_event *event = &c->run->events[index];
    if (event->task != TRACE_NONE) {
        c->usage->steps[event->task]++;
        c->usage->waits[event->task] += event->slept;
    }
    add_use(c, event->object, event->task, what_of(c, index));
    if (what_of(c, index) == CLOSE && is_channel(c->run, event->object))
        c->usage->channels[event->object].closed = index;
    size_t first, count = event->slept ? trace_cases(c->run, index, &first) : 0;
    for (size_t i = 0; i < count; i++) {
        const struct trace_case *entry = &c->run->cases[first + i];
        add_use(c, entry->object, event->task, entry->sends ? BLOCKED_SEND : BLOCKED_RECEIVE);
    }
}

static int compare_uses(const void *left, const void *right) {
    const struct use *a = left, *b = right;
    if (a->object != b->object) return a->object < b->object ? -1 : 1;
    return a->task != b->task ? (a->task < b->task ? -1 : 1) : 0;
}

static void count_use(struct usage_counts *counts, enum what what) {
    counts->sends += what == SEND;
    counts->receives += what == RECEIVE;
    counts->blocked_sends += what == BLOCKED_SEND;
    counts->blocked_receives += what == BLOCKED_RECEIVE;
    counts->ends += what == END;
}

/* Sums the uses up, one link for each task and channel. */
static void link_up(struct counter *c) {
    struct usage *usage = c->usage;
    size_t capacity = 0;
    if (c->use_count > 0) qsort(c->uses, c->use_count, sizeof *c->uses, compare_uses);
    for (size_t i = 0; i < c->use_count; i++) {
        const struct use *use = &c->uses[i];
        if (i == 0 || compare_uses(use, use - 1) != 0) {
            usage->links =
                tool_grow(usage->links, &capacity, usage->link_count + 1, sizeof *usage->links);
            usage->links[usage->link_count++] =
                (struct usage_link){.task = use->task, .object = use->object};
        }
        struct usage_link *link = &usage->links[usage->link_count - 1];
        link->closes |= use->what == CLOSE;
        count_use(&link->counts, use->what);
        count_use(&usage->channels[use->object].counts, use->what);
    }
}

struct usage *usage_find(const struct trace_run *run) {
    struct usage *usage = tool_alloc(1, sizeof *usage);
    struct counter c = {.run = run, .usage = usage};
    usage->channels = tool_alloc(run->object_count, sizeof *usage->channels);
    usage->steps = tool_alloc(run->task_count, sizeof *usage->steps);
    usage->waits = tool_alloc(run->task_count, sizeof *usage->waits);
    c.buffered = tool_alloc(run->object_count, sizeof *c.buffered);
    for (size_t i = 0; i < run->object_count; i++) usage->channels[i].closed = TRACE_NONE;
    c.ended = tool_alloc(run->event_count, sizeof *c.ended);
    for (size_t i = 0; i < run->edge_count; i++) {
        if (run->edges[i].kind == TRACE_EDGE_CLOSE) c.ended[run->edges[i].after] = true;
    }
    for (size_t i = 0; i < run->event_count; i++) count_event(&c, i);
    link_up(&c);
    /* A value handed to a waiting receiver has its two steps apart, but was in no buffer. */
    for (size_t i = 0; i < run->object_count; i++) {
        int64_t capacity = run->objects[i].capacity;
        if (capacity >= 0 && usage->channels[i].longest > (uint64_t)capacity)
            usage->channels[i].longest = (uint64_t)capacity;
    }
    free(c.uses);
    free(c.buffered);
    free(c.ended);
    return usage;
}

void usage_free(struct usage *usage) {
    if (usage == NULL) return;
    free(usage->channels);
    free(usage->links);
    free(usage->steps);
    free(usage->waits);
    free(usage);
}
