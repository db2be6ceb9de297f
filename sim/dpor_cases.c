/*
 * dpor_cases.c - what the selects of a run could have done instead, and what to try because of
 * that: see strategy_dpor.c.
 */
#include <string.h>

#include "sim/dpor_races.h"

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

/* In all steps before a, and those of the sequence. */
static struct tally tally_all(uint64_t object, size_t a, size_t count) {
    struct tally tally = {0};
    for (size_t k = 0; k < a; k++) tally_step(&tally, &dpor->nodes[k].footprint, object);
    for (size_t i = 0; i < count; i++)
        tally_step(&tally, &dpor->nodes[race_order.sequence[i]].footprint, object);
    return tally;
}

enum certainty case_ready(const struct access *of, size_t a, size_t count) {
    struct tally tally = tally_all(of->object, a, count);
    bool ready;
    if (tally.unknown) return PERHAPS;
    ready = of->way == WAY_CASE_SEND ? tally.sent - tally.received < (int64_t)of->capacity
                                     : tally.sent > tally.received;
    return ready || tally.closed ? SURELY : SURELY_NOT;
}

const struct access *case_of(size_t step, uint64_t task, int n) {
    const struct footprint *footprint = &dpor->nodes[step].footprint;
    for (int i = 0; i < footprint->count; i++) {
        const struct access *access = &footprint->accesses[i];
        if (dependence_way_of_case(access) == WAY_ANY || (uint64_t)access->number != task) continue;
        if (n-- == 0) return access;
    }
    return NULL;
}

bool case_could_take(size_t step, uint64_t task, const struct access *of, size_t a, size_t count) {
    const struct access *other;
    if (case_ready(of, a, count) == SURELY_NOT) return false;
    for (int n = 0; of->kind & CASE_IN_ORDER && (other = case_of(step, task, n)); n++)
        if (other->index < of->index && case_ready(other, a, count) == SURELY) return false;
    return true;
}

bool case_could_wait(size_t step, uint64_t task, size_t a, size_t count) {
    const struct access *of;
    for (int n = 0; (of = case_of(step, task, n)); n++)
        if (case_ready(of, a, count) == SURELY) return false;
    return true;
}

bool case_could_fail(size_t step, uint64_t task, size_t a, size_t count) {
    const struct access *of = case_of(step, task, 0);
    return (!of || of->kind & CASE_TIMED) && case_could_wait(step, task, a, count);
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
    footprint_add(footprint,
                  (struct access){.object = of->object, .way = (uint8_t)way, .number = number});
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
    if (!(o->of->kind & CASE_TIMED) && (last || !(o->of->kind & CASE_IN_ORDER))) return true;
    add_access(footprint, o->of, sends ? WAY_ROOM : WAY_HAS,
               sends ? number - (int64_t)o->of->capacity : number);
    return true;
}

/* The same with the cases that it then finds not ready. */
static bool foresee(struct footprint *footprint, const struct other *o, size_t a, size_t count) {
    const struct access *other;
    if (o->of && !add_case(footprint, o, a, count)) return false;
    for (int n = 0; (other = case_of(o->x, o->task, n)); n++) {
        if (other->kind & CASE_MORE || (!o->of && other->kind & CASE_SOON)) return false;
        if (o->of && (!(other->kind & CASE_IN_ORDER) || other->index >= o->of->index)) continue;
        if (tally_all(other->object, a, count).unknown) return false;
        add_access(footprint, other, other->capacity ? WAY_REFUSED : WAY_MEET,
                   other->way == WAY_CASE_SEND);
    }
    return true;
}

/* Puts the sequence, and what the select could do then, into the tree of node a. */
static void insert_other(const struct other *o, size_t a, size_t count) {
    struct footprint footprint;
    struct goal goal = {label_of(o), NULL, &footprint};
    footprint_clear(&footprint);
    if (!foresee(&footprint, o, a, count)) {
        footprint_clear(&footprint);
        footprint_widen(&footprint, &dpor->nodes[o->x].footprint);
    }
    race_insert(&dpor->nodes[a], count, &goal);
}

/* Whether a step that the last run has not had does something to the object. */
static bool is_news(uint64_t object) {
    for (size_t k = race_fresh(); k < dpor->next; k++)
        if (dependence_touches(&dpor->nodes[k].footprint, object, WAY_ANY)) return true;
    return false;
}

bool case_has_news(size_t step, uint64_t task) {
    const struct access *of;
    if (step >= race_fresh()) return true;
    for (int n = 0; (of = case_of(step, task, n)); n++)
        if (is_news(of->object)) return true;
    return false;
}

/* Whether step y keeps the select from that, or comes before or after it: it takes what that
 * needs, or makes a case ready that would come first. */
static bool is_in_its_way(size_t y, const struct other *o) {
    const struct footprint *footprint = &dpor->nodes[y].footprint;
    const struct access *other;
    if (o->of && dependence_touches(footprint, o->of->object, dependence_way_of_case(o->of)))
        return true;
    for (int n = 0; (other = case_of(o->x, o->task, n)); n++)
        if ((!o->of || (other->kind & CASE_IN_ORDER && other->index < o->of->index)) &&
            dependence_touches(footprint, other->object, other->capacity ? WAY_REFUSED : WAY_MEET))
            return true;
    return false;
}

