/* test_ctx.c - contexts: cancellation, deadlines, values, references; the rule X1. */
#include "tests/support.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>

static bool done(pirn_ctx *ctx) { return pirn_try_recv(pirn_ctx_done(ctx), NULL) == -EPIPE; }

/* Checks all that there is to see of whether a context is cancelled, and why. */
#define check_state(ctx, error) check_state_at(ctx, error, __LINE__)
static void check_state_at(pirn_ctx *ctx, int error, int line) {
    check_equal_at(pirn_ctx_err(ctx), error, "pirn_ctx_err", __FILE__, line);
    check_equal_at(pirn_try_recv(pirn_ctx_done(ctx), NULL), error ? -EPIPE : -EAGAIN,
                   "what the done channel gives", __FILE__, line);
}

/* ---- The background ------------------------------------------------------------------------ */

static void use_background(void *arg) {
    pirn_ctx *all[] = {pirn_ctx_background(), NULL};
    (void)arg;
    check(all[0] != NULL);
    check(all[0] == pirn_ctx_background());
    for (int i = 0; i < 2; i++) {
        pirn_ctx *ctx = all[i];
        check(pirn_ctx_done(ctx) == NULL);
        check_equal(pirn_ctx_deadline(ctx), PIRN_FOREVER);
        check(pirn_ctx_value(ctx, "key") == NULL);
        check(pirn_ctx_value(ctx, NULL) == NULL);
        pirn_ctx_cancel(ctx);
        check_equal(pirn_ctx_err(ctx), 0);
        check(pirn_ctx_ref(ctx) == ctx);
        pirn_ctx_unref(ctx);
        pirn_ctx_unref(ctx);
        pirn_ctx_unref(ctx);
        pirn_ctx *child = pirn_ctx_with_cancel(ctx);
        if (!check(child != NULL)) return;
        check_state(child, 0);
        check_equal(pirn_ctx_deadline(child), PIRN_FOREVER);
        pirn_ctx_cancel(child);
        check_state(child, -ECANCELED);
        check_equal(pirn_ctx_err(ctx), 0);
        pirn_ctx_unref(child);
    }
}

static void background_is_never_cancelled(void) {
    run_body(use_background, NULL);
    use_background(NULL); /* needs no runtime */
    conclude("without a runtime");
}

/* ---- Cancelling ---------------------------------------------------------------------------- */

static void cancel_one(void *arg) {
    pirn_ctx *ctx = pirn_ctx_with_cancel(NULL);
    pirn_chan *chan = pirn_ctx_done(ctx);
    (void)arg;
    check(chan != NULL);
    check_equal(pirn_chan_cap(chan), 0);
    check_state(ctx, 0);
    check_equal(pirn_recv_until(chan, NULL, pirn_now() + PIRN_USEC), -ETIMEDOUT);
    for (int i = 0; i < 3; i++) { /* X1: idempotent */
        pirn_ctx_cancel(ctx);
        check_state(ctx, -ECANCELED);
        check(pirn_ctx_done(ctx) == chan);
        check_equal(pirn_recv(chan, NULL), -EPIPE);
    }
    pirn_ctx_unref(ctx);
}

static void cancelling_closes_done_for_good(void) { run_body(cancel_one, NULL); }

enum { TOP, LEFT, RIGHT, LEFT_CHILD, LEFT_VALUE, LEFT_GRANDCHILD, OTHER, FAMILY };

/* A tree below TOP, which is a child of the background as OTHER is. */
static void make_family(pirn_ctx *all[FAMILY]) {
    all[TOP] = pirn_ctx_with_cancel(pirn_ctx_background());
    all[LEFT] = pirn_ctx_with_cancel(all[TOP]);
    all[RIGHT] = pirn_ctx_with_cancel(all[TOP]);
    all[LEFT_CHILD] = pirn_ctx_with_deadline(all[LEFT], pirn_now() + 3600 * PIRN_SEC);
    all[LEFT_VALUE] = pirn_ctx_with_value(all[LEFT], &all[0], all);
    all[LEFT_GRANDCHILD] = pirn_ctx_with_cancel(all[LEFT_VALUE]);
    all[OTHER] = pirn_ctx_with_cancel(NULL);
    for (int i = 0; i < FAMILY; i++) check(all[i] != NULL);
}

static void cancel_family(void *arg) {
    static const char descends[FAMILY][FAMILY] = {
        [TOP] = {1, 1, 1, 1, 1, 1, 0},
        [LEFT] = {0, 1, 0, 1, 1, 1, 0},
        [RIGHT] = {[RIGHT] = 1},
        [LEFT_CHILD] = {[LEFT_CHILD] = 1},
        [LEFT_VALUE] = {[LEFT_VALUE] = 1, [LEFT_GRANDCHILD] = 1},
        [LEFT_GRANDCHILD] = {[LEFT_GRANDCHILD] = 1},
        [OTHER] = {[OTHER] = 1},
    };
    (void)arg;
    for (int which = 0; which < FAMILY; which++) {
        pirn_ctx *all[FAMILY];
        make_family(all);
        pirn_ctx_cancel(all[which]);
        for (int i = 0; i < FAMILY; i++) check_state(all[i], descends[which][i] ? -ECANCELED : 0);
        pirn_ctx_cancel(all[TOP]); /* also where a part has been cancelled before */
        for (int i = 0; i < FAMILY; i++)
            check_state(all[i], i != OTHER || which == OTHER ? -ECANCELED : 0);
        for (int i = 0; i < FAMILY; i++) pirn_ctx_unref(all[(i + which) % FAMILY]);
    }
}

