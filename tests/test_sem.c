/* test_sem.c - counting semaphores. */
#include "tests/support.h"

static void use_alone(void *arg) {
    pirn_sem sem = {0}; /* zero is ready, too: without permits */
    int64_t deadline;
    (void)arg;
    check_equal(pirn_sem_acquire(&sem, 1, PIRN_NOW), -EAGAIN);
    check_equal(pirn_sem_acquire(&sem, 0, PIRN_NOW), 0);
    check_equal(pirn_sem_acquire(&sem, 1, pirn_now() - 1), -ETIMEDOUT);
    deadline = pirn_now() + PIRN_MSEC;
    check_equal(pirn_sem_acquire(&sem, 1, deadline), -ETIMEDOUT);
    check(pirn_now() >= deadline);
    pirn_sem_init(&sem, 3);
    check_equal(pirn_sem_acquire(&sem, 4, PIRN_NOW), -EAGAIN);
    check_equal(pirn_sem_acquire(&sem, 2, PIRN_NOW), 0);
    check_equal(pirn_sem_acquire(&sem, 2, PIRN_NOW), -EAGAIN);
    check_equal(pirn_sem_acquire(&sem, 1, pirn_now() - 1),
                0); /* there is one, so the deadline does not matter */
    pirn_sem_release(&sem, 0);
    check_equal(pirn_sem_acquire(&sem, 1, PIRN_NOW), -EAGAIN);
    pirn_sem_release(&sem, 7);
    check_equal(pirn_sem_acquire(&sem, 7, PIRN_FOREVER), 0);
    check_equal(pirn_sem_acquire(&sem, 1, PIRN_NOW), -EAGAIN); /* what timed out took nothing */
    pirn_sem_init(&sem, INT64_MAX);
    check_equal(pirn_sem_acquire(&sem, INT64_MAX, PIRN_NOW), 0);
    check_equal(pirn_sem_acquire(&sem, 1, PIRN_NOW), -EAGAIN);
}

static void error_codes(void) { run_body(use_alone, NULL); }

struct shared {
    pirn_sem sem;
    pirn_waitgroup group;
    atomic_int inside, most, got;
    int count, order[8];
    atomic_int next;
};

static void use_some(void *arg) {
    struct shared *s = arg;
    for (int i = 0; i < s->count; i++) {
        int n = 1 + i % 3, now;
        check_equal(pirn_sem_acquire(&s->sem, n, PIRN_FOREVER), 0);
        now = atomic_fetch_add(&s->inside, n) + n;
        if (now > s->most) s->most = now;
        if (i % 4 == 0) pirn_yield();
        atomic_fetch_sub(&s->inside, n);
        pirn_sem_release(&s->sem, n);
    }
}

static void share_permits(void *arg) {
    struct shared s = {.count = *(int *)arg};
    pirn_sem_init(&s.sem, 4);
    for (int i = 0; i < 6; i++) check_equal(pirn_waitgroup_go(&s.group, use_some, &s), 0);
    pirn_waitgroup_wait(&s.group);
    check(s.most <= 4);
    check(s.most >= 1);
    check_equal(pirn_sem_acquire(&s.sem, 4, PIRN_NOW), 0);
    check_equal(pirn_sem_acquire(&s.sem, 1, PIRN_NOW), -EAGAIN);
}

static void permits_are_kept(void) {
    int few = 4, many = MANY(5000, 200);
    run_body(share_permits, &few);
    run_heavy(share_permits, &many);
}

struct request {
    struct shared *shared;
    int number, permits;
    int64_t deadline;
};

static void take_in_turn(void *arg) {
    struct request *r = arg;
    int rc = pirn_sem_acquire(&r->shared->sem, r->permits, r->deadline);
    if (r->deadline != PIRN_FOREVER) check_equal(rc, -ETIMEDOUT);
    if (rc == 0) r->shared->order[atomic_fetch_add(&r->shared->next, 1)] = r->number;
}

