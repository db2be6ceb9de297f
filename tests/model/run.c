/*
 * run.c - model: a whole pirn_run, with workers, stacks and tasks: its beginning, its end, and what is
 * between (lib/threads/runtime.c and all the others).
 */
#include "lib/threads/runtime.h"

static int started, ended, received;
static pirn_chan *chan;

static int run_with(int workers, pirn_fn *fn) {
    const pirn_config config = {.workers = workers};
    return pirn_run(&config, fn, NULL);
}

static void nothing(void *arg) {
    (void)arg;
    started++;
}

/* It begins, and ends, and begins and ends again. */
static void once(void) {
    model_check(run_with(2, nothing) == 0);
    model_check(started == 1);
}

static void twice(void) {
    once();
    model_check(run_with(1, nothing) == 0);
    model_check(started == 2);
}

static void child(void *arg) {
    ended = 5;
    model_check(pirn_send(chan, &(int){3}) == 0);
    (void)arg;
}

static void parent(void *arg) {
    (void)arg;
    /* Nobody watches the workers: time would have no end. */
    atomic_store(&runtime.watched, true);
    chan = pirn_chan_new(sizeof(int), 0);
    model_check(pirn_go(child, NULL) == 0);
    model_check(pirn_recv(chan, &received) == 0);
    model_check(received == 3 && ended == 5);
    nothing(NULL);
}

static void one_worker(void) {
    model_check(run_with(1, parent) == 0);
    model_check(started == 1);
}
static void two_workers(void) {
    model_check(run_with(2, parent) == 0);
    model_check(started == 1);
}

static void wait_for_ever(void *arg) {
    pirn_recv(arg, NULL);
    model_check(false);
}

/* Main returns while a task still waits, which is then discarded. */
static void leave_one(void *arg) {
    (void)arg;
    atomic_store(&runtime.watched, true);
    chan = pirn_chan_new(sizeof(int), 0);
    model_check(pirn_go(wait_for_ever, chan) == 0);
    nothing(NULL);
}
static void discard_with(int workers) {
    model_check(run_with(workers, leave_one) == 0);
    model_check(started == 1);
}
static void discarded(void) { discard_with(2); }
static void discarded_one_worker(void) { discard_with(1); }

/* A thread of the program comes while the run goes, or before, or after. */
static void send_in(void *arg) {
    (void)arg;
    ended = 5;
    model_check(pirn_send(chan, &(int){3}) == 0);
}
static void receive_it(void *arg) {
    if (pirn_try_recv(chan, &received) == 0) model_check(received == 3 && ended == 5);
    nothing(arg);
}
static void visit_with(int workers) {
    chan = pirn_chan_new(sizeof(int), 1);
    model_thread(send_in, NULL);
    model_check(run_with(workers, receive_it) == 0);
    model_join_all();
    model_check(started == 1);
}
static void visited(void) { visit_with(2); }
static void visited_one_worker(void) { visit_with(1); }

/* It starts a task, or is told that there is no run. */
static void start_one(void *arg) {
    int rc = pirn_go(nothing, arg);
    model_check(rc == 0 || rc == -EPERM);
}
static void only_start(void *arg) {
    (void)arg;
    atomic_store(&runtime.watched, true);
}
static void started_from_outside(void) {
    model_thread(start_one, NULL);
    model_check(run_with(1, only_start) == 0);
    model_join_all();
    model_check(started <= 1);
}

/* A helper thread wakes the only task, and is joined. */
static void call(void *arg) { ++*(int *)arg; }
static void block_on_it(void *arg) {
    (void)arg;
    model_check(pirn_block(call, &ended) == 0);
    model_check(ended == 1);
    nothing(arg);
}
static void blocked(void) {
    model_check(run_with(1, block_on_it) == 0);
    model_check(started == 1);
}

/* A timer is all that wakes. */
static void sleep_a_while(void *arg) {
    atomic_store(&runtime.watched, true);
    pirn_sleep(1000);
    nothing(arg);
}
static void sleep_with(int workers) {
    model_check(run_with(workers, sleep_a_while) == 0);
    model_check(started == 1);
}
static void slept(void) { sleep_with(2); }
static void slept_one_worker(void) { sleep_with(1); }

/* Where nobody is ever alone. */
static void shared(void (*what)(void)) {
    model_shared = true;
    what();
}
static void shared_once(void) { shared(once); }
static void shared_twice(void) { shared(twice); }
static void shared_two_workers(void) { shared(two_workers); }
static void shared_discarded(void) { shared(discarded); }
static void shared_visited(void) { shared(visited); }
static void shared_slept(void) { shared(slept); }
static void shared_started(void) { shared(started_from_outside); }

const struct model_case model_cases[] = {{"once", once},
                                         {"twice", twice},
                                         {"one-worker", one_worker},
                                         {"two-workers", two_workers},
                                         {"discarded", discarded},
                                         {"discarded-one-worker", discarded_one_worker},
                                         {"visited", visited},
                                         {"visited-one-worker", visited_one_worker},
                                         {"started-from-outside", started_from_outside},
                                         {"blocked", blocked},
                                         {"slept", slept},
                                         {"slept-one-worker", slept_one_worker},
                                         {"shared-once", shared_once},
                                         {"shared-twice", shared_twice},
                                         {"shared-two-workers", shared_two_workers},
                                         {"shared-discarded", shared_discarded},
                                         {"shared-visited", shared_visited},
                                         {"shared-slept", shared_slept},
                                         {"shared-started", shared_started},
                                         {NULL, NULL}};
