/* queue.c - a worker's queue of runnable tasks; runtime.h has the idea. */
#include "lib/threads/runtime.h"

static _Atomic(struct task *) *slot(struct run_queue *queue, uint32_t index) {
    return &queue->slots[index % RUN_QUEUE_SIZE];
}

bool queue_push(struct run_queue *queue, struct task *task) {
    uint32_t tail = atomic_load_explicit(&queue->tail, memory_order_relaxed);
    /* Pairs with the exchange of head by consumers: a slot is reused only after it has been
     * read. */
    uint32_t head = atomic_load_explicit(&queue->head, memory_order_acquire);
    if (tail - head == RUN_QUEUE_SIZE) return false;
    atomic_store_explicit(slot(queue, tail), task, memory_order_relaxed);
    /* Makes the task visible, and comes before the look at the idle list (invariant 4). */
    atomic_store_explicit(&queue->tail, tail + 1, memory_order_seq_cst);
    return true;
}

struct task *queue_pop(struct run_queue *queue) {
    uint32_t head = atomic_load_explicit(&queue->head, memory_order_relaxed);
    for (;;) {
        uint32_t tail = atomic_load_explicit(&queue->tail, memory_order_relaxed);
        struct task *task;
        if (head == tail) return NULL;
        task = atomic_load_explicit(slot(queue, head), memory_order_relaxed);
        if (atomic_compare_exchange_weak_explicit(&queue->head, &head, head + 1,
                                                  memory_order_acq_rel, memory_order_relaxed))
            return task;
    }
}

bool queue_empty(const struct run_queue *queue) {
    uint32_t head = atomic_load_explicit(&queue->head, memory_order_seq_cst);
    return head == atomic_load_explicit(&queue->tail, memory_order_seq_cst);
}

struct task *queue_steal(struct run_queue *from, struct run_queue *own) {
    uint32_t own_tail = atomic_load_explicit(&own->tail, memory_order_relaxed);
    uint32_t head = atomic_load_explicit(&from->head, memory_order_acquire);
    for (;;) {
        uint32_t tail = atomic_load_explicit(&from->tail, memory_order_acquire);
        uint32_t count = tail - head;
        count -= count / 2;
        if (count == 0) return NULL;
        if (count > RUN_QUEUE_SIZE / 2) { /* head and tail were read at different times */
            head = atomic_load_explicit(&from->head, memory_order_acquire);
            continue;
        }
        /* Copied before they are ours: if another consumer comes first, they are copied again.
         * Nobody reads beyond own->tail meanwhile, and own is empty, since only who has nothing
         * steals. */
        for (uint32_t i = 0; i < count; i++)
            atomic_store_explicit(slot(own, own_tail + i),
                                  atomic_load_explicit(slot(from, head + i), memory_order_relaxed),
                                  memory_order_relaxed);
        if (atomic_compare_exchange_weak_explicit(&from->head, &head, head + count,
                                                  memory_order_acq_rel, memory_order_acquire)) {
            count--;
            if (count) atomic_store_explicit(&own->tail, own_tail + count, memory_order_release);
            return atomic_load_explicit(slot(own, own_tail + count), memory_order_relaxed);
        }
    }
}
