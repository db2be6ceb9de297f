/*
 * kept.h - what the race detector remembers from run to run: its tables, and what it knows of the
 * program's memory, which it tells from that of this run by the run's number.
 *
 * Nothing of it is put back between runs, also where they share a process whose memory is. Then it
 * lies, with all that it points to, in memory that snapshots leave alone, and a run pays neither
 * for what it has touched here nor for tables of its own.
 */
#ifndef SIM_RACE_KEPT_H
#define SIM_RACE_KEPT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/core/engine.h"

/* No page of memory is larger. */
#if defined __x86_64__
enum { RACE_PAGE = 1 << 12 };
#else
enum { RACE_PAGE = 1 << 16 };
#endif

enum {
    ADDRESS_BITS = 47,
    REGION_BITS = 30,
    REGIONS = 1 << (ADDRESS_BITS - REGION_BITS),
    COARSE = 3 /* the coarsest cells: of 1 << COARSE bytes */
};

extern HIDDEN struct race_kept {
    /* shadow.c, by the highest bits of the address; NULL: not touched. First, so that the way of an
     * access that tells nothing new fits a line of the processor's cache. */
    struct region *regions[REGIONS];
    uint32_t run; /* the number of the last one */
    /* memory.c */
    char *next;
    size_t left;
    /* clock.c */
    struct head *heads; /* by task */
    size_t head_room;
    /* calls.c */
    struct calls *of_tasks; /* by number of the task */
    size_t task_room;
    struct node *nodes; /* from 1 */
    uint32_t node_count, node_room;
    uint32_t *table; /* open addressing; 0: free */
    size_t table_room;
    /* shadow.c */
    struct item *items; /* from 1; those of this run */
    uint32_t item_count, item_room;
    union spare *spare[COARSE + 1]; /* cells of a page, by shift; linked */
    char *chunk;
    size_t chunk_left;
    unsigned stamp;
    uint32_t round_number;
    uintptr_t *stamped; /* beginnings of the pages that bear stamps of this round */
    size_t stamped_count, stamped_room;
} race_kept __attribute__((aligned(RACE_PAGE)));

#endif
