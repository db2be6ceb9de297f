/* remembered.c - see remembered.h. */
#include "sim/remembered.h"

#include <string.h>

/* Pages that nobody writes need not be put back. */
static void copy_changed(char *to, const char *from, size_t size) {
    enum { BLOCK = 1024 };
    for (size_t at = 0; at < size; at += BLOCK) {
        size_t part = size - at < BLOCK ? size - at : BLOCK;
        if (memcmp(to + at, from + at, part) != 0) memcpy(to + at, from + at, part);
    }
}

enum direction { MEASURE, SAVE, LOAD };

static size_t take(char *memory, size_t size, char *copy, enum direction direction) {
    if (direction == SAVE) copy_changed(copy, memory, size);
    if (direction == LOAD) copy_changed(memory, copy, size);
    return size;
}

/* Returns how many bytes of the copy are the strategy's. */
static size_t take_all(const struct strategy *strategy, char *copy, enum direction direction) {
    const struct strategy_memory *memory = strategy->memory;
    struct strategy *const *part = strategy->parts;
    size_t size = take((char *)(uintptr_t)strategy, sizeof *strategy, copy, direction);
    for (; memory && memory->at; memory++)
        size += take(memory->at, memory->size, copy ? copy + size : NULL, direction);
    for (; part && *part; part++) size += take_all(*part, copy ? copy + size : NULL, direction);
    return size;
}

size_t remembered_size(const struct strategy *strategy) {
    return take_all(strategy, NULL, MEASURE);
}

void remembered_save(const struct strategy *strategy, void *to) { take_all(strategy, to, SAVE); }

void remembered_load(struct strategy *strategy, const void *from) {
    take_all(strategy, (char *)(uintptr_t)from, LOAD);
}
