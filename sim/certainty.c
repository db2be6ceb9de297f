/*
 * certainty.c - the step with which a failure became inevitable.
 *
 * Once it is certain it stays so; hence a binary search over the steps. At each one the run is
 * repeated up to there and goes on at random, again and again; a single one that ends otherwise
 * shows that the failure was not certain yet. So what is found may be too early, never too late,
 * and the more samples the less so.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/explore.h"
#include "sim/guide.h"
#include "sim/shrink.h"

struct search {
    struct exploration *e;
    const struct schedule *schedule;
    pirn_outcome outcome;
    uint32_t samples;
    bool differs; /* a run has not followed the schedule */
};

/* Counts the samples that fail after so many steps; stops at the first that does not if only all
 * will do. */
static int sample(struct search *s, uint64_t steps, bool all, uint32_t *failed) {
    *failed = 0;
    for (uint32_t i = 0; i < s->samples && !s->differs; i++) {
        int rc =
            explore_once(s->e, strategy_departing(s->schedule->choices, s->schedule->count, steps),
                         s->e->seed + i);
        if (rc) return rc;
        if (s->e->log->outcome == s->outcome)
            ++*failed;
        else if (s->e->log->outcome == PIRN_DIVERGED)
            s->differs = true;
        else if (all)
            return 0;
    }
    return 0;
}

int certainty_find(struct exploration *e, const struct schedule *schedule, pirn_outcome outcome,
                   struct certainty *c) {
    struct search s = {e, schedule, outcome, c->samples, false};
    uint64_t low = 0, high = schedule->steps; /* it is certain with the last step, if not before */
    uint32_t failed;
    int rc = 0;
    while (low < high && !rc && !s.differs) {
        uint64_t middle = low + (high - low) / 2;
        rc = sample(&s, middle, true, &failed);
        if (failed == s.samples)
            high = middle;
        else
            low = middle + 1;
    }
    c->step = high;
    c->before = 0;
    if (!rc && !s.differs && high > 0) rc = sample(&s, high - 1, false, &c->before);
    if (s.differs) c->samples = 0;
    return rc;
}
