/*
 * ctx.h - the inside of a context (X1), for ctx.c and group.c.
 *
 * A context begins with its done channel. So the two are one object in reports and traces, with one
 * label, and one count of owners: that of the channel. Contexts with a common ancestor (but for the
 * background) form a tree, which has one lock: that of its root.
 *
 * Invariants
 *   1. A child holds a reference to its parent. The parent's list of children holds none: whoever
 *      gives up a context's last reference takes it out of the list before freeing it.
 *   2. Once a context is cancelled all its descendants are, also those made later.
 *   3. A context is cancelled under the tree's lock, from which nothing is released before `err` is
 *      set and the channel closed in all its descendants. `err` of a parent is set before its
 *      children's, and a parent's channel is closed after theirs. So who has seen the channel
 *      closed sees `err` without the lock, and who has seen `err` sees the rest after passing
 *      through the lock.
 *   4. No task is woken, and no timer armed or disarmed, under the tree's lock. A timer's callback
 *      takes that lock, and disarming waits for the callback.
 *   5. A timer is armed only for a deadline that is earlier than those of all ancestors.
 */
#ifndef CORE_CTX_H
#define CORE_CTX_H

#include "lib/core/chan.h"

struct pirn_ctx {
    pirn_chan done;   /* first */
    pirn_ctx *root;   /* the ancestor below the background */
    waitq tree;       /* of a root: the tree's lock; used as a lock only */
    pirn_ctx *parent; /* NULL: the background */
    /* Under the tree's lock */
    pirn_ctx *children, *next, *previous;
    pirn_ctx *link; /* of those that are being cancelled */
    _Atomic int err;
    int64_t deadline;
    bool timed; /* by a timer of its own */
    struct timer timer;
    bool keyed; /* `key` counts */
    const void *key;
    void *value;
};

/*
 * Makes a child of `parent` (NULL: the background), with the parent's deadline, at the beginning of
 * `size` zeroed bytes, which are freed with it. Returns NULL when memory is short.
 */
pirn_ctx *ctx_new(pirn_ctx *parent, size_t size, const void *site);

/*
 * Cancels the context and its descendants, as an OP_CANCEL at `site`. In the same step, *result
 * becomes `value` if it is 0; NULL: there is none. The tree's lock guards *result.
 */
void ctx_cancel(struct task *self, pirn_ctx *ctx, int *result, int value, const void *site);

#endif
