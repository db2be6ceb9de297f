/* futex.c - sleeping on a word, and the clock. */
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/threads/runtime.h"

/* Returns whether it has slept until then. */
static bool sleep_on(_Atomic uint32_t *word, uint32_t value, int64_t until) {
    struct timespec ts = {until / PIRN_SEC, until % PIRN_SEC};
    /* FUTEX_WAIT_BITSET takes an absolute time on the monotonic clock. */
    if (until < 0) ts = (struct timespec){0, 0};
    return syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, value,
                   until == PIRN_FOREVER ? NULL : &ts, NULL, FUTEX_BITSET_MATCH_ANY) < 0 &&
           errno == ETIMEDOUT;
}

void futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t until) {
    int number = errno;
    int64_t piece;
    do {
        /* The sanitizer keeps signals until the thread makes a call that it knows, as for the time. */
        piece = PIRN_TSAN ? engine_now() + 10 * PIRN_MSEC : until;
        if (piece > until) piece = until;
    } while (sleep_on(word, value, piece) && piece < until);
    errno = number;
}

void futex_wake(_Atomic uint32_t *word, int count) {
    int number = errno;
    syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count, NULL, NULL, 0);
    errno = number;
}

int64_t engine_now(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * PIRN_SEC + ts.tv_nsec;
}
