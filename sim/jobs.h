/* jobs.h - an exploration in several processes. */
#ifndef SIM_JOBS_H
#define SIM_JOBS_H

#include "sim/explore.h"

/*
 * Performs the runs from `position` on in `jobs` processes, until explore_over. Everything that is
 * counted, recorded and told is in the order of the runs, as if there were one process. Returns as
 * explore does.
 */
int jobs_explore(struct exploration *exploration, struct strategy *strategy, uint64_t position);

#endif
