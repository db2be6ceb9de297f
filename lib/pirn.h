/*
 * pirn.h - the concurrency of Go for C: tasks, channels, select, and what surrounds them.
 *
 * One header, two libraries. Linked with -lpirn a program runs on threads; linked with -lpirn-sim,
 * or run by the `pirn` command, it runs in a single-threaded simulator that decides every
 * interleaving, records it and replays it. The meaning of each function is the same in both.
 *
 * Conventions
 *  - A call that can fail returns 0 (or an index or a count) on success and a negative errno value
 *    on failure, so strerror(-rc) explains it. No call sets errno. Constructors return NULL when
 *    memory is short.
 *  - Time is int64_t nanoseconds of pirn_now()'s clock. A deadline is an absolute time on it, or
 *    PIRN_FOREVER (never), or PIRN_NOW (do not block).
 *  - Synchronisation objects (pirn_mutex, ...) are ready when zero-initialised, hold no other
 *    resource and must not be copied. Their members are private.
 *  - Misuse (unlocking what is not locked, a negative wait group, ...) is a bug in the caller that
 *    no return value can repair: the runtime prints what happened, where, and the state of every
 *    task, then calls abort(). Under the simulator it ends the run with the outcome `misuse`.
 *  - Unless its comment says otherwise a function may be called from any task, and from a thread
 *    that the runtime did not create while a runtime is running. It blocks only the calling task
 *    or thread; where a comment does not say that a function blocks, it does not.
 */
#ifndef PIRN_H
#define PIRN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Reports and traces name the line of each call. A call that a compiler turns into a jump, because
 * it is the last thing in a function, has none; the function's first line stands for it. clang is
 * asked not to do that here; with gcc, compile what you test with -fno-optimize-sibling-calls.
 */
#if defined __clang__
#pragma clang attribute push(__attribute__((not_tail_called)), apply_to = function)
#endif

/* The version of this header. pirn_version() tells that of the library in use. */
#define PIRN_VERSION_MAJOR 0
#define PIRN_VERSION_MINOR 1
#define PIRN_VERSION_PATCH 0
#define PIRN_VERSION "0.1.0"

#if defined __GNUC__
#define PIRN_PRINTF_(position, first) __attribute__((format(printf, position, first)))
#else
#define PIRN_PRINTF_(position, first)
#endif

#if defined __cplusplus
#define PIRN_NORETURN_ [[noreturn]]
#else
#define PIRN_NORETURN_ _Noreturn
#endif

/* Returns the version of the library in use, such as "0.1.0". The string is static. */
const char *pirn_version(void);

/* ---- Running ------------------------------------------------------------------------------- */

/* What a task runs. */
typedef void pirn_fn(void *arg);

/* How the runtime is set up; zero or NULL asks for the default. */
typedef struct pirn_config {
    /* Threads that run tasks, 1 to 1024; 0: PIRN_WORKERS, else one per available CPU. */
    int workers;
    size_t stack_size; /* bytes reserved for a task's stack; 0: PIRN_STACK_SIZE, else 256 KiB;
                          rounded up to whole pages, at least 16 KiB */
    size_t max_tasks;  /* live tasks allowed, the main task among them; 0: no limit */
} pirn_config;

/*
 * Starts the runtime, runs main_fn(arg) as the main task and returns once that has returned. As in
 * Go the other tasks are then discarded: they run no further step, and nothing of them is cleaned
 * up but their stacks. Blocks the calling thread, which becomes one of the workers. `config` may be
 * NULL and is not kept.
 *
 * Returns 0; -EDEADLK when every task is blocked and nothing (a timer, a descriptor, a blocking
 * call, a thread of the program's own that has used the library in this run and still exists) can
 * wake one, after printing each task, what it waits for and where; -EBUSY inside a running runtime;
 * -ENOMEM or -EAGAIN when memory or threads cannot be had; -EINVAL for a bad config or a NULL
 * function. Under the simulator also -ETIMEDOUT when the run was cut off (too many steps, or too
 * long) and -ESTALE when a schedule given for replay did not fit the program.
 *
 * PIRN_WORKERS and PIRN_STACK_SIZE are read from the environment; a value that is no number in
 * range is an -EINVAL with a message on standard error. The simulator has no workers.
 */
int pirn_run(const pirn_config *config, pirn_fn *main_fn, void *arg);

/*
 * Starts a task that runs fn(arg). Everything the caller did before happens before the task's first
 * step; the end of a task is ordered before nothing unless something else says so.
 *
 * Returns 0; -ENOMEM; -EAGAIN when the configured number of tasks is alive; -EPERM when no runtime
 * is running; -EINVAL for a NULL function. After a failure nothing was started.
 */
