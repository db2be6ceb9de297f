/* test_cond.c - condition variables; the rule M6. */
#include "tests/support.h"

struct shared {
    pirn_mutex mutex;
    pirn_cond cond, other;
    pirn_waitgroup group;
    int waiting, woken, tickets, order[8]; /* guarded by the mutex */
    int count;
};

struct number {
    struct shared *shared;
    int number;
};

static void wait_once(void *arg) {
    struct number *n = arg;
    struct shared *s = n->shared;
    pirn_mutex_lock(&s->mutex);
    s->waiting++;
    pirn_cond_wait(&s->cond, &s->mutex);
    check_equal(pirn_mutex_trylock(&s->mutex), -EBUSY); /* it is ours again */
    s->order[s->woken++] = n->number;
    pirn_mutex_unlock(&s->mutex);
}

/* Starts the number'th waiter and returns once it waits. Who sees the count holds the mutex, so
 * the waiter has let go of it. */
static void start_waiter(struct shared *s, int number) {
    struct number n = {s, number};
    bool there = false;
    check_equal(pirn_waitgroup_go_copy(&s->group, wait_once, &n, sizeof n), 0);
    while (!there) {
        pirn_yield();
        pirn_mutex_lock(&s->mutex);
        there = s->waiting > number;
        pirn_mutex_unlock(&s->mutex);
    }
}

static int woken(struct shared *s) {
    int count;
    pirn_mutex_lock(&s->mutex);
    count = s->woken;
    pirn_mutex_unlock(&s->mutex);
    return count;
}

static void signal_one_by_one(void *arg) {
    struct shared s = {0};
    (void)arg;
    for (int i = 0; i < 8; i++) start_waiter(&s, i);
    for (int i = 0; i < 8; i++) {
        check_equal(woken(&s), i); /* no spurious wake-up */
        if (i % 2) pirn_mutex_lock(&s.mutex);
        pirn_cond_signal(&s.cond); /* with the mutex and without */
        if (i % 2) pirn_mutex_unlock(&s.mutex);
        while (woken(&s) == i) pirn_yield();
    }
    pirn_waitgroup_wait(&s.group);
    for (int i = 0; i < 8; i++) check_equal(s.order[i], i);
}

/* M6 */
static void signal_wakes_the_oldest(void) { run_body(signal_one_by_one, NULL); }

static void signal_at_once(void *arg) {
    struct shared s = {0};
    (void)arg;
    for (int i = 0; i < 8; i++) start_waiter(&s, i);
    for (int i = 0; i < 3; i++) pirn_cond_signal(&s.cond); /* each wakes another one */
    while (woken(&s) < 3) pirn_yield();
    settle();
    check_equal(woken(&s), 3);
    pirn_cond_broadcast(&s.cond);
    pirn_waitgroup_wait(&s.group);
    check_equal(s.woken, 8);
    for (int i = 0; i < 3; i++) check(s.order[i] < 3);
}

/* M6 */
static void signals_add_up_and_broadcast_wakes_the_rest(void) {
    run_settled(signal_at_once, NULL);
    run_body(signal_at_once, NULL);
}

static void signal_nobody(void *arg) {
    struct shared s = {0};
    int64_t deadline;
    (void)arg;
    pirn_cond_signal(&s.cond);
    pirn_cond_broadcast(&s.cond);
    pirn_mutex_lock(&s.mutex);
    deadline = pirn_now() + PIRN_MSEC;
    check_equal(pirn_cond_wait_until(&s.cond, &s.mutex, deadline), -ETIMEDOUT); /* they were lost */
    check(pirn_now() >= deadline);
    check_equal(pirn_mutex_trylock(&s.mutex), -EBUSY);
    check_equal(pirn_cond_wait_until(&s.cond, &s.mutex, PIRN_NOW), -ETIMEDOUT);
    check_equal(pirn_cond_wait_until(&s.cond, &s.mutex, pirn_now() - 1), -ETIMEDOUT);
    check_equal(pirn_cond_wait_until(&s.cond, &s.mutex, pirn_now() + 1), -ETIMEDOUT);
    check_equal(pirn_mutex_trylock(&s.mutex), -EBUSY); /* locked again each time */
    pirn_mutex_unlock(&s.mutex);
    start_waiter(&s, 0);
    check_equal(woken(&s), 0); /* and what timed out takes no signal from others */
    pirn_cond_signal(&s.cond);
    pirn_waitgroup_wait(&s.group);
    check_equal(s.woken, 1);
}

