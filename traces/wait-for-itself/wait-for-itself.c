/* wait-for-itself.c - a task waits for the group that it belongs to. */
#include <pirn.h>

static pirn_waitgroup pages;
static pirn_mutex lock;
static int fetched; /* guarded by the lock */

static void fetch(void *arg) {
    (void)arg;
    pirn_mutex_lock(&lock);
    fetched++;
    pirn_mutex_unlock(&lock);
}

static void report(void *arg) {
    (void)arg;
    pirn_waitgroup_wait(&pages);
    pirn_assert(fetched == 2);
}

static void crawl(void *arg) {
    (void)arg;
    pirn_label(&pages, "pages");
    pirn_label(&lock, "guard");
    pirn_waitgroup_go(&pages, fetch, NULL);
    pirn_waitgroup_go(&pages, fetch, NULL);
    pirn_waitgroup_go(&pages, report, NULL);
    pirn_waitgroup_wait(&pages);
}

int main(void) { return pirn_run(NULL, crawl, NULL) != 0; }
