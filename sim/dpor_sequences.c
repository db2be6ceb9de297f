/*
 * dpor_sequences.c - puts sequences of steps into wakeup trees, unless they lead nowhere new: see
 * strategy_dpor.c.
 */
#include <string.h>

#include "sim/dpor_races.h"

/* Whether the run has any select by cases: what that could do is not seen where it could do
 * something else too, which sleeps, and so does nothing. */
static bool has_selects(void) {
    for (size_t k = 0; k < dpor->next; k++) {
        struct label label = dpor->nodes[k].label;
        if (case_of(k, label.task, 0) || (label.other && case_of(k, label.other, 0))) return true;
    }
    return false;
}

/* Whether what is known of a branch commutes with the first steps of the sequence: where a task did
 * something else in the run, they may still have to come before it. */
static bool commutes(const struct branch *branch, size_t count) {
    if (!branch->known) return !count || !has_selects();
    for (size_t i = 0; i < count; i++)
        if (!dependence_apart(&branch->footprint, &dpor->nodes[race_order.sequence[i]].footprint))
            return false;
    return true;
}

/* Whether a branch could go first of the `count` steps in the sequence; *at is where it stands
 * there, `count` if it does not, but commutes with all. */
static bool is_initial(const struct branch *branch, size_t count, size_t *at) {
    for (size_t i = 0; i < count; i++) {
        const struct node *node = &dpor->nodes[race_order.sequence[i]];
        if (!overlap(branch->label, node->label)) continue;
        if (!same(branch->label, node->label) || !same_picks(&branch->picks, &node->picks))
            return false;
        for (size_t k = 0; k < i; k++)
            if (race_before(race_order.sequence[k], race_order.sequence[i])) return false;
        *at = i;
        return commutes(branch, i);
    }
    *at = count;
    return branch->known && commutes(branch, count);
}

/* Whether a step of the sequence comes before the goal: not by way of those that were left out. */
static bool leads_to_goal(size_t step, size_t count, const struct goal *goal) {
    size_t b = (size_t)(goal->step - dpor->nodes);
    for (size_t m = 2 * b; m <= 2 * b + 1; m++)
        if (race_order.members[m].previous > step &&
            race_before(step, race_order.members[m].previous - 1))
            return true;
    for (size_t i = 0; i < count; i++) {
        size_t k = race_order.sequence[i];
        if (k < step || k > b || !race_before(step, k)) continue;
        if (race_depends(k, b) || race_edge_between(k, b)) return true;
    }
    return false;
}

/* The same with a goal behind the sequence; *at is `count` for the goal, and beyond for nowhere. */
static bool is_initial_of(const struct branch *branch, size_t count, const struct goal *goal,
                          size_t *at) {
    bool is_goal = same(branch->label, goal->label);
    for (size_t i = 0; i < count && is_goal; i++)
        is_goal = !overlap(dpor->nodes[race_order.sequence[i]].label, goal->label);
    if (!is_goal) {
        if (!is_initial(branch, count, at)) return false;
        if (*at < count) return true;
        *at = count + 1;
        if (overlap(branch->label, goal->label)) return false;
        return goal->footprint && dependence_apart(&branch->footprint, goal->footprint);
    }
    *at = count;
    if (!commutes(branch, count)) return false;
    if (!goal->step) return true;
    if (!same_picks(&branch->picks, &goal->step->picks)) return false;
    for (size_t i = 0; i < count; i++)
        if (leads_to_goal(race_order.sequence[i], count, goal)) return false;
    return true;
}

/*
 * Whether a task that was to make a step was in a select, and has done something else in this run,
 * in which node a stands before what is looked for. What commutes with that step may then be
 * followed by others that do not, before the task does: they show only in a run in which it has
 * not chosen yet.
 */
static bool chose_otherwise(size_t a, struct label label) {
    for (size_t k = a; k < dpor->next; k++)
        if (!race_order.found[k] && overlap(dpor->nodes[k].label, label))
            return !same(dpor->nodes[k].label, label) &&
                   (case_of(k, label.task, 0) || (label.other && case_of(k, label.other, 0)));
    return false;
}

