/*
 * rwmutex.c - read/write locks.
 *
 * `state` counts the readers, beside two bits. While WAITING is clear, each change is one atomic
 * exchange; once it is set every change is made under the lock of `waiters`, the queue of writers,
 * and WAITING says whether anybody waits. Whoever is woken has been given the lock. While a writer
 * waits no reader comes in; after a writer all readers that waited go first, and then a writer again
 * (M3), so neither side starves.
 *
 * waiters.mark is the last writer's unlock, `mark` those of the readers since.
 */
#include "lib/core/report.h"
#include "lib/core/wait.h"

enum { WRITER = 1 << 30, WAITING = 1 << 29 };

static _Atomic uint32_t *state_of(pirn_rwmutex *mutex) { return (_Atomic uint32_t *)&mutex->state; }

static uint32_t state(pirn_rwmutex *mutex) {
    return atomic_load_explicit(state_of(mutex), memory_order_relaxed);
}

static bool change(pirn_rwmutex *mutex, uint32_t from, uint32_t to) {
    return engine_swap_if(state_of(mutex), from, to);
}

/* Under the queue's lock, while WAITING is set: nobody else changes it. */
static void set(pirn_rwmutex *mutex, uint32_t to) {
    if (mutex->waiters.first || mutex->waiting_readers.first) to |= WAITING;
    atomic_store_explicit(state_of(mutex), to, memory_order_release);
}

static struct place place_of(enum op op, pirn_rwmutex *mutex, const void *site) {
    return (struct place){op, OBJECT_RWMUTEX, mutex, &mutex->waiters, site};
}

static bool take_write(pirn_rwmutex *mutex) { return change(mutex, 0, WRITER); }

static bool take_read(pirn_rwmutex *mutex) {
    uint32_t now = state(mutex);
    for (; !(now & (WRITER | WAITING)); now = state(mutex))
        if (change(mutex, now, now + 1)) return true;
    return false;
}

/* The same, or sets WAITING and returns false. The queue's lock is held. */
static bool take_or_announce(pirn_rwmutex *mutex, bool (*take)(pirn_rwmutex *)) {
    for (;;) {
        uint32_t now;
        if (take(mutex)) return true;
        now = state(mutex);
        if ((now & WAITING) || (now && change(mutex, now, now | WAITING))) return false;
    }
}

/* The rest of an operation that has begun, where the lock could not be taken at once. */
static __attribute__((noinline)) void wait_turn(struct task *self, enum op op, pirn_rwmutex *mutex,
                                                const void *site) {
    struct place place = place_of(op, mutex, site);
    struct sleep *sleep;

    engine_lock(&mutex->waiters);
    if (take_or_announce(mutex, op == OP_LOCK ? take_write : take_read)) {
        engine_unlock(&mutex->waiters);
        return;
    }
    sleep = wait_in_one(self, op == OP_LOCK ? &mutex->waiters : &mutex->waiting_readers,
                        &mutex->waiters, NULL, 0);
    wait_enqueue(&sleep->waiter);
    wait_park_queued(&sleep->wait, &place, PIRN_FOREVER);
}

static void acquire_write(struct task *self, pirn_rwmutex *mutex) {
    engine_acquire(self, &mutex->waiters.mark, EDGE_UNLOCK);
    engine_acquire(self, &mutex->mark, EDGE_UNLOCK);
    mutex->mark = 0;
}

