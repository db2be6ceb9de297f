/*
 * races.h - small programs, each with what is known to be found in it: a race, or nothing.
 *
 * A case begins with RACE(name), CLEAN(name) or MISUSE(name) and its body, which is a main function
 * of its own and sets up all of its state, but for objects that are ANEW in each run. Most come in
 * twins: the race-free one differs by what orders the accesses.
 */
#ifndef TESTS_RACES_RACES_H
#define TESTS_RACES_RACES_H

#include <pirn.h>
#include <pirn-sim.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct race_case {
    const char *name;
    pirn_outcome outcome;
    pirn_fn *fn;
    struct race_case *next;
};

void race_case_add(struct race_case *one);

#define RACE_CASE(name, outcome)                                                               \
    static void name(void *arg);                                                               \
    static struct race_case name##_case = {#name, outcome, name, NULL};                        \
    __attribute__((constructor)) static void name##_add(void) { race_case_add(&name##_case); } \
    static void name(__attribute__((unused)) void *arg)

/* An object of pirn.h, which a run may leave in any state. */
struct race_object {
    void *at;
    size_t size;
    struct race_object *next;
};

void race_object_add(struct race_object *one);

#define ANEW(object)                                                               \
    static struct race_object object##_object = {&(object), sizeof(object), NULL}; \
    __attribute__((constructor)) static void object##_add(void) {                  \
        race_object_add(&object##_object);                                         \
    }

#define RACE(name) RACE_CASE(name, PIRN_RACE)
#define CLEAN(name) RACE_CASE(name, PIRN_OK)
#define MISUSE(name) RACE_CASE(name, PIRN_MISUSE)

/* The function of a task. */
#define TASK(name) static void name(__attribute__((unused)) void *arg)

/* Runs two tasks, and waits for them. */
static inline void both(pirn_fn *one, pirn_fn *other) {
    static pirn_waitgroup group;
    group = (pirn_waitgroup){0};
    pirn_waitgroup_go(&group, one, NULL);
    pirn_waitgroup_go(&group, other, NULL);
    pirn_waitgroup_wait(&group);
}

/* The same with three. */
static inline void all_three(pirn_fn *one, pirn_fn *other, pirn_fn *third) {
    static pirn_waitgroup group;
    group = (pirn_waitgroup){0};
    pirn_waitgroup_go(&group, one, NULL);
    pirn_waitgroup_go(&group, other, NULL);
    pirn_waitgroup_go(&group, third, NULL);
    pirn_waitgroup_wait(&group);
}

/* What is read is used, whatever the compiler thinks of it. */
static inline void use(long value) { __asm__ volatile("" : : "r"(value)); }

#endif
