/*
 * shadow.c - what has been done to each byte, as far as it may still race with what comes.
 *
 * Memory is watched in pages of 1 KiB. A page has a cell for every 8, 4 or 1 bytes, as coarse as
 * the accesses to it allow; the finest that was ever needed is kept for later runs. Nothing is put
 * back between runs: a page that was not touched in this run has another number of it, and is
 * cleared when it is.
 *
 * The stamps of shadow.h last for a round, until all their values have been used; then those that
 * the round has left are taken away.
 *
 * A cell has the last plain write and the last plain read. More than that is in a list: reads that
 * are not ordered, and atomic accesses, the last of each kind and task. A plain write empties it:
 * what races with anything before it races with the write.
 */
#include <string.h>
#include <sys/mman.h>

#include "sim/race/atomics.h"
#include "sim/race/race.h"
#include "sim/race/shadow.h"

/* In place of the step of a read: read.place is the first of a list. */
#define LISTED UINT32_MAX
/* With the step of a write: it was a free. */
#define FREED ((uint32_t)1 << 31)

struct item {
    struct seen seen;
    uint32_t task;
    uint32_t how;
    uint32_t next; /* 0: none */
};

uint64_t shadow_stamp = STAMP_NONE;
static struct race_kept *const kept = &race_kept;

void shadow_start(void) {
    kept->item_count = 0;
    shadow_step();
}

/* ---- Cells of a page ----------------------------------------------------------------------- */

/* Cells of pages that follow each other lie apart by no power of two, or those of a column of a
 * matrix would all compete for the same few lines of cache. */
enum { FIRST_CHUNK = 1 << 22, CHUNK = 1 << 25, APART = 64 };

/* Linked through their beginnings. */
union spare {
    union spare *next;
    struct cell first;
};

/* A program that has filled the first one goes far and wide: with large pages, if the kernel has
 * any, it waits for memory less often. */
static void next_chunk(void) {
    size_t size = kept->chunk ? CHUNK : FIRST_CHUNK;
    char *chunk = race_reserve(size);
    if (size == CHUNK && !race_prepared()) madvise(chunk, size, MADV_HUGEPAGE);
    kept->chunk = chunk;
    kept->chunk_left = size;
}

static size_t cells_in_page(uint32_t shift) { return (size_t)1 << (PAGE_BITS - shift); }

static struct cell *cells_get(uint32_t shift) {
    size_t size = cells_in_page(shift) * sizeof(struct cell) + APART;
    union spare *found = kept->spare[shift];
    struct cell *cells;
    if (found) {
        kept->spare[shift] = found->next;
        return &found->first;
    }
    if (kept->chunk_left < size) next_chunk();
    cells = (struct cell *)(void *)kept->chunk;
    kept->chunk += size;
    kept->chunk_left -= size;
    return cells;
}

static void cells_put(struct cell *cells, uint32_t shift) {
    union spare *put = (union spare *)(void *)cells;
    put->next = kept->spare[shift];
    kept->spare[shift] = put;
}

/* ---- Lists --------------------------------------------------------------------------------- */

static uint32_t item_new(struct item item) {
    if (UNLIKELY(kept->item_count + 1 >= kept->item_room)) {
        uint32_t room = kept->item_room ? 2 * kept->item_room : 64;
        kept->items = race_grow(kept->items, kept->item_room * sizeof item, room * sizeof item);
        kept->item_room = room;
    }
    kept->items[++kept->item_count] = item;
    return kept->item_count;
}

static uint32_t copy_list(uint32_t first) {
    uint32_t copy = 0;
    for (; first; first = kept->items[first].next) {
        struct item item = kept->items[first];
        item.next = copy;
        copy = item_new(item);
    }
    return copy;
}

static uint32_t task_in(uint32_t step) { return sim.log->events[step - 1].task; }

