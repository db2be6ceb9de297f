/*
 * spec.h - channels and select as they are meant, in the most obvious way, and whether a history
 * of calls can be explained by it.
 *
 * A channel is a list of values, a list of the calls that wait to send, one of those that wait to
 * receive, and whether it is closed. A call arrives at one moment between its beginning and its
 * end. Then it is done at once, or it waits, until the arrival of another call does it in passing,
 * or it gives up because it has a deadline. A history is linearizable if there is an order of
 * arrivals (and of giving up) in which each call arrives after every call has been done that had
 * ended before it began, all calls give what was seen, and those without an end still wait.
 *
 * That an operation which waits has two moments, its arrival and its being done by somebody else,
 * is the idea of W. Scherer and M. Scott, Nonblocking Concurrent Data Structures with Condition
 * Synchronization, DISC 2004. The search is that of J. Wing and C. Gong, Testing and Verifying
 * Concurrent Objects, JPDC 1993: it tries every order; and it remembers where it has been, as in
 * G. Lowe, Testing for Linearizability, 2017.
 */
#ifndef TESTS_SPEC_H
#define TESTS_SPEC_H

#include "tests/play.h"

/* Specifications that are wrong, to see that histories tell. */
enum spec_mutant {
    SPEC_RIGHT,
    SPEC_STACK,   /* what was sent last comes out first */
    SPEC_DISCARD, /* a close throws away what is buffered */
    SPEC_OPEN,    /* a closed channel takes values as before */
    SPEC_LAST,    /* pirn_select_first prefers the last case that is ready */
    SPEC_EAGER,   /* a call gives up though there is something ready */
};
extern enum spec_mutant spec_mutant;

/* Returns 1 if the history is linearizable, 0 if not, -ENOMEM. */
int spec_explains(const struct history *history);

void spec_print(const struct history *history, FILE *file);

#endif
