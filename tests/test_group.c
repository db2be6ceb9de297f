/* test_group.c - groups of tasks that share a context and fail together. */
#include "tests/support.h"

struct work {
    pirn_group *group;
    pirn_ctx *seen;
    int number, of;
    atomic_int running, most, count;
};

/* ---- Results ------------------------------------------------------------------------------- */

static int succeed(pirn_ctx *ctx, void *arg) {
    struct work *w = arg;
    check(ctx != NULL);
    check_equal(pirn_ctx_err(ctx), 0);
    pirn_yield();
    atomic_fetch_add(&w->count, 1);
    return 0;
}

static void all_succeed(void *arg) {
    (void)arg;
    for (int n = 0; n < 6; n++) {
        struct work w = {.group = pirn_group_new(pirn_ctx_background())};
        if (!check(w.group != NULL)) return;
        for (int i = 0; i < n; i++) check_equal(pirn_group_go(w.group, succeed, &w), 0);
        check_equal(pirn_group_wait(w.group), 0);
        check_equal(w.count, n);
    }
}

static void wait_waits_for_all(void) { run_body(all_succeed, NULL); }

static int fail(pirn_ctx *ctx, void *arg) {
    struct work *w = arg;
    (void)ctx;
    pirn_yield();
    return w->number;
}

static int fail_when_cancelled(pirn_ctx *ctx, void *arg) {
    struct work *w = arg;
    check_equal(pirn_recv(pirn_ctx_done(ctx), NULL), -EPIPE);
    check_equal(pirn_ctx_err(ctx), -ECANCELED);
    atomic_fetch_add(&w->count, 1);
    return 99;
}

static int stop_when_cancelled(pirn_ctx *ctx, void *arg) {
    fail_when_cancelled(ctx, arg);
    return 0;
}

static void first_fails(void *arg) {
    static const int results[] = {-EIO, 1, -1, INT32_MAX, INT32_MIN};
    (void)arg;
    for (int i = 0; i < 5; i++) {
        struct work w = {.group = pirn_group_new(NULL), .number = results[i]};
        check_equal(pirn_group_go(w.group, fail_when_cancelled, &w), 0);
        check_equal(pirn_group_go(w.group, stop_when_cancelled, &w), 0);
        check_equal(pirn_group_go(w.group, fail, &w), 0);
        check_equal(pirn_group_go(w.group, fail_when_cancelled, &w), 0);
        check_equal(pirn_group_wait(w.group), results[i]);
        check_equal(w.count, 3);
    }
}

static void first_failure_cancels_and_is_kept(void) { run_body(first_fails, NULL); }

struct failing {
    int result;
    atomic_int *early;
};

static int fail_in_turn(pirn_ctx *ctx, void *arg) {
    struct failing *f = arg;
    /* Whoever sees no cancelling yet may be the first. */
    if (pirn_ctx_err(ctx) == 0) atomic_fetch_add(f->early, 1);
    return f->result;
}

static atomic_uint seen_results[2];

static void fail_together(void *arg) {
    struct work w = {.group = pirn_group_new(NULL)};
    struct failing all[2];
    atomic_int early = 0;
    int result;
    (void)arg;
    for (int i = 0; i < 2; i++) {
        all[i] = (struct failing){i + 1, &early};
        check_equal(pirn_group_go(w.group, fail_in_turn, &all[i]), 0);
    }
    result = pirn_group_wait(w.group);
    check(early >= 1);
    if (check(result >= 1 && result <= 2)) atomic_fetch_add(&seen_results[result - 1], 1);
}

static void any_may_fail_first(void) {
    for (int i = 0; i < 2; i++) atomic_store(&seen_results[i], 0);
    run_body(fail_together, NULL);
    if (SIMULATED)
        for (int i = 0; i < 2; i++) check(seen_results[i] > 0);
    conclude("who is first");
}

static int leave(pirn_ctx *ctx, void *arg) {
    struct work *w = arg;
    check_equal(pirn_ctx_err(ctx), 0);
    atomic_fetch_add(&w->count, 1);
    pirn_exit();
}

static void leave_by_exit(void *arg) {
    struct work w = {.group = pirn_group_new(NULL)};
    (void)arg;
    pirn_group_limit(w.group, 2); /* pirn_exit gives the place back */
    for (int i = 0; i < 7; i++) check_equal(pirn_group_go(w.group, leave, &w), 0);
    check_equal(pirn_group_wait(w.group), 0);
    check_equal(w.count, 7);
}

static void exit_is_no_failure(void) { run_body(leave_by_exit, NULL); }

/* ---- The context --------------------------------------------------------------------------- */

static int keep_context(pirn_ctx *ctx, void *arg) {
    struct work *w = arg;
    check(!w->seen || w->seen == ctx);
    if (!w->seen) w->seen = pirn_ctx_ref(ctx);
    check(pirn_ctx_value(ctx, w) == w);
    return w->number;
}

