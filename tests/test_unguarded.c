/*
 * test_unguarded.c - stacks where the kernel lets no page be made inaccessible, or only in the older
 * ways: no guard pages that cost nothing, or none for many stacks at once.
 */
#include "tests/support.h"

#if !ASAN && !TSAN /* they watch stacks by themselves */
#include <dlfcn.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- What the kernel does not have ----------------------------------------------------------- */

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

static bool no_batches, no_light_guards, no_guards;
static _Atomic int refused;

static int refuse(void) {
    atomic_fetch_add(&refused, 1);
    errno = EINVAL;
    return -1;
}

int madvise(void *at, size_t size, int advice) {
    static int (*real)(void *, size_t, int);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "madvise");
    return no_light_guards && advice == MADV_GUARD_INSTALL ? refuse() : real(at, size, advice);
}

int mprotect(void *at, size_t size, int protection) {
    static int (*real)(void *, size_t, int);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "mprotect");
    return no_guards && protection == PROT_NONE ? refuse() : real(at, size, protection);
}

long syscall(long number, ...) {
    static long (*real)(long, ...);
    long a[6];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
    va_end(list);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "syscall");
    if (no_batches && number == SYS_pidfd_open) return refuse();
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* ---- Tasks ----------------------------------------------------------------------------------- */

enum { TASKS = 200, SMALL = 16384 };

static void nap(void *arg) {
    pirn_yield();
    atomic_fetch_add((atomic_int *)arg, 1);
}

static void start_many(void *arg) {
    pirn_attr large = {.stack_size = 1 << 20};
    pirn_waitgroup group = {0};
    atomic_int count = 0;
    (void)arg;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < TASKS; i++) check_equal(pirn_waitgroup_go(&group, nap, &count), 0);
        pirn_waitgroup_wait(&group);
    }
    check_equal(count, 3 * TASKS);
    check_equal(pirn_go_with(&large, nap, &count), 0);
    while (atomic_load(&count) == 3 * TASKS) pirn_yield();
}

/* All of it is written to. */
static __attribute__((noinline)) int use_up(long left) {
    volatile char here[256];
    for (size_t i = 0; i < sizeof here; i++) here[i] = (char)left;
    return left <= 0 ? here[255] : use_up(left - (long)sizeof here) + here[0];
}

static void use_too_much(void *arg) {
    (void)arg;
    use_up(SMALL + 2048); /* of the 16 KiB that are behind it, too */
    pirn_yield();
    pirn_sleep(PIRN_MSEC);
}

static void start_one_in(pirn_attr attr) {
    check_equal(pirn_go_with(&attr, use_too_much, NULL), 0);
    pirn_sleep(20 * PIRN_MSEC);
}

static void overflow_alone(void *arg) {
    (void)arg;
    start_one_in((pirn_attr){.stack_size = SMALL, .name = "glutton"});
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void run_many(const char *what) {
    pirn_config config = {.workers = 2};
    check_equal(pirn_run(&config, start_many, NULL), 0);
    check(atomic_load(&refused) > 0);
    conclude(what);
}

static void without_batches(void) {
    no_batches = true;
    run_many("no batches");
}

static void without_light_guards(void) {
    no_batches = no_light_guards = true;
    run_many("no light guards");
}

static void without_guards(void) {
    no_batches = no_light_guards = no_guards = true;
    run_many("no guards");
}

/* What no page stops is seen as soon as the task lets others run. */
static void overflow_is_seen_without_guards(void) {
    char *report;
    no_batches = no_light_guards = no_guards = true;
    report = abort_report(overflow_alone);
    check_contains(report,
                   "pirn: stack overflow: task 2 (glutton) has used up its stack of 16 KiB");
    check_contains(report, "pirn_attr.stack_size");
    free(report);
    conclude("overflow");
}

static const struct test tests[] = {
    TEST(without_batches),
    TEST(without_light_guards),
    TEST(without_guards),
    TEST(overflow_is_seen_without_guards),
};
#else
static void nothing_to_refuse(void) {}
static const struct test tests[] = {TEST(nothing_to_refuse)};
#endif

HARNESS(tests)
