/*
 * machine.h - what the runtime asks of the compiler, the processor and the kernel's scheduler beside
 * C11. The model of the runtime (tests/model) has another of the same interface.
 */
#ifndef THREADS_MACHINE_H
#define THREADS_MACHINE_H

#include <linux/membarrier.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A variable that each thread has one of, and the calling thread's: LOCAL(int, count), OWN(count). */
#define LOCAL(type, name) __thread type name __attribute__((tls_model("initial-exec")))
#define OWN(name) name

/* Between looks at what another processor is about to change. */
static inline void relax(void) {
#if defined __x86_64__
    __builtin_ia32_pause();
#elif defined __aarch64__
    __asm__ volatile("yield");
#endif
}

/* While a word is not 0. Whoever makes it so needs a few instructions more, unless the kernel has taken
 * its processor away: then it may need ours. It says that it has, which the model needs. */
static inline void wait_more(_Atomic uint32_t *word, unsigned tries) {
    (void)word;
    if (tries < 100) {
        relax();
    } else if (tries < 200) {
        sched_yield();
    } else { /* it may be of lower priority */
        struct timespec ts = {0, 50000};
        clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
    }
}
static inline void changed(_Atomic uint32_t *word) { (void)word; }

/* Every processor that runs one of our threads passes a barrier. */
static inline void barrier_everywhere(void) {
    syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

/* Whether the kernel can do that. */
static inline bool barrier_prepare(void) {
    return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

#endif
