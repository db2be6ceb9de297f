/*
 * atomics.c - C11 atomics under sequential consistency: what each synchronises with.
 *
 * A location keeps the releases whose sequences its value belongs to: of each task the last. A
 * store that is no read-modify-write ends the sequences of other tasks; those of its own go on (C17
 * 5.1.2.4). A release fence stands for a release by each later store of its task, and a relaxed
 * load keeps what it has read from for an acquire fence.
 *
 * The order of conflicting operations on a location is part of the run's graph, though it orders
 * nothing else: it goes into the hash, and not among the edges.
 */
#include "sim/race/atomics.h"

#include <stdlib.h>
#include <string.h>

#include "sim/dependence.h"

struct release {
    uint32_t task, step;
};

/* Releases, one a task. */
struct releases {
    struct release *of;
    uint32_t count, room;
};

struct location {
    uintptr_t address;
    uint32_t epoch; /* of the run; else it is free */
    uint32_t size;
    waitq queue; /* for the number that it has in the log */
    struct releases releases;
    uint64_t write, reads; /* names of the last write, and, added up, of the reads since */
};

/* Locations do not move while a run is under way: a task at a scheduling point refers to one. */
static struct location **table; /* open addressing, by address */
static size_t table_room, location_count;

struct mind { /* what a task remembers for its fences */
    uint32_t epoch;
    uint32_t fence; /* step of its last release fence; 0: none */
    bool spurious;  /* its last compare-exchange failed for no reason */
    struct releases read;
};
static struct mind *minds; /* by task */
static size_t mind_room;

static _Noreturn void no_memory(void) {
    sim_stop(PIRN_LIVELOCK, "there is not enough memory to watch for races");
}

void atomics_start(void) {
    enum { KEPT = 1 << 16 };
    if (location_count < KEPT) return;
    for (size_t i = 0; i < table_room; i++) {
        if (!table[i]) continue;
        free(table[i]->releases.of);
        free(table[i]);
        table[i] = NULL;
    }
    location_count = 0;
}

/* ---- Releases ------------------------------------------------------------------------------ */

static void releases_add(struct releases *all, uint32_t task, uint32_t step) {
    for (uint32_t i = 0; i < all->count; i++) {
        if (all->of[i].task != task) continue;
        if (all->of[i].step < step) all->of[i].step = step;
        return;
    }
    if (all->count == all->room) {
        uint32_t room = all->room ? 2 * all->room : 4;
        struct release *bigger = realloc(all->of, room * sizeof *all->of);
        if (!bigger) no_memory();
        all->of = bigger;
        all->room = room;
    }
    all->of[all->count++] = (struct release){task, step};
}

static void releases_keep(struct releases *all, uint32_t task) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < all->count; i++)
        if (all->of[i].task == task) all->of[kept++] = all->of[i];
    all->count = kept;
}

/* They happen before the task's step. */
static void acquire(struct task *self, const struct releases *all) {
    for (uint32_t i = 0; i < all->count; i++) {
        uint64_t mark = (uint64_t)sim.epoch << 33 | all->of[i].step;
        /* What follows from other edges needs none of its own. */
        if (clock_of((uint32_t)self->core.id, all->of[i].task) >= all->of[i].step) continue;
        engine_acquire(self, &mark, EDGE_ATOMIC);
    }
}

/* ---- Locations ----------------------------------------------------------------------------- */

static size_t slot_of(uintptr_t address) {
    size_t slot = (size_t)(address * 0x9e3779b97f4a7c15u >> 30) & (table_room - 1);
    while (table[slot] && table[slot]->address != address) slot = (slot + 1) & (table_room - 1);
    return slot;
}

static void make_room(void) {
    size_t old_room = table_room;
    struct location **old = table;
    if (2 * (location_count + 1) <= table_room) return;
    table_room = table_room ? 2 * table_room : 256;
    if (!(table = calloc(table_room, sizeof *table))) {
        table = old;
        table_room = old_room;
        no_memory();
    }
    for (size_t i = 0; i < old_room; i++)
        if (old[i]) table[slot_of(old[i]->address)] = old[i];
    free(old);
}

static struct location *location_at(uintptr_t address) {
    struct location *location = table_room ? table[slot_of(address)] : NULL;
    return location && location->epoch == sim.epoch ? location : NULL;
}

/* One that an access of another size has made, where it overlaps. */
static struct location *overlapping(uintptr_t address, uint32_t size) {
    enum { WIDEST = 16 };
    for (uintptr_t at = address - (WIDEST - 1); at < address + size; at++) {
        struct location *location = location_at(at);
        if (location && at + location->size > address) return location;
    }
    return NULL;
}

static struct location *location_for(uintptr_t address, uint32_t size) {
    struct location *location = location_at(address);
    size_t slot;
    if (location && location->size >= size) return location;
    if ((location = overlapping(address, size))) {
        if (address + size - location->address > location->size)
            location->size = (uint32_t)(address + size - location->address);
        return location;
    }
    make_room();
    slot = slot_of(address);
    if (!table[slot]) {
        if (!(table[slot] = calloc(1, sizeof *location))) no_memory();
        location_count++;
    }
    location = table[slot];
    location->address = address;
    location->epoch = sim.epoch;
    location->size = size;
    location->releases.count = 0;
    location->write = location->reads = 0;
    memset(&location->queue, 0, sizeof location->queue);
    return location;
}

