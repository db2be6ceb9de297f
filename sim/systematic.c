/* systematic.c - see systematic.h. */
#include "sim/systematic.h"

#include <sys/mman.h>

void *search_memory(size_t size) {
    void *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void search_release(void *memory, size_t size) {
    if (memory) munmap(memory, size);
}

bool search_timer(struct search_timers *timers) {
    uint64_t task_steps = sim.log->steps - sim.clock_steps;
    if (timers->task_steps != task_steps) {
        timers->task_steps = task_steps;
        timers->order = timers_next_order();
    }
    return timers_first()->order < timers->order;
}

uint64_t search_random(uint64_t seed) { return mix(seed, sim.current->history); }

bool search_cut(const struct log *log) {
    /* One that has not begun for want of memory says nothing of what there is. */
    return !log->steps || log->cut || log->turns || log->outcome == PIRN_LIVELOCK ||
           log->outcome == PIRN_TIMEOUT || log->outcome == PIRN_DIVERGED;
}

/* ---- Spinning ------------------------------------------------------------------------------ */

enum { TRIES = 2, LOOK_BACK = 4096 };

bool search_spins(const struct task *task) {
    const struct log_event *events = sim.log->events;
    const struct place *place = task->next_place;
    const void *site = place->site;
    uint64_t at = task->step, end;
    int tries = 0;
    /* One who looks at many atomic objects in a loop does not spin. */
    bool atomic = place->kind == OBJECT_ATOMIC || place->kind == OBJECT_MEMORY;

    if (!at || place->op == OP_NONE || !event_in_vain(&events[at - 1])) return false;
    end = sim.log->steps;
    if (end - at > LOOK_BACK) return false;
    /* Since its last step others may have changed something. */
    for (uint64_t step = sim.log->steps; step; step--) {
        const struct log_event *event = &events[step - 1];
        if (end - step > LOOK_BACK) return false;
        if (!event_in_vain(event)) return false;
        if (event->task != task->core.id) continue;
        if (atomic && event->object != (uint32_t)place->queue->object) continue;
        if (event->op == place->op && event->site == site && ++tries == TRIES) return true;
    }
    return false;
}

_Noreturn void search_diverge(void) {
    sim_stop(PIRN_DIVERGED, "the program does other things under the same choices: something "
                            "outside the library decides what it does");
}
