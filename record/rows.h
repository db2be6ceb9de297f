/*
 * rows.h - steps into the rows of a trace: all of them, written as they come, or the last ones, kept
 * in memory until the run is over.
 */
#ifndef RECORD_ROWS_H
#define RECORD_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "record/drain.h"
#include "record/run.h"
#include "sim/recorder.h"

struct rows_of_run;

/* For a run of which `last` steps are kept, 0: all. NULL: no memory. */
struct rows_of_run *rows_new(struct recorder *recorder, uint64_t base, uint64_t last);
struct drain *rows_drain(struct rows_of_run *rows);

/* Writes what has come and has not been written. Returns 0; -EIO, which the recorder explains;
 * -ENOMEM; -EFBIG: more steps than a trace may have. */
int rows_commit(struct rows_of_run *rows);

/* The run has ended: writes the rest. The same. */
int rows_finish(struct rows_of_run *rows, const struct run_end *end);
void rows_free(struct rows_of_run *rows);

#endif
