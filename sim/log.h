/*
 * log.h - what one simulated run leaves behind: its events, choices and findings, in memory.
 *
 * The log is one mapping, shared with the processes that are forked for runs, so that it survives
 * their crash. The task that runs writes it; whoever waits for the run reads it afterwards. Nothing
 * is allocated while a run is under way: the mapping is reserved for the most steps that a run may
 * have, and only the pages that are written take memory.
 */
#ifndef SIM_LOG_H
#define SIM_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sim/pirn-sim.h"

enum { LOG_NAME = 64, LOG_MESSAGE = 512, LOG_FINDINGS = 1000, LOG_CALLS = 48, LOG_POINTS = 256 };

/* Step n is events[n - 1]. */
struct log_event {
    uint32_t task;   /* 0: the clock */
    uint32_t object; /* 0: none */
    uint8_t op;      /* enum op */
    bool has_result; /* else it went to sleep in this step */
    bool changed;    /* it has done something that others could notice */
    bool unused;
    int64_t result;
    int64_t time;
    const void *site; /* return address; NULL: none */
    uint64_t hash;    /* names the operation within its run, however runs are interleaved */
};

struct log_edge {
    uint32_t before, after; /* steps */
    uint8_t kind;           /* enum edge_kind */
};

/* A case of a select, at its first step. */
struct log_case {
    uint32_t step, position, object; /* object 0: a NULL channel */
    uint8_t op;                      /* OP_SEND or OP_RECV */
};

enum log_state { LOG_EXITED, LOG_BLOCKED, LOG_SLEEPING, LOG_RUNNABLE };

/* Task n is tasks[n - 1]. */
struct log_task {
    uint32_t parent;                /* 0: none */
    uint32_t first_step, last_step; /* 0: it never ran. The last one is filled in by log_tally */
    uint32_t steps;                 /* by log_tally */
    uint32_t with_children;         /* steps of its own and of its descendants; surw's */
    uint64_t identity;              /* the same in every run */
    uint8_t state;                  /* enum log_state */
    bool daemon;
    char name[LOG_NAME]; /* as given; "": that of its function */
    const void *function;
    const void *site;
};

/* Object n is objects[n - 1]. */
struct log_object {
    uint8_t kind; /* enum object_kind */
    bool labelled;
    char label[LOG_NAME];
    uint64_t capacity, value_size;
    const void *site;
    const void *address; /* NULL: it is no memory */
};

struct log_finding {
    uint8_t kind;                      /* pirn_outcome */
    uint32_t step, other_step, object; /* 0: none */
    const void *site;                  /* the call in which it showed; NULL: unknown */
    uint32_t race;                     /* its number; 0: it is none, nor a use after free */
    char message[LOG_MESSAGE];
};

/* An access to memory: the calls that it was made in, innermost first. */
struct log_access {
    uint32_t step, task, size;
    uint8_t how; /* ACCESS_... of race/race.h */
    uint8_t calls;
    const void *sites[LOG_CALLS];
};

enum log_memory { LOG_MEMORY_OTHER, LOG_MEMORY_STACK, LOG_MEMORY_HEAP };

/* Two accesses that race; or a free, and an access to what was freed. */
struct log_race {
    struct log_access before, now;
    const void *address;         /* of the later one */
    uint8_t memory;              /* enum log_memory */
    uint32_t owner;              /* task whose stack it is, or that allocated it; 0: unknown */
    uint64_t start, size;        /* of a heap block */
    struct log_access allocated; /* its calls */
    uint32_t known; /* step up to which the later task knew what the earlier one did; 0: nothing */
};

struct log {
    /* The result. `finished` is set last: before that the run was cut short. */
    bool finished;
    bool cut;   /* by a limit, before everything had come to rest */
    bool armed; /* a timer has not fired */
    bool turns; /* tasks were made to take turns */
    bool brief; /* nothing is here but figures: log_take_figures */
    pirn_outcome outcome;
    char message[LOG_MESSAGE]; /* one line; "" when ok */
    uint64_t seed;
    uint64_t steps, tasks, switches, preemptions, graph;
    int64_t virtual_ns, wall_ns;

    pid_t performer;     /* the process forked for the run; 0: none */
    uint64_t most_steps; /* per run */
    size_t event_room, choice_room, edge_room, case_room, task_room, object_room, mark_room;
    size_t choice_count, edge_count, case_count, object_count, finding_count, mark_count;
    struct log_event *events; /* `steps` of them */
    uint64_t *choices;
    struct log_edge *edges;
    struct log_case *cases;
    struct log_task *task_table; /* `tasks` of them */
    struct log_object *objects;
    struct log_finding *findings; /* LOG_FINDINGS at most */
    struct log_race *races;       /* LOG_FINDINGS at most */
    size_t race_count;
    /* Places where plain accesses are scheduling points: those of this run, which stay from one run to
     * the next, and behind them further ones that have raced in it. */
    uint32_t points[LOG_POINTS];
    size_t points_used, point_count;
    bool watched; /* for races */
    struct log_mark {
        uint32_t step, rest;
    } * marks;   /* lists of steps; private to the engine */
    size_t size; /* of the mapping */
};

/* Makes a log for runs of up to `most_steps` steps. Returns NULL when memory is short. */
struct log *log_new(uint64_t most_steps);
void log_free(struct log *log);

/* Makes it ready for the next run. */
void log_reset(struct log *log);

/* A hash of all events in order: equal for equal runs. */
uint32_t log_event_hash(const struct log *log);

/* Counts the steps of each task. */
void log_tally(struct log *log);

/* Who has taken the last step; 0: nobody. */
uint32_t log_last_task(const struct log *log);

/* Copies all that a run has left in one log to another, made for as many steps. */
void log_copy(struct log *to, const struct log *from);

/* What a run has come to where nothing was found, without what it did. */
struct log_figures {
    uint64_t steps, tasks, switches, preemptions, graph;
    int64_t virtual_ns;
};

struct log_figures log_figures(const struct log *log);

/* Makes the log that of such a run; its seed is left. */
void log_take_figures(struct log *log, const struct log_figures *figures);

/* Has a log's next runs interrupted at the same places as another's. */
void log_take_points(struct log *to, const struct log *from);

/* Adds a finding, unless there are enough. */
void log_find(struct log *log, pirn_outcome kind, uint32_t step, uint32_t object, const void *site,
              const char *message);

#endif
