/*
 * worker.c - what a worker does: run tasks, look for more, sleep.
 *
 * A task that leaves its stack picks the next one itself and switches straight to it. Only when the
 * worker has none left, and once in a while, does control go to the thread's own stack, where
 * worker_run looks at the timers, the shared list and the other workers.
 *
 * Work moves to another worker only where that is worth it. Tasks that hand each other the processor
 * every few hundred nanoseconds are best left on one: so a thief first watches whether its victim
 * serves those that wait faster than they could be moved, and then looks again a little later, by
 * itself, instead of being woken for each of them (steal, watch).
 */
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "lib/core/task.h"
#include "lib/threads/runtime.h"
#include "lib/threads/tuning.h"

/* Where nobody keeps a record of which task uses which stack. */
#define TAKES_STACK_OVER (!PIRN_CONTEXT_UCONTEXT && !PIRN_ASAN && !PIRN_TSAN)

static LOCAL(struct worker *, this_worker);
LOCAL(struct task *, threads_self);
_Atomic uint32_t threads_mode = MODE_SHARED, threads_inside;

__attribute__((noinline)) struct worker *worker_self(void) {
    struct worker *worker = OWN(this_worker);
    /* The compiler may not assume that two calls return the same. */
    __asm__ volatile("" : "+r"(worker));
    return worker;
}

/* ---- Alone, or not --------------------------------------------------------------------------- */

/* Orders who comes and who goes. Workers that are not asleep: alone is one at most. */
static uint32_t door;
static int awake;

/* From now on the locks are taken. The door is held. */
static void share_locked(void) {
    if (atomic_fetch_or(&threads_mode, MODE_SHARED) & MODE_SHARED) return;
    /* Pairs with the compiler's barrier in threads_enter. */
    barrier_everywhere();
    for (unsigned tries = 0; atomic_load_explicit(&threads_inside, memory_order_acquire); tries++)
        wait_more(&threads_inside, tries);
}

void threads_share(void) {
    threads_lock(&door);
    share_locked();
    threads_unlock(&door);
}

void threads_unshare(void) {
    if (!(atomic_load_explicit(&threads_mode, memory_order_relaxed) & MODE_SHARED)) return;
    threads_lock(&door);
    if (awake <= 1 && atomic_load(&runtime.may_be_alone) && threads_none_but(runtime.own_threads)) {
        /* Whatever the others have done is seen before the mode is. */
        barrier_everywhere();
        atomic_fetch_and(&threads_mode, ~(uint32_t)MODE_SHARED);
    }
    threads_unlock(&door);
}

/* The worker begins to run, or has slept. It holds no lock. */
static void come_in(void) {
    threads_lock(&door);
    if (++awake > 1) share_locked();
    threads_unlock(&door);
    threads_enter();
}

/* It is about to sleep: from here it touches nothing that a lock guards but with that lock, and no
 * object, no queue and no timer even so. */
static void go_out(void) {
    threads_leave();
    threads_lock(&door);
    awake--;
    threads_unlock(&door);
}

/* ---- A worker's tasks ---------------------------------------------------------------------- */

static void queue_lock(struct worker *worker) {
    if (!threads_alone()) threads_lock(&worker->lock);
}
static void queue_unlock(struct worker *worker) { threads_unlock(&worker->lock); }

static void list_append(struct task_list *list, struct task *task) {
    task->next = NULL;
    task->prev = list->last;
    if (list->last)
        list->last->next = task;
    else
        list->first = task;
    list->last = task;
    list->count++;
}

static void list_push(struct task_list *list, struct task *task) {
    /* Nobody pushes no task. NOLINTNEXTLINE(clang-analyzer-core.*) */
    task->prev = NULL;
    task->next = list->first;
    if (list->first)
        list->first->prev = task;
    else
        list->last = task;
    list->first = task;
    list->count++;
}

/* The stacks of tasks that run before long are likely to be cold: fetches the one after the next,
 * and the task behind it, which will be asked where its stack is. */
