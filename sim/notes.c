/* notes.c - memory that tasks say they read or write. */
#include "lib/core/report.h"
#include "sim/race/race.h"
#include "sim/sim.h"

void engine_note(const struct place *place, const void *address, size_t size, bool writes) {
    bool wraps = size && (uintptr_t)address > UINTPTR_MAX - (size - 1);
    struct task *self = race_task();
    if (size == 0) return;
    if (address && !wraps) {
        /* What the task is in without its help is not known; the note is in it. */
        if (self)
            shadow_access(self, (uintptr_t)address, size, writes ? ACCESS_WRITE : 0, place->site);
        return;
    }
    misuse(engine_self(), place,
           address  ? "memory beyond the end of the address space is noted"
           : writes ? "a write to NULL is noted"
                    : "a read from NULL is noted");
}