int pirn_go(pirn_fn *fn, void *arg);

/*
 * As pirn_go, with a copy of the `size` bytes at `arg`. The task gets a pointer to the copy,
 * aligned for any type and alive until the task ends, so a loop may pass the address of its
 * variable. `arg` may be NULL if `size` is 0: the task gets NULL then.
 */
int pirn_go_copy(pirn_fn *fn, const void *arg, size_t size);

/* What pirn_go_with can ask for; zero or NULL asks for the default. */
typedef struct pirn_attr {
    const char *name;  /* for reports; copied; NULL: the name of the task's function */
    size_t stack_size; /* bytes; 0: as configured */
    bool daemon;       /* may stay blocked for ever without counting as leaked or deadlocked */
} pirn_attr;

/* As pirn_go, with attributes; a NULL `attr` asks for the defaults. */
int pirn_go_with(const pirn_attr *attr, pirn_fn *fn, void *arg);

/* Lets other tasks run. Outside any task it yields the thread's processor. */
void pirn_yield(void);

/*
 * Ends the calling task; does not return. In the main task it ends that one alone: the others go
 * on, and pirn_run returns 0 when all have ended, or -EDEADLK when some are left and none can run.
 * Outside any task it is misuse.
 */
PIRN_NORETURN_ void pirn_exit(void);

/* Returns the calling task's id, unique within a run (the main task's is 1), or 0 outside any
 * task. */
uint64_t pirn_self(void);

/*
 * Names a channel, mutex or other object in reports, from now until the object's end: for a channel
 * its last unref, for anything else until another label is given to the same address. The name is
 * formatted as by printf and cut off after 63 bytes. A failure to allocate leaves the object
 * unnamed.
 */
void pirn_label(const void *object, const char *format, ...) PIRN_PRINTF_(2, 3);

/* Prints the message, where it was called and the state of every task, then calls abort(). Under
 * the simulator it ends the run with the outcome `panic`. */
PIRN_NORETURN_ void pirn_panic(const char *format, ...) PIRN_PRINTF_(1, 2);