static void use_context(void *arg) {
    (void)arg;
    for (int result = 0; result < 2; result++) {
        struct work w = {.number = result};
        pirn_ctx *parent = pirn_ctx_with_value(NULL, &w, &w), *child;
        w.group = pirn_group_new(parent);
        pirn_group_limit(w.group, 1);
        check_equal(pirn_group_go(w.group, keep_context, &w), 0);
        check_equal(pirn_group_go(w.group, keep_context, &w), 0);
        check_equal(pirn_group_wait(w.group), result);
        /* Waiting has cancelled it, and it lives as long as it has owners. */
        check_equal(pirn_ctx_err(w.seen), -ECANCELED);
        check_equal(pirn_recv(pirn_ctx_done(w.seen), NULL), -EPIPE);
        child = pirn_ctx_with_cancel(w.seen);
        pirn_ctx_unref(w.seen);
        check_equal(pirn_ctx_err(child), -ECANCELED);
        check(pirn_ctx_value(child, &w) == &w);
        pirn_ctx_unref(child);
        check_equal(pirn_ctx_err(parent), 0); /* a group does not cancel its parent */
        pirn_ctx_unref(parent);
    }
}

static void tasks_share_a_context(void) { run_body(use_context, NULL); }

static int say_why(pirn_ctx *ctx, void *arg) {
    (void)arg;
    pirn_recv(pirn_ctx_done(ctx), NULL);
    return pirn_ctx_err(ctx);
}

static void cancel_parent(void *arg) {
    int64_t deadline = pirn_now() + PIRN_MSEC;
    pirn_ctx *parent = pirn_ctx_with_deadline(NULL, deadline);
    pirn_group *group = pirn_group_new(parent);
    (void)arg;
    for (int i = 0; i < 3; i++) check_equal(pirn_group_go(group, say_why, NULL), 0);
    check_equal(pirn_group_wait(group), -ETIMEDOUT);
    check(pirn_now() >= deadline);
    pirn_ctx_unref(parent);

    parent = pirn_ctx_with_cancel(NULL);
    group = pirn_group_new(parent);
    for (int i = 0; i < 3; i++) check_equal(pirn_group_go(group, say_why, NULL), 0);
    pirn_ctx_cancel(parent);
    check_equal(pirn_group_wait(group), -ECANCELED);

    group = pirn_group_new(parent); /* is born cancelled, and starts tasks all the same */
    pirn_ctx_unref(parent);
    check_equal(pirn_group_go(group, say_why, NULL), 0);
    check_equal(pirn_group_wait(group), -ECANCELED);
}

static void parent_cancels_the_group(void) { run_body(cancel_parent, NULL); }

/* ---- Starting ------------------------------------------------------------------------------ */

static int count_running(pirn_ctx *ctx, void *arg) {
    struct work *w = arg;
    int now = atomic_fetch_add(&w->running, 1) + 1, most = atomic_load(&w->most);
    (void)ctx;
    while (most < now && !atomic_compare_exchange_weak(&w->most, &most, now)) continue;
    for (int i = 0; i < 3; i++) pirn_yield();
    check(atomic_load(&w->running) <= w->of);
    atomic_fetch_sub(&w->running, 1);
    atomic_fetch_add(&w->count, 1);
    return 0;
}

static void keep_to_limit(void *arg) {
    (void)arg;
    for (int limit = 1; limit <= 4; limit++) {
        struct work w = {.group = pirn_group_new(NULL), .of = limit};
        pirn_group_limit(w.group, (size_t)limit);
        for (int i = 0; i < 12; i++) {
            check_equal(pirn_group_go(w.group, count_running, &w), 0);
            check(i + 1 - w.count <= limit + 1); /* the last one may be ending */
        }
        check_equal(pirn_group_wait(w.group), 0);
        check_equal(w.count, 12);
        check(w.most >= 1 && w.most <= limit);
    }
}

static void limit_is_kept(void) { run_body(keep_to_limit, NULL); }

static int meet(pirn_ctx *ctx, void *arg) {
    struct work *w = arg;
    (void)ctx;
    atomic_fetch_add(&w->running, 1);
    while (w->running < w->of) pirn_sleep(PIRN_USEC);
    return 0;
}

/* As many as the limit allows do run at once, or this never ends. */
static void use_whole_limit(void *arg) {
    static const size_t limits[] = {3, 4, SIZE_MAX, SIZE_MAX / 2};
    (void)arg;
    for (int i = 0; i < 4; i++) {
        struct work w = {.group = pirn_group_new(NULL), .of = 3};
        pirn_group_limit(w.group, 1);
        pirn_group_limit(w.group, limits[i]); /* nothing runs: it may be changed */
        for (int k = 0; k < 3; k++) check_equal(pirn_group_go(w.group, meet, &w), 0);
        check_equal(pirn_group_wait(w.group), 0);
    }
}

