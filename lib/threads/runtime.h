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
 *   1. A task that is RUNNABLE stands in exactly one place: a worker's `next`, a worker's queue,
 *   the shared
 *      queue, or in the hand of who is moving it.
 *   2. What must happen once a task has left its stack (queueing it again, unlocking what it parked
 *   under, freeing
 *      it) is done by whatever runs next on that worker, first thing (worker_arrive).
 *   3. runtime.lock guards the shared queue, the list of idle workers, the slabs of tasks and
 *   stacks, and the
 *      registration of foreign threads. It is taken after an object's lock and before none.
 *   4. A worker is in the idle list from before it looks at every queue for the last time until
 *   another takes it
 *      out; who makes a task runnable looks at the list afterwards. So one of the two sees the
 *      other.
 *   5. When the last worker has come to the idle list, no task is RUNNING or RUNNABLE.
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

enum task_state { TASK_DEAD, TASK_RUNNABLE, TASK_RUNNING, TASK_PARKED };

struct task {
    struct task_core core;
    struct context context;
    struct fiber fiber;
    struct stack stack;
    struct task *next;      /* in a queue or free list */
    _Atomic uint32_t state; /* enum task_state; a foreign thread sleeps on it */
    bool foreign;
    void *copy; /* of pirn_go_copy's argument; owned */
    char *name; /* as given; owned */
};

/* ---- queue.c ------------------------------------------------------------------------------- */

enum { RUN_QUEUE_SIZE = 256 };

/*
 * A bounded queue, first in, first out. Its owner adds at the tail; the owner and thieves take from
 * the head. (The scheme is that of Go's scheduler: one producer, many consumers that compete for
 * the head.)
 */
struct run_queue {
    _Atomic uint32_t head, tail;
    _Atomic(struct task *) slots[RUN_QUEUE_SIZE];
};

bool queue_push(struct run_queue *queue, struct task *task); /* owner; false when full */
struct task *queue_pop(struct run_queue *queue);             /* owner */
bool queue_empty(const struct run_queue *queue);             /* anyone */
/* Moves half of what `from` holds to the thief's own queue, but for one, which is returned.
 * NULL: nothing there. */
struct task *queue_steal(struct run_queue *from, struct run_queue *own);

/* ---- worker.c ------------------------------------------------------------------------------ */

/* What is left to do for a task that has left its stack. */
struct departure {
    enum { DEPART_NOTHING, DEPART_PARK, DEPART_YIELD, DEPART_EXIT } kind;
    struct task *task;
    struct timer *timer;
    int64_t when;
    void (*after)(void *);
    void *arg;
};

struct worker {
    struct run_queue queue;
    _Atomic(struct task *) next; /* just woken; runs before the queue */
    struct departure departure;
    struct context context; /* of the thread's own stack, where it looks for work */
    struct fiber fiber;
    struct fiber *came_from; /* of the last switch */
    unsigned tick;           /* switches so far */
    unsigned streak;         /* tasks taken from `next` since one came from the queue */
    bool searching;
    uint64_t next_id, last_id; /* ids for tasks that it starts */
    struct task *free_tasks;   /* dead, with their stacks */
    size_t free_task_count;
    /* Under runtime.lock */
    struct worker *idle_next;
    bool idle;
    _Atomic uint32_t wake; /* futex: 1 when it has been taken from the idle list */
    int index;
    pthread_t thread;
    void *signal_stack;
    stack_t other_signal_stack; /* that the thread had before */
};

/* The calling thread's worker; NULL elsewhere. Never inlined: a task may move to another thread
 * in any call. */
struct worker *worker_self(void);

/* Runs tasks until the runtime stops. */
void worker_run(struct worker *worker);

/* Wakes one idle worker, if there is one. */
void worker_wake_one(void);

/* ---- timers.c ------------------------------------------------------------------------------ */

/* Fires what is due. Returns the time of the next one, or PIRN_FOREVER. */
int64_t timers_run(void);

/* The time of the next timer, without a lock. */
int64_t timers_next(void);

/* Whether a timer is armed that somebody waits for. */
bool timers_awaited(void);

/* Forgets every timer. */
void timers_clear(void);

/* ---- tasks.c ------------------------------------------------------------------------------- */

/* Makes a task with a stack; `*rc` says why not. `worker` is the calling one; NULL: the caller
 * holds the lock. */
struct task *task_make(struct worker *worker, const struct spawn *spawn, int *rc);
void task_free(struct worker *worker, struct task *task);

/* Calls visit(task, arg) for each task that is not dead. Tasks may come and go meanwhile unless
 * all workers rest. */
void task_each(void (*visit)(struct task *task, void *arg), void *arg);

/* Frees all tasks, taking those that wait out of what they wait for. */
void tasks_end(void);

/* ---- faults.c ------------------------------------------------------------------------------ */

/* Prints every task to standard error, after asking running ones to stop. */
void dump_tasks(void);

/* Prints that nothing can run. */
void report_deadlock(void);

/* Tells the overflow of a stack from other memory faults, from here until faults_end. */
void faults_begin(void);
void faults_end(void);
/* Gives the calling thread a stack to handle signals on. */
void faults_thread_begin(struct worker *worker);
void faults_thread_end(struct worker *worker);
_Noreturn void report_overflow(const struct task *task);

/* ---- runtime.c ----------------------------------------------------------------------------- */

struct runtime {
    waitq lock; /* see invariant 3; used as a lock only */
    struct worker *workers;
    int worker_count;
    size_t max_tasks;
    _Atomic bool running; /* from the start of pirn_run to its end */
    _Atomic bool stopping;
    _Atomic int idle_count, searching_count;
    _Atomic size_t live; /* counted where max_tasks is set */
    struct worker *idle; /* last in, first out */
    struct task *shared_first, *shared_last;
    _Atomic size_t shared_count;
    struct stack_pool stacks;
    _Atomic uint64_t last_id;
    bool main_ended; /* by pirn_exit */
    bool over;       /* it has been seen that nothing can run any more */
    int result;
    uint64_t epoch;    /* of this run */
    int foreign_count; /* threads of the program that have called in this run */
    _Atomic int halted;
    _Atomic bool halting; /* for a dump */
};

extern struct runtime runtime;

static inline void runtime_lock(void) { engine_lock(&runtime.lock); }
static inline void runtime_unlock(void) { engine_unlock(&runtime.lock); }

/* Makes every worker leave, with the result of pirn_run. Only the first call counts. */
void runtime_stop(int result);

/* ---- futex.c ------------------------------------------------------------------------------- */

/* Sleeps while *word is `value`, until woken or the time on the monotonic clock has come
 * (PIRN_FOREVER: never). */
void futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t until);
void futex_wake(_Atomic uint32_t *word, int count);

#endif
