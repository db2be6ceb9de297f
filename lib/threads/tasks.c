/*
 * tasks.c - task structs and their stacks.
 *
 * Structs come from slabs that last as long as the run, so that a dump can look at every task,
 * whoever makes or ends tasks meanwhile. A task gets its stack when it begins, so that those that
 * have not begun share what is there; it was promised one when it was made, so it will not fail.
 * Each worker keeps some structs, stacks and promises of its own; stacks are used again last in,
 * first out: the memory is still warm.
 */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/debugger.h"
#include "lib/core/wait.h"
#include "lib/threads/runtime.h"

enum { SLAB_TASKS = 128, STRUCTS_KEPT = 1024, BATCH = 32 };

/* Ids that a worker sets aside. In a trace a task has a larger one than who started it. */
enum { ID_BLOCK = PIRN_RECORDED ? 1 : 32 };

struct task_slab {
    struct task_slab *next;
    size_t used;
    struct task tasks[SLAB_TASKS];
};

/* What a free stack keeps at its top, which has been touched already. */
struct spare_stack {
    struct spare_stack *next;
    struct stack stack;
    struct fiber fiber;
};

/* Under the lock. */
static struct task_slab *slabs;
static struct task *spare; /* dead, without stacks */

/* A struct without a stack. The lock is held. */
static struct task *new_struct(void) {
    struct task *task = spare;
    if (task) {
        spare = task->next;
        return task;
    }
    if (!slabs || slabs->used == SLAB_TASKS) {
        struct task_slab *slab = calloc(1, sizeof *slab);
        if (!slab) return NULL;
        slab->next = slabs;
        slabs = slab;
    }
    return &slabs->tasks[slabs->used++];
}

static void keep_struct(struct task *task) {
    task->next = spare;
    spare = task;
}

static bool usual_size(size_t size) { return !size || stack_round(size) == runtime.stacks.size; }

/* The lock is held in these, where a worker has no more of its own, or too many. */
static struct task *more_structs(struct worker *worker) {
    /* Either those that have been used before or, where there are none, new ones. */
    bool used = spare != NULL;
    for (int i = 0; i < BATCH && (spare || !used); i++) {
        struct task *task = new_struct();
        if (!task) break;
        task->next = worker->free_tasks;
        worker->free_tasks = task;
        worker->free_task_count++;
    }
    if (!used) {
        tally(&worker->counts.structs, worker->free_task_count);
        atomic_store_explicit(&worker->unused, worker->free_task_count, memory_order_relaxed);
    }
    return worker->free_tasks;
}

static void fewer_structs(struct worker *worker) {
    for (int i = 0; i < STRUCTS_KEPT / 2; i++) {
        struct task *task = worker->free_tasks;
        worker->free_tasks = task->next;
        keep_struct(task);
    }
    worker->free_task_count -= STRUCTS_KEPT / 2;
}

static bool more_promises(struct worker *worker) {
    if (!stack_promise(&runtime.stacks, BATCH)) return false;
    worker->promises += BATCH;
    return true;
}

static void fewer_promises(struct worker *worker) {
    stack_unpromise(&runtime.stacks, worker->promises - BATCH);
    worker->promises = BATCH;
}

static void own_stack(struct task *task, size_t size) {
    if (stack_get(&runtime.stacks, size, &task->stack))
        sanitize_stack(&task->fiber, task->stack.base, task->stack.size);
}

static void drop_stack(struct stack *stack, struct fiber *fiber) {
    sanitize_stack_end(fiber);
    stack_put(&runtime.stacks, stack);
}

static void fewer_stacks(struct worker *worker) {
    for (; worker->stack_count > STACKS_KEPT / 2; worker->stack_count--) {
        struct spare_stack stack = *worker->stacks;
        worker->stacks = stack.next;
        drop_stack(&stack.stack, &stack.fiber);
    }
}

static struct task *take_struct(struct worker *worker) {
    struct task *task;
    if (!worker) {
        if (!spare) tally(&runtime.counts.structs, 1);
        return new_struct();
    }
    if (UNLIKELY(!worker->free_tasks)) {
        runtime_lock();
        task = more_structs(worker);
        runtime_unlock();
        if (!task) return NULL;
    }
    task = worker->free_tasks;
    worker->free_tasks = task->next;
    worker->free_task_count--;
    /* The next one is made soon after. */
    for (size_t at = 0; at < offsetof(struct task, sleep); at += 64)
        __builtin_prefetch((const char *)task->next + at, 1);
    if (UNLIKELY(worker->free_task_count <
                 atomic_load_explicit(&worker->unused, memory_order_relaxed)))
        atomic_store_explicit(&worker->unused, worker->free_task_count, memory_order_relaxed);
    return task;
}

