/* runtime.c - pirn_run: the beginning and the end of everything. */
#include "lib/threads/runtime.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/core/config.h"
#include "lib/core/dump.h"
#include "lib/core/task.h"

/* Workers there may be, beyond twice those that were asked for, to stand in for stuck ones. */
enum { MORE_WORKERS = 14 };

struct runtime runtime;

/* Those that have retired are still to be joined. */
static void wake_retired(void) {
    runtime_lock();
    for (struct worker *worker = runtime.retired; worker; worker = worker->idle_next) {
        atomic_store(&worker->wake, 1);
        futex_wake(&worker->wake, 1);
    }
    runtime_unlock();
}

void runtime_stop(int result) {
    runtime_lock();
    if (!atomic_load(&runtime.stopping)) {
        runtime.result = result;
        atomic_store(&runtime.stopping, true);
        worker_interrupt_all();
    }
    runtime_unlock();
    while (atomic_load(&runtime.idle_count)) worker_wake_one();
    wake_retired();
}

static void *worker_thread(void *arg) {
    struct worker *worker = arg;
    /* The monitor, which may have started it, has them all blocked. */
    pthread_sigmask(SIG_SETMASK, &runtime.signals, NULL);
    faults_thread_begin(worker);
    worker_run(worker);
    faults_thread_end(worker);
    return NULL;
}

static int add_worker(int index) {
    struct worker *worker = &runtime.workers[index];
    bool promised;
    int rc;
    if (index == runtime.worker_limit) return -EAGAIN;
    runtime_lock();
    runtime.stacks.hoarded += STACKS_KEPT;
    promised = stack_promise(&runtime.stacks, 0);
    if (!promised) runtime.stacks.hoarded -= STACKS_KEPT;
    runtime_unlock();
    if (!promised) return -ENOMEM;
    atomic_fetch_add(&runtime.active, 1);
    atomic_store_explicit(&runtime.started, index + 1, memory_order_release);
    rc = pthread_create(&worker->thread, NULL, worker_thread, worker);
    if (rc) {
        atomic_store(&runtime.started, index);
        atomic_fetch_sub(&runtime.active, 1);
        runtime_lock();
        runtime.stacks.hoarded -= STACKS_KEPT;
        runtime_unlock();
    }
    return -rc;
}

int runtime_add_worker(void) {
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
    int rc;
    pthread_mutex_lock(&one_at_a_time);
    rc = add_worker(atomic_load(&runtime.started));
    pthread_mutex_unlock(&one_at_a_time);
    return rc;
}

static void join_workers(void) {
    /* The monitor may add some until it is gone. */
    monitor_stop();
    for (int i = 1; i < atomic_load(&runtime.started); i++)
        pthread_join(runtime.workers[i].thread, NULL);
}

/* Starts the other workers; the calling thread is the first. */
static int start_workers(void) {
    while (atomic_load(&runtime.started) < runtime.worker_count) {
        int rc = runtime_add_worker();
        if (!rc) continue;
        runtime_stop(rc);
        return -EAGAIN;
    }
    return 0;
}

/* Whether a worker that is the only one awake may do without locks: others can be let in only where
 * the kernel can make its processor see that. */
static bool may_be_alone(void) {
#if PIRN_TSAN
    return false; /* it would miss what orders the tasks */
#else
    return barrier_prepare();
#endif
}

/* On SIGQUIT, where PIRN_DUMP asks for it: waits for the signal in a thread of its own, which
 * may do what a handler may not. */
static pthread_t dumper;
static bool dumping;
static _Atomic bool dumper_ends;

static void *dump_on_signal(void *arg) {
    sigset_t set;
    int number;
    (void)arg;
    sigemptyset(&set);
    sigaddset(&set, SIGQUIT);
    while (sigwait(&set, &number) == 0 && !atomic_load(&dumper_ends))
        dump_write(STDERR_FILENO, true);
    return NULL;
}

