/*
 * heap.c - the heap of programs compiled with `pirn cc`, which calls these instead of malloc and
 * its kin (ld's --wrap).
 *
 * Of each block is known how large it is, and who has allocated it where. What is freed in a run is
 * kept until the run is over, or too much has been kept, so that whoever still uses it is found.
 */
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sim/race/libc.h"
#include "sim/race/race.h"

struct block {
    struct heap_block of;
    uint32_t epoch;  /* of the run in which it was allocated or freed */
    bool freed;      /* and kept */
    struct seen end; /* where it was freed */
};

static struct block *blocks; /* open addressing, by start; 0: free, 1: removed */
static size_t block_room, block_count;

struct kept {
    void *start;
    size_t size;
};
static struct kept *kept; /* a ring */
static size_t kept_room, kept_first, kept_count, kept_bytes;
enum { MOST_KEPT = 64 << 20 };

/* ---- Blocks -------------------------------------------------------------------------------- */

enum { REMOVED = 1 };

static size_t slot_of(uintptr_t start) {
    size_t slot = (size_t)(start * 0x9e3779b97f4a7c15u >> 28) & (block_room - 1);
    while (blocks[slot].of.start && blocks[slot].of.start != start)
        slot = (slot + 1) & (block_room - 1);
    return slot;
}

static struct block *block_at(uintptr_t start) {
    struct block *block = block_room ? &blocks[slot_of(start)] : NULL;
    return block && block->of.start ? block : NULL;
}

static bool make_room(void) {
    size_t room = block_room, old_room = block_room, live = 0;
    struct block *old = blocks;
    if (2 * (block_count + 1) <= block_room) return true;
    for (size_t i = 0; i < old_room; i++) live += old[i].of.start > REMOVED;
    if (!room) room = 256;
    while (4 * (live + 1) > room) room *= 2;
    if (!(blocks = calloc(room, sizeof *blocks))) {
        blocks = old;
        return false;
    }
    block_room = room;
    block_count = live;
    for (size_t i = 0; i < old_room; i++)
        if (old[i].of.start > REMOVED) blocks[slot_of(old[i].of.start)] = old[i];
    free(old);
    return true;
}

/* Without memory a block stays unknown. */
static struct block *block_add(uintptr_t start) {
    struct block *block;
    if (!make_room()) return NULL;
    block = &blocks[slot_of(start)];
    if (!block->of.start) block_count++;
    memset(block, 0, sizeof *block);
    block->of.start = start;
    block->epoch = sim.epoch;
    return block;
}

static void block_remove(uintptr_t start) {
    struct block *block = block_at(start);
    if (block) *block = (struct block){.of.start = REMOVED};
}

const struct heap_block *heap_find(uintptr_t address) {
    static struct heap_block found;
    for (size_t i = 0; i < block_room; i++) {
        const struct block *block = &blocks[i];
        if (block->of.start <= REMOVED || address < block->of.start ||
            address - block->of.start >= (block->of.size ? block->of.size : 1))
            continue;
        found = block->of;
        if (block->epoch != sim.epoch) found.task = found.place = 0;
        return &found;
    }
    return NULL;
}

/* ---- What was freed ------------------------------------------------------------------------ */

static void release_oldest(void) {
    struct kept oldest = kept[kept_first];
    kept_first = (kept_first + 1) % kept_room;
    kept_count--;
    kept_bytes -= oldest.size;
    block_remove((uintptr_t)oldest.start);
    shadow_clear((uintptr_t)oldest.start, oldest.size);
    free(oldest.start);
}

static bool keep(void *start, size_t size) {
    if (kept_count == kept_room) {
        size_t room = kept_room ? 2 * kept_room : 256;
        struct kept *bigger = malloc(room * sizeof *bigger);
        if (!bigger) return false;
        for (size_t i = 0; i < kept_count; i++) bigger[i] = kept[(kept_first + i) % kept_room];
        free(kept);
        kept = bigger;
        kept_room = room;
        kept_first = 0;
    }
    kept[(kept_first + kept_count++) % kept_room] = (struct kept){start, size};
    kept_bytes += size;
    while (kept_bytes > MOST_KEPT && kept_count > 1) release_oldest();
    return true;
}

void heap_start(void) {
    while (kept_count) release_oldest();
}

/* ---- Allocating ---------------------------------------------------------------------------- */

void *heap_got(void *start, size_t size, const void *site) {
    struct task *self = race_task();
    struct block *block;
    if (!start) return NULL;
    /* In another thread, or while nothing is watched, it is none of ours. */
    if (!self || !race_live) {
        if (race_thread && block_at((uintptr_t)start)) block_remove((uintptr_t)start);
        return start;
    }
    shadow_clear((uintptr_t)start, size);
    if (!(block = block_add((uintptr_t)start))) return start;
    block->of.size = size;
    block->of.task = (uint32_t)self->core.id;
    block->of.place = calls_place(self, site, 0, size);
    return start;
}

