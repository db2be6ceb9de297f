/*
 * engine.h - the contract between the meaning of the operations (this folder) and what runs them.
 *
 * lib/core implements channels, select, locks and time against what is declared here; lib/threads
 * and sim/ each fulfil it, in a header that the last lines of this file include so that the calls
 * are inlined. The core is compiled once for each library. What one engine does not need (a
 * scheduling point on threads, a lock in the simulator) costs nothing there.
 *
 * Vocabulary
 *   task    what runs: a task of the runtime, or the stand-in of a thread of the program's own.
 *   place   an operation about to be done: which, on what, called from where.
 *   wait    one sleep of one task, which exactly one other party ends (wait.h).
 *   mark    what the simulator remembers of a step, so that a later step can be ordered after it.
 *
 * An operation goes through
 *
 *     engine_begin(self, &place)          a scheduling point: others may run before it returns
 *     engine_lock(...)                    the lock of the object
 *     ... the meaning ...
 *     engine_unlock(...)  or engine_park(...), which unlocks once the task has left its stack
 *     engine_end(self, result)
 *
 * and between begin and end or park it is one step: in the simulator nothing else runs.
 *
 * Locks are taken in this order: an object's lock (channels by address; a condition variable's
 * before its mutex's, that of a tree of contexts before its channels'), then whatever the engine
 * has of its own. Timer callbacks run without any lock held.
 */
#ifndef CORE_ENGINE_H
#define CORE_ENGINE_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/pirn.h"

#define EXPORT __attribute__((visibility("default")))
/* Of a variable of the library: nobody else has it, so it is read without a detour. */
#define HIDDEN __attribute__((visibility("hidden")))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* The place that called the public function in which this stands. */
#define CALLER() __builtin_return_address(0)

/* Every operation, with the word that traces and reports use. */
#define OPERATIONS(X)               \
    X(NONE, "")                     \
    X(START, "start")               \
    X(EXIT, "exit")                 \
    X(GO, "go")                     \
    X(YIELD, "yield")               \
    X(SEND, "send")                 \
    X(RECV, "recv")                 \
    X(TRY_SEND, "try_send")         \
    X(TRY_RECV, "try_recv")         \
    X(CLOSE, "close")               \
    X(LEN, "len")                   \
    X(SELECT, "select")             \
    X(SELECT_FIRST, "select_first") \
    X(LOCK, "lock")                 \
    X(TRYLOCK, "trylock")           \
    X(UNLOCK, "unlock")             \
    X(RLOCK, "rlock")               \
    X(TRYRLOCK, "tryrlock")         \
    X(RUNLOCK, "runlock")           \
    X(WAIT, "wait")                 \
    X(SIGNAL, "signal")             \
    X(BROADCAST, "broadcast")       \
    X(ADD, "add")                   \
    X(DONE, "done")                 \
    X(ONCE, "once")                 \
    X(ONCE_DONE, "once_done")       \
    X(ACQUIRE, "acquire")           \
    X(RELEASE, "release")           \
    X(CANCEL, "cancel")             \
    X(ERR, "err")                   \
    X(SLEEP, "sleep")               \
    X(RANDOM, "random")             \
    X(CHOOSE, "choose")             \
    X(ARM, "arm")                   \
    X(STOP, "stop")                 \
    X(RESET, "reset")               \
    X(FIRE, "fire")                 \
    X(WAIT_FD, "wait_fd")           \
    X(READ, "read")                 \
    X(WRITE, "write")               \
    X(ACCEPT, "accept")             \
    X(CONNECT, "connect")           \
    X(CLOSE_FD, "close_fd")         \
    X(BLOCK, "block")               \
    X(LOAD, "load")                 \
    X(STORE, "store")               \
    X(RMW, "rmw")                   \
    X(CAS, "cas")                   \
    X(FENCE, "fence")

enum op {
#define X(name, word) OP_##name,
    OPERATIONS(X)
#undef X
        OP_COUNT
};

/* Every kind of object, likewise. */
#define OBJECTS(X)            \
    X(NONE, "")               \
    X(CHAN, "channel")        \
    X(MUTEX, "mutex")         \
    X(RWMUTEX, "rwmutex")     \
    X(COND, "cond")           \
    X(ONCE, "once")           \
    X(WAITGROUP, "waitgroup") \
    X(SEM, "sem")             \
    X(TIMER, "timer")         \
    X(CONTEXT, "context")     \
    X(GROUP, "group")         \
    X(FD, "descriptor")       \
    X(ATOMIC, "atomic")       \
    X(MEMORY, "memory")

