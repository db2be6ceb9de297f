/*
 * shim.h - the runtime compiled against the simulator: included ahead of every source of lib/threads
 * and lib/core that a model has. It stands in for what is below them (the headers whose guards are
 * defined here, threads, futexes, the clock): a thread is a task of the simulator, a lock or a futex
 * one of its primitives. Everything above is the runtime's own source.
 *
 * The public functions of that source are renamed when it has been compiled (tests/model.sh), so that
 * it and the simulator that it runs on can be in one program.
 */
#ifndef MODEL_SHIM_H
#define MODEL_SHIM_H

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- For the models themselves ------------------------------------------------------------- */

/* What a model does in one run, as the first thread; the last of the list has no name. */
extern const struct model_case {
    const char *name;
    void (*run)(void);
} model_cases[];

/* Ends the run, and fails it, where `condition` does not hold. */
#define model_check(condition)                                        \
    do {                                                              \
        if (!(condition)) model_fail(__FILE__, __LINE__, #condition); \
    } while (0)
void model_fail(const char *file, int line, const char *condition);

/* Starts a thread; ends when all have ended. At most MODEL_THREADS in a run. */
enum { MODEL_THREADS = 16 };
void model_thread(void (*body)(void *), void *arg);
void model_join_all(void);

/* Waits, as in a system call, until another thread has told of the same address. */
void model_await(const void *address);
void model_tell(const void *address);

/* Who goes to sleep on this word tells of it; NULL: nobody does. */
extern _Atomic uint32_t *model_sleeps_on;

/* One of n, each of which is explored. */
unsigned model_choose(unsigned n);

/*
 * Set at the beginning of a run: all workers count as awake throughout, so that nobody is alone, and
 * who comes in and goes out tells nobody. That has models of its own; without it a search of others
 * that covers everything comes to an end.
 */
extern bool model_shared;

/* ---- machine.h ----------------------------------------------------------------------------- */

#define THREADS_MACHINE_H

#define LOCAL(type, name) type name
#define OWN(name) (*(__typeof__(name) *)model_own(&(name), sizeof(name)))
void *model_own(const void *variable, size_t size);

/* Looking again at once is left out. */
static inline void relax(void) {}

/* Who waits for a word that is about to be 0 sleeps: a search that covers everything cannot spin. */
void futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t until);
void futex_wake(_Atomic uint32_t *word, int count);
static inline void wait_more(_Atomic uint32_t *word, unsigned tries) {
    (void)tries;
    futex_wait(word, 1, INT64_MAX);
}
static inline void changed(_Atomic uint32_t *word) { futex_wake(word, 1); }

/* Interleavings are sequentially consistent, so that no barrier is missed. */
static inline void barrier_everywhere(void) {}
static inline bool barrier_prepare(void) { return !model_shared; }

/* ---- lock.h, but for the model that checks it ---------------------------------------------- */

#if !MODEL_LOCK
#define THREADS_LOCK_H
bool threads_trylock(uint32_t *word);
void threads_lock(uint32_t *word);
void threads_unlock(uint32_t *word);
#endif

/* ---- tuning.h ------------------------------------------------------------------------------ */

#define THREADS_TUNING_H

#ifndef MODEL_LOOK_AROUND
#define MODEL_LOOK_AROUND 3
#endif
enum { LOOK_AROUND = MODEL_LOOK_AROUND, STREAK = 2, OLDEST = 2, SPINS = 0, MOVED = 2 };
enum { PROBE = 0, COARSE = 2000, LONG = 1000000, WATCH_LEAST = 50000, WATCH_MOST = 50000 };

/* ---- sanitize.h ---------------------------------------------------------------------------- */

