/* strategy.c - the strategies there are, by name. */
#include "sim/strategy.h"

#include <string.h>

#include "lib/core/engine.h"
#include "sim/control.h"

extern struct strategy strategy_random, strategy_fifo;

struct strategy *const strategies[] = {&strategy_random, &strategy_fifo, NULL};

struct strategy *strategy_find(const char *name) {
    if (!name) return strategies[0];
    for (int i = 0; strategies[i]; i++)
        if (!strcmp(strategies[i]->name, name)) return strategies[i];
    return NULL;
}

EXPORT const char *pirn__strategy(size_t n, const char **summary) {
    for (size_t i = 0; i <= n; i++)
        if (!strategies[i]) return NULL;
    *summary = strategies[n]->summary;
    return strategies[n]->name;
}
