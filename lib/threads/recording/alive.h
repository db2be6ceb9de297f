/* alive.h - the objects that there are, where only the last steps of a run are kept: what was told
 * of them at their beginning may be forgotten when the run ends. Any thread may call these. */
#ifndef RECORD_ALIVE_H
#define RECORD_ALIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/core/engine.h"

struct alive {
    uint32_t number;
    enum object_kind kind;
    const void *address, *site;
    uint64_t capacity, value_size;
};

/* Adds an object. Returns false when memory is short. */
bool alive_add(const struct alive *object);

/* Takes it out, into `*object`. Returns false if it was not there. */
bool alive_remove(uint32_t number, struct alive *object);

/* Takes all out, and hands each to `visit`, which must not call these. */
void alive_empty(void (*visit)(const struct alive *object));

/* Tells of an object once more, with its name. (hooks.c) */
void recorded_object_again(const struct alive *object);

#endif
