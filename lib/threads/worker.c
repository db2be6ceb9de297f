/*
 * worker.c - what a worker does: run tasks, look for more, sleep.
 *
 * A task that leaves its stack picks the next one itself and switches straight to it. Only when the
 * worker has none left, and once in a while, does control go to the thread's own stack, where
 * worker_run looks at the timers, the shared queue and the other workers.
 */
#include <sched.h>
#include <string.h>

#include "lib/core/task.h"
#include "lib/threads/runtime.h"

enum {
    LOOK_AROUND =
        61,      /* switches between looks at what is not its own; a prime: programs have rhythms */
    STREAK = 32, /* tasks that may run out of turn, one after the other */
    SPINS = 64   /* looks before sleeping */
};

static __thread struct worker *this_worker __attribute__((tls_model("initial-exec")));
__thread struct task *threads_self __attribute__((tls_model("initial-exec")));
_Atomic bool threads_interrupted;

__attribute__((noinline)) struct worker *worker_self(void) {
    struct worker *worker = this_worker;
    /* The compiler may not assume that two calls return the same. */
    __asm__ volatile("" : "+r"(worker));
    return worker;
}

/* Sets who runs on this thread. Not inlined, as above: the thread is another after a switch. */
static __attribute__((noinline)) void become(struct task *task) {
    __asm__ volatile("");
    threads_self = task;
}

/* ---- Making tasks runnable ----------------------------------------------------------------- */

void worker_wake_one(void) {
    struct worker *worker;
    runtime_lock();
    worker = runtime.idle;
    if (worker) {
        runtime.idle = worker->idle_next;
        worker->idle = false;
        worker->searching =
            true; /* it will; counted for it, so that others do not wake one more each */
        atomic_fetch_add_explicit(&runtime.searching_count, 1, memory_order_seq_cst);
        atomic_fetch_sub_explicit(&runtime.idle_count, 1, memory_order_seq_cst);
        atomic_store_explicit(&worker->wake, 1, memory_order_release);
    }
    runtime_unlock();
    if (worker) futex_wake(&worker->wake, 1);
}

/* There is more to do than this worker has begun: lets an idle one look, unless one is looking
 * already. */
static void offer_work(void) {
    if (atomic_load_explicit(&runtime.idle_count, memory_order_seq_cst) &&
        !atomic_load_explicit(&runtime.searching_count, memory_order_seq_cst))
        worker_wake_one();
}

/* Adds to the shared queue; the lock is held. */
static void share(struct task *first, struct task *last, size_t count) {
    last->next = NULL;
    if (runtime.shared_last)
        runtime.shared_last->next = first;
    else
        runtime.shared_first = first;
    runtime.shared_last = last;
    atomic_fetch_add_explicit(&runtime.shared_count, count, memory_order_seq_cst);
}

/* Puts a task at the end of the worker's queue; half of a full queue goes to the shared one. */
static void enqueue(struct worker *worker, struct task *task) {
    while (!queue_push(&worker->queue, task)) {
        struct task *first = NULL, *last = NULL, *moved;
        size_t count = 0;
        while (count < RUN_QUEUE_SIZE / 2 && (moved = queue_pop(&worker->queue))) {
            moved->next = NULL;
            if (last)
                last->next = moved;
            else
                first = moved;
            last = moved;
            count++;
        }
        if (!count) continue;
        runtime_lock();
        share(first, last, count);
        runtime_unlock();
    }
}

void engine_wake(struct task *task) {
    struct worker *worker = worker_self();
    struct task *before;

    if (task->foreign) {
        atomic_store_explicit(&task->state, TASK_RUNNABLE, memory_order_release);
        futex_wake(&task->state, 1);
        return;
    }
    if (!worker) {
        /* The runtime may be going down, and then the task with it, once its state shows that it
         * has been woken. */
        runtime_lock();
        if (!atomic_load(&runtime.stopping)) share(task, task, 1);
        atomic_store_explicit(&task->state, TASK_RUNNABLE, memory_order_release);
        runtime_unlock();
        worker_wake_one();
        return;
    }
    atomic_store_explicit(&task->state, TASK_RUNNABLE, memory_order_relaxed);
    before = atomic_exchange_explicit(&worker->next, task, memory_order_seq_cst);
    if (before) enqueue(worker, before);
    offer_work();
}

/* ---- Leaving and arriving ------------------------------------------------------------------ */

