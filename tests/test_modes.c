/* test_modes.c - a worker that is the only one awake takes no locks until another thread comes: who
 * may see what. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "lib/core/wait.h"
#include "lib/threads/runtime.h"
#include "tests/harness.h"

/* In ThreadSanitizer's builds, and where the kernel cannot help, locks are always taken. */
static _Atomic bool was_alone;

static void note_mode(void *arg) {
    (void)arg;
    atomic_store(&was_alone, !(atomic_load(&threads_mode) & MODE_SHARED));
}

static bool alone_is_possible(void) {
    pirn_config config = {.workers = 1};
    CU_ASSERT_EQUAL(pirn_run(&config, note_mode, NULL), 0);
    return was_alone;
}

/* ---- A worker that comes in as another thread does ------------------------------------------- */

/* The worker says that it is inside before it learns that it must not be any more: another thread,
 * which has been let in already, may see that. */
static void others_take_locks_whatever_a_worker_says(void) {
    waitq queue = {0};
    _Atomic uint32_t word = 0;
    uint32_t mode = atomic_load(&threads_mode);

    atomic_store(&threads_mode, MODE_SHARED);
    atomic_store(&threads_inside, 1);
    CU_ASSERT(!threads_alone());
    engine_lock(&queue);
    CU_ASSERT_EQUAL(queue.lock, 1);
    engine_unlock(&queue);
    CU_ASSERT(engine_swap_if(&word, 0, 1));
    /* And a worker that was inside when they came says when it is not. */
    threads_leave();
    CU_ASSERT_EQUAL(threads_inside, 0);

    atomic_store(&threads_mode, 0);
    atomic_store(&threads_inside, 1);
    engine_lock(&queue);
    CU_ASSERT_EQUAL(queue.lock, 0);
    atomic_store(&threads_inside, 0);
    atomic_store(&threads_mode, mode);
}

/* ---- Every operation leaves ------------------------------------------------------------------ */

static pirn_chan *chan;
static pirn_mutex mutex;
static pirn_rwmutex rwmutex;
static pirn_cond cond;
static pirn_sem sem;
static pirn_once once;
static pirn_waitgroup group;
static pirn_ctx *ctx;
static pirn_group *team;
static pirn_timer *timer;
static int pipes[2];

static void nothing(void *arg) { (void)arg; }
static int no_result(pirn_ctx *c, void *arg) {
    (void)c;
    (void)arg;
    return 0;
}

