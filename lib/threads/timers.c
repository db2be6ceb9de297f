/*
 * timers.c - armed timers: a 4-ary heap by time, under one lock.
 *
 * A callback runs without the lock. From before its timer leaves the heap until it has ended,
 * `firing` points at that timer, and disarming it waits for that: so the timer may belong to the
 * task which the callback wakes. A worker that is alone needs no lock.
 *
 * The heap has room for those that are armed and for those that may be at any time: `idle` places
 * are set aside for timers that are not armed now. A timer may outlive the run that it was made in,
 * and the heap does too then.
 */
#include <sched.h>
#include <stdlib.h>

#include "lib/threads/runtime.h"

static uint32_t lock;
/* With the time, so that a comparison need not look at the timer, which is likely to be cold. */
struct entry {
    int64_t when;
    struct timer *timer;
};

static struct entry *heap; /* from 1 */
static size_t count, room, idle, reserved;
static _Atomic(struct timer *) firing;
static uint32_t firing_turn; /* one callback at a time */
static _Atomic int64_t next_time = PIRN_FOREVER;

enum { ARITY = 4 };

static void lock_heap(void) {
    if (!threads_alone()) threads_lock(&lock);
}
static void unlock_heap(void) { threads_unlock(&lock); }

/* A worker that is about to sleep sees the time, or the caller sees that it is idle. */
static void publish(int64_t when) {
    if (threads_alone())
        atomic_store_explicit(&next_time, when, memory_order_relaxed);
    else
        atomic_store_explicit(&next_time, when, memory_order_seq_cst);
}

static size_t position_of(const struct timer *timer) {
    return atomic_load_explicit(&timer->position, memory_order_relaxed);
}

static void put(size_t position, struct entry entry) {
    heap[position] = entry;
    atomic_store_explicit(&entry.timer->position, position, memory_order_relaxed);
}

static void sift_up(size_t position, struct entry entry) {
    while (position > 1) {
        size_t parent = (position + ARITY - 2) / ARITY;
        if (heap[parent].when <= entry.when) break;
        put(position, heap[parent]);
        position = parent;
    }
    put(position, entry);
}

static void sift_down(size_t position, struct entry entry) {
    for (;;) {
        size_t child = ARITY * (position - 1) + 2, least = 0;
        for (size_t i = child; i < child + ARITY && i <= count; i++)
            if (!least || heap[i].when < heap[least].when) least = i;
        if (!least || heap[least].when >= entry.when) break;
        put(position, heap[least]);
        position = least;
    }
    put(position, entry);
}

/* Takes a timer out of the heap; the lock is held. */
static void take_out(struct timer *timer) {
    size_t position = position_of(timer);
    struct entry last = heap[count--];
    bool earliest = position == 1;
    /* Who sees this without the lock also sees whether the timer is firing. */
    atomic_store_explicit(&timer->position, 0, memory_order_release);
    if (timer->core.kind->reserved) idle++;
    if (last.timer != timer) {
        if (position > 1 && heap[(position + ARITY - 2) / ARITY].when > last.when)
            sift_up(position, last);
        else
            sift_down(position, last);
    }
    if (earliest)
        atomic_store_explicit(&next_time, count ? heap[1].when : PIRN_FOREVER,
                              memory_order_relaxed);
}

/* Finds room for one more; the lock is held. */
static bool has_place(void) {
    size_t more = room ? 2 * room : 64;
    struct entry *bigger;
    if (count + idle + 1 < room) return true;
    bigger = realloc(heap, more * sizeof *heap);
    if (!bigger) return false;
    heap = bigger;
    room = more;
    return true;
}

int engine_timer_reserve(void) {
    bool found;
    lock_heap();
    found = has_place();
    if (found) idle++, reserved++;
    unlock_heap();
    return found ? 0 : -ENOMEM;
}

static void free_heap(void) {
    free(heap);
    heap = NULL;
    room = 0;
}

void engine_timer_unreserve(void) {
    lock_heap();
    idle--, reserved--;
    if (!reserved && !count && !atomic_load(&runtime.running)) free_heap();
    unlock_heap();
}

int timers_arm(struct timer *timer, int64_t when) {
    bool earliest;
    if (!atomic_load_explicit(&runtime.running, memory_order_acquire)) return -EPERM;
    lock_heap();
    if (timer->core.kind->reserved) {
        idle--;
    } else if (!has_place()) {
        unlock_heap();
        return -ENOMEM;
    }
    timer->core.when = when;
    sift_up(++count, (struct entry){when, timer});
    earliest = position_of(timer) == 1;
    if (earliest) publish(when);
    unlock_heap();
    if (UNLIKELY(!atomic_load_explicit(&runtime.watched, memory_order_relaxed))) monitor_start();
    /* Whoever sleeps until a later time must look again. */
    if (earliest && atomic_load_explicit(&runtime.idle_count, memory_order_seq_cst) &&
        when < atomic_load_explicit(&runtime.kept_until, memory_order_seq_cst))
        worker_wake_one();
    return 0;
}

int engine_timer_arm(struct timer *timer, int64_t when) {
    if (PIRN_RECORDED) recorded_arm(timer);
    return timers_arm(timer, when);
}

bool engine_timer_disarm(struct timer *timer) {
    bool armed = atomic_load_explicit(&timer->position, memory_order_acquire) != 0;
    if (armed) {
        lock_heap();
        armed = position_of(timer) != 0;
        if (armed) take_out(timer);
        unlock_heap();
    }
    if (!armed)
        while (atomic_load_explicit(&firing, memory_order_acquire) == timer) sched_yield();
    return armed;
}

int64_t timers_next(void) { return atomic_load_explicit(&next_time, memory_order_seq_cst); }

int64_t timers_run(void) {
    int64_t now;
    if (timers_next() == PIRN_FOREVER) return PIRN_FOREVER;
    now = engine_now();
    if (timers_next() > now) return timers_next();
    if (!threads_trylock(&firing_turn)) return timers_next(); /* another worker is at it */
    for (;;) {
        struct timer *timer;
        lock_heap();
        if (!count || heap[1].when > now) break;
        timer = heap[1].timer;
        /* Release, so that who sees it has also seen the end of the callback before. */
        atomic_store_explicit(&firing, timer, memory_order_release);
        take_out(timer);
        __builtin_prefetch(heap[1].timer); /* likely to be next */
        unlock_heap();
        if (PIRN_RECORDED) recorded_fire(timer);
        timer->core.kind->fire(&timer->core, NULL);
        threads_enter(); /* a callback that is an operation has left */
        /* Pairs with the load in engine_timer_disarm. */
        atomic_store_explicit(&firing, NULL, memory_order_release);
    }
    unlock_heap();
    threads_unlock(&firing_turn);
    return timers_next();
}

bool timers_awaited(void) {
    bool awaited = false;
    lock_heap();
    for (size_t i = 1; i <= count && !awaited; i++)
        awaited = !heap[i].timer->core.kind->awaited ||
                  heap[i].timer->core.kind->awaited(&heap[i].timer->core);
    unlock_heap();
    return awaited;
}

size_t timers_count(void) {
    size_t armed;
    threads_lock(&lock);
    armed = count;
    threads_unlock(&lock);
    return armed;
}

void timers_clear(void) {
    lock_heap();
    for (size_t i = 1; i <= count; i++) atomic_store(&heap[i].timer->position, 0);
    count = 0;
    idle = reserved;
    if (!reserved) free_heap();
    atomic_store_explicit(&next_time, PIRN_FOREVER, memory_order_seq_cst);
    unlock_heap();
}
