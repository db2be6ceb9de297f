/* serve.h - a program under the `pirn` command: all its runs, each in a process forked at
 * pirn_run, or in one that goes on from there for each. */
#ifndef SIM_SERVE_H
#define SIM_SERVE_H

#include "sim/sim.h"

/* Whether the command has started this program, and its first pirn_run is still to come. */
bool serve_wanted(void);

/*
 * Performs all runs that the command asks for, and exits. In the child that is to perform one it
 * returns, with the log, strategy and options of that run; in one that performs many it returns for
 * each. `main_fn` is what the main task runs, `stack_size` that of the tasks' stacks.
 */
void serve(pirn_fn *main_fn, size_t stack_size, struct log **log, struct strategy **strategy,
           struct run_options *options);

#endif
