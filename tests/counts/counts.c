/*
 * counts.c - programs of which it is known how many classes of schedules they have, with atomics,
 * mutexes and channels: dpor makes one run of each. Compiled by `pirn cc`. Prints TAP.
 *
 * Argument: how much further than usual to go, 0 or more.
 */
#include <pirn-sim.h>
#include <pirn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST = 16 };

static int n;
static bool moving; /* atomics are elsewhere in each run, since none gives its memory back */
static atomic_int variables[MOST + 2], *cells = variables;
static pirn_waitgroup group;
static pirn_mutex mutex;
static pirn_chan *chan;
static int numbers[MOST + 2], under_lock;

static void start(pirn_fn *fn, int tasks) {
    for (int i = 0; i < tasks; i++) {
        numbers[i] = i;
        pirn_waitgroup_go(&group, fn, &numbers[i]);
    }
}

static void afresh(void) {
    cells = moving ? malloc(sizeof variables) : variables;
    if (!cells) abort();
    for (int i = 0; i < MOST + 2; i++) atomic_init(&cells[i], 0);
    group = (pirn_waitgroup){0};
    mutex = (pirn_mutex){0};
    under_lock = 0;
}

/* One writes what N others read. Each reads before it or after: 2^N. */
static void write_or_read(void *arg) {
    if (*(int *)arg == 0)
        atomic_store(&cells[0], 1);
    else
        (void)atomic_load(&cells[0]);
}
static void readers(void *arg) {
    (void)arg;
    afresh();
    start(write_or_read, n + 1);
    pirn_waitgroup_wait(&group);
}

/* N tasks store their neighbour's value plus one; one looks for the last zero, from the end:
 * (N + 3) 2^(N-2). */
static void last_or_add(void *arg) {
    int i = *(int *)arg;
    if (i == 0) {
        for (i = n; atomic_load(&cells[i]) != 0;) i--;
        return;
    }
    atomic_store(&cells[i], atomic_load(&cells[i - 1]) + 1);
}
static void lastzero(void *arg) {
    (void)arg;
    afresh();
    start(last_or_add, n + 1);
    pirn_waitgroup_wait(&group);
}

/* N tasks add to one: N!. */
static void add(void *arg) {
    (void)arg;
    atomic_fetch_add_explicit(&cells[0], 1, memory_order_relaxed);
}
static void adders(void *arg) {
    (void)arg;
    afresh();
    start(add, n);
    pirn_waitgroup_wait(&group);
    pirn_assert(atomic_load(&cells[0]) == n);
}

/* Each stores its own and loads its neighbour's. Not all N loads can come before the store that they
 * look for: 2^N - 1. */
static void store_and_load(void *arg) {
    int i = *(int *)arg;
    atomic_store(&cells[i], 1);
    (void)atomic_load(&cells[(i + 1) % n]);
}
static void ring(void *arg) {
    (void)arg;
    afresh();
    start(store_and_load, n);
    pirn_waitgroup_wait(&group);
}

/* N tasks exchange what they have seen for the first time: whoever does it is the only one, and the
 * others only look. So it matters who is first, and no more: N. */
static void try_to_be_first(void *arg) {
    int nobody = 0;
    atomic_compare_exchange_strong(&cells[0], &nobody, 1 + *(int *)arg);
}
static void one_of_many(void *arg) {
    (void)arg;
    afresh();
    start(try_to_be_first, n);
    pirn_waitgroup_wait(&group);
}

/* N tasks count, each twice: under a mutex and in an atomic, in orders of their own: N!^2. */
static void count_twice(void *arg) {
    (void)arg;
    pirn_mutex_lock(&mutex);
    under_lock++;
    pirn_mutex_unlock(&mutex);
    atomic_fetch_add(&cells[0], 1);
}
static void with_mutex(void *arg) {
    (void)arg;
    afresh();
    start(count_twice, n);
    pirn_waitgroup_wait(&group);
    pirn_assert(under_lock == n && atomic_load(&cells[0]) == n);
}

