/*
 * queue.c - model: a worker's queue, its owner and thieves (lib/threads/queue.h, worker.c,
 * search.c). Each task comes out once, with what was written before it went in.
 */
#include "lib/threads/search.c"
#include "lib/threads/worker.c"

enum { WORKERS = 3, ITEMS = 3 };

static struct worker workers[WORKERS];
static struct item {
    struct task task;
    int payload, taken;
} items[ITEMS];

static void put(int number, struct task_list *list) {
    items[number].payload = 10 + number;
    if (list)
        worker_enqueue(OWN(this_worker), list, &items[number].task);
    else
        engine_wake(&items[number].task);
}

static void got(struct task *task) {
    struct item *item = (struct item *)task;
    if (!task) return;
    model_check(item->payload == 10 + (int)(item - items));
    item->taken++;
}

static void begin(struct worker *worker) {
    OWN(this_worker) = worker;
    threads_enter();
}

static void own_woken(void *arg) {
    struct worker *worker = arg;
    begin(worker);
    put(0, NULL);
    put(1, NULL);
    got(queue_take(worker));
    got(queue_take(worker));
}

static void own_fresh(void *arg) {
    struct worker *worker = arg;
    begin(worker);
    put(0, &worker->fresh);
    put(1, &worker->ready);
    got(take_oldest(worker));
    got(queue_take(worker));
    got(queue_take(worker));
}

static void thief(void *arg) {
    struct worker *worker = arg;
    bool calm = false;
    begin(worker);
    got(steal(worker, &calm));
    got(queue_take(worker));
}

/* What nobody has taken waits somewhere. */
static void finish(int count, int tasks) {
    size_t waiting = 0;
    int taken = 0;
    runtime.workers = workers;
    runtime.worker_count = runtime.worker_limit = count;
    runtime.started = count;
    runtime.active = count;
    runtime.running = true;
    runtime.watched = true;
    for (int i = 1; i < count; i++) model_thread(thief, &workers[i]);
    model_join_all();
    for (int i = 0; i < count; i++) {
        struct worker *worker = &workers[i];
        size_t there = worker->ready.count + worker->fresh.count + (worker->next ? 1 : 0);
        model_check(there == waiting_at(worker));
        waiting += there;
    }
    for (int i = 0; i < tasks; i++) {
        model_check(items[i].taken <= 1);
        taken += items[i].taken;
    }
    model_check((size_t)taken + waiting == (size_t)tasks);
}

static void woken(void) {
    model_thread(own_woken, &workers[0]);
    finish(2, 2);
}
static void fresh(void) {
    model_thread(own_fresh, &workers[0]);
    finish(2, 2);
}
static void two_thieves(void) {
    model_thread(own_woken, &workers[0]);
    finish(3, 2);
}

const struct model_case model_cases[] = {
    {"woken", woken}, {"fresh", fresh}, {"two-thieves", two_thieves}, {NULL, NULL}};