static void descendants_are_cancelled_and_nobody_else(void) { run_body(cancel_family, NULL); }

static void cancel_before(void *arg) {
    pirn_ctx *parent = pirn_ctx_with_cancel(NULL), *children[4];
    int value;
    (void)arg;
    pirn_ctx_cancel(parent);
    children[0] = pirn_ctx_with_cancel(parent);
    children[1] = pirn_ctx_with_value(parent, &value, &value);
    children[2] = pirn_ctx_with_deadline(parent, pirn_now() + PIRN_SEC);
    children[3] = pirn_ctx_with_deadline(parent, PIRN_NOW); /* the first cause is the parent's */
    for (int i = 0; i < 4; i++) {
        check_state(children[i], -ECANCELED);
        pirn_ctx_unref(children[i]);
    }
    pirn_ctx_unref(parent);
}

static void child_of_a_cancelled_parent_is_cancelled(void) { run_body(cancel_before, NULL); }

struct waiting {
    pirn_ctx *ctx, *other;
    pirn_waitgroup tasks;
    atomic_int woken;
};

static void wait_for_done(void *arg) {
    struct waiting *w = arg;
    check_equal(pirn_recv(pirn_ctx_done(w->ctx), NULL), -EPIPE);
    check_equal(pirn_ctx_err(w->ctx), -ECANCELED); /* X1: in the same step */
    atomic_fetch_add(&w->woken, 1);
}

static void select_done(void *arg) {
    struct waiting *w = arg;
    pirn_chan *never = pirn_chan_new(0, 0);
    pirn_case cases[] = {PIRN_CASE_RECV(never, NULL), PIRN_CASE_RECV(pirn_ctx_done(w->ctx), NULL),
                         PIRN_CASE_RECV(pirn_ctx_done(w->other), NULL),
                         PIRN_CASE_RECV(pirn_ctx_done(w->ctx), NULL),
                         PIRN_CASE_RECV(pirn_ctx_done(NULL), NULL)};
    int index = pirn_select(cases, 5, PIRN_FOREVER);
    check(index >= 1 && index <= 3);
    check_equal(cases[index].status, -EPIPE);
    check_equal(pirn_ctx_err(w->ctx), -ECANCELED);
    check_equal(pirn_ctx_err(w->other), -ECANCELED);
    pirn_chan_unref(never);
    atomic_fetch_add(&w->woken, 1);
}

static void wake_all(void *arg) {
    pirn_ctx *parent = pirn_ctx_with_cancel(NULL), *child = pirn_ctx_with_cancel(parent);
    struct waiting on_parent = {.ctx = parent, .other = child},
                   on_child = {.ctx = child, .other = parent}, *both[] = {&on_parent, &on_child};
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 3; k++) {
            check_equal(pirn_waitgroup_go(&both[i]->tasks, wait_for_done, both[i]), 0);
            check_equal(pirn_waitgroup_go(&both[i]->tasks, select_done, both[i]), 0);
        }
    if (arg) settle();
    check_equal(on_parent.woken + on_child.woken, 0);
    pirn_ctx_cancel(parent);
    for (int i = 0; i < 2; i++) {
        pirn_waitgroup_wait(&both[i]->tasks);
        check_equal(both[i]->woken, 6);
    }
    pirn_ctx_unref(child);
    pirn_ctx_unref(parent);
}

static void everybody_who_waits_is_woken(void) {
    run_settled(wake_all, (void *)1);
    run_body(wake_all, NULL);
}

struct watched {
    pirn_ctx *parent, *child;
    pirn_waitgroup tasks;
};

/* X1: what has been seen of one context holds for its done channel and its descendants. */
static void watch(void *arg) {
    struct watched *w = arg;
    for (bool over = false; !over;) {
        switch (pirn_choose(3)) {
        case 0:
            over = pirn_ctx_err(w->parent) != 0;
            break;
        case 1:
            over = done(w->parent);
            break;
        default:
            pirn_yield();
            continue;
        }
        if (!over) continue;
        check(done(w->parent) && done(w->child));
        check_equal(pirn_ctx_err(w->parent), -ECANCELED);
        check_equal(pirn_ctx_err(w->child), -ECANCELED);
    }
}

static void watch_child(void *arg) {
    struct watched *w = arg;
    while (!done(w->child)) pirn_yield();
    check_equal(pirn_ctx_err(w->child), -ECANCELED);
    check_equal(pirn_ctx_err(w->parent), -ECANCELED); /* nothing else cancels the child */
    check(done(w->parent));
}

static void cancel_while_watched(void *arg) {
    (void)arg;
    for (int i = 0; i < MANY(200, 1); i++) {
        struct watched w = {.parent = pirn_ctx_with_cancel(NULL)};
        w.child = pirn_ctx_with_cancel(w.parent);
        for (int k = 0; k < 2; k++) check_equal(pirn_waitgroup_go(&w.tasks, watch, &w), 0);
        check_equal(pirn_waitgroup_go(&w.tasks, watch_child, &w), 0);
        pirn_yield();
        pirn_ctx_cancel(w.parent);
        pirn_waitgroup_wait(&w.tasks);
        pirn_ctx_unref(w.parent);
        pirn_ctx_unref(w.child);
    }
}

