/*
 * buffer.h - what threads have to tell, on its way to the file.
 *
 * Each thread has a buffer of its own: a block that it fills. With all steps kept, blocks are parts
 * of the file, mapped: what has been told is in the file at once, whatever becomes of the process,
 * and a thread that is faster than the disk is held up by the kernel when it takes a new one. Where
 * only the last steps are kept, blocks are memory, and old ones are used again.
 *
 * Who fills a block seals it when it is full. The last ones are closed by the thread that tells how
 * the run ends, while their owners may still be at an item. What they put behind that of which `at`
 * has told is lost: of a part of the file they keep memory that is none of it any more.
 */
#ifndef RECORD_BUFFER_H
#define RECORD_BUFFER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/core/recording.h"

struct buffer {
    struct buffer *next;    /* in the list of all */
    _Atomic bool used;      /* by a thread that there is */
    uint32_t number, index; /* of the buffer; of its block */
    uint64_t run;           /* which the block is of */
    _Atomic(unsigned char *) block;
    off_t place;                /* of the block in the file */
    _Atomic bool changing;      /* somebody changes what is above */
    uint64_t closed;            /* the run in which it gets no further block */
    unsigned char *at, *full;   /* where the next item goes; there is no room from there on */
    uint64_t step, ticks, site; /* of the item before */
    uint32_t task, object;
};

/* The calling thread's; NULL: no memory. */
extern __thread struct buffer *buffer_own __attribute__((tls_model("initial-exec")));
struct buffer *buffer_find(void);
static inline struct buffer *buffer_mine(void) {
    return __builtin_expect(buffer_own != NULL, 1) ? buffer_own : buffer_find();
}

/* One that is no thread's, whose blocks are always parts of the file. NULL: it cannot be had, which
 * has been told. */
struct buffer *buffer_for_run(void);

/* A block with more room. Returns false when there is none, with recording given up, or over. */
bool buffer_take_block(struct buffer *buffer);

/* Whether the next item has room in a block of that run. */
static inline bool buffer_room(struct buffer *buffer, uint64_t number) {
    return __builtin_expect(buffer->at < buffer->full && buffer->run == number, 1) ||
           buffer_take_block(buffer);
}

/* Makes room for all that a usual operation tells, so that no lock is held while the file grows.
 * Returns whether there is some. */
static inline bool buffer_prepare(struct buffer *buffer, uint64_t number) {
    return __builtin_expect(buffer->full - buffer->at >= OPERATION_ROOM && buffer->run == number,
                            1) ||
           buffer_take_block(buffer);
}

/* An item's bytes are all there but its type. What is before `at` is never written again. */
static inline void buffer_put(struct buffer *buffer, unsigned char type, unsigned char *end) {
    unsigned char *at = buffer->at;
    *end = ITEM_NONE;
    __atomic_store_n(at, type, __ATOMIC_RELEASE);
    __atomic_store_n(&buffer->at, end, __ATOMIC_RELEASE);
}

/* Writes the blocks that are kept in memory into the file, sealed; nothing comes into any from now
 * on. For one thread at a time. */
void buffers_write(void);

/* Seals the blocks of the run that are parts of the file; nothing comes into any from now on. A
 * thread that is just taking a new one may leave it open. Async-signal-safe; for one thread at a
 * time. */
void buffers_seal(void);

/* The same for one buffer. */
void buffer_seal(struct buffer *buffer);

#endif