static void start_dumper(sigset_t *before) {
    const char *wish = getenv("PIRN_DUMP");
    sigset_t set;
    dumping = false;
    atomic_store(&dumper_ends, false);
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
    /* No cancellation: the C library ends the process when it has no memory for that. */
    atomic_store(&dumper_ends, true);
    pthread_kill(dumper, SIGQUIT);
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
    if (PIRN_RECORDED) recorded_run_begin();
    faults_begin();
    faults_thread_begin(first);
    start_dumper(&signals);
    pthread_sigmask(SIG_SETMASK, NULL, &runtime.signals);
    rc = start_workers();
    /* Last, or some of the tasks would have run where a worker cannot be had. */
    if (!rc && (rc = worker_spawn(NULL, &spawn, true, &id))) runtime_stop(rc);
    if (!rc) worker_run(first);
    join_workers();
    if (!rc) rc = runtime.result;
    if (PIRN_RECORDED) recorded_run_end(rc);
    end_dumper(&signals);
    faults_thread_end(first);
    faults_end();
    return rc;
}

static struct worker *make_workers(void) {
    size_t size = (size_t)runtime.worker_limit * sizeof(struct worker);
    struct worker *workers = aligned_alloc(_Alignof(struct worker), size);
    if (!workers) return NULL;
    memset(workers, 0, size);
    for (int i = 0; i < runtime.worker_limit; i++) {
        workers[i].index = i;
        workers[i].running = TASK_RUNNING + (uint32_t)i * TASK_STATES;
    }
    return workers;
}

static void clean_up(void) {
    block_end();
    atomic_store(&runtime.may_be_alone, false);
    threads_share();
    tasks_hold();
    stats_keep();
    tasks_end();
    timers_clear();
    runtime_lock();
    stack_pool_end(&runtime.stacks);
    runtime.shared = (struct task_list){0};
    atomic_store(&runtime.shared_count, 0);
    free(runtime.workers);
    runtime.workers = NULL;
    atomic_store(&runtime.running, false);
    runtime_unlock();
    tasks_let_go();
    poller_end();
}

EXPORT int pirn_run(const pirn_config *config, pirn_fn *main_fn, void *arg) {
    static _Atomic bool busy;
    pirn_config resolved = {0};
    int rc;

    if (!main_fn) return -EINVAL;
    if (!PIRN_RECORDED) record_check();
    if (atomic_exchange(&busy, true)) return -EBUSY;
    rc = config_resolve(config, &resolved);
    runtime.worker_count = resolved.workers;
    runtime.worker_limit = 2 * resolved.workers + MORE_WORKERS;
    if (!rc && !(runtime.workers = make_workers())) rc = -ENOMEM;
    if (!rc) {
        runtime.max_tasks = resolved.max_tasks;
        runtime.control = context_control();
        stack_pool_init(&runtime.stacks, resolved.stack_size);
        runtime.stacks.hoarded = STACKS_KEPT; /* by the first worker */
        runtime_lock();
        runtime.idle = runtime.retired = NULL;
        runtime.main_ended = runtime.over = false;
        runtime.foreign_count = 0;
        runtime.counts = (struct counts){0};
        runtime.result = 0;
        atomic_fetch_add(&runtime.epoch, 1);
        atomic_store(&runtime.last_id, MAIN_TASK);
        atomic_store(&runtime.live, 0);
        atomic_store(&runtime.idle_count, 0);
        atomic_store(&runtime.searching_count, 0);
        atomic_store(&runtime.started, 1);
        atomic_store(&runtime.active, 1);
        atomic_store(&runtime.surplus, 0);
        atomic_store(&runtime.watching, false);
        atomic_store(&runtime.kept_until, PIRN_FOREVER);
        atomic_store(&runtime.watched, false);
        atomic_store(&runtime.stopping, false);
        /* Seen by who sees that one may be alone: a thread that ends looks at it without our lock. */
        runtime.own_threads = threads_own();
        atomic_store(&runtime.may_be_alone, may_be_alone());
        atomic_store(&threads_mode,
                     atomic_load(&runtime.may_be_alone) && threads_none_but(runtime.own_threads)
                         ? 0
                         : MODE_SHARED);
        atomic_store(&runtime.running, true);
        runtime_unlock();
        rc = run(main_fn, arg);
        clean_up();
    }
    atomic_store(&busy, false);
    return rc;
}

EXPORT uint64_t pirn_self(void) { return OWN(threads_self) ? OWN(threads_self)->core.id : 0; }
