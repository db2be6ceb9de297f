/*
 * worker.c - what a worker does: run tasks.
 *
 * A task that leaves its stack picks the next one itself and switches straight to it. Only when the
 * worker has none left, and once in a while, does control go to the thread's own stack, where
 * worker_run looks at the timers, the shared list and the other workers (search.c).
 */
#include <sched.h>

#include "lib/core/task.h"
#include "lib/threads/queue.h"
#include "lib/threads/runtime.h"
#include "lib/threads/tuning.h"

/* Where nobody keeps a record of which task uses which stack. */
#define TAKES_STACK_OVER (!PIRN_CONTEXT_UCONTEXT && !PIRN_ASAN && !PIRN_TSAN)

static LOCAL(struct worker *, this_worker);
LOCAL(struct task *, threads_self);

__attribute__((noinline)) struct worker *worker_self(void) {
    struct worker *worker = OWN(this_worker);
    /* The compiler may not assume that two calls return the same. */
    __asm__ volatile("" : "+r"(worker));
    return worker;
}

/* ---- Making tasks runnable ----------------------------------------------------------------- */

void worker_leave_idle_list(struct worker *worker) {
    struct worker **link;
    if (!worker->idle) return;
    for (link = &runtime.idle; *link != worker; link = &(*link)->idle_next) continue;
    *link = worker->idle_next;
    worker->idle = false;
    atomic_fetch_sub_explicit(&runtime.idle_count, 1, memory_order_seq_cst);
}

void worker_wake_one(void) {
    struct worker *worker;
    runtime_lock();
    worker = runtime.idle;
    if (worker) {
        worker_leave_idle_list(worker);
        /* It will; counted for it, so that others do not wake one more each. */
        worker->searching = true;
        atomic_fetch_add_explicit(&runtime.searching_count, 1, memory_order_seq_cst);
        atomic_store_explicit(&worker->wake, 1, memory_order_seq_cst);
    }
    runtime_unlock();
    if (worker) poller_wake(worker);
}

/* There is more to do than this worker has begun: lets an idle one look, unless one is looking
 * already, or does so by itself before long. */
static inline void offer_work(void) {
    if (UNLIKELY(atomic_load_explicit(&runtime.idle_count, memory_order_seq_cst)) &&
        !atomic_load_explicit(&runtime.searching_count, memory_order_seq_cst) &&
        !atomic_load_explicit(&runtime.watching, memory_order_relaxed))
        worker_wake_one();
}

void worker_share(struct task *task) {
    list_append(&runtime.shared, task);
    atomic_store_explicit(&runtime.shared_count, runtime.shared.count, memory_order_seq_cst);
}

void worker_enqueue(struct worker *worker, struct task_list *list, struct task *task) {
    queue_lock(worker);
    if (list == &worker->fresh)
        list_push(list, task);
    else
        list_append(list, task);
    waiting_changed(worker, 1);
    queue_unlock(worker);
    offer_work();
}

/* From a thread that is no worker. */
static __attribute__((noinline)) void wake_from_outside(struct task *task) {
    /* The runtime may be going down, and then the task with it, once its state shows that it
     * has been woken. */
    runtime_lock();
    if (!atomic_load(&runtime.stopping)) worker_share(task);
    atomic_store_explicit(&task->state, TASK_RUNNABLE, memory_order_release);
    runtime_unlock();
    worker_wake_one();
}

void engine_wake(struct task *task) {
    struct worker *worker = OWN(this_worker);
    struct task *before;

    if (UNLIKELY(task->foreign)) {
        atomic_store_explicit(&task->state, TASK_RUNNABLE, memory_order_release);
        futex_wake(&task->state, 1);
        return;
    }
    if (UNLIKELY(!worker)) {
        wake_from_outside(task);
        return;
    }
    atomic_store_explicit(&task->state, TASK_RUNNABLE, memory_order_release);
    queue_lock(worker);
    before = worker->next;
    worker->next = task;
    if (before) list_append(&worker->ready, before);
    waiting_changed(worker, 1);
    queue_unlock(worker);
    offer_work();
}