/* Adds to the list, in place of what the task did before in the same way. */
static void list_add(struct cell *cell, uint32_t task, struct seen seen, unsigned how) {
    uint32_t i;
    if (cell->read.step != LISTED) {
        struct seen read = cell->read;
        cell->read = (struct seen){LISTED, 0};
        if (read.step) cell->read.place = item_new((struct item){read, task_in(read.step), 0, 0});
    }
    for (i = cell->read.place; i; i = kept->items[i].next) {
        if (kept->items[i].task != task || kept->items[i].how != how) continue;
        kept->items[i].seen = seen;
        return;
    }
    i = item_new((struct item){seen, task, how, cell->read.place});
    cell->read.place = i;
}

/* ---- Pages --------------------------------------------------------------------------------- */

static __attribute__((noinline)) void region_make(uintptr_t address) {
    kept->regions[address >> REGION_BITS] = race_reserve(sizeof(struct region));
}

static struct page *page_in(struct region *region, uintptr_t address) {
    return &region->pages[shadow_within(address, REGION_BITS) >> PAGE_BITS];
}

static uintptr_t page_end(uintptr_t address) {
    return (address | (((uintptr_t)1 << PAGE_BITS) - 1)) + 1;
}

/* The coarsest cells that have no border inside the range. */
static uint32_t shift_for(uintptr_t start, uintptr_t end) {
    uintptr_t both = start | end;
    return both & 3 ? 0 : both & 7 ? 2 : COARSE;
}

static void page_split(struct page *page, uint32_t shift) {
    struct cell *fine = cells_get(shift);
    size_t each = (size_t)1 << (page->shift - shift), count = cells_in_page(page->shift);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < each; j++) {
            struct cell *cell = &fine[i * each + j];
            *cell = page->cells[i];
            if (j && cell->read.step == LISTED) cell->read.place = copy_list(cell->read.place);
        }
    }
    cells_put(page->cells, page->shift);
    page->cells = fine;
    page->shift = shift;
}

/* The page as of this run, with cells that are fine enough for a range in it. */
static struct page *page_get(uintptr_t start, uintptr_t end) {
    struct page *page = page_in(shadow_region(start), start);
    uint32_t shift = shift_for(start, end);
    if (page->run != kept->run) {
        if (page->cells && page->shift > shift) {
            cells_put(page->cells, page->shift);
            page->cells = NULL;
        }
        if (!page->cells) {
            page->cells = cells_get(shift);
            page->shift = shift;
        }
        memset(page->cells, 0, cells_in_page(page->shift) * sizeof(struct cell));
        page->run = kept->run;
    } else if (page->shift > shift) {
        page_split(page, shift);
    }
    return page;
}

/* ---- Stamps -------------------------------------------------------------------------------- */

/* Written, so odd; the least is above STAMP_NONE. */
enum { LEAST_STAMP = 5, MOST_STAMP = UINT8_MAX };

static void begin_round(void) {
    for (size_t i = 0; i < kept->stamped_count; i++)
        memset(shadow_region(kept->stamped[i])->stamps +
                   shadow_within(kept->stamped[i], REGION_BITS),
               0, 1 << PAGE_BITS);
    kept->stamped_count = 0;
    if (!++kept->round_number) kept->round_number++;
}

static __attribute__((noinline)) void new_stamp(void) {
    if (kept->stamp < LEAST_STAMP || kept->stamp == MOST_STAMP) {
        begin_round();
        kept->stamp = LEAST_STAMP;
    } else {
        kept->stamp += 2;
    }
    shadow_stamp = SHADOW_ALL(kept->stamp);
}

static __attribute__((noinline)) void note_stamped(struct page *page, uintptr_t address) {
    if (kept->stamped_count == kept->stamped_room) {
        size_t room = kept->stamped_room ? 2 * kept->stamped_room : 64;
        kept->stamped = race_grow(kept->stamped, kept->stamped_room * sizeof *kept->stamped,
                                  room * sizeof *kept->stamped);
        kept->stamped_room = room;
    }
    kept->stamped[kept->stamped_count++] = address >> PAGE_BITS << PAGE_BITS;
    page->stamped = kept->round_number;
}

