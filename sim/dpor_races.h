/*
 * dpor_races.h - what is made of a run that is over: the order of its steps (dpor_order.c), what
 * could have come in another order (dpor_races.c) or been chosen otherwise (dpor_cases.c), and
 * sequences of steps that try that (dpor_sequences.c).
 */
#ifndef SIM_DPOR_RACES_H
#define SIM_DPOR_RACES_H

#include "sim/dpor.h"

/* What is made of a run, in the process that explores alone. */
struct race_order {
    uint64_t *tasks; /* by index */
    struct race_member {
        uint32_t task;     /* index */
        uint32_t previous; /* its step before, plus 1; 0: none */
    } * members;           /* two for each step; of a step of one task they are alike */
    uint32_t *clocks;      /* a vector of `stride` for each step */
    struct race_sketch {   /* of each step, a bit for each of several objects */
        uint64_t objects;  /* that it accesses */
        uint64_t changed;  /* in another way than to read them */
        uint64_t tasks;    /* that make it */
    } * sketches;
    uint32_t *last;  /* of each task, its last step, plus 1 */
    uint32_t *owner; /* of each step in the log, the node */
    const struct log_edge *edges;
    size_t edge_count;
    uint32_t *sequence; /* steps of a sequence to be inserted */
    bool *chosen;       /* of each step, whether it is in one */
    bool *found;        /* likewise, and has been found in the trees */
    size_t steps_room, clock_room, owner_room, task_count, task_room, stride;
    uint64_t *serials; /* of the prefixes that end with the steps */
    size_t known;      /* steps whose vectors hold for whatever goes on from there */
};
HIDDEN extern struct race_order race_order;

/* The last step of a sequence: one that has been made, or one that has not: a meeting, a timer, a
 * case of a select. */
struct goal {
    struct label label;
    const struct node *step;           /* NULL: not made */
    const struct footprint *footprint; /* as far as is known; else NULL */
};

/* Whether step a comes before b, or is it; a <= b in the run. */
static inline bool race_before(size_t a, size_t b) {
    return race_order.clocks[b * race_order.stride + race_order.members[2 * a].task] > a;
}

/* The first step that the run before which this one goes on from has not had. */
static inline size_t race_fresh(void) { return dpor->planned ? dpor->planned - 1 : 0; }

/* Makes room for the order of the run's steps, and for sequences of them. Returns false without
 * memory. */
bool race_make_room(void);

/*
 * Gives every step its vector: of each task, the last step (plus 1) that comes before. `final` is
 * the first of those at the end in which tasks went to wait for ever. Returns false without memory.
 */
bool race_make_order(const struct log *log, size_t final);

/* Whether two steps may access one object in ways that conflict: most pairs do not. Either order. */
static inline bool race_may_conflict(size_t a, size_t b) {
    const struct race_sketch *one = &race_order.sketches[a], *other = &race_order.sketches[b];
    return (one->objects & other->changed) | (one->changed & other->objects);
}

/* Whether step b has to come after a, which comes before it in the run. */
bool race_depends(size_t a, size_t b);

/* Whether step a has woken a task that takes part in b. */
bool race_wakes(size_t a, size_t b);

/* Whether there is an edge in the log from a step to another. */
bool race_edge_between(size_t from, size_t to);

/* Whether a task could do before step a what it does in step b. */
bool race_pending(size_t b, size_t a, uint64_t task);

/* Whether the tasks of step b must have made step k, or what it comes before. */
bool race_leads_up(size_t k, size_t b);

/* What a sequence takes in: what has come after step a, but not after it in the order, nor after
 * b or c. Returns how many. */
size_t race_collect(size_t a, size_t b, size_t c);

/* Marks the steps of the sequence as chosen. */
void race_choose(size_t count);

/* Puts the sequence and the goal into the tree of a node. */
void race_insert(struct node *node, size_t count, const struct goal *goal);

/* A step could not pick what it was to, though it is not known why: everything is made there. */
void race_insert_all(struct node *node);

/* Puts one step alone into the tree, unless that has gone. */
void race_insert_alone(struct node *node, struct label label);

/* ---- Cases of selects ---------------------------------------------------------------------- */

enum certainty { SURELY_NOT, PERHAPS, SURELY };

/* The n-th access of a step that stands for a case of the task's; NULL: there are fewer. */
const struct access *case_of(size_t step, uint64_t task, int n);

/* Whether a case would be ready after the steps before a and those of the sequence. */
enum certainty case_ready(const struct access *of, size_t a, size_t count);

/* Whether a select could take a case then: it is ready, and none is that would come first. */
bool case_could_take(size_t step, uint64_t task, const struct access *of, size_t a, size_t count);

/* Whether a select in this step could then also find no case ready; and fail. */
bool case_could_wait(size_t step, uint64_t task, size_t a, size_t count);
bool case_could_fail(size_t step, uint64_t task, size_t a, size_t count);

/* Whether the cases of a task's select in a step may become ready otherwise than in the run
 * before. */
bool case_has_news(size_t step, uint64_t task);

/* Whether step k may make one of the first cases ready that the task had in step x, so that it
 * does not pass it by. */
bool case_opens(size_t k, size_t x, uint64_t task, size_t cases);

/* Puts into the trees what a task that took part in step b could have done as well. */
void cases_instead(size_t b, struct label label);

/* The same of all selects, wherever in the run that would have been possible. */
void cases_find(void);

#endif
