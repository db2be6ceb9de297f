/* test_random.c - pirn_random and pirn_choose. */
#include "tests/support.h"

enum { DRAWS = 20000 };

static void draw_bits(void *arg) {
    unsigned ones[64] = {0};
    uint64_t last = 0;
    (void)arg;
    for (int i = 0; i < DRAWS; i++) {
        uint64_t value = pirn_random();
        check(value != last);
        last = value;
        for (int bit = 0; bit < 64; bit++) ones[bit] += value >> bit & 1;
    }
    for (int bit = 0; bit < 64; bit++)
        check_shares(((unsigned[]){ones[bit], DRAWS - ones[bit]}), ((double[]){1, 1}), 2);
}

static void every_bit_is_set_half_the_time(void) { run_heavy(draw_bits, NULL); }

static void draw_choices(void *arg) {
    static const int counts[] = {2, 3, 7, 10};
    (void)arg;
    for (int k = 0; k < 4; k++) {
        unsigned seen[10] = {0};
        double shares[10];
        for (int i = 0; i < DRAWS; i++) {
            uint64_t value = pirn_choose((uint64_t)counts[k]);
            if (check(value < (uint64_t)counts[k])) seen[value]++;
        }
        for (int i = 0; i < counts[k]; i++) shares[i] = 1;
        check_shares(seen, shares, counts[k]);
    }
}

static void choices_are_uniform(void) { run_heavy(draw_choices, NULL); }

static void draw_at_the_limits(void *arg) {
    uint64_t large = 0, most = ((uint64_t)1 << 63) + 1;
    unsigned upper = 0;
    (void)arg;
    for (int i = 0; i < 100; i++) {
        check_equal(pirn_choose(0), 0);
        check_equal(pirn_choose(1), 0);
    }
    for (int i = 0; i < DRAWS; i++) {
        uint64_t value = pirn_choose(most);
        check(value < most);
        upper += value >= most / 2; /* a careless modulo would give the lower half too often */
        check(pirn_choose(UINT64_MAX) < UINT64_MAX);
        large |= pirn_choose(UINT64_MAX);
    }
    check_shares(((unsigned[]){upper, DRAWS - upper}), ((double[]){1, 1}), 2);
    check(large >> 48 == 0xffff);
}

static void choice_from_none_one_or_very_many(void) { run_heavy(draw_at_the_limits, NULL); }

struct first_values {
    pirn_waitgroup group;
    pirn_mutex mutex;
    uint64_t values[20];
    int count;
};

static void draw_one(void *arg) {
    struct first_values *f = arg;
    uint64_t value = pirn_random();
    pirn_mutex_lock(&f->mutex);
    f->values[f->count++] = value;
    pirn_mutex_unlock(&f->mutex);
}

static void draw_in_tasks(void *arg) {
    struct first_values f = {0};
    (void)arg;
    for (int i = 0; i < 20; i++) check_equal(pirn_waitgroup_go(&f.group, draw_one, &f), 0);
    pirn_waitgroup_wait(&f.group);
    for (int i = 0; i < 20; i++)
        for (int k = 0; k < i; k++) check(f.values[i] != f.values[k]);
}

static void tasks_draw_different_values(void) { run_body(draw_in_tasks, NULL); }

static void keep_one(void *arg) { *(uint64_t *)arg = pirn_random(); }

static void runs_draw_different_values(void) {
    uint64_t values[5];
    for (int i = 0; i < 5; i++) {
        CU_ASSERT_EQUAL(pirn_run(NULL, keep_one, &values[i]), 0);
        for (int k = 0; k < i; k++) CU_ASSERT_NOT_EQUAL(values[i], values[k]);
    }
}

static const struct test tests[] = {
    TEST_SECONDS(every_bit_is_set_half_the_time, 60),
    TEST_SECONDS(choices_are_uniform, 60),
    TEST_SECONDS(choice_from_none_one_or_very_many, 60),
    TEST(tasks_draw_different_values),
    TEST(runs_draw_different_values),
};

HARNESS(tests)
