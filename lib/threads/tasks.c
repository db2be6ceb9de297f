/*
 * tasks.c - task structs and their stacks.
 *
 * Structs come from slabs that last as long as the run, so that a dump can look at every task,
 * whoever makes or ends tasks meanwhile. A dead task keeps its stack while it waits in its worker's
 * list to be used again, last in, first out: the memory is still warm.
 */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/wait.h"
#include "lib/threads/runtime.h"

enum { SLAB_TASKS = 128, KEPT = 256, ID_BLOCK = 32 };

struct task_slab {
    struct task_slab *next;
    size_t used;
    struct task tasks[SLAB_TASKS];
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

/* A struct with a stack of the size; the lock is held. */
static struct task *new_task(size_t stack_size) {
    struct task *task = new_struct();
    if (!task) return NULL;
    if (!stack_get(&runtime.stacks, stack_size, &task->stack)) {
        keep_struct(task);
        return NULL;
    }
    sanitize_stack(&task->fiber, task->stack.base, task->stack.size);
    return task;
}

static void drop_task(struct task *task) {
    sanitize_stack_end(&task->fiber);
    stack_put(&runtime.stacks, &task->stack);
    keep_struct(task);
}

static bool usual_size(size_t size) { return !size || stack_round(size) == runtime.stacks.size; }

static uint64_t next_id(struct worker *worker) {
    if (!worker) return atomic_fetch_add(&runtime.last_id, 1) + 1;
    if (worker->next_id == worker->last_id) {
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

struct task *task_make(struct worker *worker, const struct spawn *spawn, int *rc) {
    struct task *task = NULL;
    void *copy = NULL;
    char *name = NULL;

    if (!count_in()) {
        *rc = -EAGAIN;
        return NULL;
    }
    *rc = -ENOMEM;
    if (spawn->copy && !(copy = malloc(spawn->copy))) goto failed;
    if (spawn->name && !(name = strdup(spawn->name))) goto failed;
    if (worker && worker->free_tasks && usual_size(spawn->stack_size)) {
        task = worker->free_tasks;
        worker->free_tasks = task->next;
        worker->free_task_count--;
    } else {
        if (worker) runtime_lock();
        task = new_task(spawn->stack_size);
        if (worker) runtime_unlock();
        if (!task) goto failed;
    }
    memset(&task->core, 0, sizeof task->core);
    if (copy) memcpy(copy, spawn->arg, spawn->copy);
    task->core.id = next_id(worker);
    task->core.fn = spawn->fn;
    task->core.arg = copy ? copy : spawn->arg;
    task->core.group = spawn->group;
    task->core.site = spawn->site;
    task->core.name = name;
    task->core.daemon = spawn->daemon;
    task->copy = copy;
    task->name = name;
    task->foreign = false;
    atomic_store_explicit(&task->state, TASK_RUNNABLE, memory_order_release);
    return task;

failed:
    free(copy);
    free(name);
    count_out();
    return NULL;
}

void task_free(struct worker *worker, struct task *task) {
    atomic_store_explicit(&task->state, TASK_DEAD, memory_order_release);
    free(task->copy);
    free(task->name);
    task->copy = task->name = NULL;
    count_out();
    if (task->stack.size == runtime.stacks.size && worker->free_task_count < KEPT) {
        sanitize_stack_reused(task->stack.base, task->stack.size);
        task->next = worker->free_tasks;
        worker->free_tasks = task;
        worker->free_task_count++;
        return;
    }
    runtime_lock();
    drop_task(task);
    runtime_unlock();
}

void task_each(void (*visit)(struct task *task, void *arg), void *arg) {
    for (struct task_slab *slab = slabs; slab; slab = slab->next)
        for (size_t i = 0; i < slab->used; i++)
            if (atomic_load_explicit(&slab->tasks[i].state, memory_order_acquire) != TASK_DEAD)
                visit(&slab->tasks[i], arg);
}

static bool parked(const struct task *task) {
    return atomic_load_explicit(&task->state, memory_order_acquire) == TASK_PARKED;
}

static void abandon(struct task *task, void *arg) {
    struct wait *wait = task->core.wait;
    (void)arg;
    if (wait && !wait_abandon(wait, !parked(task))) {
        while (parked(task)) sched_yield();
        wait_abandon(wait, true);
    }
    free(task->copy);
    free(task->name);
    task->copy = task->name = NULL;
}

void tasks_end(void) {
    struct task_slab *slab, *next;
    task_each(abandon, NULL);
    for (slab = slabs; slab; slab = next) {
        next = slab->next;
        for (size_t i = 0; i < slab->used; i++) {
            struct task *task = &slab->tasks[i];
            if (!task->stack.base) continue;
            sanitize_stack_end(&task->fiber);
            stack_put(&runtime.stacks, &task->stack);
        }
        free(slab);
    }
    slabs = NULL;
    spare = NULL;
}
