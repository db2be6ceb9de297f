/*
 * outside.h - what a run changes beyond its memory: descriptors, threads, processes, handlers of
 * signals, the working folder. It cannot be put back, only noticed.
 */
#ifndef SIM_OUTSIDE_H
#define SIM_OUTSIDE_H

#include <stdbool.h>

/* What the functions that interpose.c takes over tell of. */
enum outside_change {
    OUTSIDE_THREADS = 1,
    OUTSIDE_PROCESSES = 2,
    OUTSIDE_HANDLERS = 4,
    OUTSIDE_PERHAPS = 8,   /* something that /proc shows */
    OUTSIDE_MAPPINGS = 16, /* which can be put back */
    OUTSIDE_WATCHED = 32   /* what the race detector keeps lies in memory that is put back */
};

struct outside;

/* Makes one for the calling process, in shared memory. NULL: there is none. */
struct outside *outside_new(void);

/* Remembers how things are. Returns false when /proc cannot be read. */
bool outside_begin(struct outside *outside);

/*
 * Whether anything has changed since. Looks at what costs next to nothing, and at everything after
 * each run whose number is a power of two. Returns NULL or a line that says what.
 */
const char *outside_changed(struct outside *outside);

/* Whether a mapping may have changed; forgets it. */
bool outside_mappings(struct outside *outside);

/* Told by interpose.c, anywhere and at any time. */
void outside_note(enum outside_change change);

/* Moves a descriptor to a number that the program will not come to. -1 stays, and on failure. */
int outside_descriptor(int descriptor);

#endif
