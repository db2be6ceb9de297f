/*
 * worker-pool.c - a pool of workers that leaks tasks.
 *
 * Three workers parse texts; main collects what they found, and gives up at the first error. From
 * then on nobody receives results, and since `results` has no buffer every worker that still has
 * one stays blocked in its send for ever, with all that it holds. A program that ends right after
 * does not notice; a server does, one error at a time.
 *
 * (Two ways to repair it: a `quit` channel that workers wait for as well, as in sieve.c; or a
 * buffer with room for every result.)
 */
#include <pirn.h>

#include <stdio.h>
#include <stdlib.h>

enum { WORKERS = 3, JOBS = 6 };

struct result {
    int job;
    bool ok;
    long value;
};

static const char *const texts[JOBS] = {"3", "14", "one", "5", "92", "65"};

static pirn_chan *jobs, *results;

static void work(void *arg) {
    struct result result;
    (void)arg;
    while (pirn_recv(jobs, &result.job) == 0) {
        char *end;
        result.value = strtol(texts[result.job], &end, 10);
        result.ok = *end == '\0';
        pirn_send(results, &result);
    }
}

/* Returns whether all texts were numbers. */
static bool parse_all(long *sum) {
    jobs = pirn_chan_new(sizeof(int), JOBS);
    results = pirn_chan_new(sizeof(struct result), 0);
    pirn_label(jobs, "jobs");
    pirn_label(results, "results");
    for (int i = 0; i < JOBS; i++) pirn_send(jobs, &i);
    pirn_close(jobs);
    for (int i = 0; i < WORKERS; i++) pirn_go(work, NULL);

    for (int i = 0; i < JOBS; i++) {
        struct result result;
        pirn_recv(results, &result);
        if (!result.ok) {
            printf("\"%s\" is no number\n", texts[result.job]);
            return false; /* the bug: the workers are left to themselves */
        }
        *sum += result.value;
    }
    return true;
}

static void pool(void *arg) {
    long sum = 0;
    (void)arg;
    if (parse_all(&sum)) printf("the sum is %ld\n", sum);
}

int main(void) { return pirn_run(NULL, pool, NULL) != 0; }
