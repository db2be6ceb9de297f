/* program.h - which program this is: its file, its build, its arguments. For the table `program`
 * of a trace. */
#ifndef CORE_PROGRAM_H
#define CORE_PROGRAM_H

#include <stdint.h>

enum { PROGRAM_BUILD_ID = 129 }; /* bytes of a build id as text, with the NUL */

/* Returns the absolute path of the running executable, "" when it cannot be told. The string is
 * static. */
const char *program_path(void);

/* Returns what tells this build of the running executable from another, as program_build_id_of.
 * The string is static. */
const char *program_build_id(void);

/* Returns a number made of a build id; that of the running executable's. */
uint32_t program_fingerprint_of(const char *build_id);
uint32_t program_fingerprint(void);

/* Returns the arguments of this process as a JSON array of strings, its name first; free() frees
 * it. NULL: no memory. */
char *program_arguments(void);

/*
 * Writes what tells one build of an executable file from another: the linker's build id in
 * hexadecimal, else, with "fnv1a:" before it, a hash of the file. Returns 0 or a negative errno,
 * with `id` "".
 */
int program_build_id_of(const char *path, char id[PROGRAM_BUILD_ID]);

#endif
