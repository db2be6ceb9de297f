/* barrier-reuse.c - a fast task comes to the barrier again before a slow one has left it. */
#include <pirn.h>

enum { TASKS = 2, ROUNDS = 2 };

static pirn_mutex lock;
static pirn_cond all_here;
static int arrived; /* guarded by the lock */
static pirn_waitgroup tasks;

static void barrier(void) {
    pirn_mutex_lock(&lock);
    if (++arrived == TASKS) {
        arrived = 0;
        pirn_cond_broadcast(&all_here);
    } else {
        while (arrived != 0) pirn_cond_wait(&all_here, &lock);
    }
    pirn_mutex_unlock(&lock);
}

static void compute(void *arg) {
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) barrier();
}

static void simulate(void *arg) {
    (void)arg;
    pirn_label(&lock, "guard");
    pirn_label(&all_here, "all here");
    pirn_label(&tasks, "tasks");
    for (int i = 0; i < TASKS; i++) pirn_waitgroup_go(&tasks, compute, NULL);
    pirn_waitgroup_wait(&tasks);
}

int main(void) { return pirn_run(NULL, simulate, NULL) != 0; }
