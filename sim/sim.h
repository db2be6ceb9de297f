/*
 * sim.h - the simulated engine: one thread, and a strategy that is asked at every choice.
 *
 * Each operation begins at a scheduling point: the task says what it is about to do, the strategy
 * says who goes on, and the step that follows runs to the task's next point. The task that leaves
 * switches straight to the one chosen.
 *
 * Invariants
 *   1. The runnable tasks are runnable[0 .. count), in an order that depends on the schedule alone;
 *      and, where `aged`, linked from the one that has been runnable without a step for the longest.
 *   2. Every choice between two or more alternatives is asked of the strategy and logged; nothing
 *   else
 *      decides anything. So a run is a function of the program and its schedule.
 *   3. A step has a number from its beginning; only the task that is in it adds to its event.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "lib/core/context.h"
#include "lib/core/engine.h"
#include "lib/core/sanitize.h"
#include "lib/core/sleep.h"
#include "lib/core/stack.h"
#include "sim/log.h"
#include "sim/random.h"
#include "sim/strategy.h"

enum task_state { TASK_NEW, TASK_RUNNABLE, TASK_PARKED, TASK_ENDED };

enum { TASK_ROOM = 32 };

struct task {
    struct task_core core;
    struct context context;
    struct fiber fiber;
    struct stack stack;
    struct log_task *entry;       /* in the log; NULL: the clock */
    struct task *next, *previous; /* in the list of all tasks, or of free ones */
    struct task *newer;           /* runnable ones, by how long; NULL: the newest */
    struct task **older_link;     /* what points to it there */
    int64_t since;                /* when it parked */
    uint64_t woken;               /* steps in the log when it became runnable */
    size_t position;              /* in `runnable` */
    /* What it will do when it is picked; op NONE: begin, or go on. */
    const struct place *next_place;
    const struct place *slept_in; /* its last sleep, which its next step goes on from; or nothing */
    struct intent {
        int64_t deadline, number;
        const void *more;
        size_t count;
    } intent;          /* of that operation; see engine_intend */
    uint64_t identity; /* the same in every run: the parent's, and which of its children */
    uint64_t history;  /* hash of its completed operations and what came before them */
    size_t first_case; /* of its last select, in the log */
    enum task_state state;
    double plan, left; /* surw: steps of its own and of those it has not started yet */
    struct sleep sleep;

    /* From here on all is zero at first (task_clear in engine.c). */
    struct log_event *event; /* of the step that it is in; NULL: none */
    uint32_t step;           /* likewise; 0: none */
    uint32_t steps;          /* how many it has begun */
    uint64_t inputs;         /* of the edges into the operation under way */
    uint64_t started;        /* mark of the step that started it */
    uint32_t children, made; /* tasks started, objects named */
    uint32_t step_before;    /* its last one before that it is in; 0: none */
    /* What strategies remember of it. */
    uint32_t ranked_at;        /* pos: the step before the one that its rank was drawn for */
    uint32_t children_planned; /* surw: of its children, those taken off its plan */
    bool planned;              /* surw: it has a plan */
    bool timed;                /* parked until a timer wakes it at the latest */
    uint64_t rank;             /* pct, pos: its priority; 0: to be drawn */
    void *copy; /* of the argument and of the name, where they do not fit below; owned */
    char *name;
    size_t copy_size;
    _Alignas(max_align_t) unsigned char copy_room[TASK_ROOM];
    char name_room[TASK_ROOM];
};

/* Which accesses to memory are scheduling points, beside the operations of pirn.h: atomic ones, and
 * plain ones that have raced before; none; all. */
enum points { POINTS_ATOMIC, POINTS_SYNC, POINTS_ACCESS };

/* How a run is to be performed. */
struct run_options {
    uint64_t max_steps;
    unsigned allow; /* PIRN_ALLOW_... */
    bool late_timers;
    enum points points;
    int64_t time_limit;                   /* wall-clock ns; 0: none */
    const struct recorder_step *expected; /* of a replay; NULL: none */
    uint64_t expected_steps;
    void (*failed)(void); /* told of a failing run while its tasks are still there; may be NULL */
};

