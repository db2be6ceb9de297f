/* label.c - names of objects: a table by address, in a balanced tree of the C library's. */
#include "lib/core/label.h"

#include <pthread.h>
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/engine.h"

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static void *tree;
struct label *label_newest;
static struct label *kept; /* the newest at label_keep */
static _Atomic size_t count;

/* So that freeing an object that has no label mostly asks no lock: a bit for each address that has
 * had one, which others share. */
static _Atomic uint64_t marks[16];

static int by_address(const void *a, const void *b) {
    uintptr_t x = (uintptr_t)((const struct label *)a)->object,
              y = (uintptr_t)((const struct label *)b)->object;
    return (x > y) - (x < y);
}

static unsigned mark_of(const void *object) {
    return (unsigned)((uintptr_t)object * UINT64_C(0x9e3779b97f4a7c15) >> 54);
}

static bool may_have(const void *object) {
    unsigned mark = mark_of(object);
    return atomic_load_explicit(&marks[mark / 64], memory_order_relaxed) >> mark % 64 & 1;
}

/* The lock is held. */
static void add_mark(const void *object) {
    unsigned mark = mark_of(object);
    atomic_fetch_or_explicit(&marks[mark / 64], UINT64_C(1) << mark % 64, memory_order_relaxed);
    atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
}

static void remove_mark(void) {
    if (atomic_fetch_sub_explicit(&count, 1, memory_order_relaxed) > 1) return;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        atomic_store_explicit(&marks[i], 0, memory_order_relaxed);
}

static struct label *find(const void *object) {
    struct label key = {.object = object}, **node = tfind(&key, &tree, by_address);
    return node ? *node : NULL;
}

EXPORT void pirn_label(const void *object, const char *format, ...) {
    char text[LABEL_SIZE];
    struct label *label;
    va_list ap;

    if (!object || !format) return;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);

    pthread_mutex_lock(&guard);
    label = find(object);
    if (!label && (label = calloc(1, sizeof *label))) {
        label->object = object;
        if (tsearch(label, &tree, by_address)) {
            label->next = label_newest;
            label_newest = label;
            add_mark(object);
        } else {
            free(label);
            label = NULL;
        }
    }
    if (label) memcpy(label->text, text, sizeof text);
    pthread_mutex_unlock(&guard);
    engine_label(object, text);
}

bool label_get(const void *object, char text[LABEL_SIZE]) {
    struct label *label;
    if (!may_have(object)) return false;
    pthread_mutex_lock(&guard);
    label = find(object);
    if (label) memcpy(text, label->text, LABEL_SIZE);
    pthread_mutex_unlock(&guard);
    return label != NULL;
}

/* Removes and frees; the lock is held. */
static void drop(struct label *label) {
    tdelete(label, &tree, by_address);
    remove_mark();
    free(label);
}

void label_forget(const void *object) {
    struct label *label, **link;
    if (!may_have(object)) return;
    pthread_mutex_lock(&guard);
    if ((label = find(object))) {
        for (link = &label_newest; *link != label; link = &(*link)->next) continue;
        *link = label->next;
        if (kept == label) kept = label->next;
        drop(label);
    }
    pthread_mutex_unlock(&guard);
}

void label_keep(void) {
    pthread_mutex_lock(&guard);
    kept = label_newest;
    pthread_mutex_unlock(&guard);
}

void label_restore(void) {
    if (!atomic_load_explicit(&count, memory_order_relaxed)) return;
    pthread_mutex_lock(&guard);
    while (label_newest != kept) {
        struct label *next = label_newest->next;
        drop(label_newest);
        label_newest = next;
    }
    pthread_mutex_unlock(&guard);
}
