/* polite-livelock-fixed.c - both take the left lock first, and wait for it. */
#include <pirn.h>

static pirn_mutex left, right;
static pirn_waitgroup walkers;

static void pass(pirn_mutex *mine, pirn_mutex *other) {
    pirn_mutex_lock(mine);
    pirn_mutex_lock(other);
    pirn_mutex_unlock(other);
    pirn_mutex_unlock(mine);
}

static void go_north(void *arg) {
    (void)arg;
    pass(&left, &right);
}

static void go_south(void *arg) {
    (void)arg;
    pass(&left, &right);
}

static void corridor(void *arg) {
    (void)arg;
    pirn_label(&left, "left");
    pirn_label(&right, "right");
    pirn_label(&walkers, "walkers");
    pirn_waitgroup_go(&walkers, go_north, NULL);
    pirn_waitgroup_go(&walkers, go_south, NULL);
    pirn_waitgroup_wait(&walkers);
}

int main(void) { return pirn_run(NULL, corridor, NULL) != 0; }
