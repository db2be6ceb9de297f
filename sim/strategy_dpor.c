/*
 * strategy_dpor.c - one schedule of each class of schedules that differ in the order of independent
 * steps alone: optimal dynamic partial-order reduction, with sleep sets and wakeup trees.
 *
 * P. Abdulla, S. Aronis, B. Jonsson, K. Sagonas: Optimal Dynamic Partial Order Reduction, POPL
 * 2014; Source Sets: A Foundation for Optimal Dynamic Partial Order Reduction, JACM 2017.
 *
 * The path to the current run is a stack of nodes, one a step. A node has those that sleep there:
 * every schedule in which they go next has been explored already; and a wakeup tree: sequences of
 * steps that are still to be made from there. After a run each race in it is looked at: two
 * dependent steps that could have come in the other order. What happened after the first but not
 * because of it, and then the second step, is a sequence that goes into the tree of the first one's
 * node, unless one that sleeps there, or a sequence in the tree, leads to the same. So a class is
 * explored once. A run that finds all that could go asleep is cut, and counts as a repetition.
 *
 * Where this departs from the papers
 *   - Who would have to wait does not go. Two tasks that meet on a channel without a buffer do it in
 *     one step of both. So it makes no class of its own who was there first. Where waiting can be
 *     seen, since others stand behind a writer or a large request, a race asks for it; a run in
 *     which the wait then comes to an end is a repetition.
 *   - A step may have several outcomes (pirn_choose): all are explored at its node. A task may go
 *     in several ways (alone, or meeting one or another): all these are, too, where one is.
 *   - A select that waits for ever or not at all goes in one way for each case that is ready: in
 *     each it looks at that channel alone (with those before it if it takes the first, and all if
 *     it fails). So nothing that is done to the other channels races with it; but each case that
 *     it had not taken could have been, wherever in the run it would have been ready
 *     (find_places). As it may choose otherwise later, a step that sleeps and commutes with a
 *     sequence is no reason to leave that out where its task has chosen otherwise
 *     (chose_otherwise), and a sequence that is longer than a branch of the tree is appended to
 *     that.
 *   - What is put into a tree may turn out impossible, where a step has other causes than in the run
 *     that it was taken from. Then whatever could go there does.
 *   - In a run that is cut, those who would have to wait do so at its end: their races may show nowhere
 *     else.
 *   - Steps that touch nothing that others can see are made at once.
 *   - A task that spins is put off until something has changed (search_spins).
 *
 * The nodes and their branches are in memory that the processes forked for runs share; what is
 * made of them afterwards is done in the parent.
 */
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
    uint32_t next, first; /* in its list, and its own list; 0: none */
    struct footprint footprint;
};

struct node {
    struct label label;             /* who goes */
    struct picks picks;             /* what it has picked */
    uint32_t wanted;                /* picks to be made first: a branch of its own, 0: none */
    uint32_t sleeping, tree, below; /* lists; the last: the tree of the next node, if that is new */
    uint32_t log_steps;             /* before this step */
    uint32_t candidates, candidate_count; /* who else could have gone, in the list of these */
    uint32_t waiter_count; /* behind them, who could have gone to wait for others to see it */
    bool forced;           /* nothing else was to be considered */
    bool waits, waited;    /* it may go to wait for others to see it; it has */
    bool arrives;          /* it goes to wait, because nothing else can be done */
    bool impossible;       /* it could not pick what it was to */
    uint8_t turns; /* picks, at the beginning, of who of two that meet comes first: 0 or 1 */
    struct footprint footprint;
};

static struct tree {
    bool lost; /* tasks only spin in this run any more: they take turns */
    struct search_timers timers;
    size_t size;
    uint64_t seed;
    size_t count, next; /* nodes: on the path, and met in this run */
    size_t room;
    size_t fresh; /* the first node that the last run has changed or added */
    uint64_t vain;
    uint64_t second; /* of two that meet, who is still to go; 0: none */
    uint32_t epoch;  /* of the run that the last step was in */
    uint32_t branch_count, branch_room, free_branches;
    struct label *candidates; /* those of each node follow those of the one before */
    uint32_t candidate_room;
    bool cut, gaps, unfair; /* this run went nowhere new; some have been left out */
    bool blocked;           /* it did so since all that could go slept: the rest goes to wait */
    struct node *nodes;
    struct branch *branches; /* from 1 */
} * tree;

/* What is made of a run, in the parent alone. */
static struct {
    uint64_t *tasks; /* by index */
    struct member {
        uint32_t task;     /* index */
        uint32_t previous; /* its step before, plus 1; 0: none */
    } * members;           /* two for each step; of a step of one task they are alike */
    uint32_t *clocks;      /* a vector of `task_count` for each step */
    uint32_t *last;        /* of each task, its last step, plus 1 */
    uint32_t *owner;       /* of each step in the log, the node */
    const struct log_edge *edges;
    size_t edge_count;
    uint32_t *sequence; /* steps of a sequence to be inserted */
    bool *chosen;       /* of each step, whether it is in one */
    size_t steps_room, clock_room, owner_room, task_count, task_room;
} order;

/* ---- Labels and branches ------------------------------------------------------------------- */

static struct label meeting(uint64_t a, uint64_t b) {
    return a < b ? (struct label){a, b, 0} : (struct label){b, a, 0};
}

static bool same(struct label a, struct label b) {
    return a.task == b.task && a.other == b.other && a.take == b.take;
}

static bool takes_part(struct label label, uint64_t task) {
    return label.task == task || (label.other && label.other == task);
}

static bool overlap(struct label a, struct label b) {
    return takes_part(a, b.task) || (b.other && takes_part(a, b.other));
}

static bool same_picks(const struct picks *a, const struct picks *b) {
    uint8_t count = a->count < b->count ? a->count : b->count;
    return !memcmp(a->values, b->values, count * sizeof *a->values);
}

/* How much of the outcomes that begin with these picks lead to those, where each pick's are alike. */
static double share_of(const struct picks *picks, uint8_t from) {
    double share = 1;
    for (uint8_t i = from; i < picks->count; i++) share /= picks->among[i];
    return share;
}

static struct branch *branch_at(uint32_t number) { return &tree->branches[number]; }

/* Returns a branch that is in no list; 0: there is no room. */
static uint32_t new_branch(struct label label, const struct picks *picks) {
    uint32_t number = tree->free_branches;
    struct branch *branch;
    if (number) {
        tree->free_branches = branch_at(number)->next;
    } else if (tree->branch_count + 1 < tree->branch_room) {
        number = ++tree->branch_count;
    } else {
        tree->gaps = true;
        return 0;
    }
    branch = branch_at(number);
    branch->label = label;
    branch->picks.count = 0;
    if (picks) branch->picks = *picks;
    branch->waits = branch->known = false;
    branch->next = branch->first = 0;
    return number;
}

static void free_branch(uint32_t number) {
    branch_at(number)->next = tree->free_branches;
    tree->free_branches = number;
}

/* Frees a list, with all below. */
static void free_list(uint32_t *list) {
    while (*list) {
        uint32_t number = *list, *end = &branch_at(number)->first;
        /* What is below comes next in the list. */
        while (*end) end = &branch_at(*end)->next;
        *end = branch_at(number)->next;
        *list = branch_at(number)->first;
        free_branch(number);
    }
}

static void put_first(uint32_t *list, uint32_t number) {
    if (!number) return;
    branch_at(number)->next = *list;
    *list = number;
}

static void put_last(uint32_t *list, uint32_t number) {
    while (*list) list = &branch_at(*list)->next;
    *list = number;
}

/* ---- A run --------------------------------------------------------------------------------- */

/* Whether the list has all outcomes of a step that begin with these picks. */
static bool is_done(uint32_t list, struct label label, const struct picks *picks) {
    double done = 0;
    for (uint32_t b = list; b && done < 0.999; b = branch_at(b)->next) {
        const struct branch *branch = branch_at(b);
        if (!same(branch->label, label) || !same_picks(&branch->picks, picks)) continue;
        done += branch->picks.count > picks->count ? share_of(&branch->picks, picks->count) : 1;
    }
    return done >= 0.999;
}

