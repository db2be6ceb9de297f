/*
 * park.c - model: workers that look for work, park and wake each other, and tasks made runnable by
 * tasks and by a thread that is no worker (lib/threads/worker.c, search.c).
 *
 * Each task is run once, and what was written before it was woken is there; when all are done the
 * workers stop. "Nothing can run any more" is never said too early.
 */
#include "lib/threads/alone.c"
#include "lib/threads/worker.c"

enum { MOST_WORKERS = 2, MOST_ITEMS = 4 };

static struct worker workers[MOST_WORKERS];
static struct item {
    struct task task;
    int payload;
    int wakes;   /* which one it wakes, or 0 */
    bool awaits; /* and does not end before that one has */
    bool ran;
} items[MOST_ITEMS];
static _Atomic int left;

static void make_ready(int number) {
    struct item *item = &items[number];
    item->payload = number;
    item->task.core.id = MAIN_TASK + (uint64_t)number;
    engine_wake(&item->task);
}

static void run_item(struct task *task) {
    struct item *item = (struct item *)task;
    model_check(!item->ran);
    item->ran = true;
    model_check(item->payload == item - items);
    if (item->wakes) make_ready(item->wakes);
    if (item->awaits) {
        threads_leave();
        model_await(&items[item->wakes]);
        threads_enter();
    }
    model_tell(item);
    if (atomic_fetch_sub(&left, 1) == 1) runtime_stop(0);
}

static void work(void *arg) {
    struct worker *worker = arg;
    struct task *task;
    OWN(this_worker) = worker;
    worker_come_in();
    while ((task = worker_find(worker))) {
        threads_leave();
        threads_enter();
        run_item(task);
    }
    worker_go_out();
}

static void wake_it(void *arg) { make_ready((int)(intptr_t)arg); }

/* With a thread of the program, so that nothing is over before it has come. */
static void begin(int count, int tasks) {
    runtime.workers = workers;
    runtime.worker_count = runtime.worker_limit = count;
    runtime.started = count;
    runtime.active = count;
    runtime.kept_until = PIRN_FOREVER;
    runtime.running = true;
    runtime.watched = true;
    runtime.foreign_count = 1;
    runtime.may_be_alone = true;
    threads_mode = model_shared ? MODE_SHARED : 0;
    left = tasks;
}

/* Starts the worker, and waits until it sleeps. */
static void let_sleep(struct worker *worker) {
    model_sleeps_on = &worker->wake;
    model_thread(work, worker);
    model_await(&worker->wake);
    model_sleeps_on = NULL;
}

/* `outside`: the first task comes from a thread of the program; else it is the first worker's. */
static void run_all(int count, bool outside) {
    if (!outside) {
        runtime.foreign_count = 0;
        OWN(this_worker) = &workers[0];
        make_ready(1);
        OWN(this_worker) = NULL;
    }
    for (int i = 0; i < count; i++) model_thread(work, &workers[i]);
    if (outside) model_thread(wake_it, (void *)1);
    model_join_all();
    model_check(atomic_load(&left) == 0);
    model_check(atomic_load(&runtime.idle_count) == 0 && awake == 0);
}

static void finish(int count) { run_all(count, true); }

/* A task comes from outside while the worker goes to sleep. */
static void one_worker(void) {
    begin(1, 1);
    finish(1);
}

/* The task that came wakes another. */
static void one_wakes(void) {
    begin(1, 2);
    items[1].wakes = 2;
    finish(1);
}

static void two_outside(void) {
    begin(1, 2);
    model_thread(wake_it, (void *)2);
    finish(1);
}

static void two_workers(void) {
    begin(2, 1);
    finish(2);
}

/* The task that came wakes another and keeps its worker until that one has run, so the other worker
 * has to. */
static void two_help(void) {
    begin(2, 2);
    items[1].wakes = 2;
    items[1].awaits = true;
    finish(2);
}

/* The second worker sleeps already. */
static void asleep(void) {
    model_shared = true;
    begin(2, 1);
    let_sleep(&workers[1]);
    finish(1);
}

static void asleep_help(void) {
    model_shared = true;
    begin(2, 2);
    items[1].wakes = 2;
    items[1].awaits = true;
    let_sleep(&workers[1]);
    finish(1);
}

/* The same where nobody is ever alone. */
static void shared_workers(void) {
    model_shared = true;
    two_workers();
}

static void shared_help(void) {
    model_shared = true;
    two_help();
}

/* One worker has a task, and the other one none. */
static void own(void) {
    model_shared = true;
    begin(2, 1);
    run_all(2, false);
}

/* Which wakes another, and keeps its worker until that one has run. */
static void own_help(void) {
    model_shared = true;
    begin(2, 2);
    items[1].wakes = 2;
    items[1].awaits = true;
    run_all(2, false);
}

const struct model_case model_cases[] = {
    {"one-worker", one_worker},   {"one-wakes", one_wakes},
    {"two-outside", two_outside}, {"own", own},
    {"own-help", own_help},       {"two-workers", two_workers},
    {"two-help", two_help},       {"asleep", asleep},
    {"asleep-help", asleep_help}, {"shared-workers", shared_workers},
    {"shared-help", shared_help}, {NULL, NULL}};