static void put_struct(struct worker *worker, struct task *task) {
    if (!worker) {
        keep_struct(task);
        return;
    }
    task->next = worker->free_tasks;
    worker->free_tasks = task;
    if (++worker->free_task_count < STRUCTS_KEPT) return;
    runtime_lock();
    fewer_structs(worker);
    runtime_unlock();
}

/* Sees to it that the task will have a stack. */
static bool promise_stack(struct worker *worker, struct task *task, size_t size) {
    bool promised = true;
    task->stack.base = NULL;
    task->stack.size = 0;
    if (LIKELY(usual_size(size))) {
        if (worker && LIKELY(worker->promises)) {
            worker->promises--;
            return true;
        }
        if (worker) runtime_lock();
        promised = worker ? more_promises(worker) : stack_promise(&runtime.stacks, 1);
        if (worker) runtime_unlock();
        if (promised && worker) worker->promises--;
        return promised;
    }
    if (worker) runtime_lock();
    own_stack(task, size);
    if (worker) runtime_unlock();
    return task->stack.base != NULL;
}

void task_get_stack(struct worker *worker, struct task *task) {
    struct spare_stack *stack = worker->stacks;
    if (LIKELY(stack)) {
        worker->stacks = stack->next;
        worker->stack_count--;
        task->stack = stack->stack;
        task->fiber = stack->fiber;
        return;
    }
    runtime_lock();
    own_stack(task, 0);
    runtime_unlock();
}

/* The task has ended, or never got its stack. */
static void release_stack(struct worker *worker, struct task *task) {
    struct spare_stack *stack;
    if (task->stack.base && !task->stack.slab) {
        runtime_lock();
        drop_stack(&task->stack, &task->fiber);
        runtime_unlock();
        return;
    }
    if (++worker->promises > 4 * BATCH) {
        runtime_lock();
        fewer_promises(worker);
        runtime_unlock();
    }
    if (!task->stack.base) return; /* another took it over */
    if (worker->stack_count == STACKS_KEPT) {
        runtime_lock();
        fewer_stacks(worker);
        runtime_unlock();
    }
    sanitize_stack_reused(task->stack.base, task->stack.size);
    stack = (void *)(task->stack.base + task->stack.size - sizeof *stack);
    stack->stack = task->stack;
    stack->fiber = task->fiber;
    stack->next = worker->stacks;
    worker->stacks = stack;
    worker->stack_count++;
    task->stack.base = NULL;
}

static uint64_t next_id(struct worker *worker) {
    if (!worker) return atomic_fetch_add(&runtime.last_id, 1) + 1;
    if (UNLIKELY(worker->next_id == worker->last_id)) {
        worker->next_id = atomic_fetch_add(&runtime.last_id, ID_BLOCK);
        worker->last_id = worker->next_id + ID_BLOCK;
    }
    return ++worker->next_id;
}

/* Counts one more live task if the limit allows it. */
static bool count_in(void) {
    if (!runtime.max_tasks) return true;
    if (atomic_fetch_add(&runtime.live, 1) < runtime.max_tasks) return true;
    atomic_fetch_sub(&runtime.live, 1);
    return false;
}

static void count_out(void) {
    if (runtime.max_tasks) atomic_fetch_sub(&runtime.live, 1);
}

bool engine_room(void) {
    return !runtime.max_tasks || atomic_load(&runtime.live) < runtime.max_tasks;
}

struct task *task_make(struct worker *worker, const struct spawn *spawn, bool main, int *rc) {
    struct counts *counts = worker ? &worker->counts : &runtime.counts;
    struct task *task = NULL;
    void *copy = NULL;
    char *name = NULL;

