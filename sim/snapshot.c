/*
 * snapshot.c - see snapshot.h.
 *
 * Everything saved lies in one memory file. Where memory has contents, a private mapping of that
 * file takes its place: as long as a page is only read it is the file's, and the first write makes
 * it a page of its own, which /proc/self/pagemap tells from the file's. So the kernel keeps account
 * of what has been written, by system calls too, and nothing need be asked of the processor. Where
 * there is nothing yet (unused stacks, the end of the heap) the mapping stays, and a page that is
 * there has been written.
 *
 * A page that has been written once is put back after each run from then on, whether or not that
 * run has written it: after a few runs these are all, and no page fault occurs any more. So the
 * process's count of page faults says whether there is anything new to be looked for. Pages that
 * are found as they are saved time and again are given up; those that are written all the same, the
 * more patiently the next time.
 *
 * Invariants
 *   1. Between restores each page that differs from what is saved is in `dirty`, or its first write
 *      was a page fault that `faults` does not count.
 *   2. Nothing here is in memory that is saved: the struct is in shared memory.
 */
#include "sim/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/core/stack.h"
#include "sim/outside.h"
#include "sim/sim.h"

enum {
    MOST_REGIONS = 4096,
    MOST_PAGES = 1 << 23,
    MAPS_TEXT = 1 << 20,
    PAGEMAP_ENTRIES = 1 << 14,
    MOST_RUNS = 1 << 10,
    STACK_ROOM = 512 * 1024,
    LARGEST_HOLE = 64 * 1024,
    MOST_HOLES = 100000,
    COMPARE_EVERY = 64, /* restores */
    IDLE_ENOUGH = 4,    /* times that a page was found as it is saved; the double each time */
    MOST_DOUBLED = 10,
    LARGEST_GAP = 1 << 20, /* between regions that are looked at together */
    SIZE_EVERY = 16,       /* restores; a power of two */
    HEAP_ROOM = 4 << 20,
    LARGEST_CHUNK = 32 << 20 /* that malloc may take from the heap: its own limit */
};

/* Of an entry of /proc/self/pagemap: Documentation/admin-guide/mm/pagemap.rst. */
#define PAGE_PRESENT (UINT64_C(1) << 63)
#define PAGE_SWAPPED (UINT64_C(1) << 62)
#define PAGE_OF_FILE (UINT64_C(1) << 61)
#define PAGE_IS_GUARD (UINT64_C(1) << 58)

/* And of the call that finds pages by the same (Linux 6.7), as in <linux/fs.h>. */
#define SCAN_OF_FILE (UINT64_C(1) << 2)
#define SCAN_PRESENT (UINT64_C(1) << 3)
#define SCAN_SWAPPED (UINT64_C(1) << 4)
#define SCAN_IS_GUARD (UINT64_C(1) << 8)
#define SCAN_REQUEST _IOWR('f', 16, struct scan_request)

struct scan_request {
    uint64_t size, flags, start, end, walk_end, found, found_room, most_pages;
    uint64_t inverted, all_of, any_of, wanted;
};

/* Pages that follow each other. */
struct page_run {
    uint64_t start, end, categories;
};

static const char too_much[] = "it has more memory than can be looked through";
static const char no_memory[] = "there is no memory for a copy of its own";
static const char no_room[] = "files may not be as large as a copy of its memory (ulimit -f)";
static const char no_proc[] = "/proc cannot be read";
static const char changed[] = "it changed mappings that were there before";

struct range {
    uintptr_t start, end;
    uint64_t inode;
    char flags[5]; /* "rw-p" */
    bool main_stack, heap;
};

struct region {
    uintptr_t start, end;
    bool replaced; /* by a mapping of the image */
    bool of_tasks; /* stacks */
    bool of_file;  /* at first */
    int protection;
    size_t offset; /* in the image, when replaced */
    size_t first;  /* of its pages, in `known` */
};

struct page {
    char *page;
    char *saved;     /* NULL: zeroes */
    unsigned region; /* which it is in */
    bool own;        /* of the library */
    uint16_t idle;   /* how often it was found as it is saved, of late */
};

