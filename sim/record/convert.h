/* convert.h - makes a trace of a recording (lib/core/recording.h). */
#ifndef RECORD_CONVERT_H
#define RECORD_CONVERT_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the file is a recording, also one of which the beginning is damaged. */
bool recording_is(const char *path);

/* Whether it is a recording of another format: then what is to be said is in `message`. */
bool recording_is_foreign(const char *path, char *message, size_t size);

/*
 * Adds the runs of a recording to a trace, which is created if it is not there. `ended`: no process
 * writes the recording any more. Returns 0, or a negative errno after writing one line into
 * `message`; nothing has been done after -ENODATA: it holds no run, and -EBADMSG: it is damaged, and
 * no step of a run can be read. `*damaged` tells whether it is not as a program has written it: then
 * with 0 and -EBADMSG `message` says how much can be read, in the words behind "the recording is
 * damaged: ".
 */
int recording_convert(const char *recording, const char *trace, bool ended, bool *damaged,
                      char *message, size_t size);

#endif
