/*
 * select.c - runs exactly one of several channel operations.
 *
 * All channels are locked together, in the order of their addresses, so that "none is ready" is
 * true at one instant (S3). If none is, a waiter goes into the queue of each and the task parks;
 * whoever comes first claims the wait, and the woken task takes the other waiters out. It locks
 * every channel for that but the one it was woken through, whose partner has taken out all its
 * waiters there: so when it returns it is certain that the unlocking which followed its parking is
 * over too, and that its stack is its own again.
 */
#include <stdlib.h>

#include "lib/core/chan.h"

enum { INLINE_CASES = 32, MOST_CASES = 65536 };

struct selection {
    pirn_case *cases;
    size_t count;
    struct waiter *waiters; /* one a case; those of NULL channels are unused */
    pirn_chan **locks;      /* the distinct channels, by address */
    size_t lock_count;
    void *memory; /* of the two arrays, where there are many cases */
};

static int by_address(const void *a, const void *b) {
    uintptr_t x = (uintptr_t) * (pirn_chan *const *)a, y = (uintptr_t) * (pirn_chan *const *)b;
    return (x > y) - (x < y);
}

/* Fills in the distinct channels in the order in which they are locked. */
static void order_locks(struct selection *s) {
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < s->count; i++) {
        pirn_chan *chan = s->cases[i].chan;
        size_t at = n;
        if (!chan) continue;
        s->locks[n++] = chan;
        if (s->count > INLINE_CASES) continue;
        for (; at && (uintptr_t)s->locks[at - 1] > (uintptr_t)chan; at--)
            s->locks[at] = s->locks[at - 1];
        s->locks[at] = chan;
    }
    if (s->count > INLINE_CASES) qsort(s->locks, n, sizeof *s->locks, by_address);
    for (size_t i = 0; i < n; i++)
        if (!kept || s->locks[kept - 1] != s->locks[i]) s->locks[kept++] = s->locks[i];
    s->lock_count = kept;
}

static void lock_all(const struct selection *s, const pirn_chan *but) {
    for (size_t i = 0; i < s->lock_count; i++)
        if (s->locks[i] != but) engine_lock(&s->locks[i]->senders);
}

/* Also what follows parking: the selection is on the stack of a task that may go on with the
 * last unlock. */
static void unlock_all(void *selection) {
    const struct selection *s = selection;
    pirn_chan **locks = s->locks;
    for (size_t left = s->lock_count; left; left--) engine_unlock(&(*locks++)->senders);
}

static void unlock_but(const struct selection *s, const pirn_chan *but) {
    for (size_t i = 0; i < s->lock_count; i++)
        if (s->locks[i] != but) engine_unlock(&s->locks[i]->senders);
}

static inline bool ready(const pirn_case *c) {
    if (!c->chan) return false;
    return c->op == PIRN_SEND ? chan_can_offer(c->chan) : chan_can_take(c->chan);
}

/* The first cases of a selection are not ready, which decides what it does: as they are before it does
 * that, which may let others send. */
static void observe(struct task *self, const struct selection *s, size_t count) {
    for (size_t i = 0; ENGINE_MARKS && i < count; i++)
        if (s->cases[i].chan) engine_count(self, &s->cases[i].chan->senders.mark);
}

/*
 * Runs a ready case if there is one; the locks are held. Returns its index or -EAGAIN. A case that
 * was ready because of a waiter may be so no longer when its turn comes: the waiter can be claimed
 * through another channel, or by its deadline, without our locks. Then the search begins anew.
 */
static int64_t run_ready(struct task *self, const struct selection *s, bool first,
                         struct waiter **woken, const void *site) {
    for (;;) {
        size_t count = 0, chosen = 0, i;
        pirn_case *c;

        for (i = 0; i < s->count; i++) {
            if (!ready(&s->cases[i])) continue;
            if (!count++) chosen = i;
            if (first) break;
        }
        if (!count) {
            engine_order(self);
            return -EAGAIN;
        }
        if (count > 1) {
            size_t n = engine_choose(count);
            for (i = chosen; i < s->count; i++)
                if (ready(&s->cases[i]) && n-- == 0) break;
            if (i == s->count) continue;
            chosen = i;
        }
        c = &s->cases[chosen];
        if (first) observe(self, s, chosen);
        if (c->op == PIRN_SEND && !c->chan->closed)
            engine_touch_now(self, c->value, c->chan->value_size, false, site);
        c->status = c->op == PIRN_SEND ? chan_offer(self, c->chan, c->value, woken)
                                       : chan_take(self, c->chan, c->value, woken);
        if (c->status == -EAGAIN) continue;
        return (int64_t)chosen;
    }
}

