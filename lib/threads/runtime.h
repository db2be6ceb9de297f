/*
 * runtime.h - the threaded engine: N workers, each a thread with a queue of runnable tasks.
 *
 * A task's life, each arrow with the function that makes it:
 *
 *     RUNNABLE --(worker_switch)--> RUNNING --(engine_park)--> PARKED --(engine_wake)--> RUNNABLE
 *                                   RUNNING --(engine_yield)--> RUNNABLE
 *                                   RUNNING --(engine_exit)--> DEAD
 *
 * Invariants
 *   1. A task that is RUNNABLE stands in exactly one place: a worker's `next` or one of its lists, the
 *      shared list, or in the hand of who is moving it.
 *   2. What must happen once a task has left its stack (queueing it again, unlocking what it parked
 *      under, freeing it) is done by whatever runs next on that worker, first thing (arrive).
 *   3. worker.lock guards that worker's `next` and lists. It is a lock of the kind that objects have
 *      (engine_threads.h): not taken while the worker is alone. None is taken under it.
 *   4. runtime.lock guards the shared list, the list of idle workers, the slabs of tasks and stacks,
 *      and the registration of foreign threads. It is taken after an object's lock and before none.
 *   5. A worker is in the idle list from before it looks at every queue, under its lock, for the last
 *      time until another takes it out; who makes a task runnable looks at the list after it has had
 *      the queue's lock. So one of the two sees the other.
 *   6. When the last active worker has come to the idle list, no task is RUNNING or RUNNABLE.
 */
#ifndef THREADS_RUNTIME_H
#define THREADS_RUNTIME_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/core/context.h"
#include "lib/core/engine.h"
#include "lib/core/sanitize.h"
#include "lib/core/stack.h"
#include "lib/core/wait.h"

/* In the low bits of task.state. Above them stands which worker runs it, or a number that tells one
 * parking of a task from its next. */
enum task_state { TASK_DEAD, TASK_RUNNABLE, TASK_RUNNING, TASK_PARKED, TASK_STATES };

enum { MAIN_TASK = 1 }; /* its id */

/* Arguments up to this are copied into the task itself. */
enum { COPY_ROOM = 32 };

struct task {
    struct task_core core;
#if PIRN_RECORDED
    struct recorded recorded;
#endif
    struct context context;
    struct task *next; /* in a list. Beside the context: list_take_first fetches both */
    struct task *prev;
    _Atomic uint32_t state; /* enum task_state and more; a foreign thread sleeps on it */
    bool foreign, begun;
    bool copied;        /* core.arg is pirn_go_copy's, did not fit in `room`, and is owned */
    struct stack stack; /* none before it has begun, unless it asked for one of its own size */
    struct fiber fiber; /* goes with the stack */
    int64_t since;      /* when it parked, by threads_clock */
    _Alignas(max_align_t) unsigned char room[COPY_ROOM];
    struct sleep sleep;
};

/* ---- stats.c ------------------------------------------------------------------------------- */

/* What a worker has counted; it alone writes them, anybody reads them. */
struct counts {
    _Atomic uint64_t started, ended;
    _Atomic uint64_t structs; /* new ones that it got for its tasks */
    _Atomic uint64_t yields, parks, steals;
    _Atomic uint64_t blocked; /* ns */
};

static inline void tally(_Atomic uint64_t *counter, uint64_t by) {
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    /* Release: who sees that a task has ended sees that it has been started. */
    atomic_store_explicit(counter, value + by, memory_order_release);
}

/* Keeps the statistics of the run that ends; the tasks are held. */
void stats_keep(void);

/*
 * A coarse clock, for what happens too often to ask the time: the monitor sets it every few
 * milliseconds, and a worker when it has slept. 0: nobody sets it, ask the time.
 */
extern _Atomic int64_t threads_clock;

static inline int64_t clock_read(void) {
    int64_t now = atomic_load_explicit(&threads_clock, memory_order_relaxed);
    return LIKELY(now != 0) ? now : engine_now();
}

/* ---- worker.c ------------------------------------------------------------------------------ */

struct task_list {
    struct task *first, *last;
    size_t count;
};

/* What is left to do for a task that has left its stack. */
struct departure {
    enum { DEPART_NOTHING, DEPART_PARK, DEPART_YIELD, DEPART_EXIT } kind;
    struct task *task;
    struct timer *timer;
    int64_t when;
    void (*after)(void *);
    void *arg;
};

/*
 * A worker's runnable tasks: `next` has just been woken and runs first; `ready` is first in, first
 * out; of the `fresh`, which have not begun, the owner takes the newest, so that a tree of tasks is
 * walked depth first and few of them are alive, and thieves the oldest, which have the most to do.
 */
