/* note.c - what the program says of the memory that it shares. */
#include "lib/core/engine.h"

EXPORT void pirn_note_read(const void *address, size_t size) {
    struct place place = PLACE_ALONE(NONE, CALLER());
    engine_note(&place, address, size, false);
}

EXPORT void pirn_note_write(const void *address, size_t size) {
    struct place place = PLACE_ALONE(NONE, CALLER());
    engine_note(&place, address, size, true);
}