/* Waits in every queue; the locks are held and released. Returns the index of the case that ran
 * or -ETIMEDOUT. */
static int64_t wait_for_one(struct task *self, const struct place *place, struct selection *s,
                            bool first, int64_t deadline) {
    struct wait *wait = &((struct task_core *)self)->sleep->wait;
    struct waiter *fired;
    const pirn_chan *through;
    size_t waiting = 0;
    int rc;

    for (size_t i = 0; i < s->count; i++) {
        pirn_case *c = &s->cases[i];
        if (!c->chan) continue;
        waiter_init(&s->waiters[waiting++], wait,
                    c->op == PIRN_SEND ? &c->chan->senders : &c->chan->receivers, &c->chan->senders,
                    c->value, (int64_t)i);
    }
    wait_init(wait, self, s->waiters, waiting);
    wait->repeated = waiting > s->lock_count;
    wait->in_order = first;
    wait->memory = s->memory;
    for (size_t i = 0; i < waiting; i++) wait_enqueue(&s->waiters[i]);
    rc = wait_park(wait, place, deadline, unlock_all, s);
    fired = wait->fired;
    through = rc == -ETIMEDOUT ? NULL : s->cases[fired->number].chan;
    lock_all(s, through);
    for (size_t i = 0; i < waiting; i++)
        if (s->cases[s->waiters[i].number].chan != through) wait_dequeue(&s->waiters[i]);
    unlock_but(s, through);
    if (rc == -ETIMEDOUT) return rc;
    s->cases[fired->number].status = rc;
    chan_woken(self, wait, s->cases[fired->number].op == PIRN_SEND ? OP_SEND : OP_RECV);
    return fired->number;
}

static int run_select(pirn_case *cases, size_t count, int64_t deadline, bool first,
                      const void *site) {
    struct task *self = engine_self();
    struct place place = first ? PLACE_ALONE(SELECT_FIRST, site) : PLACE_ALONE(SELECT, site);
    struct waiter inline_waiters[INLINE_CASES], *woken;
    pirn_chan *inline_locks[INLINE_CASES];
    struct selection s = {cases, count, inline_waiters, inline_locks, 0, NULL};
    int64_t rc;

    if (count > MOST_CASES || (count && !cases)) return -EINVAL;
    for (size_t i = 0; i < count; i++)
        if (cases[i].op != PIRN_SEND && cases[i].op != PIRN_RECV) return -EINVAL;
    if (count > INLINE_CASES) {
        s.memory = malloc(count * (sizeof *s.waiters + sizeof *s.locks));
        if (!s.memory) return -ENOMEM;
        s.waiters = s.memory;
        s.locks = (pirn_chan **)(s.waiters + count);
    }
    order_locks(&s);

    engine_intend(self, deadline, 0, cases, count);
    engine_begin(self, &place);
    for (size_t i = 0; i < count; i++)
        engine_select_case(self, cases[i].op == PIRN_SEND ? OP_SEND : OP_RECV,
                           cases[i].chan ? &cases[i].chan->senders : NULL);
    lock_all(&s, NULL);
    rc = run_ready(self, &s, first, &woken, site);
    if (rc >= 0) {
        unlock_all(&s);
        wait_wake(woken);
    } else if (s.lock_count == 0) {
        rc = chan_wait_nothing(self, &place, deadline);
    } else if (deadline == PIRN_NOW) {
        observe(self, &s, count);
        unlock_all(&s);
    } else if (deadline != PIRN_FOREVER && deadline <= engine_now()) {
        unlock_all(&s);
        rc = -ETIMEDOUT;
    } else {
        rc = wait_for_one(self, &place, &s, first, deadline);
    }
    if (UNLIKELY(s.memory != NULL)) free(s.memory);
    if (rc < 0) {
        engine_end(self, rc);
        return (int)rc;
    }
    engine_end_case(self, rc);
    if (cases[rc].op == PIRN_RECV) engine_touch_case(self, rc, cases[rc].value, site);
    place = PLACE(SELECT, CHAN, cases[rc].chan, NULL, site);
    if (cases[rc].op == PIRN_SEND && cases[rc].status == -EPIPE)
        engine_fault(self, FAULT_SEND_ON_CLOSED, &place);
    return (int)rc;
}

EXPORT int pirn_select(pirn_case *cases, size_t count, int64_t deadline) {
    return run_select(cases, count, deadline, false, CALLER());
}

EXPORT int pirn_select_first(pirn_case *cases, size_t count, int64_t deadline) {
    return run_select(cases, count, deadline, true, CALLER());
}