static bool is_asleep(const struct node *node, struct label label) {
    return is_done(node->sleeping, label, &(struct picks){0});
}

/* Who sleeps on after a step: whose own step commutes with it. */
static void inherit_sleep(struct node *node, const struct node *before) {
    for (uint32_t b = before->sleeping; b; b = branch_at(b)->next) {
        const struct branch *branch = branch_at(b);
        uint32_t copy;
        if (overlap(branch->label, before->label)) continue;
        if (!dependence_apart(&before->footprint, &branch->footprint)) continue;
        if (!(copy = new_branch(branch->label, &branch->picks))) continue;
        footprint_copy(&branch_at(copy)->footprint, &branch->footprint);
        branch_at(copy)->known = true;
        put_first(&node->sleeping, copy);
    }
}

static struct task *find_task(uint64_t identity) {
    for (size_t i = 0; i < sim.count; i++)
        if (sim.runnable[i]->identity == identity) return sim.runnable[i];
    return NULL;
}

/* There is nothing new to be found from here. */
static _Noreturn void cut(void) {
    tree->cut = true;
    sim.log->cut = true;
    sim_leave();
}

/* The next node, which is new. */
static struct node *push(bool forced) {
    struct node *node, *before = tree->count ? &tree->nodes[tree->count - 1] : NULL;
    if (tree->count == tree->room) {
        tree->gaps = true;
        sim_stop(PIRN_LIVELOCK, "more steps than a run has room for");
    }
    node = &tree->nodes[tree->count++];
    tree->next++;
    memset(node, 0, offsetof(struct node, footprint));
    node->forced = forced;
    if (!before) return node;
    node->candidates = before->candidates + before->candidate_count + before->waiter_count;
    inherit_sleep(node, before);
    node->tree = before->below;
    before->below = 0;
    return node;
}

/* A node that turned out not to be one. */
static void take_back(struct node *node) {
    free_list(&node->sleeping);
    free_list(&node->tree);
    tree->count--;
    tree->next--;
}

/* A pick that is to be made. */
struct pick {
    uint64_t values;            /* 0 .. values - 1 */
    const struct task *cases;   /* whose ready cases they are; NULL: they are something else */
    const struct task *arrived; /* which has made some of them ready; NULL: whichever they are */
    uint32_t outcomes;          /* that it can have */
};

static uint64_t take_outcome(struct node *node, const struct pick *pick);

/* Who of two that are to meet comes first. Between selects in order that is an outcome too. */
static struct task *take_turns(struct node *node, struct task *a, struct task *b) {
    struct task *first = dependence_meeting(a, b);
    if (!first || !dependence_turns(a, b)) return first;
    node->turns = 1;
    return take_outcome(node, &(struct pick){.values = 2, .outcomes = 2}) ? b : a;
}

/* Begins the step of a node whose label is set; returns who goes first. NULL: the clock. */
static struct task *begin_step(struct node *node) {
    struct task *first, *other;
    node->log_steps = (uint32_t)sim.log->steps;
    node->picks.count = node->turns = 0;
    memset(&node->footprint, 0, offsetof(struct footprint, accesses));
    dependence_footprint = &node->footprint;
    dependence_since = (uint32_t)sim.log->steps;
    tree->epoch = sim.epoch;
    if (node->label.task == CLOCK) return NULL;
    first = find_task(node->label.task);
    if (!first) search_diverge();
    node->waited = node->waits && dependence_ready(first) == READY_WAITS;
    if (!node->label.other) return first;
    other = find_task(node->label.other);
    if (!other) search_diverge();
    first = take_turns(node, first, other);
    if (!first) search_diverge();
    tree->second = first->identity == node->label.task ? node->label.other : node->label.task;
    return first;
}

static void begin(struct strategy *strategy, uint64_t seed) {
    (void)strategy;
    (void)seed;
    tree->next = 0;
    tree->epoch = 0;
    tree->second = tree->vain = 0;
    tree->cut = tree->blocked = tree->lost = false;
    tree->timers.task_steps = UINT64_MAX;
}

/* The first step is main's, and nobody asks for it. */
static void begin_first(void) {
    if (tree->epoch == sim.epoch) return;
    dependence_footprint = NULL;
    tree->second = 0;
    if (tree->next == tree->count)
        push(true);
    else
        tree->next++;
    tree->nodes[tree->next - 1].label = (struct label){sim.main->identity, 0, 0};
    tree->nodes[tree->next - 1].log_steps = (uint32_t)sim.log->steps;
    tree->epoch = sim.epoch;
    memset(&tree->nodes[tree->next - 1].footprint, 0, offsetof(struct footprint, accesses));
}

static void add_candidate(struct node *node, struct label label) {
    if (node->candidates + node->candidate_count == tree->candidate_room)
        tree->gaps = true;
    else
        tree->candidates[node->candidates + node->candidate_count++] = label;
}

/* A task that need not wait: by the cases that it can take. */
static void add_alone(struct node *node, const struct task *task) {
    size_t index = SIZE_MAX;
    struct label label = {task->identity, 0, 0};
    if (dependence_by_case(task)) index = dependence_next_case(task, index);
    if (index == SIZE_MAX) add_candidate(node, label);
    for (; index != SIZE_MAX; index = dependence_next_case(task, index)) {
        label.take = index + 1;
        add_candidate(node, label);
    }
}

/* After all candidates. */
static void find_waiters(struct node *node) {
    for (size_t i = 0; i < sim.count; i++) {
        if (!dependence_queues(sim.runnable[i])) continue;
        if (node->candidates + node->candidate_count + node->waiter_count == tree->candidate_room)
            tree->gaps = true;
        else
            tree->candidates[node->candidates + node->candidate_count + node->waiter_count++] =
                (struct label){sim.runnable[i]->identity, 0, 0};
    }
}

/* Finds who could go: tasks that need not wait, two that can meet, the clock. */
static void find_candidates(struct node *node, bool timer) {
    uint32_t spinning = 0;
    for (size_t i = 0; i < sim.count; i++) {
        struct task *task = sim.runnable[i];
        bool goes = dependence_ready(task) == READY_GOES, spins = goes && search_spins(task);
        if (goes && !spins) add_alone(node, task);
        spinning += spins;
        for (size_t j = 0; j < i; j++)
            if (dependence_meeting(task, sim.runnable[j]))
                add_candidate(node, meeting(task->identity, sim.runnable[j]->identity));
    }
    if (timer) add_candidate(node, (struct label){CLOCK, 0, 0});
    if (!spinning) {
        tree->vain = 0;
        return;
    }
    if (node->candidate_count) {
        tree->unfair = true;
        tree->vain = 0;
        return;
    }
    tree->unfair = true;
    tree->lost = ++tree->vain == SEARCH_PATIENCE;
    for (size_t i = 0; i < sim.count; i++)
        if (dependence_ready(sim.runnable[i]) == READY_GOES) add_alone(node, sim.runnable[i]);
}

static const struct label *candidate(const struct node *node, uint32_t i) {
    return &tree->candidates[node->candidates + i];
}

static bool is_candidate(const struct node *node, struct label label) {
    for (uint32_t i = 0; i < node->candidate_count; i++)
        if (same(*candidate(node, i), label)) return true;
    return false;
}

static bool is_waiter(const struct node *node, struct label label) {
    for (uint32_t i = 0; i < node->waiter_count; i++)
        if (same(*candidate(node, node->candidate_count + i), label)) return true;
    return false;
}

static bool can_go(const struct node *node, const struct branch *branch) {
    return is_candidate(node, branch->label) || (branch->waits && is_waiter(node, branch->label));
}

/* Makes a branch the node's that goes. */
static void follow(struct node *node, uint32_t number) {
    struct branch *branch = branch_at(number);
    node->label = branch->label;
    node->waits = branch->waits;
    node->arrives = false;
    node->below = branch->first;
    branch->first = branch->next = 0;
    free_list(&node->wanted);
    node->wanted = number;
}

/*
 * Takes the first branch of the wakeup tree that can go. Those that cannot were possible only because
 * of what would come after them; *dropped: there were some, which may have stood for others.
 */
