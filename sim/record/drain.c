/* drain.c - see drain.h: a merge, in which each buffer's steps come in their order and hardly a
 * number is left out, so that it needs few comparisons: one of the buffers has the next number. */
#include "sim/record/drain.h"

#include <stdlib.h>

/* Where a recording is damaged; a crash leaves out no more steps than there are threads. */
enum { MOST_MISSING = 1 << 20 };

static void keep(struct drain *drain, struct stream *stream, const struct item *item) {
    if (stream->pending_count == stream->pending_room) {
        uint32_t room = stream->pending_room ? 2 * stream->pending_room : 16;
        void *larger = realloc(stream->pending, room * sizeof *stream->pending);
        if (!larger) {
            drain->no_memory = true;
            return;
        }
        stream->pending = larger;
        stream->pending_room = room;
    }
    stream->pending[stream->pending_count++] = *item;
}

static bool next_item(struct stream *stream, struct item *item) {
    while (!block_next(&stream->reader, item)) {
        if (stream->next == stream->count) return false;
        block_begin(&stream->reader, &stream->blocks[stream->next++]);
    }
    return true;
}

/* Reads until there is a step to offer. */
static bool fill(struct drain *drain, struct stream *stream) {
    struct item item;
    while (!stream->ready && next_item(stream, &item)) {
        switch (item.type) {
        case ITEM_EVENT:
            stream->event = item;
            stream->ready = item.step <= drain->last;
            if (!stream->ready) stream->pending_count = 0;
            break;
        case ITEM_EDGE:
        case ITEM_EDGES:
        case ITEM_CASE:
            keep(drain, stream, &item);
            break;
        default:
            drain->other(drain, &item);
        }
    }
    return stream->ready;
}

/* Hands over what follows without a gap. */
static void drain_some(struct drain *drain, struct stream *streams, size_t count) {
    bool more;
    do {
        more = false;
        for (size_t i = 0; i < count; i++) {
            struct stream *s = &streams[i];
            while (fill(drain, s) && s->event.step <= drain->next) {
                /* What has come already cannot come again. */
                if (s->event.step == drain->next) {
                    drain->step(drain, &s->event, s->pending, s->pending_count);
                    drain->next++;
                } else if (s->event.step > drain->base) {
                    drain->twice = true;
                }
                s->pending_count = 0;
                s->ready = false;
                more = true;
            }
        }
    } while (more && !drain->no_memory);
}

/* The smallest number that is offered; 0: none. */
static uint64_t smallest(const struct stream *streams, size_t count) {
    uint64_t least = 0;
    for (size_t i = 0; i < count; i++)
        if (streams[i].ready && (!least || streams[i].event.step < least))
            least = streams[i].event.step;
    return least;
}

void drain_all(struct drain *drain, struct stream *streams, size_t count) {
    uint64_t missing = 0, least;
    for (;;) {
        drain_some(drain, streams, count);
        least = smallest(streams, count);
        if (!least || drain->no_memory) return;
        if (least - drain->next > MOST_MISSING - missing) {
            drain->cut = true;
            return;
        }
        missing += least - drain->next;
        while (drain->next < least) drain->missing(drain, drain->next++);
    }
}
