/*
 * search.c - how a worker without tasks looks for some, and sleeps where there are none.
 *
 * Work moves to another worker only where that is worth it. Tasks that hand each other the processor
 * every few hundred nanoseconds are best left on one: so a thief first watches whether its victim
 * serves those that wait faster than they could be moved, and then looks again a little later, by
 * itself, instead of being woken for each of them (steal, is_needed).
 */

#include "lib/core/task.h"
#include "lib/threads/queue.h"
#include "lib/threads/runtime.h"
#include "lib/threads/tuning.h"

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
    while (taken.first) worker_enqueue(worker, &worker->ready, list_take_first(&taken));
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
    worker_go_out();
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
    worker_come_in();
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
    worker_leave_idle_list(worker);
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
    if ((task = queue_take(worker))) return task;
    if ((task = steal(worker, calm)) || !poller_look(true)) return task;
    return queue_take(worker);
}

/* If it may, leaves its tasks to others and sleeps until it is needed again. */
static void retire(struct worker *worker) {
    struct task *task;
    runtime_lock();
    /* When the run ends those that have retired have been woken already. */
    if (atomic_load(&runtime.surplus) <= 0 || atomic_load(&runtime.stopping)) {
        runtime_unlock();
        return;
    }
    atomic_fetch_sub(&runtime.surplus, 1);
    stop_searching(worker);
    while ((task = queue_take(worker))) worker_share(task);
    atomic_store(&worker->wake, 0);
    worker->retired = true;
    worker->idle_next = runtime.retired;
    runtime.retired = worker;
    atomic_fetch_sub(&runtime.active, 1);
    runtime_unlock();
    worker_wake_one();
    worker_go_out();
    while (!atomic_load(&worker->wake)) futex_wait(&worker->wake, 0, PIRN_FOREVER);
    worker_come_in();
}

struct task *worker_find(struct worker *worker) {
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