static bool follow_tree(struct node *node, bool *dropped) {
    *dropped = false;
    while (node->tree) {
        uint32_t number = node->tree;
        node->tree = branch_at(number)->next;
        branch_at(number)->next = 0;
        if (can_go(node, branch_at(number))) {
            follow(node, number);
            return true;
        }
        *dropped = true;
        free_list(&number);
    }
    return false;
}

/* Whoever is awake, the current task if it can. */
static bool take_any(struct node *node, const struct task *current) {
    const struct label *chosen = NULL;
    for (uint32_t i = 0; i < node->candidate_count; i++) {
        const struct label *label = candidate(node, i);
        if (is_asleep(node, *label)) continue;
        if (!chosen || (current && !label->other && label->task == current->identity))
            chosen = label;
    }
    if (chosen) node->label = *chosen;
    return chosen;
}

/* In the second half of a long run tasks take turns, as under any strategy. */
static bool take_turn(struct node *node) {
    if (sim.log->steps - sim.first_step < sim.options.max_steps / 2) return false;
    tree->gaps = true;
    for (const struct task *task = sim.oldest; task; task = task->newer)
        for (uint32_t i = 0; i < node->candidate_count; i++) {
            node->label = *candidate(node, i);
            if (node->label.task == task->identity && !node->label.other) return true;
        }
    return false;
}

/* Whether a step has found somebody waiting for the object, or might have. */
static bool has_seen(const struct node *node, uint64_t object) {
    const struct footprint *footprint = &node->footprint;
    bool looks = footprint->everything;
    if (node->waited) return false;
    for (int i = 0; i < footprint->count; i++) {
        const struct access *access = &footprint->accesses[i];
        if (access->object != object) continue;
        if (access->way == WAY_UNLOCK || access->way == WAY_RUNLOCK || access->way == WAY_RELEASE)
            return false;
        looks = true;
    }
    return looks;
}

/* Whether the task has gone to wait for others to see it, and none has. */
static bool has_waited_in_vain(const struct task *task) {
    const struct node *node;
    size_t from = tree->count;
    while (from && !takes_part(tree->nodes[from - 1].label, task->identity)) from--;
    if (!from) return false;
    node = &tree->nodes[from - 1];
    if (!node->waited || !node->footprint.count) return false;
    for (size_t i = from; i < tree->count; i++)
        if (has_seen(&tree->nodes[i], node->footprint.accesses[0].object)) return false;
    return true;
}

/* Somebody who has to wait goes to do so. */
static struct task *arrive(struct node *node) {
    size_t i = 0;
    while (i < sim.count && dependence_ready(sim.runnable[i]) != READY_WAITS) i++;
    node->arrives = i < sim.count;
    if (node->arrives) node->label = (struct label){sim.runnable[i]->identity, 0, 0};
    if (!node->arrives || is_asleep(node, node->label)) {
        take_back(node);
        cut();
    }
    return begin_step(node);
}

static struct task *go_on(struct task *current, bool timer) {
    struct node *node;
    bool dropped;

    for (size_t i = 0; i < sim.count; i++) {
        struct task *task = sim.runnable[i];
        if (dependence_ready(task) != READY_LOCAL) continue;
        /* What comes after is what it is without the wait. */
        if (has_waited_in_vain(task)) cut();
        node = push(true);
        node->label.task = task->identity;
        node->below = node->tree;
        node->tree = 0;
        return begin_step(node);
    }
    node = push(false);
    find_candidates(node, timer);
    find_waiters(node);
    if (take_turn(node)) return begin_step(node);
    if (follow_tree(node, &dropped)) return begin_step(node);
    if (take_any(node, current)) return begin_step(node);
    /* All that can be done is to wait; or is nothing new, but that some have to wait is. */
    tree->blocked = node->candidate_count;
    if (tree->blocked) tree->cut = sim.log->cut = true;
    return arrive(node);
}

static struct task *task(struct strategy *strategy, struct task *current, bool timer) {
    struct node *node;
    (void)strategy;
    begin_first();
    if (tree->cut && !tree->blocked) cut();
    if (tree->second) {
        struct task *second = find_task(tree->second);
        tree->second = 0;
        if (!second) search_diverge();
        return second;
    }
    dependence_footprint = NULL;
    if (tree->blocked) return arrive(push(false));
    if (tree->lost) return sim.oldest;
    if (timer && !search_timer(&tree->timers)) {
        tree->unfair = true;
        timer = timers_awaited();
    }
    if (tree->next == tree->count) return go_on(current, timer);
    node = &tree->nodes[tree->next++];
    if (node->label.task == CLOCK && !timer) search_diverge();
    return begin_step(node);
}

/* Nothing can run, so the clock goes on. */
static void fires(struct strategy *strategy) {
    struct node *node;
    (void)strategy;
    begin_first();
    if (tree->cut) cut();
    dependence_footprint = NULL;
    if (tree->lost) return;
    if (tree->next < tree->count) {
        node = &tree->nodes[tree->next++];
        if (node->label.task != CLOCK) search_diverge();
    } else {
        node = push(true);
        node->label.task = CLOCK;
        node->below = node->tree;
        node->tree = 0;
    }
    begin_step(node);
}

/* What a value goes by in all runs: of a case of a select it is the index. */
static uint32_t name_of(const struct pick *pick, uint64_t value) {
    return (uint32_t)(pick->cases ? dependence_ready_case(pick->cases, value) : value);
}

/* Two that meet take a case that their meeting has made ready; the others come alone. */
static bool is_outcome(const struct pick *pick, uint64_t value) {
    return !pick->arrived || dependence_met(pick->cases, pick->arrived, name_of(pick, value));
}

static struct pick look_at_pick(const struct node *node, uint64_t n) {
    struct pick pick = {.values = n};
    if (node->picks.count == node->turns && dependence_chooses(sim.current)) {
        pick.cases = sim.current;
        for (const struct task *task = sim.tasks; task && node->label.other; task = task->next)
            if (task != sim.current && takes_part(node->label, task->identity)) pick.arrived = task;
    }
    for (uint64_t value = 0; value < n; value++) pick.outcomes += is_outcome(&pick, value);
    return pick;
}

/* Which value has that name. */
static uint64_t rank_of(const struct pick *pick, uint32_t name) {
    uint64_t value = 0;
    while (value < pick->values && name_of(pick, value) != name) value++;
    return value;
}

/* The value that is explored now; the other outcomes of the step after this one, at the same node. */
static uint64_t take_outcome(struct node *node, const struct pick *pick) {
    const struct picks *wanted = node->wanted ? &branch_at(node->wanted)->picks : NULL;
    struct picks picks = node->picks;
    uint8_t at = picks.count++;
    uint64_t taken = pick->values;
    uint32_t number;
    bool known = wanted && at < wanted->count, new = tree->next == tree->count;

    picks.among[at] = pick->outcomes;
    for (uint64_t value = pick->values; value-- > 0;) {
        if (!is_outcome(pick, value)) continue;
        picks.values[at] = name_of(pick, value);
        if (known ? wanted->values[at] == picks.values[at]
                  : !is_done(node->sleeping, node->label, &picks))
            taken = value;
    }
    if (taken == pick->values) {
        if (!new) search_diverge();
        /* It ends with this step. */
        node->impossible = known;
        node->picks = picks;
        tree->cut = sim.log->cut = true;
        return pick->values - 1;
    }
    for (uint64_t value = pick->values; value-- > 0 && new;) {
        picks.values[at] = name_of(pick, value);
        if (value == taken || !is_outcome(pick, value)) continue;
        if (is_done(node->sleeping, node->label, &picks)) continue;
        if (is_done(node->tree, node->label, &picks)) continue;
        if (!(number = new_branch(node->label, &picks))) break;
        put_first(&node->tree, number);
    }
    picks.values[at] = name_of(pick, taken);
    node->picks = picks;
    return taken;
}

static uint64_t pick(struct strategy *strategy, uint64_t n) {
    struct node *node;
    struct pick pick;
    uint64_t value;
    (void)strategy;
    begin_first();
    if (tree->lost) return 0;
    node = &tree->nodes[tree->next - 1];
    if (node->picks.count == MOST_PICKS || n > UINT32_MAX) {
        tree->gaps = true;
        return 0;
    }
    pick = look_at_pick(node, n);
    if (!pick.cases || !dependence_by_case(sim.current)) return take_outcome(node, &pick);
    value = node->label.take ? rank_of(&pick, (uint32_t)node->label.take - 1)
                             : take_outcome(node, &pick);
    if (value == n) search_diverge();
    dependence_take(sim.current, name_of(&pick, value));
    return value;
}

