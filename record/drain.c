/* drain.c - see drain.h: a merge, in which each buffer's steps come in their order and no number
 * is left out, so that it needs no comparison: one of the buffers has the next number, or it has
 * not been told yet. */
#include "record/drain.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PATIENCE = 50 }; /* looks, a millisecond apart, at what is still to be told */

static void keep(struct drain *drain, struct buffer *buffer, const struct item *item) {
    if (buffer->pending_count == buffer->pending_room) {
        uint32_t room = buffer->pending_room ? 2 * buffer->pending_room : 16;
        void *larger = realloc(buffer->pending, room * sizeof *buffer->pending);
        if (!larger) {
            drain->no_memory = true;
            return;
        }
        buffer->pending = larger;
        buffer->pending_room = room;
    }
    buffer->pending[buffer->pending_count++] = *item;
}

/* Takes from a buffer until it has a step to offer. */
static bool fill(struct drain *drain, struct buffer *buffer) {
    const struct item *item;
    while (!buffer->ready && (item = buffer_peek(buffer))) {
        switch (item->type) {
        case ITEM_EVENT:
            if (item->step <= drain->base) {
                buffer->pending_count = 0;
            } else {
                buffer->event = *item;
                buffer->ready = true;
            }
            break;
        case ITEM_EDGE:
        case ITEM_EDGES:
        case ITEM_CASE:
            keep(drain, buffer, item);
            break;
        default:
            drain->other(drain, item);
        }
        buffer_drop(buffer);
    }
    return buffer->ready;
}

bool drain_some(struct drain *drain) {
    bool any = false, more;
    do {
        more = false;
        for (struct buffer *b = buffer_first(); b; b = b->next) {
            while (fill(drain, b) && b->event.step == drain->next) {
                drain->step(drain, &b->event, b->pending, b->pending_count);
                b->pending_count = 0;
                b->ready = false;
                drain->next++;
                more = any = true;
            }
        }
    } while (more && !drain->no_memory);
    return any;
}

/* The smallest number that is offered; 0: none. */
static uint64_t smallest(void) {
    uint64_t least = 0;
    for (struct buffer *b = buffer_first(); b; b = b->next)
        if (b->ready && (!least || b->event.step < least)) least = b->event.step;
    return least;
}

void drain_rest(struct drain *drain) {
    const struct timespec pause = {0, 1000000};
    for (int i = 0;;) {
        drain_some(drain);
        if (!smallest() || drain->no_memory) return;
        if (i++ < PATIENCE) {
            nanosleep(&pause, NULL);
            continue;
        }
        /* A thread that has crashed, or waits for one that has. */
        while (drain->next < smallest()) drain->missing(drain, drain->next++);
    }
}
