/* counter.c - three tasks that add to a counter under a mutex, as a program of its own. */
#include <pirn.h>

static int counter;
static pirn_mutex mutex;
static pirn_waitgroup group;

static void add(void *arg) {
    (void)arg;
    pirn_mutex_lock(&mutex);
    counter++;
    pirn_mutex_unlock(&mutex);
}

static void count(void *arg) {
    (void)arg;
    for (int i = 0; i < 3; i++) pirn_waitgroup_go(&group, add, NULL);
    pirn_waitgroup_wait(&group);
    pirn_assert(counter == 3);
}

int main(void) { return pirn_run(NULL, count, NULL) != 0; }
