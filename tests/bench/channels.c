/* channels.c - rows about channels, and programs made of little else. */
#include "tests/bench/bench.h"

#include <stdlib.h>

/* ---- ping-pong ----------------------------------------------------------------------------- */

struct table {
    pirn_chan *there, *back;
};

static void answer(void *arg) {
    struct table *table = arg;
    uint64_t value;
    while (pirn_recv(table->there, &value) == 0) {
        value++;
        pirn_send(table->back, &value);
    }
}

static void pingpong(struct bench *b) {
    struct table table = {bench_chan(sizeof(uint64_t), 0), bench_chan(sizeof(uint64_t), 0)};
    pirn_waitgroup group = {0};
    uint64_t value = 0;

    bench_start(b);
    bench_go(&group, answer, &table, sizeof table);
    for (uint64_t i = 0; i < b->count; i++) {
        pirn_send(table.there, &value);
        pirn_recv(table.back, &value);
    }
    bench_stop(b, b->count);
    bench_expect(value, b->count);
    pirn_close(table.there);
    pirn_waitgroup_wait(&group);
    pirn_chan_unref(table.there);
    pirn_chan_unref(table.back);
}

/* ---- Producers and consumers --------------------------------------------------------------- */

/* What each of them gets. */
struct flow {
    pirn_chan *chan;
    uint64_t each; /* producers send the numbers below it */
};

static atomic_ullong consumed, consumed_sum;

static void produce(void *arg) {
    struct flow *flow = arg;
    for (uint64_t i = 0; i < flow->each; i++) pirn_send(flow->chan, &i);
}

static void consume(void *arg) {
    struct flow *flow = arg;
    uint64_t value, count = 0, sum = 0;
    for (; pirn_recv(flow->chan, &value) == 0; count++) sum += value;
    atomic_fetch_add(&consumed, count);
    atomic_fetch_add(&consumed_sum, sum);
}

static void transfer(struct bench *b, size_t capacity, uint64_t pairs) {
    struct flow flow = {bench_chan(sizeof(uint64_t), capacity), b->count / pairs};
    pirn_waitgroup producers = {0}, consumers = {0};

    bench_start(b);
    for (uint64_t i = 0; i < pairs; i++) {
        bench_go(&producers, produce, &flow, sizeof flow);
        bench_go(&consumers, consume, &flow, sizeof flow);
    }
    pirn_waitgroup_wait(&producers);
    pirn_close(flow.chan);
    pirn_waitgroup_wait(&consumers);
    bench_stop(b, pairs * flow.each);
    bench_expect(consumed, pairs * flow.each);
    bench_expect(consumed_sum, pairs * (flow.each * (flow.each - 1) / 2));
    pirn_chan_unref(flow.chan);
}

static void unbuffered(struct bench *b) { transfer(b, 0, 1); }
static void buffered(struct bench *b) { transfer(b, 128, 1); }
static void four_to_four(struct bench *b) { transfer(b, 128, 4); }

static void uncontended(struct bench *b) {
    pirn_chan *chan = bench_chan(sizeof(uint64_t), 1);
    uint64_t sum = 0, value;

    bench_start(b);
    for (uint64_t i = 0; i < b->count; i++) {
        pirn_send(chan, &i);
        pirn_recv(chan, &value);
        sum += value;
    }
    bench_stop(b, b->count);
    bench_expect(sum, b->count * (b->count - 1) / 2);
    pirn_chan_unref(chan);
}

/* ---- ring ---------------------------------------------------------------------------------- */

enum { RING = 503 };

struct place {
    uint64_t number;
    pirn_chan *in, *out, *end;
};

/* Passes on how many hops are left; who gets none says its number. */
static void hop(void *arg) {
    struct place *place = arg;
    uint64_t left;
    while (pirn_recv(place->in, &left) == 0) {
        if (left == 0) {
            pirn_send(place->end, &place->number);
        } else {
            left--;
            pirn_send(place->out, &left);
        }
    }
}

static void ring(struct bench *b) {
    pirn_chan *chans[RING], *end = bench_chan(sizeof(uint64_t), 0);
    pirn_waitgroup group = {0};
    uint64_t last = RING;

    for (uint64_t i = 0; i < RING; i++) chans[i] = bench_chan(sizeof(uint64_t), 0);
    for (uint64_t i = 0; i < RING; i++) {
        struct place place = {i, chans[i], chans[(i + 1) % RING], end};
        bench_go(&group, hop, &place, sizeof place);
    }
    bench_start(b);
    pirn_send(chans[0], &b->count);
    pirn_recv(end, &last);
    bench_stop(b, b->count);
    bench_expect(last, b->count % RING);
    for (int i = 0; i < RING; i++) pirn_close(chans[i]);
    pirn_waitgroup_wait(&group);
    for (int i = 0; i < RING; i++) pirn_chan_unref(chans[i]);
    pirn_chan_unref(end);
}

