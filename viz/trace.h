/*
 * trace.h - reads traces: opens the file, lists its runs, loads one run into memory.
 *
 * What the words in a trace mean is told in traces/README.md. A file is never trusted: what does
 * not fit ends in one message on standard error and a status, never in a crash. Functions that
 * return int return TOOL_OK; TOOL_USAGE when the file, or the run, is not what was asked for;
 * TOOL_FAILED when it is damaged or cannot be read. They have told the user why when they return
 * another status than TOOL_OK.
 */
#ifndef VIZ_TRACE_H
#define VIZ_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trace;       /* an open file */
struct trace_arena; /* the strings of a run */

/* No such task, object, event: the value of an index that refers to nothing. */
#define TRACE_NONE ((size_t)-1)

#define TRACE_APPLICATION_ID 0x5049524E /* "PIRN" */
#define TRACE_VERSION 1

/* clang-format off */
#define TRACE_OPS(X) \
    X(START, "start") X(EXIT, "exit") X(GO, "go") X(YIELD, "yield") \
    X(SEND, "send") X(RECV, "recv") X(TRY_SEND, "try_send") X(TRY_RECV, "try_recv") \
    X(CLOSE, "close") X(LEN, "len") X(SELECT, "select") X(SELECT_FIRST, "select_first") \
    X(LOCK, "lock") X(TRYLOCK, "trylock") X(UNLOCK, "unlock") \
    X(RLOCK, "rlock") X(TRYRLOCK, "tryrlock") X(RUNLOCK, "runlock") \
    X(WAIT, "wait") X(SIGNAL, "signal") X(BROADCAST, "broadcast") X(ADD, "add") X(DONE, "done") \
    X(ONCE, "once") X(ONCE_DONE, "once_done") X(ACQUIRE, "acquire") X(RELEASE, "release") \
    X(CANCEL, "cancel") X(ERR, "err") \
    X(SLEEP, "sleep") X(RANDOM, "random") X(CHOOSE, "choose") \
    X(ARM, "arm") X(STOP, "stop") X(RESET, "reset") X(FIRE, "fire") \
    X(WAIT_FD, "wait_fd") X(READ, "read") X(WRITE, "write") X(ACCEPT, "accept") \
    X(CONNECT, "connect") X(CLOSE_FD, "close_fd") X(BLOCK, "block") \
    X(LOAD, "load") X(STORE, "store") X(RMW, "rmw") X(CAS, "cas") X(FENCE, "fence")
#define TRACE_KINDS(X) \
    X(CHANNEL, "channel") X(MUTEX, "mutex") X(RWMUTEX, "rwmutex") X(COND, "cond") X(ONCE, "once") \
    X(WAITGROUP, "waitgroup") X(SEM, "sem") X(TIMER, "timer") X(CONTEXT, "context") X(GROUP, "group") \
    X(FD, "descriptor") X(ATOMIC, "atomic") X(MEMORY, "memory")
#define TRACE_EDGES(X) \
    X(GO, "go") X(MESSAGE, "message") X(SLOT, "slot") X(CLOSE, "close") X(UNLOCK, "unlock") \
    X(SIGNAL, "signal") X(DONE, "done") X(ONCE, "once") X(RELEASE, "release") X(TIMER, "timer") \
    X(FD, "descriptor") X(ATOMIC, "atomic")
#define TRACE_STATES(X) \
    X(EXITED, "exited") X(BLOCKED, "blocked") X(SLEEPING, "sleeping") X(RUNNABLE, "runnable")
/* clang-format on */

/* The last of each is a word that this version does not know; it is kept beside it as text. */
#define TRACE_OP_(name, word) TRACE_OP_##name,
enum trace_op { TRACE_OPS(TRACE_OP_) TRACE_OP_OTHER };
#define TRACE_KIND_(name, word) TRACE_KIND_##name,
enum trace_kind { TRACE_KINDS(TRACE_KIND_) TRACE_KIND_OTHER };
#define TRACE_EDGE_(name, word) TRACE_EDGE_##name,
enum trace_edge_kind { TRACE_EDGES(TRACE_EDGE_) TRACE_EDGE_OTHER };
#define TRACE_STATE_(name, word) TRACE_STATE_##name,
enum trace_state { TRACE_STATES(TRACE_STATE_) TRACE_STATE_OTHER };

/* Strings below are valid UTF-8 on one line, without control characters (but for those of struct
 * trace_program). Tasks, objects, sites and events are referred to by their index in the run's
 * arrays. */

struct trace_site {
    int64_t id;
    const char *function; /* "" when unknown */
    const char *path;     /* of the file; "" when unknown */
    const char *file;     /* its folder left out; "" when unknown */
    int64_t line;         /* 0 when unknown */
    const char *place;    /* "orders.c:33", else the function, else "module+0x1f"; never empty */
};