static void heap_free(void *start, const void *site) {
    struct task *self = race_task();
    struct block *block;
    size_t size;
    struct seen now;

    if (!start) return;
    if (!self || !race_live) {
        if (race_thread) block_remove((uintptr_t)start);
        free(start);
        return;
    }
    block = block_at((uintptr_t)start);
    if (block && block->freed) {
        now = (struct seen){self->step,
                            calls_place(self, site, ACCESS_WRITE | ACCESS_FREE, block->of.size)};
        race_misuse(self, (uintptr_t)start, block->end, now);
    }
    size = block && block->of.size ? block->of.size : malloc_usable_size(start);
    shadow_access(self, (uintptr_t)start, size, ACCESS_WRITE | ACCESS_FREE, site);
    /* It was, possibly, a scheduling point. */
    if (!(block = block_at((uintptr_t)start))) block = block_add((uintptr_t)start);
    if (block) {
        block->of.size = size;
        block->freed = true;
        block->epoch = sim.epoch;
        block->end =
            (struct seen){self->step, calls_place(self, site, ACCESS_WRITE | ACCESS_FREE, size)};
    }
    if (block && keep(start, size)) return;
    block_remove((uintptr_t)start);
    shadow_clear((uintptr_t)start, size);
    free(start);
}

EXPORT void *__wrap_malloc(size_t size) { return heap_got(malloc(size), size, CALLER()); }

EXPORT void *__wrap_calloc(size_t count, size_t size) {
    void *start = heap_got(calloc(count, size), count * size, CALLER());
    if (start) libc_writes(start, count * size, CALLER());
    return start;
}

EXPORT void __wrap_free(void *start) { heap_free(start, CALLER()); }

static void *reallocate(void *old, size_t size, const void *site) {
    struct task *self = race_task();
    const struct block *block;
    size_t kept_size;
    void *new;
    if (!old) return heap_got(malloc(size), size, site);
    if (!self || !race_live) {
        if (race_thread) block_remove((uintptr_t)old);
        return realloc(old, size);
    }
    if (!size) {
        heap_free(old, site);
        return NULL;
    }
    block = block_at((uintptr_t)old);
    kept_size = block && block->of.size ? block->of.size : malloc_usable_size(old);
    if (kept_size > size) kept_size = size;
    if (!(new = heap_got(malloc(size), size, site))) return NULL;
    libc_reads(old, kept_size, site);
    memcpy(new, old, kept_size);
    libc_writes(new, kept_size, site);
    heap_free(old, site);
    return new;
}

EXPORT void *__wrap_realloc(void *old, size_t size) { return reallocate(old, size, CALLER()); }

EXPORT void *__wrap_reallocarray(void *old, size_t count, size_t size) {
    size_t all;
    if (!__builtin_mul_overflow(count, size, &all)) return reallocate(old, all, CALLER());
    errno = ENOMEM;
    return NULL;
}

EXPORT void *__wrap_aligned_alloc(size_t alignment, size_t size) {
    return heap_got(aligned_alloc(alignment, size), size, CALLER());
}

EXPORT void *__wrap_memalign(size_t alignment, size_t size) {
    return heap_got(memalign(alignment, size), size, CALLER());
}

EXPORT int __wrap_posix_memalign(void **start, size_t alignment, size_t size) {
    int rc = posix_memalign(start, alignment, size);
    if (rc == 0) heap_got(*start, size, CALLER());
    return rc;
}

EXPORT char *__wrap_strdup(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy;
    libc_reads(text, size, CALLER());
    copy = heap_got(strdup(text), size, CALLER());
    if (copy) libc_writes(copy, size, CALLER());
    return copy;
}

EXPORT char *__wrap_strndup(const char *text, size_t most) {
    size_t length = strnlen(text, most);
    char *copy;
    libc_reads(text, length < most ? length + 1 : most, CALLER());
    copy = heap_got(strndup(text, most), length + 1, CALLER());
    if (copy) libc_writes(copy, length + 1, CALLER());
    return copy;
}

EXPORT int __wrap_vasprintf(char **text, const char *format, va_list arguments) {
    int length = vasprintf(text, format, arguments);
    if (length >= 0 && heap_got(*text, (size_t)length + 1, CALLER()))
        libc_writes(*text, (size_t)length + 1, CALLER());
    return length;
}

EXPORT int __wrap_asprintf(char **text, const char *format, ...) {
    va_list arguments;
    int length;
    va_start(arguments, format);
    length = vasprintf(text, format, arguments);
    va_end(arguments);
    if (length >= 0 && heap_got(*text, (size_t)length + 1, CALLER()))
        libc_writes(*text, (size_t)length + 1, CALLER());
    return length;
}

/* Memory that is mapped anew has no past. */
EXPORT void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd,
                         off_t offset) {
    void *start = mmap(address, size, protection, flags, fd, offset);
    if (start != MAP_FAILED && race_task()) shadow_clear((uintptr_t)start, size);
    return start;
}