/* ---- Leaving and arriving ------------------------------------------------------------------ */

static inline void unlock_one(waitq *guard) {
    if (guard) engine_unlock(guard);
}

/* Of a task that has just left its stack here. */
static inline uint32_t parked_state(const struct worker *worker) {
    uint32_t tick = atomic_load_explicit(&worker->tick, memory_order_relaxed);
    return TASK_PARKED + tick * TASK_STATES;
}

/* First thing on every stack that is switched to: finishes what the last one has left to do. */
static inline void arrive(struct worker *worker, struct fiber *self) {
    struct task *task = worker->departure.task;
    int kind = worker->departure.kind;
    sanitize_arrive(self, worker->came_from);
    worker->departure.kind = DEPART_NOTHING;
    switch (kind) {
    case DEPART_NOTHING:
        break;
    case DEPART_PARK: {
        void (*after)(void *) = worker->departure.after;
        void *arg = worker->departure.arg;
        struct timer *timer = worker->departure.timer;
        if (UNLIKELY(!task->stack.guarded) && stack_overflowed(&task->stack)) report_overflow(task);
        atomic_store_explicit(&task->state, parked_state(worker), memory_order_release);
        /* No memory for a timer: it goes off at once, which a deadline's user must be ready for. */
        if (timer && timers_arm(timer, worker->departure.when) != 0)
            timer->core.kind->fire(&timer->core, NULL);
        if (LIKELY(!after))
            unlock_one(arg);
        else
            after(arg);
        break;
    }
    case DEPART_YIELD:
        if (UNLIKELY(!task->stack.guarded) && stack_overflowed(&task->stack)) report_overflow(task);
        atomic_store_explicit(&task->state, TASK_RUNNABLE, memory_order_release);
        tally(&worker->counts.yields, 1);
        worker_enqueue(worker, &worker->ready, task);
        break;
    case DEPART_EXIT:
        task_free(worker, task);
        break;
    }
}

static _Noreturn void end(struct worker *worker, struct task *self);

static void run_task(void *arg, void *passed) {
    struct task *self = arg;
    arrive(passed, &self->fiber);
    if (PIRN_RECORDED) recorded_start(self);
    threads_leave();
    if (self->core.id == MAIN_TASK) {
        task_call(self);
        if (PIRN_RECORDED) recorded_exit(self);
        runtime_stop(0);
        threads_enter();
        end(worker_self(), self);
    }
    task_body(self);
}

/* The worker's own next task, or NULL when it should look around. */
static inline struct task *pick(struct worker *worker) {
    uint32_t tick = atomic_load_explicit(&worker->tick, memory_order_relaxed) + 1;
    atomic_store_explicit(&worker->tick, tick, memory_order_relaxed);
    if (UNLIKELY(tick % LOOK_AROUND == 0) ||
        UNLIKELY(atomic_load_explicit(&runtime.stopping, memory_order_relaxed)))
        return NULL;
    return queue_take(worker);
}

/* The task is what runs here from now on. */
static inline void become(struct worker *worker, struct task *task) {
    if (UNLIKELY(!task->stack.base)) task_get_stack(worker, task);
    if (!task->begun) {
        context_init(&task->context, task->stack.base, task->stack.size, run_task, task,
                     runtime.control);
        task->begun = true;
    }
    atomic_store_explicit(&task->state, worker->running, memory_order_release);
    *worker->self_at = task;
}

/* Leaves the task's stack for the next task's, or the thread's own. Returns when the task runs
 * again, on the worker returned; its errno has gone with it. For a CONTEXT_BOUNDARY. */
