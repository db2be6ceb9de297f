/* add-inside-fixed.c - tasks are counted where they are started. */
#include <pirn.h>

static pirn_waitgroup uploads;
static pirn_mutex lock;
static int uploaded; /* guarded by the lock */

static void upload(void *arg) {
    (void)arg;
    pirn_mutex_lock(&lock);
    uploaded++;
    pirn_mutex_unlock(&lock);
}

static void backup(void *arg) {
    (void)arg;
    pirn_label(&uploads, "uploads");
    pirn_label(&lock, "guard");
    for (int i = 0; i < 2; i++) pirn_waitgroup_go(&uploads, upload, NULL);
    pirn_waitgroup_wait(&uploads);
    pirn_mutex_lock(&lock);
    pirn_assert(uploaded == 2);
    pirn_mutex_unlock(&lock);
}

int main(void) { return pirn_run(NULL, backup, NULL) != 0; }