enum object_kind {
#define X(name, word) OBJECT_##name,
    OBJECTS(X)
#undef X
        OBJECT_COUNT
};

/* Every kind of happens-before edge, likewise; traces/README.md says what each joins. */
#define EDGES(X)          \
    X(GO, "go")           \
    X(MESSAGE, "message") \
    X(SLOT, "slot")       \
    X(CLOSE, "close")     \
    X(UNLOCK, "unlock")   \
    X(SIGNAL, "signal")   \
    X(DONE, "done")       \
    X(ONCE, "once")       \
    X(RELEASE, "release") \
    X(TIMER, "timer")     \
    X(FD, "descriptor")   \
    X(ATOMIC, "atomic")

enum edge_kind {
#define X(name, word) EDGE_##name,
    EDGES(X)
#undef X
        EDGE_COUNT
};

extern const char *const op_names[OP_COUNT];
extern const char *const object_names[OBJECT_COUNT];
extern const char *const edge_names[EDGE_COUNT];

/* The queue that every object carries; its members are in pirn.h, where zero must be a ready
 * object. */
typedef struct pirn_waitq_ waitq;

/* An operation on an object. `queue` carries the simulator's number of the object; NULL without
 * one. */
struct place {
    enum op op;
    enum object_kind kind;
    const void *object;
    waitq *queue;
    const void *site;
};

