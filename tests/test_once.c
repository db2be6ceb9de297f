/* test_once.c - what is done once; the rule M5. */
#include "tests/support.h"

struct shared {
    pirn_once once;
    pirn_waitgroup group;
    atomic_int calls, returned;
    int value; /* written by the call alone */
};

static void slowly(void *arg) {
    struct shared *s = arg;
    atomic_fetch_add(&s->calls, 1);
    for (int i = 0; i < 3; i++) pirn_yield();
    check_equal(s->returned, 0); /* all callers wait for the one call */
    s->value = 17;
}

static void never(void *arg) {
    (void)arg;
    check(!"a second function was called");
}

static void call_it(void *arg) {
    struct shared *s = arg;
    pirn_once_do(&s->once, slowly, s);
    atomic_fetch_add(&s->returned, 1);
    check_equal(s->value, 17);
    pirn_once_do(&s->once, never, s);
}

static void call_from_many(void *arg) {
    struct shared s = {0};
    (void)arg;
    for (int i = 0; i < 8; i++) check_equal(pirn_waitgroup_go(&s.group, call_it, &s), 0);
    pirn_waitgroup_wait(&s.group);
    check_equal(s.calls, 1);
    check_equal(s.returned, 8);
}

static void one_call_is_made_and_all_wait_for_it(void) { run_body(call_from_many, NULL); }

static void sleep_a_little(void *arg) {
    struct shared *s = arg;
    pirn_sleep(PIRN_MSEC);
    s->value = 17;
}

static void call_a_sleeper(void *arg) {
    struct shared *s = arg;
    pirn_once_do(&s->once, sleep_a_little, s);
    check_equal(s->value, 17);
}

static void call_sleepers(void *arg) {
    struct shared s = {0};
    (void)arg;
    for (int i = 0; i < 8; i++) check_equal(pirn_waitgroup_go(&s.group, call_a_sleeper, &s), 0);
    pirn_waitgroup_wait(&s.group);
}

static void call_may_block(void) { run_body(call_sleepers, NULL); }

static void call_inner(void *arg) {
    struct shared *s = arg;
    pirn_once inner = {0};
    pirn_once_do(&inner, slowly, s);
    pirn_once_do(&inner, never, s);
}

static void nest(void *arg) {
    struct shared s = {0};
    (void)arg;
    pirn_once_do(&s.once, call_inner, &s);
    check_equal(s.calls, 1);
    check_equal(s.value, 17);
}

static void calls_nest(void) { run_body(nest, NULL); }

static pirn_once itself;

static void call_itself(void *arg) {
    (void)arg;
    pirn_once_do(&itself, call_itself, NULL);
    check(!"a recursive call returned");
}

/* M5 */
static void call_from_inside_deadlocks(void) {
    free(run_report(call_itself, -EDEADLK));
    conclude("recursive call");
}

static const struct test tests[] = {
    TEST(one_call_is_made_and_all_wait_for_it),
    TEST(call_may_block),
    TEST(calls_nest),
    TEST(call_from_inside_deadlocks),
};

HARNESS(tests)
