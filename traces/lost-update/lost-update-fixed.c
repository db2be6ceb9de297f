/* lost-update-fixed.c - the counter is changed under one lock. */
#include <pirn.h>

static pirn_mutex lock;
static int counter; /* guarded by the lock */
static pirn_waitgroup visitors;

static int get(void) {
    pirn_mutex_lock(&lock);
    int result = counter;
    pirn_mutex_unlock(&lock);
    return result;
}

static void add(int value) {
    pirn_mutex_lock(&lock);
    counter += value;
    pirn_mutex_unlock(&lock);
}

static void visit(void *arg) {
    (void)arg;
    add(1);
}

static void page(void *arg) {
    (void)arg;
    pirn_label(&lock, "guard");
    pirn_label(&visitors, "visitors");
    pirn_waitgroup_go(&visitors, visit, NULL);
    pirn_waitgroup_go(&visitors, visit, NULL);
    pirn_waitgroup_wait(&visitors);
    pirn_assert(get() == 2);
}

int main(void) { return pirn_run(NULL, page, NULL) != 0; }