static void cancelling_is_one_step(void) { run_body(cancel_while_watched, NULL); }

/* ---- Deadlines ----------------------------------------------------------------------------- */

static void reach_deadline(void *arg) {
    int64_t deadline = pirn_now() + PIRN_MSEC;
    pirn_ctx *ctx = pirn_ctx_with_deadline(NULL, deadline), *child, *grandchild;
    (void)arg;
    if (!check(ctx != NULL)) return;
    child = pirn_ctx_with_value(ctx, ctx, NULL);
    grandchild = pirn_ctx_with_cancel(child);
    check_equal(pirn_ctx_deadline(ctx), deadline);
    check_equal(pirn_ctx_deadline(grandchild), deadline);
    check_equal(pirn_recv(pirn_ctx_done(grandchild), NULL), -EPIPE);
    check(pirn_now() >= deadline);
    check_state(grandchild, -ETIMEDOUT);
    check_state(child, -ETIMEDOUT);
    check_state(ctx, -ETIMEDOUT);
    pirn_ctx_cancel(ctx);
    check_state(ctx, -ETIMEDOUT); /* X1: the first cause */
    pirn_ctx_unref(ctx);
    pirn_ctx_unref(grandchild);
    pirn_ctx_unref(child);
}

static void deadline_cancels_with_timedout(void) { run_body(reach_deadline, NULL); }

static void nest_deadlines(void *arg) {
    int64_t start = pirn_now();
    pirn_ctx *parent = pirn_ctx_with_deadline(NULL, start + 4 * PIRN_MSEC),
             *later = pirn_ctx_with_deadline(parent, start + 3600 * PIRN_SEC),
             *never = pirn_ctx_with_deadline(parent, PIRN_FOREVER),
             *same = pirn_ctx_with_deadline(parent, start + 4 * PIRN_MSEC),
             *earlier = pirn_ctx_with_deadline(later, start + 2 * PIRN_MSEC),
             *of_earlier = pirn_ctx_with_deadline(earlier, start + 3 * PIRN_MSEC);
    (void)arg;
    check_equal(pirn_ctx_deadline(later), start + 4 * PIRN_MSEC);
    check_equal(pirn_ctx_deadline(never), start + 4 * PIRN_MSEC);
    check_equal(pirn_ctx_deadline(same), start + 4 * PIRN_MSEC);
    check_equal(pirn_ctx_deadline(earlier), start + 2 * PIRN_MSEC);
    check_equal(pirn_ctx_deadline(of_earlier), start + 2 * PIRN_MSEC);
    check_equal(pirn_recv(pirn_ctx_done(of_earlier), NULL), -EPIPE);
    check(pirn_now() >= start + 2 * PIRN_MSEC);
    check_state(earlier, -ETIMEDOUT);
    if (SIMULATED && arg) check_state(parent, 0);
    check_equal(pirn_recv(pirn_ctx_done(later), NULL), -EPIPE);
    check(pirn_now() >= start + 4 * PIRN_MSEC);
    check_state(later, -ETIMEDOUT);
    check_state(never, -ETIMEDOUT);
    check_state(same, -ETIMEDOUT);
    check_state(parent, -ETIMEDOUT);
    pirn_ctx *all[] = {parent, later, never, same, earlier, of_earlier};
    for (int i = 0; i < 6; i++) pirn_ctx_unref(all[i]);
}

static void earliest_deadline_wins(void) {
    run_settled(nest_deadlines, (void *)1);
    run_body(nest_deadlines, NULL);
}

/* The parent's deadline is over, but its timer may not have fired yet. */
static void follow_late_parent(void *arg) {
    int64_t start = pirn_now();
    pirn_ctx *parent = pirn_ctx_with_deadline(NULL, start + 200 * PIRN_USEC), *child;
    (void)arg;
    while (!SIMULATED && pirn_now() < start + 300 * PIRN_USEC) {
    }
    child = pirn_ctx_with_deadline(parent, start + 3600 * PIRN_SEC);
    if (pirn_ctx_err(child)) check_equal(pirn_ctx_err(parent), -ETIMEDOUT);
    check_equal(pirn_recv(pirn_ctx_done(child), NULL), -EPIPE);
    check_state(parent, -ETIMEDOUT);
    check_state(child, -ETIMEDOUT);
    pirn_ctx_unref(parent);
    pirn_ctx_unref(child);
}

static void child_is_not_cancelled_before_its_parent(void) { run_body(follow_late_parent, NULL); }

static void deadlines_past(void *arg) {
    int64_t past[] = {pirn_now() - 1, pirn_now(), 0, -1, PIRN_NOW};
    pirn_ctx *parent = pirn_ctx_with_deadline(NULL, pirn_now() + 3600 * PIRN_SEC);
    (void)arg;
    for (int i = 0; i < 5; i++) {
        pirn_ctx *ctx = pirn_ctx_with_deadline(i % 2 ? parent : NULL, past[i]);
        check_state(ctx, -ETIMEDOUT);
        check_equal(pirn_ctx_deadline(ctx), past[i]);
        pirn_ctx *child = pirn_ctx_with_cancel(ctx);
        check_state(child, -ETIMEDOUT);
        pirn_ctx_cancel(child);
        check_state(child, -ETIMEDOUT);
        pirn_ctx_unref(ctx);
        pirn_ctx_unref(child);
    }
    check_state(parent, 0);
    pirn_ctx_unref(parent);
}

