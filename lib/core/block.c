/* block.c - calls that would block a thread. */
#include "lib/core/engine.h"

EXPORT int pirn_block(pirn_fn *fn, void *arg) {
    struct place place = PLACE_ALONE(BLOCK, CALLER());
    struct task *self = engine_self();
    if (!fn) return -EINVAL;
    engine_begin(self, &place);
    return engine_block(self, &place, fn, arg);
}
