/*
 * calls.c - which calls led to an access.
 *
 * Each task has the list of the calls that it is in, which instrumented functions keep. A list gets
 * a number when an access is kept that was made in it: a node of a tree whose edges are call sites.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/race/calls.h"

static struct calls *of_tasks; /* by number of the task */
static size_t task_room;
struct calls_now calls_now;

struct node {
    uint64_t key; /* site, and for an access how and how large */
    uint32_t parent;
};
static struct node *nodes; /* from 1 */
static uint32_t node_count, node_room;
static uint32_t *table; /* open addressing; 0: free */
static size_t table_room;

/* More of them are forgotten before the next run. */
enum { NODES_KEPT = 1 << 20, SITE_BITS = 48, HOW_BITS = 3 };
enum { MOST_SIZE = (1 << (64 - SITE_BITS - HOW_BITS)) - 1 };

void calls_start(void) {
    if (node_count < NODES_KEPT) return;
    node_count = 0;
    memset(table, 0, table_room * sizeof *table);
}

struct calls *calls_turn(struct task *self) {
    size_t task = self->core.id;
    if (UNLIKELY(task >= task_room)) {
        size_t room = task_room ? task_room : 64;
        struct calls *bigger;
        while (room <= task) room *= 2;
        if (!(bigger = realloc(of_tasks, room * sizeof *of_tasks))) return NULL;
        memset(bigger + task_room, 0, (room - task_room) * sizeof *of_tasks);
        of_tasks = bigger;
        task_room = room;
    }
    calls_now = (struct calls_now){self, &of_tasks[task]};
    if (UNLIKELY(calls_now.calls->epoch != sim.epoch)) {
        calls_now.calls->epoch = sim.epoch;
        calls_now.calls->depth = 0;
    }
    return calls_now.calls;
}

void calls_forget(void) { calls_now = (struct calls_now){NULL, NULL}; }

void calls_enter(struct task *self, const void *site, const void *frame) {
    struct calls *calls = calls_of(self);
    if (!calls) return;
    /* What was left by a jump or an exit is not left by a return. */
    while (calls->depth && calls->calls[calls->depth - 1].frame <= frame) calls->depth--;
    if (calls->depth == calls->room) {
        unsigned room = calls->room ? 2 * calls->room : 16;
        struct call *bigger = realloc(calls->calls, room * sizeof *bigger);
        if (!bigger) return;
        calls->calls = bigger;
        calls->room = room;
    }
    calls->calls[calls->depth++] = (struct call){site, frame, 0};
}

static size_t slot_of(uint32_t parent, uint64_t key) {
    size_t slot = (size_t)((key ^ (uint64_t)parent << 40) * 0x9e3779b97f4a7c15u >> 24);
    for (slot &= table_room - 1; table[slot]; slot = (slot + 1) & (table_room - 1)) {
        const struct node *node = &nodes[table[slot]];
        if (node->key == key && node->parent == parent) break;
    }
    return slot;
}

static bool make_room(void) {
    uint32_t room = node_room ? 2 * node_room : 1024;
    struct node *bigger = realloc(nodes, room * sizeof *nodes);
    uint32_t *larger = bigger ? calloc(2 * (size_t)room, sizeof *table) : NULL;
    if (bigger) nodes = bigger;
    if (!larger) return false;
    free(table);
    table = larger;
    table_room = 2 * (size_t)room;
    node_room = room;
    for (uint32_t i = 1; i <= node_count; i++) table[slot_of(nodes[i].parent, nodes[i].key)] = i;
    return true;
}

/* 0 when memory is short. */
static uint32_t child(uint32_t parent, uint64_t key) {
    size_t slot;
    if (UNLIKELY(node_count + 1 >= node_room) && !make_room()) return 0;
    slot = slot_of(parent, key);
    if (LIKELY(table[slot])) return table[slot];
    nodes[++node_count] = (struct node){key, parent};
    return table[slot] = node_count;
}

static uint64_t key_of(const void *site) {
    return (uintptr_t)site & (((uint64_t)1 << SITE_BITS) - 1);
}

uint32_t calls_place(struct task *self, const void *site, unsigned how, size_t size) {
    struct calls *calls = calls_of(self);
    unsigned known = calls ? calls->depth : 0;
    uint32_t node = 0;
    uint64_t key = key_of(site) | (uint64_t)how << SITE_BITS;

    while (known && !calls->calls[known - 1].node) known--;
    if (known) node = calls->calls[known - 1].node;
    for (; calls && known < calls->depth; known++)
        node = calls->calls[known].node = child(node, key_of(calls->calls[known].site));
    if (size > MOST_SIZE) size = MOST_SIZE;
    return child(node, key | (uint64_t)size << (SITE_BITS + HOW_BITS));
}

unsigned calls_read(uint32_t place, const void **sites, unsigned most, unsigned *how,
                    size_t *size) {
    unsigned count = 0;
    uint64_t key = place ? nodes[place].key : 0;
    *how = key >> SITE_BITS & ((1 << HOW_BITS) - 1);
    *size = (size_t)(key >> (SITE_BITS + HOW_BITS));
    for (; place && count < most; place = nodes[place].parent)
        sites[count++] = (const void *)(uintptr_t)key_of((const void *)(uintptr_t)nodes[place].key);
    return count;
}