/* M6 */
static void signal_without_a_waiter_is_lost(void) { run_body(signal_nobody, NULL); }

static void wait_in_a_hurry(void *arg) {
    struct shared *s = arg;
    for (int i = 0; i < s->count; i++) {
        pirn_mutex_lock(&s->mutex);
        while (s->tickets == 0) {
            int rc = pirn_cond_wait_until(&s->cond, &s->mutex, pirn_now() + PIRN_USEC);
            check(rc == 0 || rc == -ETIMEDOUT);
        }
        s->tickets--;
        pirn_mutex_unlock(&s->mutex);
    }
}

static void give_tickets(void *arg) {
    struct shared *s = arg;
    for (int i = 0; i < s->count; i++) {
        pirn_mutex_lock(&s->mutex);
        s->tickets++;
        pirn_cond_signal(&s->cond);
        pirn_mutex_unlock(&s->mutex);
        pirn_yield();
    }
}

static void pass_tickets(void *arg) {
    struct shared s = {.count = MANY(500, 10)};
    (void)arg;
    for (int i = 0; i < 3; i++) {
        check_equal(pirn_waitgroup_go(&s.group, wait_in_a_hurry, &s), 0);
        check_equal(pirn_waitgroup_go(&s.group, give_tickets, &s), 0);
    }
    pirn_waitgroup_wait(&s.group);
    check_equal(s.tickets, 0);
}

static void deadline_and_signal_do_not_both_win(void) { run_body(pass_tickets, NULL); }

/* A buffer of one with two conditions; a lost or misdirected signal would block it for ever. */
static void put(void *arg) {
    struct shared *s = arg;
    for (int i = 0; i < s->count; i++) {
        pirn_mutex_lock(&s->mutex);
        while (s->tickets == 1) pirn_cond_wait(&s->other, &s->mutex);
        s->tickets = 1;
        pirn_cond_signal(&s->cond);
        pirn_mutex_unlock(&s->mutex);
    }
}

static void take(void *arg) {
    struct shared *s = arg;
    for (int i = 0; i < s->count; i++) {
        pirn_mutex_lock(&s->mutex);
        while (s->tickets == 0) pirn_cond_wait(&s->cond, &s->mutex);
        s->tickets = 0;
        s->woken++;
        pirn_mutex_unlock(&s->mutex);
        pirn_cond_signal(&s->other);
    }
}

static void buffer_of_one(void *arg) {
    struct shared s = {.count = *(int *)arg};
    for (int i = 0; i < 3; i++) {
        check_equal(pirn_waitgroup_go(&s.group, put, &s), 0);
        check_equal(pirn_waitgroup_go(&s.group, take, &s), 0);
    }
    pirn_waitgroup_wait(&s.group);
    check_equal(s.woken, 3 * s.count);
    check_equal(s.tickets, 0);
}

static void no_signal_is_lost(void) {
    int few = 4, many = MANY(5000, 200);
    run_body(buffer_of_one, &few);
    run_heavy(buffer_of_one, &many);
}

static const struct test tests[] = {
    TEST(signal_wakes_the_oldest),         TEST(signals_add_up_and_broadcast_wakes_the_rest),
    TEST(signal_without_a_waiter_is_lost), TEST_SECONDS(deadline_and_signal_do_not_both_win, 60),
    TEST_SECONDS(no_signal_is_lost, 60),
};

HARNESS(tests)
