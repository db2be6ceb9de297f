/*
 * run.h - one run of pirn_run that is recorded: when it begins, and how it ends.
 *
 * Invariants
 *   1. Steps have numbers from run.base + 1, without gaps once every thread has told of its own.
 *   2. While run.recording is false nobody takes a number or tells anything.
 */
#ifndef RECORD_RUN_H
#define RECORD_RUN_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/core/engine.h"
#include "lib/core/recording.h"

/* A task that is stuck, or where a run failed; written once the run is over. */
struct run_finding {
    uint32_t task;   /* 0: none */
    bool has_object; /* that of the task's last step is its object */
    const void *site;
    char message[RECORDING_MESSAGE];
};

struct run {
    /* Written with each step, by all threads: in a cache line apart from what they only read. */
    _Alignas(64) _Atomic uint64_t steps; /* the last number taken */
    _Atomic uint32_t lists;              /* that marks have been made of */
    _Atomic uint32_t objects;            /* the last number */
    _Atomic uint64_t blocks;             /* of this run in the file */
    _Alignas(64) _Atomic bool recording;
    bool has_ticks;          /* the processor counts them */
    _Atomic uint64_t number; /* of this run, from 1 */
    uint64_t base;
    uint32_t list_base, object_base;
    uint64_t process;     /* a number that tells this process from others */
    uint64_t last_events; /* to be kept; 0: all */
    const char *path;
};
extern struct run run;

/* How the run has ended. */
struct run_end {
    enum recording_end how;
    char message[RECORDING_MESSAGE];
    struct run_finding *findings; /* RECORDING_FINDINGS at most */
    size_t finding_count;
};

static inline bool run_recording(void) {
    return atomic_load_explicit(&run.recording, memory_order_relaxed);
}

static inline uint64_t run_number(void) {
    return atomic_load_explicit(&run.number, memory_order_relaxed);
}

/*
 * Ends the recording: tells how the run ended, and, where only the last steps are kept, has them
 * written, for which it waits, `limit` ns at most. Only the first call for a run counts.
 * Async-signal-safe, for which `in_handler` must be true there.
 */
void run_finish(const struct run_end *end, int64_t limit, bool in_handler);

/* The process will end before its run has. */
void run_watch_end(void);

/* A run has begun: that none did need not be said at the end. */
void load_close_spare(void);

/* Recording cannot go on. `message`: what is said. */
void run_give_up(const char *message);

/* A clock that is read in few nanoseconds. */
static inline uint64_t run_ticks(void) {
#if defined __x86_64__
    if (__builtin_expect(run.has_ticks, 1)) return __builtin_ia32_rdtsc();
#elif defined __aarch64__
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#endif
    return (uint64_t)engine_now();
}

#endif
