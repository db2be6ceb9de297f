/*
 * shrink.c - see shrink.h.
 *
 * First independent steps are exchanged, so that each task goes on as long as it can (reorder.h).
 * Then preemptions are taken out: A. Zeller, R. Hildebrandt: Simplifying and isolating
 * failure-inducing input, IEEE Transactions on Software Engineering 2002 (the algorithm ddmin),
 * over the list of preemptions; and at the end each of those that are left by itself, in three
 * ways, and together with any one other wish. Then wishes and draws are taken out of the plan in the same manner, which makes the run
 * shorter. All of that is repeated until nothing more can be taken out.
 *
 * Every plan is tried by a run, and counts only if that fails in the same way (the same findings,
 * on the same objects, from the same call sites) and is smaller. The plan of that run, which may
 * be another than the one that was tried, is the next to be made smaller.
 */
#include "sim/shrink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/explore.h"
#include "sim/guide.h"
#include "sim/reorder.h"

/* What makes one run smaller than another: the first that differs. */
enum { PREEMPTIONS, STEPS, TASKS, SWITCHES, DRAWS, SIZES };

struct work {
    struct exploration *e;
    struct shrink *shrink;
    struct notes *notes;
    struct plan best, next; /* the smallest so far; the one to be tried */
    uint64_t size[SIZES];
    uint64_t key; /* of the failure */
    int64_t end;  /* when time is over; 0: never */
    bool better;  /* the plan tried last was */
    bool spent;   /* no more runs, or no more time */
    bool over;    /* somebody has asked for an end, so it is spent, too */
    uint64_t *tried;
    size_t tried_room, tried_count;
};

static int no_memory(struct work *w) {
    snprintf(w->e->message, sizeof w->e->message, "not enough memory to shrink the run");
    return -ENOMEM;
}

/* ---- Plans that have been tried ------------------------------------------------------------ */

static uint64_t hash_plan(const struct plan *plan) {
    uint64_t hash = plan->wish_count;
    for (size_t i = 0; i < plan->wish_count; i++)
        hash = mix(hash, mix(plan->wishes[i].identity, plan->wishes[i].until));
    for (size_t i = 0; i < plan->draw_count; i++) {
        const struct draw *draw = &plan->draws[i];
        hash = mix(hash, mix(mix(draw->identity, draw->nth), draw->value));
    }
    return hash | 1;
}

static uint64_t *slot(uint64_t *set, size_t room, uint64_t hash) {
    size_t at = (hash >> 1) & (room - 1);
    while (set[at] && set[at] != hash) at = (at + 1) & (room - 1);
    return &set[at];
}

/* Whether the plan is new. Without memory it is. */
static bool is_new(struct work *w, const struct plan *plan) {
    uint64_t hash = hash_plan(plan), *place;
    if (2 * (w->tried_count + 1) > w->tried_room) {
        size_t more = w->tried_room ? 2 * w->tried_room : 1024;
        uint64_t *larger = calloc(more, sizeof *larger);
        if (!larger) return true;
        for (size_t i = 0; i < w->tried_room; i++)
            if (w->tried[i]) *slot(larger, more, w->tried[i]) = w->tried[i];
        free(w->tried);
        w->tried = larger;
        w->tried_room = more;
    }
    place = slot(w->tried, w->tried_room, hash);
    if (*place) return false;
    *place = hash;
    w->tried_count++;
    return true;
}

/* ---- One run ------------------------------------------------------------------------------- */

static void measure(const struct work *w, uint64_t size[SIZES]) {
    const struct log *log = w->e->log;
    size[PREEMPTIONS] = log->preemptions;
    size[STEPS] = log->steps;
    size[TASKS] = log->tasks;
    size[SWITCHES] = log->switches;
    size[DRAWS] = 0;
    for (size_t i = 0; i < w->notes->count; i++)
        size[DRAWS] += !w->notes->entries[i].timer && w->notes->entries[i].draw.value;
}

static bool smaller(const uint64_t *a, const uint64_t *b) {
    for (int i = 0; i < SIZES; i++)
        if (a[i] != b[i]) return a[i] < b[i];
    return false;
}

static bool same_failure(const struct work *w) {
    const struct log *log = w->e->log;
    return log->outcome != PIRN_OK && log->outcome != PIRN_DIVERGED && explore_kind(w->e) == w->key;
}

