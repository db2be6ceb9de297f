/* test_interpose.c - functions of the C library that the simulator takes over: clocks, sleeping,
 * random numbers. A test that slept in real time would run into its time limit. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "tests/support.h"

static void explore(pirn_fn *fn, void *arg, uint64_t seed) {
    pirn_sim_options options = {.strategy = "random", .seed = seed, .runs = 1};
    pirn_sim_result result;
    check_equal(pirn_sim_explore(&options, fn, arg, &result), 0);
    check_equal(result.outcome, PIRN_OK);
    pirn_sim_result_free(&result);
}

/* ---- Time ---------------------------------------------------------------------------------- */

enum { HOUR = 3600 };

static int64_t ns_of(clockid_t clock) {
    struct timespec t;
    check_equal(clock_gettime(clock, &t), 0);
    return t.tv_sec * PIRN_SEC + t.tv_nsec;
}

static void sleep_for_hours(void *arg) {
    static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME,
                                       CLOCK_MONOTONIC_RAW, CLOCK_PROCESS_CPUTIME_ID};
    enum { CLOCKS = sizeof clocks / sizeof *clocks };
    int64_t before[CLOCKS], start = pirn_now(), slept;
    time_t seconds = time(NULL);
    clock_t ticks = clock();
    struct timeval day;
    struct timespec until, utc;
    (void)arg;
    for (int i = 0; i < CLOCKS; i++) before[i] = ns_of(clocks[i]);
    check_equal(sleep(HOUR), 0);
    check_equal(nanosleep(&(struct timespec){HOUR, 5}, NULL), 0);
    check_equal(usleep(7), 0);
    check_equal(clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){HOUR, 0}, NULL), 0);
    check_equal(clock_gettime(CLOCK_REALTIME, &until), 0);
    until.tv_sec += HOUR;
    check_equal(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL), 0);
    /* In the past. */
    check_equal(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL), 0);
    slept = 4 * HOUR * PIRN_SEC + 7005;
    check_equal(pirn_now() - start, slept);
    for (int i = 0; i < CLOCKS; i++) check_equal(ns_of(clocks[i]) - before[i], slept);
    check_equal(time(NULL) - seconds, 4 * HOUR);
    check_equal(clock() - ticks, slept / (PIRN_SEC / CLOCKS_PER_SEC));
    check_equal(gettimeofday(&day, NULL), 0);
    check_equal(day.tv_sec, time(NULL));
    check_equal(timespec_get(&utc, TIME_UTC), TIME_UTC);
    check_equal(utc.tv_sec, time(&seconds));
    check_equal(utc.tv_sec, seconds);
}

static void clocks_show_the_time_of_the_run(void) {
    for (uint64_t seed = 1; seed <= 20; seed++) explore(sleep_for_hours, NULL, seed);
    conclude("clocks");
}

static void read_calendar(void *arg) { *(int64_t *)arg = ns_of(CLOCK_REALTIME); }

static void calendar_is_the_same_in_every_run(void) {
    int64_t first, second;
    explore(read_calendar, &first, 1);
    explore(read_calendar, &second, 2);
    check_equal(first, second);
    conclude("calendar");
}

static void outside_of_runs_clocks_are_real(void) {
    struct timespec before, after;
    int64_t now;
    check_equal(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &before), 0);
    now = ns_of(CLOCK_MONOTONIC);
    check_equal(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &after), 0);
    check(now >= before.tv_sec * PIRN_SEC + before.tv_nsec);
    check(now <= after.tv_sec * PIRN_SEC + after.tv_nsec);
    conclude("real");
}

static void sleep_wrongly(void *arg) {
    int64_t start = pirn_now();
    (void)arg;
    errno = 0;
    check_equal(nanosleep(&(struct timespec){0, 1000000000}, NULL), -1);
    check_equal(errno, EINVAL);
    check_equal(clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){-1, 0}, NULL), EINVAL);
    check_equal(pirn_now(), start);
}

static void bad_times_are_refused(void) {
    explore(sleep_wrongly, NULL, 1);
    conclude("bad times");
}

struct order {
    int woken[2], count;
    pirn_waitgroup tasks;
};

static void sleep_long(void *arg) {
    struct order *order = arg;
    usleep(2000);
    order->woken[order->count++] = 2;
    pirn_waitgroup_done(&order->tasks);
}

static void sleep_short(void *arg) {
    struct order *order = arg;
    usleep(1000);
    order->woken[order->count++] = 1;
    pirn_waitgroup_done(&order->tasks);
}

