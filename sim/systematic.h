/*
 * systematic.h - what the systematic strategies share: dfs, dpor, and portfolio's first runs.
 *
 * What such a strategy remembers between runs is the path to the run under way, and what is still to
 * be done beside it: so memory is bounded by the length of a run, not by their number.
 */
#ifndef SIM_SYSTEMATIC_H
#define SIM_SYSTEMATIC_H

#include "sim/sim.h"

/*
 * Memory that the processes forked for runs write and their parent reads. It is reserved, not
 * committed: only what is touched takes any. NULL when there is no room.
 */
void *search_memory(size_t size);
void search_release(void *memory, size_t size);

/*
 * Whether the next timer may fire before a task goes on: not one that was armed after the last step
 * of a task. A ticker would fire for ever, and there would be no last schedule.
 */
struct search_timers {
    uint64_t task_steps, order; /* after the last step of a task */
};
bool search_timer(struct search_timers *timers);

/* The value of pirn_random: the same for the same operation in all runs. */
uint64_t search_random(uint64_t seed);

/* The run did not come to its own end. */
bool search_cut(const struct log *log);

/*
 * Whether the task is about to try in vain once more at a place where it has done so twice, though
 * nothing has changed since that it could find: it spins. Such a task is put off until something
 * has changed (fair scheduling: M. Musuvathi, S. Qadeer, PLDI 2008).
 */
bool search_spins(const struct task *task);

/* After so many steps of tasks that spin, in a row and for want of anything else, nothing more is
 * made of the run. */
enum { SEARCH_PATIENCE = 100 };

/* Ends a run that does not follow the path to it. */
_Noreturn void search_diverge(void);

#endif