struct sim {
    bool active; /* a run is under way */
    struct log *log;
    struct strategy *strategy;
    struct run_options options;
    struct task *current;          /* NULL: the thread's own stack */
    struct task clock;             /* stands for timers */
    bool clock_used;               /* in the last run */
    struct task *tasks, *youngest; /* those of the run that have not ended, and main, by age */
    struct task *main;
    struct task *free_tasks;
    struct task **runnable;
    size_t count, room;
    bool extras; /* the beginning of a step takes more than a line in the log: see step_extras */
    bool aged;   /* the next two are kept, see ages.c */
    struct task *oldest, **newest_link;
    struct stack_pool stacks;
    size_t stack_size; /* as configured; 0: there is no pool yet */
    size_t max_tasks, live, most_live;
    uint64_t parks;
    int64_t blocked; /* ns, in waits that have ended */
    uint64_t last_id;
    uint32_t epoch;      /* of this run; tells marks and object numbers of earlier runs */
    struct context home; /* of who called sim_run */
    uint64_t control;    /* of floating point, as tasks find it */
    struct fiber home_fiber;
    struct fiber *came_from;
    struct task *dead; /* has just left its stack for ever */
    int64_t now;
    bool main_returned, main_ended;
    uint64_t main_steps; /* when it did */
    uint64_t first_step, first_task,
        first_switch;     /* before this pirn_run: a process may call it again */
    uint64_t clock_steps; /* of this run */
    uint64_t last_step;   /* a step beyond is one too many */
    uint64_t end_step;    /* up to there nobody wants to see a step begin */
    bool forked;          /* in a process made for this run alone */
    uint64_t idle;        /* steps at the end that have changed nothing, for want of something */
    uint64_t patience;    /* how many may be before tasks take turns */
    uint64_t fair_from;   /* the step from which they do in any case */
    uint64_t plain_until; /* up to that step a choice is the strategy's alone; see sim_plan */
    uint64_t mark;        /* of this run's marks: the epoch in its place; or NO_MARK */
    uint64_t turn;
};

HIDDEN extern struct sim sim;

/* This is the one thread that the simulator runs in. */
HIDDEN extern __thread bool sim_thread __attribute__((tls_model("initial-exec")));

/* No operation. */
HIDDEN extern const struct place place_nowhere;

/* The clock at the beginning of a run, in ns: not zero, which programs take for "no time". */
#define CLOCK_START PIRN_SEC

/* Outside a run no mark is current: none has that many bits. */
enum { MOST_EPOCHS = 0x7ffffffe };
#define NO_MARK UINT64_MAX

/* After main has returned, so many steps for tasks that go on for ever. */
enum { STEPS_AFTER_MAIN = 10000 };

enum { MAX_STEPS = 100000 };

/* So many steps in which tasks only try in vain, and they are made to take turns; half as many when
 * it comes to that again, down to the least. */
enum { PATIENCE = 400, LEAST_PATIENCE = 25 };

/* Wall-clock time for one run where nothing else is asked for, in ns. */
#define RUN_TIME_LIMIT (10 * PIRN_SEC)

/* Ends the run under way, with the outcome and a message for the current step; does not return. */
_Noreturn void sim_stop(pirn_outcome outcome, const char *message);

/* Sets sim.plain_until. To be called when anything changes that it depends on: sim.idle, the armed
 * timers, fds_changed, sim.fair_from, and how main ends. */
void sim_plan(void);

/* Gives back the task that has ended last, once its stack has been left. */
void sim_free_dead(void);

/* Leaves for the caller of sim_run, from wherever in a run. */
_Noreturn void sim_leave(void);

/* Sets the outcome and the message of the run. */
void sim_outcome(pirn_outcome outcome, const char *message);

/*
 * Performs one run: main_fn(arg) and what it starts, until everything has come to rest. The log has
 * been reset, and `config` is what config_resolve has made. The outcome is in the log. Returns 0 or a
 * negative errno if the run could not begin.
 */
int sim_run(const pirn_config *config, pirn_fn *main_fn, void *arg, struct log *log,
            struct strategy *strategy, const struct run_options *options);

/* Whether the caller is a task of a run under way. */
bool sim_in_task(void);

/* Gives back what runs keep for each other. */
void sim_release(void);

/* ---- ages.c -------------------------------------------------------------------------------- */

/* Has the runnable tasks linked by age from now on: most runs never ask for the oldest. */
void ages_keep(void);

void task_link_newest(struct task *task);
void task_unlink_age(struct task *task);

/* It takes a step. */
void task_becomes_newest(struct task *task);

/* ---- timers.c ------------------------------------------------------------------------------ */

/* The armed timers: a heap, from 1. */
HIDDEN extern struct timer **timers_heap;
HIDDEN extern size_t timers_armed;