    if (!count_in()) {
        *rc = -EAGAIN;
        return NULL;
    }
    *rc = -ENOMEM;
    if (UNLIKELY(spawn->copy > COPY_ROOM) && !(copy = malloc(spawn->copy))) goto failed;
    if (UNLIKELY(spawn->name != NULL) && !(name = strdup(spawn->name))) goto failed;
    if (!(task = take_struct(worker))) goto failed;
    if (!promise_stack(worker, task, spawn->stack_size)) {
        put_struct(worker, task);
        goto failed;
    }
    if (spawn->copy) memcpy(copy ? copy : task->room, spawn->arg, spawn->copy);
    tally(&counts->started, 1);
    task->core.id = main ? MAIN_TASK : next_id(worker);
    task->core.fn = spawn->fn;
    task->core.arg = !spawn->copy ? spawn->arg : copy ? copy : task->room;
    task->core.group = spawn->group;
    task->core.team = spawn->team;
    task->core.site = spawn->site;
    task->core.name = name;
    task->core.daemon = spawn->daemon;
    task->core.waits.op = OP_NONE;
    task->core.sleep = &task->sleep;
    task->sleep.wait.under_way = false;
    task->copied = copy != NULL;
    task->foreign = task->begun = false;
    atomic_store_explicit(&task->state, TASK_RUNNABLE, memory_order_release);
    return task;

failed:
    free(copy);
    free(name);
    count_out();
    return NULL;
}

static void free_extras(struct task *task) {
    if (task->copied) free(task->core.arg);
    free((char *)(uintptr_t)task->core.name);
    task->copied = false;
    task->core.name = NULL;
}

void task_free(struct worker *worker, struct task *task) {
    atomic_store_explicit(&task->state, TASK_DEAD, memory_order_release);
    if (UNLIKELY(task->copied) || UNLIKELY(task->core.name != NULL)) free_extras(task);
    tally(&worker->counts.ended, 1);
    count_out();
    release_stack(worker, task);
    put_struct(worker, task);
}

void task_each(void (*visit)(struct task *task, void *arg), void *arg) {
    struct task_slab *newest;
    size_t used;
    runtime_lock();
    newest = slabs;
    used = newest ? newest->used : 0;
    runtime_unlock();
    for (struct task_slab *slab = newest; slab; slab = slab->next, used = SLAB_TASKS)
        for (size_t i = 0; i < used; i++)
            if (atomic_load_explicit(&slab->tasks[i].state, memory_order_acquire) != TASK_DEAD)
                visit(&slab->tasks[i], arg);
}

static bool parked(const struct task *task) {
    return atomic_load_explicit(&task->state, memory_order_acquire) % TASK_STATES == TASK_PARKED;
}

static void abandon(struct task *task, void *arg) {
    struct wait *wait = wait_of(task);
    (void)arg;
    if (wait && !wait_abandon(wait, !parked(task))) {
        while (parked(task)) sched_yield();
        wait_abandon(wait, true);
    }
    free_extras(task);
}

void tasks_end(void) {
    struct task_slab *slab, *next;
    task_each(abandon, NULL);
    for (slab = slabs; slab; slab = next) {
        next = slab->next;
        for (size_t i = 0; i < slab->used; i++)
            if (slab->tasks[i].stack.base) drop_stack(&slab->tasks[i].stack, &slab->tasks[i].fiber);
        free(slab);
    }
    for (int i = 0; i < runtime.worker_limit; i++)
        for (struct spare_stack *stack = runtime.workers[i].stacks; stack; stack = stack->next)
            sanitize_stack_end(&stack->fiber);
    slabs = NULL;
    spare = NULL;
}

/* ---- For debuggers ------------------------------------------------------------------------- */

extern const struct debugger_row pirn__debugger_threads[];

EXPORT const struct debugger_row pirn__debugger_threads[] = {
    DEBUGGER_ROWS,
    {"task.size", sizeof(struct task)},
    {"task.begun", offsetof(struct task, begun)},
    {"slabs", DEBUGGER_ADDRESS(slabs)},
    {"slab.next", offsetof(struct task_slab, next)},
    {"slab.used", offsetof(struct task_slab, used)},
    {"slab.tasks", offsetof(struct task_slab, tasks)},
    {"states", TASK_STATES},
    {"state_dead", TASK_DEAD},
    {"state_running", TASK_RUNNING},
    {"state_parked", TASK_PARKED},
    {"running", DEBUGGER_ADDRESS(runtime.running)},
    {"", 0},
};