static void limit_may_be_used_up(void) { run_body(use_whole_limit, NULL); }

static int start_another(pirn_ctx *ctx, void *arg) {
    struct work *w = arg;
    check_equal(pirn_ctx_err(ctx), 0);
    if (atomic_fetch_add(&w->count, 1) < 8) {
        check_equal(pirn_group_go(w->group, start_another, w), 0);
        check_equal(pirn_group_go(w->group, succeed, w), 0);
    }
    return 0;
}

static void start_from_within(void *arg) {
    struct work w = {.group = pirn_group_new(NULL)};
    (void)arg;
    check_equal(pirn_group_go(w.group, start_another, &w), 0);
    check_equal(pirn_group_wait(w.group), 0);
    check(w.count >= 9);
}

static void tasks_may_start_others(void) { run_body(start_from_within, NULL); }

static void refuse(void *arg) {
    struct work w = {.group = pirn_group_new(NULL)};
    (void)arg;
    check_equal(pirn_group_go(w.group, NULL, &w), -EINVAL);
    check_equal(pirn_group_go(NULL, succeed, &w), -EINVAL);
    check_equal(pirn_group_wait(w.group), 0);
}

static void start_too_many(void *arg) {
    pirn_ctx *outer = pirn_ctx_with_cancel(NULL);
    struct work w = {.group = pirn_group_new(outer)};
    (void)arg;
    pirn_group_limit(w.group, 3);
    for (int i = 0; i < 2; i++) check_equal(pirn_group_go(w.group, fail_when_cancelled, &w), 0);
    for (int i = 0; i < 5; i++) /* each gives its place back, or the second would block */
        check_equal(pirn_group_go(w.group, fail_when_cancelled, &w), -EAGAIN);
    check_equal(w.count, 0); /* the group has not failed */
    pirn_ctx_cancel(outer);
    check_equal(pirn_group_wait(w.group), 99);
    check_equal(w.count, 2);
    pirn_ctx_unref(outer);
}

static void failed_start_leaves_the_group(void) {
    pirn_config config = {.max_tasks = 3};
    struct work w = {.group = pirn_group_new(NULL)};
    run_body(refuse, NULL);
    CU_ASSERT_EQUAL(pirn_run(&config, start_too_many, NULL), 0);
    pirn_group_limit(w.group, 1);
    for (int i = 0; i < 3; i++)
        check_equal(pirn_group_go(w.group, succeed, &w), -EPERM); /* no runtime is running */
    check_equal(pirn_group_wait(w.group), 0);
    conclude("failed start");
}

/* ---- All at once --------------------------------------------------------------------------- */

static int work_or_fail(pirn_ctx *ctx, void *arg) {
    struct work *w = arg;
    pirn_ctx *child = pirn_ctx_with_deadline(ctx, pirn_now() + 20 * PIRN_USEC);
    int rc = 0;
    if (pirn_choose(4) == 0) pirn_recv(pirn_ctx_done(child), NULL);
    if (pirn_choose(8) == 0) rc = w->number;
    pirn_ctx_unref(child);
    atomic_fetch_add(&w->count, 1);
    return rc;
}

static void stop(void *arg) {
    pirn_yield();
    pirn_ctx_cancel(arg);
    pirn_ctx_unref(arg);
}

static void run_crowds(void *arg) {
    (void)arg;
    for (int i = 0; i < MANY(200, 2); i++) {
        pirn_ctx *parent = pirn_ctx_with_deadline(NULL, pirn_now() + 50 * PIRN_USEC);
        struct work w = {.group = pirn_group_new(parent), .number = 5};
        pirn_waitgroup others = {0};
        int result;
        check_equal(pirn_waitgroup_go(&others, stop, pirn_ctx_ref(parent)), 0);
        pirn_group_limit(w.group, 3);
        for (int k = 0; k < 10; k++) check_equal(pirn_group_go(w.group, work_or_fail, &w), 0);
        result = pirn_group_wait(w.group);
        check(result == 0 || result == 5);
        check_equal(w.count, 10);
        pirn_ctx_unref(parent);
        pirn_waitgroup_wait(&others);
    }
}

static void fail_limit_and_cancel_at_once(void) { run_body(run_crowds, NULL); }

/* ---- Reports ------------------------------------------------------------------------------- */

static int wait_in_vain(pirn_ctx *ctx, void *arg) {
    (void)arg;
    HERE_NEXT();
    pirn_recv(pirn_ctx_done(ctx), NULL);
    NOT_A_TAIL_CALL();
    return 0;
}