EXPORT void pirn_rwmutex_lock(pirn_rwmutex *mutex) {
    struct place place = place_of(OP_LOCK, mutex, CALLER());
    struct task *self = engine_self();

    engine_begin(self, &place);
    if (!take_write(mutex)) wait_turn(self, OP_LOCK, mutex, place.site);
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

static __attribute__((noinline)) void read_anyhow(pirn_rwmutex *mutex, const void *site) {
    struct place place = place_of(OP_RLOCK, mutex, site);
    struct task *self = engine_self();

    engine_begin(self, &place);
    if (!take_read(mutex)) wait_turn(self, OP_RLOCK, mutex, site);
    engine_acquire(self, &mutex->waiters.mark, EDGE_UNLOCK);
    engine_end(self, 0);
}

EXPORT void pirn_rwmutex_rlock(pirn_rwmutex *mutex) {
    struct task *self = engine_begin_quickly();
    if (LIKELY(self) && LIKELY(take_read(mutex)))
        engine_end(self, 0);
    else
        read_anyhow(mutex, CALLER());
}

EXPORT int pirn_rwmutex_tryrlock(pirn_rwmutex *mutex) {
    struct place place = place_of(OP_TRYRLOCK, mutex, CALLER());
    struct task *self = engine_self();
    bool taken;

    engine_begin(self, &place);
    taken = take_read(mutex);
    if (taken) engine_acquire(self, &mutex->waiters.mark, EDGE_UNLOCK);
    engine_end(self, taken ? 0 : -EBUSY);
    return taken ? 0 : -EBUSY;
}

/* Gives the lock, which nobody holds, to those that wait; returns them, to be woken. The queue's
 * lock is held. */
static struct waiter *hand_over(struct task *self, pirn_rwmutex *mutex, bool to_readers) {
    struct waiter *waiter, *given = NULL;
    uint32_t readers = 0;

    while (to_readers && (waiter = wait_next(&mutex->waiting_readers))) {
        readers++;
        wait_end(self, waiter, 0);
        waiter->next = given;
        given = waiter;
    }
    if (!given && (given = wait_next(&mutex->waiters))) {
        wait_end(self, given, 0);
        given->next = NULL;
        readers = WRITER;
    }
    set(mutex, readers);
    return given;
}

EXPORT void pirn_rwmutex_unlock(pirn_rwmutex *mutex) {
    struct place place = place_of(OP_UNLOCK, mutex, CALLER());
    struct task *self = engine_self();
    struct waiter *woken;

    engine_begin(self, &place);
    if (!(state(mutex) & WRITER)) misuse(self, &place, "unlock of an rwmutex that no writer holds");
    engine_release(self, &mutex->waiters.mark);
    if (!change(mutex, WRITER, 0)) {
        engine_lock(&mutex->waiters);
        woken = hand_over(self, mutex, true);
        engine_unlock(&mutex->waiters);
        wait_wake_all(woken);
    }
    engine_end(self, 0);
}

/* One reader fewer, unless anybody waits or there is none. */
static bool leave(pirn_rwmutex *mutex) {
    uint32_t now = state(mutex);
    for (; now && !(now & (WRITER | WAITING)); now = state(mutex))
        if (change(mutex, now, now - 1)) return true;
    return false;
}

static __attribute__((noinline)) void leave_anyhow(pirn_rwmutex *mutex, const void *site) {
    struct place place = place_of(OP_RUNLOCK, mutex, site);
    struct task *self = engine_self();
    struct waiter *woken = NULL;
    uint32_t readers;

    engine_begin(self, &place);
    if (!(state(mutex) & ~(WRITER | WAITING)))
        misuse(self, &place, "unlock of an rwmutex that no reader holds");
    engine_release_also(self, &mutex->mark);
    if (!leave(mutex)) {
        engine_lock(&mutex->waiters);
        readers = (state(mutex) & ~WAITING) - 1;
        if (readers)
            set(mutex, readers);
        else
            woken = hand_over(self, mutex, false);
        engine_unlock(&mutex->waiters);
        wait_wake_all(woken);
    }
    engine_end(self, 0);
}

EXPORT void pirn_rwmutex_runlock(pirn_rwmutex *mutex) {
    struct task *self = engine_begin_quickly();
    if (LIKELY(self) && LIKELY(leave(mutex)))
        engine_end(self, 0);
    else
        leave_anyhow(mutex, CALLER());
}
