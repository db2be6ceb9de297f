/*
 * alone.c - whether one worker is alone, and takes no locks (engine_threads.h).
 */
#include "lib/threads/runtime.h"

_Atomic uint32_t threads_mode = MODE_SHARED, threads_inside;

/* Orders who comes and who goes. Workers that are not asleep: alone is one at most. */
static uint32_t door;
static int awake;

/* From now on the locks are taken. The door is held. */
static void share_locked(void) {
    if (atomic_fetch_or(&threads_mode, MODE_SHARED) & MODE_SHARED) return;
    /* Pairs with the compiler's barrier in threads_enter. */
    barrier_everywhere();
    for (unsigned tries = 0; atomic_load_explicit(&threads_inside, memory_order_acquire); tries++)
        wait_more(&threads_inside, tries);
}

void threads_share(void) {
    threads_lock(&door);
    share_locked();
    threads_unlock(&door);
}

void threads_unshare(void) {
    if (!(atomic_load_explicit(&threads_mode, memory_order_relaxed) & MODE_SHARED)) return;
    threads_lock(&door);
    if (awake <= 1 && atomic_load(&runtime.may_be_alone) && threads_none_but(runtime.own_threads)) {
        /* Whatever the others have done is seen before the mode is. */
        barrier_everywhere();
        atomic_fetch_and(&threads_mode, ~(uint32_t)MODE_SHARED);
    }
    threads_unlock(&door);
}

void worker_come_in(void) {
    threads_lock(&door);
    if (++awake > 1) share_locked();
    threads_unlock(&door);
    threads_enter();
}

void worker_go_out(void) {
    threads_leave();
    threads_lock(&door);
    awake--;
    threads_unlock(&door);
}
