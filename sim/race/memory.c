/*
 * memory.c - where what is remembered of the program's memory lies.
 *
 * It is address space first of all, of which a run touches little. Where runs share a process all
 * of it is reserved before the program's memory is saved: so no run maps anything, and what a run
 * has touched is cleared behind it like everything else that was empty (snapshot.h).
 */
#include <sys/mman.h>

#include "sim/race/race.h"

enum { MOST_BITS = 33, LEAST_BITS = 26, APART = 1 << 16 };

static char *reserve; /* NULL: none, or used up */
static size_t reserve_left;

/* Between pages that nobody may touch, or the kernel might make one mapping of it and another. */
void *race_map(size_t size) {
    char *memory =
        mmap(NULL, size + 2 * APART, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return NULL;
    if (mprotect(memory + APART, size, PROT_READ | PROT_WRITE) == 0) return memory + APART;
    munmap(memory, size + 2 * APART);
    return NULL;
}

void *race_reserve(size_t size) {
    void *memory = reserve;
    if (size <= reserve_left) {
        reserve += size;
        reserve_left -= size;
    } else {
        memory = race_map(size);
    }
    if (!memory) sim_stop(PIRN_LIVELOCK, "there is not enough memory to watch for races");
    return memory;
}

void race_prepare(void) {
    for (int bits = MOST_BITS; !reserve && bits >= LEAST_BITS; bits--) {
        reserve = race_map((size_t)1 << bits);
        if (reserve) reserve_left = (size_t)1 << bits;
    }
    if (reserve && clock_reserve()) shadow_start();
}

bool race_prepared(void) { return reserve != NULL; }
