/*
 * recorder.h - writes runs into a trace file; the format is traces/schema.sql.
 *
 * Runs are collected in a transaction that is committed at the latest when recorder_commit is
 * called: the caller does so before it reports anything, so a killed exploration leaves a sound
 * file with every run that was reported. Several processes may record into one file.
 */
#ifndef SIM_RECORDER_H
#define SIM_RECORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/log.h"

struct recorder;
struct call_order;

/*
 * Opens or creates the trace and adds a row for the calling program. Returns NULL after writing one
 * line into `message` that says what is wrong and what to do: a file that is no trace, another
 * version, a folder that cannot be written to, ...; and to `*error` -ENOMEM or -EIO.
 *
 * The functions below return 0, or -ENOMEM or -EIO after which recorder_error tells why and nothing
 * more is written.
 */
struct recorder *recorder_open(const char *path, char *message, size_t size, int *error);

/* Another program than this one, of whose runs somebody has told. */
struct symbol;
struct recorder_program {
    const char *path, *build_id, *arguments, *version; /* as in the table `program` */
    int64_t started;                                   /* s since the epoch */
    /* As symbol_resolve, for its addresses. */
    void (*resolve)(void *context, const void *return_address, struct symbol *symbol);
    void *context;
};

/* As recorder_open, for that program, all of which must stay until the recorder is closed. */
struct recorder *recorder_open_for(const char *path, const struct recorder_program *program,
                                   char *message, size_t size, int *error);

/*
 * Adds a run; with its events if `in_full`. `schedule` is its "pirn1:..." text. `*id` gets its
 * number in the trace.
 */
int recorder_add(struct recorder *recorder, const struct log *log, const char *strategy,
                 const char *schedule, bool in_full, int64_t *id);

/*
 * A run that is recorded while it goes on: recorder_add first, with what is known of it, not in
 * full; then, in any order, its rows, of which one of a task or an object takes the place of what
 * was there; and what it has come to, by recorder_update, whose findings must be given once. What
 * `log` and the rows point to need not stay.
 */
int recorder_put_event(struct recorder *recorder, int64_t run, int64_t step,
                       const struct log_event *event);
int recorder_put_edge(struct recorder *recorder, int64_t run, const struct log_edge *edge);
int recorder_put_case(struct recorder *recorder, int64_t run, const struct log_case *entry);
int recorder_put_task(struct recorder *recorder, int64_t run, int64_t id,
                      const struct log_task *task, const char *name);
int recorder_put_object(struct recorder *recorder, int64_t run, int64_t id,
                        const struct log_object *object);
int recorder_update(struct recorder *recorder, int64_t run, const struct log *log);

/* The name of a function, "task" where it has none. The string stays. */
const char *recorder_function(struct recorder *recorder, const void *function);

/* Notes that a run was made from another by shrinking. */
int recorder_shrunk_from(struct recorder *recorder, int64_t run, int64_t from);

/* Notes where the failure of a run became certain (table `certainty`), in place of what was known
 * of that. */
int recorder_certainty(struct recorder *recorder, int64_t run, uint64_t step, uint32_t samples,
                       uint32_t before);

/* Adds to the table `call_order`. */
int recorder_order(struct recorder *recorder, const struct call_order *order);

/* Makes what was added safe from the end of this process. */
int recorder_commit(struct recorder *recorder);

/* Several runs of one search. */
struct recorder_exploration {
    const char *strategy; /* as asked for */
    uint64_t seed, shard, shards;
    unsigned allow; /* PIRN_ALLOW_... */
    uint64_t max_steps;
    bool late_timers;
};

/* The runs added from now on are those of a new exploration. */
int recorder_explore(struct recorder *recorder, const struct recorder_exploration *exploration);

/*
 * The runs added from now on are those of exploration `id`, which goes on. Fills in what its runs
 * so far come to; recorder_resume_graph gives the graph and the seed of each, one a call, until it
 * returns false.
 * -EIO also where the program is another build.
 */
int recorder_resume(struct recorder *recorder, int64_t id, uint64_t *runs, uint64_t *failures,
                    uint64_t *steps);
bool recorder_resume_graph(struct recorder *recorder, uint64_t *graph, uint64_t *seed);

/* Says from which run on the exploration has to go on; written with what is committed next. */
void recorder_reached(struct recorder *recorder, uint64_t next);

/* From now on `ask` is asked for the position of the search whenever something is committed, also
 * while a run is added. What it returns is freed. NULL: nothing is asked any more. */
void recorder_ask_position(struct recorder *recorder, char *(*ask)(void *context), void *context);

/* The position that was written last in the exploration that goes on; the caller frees it. NULL:
 * there is none. */
int recorder_resume_position(struct recorder *recorder, char **position);

/* One line about the last failure. */
const char *recorder_error(const struct recorder *recorder);

/* Commits and closes (message in `message`, if not NULL). NULL is ignored. */
int recorder_close(struct recorder *recorder, char *message, size_t size);

/*
 * Must be called in a child after fork, where the recorder must not be used: it is only forgotten.
 */
void recorder_forget(struct recorder *recorder);

/* What a replay of a recorded run must meet, step by step. */
struct recorder_step {
    uint32_t task, object; /* object 0 for a select */
    uint8_t op;            /* enum op */
    uint32_t line;
    char where[96]; /* "function at file:line" */
};

/*
 * Reads the steps of a run that was recorded in full. Returns how many (0 when it was not), or a
 * negative errno with a line in `message`. `*steps` is freed by the caller.
 */
int64_t recorder_expect(const char *path, int64_t run, struct recorder_step **steps, char *message,
                        size_t size);

/* The words of the trace for log_state. */
extern const char *const log_state_names[];

#endif
