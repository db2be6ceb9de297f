/* selects.c - rows about select. */
#include "tests/bench/bench.h"

enum { MOST = 8 };

struct producer {
    pirn_chan *chan;
    uint64_t each;
};

static void produce(void *arg) {
    struct producer *producer = arg;
    for (uint64_t i = 0; i < producer->each; i++) pirn_send(producer->chan, &i);
}

/* One task selects, `count` others send, each on an unbuffered channel of its own. */
static void select_over(struct bench *b, uint64_t count) {
    pirn_case cases[MOST];
    pirn_waitgroup group = {0};
    uint64_t each = b->count / count, value, received[MOST] = {0}, sum = 0;

    for (uint64_t i = 0; i < count; i++)
        cases[i] = PIRN_CASE_RECV(bench_chan(sizeof value, 0), &value);
    bench_start(b);
    for (uint64_t i = 0; i < count; i++) {
        struct producer producer = {cases[i].chan, each};
        bench_go(&group, produce, &producer, sizeof producer);
    }
    for (uint64_t i = 0; i < count * each; i++) {
        received[pirn_select(cases, count, PIRN_FOREVER)]++;
        sum += value;
    }
    bench_stop(b, count * each);
    pirn_waitgroup_wait(&group);
    bench_expect(sum, count * (each * (each - 1) / 2));
    for (uint64_t i = 0; i < count; i++) {
        bench_expect(received[i], each);
        pirn_chan_unref(cases[i].chan);
    }
}

static void select_2(struct bench *b) { select_over(b, 2); }
static void select_8(struct bench *b) { select_over(b, 8); }

static void select_now(struct bench *b) {
    uint64_t value, misses = 0;
    pirn_case cases[] = {PIRN_CASE_RECV(bench_chan(sizeof value, 0), &value),
                         PIRN_CASE_RECV(bench_chan(sizeof value, 0), &value)};

    bench_start(b);
    for (uint64_t i = 0; i < b->count; i++) misses += pirn_select(cases, 2, PIRN_NOW) == -EAGAIN;
    bench_stop(b, b->count);
    bench_expect(misses, b->count);
    pirn_chan_unref(cases[0].chan);
    pirn_chan_unref(cases[1].chan);
}

const struct row bench_selects[] = {
    {"select_2", "ns/value", WALL, false, 50000, 1000, select_2},
    {"select_8", "ns/value", WALL, false, 20000, 1000, select_8},
    {"select_now", "ns/select", WALL, false, 100000, 1000, select_now},
    {0},
};
