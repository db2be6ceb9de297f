/* missed-broadcast.c - one condition variable for two conditions, and a signal for one task. */
#include <pirn.h>

static pirn_mutex lock;
static pirn_cond changed;
static bool full; /* the only slot; guarded by the lock */
static pirn_waitgroup tasks;

static void put(void *arg) {
    (void)arg;
    pirn_mutex_lock(&lock);
    while (full) pirn_cond_wait(&changed, &lock);
    full = true;
    pirn_cond_signal(&changed); /* there is something */
    pirn_mutex_unlock(&lock);
}

static void take(void *arg) {
    (void)arg;
    pirn_mutex_lock(&lock);
    while (!full) pirn_cond_wait(&changed, &lock);
    full = false;
    pirn_cond_signal(&changed); /* there is room */
    pirn_mutex_unlock(&lock);
}

static void market(void *arg) {
    (void)arg;
    pirn_label(&lock, "guard");
    pirn_label(&changed, "changed");
    pirn_label(&tasks, "tasks");
    pirn_waitgroup_go(&tasks, take, NULL);
    pirn_waitgroup_go(&tasks, take, NULL);
    pirn_waitgroup_go(&tasks, put, NULL);
    pirn_waitgroup_go(&tasks, put, NULL);
    pirn_waitgroup_wait(&tasks);
}

int main(void) { return pirn_run(NULL, market, NULL) != 0; }
