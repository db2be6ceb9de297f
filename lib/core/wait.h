/*
 * wait.h - sleeping: the queues of waiting tasks, and how a sleep ends exactly once.
 *
 * A task that must wait fills in a struct wait and one struct waiter for each queue that it stands
 * in (one, or many for a select), all on its own stack, and parks. Others find the waiter in the
 * queue of the object whose lock they hold.
 *
 * Invariants
 *   1. A queue and the waiters in it are touched only under the lock of the queue's object. 2. A
 *   wait is ended by exactly one party: the one whose wait_claim() returned true. Where only one
 *      party can come (one queue, no deadline) the claim needs no atomic operation.
 *   3. Only who has claimed a wait writes its result, its `fired` and its mark, and then wakes the
 *   task;
 *      with the wake it gives up every right to touch the wait.
 *   4. The claimer takes the waiter that it found out of its queue, and every other waiter of the
 *   same wait
 *      in that queue; the woken task takes out the rest. So the claimer's object is not touched
 *      again by the woken task.
 */
#ifndef CORE_WAIT_H
#define CORE_WAIT_H

#include "lib/core/engine.h"
#include "lib/core/sleep.h"

/* Prepares a wait with `count` waiters, which waiter_init has prepared. */
static inline void wait_init(struct wait *wait, struct task *self, struct waiter *waiters,
                             size_t count) {
    wait->task = self;
    wait->fired = NULL;
    wait->waiters = waiters;
    wait->count = count;
    wait->memory = NULL;
    wait->result = 0;
    atomic_init(&wait->claimed, 0);
    wait->shared = count > 1;
    wait->repeated = wait->in_order = false;
    wait->timed = false;
    wait->mark = 0;
    wait->since = 0;
    for (size_t i = 0; i < count; i++) engine_release(self, &waiters[i].arrival);
}

/* Prepares a waiter for a queue that is guarded by the lock of `guard`. */
static inline void waiter_init(struct waiter *waiter, struct wait *wait, waitq *queue, waitq *guard,
                               void *value, int64_t number) {
    waiter->wait = wait;
    waiter->queue = queue;
    waiter->guard = guard;
    waiter->queued = false;
    waiter->value = value;
    waiter->number = number;
}

/* Prepares a wait in one queue, which is guarded by the lock of `guard`. */
static inline struct sleep *wait_in_one(struct task *self, waitq *queue, waitq *guard, void *value,
                                        int64_t number) {
    struct sleep *sleep = ((struct task_core *)self)->sleep;
    waiter_init(&sleep->waiter, &sleep->wait, queue, guard, value, number);
    wait_init(&sleep->wait, self, &sleep->waiter, 1);
    return sleep;
}

/* The same in none. */
static inline struct sleep *wait_in_none(struct task *self) {
    struct sleep *sleep = ((struct task_core *)self)->sleep;
    wait_init(&sleep->wait, self, NULL, 0);
    return sleep;
}

/* Puts a waiter at the end, or the front, of its queue. */
static inline void wait_enqueue(struct waiter *waiter) {
    waitq *queue = waiter->queue;
    struct waiter *last = queue->last;
    waiter->queued = true;
    waiter->next = NULL;
    waiter->prev = last;
    if (last)
        last->next = waiter;
    else
        queue->first = waiter;
    queue->last = waiter;
}
void wait_enqueue_first(struct waiter *waiter);

/* Takes the waiter out of its queue, if it still stands there. */
static inline void wait_dequeue(struct waiter *waiter) {
    waitq *queue = waiter->queue;
    if (!waiter->queued) return;
    if (waiter->prev)
        waiter->prev->next = waiter->next;
    else
        queue->first = waiter->next;
    if (waiter->next)
        waiter->next->prev = waiter->prev;
    else
        queue->last = waiter->prev;
    waiter->queued = false;
}

/* The deadline of a wait has come. */
extern const struct timer_kind wait_timer;

