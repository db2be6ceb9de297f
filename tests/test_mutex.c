/* test_mutex.c - mutexes; the rules M1 and M2. */
#include "tests/support.h"

#include <pthread.h>

struct shared {
    pirn_mutex mutex;
    pirn_waitgroup group;
    int inside, most, total; /* guarded by the mutex */
    int count;
    atomic_int done;
};

static void use_alone(void *arg) {
    pirn_mutex mutex = {0};
    int64_t deadline;
    (void)arg;
    for (int i = 0; i < 3; i++) {
        pirn_mutex_lock(&mutex);
        check_equal(pirn_mutex_trylock(&mutex), -EBUSY);
        check_equal(pirn_mutex_lock_until(&mutex, PIRN_NOW), -EAGAIN);
        check_equal(pirn_mutex_lock_until(&mutex, pirn_now() - 1), -ETIMEDOUT);
        deadline = pirn_now() + PIRN_MSEC;
        check_equal(pirn_mutex_lock_until(&mutex, deadline), -ETIMEDOUT);
        check(pirn_now() >= deadline);
        pirn_mutex_unlock(&mutex);
        check_equal(pirn_mutex_trylock(&mutex), 0);
        check_equal(pirn_mutex_trylock(&mutex), -EBUSY);
        pirn_mutex_unlock(&mutex);
        check_equal(pirn_mutex_lock_until(&mutex, PIRN_NOW), 0);
        pirn_mutex_unlock(&mutex);
        check_equal(pirn_mutex_lock_until(&mutex, pirn_now() - 1), 0);
        pirn_mutex_unlock(&mutex);
        check_equal(pirn_mutex_lock_until(&mutex, PIRN_FOREVER), 0);
        pirn_mutex_unlock(&mutex);
    }
}

static void error_codes(void) { run_body(use_alone, NULL); }

static void enter(struct shared *s) {
    if (++s->inside > s->most) s->most = s->inside;
    s->total++;
}

static void work(void *arg) {
    struct shared *s = arg;
    for (int i = 0; i < s->count; i++) {
        switch (i % 3) {
        case 0:
            pirn_mutex_lock(&s->mutex);
            break;
        case 1:
            check_equal(pirn_mutex_lock_until(&s->mutex, PIRN_FOREVER), 0);
            break;
        case 2:
            while (pirn_mutex_trylock(&s->mutex) != 0) pirn_yield();
            break;
        }
        enter(s);
        if (i % 5 == 0) pirn_yield();
        s->inside--;
        pirn_mutex_unlock(&s->mutex);
    }
}

static void exclude(void *arg) {
    struct shared s = {.count = *(int *)arg};
    for (int i = 0; i < 8; i++) check_equal(pirn_waitgroup_go(&s.group, work, &s), 0);
    pirn_waitgroup_wait(&s.group);
    check_equal(s.most, 1);
    check_equal(s.total, 8 * s.count);
    check_equal(pirn_mutex_trylock(&s.mutex), 0);
}

static void one_task_at_a_time_holds_it(void) {
    int few = 4, many = MANY(10000, 300);
    run_body(exclude, &few);
    run_heavy(exclude, &many);
}

static void hurry(void *arg) {
    struct shared *s = arg;
    for (int i = 0; i < MANY(500, 10); i++) {
        int rc = pirn_mutex_lock_until(&s->mutex, pirn_now() + (int64_t)pirn_choose(3) * PIRN_USEC);
        check(rc == 0 || rc == -ETIMEDOUT);
        if (rc) continue;
        enter(s);
        pirn_yield();
        s->inside--;
        pirn_mutex_unlock(&s->mutex);
    }
}

static void exclude_with_deadlines(void *arg) {
    struct shared s = {0};
    (void)arg;
    for (int i = 0; i < 4; i++) check_equal(pirn_waitgroup_go(&s.group, hurry, &s), 0);
    pirn_waitgroup_wait(&s.group);
    check(s.most <= 1);
    check_equal(pirn_mutex_trylock(&s.mutex),
                0); /* neither lost nor handed to one that had given up */
}

static void deadline_and_unlock_do_not_both_win(void) { run_body(exclude_with_deadlines, NULL); }

static void unlock_for_another(void *arg) { pirn_mutex_unlock(arg); }

static void lock_twice(void *arg) {
    pirn_mutex mutex = {0};
    (void)arg;
    pirn_mutex_lock(&mutex);
    check_equal(pirn_go(unlock_for_another, &mutex), 0);
    pirn_mutex_lock(&mutex); /* M1: any task may unlock */
    check_equal(pirn_mutex_trylock(&mutex), -EBUSY);
    pirn_mutex_unlock(&mutex);
}

/* M1 */
static void another_task_may_unlock(void) { run_body(lock_twice, NULL); }