static uint64_t draw(struct strategy *strategy) {
    (void)strategy;
    return search_random(tree->seed);
}

/* ---- What happens before what -------------------------------------------------------------- */

static bool grow(void *array, size_t count, size_t size) {
    void **pointer = array;
    void *bigger = realloc(*pointer, count * size);
    if (bigger) *pointer = bigger;
    return bigger;
}

/* The index of a task; SIZE_MAX: no memory. */
static size_t index_of(uint64_t task) {
    size_t t = 0;
    while (t < order.task_count && order.tasks[t] != task) t++;
    if (t == order.task_room) {
        size_t room = order.task_room ? 2 * order.task_room : 16;
        if (!grow(&order.tasks, room, sizeof *order.tasks) ||
            !grow(&order.last, room, sizeof *order.last))
            return SIZE_MAX;
        order.task_room = room;
    }
    if (t == order.task_count) {
        order.tasks[order.task_count++] = task;
        order.last[t] = 0;
    }
    return t;
}

/* Numbers the tasks of the run, and links their steps. */
static bool number_tasks(void) {
    order.task_count = 0;
    if (order.steps_room < tree->next) {
        size_t room = 2 * tree->next;
        if (!grow(&order.members, 2 * room, sizeof *order.members) ||
            !grow(&order.sequence, room, sizeof *order.sequence) ||
            !grow(&order.chosen, room, sizeof *order.chosen))
            return false;
        order.steps_room = room;
    }
    for (size_t i = 0; i < tree->next; i++) {
        struct label label = tree->nodes[i].label;
        size_t one = index_of(label.task), other = label.other ? index_of(label.other) : one;
        if (one == SIZE_MAX || other == SIZE_MAX) return false;
        order.members[2 * i] = (struct member){(uint32_t)one, order.last[one]};
        order.members[2 * i + 1] = (struct member){(uint32_t)other, order.last[other]};
        order.last[one] = order.last[other] = (uint32_t)i + 1;
    }
    return true;
}

static uint32_t *clock_of(size_t step) { return &order.clocks[step * order.task_count]; }

/* Whether step a comes before b, or is it; a <= b in the run. */
static bool before(size_t a, size_t b) { return clock_of(b)[order.members[2 * a].task] > a; }

static void join(size_t step, size_t with) {
    uint32_t *to = clock_of(step), *from = clock_of(with);
    for (size_t t = 0; t < order.task_count; t++)
        if (from[t] > to[t]) to[t] = from[t];
}

/* The nodes that the steps of the log belong to. */
static bool find_owners(const struct log *log) {
    size_t node = 0;
    if (order.owner_room < log->steps) {
        if (!grow(&order.owner, 2 * log->steps, sizeof *order.owner)) return false;
        order.owner_room = 2 * log->steps;
    }
    for (size_t step = 0; step < log->steps; step++) {
        while (node + 1 < tree->next && tree->nodes[node + 1].log_steps <= step) node++;
        order.owner[step] = (uint32_t)node;
    }
    return true;
}

/* Whether step b has to come after a, which comes before it in the run. */
static bool depends(size_t a, size_t b) {
    const struct footprint *footprint = &tree->nodes[a].footprint;
    for (int i = 0; i < footprint->count; i++)
        if (takes_part(tree->nodes[b].label, footprint->accesses[i].object))
            return true; /* woken */
    return dependence_between(footprint, &tree->nodes[b].footprint);
}

/* Gives every step its vector: of each task, the last step (plus 1) that comes before. `final` is
 * the first of those at the end in which tasks went to wait for ever. */
static bool make_order(const struct log *log, size_t final) {
    size_t steps = tree->next, edge = 0;
    if (!number_tasks() || !find_owners(log)) return false;
    order.edges = log->edges;
    order.edge_count = log->edge_count;
    if (order.clock_room < steps * order.task_count) {
        size_t room = 2 * steps * order.task_count;
        if (!grow(&order.clocks, room, sizeof *order.clocks)) return false;
        order.clock_room = room;
    }
    for (size_t i = 0; i < steps; i++) {
        memset(clock_of(i), 0, order.task_count * sizeof *order.clocks);
        for (size_t m = 2 * i; m <= 2 * i + 1; m++)
            if (order.members[m].previous) join(i, order.members[m].previous - 1);
        while (edge < log->edge_count && order.owner[log->edges[edge].after - 1] <= i) {
            size_t from = order.owner[log->edges[edge].before - 1];
            if (order.owner[log->edges[edge].after - 1] == i && from < i) join(i, from);
            edge++;
        }
        for (size_t k = i < final ? i : final; k-- > 0;)
            if (!before(k, i) && depends(k, i)) join(i, k);
        for (size_t m = 2 * i; m <= 2 * i + 1; m++)
            clock_of(i)[order.members[m].task] = (uint32_t)i + 1;
    }
    return true;
}

/* ---- Wakeup trees -------------------------------------------------------------------------- */

/* Whether a branch could go first of the `count` steps in the sequence; *at is where it stands
 * there, `count` if it does not, but commutes with all. */
static bool is_initial(const struct branch *branch, size_t count, size_t *at) {
    for (size_t i = 0; i < count; i++) {
        const struct node *node = &tree->nodes[order.sequence[i]];
        if (!overlap(branch->label, node->label)) continue;
        if (!same(branch->label, node->label) || !same_picks(&branch->picks, &node->picks))
            return false;
        for (size_t k = 0; k < i; k++)
            if (before(order.sequence[k], order.sequence[i])) return false;
        *at = i;
        return true;
    }
    if (!branch->known) return false;
    for (size_t i = 0; i < count; i++)
        if (!dependence_apart(&branch->footprint, &tree->nodes[order.sequence[i]].footprint))
            return false;
    *at = count;
    return true;
}

/* The last step of a sequence: one that has been made, or one that has not: a meeting, a timer. */
struct goal {
    struct label label;
    const struct node *step;           /* NULL: not made */
    const struct footprint *footprint; /* as far as is known; else NULL */
};

/* Whether there is an edge in the log from a step to another. */
static bool edge_between(size_t from, size_t to) {
    for (size_t e = 0; e < order.edge_count; e++)
        if (order.owner[order.edges[e].before - 1] == from &&
            order.owner[order.edges[e].after - 1] == to)
            return true;
    return false;
}

/* Whether a step of the sequence comes before the goal: not by way of those that were left out. */
static bool leads_to_goal(size_t step, size_t count, const struct goal *goal) {
    size_t b = (size_t)(goal->step - tree->nodes);
    for (size_t m = 2 * b; m <= 2 * b + 1; m++)
        if (order.members[m].previous > step && before(step, order.members[m].previous - 1))
            return true;
    for (size_t i = 0; i < count; i++) {
        size_t k = order.sequence[i];
        if (k < step || k > b || !before(step, k)) continue;
        if (depends(k, b) || edge_between(k, b)) return true;
    }
    return false;
}

/* The same with a goal behind the sequence; *at is `count` for the goal, and beyond for nowhere. */
static bool is_initial_of(const struct branch *branch, size_t count, const struct goal *goal,
                          size_t *at) {
    bool is_goal = same(branch->label, goal->label);
    for (size_t i = 0; i < count && is_goal; i++)
        is_goal = !overlap(tree->nodes[order.sequence[i]].label, goal->label);
    if (!is_goal) {
        if (!is_initial(branch, count, at)) return false;
        if (*at < count) return true;
        *at = count + 1;
        if (overlap(branch->label, goal->label)) return false;
        return goal->footprint && dependence_apart(&branch->footprint, goal->footprint);
    }
    *at = count;
    if (!goal->step) {
        for (size_t i = 0; i < count && branch->known; i++)
            if (!dependence_apart(&branch->footprint, &tree->nodes[order.sequence[i]].footprint))
                return false;
        return true;
    }
    if (!same_picks(&branch->picks, &goal->step->picks)) return false;
    for (size_t i = 0; i < count; i++)
        if (leads_to_goal(order.sequence[i], count, goal)) return false;
    return true;
}

