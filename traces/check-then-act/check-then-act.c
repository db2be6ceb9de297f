/* check-then-act.c - two customers see the last seat free and book it. */
#include <pirn.h>

static pirn_mutex lock;
static int free_seats = 1; /* guarded by the lock */
static pirn_waitgroup customers;

static bool has_free_seat(void) {
    pirn_mutex_lock(&lock);
    bool result = free_seats > 0;
    pirn_mutex_unlock(&lock);
    return result;
}

static void book(void) {
    pirn_mutex_lock(&lock);
    free_seats--;
    pirn_mutex_unlock(&lock);
}

static void customer(void *arg) {
    (void)arg;
    if (has_free_seat()) book();
}

static void theatre(void *arg) {
    (void)arg;
    pirn_label(&lock, "guard");
    pirn_label(&customers, "customers");
    pirn_waitgroup_go(&customers, customer, NULL);
    pirn_waitgroup_go(&customers, customer, NULL);
    pirn_waitgroup_wait(&customers);
    pirn_assert(free_seats >= 0);
}

int main(void) { return pirn_run(NULL, theatre, NULL) != 0; }