void atomics_forget(uintptr_t address) {
    struct location *location = location_at(address);
    if (!location) return;
    location->releases.count = 0;
}

static struct mind *mind_of(const struct task *self) {
    size_t task = self->core.id;
    struct mind *mind;
    if (task >= mind_room) {
        size_t room = mind_room ? mind_room : 64;
        struct mind *bigger;
        while (room <= task) room *= 2;
        if (!(bigger = realloc(minds, room * sizeof *minds))) no_memory();
        memset(bigger + mind_room, 0, (room - mind_room) * sizeof *minds);
        minds = bigger;
        mind_room = room;
    }
    mind = &minds[task];
    if (mind->epoch != sim.epoch) {
        mind->epoch = sim.epoch;
        mind->fence = 0;
        mind->spurious = false;
        mind->read.count = 0;
    }
    return mind;
}

/* ---- Operations ---------------------------------------------------------------------------- */

static bool releases(int order) {
    return order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}

static bool acquires(int order) {
    return order == __ATOMIC_ACQUIRE || order == __ATOMIC_CONSUME || order == __ATOMIC_ACQ_REL ||
           order == __ATOMIC_SEQ_CST;
}

struct atomic atomic_begin(enum op op, volatile const void *address, unsigned size, int order,
                           const void *site) {
    struct atomic atomic = {
        .address = (uintptr_t)address, .size = size, .site = site, .order = order & 0xff};
    struct task *self = race_task();
    struct place place = {.op = op, .kind = OBJECT_ATOMIC, .site = site};

    if (!self) return atomic;
    race_start();
    atomic.self = self;
    atomic.location = location_for(atomic.address, size);
    place.object = (const void *)(uintptr_t)atomic.location->address;
    place.queue = &atomic.location->queue;
    if (sim.options.points == POINTS_SYNC)
        sim_step(self, &place);
    else
        engine_begin(self, &place);
    return atomic;
}

bool atomic_fails(const struct atomic *atomic) {
    struct mind *mind = atomic->self ? mind_of(atomic->self) : NULL;
    /* Not twice in a row, or there were no end to it. */
    if (!mind) return false;
    mind->spurious = !mind->spurious && engine_choose(2) == 1;
    return mind->spurious;
}

/* What the log shows: addresses, which differ from one process to the next, are none. */
static int64_t small(int64_t value) { return value >= INT32_MIN && value <= INT32_MAX ? value : 0; }

/* Puts the order of the current step and those before it on the location into the graph's hash. */
static void order(struct task *self, struct location *location, bool writes) {
    uint64_t name = mix(sim.log->events[self->step - 1].hash, self->identity);
    self->inputs += mix(location->write, EDGE_COUNT);
    if (writes) {
        self->inputs += mix(location->reads, EDGE_COUNT + 1);
        location->write = name;
        location->reads = 0;
    } else {
        location->reads += name;
    }
}

void atomic_end(const struct atomic *atomic, bool read, bool wrote, bool changed, int64_t value) {
    struct task *self = atomic->self;
    struct location *location = atomic->location;
    struct mind *mind;

    if (!self) return;
    mind = mind_of(self);
    if (read && acquires(atomic->order)) acquire(self, &location->releases);
    if (read && !acquires(atomic->order))
        for (uint32_t i = 0; i < location->releases.count; i++)
            releases_add(&mind->read, location->releases.of[i].task, location->releases.of[i].step);
    if (wrote) {
        uint32_t task = (uint32_t)self->core.id;
        if (!read) releases_keep(&location->releases, task);
        if (releases(atomic->order))
            releases_add(&location->releases, task, self->step);
        else if (mind->fence)
            releases_add(&location->releases, task, mind->fence);
    }
    if (!wrote) dependence_read_only();
    order(self, location, wrote);
    shadow_access(self, atomic->address, atomic->size, ACCESS_ATOMIC | (wrote ? ACCESS_WRITE : 0),
                  atomic->site);
    sim_end(self, small(value), changed);
}

void atomic_fence(int order, const void *site) {
    struct task *self = race_task();
    struct place place = {.op = OP_FENCE, .kind = OBJECT_NONE, .site = site};
    struct mind *mind;

    order &= 0xff;
    if (!self || order == __ATOMIC_RELAXED) return;
    race_start();
    mind = mind_of(self);
    /* Nobody else sees it happen: no scheduling point. */
    sim_step(self, &place);
    if (acquires(order)) {
        acquire(self, &mind->read);
        mind->read.count = 0;
    }
    if (releases(order)) mind->fence = self->step;
    sim_end(self, 0, true);
}

/* Of a plain access nothing but its order with others on the location is known here. */
void race_point(struct task *self, uintptr_t address, size_t size, unsigned how, const void *site) {
    enum { WIDEST = 16 };
    bool writes = how & ACCESS_WRITE;
    struct place place = {.op = writes ? OP_STORE : OP_LOAD, .kind = OBJECT_MEMORY, .site = site};
    struct location *location;

    race_start();
    location = location_for(address, size < WIDEST ? (uint32_t)size : WIDEST);
    place.object = (const void *)(uintptr_t)location->address;
    place.queue = &location->queue;
    engine_begin(self, &place);
    order(self, location, writes);
    sim_end(self, 0, writes);
}
