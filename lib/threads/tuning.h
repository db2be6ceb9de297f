/*
 * tuning.h - how often and how long: numbers on which speed depends, and nothing else. The model of
 * the runtime (tests/model) has smaller ones.
 */
#ifndef THREADS_TUNING_H
#define THREADS_TUNING_H

enum {
    LOOK_AROUND = 61, /* switches between looks at what is not its own: a prime */
    STREAK = 32,      /* tasks that may run out of turn, one after the other */
    OLDEST = 64,      /* such looks between turns of the oldest task that has not begun */
    SPINS = 256,      /* looks before sleeping */
    MOVED = 64        /* tasks moved at once, at most, of a kind */
};

/* In nanoseconds */
enum {
    PROBE = 20000,       /* that a thief watches its victim */
    COARSE = 2000,       /* tasks that run as long between two switches are worth moving */
    LONG = 1000000,      /* and any that would wait as long */
    WATCH_LEAST = 50000, /* between the looks of a watching worker */
    WATCH_MOST = 1000000
};

#endif
