/* semaphore-twice-fixed.c - both permits are taken at once. */
#include <pirn.h>

static pirn_sem connections;
static pirn_waitgroup copies;

static void copy(void *arg) {
    (void)arg;
    pirn_sem_acquire(&connections, 2, PIRN_FOREVER); /* to read and to write */
    pirn_sem_release(&connections, 2);
}

static void copy_all(void *arg) {
    (void)arg;
    pirn_sem_init(&connections, 2);
    pirn_label(&connections, "connections");
    pirn_label(&copies, "copies");
    pirn_waitgroup_go(&copies, copy, NULL);
    pirn_waitgroup_go(&copies, copy, NULL);
    pirn_waitgroup_wait(&copies);
}

int main(void) { return pirn_run(NULL, copy_all, NULL) != 0; }
