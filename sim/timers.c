/*
 * timers.c - virtual time: a binary heap of armed timers. Ties go by the order of arming.
 *
 * There is room for those that are armed and for `idle` ones, which may be at any time. A timer may
 * outlive the run that it was made in, and the heap does too then.
 */
#include <stdlib.h>

#include "sim/dependence.h"

struct timer **timers_heap;
size_t timers_armed;
static size_t room, idle, reserved;
static uint64_t armings;
static struct timer *firing; /* whose callback is under way */

static bool before(const struct timer *a, const struct timer *b) {
    return a->core.when != b->core.when ? a->core.when < b->core.when : a->order < b->order;
}

static void put(size_t position, struct timer *timer) {
    timers_heap[position] = timer;
    timer->position = position;
}

static void sift_up(size_t position, struct timer *timer) {
    for (; position > 1 && before(timer, timers_heap[position / 2]); position /= 2)
        put(position, timers_heap[position / 2]);
    put(position, timer);
}

static void sift_down(size_t position, struct timer *timer) {
    size_t child;
    while ((child = 2 * position) <= timers_armed) {
        if (child < timers_armed && before(timers_heap[child + 1], timers_heap[child])) child++;
        if (!before(timers_heap[child], timer)) break;
        put(position, timers_heap[child]);
        position = child;
    }
    put(position, timer);
}

static void take_out(struct timer *timer) {
    size_t position = timer->position;
    struct timer *last = timers_heap[timers_armed--];
    timer->position = 0;
    sim_plan();
    if (timer->core.kind->reserved) idle++;
    if (last == timer) return;
    if (position > 1 && before(last, timers_heap[position / 2]))
        sift_up(position, last);
    else
        sift_down(position, last);
}

/* Finds room for one more. */
static bool has_place(void) {
    size_t more = room ? 2 * room : 64;
    struct timer **bigger;
    if (timers_armed + idle + 1 < room) return true;
    bigger = realloc(timers_heap, more * sizeof *timers_heap);
    if (!bigger) return false;
    timers_heap = bigger;
    room = more;
    return true;
}

int engine_timer_reserve(void) {
    if (!has_place()) return -ENOMEM;
    idle++, reserved++;
    return 0;
}

static void free_heap(void) {
    free(timers_heap);
    timers_heap = NULL;
    room = 0;
}

void engine_timer_unreserve(void) {
    idle--, reserved--;
    if (!reserved && !timers_armed && !sim.active) free_heap();
}

int engine_timer_arm(struct timer *timer, int64_t when) {
    uint32_t step;
    if (!sim.active) return -EPERM;
    if (timer->core.kind->reserved)
        idle--;
    else if (!has_place())
        return -ENOMEM;
    timer->core.when = when;
    timer->order = armings++;
    /* A timer that its callback arms again is still armed by whoever did it at first. */
    if (timer != firing) timer->armed_at = sim.current ? sim.current->step : 0;
    step = timer == firing ? sim.clock.step : timer->armed_at;
    timer->cause = step ? sim.log->events[step - 1].hash : 0;
    sift_up(++timers_armed, timer);
    sim_plan();
    if (dependence_footprint) dependence_thing(THING_CLOCK, WAY_ARM, when);
    return 0;
}

bool engine_timer_disarm(struct timer *timer) {
    if (!timer->position) return false;
    take_out(timer);
    if (dependence_footprint) {
        dependence_footprint->disarms = true;
        dependence_thing(THING_CLOCK, WAY_ARM, timer->core.when);
    }
    return true;
}

static bool awaited(const struct timer *timer) {
    return !timer->core.kind->awaited ||
           timer->core.kind->awaited((struct timer_core *)&timer->core);
}

bool timers_awaited(void) {
    for (size_t i = 1; i <= timers_armed; i++)
        if (awaited(timers_heap[i])) return true;
    return false;
}

void timers_skip(void) {
    int64_t until = PIRN_FOREVER, when;
    for (size_t i = 1; i <= timers_armed; i++)
        if (timers_heap[i]->core.when < until && awaited(timers_heap[i]))
            until = timers_heap[i]->core.when;
    while (timers_heap[1]->core.kind->after_vain &&
           (when = timers_heap[1]->core.kind->after_vain(&timers_heap[1]->core, until)) !=
               timers_heap[1]->core.when) {
        timers_heap[1]->core.when = when;
        sift_down(1, timers_heap[1]);
    }
}

void timers_fire(void) {
    struct timer *timer = timers_heap[1];
    take_out(timer);
    if (timer->core.when > sim.now) sim.now = timer->core.when;
    sim.clock_used = true;
    sim.clock.step = timer->armed_at;
    sim.clock.identity = sim.clock.history = timer->cause;
    sim.clock.children = 0;
    firing = timer;
    if (dependence_footprint) {
        dependence_thing(THING_CLOCK, WAY_FIRE, 0);
        /* It may end a wait for a descriptor, or start a task. */
        dependence_thing(THING_DESCRIPTORS, WAY_ANY, 0);
        if (sim.max_tasks) dependence_thing(THING_TASKS, WAY_ANY, 0);
    }
    timer->core.kind->fire(&timer->core, &sim.clock);
    firing = NULL;
}

uint64_t timers_next_order(void) { return armings; }

void timers_clear(void) {
    for (size_t i = 1; i <= timers_armed; i++) timers_heap[i]->position = 0;
    timers_armed = 0;
    idle = reserved;
    armings = 0;
    firing = NULL;
}

void timers_release(void) {
    timers_armed = 0;
    idle = reserved;
    if (!reserved) free_heap();
}