/* Calls pirn_panic with the expression's text when it is false; in every build. */
#define pirn_assert(expression) \
    ((expression) ? (void)0     \
                  : pirn_panic("assertion failed: %s (%s:%d)", #expression, __FILE__, __LINE__))

/* ---- Channels ------------------------------------------------------------------------------ */

/*
 * A channel carries values of one size from senders to receivers, in order. The k-th send happens
 * before the completion of the k-th receive; the k-th receive happens before the completion of the
 * (k + capacity)-th send; a close happens before a receive that returns because of it.
 */
typedef struct pirn_chan pirn_chan;

/*
 * Makes a channel for values of `value_size` bytes (0: a signal without content) that buffers up to
 * `capacity` of them (0: a rendezvous, where a send completes only when a receiver takes the
 * value). The caller owns one reference. Returns NULL when memory is short or the size would
 * overflow.
 */
pirn_chan *pirn_chan_new(size_t value_size, size_t capacity);

/* Adds an owner and returns `chan`; NULL is returned as it is. */
pirn_chan *pirn_chan_ref(pirn_chan *chan);

/*
 * Gives up one ownership; the last one frees the channel and what it still buffers. NULL is
 * ignored. It is misuse to give up the last one while a task is blocked on the channel, or to use
 * the channel afterwards. An operation whose partner has returned does not touch the channel again,
 * so a receiver may give up the last reference though the sender is still returning.
 */
void pirn_chan_unref(pirn_chan *chan);

/*
 * Sends a copy of the value at `value` (NULL: zeroes). Blocks until a receiver takes it or the
 * buffer has room; blocked senders are served first come, first served. Returns 0, or -EPIPE when
 * the channel is closed, also when it is closed while the call waits. A NULL channel blocks for
 * ever.
 */
int pirn_send(pirn_chan *chan, const void *value);

/*
 * Receives a value into `value` (NULL: it is thrown away). Blocks until there is one or the channel
 * is closed; blocked receivers are served first come, first served.
 * Returns 0, or -EPIPE when the channel is closed and drained: `*value` is zeroed then.
 * A NULL channel blocks for ever.
 */
int pirn_recv(pirn_chan *chan, void *value);

/* As pirn_send and pirn_recv, but return -EAGAIN where those would block. */
int pirn_try_send(pirn_chan *chan, const void *value);
int pirn_try_recv(pirn_chan *chan, void *value);

/* As pirn_send and pirn_recv, but return -ETIMEDOUT once the deadline has passed, or -EAGAIN
 * when it is PIRN_NOW and they would block. What can be done at once is done though the deadline
 * has passed. */
int pirn_send_until(pirn_chan *chan, const void *value, int64_t deadline);
int pirn_recv_until(pirn_chan *chan, void *value, int64_t deadline);

/*
 * Closes the channel and wakes every task blocked on it: receivers get what is buffered first, then
 * -EPIPE; blocked senders get -EPIPE. Returns 0, -EPIPE when it was closed before, -EINVAL for
 * NULL.
 */
int pirn_close(pirn_chan *chan);

/* Return the number of values buffered now, and the capacity; both 0 for NULL. */
size_t pirn_chan_len(const pirn_chan *chan);
size_t pirn_chan_cap(const pirn_chan *chan);

typedef enum pirn_op { PIRN_SEND = 1, PIRN_RECV = 2 } pirn_op;

/* One case of a select. */
typedef struct pirn_case {
    pirn_op op;
    pirn_chan *chan; /* NULL: never ready */
    void *value;     /* to send from, or to receive into; left alone unless the case receives */
    int status;      /* set for the case that ran: 0, or -EPIPE as from pirn_send and pirn_recv */
} pirn_case;

/* A pirn_case: a compound literal in C, a temporary in C++. */
#ifdef __cplusplus
#define PIRN_CASE_(op, chan, value) \
    (pirn_case{op, chan, const_cast<void *>(static_cast<const void *>(value)), 0})
#else
#define PIRN_CASE_(op, chan, value) ((pirn_case){op, chan, (void *)(value), 0})
#endif
#define PIRN_CASE_SEND(chan, value_ptr) PIRN_CASE_(PIRN_SEND, chan, value_ptr)
#define PIRN_CASE_RECV(chan, value_ptr) PIRN_CASE_(PIRN_RECV, chan, value_ptr)

/*
 * Runs exactly one of the cases, waiting until one is ready, and returns its index. Of several that
 * are ready one is chosen uniformly at random. The same channel may stand in several cases, also
 * for both sending and receiving; a task never meets itself. A ready case wins over a deadline that
 * has passed.
 *
 * Returns -EAGAIN when the deadline is PIRN_NOW and no case is ready; -ETIMEDOUT when the deadline
 * passed first; -EINVAL for more than 65536 cases or an unknown op; -ENOMEM when a select of more
 * than 32 cases cannot get memory to wait. Without cases, or with NULL channels only, it waits for
 * the deadline.
 */
int pirn_select(pirn_case *cases, size_t count, int64_t deadline);

/* As pirn_select, but of several ready cases the first in the array runs: a priority select. */
int pirn_select_first(pirn_case *cases, size_t count, int64_t deadline);

#if defined __GNUC__
#define PIRN_INLINE_ static inline __attribute__((unused))
#else
#define PIRN_INLINE_ static inline
#endif

/*
 * Declares `name`, a channel of T that the compiler checks, and its functions, which take it by
 * value: name_new(capacity) (its member `chan` is NULL when memory is short), name_send(c, T),
 * name_recv(c, T *), name_try_send, name_try_recv, name_close, name_ref and name_unref. The untyped
 * channel is the member `chan`.
 */
#define PIRN_CHAN_TYPE(name, T)                                                                 \
    typedef struct name {                                                                       \
        pirn_chan *chan;                                                                        \
    } name;                                                                                     \
    PIRN_INLINE_ name name##_new(size_t capacity) {                                             \
        name c;                                                                                 \
        c.chan = pirn_chan_new(sizeof(T), capacity);                                            \
        return c;                                                                               \
    }                                                                                           \
    PIRN_INLINE_ int name##_send(name c, T value) { return pirn_send(c.chan, &value); }         \
    PIRN_INLINE_ int name##_recv(name c, T *value) { return pirn_recv(c.chan, value); }         \
    PIRN_INLINE_ int name##_try_send(name c, T value) { return pirn_try_send(c.chan, &value); } \
    PIRN_INLINE_ int name##_try_recv(name c, T *value) { return pirn_try_recv(c.chan, value); } \
    PIRN_INLINE_ int name##_close(name c) { return pirn_close(c.chan); }                        \
    PIRN_INLINE_ name name##_ref(name c) {                                                      \
        pirn_chan_ref(c.chan);                                                                  \
        return c;                                                                               \
    }                                                                                           \
    PIRN_INLINE_ void name##_unref(name c) { pirn_chan_unref(c.chan); }                         \
    typedef struct name name

/* ---- Synchronisation ----------------------------------------------------------------------- */

/*
 * Private to the library: a queue of waiting tasks with the lock that guards it, and what the
 * simulator knows of the object. Zero is an empty queue.
 */
