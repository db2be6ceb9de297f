/*
 * timer.c - timers: a channel that gets the time, once or again and again, or a function that is
 * called in a task of its own.
 *
 * A channel's timer goes by its channel in reports and traces; any other is an object itself.
 *
 * Invariants
 *   1. The engine's timer is armed and disarmed under the lock of `queue`; only the callback arms
 *      it again without it.
 *   2. The callback never takes that lock, so that who holds it may wait for the callback's end.
 *   3. A callback that begins once `halted` is set does nothing but set `prevented`. So an arming
 *      fires or is prevented, never both and never neither, and nothing is armed after a halt.
 *   4. A place is set aside for a timer from when it is first armed until it is freed, so arming it
 *      again, by a reset or by its callback, needs no memory.
 *   5. A timer's channel buffers one value: the tick that nobody has received yet, which a halt
 *      takes back.
 */
#include "lib/core/timer.h"

#include <stdlib.h>

#include "lib/core/chan.h"
#include "lib/core/label.h"
#include "lib/core/report.h"
#include "lib/core/task.h"

/* A function's task that cannot be started now is tried again after this time. */
#define RETRY PIRN_MSEC

struct pirn_timer {
    struct timer timer; /* first: the callback gets its address */
    waitq queue;        /* the lock, and what the engine knows of a timer without a channel */
    pirn_chan *chan;    /* NULL: calls the function */
    pirn_fn *fn;
    void *arg;
    const void *site; /* where it was made */
    bool ticker;
    int64_t period; /* of a ticker */
    _Atomic bool halted;
    bool prevented;
};

/* ---- Firing -------------------------------------------------------------------------------- */

/* Whether the arming has been taken back. */
static bool prevented(pirn_timer *t) {
    if (!atomic_load(&t->halted)) return false;
    t->prevented = true;
    return true;
}

/* The first time after `now` that is whole periods after the last one: ticks may be missed, but do
 * not drift. */
static int64_t next_tick(const pirn_timer *t, int64_t now) {
    int64_t last = t->timer.core.when, next;
    if (now > last) last += (now - last) / t->period * t->period;
    return __builtin_add_overflow(last, t->period, &next) || next == PIRN_FOREVER ? PIRN_FOREVER - 1
                                                                                  : next;
}

static void send_time(struct timer_core *core, struct task *clock) {
    pirn_timer *t = (pirn_timer *)core;
    pirn_chan *chan = t->chan;
    struct place place = PLACE(FIRE, CHAN, chan, &chan->senders, t->site);
    struct waiter *woken;
    int64_t now;
    int rc;

    if (prevented(t)) return;
    engine_begin(clock, &place);
    engine_lock(&chan->senders);
    now = engine_now();
    rc = chan_offer(clock, chan, &now, &woken);
    engine_unlock(&chan->senders);
    wait_wake(woken);
    engine_end(clock, rc);
    if (t->ticker) engine_timer_arm(&t->timer, next_tick(t, engine_now()));
}

static void start_task(struct timer_core *core, struct task *clock) {
    pirn_timer *t = (pirn_timer *)core;
    struct place place = PLACE(FIRE, TIMER, t, &t->queue, t->site);
    struct spawn spawn = {.fn = t->fn, .arg = t->arg, .site = t->site};
    uint64_t id = 0;
    int rc;

    if (prevented(t)) return;
    engine_begin(clock, &place);
    rc = engine_spawn(clock, &spawn, &id);
    engine_end(clock, rc ? rc : (int64_t)id);
    if (rc == -EAGAIN || rc == -ENOMEM) engine_timer_arm(&t->timer, time_after(RETRY));
}

static bool chan_awaited(struct timer_core *core) {
    return ((pirn_timer *)core)->chan->receivers.first != NULL;
}

/* A ticker whose last tick nobody has received misses the next ones. */
static int64_t after_missed(const struct timer_core *core, int64_t until) {
    const pirn_timer *t = (const pirn_timer *)core;
    return t->ticker && t->chan->count && core->when < until ? next_tick(t, until - 1) : core->when;
}

/* Where there are too many tasks it can do nothing before one of them ends, which something else
 * must bring about. */
static bool task_awaited(struct timer_core *core) {
    (void)core;
    return engine_room();
}

static const struct timer_kind calling = {
    .fire = start_task, .awaited = task_awaited, .reserved = true};
static const struct timer_kind sending = {
    .fire = send_time, .awaited = chan_awaited, .after_vain = after_missed, .reserved = true};

/* ---- Arming and halting -------------------------------------------------------------------- */

static struct place place_of(enum op op, pirn_timer *t, const void *site) {
    if (t->chan) return (struct place){op, OBJECT_CHAN, t->chan, &t->chan->senders, site};
    return (struct place){op, OBJECT_TIMER, t, &t->queue, site};
}

static int arm(pirn_timer *t, int64_t ns) {
    atomic_store(&t->halted, false);
    return engine_timer_arm(&t->timer, time_after(ns));
}

/* Takes an arming back; the callback has returned, and will not come before the next one. Returns
 * false when it was too late, or nothing was armed. */
static bool disarm(pirn_timer *t) {
    bool armed;
    atomic_store(&t->halted, true);
    armed = engine_timer_disarm(&t->timer);
    /* The callback may have been under way, and have armed the timer again before it ended. One
     * that begins later does not. */
    armed |= engine_timer_disarm(&t->timer);
    armed |= t->prevented;
    t->prevented = false;
    return armed;
}

