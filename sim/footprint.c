/* footprint.c - which steps commute, by what they have accessed: see dependence.h. */
#include "sim/dependence.h"

#include <string.h>

#define BIT(way) (UINT64_C(1) << (way))
#define CONFLICT(way) BIT(WAY_##way)
static const uint64_t conflicts[WAYS] = {
#define X(name, with) (with) | CONFLICT(ANY),
    ACCESSES(X)
#undef X
};

_Static_assert(WAYS <= 64, "a set has a bit for each");

/* On one object. */
static bool ways_conflict(const struct access *a, const struct access *b) {
    if (!(conflicts[a->way] & BIT(b->way))) return false;
    if (a->way == WAY_ARM && b->way == WAY_ARM) return a->number == b->number;
    if (a->way == WAY_HAS || a->way == WAY_ROOM || b->way == WAY_HAS || b->way == WAY_ROOM)
        return a->way == WAY_ANY || b->way == WAY_ANY || a->number == b->number;
    if (a->way == WAY_ADD && b->way == WAY_DONE) return b->number < a->number;
    if (a->way == WAY_DONE && b->way == WAY_ADD) return false;
    return true;
}

bool dependence_conflict(const struct access *a, const struct access *b) {
    return a->object == b->object && ways_conflict(a, b);
}

/* Of two runs: what moves may be one object under two addresses. */
static bool may_conflict(const struct access *a, const struct access *b) {
    return (a->object == b->object || a->object & b->object & KEY_MOVES) && ways_conflict(a, b);
}

bool dependence_between(const struct footprint *a, const struct footprint *b) {
    if (a->everything || b->everything) return true;
    for (int i = 0; i < a->count; i++)
        for (int j = 0; j < b->count; j++)
            if (dependence_conflict(&a->accesses[i], &b->accesses[j])) return true;
    return false;
}

bool dependence_apart(const struct footprint *a, const struct footprint *b) {
    if (a->everything || b->everything) return false;
    for (int i = 0; i < a->count; i++)
        for (int j = 0; j < b->count; j++) {
            const struct access *one = &a->accesses[i], *other = &b->accesses[j];
            /* Neither needs the other. */
            bool counts = one->way == WAY_ADD && other->way == WAY_DONE;
            if (!counts && may_conflict(one, other)) return false;
        }
    return true;
}

/* Some are possible only because of what came before. */
static bool possible_before(const struct access *a, const struct access *b) {
    if (a->way == WAY_BUSY || a->way == WAY_RBUSY) return b->way != WAY_LOCK && b->way != WAY_TRIED;
    if (a->way == WAY_REFUSED) return b->way != (a->number ? WAY_SEND : WAY_RECV);
    if (a->way == WAY_RELEASE && b->way == WAY_ACQUIRE) return b->number >= a->number;
    return true;
}

/* A send that has found the channel closed might have found room in its buffer before. */
static bool may_exclude(const struct access *a, const struct access *b) {
    bool shuts_out = a->way == WAY_CLOSE && b->way == WAY_CLOSED && a->object == b->object;
    return shuts_out || dependence_conflict(a, b);
}

bool dependence_reversible(const struct footprint *a, const struct footprint *b) {
    if (a->everything || b->everything) return true;
    for (int i = 0; i < a->count; i++)
        for (int j = 0; j < b->count; j++)
            if (may_exclude(&a->accesses[i], &b->accesses[j]) &&
                possible_before(&a->accesses[i], &b->accesses[j]))
                return true;
    return false;
}

bool dependence_touches(const struct footprint *footprint, uint64_t object, enum way way) {
    const uint64_t offers =
        CONFLICT(OFFER_SEND) | CONFLICT(OFFER_RECV) | CONFLICT(CASE_SEND) | CONFLICT(CASE_RECV);
    if (footprint->everything) return true;
    for (int i = 0; i < footprint->count; i++)
        if (footprint->accesses[i].object == object &&
            (conflicts[way] & ~offers & BIT(footprint->accesses[i].way)))
            return true;
    return false;
}

void footprint_add(struct footprint *to, struct access access) {
    if (to->count == MOST_ACCESSES)
        to->everything = true;
    else
        to->accesses[to->count++] = access;
}

void footprint_copy(struct footprint *to, const struct footprint *from) {
    memcpy(to, from, offsetof(struct footprint, accesses) + from->count * sizeof *from->accesses);
}

bool dependence_steady(const struct footprint *footprint) {
    const uint64_t unsteady = CONFLICT(TRIED) | CONFLICT(BUSY) | CONFLICT(RTRIED) |
                              CONFLICT(RBUSY) | CONFLICT(SHUT) | CONFLICT(CLOSED) |
                              CONFLICT(NO_RECV) | CONFLICT(REFUSED) | CONFLICT(HAS) |
                              CONFLICT(ROOM) | CONFLICT(CLOCK) | CONFLICT(ARM) | CONFLICT(FIRE);
    for (int i = 0; i < footprint->count; i++)
        if (unsteady & BIT(footprint->accesses[i].way)) return false;
    return !footprint->everything && !footprint->disarms;
}

void footprint_widen(struct footprint *to, const struct footprint *from) {
    footprint_add(to, (struct access){.object = THING_CLOCK, .way = WAY_CLOCK});
    for (int i = 0; i < from->count; i++)
        footprint_add(to, (struct access){.object = from->accesses[i].object, .way = WAY_ANY});
    to->everything |= from->everything;
}

/* An `add` is one that no `done` needs, which would be misuse. */
const uint64_t ways_ahead[OP_COUNT] = {
    [OP_LEN] = CONFLICT(LOOK),        [OP_ERR] = CONFLICT(LOOK),
    [OP_RLOCK] = CONFLICT(RLOCK),     [OP_TRYRLOCK] = CONFLICT(RTRIED) | CONFLICT(RBUSY),
    [OP_RUNLOCK] = CONFLICT(RUNLOCK), [OP_ADD] = CONFLICT(DONE),
    [OP_DONE] = CONFLICT(DONE),       [OP_LOAD] = CONFLICT(READ),
};

/* Those that a step of this way may make possible. */
static uint64_t makes_possible(enum way way) {
    return way == WAY_UNLOCK || way == WAY_RUNLOCK
               ? CONFLICT(LOCK) | CONFLICT(RLOCK) | CONFLICT(RTRIED) | CONFLICT(RBUSY)
               : 0;
}

/* Whether one of these is to come before or after one of those. */
static bool any_against(uint64_t these, uint64_t those) {
    for (; these; these &= these - 1) {
        enum way way = (enum way)__builtin_ctzll(these);
        if ((conflicts[way] | makes_possible(way)) & those) return true;
    }
    return false;
}

bool ways_commute(uint64_t a, uint64_t b) { return !any_against(a, b) && !any_against(b, a); }
