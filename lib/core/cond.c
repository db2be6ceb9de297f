/* cond.c - condition variables: a queue of tickets (M6). */
#include "lib/core/context.h"
#include "lib/core/mutex.h"
#include "lib/core/report.h"

static struct place place_of(enum op op, pirn_cond *cond, const void *site) {
    return (struct place){op, OBJECT_COND, cond, &cond->waiters, site};
}

static CONTEXT_BOUNDARY int wait_for_signal(pirn_cond *cond, pirn_mutex *mutex, int64_t deadline,
                                            const void *site) {
    struct place place = place_of(OP_WAIT, cond, site);
    struct task *self = engine_self();
    struct sleep *sleep;
    int rc;

    engine_intend(self, deadline, 0, mutex, 0);
    engine_begin_here(self, OP_WAIT, &place);
    if (deadline != PIRN_FOREVER && (deadline == PIRN_NOW || deadline <= engine_now())) {
        /* The mutex is given up all the same: a loop that waits like this lets others have it. */
        mutex_unlock_within(self, OP_WAIT, site, mutex);
        rc = -ETIMEDOUT;
    } else {
        engine_lock(&cond->waiters);
        sleep = wait_in_one(self, &cond->waiters, &cond->waiters, NULL, 0);
        wait_enqueue(&sleep->waiter);
        /* In the queue first, so that no signal sent after the unlock is lost. */
        mutex_unlock_within(self, OP_WAIT, site, mutex);
        rc = wait_park_queued(&sleep->wait, &place, deadline);
        if (rc == 0) engine_acquire(self, &sleep->wait.mark, EDGE_SIGNAL);
    }
    engine_end_here(self, OP_WAIT, rc);
    mutex_lock(self, site, mutex, PIRN_FOREVER);
    return rc;
}

EXPORT void pirn_cond_wait(pirn_cond *cond, pirn_mutex *mutex) {
    wait_for_signal(cond, mutex, PIRN_FOREVER, CALLER());
}

EXPORT int pirn_cond_wait_until(pirn_cond *cond, pirn_mutex *mutex, int64_t deadline) {
    return wait_for_signal(cond, mutex, deadline, CALLER());
}

EXPORT CONTEXT_BOUNDARY void pirn_cond_signal(pirn_cond *cond) {
    struct place place = place_of(OP_SIGNAL, cond, CALLER());
    struct task *self = engine_self();
    struct waiter *waiter;

    engine_begin_here(self, OP_SIGNAL, &place);
    engine_lock(&cond->waiters);
    waiter = wait_next(&cond->waiters);
    if (waiter) wait_end(self, waiter, 0);
    engine_unlock(&cond->waiters);
    wait_wake(waiter);
    engine_end_here(self, OP_SIGNAL, waiter ? 1 : 0);
}

EXPORT void pirn_cond_broadcast(pirn_cond *cond) {
    struct place place = place_of(OP_BROADCAST, cond, CALLER());
    struct task *self = engine_self();
    struct waiter *waiter, *first = NULL, **last = &first;
    int64_t woken = 0;

    engine_begin(self, &place);
    engine_lock(&cond->waiters);
    while ((waiter = wait_next(&cond->waiters))) {
        wait_end(self, waiter, 0);
        waiter->next = NULL;
        *last = waiter;
        last = &waiter->next;
        woken++;
    }
    engine_unlock(&cond->waiters);
    wait_wake_all(first);
    engine_end(self, woken);
}