struct worker {
    uint32_t lock;
    struct task *next;
    struct task_list ready, fresh;
    _Atomic size_t waiting; /* of all three. Written under the lock, read by anyone */
    _Atomic uint32_t tick;  /* switches so far. Written by the owner, read by anyone */
    /* The owner's own */
    unsigned streak;  /* tasks run since one came from `ready` */
    unsigned rounds;  /* looks at what is not its own */
    uint32_t running; /* the state of a task that it runs */
    struct departure departure;
    struct context context; /* of the thread's own stack, where it looks for work */
    struct fiber fiber;
    struct fiber *came_from; /* of the last switch */
    struct task **self_at;   /* the thread's threads_self */
    int *errno_at;           /* the thread's errno */
    _Atomic bool preempt;    /* its task is to yield at its next scheduling point */
    _Atomic bool searching;
    int64_t patience;          /* how long it watches before it looks again; 0: it does not */
    uint64_t next_id, last_id; /* ids for tasks that it starts */
    struct task *free_tasks;   /* dead, without stacks */
    size_t free_task_count;
    _Atomic size_t unused;      /* of these, the last, which no task has had yet */
    struct spare_stack *stacks; /* free */
    size_t stack_count;
    size_t promises; /* of stacks, for tasks that it makes */
    struct counts counts;
    /* Under runtime.lock */
    struct worker *idle_next; /* in the list of the idle, or of the retired */
    bool idle, retired;
    _Atomic uint32_t wake; /* futex: 1 when it has been taken out of that list */
    int index;
    pthread_t thread;
    void *signal_stack;
    stack_t other_signal_stack; /* that the thread had before */
    /* The monitor's, which anyone may read */
    _Atomic uint32_t seen_tick;
    _Atomic int64_t seen_at;
    bool asked; /* to preempt its task, since seen_at */
} __attribute__((aligned(128)));

/* The calling thread's worker; NULL elsewhere. Never inlined: a task may move to another thread
 * in any call. */
struct worker *worker_self(void);

/* Runs tasks until the runtime stops. */
void worker_run(struct worker *worker);

/* Has the task that a worker runs yield at its next scheduling point. */
void worker_preempt(struct worker *worker);

/* Has every task look up at its next scheduling point, or not any more, unless there is another
 * reason to. */
void worker_interrupt_all(void);
void worker_interrupt_end(void);

/* As engine_spawn; `main`: the first task of the run, whoever starts others before it begins. */
int worker_spawn(struct task *self, const struct spawn *spawn, bool main, uint64_t *id);

/* Wakes one idle worker, if there is one. */
void worker_wake_one(void);

/* Adds a task to one of the worker's own lists, by the worker. */
void worker_enqueue(struct worker *worker, struct task_list *list, struct task *task);

/* Adds a task to the shared list, or takes a worker out of that of the idle; runtime.lock is held. */
void worker_share(struct task *task);
void worker_leave_idle_list(struct worker *worker);

/* ---- search.c ------------------------------------------------------------------------------ */

/* Finds a task to run, and sleeps until there is one; NULL when the runtime stops. */
struct task *worker_find(struct worker *worker);

/* ---- alone.c ------------------------------------------------------------------------------- */

/* The worker begins to run, or has slept. It holds no lock. */
void worker_come_in(void);

/* It is about to sleep: from here it touches nothing that a lock guards but with that lock, and no
 * object, no queue and no timer even so. */
void worker_go_out(void);

/* Lets other threads come in: from now on the locks are taken. Not from a worker. */
void threads_share(void);

/* Called every now and then, by the monitor or who leaves: where one worker at most is awake, and
 * no thread of the program is about, it is alone from now on. */
void threads_unshare(void);

/* ---- monitor.c ----------------------------------------------------------------------------- */

/* Starts the thread that watches the workers, unless it runs or the run is at its end. It is there
 * to help: without it a task that never lets go of its worker holds up others. From when there is
 * more than the one task: another, or a timer. */
void monitor_start(void);
void monitor_stop(void);

/* A worker has left the idle list. */
void monitor_notice(void);

/* ---- timers.c ------------------------------------------------------------------------------ */

/* As engine_timer_arm, for a task that has parked. */
int timers_arm(struct timer *timer, int64_t when);

/* Fires what is due. Returns the time of the next one, or PIRN_FOREVER. */
int64_t timers_run(void);

/* The time of the next timer, without a lock. */
int64_t timers_next(void);

/* Whether a timer is armed that somebody waits for. */
bool timers_awaited(void);

/* Forgets every timer. */
void timers_clear(void);

/* How many are armed. */
size_t timers_count(void);

/* ---- poller.c ------------------------------------------------------------------------------ */

/* Wakes tasks whose descriptors have become ready; unless the caller has nothing else to do, only if
 * nobody has looked just before. Returns whether there were any. */
bool poller_look(bool idle);

/* Sleeps until the worker is woken, a descriptor may be ready or the time has come. Returns whether
 * a descriptor may be. */
bool poller_sleep(struct worker *worker, int64_t until);

/* Wakes a worker whose `wake` has been set. */
void poller_wake(struct worker *worker);

/* Registers once more what is only believed to be: before a worker sleeps. */
void poller_verify(void);

/* Whether a task waits for a descriptor. */
bool poller_awaited(void);

/* How many tasks and threads wait for descriptors. */
int poller_count(void);

/* Whether a task waits for a descriptor and no idle worker sleeps where it would notice. */
bool poller_vacant(void);

