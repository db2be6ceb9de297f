/*
 * guide.h - a strategy that follows wishes as far as they can be met.
 *
 * A schedule of literal choices means nothing once a part of it is taken out. A plan does: it is a
 * list of wishes, each of which lets one task go on until it has done so many steps in all, and
 * what each task was given where it left something to chance. A wish that cannot be met is passed
 * over. When the plan has come to its end, or has nothing to say, whoever runs goes on until it has
 * to wait, and what is drawn is 0.
 */
#ifndef SIM_GUIDE_H
#define SIM_GUIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/log.h"
#include "sim/strategy.h"

struct wish {
    uint64_t identity; /* of a task; 0: the next timer shall fire */
    uint32_t until;    /* it has done so many steps */
    bool preempted;    /* it could have gone on then; only told, not asked for */
};

enum { UNTIL_IT_WAITS = UINT32_MAX };

/* What a task is given when it draws for the n-th time, from 0; not 0 itself. */
struct draw {
    uint64_t identity, nth, value;
};

struct plan {
    struct wish *wishes;
    struct draw *draws; /* by identity, then by number */
    size_t wish_count, wish_room, draw_count, draw_room;
};

/* Adds at the end. Returns false when memory is short. */
bool plan_wish(struct plan *plan, struct wish wish);
bool plan_draw(struct plan *plan, struct draw draw);

/* Puts the draws into their order. */
void plan_sort(struct plan *plan);

/* Makes `to` a copy; what it held is overwritten. Returns false when memory is short. */
bool plan_copy(struct plan *to, const struct plan *from);
void plan_clear(struct plan *plan);
void plan_free(struct plan *plan);

/* What a run under a guide has drawn, and when timers were chosen to fire: in memory that is shared
 * with the process of the run. */
struct note {
    uint32_t step; /* so many steps had begun */
    bool timer;    /* else a value was drawn */
    struct draw draw;
};

struct notes {
    size_t count, room, size;
    struct note entries[];
};

/* Makes room for the notes of a run with that log; NULL: memory is short. */
struct notes *notes_new(const struct log *log);
void notes_free(struct notes *notes);

/* Makes the plan that leads to the run in the log again. Returns false when memory is short. */
bool plan_derive(struct plan *plan, const struct log *log, const struct notes *notes);

/* What plan_derive does step by step, for who has put the steps into another order: adds a step of
 * a task, which then has done `done`, to the task's wish at the end or to a new one. */
bool plan_step(struct plan *plan, uint64_t identity, uint32_t done, const struct log_event *event);

/*
 * The strategy that follows a plan; with a schedule of literal choices the one that follows these
 * and notes what they draw. What the plan points at and the choices stay the caller's and must
 * outlive the run.
 */
struct strategy *strategy_guided(const struct plan *plan, struct notes *notes);
struct strategy *strategy_noting(const uint64_t *choices, size_t count, struct notes *notes);

/* The strategy that follows literal choices for so many steps, and goes on at random. */
struct strategy *strategy_departing(const uint64_t *choices, size_t count, uint64_t steps);

#endif