struct pirn_waitq_ {
    void *first, *last;
    uint32_t lock;
    uint32_t kind;
    uint64_t object, mark;
};

/*
 * A mutex: not recursive, and any task may unlock it. A running task may take it ahead of one that
 * waits, but none waits for ever: a task that has waited 1 ms gets it handed over. An unlock
 * happens before the return of each later lock.
 */
typedef struct pirn_mutex {
    uint32_t state;
    uint32_t spare;
    struct pirn_waitq_ waiters;
} pirn_mutex;

void pirn_mutex_lock(pirn_mutex *mutex);   /* blocks while another holds it */
int pirn_mutex_trylock(pirn_mutex *mutex); /* 0, or -EBUSY when it is held */
int pirn_mutex_lock_until(pirn_mutex *mutex,
                          int64_t deadline); /* 0, -ETIMEDOUT, -EAGAIN for PIRN_NOW */
void pirn_mutex_unlock(pirn_mutex *mutex);   /* misuse when it is not locked */

/*
 * A lock that one writer or many readers hold. A waiting writer keeps new readers out, so taking a
 * read lock twice in one task can deadlock; after a writer all readers that waited go first.
 */
typedef struct pirn_rwmutex {
    uint32_t state, departing, admitted, spare;
    struct pirn_waitq_ waiters, waiting_readers;
    uint64_t mark;
} pirn_rwmutex;

void pirn_rwmutex_lock(pirn_rwmutex *mutex);    /* blocks while anyone holds it */
void pirn_rwmutex_unlock(pirn_rwmutex *mutex);  /* misuse when no writer holds it */
void pirn_rwmutex_rlock(pirn_rwmutex *mutex);   /* blocks while a writer holds it or waits */
void pirn_rwmutex_runlock(pirn_rwmutex *mutex); /* misuse when no reader holds it */
int pirn_rwmutex_trylock(pirn_rwmutex *mutex);  /* 0, or -EBUSY where lock would block */
int pirn_rwmutex_tryrlock(pirn_rwmutex *mutex); /* 0, or -EBUSY where rlock would block */

/* A condition variable: no spurious wake-ups, the oldest waiter first, a signal that nobody
 * waits for is lost. A signal happens before the return of the wait that it wakes. */
typedef struct pirn_cond {
    struct pirn_waitq_ waiters;
} pirn_cond;

/* Unlocks the mutex and waits to be signalled, in one step; then locks the mutex again and
 * returns. */
void pirn_cond_wait(pirn_cond *cond, pirn_mutex *mutex);
/* The same; returns 0, or -ETIMEDOUT once the deadline has passed, as PIRN_NOW has. The mutex is
 * locked again in both. */
int pirn_cond_wait_until(pirn_cond *cond, pirn_mutex *mutex, int64_t deadline);
void pirn_cond_signal(pirn_cond *cond);    /* wakes the oldest waiter, if there is one */
void pirn_cond_broadcast(pirn_cond *cond); /* wakes every waiter */

/* Something to be done once. */
typedef struct pirn_once {
    uint32_t state;
    uint32_t spare;
    struct pirn_waitq_ waiters;
} pirn_once;

/* Calls fn(arg) if no call has been made for this `once`; returns when the one call has
 * returned, which happens before that. Blocks while a call is in flight; from inside it, for
 * ever. */
void pirn_once_do(pirn_once *once, pirn_fn *fn, void *arg);

/* A count of work under way. Each done happens before the return of the wait that it releases. */
typedef struct pirn_waitgroup {
    int64_t count;
    struct pirn_waitq_ waiters;
    uint64_t mark;
} pirn_waitgroup;

/* Adds `delta`, which may be negative. It is misuse to bring the count below zero or to overflow
 * it, and to add to a count of zero while a task waits. */
void pirn_waitgroup_add(pirn_waitgroup *group, int64_t delta);
void pirn_waitgroup_done(pirn_waitgroup *group); /* adds -1 */
void pirn_waitgroup_wait(pirn_waitgroup *group); /* blocks until the count is zero */
int pirn_waitgroup_wait_until(pirn_waitgroup *group,
                              int64_t deadline); /* 0, -ETIMEDOUT, -EAGAIN for PIRN_NOW */
/* Add 1, start a task as pirn_go and pirn_go_copy do, and are done when fn has returned (or called
 * pirn_exit). Return what those return; after a failure the count is as it was. */
int pirn_waitgroup_go(pirn_waitgroup *group, pirn_fn *fn, void *arg);
int pirn_waitgroup_go_copy(pirn_waitgroup *group, pirn_fn *fn, const void *arg, size_t size);

/* A counting semaphore; waiters are served first come, first served, whatever they ask for. A
 * release happens before the acquires that it lets through. */
