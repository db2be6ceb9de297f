/* stack.c - slabs of stacks; stack.h has the idea. */
#include "lib/core/stack.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/core/sanitize.h"
#include "lib/pirn.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* BATCH: stacks that are made ready by one call of the kernel, where many are needed. */
enum { SLAB_BYTES = 16 << 20, SLAB_STACKS = 64, CANARY_WORDS = 8, BATCH = 16 };

/*
 * Stacks in a slab lie at one offset in their pages, and the processor's first cache holds only a few
 * lines of each offset. So the top of a stack is moved down, by another amount for each; there is a
 * page more for that. (Cache coloring, as slab allocators do it: J. Bonwick, 1994.)
 */
enum { COLORS = 16, COLOR_BYTES = 128 };

#define CANARY ((uintptr_t)0x7069726e73746b21)

#if HAVE_VALGRIND_VALGRIND_H
unsigned sanitize_valgrind;
__attribute__((constructor)) static void look_for_valgrind(void) {
    sanitize_valgrind = RUNNING_ON_VALGRIND;
}
#endif

struct stack_slab {
    struct stack_slab *next;
    char *start;
    size_t size, stride, count;
    size_t used;    /* stacks that have been handed out once */
    size_t guarded; /* those that have guards, ahead of that */
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

/* Gives one advice on a part of each of `count` stacks from `first` on. */
static bool advise(int self, const struct stack_slab *slab, size_t first, size_t count,
                   size_t offset, size_t size, int advice) {
    struct iovec parts[BATCH];
    for (size_t i = 0; i < count; i++)
        parts[i] = (struct iovec){slab->start + (first + i) * slab->stride + offset, size};
    return syscall(SYS_process_madvise, self, parts, count, advice, 0U) == (ssize_t)(count * size);
}

/*
 * Where stacks are needed one after the other, the next ones get their guards together, and the page
 * at their top, which spares them a fault each. A kernel that does not let a process advise itself
 * so (before Linux 6.13), or a filter of system calls, makes each stack get its guard by itself.
 */
static void make_ready(struct stack_pool *pool, struct stack_slab *slab) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), first = slab->used, count = slab->count - first;
    int self;

    if (pool->no_batches || pool->no_guards) return;
    if (count > BATCH) count = BATCH;
    self = (int)syscall(SYS_pidfd_open, getpid(), 0U);
    if (self >= 0 && advise(self, slab, first, count, 0, STACK_GUARD, MADV_GUARD_INSTALL)) {
        slab->guarded = first + count;
        advise(self, slab, first, count, slab->stride - page, page, MADV_POPULATE_WRITE);
    } else {
        pool->no_batches = true;
    }
    if (self >= 0) close(self);
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

static bool get_alone(struct stack_pool *pool, size_t size, struct stack *stack) {
    char *start = map(size + STACK_GUARD);
    if (!start) return false;
    *stack = (struct stack){start + STACK_GUARD, size, NULL, guard(start, STACK_GUARD)};
    if (!stack->guarded) place_canary(stack);
    pool->alone += size;
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

bool stack_pool_prepare(struct stack_pool *pool) {
    struct stack_slab *slab = add_slab(pool);
    if (!slab) return false;
    while (slab->guarded < slab->count &&
           guard(slab->start + slab->guarded * slab->stride, STACK_GUARD))
        slab->guarded++;
    return true;
}

bool stack_pool_has(const struct stack_pool *pool, const void *address) {
    const char *at = address;
    for (const struct stack_slab *slab = pool->slabs; slab; slab = slab->next)
        if (at >= slab->start && at < slab->start + slab->size) return true;
    return false;
}

void stack_unpromise(struct stack_pool *pool, size_t count) { pool->promised -= count; }

static void count_out(struct stack_pool *pool) {
    if (++pool->out > pool->most_out) pool->most_out = pool->out;
}

bool stack_get(struct stack_pool *pool, size_t size, struct stack *stack) {
    struct free_stack *free_stack = pool->free;
    struct stack_slab *slab = pool->filling;
    char *start;
    size_t color;

    size = size ? stack_round(size) : pool->size;
    if (size != pool->size) return get_alone(pool, size, stack);
    if (free_stack) {
        pool->free = free_stack->next;
        *stack = free_stack->stack;
        count_out(pool);
        return true;
    }
    if (!slab && !(slab = add_slab(pool))) return false;
    if (slab != pool->slabs && slab->used >= slab->guarded) make_ready(pool, slab);
    start = slab->start + slab->stride * slab->used;
    color = slab->used % COLORS * COLOR_BYTES;
    *stack = (struct stack){start + STACK_GUARD, slab->stride - STACK_GUARD - color, slab,
                            slab->used < slab->guarded ||
                                (!pool->no_guards && guard(start, STACK_GUARD))};
    if (!stack->guarded) {
        pool->no_guards = true;
        place_canary(stack);
    }
    if (++slab->used == slab->count) pool->filling = slab->next;
    count_out(pool);
    return true;
}

void stack_put(struct stack_pool *pool, struct stack *stack) {
    struct free_stack *free_stack;
    if (!stack->base) return;
    sanitize_stack_reused(stack->base, stack->size);
    if (!stack->slab) {
        munmap(stack->base - STACK_GUARD, stack->size + STACK_GUARD);
        pool->alone -= stack->size;
    } else {
        free_stack = free_at(stack);
        free_stack->stack = *stack;
        free_stack->next = pool->free;
        pool->free = free_stack;
        pool->out--;
    }
    stack->base = NULL;
}

void stack_keep_another(struct stack_pool *pool, struct stack *stack) {
    if (!stack->slab) {
        stack_put(pool, stack);
        return;
    }
    sanitize_stack_reused(stack->base, stack->size);
    pool->out--;
}

bool stack_get_another(struct stack_pool *pool, size_t size, struct stack *stack) {
    if (stack->base) {
        if (stack_round(size) == pool->size) return stack_get_again(pool, 0, stack);
        pool->out++;
        stack_put(pool, stack);
    }
    return stack_get(pool, size, stack);
}

void stack_stats(const struct stack_pool *pool, struct pirn_stats *stats) {
    stats->stack_reserved = pool->alone;
    for (const struct stack_slab *slab = pool->slabs; slab; slab = slab->next)
        stats->stack_reserved += slab->size;
    stats->stack_used = pool->out * pool->size + pool->alone;
    stats->stack_most = pool->most_out * pool->size;
}

bool stack_look_next(const struct stack_pool *pool, struct stack_look *look) {
    look->slab = look->slab ? look->slab->next : pool->slabs;
    if (!look->slab) return false;
    look->used = look->slab->used;
    look->no_guards = pool->no_guards;
    return true;
}

size_t stack_look_deepest(const struct stack_look *look) {
    const struct stack_slab *slab = look->slab;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), stride = slab->stride, deepest = 0;
    /* A canary is no use. */
    size_t lowest = STACK_GUARD + (look->no_guards ? page : 0);
    unsigned char resident[1024];

    for (size_t at = 0, end = look->used * stride; at < end; at += sizeof resident * page) {
        size_t size = end - at < sizeof resident * page ? end - at : sizeof resident * page;
        if (mincore(slab->start + at, size, resident) != 0) continue;
        for (size_t i = 0; i < size / page; i++) {
            size_t within = (at + i * page) % stride;
            if (!(resident[i] & 1) || within < lowest) continue;
            if (stride - within > deepest) deepest = stride - within;
        }
    }
    return deepest;
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
