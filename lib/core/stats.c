/* stats.c - what the engine has counted. */
#include <string.h>

#include "lib/core/engine.h"

EXPORT int pirn_stats(struct pirn_stats *stats) {
    int number = errno;
    if (!stats) return -EINVAL;
    memset(stats, 0, sizeof *stats);
    engine_stats(stats);
    errno = number;
    return 0;
}