/* First thing on every stack that is switched to: finishes what the last one has left to do. */
static void worker_arrive(struct worker *worker, struct fiber *self) {
    struct departure d = worker->departure;
    sanitize_arrive(self, worker->came_from);
    worker->departure.kind = DEPART_NOTHING;
    switch (d.kind) {
    case DEPART_NOTHING:
        break;
    case DEPART_PARK:
        if (!d.task->stack.guarded && stack_overflowed(&d.task->stack)) report_overflow(d.task);
        atomic_store_explicit(&d.task->state, TASK_PARKED, memory_order_release);
        if (d.timer && engine_timer_arm(d.timer, d.when) != 0) {
            /* No memory for a timer: it goes off at once, which a deadline's user must be ready
             * for. */
            d.timer->core.fire(&d.timer->core, NULL);
        }
        if (d.after) d.after(d.arg);
        break;
    case DEPART_YIELD:
        if (!d.task->stack.guarded && stack_overflowed(&d.task->stack)) report_overflow(d.task);
        atomic_store_explicit(&d.task->state, TASK_RUNNABLE, memory_order_relaxed);
        enqueue(worker, d.task);
        offer_work();
        break;
    case DEPART_EXIT:
        task_free(worker, d.task);
        break;
    }
}

static CONTEXT_BOUNDARY void leave(struct worker *worker, struct task *self,
                                   const struct departure *departure);

static void run_task(void *arg) {
    struct task *self = arg;
    worker_arrive(worker_self(), &self->fiber);
    if (self->core.id == 1) {
        task_call(self);
        runtime_stop(0);
        leave(worker_self(), self, &(struct departure){.kind = DEPART_EXIT, .task = self});
    }
    task_body(self);
}

/* The worker's own next task, or NULL when it should look around. */
static struct task *pick(struct worker *worker) {
    struct task *task;
    if (atomic_load_explicit(&runtime.stopping, memory_order_relaxed)) return NULL;
    if (++worker->tick % LOOK_AROUND == 0) return NULL;
    if (worker->streak < STREAK && atomic_load_explicit(&worker->next, memory_order_relaxed) &&
        (task = atomic_exchange_explicit(&worker->next, NULL, memory_order_acquire))) {
        worker->streak++;
        return task;
    }
    worker->streak = 0;
    if ((task = queue_pop(&worker->queue))) return task;
    return atomic_exchange_explicit(&worker->next, NULL, memory_order_acquire);
}

static void begin(struct task *task) {
    atomic_store_explicit(&task->state, TASK_RUNNING, memory_order_relaxed);
    become(task);
}

/* A task's errno goes with it. Not inlined: the compiler may keep errno's address over a switch. */
static __attribute__((noinline)) int get_errno(void) {
    __asm__ volatile("");
    return errno;
}
static __attribute__((noinline)) void set_errno(int value) {
    __asm__ volatile("");
    errno = value;
}

/* Leaves the task's stack for the next task's, or the thread's own. Returns when the task runs
 * again. */
static CONTEXT_BOUNDARY void leave(struct worker *worker, struct task *self,
                                   const struct departure *departure) {
    struct task *next = pick(worker);
    bool ends = departure->kind == DEPART_EXIT;
    int number = get_errno();

    worker->departure = *departure;
    worker->came_from = &self->fiber;
    if (next) {
        begin(next);
        sanitize_leave(&self->fiber, &next->fiber, ends);
        context_switch(&self->context, &next->context);
    } else {
        become(NULL);
        sanitize_leave(&self->fiber, &worker->fiber, ends);
        context_switch(&self->context, &worker->context);
    }
    worker_arrive(worker_self(), &self->fiber);
    set_errno(number);
}

/* A thread of the program waits as a thread. */
static void park_thread(struct task *self, struct timer *timer, int64_t when, void (*after)(void *),
                        void *arg) {
    bool timed = timer != NULL;
    atomic_store_explicit(&self->state, TASK_PARKED, memory_order_relaxed);
    if (after) after(arg);
    while (atomic_load_explicit(&self->state, memory_order_acquire) == TASK_PARKED) {
        if (timed && engine_now() >= when) {
            timed = false;
            timer->core.fire(&timer->core, NULL);
            continue;
        }
        futex_wait(&self->state, TASK_PARKED, timed ? when : PIRN_FOREVER);
    }
}

void engine_park(struct task *self, const struct place *place, struct timer *timer, int64_t when,
                 void (*after)(void *), void *arg) {
    struct departure departure = {DEPART_PARK, self, timer, when, after, arg};
    self->core.waits = *place;
    if (self->foreign)
        park_thread(self, timer, when, after, arg);
    else
        leave(worker_self(), self, &departure);
    self->core.waits.op = OP_NONE;
}

void engine_yield(struct task *self, const struct place *place) {
    struct departure departure = {.kind = DEPART_YIELD, .task = self};
    struct worker *worker = worker_self();
    if (self->foreign) {
        sched_yield();
        return;
    }
    engine_begin(self, place);
    worker = worker_self();
    /* Nobody else here, and not yet time to look around: go on. */
    if (worker->tick % LOOK_AROUND && queue_empty(&worker->queue) &&
        !atomic_load_explicit(&worker->next, memory_order_relaxed)) {
        worker->tick++;
        return;
    }
    leave(worker, self, &departure);
}

