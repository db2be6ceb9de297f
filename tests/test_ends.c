/* test_ends.c - the ends of runs while workers and the monitor come and go. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/threads/runtime.h"
#include "tests/harness.h"

/* How many threads the process has, as the kernel counts. */
static int count_threads(void) {
    char line[200];
    int count = -1;
    FILE *file = fopen("/proc/self/status", "r");
    if (!file) return -1;
    while (fgets(line, sizeof line, file)) sscanf(line, "Threads: %d", &count);
    fclose(file);
    return count;
}

/* One that has been joined may still be on its way out. */
static bool only_these_threads(int count) {
    for (int i = 0; i < 1000 && count_threads() > count; i++) usleep(1000);
    return count_threads() <= count;
}

/* ---- Workers that retire --------------------------------------------------------------------- */

static void yield_for_ever(void *arg) {
    (void)arg;
    for (;;) pirn_yield();
}

static void end_as_one_retires(void *arg) {
    atomic_int *spins = arg;
    pirn_go(yield_for_ever, NULL);
    pirn_go(yield_for_ever, NULL);
    for (int i = 0; i < 3; i++) pirn_yield();
    /* As the monitor does, when one more is running than there should be. */
    atomic_store(&runtime.surplus, 1);
    for (int i = atomic_fetch_add(spins, 1) % 64; i; i--) __asm__ volatile("");
}

/* A worker that retires just as the run ends is told that it has ended. */
static void run_ends_while_a_worker_retires(void) {
    pirn_config config = {.workers = 3};
    atomic_int spins = 0;
    for (int i = 0; i < 3000; i++)
        CU_ASSERT_EQUAL(pirn_run(&config, end_as_one_retires, &spins), 0);
}

/* ---- The monitor ----------------------------------------------------------------------------- */

static void nothing(void *arg) { (void)arg; }

static void start_one(void *arg) {
    (void)arg;
    pirn_go(nothing, NULL);
}

static void end_soon(void *arg) {
    (void)arg;
    /* Another worker starts the first task, and with it the monitor, as this one ends the run. */
    pirn_timer_func(1, start_one, NULL);
    for (int i = 0; i < 2; i++) pirn_yield();
}

static void monitor_ends_with_its_run(void) {
    pirn_config config = {.workers = 2};
    int before = count_threads();
    for (int i = 0; i < 3000; i++) CU_ASSERT_EQUAL(pirn_run(&config, end_soon, NULL), 0);
    CU_ASSERT(only_these_threads(before + PIRN_TSAN)); /* which starts one of its own */
}

#if !PIRN_ASAN && !PIRN_TSAN /* they have a pthread_create of their own */
/* ---- No more threads ------------------------------------------------------------------------- */

static _Atomic bool refuse;
static _Atomic int refused;

/* In place of the C library's, which the runtime calls. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
                   void *arg) {
    static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (atomic_load(&refuse)) {
        atomic_fetch_add(&refused, 1);
        return EAGAIN;
    }
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    return real(thread, attr, start, arg);
}

static size_t hoarded;

static void spin_alone(void *arg) {
    (void)arg;
    pirn_go(nothing, NULL); /* waits for a worker */
    hoarded = runtime.stacks.hoarded;
    atomic_store(&refuse, true);
    while (atomic_load(&refused) < 20) continue;
    hoarded = runtime.stacks.hoarded - hoarded;
    atomic_store(&refuse, false);
}

/* Stacks are put by for each worker; not for those that could not be started. */
static void refused_workers_cost_nothing(void) {
    pirn_config config = {.workers = 1};
    CU_ASSERT_EQUAL(pirn_run(&config, spin_alone, NULL), 0);
    CU_ASSERT_EQUAL(hoarded, 0);
}
#endif

static const struct test tests[] = {
    TEST_SECONDS(run_ends_while_a_worker_retires, 60),
    TEST_SECONDS(monitor_ends_with_its_run, 60),
#if !PIRN_ASAN && !PIRN_TSAN
    TEST(refused_workers_cost_nothing),
#endif
};

HARNESS(tests)
