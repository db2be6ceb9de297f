/*
 * predict.h - what could have gone wrong in a run and did not: other interleavings of the same
 * steps that nothing in the run rules out.
 *
 *  - Locks taken in opposite orders by tasks that nothing orders and no common lock keeps apart
 *    (GoodLock: Havelund, SPIN 2000; Agarwal and others, HVC 2005), so they could deadlock.
 *  - A send on a channel that another task closes, with nothing to make it come first.
 *  - Sends of different tasks on one channel, or receives from it, in an order that was chance
 *    (message races: Netzer and Miller 1992).
 *
 * A prediction is no finding: what the values were, and so whether the program would have taken the
 * same steps, the trace does not tell.
 */
#ifndef VIZ_PREDICT_H
#define VIZ_PREDICT_H

#include "viz/locks.h"
#include "viz/tool.h"
#include "viz/trace.h"

enum predict_kind { PREDICT_DEADLOCK, PREDICT_CLOSED, PREDICT_SENDERS, PREDICT_RECEIVERS };

struct prediction {
    enum predict_kind kind;
    size_t object; /* the channel, or the lock that the first task asks for */
    /* Of a deadlock for each task the event in which it got the lock that it holds, then that in
     * which it asks for the next one; else the two events that nothing orders. */
    size_t first, count; /* a range of predictions.events */
};

struct predictions {
    struct prediction *list; /* deadlocks first, then sends that could meet a closed channel */
    size_t count;
    size_t *events;
    size_t event_count;
    bool cut; /* there were too many lock orders to look at all */
};

struct predictions *predict(const struct trace_run *run);
void predict_free(struct predictions *predictions); /* NULL is ignored */

/* The word for a kind, for machines: "lock_order", "send_on_closed", "send_order",
 * "receive_order". */
const char *predict_word(enum predict_kind kind);

/* Appends a prediction as one sentence with its full stop. */
void predict_sentence(struct tool_text *out, const struct trace_run *run,
                      const struct predictions *predictions, size_t index);

#endif