static void use_go(void) { CU_ASSERT_EQUAL(pirn_go(nothing, NULL), 0); }
static void use_yield(void) { pirn_yield(); }
static void use_sleep(void) { pirn_sleep(PIRN_MSEC); }
static void use_send(void) { CU_ASSERT_EQUAL(pirn_try_send(chan, NULL), 0); }
static void use_recv(void) { CU_ASSERT_EQUAL(pirn_try_recv(chan, NULL), 0); }
static void use_recv_until(void) {
    CU_ASSERT_EQUAL(pirn_recv_until(chan, NULL, pirn_now() + PIRN_MSEC), -ETIMEDOUT);
}
static void use_len(void) { CU_ASSERT_EQUAL(pirn_chan_len(chan), 0); }
static void use_select(void) {
    pirn_case cases[] = {PIRN_CASE_RECV(chan, NULL)};
    CU_ASSERT_EQUAL(pirn_select(cases, 1, PIRN_NOW), -EAGAIN);
}
static void use_select_until(void) {
    pirn_case cases[] = {PIRN_CASE_RECV(chan, NULL), PIRN_CASE_RECV(NULL, NULL)};
    CU_ASSERT_EQUAL(pirn_select(cases, 2, pirn_now() + PIRN_MSEC), -ETIMEDOUT);
}
static void use_mutex(void) {
    pirn_mutex_lock(&mutex);
    pirn_mutex_unlock(&mutex);
}
static void use_trylock(void) {
    CU_ASSERT_EQUAL(pirn_mutex_trylock(&mutex), 0);
    CU_ASSERT_EQUAL(pirn_mutex_trylock(&mutex), -EBUSY);
    CU_ASSERT_EQUAL(pirn_mutex_lock_until(&mutex, PIRN_NOW), -EAGAIN);
    pirn_mutex_unlock(&mutex);
}
static void use_rwmutex(void) {
    pirn_rwmutex_rlock(&rwmutex);
    CU_ASSERT_EQUAL(pirn_rwmutex_trylock(&rwmutex), -EBUSY);
    pirn_rwmutex_runlock(&rwmutex);
    pirn_rwmutex_lock(&rwmutex);
    pirn_rwmutex_unlock(&rwmutex);
}
static void use_cond(void) {
    pirn_cond_signal(&cond);
    pirn_cond_broadcast(&cond);
    pirn_mutex_lock(&mutex);
    CU_ASSERT_EQUAL(pirn_cond_wait_until(&cond, &mutex, pirn_now() + PIRN_MSEC), -ETIMEDOUT);
    pirn_mutex_unlock(&mutex);
}
static void use_sem(void) {
    CU_ASSERT_EQUAL(pirn_sem_acquire(&sem, 1, PIRN_NOW), -EAGAIN);
    pirn_sem_release(&sem, 1);
    CU_ASSERT_EQUAL(pirn_sem_acquire(&sem, 1, PIRN_FOREVER), 0);
}
static void use_once(void) { pirn_once_do(&once, nothing, NULL); }
static void use_waitgroup(void) {
    pirn_waitgroup_add(&group, 1);
    pirn_waitgroup_done(&group);
    pirn_waitgroup_wait(&group);
}
static void use_ctx(void) {
    pirn_ctx *child = pirn_ctx_with_deadline(ctx, pirn_now() + PIRN_SEC);
    CU_ASSERT_EQUAL(pirn_ctx_err(child), 0);
    pirn_ctx_cancel(child);
    pirn_ctx_unref(child);
}
static void use_group_limit(void) { pirn_group_limit(team, 3); }
static void use_group(void) {
    pirn_group *other = pirn_group_new(ctx);
    CU_ASSERT_EQUAL(pirn_group_go(other, no_result, NULL), 0);
    CU_ASSERT_EQUAL(pirn_group_wait(other), 0);
}
static void use_timer(void) {
    pirn_timer_reset(timer, PIRN_SEC);
    CU_ASSERT(pirn_timer_stop(timer));
}
static void use_timer_func(void) {
    pirn_timer *other = pirn_timer_func(PIRN_SEC, nothing, NULL);
    pirn_timer_free(other);
}
static void use_after(void) {
    pirn_chan *after = pirn_after(PIRN_MSEC);
    CU_ASSERT_EQUAL(pirn_recv(after, NULL), 0);
    pirn_chan_unref(after);
}
static void use_random(void) {
    pirn_random();
    CU_ASSERT_EQUAL(pirn_choose(1), 0);
}
static void use_read(void) {
    char byte;
    CU_ASSERT_EQUAL(pirn_read(pipes[0], &byte, 1, pirn_now() + PIRN_MSEC), -ETIMEDOUT);
    CU_ASSERT_EQUAL(pirn_wait_fd(pipes[1], PIRN_WRITABLE, PIRN_FOREVER), PIRN_WRITABLE);
    CU_ASSERT_EQUAL(pirn_close_fd(-1), -EBADF);
}
static void use_block(void) { CU_ASSERT_EQUAL(pirn_block(nothing, NULL), 0); }

static const struct use {
    const char *name;
    void (*fn)(void);
} uses[] = {
    {"go", use_go},
    {"yield", use_yield},
    {"sleep", use_sleep},
    {"send", use_send},
    {"recv", use_recv},
    {"recv_until", use_recv_until},
    {"len", use_len},
    {"select", use_select},
    {"select_until", use_select_until},
    {"mutex", use_mutex},
    {"trylock", use_trylock},
    {"rwmutex", use_rwmutex},
    {"cond", use_cond},
    {"sem", use_sem},
    {"once", use_once},
    {"waitgroup", use_waitgroup},
    {"ctx", use_ctx},
    {"group_limit", use_group_limit},
    {"group", use_group},
    {"timer", use_timer},
    {"timer_func", use_timer_func},
    {"after", use_after},
    {"random", use_random},
    {"read", use_read},
    {"block", use_block},
};

static void make_objects(void) {
    chan = pirn_chan_new(0, 1);
    ctx = pirn_ctx_with_cancel(pirn_ctx_background());
    team = pirn_group_new(NULL);
    timer = pirn_timer_new(PIRN_SEC);
    once = (pirn_once){0};
    CU_ASSERT_EQUAL(pipe(pipes), 0);
}