bool case_opens(size_t k, size_t x, uint64_t task, size_t cases) {
    const struct footprint *footprint = &dpor->nodes[k].footprint;
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

/* Whether step k takes the place, or the value, that the case could have had. */
static bool is_rival(size_t k, const struct access *of) {
    const struct footprint *footprint = &dpor->nodes[k].footprint;
    for (int i = 0; i < footprint->count; i++)
        if (footprint->accesses[i].object == of->object &&
            footprint->accesses[i].way == dependence_way_of_case(of))
            return true;
    return false;
}

/* Leaves out the steps of a sequence that make ready what would come first, those from step
 * `rivals` on that take what the case needs, and what comes after these. */
static size_t leave_closed(size_t count, const struct other *o, size_t rivals) {
    size_t kept = 0, cases = o->of ? o->of->index : SIZE_MAX;
    race_choose(count);
    for (size_t i = 0; i < count; i++) {
        size_t k = race_order.sequence[i];
        bool out = false;
        for (size_t first = 0; first <= k && !out; first++)
            out = race_order.chosen[first] && race_before(first, k) &&
                  !race_leads_up(first, o->x) &&
                  (case_opens(first, o->x, o->task, cases) ||
                   (first >= rivals && is_rival(first, o->of)));
        if (!out) race_order.sequence[kept++] = (uint32_t)k;
    }
    return kept;
}

static bool is_possible(const struct other *o, size_t a, size_t count) {
    return o->of ? case_could_take(o->x, o->task, o->of, a, count)
                 : case_could_wait(o->x, o->task, a, count);
}

/* Without some of all steps that may come before node `end`. */
static void insert_closed(const struct other *o, size_t a, size_t end, size_t rivals, size_t all) {
    size_t count = leave_closed(race_collect(a, o->x, end), o, rivals);
    if (count < all && is_possible(o, a, count)) insert_other(o, a, count);
}

/* The places for that: before each step that is in its way, or instead of what the select did. */
static void find_places(const struct other *o) {
    bool news = case_has_news(o->x, o->task);
    struct label label = label_of(o);
    for (size_t y = 0; y < dpor->next; y++) {
        const struct node *node = &dpor->nodes[y];
        size_t at = y < o->x ? y : o->x, end = y < o->x ? o->x : y, all;
        if (y <= o->x && !news) continue;
        if (y < o->x && (node->forced || takes_part(node->label, o->task))) continue;
        if (y == o->x && same(node->label, label)) break;
        if (y > o->x && race_before(o->x, y)) continue;
        if (y != o->x && !is_in_its_way(y, o)) continue;
        if (y < o->x && !race_pending(o->x, y, o->task)) continue;
        all = race_collect(at, o->x, end);
        if (is_possible(o, at, all)) insert_other(o, at, all);
        if (o->of && !(o->of->kind & CASE_IN_ORDER)) continue;
        insert_closed(o, at, end, SIZE_MAX, all);
        for (size_t k = at; o->of && k < dpor->next; k++)
            if (is_rival(k, o->of)) insert_closed(o, at, end, k, all);
    }
}

void cases_instead(size_t b, struct label label) {
    struct node *node = &dpor->nodes[b];
    struct other o = {b, label.task, NULL};
    for (int n = 0; label.take && (o.of = case_of(b, label.task, n)); n++)
        if (same(label_of(&o), label)) {
            if (!is_asleep(dpor_search.path[b]->sleeping, label) && !same(node->label, label))
                insert_other(&o, b, 0);
            return;
        }
    race_insert_alone(node, label);
}

/* Whether a select has taken this case, and other steps race with all that it could have done in
 * it. Of one in order that is not known where it has found the channel closed: it may have had to
 * wait. */
static bool is_taken(const struct node *node, const struct access *of) {
    const struct footprint *footprint = &node->footprint;
    if (node->label.take != of->index + UINT64_C(1)) return false;
    if (!(of->kind & CASE_IN_ORDER) || of->way != WAY_CASE_SEND) return true;
    for (int i = 0; i < footprint->count; i++)
        if (footprint->accesses[i].object == of->object &&
            (footprint->accesses[i].way == WAY_SHUT || footprint->accesses[i].way == WAY_CLOSED))
            return false;
    return true;
}

/* What the task's select could have done in step x. */
static void find_others(size_t x, uint64_t task) {
    const struct node *node = &dpor->nodes[x];
    struct other o = {x, task, NULL};
    for (int n = 0; (o.of = case_of(x, task, n)); n++)
        if (!is_taken(node, o.of)) find_places(&o);
    if (case_of(x, task, 0) && case_of(x, task, 0)->kind & CASE_TIMED &&
        (node->label.take || node->label.other))
        find_places(&o);
}

void cases_find(void) {
    for (size_t x = 0; x < dpor->next; x++) {
        const struct node *node = &dpor->nodes[x];
        if (node->forced) continue;
        find_others(x, node->label.task);
        if (node->label.other) find_others(x, node->label.other);
    }
}
