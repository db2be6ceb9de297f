/*
 * waits.h - how a run ended: the final state of each task, who waits for whom and why, and the
 * cycles in that.
 *
 * A task waits for another when that one holds the lock, or is one of those that could receive what
 * it sends, and so on. Locks have a holder, who is certain. Channels do not say who will use them:
 * here those tasks count that have done so before in this run, which is said wherever it is shown.
 */
#ifndef VIZ_WAITS_H
#define VIZ_WAITS_H

#include "viz/trace.h"

enum waits_state { WAITS_EXITED, WAITS_UNBORN, WAITS_RUNNABLE, WAITS_SLEEPING, WAITS_BLOCKED };

/* A stuck task's part in what went wrong. All but WAITS_FREE are stuck for ever. */
enum waits_role {
    WAITS_FREE,   /* not stuck: ended, or could have gone on, or a daemon */
    WAITS_CYCLE,  /* one of those that wait for each other */
    WAITS_ROOT,   /* waits for what nobody is left to do */
    WAITS_BEHIND, /* waits, directly or not, for one of those */
    WAITS_LOOSE /* nothing in the trace tells whom it waits for, and others are to blame already */
};

enum waits_why {
    WAITS_HOLDS,        /* holds the lock */
    WAITS_READS,        /* holds it for reading */
    WAITS_WRITES,       /* waits to write; new readers wait for that */
    WAITS_RECEIVES,     /* has received from the channel */
    WAITS_SENDS,        /* has sent on it */
    WAITS_SIGNALS,      /* has signalled the condition variable */
    WAITS_HAS_NOT_DONE, /* belongs to the (wait) group and has not called done */
    WAITS_RUNS,         /* runs the function of the once */
    WAITS_HAS_PERMITS   /* has acquired from the semaphore without releasing */
};

struct waits_arc {
    size_t from, to; /* tasks */
    size_t object;
    enum waits_why why;
    size_t since; /* the event that makes it so: the lock, the last receive, ... */
    bool only;    /* nobody else could do it */
    bool cycle;   /* both ends belong to one cycle */
};

struct waits_task {
    enum waits_state state;
    enum waits_role role;
    size_t event; /* that of a blocked or sleeping task in which it fell asleep, or TRACE_NONE */
    size_t first_arc, arc_count; /* whom it waits for */
    size_t gone;                 /* tasks that could have helped and have exited ... */
    size_t gone_task;            /* ... one of them */
    bool timer;                  /* the channel was fed by a timer */
    size_t
        unheard; /* of a condition variable: the last signal before the wait, which woke nobody */
    size_t diverted; /* the last one during the wait, which woke another task */
    int64_t left;    /* count of the wait group; -1: it waits for none */
    int tag;         /* number of the cycle, or of the root, from 1; 0: none */
};

struct waits {
    struct waits_task *tasks; /* as in the run */
    struct waits_arc *arcs;   /* by `from` */
    size_t arc_count;
    size_t stuck;    /* tasks whose role is not WAITS_FREE */
    size_t culprits; /* tasks that have a tag */
    int tags;
    char letter; /* before the tag's number: 'D' for a deadlock, 'L' for a leak */
};

struct waits *waits_find(const struct trace_run *run);
void waits_free(struct waits *waits); /* NULL is ignored */

/* Appends why an arc holds: "holder", "only receiver", ... for labels. */
const char *waits_why_word(const struct waits_arc *arc);

/* Whether a task is stuck and to blame: in a cycle, or a root. */
bool waits_is_culprit(const struct waits *waits, size_t task);

#endif
