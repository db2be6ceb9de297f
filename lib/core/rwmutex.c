/*
 * rwmutex.c - read/write locks.
 *
 * The low bits of `state` count the readers: those that hold the lock and those that wait. WRITER is
 * set while a writer holds it, or is to get it next: readers that come then wait. QUEUED says that
 * writers wait behind that one. So locking and unlocking are one atomic operation each where nobody
 * is in the way; all else happens under the lock of `waiters`, the queue of writers. (Readers that
 * count themselves first and look afterwards are Go's idea; a failing exchange never makes them try
 * again.)
 *
 * A waiting writer keeps new readers out; after a writer all readers that waited go first, and then
 * a writer again (M3), so neither side starves. Whoever is woken has been given the lock.
 *
 * Invariants, under the queue's lock
 *   1. While WRITER is set, `departing` readers hold the lock; the last one to leave gives it to the
 *      first writer in the queue. If it is 0 a writer holds the lock.
 *   2. `admitted` readers have been given the lock before they came to the queue: they have been
 *      counted, saw WRITER, and are on their way.
 *
 * waiters.mark is the last writer's unlock, `mark` those of the readers since.
 */
#include "lib/core/report.h"
#include "lib/core/wait.h"

#define WRITER ((uint32_t)1 << 31)
#define QUEUED ((uint32_t)1 << 30)
#define READERS (QUEUED - 1)

static _Atomic uint32_t *state_of(pirn_rwmutex *mutex) { return (_Atomic uint32_t *)&mutex->state; }

static uint32_t state(pirn_rwmutex *mutex) {
    return atomic_load_explicit(state_of(mutex), memory_order_relaxed);
}

static bool change(pirn_rwmutex *mutex, uint32_t from, uint32_t to) {
    return engine_swap_if(state_of(mutex), from, to);
}

/* Returns what it was before. */
static uint32_t add(pirn_rwmutex *mutex, uint32_t value) {
    return engine_add(state_of(mutex), value);
}

static struct place place_of(enum op op, pirn_rwmutex *mutex, const void *site) {
    return (struct place){op, OBJECT_RWMUTEX, mutex, &mutex->waiters, site};
}

/* Parks in one of the queues until the lock has been given; the queue's lock is held and released. */
static void wait_turn(struct task *self, enum op op, pirn_rwmutex *mutex, waitq *queue,
                      const void *site) {
    struct place place = place_of(op, mutex, site);
    struct sleep *sleep = wait_in_one(self, queue, &mutex->waiters, NULL, 0);
    wait_enqueue(&sleep->waiter);
    wait_park_queued(&sleep->wait, &place, PIRN_FOREVER);
}

/* ---- Writers ------------------------------------------------------------------------------- */

static bool take_write(pirn_rwmutex *mutex) { return change(mutex, 0, WRITER); }

/* The rest of an operation that has begun, where the lock could not be taken at once. */
static __attribute__((noinline)) void write_slowly(struct task *self, pirn_rwmutex *mutex,
                                                   const void *site) {
    engine_lock(&mutex->waiters);
    for (;;) {
        uint32_t now = state(mutex);
        if (now & WRITER) {
            if (!(now & QUEUED) && !change(mutex, now, now | QUEUED)) continue;
            break;
        }
        if (!change(mutex, now, now | WRITER)) continue;
        mutex->departing = now & READERS;
        if (mutex->departing) break;
        engine_unlock(&mutex->waiters);
        return;
    }
    wait_turn(self, OP_LOCK, mutex, &mutex->waiters, site);
}

static void acquire_write(struct task *self, pirn_rwmutex *mutex) {
    engine_acquire(self, &mutex->waiters.mark, EDGE_UNLOCK);
    engine_acquire(self, &mutex->mark, EDGE_UNLOCK);
    mutex->mark = 0;
}

/* Gives the lock to the first writer in the queue; returns it, to be woken. */
static struct waiter *give_to_writer(struct task *self, pirn_rwmutex *mutex) {
    struct waiter *writer = wait_next(&mutex->waiters);
    if (!mutex->waiters.first && (state(mutex) & QUEUED)) add(mutex, -QUEUED);
    if (writer) {
        wait_end(self, writer, 0);
        writer->next = NULL;
    }
    return writer;
}

/* Lets in every reader that has been counted, of which there are `count`; returns those in the
 * queue, to be woken. */
static struct waiter *admit(struct task *self, pirn_rwmutex *mutex, uint32_t count) {
    struct waiter *reader, *woken = NULL;
    while ((reader = wait_next(&mutex->waiting_readers))) {
        wait_end(self, reader, 0);
        reader->next = woken;
        woken = reader;
        count--;
    }
    mutex->admitted += count;
    return woken;
}

static __attribute__((noinline)) void unlock_slowly(struct task *self, pirn_rwmutex *mutex) {
    struct waiter *woken;
    uint32_t now;

    engine_lock(&mutex->waiters);
    for (;;) {
        now = state(mutex);
        if (now & QUEUED) {
            /* The next writer comes after the readers that are there now. */
            mutex->departing = now & READERS;
            woken = mutex->departing ? admit(self, mutex, mutex->departing)
                                     : give_to_writer(self, mutex);
            break;
        }
        if (change(mutex, now, now & READERS)) {
            woken = admit(self, mutex, now & READERS);
            break;
        }
    }
    engine_unlock(&mutex->waiters);
    wait_wake_all(woken);
}

