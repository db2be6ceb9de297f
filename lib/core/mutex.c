/*
 * mutex.c - mutexes.
 *
 * `state` holds two bits. While WAITING is clear, locking and unlocking are one atomic exchange;
 * once it is set every change is made under the lock of the queue, and WAITING says whether the
 * queue is empty.
 *
 * An unlock wakes the oldest waiter, which then competes with whoever comes along: the processor's
 * owner usually wins, and that is what makes mutexes fast. A waiter that loses goes back to the
 * front, and once it has waited 1 ms the mutex stays locked and is handed over to it (M2).
 */
#include "lib/core/mutex.h"

#include "lib/core/report.h"

enum { LOCKED = 1, WAITING = 2 };
enum { HANDED_OVER = 0, COMPETE = 1 };

#define PATIENCE PIRN_MSEC

static _Atomic uint32_t *state_of(pirn_mutex *mutex) { return (_Atomic uint32_t *)&mutex->state; }

static bool change(pirn_mutex *mutex, uint32_t from, uint32_t to) {
    return engine_swap_if(state_of(mutex), from, to);
}

/* Takes the mutex, or sets WAITING and returns false. The queue's lock is held. */
static bool take_or_announce(pirn_mutex *mutex) {
    uint32_t state = atomic_load_explicit(state_of(mutex), memory_order_relaxed);
    for (;;) {
        if (!(state & LOCKED)) {
            if (change(mutex, state, state | LOCKED)) return true;
        } else if (state & WAITING) {
            return false;
        } else if (change(mutex, state, state | WAITING)) {
            return false;
        }
        state = atomic_load_explicit(state_of(mutex), memory_order_relaxed);
    }
}

/* Clears WAITING if nobody waits. The queue's lock is held. */
static void settle(pirn_mutex *mutex) {
    if (!mutex->waiters.first)
        atomic_fetch_and_explicit(state_of(mutex), ~(uint32_t)WAITING, memory_order_acq_rel);
}

static int lock_slowly(struct task *self, const struct place *place, pirn_mutex *mutex,
                       int64_t deadline) {
    struct wait wait;
    struct waiter waiter;
    bool has_waited = false;
    int64_t since = 0;
    int rc;

    for (;;) {
        engine_lock(&mutex->waiters);
        rc = 0;
        if (take_or_announce(mutex)) break;
        if (deadline != PIRN_FOREVER) {
            rc = deadline == PIRN_NOW ? -EAGAIN : deadline <= engine_now() ? -ETIMEDOUT : 0;
            if (rc) break;
        }
        waiter_init(&waiter, &wait, &mutex->waiters, &mutex->waiters, NULL, 0);
        wait_init(&wait, self, &waiter, 1);
        if (has_waited) {
            wait.since = since;
            wait_enqueue_first(&waiter);
        } else {
            wait.since = since = engine_now();
            has_waited = true;
            wait_enqueue(&waiter);
        }
        rc = wait_park_queued(&wait, place, deadline);
        if (rc == HANDED_OVER) {
            engine_acquire(self, &mutex->waiters.mark, EDGE_UNLOCK);
            return 0;
        }
        if (rc == COMPETE) continue;
        engine_lock(&mutex->waiters);
        break;
    }
    settle(mutex);
    engine_unlock(&mutex->waiters);
    if (rc == 0) engine_acquire(self, &mutex->waiters.mark, EDGE_UNLOCK);
    return rc;
}

int mutex_lock(struct task *self, const struct place *place, pirn_mutex *mutex, int64_t deadline) {
    int rc = 0;
    engine_begin(self, place);
    if (LIKELY(change(mutex, 0, LOCKED)))
        engine_acquire(self, &mutex->waiters.mark, EDGE_UNLOCK);
    else
        rc = lock_slowly(self, place, mutex, deadline);
    engine_end(self, rc);
    return rc;
}

static void unlock_slowly(struct task *self, const struct place *place, pirn_mutex *mutex) {
    struct waiter *waiter;

    engine_lock(&mutex->waiters);
    if (!(atomic_load_explicit(state_of(mutex), memory_order_relaxed) & LOCKED)) {
        engine_unlock(&mutex->waiters);
        misuse(self, place, "unlock of a mutex that is not locked");
    }
    waiter = wait_next(&mutex->waiters);
    if (waiter && engine_now() - waiter->wait->since >= PATIENCE) {
        wait_end(self, waiter, HANDED_OVER);
        settle(mutex);
    } else {
        if (waiter) wait_end(self, waiter, COMPETE);
        atomic_store_explicit(state_of(mutex), mutex->waiters.first ? WAITING : 0,
                              memory_order_release);
    }
    engine_unlock(&mutex->waiters);
    wait_wake(waiter);
}

void mutex_unlock_within(struct task *self, const struct place *place, pirn_mutex *mutex) {
    /* Not when it is not locked: then the mark is another task's still. */
    if (atomic_load_explicit(state_of(mutex), memory_order_relaxed) & LOCKED)
        engine_release(self, &mutex->waiters.mark);
    if (UNLIKELY(!change(mutex, LOCKED, 0))) unlock_slowly(self, place, mutex);
}

static struct place place_of(enum op op, pirn_mutex *mutex, const void *site) {
    return (struct place){op, OBJECT_MUTEX, mutex, &mutex->waiters, site};
}

EXPORT void pirn_mutex_lock(pirn_mutex *mutex) {
    struct place place = place_of(OP_LOCK, mutex, CALLER());
    mutex_lock(engine_self(), &place, mutex, PIRN_FOREVER);
}

EXPORT int pirn_mutex_lock_until(pirn_mutex *mutex, int64_t deadline) {
    struct place place = place_of(OP_LOCK, mutex, CALLER());
    return mutex_lock(engine_self(), &place, mutex, deadline);
}

EXPORT int pirn_mutex_trylock(pirn_mutex *mutex) {
    struct place place = place_of(OP_TRYLOCK, mutex, CALLER());
    struct task *self = engine_self();
    bool taken;

    engine_begin(self, &place);
    taken = change(mutex, 0, LOCKED) || change(mutex, WAITING, WAITING | LOCKED);
    if (taken) engine_acquire(self, &mutex->waiters.mark, EDGE_UNLOCK);
    engine_end(self, taken ? 0 : -EBUSY);
    return taken ? 0 : -EBUSY;
}

EXPORT void pirn_mutex_unlock(pirn_mutex *mutex) {
    struct place place = place_of(OP_UNLOCK, mutex, CALLER());
    struct task *self = engine_self();

    engine_begin(self, &place);
    mutex_unlock_within(self, &place, mutex);
    engine_end(self, 0);
}
