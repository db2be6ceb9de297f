/*
 * snapshot.h - the writable memory of this process, saved once and put back as often as wanted.
 *
 * Saved are all private writable mappings: the data of the program and of its libraries, the heap,
 * the main thread's stack and thread-locals, and what else has been mapped. Shared mappings are
 * left alone: what is to survive lies there.
 */
#ifndef SIM_SNAPSHOT_H
#define SIM_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>

struct snapshot;
struct stack_pool;

/*
 * Grows the stack and the heap so that a run needs no more of either, as a rule. To be called on
 * the main stack before snapshot_take.
 */
void snapshot_prepare(void);

/*
 * Saves the memory. To be called in a process with one thread and on a stack in shared memory;
 * `top` is where the main stack, which nobody uses meanwhile, ends. Stacks of `pool` are taken to
 * hold nothing yet. The memory of the library itself is that which snapshot_keep may change.
 * Returns NULL with a line in `*why` where the memory cannot be put back; it is as it was then.
 */
struct snapshot *snapshot_take(const void *top, const struct stack_pool *pool, const char **why);

/*
 * Puts back what has changed since, mappings that have come or gone included. On a stack in shared
 * memory. Returns NULL, or a line that says what cannot be put back: then the process is no use any
 * more. What is none of memory is not looked at (outside.h).
 */
const char *snapshot_restore(struct snapshot *snapshot);

/*
 * Takes what has changed in the memory of this library since the last restore into the snapshot.
 * Returns as snapshot_restore does.
 */
const char *snapshot_keep(struct snapshot *snapshot);

/* The program has given back what is in some of its pages (madvise): they read as zeroes now. */
void snapshot_discarded(struct snapshot *snapshot, void *at, size_t size);

/* Says that the next restore must look at the mappings though no page shows that they changed. */
void snapshot_look(struct snapshot *snapshot);

#endif