struct trace_task {
    int64_t id;
    size_t parent;    /* TRACE_NONE for main */
    const char *name; /* never empty */
    size_t site;      /* where it was started, or TRACE_NONE */
    enum trace_state state;
    bool daemon;
    size_t first, last; /* its first and last event, or TRACE_NONE */
};

struct trace_object {
    int64_t id;
    enum trace_kind kind;
    const char *kind_word;
    const char *name; /* its label, else "channel 3"; never empty */
    bool labelled;
    int64_t capacity; /* of a channel; -1 when not recorded */
    size_t site;      /* or TRACE_NONE */
};

struct trace_event {
    int64_t step;
    size_t task; /* TRACE_NONE: the clock */
    enum trace_op op;
    const char *op_word;
    size_t object; /* or TRACE_NONE */
    bool slept;    /* the task went to sleep in this step; `result` is 0 then */
    int64_t result;
    size_t site; /* or TRACE_NONE */
    int64_t time;
    size_t previous, next; /* of the same task, or TRACE_NONE */
};

struct trace_edge {
    size_t before, after; /* events; before < after */
    enum trace_edge_kind kind;
    const char *kind_word;
};

struct trace_case { /* what a select that went to sleep waits for */
    size_t event;
    bool sends;
    size_t object; /* TRACE_NONE: a NULL channel */
};

struct trace_finding {
    const char *kind;
    size_t event;  /* or TRACE_NONE */
    size_t other;  /* the other one of a pair, or TRACE_NONE */
    size_t object; /* or TRACE_NONE */
    const char *message;
    const char *details; /* further lines, not cleaned; "" where the message says all */
};

/* The program and its arguments, byte for byte, for a command that runs it again. */
struct trace_program {
    const char *path;
    char **arguments; /* the program's name first; never empty */
    size_t argument_count;
};

/* Where the failure of a run became inevitable. */
struct trace_certainty {
    int64_t samples; /* of what may follow, all of which failed from there on; 0: it is not known */
    int64_t step;    /* with which it did; 0: it was from the beginning */
    int64_t before;  /* of as many samples, failed from one step earlier */
};

struct trace_summary { /* a row of the table of runs */
    int64_t id;
    const char *strategy;
    uint64_t seed;
    const char *schedule;
    const char *outcome;
    const char *message;
    int64_t steps, tasks, switches, preemptions, virtual_ns, wall_ns;
    uint64_t graph;
    int64_t shrunk_from; /* 0: it is an original */
};

struct trace_run {
    struct trace_summary summary;
    struct trace_program program;
    struct trace_certainty certainty;
    struct trace_site *sites;
    size_t site_count;
    struct trace_task *tasks; /* by id */
    size_t task_count;
    struct trace_object *objects; /* by id */
    size_t object_count;
    struct trace_event *events; /* by step; none when the run was not recorded in full */
    size_t event_count;
    struct trace_edge *edges; /* by `after`, then `before` */
    size_t edge_count;
    struct trace_case *cases; /* by event */
    size_t case_count;
    struct trace_finding *findings;
    size_t finding_count;
    struct trace_arena *arena; /* owns the strings */
};

/* Opens a trace for reading. A write that was cut short is rolled back, where the file may be
 * written to; nothing else in it is changed. trace_close closes it; NULL is ignored there. */
int trace_open(const char *path, struct trace **trace);
void trace_close(struct trace *trace);

/*
 * Opens what "TRACE#RUN" or "TRACE" names; a file whose name is the whole of it comes first. `run`
 * is set to RUN, else to the first run that found something, else to the first. On another status
 * than TOOL_OK nothing is open.
 */
int trace_open_named(const char *name, struct trace **trace, int64_t *run);

/* The file's name as it was given, for messages and commands; and without its folder, for titles.
 */
const char *trace_path(const struct trace *trace);
const char *trace_title(const struct trace *trace);

/* Calls `each` for every run, by id. The summary is valid during the call only. */
int trace_each_run(struct trace *trace,
                   void (*each)(void *context, const struct trace_summary *run), void *context);

/* Loads a run. trace_run_free frees it; NULL is ignored there. */
int trace_load(struct trace *trace, int64_t run, struct trace_run **loaded);
void trace_run_free(struct trace_run *run);

/* Opens and loads what "TRACE#RUN" or "TRACE" names. On another status than TOOL_OK nothing is open
 * and nothing loaded. */
int trace_load_named(const char *name, struct trace **trace, struct trace_run **run);

/* Returns where an event, a task or an object comes from, by its `site`; "unknown place" for
 * TRACE_NONE. */
const char *trace_place(const struct trace_run *run, size_t site);

/* Returns the name of an event's task; "clock" for the clock. */
const char *trace_task_name(const struct trace_run *run, size_t task);

/* Returns the index of the task with an id, or TRACE_NONE. */
size_t trace_find_task(const struct trace_run *run, int64_t id);

/* Returns the range of the cases that belong to an event: their number, the first in `*first`. */
size_t trace_cases(const struct trace_run *run, size_t event, size_t *first);

#endif
