/*
 * pirn-sim.h - the simulator, from a test.
 *
 * Link with -lpirn-sim instead of -lpirn. In that library pirn_run is one simulated run: its
 * schedule from the environment variable PIRN_REPLAY, else its seed from PIRN_SEED, else a fresh
 * seed, which a failure prints.
 */
#ifndef PIRN_SIM_H
#define PIRN_SIM_H

#include <pirn.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a run ended. A run that could be given several has the one that DESIGN calls first: a
 * crash, a panic, a misuse, a race, a deadlock, a leak, a livelock, a timeout, an exit, a
 * divergence. */
typedef enum pirn_outcome {
    PIRN_OK,       /* nothing found */
    PIRN_DEADLOCK, /* main has not returned, nothing can run and nothing can wake */
    PIRN_LEAK,     /* main has returned, and a task that is no daemon is blocked for ever */
    PIRN_RACE,     /* two accesses to the same bytes that nothing orders */
    PIRN_PANIC,    /* pirn_panic or pirn_assert */
    PIRN_MISUSE,   /* a call that the interface forbids */
    PIRN_CRASH,    /* a signal */
    PIRN_EXIT,     /* the program exited with a status other than 0 */
    PIRN_LIVELOCK, /* more steps than allowed, though tasks took turns in the end */
    PIRN_TIMEOUT,  /* more wall-clock time than allowed */
    PIRN_DIVERGED  /* a run did other things than one before with the same schedule */
} pirn_outcome;

/* For pirn_sim_options.allow: what is not to count as a failure. */
#define PIRN_ALLOW_LEAK 1u
#define PIRN_ALLOW_SEND_ON_CLOSED 2u
#define PIRN_ALLOW_DOUBLE_CLOSE 4u
#define PIRN_ALLOW_RACE 8u

/*
 * What to explore and how; zero or NULL asks for the default.
 *
 * Strategies: "random" takes every runnable task as likely at each step. "pct" gives tasks
 * priorities that change at depth - 1 random steps: it finds what takes few switches at the right
 * places (Burckhardt et al., ASPLOS 2010). "pos" gives each step a priority, drawn anew where steps
 * conflict: it finds what takes a rare order of few conflicts among many steps (Yuan et al., CAV
 * 2018). "surw" draws a task in proportion to the steps that it has left, so that all interleavings
 * are alike (Zhao et al., ASPLOS 2025). "portfolio" makes a few runs of "dfs", then these four take
 * turns. "dpor" makes one run of each class of schedules that differ in the order of independent
 * steps alone (Abdulla et al., POPL 2014), "dfs" every schedule, "dfs:depth=2" those with at most 2
 * preemptions, the fewest first (Musuvathi and Qadeer, PLDI 2007); both end when all is covered. "fifo" lets tasks
 * take turns, one schedule without chance. "pct:depth=2" is "pct" with that depth.
 *
 * All of them draw from the seed, and are fair in the end: where tasks do nothing but try in vain,
 * and in the second half of a run's steps, they take turns. "pct", "surw" and "portfolio" learn
 * from the first 16 runs, so that there the same exploration from its first seed gives the same run
 * again; with the others a run's seed is enough. A run's schedule always is.
 *
 * With `shrink` the schedule of the result is one that fails in the same way (the same findings, on
 * the same objects, called from the same places) from which no single preemption can be taken out:
 * further runs, 20000 and a minute at most, look for it once the exploration is over. With a trace
 * that is done for each kind of failure; the shrunk runs are recorded with `shrunk_from`, and where
 * the failure became certain. Where the failure does not come again the schedule stays as it was.
 *
 * Every 1000th run is repeated from its schedule and compared, so that main_fn is called once more
 * then. Where it does something else the exploration ends with PIRN_DIVERGED and names the first
 * event that differs.
 */
typedef struct pirn_sim_options {
    const char *strategy; /* "portfolio" (default), "random", "pct", "pos", "surw", "dpor",
                             "dfs", "fifo" */
    uint64_t seed;        /* of the first run, the next run has the next; 0: fresh */
    uint64_t runs;        /* at most; 0: 1000, with "dpor" and "dfs" any number */
    int depth; /* of bugs, for "pct" and "portfolio", 1 to 64; 0: 3. Preemptions, for "dfs", 1 to
                             64; 0: any number. Others ignore it */
    uint64_t max_steps; /* per run; more are a livelock; 0: 100000 */
    int64_t time_limit; /* nanoseconds of wall-clock time for all runs together; 0: none */
    const char *trace;  /* file to record into, created or added to; NULL: none */
    const char *replay; /* a schedule ("pirn1:...") to run instead of exploring */
    unsigned allow;     /* PIRN_ALLOW_..., or-ed */
    bool keep_going;    /* go on after the first failure */
    bool shrink;        /* makes the schedules of what fails as simple as possible, see below */
    bool record_all;    /* into the trace: the events of every run, not of failing ones only */
} pirn_sim_options;

/* What was found. */
typedef struct pirn_sim_result {
    pirn_outcome outcome; /* of the first failing run, or PIRN_OK */
    uint64_t runs;        /* performed, those for shrinking and comparing left out */
    uint64_t distinct;    /* happens-before graphs seen */
    uint64_t failures;    /* failing runs */
    bool exhausted;       /* every schedule was covered: "dpor", "dfs". Not where one was left
                             out in which a task tries in vain again and again */
    uint64_t seed;        /* of the first failing run */
    char message[512];    /* of the first failing run, or why pirn_sim_explore failed */
    char *schedule; /* of the first failing run, with keep_going of the shortest that failed in the
                       same way, with shrink of the simplest; for `replay`. pirn_sim_result_free
                       frees it */
    uint64_t kinds; /* of failures, told apart by what was found, on which objects, called from
                       where; 1000 at most */
    double unseen;  /* an estimate (Good-Turing) of the probability that the next run has a
                       happens-before graph that none has had; -1 for "fifo" and replays, or without
                       runs */
} pirn_sim_result;

/*
 * Runs main_fn(arg) under many schedules, each run afresh in the calling process: the function sets
 * up its own state. What a run leaves on the heap when it ends early (a deadlock, say) stays there.
 * Blocks. `options` may be NULL. `result` must not be NULL, need not be initialised, and is filled
 * in also on failure.
 *
 * Returns 0 when it ran, whatever it found; -EINVAL for bad options, a NULL function, a damaged
 * schedule or a bad value of a PIRN_... variable; -EBUSY inside a run; -ENOMEM; -EIO when the trace
 * cannot be written (result->message says why).
 */
int pirn_sim_explore(const pirn_sim_options *options, pirn_fn *main_fn, void *arg,
                     pirn_sim_result *result);

/* Frees what the result holds; not the struct. NULL is ignored. */
void pirn_sim_result_free(pirn_sim_result *result);

/* Returns the outcome's word: "ok", "deadlock", ... as in the database. The string is static. */
const char *pirn_outcome_name(pirn_outcome outcome);

#ifdef __cplusplus
}
#endif

#endif