static void past_deadline_cancels_at_once(void) { run_body(deadlines_past, NULL); }

static void never_due(void *arg) {
    pirn_ctx *all[] = {pirn_ctx_with_deadline(NULL, PIRN_FOREVER),
                       pirn_ctx_with_deadline(NULL, PIRN_FOREVER - 1)};
    (void)arg;
    settle();
    for (int i = 0; i < 2; i++) {
        check_state(all[i], 0);
        pirn_ctx_cancel(all[i]);
        check_state(all[i], -ECANCELED);
        pirn_ctx_unref(all[i]);
    }
}

static void far_deadline_does_not_come(void) { run_settled(never_due, NULL); }

static void without_runtime(void) {
    int64_t deadline = pirn_now() + 3600 * PIRN_SEC;
    pirn_ctx *ctx = pirn_ctx_with_cancel(NULL), *child = pirn_ctx_with_value(ctx, "", NULL);
    check(pirn_ctx_with_deadline(ctx, deadline) == NULL);
    pirn_ctx *past = pirn_ctx_with_deadline(ctx, PIRN_NOW),
             *never = pirn_ctx_with_deadline(ctx, PIRN_FOREVER);
    check_state(past, -ETIMEDOUT);
    check_state(never, 0);
    check_state(child, 0);
    pirn_ctx_cancel(ctx);
    check_state(child, -ECANCELED);
    check_state(never, -ECANCELED);
    /* It is cancelled already, so there is no deadline to wait for. */
    pirn_ctx *late = pirn_ctx_with_deadline(ctx, deadline);
    check_state(late, -ECANCELED);
    pirn_ctx *all[] = {late, never, past, child, ctx};
    for (int i = 0; i < 5; i++) pirn_ctx_unref(all[i]);
    conclude("without a runtime");
}

static pirn_ctx *outlives;

static void cancel_outlives(void *arg) {
    pirn_ctx *child = pirn_ctx_with_cancel(outlives);
    (void)arg;
    check_equal(pirn_recv_until(pirn_ctx_done(outlives), NULL, pirn_now() + PIRN_USEC), -ETIMEDOUT);
    pirn_ctx_cancel(outlives);
    check_state(child, -ECANCELED);
    pirn_ctx_unref(child);
}

static void context_may_outlive_runs(void) {
    for (int i = 0; i < 3; i++) {
        outlives = pirn_ctx_with_cancel(NULL);
        CU_ASSERT_EQUAL(pirn_run(NULL, cancel_outlives, NULL), 0);
        check_state(outlives, -ECANCELED);
        pirn_ctx_unref(outlives);
    }
    conclude("outlives");
}

/* ---- Values -------------------------------------------------------------------------------- */

static void use_values(void *arg) {
    static const char one[] = "key", other[] = "key";
    int a = 1, b = 2;
    pirn_ctx *first = pirn_ctx_with_value(NULL, one, &a), *plain = pirn_ctx_with_cancel(first),
             *second = pirn_ctx_with_value(plain, other, &b),
             *shadow = pirn_ctx_with_value(second, one, &b),
             *nothing = pirn_ctx_with_value(shadow, one, NULL),
             *null = pirn_ctx_with_value(nothing, NULL, &a);
    (void)arg;
    check(pirn_ctx_value(first, one) == &a);
    check(pirn_ctx_value(first, other) == NULL); /* equal text, another address */
    check(pirn_ctx_value(plain, one) == &a);
    check(pirn_ctx_value(second, one) == &a);
    check(pirn_ctx_value(second, other) == &b);
    check(pirn_ctx_value(shadow, one) == &b);
    check(pirn_ctx_value(shadow, other) == &b);
    check(pirn_ctx_value(nothing, one) == NULL);
    check(pirn_ctx_value(nothing, other) == &b);
    check(pirn_ctx_value(nothing, NULL) == NULL);
    check(pirn_ctx_value(null, NULL) == &a);
    check(pirn_ctx_value(null, &a) == NULL);
    check(pirn_ctx_value(first, one) == &a); /* the parent's own are as before */
    pirn_ctx *all[] = {first, plain, second, shadow, nothing, null};
    for (int i = 0; i < 6; i++) pirn_ctx_unref(all[i]);
}

static void nearest_value_wins(void) { run_body(use_values, NULL); }

/* ---- References ---------------------------------------------------------------------------- */

static void drop_in_any_order(void *arg) {
    int64_t deadline = pirn_now() + PIRN_MSEC;
    pirn_ctx *parent = pirn_ctx_with_deadline(NULL, deadline),
             *child = pirn_ctx_with_value(parent, parent, arg),
             *sibling = pirn_ctx_with_cancel(parent), *last = pirn_ctx_with_cancel(child);
    pirn_chan *chan;

    check(pirn_ctx_ref(last) == last);
    pirn_ctx_unref(last);
    pirn_ctx_unref(sibling);
    check(pirn_ctx_value(last, parent) == arg);
    pirn_ctx_unref(parent); /* a child keeps its parent, and the parent's timer */
    pirn_ctx_unref(child);
    chan = pirn_chan_ref(pirn_ctx_done(last));
    pirn_ctx_unref(last);
    check_equal(pirn_recv(chan, NULL), -EPIPE); /* the channel keeps its context */
    check(pirn_now() >= deadline);
    pirn_chan_unref(chan);
}

