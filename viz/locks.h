/*
 * locks.h - which locks were asked for while others were held.
 *
 * A task holds a lock from the event that got it to the one that unlocked it. A wait on a condition
 * variable unlocks a mutex without saying so; the lock that follows shows it.
 */
#ifndef VIZ_LOCKS_H
#define VIZ_LOCKS_H

#include "viz/order.h"
#include "viz/trace.h"

struct locks_held {
    size_t object;
    size_t event; /* that got it */
    bool reads;
};

/* A lock asked for with others held. Requests of one task for one lock at one place with the same
 * locks held are kept a few times only; `times` counts them all. */
struct locks_request {
    size_t task, object;
    size_t event; /* in which the task asked: it got the lock in it, or fell asleep */
    bool reads;
    bool pending;       /* it never got it */
    size_t first, held; /* the locks it held, a range of locks.held */
    size_t times;
    struct order_mark mark; /* what the task knew then, along ORDER_MUST */
};

struct locks {
    struct locks_request *requests;
    size_t request_count;
    struct locks_held *held;
    size_t held_count;
    struct order *order; /* what order_mark_knows wants */
};

struct locks *locks_find(const struct trace_run *run);
void locks_free(struct locks *locks); /* NULL is ignored */

/* Whether the locks that two requests held exclude each other: one that both held, not both for
 * reading. */
bool locks_gated(const struct locks *locks, const struct locks_request *a,
                 const struct locks_request *b);

/* Calls `each` for every event with the locks that its task held before it. */
void locks_walk(const struct trace_run *run,
                void (*each)(void *context, size_t event, const struct locks_held *held,
                             size_t count),
                void *context);

#endif