struct snapshot {
    size_t page_size;
    int image, pagemap, maps, statm;
    char *view;                 /* of the image */
    size_t view_size, stack_at; /* where the next page of the main stack goes */
    uintptr_t own_start, own_end;
    char *brk;
    long faults;
    uint64_t size; /* of all mappings, as statm has it */
    bool look;
    uint64_t restores;
    size_t region_count, range_count, page_count, dirty_count;
    struct region regions[MOST_REGIONS];
    struct range ranges[2 * MOST_REGIONS]; /* all mappings, when it was taken */
    uint64_t known[MOST_PAGES / 64];       /* pages that are in `dirty` */
    struct page dirty[MOST_PAGES];
    uint8_t given_up[MOST_PAGES]; /* how often each page was */
    uintptr_t last;               /* end of pages that were found */
    bool full;                    /* there is no memory for the image */
    bool no_scan;                 /* the kernel cannot find pages: all entries are read */
    struct page_run runs[MOST_RUNS];
    uint64_t entries[PAGEMAP_ENTRIES];
    char text[MAPS_TEXT];
};

/* ---- What the kernel says ------------------------------------------------------------------ */

static long count_faults(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt + usage.ru_majflt;
}

static uint64_t read_size(struct snapshot *s) {
    char text[128];
    uint64_t size = 0;
    ssize_t n = pread(s->statm, text, sizeof text, 0);
    for (ssize_t i = 0; i < n && text[i] >= '0' && text[i] <= '9'; i++)
        size = 10 * size + (uint64_t)(text[i] - '0');
    return size;
}

static bool read_maps(struct snapshot *s) {
    size_t length = 0;
    ssize_t n;
    while ((n = pread(s->maps, s->text + length, sizeof s->text - 1 - length, (off_t)length)) > 0)
        length += (size_t)n;
    s->text[length] = '\0';
    return n == 0 && length > 0 && length < sizeof s->text - 1;
}

