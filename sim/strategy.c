/* strategy.c - the strategies there are, by name, and what several of them do alike. */
#include "sim/strategy.h"

#include <stdlib.h>
#include <string.h>

#include "lib/core/engine.h"
#include "sim/control.h"
#include "sim/random.h"
#include "sim/strategies.h"

struct strategy *const strategies[] = {&strategy_portfolio, &strategy_random, &strategy_pct,
                                       &strategy_pos,       &strategy_surw,   &strategy_dfs,
                                       &strategy_dpor,      &strategy_fifo,   NULL};

/* ---- By name ------------------------------------------------------------------------------- */

bool strategy_has_depth(const struct strategy *strategy, int depth) {
    return depth >= (strategy->bounded ? 0 : 1) && strategy->most_depth &&
           depth <= strategy->most_depth;
}

/* Reads ":depth=N". */
static bool read_depth(const struct strategy *strategy, const char *text, int *depth) {
    static const char word[] = ":depth=";
    char *end;
    long value;
    if (strncmp(text, word, sizeof word - 1) != 0) return false;
    text += sizeof word - 1;
    if (*text < '0' || *text > '9') return false;
    value = strtol(text, &end, 10);
    if (*end || value > MOST_DEPTH) return false;
    *depth = (int)value;
    return strategy_has_depth(strategy, *depth);
}

struct strategy *strategy_find(const char *name) {
    if (!name) name = strategies[0]->name;
    for (int i = 0; strategies[i]; i++) {
        struct strategy *strategy = strategies[i];
        size_t length = strcspn(name, ":");
        int depth = strategy->bounded ? -1 : DEFAULT_DEPTH;
        if (strlen(strategy->name) != length || strncmp(strategy->name, name, length) != 0)
            continue;
        if (name[length] && !read_depth(strategy, name + length, &depth)) return NULL;
        strategy->depth = depth;
        return strategy;
    }
    return NULL;
}

EXPORT const char *pirn__strategy(size_t n, const char **summary) {
    for (size_t i = 0; i <= n; i++)
        if (!strategies[i]) return NULL;
    *summary = strategies[n]->summary;
    return strategies[n]->name;
}

EXPORT bool pirn__strategy_ends(const char *name) {
    const struct strategy *strategy = strategy_find(*name ? name : NULL);
    return strategy && strategy->ends;
}

EXPORT int pirn__strategy_check(const char *name) { return strategy_find(name) ? 0 : -EINVAL; }

/* ---- What several of them do alike --------------------------------------------------------- */

void strategy_start(struct strategy *strategy) {
    if (strategy->start) strategy->start(strategy);
}

void strategy_seed(struct strategy *strategy, uint64_t seed) {
    strategy->state[0] = seed;
    /* Seeds that follow each other must not give sequences that overlap. */
    strategy->state[0] = random_next(&strategy->state[0]);
}

uint64_t strategy_pick(struct strategy *strategy, uint64_t n) {
    return random_below(&strategy->state[0], n);
}

uint64_t strategy_draw(struct strategy *strategy) { return random_next(&strategy->state[0]); }