/* The run in the log is the smallest so far; `next` has room for its plan from here on. */
static int keep(struct work *w) {
    char *text = explore_schedule(w->e->log);
    if (!text || !plan_derive(&w->best, w->e->log, w->notes) || !plan_copy(&w->next, &w->best)) {
        free(text);
        return no_memory(w);
    }
    free(w->shrink->schedule_text);
    w->shrink->schedule_text = text;
    measure(w, w->size);
    return 0;
}

/* What is to be tried is the smallest so far, but for what is then taken out of it. */
static void start_over(struct work *w) { (void)plan_copy(&w->next, &w->best); }

/* Performs a run. When an end is asked for there is none, and nothing more is tried. */
static int perform(struct work *w, struct strategy *strategy) {
    int rc = explore_once(w->e, strategy, w->e->seed);
    if (rc != -ECANCELED) return rc;
    w->over = w->spent = true;
    return 0;
}

/* Performs the plan in `next`, and keeps what comes of it if that is smaller. */
static int try(struct work *w) {
    uint64_t size[SIZES];
    int rc;
    w->better = false;
    if (!w->spent && ((w->shrink->runs && w->shrink->tried >= w->shrink->runs) ||
                      (w->end && explore_clock() >= w->end)))
        w->spent = true;
    if (w->spent || !is_new(w, &w->next)) return 0;
    w->shrink->tried++;
    if ((rc = perform(w, strategy_guided(&w->next, w->notes)))) return rc;
    if (w->over || !same_failure(w)) return 0;
    measure(w, size);
    if (!smaller(size, w->size)) return 0;
    w->better = true;
    return keep(w);
}

/* ---- Other orders -------------------------------------------------------------------------- */

/* The log has to be that of the smallest run, which it need not be any more. */
static int perform_best(struct work *w) {
    start_over(w);
    w->shrink->tried++;
    return perform(w, strategy_guided(&w->next, w->notes));
}

static int exchange(struct work *w) {
    for (int how = 0; how < 4 && !w->spent; how++) {
        int rc = perform_best(w);
        if (rc || w->over) return rc;
        if (!same_failure(w)) continue; /* it depends on more than its schedule */
        if (!reorder(w->e->log, w->notes, how & 1 ? REORDER_LATEST : REORDER_EARLIEST, how & 2,
                     &w->next))
            return no_memory(w);
        if ((rc = try(w))) return rc;
    }
    return 0;
}

/* ---- Fewer preemptions --------------------------------------------------------------------- */

static size_t count_preemptions(const struct plan *plan) {
    size_t count = 0;
    for (size_t i = 0; i < plan->wish_count; i++) count += plan->wishes[i].preempted;
    return count;
}

/* Without the preemptions first..end-1, in the order of the plan: there the task goes on until it
 * has to wait. */
static int without_preemptions(struct work *w, size_t first, size_t end) {
    size_t count = 0;
    start_over(w);
    for (size_t i = 0; i < w->next.wish_count; i++) {
        struct wish *wish = &w->next.wishes[i];
        if (!wish->preempted) continue;
        if (count >= first && count < end) wish->until = UNTIL_IT_WAITS;
        count++;
    }
    return try(w);
}

/* The next wish of the same task; the count of wishes: there is none. */
static size_t next_of_task(const struct plan *plan, size_t at) {
    size_t i = at + 1;
    while (i < plan->wish_count && plan->wishes[i].identity != plan->wishes[at].identity) i++;
    return i;
}

static void take_out(struct plan *plan, size_t first, size_t end) {
    memmove(plan->wishes + first, plan->wishes + end,
            (plan->wish_count - end) * sizeof *plan->wishes);
    plan->wish_count -= end - first;
}

/* The task goes on to where the plan lets it come next, or comes to all of it only there. */
static int without_one(struct work *w, size_t at) {
    size_t later = next_of_task(&w->best, at);
    int rc;
    start_over(w);
    if (later < w->next.wish_count) {
        w->next.wishes[at].until = w->next.wishes[later].until;
        if ((rc = try(w)) || w->better) return rc;
        start_over(w);
    }
    take_out(&w->next, at, at + 1);
    return try(w);
}

/* Takes out parts of a list, larger ones first, by `take(w, first, end)`, which numbers what is
 * there now; `count` says how much that is. */
