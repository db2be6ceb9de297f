/* waitgroup.h - what tasks and groups need of a wait group. */
#ifndef CORE_WAITGROUP_H
#define CORE_WAITGROUP_H

#include "lib/core/wait.h"

/* Adds to the count, as an OP_ADD or OP_DONE at `site`. */
void waitgroup_add(struct task *self, enum op op, pirn_waitgroup *group, int64_t delta,
                   const void *site);

/* The same, and pirn_waitgroup_wait_until, for a wait group inside something else, which `place`
 * names. */
void waitgroup_count(struct task *self, const struct place *place, pirn_waitgroup *group,
                     int64_t delta);
int waitgroup_wait(struct task *self, const struct place *place, pirn_waitgroup *group,
                   int64_t deadline);

#endif
