/*
 * dpor.h - what the files of dpor share: a run, and the prefixes that the next ones go on from.
 *
 *     strategy_dpor.c    a run: who goes, given a path, what sleeps at its end, and a wakeup tree
 *     dpor_races.c       the races of a run that is over: dpor_races.h says what belongs to that
 *     dpor_cases.c       what selects could have done instead in such a run
 *     dpor_prefixes.c    all that is still to be done, and who does it
 *     dpor_position.c    the same as text
 *     dpor_branches.c    those that sleep, and wakeup trees
 *
 * A run is made where `dpor` points, which is in memory that processes share, so that whoever
 * explores can read what another one has left there. All else is in the process that explores.
 */
#ifndef SIM_DPOR_H
#define SIM_DPOR_H

#include <stdlib.h>
#include <string.h>

#include "sim/dependence.h"
#include "sim/strategies.h"
#include "sim/systematic.h"

enum { MOST_PICKS = 8 }; /* in one step */
enum { CLOCK = 1 };      /* stands for the identity of a task, in steps that fire timers */

/* Who makes a step, by identity: one task, or two that meet. */
struct label {
    uint64_t task, other; /* other: 0 or the greater one */
    uint64_t take;        /* of a select by cases that does not wait: the case's index, plus 1 */
};

/* What a step has to pick, and has picked: of a select the index of its case, whichever others are
 * ready. `among`: how many outcomes the pick had. */
struct picks {
    uint8_t count;
    uint32_t values[MOST_PICKS], among[MOST_PICKS];
};

/* One that sleeps, or a node of a wakeup tree. */
struct branch {
    struct label label;
    struct picks picks;   /* it is to make these; the rest as it comes */
    bool waits;           /* even if it has to wait, which is seen */
    bool known;           /* its footprint is */
    bool elsewhere;       /* another shard explores it */
    uint32_t next, first; /* in its list, and its own list; 0: none */
    struct footprint footprint;
};

/* Branches have numbers from 1. */
struct pool {
    uint32_t count, room, free;
    bool full; /* there has been no room for some */
    struct branch *branches;
};

/* A step of a run. */
struct node {
    struct label label;             /* who goes */
    struct picks picks;             /* what it has picked */
    struct picks wanted;            /* picks to be made first */
    uint64_t serial;                /* of the prefix that ends with this step */
    uint32_t sleeping, tree, below; /* lists; the last: the tree of the next node, if that is new */
    uint32_t outcomes;              /* first in the tree: other outcomes of the step */
    uint32_t log_steps;             /* before this step */
    uint32_t candidates, candidate_count; /* who else could have gone, in the list of these */
    uint32_t waiter_count; /* behind them, who could have gone to wait for others to see it */
    bool forced;           /* nothing else was to be considered */
    bool follows;          /* the wakeup tree */
    bool queues;           /* while it waits others see it, and may have to stand behind it */
    bool waits, waited;    /* it may go to wait for others to see it; it has */
    bool arrives;          /* it goes to wait, because nothing else can be done */
    bool impossible;       /* it could not pick what it was to */
    bool local;            /* a task begins, or goes on from a wait */
    bool chose;            /* among the cases of a select */
    bool elsewhere;        /* another shard explores all that begins so */
    uint8_t turns; /* picks, at the beginning, of who of two that meet comes first: 0 or 1 */
    struct footprint footprint;
};

struct prefix;

