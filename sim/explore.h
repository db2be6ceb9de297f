/*
 * explore.h - many runs, one after the other: seeds, limits, what is counted and what is recorded.
 * How one run is performed is the caller's: in this process, or in one forked for it.
 */
#ifndef SIM_EXPLORE_H
#define SIM_EXPLORE_H

#include <sys/types.h>
#include <time.h>

#include "sim/control.h"
#include "sim/log.h"
#include "sim/orders.h"
#include "sim/race/places.h"
#include "sim/recorder.h"
#include "sim/schedule.h"
#include "sim/share.h"
#include "sim/sim.h"

enum { MOST_FAILURE_KINDS = 1000, RESOLVED_SITES = 256 };

/* Runs that failed in the same way. */
struct failure_kind {
    uint64_t key, count;
    uint64_t steps; /* of the shortest */
    char *schedule; /* of the shortest, the first of those; owned */
    int64_t run;    /* that in the trace */
};

struct shrink;
struct certainty;

struct exploration {
    /* What is asked for. */
    struct strategy *strategy;
    struct schedule *replay; /* instead of the strategy, once; NULL: none */
    struct run_options run;
    uint64_t seed, runs; /* of the whole exploration, whoever shares it; runs 0: no limit */
    struct share share;  /* shards 0: nobody shares it, and it is not to go on another time */
    uint64_t next;       /* the runs before this one are done; moves on */
    int64_t resumed;     /* the exploration in the trace that goes on; 0: none */
    const char *asked;   /* the strategy's name as asked for */
    unsigned jobs;       /* processes that perform runs; 0 and 1: this one does */
    int64_t time_limit;  /* 0: none */
    bool keep_going;
    enum control_record record;
    bool count_orders;  /* of calls, where a graph is new */
    const char *trace;  /* NULL: none */
    bool only_failures; /* it is for runs that fail, and made with the first */
    /* How a run is performed with the given strategy. Returns 0 with the log filled in, a
     * negative errno when there could be none (-ECANCELED: it is to end, as `stopped` says), or 1
     * in a child that goes on with the program. */
    int (*perform)(struct exploration *exploration, struct strategy *strategy);
    /* Called in a process forked from `parent` to perform runs there. Needed with `jobs`. */
    void (*worker_begins)(struct exploration *exploration, pid_t parent);
    /* Called before a process is forked for a run, and after that in this one; may be NULL. */
    void (*forks)(struct exploration *exploration, bool begins);
    /* Whether it is to end with what there is, asked a few times a second; may be NULL. */
    bool (*stopped)(struct exploration *exploration);
    /* Told of each failing run, after it has been recorded, and now and then of progress; may be
     * NULL. */
    void (*report)(struct exploration *exploration, enum control_type type);
    void *context;

