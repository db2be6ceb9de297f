/*
 * engine_sim.h - the contract of lib/core/engine.h in the simulator.
 *
 * There is one thread, so locks are nothing and exchanges need not be atomic; everything else is a
 * question to the strategy or a line in the log.
 */
#ifndef SIM_ENGINE_SIM_H
#define SIM_ENGINE_SIM_H

struct task;
struct text;

struct timer {
    struct timer_core core;
    size_t position;   /* in the heap, from 1; 0: not armed */
    uint64_t order;    /* of arming, to settle ties */
    uint32_t armed_at; /* step of the task that did it */
    uint64_t cause;    /* hash of that step, or of the firing that armed it again */
};

/* A task that waits for a descriptor. */
struct fd_watch {
    struct task *task;
    struct fd_watch *next, *previous;
    int fd, events;
    bool asked;
};

enum { ENGINE_MARKS = 1 };

static inline struct task *engine_self(void);
static inline void engine_intend(struct task *self, int64_t deadline, int64_t number,
                                 const void *more, size_t count);
static inline void engine_intend_until(struct task *self, int64_t deadline);
void engine_begin(struct task *self, const struct place *place);
static inline void engine_begin_here(struct task *self, enum op op, const struct place *place);
static inline struct task *engine_begin_quickly(void) { return NULL; }
void engine_end(struct task *self, int64_t result);
static inline void engine_end_here(struct task *self, enum op op, int64_t result);
void engine_end_case(struct task *self, int64_t index);

static inline void engine_lock(waitq *queue) { (void)queue; }
static inline void engine_unlock(waitq *queue) { (void)queue; }
static inline void engine_linger(void) {}
static inline bool engine_swap_if(_Atomic uint32_t *word, uint32_t from, uint32_t to) {
    if (atomic_load_explicit(word, memory_order_relaxed) != from) return false;
    atomic_store_explicit(word, to, memory_order_relaxed);
    return true;
}

static inline uint32_t engine_add(_Atomic uint32_t *word, uint32_t value) {
    uint32_t before = atomic_load_explicit(word, memory_order_relaxed);
    atomic_store_explicit(word, before + value, memory_order_relaxed);
    return before;
}

void engine_park(struct task *self, const struct place *place, struct timer *timer, int64_t when,
                 void (*after)(void *), void *arg);
void engine_wake(struct task *task);
void engine_yield(struct task *self, const struct place *place);
int engine_timer_arm(struct timer *timer, int64_t when);
bool engine_timer_disarm(struct timer *timer);
int engine_timer_reserve(void);
void engine_timer_unreserve(void);
int engine_fd_watch(struct fd_watch *watch, struct task *self, int fd, int events,
                    _Atomic uint64_t *word);
void engine_fd_unwatch(struct fd_watch *watch, struct task *self);
int engine_fd_check(int fd);
void engine_fd_forget(int fd);
void engine_fd_changed(void);
int engine_block(struct task *self, const struct place *place, pirn_fn *fn, void *arg);
int64_t engine_now(void);
uint64_t engine_choose(uint64_t n);
uint64_t engine_random(void);
static inline void engine_release(struct task *self, uint64_t *mark);
void engine_release_also(struct task *self, uint64_t *mark);
static inline void engine_acquire(struct task *self, const uint64_t *mark, enum edge_kind kind);
void engine_number(struct task *task, uint64_t *mark);
void engine_count(struct task *self, const uint64_t *mark);
void engine_observe(struct task *self, const uint64_t *mark);
static inline void engine_order(struct task *self) { (void)self; }
int engine_spawn(struct task *self, const struct spawn *spawn, uint64_t *id);
bool engine_room(void);
_Noreturn void engine_exit(struct task *self);
void engine_object(waitq *queue, enum object_kind kind, const void *object, size_t capacity,
                   size_t value_size, const void *site);
void engine_object_end(waitq *queue, const void *object);
static inline void engine_label(const void *object, const char *label) {
    (void)object;
    (void)label;
}
uint64_t engine_object_site(const waitq *queue);
void engine_select_case(struct task *self, enum op op, waitq *queue);
void engine_fault(struct task *self, enum fault fault, const struct place *place);
void engine_note(const struct place *place, const void *address, size_t size, bool writes);
HIDDEN extern bool race_live; /* race/race.h */
void race_touch(const void *address, size_t size, bool writes, const void *site);
static inline void engine_touch(const void *address, size_t size, bool writes, const void *site) {
    if (race_live && address && size) race_touch(address, size, writes, site);
}

void race_touch_now(struct task *task, const void *address, size_t size, bool writes,
                    const void *site);
static inline void engine_touch_now(struct task *self, const void *address, size_t size,
                                    bool writes, const void *site) {
    if (race_live && address && size) race_touch_now(self, address, size, writes, site);
}

void race_touch_offered(struct task *task, const void *value, size_t size);
static inline void engine_touch_offered(struct task *task, const void *value, size_t size) {
    if (race_live && value && size) race_touch_offered(task, value, size);
}

void race_touch_case(struct task *self, int64_t index, void *value, const void *site);
static inline void engine_touch_case(struct task *self, int64_t index, void *value,
                                     const void *site) {
    if (race_live && value) race_touch_case(self, index, value, site);
}

bool engine_dump(struct dump *dump);
void engine_stats(struct pirn_stats *stats);
_Noreturn void engine_fail(struct task *self, enum failure failure, const struct place *place,
                           const char *message);
void engine_describe_object(struct text *text, const struct place *place);

/* With what is inlined: sim/step.h. */
#include "sim/sim.h"

#endif