static uintptr_t read_hex(const char **at) {
    uintptr_t value = 0;
    for (;; ++*at) {
        char c = **at;
        if (c >= '0' && c <= '9')
            value = value << 4 | (uintptr_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            value = value << 4 | (uintptr_t)(c - 'a' + 10);
        else
            return value;
    }
}

static const char *skip_word(const char *at) {
    while (*at && *at != ' ' && *at != '\n') at++;
    while (*at == ' ') at++;
    return at;
}

/* "start-end flags offset device inode   name"; returns the next line, or NULL after the last. */
static const char *read_range(const char *line, struct range *range) {
    const char *at = line;
    if (!*line) return NULL;
    memset(range, 0, sizeof *range);
    range->start = read_hex(&at);
    at++;
    range->end = read_hex(&at);
    at++;
    memcpy(range->flags, at, 4);
    at = skip_word(skip_word(skip_word(at)));
    while (*at >= '0' && *at <= '9') range->inode = 10 * range->inode + (uint64_t)(*at++ - '0');
    while (*at == ' ') at++;
    range->main_stack = !strncmp(at, "[stack]", 7);
    range->heap = !strncmp(at, "[heap]", 6);
    while (*at && *at != '\n') at++;
    return *at ? at + 1 : at;
}

/* The entries of some pages, PAGEMAP_ENTRIES at most. Returns how many, 0 on failure. */
static size_t read_pagemap(struct snapshot *s, uintptr_t start, uintptr_t end) {
    size_t count = (end - start) / s->page_size;
    if (count > PAGEMAP_ENTRIES) count = PAGEMAP_ENTRIES;
    if (pread(s->pagemap, s->entries, count * 8, (off_t)(start / s->page_size * 8)) !=
        (ssize_t)(count * 8))
        return 0;
    return count;
}

static bool has_contents(uint64_t entry) {
    return (entry & PAGE_PRESENT) || ((entry & PAGE_SWAPPED) && !(entry & PAGE_IS_GUARD));
}

/* What there is in a page: anything; something that is not the file's; a page, and no more. */
enum pages { PAGES_WITH_CONTENTS, PAGES_OWN, PAGES_PRESENT };

static bool matches(enum pages which, uint64_t entry) {
    if (which == PAGES_PRESENT) return (entry & PAGE_PRESENT) != 0;
    return has_contents(entry) && !(which == PAGES_OWN && entry & PAGE_OF_FILE);
}

typedef void found_pages(struct snapshot *s, const struct region *region, uintptr_t start,
                         uintptr_t end);

static struct scan_request request_for(struct snapshot *s, uintptr_t start, uintptr_t end,
                                       enum pages which) {
    struct scan_request request = {.size = sizeof request,
                                   .start = start,
                                   .end = end,
                                   .found = (uintptr_t)s->runs,
                                   .found_room = MOST_RUNS,
                                   .wanted = SCAN_PRESENT};
    if (which == PAGES_PRESENT) {
        request.all_of = SCAN_PRESENT;
    } else {
        request.any_of = SCAN_PRESENT | SCAN_SWAPPED;
        request.inverted = SCAN_IS_GUARD | (which == PAGES_OWN ? SCAN_OF_FILE : 0);
        request.all_of = request.inverted;
    }
    return request;
}

/* By asking for such pages. Returns how far it has come: `start` where the kernel cannot. */
static uintptr_t scan_some(struct snapshot *s, uintptr_t start, uintptr_t end, enum pages which,
                           const struct region *region, found_pages *found) {
    struct scan_request request = request_for(s, start, end, which);
    int count = ioctl(s->pagemap, SCAN_REQUEST, &request);
    if (count < 0) return start;
    for (int i = 0; i < count; i++)
        found(s, region, (uintptr_t)s->runs[i].start, (uintptr_t)s->runs[i].end);
    return (uintptr_t)request.walk_end;
}

/* By looking at all of them. */
static bool read_all(struct snapshot *s, uintptr_t start, uintptr_t end, enum pages which,
                     const struct region *region, found_pages *found) {
    while (start < end) {
        size_t count = read_pagemap(s, start, end);
        if (!count) return false;
        for (size_t i = 0; i < count; i++, start += s->page_size)
            if (matches(which, s->entries[i])) found(s, region, start, start + s->page_size);
    }
    return true;
}

/* Tells of all pages of a kind, in order. Returns false when the kernel does not say. */
static bool each_page(struct snapshot *s, uintptr_t start, uintptr_t end, enum pages which,
                      const struct region *region, found_pages *found) {
    while (start < end && !s->no_scan) {
        uintptr_t reached = scan_some(s, start, end, which, region, found);
        s->no_scan = reached == start;
        start = reached;
    }
    return read_all(s, start, end, which, region, found);
}

/* ---- Pages that have been written ---------------------------------------------------------- */

static void add_page(struct snapshot *s, const struct region *region, uintptr_t page, char *saved) {
    size_t at = region->first + (page - region->start) / s->page_size;
    if (s->known[at / 64] & UINT64_C(1) << at % 64) return;
    s->known[at / 64] |= UINT64_C(1) << at % 64;
    s->dirty[s->dirty_count++] = (struct page){(char *)page, saved, (unsigned)(region - s->regions),
                                               page >= s->own_start && page < s->own_end, 0};
}

static void add_pages(struct snapshot *s, const struct region *region, uintptr_t start,
                      uintptr_t end) {
    for (; start < end; start += s->page_size)
        add_page(s, region, start,
                 region->replaced ? s->view + region->offset + (start - region->start) : NULL);
}

/* What it says of a page in the guards between stacks differs from kernel to kernel. */
static enum pages written_in(const struct region *region) {
    return region->replaced ? PAGES_OWN : region->of_tasks ? PAGES_PRESENT : PAGES_WITH_CONTENTS;
}

/* What was found lies in regions from `region` on. Returns the last one it reaches into. */
static const struct region *add_run(struct snapshot *s, const struct region *region,
                                    const struct page_run *run) {
    const struct region *end = s->regions + s->region_count;
    uintptr_t from = (uintptr_t)run->start, to = (uintptr_t)run->end;
    for (; region < end && region->start < to; region++) {
        uintptr_t start = region->start > from ? region->start : from;
        uintptr_t until = region->end < to ? region->end : to;
        if (start < until && (!region->of_tasks || run->categories & SCAN_PRESENT))
            add_pages(s, region, start, until);
        if (region->end >= to) break;
    }
    return region;
}

/* Regions that follow each other. */
static bool scan_regions(struct snapshot *s, const struct region *region,
                         const struct region *last) {
    uintptr_t at = region->start;
    while (at < last->end) {
        struct scan_request request = request_for(s, at, last->end, PAGES_OWN);
        int count = ioctl(s->pagemap, SCAN_REQUEST, &request);
        if (count < 0) return false;
        for (int i = 0; i < count; i++) region = add_run(s, region, &s->runs[i]);
        at = (uintptr_t)request.walk_end;
    }
    return true;
}

/* They lie in the order of their addresses. What is far between them is memory that is not saved,
 * such as logs. */
static bool scan_written(struct snapshot *s) {
    const struct region *end = s->regions + s->region_count, *last;
    for (const struct region *region = s->regions; region < end; region = last + 1) {
        last = region;
        while (last + 1 < end && last[1].start - last->end <= LARGEST_GAP) last++;
        if (!scan_regions(s, region, last)) return false;
    }
    return true;
}

static bool find_written(struct snapshot *s) {
    if (!s->no_scan && scan_written(s)) return true;
    s->no_scan = true;
    for (size_t i = 0; i < s->region_count; i++) {
        const struct region *region = &s->regions[i];
        if (!each_page(s, region->start, region->end, written_in(region), region, add_pages))
            return false;
    }
    return true;
}

/* ---- Mappings that have come or gone ------------------------------------------------------- */

static bool map_image(struct snapshot *s, const struct region *region, uintptr_t start,
                      uintptr_t end) {
    return mmap((void *)start, end - start, region->protection,
                MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, s->image,
                (off_t)(region->offset + (start - region->start))) != MAP_FAILED;
}

/* Counts of coverage are put back with everything else while this runs. GCOVR_EXCL_START */

/* Maps again what the program has unmapped. */
static bool bring_back(struct snapshot *s, uintptr_t start, uintptr_t end) {
    for (size_t i = 0; i < s->region_count && start < end; i++) {
        const struct region *region = &s->regions[i];
        uintptr_t part = end < region->end ? end : region->end;
        if (!region->replaced || start < region->start || start >= region->end) continue;
        if (!map_image(s, region, start, part)) return false;
        start = part;
        i = SIZE_MAX; /* what follows may be in a region before this one: from the first again */
    }
    return start == end;
}

static bool take_away(const struct snapshot *s, const struct range *range, uintptr_t start,
                      uintptr_t end) {
    if (range->main_stack) return false;
    if (range->heap) return syscall(SYS_brk, s->brk) == (long)s->brk;
    return munmap((void *)start, end - start) == 0;
}

/* Walks along the mappings that there are and those that there were. */
static bool undo_mappings(struct snapshot *s) {
    const struct range *was = s->ranges, *end = s->ranges + s->range_count;
    uintptr_t at = was->start; /* what was before is dealt with */
    const char *line = s->text;
    struct range now;

    while ((line = read_range(line, &now))) {
        uintptr_t from = now.start;
        while (from < now.end) {
            if (was == end || at >= now.end) {
                if (!take_away(s, &now, from, now.end)) return false;
                from = now.end;
            } else if (at > from) {
                if (!take_away(s, &now, from, at)) return false;
                from = at;
            } else if (at < from) {
                uintptr_t to = was->end < from ? was->end : from;
                if (!bring_back(s, at, to)) return false;
                at = to;
            } else {
                if (strcmp(now.flags, was->flags) || now.inode != was->inode) return false;
                from = at = was->end < now.end ? was->end : now.end;
            }
            if (was < end && at == was->end && ++was < end) at = was->start;
        }
    }
    for (; was < end; at = ++was < end ? was->start : 0)
        if (!bring_back(s, at, was->end)) return false;
    return true;
}

/* Looks at mappings only where they may have changed. */
static const char *look_again(struct snapshot *s, bool mappings) {
    s->look = false;
    if (mappings) {
        if (!read_maps(s)) return no_proc;
        if (!undo_mappings(s)) return changed;
        s->size = read_size(s);
    }
    return find_written(s) ? NULL : no_proc;
}

void snapshot_look(struct snapshot *s) { s->look = true; }

static bool is_zero(const char *page, size_t size) {
    return !*page && !memcmp(page, page + 1, size - 1);
}

static bool as_saved(const struct snapshot *s, const struct page *page) {
    return page->saved ? !memcmp(page->page, page->saved, s->page_size)
                       : is_zero(page->page, s->page_size);
}

/* Whether the page has been given up until it is written again. */
static bool give_up(struct snapshot *s, struct page *page) {
    const struct region *region = &s->regions[page->region];
    size_t at = region->first + ((uintptr_t)page->page - region->start) / s->page_size;
    page->idle = as_saved(s, page) ? page->idle + 1 : 0;
    if (page->idle < IDLE_ENOUGH << s->given_up[at] || (page->saved && !region->replaced))
        return false;
    /* Not by way of madvise, which is taken over to tell what the program gives back. */
    if (syscall(SYS_madvise, page->page, s->page_size, MADV_DONTNEED) != 0) return false;
    s->known[at / 64] &= ~(UINT64_C(1) << at % 64);
    if (s->given_up[at] < MOST_DOUBLED) s->given_up[at]++;
    return true;
}

static void give_up_pages(struct snapshot *s) {
    size_t left = 0;
    for (size_t i = 0; i < s->dirty_count; i++)
        if (!give_up(s, &s->dirty[i])) s->dirty[left++] = s->dirty[i];
    s->dirty_count = left;
}

/* ---- Putting back, and keeping ------------------------------------------------------------- */

const char *snapshot_restore(struct snapshot *s) {
    const char *why = NULL;
    bool written = count_faults() != s->faults, seldom = !(s->restores & (s->restores - 1));
    bool mappings = s->look || (written && seldom);
    /* Nobody need have told of them. */
    if (!mappings && (written || !(s->restores & (SIZE_EVERY - 1))))
        mappings = read_size(s) != s->size;
    if ((written || mappings) && (why = look_again(s, mappings))) return why;
    if (++s->restores % COMPARE_EVERY == 0) give_up_pages(s);
    for (size_t i = 0; i < s->dirty_count; i++) {
        const struct page *page = &s->dirty[i];
        if (page->saved)
            memcpy(page->page, page->saved, s->page_size);
        else
            memset(page->page, 0, s->page_size);
    }
    if (written || mappings) s->faults = count_faults();
    return NULL;
}

/* GCOVR_EXCL_STOP */

const char *snapshot_keep(struct snapshot *s) {
    const char *why;
    if (count_faults() != s->faults) {
        if ((why = look_again(s, false))) return why;
        s->faults = count_faults();
    }
    for (size_t i = 0; i < s->dirty_count; i++) {
        const struct page *page = &s->dirty[i];
        if (page->own) memcpy(page->saved, page->page, s->page_size);
    }
    return NULL;
}

void snapshot_discarded(struct snapshot *s, void *at, size_t size) {
    uintptr_t from = (uintptr_t)at, to = from + size;
    for (size_t i = 0; i < s->region_count; i++) {
        const struct region *region = &s->regions[i];
        uintptr_t start = region->start > from ? region->start : from;
        uintptr_t end = region->end < to ? region->end : to;
        if (region->replaced && !region->of_file && start < end)
            memset((void *)start, 0, end - start);
    }
}

/* ---- Saving -------------------------------------------------------------------------------- */

/*
 * What exploring has freed lies scattered over the heap, and a run that got it would write pages
 * here and there. So it is taken, for good; what comes next begins at `end`.
 */
static void use_up_holes(const char *end) {
    int most = MOST_HOLES;
    for (size_t size = LARGEST_HOLE; size >= 16; size -= size > 2048 ? size / 2 : 16) {
        const char *hole;
        void *volatile chunk;
        do hole = chunk = malloc(size);
        while (hole && hole < end && --most > 0);
        free(chunk);
    }
}

void snapshot_prepare(void) {
    volatile char deep[STACK_ROOM];
    void *volatile chunk;
    deep[0] = 0;
    (void)deep;
    /* Else memory would be mapped and unmapped in each run, which is slow. */
    mallopt(M_MMAP_THRESHOLD, LARGEST_CHUNK);
    mallopt(M_TRIM_THRESHOLD, INT32_MAX);
    chunk = malloc(HEAP_ROOM);
    free(chunk);
    use_up_holes(chunk); /* whose address counts. NOLINT(clang-analyzer-unix.Malloc) */
}

struct own {
    struct snapshot *snapshot;
    uintptr_t address; /* in it */
};

static int find_own(struct dl_phdr_info *info, size_t size, void *arg) {
    struct own *own = arg;
    struct snapshot *s = own->snapshot;
    bool found = false;
    (void)size;
    s->own_start = UINTPTR_MAX;
    s->own_end = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + segment->p_vaddr, end = start + segment->p_memsz;
        if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_W)) continue;
        found |= own->address >= start && own->address < end;
        if (start < s->own_start) s->own_start = start / s->page_size * s->page_size;
        if (end > s->own_end) s->own_end = (end + s->page_size - 1) / s->page_size * s->page_size;
    }
    return found;
}