static void line_up(void *arg) {
    static const int permits[] = {3, 1, 2, 1, 5, 1};
    struct shared s = {0};
    (void)arg;
    for (int i = 0; i < 6; i++) {
        struct request r = {&s, i, permits[i], PIRN_FOREVER};
        check_equal(pirn_waitgroup_go_copy(&s.group, take_in_turn, &r, sizeof r), 0);
        settle();
    }
    pirn_sem_release(&s.sem, 2);
    settle();
    check_equal(s.next, 0); /* the first wants three, and nobody goes ahead of it */
    check_equal(pirn_sem_acquire(&s.sem, 1, PIRN_NOW),
                -EAGAIN); /* not even one who just comes along */
    for (int i = 0; i < 6; i++) {
        check_equal(s.next, i);
        pirn_sem_release(&s.sem, i == 0 ? 1 : permits[i]);
        settle();
        check_equal(s.order[i], i);
    }
    pirn_waitgroup_wait(&s.group);
    check_equal(pirn_sem_acquire(&s.sem, 1, PIRN_NOW), -EAGAIN);
}

static void waiters_are_served_in_order(void) { run_settled(line_up, NULL); }

static void release_for_several(void *arg) {
    struct shared s = {0};
    (void)arg;
    for (int i = 0; i < 4; i++) {
        struct request r = {&s, i, 2, PIRN_FOREVER};
        check_equal(pirn_waitgroup_go_copy(&s.group, take_in_turn, &r, sizeof r), 0);
    }
    pirn_sem_release(&s.sem, 7);
    while (s.next < 3) pirn_yield();
    check_equal(s.next, 3);
    pirn_sem_release(&s.sem, 1);
    pirn_waitgroup_wait(&s.group);
    check_equal(s.next, 4);
}

static void one_release_serves_several(void) { run_body(release_for_several, NULL); }

static void give_up_in_front(void *arg) {
    struct shared s = {0};
    struct request first = {&s, 0, 5, 0}, second = {&s, 1, 1, PIRN_FOREVER};
    (void)arg;
    pirn_sem_init(&s.sem, 2);
    first.deadline = pirn_now() + (SIMULATED ? 10 * PIRN_SEC : 60 * PIRN_MSEC);
    check_equal(pirn_waitgroup_go_copy(&s.group, take_in_turn, &first, sizeof first), 0);
    settle();
    check_equal(pirn_waitgroup_go_copy(&s.group, take_in_turn, &second, sizeof second), 0);
    /* There are enough for the second; it gets one once the first has given up, without any
     * release. */
    pirn_waitgroup_wait(&s.group);
    check_equal(s.next, 1);
    check_equal(s.order[0], 1);
    check(pirn_now() >= first.deadline);
    check_equal(pirn_sem_acquire(&s.sem, 1, PIRN_NOW), 0);
}

static void next_is_served_when_the_first_gives_up(void) { run_settled(give_up_in_front, NULL); }

static void take_in_a_hurry(void *arg) {
    struct shared *s = arg;
    for (int i = 0; i < MANY(500, 10); i++) {
        int64_t n = 1 + (int64_t)pirn_choose(2);
        int rc = pirn_sem_acquire(&s->sem, n, pirn_now() + (int64_t)pirn_choose(3) * PIRN_USEC);
        check(rc == 0 || rc == -ETIMEDOUT);
        if (rc) continue;
        atomic_fetch_add(&s->got, 1);
        pirn_yield();
        pirn_sem_release(&s->sem, n);
    }
}

static void hurry(void *arg) {
    struct shared s = {0};
    (void)arg;
    pirn_sem_init(&s.sem, 2);
    for (int i = 0; i < 4; i++) check_equal(pirn_waitgroup_go(&s.group, take_in_a_hurry, &s), 0);
    pirn_waitgroup_wait(&s.group);
    check_equal(pirn_sem_acquire(&s.sem, 2, PIRN_NOW), 0);       /* none lost */
    check_equal(pirn_sem_acquire(&s.sem, 1, PIRN_NOW), -EAGAIN); /* none made up */
}

static void deadline_and_release_do_not_both_win(void) { run_body(hurry, NULL); }

static const struct test tests[] = {
    TEST(error_codes),
    TEST_SECONDS(permits_are_kept, 60),
    TEST(waiters_are_served_in_order),
    TEST(one_release_serves_several),
    TEST(next_is_served_when_the_first_gives_up),
    TEST_SECONDS(deadline_and_release_do_not_both_win, 60),
};

HARNESS(tests)
