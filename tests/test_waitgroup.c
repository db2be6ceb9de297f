/* test_waitgroup.c - wait groups; the rule M4. */
#include "tests/support.h"

struct shared {
    pirn_waitgroup work, waiters;
    atomic_int done, passed;
};

static void use_alone(void *arg) {
    pirn_waitgroup group = {0};
    int64_t deadline;
    (void)arg;
    pirn_waitgroup_wait(&group); /* nothing to wait for */
    check_equal(pirn_waitgroup_wait_until(&group, PIRN_NOW), 0);
    check_equal(pirn_waitgroup_wait_until(&group, pirn_now() - 1), 0);
    for (int i = 0; i < 3; i++) { /* may be used again */
        pirn_waitgroup_add(&group, 5);
        pirn_waitgroup_add(&group, 0);
        check_equal(pirn_waitgroup_wait_until(&group, PIRN_NOW), -EAGAIN);
        check_equal(pirn_waitgroup_wait_until(&group, pirn_now() - 1), -ETIMEDOUT);
        deadline = pirn_now() + PIRN_MSEC;
        check_equal(pirn_waitgroup_wait_until(&group, deadline), -ETIMEDOUT);
        check(pirn_now() >= deadline);
        pirn_waitgroup_add(&group, -3);
        pirn_waitgroup_done(&group);
        check_equal(pirn_waitgroup_wait_until(&group, PIRN_NOW), -EAGAIN);
        pirn_waitgroup_done(&group);
        check_equal(pirn_waitgroup_wait_until(&group, PIRN_FOREVER), 0);
        pirn_waitgroup_wait(&group);
    }
    pirn_waitgroup_add(&group, INT64_MAX);
    pirn_waitgroup_add(&group, -INT64_MAX);
    pirn_waitgroup_wait(&group);
}

static void error_codes(void) { run_body(use_alone, NULL); }

static void do_work(void *arg) {
    struct shared *s = arg;
    pirn_yield();
    atomic_fetch_add(&s->done, 1);
}

static void wait_for_work(void *arg) {
    struct shared *s = arg;
    pirn_waitgroup_wait(&s->work);
    check_equal(s->done, 10);
    atomic_fetch_add(&s->passed, 1);
}

static void many_waiters(void *arg) {
    for (int round = 0; round < 3; round++) {
        struct shared s = {0};
        pirn_waitgroup_add(&s.work, 1); /* until all has been started */
        for (int i = 0; i < 6; i++)
            check_equal(pirn_waitgroup_go(&s.waiters, wait_for_work, &s), 0);
        for (int i = 0; i < 10; i++) check_equal(pirn_waitgroup_go(&s.work, do_work, &s), 0);
        if (arg) settle();
        check_equal(s.passed, 0);
        pirn_waitgroup_done(&s.work);
        pirn_waitgroup_wait(&s.waiters);
        check_equal(s.passed, 6);
    }
}

static void every_waiter_waits_for_all_work(void) {
    run_settled(many_waiters, (void *)1);
    run_body(many_waiters, NULL);
}

static void end_early(void *arg) {
    struct shared *s = arg;
    atomic_fetch_add(&s->done, 1);
    pirn_exit();
}

static void work_that_exits(void *arg) {
    struct shared s = {0};
    (void)arg;
    for (int i = 0; i < 5; i++) check_equal(pirn_waitgroup_go(&s.work, end_early, &s), 0);
    pirn_waitgroup_wait(&s.work);
    check_equal(s.done, 5);
}

/* G2, M4 */
static void exit_counts_as_done(void) { run_body(work_that_exits, NULL); }

struct item {
    struct shared *shared;
    int number;
    char text[200];
};

static void use_item(void *arg) {
    struct item *item = arg;
    pirn_yield();
    check_equal(item->text[item->number], 'x');
    check_equal(item->text[item->number + 1], '\0');
    check_equal((uintptr_t)item % _Alignof(max_align_t), 0);
    memset(item->text, 'y', sizeof item->text); /* it is the task's own */
    atomic_fetch_add(&item->shared->done, item->number);
}

static void use_nothing(void *arg) { check(arg == NULL); }

static void copy_arguments(void *arg) {
    struct shared s = {0};
    struct item item = {&s, 0, ""};
    (void)arg;
    for (item.number = 0; item.number < 100; item.number++) {
        memset(item.text, 'x', sizeof item.text);
        item.text[item.number + 1] = '\0';
        check_equal(pirn_waitgroup_go_copy(&s.work, use_item, &item, sizeof item), 0);
    }
    check_equal(pirn_waitgroup_go_copy(&s.work, use_nothing, NULL, 0), 0);
    pirn_waitgroup_wait(&s.work);
    check_equal(s.done, 99 * 100 / 2);
}

static void copies_are_the_tasks_own(void) { run_body(copy_arguments, NULL); }

static void refuse(void *arg) {
    pirn_waitgroup group = {0};
    (void)arg;
    check_equal(pirn_waitgroup_go(&group, NULL, NULL), -EINVAL);
    check_equal(pirn_waitgroup_go_copy(&group, NULL, NULL, 0), -EINVAL);
    check_equal(pirn_waitgroup_wait_until(&group, PIRN_NOW), 0); /* the count is as it was */
}

static void failed_start_leaves_the_count(void) {
    run_body(refuse, NULL);
    pirn_waitgroup group = {0};
    CU_ASSERT_EQUAL(pirn_waitgroup_go(&group, use_nothing, NULL),
                    -EPERM); /* no runtime is running */
    CU_ASSERT_EQUAL(pirn_waitgroup_go_copy(&group, use_nothing, NULL, 0), -EPERM);
    CU_ASSERT_EQUAL(group.count, 0);
}

static void wait_in_a_hurry(void *arg) {
    struct shared *s = arg;
    int rc = pirn_waitgroup_wait_until(&s->work, pirn_now() + (int64_t)pirn_choose(3) * PIRN_USEC);
    check(rc == 0 || rc == -ETIMEDOUT);
    if (rc == 0) check_equal(s->done, 3);
}

static void hurry(void *arg) {
    (void)arg;
    for (int i = 0; i < MANY(200, 5); i++) {
        struct shared s = {0};
        pirn_waitgroup_add(&s.work, 1);
        for (int k = 0; k < 3; k++) check_equal(pirn_waitgroup_go(&s.work, do_work, &s), 0);
        for (int k = 0; k < 3; k++)
            check_equal(pirn_waitgroup_go(&s.waiters, wait_in_a_hurry, &s), 0);
        pirn_waitgroup_done(&s.work);
        pirn_waitgroup_wait(&s.waiters);
        pirn_waitgroup_wait(&s.work);
    }
}

static void deadline_and_done_do_not_both_win(void) { run_body(hurry, NULL); }

static const struct test tests[] = {
    TEST(error_codes),
    TEST(every_waiter_waits_for_all_work),
    TEST(exit_counts_as_done),
    TEST(copies_are_the_tasks_own),
    TEST(failed_start_leaves_the_count),
    TEST_SECONDS(deadline_and_done_do_not_both_win, 60),
};

HARNESS(tests)
