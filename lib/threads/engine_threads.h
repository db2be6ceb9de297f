/*
 * engine_threads.h - the contract of lib/core/engine.h on threads: what is inlined into the core.
 *
 * Scheduling points, marks and what else serves the simulator alone is empty here, but for the
 * library that records (recorded.h), which is these sources compiled with PIRN_RECORDED.
 *
 * Alone. While one worker alone is awake, and no thread of the program has come, nothing needs an
 * atomic operation, and the locks of objects are not taken at all: threads_mode is 0 then. Between
 * engine_begin and engine_end the worker is `inside`. Whoever wants to come in, a worker that was
 * asleep or a thread of the program, sets MODE_SHARED, has the kernel make every processor see that
 * (membarrier), and waits until the worker is not inside (threads_share); from then on it takes the
 * locks. So the worker writes `inside` and reads the mode with nothing but a compiler's barrier
 * between. When the others have gone to sleep again the monitor, which looks every few
 * milliseconds, takes MODE_SHARED away (threads_unshare).
 */
#ifndef THREADS_ENGINE_THREADS_H
#define THREADS_ENGINE_THREADS_H

#ifndef PIRN_RECORDED
#define PIRN_RECORDED 0
#endif

struct task;
struct text;

#include "lib/threads/lock.h"
#include "lib/threads/machine.h"
#include "lib/threads/recorded.h"

struct timer {
    struct timer_core core;
    _Atomic size_t position; /* in the heap, from 1; 0: not armed. Written under the heap's lock */
#if PIRN_RECORDED
    uint64_t armed; /* the step that did it; 0: none */
#endif
};

/* Nothing to remember of a wait for a descriptor. */
struct fd_watch {
    struct fd_watch *next, *previous; /* of those whose registration is only believed */
    _Atomic uint64_t *word;
    int fd;
    bool believed, listed;
};

enum { ENGINE_MARKS = PIRN_RECORDED };

/* The task that the calling thread runs; NULL in a thread that runs none. */
extern LOCAL(struct task *, threads_self) __attribute__((visibility("hidden")));

enum {
    MODE_SHARED = 1,     /* several threads: the locks are needed */
    MODE_INTERRUPTED = 2 /* tasks must look up at the next scheduling point */
};
extern _Atomic uint32_t threads_mode __attribute__((visibility("hidden")));

/* The worker that is alone is between engine_begin and engine_end. Never set in MODE_SHARED. */
extern _Atomic uint32_t threads_inside __attribute__((visibility("hidden")));

struct task *threads_foreign(void);
void threads_interrupt(struct task *self);
uint64_t threads_random(void);

/* threads_self, of the thread that it is now: after a switch that is another. */
static inline struct task *threads_running(void) {
#if defined __aarch64__
    /* The compiler takes the thread pointer for constant, and would keep it over a switch. */
    struct task *self;
    uintptr_t offset;
    __asm__ volatile("mrs %0, tpidr_el0\n\t"
                     "adrp %1, :gottprel:threads_self\n\t"
                     "ldr %1, [%1, #:gottprel_lo12:threads_self]\n\t"
                     "ldr %0, [%0, %1]"
                     : "=&r"(self), "=&r"(offset));
    return self;
#else
    return OWN(threads_self);
#endif
}

static inline struct task *engine_self(void) {
    struct task *self = threads_running();
    return LIKELY(self) ? self : threads_foreign();
}

/* Not for what a worker says that is about to learn that it is not alone (threads_enter): another
 * thread, which has been let in, may see that. */
static inline void engine_intend(struct task *self, int64_t deadline, int64_t number,
                                 const void *more, size_t count) {
    (void)self;
    (void)deadline;
    (void)number;
    (void)more;
    (void)count;
}

static inline void engine_intend_until(struct task *self, int64_t deadline) {
    (void)self;
    (void)deadline;
}

static inline void engine_number(struct task *task, uint64_t *mark) {
    (void)task;
    (void)mark;
}

static inline void engine_count(struct task *self, const uint64_t *mark) {
    (void)self;
    (void)mark;
}

