/*
 * strategy.h - who decides what is left open: one small interface, one file for each strategy.
 *
 * A strategy sees choices as they come. Its answers are logged as the schedule, in one form for
 * all:
 *
 *     task     0: the current task goes on, where it can; 1: the next timer fires; id + 1: that
 *              task goes on
 *     case     index of the ready case, of the waiter, or the value of pirn_choose
 *     random   the 64 bits
 */
#ifndef SIM_STRATEGY_H
#define SIM_STRATEGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct task;

enum { CHOICE_CONTINUE = 0, CHOICE_TIMER = 1, CHOICE_TASK = 2 /* + id - 1 */ };

struct strategy {
    const char *name;
    const char *summary; /* a line for --strategy help */
    /* A run begins. */
    void (*begin)(struct strategy *strategy, uint64_t seed);
    /*
     * Who goes on: one of the runnable tasks, or NULL for the next timer where `timer` allows it.
     * There are two alternatives at least. `current` is the task at a scheduling point; NULL: it is
     * not runnable.
     */
    struct task *(*task)(struct strategy *strategy, struct task *current, bool timer);
    /* One of 0..n-1; n >= 2. */
    uint64_t (*pick)(struct strategy *strategy, uint64_t n);
    uint64_t (*random)(struct strategy *strategy);
    uint64_t state[4]; /* its own */
};

/* All strategies that a name can ask for; the first is the default. NULL ends the list. */
extern struct strategy *const strategies[];

/* Finds by name; NULL is the default. Returns NULL for an unknown name. */
struct strategy *strategy_find(const char *name);

/* The strategy that follows a schedule. The choices stay the caller's and must outlive the run. */
struct strategy *strategy_replay(const uint64_t *choices, size_t count);

/* Whether the replay has used every choice. */
bool strategy_replay_used_up(const struct strategy *strategy);

#endif
