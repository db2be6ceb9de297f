/*
 * alone.c - model: who works without locks while it is alone, and who comes in (lib/threads/alone.c,
 * foreign.c, engine_threads.h).
 *
 * Workers, threads of the program and the monitor do to a plain counter what an operation does to an
 * object: under the object's lock, which who is alone does not take. Nothing is lost and nothing is
 * a race.
 */
#include "lib/threads/alone.c"
#include "lib/threads/worker.c"

static waitq object;
static int counter;
static struct worker workers[2];

static void begin(int own) {
    runtime.workers = workers;
    runtime.worker_count = runtime.worker_limit = 2;
    runtime.started = 2;
    runtime.active = 2;
    runtime.kept_until = PIRN_FOREVER;
    runtime.running = true;
    runtime.watched = true;
    runtime.may_be_alone = true;
    runtime.epoch = 1;
    runtime.own_threads = own;
    threads_mode = 0;
}

static void operation(void) {
    threads_enter();
    engine_lock(&object);
    counter++;
    engine_unlock(&object);
    threads_leave();
}

/* As a worker that runs tasks, and then has none left. */
static void work(void *arg) {
    OWN(this_worker) = arg;
    worker_come_in();
    threads_leave(); /* a task begins */
    operation();
    operation();
    threads_enter(); /* and ends */
    worker_go_out();
    OWN(this_worker) = NULL;
}

/* As a worker that has slept twice. */
static void work_twice(void *arg) {
    work(arg);
    work(arg);
}

/* What a counter of once, or of a wait group, publishes: no lock is taken for it at all. */
static _Atomic uint32_t word;
static int published;

static void publish(void *arg) {
    OWN(this_worker) = arg;
    worker_come_in();
    published = 7;
    engine_add(&word, 1);
    worker_go_out();
}

static void find_published(void *arg) {
    OWN(this_worker) = arg;
    worker_come_in();
    if (!engine_swap_if(&word, 0, 2)) model_check(published == 7);
    worker_go_out();
}

static void visit(void *arg) {
    (void)arg;
    threads_foreign();
    operation();
}

static void look(void *arg) {
    (void)arg;
    threads_unshare();
}

static void two_workers(void) {
    begin(0);
    model_thread(work, &workers[0]);
    model_thread(work, &workers[1]);
    model_join_all();
    model_check(counter == 4 && awake == 0);
}

static void published_alone(void) {
    begin(0);
    model_thread(publish, &workers[0]);
    model_thread(find_published, &workers[1]);
    model_join_all();
}

static void monitored(void) {
    begin(0);
    model_thread(work, &workers[0]);
    model_thread(work, &workers[1]);
    model_thread(look, NULL);
    model_join_all();
    model_check(counter == 4 && awake == 0);
}

/* A worker that sleeps and comes back, where the monitor may find the other alone. */
static void back_again(void) {
    begin(0);
    model_thread(work, &workers[0]);
    model_thread(work_twice, &workers[1]);
    model_thread(look, NULL);
    model_join_all();
    model_check(counter == 6 && awake == 0);
}

/* A thread of the program comes, and its end may leave the worker alone. */
static void visited(void) {
    begin(0);
    model_thread(work, &workers[0]);
    model_thread(visit, NULL);
    model_join_all();
    model_check(counter == 3);
    model_check(runtime.foreign_count == 0);
}

static void visited_looked(void) {
    begin(0);
    model_thread(work, &workers[0]);
    model_thread(visit, NULL);
    model_thread(look, NULL);
    model_join_all();
    model_check(counter == 3);
    model_check(runtime.foreign_count == 0);
}

static void visited_twice(void) {
    begin(0);
    model_thread(work, &workers[0]);
    model_thread(visit, NULL);
    model_thread(visit, NULL);
    model_join_all();
    model_check(counter == 4);
    model_check(runtime.foreign_count == 0);
}

const struct model_case model_cases[] = {{"two-workers", two_workers},
                                         {"published", published_alone},
                                         {"monitored", monitored},
                                         {"back-again", back_again},
                                         {"visited", visited},
                                         {"visited-looked", visited_looked},
                                         {"visited-twice", visited_twice},
                                         {NULL, NULL}};
