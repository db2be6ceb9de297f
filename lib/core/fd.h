/* fd.h - what the engines and reports have to do with descriptors; fd.c has the rest. */
#ifndef CORE_FD_H
#define CORE_FD_H

#include "lib/core/engine.h"

/* The engine has seen that the descriptor is ready for the events: wakes who waits for them. `self`
 * is the step that this is part of, as in wait_end. Not under a lock. */
void fd_ready(struct task *self, int fd, int events);

/* Wakes everybody who waits for a descriptor, with -ECANCELED: the run is over. `self` as above. */
void fd_end(struct task *self);

/* The number of the descriptor that is the object of a place. */
int fd_number(const void *object);

#endif
