/* sleep-is-no-wait-fixed.c - main waits until the task has ended. */
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
    pirn_waitgroup_wait(&tasks);
    pirn_mutex_lock(&lock);
    pirn_assert(saved);
    pirn_mutex_unlock(&lock);
}

int main(void) { return pirn_run(NULL, editor, NULL) != 0; }