static inline void engine_observe(struct task *self, const uint64_t *mark) {
    (void)self;
    (void)mark;
}

/*
 * The mode first. A worker that is awake and finds others let out is the only one, so it is itself who
 * is inside. The other way round it might see what one writes that is about to find out that it is
 * not alone any more, and then, much later, that it has gone.
 */
static inline bool threads_alone(void) {
    uint32_t mode = atomic_load_explicit(&threads_mode, memory_order_acquire);
    return atomic_load_explicit(&threads_inside, memory_order_relaxed) & ~mode & MODE_SHARED;
}

/* The worker goes inside, if it is alone. */
static inline uint32_t threads_enter(void) {
    uint32_t mode = atomic_load_explicit(&threads_mode, memory_order_relaxed);
    if (LIKELY(!(mode & MODE_SHARED))) {
        atomic_store_explicit(&threads_inside, 1, memory_order_relaxed);
        atomic_signal_fence(memory_order_seq_cst);
        mode = atomic_load_explicit(&threads_mode, memory_order_relaxed);
        if (UNLIKELY(mode & MODE_SHARED)) {
            atomic_store_explicit(&threads_inside, 0, memory_order_release);
            changed(&threads_inside);
        }
    }
    return mode;
}

static inline void threads_leave(void) {
    if (atomic_load_explicit(&threads_inside, memory_order_relaxed)) {
        atomic_store_explicit(&threads_inside, 0, memory_order_release);
        changed(&threads_inside);
    }
}

static inline struct task *engine_begin_quickly(void) {
    struct task *self = PIRN_RECORDED ? NULL : threads_running();
    if (UNLIKELY(!self) || UNLIKELY(threads_enter() & MODE_INTERRUPTED)) return NULL;
    return self;
}

static inline void engine_begin(struct task *self, const struct place *place) {
    (void)place;
    if (PIRN_RECORDED) recorded_begin(self, place);
    if (UNLIKELY(threads_enter() & MODE_INTERRUPTED)) threads_interrupt(self);
}

static inline void engine_begin_here(struct task *self, enum op op, const struct place *place) {
    (void)op;
    engine_begin(self, place);
}

static inline void engine_end(struct task *self, int64_t result) {
    (void)self;
    (void)result;
    if (PIRN_RECORDED) recorded_end(self, result);
    threads_leave();
}

static inline void engine_end_here(struct task *self, enum op op, int64_t result) {
    (void)op;
    engine_end(self, result);
}

static inline void engine_end_case(struct task *self, int64_t index) { engine_end(self, index); }

static inline void engine_lock(waitq *queue) {
    if (!threads_alone()) threads_lock(&queue->lock);
}
static inline void engine_unlock(waitq *queue) { threads_unlock(&queue->lock); }

/* Others may come in while it lasts. */
static inline void engine_linger(void) { threads_leave(); }

static inline bool engine_swap_if(_Atomic uint32_t *word, uint32_t from, uint32_t to) {
    if (threads_alone()) {
        if (atomic_load_explicit(word, memory_order_relaxed) != from) return false;
        atomic_store_explicit(word, to, memory_order_relaxed);
        return true;
    }
    return atomic_compare_exchange_strong_explicit(word, &from, to, memory_order_acq_rel,
                                                   memory_order_acquire);
}

static inline uint32_t engine_add(_Atomic uint32_t *word, uint32_t value) {
    if (threads_alone()) {
        uint32_t before = atomic_load_explicit(word, memory_order_relaxed);
        atomic_store_explicit(word, before + value, memory_order_relaxed);
        return before;
    }
    return atomic_fetch_add_explicit(word, value, memory_order_acq_rel);
}

void threads_park(struct task *self, struct timer *timer, int64_t when, void (*after)(void *),
                  void *arg);

static inline void engine_park(struct task *self, const struct place *place, struct timer *timer,
                               int64_t when, void (*after)(void *), void *arg) {
    struct task_core *core = (struct task_core *)self;
    core->waits = *place;
    if (PIRN_RECORDED) recorded_park(self, timer != NULL);
    threads_park(self, timer, when, after, arg);
    if (PIRN_RECORDED) recorded_resume(self);
    core->waits.op = OP_NONE;
}