/* The run is over, and runtime.running says so. */
void poller_end(void);

/* ---- block.c ------------------------------------------------------------------------------- */

/* Whether a task waits for a blocking call. */
bool block_awaited(void);

/* How many helpers there are. */
int block_helpers(void);

/* Waits for the calls that helpers are in, and ends the helpers; the workers have ended. */
void block_end(void);

/* ---- foreign.c ----------------------------------------------------------------------------- */

/* The calling thread is as if it had not called in this run. */
void foreign_forget(void);

/* How many threads there are that have used the library from outside any run: whether none but so
 * many; and whether the calling one is such, 0 or 1. */
bool threads_none_but(int own);
int threads_own(void);

/* ---- tasks.c ------------------------------------------------------------------------------- */

/* Free stacks that a worker keeps for itself, at most. */
enum { STACKS_KEPT = 32 };

/* Makes a task, which is promised a stack; `*rc` says why not. `worker` is the calling one; NULL:
 * the caller holds the lock. */
struct task *task_make(struct worker *worker, const struct spawn *spawn, bool main, int *rc);
void task_free(struct worker *worker, struct task *task);

/* Gives a task that is about to begin its stack. */
void task_get_stack(struct worker *worker, struct task *task);

/* Calls visit(task, arg) for each task that is not dead. Tasks may come and go meanwhile unless
 * all workers rest; their structs stay until tasks_end. */
void task_each(void (*visit)(struct task *task, void *arg), void *arg);

/* Frees all tasks, taking those that wait out of what they wait for. */
void tasks_end(void);

/* ---- dump.c -------------------------------------------------------------------------------- */

/* Keeps the structs of tasks and of workers in being, for who looks at them without being a task. */
void tasks_hold(void);
void tasks_let_go(void);

/* ---- faults.c ------------------------------------------------------------------------------ */

/* Prints that nothing can run. */
void report_deadlock(void);

/* Tells the overflow of a stack from other memory faults, from here until faults_end. */
void faults_begin(void);
void faults_end(void);
/* Gives the calling thread a stack to handle signals on. */
void faults_thread_begin(struct worker *worker);
void faults_thread_end(struct worker *worker);
_Noreturn void report_overflow(const struct task *task);

/* ---- record.c ------------------------------------------------------------------------------ */

/* Says so where the program was to be recorded and is not. */
void record_check(void);

/* ---- runtime.c ----------------------------------------------------------------------------- */

struct runtime {
    uint32_t lock; /* see invariant 4 */
    struct worker *workers;
    int worker_count;           /* that shall run tasks at once */
    int worker_limit;           /* that there may be, with those that stand in for others */
    _Atomic int started;        /* of the array, from the first */
    _Atomic int active;         /* of these, not retired; becomes less under the lock */
    _Atomic int surplus;        /* of these, that may retire; under the lock */
    _Atomic bool watching;      /* an idle worker looks by itself, every so often */
    _Atomic int64_t kept_until; /* an idle worker will look at the timers then; under the lock */
    uint64_t control;           /* of floating point, as tasks find it */
    sigset_t signals;           /* that the program's thread has blocked */
    size_t max_tasks;
    _Atomic bool running; /* from the start of pirn_run to its end */
    _Atomic bool stopping;
    _Atomic int idle_count, searching_count;
    _Atomic size_t live;           /* counted where max_tasks is set */
    struct worker *idle, *retired; /* last in, first out */
    struct task_list shared;
    _Atomic size_t shared_count;
    _Atomic bool watched; /* the monitor has been started, or could not be */
    struct stack_pool stacks;
    _Atomic uint64_t last_id;    /* that was given, or set aside */
    struct counts counts;        /* of tasks started by others than workers; under the lock */
    _Atomic int foreign_waiting; /* threads of the program */
    _Atomic bool may_be_alone;   /* the kernel can let others in later */
    int own_threads;             /* threads_own, of the one that called pirn_run */
    bool main_ended;             /* by pirn_exit */
    bool over;                   /* it has been seen that nothing can run any more */
    int result;
    _Atomic uint64_t epoch; /* of this run */
    int foreign_count;      /* threads of the program that have called in this run */
    _Atomic int halted;
    _Atomic bool halting; /* for a dump */
};

extern struct runtime runtime;

static inline void runtime_lock(void) { threads_lock(&runtime.lock); }
static inline void runtime_unlock(void) { threads_unlock(&runtime.lock); }

static inline uint64_t runtime_epoch(void) {
    return atomic_load_explicit(&runtime.epoch, memory_order_relaxed);
}

/* Makes every worker leave, with the result of pirn_run. Only the first call counts. */
void runtime_stop(int result);

/* Starts one more worker; the lock is not held. Returns 0 or a negative errno value. */
int runtime_add_worker(void);

/* ---- futex.c ------------------------------------------------------------------------------- */

/* Sleeps while *word is `value`, until woken or the time on the monotonic clock has come
 * (PIRN_FOREVER: never). */
void futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t until);
void futex_wake(_Atomic uint32_t *word, int count);

#endif
