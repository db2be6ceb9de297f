/* lock.c - model: the lock of objects and queues, itself (lib/threads/lock.h, lock.c). */
#include "lib/threads/lock.c"

static uint32_t lock;
static int counter;

static void count(void *arg) {
    (void)arg;
    threads_lock(&lock);
    counter++;
    threads_unlock(&lock);
}

static void try(void *arg) {
    (void)arg;
    if (!threads_trylock(&lock)) return;
    counter++;
    threads_unlock(&lock);
}

static void two(void) {
    model_thread(count, NULL);
    model_thread(count, NULL);
    model_join_all();
    model_check(counter == 2);
}

static void three(void) {
    model_thread(count, NULL);
    model_thread(count, NULL);
    model_thread(try, NULL);
    model_join_all();
    model_check(counter == 2 || counter == 3);
}

const struct model_case model_cases[] = {{"two", two}, {"three", three}, {NULL, NULL}};
