/* recursive-read-fixed.c - who has the lock does not take it again. */
#include <pirn.h>

static pirn_rwmutex catalogue;
static int prices[] = {3, 4}; /* guarded by the catalogue */
static pirn_waitgroup tasks;

/* To be called with the catalogue locked. */
static int price_of(int item) { return prices[item]; }

static void add_up(void *arg) {
    int *total = arg;
    pirn_rwmutex_rlock(&catalogue);
    for (int item = 0; item < 2; item++) *total += price_of(item);
    pirn_rwmutex_runlock(&catalogue);
}

static void raise_prices(void *arg) {
    (void)arg;
    pirn_rwmutex_lock(&catalogue);
    for (int item = 0; item < 2; item++) prices[item]++;
    pirn_rwmutex_unlock(&catalogue);
}

static void shop(void *arg) {
    int total = 0;
    (void)arg;
    pirn_label(&catalogue, "catalogue");
    pirn_label(&tasks, "tasks");
    pirn_waitgroup_go(&tasks, add_up, &total);
    pirn_waitgroup_go(&tasks, raise_prices, NULL);
    pirn_waitgroup_wait(&tasks);
    pirn_assert(total == 7 || total == 9);
}

int main(void) { return pirn_run(NULL, shop, NULL) != 0; }
