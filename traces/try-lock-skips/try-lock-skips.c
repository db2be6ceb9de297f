/* try-lock-skips.c - who finds the lock taken does not count. */
#include <pirn.h>

static pirn_mutex lock;
static int hits; /* guarded by the lock */
static pirn_waitgroup requests;

static void count_hit(void *arg) {
    (void)arg;
    if (pirn_mutex_trylock(&lock) != 0) return; /* let it not take long */
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
