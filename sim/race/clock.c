/*
 * clock.c - vector clocks on the steps of a run.
 *
 * A task's clock changes only in steps that something happens before. So it has versions, each with
 * the step that it holds from; what an earlier step knew can be looked up when an edge comes from
 * it, and the marks in the program's objects need nothing but numbers of steps. The clock of task
 * 0, which stands for timers, begins anew with each step of it.
 */
#include <string.h>

#include "sim/race/kept.h"
#include "sim/race/race.h"

struct version {
    uint32_t step;   /* from which it holds */
    uint32_t count;  /* of `at` */
    uint64_t before; /* the one that it replaces; 0: none */
    uint32_t at[];   /* by task */
};

/* Versions lie in one reservation, each at a multiple of 8 bytes; its place is its name. */
enum { MOST_RESERVED = 34, LEAST_RESERVED = 24 /* bits */ };
static char *store;
static uint64_t used, reserved;

struct head {
    uint64_t newest; /* version; 0: none */
    uint32_t run;    /* number of it; else it is as good as empty */
};

bool clock_reserve(void) {
    for (int bits = MOST_RESERVED; !store && bits >= LEAST_RESERVED; bits--)
        if ((store = race_map((size_t)1 << bits))) reserved = (uint64_t)1 << bits;
    return store != NULL;
}

void clock_start(void) {
    if (!clock_reserve()) race_no_memory();
    used = 8;
}

static struct version *version(uint64_t name) { return (struct version *)(void *)(store + name); }

static struct head *head_of(uint32_t task) {
    struct head *head;
    if (UNLIKELY(task >= race_kept.head_room)) {
        size_t room = race_kept.head_room ? race_kept.head_room : 16;
        while (room <= task) room *= 2;
        race_kept.heads =
            race_grow(race_kept.heads, race_kept.head_room * sizeof *head, room * sizeof *head);
        race_kept.head_room = room;
    }
    head = &race_kept.heads[task];
    if (head->run != race_kept.run) *head = (struct head){0, race_kept.run};
    return head;
}

/* What the task knew in the step. */
static const struct version *known_in(uint32_t task, uint32_t step) {
    uint64_t name = head_of(task)->newest;
    while (name && version(name)->step > step) name = version(name)->before;
    if (!name || (task == 0 && version(name)->step != step)) return NULL;
    return version(name);
}

uint32_t clock_of(uint32_t task, uint32_t other) {
    const struct head *head = head_of(task);
    const struct version *known = head->newest ? version(head->newest) : NULL;
    return known && other < known->count ? known->at[other] : 0;
}

/* The version of this step, with room for `count` tasks. */
static struct version *renew(uint32_t task, uint32_t step, uint32_t count) {
    struct head *head = head_of(task);
    struct version *old = head->newest ? version(head->newest) : NULL, *new;
    bool again = old && old->step == step;
    uint32_t kept = old && (again || task) ? old->count : 0;
    uint64_t size;

    if (again && old->count >= count) return old;
    if (count < kept) count = kept;
    size = (sizeof *new + (uint64_t)count * sizeof new->at[0] + 7) / 8 * 8;
    if (used + size > reserved)
        sim_stop(PIRN_LIVELOCK, "more synchronisation than there is memory to watch for races");
    new = version(used);
    new->step = step;
    new->count = count;
    new->before = again ? old->before : head->newest;
    if (kept) memcpy(new->at, old->at, kept * sizeof new->at[0]);
    memset(new->at + kept, 0, (count - kept) * sizeof new->at[0]);
    head->newest = used;
    used += size;
    return new;
}

void clock_edge(uint32_t task, uint32_t step, uint32_t before) {
    uint32_t other = sim.log->events[before - 1].task, count;
    const struct version *source;
    struct version *mine;

    /* Who knows of a step knows what was known in it. */
    if (task && clock_of(task, other) >= before) return;
    source = known_in(other, before);
    count = other + 1;
    if (source && source->count > count) count = source->count;
    mine = renew(task, step, count);
    for (uint32_t i = 0; source && i < source->count; i++)
        if (source->at[i] > mine->at[i]) mine->at[i] = source->at[i];
    if (mine->at[other] < before) mine->at[other] = before;
}
