/* sem.h - what groups need of a semaphore. */
#ifndef CORE_SEM_H
#define CORE_SEM_H

#include "lib/core/wait.h"

/* As pirn_sem_acquire and pirn_sem_release, for a semaphore that may be inside something else,
 * which `place` names. */
int sem_acquire(struct task *self, const struct place *place, pirn_sem *sem, int64_t n,
                int64_t deadline);
void sem_release(struct task *self, const struct place *place, pirn_sem *sem, int64_t n);

#endif
