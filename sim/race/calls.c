/*
 * calls.c - which calls led to an access.
 *
 * Each task has the list of the calls that it is in, which instrumented functions keep. A list gets
 * a number when an access is kept that was made in it: a node of a tree whose edges are call sites.
 */
#include <string.h>

#include "sim/race/calls.h"
#include "sim/race/kept.h"

struct calls_now calls_now;

struct node {
    uint64_t key; /* site, and for an access how and how large */
    uint32_t parent;
};
static struct race_kept *const kept = &race_kept;

/* More of them are forgotten before the next run. */
enum { NODES_KEPT = 1 << 20, SITE_BITS = 48, HOW_BITS = 3 };
enum { MOST_SIZE = (1 << (64 - SITE_BITS - HOW_BITS)) - 1 };

void calls_start(void) {
    if (kept->node_count < NODES_KEPT) return;
    kept->node_count = 0;
    memset(kept->table, 0, kept->table_room * sizeof *kept->table);
}

struct calls *calls_turn(struct task *self) {
    size_t task = self->core.id;
    if (UNLIKELY(task >= kept->task_room)) {
        size_t room = kept->task_room ? kept->task_room : 16;
        while (room <= task) room *= 2;
        kept->of_tasks = race_grow(kept->of_tasks, kept->task_room * sizeof *kept->of_tasks,
                                   room * sizeof *kept->of_tasks);
        kept->task_room = room;
    }
    calls_now = (struct calls_now){self, &kept->of_tasks[task]};
    if (UNLIKELY(calls_now.calls->run != kept->run)) {
        calls_now.calls->run = kept->run;
        calls_now.calls->depth = 0;
    }
    return calls_now.calls;
}

void calls_forget(void) { calls_now = (struct calls_now){NULL, NULL}; }

void calls_enter(struct task *self, const void *site, const void *frame) {
    struct calls *calls = calls_of(self);
    /* What was left by a jump or an exit is not left by a return. */
    while (calls->depth && calls->calls[calls->depth - 1].frame <= frame) calls->depth--;
    if (calls->depth == calls->room) {
        unsigned room = calls->room ? 2 * calls->room : 16;
        calls->calls = race_grow(calls->calls, calls->room * sizeof *calls->calls,
                                 room * sizeof *calls->calls);
        calls->room = room;
    }
    calls->calls[calls->depth++] = (struct call){site, frame, 0};
}

static size_t slot_of(uint32_t parent, uint64_t key) {
    size_t slot = (size_t)((key ^ (uint64_t)parent << 40) * 0x9e3779b97f4a7c15u >> 24);
    for (slot &= kept->table_room - 1; kept->table[slot];
         slot = (slot + 1) & (kept->table_room - 1)) {
        const struct node *node = &kept->nodes[kept->table[slot]];
        if (node->key == key && node->parent == parent) break;
    }
    return slot;
}

static void make_room(void) {
    uint32_t room = kept->node_room ? 2 * kept->node_room : 128;
    kept->nodes =
        race_grow(kept->nodes, kept->node_room * sizeof *kept->nodes, room * sizeof *kept->nodes);
    kept->table = race_reserve(2 * (size_t)room * sizeof *kept->table);
    kept->table_room = 2 * (size_t)room;
    kept->node_room = room;
    for (uint32_t i = 1; i <= kept->node_count; i++)
        kept->table[slot_of(kept->nodes[i].parent, kept->nodes[i].key)] = i;
}

static uint32_t child(uint32_t parent, uint64_t key) {
    size_t slot;
    if (UNLIKELY(kept->node_count + 1 >= kept->node_room)) make_room();
    slot = slot_of(parent, key);
    if (LIKELY(kept->table[slot])) return kept->table[slot];
    kept->nodes[++kept->node_count] = (struct node){key, parent};
    return kept->table[slot] = kept->node_count;
}

static uint64_t key_of(const void *site) {
    return (uintptr_t)site & (((uint64_t)1 << SITE_BITS) - 1);
}

uint32_t calls_place(struct task *self, const void *site, unsigned how, size_t size) {
    struct calls *calls = calls_of(self);
    unsigned known = calls->depth;
    uint32_t node = 0;
    uint64_t key = key_of(site) | (uint64_t)how << SITE_BITS;

    while (known && !calls->calls[known - 1].node) known--;
    if (known) node = calls->calls[known - 1].node;
    for (; known < calls->depth; known++)
        node = calls->calls[known].node = child(node, key_of(calls->calls[known].site));
    if (size > MOST_SIZE) size = MOST_SIZE;
    return child(node, key | (uint64_t)size << (SITE_BITS + HOW_BITS));
}

unsigned calls_read(uint32_t place, const void **sites, unsigned most, unsigned *how,
                    size_t *size) {
    unsigned count = 0;
    uint64_t key = place ? kept->nodes[place].key : 0;
    *how = key >> SITE_BITS & ((1 << HOW_BITS) - 1);
    *size = (size_t)(key >> (SITE_BITS + HOW_BITS));
    for (; place && count < most; place = kept->nodes[place].parent)
        sites[count++] =
            (const void *)(uintptr_t)key_of((const void *)(uintptr_t)kept->nodes[place].key);
    return count;
}
