/*
 * shrink.h - from a failing run to a small one that fails in the same way, and to the step with
 * which the failure became certain.
 */
#ifndef SIM_SHRINK_H
#define SIM_SHRINK_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/control.h"
#include "sim/schedule.h"

struct exploration;

/* Where a failure became inevitable. */
struct certainty {
    uint64_t step;    /* with which it did; 0: it was from the beginning */
    uint32_t samples; /* all of which failed from there on; 0: it is not known */
    uint32_t before;  /* that failed from one step earlier */
};

struct shrink {
    /* What is asked for. */
    const struct schedule *schedule; /* of the failing run */
    int64_t from;                    /* that run in the trace; 0: it is not there */
    uint64_t runs;                   /* to try at most; 0: no limit */
    int64_t time_limit;              /* ns; 0: none */
    uint32_t samples;                /* for its certainty; 0: it is not asked for */

    /* What has come of it. */
    struct control_size before, after;
    uint64_t tried;
    bool minimal;        /* the limits have not ended it */
    char *schedule_text; /* of the run that is left; owned */
    int64_t run;         /* that run in the trace; 0: it is not there */
    struct certainty certainty;
};

enum { SHRINK_RUNS = 20000, SHRINK_SAMPLES = 100, MOST_SAMPLES = 1000000 };

/* Time for shrinking where nothing else is asked for, in ns. */
#define SHRINK_TIME (60 * PIRN_SEC)

/*
 * Shrinks a failing run by performing others, and records what is left, unless nothing could be
 * taken away from a run that is in the trace. The exploration's log, its recorder if any, and how
 * to perform a run are used; afterwards its `trace_run`, `outcome`, `message` and `failing_kind` are
 * those of the run that is left.
 *
 * Returns 0; 1 in a child that goes on with the program; with a line in `message` -ESRCH when the
 * run does not fail, -ESTALE when it is another than the schedule's, -EIO or -ENOMEM; -ECANCELED
 * when an end was asked for before the first run was over. Asked later it ends with the smallest
 * run so far.
 */
int shrink(struct exploration *exploration, struct shrink *shrink);

/*
 * Finds where the failure of a run became inevitable: the first step after which all samples of
 * what may follow, drawn at random, end with the same outcome. Returns 0, also when it cannot be
 * told because runs with one schedule differ; 1 in a child; a negative errno, -ECANCELED when an end
 * was asked for.
 */
int certainty_find(struct exploration *exploration, const struct schedule *schedule,
                   pirn_outcome outcome, struct certainty *certainty);

#endif
