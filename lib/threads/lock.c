/* lock.c - waiting for a lock that another holds. */
#include "lib/threads/lock.h"

void threads_lock_slowly(uint32_t *plain) {
    _Atomic uint32_t *word = (_Atomic uint32_t *)plain;
    for (unsigned tries = 0;; tries++) {
        wait_more(word, tries);
        if (atomic_load_explicit(word, memory_order_relaxed) == 0 && threads_trylock(plain)) return;
    }
}
