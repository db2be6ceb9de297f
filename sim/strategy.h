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

#include "sim/share.h"

struct log;
struct task;

enum { CHOICE_CONTINUE = 0, CHOICE_TIMER = 1, CHOICE_TASK = 2 /* + id - 1 */ };

/* What a systematic strategy is asked for. */
struct search_request {
    uint64_t seed;      /* of pirn_random, in all runs */
    uint64_t runs;      /* that are to be made at most; 0: any number */
    uint64_t max_steps; /* of a run */
    struct share share; /* shards 0: nobody shares it */
};

/* A variable. */
struct strategy_memory {
    void *at; /* NULL ends a list */
    size_t size;
};

enum {
    SEARCH_MORE = 1,      /* there is another run to be made */
    SEARCH_REPEATED = 2,  /* this one was nothing new, and does not count */
    SEARCH_GAPS = 4,      /* some schedules have been left out, in this run or before */
    SEARCH_UNFAIR = 8,    /* the same, but only such in which a task spins */
    SEARCH_ELSEWHERE = 16 /* this one counts in another shard */
};

struct strategy {
    const char *name;
    const char *summary; /* a line for --strategy help */
    /* An exploration begins: nothing is known of the program. NULL: nothing to do. */
    void (*start)(struct strategy *strategy);
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
    /*
     * One of the first LESSONS runs of the exploration (share.h) is over, and this is what it left.
     * Called where the exploration is, which may be another process than the run's. NULL: it learns
     * nothing, and its runs are functions of their seeds alone.
     */
    void (*learn)(struct strategy *strategy, struct log *log);
    /*
     * Of a systematic strategy, whose runs depend on each other; NULL in others. What it remembers
     * is in memory that the processes forked for runs share.
     *
     * `open`: an exploration begins, after `start`. Returns 0 or -ENOMEM.
     * `next`: the run in the log is over. Returns SEARCH_..., or-ed.
     * `close`: gives the memory back.
     * `fires`: a timer fires because no task can run. A strategy that has this is asked for the
     * next task also where there is one alone.
     */
    int (*open)(struct strategy *strategy, const struct search_request *search);
    unsigned (*next)(struct strategy *strategy, const struct log *log);
    void (*close)(struct strategy *strategy);
    void (*fires)(struct strategy *strategy);
    /*
     * Of a systematic strategy whose runs come to an end: so it can go on from where it was another
     * time.
     *
     * `position`: where it is between two runs, or with parts given out, as text without a line
     * end, which the caller frees; NULL: no memory.
     * `go_to`: goes there, after `open`. *found gets SEARCH_..., as `next` returned it. Returns 0,
     * -ENOMEM, or -EINVAL for a text that is no position.
     */
    char *(*position)(struct strategy *strategy);
    int (*go_to)(struct strategy *strategy, const char *position, unsigned *found);
    /*
     * Of the same, whose runs several processes can make at a time. All but turn_to are called in the
     * process that explores.
     *
     * `share`: there are to be so many parts, none of which has anything to do. Returns 0 or
     * -ENOMEM.
     * `give`: gives a part the next run to be made. Returns false where that depends on parts that
     * are not done yet, or there is none.
     * `turn_to`: `begin`, the run and `next` are of this part from now on, in this process.
     */
    int (*share)(struct strategy *strategy, size_t parts);
    bool (*give)(struct strategy *strategy, size_t part);
    void (*turn_to)(struct strategy *strategy, size_t part);
    /*
     * What it remembers from run to run in variables of its own, beside this struct and memory that
     * processes share, and the strategies that it asks; NULL: nothing, nobody. `begin` depends on that
     * and the seed alone.
     */
    const struct strategy_memory *memory;
    struct strategy *const *parts; /* NULL ends them */
    int most_depth;                /* that it can be asked for; 0: it has no depth */
    /* Set by `begin` where it leaves the run to another one, who is asked instead; it has no `task`,
     * `pick` and `random` then. NULL: nobody. */
    struct strategy *turn;
    bool sampling;     /* its runs are drawn at random, so that they allow an estimate */
    bool walks;        /* it is `random`: see sim_walk in step.h */
    bool fair;         /* no runnable task waits for ever; else the engine sees to that */
    bool ends;         /* its runs come to an end by themselves */
    bool bounded;      /* its depth is a bound that it has only if asked for */
    int depth;         /* as asked for; -1: no bound */
    uint64_t state[4]; /* its own */
};

enum { DEFAULT_DEPTH = 3, MOST_DEPTH = 64 };

/* All strategies that a name can ask for; the first is the default. NULL ends the list. */
extern struct strategy *const strategies[];

/*
 * Finds by name, behind which ":depth=N" may stand; NULL is the default. Sets its depth, and it has
 * to be told of the exploration before its first run. Returns NULL for an unknown name or a depth
 * that it cannot have.
 */
struct strategy *strategy_find(const char *name);

/* Whether the strategy can have this depth. */
bool strategy_has_depth(const struct strategy *strategy, int depth);

/* An exploration with the strategy begins. */
void strategy_start(struct strategy *strategy);

/* What most of them do with a seed, in state[0], and with choices other than of tasks. */
void strategy_seed(struct strategy *strategy, uint64_t seed);
uint64_t strategy_pick(struct strategy *strategy, uint64_t n);
uint64_t strategy_draw(struct strategy *strategy);

/* The strategy that follows a schedule. The choices stay the caller's and must outlive the run. */
struct strategy *strategy_replay(const uint64_t *choices, size_t count);

/* Whether the replay has used every choice. */
bool strategy_replay_used_up(const struct strategy *strategy);

#endif