static uint32_t branch_of(const struct node *node) {
    uint32_t number = new_branch(node->label, &node->picks);
    if (!number) return 0;
    footprint_copy(&branch_at(number)->footprint, &node->footprint);
    branch_at(number)->known = true;
    return number;
}

/* Whether others may have to stand behind who makes a step, while it waits. */
static bool asks_in_turn(const struct footprint *footprint) {
    for (int i = 0; i < footprint->count; i++)
        if (footprint->accesses[i].way == WAY_LOCK || footprint->accesses[i].way == WAY_ACQUIRE)
            return true;
    return false;
}

static void insert(struct node *node, size_t count, const struct goal *goal);
static const struct access *case_of(size_t step, uint64_t task, int n);

/*
 * Whether a task that was to make a step was in a select, and has done something else in this run.
 * What commutes with that step may then be followed by others that do not, before the task does:
 * they show only in a run in which it has not chosen yet.
 */
static bool chose_otherwise(const struct node *node, struct label label) {
    for (size_t k = (size_t)(node - tree->nodes); k < tree->next; k++)
        if (overlap(tree->nodes[k].label, label))
            return !same(tree->nodes[k].label, label) &&
                   (case_of(k, label.task, 0) || (label.other && case_of(k, label.other, 0)));
    return false;
}

/* A step could not pick what it was to, though it is not known why: everything is made there. */
static void insert_all(struct node *node) {
    for (uint32_t i = 0; i < node->candidate_count; i++)
        if (candidate(node, i)->task != CLOCK &&
            (node->impossible || !same(node->label, *candidate(node, i))))
            insert(node, 0, &(struct goal){*candidate(node, i), NULL, NULL});
}

/* Puts the sequence and the goal into the tree of a node. */
static void insert(struct node *node, size_t count, const struct goal *goal) {
    uint32_t *list = &node->tree, b, number;
    bool waits = goal->step && asks_in_turn(&goal->step->footprint);
    bool ends = false; /* the goal has been found in the tree */
    size_t at;

    /* It was possible only because of what would come after it. */
    if (count == 0 && !is_candidate(node, goal->label) &&
        !(waits && is_waiter(node, goal->label))) {
        insert_all(node);
        return;
    }

    for (b = node->sleeping; b; b = branch_at(b)->next) {
        /* Of a goal that has not been made all outcomes must have been. */
        bool part = !goal->step && same(branch_at(b)->label, goal->label) &&
                    !is_done(node->sleeping, goal->label, &(struct picks){0});
        if (!part && is_initial_of(branch_at(b), count, goal, &at) &&
            (at <= count || !chose_otherwise(node, branch_at(b)->label)))
            return;
    }
    for (b = *list; b;) {
        bool found = ends ? is_initial(branch_at(b), count, &at)
                          : is_initial_of(branch_at(b), count, goal, &at);
        if (!found) {
            b = branch_at(b)->next;
            continue;
        }
        if (at < count) {
            memmove(&order.sequence[at], &order.sequence[at + 1],
                    (count - at - 1) * sizeof *order.sequence);
            count--;
        } else if (at == count && !ends) {
            ends = true;
        }
        list = &branch_at(b)->first;
        b = *list;
    }
    for (size_t i = 0; i < count; i++) {
        if (!(number = branch_of(&tree->nodes[order.sequence[i]]))) return;
        put_last(list, number);
        list = &branch_at(number)->first;
    }
    if (ends) return;
    number = goal->step ? branch_of(goal->step) : new_branch(goal->label, NULL);
    if (!number) return;
    if (!goal->step && goal->footprint) {
        footprint_copy(&branch_at(number)->footprint, goal->footprint);
        branch_at(number)->known = true;
    }
    branch_at(number)->waits = waits;
    if (goal->step) branch_at(number)->known = dependence_steady(&goal->step->footprint);
    put_last(list, number);
}

/* The same for one step alone. */
static void insert_alone(struct node *node, struct label label) {
    struct goal goal = {label, NULL, NULL};
    if (!is_asleep(node, label) && !same(node->label, label)) insert(node, 0, &goal);
}

/* ---- Races --------------------------------------------------------------------------------- */

/* Whether a task could do before step a what it does in step b. */
static bool pending(size_t b, size_t a, uint64_t task) {
    for (size_t m = 2 * b; m <= 2 * b + 1; m++) {
        const struct member *member = &order.members[m];
        if (order.tasks[member->task] != task) continue;
        return !member->previous || (member->previous - 1 < a) || !before(a, member->previous - 1);
    }
    return true;
}

/* What a sequence takes in: what has come after step a, but not after it in the order, nor after b or
 * c. */
static size_t collect(size_t a, size_t b, size_t c) {
    size_t count = 0;
    for (size_t k = a; k < tree->next; k++) {
        const struct node *node = &tree->nodes[k];
        if ((node->forced && node->label.task != CLOCK) || node->arrives) continue;
        if (before(a, k) || (b <= k && before(b, k)) || (c <= k && before(c, k))) continue;
        order.sequence[count++] = (uint32_t)k;
    }
    return count;
}

/* ---- Cases of selects ---------------------------------------------------------------------- */

/* What has been done to a channel. */
struct tally {
    int64_t sent, received;
    bool closed, unknown;
};

static void tally_step(struct tally *tally, const struct footprint *footprint, uint64_t object) {
    for (int i = 0; i < footprint->count; i++) {
        const struct access *access = &footprint->accesses[i];
        if (access->object != object) continue;
        tally->sent += access->way == WAY_SEND;
        tally->received += access->way == WAY_RECV;
        tally->closed |= access->way == WAY_CLOSE;
        tally->unknown |= access->way == WAY_ANY;
    }
}

enum certainty { SURELY_NOT, PERHAPS, SURELY };

/* In all steps before a, and those of the sequence. */
static struct tally tally_all(uint64_t object, size_t a, size_t count) {
    struct tally tally = {0};
    for (size_t k = 0; k < a; k++) tally_step(&tally, &tree->nodes[k].footprint, object);
    for (size_t i = 0; i < count; i++)
        tally_step(&tally, &tree->nodes[order.sequence[i]].footprint, object);
    return tally;
}

/* Whether a case would be ready then. */
static enum certainty is_ready(const struct access *of, size_t a, size_t count) {
    struct tally tally = tally_all(of->object, a, count);
    bool ready;
    if (tally.unknown) return PERHAPS;
    ready = of->way == WAY_CASE_SEND ? tally.sent - tally.received < (int64_t)of->capacity
                                     : tally.sent > tally.received;
    return ready || tally.closed ? SURELY : SURELY_NOT;
}

/* The n-th access of a step that stands for a case of the task's; NULL: there are fewer. */
static const struct access *case_of(size_t step, uint64_t task, int n) {
    const struct footprint *footprint = &tree->nodes[step].footprint;
    for (int i = 0; i < footprint->count; i++) {
        const struct access *access = &footprint->accesses[i];
        if (dependence_way_of_case(access) == WAY_ANY || (uint64_t)access->number != task) continue;
        if (n-- == 0) return access;
    }
    return NULL;
}

/* Whether a select could take a case: it is ready, and none is that would come first. */
static bool could_take(size_t step, uint64_t task, const struct access *of, size_t a,
                       size_t count) {
    const struct access *other;
    if (is_ready(of, a, count) == SURELY_NOT) return false;
    for (int n = 0; of->kind & CASE_IN_ORDER && (other = case_of(step, task, n)); n++)
        if (other->index < of->index && is_ready(other, a, count) == SURELY) return false;
    return true;
}

/* Whether a select in this step could also find no case ready. */
static bool could_wait(size_t step, uint64_t task, size_t a, size_t count) {
    const struct access *of;
    for (int n = 0; (of = case_of(step, task, n)); n++)
        if (is_ready(of, a, count) == SURELY) return false;
    return true;
}

/* Whether it could fail. */
static bool could_fail(size_t step, uint64_t task, size_t a, size_t count) {
    const struct access *of = case_of(step, task, 0);
    return (!of || of->kind & CASE_NOW) && could_wait(step, task, a, count);
}

