/*
 * service.c - a transaction service under more load than it can bear, and how it closes.
 *
 *     clients --> queue (bounded) --> workers --> accounts
 *
 * Usage: service [CLIENTS [REQUESTS]]    REQUESTS of each client
 *
 * Every request has a context with a deadline. It ends in one of five ways, and the first to
 * settle it has decided: a worker accepts it, or refuses it since it is not covered; it is rejected
 * since the queue is full, which is better than to let everybody wait; its client gives up at the
 * deadline; or the service closes and it is cancelled.
 *
 * The clients are a group. When three quarters of the requests have been answered one task of the
 * group returns an error, on purpose: that cancels the group's context, and with it the context of
 * each request under way. Then the queue is closed, and the workers go home when it is empty.
 * However it went, no money is lost and the counts add up.
 */
#include <pirn.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ACCOUNTS = 8, DEPOSIT = 1000, QUEUE = 8, WORKERS = 4 };

#define PATIENCE (20 * PIRN_MSEC)   /* that a client has with a request */
#define BACK_OFF (5 * PIRN_MSEC)    /* before a client that was rejected comes again */
#define WRITE (200 * PIRN_USEC)     /* to write to the disk */
#define SLOW_WRITE (30 * PIRN_MSEC) /* every twentieth time or so */

enum outcome { PENDING, ACCEPTED, REFUSED, REJECTED, TIMED_OUT, CANCELLED, OUTCOMES };

struct account {
    pirn_mutex lock;
    long balance, payments; /* guarded by the lock */
};

/* The client and the worker share it: either may be the last to need it. */
struct request {
    atomic_int owners, outcome;
    pirn_ctx *ctx; /* cancelled also when the request has been served */
    struct account *from, *to;
    long amount;
};

static long clients = 16, requests = 100;
static struct account accounts[ACCOUNTS];
static pirn_chan *queue;   /* of struct request * */
static pirn_chan *closing; /* closed when it is time to close */
static pirn_waitgroup workers;

static pirn_mutex book;
static long sent, answered[OUTCOMES]; /* guarded by the book */

static struct request *request_new(pirn_ctx *parent) {
    struct request *request = calloc(1, sizeof *request);
    if (!request) return NULL;
    request->ctx = pirn_ctx_with_deadline(parent, pirn_now() + PATIENCE);
    if (!request->ctx) {
        free(request);
        return NULL;
    }
    atomic_init(&request->owners, 1);
    return request;
}

static void request_unref(struct request *request) {
    if (atomic_fetch_sub(&request->owners, 1) > 1) return;
    pirn_ctx_unref(request->ctx);
    free(request);
}

/* Returns whether that was the outcome; false if the request had one already. */
static bool settle(struct request *request, enum outcome outcome) {
    int pending = PENDING;
    return atomic_compare_exchange_strong(&request->outcome, &pending, outcome);
}

/* Returns whether it is on the disk; false when nobody wants it any more. */
static bool write_down(pirn_ctx *ctx) {
    int64_t time = pirn_choose(20) == 0 ? SLOW_WRITE : WRITE;
    return pirn_recv_until(pirn_ctx_done(ctx), NULL, pirn_now() + time) == -ETIMEDOUT;
}

/* Both accounts are locked. */
static void transfer(struct request *request) {
    if (request->from->balance < request->amount) {
        settle(request, REFUSED);
    } else if (write_down(request->ctx) && settle(request, ACCEPTED)) {
        /* The client may know by now, but nobody can look into the accounts. */
        request->from->balance -= request->amount;
        request->from->payments++;
        request->to->balance += request->amount;
    }
}

static void serve(struct request *request) {
    /* Always in this order, or two transfers wait for each other: see transactions.c. */
    bool upwards = request->from < request->to;
    struct account *first = upwards ? request->from : request->to;
    struct account *second = upwards ? request->to : request->from;
    int64_t deadline = pirn_ctx_deadline(request->ctx);

    if (pirn_ctx_err(request->ctx)) return; /* its client has left the queue */
    if (pirn_mutex_lock_until(&first->lock, deadline) != 0) {
        settle(request, TIMED_OUT);
        return;
    }
    if (pirn_mutex_lock_until(&second->lock, deadline) == 0) {
        transfer(request);
        pirn_mutex_unlock(&second->lock);
    } else {
        settle(request, TIMED_OUT);
    }
    pirn_mutex_unlock(&first->lock);
}

static void work(void *arg) {
    struct request *request;
    (void)arg;
    while (pirn_recv(queue, &request) == 0) {
        serve(request);
        pirn_ctx_cancel(request->ctx); /* tells the client */
        request_unref(request);
    }
}

