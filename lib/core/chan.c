/* chan.c - channels; chan.h has the invariants, SEMANTICS the rules that comments number. */
#include "lib/core/chan.h"

#include <stdlib.h>
#include <string.h>

#include "lib/core/label.h"
#include "lib/core/report.h"
#include "lib/core/timer.h"

static void lock(pirn_chan *chan) { engine_lock(&chan->senders); }
static void unlock(pirn_chan *chan) { engine_unlock(&chan->senders); }

static unsigned char *slot(const pirn_chan *chan, size_t index) {
    return chan->buffer + index * chan->value_size;
}

static size_t tail(const pirn_chan *chan) {
    size_t index = chan->head + chan->count;
    return index < chan->capacity ? index : index - chan->capacity;
}

static void advance(pirn_chan *chan) {
    if (++chan->head >= chan->capacity) chan->head = 0;
}

static inline void copy_in(const pirn_chan *chan, void *to, const void *from) {
    size_t size = chan->value_size;
    if (!to) return;
    if (UNLIKELY(!from))
        memset(to, 0, size);
    else if (LIKELY(size == 8)) /* a word, mostly, and then it needs no call */
        memcpy(to, from, 8);
    else if (LIKELY(size == 4))
        memcpy(to, from, 4);
    else if (size)
        memcpy(to, from, size);
}

/* ---- Making and freeing -------------------------------------------------------------------- */

pirn_chan *chan_new(size_t value_size, size_t capacity, const void *site) {
    size_t values, marks = 0, size;
    pirn_chan *chan;

    if (__builtin_mul_overflow(value_size, capacity, &values)) return NULL;
    if (ENGINE_MARKS && __builtin_mul_overflow(capacity, 2 * sizeof(uint64_t), &marks)) return NULL;
    if (__builtin_add_overflow(sizeof *chan + marks, values, &size) || size > PTRDIFF_MAX)
        return NULL;
    chan = malloc(size);
    if (!chan) return NULL;
    memset(chan, 0, sizeof *chan + marks);
    chan->value_size = value_size;
    chan->capacity = capacity;
    atomic_init(&chan->owners, 1);
    if (ENGINE_MARKS) {
        chan->sent = (uint64_t *)(chan + 1);
        chan->taken = chan->sent + capacity;
    }
    chan->buffer = (unsigned char *)(chan + 1) + marks;
    engine_object(&chan->senders, OBJECT_CHAN, chan, capacity, value_size, site);
    return chan;
}

EXPORT pirn_chan *pirn_chan_new(size_t value_size, size_t capacity) {
    return chan_new(value_size, capacity, CALLER());
}

EXPORT pirn_chan *pirn_chan_ref(pirn_chan *chan) {
    if (chan) atomic_fetch_add_explicit(&chan->owners, 1, memory_order_relaxed);
    return chan;
}

void chan_unref(pirn_chan *chan, const void *site) {
    while (chan && atomic_fetch_sub_explicit(&chan->owners, 1, memory_order_acq_rel) == 1) {
        pirn_chan *next = NULL;
        if (chan->timer) timer_discard(chan->timer);
        if (chan->end) next = chan->end(chan);
        if (chan->senders.first || chan->receivers.first) {
            struct place place = PLACE(NONE, CHAN, chan, &chan->senders, site);
            misuse(engine_self(), &place,
                   "the last reference to a channel was given up while a task is blocked on it");
        }
        engine_object_end(&chan->senders, chan);
        label_forget(chan);
        free(chan);
        chan = next;
    }
}

EXPORT void pirn_chan_unref(pirn_chan *chan) { chan_unref(chan, CALLER()); }

/* ---- The operations under the lock --------------------------------------------------------- */

/*
 * A waiter has been taken out whose task waits in a select that names this channel several times.
 * Of its cases that have become ready, which are those of both queues when the channel is closed,
 * each is as likely (S2), or the first one runs; all of them leave the channel.
 */
