/*
 * transactions.c - a bank that moves money in three stages, and that now and then stops for ever.
 *
 *     requests --> authenticate --> authentic --> check --> covered --> transfer (three tasks) -->
 *     receipts
 *
 * Each stage is a task, or several, and passes what it has done with to the next one through a
 * channel. All of them wait for `quit`, too: when main has its receipts it closes that, and
 * everybody goes home.
 *
 * A transfer changes two balances, so it locks both accounts, the payer's first. Hidden in that is
 * a deadlock: when three transfers form a ring and each has locked its payer, each waits for the
 * next one's. That takes three tasks within a few nanoseconds of each other. Run it as often as you
 * like, it will work. Then run
 *
 *     pirn explore ./transactions
 */
#include <pirn.h>

#include <stdio.h>

enum { ALICE, BOB, CAROL, ACCOUNTS };
enum { REQUESTS = 3, DEPOSIT = 100 };

struct account {
    const char *name;
    pirn_mutex lock;
    int balance; /* guarded by the lock */
    int pin;
};

struct request {
    struct account *from, *to;
    int amount, pin;
    bool done;
};

static struct account accounts[ACCOUNTS] = {
    [ALICE] = {.name = "alice", .balance = DEPOSIT, .pin = 1111},
    [BOB] = {.name = "bob", .balance = DEPOSIT, .pin = 2222},
    [CAROL] = {.name = "carol", .balance = DEPOSIT, .pin = 3333},
};

static pirn_chan *requests, *authentic, *covered, *receipts, *quit;
static pirn_waitgroup staff;

/* Waits for the next request in a channel; returns false when it is time to quit. */
static bool next(pirn_chan *chan, struct request *request) {
    pirn_case cases[] = {PIRN_CASE_RECV(chan, request), PIRN_CASE_RECV(quit, NULL)};
    return pirn_select(cases, 2, PIRN_FOREVER) == 0;
}

static void authenticate(void *arg) {
    struct request request;
    (void)arg;
    while (next(requests, &request))
        pirn_send(request.pin == request.from->pin ? authentic : receipts, &request);
    pirn_waitgroup_done(&staff);
}

static void check(void *arg) {
    struct request request;
    (void)arg;
    while (next(authentic, &request)) {
        pirn_mutex_lock(&request.from->lock);
        bool enough = request.from->balance >= request.amount;
        pirn_mutex_unlock(&request.from->lock);
        pirn_send(enough ? covered : receipts, &request);
    }
    pirn_waitgroup_done(&staff);
}

static void transfer(void *arg) {
    struct request request;
    (void)arg;
    while (next(covered, &request)) {
        struct account *first = request.from;
        struct account *second = request.to;
        pirn_mutex_lock(&first->lock);
        pirn_mutex_lock(&second->lock);
        if (request.from->balance >= request.amount) { /* it may have changed since the check */
            request.from->balance -= request.amount;
            request.to->balance += request.amount;
            request.done = true;
        }
        pirn_mutex_unlock(&second->lock);
        pirn_mutex_unlock(&first->lock);
        pirn_send(receipts, &request);
    }
    pirn_waitgroup_done(&staff);
}

static void hire(const char *name, pirn_fn *fn) {
    pirn_attr attr = {.name = name};
    pirn_waitgroup_add(&staff, 1);
    pirn_go_with(&attr, fn, NULL);
}

static pirn_chan *open_chan(const char *name, size_t value_size, size_t capacity) {
    pirn_chan *chan = pirn_chan_new(value_size, capacity);
    pirn_label(chan, "%s", name);
    return chan;
}

static void bank(void *arg) {
    const struct request orders[REQUESTS] = {
        {.from = &accounts[ALICE], .to = &accounts[BOB], .amount = 10, .pin = 1111},
        {.from = &accounts[BOB], .to = &accounts[CAROL], .amount = 20, .pin = 2222},
        {.from = &accounts[CAROL], .to = &accounts[ALICE], .amount = 30, .pin = 3333},
    };
    int done = 0, total = 0;
    (void)arg;

    requests = open_chan("requests", sizeof(struct request), REQUESTS);
    authentic = open_chan("authentic", sizeof(struct request), REQUESTS);
    covered = open_chan("covered", sizeof(struct request), REQUESTS);
    receipts = open_chan("receipts", sizeof(struct request), REQUESTS);
    quit = open_chan("quit", 0, 0);
    for (int i = 0; i < ACCOUNTS; i++) pirn_label(&accounts[i].lock, "%s", accounts[i].name);
    pirn_label(&staff, "staff");
    hire("authenticate", authenticate);
    hire("check", check);
    hire("transfer 1", transfer);
    hire("transfer 2", transfer);
    hire("transfer 3", transfer);

    for (int i = 0; i < REQUESTS; i++) pirn_send(requests, &orders[i]);
    for (int i = 0; i < REQUESTS; i++) {
        struct request receipt;
        pirn_recv(receipts, &receipt);
        done += receipt.done;
    }
    pirn_close(quit);
    pirn_waitgroup_wait(&staff);

    printf("%d of %d transfers done\n", done, REQUESTS);
    for (int i = 0; i < ACCOUNTS; i++) {
        printf("%s has %d\n", accounts[i].name, accounts[i].balance);
        total += accounts[i].balance;
    }
    pirn_assert(total == ACCOUNTS * DEPOSIT);
}

int main(void) { return pirn_run(NULL, bank, NULL) != 0; }
