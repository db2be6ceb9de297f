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
static struct label *kept;   /* the newest at label_keep */
static _Atomic size_t count; /* so that freeing an object asks no lock where no labels are used */

static int by_address(const void *a, const void *b) {
    uintptr_t x = (uintptr_t)((const struct label *)a)->object,
              y = (uintptr_t)((const struct label *)b)->object;
    return (x > y) - (x < y);
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
            atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
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
    if (!atomic_load_explicit(&count, memory_order_relaxed)) return false;
    pthread_mutex_lock(&guard);
    label = find(object);
    if (label) memcpy(text, label->text, LABEL_SIZE);
    pthread_mutex_unlock(&guard);
    return label != NULL;
}

/* Removes and frees; the lock is held. */
static void drop(struct label *label) {
    tdelete(label, &tree, by_address);
    atomic_fetch_sub_explicit(&count, 1, memory_order_relaxed);
    free(label);
}

void label_forget(const void *object) {
    struct label *label, **link;
    if (!atomic_load_explicit(&count, memory_order_relaxed)) return;
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