static __attribute__((noinline)) struct waiter *choose_case(pirn_chan *chan, waitq *queue,
                                                            struct waiter *waiter) {
    const struct wait *wait = waiter->wait;
    struct waiter *chosen = waiter;
    size_t ready = 0, pick;

    for (size_t i = 0; i < wait->count; i++) {
        const struct waiter *other = &wait->waiters[i];
        if (other->guard != &chan->senders || (other != waiter && !other->queued)) continue;
        ready += chan->closed || other->queue == queue;
    }
    pick = wait->in_order ? 0 : engine_choose(ready);
    for (size_t i = 0; i < wait->count; i++) {
        struct waiter *other = &wait->waiters[i];
        if (other->guard != &chan->senders || (other != waiter && !other->queued)) continue;
        if ((chan->closed || other->queue == queue) && pick-- == 0) chosen = other;
        wait_dequeue(other);
    }
    return chosen;
}

/* The oldest waiter of the queue that can be claimed, taken out; NULL: none. */
static inline struct waiter *next_waiter(pirn_chan *chan, waitq *queue) {
    struct waiter *waiter = wait_next(queue);
    if (!waiter || LIKELY(!waiter->wait->repeated)) return waiter;
    return choose_case(chan, queue, waiter);
}

static inline int offer(struct task *self, pirn_chan *chan, const void *value,
                        struct waiter **woken) {
    struct waiter *receiver;
    size_t at;

    *woken = NULL;
    if (chan->closed) { /* C5: also when there is room */
        engine_acquire(self, &chan->closed_mark, EDGE_CLOSE);
        return -EPIPE;
    }
    if ((receiver = next_waiter(chan, &chan->receivers))) {
        copy_in(chan, receiver->value, value);
        if (ENGINE_MARKS && chan->capacity) {
            engine_number(self, &chan->senders.mark);
            engine_acquire(self, &chan->taken[chan->head], EDGE_SLOT);
            chan->taken[chan->head] = receiver->arrival;
            advance(chan);
        } else {
            engine_acquire(self, &receiver->arrival, EDGE_SLOT);
        }
        wait_end(self, receiver, 0);
        *woken = receiver;
        return 0;
    }
    if (chan->count == chan->capacity) {
        engine_order(self);
        return -EAGAIN;
    }
    at = tail(chan);
    copy_in(chan, slot(chan, at), value);
    chan->count++;
    if (ENGINE_MARKS) {
        engine_number(self, &chan->senders.mark);
        engine_acquire(self, &chan->taken[at], EDGE_SLOT);
        engine_release(self, &chan->sent[at]);
    }
    return 0;
}

int chan_offer(struct task *self, pirn_chan *chan, const void *value, struct waiter **woken) {
    return offer(self, chan, value, woken);
}

static inline int take(struct task *self, pirn_chan *chan, void *value, struct waiter **woken) {
    struct waiter *sender;
    size_t at = chan->head;

    *woken = NULL;
    if (chan->count) { /* C8: also when closed */
        copy_in(chan, value, slot(chan, at));
        if (ENGINE_MARKS) {
            engine_acquire(self, &chan->sent[at], EDGE_MESSAGE);
            engine_release(self, &chan->taken[at]);
        }
        advance(chan);
        if ((sender = next_waiter(chan, &chan->senders))) { /* C4: into the slot that became free */
            engine_touch_offered(sender->wait->task, sender->value, chan->value_size);
            copy_in(chan, slot(chan, at), sender->value);
            if (ENGINE_MARKS) {
                engine_number(sender->wait->task, &chan->senders.mark);
                chan->sent[at] = sender->arrival;
            }
            wait_end(self, sender, 0);
            *woken = sender;
        } else {
            chan->count--;
        }
        return 0;
    }
    if (chan->closed) {
        if (value) memset(value, 0, chan->value_size);
        engine_acquire(self, &chan->closed_mark, EDGE_CLOSE);
        return -EPIPE;
    }
    if ((sender = next_waiter(chan, &chan->senders))) { /* a rendezvous */
        engine_touch_offered(sender->wait->task, sender->value, chan->value_size);
        copy_in(chan, value, sender->value);
        engine_acquire(self, &sender->arrival, EDGE_MESSAGE);
        wait_end(self, sender, 0);
        *woken = sender;
        return 0;
    }
    engine_order(self);
    return -EAGAIN;
}

