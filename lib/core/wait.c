/* wait.c - queues of waiting tasks; wait.h has the rules. */
#include "lib/core/wait.h"

#include <stdlib.h>
#include <string.h>

static void expire(struct timer_core *timer, struct task *clock) {
    struct wait *wait = (struct wait *)((char *)timer - offsetof(struct wait, timer));
    struct task *task = wait->task;
    (void)clock;
    if (!wait_claim(wait)) return;
    wait->result = -ETIMEDOUT;
    engine_wake(task);
}

void wait_init(struct wait *wait, struct task *self, struct waiter *waiters, size_t count) {
    wait->task = self;
    wait->fired = NULL;
    wait->waiters = waiters;
    wait->count = count;
    wait->memory = NULL;
    wait->result = 0;
    atomic_init(&wait->claimed, 0);
    wait->shared = count > 1;
    wait->repeated = false;
    wait->timed = false;
    wait->mark = 0;
    wait->since = 0;
    for (size_t i = 0; i < count; i++) engine_release(self, &waiters[i].arrival);
}

void wait_enqueue(struct waiter *waiter) {
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

void wait_enqueue_first(struct waiter *waiter) {
    waitq *queue = waiter->queue;
    struct waiter *first = queue->first;
    waiter->queued = true;
    waiter->next = first;
    waiter->prev = NULL;
    if (first)
        first->prev = waiter;
    else
        queue->last = waiter;
    queue->first = waiter;
}

void wait_dequeue(struct waiter *waiter) {
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

struct waiter *wait_next(waitq *queue) {
    struct waiter *waiter;
    while ((waiter = queue->first)) {
        /* Out it comes in any case: if another party has claimed it, its task is on its way. */
        wait_dequeue(waiter);
        if (wait_claim(waiter->wait)) return waiter;
    }
    return NULL;
}

int wait_park(struct wait *wait, const struct place *place, int64_t deadline, void (*after)(void *),
              void *arg) {
    struct task *self = wait->task;
    bool timed = deadline != PIRN_FOREVER;

    if (timed) {
        memset(&wait->timer, 0, sizeof wait->timer);
        wait->timer.core.fire = expire;
        wait->timed = wait->shared = true;
    }
    ((struct task_core *)self)->wait = wait;
    engine_park(self, place, timed ? &wait->timer : NULL, deadline, after, arg);
    ((struct task_core *)self)->wait = NULL;
    if (timed) engine_timer_disarm(&wait->timer);
    return wait->result;
}

static void unlock(void *guard) { engine_unlock(guard); }

int wait_park_queued(struct wait *wait, const struct place *place, int64_t deadline) {
    struct waiter *waiter = wait->waiters;
    int rc = wait_park(wait, place, deadline, unlock, waiter->guard);
    if (rc == -ETIMEDOUT) {
        engine_lock(waiter->guard);
        wait_dequeue(waiter);
        engine_unlock(waiter->guard);
    }
    return rc;
}

void wait_wake_all(struct waiter *list) {
    while (list) {
        /* The waiter is on the stack of its task, which is free to leave once woken. */
        struct waiter *next = list->next;
        engine_wake(list->wait->task);
        list = next;
    }
}

bool wait_abandon(struct wait *wait, bool woken) {
    /* What it was woken through may be gone; nothing of it stands there (invariant 4). */
    const waitq *through = woken && wait->fired ? wait->fired->guard : NULL;
    bool ours = woken || wait->count == 0;

    if (!woken && wait->shared) ours = wait_claim(wait);
    if (!ours && wait->shared) return false;
    if (wait->timed) engine_timer_disarm(&wait->timer);
    for (size_t i = 0; i < wait->count; i++) {
        struct waiter *waiter = &wait->waiters[i];
        if (waiter->guard == through) continue;
        engine_lock(waiter->guard);
        ours |= waiter->queued;
        wait_dequeue(waiter);
        engine_unlock(waiter->guard);
    }
    if (ours) free(wait->memory);
    return ours;
}