static inline __attribute__((always_inline)) struct worker *leave(struct worker *worker,
                                                                  struct task *self) {
    struct task *next = pick(worker);
    int number = *worker->errno_at;

    worker->departure.task = self;
    worker->came_from = &self->fiber;
    if (LIKELY(next)) {
        become(worker, next);
        sanitize_leave(&self->fiber, &next->fiber, 0);
        worker = context_switch(&self->context, &next->context, worker);
    } else {
        *worker->self_at = NULL;
        sanitize_leave(&self->fiber, &worker->fiber, 0);
        worker = context_switch(&self->context, &worker->context, worker);
    }
    arrive(worker, &self->fiber);
    *worker->errno_at = number;
    return worker;
}

/* Leaves the task's stack for ever. */
static CONTEXT_BOUNDARY _Noreturn void end(struct worker *worker, struct task *self) {
    struct task *next = pick(worker);

    worker->departure.kind = DEPART_EXIT;
    worker->departure.task = self;
    worker->came_from = &self->fiber;
    if (!next) {
        *worker->self_at = NULL;
        sanitize_leave(&self->fiber, &worker->fiber, 1);
        context_switch(&self->context, &worker->context, worker);
    }
#if TAKES_STACK_OVER
    else if (!next->stack.base && self->stack.slab) {
        /* One that begins takes over the stack, warm as it is. */
        next->stack = self->stack;
        self->stack.base = NULL;
        next->begun = true;
        become(worker, next);
        context_restart(next->stack.base, next->stack.size, run_task, next, worker,
                        runtime.control);
    }
#endif
    else {
        become(worker, next);
        sanitize_leave(&self->fiber, &next->fiber, 1);
        context_switch(&self->context, &next->context, worker);
    }
    __builtin_unreachable();
}

/* A thread of the program waits as a thread. */
static __attribute__((noinline)) void park_thread(struct task *self, struct timer *timer,
                                                  int64_t when, void (*after)(void *), void *arg) {
    bool timed = timer != NULL;
    atomic_fetch_add_explicit(&runtime.foreign_waiting, 1, memory_order_relaxed);
    atomic_store_explicit(&self->state, TASK_PARKED, memory_order_relaxed);
    if (after)
        after(arg);
    else
        unlock_one(arg);
    while (atomic_load_explicit(&self->state, memory_order_acquire) == TASK_PARKED) {
        if (timed && engine_now() >= when) {
            timed = false;
            timer->core.kind->fire(&timer->core, NULL);
            continue;
        }
        futex_wait(&self->state, TASK_PARKED, timed ? when : PIRN_FOREVER);
    }
    atomic_fetch_sub_explicit(&runtime.foreign_waiting, 1, memory_order_relaxed);
}

CONTEXT_BOUNDARY void threads_park(struct task *self, struct timer *timer, int64_t when,
                                   void (*after)(void *), void *arg) {
    struct worker *worker = OWN(this_worker);
    if (UNLIKELY(self->foreign)) {
        park_thread(self, timer, when, after, arg);
        return;
    }
    worker->departure.kind = DEPART_PARK;
    worker->departure.timer = timer;
    if (timer) worker->departure.when = when;
    worker->departure.after = after;
    worker->departure.arg = arg;
    self->since = clock_read();
    tally(&worker->counts.parks, 1);
    worker = leave(worker, self);
    tally(&worker->counts.blocked, (uint64_t)(clock_read() - self->since));
}

CONTEXT_BOUNDARY void engine_yield(struct task *self, const struct place *place) {
    struct worker *worker;
    uint32_t tick;
    if (UNLIKELY(self->foreign)) {
        sched_yield();
        return;
    }
    engine_begin(self, place);
    worker = worker_self();
    tick = atomic_load_explicit(&worker->tick, memory_order_relaxed);
    if (tick % LOOK_AROUND && !waiting_at(worker)) {
        /* Nobody else here, and not yet time to look around: go on. */
        atomic_store_explicit(&worker->tick, tick + 1, memory_order_relaxed);
    } else {
        worker->departure.kind = DEPART_YIELD;
        leave(worker, self);
    }
    engine_end(self, 0);
}

_Noreturn void engine_exit(struct task *self) {
    threads_enter();
    if (PIRN_RECORDED) recorded_exit(self);
    if (self->core.id == MAIN_TASK) {
        runtime_lock();
        runtime.main_ended = true;
        runtime_unlock();
    }
    end(worker_self(), self);
}