static void end_objects(void) {
    pirn_timer_free(timer);
    CU_ASSERT_EQUAL(pirn_group_wait(team), 0);
    pirn_ctx_unref(ctx);
    pirn_chan_unref(chan);
    close(pipes[0]);
    close(pipes[1]);
}

static void use_everything(void *arg) {
    (void)arg;
    make_objects();
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        uses[i].fn();
        CU_ASSERT_EQUAL(threads_inside, 0);
        if (threads_inside) fprintf(stderr, "still inside after %s\n", uses[i].name);
        atomic_store(&threads_inside, 0);
    }
    end_objects();
}

/* Else who comes waits for ever for a task that computes. */
static void program_runs_outside(void) {
    pirn_config config = {.workers = 1};
    CU_ASSERT_EQUAL(pirn_run(&config, use_everything, NULL), 0);
}

/* ---- A thread's first call ------------------------------------------------------------------- */

static void *call_first(void *arg) {
    const struct use *use = arg;
    use->fn();
    /* It may come again while it lives. */
    if (!(atomic_load(&threads_mode) & MODE_SHARED)) fprintf(stderr, "%s\n", use->name);
    CU_ASSERT(atomic_load(&threads_mode) & MODE_SHARED);
    return NULL;
}

static void wait_for_visitor(void *arg) {
    pthread_t thread;
    make_objects();
    CU_ASSERT_EQUAL(pirn_try_send(chan, NULL), 0);
    if (arg != &uses[4]) CU_ASSERT_EQUAL(pirn_try_recv(chan, NULL), 0);
    CU_ASSERT_EQUAL(pthread_create(&thread, NULL, call_first, arg), 0);
    pthread_join(thread, NULL);
    end_objects();
}

/* Whatever a thread calls first, the worker takes locks from then on. */
static void first_call_lets_a_thread_in(void) {
    pirn_config config = {.workers = 1};
    if (!alone_is_possible()) return;
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
        CU_ASSERT_EQUAL(pirn_run(&config, wait_for_visitor, (void *)(uintptr_t)&uses[i]), 0);
}

/* ---- Coming and going ------------------------------------------------------------------------ */

static bool is_shared(void) { return atomic_load(&threads_mode) & MODE_SHARED; }

/* Works until the mode is this, or for a minute. */
static void work_until(bool shared) {
    int64_t until = pirn_now() + 60 * PIRN_SEC;
    while (is_shared() != shared && pirn_now() < until) use_mutex();
    CU_ASSERT_EQUAL(is_shared(), shared);
}

static _Atomic int computing;

static void compute_with_another(void *arg) {
    (void)arg;
    atomic_fetch_add(&computing, 1);
    while (atomic_load(&computing) < 2) __asm__ volatile("");
    CU_ASSERT(is_shared());
    /* Neither goes before both have looked. */
    atomic_fetch_add(&computing, 1);
    while (atomic_load(&computing) < 4) __asm__ volatile("");
}

static void be_alone_again_and_again(void *arg) {
    (void)arg;
    for (int i = 0; i < 5; i++) {
        work_until(false);
        atomic_store(&computing, 0);
        CU_ASSERT_EQUAL(pirn_waitgroup_go(&group, compute_with_another, NULL), 0);
        CU_ASSERT_EQUAL(pirn_waitgroup_go(&group, compute_with_another, NULL), 0);
        pirn_waitgroup_wait(&group);
    }
}

static void *call_and_go(void *arg) {
    use_mutex();
    CU_ASSERT(is_shared());
    return arg;
}

static void be_alone_after_visits(void *arg) {
    pthread_t thread;
    for (int i = 0; i < 5; i++) {
        work_until(false);
        CU_ASSERT_EQUAL(pthread_create(&thread, NULL, call_and_go, arg), 0);
        pthread_join(thread, NULL);
    }
}

/* Of several workers too, while the others sleep. */
static void alone_again_when_the_others_are_gone(void) {
    if (!alone_is_possible()) return;
    for (size_t workers = 2; workers < 4; workers++) {
        pirn_config config = {.workers = workers};
        CU_ASSERT_EQUAL(pirn_run(&config, be_alone_again_and_again, NULL), 0);
    }
    for (size_t workers = 1; workers < 3; workers++) {
        pirn_config config = {.workers = workers};
        CU_ASSERT_EQUAL(pirn_run(&config, be_alone_after_visits, NULL), 0);
    }
}

