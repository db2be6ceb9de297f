/*
 * rwmutex.c - read/write locks.
 *
 * Everything happens under the lock of `waiters`, the queue of writers. Whoever is woken has been
 * given the lock. While a writer waits no reader comes in; after a writer all readers that waited
 * go first, and then a writer again (M3), so neither side starves.
 *
 * waiters.mark is the last writer's unlock, `mark` those of the readers since.
 */
#include "lib/core/report.h"
#include "lib/core/wait.h"

static struct place place_of(enum op op, pirn_rwmutex *mutex, const void *site) {
    return (struct place){op, OBJECT_RWMUTEX, mutex, &mutex->waiters, site};
}

static void lock(pirn_rwmutex *mutex) { engine_lock(&mutex->waiters); }
static void unlock(pirn_rwmutex *mutex) { engine_unlock(&mutex->waiters); }

/* Parks in one of the queues until the lock has been given; the inner lock is held and released. */
static void wait_turn(struct task *self, const struct place *place, pirn_rwmutex *mutex,
                      waitq *queue) {
    struct wait wait;
    struct waiter waiter;
    waiter_init(&waiter, &wait, queue, &mutex->waiters, NULL, 0);
    wait_init(&wait, self, &waiter, 1);
    wait_enqueue(&waiter);
    wait_park_queued(&wait, place, PIRN_FOREVER);
}

static bool take_write(pirn_rwmutex *mutex) {
    if (mutex->writer || mutex->readers) return false;
    mutex->writer = 1;
    return true;
}

static bool take_read(pirn_rwmutex *mutex) {
    if (mutex->writer || mutex->waiters.first) return false;
    mutex->readers++;
    return true;
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
    lock(mutex);
    if (take_write(mutex))
        unlock(mutex);
    else
        wait_turn(self, &place, mutex, &mutex->waiters);
    acquire_write(self, mutex);
    engine_end(self, 0);
}

EXPORT int pirn_rwmutex_trylock(pirn_rwmutex *mutex) {
    struct place place = place_of(OP_TRYLOCK, mutex, CALLER());
    struct task *self = engine_self();
    bool taken;

    engine_begin(self, &place);
    lock(mutex);
    taken = take_write(mutex);
    unlock(mutex);
    if (taken) acquire_write(self, mutex);
    engine_end(self, taken ? 0 : -EBUSY);
    return taken ? 0 : -EBUSY;
}

EXPORT void pirn_rwmutex_rlock(pirn_rwmutex *mutex) {
    struct place place = place_of(OP_RLOCK, mutex, CALLER());
    struct task *self = engine_self();

    engine_begin(self, &place);
    lock(mutex);
    if (take_read(mutex))
        unlock(mutex);
    else
        wait_turn(self, &place, mutex, &mutex->waiting_readers);
    engine_acquire(self, &mutex->waiters.mark, EDGE_UNLOCK);
    engine_end(self, 0);
}

EXPORT int pirn_rwmutex_tryrlock(pirn_rwmutex *mutex) {
    struct place place = place_of(OP_TRYRLOCK, mutex, CALLER());
    struct task *self = engine_self();
    bool taken;

    engine_begin(self, &place);
    lock(mutex);
    taken = take_read(mutex);
    unlock(mutex);
    if (taken) engine_acquire(self, &mutex->waiters.mark, EDGE_UNLOCK);
    engine_end(self, taken ? 0 : -EBUSY);
    return taken ? 0 : -EBUSY;
}

/* Gives the lock to the next writer; returns it, to be woken. */
static struct waiter *give_to_writer(struct task *self, pirn_rwmutex *mutex) {
    struct waiter *waiter = wait_next(&mutex->waiters);
    if (!waiter) return NULL;
    mutex->writer = 1;
    wait_end(self, waiter, 0);
    return waiter;
}

EXPORT void pirn_rwmutex_unlock(pirn_rwmutex *mutex) {
    struct place place = place_of(OP_UNLOCK, mutex, CALLER());
    struct task *self = engine_self();
    struct waiter *waiter, *readers = NULL, *writer = NULL;

    engine_begin(self, &place);
    lock(mutex);
    if (!mutex->writer) {
        unlock(mutex);
        misuse(self, &place, "unlock of an rwmutex that no writer holds");
    }
    engine_release(self, &mutex->waiters.mark);
    mutex->writer = 0;
    while ((waiter = wait_next(&mutex->waiting_readers))) {
        mutex->readers++;
        wait_end(self, waiter, 0);
        waiter->next = readers;
        readers = waiter;
    }
    if (!readers) writer = give_to_writer(self, mutex);
    unlock(mutex);
    wait_wake_all(readers);
    wait_wake(writer);
    engine_end(self, 0);
}

EXPORT void pirn_rwmutex_runlock(pirn_rwmutex *mutex) {
    struct place place = place_of(OP_RUNLOCK, mutex, CALLER());
    struct task *self = engine_self();
    struct waiter *writer = NULL;

    engine_begin(self, &place);
    lock(mutex);
    if (!mutex->readers) {
        unlock(mutex);
        misuse(self, &place, "unlock of an rwmutex that no reader holds");
    }
    engine_release_also(self, &mutex->mark);
    if (--mutex->readers == 0) writer = give_to_writer(self, mutex);
    unlock(mutex);
    wait_wake(writer);
    engine_end(self, 0);
}