static int minimise(struct work *w, size_t (*count)(const struct plan *),
                    int (*take)(struct work *, size_t first, size_t end)) {
    size_t parts = 1;
    for (;;) {
        size_t all = count(&w->best), part;
        if (!all || w->spent) return 0;
        if (parts > all) parts = all;
        for (part = 0; part < parts; part++) {
            int rc = take(w, all * part / parts, all * (part + 1) / parts);
            if (rc) return rc;
            if (w->better || w->spent) break;
        }
        if (w->better)
            parts = parts > 2 ? parts - 1 : 2;
        else if (parts == all)
            return 0;
        else
            parts = 2 * parts < all ? 2 * parts : all;
    }
}

/* From the end, so that what has been looked at stays as it is. */
static int fewer_preemptions(struct work *w) {
    int rc = minimise(w, count_preemptions, without_preemptions);
    for (size_t i = w->best.wish_count; i-- > 0 && !rc && !w->spent;) {
        if (i >= w->best.wish_count || !w->best.wishes[i].preempted) continue;
        if ((rc = without_one(w, i)) || !w->better) continue;
        rc = minimise(w, count_preemptions, without_preemptions);
        i = w->best.wish_count;
    }
    return rc;
}

/* Without the preemption at `i` and the wish at `j`: those come when nothing is left to wish. */
static void leave_to_the_end(struct plan *plan, size_t i, size_t j) {
    size_t low = i < j ? i : j, high = i < j ? j : i;
    take_out(plan, high, high + 1);
    take_out(plan, low, low + 1);
}

/* Without the preemption at `i`: what comes later, at `j`, comes first and makes the task wait. */
static void bring_forward(struct plan *plan, size_t i, size_t j) {
    struct wish wish = plan->wishes[j];
    memmove(plan->wishes + i + 1, plan->wishes + i, (j - i) * sizeof *plan->wishes);
    plan->wishes[i] = wish;
    plan->wishes[i + 1].until = UNTIL_IT_WAITS;
}

/* What stands in the way of taking a preemption out may be one other wish, which comes too early
 * or too late. */
static int without_pair(struct work *w, size_t i, size_t j) {
    int rc;
    start_over(w);
    leave_to_the_end(&w->next, i, j);
    if ((rc = try(w)) || w->better || j < i) return rc;
    start_over(w);
    bring_forward(&w->next, i, j);
    return try(w);
}

static int fewer_by_pairs(struct work *w) {
    for (size_t i = w->best.wish_count; i-- > 0 && !w->spent;) {
        if (i >= w->best.wish_count || !w->best.wishes[i].preempted) continue;
        for (size_t j = w->best.wish_count; j-- > 0 && !w->spent;) {
            int rc = j == i ? 0 : without_pair(w, i, j);
            if (rc) return rc;
            if (j == i || !w->better) continue;
            if ((rc = fewer_preemptions(w))) return rc;
            i = w->best.wish_count;
            break;
        }
    }
    return 0;
}

/* ---- Less of the rest ---------------------------------------------------------------------- */

static size_t count_wishes(const struct plan *plan) { return plan->wish_count; }

static int without_wishes(struct work *w, size_t first, size_t end) {
    start_over(w);
    take_out(&w->next, first, end);
    return try(w);
}

static size_t count_draws(const struct plan *plan) { return plan->draw_count; }

static int without_draws(struct work *w, size_t first, size_t end) {
    struct plan *next = &w->next;
    start_over(w);
    memmove(next->draws + first, next->draws + end, (next->draw_count - end) * sizeof *next->draws);
    next->draw_count -= end - first;
    return try(w);
}

/* How far the task had come before the wish. */
static uint32_t done_before(const struct plan *plan, size_t at) {
    for (size_t i = at; i-- > 0;)
        if (plan->wishes[i].identity == plan->wishes[at].identity) return plan->wishes[i].until;
    return 0;
}

/* Lets each task come less far: half as far, or one step less. */
static int shorten(struct work *w) {
    for (size_t i = w->best.wish_count; i-- > 0 && !w->spent;) {
        for (int half = 1; half >= 0 && i < w->best.wish_count; half--) {
            const struct wish *wish = &w->best.wishes[i];
            uint32_t before = done_before(&w->best, i);
            int rc;
            if (!wish->identity || wish->until <= before + 1) break;
            start_over(w);
            w->next.wishes[i].until = half ? before + (wish->until - before) / 2 : wish->until - 1;
            if ((rc = try(w))) return rc;
            if (w->better) half = 2;
        }
    }
    return 0;
}

