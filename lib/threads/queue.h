/* queue.h - a worker's runnable tasks (struct worker). */
#ifndef THREADS_QUEUE_H
#define THREADS_QUEUE_H

#include "lib/threads/runtime.h"
#include "lib/threads/tuning.h"

static inline void queue_lock(struct worker *worker) {
    if (!threads_alone()) threads_lock(&worker->lock);
}
static inline void queue_unlock(struct worker *worker) { threads_unlock(&worker->lock); }

static inline void list_append(struct task_list *list, struct task *task) {
    task->next = NULL;
    task->prev = list->last;
    if (list->last)
        list->last->next = task;
    else
        list->first = task;
    list->last = task;
    list->count++;
}

static inline void list_push(struct task_list *list, struct task *task) {
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

static inline struct task *list_take_first(struct task_list *list) {
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

static inline struct task *list_take_last(struct task_list *list) {
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
static inline void waiting_changed(struct worker *worker, size_t by) {
    size_t waiting = atomic_load_explicit(&worker->waiting, memory_order_relaxed);
    atomic_store_explicit(&worker->waiting, waiting + by, memory_order_relaxed);
}

static inline size_t waiting_at(const struct worker *worker) {
    return atomic_load_explicit(&worker->waiting, memory_order_relaxed);
}

/* The worker's next task in turn, or NULL. */
static inline struct task *queue_take(struct worker *worker) {
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

#endif