typedef struct pirn_sem {
    int64_t permits;
    struct pirn_waitq_ waiters;
    uint64_t mark;
} pirn_sem;

/* Makes a semaphore with that many permits (0 or more, else misuse), which nobody may be waiting
 * on. */
void pirn_sem_init(pirn_sem *sem, int64_t permits);
/* Takes n permits (0 or more, else misuse); blocks until they are there and all that came before
 * have been served. Returns 0, -ETIMEDOUT, or -EAGAIN for PIRN_NOW. */
int pirn_sem_acquire(pirn_sem *sem, int64_t n, int64_t deadline);
/* Gives n permits (0 or more, without overflow, else misuse). */
void pirn_sem_release(pirn_sem *sem, int64_t n);

/* ---- Cancellation -------------------------------------------------------------------------- */

/*
 * A context tells tasks to stop: its done channel is closed when it is cancelled, which happens by
 * pirn_ctx_cancel, at its deadline, or because its parent is cancelled. It stays cancelled, and the
 * first cause wins. The cancelling happens before whatever sees it.
 *
 * Contexts form a tree. At its top is the background, which is never cancelled, has no deadline and
 * no values, and needs no references; NULL stands for it wherever a context is asked for. Each
 * other context has one owner to begin with, and is itself an owner of its parent, so the two may
 * be given up in any order.
 */
typedef struct pirn_ctx pirn_ctx;

/* Returns the background. */
pirn_ctx *pirn_ctx_background(void);

/*
 * Make a child of `parent`, which is cancelled from the start if the parent is. The caller owns one
 * reference. Return NULL when memory is short.
 *
 * pirn_ctx_with_deadline's child is also cancelled when `deadline` comes: at once if that has
 * passed (as PIRN_NOW has), never if it is PIRN_FOREVER. A deadline later than the parent's is the
 * parent's. It returns NULL also when there is a deadline to wait for and no runtime is running.
 *
 * pirn_ctx_with_value's child has a `value` for `key`. Keys are compared as addresses; the address
 * of a variable of one's own is a key that nobody else uses. What they point to is neither looked
 * at nor owned.
 */
pirn_ctx *pirn_ctx_with_cancel(pirn_ctx *parent);
pirn_ctx *pirn_ctx_with_deadline(pirn_ctx *parent, int64_t deadline);
pirn_ctx *pirn_ctx_with_value(pirn_ctx *parent, const void *key, void *value);

/* Cancels the context and all its descendants in one step, and wakes who waits for them. Does
 * nothing to one that is cancelled already, or to the background. Who has seen the cancelling may
 * give up the last reference though the call is still returning. */
void pirn_ctx_cancel(pirn_ctx *ctx);

/*
 * Returns the channel that is closed when the context is cancelled, so that pirn_recv on it returns
 * -EPIPE; NULL for the background, which in a select is never ready. It belongs to the context and
 * is only to be received from; a reference to it is one to the context. It is misuse to give up the
 * last one while a task waits on the channel.
 */
pirn_chan *pirn_ctx_done(pirn_ctx *ctx);

/* Returns 0 while the done channel is open, then -ETIMEDOUT if a deadline (its own or an
 * ancestor's) was the cause, else -ECANCELED. */
int pirn_ctx_err(pirn_ctx *ctx);

/* Returns when the context will be cancelled at the latest; PIRN_FOREVER when it has no
 * deadline. */
int64_t pirn_ctx_deadline(pirn_ctx *ctx);

/* Returns the value for the key in the context or its nearest ancestor that has one, else NULL. */
void *pirn_ctx_value(pirn_ctx *ctx, const void *key);

/* Adds an owner and returns `ctx`. */
pirn_ctx *pirn_ctx_ref(pirn_ctx *ctx);

/* Gives up one ownership; the last one disarms the deadline and frees the context. The background
 * and NULL are ignored. */
void pirn_ctx_unref(pirn_ctx *ctx);

/*
 * A group of tasks with a context of their own, for work that is done in parts: the first part that
 * fails cancels the context, which tells the others to stop.
 */
typedef struct pirn_group pirn_group;

/* Makes a group whose context is a child of `parent`. pirn_group_wait frees it. Returns NULL when
 * memory is short. */
pirn_group *pirn_group_new(pirn_ctx *parent);

/*
 * Sets how many of the group's tasks may run at once; SIZE_MAX: as many as are started, which is so
 * from the beginning. With 0 none can be started: pirn_group_go blocks for ever. It is misuse to
 * call this while a task of the group runs or is being started.
 */
void pirn_group_limit(pirn_group *group, size_t n);

