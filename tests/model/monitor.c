/*
 * monitor.c - model: the monitor looks for workers that are stuck, asks their tasks to yield and has
 * others take part (lib/threads/monitor.c, worker.c, search.c).
 *
 * Who is asked to yield, or to stop, finds that it is to look up; and what waits for a worker that is
 * stuck is done by another.
 */
#include "lib/threads/worker.c"

/* A period is over at once, so often in a run, and then no more: or there would be no end of it. */
static int periods = 1;

static void wait_for_turn(_Atomic uint32_t *word, uint32_t value, int64_t until) {
    if (until == PIRN_FOREVER || periods == 0)
        futex_wait(word, value, PIRN_FOREVER);
    else
        periods--;
}
#define futex_wait wait_for_turn
#include "lib/threads/monitor.c"
#undef futex_wait

static struct worker workers[2];
static struct task items[2];
static bool ran[2];
static _Atomic int left;

static void begin(int count, int tasks) {
    model_shared = true;
    runtime.workers = workers;
    runtime.worker_count = runtime.worker_limit = count;
    runtime.started = count;
    runtime.active = count;
    runtime.kept_until = PIRN_FOREVER;
    runtime.running = true;
    runtime.watched = true;
    threads_mode = MODE_SHARED;
    left = tasks;
}

/* As a scheduling point: what there is to look up for, if the task is told to look up. */
static void look_up(struct worker *worker) {
    if (!(atomic_load_explicit(&threads_mode, memory_order_relaxed) & MODE_INTERRUPTED)) return;
    if (atomic_exchange(&worker->preempt, false)) worker_interrupt_end();
}

static void look_up_twice(void *arg) {
    look_up(arg);
    look_up(arg);
}

/* Whoever has a reason is told to look up. */
static void check_told(void) {
    bool wanted = atomic_load(&runtime.stopping);
    for (int i = 0; i < 2; i++) wanted |= atomic_load(&workers[i].preempt);
    model_check(!wanted || atomic_load(&threads_mode) & MODE_INTERRUPTED);
}

static void ask(void *arg) { worker_preempt(arg); }
static void stop(void *arg) {
    (void)arg;
    runtime_stop(0);
}

/* One looks up, and no longer has to, while the other is asked. */
static void asked(void) {
    begin(2, 0);
    worker_preempt(&workers[0]);
    model_thread(look_up_twice, &workers[0]);
    model_thread(ask, &workers[1]);
    model_join_all();
    model_check(atomic_load(&workers[1].preempt) && !atomic_load(&workers[0].preempt));
    check_told();
}

/* Both look up, or do not yet. */
static void both_asked(void) {
    begin(2, 0);
    worker_preempt(&workers[0]);
    model_thread(look_up_twice, &workers[0]);
    model_thread(look_up_twice, &workers[1]);
    model_thread(ask, &workers[1]);
    model_join_all();
    check_told();
}

/* Likewise where the run ends. */
static void stopping(void) {
    begin(2, 0);
    worker_preempt(&workers[0]);
    model_thread(look_up_twice, &workers[0]);
    model_thread(stop, NULL);
    model_join_all();
    check_told();
}

static void work(void *arg) {
    struct worker *worker = arg;
    struct task *task;
    OWN(this_worker) = worker;
    while ((task = worker_find(worker))) {
        size_t i = (size_t)(task - items);
        model_check(!ran[i]);
        ran[i] = true;
        model_tell(&items[i]);
        if (atomic_fetch_sub(&left, 1) != 1) continue;
        runtime_stop(0);
        wake(); /* as monitor_stop does */
    }
}

/* The worker is in a task that keeps it, and another is behind that. It has been asked to yield
 * when the monitor comes for the first time, and has not switched for long. */
static void keep(struct worker *worker) {
    worker->seen_at = engine_now() - 2 * SLICE;
    worker->asked = true;
    OWN(this_worker) = worker;
    engine_wake(&items[1]);
    OWN(this_worker) = NULL;
}

static void go_on(void *arg) {
    model_await(&items[1]); /* in a call that blocks the thread */
    work(arg);
}

/* Another that has retired. */
static void come_back(void *arg) {
    struct worker *worker = arg;
    while (!atomic_load(&worker->wake)) futex_wait(&worker->wake, 0, PIRN_FOREVER);
    work(arg);
}

static void watch_all(void *arg) { watch(arg); }

static void stuck(void) {
    begin(1, 1);
    runtime.started = 2;
    workers[1].retired = true;
    runtime.retired = &workers[1];
    keep(&workers[0]);
    model_thread(go_on, &workers[0]);
    model_thread(come_back, &workers[1]);
    model_thread(watch_all, NULL);
    model_join_all();
    model_check(ran[1]);
}

/* It looks once more, whatever has been done by then. */
static void stuck_longer(void) {
    periods = 2;
    stuck();
}

const struct model_case model_cases[] = {
    {"asked", asked}, {"both-asked", both_asked},     {"stopping", stopping},
    {"stuck", stuck}, {"stuck-longer", stuck_longer}, {NULL, NULL}};