/* Hands the request to the workers if they have room for it, and waits for what becomes of it. */
static void submit(struct request *request) {
    atomic_fetch_add(&request->owners, 1);
    if (pirn_try_send(queue, &request) != 0) {
        settle(request, REJECTED);
        request_unref(request); /* no worker has it */
        return;
    }
    pirn_recv(pirn_ctx_done(request->ctx), NULL);
    /* If a worker has settled it, that stands. */
    settle(request, pirn_ctx_err(request->ctx) == -ETIMEDOUT ? TIMED_OUT : CANCELLED);
}

static void count(enum outcome outcome) {
    long total = 0;
    pirn_mutex_lock(&book);
    answered[outcome]++;
    for (int i = 0; i < OUTCOMES; i++) total += answered[i];
    if (total == (3 * clients * requests + 3) / 4) pirn_close(closing);
    pirn_mutex_unlock(&book);
}

static int client(pirn_ctx *ctx, void *arg) {
    (void)arg;
    for (long i = 0; i < requests && !pirn_ctx_err(ctx); i++) {
        struct request *request = request_new(ctx);
        uint64_t from = pirn_choose(ACCOUNTS), distance = 1 + pirn_choose(ACCOUNTS - 1);
        enum outcome outcome;

        if (!request) return -ENOMEM;
        request->from = &accounts[from];
        request->to = &accounts[(from + distance) % ACCOUNTS];
        request->amount = 1 + (long)pirn_choose(DEPOSIT / 2);
        pirn_mutex_lock(&book);
        sent++;
        pirn_mutex_unlock(&book);
        submit(request);
        outcome = (enum outcome)atomic_load(&request->outcome);
        request_unref(request);
        count(outcome);
        if (outcome == REJECTED) pirn_recv_until(pirn_ctx_done(ctx), NULL, pirn_now() + BACK_OFF);
    }
    return 0;
}

static int close_down(pirn_ctx *ctx, void *arg) {
    pirn_case cases[] = {PIRN_CASE_RECV(closing, NULL), PIRN_CASE_RECV(pirn_ctx_done(ctx), NULL)};
    (void)arg;
    return pirn_select(cases, 2, PIRN_FOREVER) == 0 ? -ESHUTDOWN : 0;
}

static void check(void) {
    long total = 0, balances = 0, payments = 0;
    for (int i = 0; i < OUTCOMES; i++) total += answered[i];
    for (int i = 0; i < ACCOUNTS; i++) {
        balances += accounts[i].balance;
        payments += accounts[i].payments;
    }
    printf("%ld requests: %ld accepted, %ld refused, %ld rejected, %ld timed out, %ld cancelled\n",
           sent, answered[ACCEPTED], answered[REFUSED], answered[REJECTED], answered[TIMED_OUT],
           answered[CANCELLED]);
    printf("the balances add up to %ld\n", balances);
    pirn_assert(answered[PENDING] == 0);
    pirn_assert(total == sent);
    pirn_assert(payments == answered[ACCEPTED]);
    pirn_assert(balances == ACCOUNTS * DEPOSIT);
}

static void service(void *arg) {
    int *result = arg, rc = 0;
    pirn_group *group = pirn_group_new(NULL);

    queue = pirn_chan_new(sizeof(struct request *), QUEUE);
    closing = pirn_chan_new(0, 0);
    if (!group || !queue || !closing) {
        *result = -ENOMEM;
        return;
    }
    pirn_label(queue, "queue");
    pirn_label(&book, "book");
    for (int i = 0; i < ACCOUNTS; i++) {
        accounts[i].balance = DEPOSIT;
        pirn_label(&accounts[i].lock, "account %d", i);
    }
    for (int i = 0; i < WORKERS && rc == 0; i++) rc = pirn_waitgroup_go(&workers, work, NULL);
    if (rc == 0) rc = pirn_group_go(group, close_down, NULL);
    for (long i = 0; i < clients && rc == 0; i++) rc = pirn_group_go(group, client, NULL);
    if (rc) pirn_close(closing); /* who has been started is sent home */

    *result = pirn_group_wait(group);
    pirn_close(queue);
    pirn_waitgroup_wait(&workers);
    pirn_chan_unref(queue);
    pirn_chan_unref(closing);
    if (*result == -ESHUTDOWN) *result = rc;
    if (*result == 0) check();
}

/* Returns a number from 1 to a million; 0: it is none. */
static long number(const char *text) {
    char *end;
    long n = strtol(text, &end, 10);
    return *end == '\0' && n >= 1 && n <= 1000000 ? n : 0;
}

int main(int argc, char **argv) {
    int result = 0, rc;
    if (argc > 1) clients = number(argv[1]);
    if (argc > 2) requests = number(argv[2]);
    if (argc > 3 || !clients || !requests) {
        fprintf(stderr, "usage: service [CLIENTS [REQUESTS]]\n");
        return 2;
    }
    rc = pirn_run(NULL, service, &result);
    if (rc == 0) rc = result;
    if (rc) fprintf(stderr, "service: %s\n", strerror(-rc));
    return rc != 0;
}
