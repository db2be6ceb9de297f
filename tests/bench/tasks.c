/* tasks.c - rows about tasks: yielding, starting, their memory, and work in parallel. */
#include "tests/bench/bench.h"

#include <stdio.h>
#include <unistd.h>

/* ---- yield --------------------------------------------------------------------------------- */

static atomic_ullong yielded;

static void yield_often(void *arg) {
    uint64_t each = *(uint64_t *)arg;
    for (uint64_t i = 0; i < each; i++) pirn_yield();
    atomic_fetch_add(&yielded, each);
}

static void yield(struct bench *b) {
    uint64_t each = b->count / 2;
    pirn_waitgroup group = {0};

    bench_start(b);
    for (int i = 0; i < 2; i++) bench_go(&group, yield_often, &each, sizeof each);
    pirn_waitgroup_wait(&group);
    bench_stop(b, 2 * each);
    bench_expect(yielded, 2 * each);
}

/* ---- spawn --------------------------------------------------------------------------------- */

enum { BATCH = 1000 };

static void nothing(void *arg) { (void)arg; }

static void spawn(struct bench *b) {
    uint64_t batches = (b->count + BATCH - 1) / BATCH;
    pirn_waitgroup group = {0};

    bench_start(b);
    for (uint64_t i = 0; i < batches; i++) {
        for (int j = 0; j < BATCH; j++) bench_expect(pirn_waitgroup_go(&group, nothing, NULL), 0);
        pirn_waitgroup_wait(&group);
    }
    bench_stop(b, batches * BATCH);
}

/* ---- skynet: a tree of tasks, ten children each, whose leaves send their numbers upwards --- */

struct node {
    pirn_chan *parent;
    uint64_t first, leaves; /* the numbers below this node */
};

static void skynet_node(void *arg) {
    struct node *node = arg;
    uint64_t sum = 0, part;

    if (node->leaves == 1) {
        pirn_send(node->parent, &node->first);
        return;
    }
    pirn_chan *children = bench_chan(sizeof sum, 0);
    for (uint64_t i = 0; i < 10; i++) {
        uint64_t leaves = node->leaves / 10;
        struct node child = {children, node->first + i * leaves, leaves};
        bench_expect(pirn_go_copy(skynet_node, &child, sizeof child), 0);
    }
    for (int i = 0; i < 10; i++) {
        pirn_recv(children, &part);
        sum += part;
    }
    pirn_chan_unref(children);
    pirn_send(node->parent, &sum);
}

/* The count is a power of ten. */
static void skynet(struct bench *b) {
    struct node root = {bench_chan(sizeof(uint64_t), 0), 0, b->count};
    uint64_t sum = 0;

    bench_start(b);
    bench_expect(pirn_go_copy(skynet_node, &root, sizeof root), 0);
    pirn_recv(root.parent, &sum);
    bench_stop(b, b->count);
    bench_expect(sum, b->count * (b->count - 1) / 2);
    pirn_chan_unref(root.parent);
}

/* ---- parked -------------------------------------------------------------------------------- */

static double resident_bytes(void) {
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long size, resident = 0;

    bench_expect(f && fscanf(f, "%lu %lu", &size, &resident) == 2, true);
    fclose(f);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static pirn_chan *never;
static atomic_ullong about_to_park, woken;

static void park(void *arg) {
    (void)arg;
    atomic_fetch_add(&about_to_park, 1);
    bench_expect(pirn_recv(never, NULL), -EPIPE);
    atomic_fetch_add(&woken, 1);
}

static void parked(struct bench *b) {
    pirn_waitgroup group = {0};

    never = bench_chan(0, 0);
    b->resident = -resident_bytes();
    bench_start(b);
    for (uint64_t i = 0; i < b->count; i++) bench_expect(pirn_waitgroup_go(&group, park, NULL), 0);
    bench_await_parked(&about_to_park, b->count);
    bench_stop(b, b->count);
    b->resident += resident_bytes();
    pirn_close(never);
    pirn_waitgroup_wait(&group);
    bench_expect(woken, b->count);
    pirn_chan_unref(never);
}

/* ---- speedup ------------------------------------------------------------------------------- */

/* A few milliseconds of computing. */
static uint64_t compute(uint64_t seed) {
    uint64_t x = 2 * seed + 1;
    for (int i = 0; i < 2000000; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    return x;
}

static atomic_ullong computed;

static void compute_one(void *arg) { atomic_fetch_add(&computed, compute(*(uint64_t *)arg)); }

static void speedup(struct bench *b) {
    pirn_waitgroup group = {0};
    uint64_t expected = 0;
    int64_t alone;

    bench_start(b);
    for (uint64_t i = 0; i < b->count; i++) expected += compute(i);
    bench_stop(b, b->count);
    alone = b->wall;

    bench_start(b);
    for (uint64_t i = 0; i < b->count; i++) bench_go(&group, compute_one, &i, sizeof i);
    pirn_waitgroup_wait(&group);
    bench_stop(b, b->count);
    b->speedup = (double)alone / (double)b->wall;
    bench_expect(computed, expected);
}

const struct row bench_tasks[] = {
    {"yield", "ns/yield", WALL, false, 100000, 1000, yield},
    {"spawn", "ns/task", WALL, false, 20000, 2000, spawn},
    {"skynet", "ns/leaf", WALL, true, 1000000, 1000, skynet},
    {"parked", "bytes/task", RESIDENT, true, 100000, 1000, parked},
    {"speedup", "times", SPEEDUP, true, 64, 2, speedup},
    {0},
};
