/* time.c - the clock, sleeping, and channels that get the time. */
#include <stdlib.h>
#include <string.h>

#include "lib/core/chan.h"

struct chan_timer {
    struct timer timer; /* first: the callback gets its address */
    pirn_chan *chan;
};

/* Now plus ns, which never becomes PIRN_FOREVER or wraps (T1). */
static int64_t after(int64_t ns) {
    int64_t when, now = engine_now();
    if (ns <= 0) return now;
    if (__builtin_add_overflow(now, ns, &when) || when == PIRN_FOREVER) when = PIRN_FOREVER - 1;
    return when;
}

EXPORT int64_t pirn_now(void) { return engine_now(); }

EXPORT void pirn_sleep(int64_t ns) {
    struct task *self = engine_self();
    struct place place = PLACE_ALONE(SLEEP, CALLER());
    engine_begin(self, &place);
    if (ns > 0) chan_wait_nothing(self, &place, after(ns));
    engine_end(self, 0);
}

static void send_time(struct timer_core *core, struct task *clock) {
    pirn_chan *chan = ((struct chan_timer *)core)->chan;
    struct place place = PLACE(FIRE, CHAN, chan, &chan->senders, NULL);
    struct waiter *woken;
    int64_t now;

    engine_begin(clock, &place);
    engine_lock(&chan->senders);
    now = engine_now();
    /* There is room for the one value, unless the program sent into the channel or closed it. */
    chan_offer(clock, chan, &now, &woken);
    engine_unlock(&chan->senders);
    wait_wake(woken);
    engine_end(clock, 0);
}

static bool time_awaited(struct timer_core *core) {
    return ((struct chan_timer *)core)->chan->receivers.first != NULL;
}

EXPORT pirn_chan *pirn_after(int64_t ns) {
    pirn_chan *chan = chan_new(sizeof(int64_t), 1, CALLER());
    struct chan_timer *timer = calloc(1, sizeof *timer);

    if (!chan || !timer) {
        free(timer);
        pirn_chan_unref(chan);
        return NULL;
    }
    timer->timer.core.fire = send_time;
    timer->timer.core.awaited = time_awaited;
    timer->chan = chan;
    chan->timer = timer;
    if (engine_timer_arm(&timer->timer, after(ns)) != 0) {
        pirn_chan_unref(chan);
        return NULL;
    }
    return chan;
}

void chan_timer_free(struct chan_timer *timer) {
    engine_timer_disarm(&timer->timer);
    free(timer);
}
