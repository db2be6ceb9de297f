/*
 * monitor.c - the thread that watches the workers.
 *
 * Every few milliseconds it looks for workers that have not switched since it last came. While others
 * wait, a task that runs for longer than SLICE is asked to yield at its next scheduling point. One
 * that does not come to any, since it computes or sits in a system call, keeps its worker; then as
 * many more workers take part as are stuck: they take the tasks from those. When these go on there
 * are too many, and as many retire. While all workers rest the monitor sleeps too.
 */
#include "lib/threads/runtime.h"

#define PERIOD (5 * PIRN_MSEC)
#define SLICE (10 * PIRN_MSEC) /* that a task may run while others wait */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* held while it starts */
static pthread_t thread;
static bool runs;             /* there is a thread to join */
static _Atomic bool asleep;   /* until a worker leaves the idle list */
static _Atomic uint32_t turn; /* futex: changes to wake the monitor at once */

static void wake(void) {
    atomic_fetch_add(&turn, 1);
    futex_wake(&turn, 1);
}

void monitor_notice(void) {
    if (UNLIKELY(atomic_load_explicit(&asleep, memory_order_seq_cst)) &&
        atomic_exchange(&asleep, false))
        wake();
}

static bool all_rest(void) {
    return atomic_load_explicit(&runtime.idle_count, memory_order_seq_cst) >=
           atomic_load_explicit(&runtime.active, memory_order_seq_cst);
}

/* Sleeps for a period, or while all workers rest. */
static void wait_a_while(void) {
    uint32_t now = atomic_load(&turn);
    if (atomic_load(&runtime.stopping)) return;
    futex_wait(&turn, now, engine_now() + PERIOD);
    while (all_rest() && !atomic_load(&runtime.stopping)) {
        now = atomic_load(&turn);
        atomic_store_explicit(&asleep, true, memory_order_seq_cst);
        /* A worker that leaves the list after this look sees that we are asleep. */
        if (all_rest() && !atomic_load(&runtime.stopping)) futex_wait(&turn, now, PIRN_FOREVER);
        atomic_store(&asleep, false);
    }
}

/* The number of workers that have not switched for long, though their tasks were asked to yield.
 * Those that rest are not meant. */
static int count_stuck(bool *work) {
    int started = atomic_load_explicit(&runtime.started, memory_order_acquire), stuck = 0;
    int64_t now = engine_now();
    atomic_store_explicit(&threads_clock, now, memory_order_relaxed);
    *work = atomic_load(&runtime.shared_count) > 0 || timers_next() <= now || poller_vacant();
    for (int i = 0; i < started; i++)
        if (atomic_load_explicit(&runtime.workers[i].waiting, memory_order_relaxed)) *work = true;
    for (int i = 0; i < started; i++) {
        struct worker *worker = &runtime.workers[i];
        uint32_t tick = atomic_load_explicit(&worker->tick, memory_order_relaxed);
        bool away;
        runtime_lock(); /* so that a worker that comes to rest finds that it was asked to yield */
        away = worker->idle || worker->retired || worker->searching;
        if (away || tick != worker->seen_tick || !worker->seen_at) {
            worker->seen_tick = tick;
            worker->seen_at = now;
            worker->asked = false;
        } else if (now - worker->seen_at >= SLICE && *work) {
            if (worker->asked) {
                stuck++;
            } else {
                worker->asked = true;
                worker_preempt(worker);
            }
        }
        runtime_unlock();
    }
    return stuck;
}

/* Has one more worker take part. */
static void recruit(void) {
    struct worker *worker;
    runtime_lock();
    worker = runtime.retired;
    if (worker) {
        runtime.retired = worker->idle_next;
        worker->retired = false;
        atomic_fetch_add(&runtime.active, 1);
        atomic_store(&worker->wake, 1);
    }
    runtime_unlock();
    if (worker)
        futex_wake(&worker->wake, 1);
    else
        runtime_add_worker(); /* if it cannot be had, the tasks wait as they did */
}

/* How many take part beside those that are stuck and as many as there shall be: these may retire. Less
 * than 0: so many are missing. */
static int count_spare(int stuck) {
    int spare;
    runtime_lock(); /* who retires is counted in both or in none */
    spare = atomic_load(&runtime.active) - stuck - runtime.worker_count;
    atomic_store(&runtime.surplus, spare > 0 ? spare : 0);
    runtime_unlock();
    return spare;
}

static void *watch(void *arg) {
    (void)arg;
    for (;;) {
        bool work;
        int stuck, spare;
        wait_a_while();
        if (atomic_load(&runtime.stopping)) return NULL;
        threads_unshare();
        stuck = count_stuck(&work);
        spare = count_spare(stuck);
        if (!stuck || !work) continue;
        if (atomic_load(&runtime.idle_count))
            worker_wake_one();
        else if (spare < 0)
            recruit();
    }
}

void monitor_start(void) {
    sigset_t all, before;
    int number = errno;
    pthread_mutex_lock(&mutex);
    if (!atomic_exchange(&runtime.watched, true)) {
        /* Signals are the program's. */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        runs = pthread_create(&thread, NULL, watch, NULL) == 0;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (runs) atomic_store_explicit(&threads_clock, engine_now(), memory_order_relaxed);
    }
    pthread_mutex_unlock(&mutex);
    errno = number;
}

void monitor_stop(void) {
    bool join;
    pthread_mutex_lock(&mutex);
    atomic_store(&runtime.watched, true); /* nobody starts it any more */
    join = runs;
    runs = false;
    pthread_mutex_unlock(&mutex);
    if (!join) return;
    wake();
    pthread_join(thread, NULL);
    atomic_store(&threads_clock, 0);
}
