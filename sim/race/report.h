/* report.h - races in words, for the process that explores: it reads the log of a run that is over.
 */
#ifndef SIM_RACE_REPORT_H
#define SIM_RACE_REPORT_H

#include "lib/core/report.h"
#include "sim/log.h"

/*
 * The run is over. Drops the races that are to be kept quiet about, says the others in a line each,
 * and makes a run with one of them end with `race` unless something worse has ended it.
 */
void race_conclude(struct log *log);

enum { RACE_REPORT = 16384 };

/* Adds the whole report of a race: the line and what is known, in further lines. */
void race_describe(struct text *text, const struct log *log, const struct log_finding *finding);

/*
 * Reads a file of suppressions, in ThreadSanitizer's form: lines "race:PATTERN", or "race_top:..."
 * for the innermost function alone. Returns 0, or a negative errno with a line in `message`.
 */
int race_suppress(const char *path, char *message, size_t size);

/* Whether one of the patterns matches: a function, file or module of a call, or the variable. */
bool race_suppressed(const struct log_race *race);

#endif