/* What a task's select could have done in step x; `of` NULL: fail. */
struct other {
    size_t x;
    uint64_t task;
    const struct access *of;
};

static struct label label_of(const struct other *o) {
    return (struct label){o->task, 0, o->of ? o->of->index + UINT64_C(1) : 0};
}

static void add_access(struct footprint *footprint, const struct access *of, enum way way,
                       int64_t number) {
    if (footprint->count < MOST_ACCESSES)
        footprint->accesses[footprint->count++] =
            (struct access){.object = of->object, .way = (uint8_t)way, .number = number};
}

/* The case in a sequence of steps after node a. Returns false where it is not certain what that
 * is. */
static bool add_case(struct footprint *footprint, const struct other *o, size_t a, size_t count) {
    struct tally tally = tally_all(o->of->object, a, count);
    bool sends = o->of->way == WAY_CASE_SEND, last = true;
    const struct access *other;
    int64_t number = (sends ? tally.sent : tally.received) + 1;
    if (tally.closed || tally.unknown || !o->of->capacity) return false;
    for (int n = 0; (other = case_of(o->x, o->task, n)); n++) last &= other->index <= o->of->index;
    add_access(footprint, o->of, sends ? WAY_SEND : WAY_RECV, number);
    if (!(o->of->kind & CASE_NOW) && (last || !(o->of->kind & CASE_IN_ORDER))) return true;
    add_access(footprint, o->of, sends ? WAY_ROOM : WAY_HAS,
               sends ? number - (int64_t)o->of->capacity : number);
    return true;
}

/* The same with the cases that it then finds not ready. */
static bool foresee(struct footprint *footprint, const struct other *o, size_t a, size_t count) {
    const struct access *other;
    if (o->of && !add_case(footprint, o, a, count)) return false;
    for (int n = 0; (other = case_of(o->x, o->task, n)); n++) {
        if (other->kind & CASE_MORE) return false;
        if (o->of && (!(other->kind & CASE_IN_ORDER) || other->index >= o->of->index)) continue;
        if (tally_all(other->object, a, count).unknown) return false;
        add_access(footprint, other, other->capacity ? WAY_REFUSED : WAY_MEET,
                   other->way == WAY_CASE_SEND);
    }
    return true;
}

/* Puts the sequence, and what the select could do then, into the tree of node a. */
static void insert_other(const struct other *o, size_t a, size_t count) {
    struct footprint footprint = {0};
    struct goal goal = {label_of(o), NULL, NULL};
    if (foresee(&footprint, o, a, count)) goal.footprint = &footprint;
    insert(&tree->nodes[a], count, &goal);
}

/* Whether a step that the last run has not had does something to the object. */
static bool is_news(uint64_t object) {
    for (size_t k = tree->fresh; k < tree->next; k++)
        if (dependence_touches(&tree->nodes[k].footprint, object, WAY_ANY)) return true;
    return false;
}

/* Whether the cases of a task's select in a step may become ready otherwise than in the last run.
 * */
static bool has_news(size_t step, uint64_t task) {
    const struct access *of;
    if (step >= tree->fresh) return true;
    for (int n = 0; (of = case_of(step, task, n)); n++)
        if (is_news(of->object)) return true;
    return false;
}

/* Whether step y keeps the select from that, or comes before or after it: it takes what that
 * needs, or makes a case ready that would come first. */
static bool is_in_its_way(size_t y, const struct other *o) {
    const struct footprint *footprint = &tree->nodes[y].footprint;
    const struct access *other;
    if (o->of && dependence_touches(footprint, o->of->object, dependence_way_of_case(o->of)))
        return true;
    for (int n = 0; (other = case_of(o->x, o->task, n)); n++)
        if ((!o->of || (other->kind & CASE_IN_ORDER && other->index < o->of->index)) &&
            dependence_touches(footprint, other->object, other->capacity ? WAY_REFUSED : WAY_MEET))
            return true;
    return false;
}

/* Whether step k may make one of the first cases ready that the task had in step x, so that it
 * does not pass it by. */
static bool opens(size_t k, size_t x, uint64_t task, size_t cases) {
    const struct footprint *footprint = &tree->nodes[k].footprint;
    const struct access *of;
    for (int n = 0; (of = case_of(x, task, n)) && of->index < cases; n++) {
        enum way opposite = of->way == WAY_CASE_SEND ? WAY_RECV : WAY_SEND;
        if (footprint->everything) return true;
        for (int i = 0; i < footprint->count; i++) {
            const struct access *access = &footprint->accesses[i];
            if (access->object == of->object &&
                (access->way == opposite || access->way == WAY_CLOSE || access->way == WAY_ANY))
                return true;
        }
    }
    return false;
}

static void choose_sequence(size_t count) {
    memset(order.chosen, 0, tree->next * sizeof *order.chosen);
    for (size_t i = 0; i < count; i++) order.chosen[order.sequence[i]] = true;
}

/* Leaves out the steps of a sequence that make ready what would come first, and what comes after
 * those. */
static size_t leave_closed(size_t count, const struct other *o) {
    size_t kept = 0, cases = o->of ? o->of->index : SIZE_MAX;
    choose_sequence(count);
    for (size_t i = 0; i < count; i++) {
        size_t k = order.sequence[i];
        bool out = false;
        for (size_t first = 0; first <= k && !out; first++)
            out = order.chosen[first] && before(first, k) && opens(first, o->x, o->task, cases);
        if (!out) order.sequence[kept++] = (uint32_t)k;
    }
    return kept;
}

static bool is_possible(const struct other *o, size_t a, size_t count) {
    return o->of ? could_take(o->x, o->task, o->of, a, count) : could_wait(o->x, o->task, a, count);
}

/* The places for that: before each step that is in its way, or instead of what the select did. */
static void find_places(const struct other *o) {
    bool news = has_news(o->x, o->task);
    struct label label = label_of(o);
    for (size_t y = 0; y < tree->next; y++) {
        const struct node *node = &tree->nodes[y];
        size_t at = y < o->x ? y : o->x, end = y < o->x ? o->x : y, all, count;
        if (y <= o->x && !news) continue;
        if (y < o->x && (node->forced || takes_part(node->label, o->task))) continue;
        if (y == o->x && same(node->label, label)) break;
        if (y > o->x && (y < tree->fresh || before(o->x, y))) continue;
        if (y != o->x && !is_in_its_way(y, o)) continue;
        if (y < o->x && !pending(o->x, y, o->task)) continue;
        all = collect(at, o->x, end);
        if (is_possible(o, at, all)) insert_other(o, at, all);
        if (o->of && !(o->of->kind & CASE_IN_ORDER)) continue;
        count = leave_closed(collect(at, o->x, end), o);
        if (count < all && is_possible(o, at, count)) insert_other(o, at, count);
    }
}

/* What a task that took part in step b could have done as well. */
static void insert_instead(size_t b, struct label label) {
    struct node *node = &tree->nodes[b];
    struct other o = {b, label.task, NULL};
    for (int n = 0; label.take && (o.of = case_of(b, label.task, n)); n++)
        if (same(label_of(&o), label)) {
            if (!is_asleep(node, label) && !same(node->label, label)) insert_other(&o, b, 0);
            return;
        }
    insert_alone(node, label);
}

/* Whether a select has taken this case, and other steps race with all that it could have done in
 * it. Of one in order that is not known where it has found the channel closed: it may have had to
 * wait. */
static bool is_taken(const struct node *node, const struct access *of) {
    const struct footprint *footprint = &node->footprint;
    if (node->label.take != of->index + UINT64_C(1)) return false;
    if (!(of->kind & CASE_IN_ORDER) || of->way != WAY_CASE_SEND) return true;
    for (int i = 0; i < footprint->count; i++)
        if (footprint->accesses[i].object == of->object && footprint->accesses[i].way == WAY_SHUT)
            return false;
    return true;
}

/* What the task's select could have done in step x. */
static void find_others(size_t x, uint64_t task) {
    const struct node *node = &tree->nodes[x];
    struct other o = {x, task, NULL};
    for (int n = 0; (o.of = case_of(x, task, n)); n++)
        if (!is_taken(node, o.of)) find_places(&o);
    if (case_of(x, task, 0) && case_of(x, task, 0)->kind & CASE_NOW &&
        (node->label.take || node->label.other))
        find_places(&o);
}

