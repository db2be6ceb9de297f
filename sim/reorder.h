/*
 * reorder.h - the same run with its independent steps in another order, without running anything.
 */
#ifndef SIM_REORDER_H
#define SIM_REORDER_H

#include "sim/guide.h"

/* Which task comes next where the one that ran cannot go on. */
enum reorder_next { REORDER_EARLIEST, REORDER_LATEST };

/*
 * Makes a plan of the run in the log in which each task goes on as long as its next step does not
 * have to come after a step of another. With `causes_only` the steps that what was found does not
 * depend on are left out. Returns false when memory is short.
 *
 * What tasks do to memory is not in the log, so the plan has to be tried.
 */
bool reorder(const struct log *log, const struct notes *notes, enum reorder_next how,
             bool causes_only, struct plan *plan);

#endif
