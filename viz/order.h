/*
 * order.h - happens-before, rebuilt from the program order of the tasks and the edges of a trace.
 *
 * One pass goes through a run event by event and knows at each which earlier ones happen before it.
 * Clocks are not kept for every event: a task has one, which is shared with those whom it has
 * told until either learns something new, and an event's is kept only while an edge that leaves it
 * has not arrived, or while a mark holds it. The work grows with events + edges.
 *
 * An event of the clock (a timer that goes off) has no program order: it hands on what happens
 * before it, and is itself before nothing.
 */
#ifndef VIZ_ORDER_H
#define VIZ_ORDER_H

#include "viz/trace.h"

struct order;

/* Sets of kinds of edges to follow. */
#define ORDER_BIT(kind) (1u << (kind))
#define ORDER_ALL (~0u)

/*
 * What held in every run of the same choices by the program: that one task got a lock, or a free
 * slot, before another was the scheduler's doing.
 */
#define ORDER_MUST (ORDER_ALL & ~ORDER_BIT(TRACE_EDGE_UNLOCK) & ~ORDER_BIT(TRACE_EDGE_SLOT))

/* Begins a pass along the edges of these kinds; it is before the first event. order_free ends it;
 * NULL is ignored there. All marks are to be released before. */
struct order *order_new(const struct trace_run *run, unsigned kinds);
void order_free(struct order *order);

/* Goes to the next event. Returns false when there is none. */
bool order_next(struct order *order);

/* The event that the pass is at. */
size_t order_event(const struct order *order);

/* Whether an event happens before the current one, or is it. */
bool order_knows(const struct order *order, size_t event);

/* How many events of a task, from its first, happen before the current one or are it. */
uint32_t order_known(const struct order *order, size_t task);

/* What the current event knows, for later questions. */
struct order_mark {
    size_t event;
    struct order_clock *clock;
};
struct order_mark order_mark(struct order *order);
void order_release(struct order *order, struct order_mark *mark);
bool order_mark_knows(const struct order *order, const struct order_mark *mark, size_t event);

/* Returns for each edge whether it is implied by the others (the transitive reduction is the rest);
 * free() frees it. */
bool *order_reduce(const struct trace_run *run);

#endif