static inline void fetch_ahead(const struct task *next) {
    const struct task *then = next->next;
    const char *stack;
    if (!then) return;
    stack = context_prefetch(&then->context);
    __builtin_prefetch(stack);
    __builtin_prefetch(stack + 128);
    __builtin_prefetch(stack + 256);
    /* Which there may not be: as a number, then. */
    __builtin_prefetch((void *)((uintptr_t)then->next + offsetof(struct task, context)));
}

static struct task *list_take_first(struct task_list *list) {
    struct task *task = list->first, *next = task->next;
    list->first = next;
    if (next) {
        next->prev = NULL;
        fetch_ahead(next);
    } else {
        list->last = NULL;
    }
    list->count--;
    return task;
}

static struct task *list_take_last(struct task_list *list) {
    struct task *task = list->last;
    list->last = task->prev;
    if (list->last)
        list->last->next = NULL;
    else
        list->first = NULL;
    list->count--;
    return task;
}

/* Under the worker's lock. */
static void waiting_changed(struct worker *worker, size_t by) {
    size_t waiting = atomic_load_explicit(&worker->waiting, memory_order_relaxed);
    atomic_store_explicit(&worker->waiting, waiting + by, memory_order_relaxed);
}

static size_t waiting_at(const struct worker *worker) {
    return atomic_load_explicit(&worker->waiting, memory_order_relaxed);
}

/* The worker's next task in turn, or NULL. */
static inline struct task *take(struct worker *worker) {
    struct task *task = NULL;
    if (!waiting_at(worker)) return NULL; /* only the owner adds */
    queue_lock(worker);
    if (worker->streak >= STREAK && worker->ready.first) {
        task = list_take_first(&worker->ready);
        worker->streak = 0;
    } else if (worker->next) {
        task = worker->next;
        worker->next = NULL;
        worker->streak++;
    } else if (worker->fresh.first) {
        task = list_take_first(&worker->fresh);
        worker->streak++;
    } else if (worker->ready.first) {
        task = list_take_first(&worker->ready);
        worker->streak = 0;
    }
    if (task) waiting_changed(worker, (size_t)-1);
    queue_unlock(worker);
    return task;
}

/* ---- Making tasks runnable ----------------------------------------------------------------- */