/* Bytes of one page have been read or written in this step. */
static void put_stamps(struct page *page, uintptr_t address, size_t size, bool writes) {
    unsigned char *at = shadow_region(address)->stamps + shadow_within(address, REGION_BITS);
    uint64_t all;
    if (points_any) return;
    if (UNLIKELY(shadow_stamp == STAMP_NONE)) new_stamp();
    if (UNLIKELY(page->stamped != kept->round_number)) note_stamped(page, address);
    all = writes ? shadow_stamp : shadow_stamp - SHADOW_ALL(1);
    if (LIKELY(size == sizeof all))
        memcpy(at, &all, sizeof all);
    else if (size == sizeof all / 2)
        memcpy(at, &all, sizeof all / 2);
    else
        memset(at, (unsigned char)all, size);
}

static void take_stamps(const struct page *page, uintptr_t address, size_t size) {
    unsigned char *at = shadow_region(address)->stamps + shadow_within(address, REGION_BITS);
    if (page->stamped == kept->round_number) memset(at, 0, size);
}

/* ---- Accesses ------------------------------------------------------------------------------ */

struct access {
    struct task *self;
    uintptr_t address;
    size_t size;
    const void *site;
    unsigned how;
    bool told; /* one race is enough for one access */
    uint32_t task;
    struct seen seen;
};

static struct seen seen_of(struct access *access) {
    if (!access->seen.place)
        access->seen.place = calls_place(access->self, access->site, access->how, access->size);
    return access->seen;
}

static void compare(struct access *access, uint32_t task, struct seen before) {
    if (task == access->task || clock_of(access->task, task) > before.step || access->told) return;
    access->told = true;
    race_found(access->self, access->address, access->size, before, seen_of(access));
}

static bool conflict(unsigned one, unsigned other) {
    return (one | other) & ACCESS_WRITE && !(one & other & ACCESS_ATOMIC);
}

static void compare_with_list(struct access *access, uint32_t first) {
    for (uint32_t i = first; i; i = kept->items[i].next) {
        struct item *item = &kept->items[i];
        if (!conflict(item->how, access->how)) continue;
        /* An atomic access is its step's operation, and not what came after it. */
        if (item->how & ACCESS_ATOMIC && clock_of(access->task, item->task) >= item->seen.step)
            continue;
        compare(access, item->task, item->seen);
    }
}

static __attribute__((noinline)) void use_after_free(struct access *access, struct seen freed) {
    freed.step &= ~FREED;
    race_misuse(access->self, access->address, freed, seen_of(access));
}

static void on_cell(struct access *access, struct cell *cell, uintptr_t address) {
    bool plain_write = (access->how & (ACCESS_WRITE | ACCESS_ATOMIC)) == ACCESS_WRITE;

    if (cell->write.step) {
        if (UNLIKELY(cell->write.step & FREED)) use_after_free(access, cell->write);
        compare(access, task_in(cell->write.step), cell->write);
    }
    if (cell->read.step == LISTED)
        compare_with_list(access, cell->read.place);
    else if (cell->read.step && access->how & ACCESS_WRITE)
        compare(access, task_in(cell->read.step), cell->read);

    if (plain_write) {
        if (cell->read.step == LISTED) atomics_forget(address);
        cell->write = seen_of(access);
        if (access->how & ACCESS_FREE) cell->write.step |= FREED;
        cell->read.step = 0;
    } else if (access->how & ACCESS_ATOMIC || cell->read.step == LISTED) {
        list_add(cell, access->task, seen_of(access), access->how);
    } else if (cell->read.step) {
        uint32_t reader = task_in(cell->read.step);
        if (reader == access->task || clock_of(access->task, reader) > cell->read.step)
            cell->read = seen_of(access);
        else
            list_add(cell, access->task, seen_of(access), access->how);
    } else {
        cell->read = seen_of(access);
    }
}

