/*
 * published.c - a race that only a memory order makes: the box is published with a relaxed store.
 * On x86 it works by luck, whoever comes first.
 *
 *     pirn cc -O1 -o published published.c
 *     pirn explore --seed 1 ./published
 */
#include <pirn.h>
#include <stdatomic.h>
#include <stdlib.h>

struct box {
    int value;
};

static _Atomic(struct box *) shared;

static void publish(void *arg) {
    struct box *box = malloc(sizeof *box);
    (void)arg;
    box->value = 42;
    atomic_store_explicit(&shared, box, memory_order_relaxed); /* memory_order_release is right */
}

static void look(void *arg) {
    struct box *box = atomic_load_explicit(&shared, memory_order_acquire);
    (void)arg;
    if (box) pirn_assert(box->value == 42);
}

static void program(void *arg) {
    pirn_waitgroup group = {0};
    (void)arg;
    pirn_waitgroup_go(&group, publish, NULL);
    pirn_waitgroup_go(&group, look, NULL);
    pirn_waitgroup_wait(&group);
    free(atomic_load(&shared));
}

int main(void) { return pirn_run(NULL, program, NULL); }
