/* forgotten-unlock.c - a refused withdrawal keeps the lock. */
#include <pirn.h>

#include <errno.h>

static pirn_mutex lock;
static int balance = 100; /* guarded by the lock */
static pirn_waitgroup withdrawals;

static int withdraw(int amount) {
    int rc = 0;
    pirn_mutex_lock(&lock);
    if (amount > balance) return -ERANGE;
    balance -= amount;
    pirn_mutex_unlock(&lock);
    return rc;
}

static void customer(void *arg) {
    const int *amount = arg;
    withdraw(*amount);
}

static void bank(void *arg) {
    static int amounts[] = {70, 60, 20};
    (void)arg;
    pirn_label(&lock, "guard");
    pirn_label(&withdrawals, "withdrawals");
    for (int i = 0; i < 3; i++) pirn_waitgroup_go(&withdrawals, customer, &amounts[i]);
    pirn_waitgroup_wait(&withdrawals);
}

int main(void) { return pirn_run(NULL, bank, NULL) != 0; }