static int make_small(struct work *w) {
    uint64_t before[SIZES];
    int rc;
    do {
        memcpy(before, w->size, sizeof before);
        if ((rc = exchange(w)) || (rc = fewer_preemptions(w)) ||
            (rc = minimise(w, count_wishes, without_wishes)) || (rc = shorten(w)) ||
            (rc = minimise(w, count_draws, without_draws)) || (rc = fewer_by_pairs(w)))
            return rc;
    } while (!w->spent && memcmp(before, w->size, sizeof before) != 0);
    return 0;
}

/* ---- The whole ----------------------------------------------------------------------------- */

static struct control_size size_of(const struct log *log) {
    return (struct control_size){log->steps, log->tasks, log->switches, log->preemptions};
}

/* Repeats the run that is to be shrunk. */
static int first_run(struct work *w) {
    const struct schedule *schedule = w->shrink->schedule;
    struct exploration *e = w->e;
    struct log *log = e->log;
    int rc =
        explore_once(e, strategy_noting(schedule->choices, schedule->count, w->notes), e->seed);
    if (rc) return rc;
    explore_check(e, schedule);
    snprintf(e->message, sizeof e->message, "%s", log->message);
    if (log->outcome == PIRN_DIVERGED) return -ESTALE;
    if (log->outcome == PIRN_OK) {
        snprintf(e->message, sizeof e->message,
                 "the run does not fail, so there is nothing to shrink");
        return -ESRCH;
    }
    w->key = explore_kind(e);
    w->shrink->before = size_of(log);
    return keep(w);
}

/* Performs the smallest run from its schedule, as anybody will, and records it. */
static int last_run(struct work *w) {
    struct shrink *s = w->shrink;
    struct exploration *e = w->e;
    struct schedule schedule;
    bool changed;
    int rc = schedule_read(s->schedule_text, &schedule, e->message, sizeof e->message);
    if (rc) return rc;
    rc = explore_once(e, strategy_noting(schedule.choices, schedule.count, w->notes), e->seed);
    if (rc == -ECANCELED) {
        /* An end is asked for once, and what has been found is written all the same. */
        w->over = true;
        rc = explore_once(e, strategy_noting(schedule.choices, schedule.count, w->notes), e->seed);
    }
    if (rc) goto out;
    explore_check(e, &schedule);
    if (e->log->outcome == PIRN_DIVERGED) {
        snprintf(e->message, sizeof e->message, "%s", e->log->message);
        rc = -ESTALE;
        goto out;
    }
    s->after = size_of(e->log);
    changed = schedule.count != s->schedule->count ||
              memcmp(schedule.choices, s->schedule->choices,
                     schedule.count * sizeof *schedule.choices) != 0;
    rc = explore_take_in_shrunk(e, s, changed);
    if (rc == 0 && s->samples && !w->over) {
        s->certainty.samples = s->samples;
        rc = certainty_find(e, &schedule, e->log->outcome, &s->certainty);
        if (rc == -ECANCELED) {
            s->certainty.samples = 0;
            rc = 0;
        }
        if (rc == 0 && s->certainty.samples)
            rc = explore_record_certainty(e, s->run, &s->certainty);
    }
out:
    if (rc != 1) schedule_free(&schedule);
    return rc;
}

int shrink(struct exploration *e, struct shrink *s) {
    struct work w = {.e = e, .shrink = s};
    uint64_t max_steps = e->run.max_steps;
    struct log before;
    int rc;
    s->tried = 0;
    s->run = s->from;
    if (s->time_limit) w.end = explore_clock() + s->time_limit;
    if (!(w.notes = notes_new(e->log))) return no_memory(&w);
    log_take_points(&before, e->log);
    schedule_take_points(s->schedule, e->log);
    rc = first_run(&w);
    if (rc == 0) {
        /* What is much longer is not smaller. */
        if (e->log->outcome != PIRN_LIVELOCK && 4 * w.size[STEPS] + 1000 < max_steps)
            e->run.max_steps = 4 * w.size[STEPS] + 1000;
        rc = make_small(&w);
        s->minimal = !w.spent;
    }
    if (rc != 1) e->run.max_steps = max_steps;
    if (rc == 0) rc = last_run(&w);
    if (rc == 1) return 1; /* in the child the run still needs the plan */
    log_take_points(e->log, &before);
    plan_free(&w.best);
    plan_free(&w.next);
    free(w.tried);
    notes_free(w.notes);
    return rc;
}
