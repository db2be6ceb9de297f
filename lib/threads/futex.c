/* futex.c - sleeping on a word, spinning on a lock, and the clock. */
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

/* Whoever holds it needs a few instructions more, unless the kernel has taken its processor away:
 * then it may need ours. */
void threads_lock_slowly(uint32_t *plain) {
    const _Atomic uint32_t *word = (_Atomic uint32_t *)plain;
    for (unsigned tries = 0;; tries++) {
        if (tries < 100) {
            relax();
        } else if (tries < 200) {
            sched_yield();
        } else { /* it may be of lower priority */
            struct timespec ts = {0, 50000};
            clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
        }
        if (atomic_load_explicit(word, memory_order_relaxed) == 0 && threads_trylock(plain)) return;
    }
}

int64_t engine_now(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * PIRN_SEC + ts.tv_nsec;
}