static void find_cases(void) {
    for (size_t x = 0; x < tree->next; x++) {
        const struct node *node = &tree->nodes[x];
        if (node->forced) continue;
        find_others(x, node->label.task);
        if (node->label.other) find_others(x, node->label.other);
    }
}

/* Step b could come before a. */
static void reverse(size_t a, size_t b) {
    struct node *node = &tree->nodes[a];
    const struct footprint *footprint = &tree->nodes[b].footprint;
    struct label label = tree->nodes[b].label;
    struct goal goal = {label, &tree->nodes[b], dependence_steady(footprint) ? footprint : NULL};
    const struct access *of = NULL;
    size_t count;
    if (node->forced || (tree->nodes[b].forced && label.task != CLOCK)) return;
    count = collect(a, b, b);
    /* A select might do something else then. */
    if (!label.other && case_of(b, label.task, 0)) {
        for (int n = 0; label.take && (of = case_of(b, label.task, n)); n++)
            if (of->index + UINT64_C(1) == label.take) break;
        if (of && !could_take(b, label.task, of, a, count)) return;
        if (!label.take && !could_fail(b, label.task, a, count)) return;
    }
    insert(node, count, &goal);
}

/* A task that has met another in step b could have gone alone before a. */
static void part(size_t a, size_t b, uint64_t task) {
    struct goal goal = {{task, 0, 0}, NULL, NULL};
    size_t count;
    if (tree->nodes[a].forced || takes_part(tree->nodes[a].label, task)) return;
    if (!pending(b, a, task)) return;
    count = collect(a, b, b);
    if (!case_of(b, task, 0) || could_fail(b, task, a, count))
        insert(&tree->nodes[a], count, &goal);
}

/* Whether the tasks of step b must have made step k, or what it comes before. */
static bool leads_up(size_t k, size_t b) {
    for (size_t m = 2 * b; m <= 2 * b + 1; m++)
        if (order.members[m].previous > k && before(k, order.members[m].previous - 1)) return true;
    return false;
}

/* Two that stood at a channel, one in step x, the other in y. */
struct encounter {
    size_t x, y;
    uint64_t one, other, object;
    uint8_t kind, other_kind; /* CASE_... of each */
    bool strict; /* not whenever both stand there: one must wait, or has no earlier case */
};

/* Whether step k may keep a task from meeting another, which it did not do in that step. */
static bool hinders_one(size_t k, const struct encounter *e, size_t step, uint64_t task) {
    const struct footprint *footprint = &tree->nodes[k].footprint;
    if (case_of(step, task, 0))
        return (e->strict && opens(k, step, task, SIZE_MAX)) ||
               dependence_touches(footprint, e->object, WAY_MEET);
    return k < step && dependence_between(footprint, &tree->nodes[step].footprint);
}

/* Whether step k, which comes before x or y, may keep their tasks from meeting. */
static bool hinders(size_t k, const struct encounter *e) {
    if (leads_up(k, e->x) || leads_up(k, e->y)) return false;
    return hinders_one(k, e, e->x, e->one) || hinders_one(k, e, e->y, e->other);
}

/* Leaves out the steps of a sequence which may keep two from meeting, and what comes after those. */
static size_t leave_out(size_t count, const struct encounter *e) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        size_t k = order.sequence[i];
        bool out = false;
        for (size_t first = 0; first <= k && !out; first++)
            out = order.chosen[first] && before(first, k) && hinders(first, e);
        if (!out) order.sequence[kept++] = (uint32_t)k;
    }
    return kept;
}

/*
 * Adds what a task accesses that is to meet another, after what it did instead in a step: a select
 * by cases looks at nothing else, unless it must wait first, and so must find none ready. Returns
 * whether that is all.
 */
static bool add_accesses(struct footprint *to, size_t step, uint64_t task, uint64_t object,
                         bool strict) {
    const struct footprint *from = &tree->nodes[step].footprint;
    const struct access *of;
    int n = 0;
    for (; (of = case_of(step, task, n)) && to->count < MOST_ACCESSES; n++) {
        if (of->kind) return false; /* then it depends */
        if (!strict || of->object == object) continue;
        to->accesses[to->count++] = (struct access){.object = of->object,
                                                    .number = of->way == WAY_CASE_SEND,
                                                    .way = of->capacity ? WAY_REFUSED : WAY_MEET};
    }
    if (n) return !of;
    if (from->everything || to->count + from->count > MOST_ACCESSES) return false;
    memcpy(&to->accesses[to->count], from->accesses, from->count * sizeof *from->accesses);
    to->count = (uint8_t)(to->count + from->count);
    return true;
}

/* How many cases at channels with buffers a task's select had in a step. */
static int buffers_of(size_t step, uint64_t task) {
    const struct access *of;
    int buffers = 0;
    for (int n = 0; (of = case_of(step, task, n)); n++) buffers += of->capacity > 0;
    return buffers;
}

/* What is known of a meeting. Returns whether that is all. */
static bool add_meeting(struct footprint *footprint, const struct encounter *e) {
    int one = buffers_of(e->x, e->one), other = buffers_of(e->y, e->other);
    bool waits = e->kind | e->other_kind ? e->other_kind & CASE_NOW : one <= other;
    bool other_waits = e->kind | e->other_kind ? e->kind & CASE_NOW : other <= one;
    footprint->accesses[footprint->count++] = (struct access){.object = e->object, .way = WAY_MEET};
    return add_accesses(footprint, e->x, e->one, e->object, e->strict && waits) &&
           add_accesses(footprint, e->y, e->other, e->object, e->strict && other_waits);
}

/* Whether what step a does has nothing to do with their meeting. */
static bool is_aside(size_t a, const struct encounter *e, const struct footprint *meets) {
    const struct footprint *footprint = &tree->nodes[a].footprint;
    return a < e->x && a < e->y && !dependence_between(footprint, &tree->nodes[e->x].footprint) &&
           !dependence_between(footprint, &tree->nodes[e->y].footprint) &&
           !dependence_between(footprint, meets) &&
           !(e->strict && (opens(a, e->x, e->one, SIZE_MAX) || opens(a, e->y, e->other, SIZE_MAX)));
}

/* Whether a select has no case ready before those at the channel, which it would take first. */
static bool nothing_before(size_t step, uint64_t task, uint64_t object, size_t a, size_t count) {
    const struct access *of;
    for (int n = 0; (of = case_of(step, task, n)) && of->object != object; n++)
        if (of->kind & CASE_IN_ORDER && is_ready(of, a, count) == SURELY) return false;
    return true;
}

/* Whether they could after the steps before a and those of the sequence: one waits, and the other
 * finds it. */
static bool could_meet_after(size_t a, size_t count, const struct encounter *e) {
    bool waits = !(e->kind & CASE_NOW) && could_wait(e->x, e->one, a, count);
    bool other_waits = !(e->other_kind & CASE_NOW) && could_wait(e->y, e->other, a, count);
    return (waits && nothing_before(e->y, e->other, e->object, a, count)) ||
           (other_waits && nothing_before(e->x, e->one, e->object, a, count));
}

/* A task that stood at a channel in step x could have met one that did in y. */
static void meet(const struct encounter *e) {
    struct footprint footprint = {0}, meets = {.count = 1};
    struct goal goal = {meeting(e->one, e->other), NULL, NULL};
    meets.accesses[0] = (struct access){.object = e->object, .way = WAY_MEET};
    if (add_meeting(&footprint, e)) goal.footprint = &footprint;
    for (size_t a = (e->x < e->y ? e->x : e->y) + 1; a-- > 0;) {
        struct node *node = &tree->nodes[a];
        size_t count, without;
        /* What neither of them looks at keeps nobody from meeting. */
        if (node->forced || is_aside(a, e, &meets)) continue;
        if (!pending(e->x, a, e->one) || !pending(e->y, a, e->other)) continue;
        if (same(node->label, goal.label)) continue;
        count = collect(a, e->x, e->y);
        choose_sequence(count);
        without = leave_out(count, e);
        /* With all first: that is known to be possible, unless one of them must wait. */
        count = collect(a, e->x, e->y);
        if (could_meet_after(a, count, e)) insert(node, count, &goal);
        if (without < count && (e->strict || is_candidate(node, goal.label))) {
            count = leave_out(collect(a, e->x, e->y), e);
            if (could_meet_after(a, count, e)) insert(node, count, &goal);
        }
    }
}