static void lock_and_count(void *arg) {
    struct shared *s = arg;
    pirn_mutex_lock(&s->mutex);
    s->total++;
    pirn_mutex_unlock(&s->mutex);
}

static void release_many(void *arg) {
    struct shared s = {0};
    (void)arg;
    pirn_mutex_lock(&s.mutex);
    for (int i = 0; i < 50; i++) check_equal(pirn_waitgroup_go(&s.group, lock_and_count, &s), 0);
    settle();
    check_equal(s.total, 0);
    pirn_mutex_unlock(&s.mutex);
    pirn_waitgroup_wait(&s.group);
    check_equal(s.total, 50);
}

static void every_waiter_gets_it(void) {
    run_settled(release_many, NULL);
    run_body(release_many, NULL);
}

static void hog(void *arg) {
    struct shared *s = arg;
    while (!s->done) {
        pirn_mutex_lock(&s->mutex);
        if (!SIMULATED)
            for (int64_t until = pirn_now() + 50 * PIRN_USEC; pirn_now() < until;) {
            }
        pirn_yield();
        pirn_mutex_unlock(&s->mutex);
    }
}

static void compete_with_hogs(void *arg) {
    struct shared s = {0};
    (void)arg;
    check_equal(pirn_waitgroup_go(&s.group, hog, &s), 0);
    check_equal(pirn_waitgroup_go(&s.group, hog, &s), 0);
    for (int i = 0; i < 20; i++) {
        pirn_mutex_lock(&s.mutex); /* comes back although the others lock again and again */
        pirn_mutex_unlock(&s.mutex);
        pirn_yield();
    }
    s.done = 1;
    pirn_waitgroup_wait(&s.group);
}

/* M2 */
static void no_waiter_starves(void) { run_heavy(compete_with_hogs, NULL); }

struct order {
    pirn_mutex mutex;
    pirn_waitgroup group;
    int next, got[6]; /* guarded by the mutex */
};

struct number {
    struct order *order;
    int number;
};

static void lock_in_order(void *arg) {
    struct number *n = arg;
    pirn_mutex_lock(&n->order->mutex);
    n->order->got[n->order->next++] = n->number;
    pirn_mutex_unlock(&n->order->mutex);
}

static void line_up(void *arg) {
    struct order o = {0};
    (void)arg;
    pirn_mutex_lock(&o.mutex);
    for (int i = 0; i < 6; i++) {
        struct number n = {&o, i};
        check_equal(pirn_waitgroup_go_copy(&o.group, lock_in_order, &n, sizeof n), 0);
        settle();
    }
    pirn_mutex_unlock(&o.mutex);
    pirn_waitgroup_wait(&o.group);
    for (int i = 0; i < 6; i++) check_equal(o.got[i], i);
}

/* M2: nobody is running who could go ahead of those that wait. */
static void waiters_are_served_in_order(void) { run_settled(line_up, NULL); }

#if !SIMULATED
static void *work_in_thread(void *arg) {
    work(arg);
    return NULL;
}

static void share_with_threads(void *arg) {
    struct shared s = {.count = MANY(2000, 0)};
    pthread_t threads[2];
    int finished = 0;
    (void)arg;
    for (int i = 0; i < 2; i++)
        check_equal(pthread_create(&threads[i], NULL, work_in_thread, &s), 0);
    for (int i = 0; i < 2; i++) check_equal(pirn_waitgroup_go(&s.group, work, &s), 0);
    pirn_waitgroup_wait(&s.group);
    while (!finished) {
        pirn_sleep(PIRN_MSEC);
        pirn_mutex_lock(&s.mutex);
        finished = s.total == 4 * s.count;
        pirn_mutex_unlock(&s.mutex);
    }
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    check_equal(s.most, 1);
}

static void foreign_threads_lock(void) { run_body(share_with_threads, NULL); }
#endif

static void lock_itself(void *arg) {
    static pirn_mutex mutex;
    (void)arg;
    pirn_mutex_lock(&mutex);
    pirn_mutex_lock(&mutex);
    check(!"a mutex was locked twice");
}

/* M1: not recursive */
static void second_lock_by_the_same_task_blocks(void) {
    free(run_report(lock_itself, -EDEADLK));
    conclude("recursive lock");
}

static const struct test tests[] = {
    TEST(error_codes),
    TEST_SECONDS(one_task_at_a_time_holds_it, 60),
    TEST_SECONDS(deadline_and_unlock_do_not_both_win, 60),
    TEST(another_task_may_unlock),
    TEST(every_waiter_gets_it),
    TEST_SECONDS(no_waiter_starves, 60),
    TEST(waiters_are_served_in_order),
#if !SIMULATED
    TEST_SECONDS(foreign_threads_lock, 60),
#endif
    TEST(second_lock_by_the_same_task_blocks),
};

HARNESS(tests)
