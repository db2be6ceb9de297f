/*
 * chan.h - the inside of a channel, for chan.c, select.c, time.c and timer.c.
 *
 * Invariants, under the channel's lock (that of `senders`)
 *   1. head and count describe the ring: the value at head is the oldest of `count`. 2. A receiver
 *   waits only while the buffer is empty and the channel open; a sender only while the buffer is
 *      full and the channel open. So not both wait, save those of one select, which never meets
 *      itself.
 *   3. A value handed to a waiting receiver goes straight to it. A receive from a full buffer moves
 *   the
 *      oldest waiting sender's value into the place that became free, in the same step.
 *   4. Once closed, always closed, and nobody waits. 5. The k-th value uses slot k modulo capacity,
 *   also when it is handed over directly; sent[slot] is the mark of
 *      its send and taken[slot] of its receive.
 */
#ifndef CORE_CHAN_H
#define CORE_CHAN_H

#include "lib/core/wait.h"

struct pirn_chan {
    waitq senders; /* first, so that a waiter's guard is the channel's address */
    waitq receivers;
    size_t value_size, capacity;
    size_t head, count;
    _Atomic size_t owners;
    bool closed;
    bool of_timer; /* a timer owns it; seems unbuffered (T2) */
    uint64_t closed_mark;
    uint64_t *sent, *taken; /* only where marks do something, and capacity > 0 */
    pirn_timer *timer;      /* of pirn_after; owned */
    /* Called before the channel is freed, which has become part of something larger. Returns a
     * channel of which that has held a reference, or NULL. NULL: it stands alone. */
    pirn_chan *(*end)(pirn_chan *chan);
    unsigned char *buffer;
};

/*
 * Sends or receives if that is possible now; the caller holds the lock. Returns 0, -EPIPE or
 * -EAGAIN. `*woken` is set to a waiter to be woken with wait_wake after unlocking, or NULL.
 */
int chan_offer(struct task *self, pirn_chan *chan, const void *value, struct waiter **woken);
int chan_take(struct task *self, pirn_chan *chan, void *value, struct waiter **woken);

/* Return whether chan_offer or chan_take would probably not return -EAGAIN: another party may still
 * claim the waiter that made it true. The caller holds the lock. */
static inline bool chan_somebody(const waitq *queue) {
    for (const struct waiter *w = queue->first; w; w = w->next)
        if (!atomic_load_explicit(&w->wait->claimed, memory_order_relaxed)) return true;
    return false;
}

static inline bool chan_can_offer(const pirn_chan *chan) {
    return chan->closed || chan->count < chan->capacity || chan_somebody(&chan->receivers);
}

static inline bool chan_can_take(const pirn_chan *chan) {
    return chan->closed || chan->count || chan_somebody(&chan->senders);
}

/* Closes the channel, whose lock the caller holds, and claims everybody who waits. Returns them
 * before `list`, to be woken with wait_wake_all after unlocking. */
struct waiter *chan_close(struct task *self, pirn_chan *chan, struct waiter *list);

/* The edges that an operation makes when it has been woken from a wait on the channel. */
void chan_woken(struct task *self, struct wait *wait, enum op op);

/* As pirn_chan_new, made at `site`. */
pirn_chan *chan_new(size_t value_size, size_t capacity, const void *site);

/* As pirn_chan_unref, called at `site`. */
void chan_unref(pirn_chan *chan, const void *site);

/* Waits for the deadline on nothing at all: a NULL channel, an empty select, a sleep. Returns
 * -ETIMEDOUT, or -EAGAIN for PIRN_NOW. */
int chan_wait_nothing(struct task *self, const struct place *place, int64_t deadline);

#endif
