/*
 * race.h - data races, found by happens-before while a run is under way.
 *
 * Programs compiled with `pirn cc` call here at each access to memory (tsan.c), at each C11 atomic
 * (atomics.c), in the functions of the C library that touch their data (libc.c) and for their heap
 * (heap.c); others say with pirn_note_... what they touch. The detector is that of C. Flanagan and
 * S. N. Freund: FastTrack: Efficient and Precise Dynamic Race Detection, PLDI 2009, on bytes.
 *
 * Epochs are the steps of the run: an access belongs to the last step that its task has begun. An
 * edge from step b to step a orders all accesses of b's task in steps before b (those in b come
 * after its operation) before all of a's task from a on. So a vector clock tells of each task the
 * step up to which, excluding it, its accesses are ordered before one's own.
 *
 * Nothing of this is paid for by programs that do not call here: race_live is false then. Where the
 * first call comes in the middle of a run, the clocks are made from the log.
 */
#ifndef SIM_RACE_RACE_H
#define SIM_RACE_RACE_H

#include "sim/sim.h"

/* How an access was made; they are kept with its place. */
enum { ACCESS_WRITE = 1, ACCESS_ATOMIC = 2, ACCESS_FREE = 4 };

HIDDEN extern bool race_live; /* the run under way is watched */
extern bool race_programmed;  /* the program, or a library of it, was compiled with `pirn cc` */

/* In the one thread that runs tasks. */
extern __thread bool race_thread __attribute__((tls_model("initial-exec")));

/* The task that accesses memory; NULL: that concerns nobody. */
static inline struct task *race_task(void) { return race_thread ? sim.current : NULL; }

/* ---- live.c -------------------------------------------------------------------------------- */

/* A run begins. */
void race_begin(void);
/* A task begins, on a stack that may have been another's. */
void race_task_begins(const struct task *self);
/* Makes the run under way watched, unless it is; called by its tasks. */
void race_start(void);

/* ---- memory.c ------------------------------------------------------------------------------ */

/* Address space, empty. NULL: there is none. */
void *race_map(size_t size);
/* The same, for as long as the process lives; ends the run under way where there is none. */
void *race_reserve(size_t size);
/* The same with the contents of a smaller array, which is left to itself. */
void *race_grow(void *array, size_t old_size, size_t size);
/* Ends the run under way. */
_Noreturn void race_no_memory(void);
/* Runs are going to share this process, and its memory is put back between them: has what outlives
 * runs kept from that, as far as it can. Not in a run. */
void race_prepare(void);
bool race_prepared(void);

/* ---- clock.c ------------------------------------------------------------------------------- */

void clock_start(void);
/* Makes the room that clocks need, once. Returns false when there is none. */
bool clock_reserve(void);
/* An edge from step `before` to the task's step. */
void clock_edge(uint32_t task, uint32_t step, uint32_t before);
/* Up to which step of `other`, excluding it, its accesses are ordered before those of `task`. */
uint32_t clock_of(uint32_t task, uint32_t other);

/* ---- calls.c ------------------------------------------------------------------------------- */

void calls_start(void);
/* What is known of the task that has called last is of another one now, or of another run. */
void calls_forget(void);
/* A number for the place of an access: the calls that led there, its site, how and how large. */
uint32_t calls_place(struct task *self, const void *site, unsigned how, size_t size);
/* Writes the sites, innermost first, and returns how many. */
unsigned calls_read(uint32_t place, const void **sites, unsigned most, unsigned *how, size_t *size);

/* ---- shadow.c ------------------------------------------------------------------------------ */

void shadow_start(void);
/* The current task accesses memory. */
void shadow_access(struct task *self, uintptr_t address, size_t size, unsigned how,
                   const void *site);
/* The operation that a task is in does, before it synchronises with anything: so that belongs to the
 * step before. The task is the current one, or parked. That is no scheduling point. */
void shadow_note(struct task *task, uintptr_t address, size_t size, unsigned how, const void *site);
/* The memory begins anew: what was done to it before does not matter any more. */
void shadow_clear(uintptr_t address, size_t size);

/* ---- heap.c -------------------------------------------------------------------------------- */

struct heap_block {
    uintptr_t start;
    size_t size;
    uint32_t task;  /* that allocated it; 0: before the run */
    uint32_t place; /* where; of calls.c */
};
void heap_start(void);
/* The block that holds the address; NULL: none that is known. Slow. */
const struct heap_block *heap_find(uintptr_t address);

/* ---- atomics.c ----------------------------------------------------------------------------- */

void atomics_start(void);

/* ---- points.c ------------------------------------------------------------------------------ */

/* Whether an access at this place is a scheduling point. */
extern bool points_any;
bool points_at(const void *site);
/* The two places of a race become points in later runs. */
void points_learn(const void *site);

/* A plain access that is a scheduling point: others may run before it returns. */
void race_point(struct task *self, uintptr_t address, size_t size, unsigned how, const void *site);

/* ---- found.c ------------------------------------------------------------------------------- */

/* An access, as the shadow knows it. */
struct seen {
    uint32_t step, place;
};

/* The current task's access races with an earlier one. */
void race_found(struct task *self, uintptr_t address, size_t size, struct seen before,
                struct seen now);
/* Ends the run: heap memory is used, or freed, after `freed`. */
_Noreturn void race_misuse(struct task *self, uintptr_t address, struct seen freed,
                           struct seen now);

#endif