int chan_take(struct task *self, pirn_chan *chan, void *value, struct waiter **woken) {
    return take(self, chan, value, woken);
}

void chan_woken(struct task *self, struct wait *wait, enum op op) {
    enum edge_kind kind = wait->result == -EPIPE ? EDGE_CLOSE
                          : op == OP_RECV        ? EDGE_MESSAGE
                                                 : EDGE_SLOT;
    engine_acquire(self, &wait->mark, kind);
    (void)self;
    (void)kind;
}

int chan_wait_nothing(struct task *self, const struct place *place, int64_t deadline) {
    if (deadline == PIRN_NOW) return -EAGAIN;
    if (deadline != PIRN_FOREVER && deadline <= engine_now()) return -ETIMEDOUT;
    return wait_park(&wait_in_none(self)->wait, place, deadline, NULL, NULL);
}

/* ---- The operations ------------------------------------------------------------------------ */

/* Waits in the queue of senders or receivers, and ends the operation; the lock is held and released.
 * Not inlined, so that operations that need not wait have small frames. */
static __attribute__((noinline)) int wait_in(struct task *self, pirn_chan *chan, enum op op,
                                             void *value, int64_t deadline, const void *site) {
    struct place place = {op, OBJECT_CHAN, chan, &chan->senders, site};
    size_t size = chan->value_size;
    struct sleep *sleep;
    int rc;

    if (deadline != PIRN_FOREVER && deadline <= engine_now()) {
        unlock(chan);
        rc = -ETIMEDOUT;
    } else {
        sleep = wait_in_one(self, op == OP_SEND ? &chan->senders : &chan->receivers, &chan->senders,
                            value, 0);
        wait_enqueue(&sleep->waiter);
        rc = wait_park_queued(&sleep->wait, &place, deadline);
        if (rc != -ETIMEDOUT) chan_woken(self, &sleep->wait, op);
    }
    engine_end(self, rc);
    if ((rc == 0 || rc == -EPIPE) && op == OP_RECV) engine_touch(value, size, true, site);
    if (UNLIKELY(rc == -EPIPE) && op == OP_SEND) engine_fault(self, FAULT_SEND_ON_CLOSED, &place);
    return rc;
}

/* An operation on a NULL channel. */
static int use_null(enum op op, int64_t deadline, const void *site) {
    struct task *self = engine_self();
    struct place place = {op, OBJECT_CHAN, NULL, NULL, site};
    int rc;

    engine_intend_until(self, deadline);
    engine_begin(self, &place);
    rc = chan_wait_nothing(self, &place, deadline);
    engine_end(self, rc);
    return rc;
}

static inline int send_value(pirn_chan *chan, const void *value, int64_t deadline,
                             const void *site) {
    enum op op = deadline == PIRN_NOW ? OP_TRY_SEND : OP_SEND;
    struct task *self;
    struct place place;
    struct waiter *woken;
    int rc;

    if (UNLIKELY(!chan)) return use_null(op, deadline, site);
    self = engine_self();
    place = (struct place){op, OBJECT_CHAN, chan, &chan->senders, site};
    engine_touch(value, chan->value_size, false, site);
    engine_intend_until(self, deadline);
    engine_begin(self, &place);
    lock(chan);
    rc = offer(self, chan, value, &woken);
    if (UNLIKELY(rc == -EAGAIN) && deadline != PIRN_NOW)
        return wait_in(self, chan, OP_SEND, (void *)(uintptr_t)value, deadline, site);
    if (UNLIKELY(rc == -EAGAIN)) engine_count(self, &chan->senders.mark);
    unlock(chan);
    wait_wake(woken);
    engine_end(self, rc);
    if (UNLIKELY(rc == -EPIPE)) engine_fault(self, FAULT_SEND_ON_CLOSED, &place);
    return rc;
}