static void note_end(struct snapshot *s, const struct region *region, uintptr_t start,
                     uintptr_t end) {
    (void)region;
    (void)start;
    s->last = end;
}

/* The end of the last page with contents; the start where there is none. */
static uintptr_t contents_end(struct snapshot *s, uintptr_t start, uintptr_t end) {
    s->last = start;
    return each_page(s, start, end, PAGES_WITH_CONTENTS, NULL, note_end) ? s->last : end;
}

static bool add_region(struct snapshot *s, const struct range *range, uintptr_t start,
                       uintptr_t end, bool replaced, bool of_tasks) {
    struct region *region = &s->regions[s->region_count];
    size_t pages = (end - start) / s->page_size;
    if (start == end) return true;
    if (s->region_count == MOST_REGIONS || pages > MOST_PAGES - s->page_count) return false;
    *region = (struct region){start, end,          replaced,     of_tasks, range->inode != 0,
                              0,     s->view_size, s->page_count};
    if (range->flags[0] == 'r') region->protection |= PROT_READ;
    if (range->flags[1] == 'w') region->protection |= PROT_WRITE;
    if (range->flags[2] == 'x') region->protection |= PROT_EXEC;
    if (replaced) s->view_size += end - start;
    s->page_count += pages;
    s->region_count++;
    return true;
}