static void sleep_both(void *arg) {
    struct order *order = arg;
    *order = (struct order){0};
    pirn_waitgroup_add(&order->tasks, 2);
    pirn_go(sleep_long, order);
    pirn_go(sleep_short, order);
    pirn_waitgroup_wait(&order->tasks);
}

/* A task that sleeps lets others go on, and which of two wakes first may depend on which began
 * first; so both orders come up. */
static void sleeping_lets_others_go_on(void) {
    struct order order;
    int first[3] = {0};
    for (uint64_t seed = 1; seed <= 200; seed++) {
        explore(sleep_both, &order, seed);
        check_equal(order.count, 2);
        first[order.woken[0]]++;
    }
    check(first[1] > 0 && first[2] > 0);
    conclude("sleeping");
}

/* ---- Random numbers ------------------------------------------------------------------------ */

struct drawn {
    int rand;
    long random;
    unsigned char some[37], few[5];
#if __GLIBC_PREREQ(2, 36)
    uint32_t word, below;
    unsigned char bytes[11];
#endif
};

static void draw(void *arg) {
    unsigned char many[257];
    struct drawn *drawn = arg;
    memset(drawn, 0, sizeof *drawn);
    drawn->rand = rand();
    drawn->random = random();
    check(drawn->rand >= 0 && drawn->rand <= RAND_MAX && drawn->random >= 0);
    check_equal(getrandom(drawn->some, sizeof drawn->some, 0), sizeof drawn->some);
    check_equal(getentropy(drawn->few, sizeof drawn->few), 0);
    check_equal(getentropy(many, sizeof many), -1);
#if __GLIBC_PREREQ(2, 36)
    drawn->word = arc4random();
    drawn->below = arc4random_uniform(10);
    check(drawn->below < 10);
    arc4random_buf(drawn->bytes, sizeof drawn->bytes);
#endif
}

static void random_numbers_are_of_the_schedule(void) {
    struct drawn first, again, other;
    explore(draw, &first, 1);
    explore(draw, &again, 1);
    explore(draw, &other, 2);
    check(!memcmp(&first, &again, sizeof first));
    check(first.rand != other.rand && first.random != other.random);
    check(memcmp(first.some, other.some, sizeof first.some) != 0);
    check(memcmp(first.few, other.few, sizeof first.few) != 0);
#if __GLIBC_PREREQ(2, 36)
    check(first.word != other.word);
    check(memcmp(first.bytes, other.bytes, sizeof first.bytes) != 0);
#endif
    conclude("random");
}

static void draw_and_panic(void *arg) {
    struct drawn *drawn = arg;
    draw(arg);
    pirn_panic("%d", drawn->rand);
}

static void random_numbers_are_replayed(void) {
    pirn_sim_options options = {.seed = 3, .runs = 1};
    pirn_sim_result result, again;
    struct drawn first, second;
    check_equal(pirn_sim_explore(&options, draw_and_panic, &first, &result), 0);
    options = (pirn_sim_options){.replay = result.schedule};
    if (check(result.schedule != NULL)) {
        check_equal(pirn_sim_explore(&options, draw_and_panic, &second, &again), 0);
        check_equal(again.outcome, PIRN_PANIC);
        check(!memcmp(&first, &second, sizeof first));
        pirn_sim_result_free(&again);
    }
    pirn_sim_result_free(&result);
    conclude("replayed");
}

enum { SEQUENCE = 20 };

static void draw_seeded(void *arg) {
    int *values = arg;
    srand(7);
    for (int i = 0; i < SEQUENCE; i++) values[i] = rand();
}

/* Who chooses a seed wants the sequence that goes with it. */
static void a_seed_of_the_program_is_obeyed(void) {
    int inside[SEQUENCE], outside[SEQUENCE];
    draw_seeded(outside);
    explore(draw_seeded, inside, 1);
    check(!memcmp(inside, outside, sizeof inside));
    conclude("seeded");
}

static const struct test tests[] = {
    TEST(clocks_show_the_time_of_the_run), TEST(calendar_is_the_same_in_every_run),
    TEST(outside_of_runs_clocks_are_real), TEST(bad_times_are_refused),
    TEST(sleeping_lets_others_go_on),      TEST(random_numbers_are_of_the_schedule),
    TEST(random_numbers_are_replayed),     TEST(a_seed_of_the_program_is_obeyed),
};

HARNESS(tests)