static inline __attribute__((always_inline)) int receive(pirn_chan *chan, void *value,
                                                         int64_t deadline, const void *site) {
    enum op op = deadline == PIRN_NOW ? OP_TRY_RECV : OP_RECV;
    struct task *self;
    struct place place;
    struct waiter *woken;
    size_t size;
    int rc;

    if (UNLIKELY(!chan)) return use_null(op, deadline, site);
    self = engine_self();
    place = (struct place){op, OBJECT_CHAN, chan, &chan->senders, site};
    engine_intend_until(self, deadline);
    engine_begin(self, &place);
    lock(chan);
    rc = take(self, chan, value, &woken);
    if (UNLIKELY(rc == -EAGAIN) && deadline != PIRN_NOW)
        return wait_in(self, chan, OP_RECV, value, deadline, site);
    if (UNLIKELY(rc == -EAGAIN)) engine_count(self, &chan->senders.mark);
    size = chan->value_size;
    unlock(chan);
    wait_wake(woken);
    engine_end(self, rc);
    if (rc == 0 || rc == -EPIPE) engine_touch(value, size, true, site);
    return rc;
}

EXPORT int pirn_send(pirn_chan *chan, const void *value) {
    return send_value(chan, value, PIRN_FOREVER, CALLER());
}

EXPORT int pirn_try_send(pirn_chan *chan, const void *value) {
    return send_value(chan, value, PIRN_NOW, CALLER());
}

EXPORT int pirn_send_until(pirn_chan *chan, const void *value, int64_t deadline) {
    return send_value(chan, value, deadline, CALLER());
}

EXPORT int pirn_recv(pirn_chan *chan, void *value) {
    return receive(chan, value, PIRN_FOREVER, CALLER());
}

EXPORT int pirn_try_recv(pirn_chan *chan, void *value) {
    return receive(chan, value, PIRN_NOW, CALLER());
}

EXPORT int pirn_recv_until(pirn_chan *chan, void *value, int64_t deadline) {
    return receive(chan, value, deadline, CALLER());
}

/* Claims everybody in the queue and puts them before `list`. */
static struct waiter *dismiss(struct task *self, pirn_chan *chan, waitq *queue,
                              struct waiter *list) {
    struct waiter *waiter;
    while ((waiter = next_waiter(chan, queue))) {
        if (waiter->queue == &chan->receivers && waiter->value)
            memset(waiter->value, 0, chan->value_size);
        wait_end(self, waiter, -EPIPE);
        waiter->next = list;
        list = waiter;
    }
    return list;
}

struct waiter *chan_close(struct task *self, pirn_chan *chan, struct waiter *list) {
    chan->closed = true;
    engine_release(self, &chan->closed_mark);
    list = dismiss(self, chan, &chan->senders, list); /* C7: all in one step */
    return dismiss(self, chan, &chan->receivers, list);
}

EXPORT int pirn_close(pirn_chan *chan) {
    struct task *self = engine_self();
    struct place place = PLACE(CLOSE, CHAN, chan, chan ? &chan->senders : NULL, CALLER());
    struct waiter *woken;

    engine_begin(self, &place);
    if (!chan) {
        engine_end(self, -EINVAL);
        engine_fault(self, FAULT_CLOSE_NULL, &place);
        return -EINVAL;
    }
    lock(chan);
    if (chan->closed) {
        engine_acquire(self, &chan->closed_mark, EDGE_CLOSE);
        unlock(chan);
        engine_end(self, -EPIPE);
        engine_fault(self, FAULT_DOUBLE_CLOSE, &place);
        return -EPIPE;
    }
    woken = chan_close(self, chan, NULL);
    unlock(chan);
    wait_wake_all(woken);
    engine_end(self, 0);
    return 0;
}

EXPORT size_t pirn_chan_len(const pirn_chan *chan) {
    struct task *self = engine_self();
    pirn_chan *c = (pirn_chan *)(uintptr_t)chan;
    struct place place = PLACE(LEN, CHAN, c, c ? &c->senders : NULL, CALLER());
    size_t count;

    if (!c) return 0;
    engine_begin(self, &place);
    lock(c);
    count = c->of_timer ? 0 : c->count;
    engine_count(self, &c->senders.mark);
    engine_order(self);
    unlock(c);
    engine_end(self, (int64_t)count);
    return count;
}

EXPORT size_t pirn_chan_cap(const pirn_chan *chan) {
    return chan && !chan->of_timer ? chan->capacity : 0;
}
