/*
 * dpor_races.c - which steps of a run could have come in the other order, and what to try because
 * of that: see strategy_dpor.c.
 */
#include <string.h>

#include "sim/dpor_races.h"

/* Whether a step accesses the clock in such a way. */
static bool uses_clock(const struct footprint *footprint, enum way way) {
    for (int i = 0; i < footprint->count; i++)
        if (footprint->accesses[i].object == THING_CLOCK && footprint->accesses[i].way == way)
            return true;
    return false;
}

/* ---- Races --------------------------------------------------------------------------------- */

bool race_pending(size_t b, size_t a, uint64_t task) {
    for (size_t m = 2 * b; m <= 2 * b + 1; m++) {
        const struct race_member *member = &race_order.members[m];
        if (race_order.tasks[member->task] != task) continue;
        return !member->previous || (member->previous - 1 < a) ||
               !race_before(a, member->previous - 1);
    }
    return true;
}

bool race_leads_up(size_t k, size_t b) {
    for (size_t m = 2 * b; m <= 2 * b + 1; m++)
        if (race_order.members[m].previous > k &&
            race_before(k, race_order.members[m].previous - 1))
            return true;
    return false;
}

size_t race_collect(size_t a, size_t b, size_t c) {
    size_t count = 0;
    for (size_t k = a; k < dpor->next; k++) {
        const struct node *node = &dpor->nodes[k];
        if ((node->forced && node->label.task != CLOCK) || node->arrives) continue;
        if (race_before(a, k) || (b <= k && race_before(b, k)) || (c <= k && race_before(c, k)))
            continue;
        race_order.sequence[count++] = (uint32_t)k;
    }
    return count;
}

void race_choose(size_t count) {
    memset(race_order.chosen, 0, dpor->next * sizeof *race_order.chosen);
    for (size_t i = 0; i < count; i++) race_order.chosen[race_order.sequence[i]] = true;
}

/* Whether step a, or what it comes before, has started or woken the task of step b. */
static bool lets_begin(size_t a, size_t b) {
    for (size_t k = a; k < b; k++)
        if (race_before(a, k) && (race_wakes(k, b) || race_edge_between(k, b))) return true;
    return false;
}

/* Whether there is a timer after the steps before a and those of the sequence. */
static bool has_timer(size_t a, size_t count) {
    if (is_candidate(&dpor->nodes[a], (struct label){CLOCK, 0, 0})) return true;
    for (size_t i = 0; i < count; i++)
        if (uses_clock(&dpor->nodes[race_order.sequence[i]].footprint, WAY_ARM)) return true;
    return false;
}

/* Step b could come before a. */
static void reverse(size_t a, size_t b) {
    struct node *node = &dpor->nodes[a];
    const struct footprint *footprint = &dpor->nodes[b].footprint;
    struct footprint wide;
    struct label label = dpor->nodes[b].label;
    struct goal goal = {label, &dpor->nodes[b], footprint};
    const struct access *of = NULL;
    size_t count;
    if (node->forced || (dpor->nodes[b].forced && label.task != CLOCK)) return;
    if (dpor->nodes[b].local && lets_begin(a, b)) return;
    count = race_collect(a, b, b);
    if (node->local && label.task == CLOCK && !has_timer(a, count)) return;
    /* A select might do something else then. */
    if (!label.other && case_of(b, label.task, 0)) {
        for (int n = 0; label.take && (of = case_of(b, label.task, n)); n++)
            if (of->index + UINT64_C(1) == label.take) break;
        if (of && !case_could_take(b, label.task, of, a, count)) return;
        if (!label.take && !case_could_fail(b, label.task, a, count)) return;
    }
    if (!dependence_steady(footprint)) {
        footprint_clear(&wide);
        footprint_widen(&wide, footprint);
        goal.footprint = &wide;
    }
    race_insert(node, count, &goal);
}

/* A task that has met another in step b could have gone alone before a. */
static void part(size_t a, size_t b, uint64_t task) {
    struct footprint wide;
    struct goal goal = {{task, 0, 0}, NULL, &wide};
    size_t count;
    if (dpor->nodes[a].forced || takes_part(dpor->nodes[a].label, task)) return;
    if (!race_pending(b, a, task)) return;
    count = race_collect(a, b, b);
    footprint_clear(&wide);
    footprint_widen(&wide, &dpor->nodes[b].footprint);
    if (!case_of(b, task, 0) || case_could_fail(b, task, a, count))
        race_insert(&dpor->nodes[a], count, &goal);
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
    const struct footprint *footprint = &dpor->nodes[k].footprint;
    if (case_of(step, task, 0))
        return (e->strict && case_opens(k, step, task, SIZE_MAX)) ||
               dependence_touches(footprint, e->object, WAY_MEET);
    return k < step && dependence_between(footprint, &dpor->nodes[step].footprint);
}

