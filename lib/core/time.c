/* time.c - the clock, and sleeping. */
#include "lib/core/chan.h"
#include "lib/core/timer.h"

EXPORT int64_t pirn_now(void) { return engine_now(); }

void time_sleep(int64_t ns, const void *site) {
    struct task *self = engine_self();
    struct place place = PLACE_ALONE(SLEEP, site);
    engine_begin(self, &place);
    if (ns > 0) chan_wait_nothing(self, &place, time_after(ns));
    engine_end(self, 0);
}

EXPORT void pirn_sleep(int64_t ns) { time_sleep(ns, CALLER()); }
