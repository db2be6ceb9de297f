/* sleep-is-no-wait.c - ten times as long as it takes is taken for long enough. */
#include <pirn.h>

static pirn_mutex lock;
static bool saved; /* guarded by the lock */
static pirn_waitgroup tasks;

static void save(void *arg) {
    (void)arg;
    pirn_sleep(PIRN_MSEC); /* a slow disk */
    pirn_mutex_lock(&lock);
    saved = true;
    pirn_mutex_unlock(&lock);
}

static void editor(void *arg) {
    (void)arg;
    pirn_label(&lock, "guard");
    pirn_label(&tasks, "tasks");
    pirn_waitgroup_go(&tasks, save, NULL);
    pirn_sleep(10 * PIRN_MSEC);
    pirn_mutex_lock(&lock);
    pirn_assert(saved);
    pirn_mutex_unlock(&lock);
}

int main(void) { return pirn_run(NULL, editor, NULL) != 0; }
