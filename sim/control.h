/*
 * control.h - how the `pirn` command and the simulator library in the program's process talk.
 *
 * The command starts the program with the environment variable PIRN_CONTROL=OPTIONS,MESSAGES: two
 * descriptors. OPTIONS is a memory file that holds a struct control_options and behind it the
 * schedule to replay, if any. To MESSAGES, a SOCK_SEQPACKET socket, the library writes one struct
 * control_message a packet. Both ends come from one build; `size` tells where they do not.
 *
 * The first pirn_run of the program sends CONTROL_HELLO and performs all runs, each in a process
 * forked there, or many in one (keeper.h). When they are over it sends CONTROL_DONE and exits; it does not return to the
 * program.
 *
 * Under a debugger (pirn replay --gdb) the variable is alone:STEPS,ALLOW,LATE: the program makes the
 * run itself, as it does without the command, with the schedule in PIRN_REPLAY, at most so many
 * steps, PIRN_ALLOW_... and whether timers are late.
 */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/pirn-sim.h"

#define CONTROL_VARIABLE "PIRN_CONTROL"
#define CONTROL_ALONE "alone:"

enum { MOST_JOBS = 1024 };

enum control_isolation {
    CONTROL_ISOLATE_BEST,
    CONTROL_ISOLATE_FORK,
    CONTROL_ISOLATE_SNAPSHOT,
    CONTROL_ISOLATE_NONE
};

enum control_record { CONTROL_RECORD_FAILING, CONTROL_RECORD_ALL, CONTROL_RECORD_NONE };

/* How large a run is. */
struct control_size {
    uint64_t steps, tasks, switches, preemptions;
};

struct control_options {
    uint32_t size;          /* of this struct */
    char strategy[64];      /* "": the default */
    uint64_t seed;          /* of the first run; 0: fresh */
    uint64_t runs;          /* at most, of all shards together, those before `next` included;
                               0: no limit */
    uint64_t shard, shards; /* shards 0: no exploration */
    uint64_t next;          /* the run to begin with, from 0 */
    int64_t resumed;        /* exploration in `trace` that goes on; 0: none */
    uint32_t jobs;          /* processes that perform runs; 0: one */
    uint64_t max_steps;     /* 0: the default */
    int64_t time_limit;     /* for all runs, in ns of wall-clock time; 0: none */
    int64_t run_time_limit; /* for one run; 0: the default */
    unsigned allow;         /* PIRN_ALLOW_... */
    bool keep_going;
    bool late_timers;                 /* --timers=late */
    enum control_isolation isolation; /* of runs from each other */
    uint8_t points;                   /* enum points of sim.h */
    bool quiet_program; /* its output is thrown away, but for a failing run's last words */
    enum control_record record;
    char trace[4096]; /* absolute path; "": none */
    bool scratch;     /* nobody sees the trace but the command: runs that pass need not be there */
    char suppressions[4096];   /* absolute path; "": none */
    int64_t expected_run;      /* in `trace_expected`: whose events a replay must repeat; 0: none */
    char trace_expected[4096]; /* absolute path */
    uint32_t schedule_length;  /* bytes behind this struct; 0: no replay */
    bool shrink;               /* the run of that schedule, instead of repeating it */
    int64_t shrunk_from;       /* that run in `trace`; 0: it is not there */
    uint32_t samples;          /* for the certainty of the shrunk run; 0: not asked for */
};

enum control_type {
    CONTROL_HELLO,    /* pirn_run has been reached */
    CONTROL_PROGRESS, /* at most ten a second; everything counted is in the trace, if not scratch */
    CONTROL_FAILURE,  /* a failing run; it is in the trace */
    CONTROL_NOTE,     /* something the user should know: message */
    CONTROL_ERROR,    /* the library cannot go on: message; `status` as the command should exit */
    CONTROL_SHRUNK,   /* the run that is left; it is in the trace */
    CONTROL_DONE      /* the final figures */
};

struct control_message {
    uint32_t size; /* of this struct */
    enum control_type type;
    uint64_t runs, distinct, failures, steps; /* so far */
    uint64_t repeated;                        /* runs that were nothing new, and do not count */
    bool systematic;                          /* the strategy can cover everything */
    bool exhausted;                           /* and has */
    bool fair;                                /* and has, but for schedules in which tasks spin */
    uint64_t run;         /* FAILURE: its number in the exploration, all shards together, from 1 */
    int64_t trace_run;    /* FAILURE, DONE: the run's id in the trace; 0: not recorded */
    pirn_outcome outcome; /* FAILURE, and DONE: of the first failing run, else of the last run */
    uint64_t seed;        /* of that run */
    uint64_t run_steps;   /* of that run */
    uint64_t kind;        /* FAILURE: equal for runs that failed in the same way */
    double unseen;        /* an estimate of the probability that the next run has a graph that none
                             has had; -1 where the runs are no sample */
    uint64_t kept;        /* runs that were performed in a process that goes on; the others had one
                             of their own */
    char isolation[128];  /* why there were no more of these; "": nobody wanted them, or all were */
    uint64_t pairs, one_way; /* DONE: of calls on one object; those that came in one order only */
    struct control_size before, after; /* SHRUNK */
    uint64_t tried;                    /* SHRUNK: runs */
    bool minimal;                      /* SHRUNK: no limit has ended it */
    uint64_t certain;                  /* SHRUNK: the step with which the failure became certain */
    uint32_t samples, certain_before;  /* SHRUNK: of how many samples; failed one step earlier */
    int status;                        /* ERROR: 2 to 4 */
    char message[1024];                /* FAILURE, NOTE, ERROR, DONE */
};

/* The name of the n-th strategy from 0, with what it does in a line; NULL after the last. Of the
 * library. */
const char *pirn__strategy(size_t n, const char **summary);

/* Whether the strategy comes to an end by itself. */
bool pirn__strategy_ends(const char *name);

/* Whether a strategy, with its parameters, can be asked for: 0 or -EINVAL. */
int pirn__strategy_check(const char *name);

#endif
