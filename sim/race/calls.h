/*
 * calls.h - the calls that a task is in, as instrumented functions tell of them: the way through that
 * most take.
 */
#ifndef SIM_RACE_CALLS_H
#define SIM_RACE_CALLS_H

#include "sim/race/race.h"

struct call {
    const void *site;
    const void *frame; /* of the function called: further calls have lower ones */
    uint32_t node;     /* 0: not known yet */
};

struct calls {
    uint32_t run; /* number of it; else they are none */
    unsigned depth, room;
    struct call *calls;
};

/* Those of the task that has called last. A task that begins may be where another one was. */
extern HIDDEN struct calls_now {
    const struct task *task; /* NULL: nobody's */
    struct calls *calls;
} calls_now;

/* Those of a task. */
struct calls *calls_turn(struct task *self);

static inline struct calls *calls_of(struct task *self) {
    return LIKELY(self == calls_now.task) ? calls_now.calls : calls_turn(self);
}

void calls_enter(struct task *self, const void *site, const void *frame);

/* The same where it is nothing but one call more; else returns false. */
static inline bool calls_entered(struct task *self, const void *site, const void *frame) {
    struct calls *calls = calls_now.calls;
    unsigned depth;
    if (UNLIKELY(self != calls_now.task)) return false;
    depth = calls->depth;
    if (UNLIKELY(depth - 1 >= calls->room - 1 || calls->calls[depth - 1].frame <= frame))
        return false;
    calls->calls[depth] = (struct call){site, frame, 0};
    calls->depth = depth + 1;
    return true;
}

static inline void calls_leave(struct task *self) {
    struct calls *calls = calls_of(self);
    if (LIKELY(calls->depth)) calls->depth--;
}

#endif