_Noreturn void engine_exit(struct task *self) {
    struct departure departure = {.kind = DEPART_EXIT, .task = self};
    if (self->core.id == 1) {
        runtime_lock();
        runtime.main_ended = true;
        runtime_unlock();
    }
    leave(worker_self(), self, &departure);
    __builtin_unreachable();
}

void threads_interrupt(struct task *self) {
    struct departure departure = {.kind = DEPART_YIELD, .task = self};
    static _Atomic uint32_t never;
    if (!self || self->foreign) return;
    if (atomic_load(&runtime.halting)) {
        atomic_fetch_add(&runtime.halted, 1);
        while (atomic_load(&runtime.halting)) futex_wait(&never, 0, engine_now() + 10 * PIRN_MSEC);
        atomic_fetch_sub(&runtime.halted, 1);
    }
    if (atomic_load(&runtime.stopping)) leave(worker_self(), self, &departure);
}

/* ---- Looking for work ---------------------------------------------------------------------- */

static struct task *take_shared(struct worker *worker) {
    struct task *task, *more;
    size_t extra;
    if (!atomic_load_explicit(&runtime.shared_count, memory_order_seq_cst)) return NULL;
    runtime_lock();
    task = runtime.shared_first;
    extra = 0;
    if (task) {
        size_t count = atomic_load_explicit(&runtime.shared_count, memory_order_relaxed), taken = 1;
        /* A fair share, so that the lock is not taken for each. */
        extra = count / (size_t)runtime.worker_count;
        if (extra > RUN_QUEUE_SIZE / 4) extra = RUN_QUEUE_SIZE / 4;
        runtime.shared_first = task->next;
        while (taken <= extra && (more = runtime.shared_first)) {
            struct task *rest = more->next;
            if (!queue_push(&worker->queue, more)) break;
            runtime.shared_first = rest;
            taken++;
        }
        if (!runtime.shared_first) runtime.shared_last = NULL;
        atomic_fetch_sub_explicit(&runtime.shared_count, taken, memory_order_seq_cst);
    }
    runtime_unlock();
    return task;
}

static struct task *steal(struct worker *worker) {
    int count = runtime.worker_count, start;
    if (count == 1) return NULL;
    start = (int)(threads_random() % (uint64_t)count);
    for (int i = 0; i < count; i++) {
        struct worker *victim = &runtime.workers[(start + i) % count];
        struct task *task;
        if (victim == worker) continue;
        if ((task = queue_steal(&victim->queue, &worker->queue))) return task;
        /* What was woken last is its own business, for as long as it takes to leave the task it
         * is in. */
        if (atomic_load_explicit(&victim->next, memory_order_relaxed)) {
            for (int spin = 0;
                 spin < SPINS && atomic_load_explicit(&victim->next, memory_order_relaxed); spin++)
                sched_yield();
            if ((task = atomic_exchange_explicit(&victim->next, NULL, memory_order_acquire)))
                return task;
        }
    }
    return NULL;
}

static void stop_searching(struct worker *worker) {
    if (!worker->searching) return;
    worker->searching = false;
    atomic_fetch_sub_explicit(&runtime.searching_count, 1, memory_order_seq_cst);
}

static bool work_anywhere(void) {
    if (atomic_load_explicit(&runtime.shared_count, memory_order_seq_cst)) return true;
    for (int i = 0; i < runtime.worker_count; i++) {
        struct worker *worker = &runtime.workers[i];
        if (atomic_load_explicit(&worker->next, memory_order_seq_cst) ||
            !queue_empty(&worker->queue))
            return true;
    }
    return false;
}

static void count_stuck(struct task *task, void *arg) {
    size_t *stuck = arg;
    if (!task->core.daemon) ++*stuck;
}

/* Whether nothing can ever happen any more; true only once. The lock is held. */
static bool nothing_left(void) {
    if (runtime.over || atomic_load(&runtime.idle_count) != runtime.worker_count ||
        work_anywhere() || runtime.foreign_count || timers_awaited())
        return false;
    runtime.over = true;
    return true;
}

/* Ends the run: a deadlock, unless main has ended and only daemons are left. */
static void end_of_all(void) {
    size_t stuck = 0;
    if (runtime.main_ended) task_each(count_stuck, &stuck);
    if (runtime.main_ended && !stuck) {
        runtime_stop(0);
        return;
    }
    report_deadlock();
    runtime_stop(-EDEADLK);
}

static void leave_idle_list(struct worker *worker) {
    struct worker **link;
    if (!worker->idle) return;
    for (link = &runtime.idle; *link != worker; link = &(*link)->idle_next) continue;
    *link = worker->idle_next;
    worker->idle = false;
    atomic_fetch_sub_explicit(&runtime.idle_count, 1, memory_order_seq_cst);
}

