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

#include "lib/core/context.h"
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
    if (!mutex->waiters.first &&
        (atomic_load_explicit(state_of(mutex), memory_order_relaxed) & WAITING))
        atomic_fetch_and_explicit(state_of(mutex), ~(uint32_t)WAITING, memory_order_acq_rel);
}

static struct place place_of(enum op op, pirn_mutex *mutex, const void *site) {
    return (struct place){op, OBJECT_MUTEX, mutex, &mutex->waiters, site};
}

/* The rest of an operation that could not take the mutex at once. Not inlined, here and below, so
 * that the common case needs no frame. */
static __attribute__((noinline)) int lock_slowly(struct task *self, const void *site,
                                                 pirn_mutex *mutex, int64_t deadline) {
    struct place place = place_of(OP_LOCK, mutex, site);
    struct sleep *sleep;
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
        sleep = wait_in_one(self, &mutex->waiters, &mutex->waiters, NULL, 0);
        if (has_waited) {
            sleep->wait.since = since;
            wait_enqueue_first(&sleep->waiter);
        } else {
            sleep->wait.since = since = engine_now();
            has_waited = true;
            wait_enqueue(&sleep->waiter);
        }
        rc = wait_park_queued(&sleep->wait, &place, deadline);
        if (rc == HANDED_OVER) {
            engine_acquire(self, &mutex->waiters.mark, EDGE_UNLOCK);
            engine_end(self, 0);
            return 0;
        }
        if (rc == COMPETE) continue;
        engine_lock(&mutex->waiters);
        break;
    }
    settle(mutex);
    engine_unlock(&mutex->waiters);
    if (rc == 0) engine_acquire(self, &mutex->waiters.mark, EDGE_UNLOCK);
    engine_end_here(self, OP_LOCK, rc);
    return rc;
}

/* Of an operation that has begun: locks, and ends it. */
static inline int lock(struct task *self, const void *site, pirn_mutex *mutex, int64_t deadline) {
    if (UNLIKELY(!change(mutex, 0, LOCKED))) return lock_slowly(self, site, mutex, deadline);
    engine_acquire(self, &mutex->waiters.mark, EDGE_UNLOCK);
    engine_end_here(self, OP_LOCK, 0);
    return 0;
}

CONTEXT_BOUNDARY int mutex_lock(struct task *self, const void *site, pirn_mutex *mutex,
                                int64_t deadline) {
    struct place place = place_of(OP_LOCK, mutex, site);
    engine_intend_until(self, deadline);
    engine_begin_here(self, OP_LOCK, &place);
    return lock(self, site, mutex, deadline);
}

static __attribute__((noinline)) void unlock_slowly(struct task *self, enum op op, const void *site,
                                                    pirn_mutex *mutex) {
    struct waiter *waiter;

    engine_lock(&mutex->waiters);
    if (!(atomic_load_explicit(state_of(mutex), memory_order_relaxed) & LOCKED)) {
        struct place place = place_of(op, mutex, site);
        engine_unlock(&mutex->waiters);
        misuse(self, &place, "unlock of a mutex that is not locked");
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

static inline bool unlock(struct task *self, pirn_mutex *mutex) {
    /* Not when it is not locked: then the mark is another task's still. */
    if (ENGINE_MARKS && (atomic_load_explicit(state_of(mutex), memory_order_relaxed) & LOCKED))
        engine_release(self, &mutex->waiters.mark);
    (void)self;
    return LIKELY(change(mutex, LOCKED, 0));
}

void mutex_unlock_within(struct task *self, enum op op, const void *site, pirn_mutex *mutex) {
    if (!unlock(self, mutex)) unlock_slowly(self, op, site, mutex);
}

EXPORT void pirn_mutex_lock(pirn_mutex *mutex) {
    struct task *self = engine_begin_quickly();
    if (LIKELY(self))
        lock(self, CALLER(), mutex, PIRN_FOREVER);
    else
        mutex_lock(engine_self(), CALLER(), mutex, PIRN_FOREVER);
}

EXPORT int pirn_mutex_lock_until(pirn_mutex *mutex, int64_t deadline) {
    return mutex_lock(engine_self(), CALLER(), mutex, deadline);
}

EXPORT int pirn_mutex_trylock(pirn_mutex *mutex) {
    struct place place = place_of(OP_TRYLOCK, mutex, CALLER());
    struct task *self = engine_self();
    bool taken;

    engine_begin(self, &place);
    taken = change(mutex, 0, LOCKED) || change(mutex, WAITING, WAITING | LOCKED);
    if (taken)
        engine_acquire(self, &mutex->waiters.mark, EDGE_UNLOCK);
    else
        engine_observe(self, &mutex->waiters.mark);
    engine_end(self, taken ? 0 : -EBUSY);
    return taken ? 0 : -EBUSY;
}

static CONTEXT_BOUNDARY void unlock_anyhow(pirn_mutex *mutex, const void *site) {
    struct place place = place_of(OP_UNLOCK, mutex, site);
    struct task *self = engine_self();

    engine_begin_here(self, OP_UNLOCK, &place);
    if (!unlock(self, mutex)) unlock_slowly(self, OP_UNLOCK, site, mutex);
    engine_end_here(self, OP_UNLOCK, 0);
}

EXPORT void pirn_mutex_unlock(pirn_mutex *mutex) {
    struct task *self = engine_begin_quickly();
    if (LIKELY(self) && unlock(self, mutex))
        engine_end_here(self, OP_UNLOCK, 0);
    else
        unlock_anyhow(mutex, CALLER());
}