/* A run, and what it is to be. */
struct dpor_run {
    bool late; /* tasks need not begin, or go on from a wait, at once */
    bool lost; /* tasks only spin in this run any more: they take turns */
    struct search_timers timers;
    size_t laid;        /* nodes that are steps of a prefix, as their serial says */
    size_t planned;     /* nodes: to be followed; the run begins with the step of the last */
    size_t count, next; /* on the path, and met in this run */
    size_t room;        /* for nodes */
    struct prefix
        *prefix; /* what the step is made after, in the process that explores; NULL: none */
    uint32_t asleep, below; /* lists that the last node begins with */
    uint32_t kept;          /* branches in these lists */
    uint64_t seed, vain;
    uint64_t second; /* of two that meet, who is still to go; 0: none */
    uint32_t epoch;  /* of the run that the last step was in */
    struct pool pool;
    struct label *candidates; /* those of each node follow those of the one before */
    uint32_t candidate_room;
    bool given;             /* it is to be made; else all of this is old */
    bool learns;            /* only to see what a step of another shard's accesses */
    uint64_t attempt;       /* of the search that it was given out in */
    bool cut, gaps, unfair; /* this run went nowhere new; some have been left out */
    size_t unseen; /* it did so since nobody has seen a wait: the node after that; else 0 */
    bool blocked;  /* it did so since all that could go slept: the rest goes to wait */
    struct node *nodes;
};

HIDDEN extern struct dpor_run *dpor;
HIDDEN extern struct pool *dpor_pool; /* the run's, or that of all prefixes */

/* ---- Labels and branches ------------------------------------------------------------------- */

static inline bool same(struct label a, struct label b) {
    return a.task == b.task && a.other == b.other && a.take == b.take;
}

static inline bool takes_part(struct label label, uint64_t task) {
    return label.task == task || (label.other && label.other == task);
}

static inline bool overlap(struct label a, struct label b) {
    return takes_part(a, b.task) || (b.other && takes_part(a, b.other));
}

static inline bool same_picks(const struct picks *a, const struct picks *b) {
    uint8_t count = a->count < b->count ? a->count : b->count;
    return !memcmp(a->values, b->values, count * sizeof *a->values);
}

static inline struct label meeting(uint64_t a, uint64_t b) {
    return a < b ? (struct label){a, b, 0} : (struct label){b, a, 0};
}

static inline struct branch *branch_at(uint32_t number) { return &dpor_pool->branches[number]; }

/* Returns a branch that is in no list; 0: there is no room. */
uint32_t branch_new(struct label label, const struct picks *picks);

/* The same of a step that has been made. */
uint32_t branch_of(const struct node *node);

/* Frees a list, with all below. */
void branches_free(uint32_t *list);

/* Takes the first one out. */
uint32_t branches_take(uint32_t *list);

/*
 * The first one cannot go yet, as can_go(node, it) says. What it begins is taken to be possible in
 * any order: what comes next goes first, and then it. Returns false where nothing does, so that it
 * is gone.
 */
typedef bool branches_can_go(const void *node, const struct branch *branch);
bool branches_put_off(uint32_t *list, const void *node, branches_can_go *can_go);

void branches_put_first(uint32_t *list, uint32_t number);
void branches_put_last(uint32_t *list, uint32_t number);

/* Copies a list with all below. */
uint32_t branches_copy(const struct pool *from, uint32_t list);

/* Shards: whether there is anything in a wakeup tree that this one explores; leaves out the rest; has
 * another one explore all of it. */
bool branches_have_own(uint32_t list);
void branches_leave_own(uint32_t *list);
void branches_deal_out(uint32_t list);

/* Whether this shard explores it, or something below. */
static inline bool branch_is_own(const struct branch *branch) {
    return !branch->elsewhere || branches_have_own(branch->first);
}

/* Whether the list has all outcomes of a step that begin with these picks, and does not wait. */
bool branches_have(uint32_t list, struct label label, const struct picks *picks);

/* Whether the list has all of a step's outcomes. */
static inline bool is_asleep(uint32_t sleeping, struct label label) {
    return branches_have(sleeping, label, &(struct picks){0});
}

/* Whether the list has a step of somebody who has to wait. */
bool branches_wait(uint32_t list, struct label label);

/* Who sleeps on after a step: whose own step commutes with it. */
uint32_t branches_inherit(uint32_t sleeping, const struct node *before);

/* ---- Nodes --------------------------------------------------------------------------------- */

static inline const struct label *candidate(const struct node *node, uint32_t i) {
    return &dpor->candidates[node->candidates + i];
}

