/* test_rwmutex.c - locks for many readers or one writer; the rules M1 and M3. */
#include "tests/support.h"

struct shared {
    pirn_rwmutex lock;
    pirn_waitgroup group;
    atomic_int readers, writers, most_readers, done;
    int value; /* guarded by the lock */
    int count;
};

static void use_alone(void *arg) {
    pirn_rwmutex lock = {0};
    (void)arg;
    for (int i = 0; i < 3; i++) {
        pirn_rwmutex_lock(&lock);
        check_equal(pirn_rwmutex_trylock(&lock), -EBUSY);
        check_equal(pirn_rwmutex_tryrlock(&lock), -EBUSY);
        pirn_rwmutex_unlock(&lock);

        pirn_rwmutex_rlock(&lock);
        check_equal(pirn_rwmutex_tryrlock(&lock), 0);
        check_equal(pirn_rwmutex_trylock(&lock), -EBUSY);
        pirn_rwmutex_runlock(&lock);
        check_equal(pirn_rwmutex_trylock(&lock), -EBUSY);
        pirn_rwmutex_runlock(&lock);

        check_equal(pirn_rwmutex_trylock(&lock), 0);
        check_equal(pirn_rwmutex_tryrlock(&lock), -EBUSY);
        pirn_rwmutex_unlock(&lock);
        check_equal(pirn_rwmutex_tryrlock(&lock), 0);
        pirn_rwmutex_runlock(&lock);
    }
}

static void error_codes(void) { run_body(use_alone, NULL); }

static void read_some(void *arg) {
    struct shared *s = arg;
    for (int i = 0; i < s->count; i++) {
        int now;
        if (i % 4 == 3)
            while (pirn_rwmutex_tryrlock(&s->lock) != 0) pirn_yield();
        else
            pirn_rwmutex_rlock(&s->lock);
        now = atomic_fetch_add(&s->readers, 1) + 1;
        if (now > s->most_readers) s->most_readers = now;
        check_equal(s->writers, 0);
        if (i % 3 == 0) pirn_yield();
        check_equal(s->writers, 0);
        atomic_fetch_sub(&s->readers, 1);
        pirn_rwmutex_runlock(&s->lock);
    }
}

static void write_some(void *arg) {
    struct shared *s = arg;
    for (int i = 0; i < s->count; i++) {
        if (i % 4 == 3)
            while (pirn_rwmutex_trylock(&s->lock) != 0) pirn_yield();
        else
            pirn_rwmutex_lock(&s->lock);
        check_equal(atomic_fetch_add(&s->writers, 1), 0);
        check_equal(s->readers, 0);
        s->value++;
        if (i % 3 == 0) pirn_yield();
        check_equal(s->readers, 0);
        atomic_fetch_sub(&s->writers, 1);
        pirn_rwmutex_unlock(&s->lock);
    }
}

static void mix(void *arg) {
    struct shared s = {.count = *(int *)arg};
    for (int i = 0; i < 4; i++) check_equal(pirn_waitgroup_go(&s.group, read_some, &s), 0);
    for (int i = 0; i < 3; i++) check_equal(pirn_waitgroup_go(&s.group, write_some, &s), 0);
    pirn_waitgroup_wait(&s.group);
    check_equal(s.value, 3 * s.count);
    check_equal(pirn_rwmutex_trylock(&s.lock), 0);
}

static void writers_are_alone(void) {
    int few = 4, many = MANY(5000, 200);
    run_body(mix, &few);
    run_heavy(mix, &many);
}

static void read_together(void *arg) {
    struct shared *s = arg;
    pirn_rwmutex_rlock(&s->lock);
    atomic_fetch_add(&s->readers, 1);
    while (s->readers < 5) pirn_yield(); /* returns only if all are in at once */
    pirn_rwmutex_runlock(&s->lock);
}

static void five_readers(void *arg) {
    struct shared s = {0};
    (void)arg;
    for (int i = 0; i < 5; i++) check_equal(pirn_waitgroup_go(&s.group, read_together, &s), 0);
    pirn_waitgroup_wait(&s.group);
}

static void readers_share(void) { run_body(five_readers, NULL); }

static void write_once(void *arg) {
    struct shared *s = arg;
    pirn_rwmutex_lock(&s->lock);
    s->writers = 1;
    check_equal(s->readers, 0); /* M3: those that came later have not read yet */
    s->value++;
    pirn_rwmutex_unlock(&s->lock);
}

