/* strategies.h - every strategy that a name can ask for, and what their files share. */
#ifndef SIM_STRATEGIES_H
#define SIM_STRATEGIES_H

#include "sim/sim.h"

extern struct strategy strategy_portfolio, strategy_random, strategy_pct, strategy_pos,
    strategy_surw, strategy_dfs, strategy_dpor, strategy_fifo;

/*
 * The weight of the next timer beside a runnable task's 1: it falls with the timer's distance. 1 up
 * to 1 ms, a tenth of that at 10 ms, ... since a real task can be slow, but is seldom that slow.
 */
double timer_weight(void);

/*
 * The priority of the next timer among random 64-bit ones, drawn once for each time it is armed; 0
 * when it waits until no task can run. It takes part with half its weight, so that one that is
 * armed again and again cannot keep a task from running.
 */
uint64_t timer_rank(uint64_t seed);

/* Whether the order of the next steps of two runnable tasks may make a difference. */
bool steps_conflict(const struct task *a, const struct task *b);

#endif