static void wait_for_stuck(void *arg) {
    pirn_group *group = pirn_group_new(NULL);
    (void)arg;
    pirn_label(group, "uploads");
    HERE_NEXT();
    pirn_group_go(group, wait_in_vain, NULL);
    HERE_NEXT();
    pirn_group_wait(group);
    NOT_A_TAIL_CALL();
}

static void deadlock_names_group_and_task(void) {
    char *report = run_report(wait_for_stuck, -EDEADLK);
    check_contains(report, "waiting for group uploads");
    check_contains(report, "(wait_in_vain)");
    check_contains(report, "receiving from the done channel of context uploads");
    check_places(report);
    free(report);
    conclude("deadlock");
}

static int jump(pirn_ctx *ctx, void *arg) {
    (void)arg;
    return pirn_recv(pirn_ctx_done(ctx), NULL); /* a compiler may make it a jump */
}

static void wait_for_jump(void *arg) {
    /* Static: or what the run leaves behind would count as lost. */
    static pirn_group *group;
    (void)arg;
    HERE_NEXT();
    group = pirn_group_new(NULL);
    pirn_group_go(group, jump, NULL);
    pirn_group_wait(group);
    NOT_A_TAIL_CALL();
}

static void last_call_has_a_place(void) {
    char *report = run_report(wait_for_jump, -EDEADLK);
    check_contains(report, ", in jump at test_group.c:");
    check_contains(report, "waiting for group from test_group.c:");
    check_places(report);
    check(!strstr(report, "task.c"));
    free(report);
    conclude("jump");
}

static void start_where_none_may(void *arg) {
    pirn_group *group = pirn_group_new(NULL);
    (void)arg;
    pirn_label(group, "uploads");
    pirn_group_limit(group, 0);
    HERE_NEXT();
    pirn_group_go(group, wait_in_vain, NULL);
    check(!"started");
}

static void limit_of_zero_starts_none(void) {
    char *report = run_report(start_where_none_may, -EDEADLK);
    check_contains(report, "acquiring sem uploads");
    check_places(report);
    free(report);
    conclude("limit 0");
}

static int wait_for_end(pirn_ctx *ctx, void *arg) {
    (void)arg;
    return pirn_recv(pirn_ctx_done(ctx), NULL);
}

static void limit_too_late(void *arg) {
    pirn_group *group = pirn_group_new(NULL);
    (void)arg;
    pirn_label(group, "uploads");
    pirn_group_go(group, wait_for_end, NULL);
    HERE_NEXT();
    pirn_group_limit(group, 7);
    NOT_A_TAIL_CALL();
}

static void go_in_vain(void *group) { pirn_group_go(group, wait_for_end, NULL); }

static void limit_too_late_for_one(void *arg) {
    pirn_group *group = pirn_group_new(NULL);
    (void)arg;
    pirn_label(group, "uploads");
    pirn_group_limit(group, 0);
    check_equal(pirn_go(go_in_vain, group), 0);
    settle();
    HERE_NEXT();
    pirn_group_limit(group, 7);
    NOT_A_TAIL_CALL();
}

static void limit_of_a_busy_group_is_misuse(void) {
    static pirn_fn *const all[] = {limit_too_late, limit_too_late_for_one};
    static const char says[] =
        "a new limit for a group while its tasks run or start: group uploads";
    for (int i = 0; i < 2; i++) {
#if SIMULATED
        expect_outcome(all[i], 100, 0, PIRN_MISUSE, says);
#else
        char *report = abort_report(all[i]);
        check_contains(report, says);
        check_places(report);
        free(report);
#endif
    }
    conclude("limit");
}

#if SIMULATED
static void forget_group(void *arg) {
    pirn_group *group = pirn_group_new(arg);
    pirn_label(group, "uploads");
    check_equal(pirn_group_go(group, wait_for_end, NULL), 0);
}

static void group_that_nobody_waits_for_is_a_leak(void) {
    expect_outcome(forget_group, 1, 0, PIRN_LEAK, "wait_for_end");
    expect_outcome(forget_group, 1, 0, PIRN_LEAK, "the done channel of context uploads");
    conclude("leak");
}
#endif

static const struct test tests[] = {
    TEST(wait_waits_for_all),
    TEST(first_failure_cancels_and_is_kept),
    TEST(any_may_fail_first),
    TEST(exit_is_no_failure),
    TEST(tasks_share_a_context),
    TEST(parent_cancels_the_group),
    TEST(limit_is_kept),
    TEST(limit_may_be_used_up),
    TEST(tasks_may_start_others),
    TEST(failed_start_leaves_the_group),
    TEST_SECONDS(fail_limit_and_cancel_at_once, 60),
    TEST(deadlock_names_group_and_task),
    TEST(last_call_has_a_place),
    TEST(limit_of_zero_starts_none),
    TEST(limit_of_a_busy_group_is_misuse),
#if SIMULATED
    TEST(group_that_nobody_waits_for_is_a_leak),
#endif
};

HARNESS(tests)
