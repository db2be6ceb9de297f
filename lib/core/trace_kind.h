/*
 * trace_kind.h - tells a trace from other files by its first bytes, before SQLite sees it: SQLite
 * would play back a journal that lies beside a file, whosever it is.
 */
#ifndef CORE_TRACE_KIND_H
#define CORE_TRACE_KIND_H

#include <stdbool.h>
#include <stddef.h>

#define TRACE_APPLICATION 0x5049524Eu /* "PIRN" */
#define TRACE_FORMAT 1u

enum trace_use { TRACE_READ, TRACE_WRITE };

/*
 * Whether the file may be opened as a trace; with TRACE_WRITE that holds also for one that does not
 * exist, or is empty. Else one line in `message` says what it is and what to do. The file is opened
 * and closed, which would end the locks that this process has on it: not to be called while it is
 * in a transaction there.
 */
bool trace_kind_check(const char *path, enum trace_use use, char *message, size_t size);

#endif
