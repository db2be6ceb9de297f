/* timer.h - what timers have to do with the rest of the core. */
#ifndef CORE_TIMER_H
#define CORE_TIMER_H

#include "lib/core/engine.h"

/* Now plus ns, which never becomes PIRN_FOREVER or wraps (T1). */
static inline int64_t time_after(int64_t ns) {
    int64_t when, now = engine_now();
    if (ns <= 0) return now;
    if (__builtin_add_overflow(now, ns, &when) || when == PIRN_FOREVER) when = PIRN_FOREVER - 1;
    return when;
}

/* What pirn_sleep does, called from `site`. */
void time_sleep(int64_t ns, const void *site);

/* Ends the timer of a channel from pirn_after, which has no owner any more. */
void timer_discard(pirn_timer *timer);

#endif