EXPORT void pirn_rwmutex_lock(pirn_rwmutex *mutex) {
    struct place place = place_of(OP_LOCK, mutex, CALLER());
    struct task *self = engine_self();

    engine_begin(self, &place);
    if (!take_write(mutex)) write_slowly(self, mutex, place.site);
    acquire_write(self, mutex);
    engine_end(self, 0);
}

EXPORT int pirn_rwmutex_trylock(pirn_rwmutex *mutex) {
    struct place place = place_of(OP_TRYLOCK, mutex, CALLER());
    struct task *self = engine_self();
    bool taken;

    engine_begin(self, &place);
    taken = take_write(mutex);
    if (taken) acquire_write(self, mutex);
    engine_end(self, taken ? 0 : -EBUSY);
    return taken ? 0 : -EBUSY;
}

EXPORT void pirn_rwmutex_unlock(pirn_rwmutex *mutex) {
    struct place place = place_of(OP_UNLOCK, mutex, CALLER());
    struct task *self = engine_self();

    engine_begin(self, &place);
    /* `departing` is the holder's to look at. */
    if (!(state(mutex) & WRITER) || mutex->departing)
        misuse(self, &place, "unlock of an rwmutex that no writer holds");
    engine_release(self, &mutex->waiters.mark);
    if (!change(mutex, WRITER, 0)) unlock_slowly(self, mutex);
    engine_end(self, 0);
}

/* ---- Readers ------------------------------------------------------------------------------- */

/* The rest of a lock that found a writer there; the reader has been counted. */
static __attribute__((noinline)) void read_slowly(struct task *self, pirn_rwmutex *mutex,
                                                  const void *site) {
    engine_lock(&mutex->waiters);
    if (mutex->admitted) {
        mutex->admitted--;
        engine_unlock(&mutex->waiters);
    } else {
        wait_turn(self, OP_RLOCK, mutex, &mutex->waiting_readers, site);
    }
}

/* Of an operation that has begun: locks, and ends it. */
static inline void read_lock(struct task *self, pirn_rwmutex *mutex, const void *site) {
    if (UNLIKELY(add(mutex, 1) & WRITER)) read_slowly(self, mutex, site);
    engine_acquire(self, &mutex->waiters.mark, EDGE_UNLOCK);
    engine_end(self, 0);
}

static __attribute__((noinline)) void read_anyhow(pirn_rwmutex *mutex, const void *site) {
    struct place place = place_of(OP_RLOCK, mutex, site);
    struct task *self = engine_self();
    engine_begin(self, &place);
    read_lock(self, mutex, site);
}

EXPORT void pirn_rwmutex_rlock(pirn_rwmutex *mutex) {
    struct task *self = engine_begin_quickly();
    if (LIKELY(self))
        read_lock(self, mutex, CALLER());
    else
        read_anyhow(mutex, CALLER());
}

EXPORT int pirn_rwmutex_tryrlock(pirn_rwmutex *mutex) {
    struct place place = place_of(OP_TRYRLOCK, mutex, CALLER());
    struct task *self = engine_self();
    bool taken = false;
    uint32_t now;

    engine_begin(self, &place);
    while (!taken && !((now = state(mutex)) & WRITER)) taken = change(mutex, now, now + 1);
    if (taken) engine_acquire(self, &mutex->waiters.mark, EDGE_UNLOCK);
    engine_end(self, taken ? 0 : -EBUSY);
    return taken ? 0 : -EBUSY;
}

/* The rest of an unlock for which a writer waits, or that is misuse; the reader is not counted any
 * more. */
static __attribute__((noinline)) void leave_slowly(struct task *self, pirn_rwmutex *mutex,
                                                   uint32_t before, const void *site) {
    struct place place = place_of(OP_RUNLOCK, mutex, site);
    struct waiter *woken = NULL;

    engine_lock(&mutex->waiters);
    if (!(before & READERS) || !mutex->departing) {
        engine_unlock(&mutex->waiters);
        misuse(self, &place, "unlock of an rwmutex that no reader holds");
    }
    if (--mutex->departing == 0) woken = give_to_writer(self, mutex);
    engine_unlock(&mutex->waiters);
    wait_wake_all(woken);
    engine_end(self, 0);
}

/* Of an operation that has begun: unlocks, and ends it. */
static inline void read_unlock(struct task *self, pirn_rwmutex *mutex, const void *site) {
    uint32_t before;
    /* Not when it is not locked: then the mark is another task's still. */
    if (ENGINE_MARKS && (state(mutex) & READERS)) engine_release_also(self, &mutex->mark);
    before = add(mutex, -1);
    if (UNLIKELY((before & WRITER) || !(before & READERS)))
        leave_slowly(self, mutex, before, site);
    else
        engine_end(self, 0);
}

static __attribute__((noinline)) void leave_anyhow(pirn_rwmutex *mutex, const void *site) {
    struct place place = place_of(OP_RUNLOCK, mutex, site);
    struct task *self = engine_self();
    engine_begin(self, &place);
    read_unlock(self, mutex, site);
}

EXPORT void pirn_rwmutex_runlock(pirn_rwmutex *mutex) {
    struct task *self = engine_begin_quickly();
    if (LIKELY(self))
        read_unlock(self, mutex, CALLER());
    else
        leave_anyhow(mutex, CALLER());
}
