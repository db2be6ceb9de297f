/* locks.c - rows about mutexes. */
#include "tests/bench/bench.h"

static pirn_mutex mutex;
static uint64_t counter; /* guarded by the mutex */

static void lock_often(void *arg) {
    uint64_t each = *(uint64_t *)arg;
    for (uint64_t i = 0; i < each; i++) {
        pirn_mutex_lock(&mutex);
        counter++;
        pirn_mutex_unlock(&mutex);
    }
}

static pirn_rwmutex rwmutex;
static uint64_t one = 1; /* guarded by the rwmutex */
static atomic_ullong read_sum;

static void read_often(void *arg) {
    uint64_t each = *(uint64_t *)arg, sum = 0;
    for (uint64_t i = 0; i < each; i++) {
        pirn_rwmutex_rlock(&rwmutex);
        sum += one;
        pirn_rwmutex_runlock(&rwmutex);
    }
    atomic_fetch_add(&read_sum, sum);
}

static void run_tasks(struct bench *b, pirn_fn *fn, uint64_t tasks) {
    uint64_t each = b->count / tasks;
    pirn_waitgroup group = {0};

    bench_start(b);
    for (uint64_t i = 0; i < tasks; i++) bench_go(&group, fn, &each, sizeof each);
    pirn_waitgroup_wait(&group);
    bench_stop(b, tasks * each);
}

static void mutex_of_tasks(struct bench *b, uint64_t tasks) {
    run_tasks(b, lock_often, tasks);
    bench_expect(counter, b->units);
}

static void rwmutex_of_tasks(struct bench *b, uint64_t tasks) {
    run_tasks(b, read_often, tasks);
    bench_expect(read_sum, b->units);
}

static void mutex_1(struct bench *b) { mutex_of_tasks(b, 1); }
static void mutex_8(struct bench *b) { mutex_of_tasks(b, 8); }
static void rdlock_1(struct bench *b) { rwmutex_of_tasks(b, 1); }
static void rdlock_8(struct bench *b) { rwmutex_of_tasks(b, 8); }

const struct row bench_locks[] = {
    {"mutex", "ns/pair", WALL, false, 500000, 1000, mutex_1},
    {"mutex_8", "ns/pair", WALL, false, 100000, 1000, mutex_8},
    {"rdlock", "ns/pair", WALL, false, 500000, 1000, rdlock_1},
    {"rdlock_8", "ns/pair", WALL, false, 100000, 1000, rdlock_8},
    {0},
};