/*
 * Starts a task that runs fn(ctx, arg) with the group's context, which is the task's to use until
 * it ends; to keep it longer takes a reference. Blocks while as many tasks as the limit allows are
 * running. A result of fn other than 0 is a failure: the group keeps the first, which cancels the
 * context. A task that calls pirn_exit has not failed.
 *
 * Returns 0, what pirn_go returns when it fails, or -EINVAL for NULL. After a failure nothing was
 * started. Tasks of the group may call this too, also while pirn_group_wait waits for them.
 */
int pirn_group_go(pirn_group *group, int (*fn)(pirn_ctx *ctx, void *arg), void *arg);

/*
 * Blocks until all tasks of the group have ended, which happens before it returns; then cancels the
 * group's context, frees the group and returns the first result that was not 0, or 0. To be called
 * once.
 */
int pirn_group_wait(pirn_group *group);

/* ---- Time ---------------------------------------------------------------------------------- */

#define PIRN_FOREVER INT64_MAX
#define PIRN_NOW INT64_MIN
#define PIRN_USEC ((int64_t)1000)
#define PIRN_MSEC (1000 * PIRN_USEC)
#define PIRN_SEC (1000 * PIRN_MSEC)

/* Returns the time in nanoseconds: of the monotonic clock on threads, virtual under the simulator
 * (it stands still while a task can run and jumps to the next timer when none can). */
int64_t pirn_now(void);

/* Blocks for at least `ns` nanoseconds; not at all if that is zero or less. Huge values
 * saturate. */
void pirn_sleep(int64_t ns);

/* Makes a channel of int64_t with capacity 1 that gets the time, once, after `ns` nanoseconds (at
 * once if that is zero or less). The caller owns it; giving up the last reference disarms it.
 * Returns NULL when memory is short or no runtime is running. */
pirn_chan *pirn_after(int64_t ns);

/*
 * Something that happens later: a channel gets the time, once (a timer) or every so often (a
 * ticker), or a function is called. What was done before a timer was armed happens before what it
 * brings about. Any task or thread may stop and reset a timer, also several at once, and while it
 * fires. An armed timer whose channel nobody waits on keeps no deadlock from being reported; one
 * that will call a function does. The end of a run disarms every timer; it may still be freed after
 * that.
 */
typedef struct pirn_timer pirn_timer;

/*
 * Makes a timer whose channel gets the time, as an int64_t, once, after `ns` nanoseconds (at once
 * if that is zero or less; huge values saturate), and arms it. The caller owns it. Returns NULL
 * when memory is short or no runtime is running.
 */
pirn_timer *pirn_timer_new(int64_t ns);

/*
 * The same, but the channel gets the time every `period` nanoseconds, for the first time after one
 * period. It keeps one tick at most: those that come while the last one has not been received are
 * dropped, as are those that the runtime is too late for; the others stay in step. A period of zero
 * or less is misuse.
 */
pirn_timer *pirn_ticker_new(int64_t period);

/*
 * Makes a timer that calls fn(arg) in a task of its own, started as by pirn_go, after `ns`
 * nanoseconds, and arms it. It has no channel. If the task cannot be started because memory is
 * short, or as many tasks are alive as the runtime allows, that is tried again every millisecond.
 * Returns NULL for a NULL function, when memory is short or no runtime is running.
 */
pirn_timer *pirn_timer_func(int64_t ns, pirn_fn *fn, void *arg);

/*
 * Returns the channel of a timer, which is to be received from only, and has a name in reports if
 * it is labelled; NULL for a timer that calls a function. The timer owns it: who needs it for
 * longer adds a reference. What the timer has sent can be received, but the channel seems
 * unbuffered: its length and capacity are 0, as nothing stays in it when the timer is stopped.
 */
pirn_chan *pirn_timer_chan(pirn_timer *timer);

/*
 * Disarms a timer. Afterwards nothing that it sent before is received. Does not close its channel,
 * and does not wait for a function that has been called.
 *
 * Returns true if that kept the timer from doing what it was armed for: it had not fired, or nobody
 * had received what it sent. False if it came too late (a function has been called then, and may
 * have returned or not yet begun) or the timer was not armed. For a ticker: whether it was running.
 */
bool pirn_timer_stop(pirn_timer *timer);

/*
 * Arms a timer anew, whether it is armed, has fired or is stopped, to fire `ns` nanoseconds from
 * now; a ticker gets that as its new period, and zero or less is misuse there. Nothing that it sent
 * before is received afterwards. Needs no memory. Returns what pirn_timer_stop would have. When no
 * runtime is running the timer stays disarmed.
 */
bool pirn_timer_reset(pirn_timer *timer, int64_t ns);

