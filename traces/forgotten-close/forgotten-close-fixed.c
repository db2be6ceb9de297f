/* forgotten-close-fixed.c - the channel of jobs is closed after the last one. */
#include <pirn.h>

enum { WORKERS = 2, JOBS = 3 };

static pirn_chan *jobs, *results;

static void work(void *arg) {
    int job;
    (void)arg;
    while (pirn_recv(jobs, &job) == 0) {
        int result = job * job;
        pirn_send(results, &result);
    }
}

static void pool(void *arg) {
    int sum = 0, result;
    (void)arg;
    jobs = pirn_chan_new(sizeof(int), JOBS);
    results = pirn_chan_new(sizeof(int), 0);
    pirn_label(jobs, "jobs");
    pirn_label(results, "results");
    for (int i = 0; i < WORKERS; i++) pirn_go(work, NULL);
    for (int job = 1; job <= JOBS; job++) pirn_send(jobs, &job);
    pirn_close(jobs);
    for (int i = 0; i < JOBS; i++) {
        pirn_recv(results, &result);
        sum += result;
    }
    pirn_assert(sum == 14);
}

int main(void) { return pirn_run(NULL, pool, NULL) != 0; }
