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
static struct task item, arms; /* what the timer wakes; a task that arms it, if there is one */
static bool keeps;             /* its worker until the other has run */

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

static void arm(void *arg);

static void begin(int count) {
    runtime.workers = workers;
    runtime.worker_count = runtime.worker_limit = count;
    runtime.started = count;
    runtime.active = count;
    runtime.kept_until = PIRN_FOREVER;
    runtime.running = true;
    runtime.watched = true;
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
        if (task == &arms) {
            arm(NULL);
            if (keeps) model_await(&item);
            continue;
        }
        model_check(task == &item && !ran && payload == 1);
        ran = true;
        model_tell(&item);
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

/* A task of the one worker arms it, and the other one sleeps, or is about to. */
static void own(void) {
    model_shared = true;
    begin(2);
    runtime.foreign_count = 0;
    OWN(this_worker) = &workers[0];
    engine_wake(&arms);
    OWN(this_worker) = NULL;
    model_thread(work, &workers[0]);
    model_thread(work, &workers[1]);
    model_join_all();
    model_check(ran);
}

/* The second worker sleeps already. */
static void let_sleep(struct worker *worker) {
    model_sleeps_on = &worker->wake;
    model_thread(work, worker);
    model_await(&worker->wake);
    model_sleeps_on = NULL;
}

static void asleep(void) {
    model_shared = true;
    begin(2);
    let_sleep(&workers[1]);
    model_thread(work, &workers[0]);
    model_thread(arm, NULL);
    model_join_all();
    model_check(ran);
}

static void own_keeps(void) {
    keeps = true;
    own();
}

static void shared_two(void) {
    model_shared = true;
    wakes_two();
}

/* Timers of those who may be alone, and then take no lock. */
static struct timer *mine(struct worker *worker) { return worker == workers ? &timer : &other; }

static void arm_and_disarm_mine(struct worker *worker) {
    threads_enter();
    model_check(engine_timer_arm(mine(worker), 1000) == 0);
    threads_leave();
    threads_enter();
    model_check(engine_timer_disarm(mine(worker)));
    threads_leave();
}

static void work_with_timer(void *arg) {
    OWN(this_worker) = arg;
    worker_come_in();
    threads_leave();
    arm_and_disarm_mine(arg);
    worker_go_out();
}

static void visit(void *arg) {
    threads_foreign();
    arm_and_disarm_mine(arg);
}

static void begin_alone(int own) {
    begin(2);
    runtime.foreign_count = 0;
    runtime.may_be_alone = true;
    runtime.own_threads = own;
    runtime.epoch = 1;
    threads_mode = 0;
}

static void alone(void) {
    begin_alone(0);
    model_thread(work_with_timer, &workers[0]);
    model_thread(work_with_timer, &workers[1]);
    model_join_all();
    model_check(timers_count() == 0);
}

static void alone_visited(void) {
    begin_alone(0);
    model_thread(work_with_timer, &workers[0]);
    model_thread(visit, &workers[1]);
    model_join_all();
    model_check(timers_count() == 0);
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
                                         {"own", own},
                                         {"own-keeps", own_keeps},
                                         {"asleep", asleep},
                                         {"shared-two", shared_two},
                                         {"disarmed", disarmed},
                                         {"alone", alone},
                                         {"alone-visited", alone_visited},
                                         {NULL, NULL}};