static void family_may_be_dropped_in_any_order(void) {
    int value;
    run_body(drop_in_any_order, &value);
}

static void long_chain(void *arg) {
    pirn_ctx *first = pirn_ctx_with_cancel(NULL), *last = pirn_ctx_ref(first);
    for (int i = 0; i < MANY(100000, 3000); i++) {
        pirn_ctx *child = i % 2 ? pirn_ctx_with_cancel(last) : pirn_ctx_with_value(last, arg, NULL);
        pirn_ctx_unref(last);
        last = child;
    }
    check_state(last, 0);
    pirn_ctx_cancel(first);
    check_state(last, -ECANCELED);
    pirn_ctx_unref(first);
    pirn_ctx_unref(last); /* the whole chain goes */
}

/* On the smallest stack. */
static void go_long_chain(void *arg) {
    pirn_attr attr = {.stack_size = ASAN || TSAN ? 0 : 16384};
    check_equal(pirn_go_with(&attr, long_chain, arg), 0);
    pirn_exit();
}

static void long_chain_needs_no_stack(void) { run_heavy(go_long_chain, NULL); }

static void many_children(void *arg) {
    (void)arg;
    for (int round = 0; round < MANY(100, 3); round++) {
        pirn_ctx *parent = pirn_ctx_with_cancel(NULL), *children[100];
        for (int i = 0; i < 100; i++) children[i] = pirn_ctx_with_cancel(parent);
        for (int i = 0; i < 90; i++) pirn_ctx_unref(children[i * 37 % 100]);
        for (int i = 90; i < 100; i++) check_state(children[i * 37 % 100], 0);
        pirn_ctx_cancel(parent); /* those that are left, and no other */
        for (int i = 90; i < 100; i++) {
            check_state(children[i * 37 % 100], -ECANCELED);
            pirn_ctx_unref(children[i * 37 % 100]);
        }
        pirn_ctx_unref(parent);
    }
}

static void dropped_child_leaves_its_parent(void) { run_heavy(many_children, NULL); }

static void drop_deadlines(void *arg) {
    static const int64_t times[] = {1, PIRN_USEC, 50 * PIRN_USEC, PIRN_MSEC, 3600 * PIRN_SEC};
    (void)arg;
    for (int i = 0; i < MANY(3000, 50); i++) {
        pirn_ctx *ctx = pirn_ctx_with_deadline(NULL, pirn_now() + times[i % 5]);
        pirn_ctx *child = pirn_ctx_with_cancel(ctx);
        if (i % 3 == 0) pirn_yield();
        pirn_ctx_unref(ctx);
        if (i % 4 == 0) pirn_ctx_cancel(child);
        pirn_ctx_unref(child); /* before, while or after the deadline comes */
    }
    pirn_sleep(2 * PIRN_MSEC);
}

static void dropped_deadline_is_disarmed(void) { run_body(drop_deadlines, NULL); }

#if !ASAN && !TSAN
/* The limit leaves the allocator what it has. */
static void run_out_of_memory(void *arg) {
    struct rlimit limit = {1 << 20, 1 << 20};
    pirn_ctx *last = NULL, *next, *first = pirn_ctx_with_cancel(NULL);
    (void)arg;
    setrlimit(RLIMIT_AS, &limit);
    for (size_t i = 0;; i++) {
        next = i % 2 ? pirn_ctx_with_value(last, "", NULL) : pirn_ctx_with_cancel(last);
        if (!next) break;
        pirn_ctx_unref(last);
        last = next;
    }
    check(pirn_group_new(last) == NULL);
    check(pirn_ctx_with_deadline(last, PIRN_NOW) == NULL);
    if (check(last != NULL)) check_state(last, 0);
    pirn_ctx_unref(last);
    /* Nothing else held the last one: all its memory is there again. */
    last = pirn_ctx_with_cancel(first);
    if (check(last != NULL)) check_state(last, 0);
    pirn_ctx_unref(last);
    pirn_ctx_unref(first);
}

static void without_memory_there_is_no_context(void) {
    char *report = NULL;
    int status = harness_child(run_out_of_memory, NULL, &report);
    if (!check(WIFEXITED(status) && WEXITSTATUS(status) == 0))
        fprintf(stderr, "    status %#x: %s\n", (unsigned)status, report);
    check_equal(strlen(report), 0); /* no check has failed there */
    free(report);
    conclude("no memory");
}
#endif

/* ---- All at once --------------------------------------------------------------------------- */

struct storm {
    pirn_ctx *root;
    pirn_waitgroup tasks;
};

/* A context that was cancelled keeps its error, and its children get it or an earlier one. */
static void check_kept(pirn_ctx *ctx) {
    int err = pirn_ctx_err(ctx);
    check(err == 0 || err == -ECANCELED || err == -ETIMEDOUT);
    if (!err) return;
    check_state(ctx, err);
    pirn_ctx *child = pirn_ctx_with_cancel(ctx);
    check_state(child, err);
    pirn_ctx_unref(child);
}

