/*
 * damage.h - whether a recording is what a program writes, however that has ended: a program that is
 * killed leaves whole items, in blocks that follow each other.
 */
#ifndef RECORD_DAMAGE_H
#define RECORD_DAMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/record/read.h"

/* What is known of a run before its blocks are looked at. */
struct damage_of_run {
    uint64_t base, last; /* the steps that it may have are after the one and up to the other */
    bool ended;          /* nobody writes it any more */
    bool in_memory;      /* its blocks were, and have been used before */
    uint64_t steps;      /* counted: that can be read */
    uint64_t newest;     /* found: the last of them, or 0 */
};

/* Whether a piece of the file without a head had one. */
bool damage_of_gap(const struct block *block);

/* Whether something of a buffer's blocks in a run, which stand in their order, is not there or
 * cannot be read. Adds to what is counted. */
bool damage_of_buffer(const struct block *blocks, size_t count, struct damage_of_run *run);

#endif
