/*
 * sleep.h - what a task keeps of a sleep; wait.h has the rules. An engine's struct task has room for
 * it, so this comes where struct timer is known.
 */
#ifndef CORE_SLEEP_H
#define CORE_SLEEP_H

#include "lib/core/engine.h"

struct waiter {
    struct waiter *next, *prev;
    struct wait *wait;
    waitq *queue;     /* the queue it is meant for */
    waitq *guard;     /* whose lock guards that queue: often the same */
    bool queued;      /* it stands there */
    void *value;      /* a channel's: to send from or to receive into; may be NULL */
    int64_t number;   /* a semaphore's: permits; a select's: index of the case */
    uint64_t arrival; /* mark of the step in which it came */
};

struct wait {
    struct task *task;
    struct waiter *fired; /* the waiter through which it ended; NULL: the deadline */
    struct waiter *waiters;
    size_t count;
    void *memory; /* freed when the task is discarded in this wait; NULL: none */
    int result;
    _Atomic uint32_t claimed;
    bool shared;   /* more than one party may come */
    bool repeated; /* several waiters stand at one object */
    bool in_order; /* of those the first one is to end it */
    bool timed;
    bool under_way; /* the task is parked, or has been woken and not gone on yet */
    uint64_t mark;  /* of the step that ended it */
    int64_t since;  /* for who wants to know how long it has waited */
    struct timer timer;
};

/* A task's room for a sleep, with the waiter where it is in one queue. */
struct sleep {
    struct wait wait;
    struct waiter waiter;
};

#endif