/* Decides what becomes of a mapping. */
static bool add_range(struct snapshot *s, const struct range *range,
                      const struct stack_pool *pool) {
    uintptr_t start = range->start, end = range->end, middle;
    bool own = start < s->own_end && end > s->own_start;
    if (range->flags[1] != 'w' || range->flags[3] != 'p') return true;
    if ((end - start) / s->page_size > MOST_PAGES) return false;
    if (range->main_stack) return add_region(s, range, start, end, false, false);
    if (range->inode || own) return add_region(s, range, start, end, true, false);
    if (stack_pool_has(pool, (const void *)start))
        return add_region(s, range, start, end, false, true);
    middle = contents_end(s, start, end);
    return add_region(s, range, start, middle, true, false) &&
           add_region(s, range, middle, end, false, false);
}

static bool read_ranges(struct snapshot *s) {
    const char *line = s->text;
    struct range range;
    s->range_count = 0;
    if (!read_maps(s)) return false;
    while ((line = read_range(line, &range))) {
        if (s->range_count == 2 * MOST_REGIONS) return false;
        s->ranges[s->range_count++] = range;
    }
    return true;
}

/* What is in the pages of the main stack goes behind the rest of the image. */
static void save_stack(struct snapshot *s, const struct region *region, uintptr_t start,
                       uintptr_t end) {
    for (; start < end; start += s->page_size, s->stack_at += s->page_size) {
        memcpy(s->view + s->stack_at, (char *)start, s->page_size);
        add_page(s, region, start, s->view + s->stack_at);
    }
}

