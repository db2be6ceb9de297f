/*
 * retire.c - model: the monitor's sleep, workers that it lets retire and calls back, and the end of
 * the run, which must reach them all (lib/threads/monitor.c, search.c, runtime.c).
 */
#include "lib/threads/worker.c"
#include "lib/threads/monitor.c"

static struct worker workers[2];
static struct task items[2];
static bool ran[2];
static _Atomic int left;

static void begin(int count, int tasks) {
    runtime.workers = workers;
    runtime.worker_count = runtime.worker_limit = count;
    runtime.started = count;
    runtime.active = count;
    runtime.kept_until = PIRN_FOREVER;
    runtime.running = true;
    runtime.watched = true;
    runtime.foreign_count = 1;
    left = tasks;
}

static void work(void *arg) {
    struct worker *worker = arg;
    struct task *task;
    OWN(this_worker) = worker;
    worker_come_in();
    while ((task = worker_find(worker))) {
        model_check(!ran[task - items]);
        ran[task - items] = true;
        if (atomic_fetch_sub(&left, 1) == 1) runtime_stop(0);
    }
    worker_go_out();
}

/* It has a task, and is to retire before it comes to it. */
static void work_with_task(void *arg) {
    OWN(this_worker) = arg;
    engine_wake(&items[0]);
    work(arg);
}

static void call_back(void *arg) {
    (void)arg;
    recruit();
}

static void stop(void *arg) {
    (void)arg;
    runtime_stop(0);
}

/* One retires, and the run ends. */
static void stopped(void) {
    begin(1, 1);
    runtime.surplus = 1;
    model_thread(work, &workers[0]);
    model_thread(stop, NULL);
    model_join_all();
}

/* One retires and is called back, if it was there to be called; the run ends. */
static void recruited(void) {
    begin(1, 1);
    runtime.surplus = 1;
    model_thread(work, &workers[0]);
    model_thread(call_back, NULL);
    model_thread(stop, NULL);
    model_join_all();
    model_check(atomic_load(&runtime.active) >= 0 && atomic_load(&runtime.active) <= 1);
}

/* What a worker had to do is done by the other one. */
static void handed_over(void) {
    begin(2, 1);
    runtime.surplus = 1;
    model_thread(work_with_task, &workers[0]);
    model_thread(work, &workers[1]);
    model_join_all();
    model_check(ran[0]);
}

static void count_twice(void *arg) {
    (void)arg;
    count_spare(0);
    count_spare(0);
}

/* One of two may retire, and that is said twice: the other one stays for the task. */
static void counted_twice(void) {
    begin(2, 1);
    runtime.worker_count = 1;
    worker_share(&items[0]);
    model_thread(work, &workers[0]);
    model_thread(work, &workers[1]);
    model_thread(count_twice, NULL);
    model_join_all();
    model_check(ran[0]);
}

/* As worker_run does in rest: it was idle, and now goes on. */
static void go_on(void *arg) {
    (void)arg;
    atomic_fetch_sub_explicit(&runtime.idle_count, 1, memory_order_seq_cst);
    monitor_notice();
}

static void watch_once(void *arg) {
    (void)arg;
    wait_a_while();
}

/* The monitor sleeps while all rest, and no longer. */
static void noticed(void) {
    begin(1, 1);
    runtime.idle_count = 1;
    model_thread(watch_once, NULL);
    model_thread(go_on, NULL);
    model_join_all();
}

static void end_all(void *arg) {
    (void)arg;
    runtime_lock();
    atomic_store(&runtime.stopping, true);
    runtime_unlock();
    wake();
}

/* Nor when the run ends. */
static void ended(void) {
    begin(1, 1);
    runtime.idle_count = 1;
    model_thread(watch_once, NULL);
    model_thread(end_all, NULL);
    model_join_all();
}

const struct model_case model_cases[] = {
    {"stopped", stopped}, {"recruited", recruited}, {"handed-over", handed_over},
    {"noticed", noticed}, {"ended", ended},         {"counted-twice", counted_twice},
    {NULL, NULL}};
