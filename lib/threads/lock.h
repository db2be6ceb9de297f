/*
 * lock.h - a lock that is held for a few instructions only, so others spin: 0 is free. The model of
 * the runtime (tests/model) has another of the same interface, but for what tests this one.
 */
#ifndef THREADS_LOCK_H
#define THREADS_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/threads/machine.h"

void threads_lock_slowly(uint32_t *word);

static inline bool threads_trylock(uint32_t *word) {
    uint32_t open = 0;
    return atomic_compare_exchange_strong_explicit((_Atomic uint32_t *)word, &open, 1,
                                                   memory_order_acquire, memory_order_relaxed);
}
static inline void threads_lock(uint32_t *word) {
    if (__builtin_expect(!threads_trylock(word), 0)) threads_lock_slowly(word);
}
static inline void threads_unlock(uint32_t *word) {
    atomic_store_explicit((_Atomic uint32_t *)word, 0, memory_order_release);
    changed((_Atomic uint32_t *)word);
}

#endif