static void save_pages(struct snapshot *s, const struct region *region, uintptr_t start,
                       uintptr_t end) {
    size_t at = region->offset + (start - region->start);
    /* Through the view each page would be a page fault. */
    while (start < end && !s->full) {
        ssize_t n = pwrite(s->image, (char *)start, end - start, (off_t)at);
        s->full = n <= 0;
        start += s->full ? 0 : (uintptr_t)n;
        at += s->full ? 0 : (size_t)n;
    }
}

/* Of anonymous memory only what there is, so that the rest stays a hole. */
static bool save_region(struct snapshot *s, const struct region *region) {
    if (region->of_tasks) return true;
    if (!region->replaced)
        return each_page(s, region->start, region->end, PAGES_WITH_CONTENTS, region, save_stack);
    if (!region->of_file)
        return each_page(s, region->start, region->end, PAGES_WITH_CONTENTS, region, save_pages);
    save_pages(s, region, region->start, region->end);
    return true;
}

static const char *save(struct snapshot *s, const void *top) {
    size_t room = s->view_size;
    struct rlimit limit;
    s->stack_at = room;
    for (size_t i = 0; i < s->region_count; i++) {
        const struct region *region = &s->regions[i];
        uintptr_t unused = (uintptr_t)top / s->page_size * s->page_size;
        if (region->replaced || unused < region->start || unused >= region->end) continue;
        /* What calls have left below, which nobody may read. */
        madvise((void *)region->start, unused - region->start, MADV_DONTNEED);
        room += region->end - region->start;
    }
    s->view_size = room;
    /* Else the signal would seem to be the program's. */
    if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur < room) return no_room;
    if (ftruncate(s->image, (off_t)room) != 0 ||
        (s->view = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, s->image,
                        0)) == MAP_FAILED)
        return no_memory;
    for (size_t i = 0; i < s->region_count; i++)
        if (!save_region(s, &s->regions[i])) return no_proc;
    if (s->full) return no_memory;
    for (size_t i = 0; i < s->region_count; i++) {
        const struct region *region = &s->regions[i];
        if (region->replaced && !map_image(s, region, region->start, region->end))
            return "its memory cannot be mapped anew";
    }
    return NULL;
}

