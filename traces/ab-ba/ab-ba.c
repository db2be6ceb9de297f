/* ab-ba.c - two transfers lock two accounts in opposite orders. */
#include <pirn.h>

struct account {
    pirn_mutex lock;
    int balance; /* guarded by the lock */
};

struct order {
    struct account *from, *to;
};

static struct account alice = {.balance = 100}, bob = {.balance = 100};
static pirn_waitgroup transfers;

static void transfer(void *arg) {
    const struct order *order = arg;
    struct account *first = order->from, *second = order->to;
    pirn_mutex_lock(&first->lock);
    pirn_mutex_lock(&second->lock);
    order->from->balance -= 10;
    order->to->balance += 10;
    pirn_mutex_unlock(&second->lock);
    pirn_mutex_unlock(&first->lock);
}

static void bank(void *arg) {
    struct order there = {&alice, &bob}, back = {&bob, &alice};
    (void)arg;
    pirn_label(&alice.lock, "alice");
    pirn_label(&bob.lock, "bob");
    pirn_label(&transfers, "transfers");
    pirn_waitgroup_go(&transfers, transfer, &there);
    pirn_waitgroup_go(&transfers, transfer, &back);
    pirn_waitgroup_wait(&transfers);
    pirn_assert(alice.balance + bob.balance == 200);
}

int main(void) { return pirn_run(NULL, bank, NULL) != 0; }
