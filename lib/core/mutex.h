/* mutex.h - what a condition variable needs of a mutex. */
#ifndef CORE_MUTEX_H
#define CORE_MUTEX_H

#include "lib/core/wait.h"

/* Locks, as an operation of its own, called from `site`. Returns 0, -ETIMEDOUT or -EAGAIN. */
int mutex_lock(struct task *self, const void *site, pirn_mutex *mutex, int64_t deadline);

/* Unlocks as part of the caller's step; what that is is given for the report of a misuse. */
void mutex_unlock_within(struct task *self, enum op op, const void *site, pirn_mutex *mutex);

#endif