static void write_last(void *arg) {
    struct shared *s = arg;
    pirn_rwmutex_lock(&s->lock);
    check_equal(s->value, 1);
    check_equal(s->readers, 3); /* M3: the readers that waited came before the second writer */
    s->value++;
    pirn_rwmutex_unlock(&s->lock);
}

static void read_once(void *arg) {
    struct shared *s = arg;
    pirn_rwmutex_rlock(&s->lock);
    check_equal(s->writers, 1);
    atomic_fetch_add(&s->readers, 1);
    pirn_rwmutex_runlock(&s->lock);
}

static void queue_behind_a_writer(void *arg) {
    struct shared s = {0};
    (void)arg;
    pirn_rwmutex_rlock(&s.lock);
    check_equal(pirn_waitgroup_go(&s.group, write_once, &s), 0);
    settle();
    check_equal(pirn_rwmutex_tryrlock(&s.lock),
                -EBUSY); /* M3: a waiting writer keeps new readers out */
    check_equal(pirn_rwmutex_trylock(&s.lock), -EBUSY);
    for (int i = 0; i < 3; i++) check_equal(pirn_waitgroup_go(&s.group, read_once, &s), 0);
    settle();
    check_equal(pirn_waitgroup_go(&s.group, write_last, &s), 0);
    settle();
    check_equal(s.readers, 0);
    check_equal(s.writers, 0);
    pirn_rwmutex_runlock(&s.lock);
    pirn_waitgroup_wait(&s.group);
    check_equal(s.readers, 3);
    check_equal(s.value, 2);
    check_equal(pirn_rwmutex_trylock(&s.lock), 0);
}

/* M3 */
static void waiting_writer_goes_before_new_readers(void) {
    run_settled(queue_behind_a_writer, NULL);
}

static void read_for_ever(void *arg) {
    struct shared *s = arg;
    while (!s->done) {
        pirn_rwmutex_rlock(&s->lock);
        pirn_yield();
        pirn_rwmutex_runlock(&s->lock);
    }
}

static void write_among_readers(void *arg) {
    struct shared s = {0};
    (void)arg;
    for (int i = 0; i < 3; i++) check_equal(pirn_waitgroup_go(&s.group, read_for_ever, &s), 0);
    for (int i = 0; i < 20; i++) {
        pirn_rwmutex_lock(&s.lock);
        pirn_rwmutex_unlock(&s.lock);
        pirn_yield();
    }
    s.done = 1;
    pirn_waitgroup_wait(&s.group);
}

/* M3 */
static void readers_do_not_starve_a_writer(void) { run_heavy(write_among_readers, NULL); }

static void unlock_it(void *arg) { pirn_rwmutex_unlock(arg); }
static void runlock_it(void *arg) { pirn_rwmutex_runlock(arg); }

static void unlock_for_others(void *arg) {
    pirn_rwmutex lock = {0};
    (void)arg;
    pirn_rwmutex_lock(&lock);
    check_equal(pirn_go(unlock_it, &lock), 0);
    pirn_rwmutex_rlock(&lock);
    check_equal(pirn_go(runlock_it, &lock), 0);
    pirn_rwmutex_lock(&lock);
    pirn_rwmutex_unlock(&lock);
}

/* M1 */
static void another_task_may_unlock(void) { run_body(unlock_for_others, NULL); }

static pirn_rwmutex twice;

static void write_in_between(void *arg) {
    (void)arg;
    pirn_rwmutex_lock(&twice);
    pirn_rwmutex_unlock(&twice);
}

static void read_twice(void *arg) {
    (void)arg;
    pirn_rwmutex_rlock(&twice);
    check_equal(pirn_go(write_in_between, NULL), 0);
    while (pirn_rwmutex_tryrlock(&twice) == 0) { /* until the writer waits */
        pirn_rwmutex_runlock(&twice);
        pirn_yield();
    }
    pirn_rwmutex_rlock(&twice);
    check(!"a reader went ahead of a waiting writer");
}

/* M3 */
static void recursive_read_lock_can_deadlock(void) {
    free(run_report(read_twice, -EDEADLK));
    conclude("recursive read lock");
}

static const struct test tests[] = {
    TEST(error_codes),
    TEST_SECONDS(writers_are_alone, 60),
    TEST(readers_share),
    TEST(waiting_writer_goes_before_new_readers),
    TEST_SECONDS(readers_do_not_starve_a_writer, 60),
    TEST(another_task_may_unlock),
    TEST(recursive_read_lock_can_deadlock),
};

HARNESS(tests)
