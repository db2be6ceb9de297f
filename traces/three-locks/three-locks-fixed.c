/* three-locks-fixed.c - the disk is locked before the cache, as everywhere. */
#include <pirn.h>

static pirn_mutex disk, index_lock, cache;
static pirn_waitgroup jobs;

static void both(pirn_mutex *first, pirn_mutex *second) {
    pirn_mutex_lock(first);
    pirn_mutex_lock(second);
    pirn_mutex_unlock(second);
    pirn_mutex_unlock(first);
}

static void scan(void *arg) {
    (void)arg;
    both(&disk, &index_lock);
}

static void look_up(void *arg) {
    (void)arg;
    both(&index_lock, &cache);
}

static void flush(void *arg) {
    (void)arg;
    both(&disk, &cache);
}

static void database(void *arg) {
    (void)arg;
    pirn_label(&disk, "disk");
    pirn_label(&index_lock, "index");
    pirn_label(&cache, "cache");
    pirn_label(&jobs, "jobs");
    pirn_waitgroup_go(&jobs, scan, NULL);
    pirn_waitgroup_go(&jobs, look_up, NULL);
    pirn_waitgroup_go(&jobs, flush, NULL);
    pirn_waitgroup_wait(&jobs);
}

int main(void) { return pirn_run(NULL, database, NULL) != 0; }