/*
 * Stops a timer and frees it. Its channel lives on if somebody else owns a reference, and gets
 * nothing any more; if not, it is misuse while a task is blocked on it. The function of a timer may
 * free that timer. NULL is ignored.
 */
void pirn_timer_free(pirn_timer *timer);
/* ---- Files and blocking calls -------------------------------------------------------------- */

/*
 * Reading and writing where only the task waits, not its thread. The functions make the system call
 * of that name without blocking; where it would have to wait, the task waits until the kernel
 * says that the descriptor is ready, or until the deadline, and then tries again. What can be done
 * at once is done though the deadline has passed.
 *
 * A descriptor that is no socket is made non-blocking (O_NONBLOCK) and left so; with pipes and
 * terminals that are shared with other processes these see it too. Regular files never wait: they
 * are read and written at once, and a slow disk holds up the thread (see pirn_block). SIGPIPE is
 * never raised.
 *
 * Any number of tasks may wait for one descriptor; when it becomes ready all of them try, in the
 * order in which they came. Bytes of two long writes may be mixed. A task that waits for a
 * descriptor could be woken from outside the program at any time, so on threads there is no
 * deadlock while one does; the simulator, where descriptors are the program's own, takes it for
 * blocked when nothing has come for a moment.
 *
 * Close with pirn_close_fd what tasks may be waiting for. close(2) does not wake them: they sleep
 * until their deadline, or until something happens to the next descriptor with that number, which
 * they then take for theirs. Where nobody waits, close(2) does as well.
 *
 * Besides the errors of the system call these functions return -EBADF when the descriptor is not
 * open; -ETIMEDOUT when the deadline passed first; -EAGAIN when the deadline is PIRN_NOW and they
 * would have to wait; -ECANCELED when pirn_close_fd closed it meanwhile, or in a thread of the
 * program when the run ended; -EPERM when they would have to wait but no runtime is running;
 * -ENOMEM, -ENOSPC, -EMFILE or -ENFILE when waiting needs what cannot be had. They never return
 * -EINTR.
 */
#define PIRN_READABLE 1
#define PIRN_WRITABLE 2

/*
 * Waits until the descriptor is ready for one of the events, PIRN_READABLE or PIRN_WRITABLE or
 * both, and returns those for which it is. An error and the other side's end count as ready, since
 * the next call will tell of them. Another task may be faster: ready is not a promise. Returns also
 * -EPERM for what cannot be waited for, such as a regular file, and whenever no runtime is running;
 * -EINVAL for other events.
 */
int pirn_wait_fd(int fd, int events, int64_t deadline);

/* Reads up to `size` bytes into `buffer`, waiting for the first. Returns how many; 0 at the end (or
 * for a `size` of 0). */
ssize_t pirn_read(int fd, void *buffer, size_t size, int64_t deadline);

/*
 * Writes all `size` bytes, unless an error or the deadline comes in between: then it returns how
 * many were written, or the error if none were. -EPIPE: nobody reads any more. -EINVAL: `size` is
 * more than SSIZE_MAX. The buffer must stay as it is until the call returns.
 */
ssize_t pirn_write(int fd, const void *buffer, size_t size, int64_t deadline);

/*
 * Waits for a connection to a listening socket and returns its descriptor, which is non-blocking
 * and close-on-exec; the caller owns it. `address` and `length` are as for accept(2): both may be
 * NULL.
 */
int pirn_accept(int fd, struct sockaddr *address, socklen_t *length, int64_t deadline);

/*
 * Connects a socket. Returns 0; -ECONNREFUSED and its like. After -ETIMEDOUT, and -EAGAIN, the
 * kernel still tries: call again to go on waiting, or close the socket. To a Unix socket -EAGAIN
 * also says that too many wait there to be accepted; then nothing has begun, and the call does not
 * wait, whatever the deadline.
 */
int pirn_connect(int fd, const struct sockaddr *address, socklen_t length, int64_t deadline);

/*
 * Closes the descriptor and wakes every task that waits for it, which get -ECANCELED (a write that
 * has written some bytes gets their number). Calls that were under way never touch a new descriptor
 * of the same number. Returns 0, or the error of close(2), after all but -EBADF of which it is
 * closed nevertheless.
 */
int pirn_close_fd(int fd);