/* Sleeps until there may be work, a timer is due or the runtime stops. */
static void rest(struct worker *worker) {
    bool over;

    /* Before it is in the list: who takes it out counts it as searching again. */
    stop_searching(worker);
    atomic_store_explicit(&worker->wake, 0, memory_order_relaxed);
    runtime_lock();
    worker->idle = true;
    worker->idle_next = runtime.idle;
    runtime.idle = worker;
    atomic_fetch_add_explicit(&runtime.idle_count, 1, memory_order_seq_cst);
    runtime_unlock();

    /* In the list, and only now the last look (invariant 4). */
    if (!work_anywhere() && !atomic_load(&runtime.stopping)) {
        runtime_lock();
        over = nothing_left();
        runtime_unlock();
        if (over)
            end_of_all();
        else if (timers_next() > engine_now())
            futex_wait(&worker->wake, 0, timers_next());
    }
    runtime_lock();
    leave_idle_list(worker);
    runtime_unlock();
    if (!worker->searching) {
        worker->searching = true;
        atomic_fetch_add_explicit(&runtime.searching_count, 1, memory_order_seq_cst);
    }
}

static struct task *look_around(struct worker *worker) {
    struct task *task;
    timers_run();
    if ((task = take_shared(worker))) return task;
    if ((task = atomic_exchange_explicit(&worker->next, NULL, memory_order_acquire))) return task;
    if ((task = queue_pop(&worker->queue))) return task;
    return steal(worker);
}

/* Finds a task to run; NULL when the runtime stops. */
static struct task *find(struct worker *worker) {
    struct task *task;
    worker->streak = 0;
    for (;;) {
        if (atomic_load_explicit(&runtime.stopping, memory_order_acquire)) return NULL;
        if ((task = look_around(worker))) break;
        if (!worker->searching) {
            worker->searching = true;
            atomic_fetch_add_explicit(&runtime.searching_count, 1, memory_order_seq_cst);
        }
        for (int spin = 0; spin < SPINS && !work_anywhere(); spin++) sched_yield();
        if ((task = look_around(worker))) break;
        rest(worker);
    }
    if (worker->searching) {
        stop_searching(worker);
        /* It was woken for one task; where there is one there may be more. */
        offer_work();
    }
    return task;
}

CONTEXT_BOUNDARY void worker_run(struct worker *worker) {
    struct task *task;
    this_worker = worker;
    sanitize_thread(&worker->fiber);
    while ((task = find(worker))) {
        worker->came_from = &worker->fiber;
        begin(task);
        sanitize_leave(&worker->fiber, &task->fiber, 0);
        context_switch(&worker->context, &task->context);
        worker_arrive(worker, &worker->fiber);
    }
    this_worker = NULL;
}

/* ---- Starting tasks, randomness ------------------------------------------------------------ */

int engine_spawn(struct task *self, const struct spawn *spawn, uint64_t *id) {
    struct worker *worker = worker_self();
    struct task *task = NULL;
    int rc = -EPERM;

    /* A thread of the program may come while the runtime goes: the lock keeps what it needs in
     * being. */
    if (!worker) runtime_lock();
    if (atomic_load(&runtime.running) && !atomic_load(&runtime.stopping))
        task = task_make(worker, spawn, &rc);
    if (task) {
        task->core.parent = self ? self->core.id : 0;
        context_init(&task->context, task->stack.base, task->stack.size, run_task, task);
        *id = task->core.id;
        rc = 0;
        if (!worker) share(task, task, 1);
    }
    if (!worker) runtime_unlock();
    if (rc) return rc;
    if (worker) {
        enqueue(worker, task);
        offer_work();
    } else {
        worker_wake_one();
    }
    return 0;
}

/* xoroshiro128+ (D. Blackman and S. Vigna, 2018), seeded by splitmix64, one for each thread. */
uint64_t threads_random(void) {
    static __thread uint64_t state[2] __attribute__((tls_model("initial-exec")));
    static _Atomic uint64_t seeds;
    uint64_t a = state[0], b = state[1], result;
    if (UNLIKELY(!(a | b))) {
        uint64_t seed = atomic_fetch_add(&seeds, 0x9e3779b97f4a7c15u) ^ (uint64_t)engine_now();
        for (int i = 0; i < 2; i++) {
            uint64_t z = seed += 0x9e3779b97f4a7c15u;
            z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
            z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
            state[i] = z ^ (z >> 31);
        }
        a = state[0] | 1;
        b = state[1];
    }
    result = a + b;
    b ^= a;
    state[0] = ((a << 24) | (a >> 40)) ^ b ^ (b << 16);
    state[1] = (b << 37) | (b >> 27);
    return result;
}
