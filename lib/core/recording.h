/*
 * recording.h - a recording: the file that a program writes while it is recorded. The `pirn` command
 * makes a trace of it (sim/record/convert.h).
 *
 * A recording is a sequence of blocks, of one process or several. A block is a head and the items
 * that one buffer has told, up to a type of 0. Each block can be read by itself: numbers are told
 * as differences from the item before, and begin anew with each block. The type of an item is
 * written last, so what can be seen of it is whole, whenever the process ends. Most numbers are in
 * bytes of seven bits. Those of an event, of which there are most, are what takes fewest branches:
 * behind the type four bytes, which are six lengths of four bits, then the operation; then six
 * numbers of so many bytes, the lowest first: step (less the one before, less 1), time, result,
 * site, task and object; from time on those of both signs are twice what they are, or one less than
 * twice when negative.
 *
 * A block is open while items come into it. When none will it is sealed: its head gets a check sum
 * of each of its pages, CRC-32C, in which the sums themselves are taken for zeros, and then the word
 * that says so. What is not a whole item is zeros by then. A block that another one of the same
 * buffer follows is sealed; the last one may be open where the process was killed.
 */
#ifndef CORE_RECORDING_H
#define CORE_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All that programs write begins with the name; the digit behind it changes with the format. */
#define RECORDING_NAME "PIRNREC"
#define RECORDING_MAGIC RECORDING_NAME "2"

/* Added to the path of a trace: the recording of what is to be added to it. */
#define RECORDING_SUFFIX "-recorded"

/* Added to the path of a recording: its file as it was, where a part of it could not be read. */
#define DAMAGED_SUFFIX "-damaged"

enum {
    BLOCK_SIZE = 65536,
    BLOCK_PAGE = 4096, /* has a sum of its own */
    BLOCK_PAGES = BLOCK_SIZE / BLOCK_PAGE,
    LONGEST_ITEM = 2048,
    BLOCK_FULL = BLOCK_SIZE - LONGEST_ITEM, /* no further item begins behind */
    OPERATION_ROOM = 4096,                  /* for all that a usual operation tells */
    RECORDING_MESSAGE = 512,                /* bytes of a message, with the NUL */
    RECORDING_FINDINGS = 1000               /* of a run */
};

#define BLOCK_SEALED UINT32_C(0x5ea1ed17)

struct block_head {
    char magic[8];
    uint64_t process;       /* tells processes apart */
    uint32_t run;           /* of the process, from 1 */
    uint32_t buffer, index; /* the index-th block of a buffer */
    uint32_t seal;          /* BLOCK_SEALED; 0: it is open */
    uint64_t step, ticks;   /* what the first differences are from */
    int64_t ns;             /* engine_now at `ticks` */
    uint64_t site;
    uint32_t sums[BLOCK_PAGES];
};

/* What it is that is told, with what a reader finds in a struct item. What is about a step comes
 * before its event, in the same buffer. */
enum item_type {
    ITEM_NONE,
    ITEM_EDGE,       /* `step` happens before it; kind */
    ITEM_EDGES,      /* so do the first `result` steps of list `object` */
    ITEM_ADD,        /* `step` is number `result` of list `object`, from 0 */
    ITEM_CASE,       /* of its select: op, object */
    ITEM_TASK,       /* task, its parent in `object`, its function in `result`, site, flags, text */
    ITEM_STATE,      /* task: its last step's `flags` and object; told where steps are left out */
    ITEM_OBJECT,     /* object: kind, capacity in `step`, value size in `time`, site, its address
                        in `result` */
    ITEM_LABEL,      /* object, text */
    ITEM_LABEL_AT,   /* of what is at the address `result`: text */
    ITEM_OBJECT_END, /* object: it is gone */
    ITEM_RUN,        /* base in `step`, time in `time`, in ns since the epoch, the last events to be
                        kept in `result` */
    ITEM_PROGRAM,    /* text: what is in `kind`, enum program_text */
    ITEM_MODULE,     /* text: its path; `step` is added to its addresses, which begin at `time` and
                        have ended at `result` */
    ITEM_ENDING, /* ticks in `time`, ns in `step`, enum recording_end in `kind`, text: the message; the last
                        number of a step in `result`, the number of the run's blocks in `site` */
    ITEM_FINDING, /* task, site, flags, text */
    ITEM_TYPES,
    ITEM_EVENT = 0x80, /* and flags: a step: op, step, time in ticks, result, site, task, object */
};

/* How a run has ended. */
enum recording_end {
    ENDED_WELL,
    ENDED_DEADLOCK,
    ENDED_PANIC,
    ENDED_MISUSE,
    ENDED_CRASH,
    ENDED_EXIT, /* of the process, with a status other than 0 */
    ENDS
};

enum program_text {
    PROGRAM_PATH,
    PROGRAM_BUILD,
    PROGRAM_ARGUMENTS,
    PROGRAM_VERSION,
    PROGRAM_TEXTS
};

/* Of events and states; of tasks; of findings. */
enum { ITEM_SLEEPS = 1, ITEM_TIMED = 2, ITEM_CHOSEN = 4, ITEM_DAEMON = 8, ITEM_HAS_OBJECT = 16 };
enum { EVENT_FLAGS = ITEM_SLEEPS | ITEM_TIMED | ITEM_CHOSEN };

enum { EVENT_NUMBERS = 6, EVENT_HEAD = 5 }; /* the latter in bytes, the type included */

static inline unsigned char *put_number(unsigned char *to, uint64_t value) {
    while (value >= 0x80) {
        *to++ = (unsigned char)(value | 0x80);
        value >>= 7;
    }
    *to++ = (unsigned char)value;
    return to;
}

/* Small numbers of both signs are small ones without. */
static inline uint64_t fold(int64_t value) { return (uint64_t)value << 1 ^ -(uint64_t)(value < 0); }

static inline unsigned char *put_signed(unsigned char *to, int64_t value) {
    return put_number(to, fold(value));
}

#endif
