/* file.h - the file of a recording, which several processes may write at the same time. */
#ifndef RECORD_FILE_H
#define RECORD_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Opens or creates the recording at `path`; beside it, with RECORDING_SUFFIX, where a trace is there
 * already. While it is open nobody makes a trace of it. Returns 0, or a negative errno after
 * writing one line into `message`.
 */
int file_open(const char *path, char *message, size_t size);

/* Adds a block of zeros, at `*place`, and maps it; NULL: it cannot be had, and `message` tells
 * why. */
unsigned char *file_add_block(off_t *place, char *message, size_t size);

/* Maps the block at `place` once more; NULL: that cannot be. Async-signal-safe. */
unsigned char *file_map_block(off_t place);

/* Adds `size` bytes, padded to a block. Returns whether that was possible. Async-signal-safe. */
bool file_add(const void *bytes, size_t size);

/* In a process that has been forked: leaves the file to the other one. */
void file_forget(void);

#endif
