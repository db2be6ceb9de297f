/*
 * shadow.h - what is remembered of each byte, and the way through it for accesses that tell nothing
 * new: most are of a task that has been there in this step.
 */
#ifndef SIM_RACE_SHADOW_H
#define SIM_RACE_SHADOW_H

#include "sim/race/race.h"

enum {
    ADDRESS_BITS = 47,
    PAGE_BITS = 10,
    REGION_BITS = 26,
    PAGES = 1 << (REGION_BITS - PAGE_BITS), /* of a region */
    REGIONS = 1 << (ADDRESS_BITS - REGION_BITS)
};

struct cell {
    struct seen write, read;
};

/* A kilobyte of memory. */
struct page {
    struct cell *cells; /* NULL: none yet */
    uint32_t run;
    uint32_t shift; /* a cell for 1 << shift bytes */
};

extern struct page **shadow_regions; /* by the highest bits of the address; NULL: not touched */
extern uint32_t shadow_quick;        /* number of the run; 0: each access is to be looked at */

static inline uintptr_t shadow_offset(uintptr_t address) {
    return address & (((uintptr_t)1 << PAGE_BITS) - 1);
}

/* Whether the task has made this access in this step already, or a stronger one. */
static inline bool shadow_knows(const struct task *self, uintptr_t address, size_t size,
                                bool writes) {
    const struct page *page;
    const struct cell *cell;
    if (UNLIKELY(!shadow_quick)) return false;
    /* An address that can be none is told by the processor in a moment. */
    page = shadow_regions[address >> REGION_BITS & (REGIONS - 1)];
    if (UNLIKELY(!page)) return false;
    page += address >> PAGE_BITS & (PAGES - 1);
    if (UNLIKELY(page->run != shadow_quick) || size != (size_t)1 << page->shift ||
        address & (size - 1))
        return false;
    cell = &page->cells[shadow_offset(address) >> page->shift];
    return cell->write.step == self->step || (!writes && cell->read.step == self->step);
}

/* A plain access of a few bytes. */
static inline void shadow_plain(uintptr_t address, size_t size, bool writes, const void *site) {
    struct task *self = race_task();
    if (!self || LIKELY(shadow_knows(self, address, size, writes))) return;
    shadow_access(self, address, size, writes ? ACCESS_WRITE : 0, site);
}

#endif
