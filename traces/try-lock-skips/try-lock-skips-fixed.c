/* try-lock-skips-fixed.c - who finds the lock taken waits for it. */
#include <pirn.h>

static pirn_mutex lock;
static int hits; /* guarded by the lock */
static pirn_waitgroup requests;

static void count_hit(void *arg) {
    (void)arg;
    pirn_mutex_lock(&lock);
    hits++;
    pirn_mutex_unlock(&lock);
}

static void site(void *arg) {
    (void)arg;
    pirn_label(&lock, "guard");
    pirn_label(&requests, "requests");
    pirn_waitgroup_go(&requests, count_hit, NULL);
    pirn_waitgroup_go(&requests, count_hit, NULL);
    pirn_waitgroup_wait(&requests);
    pirn_assert(hits == 2);
}

int main(void) { return pirn_run(NULL, site, NULL) != 0; }
