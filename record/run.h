/*
 * run.h - one run of pirn_run that is recorded: when it begins and ends, and the thread that writes.
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

#include "sim/log.h"

/* A task that is stuck, or where a run failed; written once the run is over. */
struct run_finding {
    uint32_t task;   /* 0: none */
    bool has_object; /* that of the task's last step is its object */
    const void *site;
    char message[LOG_MESSAGE];
};

struct run {
    _Atomic bool recording;
    _Atomic uint64_t steps;   /* the last number taken */
    _Atomic uint32_t lists;   /* that marks have been made of */
    _Atomic uint32_t objects; /* the last number */
    _Atomic uint64_t number;  /* of this run, from 1 */
    uint64_t base;
    uint32_t list_base, object_base;
    uint64_t started_ticks;
    int64_t started;
    uint64_t last_events; /* to be kept; 0: all */
    const char *path;
};
extern struct run run;

/* How the run has ended. */
struct run_end {
    pirn_outcome outcome;
    char message[LOG_MESSAGE];
    struct run_finding *findings; /* LOG_FINDINGS at most */
    size_t finding_count;
};

static inline bool run_recording(void) {
    return atomic_load_explicit(&run.recording, memory_order_relaxed);
}

/* Has the writer look at once. Async-signal-safe. */
void run_wake_writer(void);

/* Ends the recording: the writer writes what there is, with how it ended. Waits for that, `limit`
 * ns at most. Async-signal-safe but for waiting. Only the first call for a run counts. */
void run_finish(const struct run_end *end, int64_t limit);

/* The process will end before its run has. */
void run_watch_end(void);

/* Recording cannot go on. `message`: what is said. */
void run_give_up(const char *message);

/* A clock that is read in few nanoseconds; how many nanoseconds of engine_now one tick is, as far as
 * it can be told by now. */
uint64_t run_ticks(void);
double run_tick(void);

#endif
