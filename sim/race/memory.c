/*
 * memory.c - where what is remembered of the program's memory lies.
 *
 * It is address space first of all, of which a run touches little, and nothing of it is ever given
 * back. Where runs share a process all of it is reserved before the program's memory is saved, as
 * shared memory, which is not put back between them (kept.h, snapshot.h).
 */
#include <string.h>
#include <sys/mman.h>

#include "sim/outside.h"
#include "sim/race/kept.h"
#include "sim/race/race.h"

enum { MOST_BITS = 37, LEAST_BITS = 26, APART = 1 << 16, CHUNK = 1 << 20, ALIGNED = 64 };

struct race_kept race_kept;

static bool prepared;

/* Between pages that nobody may touch, or the kernel might make one mapping of it and another. */
static void *map(size_t size, int kind) {
    char *memory =
        mmap(NULL, size + 2 * APART, PROT_NONE, kind | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return NULL;
    if (mprotect(memory + APART, size, PROT_READ | PROT_WRITE) == 0) return memory + APART;
    munmap(memory, size + 2 * APART);
    return NULL;
}

void *race_map(size_t size) { return map(size, prepared ? MAP_SHARED : MAP_PRIVATE); }

void *race_reserve(size_t size) {
    void *memory;
    size = (size + ALIGNED - 1) / ALIGNED * ALIGNED;
    if (size > race_kept.left) {
        /* What is mapped in a run goes with it, and so must the process. */
        if (prepared) outside_note(OUTSIDE_WATCHED);
        if (size >= CHUNK / 4) {
            memory = map(size, MAP_PRIVATE);
            if (!memory) race_no_memory();
            return memory;
        }
        race_kept.next = map(CHUNK, MAP_PRIVATE);
        race_kept.left = race_kept.next ? CHUNK : 0;
        if (!race_kept.next) race_no_memory();
    }
    memory = race_kept.next;
    race_kept.next += size;
    race_kept.left -= size;
    return memory;
}

void *race_grow(void *array, size_t old_size, size_t size) {
    char *bigger = race_reserve(size);
    if (old_size) memcpy(bigger, array, old_size);
    return bigger;
}

_Noreturn void race_no_memory(void) {
    sim_stop(PIRN_LIVELOCK, "there is not enough memory to watch for races");
}

/* Puts shared memory with the same contents in the place of what is kept. */
static bool share_kept(void) {
    char *here = (char *)&race_kept, *there = mmap(NULL, sizeof race_kept, PROT_READ | PROT_WRITE,
                                                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (there == MAP_FAILED) return false;
    /* Most are zeroes, and are so there. */
    for (size_t i = 0; i < sizeof race_kept; i += RACE_PAGE)
        if (here[i] || memcmp(here + i, here + i + 1, RACE_PAGE - 1) != 0)
            memcpy(there + i, here + i, RACE_PAGE);
    if (mremap(there, sizeof race_kept, sizeof race_kept, MREMAP_MAYMOVE | MREMAP_FIXED, here) ==
        here)
        return true;
    munmap(there, sizeof race_kept);
    return false;
}

void race_prepare(void) {
    void *memory = NULL;
    size_t size = 0;
    if (prepared || !share_kept()) return;
    prepared = true;
    for (int bits = MOST_BITS; !memory && bits >= LEAST_BITS; bits--)
        memory = race_map(size = (size_t)1 << bits);
    if (memory) {
        race_kept.next = memory;
        race_kept.left = size;
    }
    clock_reserve();
}

bool race_prepared(void) { return prepared; }
