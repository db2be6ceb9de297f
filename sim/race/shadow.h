/*
 * shadow.h - what is remembered of each byte, and the way through it for accesses that tell nothing
 * new: most are of a task that has been there in this step.
 *
 * That way is stamps, a byte for each byte of memory. A step in which memory is looked at has a
 * stamp of its own (shadow_stamp in step.h); the bytes that it has read or written bear it. So an access of N bytes has been
 * made already if the N stamps of its bytes are those of now, which is one comparison, and nobody
 * need be asked who and where. What is not so is looked at.
 */
#ifndef SIM_RACE_SHADOW_H
#define SIM_RACE_SHADOW_H

#include <string.h>

#include "sim/race/kept.h"
#include "sim/race/race.h"

enum {
    PAGE_BITS = 10,
    PAGES = 1 << (REGION_BITS - PAGE_BITS) /* of a region */
};

struct cell {
    struct seen write, read;
};

/* A kilobyte of memory. */
struct page {
    struct cell *cells; /* NULL: none yet */
    uint32_t run;
    uint32_t shift;   /* a cell for 1 << shift bytes */
    uint32_t stamped; /* the round in which stamps were put on it last */
};

/* The longest access that is one comparison, and so what may be looked at beyond a region. */
enum { WIDEST = 8 };

struct region {
    unsigned char stamps[(1 << REGION_BITS) + WIDEST];
    struct page pages[PAGES];
};

/* An address that can be none is told by the processor in a moment. */
static inline struct region *shadow_region(uintptr_t address) {
    return race_kept.regions[address << (64 - ADDRESS_BITS) >> (64 - ADDRESS_BITS + REGION_BITS)];
}

static inline uintptr_t shadow_within(uintptr_t address, unsigned bits) {
    return address & (((uintptr_t)1 << bits) - 1);
}

/* Whether the current task has made this access in this step already, or a stronger one: 1, 2, 4 or
 * 8 bytes. */
static inline bool shadow_knows(uintptr_t address, size_t size, bool writes) {
    const struct region *region = shadow_region(address);
    uint64_t stamps = 0, written = shadow_stamp, reads = SHADOW_ALL(1);
    if (UNLIKELY(!region)) return false;
    memcpy(&stamps, region->stamps + shadow_within(address, REGION_BITS), size);
    if (size < sizeof stamps) {
        written &= (UINT64_C(1) << 8 * size) - 1;
        reads &= (UINT64_C(1) << 8 * size) - 1;
    }
    return (writes ? stamps : stamps | reads) == written;
}

/* The same of 16 bytes, too. */
static inline bool shadow_knows_plain(uintptr_t address, size_t size, bool writes) {
    return shadow_knows(address, size < WIDEST ? size : WIDEST, writes) &&
           (size <= WIDEST || shadow_knows(address + WIDEST, WIDEST, writes));
}

/* A plain access by whoever calls that is not known to be nothing new. */
void shadow_missed(uintptr_t address, size_t size, bool writes, const void *site);

#endif
