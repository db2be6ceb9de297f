/*
 * stats.c - model: who looks at what is counted while workers count (lib/threads/stats.c). No task
 * has ended that was not started.
 */
#include "lib/threads/stats.c"

static struct worker workers[2];
static _Atomic int handed;

static void start_tasks(void *arg) {
    (void)arg;
    for (int i = 0; i < 2; i++) {
        tally(&workers[0].counts.started, 1);
        atomic_fetch_add(&handed, 1);
    }
}

static void end_tasks(void *arg) {
    (void)arg;
    while (atomic_load(&handed)) {
        atomic_fetch_sub(&handed, 1);
        tally(&workers[1].counts.ended, 1);
    }
}

static void look(void *arg) {
    struct pirn_stats stats = {0};
    (void)arg;
    engine_stats(&stats);
    model_check(stats.started <= 2 && stats.live <= stats.started);
    model_check(stats.switches <= stats.started);
}

static void looked_at(void) {
    runtime.workers = workers;
    runtime.worker_count = runtime.worker_limit = 2;
    runtime.started = 2;
    runtime.active = 2;
    runtime.running = true;
    model_thread(start_tasks, NULL);
    model_thread(end_tasks, NULL);
    model_thread(look, NULL);
    model_join_all();
}

const struct model_case model_cases[] = {{"looked-at", looked_at}, {NULL, NULL}};