void race_insert_all(struct node *node) {
    for (uint32_t i = 0; i < node->candidate_count; i++)
        if (candidate(node, i)->task != CLOCK &&
            (node->impossible || !same(node->label, *candidate(node, i))))
            race_insert(node, 0, &(struct goal){*candidate(node, i), NULL, NULL});
}

/* What is looked for in wakeup trees: a sequence, and the goal behind it unless that has been
 * found. */
struct sequel {
    size_t start; /* the node it was to be inserted at */
    size_t count;
    const struct goal *goal;
    bool ends;   /* with the sequence: the goal has been found */
    bool hidden; /* from the shard that explores a branch which comes after what was done at that
                    node, as that sleeps there: the goal is something else that its task does, or
                    somebody goes to wait */
};

/* Whether who makes that step of the sequence, or the goal, has had to wait. */
static bool waits_at(const struct sequel *sequel, size_t at) {
    const struct node *node = sequel->goal->step;
    if (at < sequel->count) node = &dpor->nodes[race_order.sequence[at]];
    return node && node->waited;
}

/* Whether the branch may go first; it is then no longer part of what is looked for. `there`: only
 * where it is part of that. */
static bool find_first(struct sequel *sequel, const struct branch *branch, bool there) {
    size_t at;
    bool part;
    if (!(sequel->ends ? is_initial(branch, sequel->count, &at)
                       : is_initial_of(branch, sequel->count, sequel->goal, &at)))
        return false;
    part = at < sequel->count + !sequel->ends;
    if (there && !part) return false;
    /* Behind others it may not have to wait. */
    if (branch->waits && at && !(part && waits_at(sequel, at))) return false;
    if (at < sequel->count) {
        race_order.found[race_order.sequence[at]] = true;
        memmove(&race_order.sequence[at], &race_order.sequence[at + 1],
                (sequel->count - at - 1) * sizeof *race_order.sequence);
        sequel->count--;
    } else if (at == sequel->count && !sequel->ends) {
        sequel->ends = true;
    }
    return true;
}

/* Whether a branch is one outcome of the goal, which has not been made: what is left of the sequence
 * is to come after the others as well. */
static bool is_outcome(const struct branch *branch, const struct sequel *sequel) {
    return !sequel->ends && !sequel->goal->step && sequel->count && branch->picks.count &&
           same(branch->label, sequel->goal->label);
}

/* Of a goal that has not been made all outcomes must have been. */
static bool is_part(const struct prefix *prefix, const struct branch *branch,
                    const struct sequel *sequel) {
    const struct goal *goal = sequel->goal;
    return !sequel->ends && !goal->step && same(branch->label, goal->label) &&
           !is_asleep(prefix->sleeping, goal->label);
}

/*
 * Looks among those that have gone from a prefix, or are asleep since before. Those that have gone
 * before the run's own step (`own`: the prefix after it; NULL: it is the last) have all that begins
 * so; those after it are explored at the same time, and are to have what is looked for as if they
 * were still in the wakeup tree. Returns false where nothing needs to be done; else *after gets the
 * prefix behind who goes first, or NULL. *again: a branch which another shard explores, and which
 * is to be explored for this once more.
 */
static bool find_gone(const struct prefix *prefix, const struct prefix *own, bool later,
                      struct sequel *sequel, struct prefix **after, uint32_t *again) {
    uint32_t number = 0;
    *after = NULL;
    *again = 0;
    for (uint32_t b = prefix->sleeping; b; b = branch_at(b)->next) {
        const struct branch *branch = branch_at(b);
        bool inherited = number++ < prefix->inherited;
        bool asleep = inherited || !later;
        if (own && own->branch == b) {
            later = true;
            continue;
        }
        if (is_part(prefix, branch, sequel) || (later && is_outcome(branch, sequel))) continue;
        if (!find_first(sequel, branch,
                        (prefix->strict && (inherited || branch->elsewhere)) ||
                            (asleep && chose_otherwise(sequel->start, branch->label))))
            continue;
        if (later) *after = prefix_after(prefix, b);
        if (!asleep && !*after && branch->elsewhere && sequel->hidden) *again = b;
        return *after || *again;
    }
    return true;
}

