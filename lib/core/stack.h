/*
 * stack.h - stacks for tasks: reserved, not committed, with a guard below each.
 *
 * Stacks of the usual size come from slabs, a mapping of many each. The guards are made with
 * MADV_GUARD_INSTALL (Linux 6.13), which leaves a slab one mapping; before that with mprotect,
 * which splits it, so that the kernel's limit of mappings (vm.max_map_count) is reached at some
 * 30,000 stacks. From there on stacks have no guard but a canary, which stack_overflowed looks at.
 * Used stacks are handed out again last in, first out.
 *
 * Nothing here is thread-safe; the caller has a lock.
 */
#ifndef CORE_STACK_H
#define CORE_STACK_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/core/sanitize.h"

struct stack {
    char *base;              /* lowest usable byte; NULL: none */
    size_t size;             /* usable bytes, at least what was asked for */
    struct stack_slab *slab; /* NULL: a mapping of its own */
    bool guarded;
};

struct stack_pool {
    size_t size; /* usable bytes of its stacks */
    struct stack_slab *slabs, *last_slab;
    struct stack_slab *filling; /* the first that has stacks which were never handed out */
    void *free;                 /* linked through the top of each stack */
    size_t mapped, promised;    /* stacks of the usual size */
    size_t hoarded;             /* free stacks that others than the pool may hold at most */
    size_t out, most_out;       /* stacks of that size handed out: now, and at most at once */
    size_t alone;               /* bytes of stacks of other sizes, which are handed out too */
    bool no_guards;             /* the kernel has refused one: no use asking for each stack */
    bool no_batches;            /* nor for several stacks at once */
};

/* Sizes are rounded up to whole pages, and at least this. A guard is large so that few frames
 * can step over it. */
enum { STACK_LEAST = 16384, STACK_GUARD = 16384 };

size_t stack_round(size_t size);

void stack_pool_init(struct stack_pool *pool, size_t size);

/* Gets a stack of the pool's size, or of another, larger or smaller. Returns false when memory
 * is short. */
bool stack_get(struct stack_pool *pool, size_t size, struct stack *stack);
void stack_put(struct stack_pool *pool, struct stack *stack);

/*
 * The same for who uses stacks one after the other: one of the pool's size is kept in `stack`, and
 * counts as given back. At first there is none in it.
 */
void stack_keep_another(struct stack_pool *pool, struct stack *stack);
static inline void stack_keep(struct stack_pool *pool, struct stack *stack) {
    if (PIRN_SANITIZED || !stack->slab)
        stack_keep_another(pool, stack);
    else
        pool->out--;
}
bool stack_get_another(struct stack_pool *pool, size_t size, struct stack *stack);
static inline bool stack_get_again(struct stack_pool *pool, size_t size, struct stack *stack) {
    if (size || !stack->base) return stack_get_another(pool, size, stack);
    if (++pool->out > pool->most_out) pool->most_out = pool->out;
    return true;
}

/*
 * Maps what is needed so that stack_get of the usual size succeeds for `count` more stacks than have
 * been promised, though `hoarded` lie about elsewhere: a task may then be promised its stack when it
 * is made, and get it when it begins. Returns false when memory is short. A count that is given
 * back may be promised again.
 */
bool stack_promise(struct stack_pool *pool, size_t count);
void stack_unpromise(struct stack_pool *pool, size_t count);

/*
 * Maps the first slab of a pool that has none, with all its guards, so that handing out as many
 * stacks asks nothing of the kernel. Returns false when memory is short.
 */
bool stack_pool_prepare(struct stack_pool *pool);

/* Whether the address lies in one of the pool's slabs. */
bool stack_pool_has(const struct stack_pool *pool, const void *address);

/* Gives all memory back. No stack is in use. */
void stack_pool_end(struct stack_pool *pool);

struct pirn_stats;

/* Fills in what statistics say of stacks, but for the deepest use. */
void stack_stats(const struct stack_pool *pool, struct pirn_stats *stats);

/* For a look at how deep stacks have been used: starts as zeroes, and goes from slab to slab. */
struct stack_look {
    struct stack_slab *slab;
    size_t used;
    bool no_guards;
};
/* The next slab; false: that was the last. Only this needs the lock, the slabs stay. */
bool stack_look_next(const struct stack_pool *pool, struct stack_look *look);
/* The most bytes that have been used of one of its stacks, in whole pages, as far as they are in
 * memory. */
size_t stack_look_deepest(const struct stack_look *look);

/* Whether the address lies in the guard of this stack, or just below it. */
bool stack_in_guard(const struct stack *stack, const void *address);

/* Whether a stack without guard has been overrun. */
bool stack_overflowed(const struct stack *stack);

#endif
