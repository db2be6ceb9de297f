/* runtime.c - pirn_run: the beginning and the end of everything. */
#include "lib/threads/runtime.h"

#include <stdlib.h>
#include <string.h>

#include "lib/core/config.h"
#include "lib/core/task.h"

struct runtime runtime;

void runtime_stop(int result) {
    runtime_lock();
    if (!atomic_load(&runtime.stopping)) {
        runtime.result = result;
        atomic_store(&runtime.stopping, true);
        atomic_store(&threads_interrupted, true);
    }
    runtime_unlock();
    while (atomic_load(&runtime.idle_count)) worker_wake_one();
}

static void *worker_thread(void *arg) {
    struct worker *worker = arg;
    faults_thread_begin(worker);
    worker_run(worker);
    faults_thread_end(worker);
    return NULL;
}

/* Starts the other workers; the calling thread is the first. */
static int start_workers(void) {
    int started = 1, rc = 0;
    for (; started < runtime.worker_count && !rc; started++)
        rc = pthread_create(&runtime.workers[started].thread, NULL, worker_thread,
                            &runtime.workers[started]);
    if (!rc) return 0;
    runtime_stop(-rc);
    /* The one that failed is not there to be joined. */
    for (int i = 1; i < started - 1; i++) pthread_join(runtime.workers[i].thread, NULL);
    return -EAGAIN;
}

/* On SIGQUIT, where PIRN_DUMP asks for it: waits for the signal in a thread of its own, which
 * may do what a handler may not. */
static pthread_t dumper;
static bool dumping;

static void *dump_on_signal(void *arg) {
    sigset_t set;
    int number;
    (void)arg;
    sigemptyset(&set);
    sigaddset(&set, SIGQUIT);
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    for (;;) {
        if (sigwait(&set, &number)) return NULL;
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
        dump_tasks();
        pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    }
}

static void start_dumper(sigset_t *before) {
    const char *wish = getenv("PIRN_DUMP");
    sigset_t set;
    dumping = false;
    if (!wish || strcmp(wish, "QUIT") != 0) return;
    sigemptyset(&set);
    sigaddset(&set, SIGQUIT);
    /* Blocked here and in every thread that starts from here, so that the dumper gets it. */
    pthread_sigmask(SIG_BLOCK, &set, before);
    dumping = pthread_create(&dumper, NULL, dump_on_signal, NULL) == 0;
    if (!dumping) pthread_sigmask(SIG_SETMASK, before, NULL);
}

static void end_dumper(const sigset_t *before) {
    if (!dumping) return;
    pthread_cancel(dumper);
    pthread_join(dumper, NULL);
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

static int run(pirn_fn *main_fn, void *arg) {
    struct spawn spawn = {.fn = main_fn, .arg = arg, .name = "main"};
    struct worker *first = &runtime.workers[0];
    sigset_t signals;
    uint64_t id;
    int rc;

    task_prepare();
    faults_begin();
    faults_thread_begin(first);
    start_dumper(&signals);
    rc = engine_spawn(NULL, &spawn, &id);
    if (!rc) rc = start_workers();
    if (!rc) {
        worker_run(first);
        for (int i = 1; i < runtime.worker_count; i++)
            pthread_join(runtime.workers[i].thread, NULL);
        rc = runtime.result;
    }
    end_dumper(&signals);
    faults_thread_end(first);
    faults_end();
    return rc;
}

static void clean_up(void) {
    tasks_end();
    timers_clear();
    runtime_lock();
    stack_pool_end(&runtime.stacks);
    runtime.shared_first = runtime.shared_last = NULL;
    atomic_store(&runtime.shared_count, 0);
    free(runtime.workers);
    runtime.workers = NULL;
    atomic_store(&runtime.running, false);
    runtime_unlock();
}

EXPORT int pirn_run(const pirn_config *config, pirn_fn *main_fn, void *arg) {
    static _Atomic bool busy;
    pirn_config resolved = {0};
    int rc;

    if (!main_fn) return -EINVAL;
    if (atomic_exchange(&busy, true)) return -EBUSY;
    rc = config_resolve(config, &resolved);
    runtime.worker_count = resolved.workers;
    if (!rc && !(runtime.workers = calloc((size_t)runtime.worker_count, sizeof *runtime.workers)))
        rc = -ENOMEM;
    if (!rc) {
        for (int i = 0; i < runtime.worker_count; i++) runtime.workers[i].index = i;
        runtime.max_tasks = resolved.max_tasks;
        stack_pool_init(&runtime.stacks, resolved.stack_size);
        runtime_lock();
        runtime.idle = NULL;
        runtime.main_ended = runtime.over = false;
        runtime.foreign_count = 0;
        runtime.result = 0;
        runtime.epoch++;
        atomic_store(&runtime.last_id, 0);
        atomic_store(&runtime.live, 0);
        atomic_store(&runtime.idle_count, 0);
        atomic_store(&runtime.searching_count, 0);
        atomic_store(&runtime.stopping, false);
        atomic_store(&threads_interrupted, false);
        atomic_store(&runtime.running, true);
        runtime_unlock();
        rc = run(main_fn, arg);
        clean_up();
    }
    atomic_store(&busy, false);
    return rc;
}

EXPORT uint64_t pirn_self(void) { return threads_self ? threads_self->core.id : 0; }
