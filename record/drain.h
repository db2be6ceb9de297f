/* drain.h - the steps of all threads, put into their order. */
#ifndef RECORD_DRAIN_H
#define RECORD_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "record/buffer.h"

/* Who gets them. A step comes with what was told of it, and after every step before it; the rest
 * comes as soon as it is told. */
struct drain {
    void (*step)(struct drain *drain, const struct item *event, const struct item *parts,
                 uint32_t count);
    void (*other)(struct drain *drain, const struct item *item);
    /* Nobody has told of that step, and nobody will. */
    void (*missing)(struct drain *drain, uint64_t step);
    uint64_t base; /* steps up to that are of an earlier run */
    uint64_t next; /* the step that comes next */
    bool no_memory;
};

/* Hands over what can be by now. Returns whether there was anything. */
bool drain_some(struct drain *drain);

/* Hands over the rest, where no thread tells more but those that are in the middle of it: for them it
 * waits a moment. */
void drain_rest(struct drain *drain);

#endif
