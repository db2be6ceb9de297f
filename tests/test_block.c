/* test_block.c - calls that block a thread. */
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/support.h"

/* Not inlined: the compiler may keep errno's address, and a task may change threads. */
static __attribute__((noinline)) int get_errno(void) {
    __asm__ volatile("");
    return errno;
}
static __attribute__((noinline)) void set_errno(int value) {
    __asm__ volatile("");
    errno = value;
}

static void add_one(void *arg) { atomic_fetch_add((atomic_int *)arg, 1); }

static void use_alone(void *arg) {
    atomic_int count = 0;
    (void)arg;
    check_equal(pirn_block(NULL, NULL), -EINVAL);
    for (int i = 0; i < 100; i++) {
        check_equal(pirn_block(add_one, &count), 0);
        check_equal(count, i + 1); /* it has returned, and has been called once */
    }
}

static void calls_once_and_returns(void) { run_body(use_alone, NULL); }

struct place {
    pthread_t thread;
    uint64_t self;
};

static void note_place(void *arg) {
    struct place *place = arg;
    place->thread = pthread_self();
    place->self = pirn_self();
    errno = EDOM;
}

static void look_at_place(void *arg) {
    struct place place = {0};
    (void)arg;
    set_errno(ERANGE);
    check_equal(pirn_block(note_place, &place), 0);
    if (SIMULATED) {
        check(pthread_equal(place.thread, pthread_self()));
    } else {
        check(!pthread_equal(place.thread, pthread_self()));
        check_equal(place.self, 0);
        check_equal(get_errno(), ERANGE);
    }
}

static void runs_in_a_thread_of_its_own(void) { run_body(look_at_place, NULL); }

struct meeting {
    pthread_barrier_t barrier;
    pirn_waitgroup group;
    atomic_int done, inside, most;
};

#if !SIMULATED
static void meet(void *arg) { pthread_barrier_wait(&((struct meeting *)arg)->barrier); }

static void block_and_meet(void *arg) {
    struct meeting *m = arg;
    check_equal(pirn_block(meet, m), 0);
    atomic_fetch_add(&m->done, 1);
}

/* All of them block at once, whatever the number of workers, and the others go on. */
static void meet_in_calls(void *arg) {
    struct meeting m = {0};
    (void)arg;
    pthread_barrier_init(&m.barrier, NULL, 33);
    for (int i = 0; i < 32; i++) check_equal(pirn_waitgroup_go(&m.group, block_and_meet, &m), 0);
    for (int i = 0; i < 100; i++) pirn_yield();
    check_equal(m.done, 0); /* this task runs, though 32 block */
    check_equal(pirn_block(meet, &m), 0);
    pirn_waitgroup_wait(&m.group);
    check_equal(m.done, 32);
    pthread_barrier_destroy(&m.barrier);
}

static void only_the_task_waits(void) { run_body(meet_in_calls, NULL); }

static void count_inside(void *arg) {
    struct meeting *m = arg;
    int now = atomic_fetch_add(&m->inside, 1) + 1, most = atomic_load(&m->most);
    while (now > most && !atomic_compare_exchange_weak(&m->most, &most, now)) continue;
    usleep(200);
    atomic_fetch_sub(&m->inside, 1);
    atomic_fetch_add(&m->done, 1);
}

static void block_and_count(void *arg) { check_equal(pirn_block(count_inside, arg), 0); }

static void block_in_a_crowd(void *arg) {
    struct meeting m = {0};
    (void)arg;
    for (int i = 0; i < 300; i++) check_equal(pirn_waitgroup_go(&m.group, block_and_count, &m), 0);
    pirn_waitgroup_wait(&m.group);
    check_equal(m.done, 300);
    check(m.most <= 64);
    check(m.most >= 2);
}

static void calls_beyond_the_limit_wait_in_line(void) { run_heavy(block_in_a_crowd, NULL); }

static void answer(void *arg) {
    int value;
    check_equal(pirn_recv(arg, &value), 0);
    value++;
    check_equal(pirn_send(arg, &value), 0);
}

static void answer_in_call(void *arg) { check_equal(pirn_block(answer, arg), 0); }

static void talk_to_a_call(void *arg) {
    pirn_chan *chan = pirn_chan_new(sizeof(int), 0);
    atomic_int calls = 0;
    int value = 1;
    (void)arg;
    check_equal(pirn_go(answer_in_call, chan), 0);
    check_equal(pirn_send(chan, &value), 0);
    check_equal(pirn_recv(chan, &value), 0);
    check_equal(value, 2);
    check_equal(pirn_block(add_one, &calls), 0);
    check_equal(calls, 1);
    pirn_chan_unref(chan);
}