static pirn_ctx *random_child(pirn_ctx *parent) {
    if (pirn_choose(2)) return pirn_ctx_with_cancel(parent);
    return pirn_ctx_with_deadline(parent, pirn_now() + (int64_t)pirn_choose(3) * 20 * PIRN_USEC);
}

static void be_busy(void *arg) {
    struct storm *s = arg;
    for (int i = 0; i < MANY(20, 2); i++) {
        pirn_ctx *ctx = random_child(s->root), *child = random_child(ctx);
        if (!check(ctx && child)) return;
        switch (pirn_choose(5)) {
        case 0:
            pirn_ctx_unref(pirn_ctx_ref(ctx));
            break;
        case 1:
            pirn_ctx_cancel(ctx);
            check(done(child) && pirn_ctx_err(child) != 0);
            break;
        case 2:
            pirn_ctx_cancel(child);
            break;
        case 3:
            pirn_recv_until(pirn_ctx_done(child), NULL, pirn_now() + 30 * PIRN_USEC);
            break;
        default:
            pirn_yield();
        }
        check_kept(child);
        pirn_ctx_unref(ctx);
        check_kept(child);
        pirn_ctx_unref(child);
    }
}

static void wait_for_root(void *arg) {
    struct storm *s = arg;
    pirn_ctx *child = pirn_ctx_with_value(s->root, s, s);
    check_equal(pirn_recv(pirn_ctx_done(child), NULL), -EPIPE);
    check(pirn_ctx_err(child) == pirn_ctx_err(s->root));
    check(pirn_ctx_err(child) != 0);
    pirn_ctx_unref(child);
}

static void cancel_root(void *arg) {
    struct storm *s = arg;
    pirn_sleep((int64_t)pirn_choose(4) * 30 * PIRN_USEC);
    pirn_ctx_cancel(s->root);
    check_kept(s->root);
}

static void rage(void *arg) {
    (void)arg;
    for (int i = 0; i < MANY(100, 1); i++) {
        struct storm s = {.root = pirn_ctx_with_deadline(NULL, pirn_now() + 60 * PIRN_USEC)};
        check_equal(pirn_waitgroup_go(&s.tasks, be_busy, &s), 0);
        check_equal(pirn_waitgroup_go(&s.tasks, be_busy, &s), 0);
        check_equal(pirn_waitgroup_go(&s.tasks, wait_for_root, &s), 0);
        check_equal(pirn_waitgroup_go(&s.tasks, cancel_root, &s), 0);
        check_equal(pirn_waitgroup_go(&s.tasks, cancel_root, &s), 0);
        pirn_waitgroup_wait(&s.tasks);
        check_kept(s.root);
        pirn_ctx_unref(s.root);
    }
}

static void cancel_deadline_unref_and_children_at_once(void) { run_body(rage, NULL); }

static void last_owner(void *arg) {
    pirn_ctx *ctx = arg;
    if (pirn_choose(2)) pirn_yield();
    check_kept(ctx);
    pirn_ctx_unref(ctx);
}

/* Nobody knows who comes last: the deadline, the parent's cancelling, or one of the owners. */
static void hand_out(void *arg) {
    (void)arg;
    for (int i = 0; i < MANY(300, 2); i++) {
        pirn_waitgroup tasks = {0};
        pirn_ctx *parent = pirn_ctx_with_cancel(NULL);
        pirn_ctx *ctx = pirn_ctx_with_deadline(parent, pirn_now() + 10 * PIRN_USEC);
        for (int k = 0; k < 3; k++)
            check_equal(pirn_waitgroup_go(&tasks, last_owner, pirn_ctx_ref(ctx)), 0);
        pirn_ctx_unref(ctx);
        pirn_ctx_cancel(parent);
        pirn_ctx_unref(parent);
        pirn_waitgroup_wait(&tasks);
    }
}

static void last_reference_may_go_anywhere(void) { run_body(hand_out, NULL); }

static void cancel_borrowed(void *arg) { pirn_ctx_cancel(arg); }

/* The task that cancels has no reference of its own. */
static void drop_what_is_done(void *arg) {
    (void)arg;
    for (int i = 0; i < MANY(1000, 5); i++) {
        pirn_waitgroup tasks = {0};
        pirn_ctx *ctx = i % 2 ? pirn_ctx_with_cancel(NULL)
                              : pirn_ctx_with_deadline(NULL, pirn_now() + 3600 * PIRN_SEC);
        check_equal(pirn_waitgroup_go(&tasks, cancel_borrowed, ctx), 0);
        switch (pirn_choose(3)) {
        case 0:
            pirn_recv(pirn_ctx_done(ctx), NULL);
            break;
        case 1:
            while (!pirn_ctx_err(ctx)) pirn_yield();
            break;
        default:
            while (!done(ctx)) pirn_yield();
        }
        pirn_ctx_unref(ctx);
        pirn_waitgroup_wait(&tasks);
    }
}

static void who_sees_done_may_drop_the_context(void) { run_body(drop_what_is_done, NULL); }

#if SIMULATED
static atomic_int cancelled_first, timed_out_first;

