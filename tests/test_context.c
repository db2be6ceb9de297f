/* test_context.c - switching stacks, and the stacks themselves; from the inside of libpirn. */
#include "lib/core/context.h"

#include <fenv.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "lib/core/sanitize.h"
#include "lib/core/stack.h"

enum { SIZE = 64 * 1024 };

static struct context home, away;
static struct fiber home_fiber, away_fiber;
static void *got_at_home, *got_away; /* what the last switch to there has passed */

/* Each switch with what the sanitizers must be told. */
static CONTEXT_BOUNDARY void go_away(void) {
    sanitize_leave(&home_fiber, &away_fiber, 0);
    got_at_home = context_switch(&home, &away, &away_fiber);
    sanitize_arrive(&home_fiber, NULL);
}

static CONTEXT_BOUNDARY void go_home(void) {
    sanitize_leave(&away_fiber, &home_fiber, 0);
    got_away = context_switch(&away, &home, &home_fiber);
    sanitize_arrive(&away_fiber, &home_fiber);
}

static char *prepare(context_entry *entry, void *arg) {
    char *stack = aligned_alloc(4096, SIZE);
    CU_ASSERT_PTR_NOT_NULL_FATAL(stack);
    sanitize_thread(&home_fiber);
    sanitize_stack(&away_fiber, stack, SIZE);
    context_init(&away, stack, SIZE, entry, arg, context_control());
    return stack;
}

static void finish(char *stack) {
    sanitize_stack_end(&away_fiber);
    free(stack);
}

static void *seen;
static int rounds;

static void count_rounds(void *arg, void *passed) {
    sanitize_arrive(&away_fiber, &home_fiber);
    got_away = passed;
    seen = arg;
    for (;;) {
        rounds++;
        go_home();
    }
}

static void entry_gets_its_argument(void) {
    int thing;
    char *stack = prepare(count_rounds, &thing);
    rounds = 0;
    go_away();
    CU_ASSERT_PTR_EQUAL(seen, &thing);
    CU_ASSERT_EQUAL(rounds, 1);
    CU_ASSERT_PTR_EQUAL(got_away, &away_fiber);
    CU_ASSERT_PTR_EQUAL(got_at_home, &home_fiber);
    got_away = NULL;
    go_away();
    CU_ASSERT_PTR_EQUAL(got_away, &away_fiber);
    finish(stack);
}

static void contexts_take_turns(void) {
    char *stack = prepare(count_rounds, NULL);
    rounds = 0;
    for (int i = 0; i < 100000; i++) go_away();
    CU_ASSERT_EQUAL(rounds, 100000);
    finish(stack);
}

static int on_its_own_stack;

static void look_at_stack(void *arg, void *passed) {
    (void)passed;
    char *stack = arg, local;
    sanitize_arrive(&away_fiber, &home_fiber);
    on_its_own_stack =
        (uintptr_t)&local >= (uintptr_t)stack && (uintptr_t)&local < (uintptr_t)stack + SIZE;
#if PIRN_ASAN
    on_its_own_stack = 1; /* locals may live elsewhere */
#endif
    /* A call that needs the alignment which the ABI promises. */
    {
        _Alignas(16) char aligned[16];
        on_its_own_stack = on_its_own_stack && (uintptr_t)aligned % 16 == 0;
    }
    go_home();
    abort();
}

static void entry_runs_on_its_stack(void) {
    char *stack = aligned_alloc(4096, SIZE);
    sanitize_thread(&home_fiber);
    sanitize_stack(&away_fiber, stack, SIZE);
    context_init(&away, stack, SIZE, look_at_stack, stack, context_control());
    go_away();
    CU_ASSERT(on_its_own_stack);
    finish(stack);
}

/* Enough values alive over a switch to fill every register that a call preserves, and others. */
static __attribute__((noinline)) uint64_t keep_values(void (*leave)(void), uint64_t seed) {
    uint64_t a[16];
    double d[16];
    uint64_t sum = 0;
    for (unsigned i = 0; i < 16; i++) {
        a[i] = seed * (2 * i + 1);
        d[i] = (double)(seed + i);
    }
    for (int turn = 0; turn < 100; turn++) {
        leave();
        for (unsigned i = 0; i < 16; i++) {
            a[i] += i;
            d[i] += 1;
        }
    }
    for (unsigned i = 0; i < 16; i++) sum += a[i] + (uint64_t)d[i];
    return sum;
}

static void do_nothing(void) {}

static void keep_values_away(void *arg, void *passed) {
    (void)passed;
    sanitize_arrive(&away_fiber, &home_fiber);
    for (;;) *(uint64_t *)arg = keep_values(go_home, 12345);
}

