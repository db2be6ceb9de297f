/* backoff.h - in whose way the tasks of a run without an end stand: who tries again and again, and who
 * has what they want. */
#ifndef VIZ_BACKOFF_H
#define VIZ_BACKOFF_H

#include "viz/trace.h"

struct backoff {
    size_t event;  /* the last in which a task was refused a lock */
    size_t holder; /* in which another task got that lock, which it had then */
};

/* The event up to which a run went on without an end; TRACE_NONE: it did not. */
size_t backoff_last(const struct trace_run *run);

/* Finds those of the last steps up to event `last`, one for each task, the latest first. Returns how
 * many are in `found`, which has room for `most`. */
size_t backoff_find(const struct trace_run *run, size_t last, struct backoff *found, size_t most);

#endif