void worker_interrupt_all(void) { atomic_fetch_or(&threads_mode, MODE_INTERRUPTED); }

void worker_interrupt_end(void) {
    int started = atomic_load_explicit(&runtime.started, memory_order_acquire);
    bool wanted;
    atomic_fetch_and(&threads_mode, ~(uint32_t)MODE_INTERRUPTED);
    /* Whoever has given a reason meanwhile sets the bit after it. */
    wanted = atomic_load(&runtime.stopping) || atomic_load(&runtime.halting);
    for (int i = 0; i < started; i++) wanted |= atomic_load(&runtime.workers[i].preempt);
    if (wanted) worker_interrupt_all();
}

void worker_preempt(struct worker *worker) {
    atomic_store(&worker->preempt, true);
    worker_interrupt_all();
}

CONTEXT_BOUNDARY void threads_interrupt(struct task *self) {
    static _Atomic uint32_t never;
    struct worker *worker = OWN(this_worker);
    if (!self || self->foreign) return;
    if (atomic_load(&runtime.halting)) {
        atomic_fetch_add(&runtime.halted, 1);
        while (atomic_load(&runtime.halting)) futex_wait(&never, 0, engine_now() + 10 * PIRN_MSEC);
        atomic_fetch_sub(&runtime.halted, 1);
    }
    if (atomic_exchange(&worker->preempt, false)) {
        uint32_t tick = atomic_load_explicit(&worker->tick, memory_order_relaxed);
        worker_interrupt_end();
        /* It is time to look around too. */
        atomic_store_explicit(&worker->tick, tick + LOOK_AROUND - tick % LOOK_AROUND - 1,
                              memory_order_relaxed);
    } else if (!atomic_load(&runtime.stopping)) {
        return;
    }
    worker->departure.kind = DEPART_YIELD;
    leave(worker, self);
}

/* ---- A thread ------------------------------------------------------------------------------ */

CONTEXT_BOUNDARY void worker_run(struct worker *worker) {
    struct task *task;
    OWN(this_worker) = worker;
    worker->self_at = &OWN(threads_self);
    worker->errno_at = &errno;
    sanitize_thread(&worker->fiber);
    worker_come_in();
    while ((task = worker_find(worker))) {
        worker->came_from = &worker->fiber;
        become(worker, task);
        sanitize_leave(&worker->fiber, &task->fiber, 0);
        context_switch(&worker->context, &task->context, worker);
        arrive(worker, &worker->fiber);
    }
    worker_go_out();
    OWN(this_worker) = NULL;
}

/* ---- Starting tasks ------------------------------------------------------------------------ */

int worker_spawn(struct task *self, const struct spawn *spawn, bool main, uint64_t *id) {
    struct worker *worker = worker_self();
    struct task *task = NULL;
    int rc = -EPERM;

    /* A thread of the program may come while the runtime goes: the lock keeps what it needs in
     * being. */
    if (!worker) runtime_lock();
    if (atomic_load_explicit(&runtime.running, memory_order_acquire) &&
        !atomic_load_explicit(&runtime.stopping, memory_order_relaxed))
        task = task_make(worker, spawn, main, &rc);
    if (task) {
        task->core.parent = self ? self->core.id : 0;
        *id = task->core.id;
        rc = 0;
        if (PIRN_RECORDED) recorded_spawn(self, task, main);
        if (!worker) worker_share(task);
    }
    if (!worker) runtime_unlock();
    if (rc) return rc;
    if (worker)
        worker_enqueue(worker, &worker->fresh, task);
    else
        worker_wake_one();
    /* Not for main: it has nobody beside it yet. */
    if (UNLIKELY(!atomic_load_explicit(&runtime.watched, memory_order_relaxed)) && !main)
        monitor_start();
    return 0;
}

int engine_spawn(struct task *self, const struct spawn *spawn, uint64_t *id) {
    return worker_spawn(self, spawn, false, id);
}
