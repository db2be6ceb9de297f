/* stack.c - slabs of stacks; stack.h has the idea. */
#include "lib/core/stack.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/core/sanitize.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum { SLAB_BYTES = 16 << 20, SLAB_STACKS = 64, CANARY_WORDS = 8 };

/*
 * Stacks in a slab lie at one offset in their pages, and the processor's first cache holds only a few
 * lines of each offset. So the top of a stack is moved down, by another amount for each; there is a
 * page more for that. (Cache coloring, as slab allocators do it: J. Bonwick, 1994.)
 */
enum { COLORS = 16, COLOR_BYTES = 128 };

#define CANARY ((uintptr_t)0x7069726e73746b21)

struct stack_slab {
    struct stack_slab *next;
    char *start;
    size_t size, stride, used, count; /* used: stacks that have been handed out once */
};

/* What a free stack keeps at its top, which has been touched already. */
struct free_stack {
    struct free_stack *next;
    struct stack stack;
};

static struct free_stack *free_at(const struct stack *stack) {
    return (struct free_stack *)(void *)(stack->base + stack->size - sizeof(struct free_stack));
}

size_t stack_round(size_t size) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (size < STACK_LEAST) size = STACK_LEAST;
    if (size > SIZE_MAX / 4) return SIZE_MAX / 4 / page * page;
    return (size + page - 1) / page * page;
}

void stack_pool_init(struct stack_pool *pool, size_t size) {
    memset(pool, 0, sizeof *pool);
    pool->size = stack_round(size);
}

static void *map(size_t size) {
    void *start = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    return start == MAP_FAILED ? NULL : start;
}

/* Makes the bytes inaccessible if the kernel lets us. */
static bool guard(char *start, size_t size) {
    static bool no_light_guards;
    if (!no_light_guards) {
        if (madvise(start, size, MADV_GUARD_INSTALL) == 0) return true;
        no_light_guards = true;
    }
    return mprotect(start, size, PROT_NONE) == 0;
}

static void place_canary(const struct stack *stack) {
    uintptr_t *word = (uintptr_t *)(void *)stack->base;
    for (int i = 0; i < CANARY_WORDS; i++) word[i] = CANARY;
}

bool stack_overflowed(const struct stack *stack) {
    const uintptr_t *word = (const uintptr_t *)(const void *)stack->base;
    if (stack->guarded) return false;
    for (int i = 0; i < CANARY_WORDS; i++)
        if (word[i] != CANARY) return true;
    return false;
}

bool stack_in_guard(const struct stack *stack, const void *address) {
    const char *at = address;
    return stack->base && at < stack->base && at >= stack->base - STACK_GUARD;
}

static bool get_alone(size_t size, struct stack *stack) {
    char *start = map(size + STACK_GUARD);
    if (!start) return false;
    *stack = (struct stack){start + STACK_GUARD, size, NULL, guard(start, STACK_GUARD)};
    if (!stack->guarded) place_canary(stack);
    return true;
}

static struct stack_slab *add_slab(struct stack_pool *pool) {
    struct stack_slab *slab = calloc(1, sizeof *slab);
    if (!slab) return NULL;
    slab->stride = pool->size + COLORS * COLOR_BYTES + STACK_GUARD;
    slab->stride = stack_round(slab->stride);
    slab->count = SLAB_BYTES / slab->stride;
    if (slab->count < 1) slab->count = 1;
    if (slab->count > SLAB_STACKS) slab->count = SLAB_STACKS;
    slab->size = slab->stride * slab->count;
    slab->start = map(slab->size);
    if (!slab->start) {
        free(slab);
        return NULL;
    }
    if (pool->last_slab)
        pool->last_slab->next = slab;
    else
        pool->slabs = slab;
    pool->last_slab = slab;
    if (!pool->filling) pool->filling = slab;
    pool->mapped += slab->count;
    return slab;
}

bool stack_promise(struct stack_pool *pool, size_t count) {
    while (pool->mapped < pool->promised + pool->hoarded + count)
        if (!add_slab(pool)) return false;
    pool->promised += count;
    return true;
}

void stack_unpromise(struct stack_pool *pool, size_t count) { pool->promised -= count; }

bool stack_get(struct stack_pool *pool, size_t size, struct stack *stack) {
    struct free_stack *free_stack = pool->free;
    struct stack_slab *slab = pool->filling;
    char *start;
    size_t color;

    size = size ? stack_round(size) : pool->size;
    if (size != pool->size) return get_alone(size, stack);
    if (free_stack) {
        pool->free = free_stack->next;
        *stack = free_stack->stack;
        return true;
    }
    if (!slab && !(slab = add_slab(pool))) return false;
    start = slab->start + slab->stride * slab->used;
    color = slab->used % COLORS * COLOR_BYTES;
    *stack = (struct stack){start + STACK_GUARD, slab->stride - STACK_GUARD - color, slab,
                            !pool->no_guards && guard(start, STACK_GUARD)};
    if (!stack->guarded) {
        pool->no_guards = true;
        place_canary(stack);
    }
    if (++slab->used == slab->count) pool->filling = slab->next;
    return true;
}

void stack_put(struct stack_pool *pool, struct stack *stack) {
    struct free_stack *free_stack;
    if (!stack->base) return;
    sanitize_stack_reused(stack->base, stack->size);
    if (!stack->slab) {
        munmap(stack->base - STACK_GUARD, stack->size + STACK_GUARD);
    } else {
        free_stack = free_at(stack);
        free_stack->stack = *stack;
        free_stack->next = pool->free;
        pool->free = free_stack;
    }
    stack->base = NULL;
}

void stack_pool_end(struct stack_pool *pool) {
    struct stack_slab *slab, *next;
    for (slab = pool->slabs; slab; slab = next) {
        next = slab->next;
        munmap(slab->start, slab->size);
        free(slab);
    }
    stack_pool_init(pool, pool->size);
}
