/* test_foreign.c - threads of the program's own, which come while the runtime runs. */
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "tests/support.h"

/* ---- Everything at once ---------------------------------------------------------------------- */

enum { VISITORS = 3, ROUNDS = 60 };

struct meeting {
    pirn_chan *requests, *answers, *quit;
    pirn_mutex mutex;
    pirn_rwmutex rwmutex;
    pirn_cond cond;
    pirn_sem sem;
    pirn_waitgroup tasks;
    pirn_waitgroup visitors;
    int counter, written; /* under the mutex; under the rwmutex */
    int signals;          /* under the mutex */
    atomic_int started, fired;
};

static void bump(struct meeting *m) {
    pirn_mutex_lock(&m->mutex);
    m->counter++;
    pirn_mutex_unlock(&m->mutex);
}

static void started(void *arg) {
    struct meeting *m = arg;
    bump(m);
    atomic_fetch_add(&m->started, 1);
}

static void fired(void *arg) { atomic_fetch_add(&((struct meeting *)arg)->fired, 1); }

/* Answers a request until told to end. */
static void serve(void *arg) {
    struct meeting *m = arg;
    for (;;) {
        int value = 0;
        pirn_case cases[] = {PIRN_CASE_RECV(m->requests, &value), PIRN_CASE_RECV(m->quit, NULL)};
        if (pirn_select(cases, 2, PIRN_FOREVER) == 1) return;
        value *= 2;
        check_equal(pirn_send(m->answers, &value), 0);
    }
}

/* Keeps the workers busy with what the visitors use too. */
static void keep_busy(void *arg) {
    struct meeting *m = arg;
    for (int i = 0; pirn_try_recv(m->quit, NULL) == -EAGAIN; i++) {
        pirn_mutex_lock(&m->mutex);
        m->counter++;
        if (i % 8 == 0) pirn_yield();
        m->counter--;
        pirn_mutex_unlock(&m->mutex);
        pirn_rwmutex_rlock(&m->rwmutex);
        pirn_rwmutex_runlock(&m->rwmutex);
        if (i % 4 == 0) pirn_yield();
    }
}

static void signal_one(void *arg) {
    struct meeting *m = arg;
    pirn_mutex_lock(&m->mutex);
    m->signals++;
    pirn_cond_broadcast(&m->cond);
    pirn_mutex_unlock(&m->mutex);
}

static void visit_once(struct meeting *m, int i) {
    int value = i + 1, answer = 0;
    pirn_case send = PIRN_CASE_SEND(m->requests, &value);
    pirn_timer *timer;
    pirn_chan *after;
    int64_t now;

    if (i % 2)
        check_equal(pirn_send(m->requests, &value), 0);
    else
        check_equal(pirn_select(&send, 1, PIRN_FOREVER), 0);
    check_equal(pirn_recv(m->answers, &answer), 0);
    check(answer > 0 && answer % 2 == 0);
    bump(m);
    pirn_rwmutex_lock(&m->rwmutex);
    m->written++;
    pirn_rwmutex_unlock(&m->rwmutex);
    check_equal(pirn_waitgroup_go(&m->tasks, started, m), 0);
    check_equal(pirn_sem_acquire(&m->sem, 1, PIRN_FOREVER), 0);
    pirn_sem_release(&m->sem, 1);
    if (i % 16) return;
    check_equal(pirn_recv_until(m->quit, NULL, pirn_now() + PIRN_MSEC), -ETIMEDOUT);
    check((after = pirn_after(PIRN_MSEC)) != NULL);
    check_equal(pirn_recv(after, &now), 0);
    pirn_chan_unref(after);
    check((timer = pirn_timer_func(0, fired, m)) != NULL);
    pirn_sleep(PIRN_MSEC);
    pirn_timer_free(timer);
    pirn_mutex_lock(&m->mutex);
    check_equal(pirn_go(signal_one, m), 0);
    while (!m->signals) pirn_cond_wait(&m->cond, &m->mutex);
    m->signals--;
    pirn_mutex_unlock(&m->mutex);
}

static void *visit(void *arg) {
    struct meeting *m = arg;
    for (int i = 0; i < ROUNDS; i++) visit_once(m, i);
    pirn_waitgroup_wait(&m->tasks);
    pirn_waitgroup_done(&m->visitors);
    return NULL;
}