static void cancel_or_time_out(void *arg) {
    pirn_waitgroup tasks = {0};
    pirn_ctx *parent = pirn_ctx_with_deadline(NULL, pirn_now() + 5 * PIRN_MSEC),
             *child = pirn_ctx_with_cancel(parent);
    int err;
    (void)arg;
    check_equal(pirn_waitgroup_go(&tasks, cancel_borrowed, parent), 0);
    pirn_recv(pirn_ctx_done(child), NULL);
    err = pirn_ctx_err(parent);
    check(err == -ECANCELED || err == -ETIMEDOUT);
    check_equal(pirn_ctx_err(child), err);
    atomic_fetch_add(err == -ECANCELED ? &cancelled_first : &timed_out_first, 1);
    pirn_waitgroup_wait(&tasks);
    check_equal(pirn_ctx_err(parent), err);
    pirn_ctx_unref(parent);
    pirn_ctx_unref(child);
}

static void simulator_explores_both_causes(void) {
    atomic_store(&cancelled_first, 0);
    atomic_store(&timed_out_first, 0);
    run_body(cancel_or_time_out, NULL);
    check(cancelled_first > 0);
    check(timed_out_first > 0);
    conclude("both causes");
}

static pirn_ctx *polled;

static void poll(void *arg) {
    (void)arg;
    while (!pirn_ctx_err(polled)) continue;
    pirn_ctx_unref(polled);
}

/* pirn_ctx_err is a scheduling point, or this would never end. */
static void cancel_polled(void *arg) {
    (void)arg;
    polled = pirn_ctx_with_cancel(NULL);
    check_equal(pirn_go(poll, NULL), 0);
    pirn_ctx_cancel(pirn_ctx_ref(polled));
    pirn_ctx_unref(polled);
}

static void polling_lets_others_run(void) { run_body(cancel_polled, NULL); }

static void never_told(void *arg) {
    pirn_recv(pirn_ctx_done(arg), NULL);
    pirn_ctx_unref(arg);
}

static void forget_to_cancel(void *arg) {
    pirn_ctx *parent = pirn_ctx_with_cancel(NULL), *child = pirn_ctx_with_cancel(parent);
    pirn_label(child, "upload");
    (void)arg;
    check_equal(pirn_go(never_told, child), 0);
    pirn_ctx_unref(parent);
}

static void task_that_never_sees_done_is_a_leak(void) {
    expect_outcome(forget_to_cancel, 1, 0, PIRN_LEAK,
                   "receiving from the done channel of context upload");
    expect_outcome(forget_to_cancel, 1, 0, PIRN_LEAK, "never_told");
    conclude("leak");
}
#else
static void *cancel_from_outside(void *arg) {
    pirn_ctx *child = pirn_ctx_with_cancel(arg);
    check_state(child, 0);
    pirn_ctx_cancel(arg);
    check_equal(pirn_recv(pirn_ctx_done(child), NULL), -EPIPE);
    pirn_ctx_unref(child);
    pirn_ctx_unref(arg);
    return NULL;
}

static void be_cancelled_from_outside(void *arg) {
    (void)arg;
    for (int i = 0; i < 20; i++) {
        pirn_ctx *ctx = pirn_ctx_with_cancel(NULL);
        pthread_t thread;
        check_equal(pthread_create(&thread, NULL, cancel_from_outside, pirn_ctx_ref(ctx)), 0);
        pirn_sleep(100 * PIRN_USEC);
        check_equal(pirn_recv_until(pirn_ctx_done(ctx), NULL, pirn_now() + 60 * PIRN_SEC), -EPIPE);
        check_state(ctx, -ECANCELED);
        pthread_join(thread, NULL);
        pirn_ctx_unref(ctx);
    }
}

static void foreign_thread_may_cancel(void) { run_body(be_cancelled_from_outside, NULL); }

static void *wait_outside(void *arg) {
    check_equal(pirn_recv(pirn_ctx_done(arg), NULL), -EPIPE);
    check_equal(pirn_ctx_err(arg), -ETIMEDOUT);
    return NULL;
}

static void wait_for_outside(void *arg) {
    pirn_ctx *ctx = pirn_ctx_with_deadline(NULL, pirn_now() + 2 * PIRN_MSEC);
    pthread_t thread;
    (void)arg;
    check_equal(pthread_create(&thread, NULL, wait_outside, ctx), 0);
    check_equal(pirn_recv(pirn_ctx_done(ctx), NULL), -EPIPE);
    pthread_join(thread, NULL);
    pirn_ctx_unref(ctx);
}

static void foreign_thread_may_wait(void) { run_body(wait_for_outside, NULL); }
#endif

/* ---- Deadlocks and reports ----------------------------------------------------------------- */

static void wait_on_idle_deadlines(void *arg) {
    /* Static: or what the run leaves behind would count as lost. */
    static pirn_chan *never;
    static pirn_ctx *soon, *child, *stopped;
    (void)arg;
    never = pirn_chan_new(0, 0);
    soon = pirn_ctx_with_deadline(NULL, pirn_now() + 3600 * PIRN_SEC);
    child = pirn_ctx_with_cancel(soon);
    stopped = pirn_ctx_with_deadline(child, pirn_now() + 60 * PIRN_SEC);
    pirn_ctx_cancel(stopped);
    pirn_recv(never, NULL);
    check(!"received from nobody");
}