/* The earliest timer, or NULL. */
static inline struct timer *timers_first(void) { return timers_armed ? timers_heap[1] : NULL; }
bool timers_awaited(void);
/* Nothing can run, and somebody waits for a timer: leaves out what fires in vain until then. */
void timers_skip(void);
/* Advances the clock to the earliest timer and fires it. */
void timers_fire(void);
/* The order that the next timer to be armed will have. */
uint64_t timers_next_order(void);
void timers_clear(void);
void timers_release(void);

/* ---- fds.c --------------------------------------------------------------------------------- */

/* Wakes tasks whose descriptors have become ready. */
void fds_look(void);

/* Something was done that may have made them so. */
HIDDEN extern bool fds_changed;

/* Nothing can run: gives the kernel a moment to make a descriptor ready, a longer one where there
 * is no timer. Returns whether a task has been woken. */
bool fds_wait(bool timer);
size_t fds_count(void); /* waits for them */
void fds_clear(void);
void fds_release(void);

/* ---- objects.c ----------------------------------------------------------------------------- */

/* Gives the object of a place a number in the log. */
uint32_t object_add(const struct place *place);

/* The number of a place's object in the log, which it gets now if it has none; 0 without an
 * object. `queue` is the place's. */
static inline uint32_t object_number_in(const waitq *queue, const struct place *place) {
    if (!queue) return 0;
    return LIKELY(queue->object >> 32 == sim.epoch) ? (uint32_t)queue->object : object_add(place);
}

static inline uint32_t object_number(const struct place *place) {
    return object_number_in(place->queue, place);
}

/*
 * What an object goes by in all runs in which it is made by the same operation. One that is merely
 * zeroed may go by its address, which may be another in another run: such a key has KEY_MOVES, and
 * others do not.
 */
#define KEY_MOVES (UINT64_C(1) << 63)
uint64_t object_key(uint32_t number);

/* The same of a place's object, which may have no number yet. */
uint64_t object_key_at(const struct place *place);

/* Takes the label of an object that is still there into the log, or those of all. */
bool objects_labelled(void); /* whether one of the run may have a label */
void object_take_label(uint32_t number);
void objects_take_labels(void);

/* Frees the channels that the run under way has made, whose owners will not come back to do it. */
void objects_free_channels(void);
void objects_release(void);

/* ---- events.c ------------------------------------------------------------------------------ */

/* Whether a step only looked, or was refused: for the others nothing has changed. */
bool event_in_vain(const struct log_event *event);

/* A step without a scheduling point before it. */
void sim_step(struct task *self, const struct place *place);

/* engine_end, of an operation that did or did not change anything for others. */
void sim_end(struct task *self, int64_t result, bool changed);

/* ---- debugger.c ---------------------------------------------------------------------------- */

/* Sets sim.end_step by sim.last_step, by what a debugger has asked for, and by what is expected. */
void debugger_plan(void);

/* A step begins that is not below sim.end_step: stops where a debugger wants that. */
void debugger_step(const struct task *self, const struct place *place, uint32_t object);

/* The first finding of a run is going to be logged. */
void debugger_found(pirn_outcome kind, const char *message);

/* ---- finish.c ------------------------------------------------------------------------------ */

/* Looks at what is left when nothing can run: writes findings and the outcome. */
void finish_at_rest(void);

/* Adds what a task has done to the hash of the run's graph, and its state to the log; it does
 * nothing more. */
void finish_task(const struct task *task);
/* The same where it has ended. */
static inline void finish_ended(const struct task *task) {
    task->entry->state = LOG_EXITED;
    sim.log->graph += mix(task->identity, task->history);
}

/* Fills in what the log says of the run as a whole. */
void finish_log(void);

/* ---- dump.c -------------------------------------------------------------------------------- */

/* A run begins to be counted; its log is going, and what was counted is kept. */
void stats_begin(void);
void stats_keep(void);

/* ---- faults.c ------------------------------------------------------------------------------ */

/*
 * Catches crashes, and runs that take longer than `limit` nanoseconds of wall-clock time, in
 * whatever runs follow, until faults_end. In a process forked for a run they end the process, with
 * the log filled in; else they end the run. A forked process must call faults_watch itself.
 */
void faults_begin(int64_t limit);
void faults_watch(int64_t limit);
void faults_end(void);

#if PIRN_SIMULATED
#include "sim/step.h"
#endif

#endif