static inline bool is_among(const struct label *labels, uint32_t count, struct label label) {
    for (uint32_t i = 0; i < count; i++)
        if (same(labels[i], label)) return true;
    return false;
}

static inline bool is_candidate(const struct node *node, struct label label) {
    return is_among(candidate(node, 0), node->candidate_count, label);
}

static inline bool is_waiter(const struct node *node, struct label label) {
    return is_among(candidate(node, node->candidate_count), node->waiter_count, label);
}

/* ---- Prefixes ------------------------------------------------------------------------------ */

/* The beginning of runs that have been made, after which others are to be tried, or are given
 * out, or * may still turn out to be. */
struct prefix {
    struct prefix *parent, *children, *sibling; /* without the last step; with one more */
    struct prefix *older, *newer;               /* of all */
    uint64_t serial;                            /* from 1, in the order of their age */
    uint64_t rank;                              /* among all, as far as it was last asked for */
    uint32_t depth;                             /* steps */
    struct label label;                         /* its last step */
    struct picks picks;
    bool waits, arrives;
    uint32_t branch; /* that step among those asleep in the parent; 0: it is not there */
    bool forced;     /* there is one step that comes next */
    bool open;       /* no wakeup tree led on when it was met first: what comes after it is open */
    bool dropped;    /* branches which could not go have been left out last */
    struct label *labels; /* who can go, then who can go to wait for others to see it */
    uint32_t candidate_count, waiter_count;
    uint32_t sleeping, tree; /* lists; those gone from here are the last asleep, in that order */
    uint32_t inherited;      /* the first asleep, which have gone from other prefixes */
    bool strict;    /* of those gone from others only what is part of what is asked for counts */
    uint32_t given; /* the branch that a run is being made of; 0: none */
};

/* The prefix which ends with a branch that is asleep in another; NULL: all after it is done, or it
 * was asleep before. */
struct prefix *prefix_after(const struct prefix *prefix, uint32_t branch);

/* All of them, and what is to be done with them. */
struct dpor_search {
    struct prefix *oldest, *newest;
    uint64_t serial;      /* of the newest */
    bool first;           /* the first run is to be made */
    bool gaps, unfair;    /* some schedules have been left out */
    bool late;            /* as in runs */
    bool dealing;         /* branches are still being found for all shards */
    uint64_t made;        /* runs for that */
    struct prefix **path; /* of the run that is looked at */
};
HIDDEN extern struct dpor_search dpor_search;

/* Begins with nothing done, or ends. Returns 0 or -ENOMEM. */
int prefixes_open(const struct search_request *request);
void prefixes_close(void);

/* As strategy.h says. */
int prefixes_share(struct strategy *strategy, size_t parts);
bool prefixes_give(struct strategy *strategy, size_t part);
void prefixes_turn_to(struct strategy *strategy, size_t part);
unsigned prefixes_next(struct strategy *strategy, const struct log *log);
char *prefixes_position(struct strategy *strategy);
int prefixes_go_to(struct strategy *strategy, const char *text, unsigned *found);

/* What is left to be done, as SEARCH_... */
unsigned prefixes_say(void);

/* Adds a prefix with one step more than its parent (NULL: with none), which has no candidates yet.
 * NULL: there is no room. */
struct prefix *prefix_add(struct prefix *parent);

/* Gives it that many labels; false: there is no room. */
bool prefix_make_labels(struct prefix *prefix, uint32_t candidates, uint32_t waiters);

/* Branches are those of prefixes from now on. */
void prefixes_select(void);

/* Forgets all, and whatever has been given out; or those alone after which nothing is to be
 * done. */
void prefixes_clear(void);
void prefixes_settle(void);

/* Whether there are shards. */
bool prefixes_shared(void);

/* Looks at the run that is over, whose steps come after the prefixes in dpor_search.path, and
 * puts into * their wakeup trees what is to be tried because of it. */
void races_find(const struct log *log);

/* Whether such a run has a timer, and a task that has looked at the clock when it began, went on
 * from a wait, or had met another, at once. */
bool races_need_late(void);
void races_close(void);

#endif
