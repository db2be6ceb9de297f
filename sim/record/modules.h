/* modules.h - the places of another process, which may have ended: addresses to source lines, by the
 * files that were mapped there. */
#ifndef RECORD_MODULES_H
#define RECORD_MODULES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/core/symbol.h"

struct modules;

struct modules *modules_new(void); /* NULL: no memory */
void modules_free(struct modules *modules);

/* A file whose addresses were `bias` more than it says, in all from `start` to `end`. With `known`
 * false it is not as it was: its lines are not told. Returns false when memory is short. */
bool modules_add(struct modules *modules, const char *path, uint64_t bias, uint64_t start,
                 uint64_t end, bool known);

/* As symbol_resolve. The strings stay until modules_free. */
void modules_resolve(struct modules *modules, const void *return_address, struct symbol *symbol);

#endif
