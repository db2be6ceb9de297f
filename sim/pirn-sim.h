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
    PIRN_LIVELOCK, /* more steps than allowed */
    PIRN_TIMEOUT,  /* more wall-clock time than allowed */
    PIRN_DIVERGED  /* the schedule given for replay did not fit */
} pirn_outcome;

/* For pirn_sim_options.allow: what is not to count as a failure. */
#define PIRN_ALLOW_LEAK 1u
#define PIRN_ALLOW_SEND_ON_CLOSED 2u
#define PIRN_ALLOW_DOUBLE_CLOSE 4u
#define PIRN_ALLOW_RACE 8u

/* What to explore and how; zero or NULL asks for the default. */
typedef struct pirn_sim_options {
    const char *strategy; /* "random" (default) or "fifo" */
    uint64_t seed;        /* of the first run, the next run has the next; 0: fresh */
    uint64_t runs;        /* at most; 0: 1000 */
    int depth;            /* for strategies that bound preemptions; "random" and "fifo" ignore it */
    uint64_t max_steps;   /* per run; more are a livelock; 0: 100000 */
    int64_t time_limit;   /* nanoseconds of wall-clock time for all runs together; 0: none */
    const char *trace;    /* file to record into, created or added to; NULL: none */
    const char *replay;   /* a schedule ("pirn1:...") to run instead of exploring */
    unsigned allow;       /* PIRN_ALLOW_..., or-ed */
    bool keep_going;      /* go on after the first failure */
    bool shrink;          /* minimise failing schedules; not available yet: -ENOTSUP */
} pirn_sim_options;

/* What was found. */
typedef struct pirn_sim_result {
    pirn_outcome outcome; /* of the first failing run, or PIRN_OK */
    uint64_t runs;        /* performed */
    uint64_t distinct;    /* happens-before graphs seen */
    uint64_t failures;    /* failing runs */
    bool exhausted;       /* every schedule was covered; never with "random" and "fifo" */
    uint64_t seed;        /* of the first failing run */
    char message[512];    /* of the first failing run, or why pirn_sim_explore failed */
    char *schedule; /* of the first failing run, for `replay`; pirn_sim_result_free frees it */
} pirn_sim_result;

/*
 * Runs main_fn(arg) under many schedules, each run afresh in the calling process: the function sets
 * up its own state. What a run leaves on the heap when it ends early (a deadlock, say) stays there.
 * Blocks. `options` may be NULL. `result` must not be NULL, need not be initialised, and is filled
 * in also on failure.
 *
 * Returns 0 when it ran, whatever it found; -EINVAL for bad options, a NULL function or a damaged
 * schedule; -EBUSY inside a run; -ENOMEM; -ENOTSUP for what is not available; -EIO when the trace
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
