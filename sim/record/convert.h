/* convert.h - makes a trace of a recording (format.h). */
#ifndef RECORD_CONVERT_H
#define RECORD_CONVERT_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the file is a recording. */
bool recording_is(const char *path);

/*
 * Adds the runs of a recording to a trace, which is created if it is not there. `ended`: no process
 * writes the recording any more. Returns 0, or a negative errno after writing one line into
 * `message`.
 */
int recording_convert(const char *recording, const char *trace, bool ended, char *message,
                      size_t size);

#endif
