/* mutex.h - what a condition variable needs of a mutex. */
#ifndef CORE_MUTEX_H
#define CORE_MUTEX_H

#include "lib/core/wait.h"

/* Locks, as an operation of its own at `place`. Returns 0, -ETIMEDOUT or -EAGAIN. */
int mutex_lock(struct task *self, const struct place *place, pirn_mutex *mutex, int64_t deadline);

/* Unlocks as part of the caller's step, whose place is given for the report of a misuse. */
void mutex_unlock_within(struct task *self, const struct place *place, pirn_mutex *mutex);

#endif
