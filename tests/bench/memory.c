/*
 * memory.c - programs that do little but access memory, and one that is all synchronisation: what it
 * costs to look for races. Prints the seconds that the one named took, or for `counter` the runs a
 * second. What is computed is checked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifdef WITH_PIRN
#include <pirn-sim.h>
#include <pirn.h>
#endif

static const char *wanted;
static double seconds;

/* The real time, in a simulated run as well. */
static double now(void) {
    struct timespec time;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void must(int ok, const char *what) {
    if (ok) return;
    fprintf(stderr, "%s: wrong result\n", what);
    exit(1);
}

/* ---- The product of two matrices ----------------------------------------------------------- */

enum { N = 600 }; /* more than fits into the nearest caches */
static double a[N][N], b[N][N], c[N][N];

static void matrix(void) {
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) a[i][j] = i == j ? 2 : 0, b[i][j] = i + j;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            double sum = 0;
            for (int k = 0; k < N; k++) sum += a[i][k] * b[k][j];
            c[i][j] = sum;
        }
    must(c[7][11] == 36, "matrix");
}

/* ---- A sort -------------------------------------------------------------------------------- */

enum { SORTED = 1000000 };
static int numbers[SORTED];

static void quicksort(int *from, int count) {
    int pivot = from[count / 2], i = 0, j = count - 1;
    while (i <= j) {
        while (from[i] < pivot) i++;
        while (from[j] > pivot) j--;
        if (i <= j) {
            int swapped = from[i];
            from[i++] = from[j];
            from[j--] = swapped;
        }
    }
    if (j > 0) quicksort(from, j + 1);
    if (i < count - 1) quicksort(from + i, count - i);
}

static void sort(void) {
    unsigned x = 1;
    for (int i = 0; i < SORTED; i++) numbers[i] = (int)((x = x * 1103515245 + 12345) >> 1);
    quicksort(numbers, SORTED);
    for (int i = 1; i < SORTED; i++) must(numbers[i - 1] <= numbers[i], "sort");
}

/* ---- A hash table -------------------------------------------------------------------------- */

enum { KEYS = 1000000, SLOTS = 1 << 21 };
static unsigned long slots[SLOTS];

static unsigned long *slot_of(unsigned long key) {
    size_t slot = key * 0x9e3779b97f4a7c15u >> 43;
    while (slots[slot] && slots[slot] != key) slot = (slot + 1) % SLOTS;
    return &slots[slot];
}

static void hash(void) {
    unsigned long x = 1, found = 0;
    for (int i = 0; i < KEYS; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        *slot_of(x | 1) = x | 1;
    }
    x = 1;
    for (int i = 0; i < KEYS; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        found += *slot_of(x | 1) == (x | 1);
    }
    must(found == KEYS, "hash");
}

/* ---- Three tasks and a counter ------------------------------------------------------------- */

#ifdef WITH_PIRN
static int counter;
static pirn_mutex mutex;
static pirn_waitgroup group;

static void add(void *arg) {
    (void)arg;
    pirn_mutex_lock(&mutex);
    counter++;
    pirn_mutex_unlock(&mutex);
}

static void count(void *arg) {
    (void)arg;
    counter = 0;
    mutex = (pirn_mutex){0};
    group = (pirn_waitgroup){0};
    for (int i = 0; i < 3; i++) pirn_waitgroup_go(&group, add, NULL);
    pirn_waitgroup_wait(&group);
    pirn_assert(counter == 3);
}

static void explore(void) {
    pirn_sim_options options = {.strategy = "random", .seed = 1, .runs = 100000};
    pirn_sim_result result;
    double start = now();
    must(pirn_sim_explore(&options, count, NULL, &result) == 0, "explore");
    must(result.outcome == PIRN_OK, result.message);
    printf("%.0f\n", (double)result.runs / (now() - start));
    pirn_sim_result_free(&result);
}
#endif

/* ---- main ---------------------------------------------------------------------------------- */

static void work(void *arg) {
    double start = now();
    (void)arg;
    if (!strcmp(wanted, "matrix"))
        matrix();
    else if (!strcmp(wanted, "sort"))
        sort();
    else
        hash();
    seconds = now() - start;
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    wanted = argv[1];
#ifdef WITH_PIRN
    if (!strcmp(wanted, "counter")) {
        explore();
        return 0;
    }
    if (pirn_run(NULL, work, NULL)) return 1;
#else
    work(NULL);
#endif
    printf("%.6f\n", seconds);
    return 0;
}
