/* ctx.c - contexts: trees of what is cancelled together; ctx.h has the invariants. */
#include "lib/core/ctx.h"

#include <stdlib.h>

static pirn_ctx background;

/* NULL for the background, which nothing is done to. */
static pirn_ctx *known(pirn_ctx *ctx) { return ctx == &background ? NULL : ctx; }

static void lock(pirn_ctx *ctx) { engine_lock(&ctx->root->tree); }
static void unlock(pirn_ctx *ctx) { engine_unlock(&ctx->root->tree); }

static struct place place_of(enum op op, pirn_ctx *ctx, const void *site) {
    return (struct place){op, OBJECT_CONTEXT, ctx, ctx ? &ctx->done.senders : NULL, site};
}

/* ---- Making and freeing -------------------------------------------------------------------- */

static pirn_ctx *of_channel(pirn_chan *chan) { return (pirn_ctx *)chan; }

/* The last reference is gone. */
static pirn_chan *end(pirn_chan *chan) {
    pirn_ctx *ctx = of_channel(chan), *parent = ctx->parent;

    if (ctx->timed) engine_timer_disarm(&ctx->timer);
    if (!parent) return NULL;
    engine_self(); /* see awaited */
    lock(ctx);
    *(ctx->previous ? &ctx->previous->next : &parent->children) = ctx->next;
    if (ctx->next) ctx->next->previous = ctx->previous;
    unlock(ctx);
    return &parent->done;
}

pirn_ctx *ctx_new(pirn_ctx *parent, size_t size, const void *site) {
    pirn_ctx *ctx = calloc(1, size);
    int err;

    if (!ctx) return NULL;
    parent = known(parent);
    atomic_init(&ctx->done.owners, 1);
    ctx->done.end = end;
    ctx->deadline = PIRN_FOREVER;
    ctx->root = ctx;
    if (parent) {
        engine_self(); /* see awaited */
        pirn_chan_ref(&parent->done);
        ctx->parent = parent;
        ctx->root = parent->root;
        ctx->deadline = parent->deadline;
        lock(ctx);
        ctx->next = parent->children;
        if (ctx->next) ctx->next->previous = ctx;
        parent->children = ctx;
        err = atomic_load_explicit(&parent->err, memory_order_relaxed);
        if (err) {
            atomic_store_explicit(&ctx->err, err, memory_order_relaxed);
            ctx->done.closed = true;
            ctx->done.closed_mark = parent->done.closed_mark;
        }
        unlock(ctx);
    }
    engine_object(&ctx->done.senders, OBJECT_CONTEXT, ctx, 0, 0, site);
    return ctx;
}

EXPORT pirn_ctx *pirn_ctx_background(void) { return &background; }

EXPORT pirn_ctx *pirn_ctx_ref(pirn_ctx *ctx) {
    if (known(ctx)) pirn_chan_ref(&ctx->done);
    return ctx;
}

EXPORT void pirn_ctx_unref(pirn_ctx *ctx) {
    if (known(ctx)) chan_unref(&ctx->done, CALLER());
}

/* ---- Cancelling ---------------------------------------------------------------------------- */

/* Cancels a subtree, whose tree's lock is held. Returns who has waited for it, to be woken after
 * unlocking. No recursion: a chain of contexts may be longer than a stack is deep. */
static struct waiter *cancel(struct task *self, pirn_ctx *ctx, int err) {
    pirn_ctx *left = ctx, *closing = NULL, *child;
    struct waiter *woken = NULL;

    ctx->link = NULL;
    while ((ctx = left)) { /* parents first */
        left = ctx->link;
        atomic_store_explicit(&ctx->err, err, memory_order_release);
        for (child = ctx->children; child; child = child->next) {
            if (atomic_load_explicit(&child->err, memory_order_relaxed)) continue;
            child->link = left;
            left = child;
        }
        ctx->link = closing;
        closing = ctx;
    }
    for (; closing; closing = closing->link) { /* children first */
        engine_lock(&closing->done.senders);
        woken = chan_close(self, &closing->done, woken);
        engine_unlock(&closing->done.senders);
    }
    return woken;
}

static bool cancelled(const pirn_ctx *ctx) {
    return atomic_load_explicit(&ctx->err, memory_order_relaxed) != 0;
}

/* The first cause wins. Returns whether this is it. The place has been begun. */
static bool cancel_with(struct task *self, pirn_ctx *ctx, int err, int *result, int value) {
    struct waiter *woken = NULL;
    bool first;

    lock(ctx);
    if (result && !*result) *result = value;
    first = !cancelled(ctx);
    if (first)
        woken = cancel(self, ctx, err);
    else
        engine_acquire(self, &ctx->done.closed_mark, EDGE_CLOSE);
    unlock(ctx);
    wait_wake_all(woken);
    return first;
}