/* Has a branch that sleeps explored once more; returns what comes after it. */
static uint32_t *explore_again(struct prefix *prefix, uint32_t number) {
    uint32_t *link = &prefix->sleeping;
    while (*link != number) link = &branch_at(*link)->next;
    branches_put_last(&prefix->tree, branches_take(link));
    return &branch_at(number)->first;
}

/* Whether what is looked for goes on below a branch of a wakeup tree. *done: nothing needs to be. */
static bool goes_below(struct sequel *sequel, uint32_t number, bool *done) {
    const struct branch *branch = branch_at(number);
    if (is_outcome(branch, sequel) || !find_first(sequel, branch, branch->elsewhere)) return false;
    *done = branch->elsewhere && !sequel->hidden;
    return true;
}

/* Appends what is left of it to a wakeup tree. */
static void append(uint32_t *list, const struct sequel *sequel, bool waits) {
    const struct goal *goal = sequel->goal;
    uint32_t number;
    for (size_t i = 0; i < sequel->count; i++) {
        if (!(number = branch_of(&dpor->nodes[race_order.sequence[i]]))) return;
        branches_put_last(list, number);
        list = &branch_at(number)->first;
    }
    if (sequel->ends) return;
    number = goal->step ? branch_of(goal->step) : branch_new(goal->label, NULL);
    if (!number) return;
    if (goal->footprint) footprint_copy(&branch_at(number)->footprint, goal->footprint);
    branch_at(number)->known = goal->footprint;
    branch_at(number)->waits = waits;
    branches_put_last(list, number);
}

void race_insert(struct node *node, size_t count, const struct goal *goal) {
    size_t a = (size_t)(node - dpor->nodes);
    struct prefix *prefix = dpor_search.path[a];
    const struct prefix *own = a + 1 < dpor->next ? dpor_search.path[a + 1] : NULL;
    struct prefix *after;
    struct sequel sequel = {a, count, goal, false, false};
    bool waits = goal->step && goal->step->queues, given, done = false;
    uint32_t *list, b, again;

    /* It was possible only because of what would come after it. */
    if (count == 0 && !is_candidate(node, goal->label) &&
        !(waits && is_waiter(node, goal->label))) {
        race_insert_all(node);
        return;
    }

    sequel.hidden = waits || overlap(node->label, goal->label);
    for (size_t i = 0; i < count; i++) sequel.hidden |= dpor->nodes[race_order.sequence[i]].waited;
    memset(race_order.found, 0, dpor->next * sizeof *race_order.found);
    for (bool later = false;; own = NULL, later = true) {
        if (!find_gone(prefix, own, later, &sequel, &after, &again)) return;
        if (!after) break;
        if (after->open && !(after->strict && has_selects())) return;
        while (after->forced && after->children) after = after->children;
        prefix = after;
    }
    list = again ? explore_again(prefix, again) : &prefix->tree;
    b = *list;
    /* A run is being made of the one that goes next; it follows the first branches, and what comes
     * after those stays here. */
    given = !again && prefix->given && goes_below(&sequel, prefix->given, &done);
    if (given) {
        list = &branch_at(prefix->given)->first;
        b = *list;
        if (!b && !has_selects()) return;
    }
    while (b && !done) {
        if (!goes_below(&sequel, b, &done)) {
            b = branch_at(b)->next;
            continue;
        }
        list = &branch_at(b)->first;
        b = *list;
        if (!b && given && !has_selects()) return;
    }
    if (!done) append(list, &sequel, waits);
}

void race_insert_alone(struct node *node, struct label label) {
    struct goal goal = {label, NULL, NULL};
    size_t a = (size_t)(node - dpor->nodes);
    if (!is_asleep(dpor_search.path[a]->sleeping, label) && !same(node->label, label))
        race_insert(node, 0, &goal);
}
