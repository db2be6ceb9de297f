/*
 * buffer.h - what threads have to tell, on its way to the thread that writes it down.
 *
 * Each thread has a buffer of its own, a list of chunks: the thread appends at one end, the writer
 * takes from the other. A thread never waits in the middle of an operation, where it may hold a
 * lock that another one needs first; before one, it waits while the writer is far behind. So
 * nothing is lost, and memory is bounded but for what single operations have to tell.
 */
#ifndef RECORD_BUFFER_H
#define RECORD_BUFFER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What it is that is told. What is about a step comes before its ITEM_EVENT, in the same buffer. */
enum item_type {
    ITEM_EVENT,      /* a step: task, object, op, site, time; result unless it sleeps */
    ITEM_EDGE,       /* step happens before it; kind */
    ITEM_EDGES,      /* so do the first `result` steps of list `object` */
    ITEM_ADD,        /* step is number `result` of list `object`, from 0 */
    ITEM_CASE,       /* of its select: op, object */
    ITEM_TASK,       /* task, its parent in `object`, its function in `result`, site */
    ITEM_NAME,       /* more of the name of the task, in `text` */
    ITEM_OBJECT,     /* object: kind, capacity in `step`, value size in `result`, site */
    ITEM_ADDRESS,    /* of the object, in `result` */
    ITEM_LABEL,      /* more of its label, in `text` */
    ITEM_OBJECT_END, /* it is gone */
};

enum { ITEM_SLEEPS = 1, ITEM_TIMED = 2, ITEM_CHOSEN = 4, ITEM_DAEMON = 8, ITEM_MAIN = 16 };

enum { ITEM_TEXT = 32 };

struct item {
    union {
        struct {
            uint64_t step, time;
            int64_t result;
            const void *site;
        };
        char text[ITEM_TEXT];
    };
    uint32_t task, object;
    uint8_t type, op, kind, flags;
};

enum { CHUNK_ITEMS = 1000 };

struct chunk {
    _Atomic(struct chunk *) next;
    _Atomic uint32_t count;
    struct item items[CHUNK_ITEMS];
};

struct buffer {
    struct buffer *next;     /* in the list of all */
    _Atomic bool used;       /* by a thread that there is */
    _Atomic uint32_t behind; /* chunks that the writer has not finished */
    struct chunk *last;      /* the thread's */
    /* The writer's */
    struct chunk *first;
    uint32_t taken;       /* of its items */
    struct item *pending; /* of the step whose event comes next */
    uint32_t pending_count, pending_room;
    bool ready; /* its event is in `event` */
    struct item event;
};

/* The calling thread's; NULL: no memory. */
struct buffer *buffer_mine(void);

/* A place for one more item, to be told with buffer_put; NULL: no memory. */
struct item *buffer_next(struct buffer *buffer);
static inline void buffer_put(struct buffer *buffer) {
    struct chunk *chunk = buffer->last;
    uint32_t count = atomic_load_explicit(&chunk->count, memory_order_relaxed);
    atomic_store_explicit(&chunk->count, count + 1, memory_order_release);
}

/* Waits while the writer is too far behind. */
void buffer_wait_slowly(struct buffer *buffer);
enum { BUFFER_MOST = 64 /* chunks */ };
static inline void buffer_wait(struct buffer *buffer) {
    if (__builtin_expect(atomic_load_explicit(&buffer->behind, memory_order_relaxed) > BUFFER_MOST,
                         0))
        buffer_wait_slowly(buffer);
}

/* For the writer: the first of all buffers; the next item of one, or NULL; it has been looked at. */
struct buffer *buffer_first(void);
const struct item *buffer_peek(struct buffer *buffer);
static inline void buffer_drop(struct buffer *buffer) { buffer->taken++; }

/* Whether a buffer is so far behind that the writer should not sleep. */
bool buffer_any_behind(void);

#endif
