/*
 * engine_threads.h - the contract of lib/core/engine.h on threads: what is inlined into the core.
 *
 * Scheduling points, marks and what else serves the simulator alone is empty here.
 */
#ifndef THREADS_ENGINE_THREADS_H
#define THREADS_ENGINE_THREADS_H

struct task;
struct text;

struct timer {
    struct timer_core core;
    size_t position; /* in the heap, from 1; 0: not armed. Under the heap's lock */
};

enum { ENGINE_MARKS = 0 };

/* The task that the calling thread runs; NULL in a thread that runs none. */
extern __thread struct task *threads_self
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Set when tasks must leave their worker at the next scheduling point. */
extern _Atomic bool threads_interrupted __attribute__((visibility("hidden")));

struct task *threads_foreign(void);
void threads_interrupt(struct task *self);
void threads_lock_slowly(uint32_t *word);
void threads_unlock_slowly(uint32_t *word);
uint64_t threads_random(void);

static inline struct task *engine_self(void) {
    struct task *self = threads_self;
    return LIKELY(self) ? self : threads_foreign();
}

static inline void engine_begin(struct task *self, const struct place *place) {
    (void)place;
    if (UNLIKELY(atomic_load_explicit(&threads_interrupted, memory_order_relaxed)))
        threads_interrupt(self);
}

static inline void engine_end(struct task *self, int64_t result) {
    (void)self;
    (void)result;
}

static inline void engine_end_case(struct task *self, int64_t index) {
    (void)self;
    (void)index;
}

/* 0: free, 1: locked, 2: locked, and somebody may sleep on it. */
static inline void engine_lock(waitq *queue) {
    uint32_t open = 0;
    if (UNLIKELY(!atomic_compare_exchange_strong_explicit((_Atomic uint32_t *)&queue->lock, &open,
                                                          1, memory_order_acquire,
                                                          memory_order_relaxed)))
        threads_lock_slowly(&queue->lock);
}

static inline void engine_unlock(waitq *queue) {
    if (UNLIKELY(atomic_exchange_explicit((_Atomic uint32_t *)&queue->lock, 0,
                                          memory_order_release) == 2))
        threads_unlock_slowly(&queue->lock);
}

void engine_park(struct task *self, const struct place *place, struct timer *timer, int64_t when,
                 void (*after)(void *), void *arg);
void engine_wake(struct task *task);
void engine_yield(struct task *self, const struct place *place);
int engine_timer_arm(struct timer *timer, int64_t when);
bool engine_timer_disarm(struct timer *timer);
int64_t engine_now(void);

static inline uint64_t engine_random(void) { return threads_random(); }

static inline uint64_t engine_choose(uint64_t n) {
    uint64_t limit, value;
    if (n < 2) return 0;
    if (n <= UINT32_MAX) /* Lemire's multiplication; the bias is below 2^-32 */
        return (uint64_t)(((unsigned __int128)threads_random() * n) >> 64);
    limit = UINT64_MAX - UINT64_MAX % n;
    do value = threads_random();
    while (value >= limit);
    return value % n;
}

static inline void engine_release(struct task *self, uint64_t *mark) {
    (void)self;
    (void)mark;
}
static inline void engine_release_also(struct task *self, uint64_t *mark) {
    (void)self;
    (void)mark;
}
static inline void engine_acquire(struct task *self, const uint64_t *mark, enum edge_kind kind) {
    (void)self;
    (void)mark;
    (void)kind;
}

int engine_spawn(struct task *self, const struct spawn *spawn, uint64_t *id);
_Noreturn void engine_exit(struct task *self);

/* The place where it was made is all that reports want to know. */
static inline void engine_object(waitq *queue, enum object_kind kind, const void *object,
                                 size_t capacity, size_t value_size, const void *site) {
    (void)kind;
    (void)object;
    (void)capacity;
    (void)value_size;
    queue->object = (uintptr_t)site;
}
static inline void engine_object_end(waitq *queue, const void *object) {
    (void)queue;
    (void)object;
}
static inline void engine_select_case(struct task *self, enum op op, waitq *queue) {
    (void)self;
    (void)op;
    (void)queue;
}
static inline void engine_fault(struct task *self, enum fault fault, const struct place *place) {
    (void)self;
    (void)fault;
    (void)place;
}

_Noreturn void engine_fail(struct task *self, enum failure failure, const struct place *place,
                           const char *message);
void engine_describe_object(struct text *text, const struct place *place);

#endif