/* Two tasks that stood on either side of a channel, the first in step a, the other in b. */
static void encounter(size_t a, const struct access *one, size_t b, const struct access *other) {
    struct encounter e = {
        .x = a,
        .y = b,
        .one = (uint64_t)one->number,
        .other = (uint64_t)other->number,
        .object = one->object,
        .kind = one->kind,
        .other_kind = other->kind,
    };
    e.strict = e.kind || e.other_kind || (case_of(a, e.one, 0) && case_of(b, e.other, 0));
    if (b >= tree->fresh || (e.strict && (has_news(a, e.one) || has_news(b, e.other)))) meet(&e);
}

/* Everybody who could have met somebody in step b. */
static void find_meetings(size_t b) {
    const struct footprint *late = &tree->nodes[b].footprint;
    for (int i = 0; i < late->count && !tree->nodes[b].forced; i++) {
        const struct access *one = &late->accesses[i];
        if (one->way != WAY_OFFER_SEND && one->way != WAY_OFFER_RECV) continue;
        for (size_t a = b; a-- > 0;) {
            const struct footprint *early = &tree->nodes[a].footprint;
            for (int k = 0; k < early->count && !tree->nodes[a].forced; k++) {
                const struct access *other = &early->accesses[k];
                bool opposite =
                    other->way == (one->way == WAY_OFFER_SEND ? WAY_OFFER_RECV : WAY_OFFER_SEND);
                if (opposite && other->object == one->object && other->number != one->number)
                    encounter(a, other, b, one);
            }
        }
    }
}

static void find_races(size_t final) {
    for (size_t b = 0; b < tree->fresh && b < tree->next; b++) find_meetings(b);
    for (size_t b = tree->fresh; b < tree->next; b++) {
        const struct node *node = &tree->nodes[b];
        if (node->forced && node->label.task != CLOCK) continue;
        if (node->footprint.disarms) insert_alone(&tree->nodes[b], (struct label){CLOCK, 0, 0});
        for (size_t a = b < final ? b : final; a-- > 0;) {
            if (!dependence_reversible(&tree->nodes[a].footprint, &node->footprint)) continue;
            if (node->label.other && !node->forced) {
                part(a, b, node->label.task);
                part(a, b, node->label.other);
            }
            if (overlap(tree->nodes[a].label, node->label)) continue;
            if (!pending(b, a, node->label.task)) continue;
            if (node->label.other && !pending(b, a, node->label.other)) continue;
            reverse(a, b);
        }
        find_meetings(b);
        /* Whoever took part could have met somebody else, or gone alone. */
        for (uint32_t i = 0; i < node->candidate_count && !node->forced; i++)
            if (overlap(*candidate(node, i), node->label)) insert_instead(b, *candidate(node, i));
    }
    find_cases();
}

/* ---- From run to run ----------------------------------------------------------------------- */

/* The last node with a branch that has not gone; the path then ends with it. */
static bool backtrack(void) {
    for (; tree->count; tree->count--) {
        struct node *node = &tree->nodes[tree->count - 1];
        bool dropped;
        free_list(&node->below);
        if (!node->forced && !node->impossible) put_first(&node->sleeping, branch_of(node));
        node->impossible = false;
        if (follow_tree(node, &dropped)) return true;
        if (dropped && take_any(node, NULL)) {
            free_list(&node->wanted);
            node->waits = node->arrives = false;
            return true;
        }
        free_list(&node->wanted);
        free_list(&node->sleeping);
    }
    return false;
}

/* A run that has been ended by a step: whatever else could have been done would have come before. */
static void end_early(const struct log *log) {
    struct node *last = &tree->nodes[tree->next - 1];
    if (log->outcome == PIRN_OK || log->outcome == PIRN_LEAK || log->outcome == PIRN_DEADLOCK)
        return;
    last->footprint.everything = true;
    if (last->forced) return;
    for (uint32_t i = 0; i < last->candidate_count; i++) insert_alone(last, *candidate(last, i));
}

static void see(struct footprint *footprint, uint64_t object) {
    if (footprint->count == MOST_ACCESSES)
        footprint->everything = true;
    else
        footprint->accesses[footprint->count++] = (struct access){.object = object, .way = WAY_ANY};
}

/* Who waits where that is not the end is seen by those who come. */
static size_t find_end(void) {
    size_t final = tree->next;
    while (final && tree->nodes[final - 1].arrives) final--;
    for (size_t i = 0; i < final; i++) {
        struct footprint *footprint = &tree->nodes[i].footprint;
        if (!tree->nodes[i].arrives) continue;
        for (int k = 0, count = footprint->count; k < count; k++) {
            struct access *access = &footprint->accesses[k];
            if (dependence_way_of_case(access) != WAY_ANY)
                see(footprint, access->object);
            else if (access->way != WAY_OFFER_SEND && access->way != WAY_OFFER_RECV)
                access->way = WAY_ANY;
        }
    }
    return final;
}

static unsigned next(struct strategy *strategy, const struct log *log) {
    unsigned found = tree->cut ? SEARCH_REPEATED : 0;
    size_t final;
    (void)strategy;
    dependence_footprint = NULL;
    if ((!tree->cut && search_cut(log)) || tree->lost) tree->gaps = true;
    if (tree->next < tree->count) tree->gaps = true;
    final = find_end();
    /* A timer could have fired that nobody has waited for. */
    if (log->armed && !tree->cut)
        for (size_t last = final; last-- > 0;)
            if (is_candidate(&tree->nodes[last], (struct label){CLOCK, 0, 0})) {
                insert_alone(&tree->nodes[last], (struct label){CLOCK, 0, 0});
                break;
            }
    if (tree->next && !tree->cut) end_early(log);
    if (tree->next && tree->nodes[tree->next - 1].impossible)
        insert_all(&tree->nodes[tree->next - 1]);
    if (!make_order(log, final))
        tree->gaps = true;
    else
        find_races(final);
    if (backtrack()) found |= SEARCH_MORE;
    tree->fresh = tree->count ? tree->count - 1 : 0;
    if (tree->gaps) found |= SEARCH_GAPS;
    return tree->unfair ? found | SEARCH_UNFAIR : found;
}

static void close(struct strategy *strategy) {
    (void)strategy;
    dependence_footprint = NULL;
    search_release(tree, tree ? tree->size : 0);
    tree = NULL;
    free(order.tasks);
    free(order.members);
    free(order.clocks);
    free(order.last);
    free(order.owner);
    free(order.sequence);
    free(order.chosen);
    memset(&order, 0, sizeof order);
}

static int open(struct strategy *strategy, const struct search_request *search) {
    size_t room = (size_t)search->max_steps + 1024, branches = 16 * room;
    size_t head = (sizeof *tree + 63) / 64 * 64;
    size_t size = head + room * sizeof *tree->nodes + branches * sizeof *tree->branches +
                  branches * sizeof *tree->candidates;
    (void)strategy;
    if (!(tree = search_memory(size))) return -ENOMEM;
    tree->size = size;
    tree->room = room;
    tree->seed = search->seed;
    tree->branch_room = (uint32_t)branches;
    tree->nodes = (struct node *)(void *)((char *)tree + head);
    tree->branches = (struct branch *)(void *)(tree->nodes + room);
    tree->candidates = (struct label *)(void *)(tree->branches + branches);
    tree->candidate_room = (uint32_t)branches;
    return 0;
}

struct strategy strategy_dpor = {
    .name = "dpor",
    .summary = "one schedule of each class that differ in the order of independent steps alone",
    .begin = begin,
    .task = task,
    .pick = pick,
    .random = draw,
    .open = open,
    .next = next,
    .close = close,
    .ends = true,
    .fires = fires,
    .fair = true, /* by search_spins and take_turn */
};
