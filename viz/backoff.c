/* backoff.c - see backoff.h. */
#include "viz/backoff.h"

#include <stdlib.h>
#include <string.h>

#include "viz/tool.h"

#define LOOK_BACK 1000 /* events: a task that goes round has been refused among them */

static bool asks_for_lock(enum trace_op op) {
    return op == TRACE_OP_LOCK || op == TRACE_OP_TRYLOCK || op == TRACE_OP_RLOCK ||
           op == TRACE_OP_TRYRLOCK;
}

/* Where another task got the lock that an event was refused. */
static size_t find_holder(const struct trace_run *run, size_t refused) {
    const struct trace_event *own = &run->events[refused];
    bool *free_of = tool_alloc(run->task_count, sizeof *free_of);
    size_t found = TRACE_NONE;
    for (size_t i = refused; i-- > 0 && found == TRACE_NONE;) {
        const struct trace_event *event = &run->events[i];
        if (event->object != own->object || event->task == own->task || event->task == TRACE_NONE ||
            event->slept || event->result != 0 || free_of[event->task])
            continue;
        if (asks_for_lock(event->op)) found = i;
        free_of[event->task] = true; /* else it has let it go */
    }
    free(free_of);
    return found;
}

size_t backoff_last(const struct trace_run *run) {
    for (size_t i = 0; i < run->finding_count; i++)
        if (strcmp(run->findings[i].kind, "livelock") == 0) return run->findings[i].event;
    return TRACE_NONE;
}

size_t backoff_find(const struct trace_run *run, size_t last, struct backoff *found, size_t most) {
    size_t count = 0, first = last > LOOK_BACK ? last - LOOK_BACK : 0;
    bool *seen = tool_alloc(run->task_count, sizeof *seen);
    for (size_t i = last + 1; i-- > first && count < most;) {
        const struct trace_event *event = &run->events[i];
        if (event->task == TRACE_NONE || event->object == TRACE_NONE || event->slept ||
            event->result >= 0 || !asks_for_lock(event->op) || seen[event->task])
            continue;
        size_t holder = find_holder(run, i);
        seen[event->task] = true;
        if (holder != TRACE_NONE) found[count++] = (struct backoff){i, holder};
    }
    free(seen);
    return count;
}