/* Takes a worker out of the idle list; the lock is held. */
static void leave_idle_list(struct worker *worker) {
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
        leave_idle_list(worker);
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

/* Adds to the shared list; the lock is held. */
static void share(struct task *task) {
    list_append(&runtime.shared, task);
    atomic_store_explicit(&runtime.shared_count, runtime.shared.count, memory_order_seq_cst);
}

static void enqueue(struct worker *worker, struct task_list *list, struct task *task) {
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
    if (!atomic_load(&runtime.stopping)) share(task);
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
        enqueue(worker, &worker->ready, task);
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
    return take(worker);
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

/* ---- Looking for work ---------------------------------------------------------------------- */

/* Takes a fair share, so that the lock is not taken for each. */
static struct task *take_shared(struct worker *worker) {
    struct task_list taken = {0};
    struct task *task;
    size_t share;
    if (!atomic_load_explicit(&runtime.shared_count, memory_order_seq_cst)) return NULL;
    runtime_lock();
    share = runtime.shared.count / (size_t)runtime.worker_count + 1;
    while (share-- && taken.count < MOVED && runtime.shared.first)
        list_append(&taken, list_take_first(&runtime.shared));
    atomic_store_explicit(&runtime.shared_count, runtime.shared.count, memory_order_seq_cst);
    runtime_unlock();
    if (!taken.first) return NULL;
    task = list_take_first(&taken);
    while (taken.first) enqueue(worker, &worker->ready, list_take_first(&taken));
    return task;
}

/*
 * Whether what waits for this worker is better left to it: its tasks let go of it so soon that
 * moving them, and what they share, would cost more than it gains, and the last of them will not
 * wait long. Watches for PROBE at most.
 */
static bool serves_well(const struct worker *victim) {
    uint32_t before = atomic_load_explicit(&victim->tick, memory_order_relaxed), served;
    int64_t start = engine_now(), taken, each;
    do {
        for (int i = 0; i < 16; i++) relax();
        if (!waiting_at(victim)) return true;
        taken = engine_now() - start;
    } while (taken < PROBE);
    served = atomic_load_explicit(&victim->tick, memory_order_relaxed) - before;
    if (!served) return false;
    each = taken / served;
    return each < COARSE && each * (int64_t)waiting_at(victim) < LONG;
}

/* Moves half of what waits there; `stuck`: also what is to run next. The number moved is returned,
 * and one of them is in *task. */
static size_t rob(struct worker *worker, struct worker *victim, bool stuck, struct task **task) {
    struct task_list ready = {0}, fresh = {0};
    size_t moved;

    if (!threads_trylock(&victim->lock)) return 0;
    for (size_t n = (victim->ready.count + 1) / 2; n && ready.count < MOVED; n--)
        list_append(&ready, list_take_first(&victim->ready));
    for (size_t n = (victim->fresh.count + 1) / 2; n && fresh.count < MOVED; n--)
        list_push(&fresh, list_take_last(&victim->fresh));
    if (stuck && victim->next && !ready.count && !fresh.count) {
        list_append(&ready, victim->next);
        victim->next = NULL;
    }
    moved = ready.count + fresh.count;
    waiting_changed(victim, -moved);
    threads_unlock(&victim->lock);
    if (!moved) return 0;
    tally(&worker->counts.steals, moved);

    *task = list_take_first(ready.first ? &ready : &fresh);
    threads_lock(&worker->lock);
    waiting_changed(worker, moved - 1);
    while (ready.first) list_append(&worker->ready, list_take_first(&ready));
    while (fresh.first) list_append(&worker->fresh, list_take_first(&fresh));
    threads_unlock(&worker->lock);
    return moved;
}

/* Takes tasks from another worker, where they would wait long. *calm is set when some wait, but not
 * for long. */
static struct task *steal(struct worker *worker, bool *calm) {
    int count = atomic_load_explicit(&runtime.started, memory_order_acquire), start;
    if (count == 1) return NULL;
    start = (int)(threads_random() % (uint64_t)count);
    for (int i = 0; i < count; i++) {
        struct worker *victim = &runtime.workers[(start + i) % count];
        uint32_t tick = atomic_load_explicit(&victim->tick, memory_order_relaxed);
        struct task *task;
        if (victim == worker || !waiting_at(victim)) continue;
        if (serves_well(victim)) {
            *calm = true;
            continue;
        }
        if (rob(worker, victim, tick == atomic_load_explicit(&victim->tick, memory_order_relaxed),
                &task))
            return task;
    }
    return NULL;
}

static void stop_searching(struct worker *worker) {
    if (!worker->searching) return;
    worker->searching = false;
    atomic_fetch_sub_explicit(&runtime.searching_count, 1, memory_order_seq_cst);
}

static void start_searching(struct worker *worker) {
    if (worker->searching) return;
    worker->searching = true;
    atomic_fetch_add_explicit(&runtime.searching_count, 1, memory_order_seq_cst);
}

static bool work_anywhere(void) {
    int count = atomic_load_explicit(&runtime.started, memory_order_acquire);
    if (atomic_load_explicit(&runtime.shared_count, memory_order_seq_cst)) return true;
    for (int i = 0; i < count; i++)
        if (waiting_at(&runtime.workers[i])) return true;
    return false;
}

/* The same, in an order with those that make tasks runnable (invariant 5). */
static bool work_anywhere_for_sure(void) {
    int count = atomic_load_explicit(&runtime.started, memory_order_acquire);
    for (int i = 0; i < count; i++) {
        queue_lock(&runtime.workers[i]);
        queue_unlock(&runtime.workers[i]);
    }
    return work_anywhere();
}

static void count_stuck(struct task *task, void *arg) {
    size_t *stuck = arg;
    if (!task->core.daemon) ++*stuck;
}

/* Whether nothing can ever happen any more; true only once. The lock is held. */
static bool nothing_left(void) {
    if (runtime.over || atomic_load(&runtime.idle_count) != atomic_load(&runtime.active) ||
        work_anywhere() || runtime.foreign_count || timers_awaited() || poller_awaited() ||
        block_awaited())
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

/* Whether a worker that watches has to come in. It only looks at what may be read from outside. */
static bool is_needed(const struct worker *worker) {
    int count = atomic_load_explicit(&runtime.started, memory_order_acquire);
    if (atomic_load(&worker->wake) || atomic_load(&runtime.stopping) ||
        atomic_load(&runtime.shared_count) || timers_next() <= engine_now())
        return true;
    for (int spin = 0; spin < SPINS && !work_anywhere(); spin++) relax();
    if (!work_anywhere()) return true; /* there is nothing to watch any more */
    for (int i = 0; i < count; i++)
        if (waiting_at(&runtime.workers[i]) && !serves_well(&runtime.workers[i])) return true;
    return false;
}

/* Sleeps until it is woken or the time has come. One that watches sleeps on while it is not
 * needed, and lets the others be alone. */
static void sleep_until(struct worker *worker, int64_t until, bool watches, bool keeps_time) {
    bool ready;
    poller_verify();
    go_out();
    /* Where there is nothing yet for the monitor to watch. */
    if (!atomic_load_explicit(&runtime.watched, memory_order_relaxed)) threads_unshare();
    ready = poller_sleep(worker, until);
    while (watches && !ready && !is_needed(worker)) {
        if (worker->patience < WATCH_MOST) worker->patience *= 2;
        until = engine_now() + worker->patience;
        /* A timer that is armed meanwhile is seen at the next look at the latest. */
        if (keeps_time) atomic_store(&runtime.kept_until, until);
        if (timers_next() < until) until = timers_next();
        ready = poller_sleep(worker, until);
    }
    come_in();
}

/* Sleeps until there may be work, a timer is due or the runtime stops. One of the idle keeps the
 * time for all; one, where tasks wait that are not worth moving, looks again after its patience. */
static void rest(struct worker *worker) {
    bool over, calm = worker->patience != 0, watches = false, keeps_time = false;
    int64_t until = PIRN_FOREVER;

    /* Before it is in the list: who takes it out counts it as searching again. */
    stop_searching(worker);
    atomic_store_explicit(&worker->wake, 0, memory_order_relaxed);
    if (calm) watches = !atomic_exchange(&runtime.watching, true);
    runtime_lock();
    worker->idle = true;
    worker->idle_next = runtime.idle;
    runtime.idle = worker;
    atomic_fetch_add_explicit(&runtime.idle_count, 1, memory_order_seq_cst);
    runtime_unlock();

    /* The task that was to yield has ended; others need not look up for it. In the list: it is not asked
     * any more. */
    if (UNLIKELY(atomic_exchange(&worker->preempt, false))) worker_interrupt_end();
    /* In the list, and only now the last look. */
    if (watches) until = engine_now() + worker->patience;
    if ((calm || !work_anywhere_for_sure()) && !atomic_load(&runtime.stopping)) {
        runtime_lock();
        over = nothing_left();
        keeps_time = timers_next() < atomic_load(&runtime.kept_until);
        if (keeps_time) {
            if (timers_next() < until) until = timers_next();
            atomic_store(&runtime.kept_until, until);
        }
        runtime_unlock();
        if (over)
            end_of_all();
        else if (until > engine_now())
            sleep_until(worker, until, watches, keeps_time);
    }
    runtime_lock();
    leave_idle_list(worker);
    if (keeps_time) atomic_store(&runtime.kept_until, PIRN_FOREVER);
    runtime_unlock();
    if (watches) atomic_store(&runtime.watching, false);
    worker->seen_at = engine_now();
    if (atomic_load_explicit(&threads_clock, memory_order_relaxed))
        atomic_store_explicit(&threads_clock, worker->seen_at, memory_order_relaxed);
    start_searching(worker);
    monitor_notice();
}

/* The newest of the fresh begin first. Now and then the oldest does, or it never would beside tasks
 * that start others without end. */
static struct task *take_oldest(struct worker *worker) {
    struct task *task = NULL;
    if (++worker->rounds % OLDEST) return NULL;
    queue_lock(worker);
    if (worker->fresh.first) {
        task = list_take_last(&worker->fresh);
        waiting_changed(worker, (size_t)-1);
    }
    queue_unlock(worker);
    return task;
}

static struct task *look_around(struct worker *worker, bool *calm) {
    struct task *task;
    timers_run();
    poller_look(false);
    if ((task = take_shared(worker))) return task;
    if ((task = take_oldest(worker))) return task;
    if ((task = take(worker))) return task;
    if ((task = steal(worker, calm)) || !poller_look(true)) return task;
    return take(worker);
}

/* Leaves its tasks to others and sleeps until it is needed again. */
static void retire(struct worker *worker) {
    struct task *task;
    int surplus = atomic_load(&runtime.surplus);
    if (surplus <= 0 || !atomic_compare_exchange_strong(&runtime.surplus, &surplus, surplus - 1))
        return;
    stop_searching(worker);
    runtime_lock();
    if (atomic_load(&runtime.stopping)) { /* those that have retired have been woken already */
        runtime_unlock();
        return;
    }
    while ((task = take(worker))) share(task);
    atomic_store(&worker->wake, 0);
    worker->retired = true;
    worker->idle_next = runtime.retired;
    runtime.retired = worker;
    atomic_fetch_sub(&runtime.active, 1);
    runtime_unlock();
    worker_wake_one();
    go_out();
    while (!atomic_load(&worker->wake)) futex_wait(&worker->wake, 0, PIRN_FOREVER);
    come_in();
}

/* Finds a task to run; NULL when the runtime stops. */
static struct task *find(struct worker *worker) {
    struct task *task;
    bool waits_here;
    worker->streak = 0;
    for (;;) {
        bool calm = false;
        if (atomic_load_explicit(&runtime.stopping, memory_order_acquire)) return NULL;
        if (UNLIKELY(atomic_load_explicit(&runtime.surplus, memory_order_relaxed) > 0))
            retire(worker);
        if ((task = look_around(worker, &calm))) break;
        if (!calm) {
            start_searching(worker);
            for (int spin = threads_alone() ? SPINS : 0; spin < SPINS && !work_anywhere(); spin++)
                relax();
            if ((task = look_around(worker, &calm))) break;
        }
        if (!calm)
            worker->patience = 0;
        else if (!worker->patience)
            worker->patience = WATCH_LEAST;
        else if (worker->patience < WATCH_MOST)
            worker->patience *= 2;
        rest(worker);
    }
    worker->patience = 0;
    if (worker->searching) {
        stop_searching(worker);
        /* It was woken for one task; where there is one there may be more. And somebody must keep
         * the time, and look at the descriptors. */
        waits_here = waiting_at(worker) > 0;
        if (atomic_load(&runtime.idle_count) && !atomic_load(&runtime.searching_count) &&
            (waits_here || timers_next() < atomic_load(&runtime.kept_until) || poller_vacant()))
            worker_wake_one();
    }
    return task;
}

CONTEXT_BOUNDARY void worker_run(struct worker *worker) {
    struct task *task;
    OWN(this_worker) = worker;
    worker->self_at = &OWN(threads_self);
    worker->errno_at = &errno;
    sanitize_thread(&worker->fiber);
    come_in();
    while ((task = find(worker))) {
        worker->came_from = &worker->fiber;
        become(worker, task);
        sanitize_leave(&worker->fiber, &task->fiber, 0);
        context_switch(&worker->context, &task->context, worker);
        arrive(worker, &worker->fiber);
    }
    go_out();
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
        if (!worker) share(task);
    }
    if (!worker) runtime_unlock();
    if (rc) return rc;
    if (worker)
        enqueue(worker, &worker->fresh, task);
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