/*
 * Runs fn(arg) in a thread of its own, on that thread's stack, and returns when it has returned;
 * only the task waits. For calls that block a thread: a name to be resolved, a slow disk, somebody
 * else's library. There are up to 64 such threads, started when they are needed and ended when they
 * have had nothing to do for some seconds; more calls wait for their turn, first come, first
 * served. Within fn the library's functions are called as from a thread of the program: they block
 * that thread, and pirn_exit is misuse. No deadlock is seen while a call is under way, and pirn_run
 * does not return before calls that have begun.
 *
 * Outside any task, and under the simulator, fn is simply called; there it is part of the task's
 * step. What is done before the call happens before fn, and what fn does before the return.
 *
 * Returns 0; -EINVAL for NULL; -EAGAIN or -ENOMEM when not even one thread can be had: fn has not
 * run then.
 */
int pirn_block(pirn_fn *fn, void *arg);

/* ---- Randomness ---------------------------------------------------------------------------- */

/* Returns 64 uniformly random bits, not for cryptography. Under the simulator part of the
 * schedule, so a replay returns the same. */
uint64_t pirn_random(void);

/* Returns one of 0..n-1, uniformly; 0 for n < 2. Under the simulator a choice of the schedule. */
uint64_t pirn_choose(uint64_t n);

/*
 * Says that the calling task reads, or writes, `size` bytes at `address`: for the search for data
 * races in code that the compiler did not prepare for it. libpirn does nothing here. libpirn-sim does
 * not look for races yet and only checks the arguments: a NULL address with a size other than 0, and
 * memory beyond the end of the address space, are misuse.
 */
void pirn_note_read(const void *address, size_t size);
void pirn_note_write(const void *address, size_t size);

/* ---- What a running program does ----------------------------------------------------------- */

/*
 * Writes to a descriptor, as text, what each task does: running, runnable, or what it waits for,
 * where and for how long; and where it was started and by whom. Tasks that say the same share a
 * line, which names the first few. More than 1000 lines are cut off and the tasks left out counted.
 *
 * The program goes on meanwhile: each task is shown as it was at one moment, but not all at the
 * same one. Times are exact to 10 ms; in the simulator, where it is no step, they are exact.
 * May be called by any task or thread, also when no runtime is running, which is then what is written;
 * under the simulator by no other thread than the one that simulates. Not from a signal handler:
 * PIRN_DUMP=QUIT in the environment of pirn_run has libpirn dump to standard error when the
 * process gets SIGQUIT.
 *
 * Blocks the thread while the descriptor takes no more. Returns 0; the error of write(2), such as
 * -EPIPE (SIGPIPE is not raised) or -EBADF; -ENOMEM.
 */
int pirn_dump(int fd);

/* What pirn_stats tells. */
struct pirn_stats {
    /* Since the start of the run */
    uint64_t started;   /* tasks, the main task among them */
    uint64_t live;      /* of these, not ended */
    uint64_t most_live; /* most at once; up to 256 too many for each worker but one */
    uint64_t switches;  /* times that a task left the processor: to wait, to yield, at its end */
    uint64_t parks;     /* times that a task had to wait */
    uint64_t steals;    /* tasks that a worker took from another; simulated: 0 */
    int64_t blocked;    /* ns that those waits took that have ended, in all tasks together. Each is
                           measured to some 10 ms, too long as often as too short; simulated:
                           exact */
    /* Stacks, in bytes of address space, of which untouched pages need no memory */
    size_t stack_reserved;
    size_t stack_used; /* tasks have these, or workers keep them for the next ones, up to 32 each */
    size_t stack_most; /* most of these at once, without stacks of a size of their own */
    size_t stack_deepest; /* the most that has been used of one stack of the usual size, in whole
                             pages, since it was reserved */
    /* Now; 0 after the run */
    int workers;               /* threads that take part in running tasks; simulated: 0 */
    int extra_workers;         /* of these, beyond those configured: they stand in for stuck ones */
    int helpers;               /* threads for pirn_block; simulated: 0 */
    uint64_t timers;           /* armed: those of the program, and deadlines of waits */
    uint64_t descriptor_waits; /* tasks and threads that wait for a descriptor */
};

/*
 * Fills in statistics of the run under way, or else of the last one that has ended; all zero when
 * there was none. What other workers are counting meanwhile may be missing; when no other task can
 * run the numbers are exact but as said above. stack_deepest is looked for in each call, at
 * less than a microsecond for each stack that there has been at once; after a run it is what the
 * last call in the run had found.
 *
 * May be called by any task or thread; under the simulator by no other thread than the one that
 * simulates. It is no step there. Returns 0, or -EINVAL for NULL.
 */
#if defined __cplusplus && defined __GNUC__
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow" /* named as its struct, as in stat(2) */
#endif
int pirn_stats(struct pirn_stats *stats);
#if defined __cplusplus && defined __GNUC__
#pragma GCC diagnostic pop
#endif

#if defined __clang__
#pragma clang attribute pop
#endif

#ifdef __cplusplus
}
#endif

#endif