static bool open_files(struct snapshot *s) {
    s->image = outside_descriptor(memfd_create("pirn-snapshot", MFD_CLOEXEC));
    s->pagemap = outside_descriptor(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
    s->maps = outside_descriptor(open("/proc/self/maps", O_RDONLY | O_CLOEXEC));
    s->statm = outside_descriptor(open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
    return s->image >= 0 && s->pagemap >= 0 && s->maps >= 0 && s->statm >= 0;
}

static void discard(struct snapshot *s) {
    const int files[] = {s->image, s->pagemap, s->maps, s->statm};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (files[i] >= 0) close(files[i]);
    munmap(s, sizeof *s);
}

struct snapshot *snapshot_take(const void *top, const struct stack_pool *pool, const char **why) {
    struct snapshot *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    struct own own = {s, (uintptr_t)&sim};
    *why = no_memory;
    if (s == MAP_FAILED) return NULL;
    s->page_size = (size_t)sysconf(_SC_PAGESIZE);
    s->brk = sbrk(0);
    /* A large page would be written as a whole, without a fault for each. */
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    *why = no_proc;
    if (!open_files(s) || !dl_iterate_phdr(find_own, &own) || !read_ranges(s)) goto failed;
    *why = too_much;
    for (size_t i = 0; i < s->range_count; i++)
        if (!add_range(s, &s->ranges[i], pool)) goto failed;
    if ((*why = save(s, top))) goto failed;
    *why = no_proc;
    if (!read_ranges(s)) goto failed;
    s->size = read_size(s);
    if (!find_written(s)) goto failed;
    s->faults = count_faults();
    *why = NULL;
    return s;

failed:
    discard(s);
    return NULL;
}
