/*
 * peers.h - who has done what with which object: "this task has received from that channel", "that
 * one holds this lock at the end". What waits.c judges by who could let a blocked task go on.
 */
#ifndef VIZ_PEERS_H
#define VIZ_PEERS_H

#include "viz/waits.h"

struct peer {
    size_t object;
    enum waits_why what;
    size_t task;  /* TRACE_NONE: the clock */
    size_t event; /* the first such event for a holder, else the last */
};

struct peers {
    struct peer *list; /* by object, what and task; one of each */
    size_t count;
    int64_t *left; /* by object: the count of a wait group */
};

/* Collects the peers of those objects for which `wanted` is true. peers_free frees them. */
void peers_collect(struct peers *peers, const struct trace_run *run, const bool *wanted);
void peers_free(struct peers *peers);

/* Returns the number of an object's peers that do `what`, the first in `*first`. */
size_t peers_find(const struct peers *peers, size_t object, enum waits_why what, size_t *first);

#endif
