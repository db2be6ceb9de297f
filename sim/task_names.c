/* task_names.c - see task_names.h. The wishes are counted in a hash table; each knows how far
 * its numbers have come. */
#include "sim/task_names.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = TASK_NAME - 24 }; /* of a base, so that a dot and a number fit behind it */

struct wish {
    const char *base; /* NULL: a free slot */
    size_t length;
    size_t tasks;  /* that share it */
    uint64_t last; /* the last number given out */
};

struct task_names {
    const char *const *base;
    size_t mask;
    struct wish wishes[];
};

/* Of a base, as far as it is used. */
static size_t length_of(const char *base) {
    size_t length = 0;
    while (length < LONGEST && base[length]) length++;
    return length;
}

static struct wish *find(struct task_names *names, const char *base, size_t length) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)base[i]) * 0x100000001b3u;
    size_t slot = (size_t)(hash ^ hash >> 29) & names->mask;
    struct wish *wish = &names->wishes[slot];
    while (wish->base && (wish->length != length || memcmp(wish->base, base, length)))
        wish = &names->wishes[slot = (slot + 1) & names->mask];
    wish->length = length;
    return wish;
}

struct task_names *task_names_new(const char *const *base, size_t count) {
    size_t slots = 16;
    while (slots < 2 * count + 2) slots *= 2;
    struct task_names *names = calloc(1, sizeof *names + slots * sizeof *names->wishes);
    if (!names) return NULL;
    names->base = base;
    names->mask = slots - 1;
    /* Main's name is taken even where its function is called otherwise. */
    struct wish *wish = find(names, "main", 4);
    wish->base = "main";
    wish->tasks = 2;
    for (size_t i = 1; i < count; i++) {
        wish = find(names, base[i], length_of(base[i]));
        wish->base = base[i];
        wish->tasks++;
    }
    return names;
}

void task_names_free(struct task_names *names) { free(names); }

void task_names_next(struct task_names *names, size_t i, char name[TASK_NAME]) {
    const char *base = i == 0 ? "main" : names->base[i];
    int length = (int)length_of(base);
    struct wish *wish = find(names, base, (size_t)length), *other;
    memcpy(name, base, (size_t)length);
    name[length] = '\0';
    if (i == 0 || wish->tasks == 1) return;
    /* A number is left out where somebody wants "worker.2" as a name of its own. */
    do {
        snprintf(name + length, (size_t)(TASK_NAME - length), ".%llu",
                 (unsigned long long)++wish->last);
        other = find(names, name, strlen(name));
    } while (other->base && strlen(name) <= LONGEST);
}