#define CORE_SANITIZE_H
#define PIRN_ASAN 0
#define PIRN_TSAN 0
#define PIRN_SANITIZED 0
struct fiber {
    char unused;
};
static inline void sanitize_stack(struct fiber *fiber, void *base, size_t size) {
    (void)fiber, (void)base, (void)size;
}
static inline void sanitize_stack_end(struct fiber *fiber) { (void)fiber; }
static inline void sanitize_thread(struct fiber *fiber) { (void)fiber; }
static inline void sanitize_leave(struct fiber *from, struct fiber *to, int ends) {
    (void)from, (void)to, (void)ends;
}
static inline void sanitize_arrive(struct fiber *self, struct fiber *from) {
    (void)self, (void)from;
}
static inline void sanitize_stack_reused(void *base, size_t size) { (void)base, (void)size; }

/* ---- context.h: each stack is that of a task of the simulator, of which one goes on at a time */

#define CORE_CONTEXT_H
#define CONTEXT_BOUNDARY __attribute__((noinline))
#define PIRN_CONTEXT_UCONTEXT 1
struct context {
    struct coroutine *left; /* what goes on here */
};
typedef void context_entry(void *arg, void *passed);
void *context_switch(struct context *from, struct context *to, void *passed);
void context_init(struct context *context, void *base, size_t size, context_entry *entry, void *arg,
                  uint64_t control);
static inline uint64_t context_control(void) { return 0; }
static inline const void *context_prefetch(const struct context *context) { return context; }

/* ---- Memory -------------------------------------------------------------------------------- */

#define malloc model_malloc
#define calloc model_calloc
#define realloc model_realloc
#define aligned_alloc model_aligned_alloc
#define free model_free
void *model_malloc(size_t size);
void *model_calloc(size_t count, size_t size);
void *model_realloc(void *memory, size_t size);
void *model_aligned_alloc(size_t alignment, size_t size);
void model_free(void *memory);

/* ---- Threads ------------------------------------------------------------------------------- */

#define pthread_create(thread, attributes, body, arg) model_pthread_create(thread, body, arg)
#define pthread_join(thread, result) model_pthread_join(thread)
#define pthread_sigmask model_sigmask
#define pthread_mutex_lock model_mutex_lock
#define pthread_mutex_unlock model_mutex_unlock
#define pthread_condattr_setclock model_setclock
#define pthread_cond_init model_cond_init
#define pthread_cond_timedwait model_cond_timedwait
#define pthread_cond_signal model_cond_signal
#define pthread_cond_broadcast model_cond_broadcast
#define pthread_once(once, function) model_once(once, function)
#define pthread_key_create(key, destructor) model_key_create(key, destructor)
#define pthread_setspecific(key, value) model_setspecific(key, value)
#define sched_yield model_sched_yield

int model_sched_yield(void);
int model_sigmask(int how, const sigset_t *set, sigset_t *before);
int model_pthread_create(pthread_t *thread, void *(*body)(void *), void *arg);
int model_pthread_join(pthread_t thread);
int model_mutex_lock(pthread_mutex_t *mutex);
int model_mutex_unlock(pthread_mutex_t *mutex);
int model_setclock(pthread_condattr_t *attributes, clockid_t clock);
int model_cond_init(pthread_cond_t *cond, const pthread_condattr_t *attributes);
int model_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                         const struct timespec *until);
int model_cond_signal(pthread_cond_t *cond);
int model_cond_broadcast(pthread_cond_t *cond);
int model_once(pthread_once_t *once, void (*function)(void));
int model_key_create(pthread_key_t *key, void (*destructor)(void *));
int model_setspecific(pthread_key_t key, const void *value);

/* ---- Nobody is alone (model_shared) -------------------------------------------------------- */

#if !MODEL_LOCK
#include "lib/threads/runtime.h"
#define threads_alone() (!model_shared && threads_alone())
#define threads_enter() (model_shared ? 0 : threads_enter())
#define threads_leave() (model_shared ? (void)0 : threads_leave())
/* Called with nothing in the parentheses; where they are defined `void` is there. */
#define worker_come_in(nothing) worker_come_in_##nothing
#define worker_come_in_void worker_come_in(void)
#define worker_come_in_ (model_shared ? (void)0 : (worker_come_in)())
#define worker_go_out(nothing) worker_go_out_##nothing
#define worker_go_out_void worker_go_out(void)
#define worker_go_out_ (model_shared ? (void)0 : (worker_go_out)())
#endif

#endif
