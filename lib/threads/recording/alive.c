/* alive.c - see alive.h: a hash table of lists. */
#include "lib/threads/recording/alive.h"

#include <pthread.h>
#include <stdlib.h>

struct node {
    struct node *next;
    struct alive object;
};

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static struct node **slots;
static size_t count, room; /* a power of two, or 0 */

static struct node **slot(uint32_t number) { return &slots[number & (room - 1)]; }

static bool grow(void) {
    size_t before = room;
    struct node **old = slots, **larger = calloc(room ? 2 * room : 1024, sizeof(struct node *));
    if (!larger) return false;
    slots = larger;
    room = room ? 2 * room : 1024;
    for (size_t i = 0; i < before; i++) {
        for (struct node *node = old[i], *next; node; node = next) {
            struct node **to = slot(node->object.number);
            next = node->next;
            node->next = *to;
            *to = node;
        }
    }
    free(old);
    return true;
}

bool alive_add(const struct alive *object) {
    struct node *node = malloc(sizeof *node);
    bool done;
    if (!node) return false;
    node->object = *object;
    pthread_mutex_lock(&guard);
    done = count < room || grow();
    if (done) {
        struct node **to = slot(object->number);
        node->next = *to;
        *to = node;
        count++;
    }
    pthread_mutex_unlock(&guard);
    if (!done) free(node);
    return done;
}

bool alive_remove(uint32_t number, struct alive *object) {
    struct node *node = NULL;
    pthread_mutex_lock(&guard);
    for (struct node **link = room ? slot(number) : NULL; link && *link; link = &(*link)->next) {
        if ((*link)->object.number != number) continue;
        node = *link;
        *link = node->next;
        count--;
        break;
    }
    pthread_mutex_unlock(&guard);
    if (!node) return false;
    *object = node->object;
    free(node);
    return true;
}

void alive_empty(void (*visit)(const struct alive *object)) {
    pthread_mutex_lock(&guard);
    for (size_t i = 0; i < room; i++) {
        for (struct node *node = slots[i], *next; node; node = next) {
            next = node->next;
            visit(&node->object);
            free(node);
        }
    }
    free(slots);
    slots = NULL;
    count = room = 0;
    pthread_mutex_unlock(&guard);
}
