/* futex.c - sleeping on a word, and the short locks of objects on top of it. */
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/threads/runtime.h"

void futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t until) {
    struct timespec ts = {until / PIRN_SEC, until % PIRN_SEC};
    /* FUTEX_WAIT_BITSET takes an absolute time on the monotonic clock. */
    if (until < 0) ts = (struct timespec){0, 0};
    int number = errno;
    syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, value,
            until == PIRN_FOREVER ? NULL : &ts, NULL, FUTEX_BITSET_MATCH_ANY);
    errno = number;
}

void futex_wake(_Atomic uint32_t *word, int count) {
    int number = errno;
    syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count, NULL, NULL, 0);
    errno = number;
}

static inline void relax(void) {
#if defined __x86_64__
    __builtin_ia32_pause();
#elif defined __aarch64__
    __asm__ volatile("yield");
#endif
}

/* U. Drepper, "Futexes are tricky": 2 means that a sleeper may be there, and is handed on by who
 * has slept. */
void threads_lock_slowly(uint32_t *plain) {
    _Atomic uint32_t *word = (_Atomic uint32_t *)plain;
    for (int spins = 0; spins < 100; spins++) {
        uint32_t open = 0;
        relax();
        if (atomic_load_explicit(word, memory_order_relaxed) == 0 &&
            atomic_compare_exchange_weak_explicit(word, &open, 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return;
    }
    while (atomic_exchange_explicit(word, 2, memory_order_acquire) != 0)
        futex_wait(word, 2, PIRN_FOREVER);
}

/* The object may have been freed by now: the kernel looks up the address, and at worst wakes
 * somebody who looks again. */
void threads_unlock_slowly(uint32_t *plain) { futex_wake((_Atomic uint32_t *)plain, 1); }

int64_t engine_now(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * PIRN_SEC + ts.tv_nsec;
}