/* Whether step k, which comes before x or y, may keep their tasks from meeting. */
static bool hinders(size_t k, const struct encounter *e) {
    if (race_leads_up(k, e->x) || race_leads_up(k, e->y)) return false;
    return hinders_one(k, e, e->x, e->one) || hinders_one(k, e, e->y, e->other);
}

/* Leaves out the steps of a sequence which may keep two from meeting, and what comes after
 * those. */
static size_t leave_out(size_t count, const struct encounter *e) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        size_t k = race_order.sequence[i];
        bool out = false;
        for (size_t first = 0; first <= k && !out; first++)
            out = race_order.chosen[first] && race_before(first, k) && hinders(first, e);
        if (!out) race_order.sequence[kept++] = (uint32_t)k;
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
    const struct footprint *from = &dpor->nodes[step].footprint;
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
    const struct footprint *footprint = &dpor->nodes[a].footprint;
    return a < e->x && a < e->y && !dependence_between(footprint, &dpor->nodes[e->x].footprint) &&
           !dependence_between(footprint, &dpor->nodes[e->y].footprint) &&
           !dependence_between(footprint, meets) &&
           !(e->strict &&
             (case_opens(a, e->x, e->one, SIZE_MAX) || case_opens(a, e->y, e->other, SIZE_MAX)));
}

/* Whether a select has no case ready before those at the channel, which it would take first. */
static bool nothing_before(size_t step, uint64_t task, uint64_t object, size_t a, size_t count) {
    const struct access *of;
    for (int n = 0; (of = case_of(step, task, n)) && of->object != object; n++)
        if (of->kind & CASE_IN_ORDER && case_ready(of, a, count) == SURELY) return false;
    return true;
}

/* Whether they could after the steps before a and those of the sequence: one waits, and the other
 * finds it. */
static bool could_meet_after(size_t a, size_t count, const struct encounter *e) {
    bool waits = !(e->kind & CASE_TIMED) && case_could_wait(e->x, e->one, a, count);
    bool other_waits = !(e->other_kind & CASE_TIMED) && case_could_wait(e->y, e->other, a, count);
    return (waits && nothing_before(e->y, e->other, e->object, a, count)) ||
           (other_waits && nothing_before(e->x, e->one, e->object, a, count));
}

