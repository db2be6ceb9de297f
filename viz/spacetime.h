/*
 * spacetime.h - what of a run is shown, and where: the rows and columns of the space-time diagram.
 *
 * A row is an event, a run of folded events, repeated rounds or a gap; rows are in the order of the
 * steps, and each has a level of its own, unless they are levelled by causal depth. A column is a
 * task. The picture and the text are both drawn from this, in time and memory that grow with
 * events + edges.
 */
#ifndef VIZ_SPACETIME_H
#define VIZ_SPACETIME_H

#include "viz/trace.h"
#include "viz/waits.h"

struct spacetime_options {
    bool full;           /* every event, whatever their number */
    int64_t from, to;    /* every event of these steps; 0, 0: not asked for */
    const bool *tasks;   /* by task: only their events; NULL: not asked for */
    const bool *objects; /* by object: only what is done to them; NULL: not asked for */
    bool causal;         /* events that nothing orders may share a row */
    size_t all_up_to;    /* a run of so many events is shown whole */
    size_t budget;       /* events to show of a longer one */
};

enum spacetime_row_kind {
    SPACETIME_EVENT,
    SPACETIME_FOLD,   /* `count` events of one task in a row that concern no other; `event` is the
                       first */
    SPACETIME_ROUNDS, /* `count` events that are what the `period` events before them were, over
                         and over; `event` is the first */
    SPACETIME_GAP,    /* `count` events left out; `event` is the first */
    SPACETIME_HIDDEN  /* the same, and nobody needs to be told: it was asked for */
};

struct spacetime_row {
    enum spacetime_row_kind kind;
    size_t event, count;
    size_t period; /* of SPACETIME_ROUNDS */
    size_t level;  /* how far down: its number among the rows, or its causal depth */
};

struct spacetime {
    struct spacetime_row *rows;
    size_t row_count;
    size_t level_count;
    bool causal;     /* levels are causal depths: several rows may be on one */
    size_t *columns; /* tasks; TRACE_NONE: the clock */
    size_t column_count;
    size_t others;       /* tasks without a column */
    size_t *task_column; /* by task, TRACE_NONE when it has none; the last entry is the clock's */
    size_t *event_row;   /* by event: its row, of whatever kind */
    bool *evidence;      /* by event: what the finding rests on */
    bool *causes;        /* by event: what made that so: the lock that is held, the signal missed */
    size_t shown;        /* events that have a row of their own */
    bool sliced;         /* something was left out that was not asked to be */
};

struct spacetime *spacetime_build(const struct trace_run *run, const struct waits *waits,
                                  const struct spacetime_options *options);
void spacetime_free(struct spacetime *spacetime); /* NULL is ignored */

/* Whether the row shows one event, or events of one task, at a place in its column. */
bool spacetime_is_shown(const struct spacetime_row *row);

/* The column of an event, or TRACE_NONE. */
size_t spacetime_column(const struct spacetime *spacetime, const struct trace_run *run,
                        size_t event);

#endif
