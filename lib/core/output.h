/* output.h - files that a user names to be written to. */
#ifndef CORE_OUTPUT_H
#define CORE_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * To be called before a file of that name is opened for writing. In folders like /tmp, which everyone
 * may write to and whose entries only their owners may remove, nothing is written to through what
 * somebody else has put there, as Linux itself has it where fs.protected_symlinks and
 * fs.protected_regular are set: a link anywhere in the path, and a file at its end, must belong to
 * the caller or to the owner of the folder. With `make`, a file that is not there is made in such a
 * folder, so that nobody can put a link in its place before it is opened. Returns false, and a
 * message of at most `size` bytes that names the path, if it must not be opened.
 */
bool output_claim(const char *path, bool make, char *message, size_t size);

#endif
