/*
 * timers.c - model: timers, who arms and disarms them, and the worker that keeps the time
 * (lib/threads/timers.c, search.c).
 *
 * A worker that sleeps, or is about to, learns of a timer that is to fire before it would have looked.
 * A timer fires once or is disarmed, and whoever has disarmed it may use its memory again.
 */
#include "lib/threads/worker.c"

static struct worker workers[2];
static struct timer timer, other;
static int payload;
static bool ran;
static struct task item;

static void fire(struct timer_core *core, struct task *clock) {
    (void)core;
    (void)clock;
    payload++;
    if (!ran) engine_wake(&item);
}

static void fire_other(struct timer_core *core, struct task *clock) {
    (void)core;
    (void)clock;
}

static const struct timer_kind kind = {.fire = fire}, other_kind = {.fire = fire_other};

static void begin(int count) {
    runtime.workers = workers;
    runtime.worker_count = runtime.worker_limit = runtime.started = runtime.active = count;
    runtime.kept_until = PIRN_FOREVER;
    runtime.running = runtime.watched = true;
    runtime.foreign_count = 1;
    timer.core.kind = &kind;
    other.core.kind = &other_kind;
}

static void work(void *arg) {
    struct worker *worker = arg;
    struct task *task;
    OWN(this_worker) = worker;
    worker_come_in();
    while ((task = worker_find(worker))) {
        model_check(task == &item && !ran && payload == 1);
        ran = true;
        runtime_stop(0);
    }
    worker_go_out();
}

static void arm(void *arg) {
    (void)arg;
    model_check(engine_timer_arm(&timer, 1000) == 0);
}

static void arm_later_first(void *arg) {
    model_check(engine_timer_arm(&other, 1000000) == 0);
    arm(arg);
}

/* As a task that arms and goes on, and gives its memory back. */
static void arm_and_disarm(void *arg) {
    (void)arg;
    model_check(engine_timer_arm(&timer, 0) == 0);
    if (engine_timer_disarm(&timer))
        model_check(payload == 0);
    else
        model_check(payload == 1);
    timer.core.when = -1;
    payload = 2;
}

static void run_due(void *arg) {
    (void)arg;
    OWN(this_worker) = &workers[0];
    timers_run();
}

static void wakes_one(void) {
    begin(1);
    model_thread(work, &workers[0]);
    model_thread(arm, NULL);
    model_join_all();
    model_check(ran);
}

static void earlier(void) {
    begin(1);
    model_thread(work, &workers[0]);
    model_thread(arm_later_first, NULL);
    model_join_all();
    model_check(ran);
}

static void wakes_two(void) {
    begin(2);
    model_thread(work, &workers[0]);
    model_thread(work, &workers[1]);
    model_thread(arm, NULL);
    model_join_all();
    model_check(ran);
}

static void disarmed(void) {
    begin(1);
    ran = true; /* nothing to wake */
    model_thread(arm_and_disarm, NULL);
    model_thread(run_due, NULL);
    model_join_all();
    model_check(payload == 2 && timers_count() == 0);
}

const struct model_case model_cases[] = {{"wakes-one", wakes_one},
                                         {"earlier", earlier},
                                         {"wakes-two", wakes_two},
                                         {"disarmed", disarmed},
                                         {NULL, NULL}};