/* Each of some tasks adds to one counter and passes values round; now a few of them compute and
 * keep every worker awake, now all wait for each other and one worker is enough. */
enum { ROUNDS = PIRN_TSAN ? 6 : 40, PASSERS = 4, PASSES = PIRN_TSAN ? 2000 : 20000 };
static uint64_t guarded; /* by `mutex` */
static pirn_chan *ring[PASSERS];
static _Atomic bool visitor_goes;

static void pass(void *arg) {
    size_t at = *(size_t *)arg;
    uint64_t value;
    for (int i = 0; i < PASSES; i++) {
        CU_ASSERT_EQUAL_FATAL(pirn_recv(ring[at], &value), 0);
        value++;
        pirn_mutex_lock(&mutex);
        guarded++;
        pirn_mutex_unlock(&mutex);
        /* Long enough, now and then, to be worth another worker. */
        for (int spin = i % 2000 ? 0 : 1000000; spin; spin--) __asm__ volatile("");
        CU_ASSERT_EQUAL_FATAL(pirn_send(ring[(at + 1) % PASSERS], &value), 0);
    }
}

static void *visit_often(void *arg) {
    while (!atomic_load(&visitor_goes)) {
        pirn_mutex_lock(&mutex);
        guarded++;
        ++*(uint64_t *)arg;
        pirn_mutex_unlock(&mutex);
        usleep(3000);
    }
    return NULL;
}

static void come_and_go(void *arg) {
    uint64_t token = 0, visits = 0;
    pthread_t visitor;
    (void)arg;
    guarded = 0;
    atomic_store(&visitor_goes, false);
    for (size_t i = 0; i < PASSERS; i++) ring[i] = pirn_chan_new(sizeof token, 2);
    CU_ASSERT_EQUAL(pthread_create(&visitor, NULL, visit_often, &visits), 0);
    for (size_t i = 0; i < PASSERS; i++)
        CU_ASSERT_EQUAL(pirn_waitgroup_go_copy(&group, pass, &i, sizeof i), 0);
    CU_ASSERT_EQUAL(pirn_send(ring[0], &token), 0);
    CU_ASSERT_EQUAL(pirn_send(ring[2], &token), 0);
    /* It leaves half-way. */
    pirn_sleep(10 * PIRN_MSEC);
    atomic_store(&visitor_goes, true);
    pthread_join(visitor, NULL);
    /* Of two tokens each may be left in a channel by the last to pass it on. */
    pirn_waitgroup_wait(&group);
    CU_ASSERT_EQUAL(guarded, (uint64_t)PASSERS * PASSES + visits);
    for (size_t i = 0; i < PASSERS; i++) pirn_chan_unref(ring[i]);
}

static void nothing_is_lost_by_coming_and_going(void) {
    for (int round = 0; round < ROUNDS; round++) {
        pirn_config config = {.workers = 1 + (size_t)round % 3};
        CU_ASSERT_EQUAL(pirn_run(&config, come_and_go, NULL), 0);
    }
}

/* ---- Tasks that are asked to yield ----------------------------------------------------------- */

static _Atomic int asked;

static void be_asked_and_end(void *arg) {
    (void)arg;
    worker_preempt(worker_self());
    CU_ASSERT(atomic_load(&threads_mode) & MODE_INTERRUPTED);
    atomic_store(&asked, 1);
}

static void compute_until_asked(void *arg) {
    (void)arg;
    CU_ASSERT_EQUAL(pirn_go(be_asked_and_end, NULL), 0);
    while (!atomic_load(&asked)) __asm__ volatile("");
    while (atomic_load(&threads_mode) & MODE_INTERRUPTED) __asm__ volatile("");
}

/* When it ends instead, all others go on as before: they look up at every operation till then. */
static void end_of_a_task_that_was_to_yield(void) {
    pirn_config config = {.workers = 2};
    for (int i = 0; i < 20; i++) {
        atomic_store(&asked, 0);
        CU_ASSERT_EQUAL(pirn_run(&config, compute_until_asked, NULL), 0);
    }
}

static const struct test tests[] = {
    TEST(others_take_locks_whatever_a_worker_says),
    TEST(program_runs_outside),
    TEST(first_call_lets_a_thread_in),
    TEST(alone_again_when_the_others_are_gone),
    TEST(nothing_is_lost_by_coming_and_going),
    TEST(end_of_a_task_that_was_to_yield),
};

HARNESS(tests)