/* The part of an access that is in one page. */
static void on_page(struct access *access, uintptr_t address, uintptr_t until) {
    struct page *page = page_get(address, until);
    unsigned how = access->how;
    bool plain = how <= ACCESS_WRITE;
    struct cell *cell = &page->cells[shadow_within(address, PAGE_BITS) >> page->shift];
    uintptr_t each = (uintptr_t)1 << page->shift;
    for (uintptr_t at = address; at < until; at += each, cell++) {
        if (plain && cell->write.step == access->seen.step) continue;
        if (!how && cell->read.step == access->seen.step) continue;
        on_cell(access, cell, at);
    }
    if (plain && access->seen.step == sim.current->step)
        put_stamps(page, address, until - address, how);
    else if (how & ACCESS_FREE)
        take_stamps(page, address, until - address);
}

/* `step`: to which it belongs. */
static void look(struct task *self, uint32_t step, uintptr_t address, size_t size, unsigned how,
                 const void *site) {
    struct access access = {.self = self,
                            .address = address,
                            .size = size,
                            .site = site,
                            .how = how,
                            .task = (uint32_t)self->core.id,
                            .seen = {step, 0}};
    uintptr_t end, until;

    race_start();
    if (!size || address >> ADDRESS_BITS || size > ((uintptr_t)1 << ADDRESS_BITS) - address) return;
    for (end = address + size; address < end; address = until) {
        until = page_end(address) < end ? page_end(address) : end;
        if (UNLIKELY(!shadow_region(address))) region_make(address);
        on_page(&access, address, until);
    }
}

void shadow_note(struct task *self, uintptr_t address, size_t size, unsigned how,
                 const void *site) {
    look(self, self->step_before ? self->step_before : self->step, address, size, how, site);
}

static bool knows_all(uintptr_t address, size_t size, bool writes) {
    for (; size >= WIDEST; address += WIDEST, size -= WIDEST)
        if (!shadow_knows(address, WIDEST, writes)) return false;
    for (; size; address++, size--)
        if (!shadow_knows(address, 1, writes)) return false;
    return true;
}

void shadow_access(struct task *self, uintptr_t address, size_t size, unsigned how,
                   const void *site) {
    if (UNLIKELY(points_any) && !(how & (ACCESS_ATOMIC | ACCESS_FREE)) && points_at(site))
        race_point(self, address, size, how, site);
    if (how > ACCESS_WRITE || !knows_all(address, size, how))
        look(self, self->step, address, size, how, site);
}

void shadow_missed(uintptr_t address, size_t size, bool writes, const void *site) {
    struct task *self = race_task();
    if (!self) return;
    if (UNLIKELY(points_any) && points_at(site))
        race_point(self, address, size, writes ? ACCESS_WRITE : 0, site);
    look(self, self->step, address, size, writes ? ACCESS_WRITE : 0, site);
}

void shadow_clear(uintptr_t address, size_t size) {
    uintptr_t end = address + size, until;
    if (!race_live || address >> ADDRESS_BITS || end >> ADDRESS_BITS) return;
    for (; address < end; address = until) {
        struct region *region = shadow_region(address);
        struct page *page;
        if (!region) {
            until = (address | (((uintptr_t)1 << REGION_BITS) - 1)) + 1;
            continue;
        }
        until = page_end(address) < end ? page_end(address) : end;
        page = page_in(region, address);
        if (page->run != kept->run) continue;
        take_stamps(page, address, until - address);
        for (size_t i = shadow_within(address, PAGE_BITS) >> page->shift,
                    last = shadow_within(until - 1, PAGE_BITS) >> page->shift;
             i <= last; i++) {
            if (page->cells[i].read.step == LISTED)
                atomics_forget((until - 1) >> PAGE_BITS << PAGE_BITS | i << page->shift);
            page->cells[i] = (struct cell){{0, 0}, {0, 0}};
        }
    }
}
