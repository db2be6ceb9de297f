/* trace_file.h - opens a file as a trace, and puts into words what goes wrong with one. */
#ifndef SIM_TRACE_FILE_H
#define SIM_TRACE_FILE_H

#include <sqlite3.h>
#include <stddef.h>

#include "lib/core/trace_kind.h"

/*
 * Opens the trace; with TRACE_WRITE it is created where there is none, or an empty file. Returns
 * NULL after writing one line into `message` that says what is wrong and what to do, and -ENOMEM,
 * -EINVAL (it is no such trace) or -EIO to `*error`.
 */
sqlite3 *trace_file_open(const char *path, enum trace_use use, char *message, size_t size,
                         int *error);

/* Writes one line about the last failure of `db`, with SQLite's code for it. Returns -ENOMEM or
 * -EIO. */
int trace_file_explain(sqlite3 *db, int code, const char *path, char *message, size_t size);

#endif
