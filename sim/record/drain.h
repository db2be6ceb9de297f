/* drain.h - the steps of all buffers of a run, put into their order. */
#ifndef RECORD_DRAIN_H
#define RECORD_DRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/record/read.h"

/* The blocks of one buffer, in their order. */
struct stream {
    const struct block *blocks;
    size_t count, next; /* the block to be read next */
    struct block_reader reader;
    struct item *pending; /* of the step whose event comes next */
    uint32_t pending_count, pending_room;
    bool ready; /* its event is in `event` */
    struct item event;
};

/* Who gets them. A step comes with what was told of it, and after every step before it; the rest
 * comes as soon as it is read. */
struct drain {
    void (*step)(struct drain *drain, const struct item *event, const struct item *parts,
                 uint32_t count);
    void (*other)(struct drain *drain, const struct item *item);
    /* Nobody has told of that step. */
    void (*missing)(struct drain *drain, uint64_t step);
    uint64_t base; /* steps up to that are left out */
    uint64_t last; /* and those after it */
    uint64_t next; /* the step that comes next */
    bool no_memory;
    bool cut;   /* too many are missing for the rest to be handed over */
    bool twice; /* a step has come that had come already */
};

/* Hands over all that there is. */
void drain_all(struct drain *drain, struct stream *streams, size_t count);

#endif
