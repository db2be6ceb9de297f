/*
 * allocated.h - who has allocated which memory, for names of what is in it.
 *
 * A block goes by its task, where that has called malloc or its kin, and how often before: that is
 * the same in all runs in which the task has done the same, wherever the block is in each of them.
 */
#ifndef SIM_ALLOCATED_H
#define SIM_ALLOCATED_H

#include "sim/sim.h"

/* The current task has got memory at this call. Noted only where the strategy compares runs. */
void allocated_note(const void *start, size_t size, const void *site);

/* What an address goes by in all runs; false: no task has allocated it in this one. */
bool allocated_name(const void *address, uint64_t *name);

/* Whether what the program allocates is noted: it may have an allocator of its own, or one of a
 * sanitizer. Of interpose.c. */
bool allocated_all(void);

void allocated_release(void);

#endif
