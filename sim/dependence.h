/*
 * dependence.h - which steps commute, and which operations would have to wait.
 *
 * A step's footprint is the list of its accesses: an object, and in which way. Steps of two tasks
 * are dependent when they access one object in ways that conflict; else they commute: in either
 * order both are possible, and the same comes of them. A way depends on the state in which the step
 * begins (a try that fails is another than one that succeeds), and steps that commute leave each
 * other's ways as they are. What makes another step possible at all (an unlock, a send for a receive)
 * need not conflict with it: the edges of the trace say that.
 *
 * tests/test_dependence.c makes each pair of operations in either order from the same state, and
 * tests/test_dpor.c compares what dpor makes of programs with what dfs does: a pair that is taken for
 * independent and is not shows there.
 */
#ifndef SIM_DEPENDENCE_H
#define SIM_DEPENDENCE_H

#include "sim/sim.h"

/*
 * Ways of access, and those with which each conflicts; every way conflicts with ANY.
 *
 * SEND, RECV are of buffers; two tasks MEET on a channel without one, or find nobody there. An OFFER
 * says which side of such a channel a task stands at, a CASE what a select could do as well,
 * whether or not it was possible: they conflict with ANY alone. READ and WRITE are there for
 * memory.
 */
#define ACCESSES(X)                                                                              \
    X(ANY, ~UINT64_C(0))                                                                         \
    X(READ, CONFLICT(WRITE))                                                                     \
    X(WRITE, CONFLICT(READ) | CONFLICT(WRITE))                                                   \
    X(SEND, CONFLICT(SEND) | CONFLICT(CLOSE) | CONFLICT(LOOK) | CONFLICT(HAS) |                  \
                CONFLICT(REFUSED) | CONFLICT(CLOSED))                                            \
    X(RECV,                                                                                      \
      CONFLICT(RECV) | CONFLICT(NO_RECV) | CONFLICT(LOOK) | CONFLICT(ROOM) | CONFLICT(REFUSED))  \
    X(MEET, CONFLICT(CLOSE))                                                                     \
    X(CLOSE,                                                                                     \
      CONFLICT(SEND) | CONFLICT(MEET) | CONFLICT(SHUT) | CONFLICT(CLOSE) | CONFLICT(REFUSED))    \
    X(CLOSED, CONFLICT(SEND))                /* else it would wait */                            \
    X(SHUT, CONFLICT(CLOSE))                 /* it is closed; else it would do something else */ \
    X(NO_RECV, CONFLICT(RECV))               /* it is closed, and empty */                       \
    X(LOOK, CONFLICT(SEND) | CONFLICT(RECV)) /* at its length */                                 \
    X(HAS, CONFLICT(SEND))                   /* a try that needs that send */                    \
    X(ROOM, CONFLICT(RECV))                  /* a try that needs that receive */                 \
    X(REFUSED, CONFLICT(SEND) | CONFLICT(RECV) | CONFLICT(CLOSE))                                \
    X(OFFER_SEND, 0)                                                                             \
    X(OFFER_RECV, 0)                                                                             \
    X(CASE_SEND, 0)                                                                              \
    X(CASE_RECV, 0)                                                                              \
    X(LOCK, CONFLICT(LOCK) | CONFLICT(RLOCK) | CONFLICT(TRIED) | CONFLICT(BUSY) |                \
                CONFLICT(RTRIED) | CONFLICT(RBUSY))                                              \
    X(RLOCK, CONFLICT(LOCK) | CONFLICT(TRIED) | CONFLICT(BUSY))                                  \
    X(UNLOCK, CONFLICT(TRIED) | CONFLICT(BUSY) | CONFLICT(RTRIED) | CONFLICT(RBUSY))             \
    X(RUNLOCK, CONFLICT(TRIED) | CONFLICT(BUSY))                                                 \
    X(TRIED, CONFLICT(LOCK) | CONFLICT(RLOCK) | CONFLICT(UNLOCK) | CONFLICT(RUNLOCK) |           \
                 CONFLICT(TRIED) | CONFLICT(BUSY) | CONFLICT(RTRIED) | CONFLICT(RBUSY))          \
    X(BUSY, CONFLICT(LOCK) | CONFLICT(RLOCK) | CONFLICT(UNLOCK) | CONFLICT(RUNLOCK) |            \
                CONFLICT(TRIED) | CONFLICT(RTRIED)) /* failed */                                 \
    X(RTRIED, CONFLICT(LOCK) | CONFLICT(UNLOCK) | CONFLICT(TRIED) | CONFLICT(BUSY))              \
    X(RBUSY, CONFLICT(LOCK) | CONFLICT(UNLOCK) | CONFLICT(TRIED))                                \
    X(ADD, CONFLICT(WAIT) | CONFLICT(DONE)) /* with a `done` that would be one too many else */  \
    X(DONE, CONFLICT(ADD))                                                                       \
    X(WAIT, CONFLICT(ADD))                                                                       \
    X(ACQUIRE, CONFLICT(ACQUIRE) | CONFLICT(RELEASE))                                            \
    X(RELEASE, CONFLICT(ACQUIRE))                                                                \
    X(CLOCK, CONFLICT(FIRE))                                                                     \
    X(ARM, CONFLICT(FIRE) | CONFLICT(ARM)) /* for the same time */                               \
    X(FIRE, CONFLICT(CLOCK) | CONFLICT(ARM) | CONFLICT(FIRE))

enum way {
#define X(name, conflicts) WAY_##name,
    ACCESSES(X)
#undef X
        WAYS
};