/* The same for a tick that has been sent and not been received. The caller holds the lock. */
static bool halt(struct task *self, pirn_timer *t) {
    bool was_armed = disarm(t);
    struct waiter *woken = NULL;
    if (!t->chan) return was_armed;
    engine_lock(&t->chan->senders);
    if (t->chan->count) {
        chan_take(self, t->chan, NULL, &woken);
        was_armed = true;
    }
    engine_unlock(&t->chan->senders);
    wait_wake(woken);
    return was_armed;
}

/* ---- Making and freeing -------------------------------------------------------------------- */

/* Makes a timer that is not armed: with a channel, unless there is a function. */
static pirn_timer *make(pirn_fn *fn, void *arg, int64_t period, const void *site) {
    pirn_timer *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    t->fn = fn;
    t->arg = arg;
    t->ticker = period > 0;
    t->period = period;
    t->site = site;
    if (fn) {
        t->timer.core.kind = &calling;
        engine_object(&t->queue, OBJECT_TIMER, t, 0, 0, site);
        return t;
    }
    t->timer.core.kind = &sending;
    t->chan = chan_new(sizeof(int64_t), 1, site);
    if (t->chan) return t;
    free(t);
    return NULL;
}

/* Frees a timer that is not armed and has no place. */
static void release(pirn_timer *t, const void *site) {
    if (t->chan) {
        chan_unref(t->chan, site);
    } else {
        engine_object_end(&t->queue, t);
        label_forget(t);
    }
    free(t);
}

/* Arms a new timer, or frees it and returns NULL. */
static pirn_timer *start(pirn_timer *t, int64_t ns, const void *site) {
    struct task *self = engine_self();
    struct place place;
    int rc;

    if (!t) return NULL;
    place = place_of(OP_ARM, t, site);
    engine_begin(self, &place);
    rc = engine_timer_reserve();
    if (!rc && (rc = arm(t, ns))) engine_timer_unreserve();
    engine_end(self, rc);
    if (!rc) return t;
    release(t, site);
    return NULL;
}

EXPORT pirn_chan *pirn_after(int64_t ns) {
    pirn_timer *t = start(make(NULL, NULL, 0, CALLER()), ns, CALLER());
    if (!t) return NULL;
    /* From here on the channel owns the timer, not the other way round. */
    t->chan->timer = t;
    return t->chan;
}

void timer_discard(pirn_timer *t) {
    engine_self(); /* a thread that has not called before is made known */
    disarm(t);
    engine_timer_unreserve();
    free(t);
}

/* A timer whose channel it owns. */
static pirn_timer *make_owner(int64_t period, const void *site) {
    pirn_timer *t = make(NULL, NULL, period, site);
    if (t) t->chan->of_timer = true;
    return t;
}

EXPORT pirn_timer *pirn_timer_new(int64_t ns) {
    return start(make_owner(0, CALLER()), ns, CALLER());
}

static void check_period(struct task *self, const struct place *place, int64_t period) {
    if (period <= 0) misuse(self, place, "the period of a ticker must be greater than zero");
}

EXPORT pirn_timer *pirn_ticker_new(int64_t period) {
    check_period(engine_self(), &PLACE_ALONE(ARM, CALLER()), period);
    return start(make_owner(period, CALLER()), period, CALLER());
}

EXPORT pirn_timer *pirn_timer_func(int64_t ns, pirn_fn *fn, void *arg) {
    if (!fn) return NULL;
    return start(make(fn, arg, 0, CALLER()), ns, CALLER());
}

EXPORT void pirn_timer_free(pirn_timer *timer) {
    struct task *self = engine_self();
    struct place place;
    bool stopped;

    if (!timer) return;
    place = place_of(OP_STOP, timer, CALLER());
    engine_begin(self, &place);
    engine_lock(&timer->queue);
    stopped = halt(self, timer);
    engine_unlock(&timer->queue);
    engine_timer_unreserve();
    engine_end(self, stopped);
    release(timer, place.site);
}

/* ---- Using --------------------------------------------------------------------------------- */

EXPORT pirn_chan *pirn_timer_chan(pirn_timer *timer) { return timer->chan; }

EXPORT bool pirn_timer_stop(pirn_timer *timer) {
    struct task *self = engine_self();
    struct place place = place_of(OP_STOP, timer, CALLER());
    bool stopped;

    engine_begin(self, &place);
    engine_lock(&timer->queue);
    stopped = halt(self, timer);
    engine_unlock(&timer->queue);
    engine_end(self, stopped);
    return stopped;
}

EXPORT bool pirn_timer_reset(pirn_timer *timer, int64_t ns) {
    struct task *self = engine_self();
    struct place place = place_of(OP_RESET, timer, CALLER());
    bool stopped;

    if (timer->ticker) check_period(self, &place, ns);
    engine_begin(self, &place);
    engine_lock(&timer->queue);
    stopped = halt(self, timer);
    if (timer->ticker) timer->period = ns;
    arm(timer, ns); /* which does nothing where there is no run */
    engine_unlock(&timer->queue);
    engine_end(self, stopped);
    return stopped;
}
