/*
 * play.h - small random programs, and what they do.
 *
 * A program is data, made from a seed and played by one interpreter that knows nothing but pirn.h,
 * so that both engines play the same. Where nothing but chance decides what a run of it gives, its
 * outcome, a line of text, is all that a task could have seen. What was called on channels is
 * recorded too, with the order in which calls began and ended.
 */
#ifndef TESTS_PLAY_H
#define TESTS_PLAY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { MOST_TASKS = 4, MOST_STEPS = 4, CHANNELS = 2, MOST_CALLS = 24, OUTCOME_ROOM = 400 };

/* What a step does. Those up to LENGTH are done to channels and are recorded. */
#define VERBS(X)                     \
    X(PLAIN, "")                     \
    X(SELECT, "select ")             \
    X(CLOSE, "close")                \
    X(LENGTH, "len")                 \
    X(COUNT, "count")                \
    X(TRY_COUNT, "try count")        \
    X(COUNT_UNTIL, "count until")    \
    X(READ, "read")                  \
    X(TRY_READ, "try read")          \
    X(WRITE, "write")                \
    X(TRY_WRITE, "try write")        \
    X(ACQUIRE, "acquire")            \
    X(RELEASE, "release")            \
    X(DONE, "done")                  \
    X(WAIT, "wait")                  \
    X(ONCE, "once")                  \
    X(COND_WAIT, "cond wait")        \
    X(COND_WAIT_UNTIL, "cond until") \
    X(SIGNAL, "signal")              \
    X(BROADCAST, "broadcast")        \
    X(CANCEL, "cancel")              \
    X(ASK, "err")                    \
    X(SLEEP, "sleep")

enum verb {
#define X(name, word) name,
    VERBS(X)
#undef X
        VERB_COUNT
};

/* How long a step waits. */
enum patience { FOR_EVER, NOT_AT_ALL, UNTIL_PAST, UNTIL_SOON, PATIENCES };

/* A step; which members it has depends on the verb. */
struct step {
    enum verb verb;
    enum patience patience;
    bool first;  /* of a select: pirn_select_first */
    bool locked; /* done while holding a mutex */
    int n;       /* permits */
    int cases;   /* 1, or 2 of a select */
    bool sends[2];
    int channels[2];
};

struct program {
    uint64_t seed;
    int tasks, steps[MOST_TASKS];
    struct step step[MOST_TASKS][MOST_STEPS];
    int capacities[CHANNELS];
    int permits, work; /* of the semaphore, and that the wait group waits for */
};

/* One call on channels, as it was seen from outside. */
struct call {
    const struct step *step;
    uint64_t began, ended; /* numbers that only grow; ended 0: it has not */
    int chosen;            /* the case that was done, or a negative errno; PIRN_CLOSE, LENGTH: what
                              was returned */
    int status;            /* of that case */
    int value;             /* that it received; left as it was: UNTOUCHED */
    int sent;              /* by the first case; the second one sends the next number */
};

enum { UNTOUCHED = 99 };

struct history {
    int capacities[CHANNELS];
    int count;
    struct call calls[MOST_CALLS];
};

/* Ways to get it wrong, to see that it shows. */
enum player_mutant {
    PLAYS_WELL,
    PLAYS_VALUE,    /* a value received by a call that may end without one is another */
    PLAYS_CAPACITY, /* buffers have room for one value more */
    PLAYS_UNLOCKED, /* what a mutex guards is done without it */
    PLAYS_SWAPPED,  /* two values that a channel had at the end came out the other way round */
};
extern enum player_mutant player_mutant;

/* From this seed on programs have few steps, which do nothing but send, receive, close and ask for a
 * length, so that nearly each pair of them matters. */
#define OF_CHANNELS (UINT64_C(1) << 32)

/* From this one on likewise with mutexes, read/write locks, semaphores and plain channels. */
#define OF_LOCKS (UINT64_C(1) << 33)

void play_make(struct program *program, uint64_t seed);
void play_print(const struct program *program, FILE *file);

/* A main function for pirn_run, whose argument is a struct program. The last one that was begun is
 * what play_outcome and play_history tell of, once the run is over. */
void play_main(void *program);

/* Where delays come from, on threads; 0: none. Set before the run. */
extern uint64_t play_delays;

/* The outcome; `room` has OUTCOME_ROOM bytes. */
void play_outcome(char *room);

void play_history(struct history *history);

#endif