/* A task that stood at a channel in step x could have met one that did in y. */
static void meet(const struct encounter *e) {
    struct footprint footprint, meets;
    struct goal goal = {meeting(e->one, e->other), NULL, &footprint};
    footprint_clear(&meets);
    footprint_add(&meets, (struct access){.object = e->object, .way = WAY_MEET});
    footprint_clear(&footprint);
    if (!add_meeting(&footprint, e)) {
        footprint_clear(&footprint);
        footprint_widen(&footprint, &dpor->nodes[e->x].footprint);
        footprint_widen(&footprint, &dpor->nodes[e->y].footprint);
    }
    for (size_t a = (e->x < e->y ? e->x : e->y) + 1; a-- > 0;) {
        struct node *node = &dpor->nodes[a];
        size_t count, without;
        /* What neither of them looks at keeps nobody from meeting. */
        if (node->forced || is_aside(a, e, &meets)) continue;
        if (!race_pending(e->x, a, e->one) || !race_pending(e->y, a, e->other)) continue;
        if (same(node->label, goal.label)) continue;
        count = race_collect(a, e->x, e->y);
        race_choose(count);
        without = leave_out(count, e);
        /* With all first: that is known to be possible, unless one of them must wait. */
        count = race_collect(a, e->x, e->y);
        if (could_meet_after(a, count, e)) race_insert(node, count, &goal);
        if (without < count && (e->strict || is_candidate(node, goal.label))) {
            count = leave_out(race_collect(a, e->x, e->y), e);
            if (could_meet_after(a, count, e)) race_insert(node, count, &goal);
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
    if (b >= race_fresh() || (e.strict && (case_has_news(a, e.one) || case_has_news(b, e.other))))
        meet(&e);
}

/* Everybody who could have met somebody in step b. */
static void find_meetings(size_t b) {
    const struct footprint *late = &dpor->nodes[b].footprint;
    for (int i = 0; i < late->count && !dpor->nodes[b].forced; i++) {
        const struct access *one = &late->accesses[i];
        if (one->way != WAY_OFFER_SEND && one->way != WAY_OFFER_RECV) continue;
        for (size_t a = b; a-- > 0;) {
            const struct footprint *early = &dpor->nodes[a].footprint;
            for (int k = 0; k < early->count && !dpor->nodes[a].forced; k++) {
                const struct access *other = &early->accesses[k];
                bool opposite =
                    other->way == (one->way == WAY_OFFER_SEND ? WAY_OFFER_RECV : WAY_OFFER_SEND);
                if (opposite && other->object == one->object && other->number != one->number)
                    encounter(a, other, b, one);
            }
        }
    }
}

/* Whether a step that the run before has had too might do something else in another place, because
 * of what this run alone has had after it. */
static bool has_news(size_t b) {
    const struct footprint *footprint = &dpor->nodes[b].footprint;
    struct footprint wide;
    if (dependence_steady(footprint)) return false;
    footprint_clear(&wide);
    footprint_widen(&wide, footprint);
    for (size_t k = race_fresh(); k < dpor->next; k++)
        if (dependence_between(&wide, &dpor->nodes[k].footprint)) return true;
    return false;
}

static void find_races(size_t final) {
    for (size_t b = 0; b < dpor->next; b++) {
        const struct node *node = &dpor->nodes[b];
        if (b < race_fresh() && !has_news(b)) {
            find_meetings(b);
            continue;
        }
        if (node->forced && node->label.task != CLOCK) continue;
        if (node->footprint.disarms)
            race_insert_alone(&dpor->nodes[b], (struct label){CLOCK, 0, 0});
        for (size_t a = b < final ? b : final; a-- > 0;) {
            if (!race_may_conflict(a, b) ||
                !dependence_reversible(&dpor->nodes[a].footprint, &node->footprint))
                continue;
            if (node->label.other && !node->forced) {
                part(a, b, node->label.task);
                part(a, b, node->label.other);
            }
            if (overlap(dpor->nodes[a].label, node->label)) continue;
            if (!race_pending(b, a, node->label.task)) continue;
            if (node->label.other && !race_pending(b, a, node->label.other)) continue;
            reverse(a, b);
        }
        find_meetings(b);
        /* Whoever took part could have met somebody else, or gone alone. */
        for (uint32_t i = 0; i < node->candidate_count && !node->forced; i++)
            if (overlap(*candidate(node, i), node->label)) cases_instead(b, *candidate(node, i));
    }
    cases_find();
}

/* ---- A run that is over -------------------------------------------------------------------- */

/* A run that has been ended by a step: whatever else could have been done would have come
 * before. */
static void end_early(const struct log *log) {
    struct node *last = &dpor->nodes[dpor->next - 1];
    if (log->outcome == PIRN_OK || log->outcome == PIRN_LEAK || log->outcome == PIRN_DEADLOCK)
        return;
    last->footprint.everything = true;
    if (last->forced) return;
    for (uint32_t i = 0; i < last->candidate_count; i++)
        race_insert_alone(last, *candidate(last, i));
}

/* Who waits where that is not the end is seen by those who come. */
static size_t find_end(void) {
    size_t final = dpor->next;
    while (final && dpor->nodes[final - 1].arrives) final--;
    for (size_t i = 0; i < final; i++) {
        struct footprint *footprint = &dpor->nodes[i].footprint;
        if (!dpor->nodes[i].arrives) continue;
        for (int k = 0, count = footprint->count; k < count; k++) {
            struct access *access = &footprint->accesses[k];
            if (dependence_way_of_case(access) != WAY_ANY)
                footprint_add(footprint, (struct access){.object = access->object, .way = WAY_ANY});
            else if (access->way != WAY_OFFER_SEND && access->way != WAY_OFFER_RECV)
                access->way = WAY_ANY;
        }
    }
    return final;
}

/* A timer could have fired that nobody has waited for. */
static void fire_at_end(size_t final) {
    const struct label clock = {CLOCK, 0, 0};
    while (final-- > 0) {
        if (!is_candidate(&dpor->nodes[final], clock)) continue;
        race_insert_alone(&dpor->nodes[final], clock);
        return;
    }
}

void races_find(const struct log *log) {
    size_t final = find_end();
    if (!race_make_room()) {
        dpor->gaps = true;
        return;
    }
    if (log->armed && !dpor->cut) fire_at_end(final);
    if (dpor->next && !dpor->cut) end_early(log);
    if (dpor->next && dpor->nodes[dpor->next - 1].impossible)
        race_insert_all(&dpor->nodes[dpor->next - 1]);
    if (!race_make_order(log, final))
        dpor->gaps = true;
    else
        find_races(final);
}

bool races_need_late(void) {
    bool looks = false, timed = false;
    for (size_t i = 0; i < dpor->next; i++) {
        const struct node *node = &dpor->nodes[i];
        looks |= (node->local || node->label.other) && uses_clock(&node->footprint, WAY_CLOCK);
        timed |= uses_clock(&node->footprint, WAY_ARM) || uses_clock(&node->footprint, WAY_FIRE);
    }
    return looks && timed;
}
