/* add-inside.c - tasks add themselves to the group, after somebody may have waited for it. */
#include <pirn.h>

static pirn_waitgroup uploads;
static pirn_mutex lock;
static int uploaded; /* guarded by the lock */

static void upload(void *arg) {
    (void)arg;
    pirn_waitgroup_add(&uploads, 1);
    pirn_mutex_lock(&lock);
    uploaded++;
    pirn_mutex_unlock(&lock);
    pirn_waitgroup_done(&uploads);
}

static void backup(void *arg) {
    (void)arg;
    pirn_label(&uploads, "uploads");
    pirn_label(&lock, "guard");
    for (int i = 0; i < 2; i++) pirn_go(upload, NULL);
    pirn_waitgroup_wait(&uploads);
    pirn_mutex_lock(&lock);
    pirn_assert(uploaded == 2);
    pirn_mutex_unlock(&lock);
}

int main(void) { return pirn_run(NULL, backup, NULL) != 0; }
