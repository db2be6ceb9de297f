/* waitgroup.h - what the start and end of a task need of a wait group. */
#ifndef CORE_WAITGROUP_H
#define CORE_WAITGROUP_H

#include "lib/core/wait.h"

/* Adds to the count, as an OP_ADD or OP_DONE at `site`. */
void waitgroup_add(struct task *self, enum op op, pirn_waitgroup *group, int64_t delta,
                   const void *site);

#endif
