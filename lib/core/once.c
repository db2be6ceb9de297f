/* once.c - something done once (M5). */
#include "lib/core/wait.h"

enum { FRESH, RUNNING, FINISHED };

static _Atomic uint32_t *state_of(pirn_once *once) { return (_Atomic uint32_t *)&once->state; }

static struct place place_of(enum op op, pirn_once *once, const void *site) {
    return (struct place){op, OBJECT_ONCE, once, &once->waiters, site};
}

/* Runs the function and lets everybody go who waits for it. */
static void run(struct task *self, pirn_once *once, pirn_fn *fn, void *arg, const void *site) {
    struct place place = place_of(OP_ONCE_DONE, once, site);
    struct waiter *waiter, *woken = NULL;

    fn(arg);
    engine_begin(self, &place);
    engine_lock(&once->waiters);
    engine_release(self, &once->waiters.mark);
    atomic_store_explicit(state_of(once), FINISHED, memory_order_release);
    while ((waiter = wait_next(&once->waiters))) {
        wait_end(self, waiter, 0);
        waiter->next = woken;
        woken = waiter;
    }
    engine_unlock(&once->waiters);
    wait_wake_all(woken);
    engine_end(self, 0);
}

EXPORT void pirn_once_do(pirn_once *once, pirn_fn *fn, void *arg) {
    struct place place = place_of(OP_ONCE, once, CALLER());
    struct task *self = engine_self();
    struct sleep *sleep;

    engine_begin(self, &place);
    if (LIKELY(atomic_load_explicit(state_of(once), memory_order_acquire) == FINISHED)) {
        engine_acquire(self, &once->waiters.mark, EDGE_ONCE);
        engine_end(self, 0);
        return;
    }
    engine_lock(&once->waiters);
    switch (atomic_load_explicit(state_of(once), memory_order_acquire)) {
    case FRESH:
        atomic_store_explicit(state_of(once), RUNNING, memory_order_relaxed);
        engine_order(self);
        engine_unlock(&once->waiters);
        engine_end(self, 1);
        run(self, once, fn, arg, place.site);
        return;
    case RUNNING:
        sleep = wait_in_one(self, &once->waiters, &once->waiters, NULL, 0);
        wait_enqueue(&sleep->waiter);
        wait_park_queued(&sleep->wait, &place, PIRN_FOREVER);
        engine_acquire(self, &sleep->wait.mark, EDGE_ONCE);
        break;
    default:
        engine_unlock(&once->waiters);
        engine_acquire(self, &once->waiters.mark, EDGE_ONCE);
    }
    engine_end(self, 0);
}
