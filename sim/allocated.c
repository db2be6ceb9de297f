/* allocated.c - see allocated.h. */
#include "sim/allocated.h"

#include <stdlib.h>
#include <string.h>

/* The blocks of a run, by address; no two overlap. Those freed stay until others take their place.
 * Where there is no memory for one it has no name. */
static struct block {
    uintptr_t start;
    size_t size;
    uint64_t name;
} * blocks;
static size_t block_room, block_count;

/* How often each task has allocated at each call: open addressing. */
static struct call {
    uint64_t key;
    uint32_t epoch; /* of the run; else it is free */
    uint32_t count;
} * calls;
static size_t call_room, call_count;

static uint32_t epoch;

static void begin_run(void) {
    if (epoch == sim.epoch) return;
    epoch = sim.epoch;
    block_count = call_count = 0;
}

static struct call *call_at(uint64_t key) {
    size_t at = (size_t)key & (call_room - 1);
    while (calls[at].epoch == epoch && calls[at].key != key) at = (at + 1) & (call_room - 1);
    return &calls[at];
}

static bool make_room_for_calls(void) {
    struct call *old = calls;
    size_t old_room = call_room;
    if (2 * (call_count + 1) <= call_room) return true;
    call_room = call_room ? 2 * call_room : 64;
    if (!(calls = calloc(call_room, sizeof *calls))) {
        calls = old;
        call_room = old_room;
        return false;
    }
    for (size_t i = 0; i < old_room; i++)
        if (old[i].epoch == epoch) *call_at(old[i].key) = old[i];
    free(old);
    return true;
}

/* 0: there is no memory. */
static uint64_t next_name(const void *site) {
    uint64_t key = mix(sim.current->identity, (uintptr_t)site);
    struct call *call;
    if (!make_room_for_calls()) return 0;
    call = call_at(key);
    if (call->epoch != epoch) {
        *call = (struct call){key, epoch, 0};
        call_count++;
    }
    return mix(key, ++call->count);
}

/* The first block that ends after the address. */
static size_t first_after(uintptr_t address) {
    size_t from = 0, to = block_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (blocks[middle].start + blocks[middle].size <= address)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* Makes `room` places at an index, in the place of `old` blocks. */
static bool make_room(size_t at, size_t old) {
    if (block_count == block_room) {
        size_t room = block_room ? 2 * block_room : 64;
        struct block *bigger = realloc(blocks, room * sizeof *bigger);
        if (!bigger) return false;
        blocks = bigger;
        block_room = room;
    }
    memmove(&blocks[at + 1], &blocks[at + old], (block_count - at - old) * sizeof *blocks);
    block_count += 1 - old;
    return true;
}

void allocated_note(const void *start, size_t size, const void *site) {
    static bool noting; /* what follows allocates, too */
    struct block block = {(uintptr_t)start, size ? size : 1, 0};
    size_t at, old = 0;
    if (noting || !sim.strategy->next) return;
    noting = true;
    begin_run();
    block.name = next_name(site);
    at = first_after(block.start);
    while (at + old < block_count && blocks[at + old].start < block.start + block.size) old++;
    if (make_room(at, old)) blocks[at] = block;
    noting = false;
}

bool allocated_name(const void *address, uint64_t *name) {
    size_t at;
    const struct block *block;
    begin_run();
    at = first_after((uintptr_t)address);
    block = &blocks[at];
    if (at == block_count || block->start > (uintptr_t)address || !block->name) return false;
    *name = mix(block->name, (uintptr_t)address - block->start);
    return true;
}

void allocated_release(void) {
    free(blocks);
    free(calls);
    blocks = NULL;
    calls = NULL;
    block_room = block_count = call_room = call_count = 0;
}