static void receive_visitors(void *arg) {
    struct meeting m = {0};
    pirn_waitgroup servants = {0};
    pthread_t threads[VISITORS];
    (void)arg;
    m.requests = pirn_chan_new(sizeof(int), 0);
    m.answers = pirn_chan_new(sizeof(int), 2);
    m.quit = pirn_chan_new(0, 0);
    pirn_sem_init(&m.sem, 2);
    pirn_waitgroup_add(&m.visitors, VISITORS);
    for (int i = 0; i < 3; i++) check_equal(pirn_waitgroup_go(&servants, keep_busy, &m), 0);
    check_equal(pirn_waitgroup_go(&servants, serve, &m), 0);
    for (int i = 0; i < VISITORS; i++) {
        /* In the middle of what the tasks do. */
        for (int j = 0; j < 10; j++) pirn_yield();
        check_equal(pthread_create(&threads[i], NULL, visit, &m), 0);
    }
    pirn_waitgroup_wait(&m.visitors);
    for (int i = 0; i < VISITORS; i++) pthread_join(threads[i], NULL);
    check_equal(pirn_close(m.quit), 0);
    pirn_waitgroup_wait(&servants);
    check_equal(m.counter, 2 * VISITORS * ROUNDS);
    check_equal(m.written, VISITORS * ROUNDS);
    check_equal(m.started, VISITORS * ROUNDS);
    pirn_chan_unref(m.requests);
    pirn_chan_unref(m.answers);
    pirn_chan_unref(m.quit);
}

static void threads_use_everything(void) { run_body(receive_visitors, NULL); }

/* ---- Coming in at any moment ----------------------------------------------------------------- */

struct gate {
    pirn_mutex mutex;
    int64_t counter; /* under the mutex */
    atomic_int go;
    atomic_int ended;
};

static void *come_in(void *arg) {
    struct gate *gate = arg;
    while (!atomic_load(&gate->go)) sched_yield();
    for (int i = 0; i < 200; i++) {
        pirn_mutex_lock(&gate->mutex);
        gate->counter++;
        pirn_mutex_unlock(&gate->mutex);
    }
    atomic_fetch_add(&gate->ended, 1);
    return NULL;
}

static void hammer(void *arg) {
    struct gate *gate = arg;
    pthread_t threads[2];
    int64_t own = 0;
    for (int i = 0; i < 2; i++) check_equal(pthread_create(&threads[i], NULL, come_in, gate), 0);
    while (atomic_load(&gate->ended) < 2) {
        pirn_mutex_lock(&gate->mutex);
        gate->counter++;
        pirn_mutex_unlock(&gate->mutex);
        if (++own == 100) atomic_store(&gate->go, 1);
    }
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    check_equal(gate->counter, own + 400);
}

/* The only worker takes no locks until the first thread comes, which may be between any two of its
 * instructions. */
static void thread_comes_at_any_moment(void) {
    pirn_config config = {.workers = 1};
    for (int i = 0; i < MANY(1000, 0); i++) {
        struct gate gate = {0};
        check_equal(pirn_run(&config, hammer, &gate), 0);
    }
    conclude("any moment");
}

/* ---- A task that does not let go ------------------------------------------------------------- */

static void set(void *arg) { atomic_store((atomic_int *)arg, 1); }

static void nothing(void *arg) { (void)arg; }

static void use_a_little(void) {
    pirn_mutex mutex = {0};
    pirn_mutex_lock(&mutex);
    pirn_mutex_unlock(&mutex);
}

static void *use_and_tell(void *arg) {
    use_a_little();
    atomic_store((atomic_int *)arg, 1);
    return NULL;
}

static void spin_after_blocking(void *arg) {
    atomic_int flag = 0;
    pthread_t thread;
    (void)arg;
    check_equal(pirn_block(nothing, NULL), 0);
    check_equal(pthread_create(&thread, NULL, use_and_tell, &flag), 0);
    while (!atomic_load(&flag)) sched_yield();
    pthread_join(thread, NULL);
}

/* A task that computes is in no operation, so nobody waits for it. */
static void thread_comes_while_a_task_computes(void) { run_body(spin_after_blocking, NULL); }

static void *start_task(void *arg) {
    check_equal(pirn_go(set, arg), 0);
    return NULL;
}

static void spin_for_a_threads_task(void *arg) {
    atomic_int flag = 0;
    pthread_t thread;
    (void)arg;
    check_equal(pthread_create(&thread, NULL, start_task, &flag), 0);
    while (!atomic_load(&flag)) sched_yield();
    pthread_join(thread, NULL);
}

/* Though main has never started any task itself. */
static void threads_task_runs_beside_a_greedy_one(void) { run_body(spin_for_a_threads_task, NULL); }

/* ---- Deadlocks ------------------------------------------------------------------------------- */

static atomic_int known, ending;

static void *come_and_go(void *arg) {
    (void)arg;
    use_a_little();
    atomic_fetch_add(&known, 1);
    usleep(30000);
    atomic_fetch_add(&ending, 1);
    return NULL;
}

static void wait_for_nothing(void *arg) {
    pthread_t thread;
    (void)arg;
    for (int i = 0; i < 3; i++) {
        check_equal(pthread_create(&thread, NULL, come_and_go, NULL), 0);
        pthread_detach(thread);
    }
    while (known < 3) pirn_yield();
    pirn_recv(pirn_chan_new(0, 0), NULL);
}

