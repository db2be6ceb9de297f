/* cycles.h - finds who is to blame among those who wait for each other. */
#ifndef VIZ_CYCLES_H
#define VIZ_CYCLES_H

#include "viz/waits.h"

/*
 * Sets the role and tag of every stuck task, the `cycle` of every arc and the counts, from the arcs
 * and from the tasks whose role is not WAITS_FREE. Only the members of a cycle are said to be in
 * it; those that merely wait for one are behind it.
 */
void cycles_assign_roles(const struct trace_run *run, struct waits *waits);

#endif