    /* What has come of it. */
    struct log *log;     /* of the last run */
    bool searching;      /* the strategy has runs that are still to be made */
    bool settled;        /* no run changes the strategy any more */
    uint32_t given_anew; /* how often runs were given to other processes than at first */
    uint64_t following;  /* runs of the share that follow this one anyhow; UINT64_MAX: any number */
    struct strategy *running; /* what performs it */
    struct shrink *shrink;    /* when that is what is done; else NULL */
    struct recorder *recorder;
    int reserved; /* a descriptor, in whose place the trace comes, so that runs find the same ones
                     open; -1: none */
    uint64_t done, distinct, failures, steps;
    uint64_t repeated;         /* runs that were nothing new to the strategy; not in `done` */
    bool exhausted;            /* every schedule that was asked for has been covered */
    bool fair;                 /* the same, but for schedules in which a task spins */
    uint64_t sampled;          /* runs that were drawn at random */
    uint64_t once;             /* graphs that one of these alone has had */
    uint64_t lessons[LESSONS]; /* graphs of runs before the exploration went on; 0: none */
    int64_t trace_run;         /* the last one recorded; 0: none */
    pirn_outcome outcome;      /* of the first failing run */
    uint64_t failing_seed;
    int64_t failing_run;               /* in the trace */
    char message[1024];                /* of the first failing run, or why it cannot go on */
    char note[1024];                   /* of CONTROL_NOTE */
    bool over;                         /* there is no need to go on */
    bool timed;                        /* somebody wants to know how late it is */
    clockid_t clock;                   /* coarse where nobody is told of times */
    int64_t begun, asked_at, reported; /* by it */
    int64_t read;                      /* what it said when a run had been taken in; 0: nothing */
    struct failure_kind kinds[MOST_FAILURE_KINDS];
    size_t kind_count;
    uint64_t failing_kind; /* of the last failing run: its key */
    struct resolved_site {
        const void *site; /* NULL: hash 0 */
        uint64_t hash;
    } sites[RESOLVED_SITES]; /* resolving takes its time: those of late */
    struct orders orders;
    struct race_pair {
        uint64_t pair, kind;
    } races[MOST_FAILURE_KINDS]; /* pairs of places, and the kind of failure each was told with */
    size_t race_count;
    struct places places;
    uint64_t *graphs; /* a set */
    size_t graph_room;
};

/* A seed that nobody chose. */
uint64_t explore_fresh_seed(void);

/*
 * Performs the runs. Returns 0; 1 in a child; -EIO when the trace cannot be written, -ENOMEM, or
 * what `perform` returns: with a line in `message`.
 */
int explore(struct exploration *exploration);

/* Performs that run of the exploration. Returns as exploration.perform does. */
int explore_perform(struct exploration *exploration, struct strategy *strategy, uint64_t run);

/* Repeats the run in the log, that of that number, if it is time to: see again.h. Returns
 * likewise. */
int explore_again(struct exploration *exploration, uint64_t run);

/* Counts, records and tells of the run that is in the log. Returns 0 or a negative errno. */
int explore_take_in(struct exploration *exploration, struct strategy *strategy, uint64_t run);

/* Whether to end: by what was found, by the time, or because somebody asks for it. */
bool explore_over(struct exploration *exploration);

/* Makes ready for runs: the log, and the trace if there is to be one. Returns 0, -ENOMEM or -EIO,
 * with a line in `message`. */
int explore_begin(struct exploration *exploration);

/* Performs one run, which is not counted. Returns what `perform` does. */
int explore_once(struct exploration *exploration, struct strategy *strategy, uint64_t seed);

/* A run that has followed a schedule must have used all of it and done the same; else its outcome
 * is PIRN_DIVERGED. */
void explore_check(struct exploration *exploration, const struct schedule *schedule);

/* Equal for runs that failed in the same way: the run in the log. */
uint64_t explore_kind(struct exploration *exploration);

/* Makes the run in the log the result of shrinking, and records it if it is `new`. Returns 0,
 * -ENOMEM or -EIO. */
int explore_take_in_shrunk(struct exploration *exploration, struct shrink *shrink, bool new);

/* Records where the failure of a run in the trace became certain. Returns 0, -ENOMEM or -EIO. */
int explore_record_certainty(struct exploration *exploration, int64_t run,
                             const struct certainty *certainty);

/* Equal for call sites in the same line, which a compiler may have made several calls of. */
uint64_t explore_site(struct exploration *exploration, const void *site);

/* Wall-clock time in ns. */
int64_t explore_clock(void);

/* An estimate of the probability that the next run has a graph that none has had; -1 where the runs
 * are no sample. */
double explore_unseen(const struct exploration *exploration);

/* The schedule of the run in the log as text, which the caller frees. */
char *explore_schedule(const struct log *log);

/* Has the log's runs interrupted at the places that the schedule says. */
void schedule_take_points(const struct schedule *schedule, struct log *log);

/* Frees what explore has made. */
void explore_end(struct exploration *exploration);

#endif