static void run_to_deadlock(void *arg) {
    pirn_config config = {.workers = *(int *)arg};
    int rc = pirn_run(&config, wait_for_nothing, NULL);
    _exit(rc == -EDEADLK && ending == 3 ? 0 : 1);
}

/* While a thread that has called is there it may come again; when the last has ended, nobody
 * can. */
static void deadlock_is_told_when_the_last_thread_ends(void) {
    static const int workers[] = {1, 2, 4};
    for (int i = 0; i < 3; i++) {
        char *error = NULL;
        check_equal(harness_child(run_to_deadlock, (void *)(uintptr_t)&workers[i], &error), 0);
        check_contains(error, "deadlock");
        check_contains(error, "wait_for_nothing");
        free(error);
    }
    conclude("deadlock");
}

static void *come_late(void *arg) {
    atomic_store(&known, 0);
    pirn_yield();
    use_a_little();
    atomic_store(&known, 1);
    usleep(20000);
    check_equal(pirn_send(arg, NULL), 0);
    return NULL;
}

static void wait_for_thread(void *arg) {
    pirn_chan *chan = pirn_chan_new(0, 0);
    pthread_t thread;
    (void)arg;
    known = 0;
    check_equal(pthread_create(&thread, NULL, come_late, chan), 0);
    while (!known) pirn_yield();
    check_equal(pirn_recv(chan, NULL), 0);
    pthread_join(thread, NULL);
    pirn_chan_unref(chan);
}

static void no_deadlock_while_a_thread_may_come(void) { run_body(wait_for_thread, NULL); }

/* ---- Runs that end under its feet ------------------------------------------------------------ */

struct stay {
    pirn_chan *chan;
    atomic_int there, leave;
};

static void *send_on(void *arg) {
    struct stay *stay = arg;
    while (!atomic_load(&stay->leave)) {
        int rc = pirn_go(nothing, NULL);
        check(rc == 0 || rc == -EPERM);
        pirn_try_send(stay->chan, NULL);
        pirn_try_recv(stay->chan, NULL);
        pirn_recv_until(stay->chan, NULL, pirn_now() + 20 * PIRN_USEC);
        atomic_store(&stay->there, 1);
    }
    return NULL;
}

static void park(void *arg) { pirn_recv(((struct stay *)arg)->chan, NULL); }

static void leave_some_parked(void *arg) {
    struct stay *stay = arg;
    for (int i = 0; i < 5; i++) check_equal(pirn_go(park, stay), 0);
    for (int i = 0; i < 20; i++) {
        pirn_try_send(stay->chan, NULL);
        pirn_yield();
    }
}

static _Atomic bool mains_over;

static void *start_tasks(void *arg) {
    while (!atomic_load(&mains_over)) pirn_go(nothing, arg);
    return NULL;
}

static void be_first(void *arg) {
    (void)arg;
    check_equal((int)pirn_self(), 1);
    check_equal(pirn_go(nothing, NULL), 0);
}

/* A thread may start a task before main has begun; that does not make it main. */
static void main_is_the_first_task(void) {
    pirn_config config = {.workers = 2};
    pthread_t thread;
    atomic_store(&mains_over, false);
    check_equal(pthread_create(&thread, NULL, start_tasks, NULL), 0);
    for (int i = 0; i < MANY(1000, 0); i++) check_equal(pirn_run(&config, be_first, NULL), 0);
    atomic_store(&mains_over, true);
    pthread_join(thread, NULL);
    conclude("first");
}

/* A thread uses a channel all the time, of which runs come and go. */
static void thread_outlives_runs(void) {
    pirn_config config = {0};
    struct stay stay = {.chan = pirn_chan_new(0, 1)};
    pthread_t thread;
    check_equal(pthread_create(&thread, NULL, send_on, &stay), 0);
    while (!stay.there) usleep(100);
    for (int i = 0; i < MANY(300, 0); i++) {
        config.workers = i % 3 + 1;
        check_equal(pirn_run(&config, leave_some_parked, &stay), 0);
    }
    atomic_store(&stay.leave, 1);
    pthread_join(thread, NULL);
    pirn_chan_unref(stay.chan);
    conclude("outlives");
}

static const struct test tests[] = {
    TEST_SECONDS(threads_use_everything, 60),         TEST_SECONDS(thread_comes_at_any_moment, 60),
    TEST(thread_comes_while_a_task_computes),         TEST(threads_task_runs_beside_a_greedy_one),
    TEST(deadlock_is_told_when_the_last_thread_ends), TEST(no_deadlock_while_a_thread_may_come),
    TEST_SECONDS(main_is_the_first_task, 60),         TEST_SECONDS(thread_outlives_runs, 60),
};

HARNESS(tests)
