/* rows.h - the steps of a recorded run into the rows of a trace. */
#ifndef RECORD_ROWS_H
#define RECORD_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "sim/record/drain.h"
#include "sim/recorder.h"

struct rows_of_run;

/* How ticks are made times: when the run started, and how many ns one lasts. */
struct rows_clock {
    uint64_t start;
    double tick;
};

/* How the run has ended. */
struct rows_end {
    pirn_outcome outcome;
    char message[LOG_MESSAGE];
    struct item *findings; /* ITEM_FINDING */
    size_t finding_count, finding_room;
};

/* For a run whose steps after `base` and up to `last` are written. NULL: no memory. */
struct rows_of_run *rows_new(struct recorder *recorder, uint64_t base, uint64_t last,
                             const struct rows_clock *clock);
struct drain *rows_drain(struct rows_of_run *rows);

/* How many have been written, */
uint64_t rows_count(const struct rows_of_run *rows);
/* and which was the last, counted from the base; 0: none. */
uint64_t rows_last(const struct rows_of_run *rows);

/* All has been handed over: writes the rest. Returns 0; -EIO, which the recorder explains; -ENOMEM;
 * -EFBIG: more steps than a trace may have. */
int rows_finish(struct rows_of_run *rows, const struct rows_end *end);
void rows_free(struct rows_of_run *rows);

#endif
