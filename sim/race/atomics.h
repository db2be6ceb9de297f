/* atomics.h - C11 atomics: each is a step, and synchronises by its memory order. */
#ifndef SIM_RACE_ATOMICS_H
#define SIM_RACE_ATOMICS_H

#include <stdint.h>

#include "sim/race/race.h"

/* An operation on an atomic object that is under way. */
struct atomic {
    struct task *self; /* NULL: outside a run, or outside its tasks */
    struct location *location;
    uintptr_t address;
    unsigned size;
    int order;
    const void *site;
};

/* A scheduling point, then the operation begins. `writes`: it may. */
struct atomic atomic_begin(enum op op, volatile const void *address, unsigned size, int order,
                           const void *site);

/*
 * It has been done. `read`, `wrote`: whether it has; `changed`: whether the object's value is
 * another now. `value` goes into the log as far as it is small.
 */
void atomic_end(const struct atomic *atomic, bool read, bool wrote, bool changed, int64_t value);

/* Whether a weak compare-exchange that would succeed fails this time: a choice of the schedule. */
bool atomic_fails(const struct atomic *atomic);

void atomic_fence(int order, const void *site);

/* What was an atomic object at the address is none any more. */
void atomics_forget(uintptr_t address);

#endif