void ctx_cancel(struct task *self, pirn_ctx *ctx, int *result, int value, const void *site) {
    struct place place = place_of(OP_CANCEL, ctx, site);
    engine_begin(self, &place);
    /* Who sees it cancelled may give up the last reference before this returns. */
    pirn_chan_ref(&ctx->done);
    engine_end(self, cancel_with(self, ctx, -ECANCELED, result, value));
    if (ctx->timed) engine_timer_disarm(&ctx->timer);
    chan_unref(&ctx->done, site);
}

EXPORT void pirn_ctx_cancel(pirn_ctx *ctx) {
    if (known(ctx)) ctx_cancel(engine_self(), ctx, NULL, 0, CALLER());
}

/* ---- Making children ----------------------------------------------------------------------- */

EXPORT pirn_ctx *pirn_ctx_with_cancel(pirn_ctx *parent) {
    return ctx_new(parent, sizeof(pirn_ctx), CALLER());
}

EXPORT pirn_ctx *pirn_ctx_with_value(pirn_ctx *parent, const void *key, void *value) {
    pirn_ctx *ctx = ctx_new(parent, sizeof *ctx, CALLER());
    if (!ctx) return NULL;
    ctx->keyed = true;
    ctx->key = key;
    ctx->value = value;
    return ctx;
}

static pirn_ctx *of_timer(struct timer_core *timer) {
    return (pirn_ctx *)((char *)timer - offsetof(struct pirn_ctx, timer));
}

static void expire(struct timer_core *timer, struct task *clock) {
    pirn_ctx *ctx = of_timer(timer);
    struct place place = place_of(OP_FIRE, ctx, NULL);
    engine_begin(clock, &place);
    cancel_with(clock, ctx, -ETIMEDOUT, NULL, 0);
    engine_end(clock, 0);
}

/*
 * Whether somebody waits for the context or a descendant, which would be cancelled with it. This is
 * asked when no task can run and no known thread of the program could; so whoever changes the tree
 * makes itself known first.
 */
static bool awaited(struct timer_core *timer) {
    pirn_ctx *top = of_timer(timer), *ctx = top;
    if (cancelled(top)) return false;
    for (;;) {
        if (ctx->done.receivers.first) return true;
        if (ctx->children) {
            ctx = ctx->children;
            continue;
        }
        while (ctx != top && !ctx->next) ctx = ctx->parent;
        if (ctx == top) return false;
        ctx = ctx->next;
    }
}

static const struct timer_kind deadline_timer = {.fire = expire, .awaited = awaited};

EXPORT pirn_ctx *pirn_ctx_with_deadline(pirn_ctx *parent, int64_t deadline) {
    struct task *self = engine_self();
    pirn_ctx *ctx = ctx_new(parent, sizeof *ctx, CALLER());

    if (!ctx) return NULL;
    if (deadline < ctx->deadline)
        ctx->deadline = deadline;
    else
        deadline = PIRN_FOREVER; /* the parent's timer does it */
    if (cancelled(ctx) || deadline == PIRN_FOREVER) return ctx;
    if (deadline <= engine_now()) {
        cancel_with(self, ctx, -ETIMEDOUT, NULL, 0);
    } else {
        ctx->timer.core.kind = &deadline_timer;
        ctx->timed = true;
        if (engine_timer_arm(&ctx->timer, deadline) != 0) {
            pirn_chan_unref(&ctx->done);
            return NULL;
        }
    }
    return ctx;
}

/* ---- Asking -------------------------------------------------------------------------------- */

EXPORT pirn_chan *pirn_ctx_done(pirn_ctx *ctx) { return known(ctx) ? &ctx->done : NULL; }

EXPORT int pirn_ctx_err(pirn_ctx *ctx) {
    struct task *self = engine_self();
    struct place place = place_of(OP_ERR, known(ctx), CALLER());
    int err = 0;

    engine_begin(self, &place);
    if (known(ctx)) err = atomic_load_explicit(&ctx->err, memory_order_acquire);
    if (err) { /* invariant 3: until the channels are closed too */
        lock(ctx);
        unlock(ctx);
        engine_acquire(self, &ctx->done.closed_mark, EDGE_CLOSE);
    }
    engine_end(self, err);
    return err;
}

EXPORT int64_t pirn_ctx_deadline(pirn_ctx *ctx) {
    return known(ctx) ? ctx->deadline : PIRN_FOREVER;
}

EXPORT void *pirn_ctx_value(pirn_ctx *ctx, const void *key) {
    for (ctx = known(ctx); ctx; ctx = ctx->parent)
        if (ctx->keyed && ctx->key == key) return ctx->value;
    return NULL;
}
