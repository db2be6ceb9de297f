/*
 * sem.c - counting semaphores, first come, first served.
 *
 * A waiter's `number` is what it asks for. While anybody waits nobody else is served, so a large
 * request is not starved by small ones. `mark` collects the releases since the permits were last
 * used up: an acquire may have got its permits from any of them.
 */
#include "lib/core/sem.h"

#include <string.h>

#include "lib/core/report.h"

static struct place place_of(enum op op, pirn_sem *sem, const void *site) {
    return (struct place){op, OBJECT_SEM, sem, &sem->waiters, site};
}

static void check_number(struct task *self, const struct place *place, int64_t n) {
    if (n < 0) misuse(self, place, "a negative number of permits");
}

static void take(struct task *task, pirn_sem *sem, int64_t n) {
    engine_number(task, &sem->waiters.mark);
    sem->permits -= n;
    if (sem->permits == 0) sem->mark = 0;
}

/* Serves those at the head of the queue that can be served; returns them, to be woken. The lock
 * is held. */
static struct waiter *serve(struct task *self, pirn_sem *sem) {
    struct waiter *waiter, *woken = NULL;
    while ((waiter = sem->waiters.first) && waiter->number <= sem->permits) {
        wait_dequeue(waiter);
        if (!wait_claim(waiter->wait)) continue;
        wait_end(self, waiter, 0);
        waiter->wait->mark = sem->mark;
        take(waiter->wait->task, sem, waiter->number);
        waiter->next = woken;
        woken = waiter;
    }
    return woken;
}

EXPORT void pirn_sem_init(pirn_sem *sem, int64_t permits) {
    struct place place = place_of(OP_NONE, sem, CALLER());
    check_number(engine_self(), &place, permits);
    memset(sem, 0, sizeof *sem);
    sem->permits = permits;
}

int sem_acquire(struct task *self, const struct place *place, pirn_sem *sem, int64_t n,
                int64_t deadline) {
    struct sleep *sleep;
    struct waiter *woken;
    int rc = 0;

    check_number(self, place, n);
    engine_intend(self, deadline, n, NULL, 0);
    engine_begin(self, place);
    engine_lock(&sem->waiters);
    if (!sem->waiters.first && n <= sem->permits) {
        engine_acquire(self, &sem->mark, EDGE_RELEASE);
        take(self, sem, n);
        engine_unlock(&sem->waiters);
    } else if (deadline != PIRN_FOREVER && (deadline == PIRN_NOW || deadline <= engine_now())) {
        engine_unlock(&sem->waiters);
        rc = deadline == PIRN_NOW ? -EAGAIN : -ETIMEDOUT;
    } else {
        sleep = wait_in_one(self, &sem->waiters, &sem->waiters, NULL, n);
        wait_enqueue(&sleep->waiter);
        rc = wait_park_queued(&sleep->wait, place, deadline);
        if (rc == 0) {
            engine_acquire(self, &sleep->wait.mark, EDGE_RELEASE);
        } else {
            /* Those behind may have waited only because this one asked for more. */
            engine_lock(&sem->waiters);
            woken = serve(self, sem);
            engine_unlock(&sem->waiters);
            wait_wake_all(woken);
        }
    }
    engine_end(self, rc);
    return rc;
}

void sem_release(struct task *self, const struct place *place, pirn_sem *sem, int64_t n) {
    struct waiter *woken;

    check_number(self, place, n);
    engine_intend(self, PIRN_FOREVER, n, NULL, 0);
    engine_begin(self, place);
    engine_lock(&sem->waiters);
    if (n > INT64_MAX - sem->permits) {
        engine_unlock(&sem->waiters);
        misuse(self, place, "the permits of a semaphore would overflow");
    }
    sem->permits += n;
    engine_release_also(self, &sem->mark);
    woken = serve(self, sem);
    engine_unlock(&sem->waiters);
    wait_wake_all(woken);
    engine_end(self, 0);
}

EXPORT int pirn_sem_acquire(pirn_sem *sem, int64_t n, int64_t deadline) {
    struct place place = place_of(OP_ACQUIRE, sem, CALLER());
    return sem_acquire(engine_self(), &place, sem, n, deadline);
}

EXPORT void pirn_sem_release(pirn_sem *sem, int64_t n) {
    struct place place = place_of(OP_RELEASE, sem, CALLER());
    sem_release(engine_self(), &place, sem, n);
}