struct access {
    uint64_t object; /* its key */
    int64_t
        number; /* SEND, RECV, HAS, ROOM: which value of the channel's; ARM: the time; ADD: how many; DONE: what is left; ACQUIRE: likewise;
                        RELEASE: how many; REFUSED: 1 for a send; OFFER, CASE: the task's identity */
    uint32_t capacity; /* CASE: of the channel, at most CASE_ROOM */
    uint16_t index;    /* CASE: of the case */
    uint8_t way, kind; /* CASE: CASE_..., or-ed */
};

/* NOW: it does not wait; SOON: until a deadline, where others may come and find it; MORE: there are
 * cases that are none of these, on contexts. */
enum {
    CASE_IN_ORDER = 1,
    CASE_NOW = 2,
    CASE_MORE = 4,
    CASE_SOON = 8,
    CASE_TIMED = CASE_NOW | CASE_SOON,
    CASE_ALL = 15,
    CASE_ROOM = 1 << 30
};

enum { MOST_ACCESSES = 28 };

struct footprint {
    uint8_t count;
    bool everything; /* there are more, or it was the end: taken for dependent on all */
    bool disarms;    /* a timer, which might have fired before */
    struct access accesses[MOST_ACCESSES];
};

/* The compare-exchange under way has only read. */
void dependence_read_only(void);

/* Where the accesses of the step under way are noted; NULL: nobody wants to know. */
HIDDEN extern struct footprint *dependence_footprint;
HIDDEN extern uint32_t dependence_since; /* steps in the log when it began */

/* Notes what a step at this place accesses, when it begins. */
void dependence_begin(struct task *self, const struct place *place);

/* Notes one access. `number`: of the object in the log. */
void dependence_object(uint32_t number, enum way way);
/* Of something that is no object of the program. */
enum { THING_CLOCK = 1, THING_TASKS, THING_DESCRIPTORS };
void dependence_thing(uint64_t thing, enum way way, int64_t number);
/* Of a case of a select, on the channel that begins with this queue. */
void dependence_case(enum op op, waitq *queue);
/* The select that the task is in takes this case; only where several are ready. */
void dependence_take(struct task *self, size_t index);
/* A parked task has been woken. */
void dependence_woken(const struct task *task);

/* Whether a and b, which came in this order, do not commute. */
bool dependence_conflict(const struct access *a, const struct access *b);
bool dependence_between(const struct footprint *a, const struct footprint *b);

/* The same of steps which are possible in one state, and may be of two runs. */
bool dependence_apart(const struct footprint *a, const struct footprint *b);

/* Whether they do not commute, and b could have been made before a as well. */
bool dependence_reversible(const struct footprint *a, const struct footprint *b);

/* Whether a step does something to an object that does not commute with that, whichever value it
 * is. */
bool dependence_touches(const struct footprint *footprint, uint64_t object, enum way way);

/* The case of a select that an access stands for, in which way it would be; ANY: it is something
 * else. */
enum way dependence_way_of_case(const struct access *access);

/* It is large, so that only what counts is written. */
static inline void footprint_clear(struct footprint *footprint) {
    footprint->count = 0;
    footprint->everything = footprint->disarms = false;
}
void footprint_copy(struct footprint *to, const struct footprint *from);
void footprint_add(struct footprint *to, struct access access);

/* Adds what a step may access in whichever way it is made: an operation is on the same objects, and
 * its task may look at the clock then. */
void footprint_widen(struct footprint *to, const struct footprint *from);

/* Whether the step accesses the same in the same ways wherever it is possible. */
bool dependence_steady(const struct footprint *footprint);

/*
 * The same of operations on one object that are still to come, or of which no footprint is left: what
 * they will find is not known, so each is taken for all that it may be, with all that it may wait for
 * or make possible.
 */
extern const uint64_t ways_ahead[OP_COUNT]; /* sets of the ways of those that have few; 0: any */
bool ways_commute(uint64_t a, uint64_t b);
static inline bool operations_commute(enum op a, enum op b) {
    return ways_ahead[a] && ways_ahead[b] && ways_commute(ways_ahead[a], ways_ahead[b]);
}

enum readiness {
    READY_WAITS, /* its operation would have to wait */
    READY_GOES,
    READY_LOCAL /* the step touches nothing that others can see */
};
enum readiness dependence_ready(const struct task *task);

/*
 * Two tasks could meet on a channel without a buffer: one of them arrives, then the other one
 * completes both operations. Returns the one to arrive first; NULL: they cannot meet.
 */
struct task *dependence_meeting(struct task *a, struct task *b);

/* Whether either may come first. */
bool dependence_either(const struct task *a, const struct task *b);

/* Whether it makes a difference who of the two comes first: both take the first case in order. */
bool dependence_turns(const struct task *a, const struct task *b);

/*
 * Whether a task is before or in a select of which each case is a step of its own: it has few.
 * Which of these it could take: the first after `index`, SIZE_MAX for the very first; SIZE_MAX:
 * none.
 */
bool dependence_by_case(const struct task *task);
size_t dependence_next_case(const struct task *task, size_t index);

/* Whether the task, which is in a select, is about to choose among ready cases; and the index of the
 * ready case of that rank. */
bool dependence_chooses(const struct task *task);
size_t dependence_ready_case(const struct task *task, uint64_t rank);

/* Whether that case of its select is ready because of the task that has just arrived. */
bool dependence_met(const struct task *task, const struct task *arrived, size_t index);

/* Whether the task would have to wait, and others would then stand behind it that need not wait else:
 * behind a writer, behind who asks for many permits. */
bool dependence_queues(const struct task *task);

#endif