static void registers_are_kept(void) {
    uint64_t there = 0;
    char *stack = prepare(keep_values_away, &there);
    uint64_t expected = keep_values(do_nothing, 777);
    CU_ASSERT_EQUAL(keep_values(go_away, 777), expected);
    go_away(); /* the other one comes to its end */
    CU_ASSERT_EQUAL(there, keep_values(do_nothing, 12345));
    finish(stack);
}

static int rounding_there;

static void round_upward(void *arg, void *passed) {
    (void)passed;
    (void)arg;
    sanitize_arrive(&away_fiber, &home_fiber);
    fesetround(FE_UPWARD);
    go_home();
    rounding_there = fegetround();
    go_home();
    abort();
}

static void rounding_mode_goes_with_the_context(void) {
    char *stack = prepare(round_upward, NULL);
    CU_ASSERT_EQUAL(fesetround(FE_DOWNWARD), 0);
    go_away();
    CU_ASSERT_EQUAL(fegetround(), FE_DOWNWARD);
    go_away();
    CU_ASSERT_EQUAL(rounding_there, FE_UPWARD);
    CU_ASSERT_EQUAL(fegetround(), FE_DOWNWARD);
    fesetround(FE_TONEAREST);
    finish(stack);
}

/* ---- Stacks -------------------------------------------------------------------------------- */

static void stacks_are_used_again_last_in_first_out(void) {
    struct stack_pool pool;
    struct stack a, b, c;
    char *first, *second;
    stack_pool_init(&pool, SIZE);
    CU_ASSERT(stack_get(&pool, 0, &a));
    CU_ASSERT(stack_get(&pool, 0, &b));
    CU_ASSERT(a.size >= SIZE);
    CU_ASSERT_PTR_NOT_EQUAL(a.base, b.base);
    first = a.base;
    second = b.base;
    stack_put(&pool, &a);
    stack_put(&pool, &b);
    CU_ASSERT_PTR_NULL(b.base);
    CU_ASSERT(stack_get(&pool, 0, &c));
    CU_ASSERT_PTR_EQUAL(c.base, second);
    CU_ASSERT(stack_get(&pool, 0, &c));
    CU_ASSERT_PTR_EQUAL(c.base, first);
    stack_pool_end(&pool);
}

static void stacks_of_other_sizes(void) {
    struct stack_pool pool;
    struct stack small, large;
    stack_pool_init(&pool, SIZE);
    CU_ASSERT(stack_get(&pool, 1, &small));
    CU_ASSERT(small.size >= STACK_LEAST);
    CU_ASSERT(stack_get(&pool, 8 << 20, &large));
    CU_ASSERT_EQUAL(large.size, 8 << 20);
    memset(large.base, 1, large.size);
    memset(small.base, 1, small.size);
    CU_ASSERT_FALSE(stack_get(&pool, SIZE_MAX, &large) && large.size == 0);
    stack_put(&pool, &small);
    stack_pool_end(&pool);
}

static void touch(void *at) { *(volatile char *)at = 1; }

/* With the kernel's limits as they are: it is the last guards that go missing. */
static void last_of_100000_stacks_has_a_guard(void) {
    struct stack_pool pool;
    struct stack stack = {0};
    char *error;
    int status;
    stack_pool_init(&pool, STACK_LEAST);
    for (int i = 0; i < 100000; i++) CU_ASSERT_FATAL(stack_get(&pool, 0, &stack));
    touch(stack.base);
    CU_ASSERT(stack_in_guard(&stack, stack.base - 1));
    CU_ASSERT_FALSE(stack_in_guard(&stack, stack.base));
    if (stack.guarded) {
        status = harness_child(touch, stack.base - 1, &error);
        CU_ASSERT(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
        free(error);
    } else { /* a kernel that cannot make so many: then it is seen afterwards */
        CU_ASSERT_FALSE(stack_overflowed(&stack));
        memset(stack.base, 0, 64);
        CU_ASSERT(stack_overflowed(&stack));
    }
    stack_pool_end(&pool);
}

static const struct test tests[] = {
    TEST(entry_gets_its_argument),
    TEST(contexts_take_turns),
    TEST(entry_runs_on_its_stack),
    TEST(registers_are_kept),
    TEST(rounding_mode_goes_with_the_context),
    TEST(stacks_are_used_again_last_in_first_out),
    TEST(stacks_of_other_sizes),
    TEST_SECONDS(last_of_100000_stacks_has_a_guard, 60),
};

HARNESS(tests)
