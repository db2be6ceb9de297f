/*
 * marks.c - what is remembered of a step so that a later one can be ordered after it, and the hash
 * of the graph that follows.
 *
 * A mark is a set of steps: (epoch, list flag, number), where the number is a step or heads a list
 * in the log. Marks live in the program's objects; one from an earlier run has another epoch and
 * counts as empty.
 *
 * The hash of a run's happens-before graph is made so that runs which differ only in the order of
 * independent steps have the same. Each operation has a name: a hash of its task's history and of
 * what it is, but not of when it came or whether it had to wait. When it completes, its name, its
 * result and the names of the operations that happen right before it go into the task's history;
 * the graph's hash adds up the histories.
 */
#include "sim/race/race.h"
#include "sim/sim.h"

enum { LIST = 1 };
enum { IN_ORDER = EDGE_COUNT, OBSERVED }; /* in the hash, as kinds of edges are */

static uint64_t make(uint32_t number, unsigned list) {
    return sim.mark | (uint64_t)list << 32 | number;
}

static bool current(uint64_t mark) { return mark_is_current(mark); }
static bool is_list(uint64_t mark) { return mark >> 32 & LIST; }

/* Adds to a list; the rest is the number of the next item, 0 at the end. */
static uint32_t cons(uint32_t step, uint32_t rest) {
    struct log *log = sim.log;
    if (log->mark_count + 1 >= log->mark_room) mark_stop();
    log->marks[++log->mark_count] = (struct log_mark){step, rest};
    return (uint32_t)log->mark_count;
}

void engine_release_also(struct task *self, uint64_t *mark) {
    uint32_t rest;
    if (!sim.active || !self->step) return;
    if (!current(*mark)) {
        *mark = make(self->step, 0);
        return;
    }
    rest = is_list(*mark) ? (uint32_t)*mark : cons((uint32_t)*mark, 0);
    *mark = make(cons(self->step, rest), LIST);
}

_Noreturn void mark_stop(void) {
    sim_stop(PIRN_LIVELOCK, "more synchronisation than a run has room for");
}

void mark_join_list(struct task *self, uint64_t mark, enum edge_kind kind) {
    for (uint32_t item = (uint32_t)mark; item; item = sim.log->marks[item].rest)
        mark_edge(self, sim.log->marks[item].step, kind);
}

void engine_number(struct task *task, uint64_t *mark) {
    if (!sim.active) return;
    *mark = make(current(*mark) ? (uint32_t)*mark + 1 : 1, 0);
    task->inputs += mix((uint32_t)*mark, IN_ORDER);
}

void engine_count(struct task *self, const uint64_t *mark) {
    if (sim.active && current(*mark)) self->inputs += mix((uint32_t)*mark, OBSERVED);
}

void engine_observe(struct task *self, const uint64_t *mark) {
    if (!sim.active || !self->step || !current(*mark)) return;
    self->inputs += mix(sim.log->events[(uint32_t)*mark - 1].hash, OBSERVED);
}
