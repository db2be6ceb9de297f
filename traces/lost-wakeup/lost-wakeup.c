/* lost-wakeup.c - the signal may come before anybody waits for it. */
#include <pirn.h>

static pirn_mutex lock;
static pirn_cond finished;
static int bytes; /* guarded by the lock */

static void download(void *arg) {
    (void)arg;
    pirn_mutex_lock(&lock);
    bytes = 1000;
    pirn_mutex_unlock(&lock);
    pirn_cond_signal(&finished);
}

static void fetch(void *arg) {
    (void)arg;
    pirn_label(&lock, "guard");
    pirn_label(&finished, "finished");
    pirn_go(download, NULL);
    pirn_mutex_lock(&lock);
    pirn_cond_wait(&finished, &lock);
    pirn_assert(bytes == 1000);
    pirn_mutex_unlock(&lock);
}

int main(void) { return pirn_run(NULL, fetch, NULL) != 0; }