static void the_library_may_be_called_within(void) { run_body(talk_to_a_call, NULL); }

static atomic_int late;

static void be_late(void *arg) {
    (void)arg;
    usleep(20000);
    atomic_fetch_add(&late, 1);
}

static void block_late(void *arg) {
    pirn_chan *begun = arg;
    pirn_send(begun, NULL);
    pirn_block(be_late, NULL);
    check(!"a discarded task has gone on");
}

static void leave_a_call(void *arg) {
    pirn_chan *begun = pirn_chan_new(0, 0);
    (void)arg;
    check_equal(pirn_go(block_late, begun), 0);
    check_equal(pirn_recv(begun, NULL), 0);
    pirn_chan_unref(begun);
}

/* A call has begun or it has not; if it has, pirn_run returns after it. */
static void run_waits_for_calls(void) {
    for (int i = 0; i < 20; i++) {
        int before;
        check_equal(pirn_run(NULL, leave_a_call, NULL), 0);
        before = late;
        usleep(25000);
        check_equal(late, before);
    }
    conclude("calls that outlast main");
}

static void block_then_wait(void *arg) {
    pirn_chan *never = pirn_chan_new(0, 0);
    (void)arg;
    check_equal(pirn_block(be_late, NULL), 0); /* no deadlock meanwhile */
    check_equal(pirn_go(answer_in_call, never), 0);
    check_equal(pirn_send(never, NULL), 0);
    check_equal(pirn_recv(never, NULL), 0);
    check_equal(pirn_send(never, NULL), 0);
}

/* The helper has called in the run, and is still there. */
static void idle_helpers_hide_no_deadlock(void) {
    free(run_report(block_then_wait, -EDEADLK));
    conclude("a deadlock after a call");
}

static void find_no_thread(void *arg) {
    struct rlimit before, none;
    atomic_int count = 0;
    int rc;
    (void)arg;
    check_equal(getrlimit(RLIMIT_AS, &before), 0);
    none = before;
    none.rlim_cur = 1 << 20; /* less than there is, so no more */
    check_equal(setrlimit(RLIMIT_AS, &none), 0);
    rc = pirn_block(add_one, &count);
    check_equal(setrlimit(RLIMIT_AS, &before), 0);
    check(rc == -EAGAIN || rc == -ENOMEM);
    check_equal(count, 0);
    check_equal(pirn_block(add_one, &count), 0);
    check_equal(count, 1);
}

static void no_thread_to_be_had(void) {
    /* The sanitizers need memory at any time. */
    if (ASAN || TSAN) return;
    check_equal(pirn_run(NULL, find_no_thread, NULL), 0);
    conclude("no thread");
}

static void block_here(void *arg) {
    pthread_t *thread = arg;
    *thread = pthread_self();
}

static void thread_outside_calls_directly(void) {
    pthread_t thread;
    check_equal(pirn_block(block_here, &thread), 0);
    check(pthread_equal(thread, pthread_self()));
    conclude("outside");
}
#else
static void nested(void *arg) {
    int value = 7;
    check_equal(pirn_send(arg, &value), 0);
}

static void call_within(void *arg) {
    pirn_chan *chan = pirn_chan_new(sizeof(int), 1);
    int value = 0;
    (void)arg;
    check_equal(pirn_block(nested, chan), 0);
    check_equal(pirn_try_recv(chan, &value), 0);
    check_equal(value, 7);
    pirn_chan_unref(chan);
}

static void the_library_may_be_called_within(void) { run_body(call_within, NULL); }
#endif

static void block_in_turn(void *arg) {
    struct meeting *m = arg;
    for (int i = 0; i < 5; i++) check_equal(pirn_block(add_one, &m->done), 0);
}

static void block_often(void *arg) {
    struct meeting m = {0};
    (void)arg;
    for (int i = 0; i < 20; i++) check_equal(pirn_waitgroup_go(&m.group, block_in_turn, &m), 0);
    pirn_waitgroup_wait(&m.group);
    check_equal(m.done, 100);
}

static void many_tasks_call(void) { run_body(block_often, NULL); }

static const struct test tests[] = {
    TEST(calls_once_and_returns),
    TEST(runs_in_a_thread_of_its_own),
    TEST(the_library_may_be_called_within),
    TEST(many_tasks_call),
#if !SIMULATED
    TEST(only_the_task_waits),
    TEST_SECONDS(calls_beyond_the_limit_wait_in_line, 60),
    TEST(run_waits_for_calls),
    TEST(idle_helpers_hide_no_deadlock),
    TEST(thread_outside_calls_directly),
    TEST(no_thread_to_be_had),
#endif
};

HARNESS(tests)
