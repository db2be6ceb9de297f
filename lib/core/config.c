/* config.c - pirn_config and the environment. */
#include "lib/core/config.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MOST_WORKERS = 1024, STACK_DEFAULT = 256 * 1024 };

#define MOST_STACK (LONG_MAX / 4)

/* Reads a number from the environment; leaves `*value` alone if it is not set. */
static int from_environment(const char *name, long most, const char *range, long *value) {
    const char *text = getenv(name);
    int before = errno;
    long number;
    char *end;

    if (!text || !*text) return 0;
    errno = 0;
    number = strtol(text, &end, 10);
    if (errno || *end || number < 1 || number > most) {
        fprintf(stderr, "pirn: %s is \"%s\", which is not %s\n", name, text, range);
        errno = before;
        return -EINVAL;
    }
    errno = before;
    *value = number;
    return 0;
}

static int processors(void) {
    cpu_set_t set;
    long count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set)
                                                             : sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > MOST_WORKERS ? MOST_WORKERS : (int)count;
}

int config_resolve(const pirn_config *given, pirn_config *config) {
    long workers = given ? given->workers : 0, stack;
    int rc;

    if (workers < 0 || workers > MOST_WORKERS || (given && given->stack_size > MOST_STACK))
        return -EINVAL;
    stack = given ? (long)given->stack_size : 0;
    if (!workers &&
        (rc = from_environment("PIRN_WORKERS", MOST_WORKERS, "a number from 1 to 1024", &workers)))
        return rc;
    if (!stack &&
        (rc = from_environment("PIRN_STACK_SIZE", MOST_STACK, "a number of bytes", &stack)))
        return rc;
    config->workers = workers ? (int)workers : processors();
    config->stack_size = stack ? (size_t)stack : STACK_DEFAULT;
    config->max_tasks = given ? given->max_tasks : 0;
    return 0;
}
