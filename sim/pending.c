/* pending.c - what can be said of steps that are still to come. */
#include "sim/dependence.h"
#include "sim/strategies.h"

/* ---- Timers -------------------------------------------------------------------------------- */

double timer_weight(void) {
    int64_t distance = timers_first()->core.when - sim.now;
    return distance <= PIRN_MSEC ? 1 : (double)PIRN_MSEC / (double)distance;
}

uint64_t timer_rank(uint64_t seed) {
    uint64_t drawn = mix(seed, timers_first()->order);
    if ((double)(drawn >> 11) * 0x1p-53 >= timer_weight() / 2) return 0;
    return mix(drawn, seed) | 1;
}

/* ---- Conflicts ----------------------------------------------------------------------------- */

/* A task that has been woken: of all operations only the locking of a mutex does more then than
 * take what it has been given. */
static bool competes(const struct task *task) {
    return task->step && task->next_place->kind == OBJECT_MUTEX &&
           sim.log->events[task->step - 1].op == OP_LOCK;
}

/* The number of the object of a task's next step; 0: none, or it has none yet. */
static uint32_t next_number(const struct task *task) {
    const waitq *queue = task->next_place->queue;
    if (task->next_place->op == OP_NONE)
        return competes(task) ? sim.log->events[task->step - 1].object : 0;
    return queue && queue->object >> 32 == sim.epoch ? (uint32_t)queue->object : 0;
}

static bool selects(const struct place *place) {
    return place->op == OP_SELECT || place->op == OP_SELECT_FIRST;
}

bool steps_conflict(const struct task *a, const struct task *b) {
    const struct place *one = a->next_place, *other = b->next_place;
    if (one->op == OP_NONE || other->op == OP_NONE) {
        uint32_t number = next_number(a);
        return number && number == next_number(b);
    }
    /* Which channels a select looks at is not known yet. */
    if (selects(one)) return selects(other) || other->kind == OBJECT_CHAN;
    if (selects(other)) return one->kind == OBJECT_CHAN;
    return one->queue && one->queue == other->queue && !operations_commute(one->op, other->op);
}
