/* notes.c - memory that tasks say they read or write. */
#include "lib/core/report.h"
#include "sim/sim.h"

void engine_note(const struct place *place, const void *address, size_t size, bool writes) {
    bool wraps = size && (uintptr_t)address > UINTPTR_MAX - (size - 1);
    if (size == 0 || (address && !wraps)) return;
    misuse(engine_self(), place,
           address  ? "memory beyond the end of the address space is noted"
           : writes ? "a write to NULL is noted"
                    : "a read from NULL is noted");
}
