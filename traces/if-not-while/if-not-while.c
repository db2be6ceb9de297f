/* if-not-while.c - who is woken does not look again. */
#include <pirn.h>

static pirn_mutex lock;
static pirn_cond not_empty;
static int items; /* guarded by the lock */
static pirn_waitgroup tasks;

static void produce(void *arg) {
    (void)arg;
    pirn_mutex_lock(&lock);
    items++;
    pirn_cond_signal(&not_empty);
    pirn_mutex_unlock(&lock);
}

static void consume(void *arg) {
    (void)arg;
    pirn_mutex_lock(&lock);
    if (items == 0) pirn_cond_wait(&not_empty, &lock);
    pirn_assert(items > 0);
    items--;
    pirn_mutex_unlock(&lock);
}

static void queue(void *arg) {
    (void)arg;
    pirn_label(&lock, "guard");
    pirn_label(&not_empty, "not empty");
    pirn_label(&tasks, "tasks");
    for (int i = 0; i < 2; i++) {
        pirn_waitgroup_go(&tasks, consume, NULL);
        pirn_waitgroup_go(&tasks, produce, NULL);
    }
    pirn_waitgroup_wait(&tasks);
}

int main(void) { return pirn_run(NULL, queue, NULL) != 0; }