/* ---- sieve: the numbers pass a chain of tasks, each of which drops the multiples of a prime - */

/*
 * Returns the `count`-th prime, and how many values pass a channel on the way to it: a number is
 * received by the filters up to that of its smallest prime factor, a prime by those before and
 * once at the end, where it is found.
 */
static uint64_t sieve_outcome(uint64_t count, uint64_t *values) {
    uint64_t *primes = calloc(count, sizeof *primes), found = 0, n = 1;

    bench_expect(primes != NULL, true);
    *values = 0;
    while (found < count) {
        uint64_t i = 0;
        n++;
        while (i < found && n % primes[i] != 0) i++;
        *values += i + 1;
        if (i == found) primes[found++] = n;
    }
    free(primes);
    return n;
}

struct filter {
    pirn_chan *in, *out; /* the first of the chain has no in, and counts up to `number` */
    uint64_t number;
};

static atomic_ullong passed;

static void count_up(void *arg) {
    struct filter *filter = arg;
    for (uint64_t n = 2; n <= filter->number; n++) pirn_send(filter->out, &n);
    pirn_close(filter->out);
}

static void filter_out(void *arg) {
    struct filter *filter = arg;
    uint64_t n, received = 0;
    for (; pirn_recv(filter->in, &n) == 0; received++)
        if (n % filter->number != 0) pirn_send(filter->out, &n);
    atomic_fetch_add(&passed, received);
    pirn_close(filter->out);
    pirn_chan_unref(filter->in);
}

static void sieve(struct bench *b) {
    pirn_waitgroup group = {0};
    uint64_t values, prime = 0, last = sieve_outcome(b->count, &values);
    struct filter filter = {NULL, bench_chan(sizeof(uint64_t), 0), last};

    bench_start(b);
    bench_go(&group, count_up, &filter, sizeof filter);
    for (uint64_t i = 0; i < b->count; i++) {
        filter.in = filter.out;
        pirn_recv(filter.in, &prime);
        atomic_fetch_add(&passed, 1);
        filter.out = bench_chan(sizeof(uint64_t), 0);
        filter.number = prime;
        bench_go(&group, filter_out, &filter, sizeof filter);
    }
    pirn_waitgroup_wait(&group);
    bench_stop(b, values);
    bench_expect(prime, last);
    bench_expect(passed, values);
    bench_expect(pirn_recv(filter.out, NULL), -EPIPE);
    pirn_chan_unref(filter.out);
}

/* ---- close --------------------------------------------------------------------------------- */

static pirn_chan *gate;
static atomic_ullong about_to_park, woken;

static void wait_at_gate(void *arg) {
    (void)arg;
    atomic_fetch_add(&about_to_park, 1);
    bench_expect(pirn_recv(gate, NULL), -EPIPE);
    atomic_fetch_add(&woken, 1);
}

static void close_with_waiters(struct bench *b) {
    pirn_waitgroup group = {0};

    gate = bench_chan(0, 0);
    for (uint64_t i = 0; i < b->count; i++)
        bench_expect(pirn_waitgroup_go(&group, wait_at_gate, NULL), 0);
    bench_await_parked(&about_to_park, b->count);
    bench_start(b);
    pirn_close(gate);
    pirn_waitgroup_wait(&group);
    bench_stop(b, b->count);
    bench_expect(woken, b->count);
    pirn_chan_unref(gate);
}

const struct row bench_channels[] = {
    {"pingpong", "ns/round trip", WALL, false, 20000, 1000, pingpong},
    {"unbuffered", "ns/value", WALL, false, 50000, 1000, unbuffered},
    {"buffered", "ns/value", WALL, false, 100000, 1000, buffered},
    {"uncontended", "ns/pair", WALL, false, 100000, 1000, uncontended},
    {"mpmc", "ns/value", WALL, false, 50000, 1000, four_to_four},
    {"ring", "ns/hop", WALL, false, 50000, 1000, ring},
    {"sieve", "ns/value", WALL, true, 2000, 30, sieve},
    {"close", "ns/waiter", WALL, true, 100000, 1000, close_with_waiters},
    {0},
};