#define PLACE(op_, kind_, object_, queue_, site_) \
    ((struct place){OP_##op_, OBJECT_##kind_, (object_), (queue_), (site_)})
/* A place without an object. */
#define PLACE_ALONE(op_, site_) ((struct place){OP_##op_, OBJECT_NONE, NULL, NULL, (site_)})

struct wait;
struct sleep;
struct dump;

/* What the core knows of a task; each engine's struct task begins with it. */
struct task_core {
    uint64_t id;     /* 1, 2, ... in the order of creation; 0 for a foreign thread */
    uint64_t parent; /* who started it; 0 for the main task */
    pirn_fn *fn;
    void *arg;
    pirn_waitgroup *group; /* told when the task ends; NULL: none */
    pirn_group *team;      /* for which it runs; `fn` is a group_fn then. NULL: none */
    const void *site;      /* where it was started */
    const char *name;      /* as given, else NULL */
    bool daemon;
    struct place waits;  /* what it sleeps in; op NONE while it does not. Written by the task itself
                              before it parks and after it has been woken. */
    struct sleep *sleep; /* its room for that, which the engine's task has */
};

struct task;

/* What pirn_go and its kin ask for. */
struct spawn {
    pirn_fn *fn;
    void *arg;
    size_t copy;       /* bytes at arg that the task gets a copy of; 0: it gets arg itself */
    const char *name;  /* copied; NULL: none */
    size_t stack_size; /* 0: as configured */
    bool daemon;
    pirn_waitgroup *group;
    pirn_group *team;
    const void *site;
};

/* A timer; the engine adds what it needs. */
struct timer_core;

/* What a timer is for. */
struct timer_kind {
    /* Called once when the time has come, by a thread of the engine, without locks; `clock`
     * stands for the task in calls of the contract. It may arm its own timer again, if a place is
     * set aside for it. When it returns the timer may be gone. */
    void (*fire)(struct timer_core *timer, struct task *clock);
    /* Whether anybody waits for it, so that it may still wake a task; NULL: always. */
    bool (*awaited)(struct timer_core *timer);
    /* Where it would fire in vain until that time: when it fires first from then on; else `when`.
     * A clock that jumps may leave the times between out. NULL: none is in vain. */
    int64_t (*after_vain)(const struct timer_core *timer, int64_t until);
    /* Whether each such timer has a place set aside, so that to arm it needs no memory. */
    bool reserved;
};

struct timer_core {
    const struct timer_kind *kind;
    int64_t when;
};

/* Why a run cannot go on. */
enum failure { FAILURE_MISUSE, FAILURE_PANIC };

/* What Go would panic for and we return an error for; the simulator reports it unless allowed. */
enum fault { FAULT_SEND_ON_CLOSED, FAULT_DOUBLE_CLOSE, FAULT_CLOSE_NULL };

#if PIRN_SIMULATED
#include "sim/engine_sim.h"
#else
#include "lib/threads/engine_threads.h"
#endif

/*
 * Each engine's header defines, static inline where that pays:
 *
 * struct task *engine_self(void);
 *     Who calls. Never NULL: a thread that the runtime does not know becomes known.
 *
 * void engine_begin(struct task *self, const struct place *place);
 *     A scheduling point. Others may run, and the step begins when it returns. Not within a lock.
 *
 * void engine_begin_here(struct task *self, enum op op, const struct place *place);
 *     The same, inlined, for the operations that there are most of; `op` is the place's. Who calls it switches to other
 *     contexts, and must be a CONTEXT_BOUNDARY (context.h).
 *
 * void engine_intend(struct task *self, int64_t deadline, int64_t number, const void *more,
 *                    size_t count);
 *     What the place does not say of the operation that begins next: until when it may wait, the
 *     permits or the difference that it asks for, its cases or the mutex that it gives up.
 *
 * void engine_intend_until(struct task *self, int64_t deadline);
 *     The same of one of which there is nothing else to say.
 *
 * struct task *engine_begin_quickly(void);
 *     engine_self and engine_begin in one, where that takes no call; else NULL, nothing has happened,
 *     and those are to be called. Operations that are over in a few nanoseconds try this first, so
 *     that they need no stack frame.
 *
 * void engine_end(struct task *self, int64_t result);
 *     The operation has completed with that result (as in traces/README.md).
 *
 * void engine_end_here(struct task *self, enum op op, int64_t result);
 *     The same, inlined, for those that there are most of; it was that operation.
 *
 * void engine_end_case(struct task *self, int64_t index);
 *     The same for a select: that case has run, whose channel may be gone.
 *
 * void engine_lock(waitq *queue);   void engine_unlock(waitq *queue);
 *     The short lock of an object, never held across a scheduling point.
 *
 * void engine_linger(void);
 *     System calls are going to be made, of whatever length, under locks taken from here on.
 *
 * bool engine_swap_if(_Atomic uint32_t *word, uint32_t from, uint32_t to);
 *     Sets the word to `to` if it is `from`, and returns whether it was: an atomic operation that
 *     acquires and releases, between engine_begin and engine_end.
 *
 * uint32_t engine_add(_Atomic uint32_t *word, uint32_t value);
 *     Adds to the word, modulo 2^32, likewise, and returns what it was before.
 *
 * void engine_park(struct task *self, const struct place *place, struct timer *timer, int64_t when,
 *                  void (*after)(void *), void *arg);
 *     Sleeps until engine_wake. Once the task has left its stack the timer is armed (unless NULL),
 *     then after(arg) runs, from which moment on the task may be woken: so `after` unlocks. Without
 *     `after`, `arg` is the one waitq to unlock; without either there is none. Returns in a new
 *     step of the same operation.
 *
 * void engine_wake(struct task *task);
 *     Makes a parked task runnable; exactly once for each park. `task` may run and end before it
 *     returns.
 *
 * int engine_timer_arm(struct timer *timer, int64_t when);    0, -ENOMEM; -EPERM without a runtime
 *     Never -ENOMEM for a kind that is reserved.
 * bool engine_timer_disarm(struct timer *timer);
 *     Returns whether it was armed. Afterwards its callback does not run and is not running, but
 *     for one that has armed the timer again: whoever disarms that kind says so to the callback,
 *     and disarms twice.
 * int engine_timer_reserve(void);    0, -ENOMEM
 * void engine_timer_unreserve(void);
 *     For each timer of a kind that is reserved: sets a place aside before it is armed for the first
 *     time, and gives the place back after it has been disarmed for the last.
 *
 * int engine_fd_watch(struct fd_watch *watch, struct task *self, int fd, int events,
 *                     _Atomic uint64_t *word);
 *     The task is about to wait for the events of a descriptor, under whose locks this is. `word` is
 *     the engine's to keep for the descriptor, 0 at first and after engine_fd_forget. From
 *     now to engine_fd_unwatch, fd_ready (fd.h) is called when they come, or are there already, and
 *     may be called when not. -EPERM: it cannot be waited for, or no runtime is running; -EBADF;
 *     -ENOMEM, -ENOSPC, -EMFILE, -ENFILE.
 * void engine_fd_unwatch(struct fd_watch *watch, struct task *self);    it has waited
 * int engine_fd_check(int fd);    the same errors, without a wait to come
 * void engine_fd_forget(int fd);    it will be closed, under both its locks
 * void engine_fd_changed(void);     something was done that may have made a descriptor ready
 *
 * int engine_block(struct task *self, const struct place *place, pirn_fn *fn, void *arg);
 *     Runs fn(arg) where it may block a thread, from an operation that has begun to the return of
 *     fn, and ends the operation. 0, -EAGAIN, -ENOMEM.
 *
 * int64_t engine_now(void);
 * uint64_t engine_choose(uint64_t n);    one of 0..n-1; n >= 1. A choice of the schedule.
 * uint64_t engine_random(void);
 *
 * void engine_release(struct task *self, uint64_t *mark);        this step is the mark
 * void engine_release_also(struct task *self, uint64_t *mark);   this step is added to the mark
 * void engine_acquire(struct task *self, const uint64_t *mark, enum edge_kind kind);
 *     The marked steps happen before this one.
 * void engine_number(struct task *task, uint64_t *mark);
 *     The operation that the task is in is the next of those that the mark counts: their order is part
 *     of what happened, though none happens before the other.
 * void engine_count(struct task *self, const uint64_t *mark);
 *     The operation has found that so many have come; no edge.
 * void engine_observe(struct task *self, const uint64_t *mark);
 *     The operation has found that nothing has come after the marked steps yet; no edge.
 * void engine_order(struct task *self);
 *     The step takes its place among those on its object, whose lock the caller holds. So do
 *     release and acquire: needed only where none of them is called.
 *
 * ENGINE_MARKS    1 when marks do something, so that arrays of them are worth having
 *
 * int engine_spawn(struct task *self, const struct spawn *spawn, uint64_t *id);
 *     As pirn_go; *id gets the new task's id.
 * bool engine_room(void);                 whether the limit allows one more task
 * void engine_exit(struct task *self);    ends the calling task; does not return
 *
 * void engine_object(waitq *queue, enum object_kind kind, const void *object, size_t capacity,
 *                    size_t value_size, const void *site);
 *     An object has been made, for those that need it: a channel, a timer, a context (which begins
 *     with a channel), a group. Sets queue->kind.
 * void engine_object_end(waitq *queue, const void *object);     an object is gone
 * void engine_label(const void *object, const char *label);     pirn_label names what is there
 * uint64_t engine_object_site(const waitq *queue);
 *     A number that objects have in common which were made at one place, as far as that is known;
 *     `queue` may be a copy.
 * void engine_select_case(struct task *self, enum op op, waitq *queue);
 *     A case of the select that has just begun; NULL: of a NULL channel.
 * void engine_fault(struct task *self, enum fault fault, const struct place *place);
 *     The operation that has just ended was that. Its object may be gone.
 * void engine_note(const struct place *place, const void *address, size_t size, bool writes);
 *     The task reads or writes memory.
 * void engine_touch(const void *address, size_t size, bool writes, const void *site);
 *     The library does, on behalf of the task that calls it: before the operation that it reads for
 *     begins, after the one that it writes for has ended. NULL is ignored.
 * void engine_touch_now(struct task *self, const void *address, size_t size, bool writes,
 *                       const void *site);
 *     The same within an operation, where that is known only then.
 * void engine_touch_offered(struct task *task, const void *value, size_t size);
 *     Of a task that is parked, the value that it sends is taken: what a select does on its behalf.
 * void engine_touch_case(struct task *self, int64_t index, void *value, const void *site);
 *     A value has been received by that case of the select that has just ended.
 * bool engine_dump(struct dump *dump);
 *     Adds every task to a dump (dump.h); false: no runtime is running. Any thread may call it.
 * void engine_stats(struct pirn_stats *stats);
 *     Fills in what it knows of zeroed statistics, of the run under way or else of the last one. Any
 *     thread may call it.
 * void engine_fail(struct task *self, enum failure failure, const struct place *place,
 *                  const char *message);
 *     Does not return.
 */

#endif