void engine_wake(struct task *task);
void engine_yield(struct task *self, const struct place *place);
int engine_timer_arm(struct timer *timer, int64_t when);
bool engine_timer_disarm(struct timer *timer);
int engine_timer_reserve(void);
void engine_timer_unreserve(void);
int64_t engine_now(void);

int engine_fd_watch(struct fd_watch *watch, struct task *self, int fd, int events,
                    _Atomic uint64_t *word);
void engine_fd_unwatch(struct fd_watch *watch, struct task *self);
int engine_fd_check(int fd);
void engine_fd_forget(int fd);
static inline void engine_fd_changed(void) {}
int engine_block(struct task *self, const struct place *place, pirn_fn *fn, void *arg);

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
    if (PIRN_RECORDED) recorded_release(self, mark);
}
static inline void engine_release_also(struct task *self, uint64_t *mark) {
    (void)self;
    (void)mark;
    if (PIRN_RECORDED) recorded_release_also(self, mark);
}
static inline void engine_acquire(struct task *self, const uint64_t *mark, enum edge_kind kind) {
    (void)self;
    (void)mark;
    (void)kind;
    if (PIRN_RECORDED) recorded_acquire(self, mark, kind);
}
static inline void engine_order(struct task *self) {
    (void)self;
    if (PIRN_RECORDED) recorded_order(self);
}

int engine_spawn(struct task *self, const struct spawn *spawn, uint64_t *id);
bool engine_room(void);
_Noreturn void engine_exit(struct task *self);

/* What it is and where it was made is all that reports want to know. */
static inline void engine_object(waitq *queue, enum object_kind kind, const void *object,
                                 size_t capacity, size_t value_size, const void *site) {
    (void)object;
    (void)capacity;
    (void)value_size;
    queue->kind = kind;
    queue->object = (uintptr_t)site;
    if (PIRN_RECORDED) recorded_object(queue, object, capacity, value_size, site);
}
static inline void engine_object_end(waitq *queue, const void *object) {
    (void)queue;
    (void)object;
    if (PIRN_RECORDED) recorded_object_end(queue, object);
}
static inline void engine_label(const void *object, const char *label) {
    (void)object;
    (void)label;
    if (PIRN_RECORDED) recorded_label(object, label);
}
static inline uint64_t engine_object_site(const waitq *queue) {
    if (PIRN_RECORDED) return recorded_object_site(queue);
    return queue->kind ? queue->object : 0;
}
static inline void engine_select_case(struct task *self, enum op op, waitq *queue) {
    (void)self;
    (void)op;
    (void)queue;
    if (PIRN_RECORDED) recorded_select_case(self, op, queue);
}
static inline void engine_fault(struct task *self, enum fault fault, const struct place *place) {
    (void)self;
    (void)fault;
    (void)place;
}

static inline void engine_touch(const void *address, size_t size, bool writes, const void *site) {
    (void)address;
    (void)size;
    (void)writes;
    (void)site;
}
static inline void engine_touch_now(struct task *self, const void *address, size_t size,
                                    bool writes, const void *site) {
    (void)self;
    (void)address;
    (void)size;
    (void)writes;
    (void)site;
}

static inline void engine_touch_offered(struct task *task, const void *value, size_t size) {
    (void)task;
    (void)value;
    (void)size;
}

static inline void engine_touch_case(struct task *self, int64_t index, void *value,
                                     const void *site) {
    (void)self;
    (void)index;
    (void)value;
    (void)site;
}

static inline void engine_note(const struct place *place, const void *address, size_t size,
                               bool writes) {
    (void)place;
    (void)address;
    (void)size;
    (void)writes;
}
bool engine_dump(struct dump *dump);
void engine_stats(struct pirn_stats *stats);
_Noreturn void engine_fail(struct task *self, enum failure failure, const struct place *place,
                           const char *message);
void engine_describe_object(struct text *text, const struct place *place);

#endif
