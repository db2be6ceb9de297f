/*
 * usage.h - how much the channels of a run were used, and by whom.
 */
#ifndef VIZ_USAGE_H
#define VIZ_USAGE_H

#include "viz/trace.h"

struct usage_counts {
    uint64_t sends, receives;                 /* that succeeded */
    uint64_t blocked_sends, blocked_receives; /* that fell asleep first, or for ever */
    uint64_t ends;                            /* receives that found it closed and empty */
};

struct usage_channel {
    struct usage_counts counts;
    uint64_t longest; /* values buffered at a time */
    size_t closed;    /* the event that closed it, or TRACE_NONE */
};

struct usage_link { /* what one task did with one channel */
    size_t task;    /* TRACE_NONE: a timer */
    size_t object;
    struct usage_counts counts;
    bool closes; /* it has closed the channel */
};

struct usage {
    struct usage_channel *channels; /* by object; all 0 for one that is no channel */
    struct usage_link *links;       /* by object, then task, the clock last */
    size_t link_count;
    uint64_t *steps, *waits; /* by task: events, and those that fell asleep */
};

struct usage *usage_find(const struct trace_run *run);
void usage_free(struct usage *usage); /* NULL is ignored */

#endif
