/*
 * keeper.h - one process that performs run after run.
 *
 * It is forked where a process for a single run would be, saves its memory (snapshot.h), and from
 * then on performs what it is asked for: it lets the program go on from pirn_run, and when the
 * program has come to its end puts everything back. A run that crashes ends the process, as does
 * one that leaves something behind that cannot be put back; then there has to be another one.
 *
 * Or nothing is put back (`bare`): the program never comes back from pirn_run, which makes run
 * after run. Then only one that ends the process is its last.
 */
#ifndef SIM_KEEPER_H
#define SIM_KEEPER_H

#include <stdint.h>
#include <sys/types.h>

#include "sim/log.h"
#include "sim/strategy.h"

struct keeper;
struct exploration;

/* For the process to come, and runs of the exploration. NULL: no memory. */
struct keeper *keeper_new(const struct exploration *exploration, bool bare);
void keeper_free(struct keeper *keeper);

/* ---- In the process that explores ---------------------------------------------------------- */

enum keeper_answer {
    KEEPER_DONE,    /* the run has been performed */
    KEEPER_LAST,    /* so it has, but it is the last one: the process ends */
    KEEPER_UNSURE,  /* the run is to be performed otherwise; the process ends */
    KEEPER_DEAD,    /* the process has ended in the run */
    KEEPER_LATE,    /* no end after `limit` */
    KEEPER_STOPPED, /* the exploration is to end */
    KEEPER_GONE     /* the process has ended before it came to this run, or is late */
};

/*
 * Has a run performed with the seed in the log, which is then filled in. `limit`: ns that it may
 * take; 0: any. LAST and UNSURE come with a line in `*why`.
 */
enum keeper_answer keeper_run(struct keeper *keeper, pid_t process, struct log *log, int64_t limit,
                              struct exploration *exploration, const char **why);

/* ---- In that process ----------------------------------------------------------------------- */

/* Told of each run when the program has ended with a status, as waitpid has it. */
typedef void keeper_ended(struct log *log, int status);

/*
 * Takes over: returns the log of a run that is to be performed, again and again. The strategy has
 * been begun.
 */
struct log *keeper_serve(struct keeper *keeper, keeper_ended *ended);

/* The run is over. Returns the log of the next one where nothing is put back, else NULL. */
struct log *keeper_next(void);

/* The program has given back what is in some of its pages, in whichever process. */
void keeper_discarded(void *at, size_t size);

/* The program ends with a status. Returns where this process keeps nothing, or cannot go on. */
void keeper_exit(int status);

#endif
