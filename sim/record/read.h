/* read.h - the items of a recording, of which nothing is believed. */
#ifndef RECORD_READ_H
#define RECORD_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/core/recording.h"

/* See enum item_type for what is set. */
struct item {
    uint64_t step, time, site;
    int64_t result;
    uint32_t task, object;
    uint8_t type, op, kind, flags;
    const char *text; /* not NUL-terminated */
    size_t length;
};

/* A block of a file; the last one may have been cut. */
struct block {
    const unsigned char *bytes;
    size_t size;
    size_t whole; /* that are as they were written, by their sums; all of one that is open */
};

/* A position among the items of one block; `at` NULL: what follows is no item. */
struct block_reader {
    const unsigned char *at, *end;
    uint64_t step, ticks, site;
    uint32_t task, object;
};

/* Whether a block has a head. */
bool block_has_head(const struct block *block);

/* How much of it is whole, for which it has a head. */
size_t block_whole(const struct block *block);

/* The head of a block that is whole so far. */
static inline const struct block_head *block_head(const struct block *block) {
    return (const struct block_head *)block->bytes;
}

/* Whether it has been sealed. */
bool block_sealed(const struct block *block);

void block_begin(struct block_reader *reader, const struct block *block);

/* Reads the next item. Returns false where there is none, or what follows is none. */
bool block_next(struct block_reader *reader, struct item *item);

#endif
