/* wait.c - queues of waiting tasks; wait.h has the rules. */
#include "lib/core/wait.h"

#include <stdlib.h>

static void wait_expire(struct timer_core *timer, struct task *clock) {
    struct wait *wait = (struct wait *)((char *)timer - offsetof(struct wait, timer));
    struct task *task = wait->task;
    (void)clock;
    if (!wait_claim(wait)) return;
    wait->result = -ETIMEDOUT;
    engine_wake(task);
}

const struct timer_kind wait_timer = {.fire = wait_expire};

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

void wait_wake_all(struct waiter *list) {
    while (list) {
        /* The waiter is its task's, which is free to leave once woken. */
        struct waiter *next = list->next;
        if (next) __builtin_prefetch(next->next);
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
