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
    runtime.started = runtime.active = count;
    runtime.kept_until = PIRN_FOREVER;
    runtime.running = runtime.watched = true;
    runtime.foreign_count = 1;
    runtime.may_be_alone = true;
    threads_mode = 0;
    left = tasks;
}

static void finish(int count) {
    for (int i = 0; i < count; i++) model_thread(work, &workers[i]);
    model_thread(wake_it, (void *)1);
    model_join_all();
    model_check(atomic_load(&left) == 0);
    model_check(atomic_load(&runtime.idle_count) == 0 && awake == 0);
}

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

const struct model_case model_cases[] = {{"one-worker", one_worker},   {"one-wakes", one_wakes},
                                         {"two-outside", two_outside}, {"two-workers", two_workers},
                                         {"two-help", two_help},       {NULL, NULL}};