/* N tasks send, one receives all; one more stores what each of them has loaded before: N! orders of
 * the values, and each load before the store or after it, 2^N. */
static void load_and_send(void *arg) {
    int i = *(int *)arg;
    if (i == n) {
        atomic_store(&cells[0], 1);
        return;
    }
    (void)atomic_load(&cells[0]);
    pirn_send(chan, &i);
}
static void with_channel(void *arg) {
    int value;
    (void)arg;
    afresh();
    chan = pirn_chan_new(sizeof(int), (size_t)n);
    start(load_and_send, n + 1);
    for (int i = 0; i < n; i++) pirn_recv(chan, &value);
    pirn_waitgroup_wait(&group);
    pirn_chan_unref(chan);
}

/* N tasks count in memory of their own, which they allocate in any order: 1. */
static void count_alone(void *arg) {
    atomic_int *own = calloc(1, sizeof *own);
    (void)arg;
    if (!own) abort();
    atomic_fetch_add(own, 1);
    atomic_fetch_add(own, 1);
    if (!moving) free(own);
}
static void apart(void *arg) {
    (void)arg;
    afresh();
    start(count_alone, n);
    pirn_waitgroup_wait(&group);
}

/* ---- What they come to --------------------------------------------------------------------- */

static uint64_t power(int to) { return (uint64_t)1 << to; }
static uint64_t factorial(int of) { return of < 2 ? 1 : (uint64_t)of * factorial(of - 1); }

static uint64_t of_readers(void) { return power(n); }
static uint64_t of_lastzero(void) { return n == 1 ? 2 : (uint64_t)(n + 3) * power(n - 2); }
static uint64_t of_adders(void) { return factorial(n); }
static uint64_t of_ring(void) { return power(n) - 1; }
static uint64_t of_one_of_many(void) { return (uint64_t)n; }
static uint64_t of_mutex(void) { return factorial(n) * factorial(n); }
static uint64_t of_apart(void) { return 1; }
static uint64_t of_channel(void) { return factorial(n) * power(n); }

static const struct program {
    const char *name;
    pirn_fn *fn;
    uint64_t (*classes)(void);
    int least, most; /* N */
} programs[] = {
    {"readers", readers, of_readers, 1, 8},
    {"lastzero", lastzero, of_lastzero, 1, 7},
    {"adders", adders, of_adders, 1, 5},
    {"ring", ring, of_ring, 2, 8},
    {"one of many", one_of_many, of_one_of_many, 1, 8},
    {"with a mutex", with_mutex, of_mutex, 1, 3},
    {"with a channel", with_channel, of_channel, 1, 4},
    {"apart", apart, of_apart, 1, 6},
};

static int explore(const struct program *program, int number) {
    pirn_sim_options options = {.strategy = "dpor", .keep_going = true};
    pirn_sim_result result;
    int rc = pirn_sim_explore(&options, program->fn, NULL, &result);
    uint64_t classes = program->classes();
    int ok = rc == 0 && result.outcome == PIRN_OK && result.exhausted && result.runs == classes &&
             result.distinct == classes;
    printf("%s %d - %s, %d%s\n", ok ? "ok" : "not ok", number, program->name, n,
           moving ? ", on the heap" : "");
    if (!ok)
        printf("# expected %llu, got %llu runs, %llu distinct%s: %s\n", (unsigned long long)classes,
               (unsigned long long)result.runs, (unsigned long long)result.distinct,
               result.exhausted ? "" : ", not exhausted", result.message);
    pirn_sim_result_free(&result);
    fflush(stdout);
    return ok;
}

int main(int argc, char **argv) {
    int further = argc > 1 ? atoi(argv[1]) : 0, count = 0, failed = 0;
    for (int half = 0; half < 2; half++) {
        moving = half;
        for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
            for (n = programs[i].least; n <= programs[i].most + further && n <= MOST; n++)
                failed += !explore(&programs[i], ++count);
    }
    printf("1..%d\n", count);
    return failed ? 1 : 0;
}