/*
 * Parks the task until the wait has been claimed or the deadline has passed; `after` and `arg` are
 * engine_park's, which unlock what the caller has locked. Returns the wait's result, -ETIMEDOUT when the deadline came first: the
 * waiters are then still queued, and the caller takes them out.
 */
static inline int wait_park(struct wait *wait, const struct place *place, int64_t deadline,
                            void (*after)(void *), void *arg) {
    struct task *self = wait->task;
    bool timed = deadline != PIRN_FOREVER;

    if (timed) {
        wait->timer = (struct timer){.core.kind = &wait_timer};
        wait->timed = wait->shared = true;
    }
    wait->under_way = true;
    engine_park(self, place, timed ? &wait->timer : NULL, deadline, after, arg);
    wait->under_way = false;
    /* The callback that ended the wait touches nothing any more. */
    if (timed && wait->result != -ETIMEDOUT) engine_timer_disarm(&wait->timer);
    return wait->result;
}

/* The usual case: one waiter, which is enqueued, and the lock of its guard is held. It is
 * released; after -ETIMEDOUT the waiter has been taken out. */
static inline int wait_park_queued(struct wait *wait, const struct place *place, int64_t deadline) {
    struct waiter *waiter = wait->waiters;
    int rc = wait_park(wait, place, deadline, NULL, waiter->guard);
    if (rc == -ETIMEDOUT) {
        engine_lock(waiter->guard);
        wait_dequeue(waiter);
        engine_unlock(waiter->guard);
    }
    return rc;
}

/* The wait that a task is in; NULL: none. */
static inline struct wait *wait_of(const struct task *task) {
    struct wait *wait = &((const struct task_core *)task)->sleep->wait;
    return wait->under_way ? wait : NULL;
}

/* Returns whether the caller is the one who ends the wait. */
static inline bool wait_claim(struct wait *wait) {
    return !wait->shared || engine_swap_if(&wait->claimed, 0, 1);
}

/*
 * Takes out the oldest waiter whose wait the caller can claim, or returns NULL. The caller then
 * sets the result and, after unlocking, wakes the task with wait_wake.
 */
static inline struct waiter *wait_next(waitq *queue) {
    struct waiter *waiter;
    while ((waiter = queue->first)) {
        const struct waiter *behind = waiter->next;
        if (behind) __builtin_prefetch(behind->next);
        /* Out it comes in any case: if another party has claimed it, its task is on its way. */
        wait_dequeue(waiter);
        if (wait_claim(waiter->wait)) return waiter;
    }
    return NULL;
}

/* The select that waits takes the first case that becomes ready: those before are not. */
static inline void wait_observe(const struct wait *wait) {
    const struct waiter *waiter = wait->waiters;
    for (; waiter->number < wait->fired->number; waiter++)
        engine_count(wait->task, &waiter->guard->mark);
}

/* Ends a claimed wait, as the step that `self` is in. The wait may be gone when it returns. */
static inline void wait_end(struct task *self, struct waiter *waiter, int result) {
    struct wait *wait = waiter->wait;
    wait->fired = waiter;
    wait->result = result;
    wait->mark = 0;
    if (ENGINE_MARKS && wait->in_order) wait_observe(wait);
    engine_release(self, &wait->mark);
    (void)self;
}

/* Wakes the task of a waiter that wait_next returned; NULL is ignored. Not under a lock. */
static inline void wait_wake(struct waiter *waiter) {
    if (waiter) engine_wake(waiter->wait->task);
}

/*
 * Takes a discarded task out of every queue it stands in; no task runs any more, though threads of
 * the program may. `woken`: the wait has ended, and the task has not gone on yet. Returns false,
 * having done nothing, when one of those threads has claimed the wait and is about to wake the
 * task.
 */
bool wait_abandon(struct wait *wait, bool woken);

/* Wakes the tasks of a list of claimed waiters, linked by `next`. */
void wait_wake_all(struct waiter *list);

#endif
