/* dining-philosophers.c - everybody takes the left fork first. */
#include <pirn.h>

enum { PHILOSOPHERS = 3 };

static pirn_mutex forks[PHILOSOPHERS];
static pirn_waitgroup dinner;

static void dine(void *arg) {
    const int *seat = arg;
    pirn_mutex *left = &forks[*seat], *right = &forks[(*seat + 1) % PHILOSOPHERS];
    pirn_mutex_lock(left);
    pirn_mutex_lock(right);
    pirn_mutex_unlock(right);
    pirn_mutex_unlock(left);
}

static void table(void *arg) {
    (void)arg;
    pirn_label(&dinner, "dinner");
    for (int i = 0; i < PHILOSOPHERS; i++) pirn_label(&forks[i], "fork %d", i);
    for (int i = 0; i < PHILOSOPHERS; i++) pirn_waitgroup_go_copy(&dinner, dine, &i, sizeof i);
    pirn_waitgroup_wait(&dinner);
}

int main(void) { return pirn_run(NULL, table, NULL) != 0; }