/* G4: or the test runs into its time limit. */
static void deadline_that_nobody_waits_for_hides_no_deadlock(void) {
    free(run_report(wait_on_idle_deadlines, -EDEADLK));
    conclude("idle deadline");
}

static void wait_below_deadline(void *arg) {
    pirn_ctx *top = pirn_ctx_with_deadline(NULL, pirn_now() + 20 * PIRN_MSEC),
             *quiet = pirn_ctx_with_cancel(top), *child = pirn_ctx_with_cancel(top),
             *below = pirn_ctx_with_value(child, arg, arg), *beside = pirn_ctx_with_cancel(top);
    pirn_ctx *all[] = {top, quiet, child, below, beside};
    check_equal(pirn_recv(pirn_ctx_done(below), NULL), -EPIPE);
    check_state(below, -ETIMEDOUT);
    for (int i = 0; i < 5; i++) pirn_ctx_unref(all[i]);
}

/* G5 */
static void waiting_below_a_deadline_is_no_deadlock(void) { run_body(wait_below_deadline, NULL); }

static void wait_unnamed(void *arg) {
    static pirn_ctx *ctx; /* or it would count as lost */
    (void)arg;
    HERE_NEXT();
    ctx = pirn_ctx_with_cancel(NULL);
    HERE_NEXT();
    pirn_recv(pirn_ctx_done(ctx), NULL);
    check(!"cancelled by nobody");
}

static void wait_named(void *arg) {
    pirn_ctx *ctx = pirn_ctx_with_cancel(NULL);
    pirn_case cases[] = {PIRN_CASE_RECV(pirn_ctx_done(ctx), NULL)};
    (void)arg;
    pirn_label(ctx, "request %d", 12);
    HERE_NEXT();
    pirn_select(cases, 1, PIRN_FOREVER);
    check(!"cancelled by nobody");
}

static void deadlock_names_the_context(void) {
    char *report = run_report(wait_unnamed, -EDEADLK);
    check_contains(report, "receiving from the done channel of context from test_ctx.c:");
    check_places(report);
    free(report);
    report = run_report(wait_named, -EDEADLK);
    check_contains(report, "receiving from the done channel of context request 12");
    check_places(report);
    free(report);
    conclude("deadlock");
}

static void wait_for_dropped(void *arg) { pirn_recv(pirn_ctx_done(arg), NULL); }

static void drop_while_awaited(void *arg) {
    pirn_ctx *ctx = pirn_ctx_with_cancel(NULL);
    (void)arg;
    pirn_label(ctx, "request");
    check_equal(pirn_go(wait_for_dropped, ctx), 0);
    settle();
    HERE_NEXT();
    pirn_ctx_unref(ctx);
    NOT_A_TAIL_CALL();
}

static void dropping_an_awaited_context_is_misuse(void) {
    char *report;
#if SIMULATED
    expect_outcome(drop_while_awaited, 100, 0, PIRN_MISUSE, "context request");
    expect_outcome(drop_while_awaited, 100, 0, PIRN_MISUSE, "the last reference");
    (void)report;
#else
    report = abort_report(drop_while_awaited);
    check_contains(report, "the last reference to a channel was given up while a task is blocked");
    check_contains(report, "the done channel of context request");
    check_places(report);
    free(report);
#endif
    conclude("dropped");
}

static const struct test tests[] = {
    TEST(background_is_never_cancelled),
    TEST(cancelling_closes_done_for_good),
    TEST(descendants_are_cancelled_and_nobody_else),
    TEST(child_of_a_cancelled_parent_is_cancelled),
    TEST(everybody_who_waits_is_woken),
    TEST_SECONDS(cancelling_is_one_step, 60),
    TEST(deadline_cancels_with_timedout),
    TEST(earliest_deadline_wins),
    TEST(child_is_not_cancelled_before_its_parent),
    TEST(past_deadline_cancels_at_once),
    TEST(far_deadline_does_not_come),
    TEST(without_runtime),
    TEST(context_may_outlive_runs),
    TEST(nearest_value_wins),
    TEST(family_may_be_dropped_in_any_order),
    TEST_SECONDS(long_chain_needs_no_stack, 60),
    TEST_SECONDS(dropped_child_leaves_its_parent, 60),
    TEST_SECONDS(dropped_deadline_is_disarmed, 60),
#if !ASAN && !TSAN
    TEST(without_memory_there_is_no_context),
#endif
    TEST_SECONDS(cancel_deadline_unref_and_children_at_once, 60),
    TEST_SECONDS(last_reference_may_go_anywhere, 60),
    TEST_SECONDS(who_sees_done_may_drop_the_context, 60),
#if SIMULATED
    TEST(simulator_explores_both_causes),
    TEST(polling_lets_others_run),
    TEST(task_that_never_sees_done_is_a_leak),
#else
    TEST(foreign_thread_may_cancel),
    TEST(foreign_thread_may_wait),
#endif
    TEST(deadline_that_nobody_waits_for_hides_no_deadlock),
    TEST(waiting_below_a_deadline_is_no_deadlock),
    TEST(deadlock_names_the_context),
    TEST(dropping_an_awaited_context_is_misuse),
};

HARNESS(tests)
