/* undrained-results-fixed.c - a task of its own hands out the jobs. */
#include <pirn.h>

enum { WORKERS = 2, JOBS = 5 };

static pirn_chan *jobs, *results;

static void work(void *arg) {
    int job;
    (void)arg;
    while (pirn_recv(jobs, &job) == 0) {
        int result = job * job;
        pirn_send(results, &result);
    }
}

static void hand_out(void *arg) {
    (void)arg;
    for (int job = 1; job <= JOBS; job++) pirn_send(jobs, &job);
    pirn_close(jobs);
}

static void pool(void *arg) {
    int sum = 0;
    (void)arg;
    jobs = pirn_chan_new(sizeof(int), 1);
    results = pirn_chan_new(sizeof(int), 1);
    pirn_label(jobs, "jobs");
    pirn_label(results, "results");
    for (int i = 0; i < WORKERS; i++) pirn_go(work, NULL);
    pirn_go(hand_out, NULL);
    for (int i = 0; i < JOBS; i++) {
        int result;
        pirn_recv(results, &result);
        sum += result;
    }
    pirn_assert(sum == 55);
}

int main(void) { return pirn_run(NULL, pool, NULL) != 0; }
