/*
 * threads.c - rows of tests/bench in POSIX threads: a task is a thread, a channel a queue with a
 * mutex and two condition variables. For rows that it lacks it prints "none".
 *
 * Usage: threads ROW COUNT, or threads --version
 *
 * It runs on as many processors as PIRN_WORKERS says. Exit status: 0, 1 wrong results, 2 usage.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

/* ---- Measuring ----------------------------------------------------------------------------- */

struct measured {
    int64_t wall, cpu; /* nanoseconds */
    double value;
};

static int64_t wall_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int64_t cpu_now(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * INT64_C(1000000000) +
           (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * INT64_C(1000);
}

static void start(struct measured *m) {
    m->cpu = -cpu_now();
    m->wall = -wall_now();
}

/* The value of most rows is nanoseconds a unit. */
static void stop(struct measured *m, uint64_t units) {
    m->wall += wall_now();
    m->cpu += cpu_now();
    m->value = (double)m->wall / (double)units;
}

static void expect(bool ok, const char *what) {
    if (ok) return;
    fprintf(stderr, "threads: not true: %s\n", what);
    _exit(1);
}

/* ---- Threads ------------------------------------------------------------------------------- */

static pthread_attr_t small_stack;

static pthread_t go(void *(*fn)(void *), void *arg) {
    pthread_t thread;
    int rc = pthread_create(&thread, &small_stack, fn, arg);
    if (rc != 0) {
        fprintf(stderr, "threads: a thread cannot be started: %s\n", strerror(rc));
        _exit(1);
    }
    return thread;
}

static void join(pthread_t thread) { expect(pthread_join(thread, NULL) == 0, "joined"); }

/* Stacks as small as tasks have them, so that thousands of threads find room. */
static void set_up(void) {
    const char *workers = getenv("PIRN_WORKERS");
    int left = workers ? atoi(workers) : 0;
    cpu_set_t all, some;

    pthread_attr_init(&small_stack);
    expect(pthread_attr_setstacksize(&small_stack, 64 * 1024) == 0, "the size of stacks");
    if (left <= 0 || sched_getaffinity(0, sizeof all, &all) != 0) return;
    CPU_ZERO(&some);
    for (int cpu = 0; cpu < CPU_SETSIZE && left > 0; cpu++) {
        if (!CPU_ISSET(cpu, &all)) continue;
        CPU_SET(cpu, &some);
        left--;
    }
    expect(sched_setaffinity(0, sizeof some, &some) == 0, "the processors are set");
}

/* ---- Channels ------------------------------------------------------------------------------ */

struct chan {
    pthread_mutex_t mutex;
    pthread_cond_t not_full, not_empty, taken;
    uint64_t capacity; /* 0: a sender waits until its value has been received */
    uint64_t first, count, received;
    bool closed;
    uint64_t values[];
};

static struct chan *chan_new(uint64_t capacity) {
    uint64_t places = capacity > 0 ? capacity : 1;
    struct chan *chan = calloc(1, sizeof *chan + places * sizeof *chan->values);

    expect(chan != NULL, "memory");
    pthread_mutex_init(&chan->mutex, NULL);
    pthread_cond_init(&chan->not_full, NULL);
    pthread_cond_init(&chan->not_empty, NULL);
    pthread_cond_init(&chan->taken, NULL);
    chan->capacity = capacity;
    return chan;
}

static void chan_free(struct chan *chan) {
    pthread_mutex_destroy(&chan->mutex);
    pthread_cond_destroy(&chan->not_full);
    pthread_cond_destroy(&chan->not_empty);
    pthread_cond_destroy(&chan->taken);
    free(chan);
}

static void chan_send(struct chan *chan, uint64_t value) {
    uint64_t places = chan->capacity > 0 ? chan->capacity : 1;

    pthread_mutex_lock(&chan->mutex);
    while (chan->count == places) pthread_cond_wait(&chan->not_full, &chan->mutex);
    chan->values[(chan->first + chan->count) % places] = value;
    chan->count++;
    uint64_t ticket = chan->received + chan->count;
    pthread_cond_signal(&chan->not_empty);
    if (chan->capacity == 0)
        while (chan->received < ticket) pthread_cond_wait(&chan->taken, &chan->mutex);
    pthread_mutex_unlock(&chan->mutex);
}

static bool chan_recv(struct chan *chan, uint64_t *value) {
    uint64_t places = chan->capacity > 0 ? chan->capacity : 1;

    pthread_mutex_lock(&chan->mutex);
    while (chan->count == 0 && !chan->closed) pthread_cond_wait(&chan->not_empty, &chan->mutex);
    bool got = chan->count > 0;
    if (got) {
        *value = chan->values[chan->first];
        chan->first = (chan->first + 1) % places;
        chan->count--;
        chan->received++;
        if (chan->capacity == 0) pthread_cond_broadcast(&chan->taken);
        pthread_cond_signal(&chan->not_full);
    }
    pthread_mutex_unlock(&chan->mutex);
    return got;
}

static void chan_close(struct chan *chan) {
    pthread_mutex_lock(&chan->mutex);
    chan->closed = true;
    pthread_cond_broadcast(&chan->not_empty);
    pthread_mutex_unlock(&chan->mutex);
}

/* ---- Rows ---------------------------------------------------------------------------------- */

enum { BATCH = 1000 };

static void *nothing(void *arg) { return arg; }

static void spawn(struct measured *m, uint64_t count) {
    uint64_t batches = (count + BATCH - 1) / BATCH;
    pthread_t threads[BATCH];

    start(m);
    for (uint64_t i = 0; i < batches; i++) {
        for (int j = 0; j < BATCH; j++) threads[j] = go(nothing, NULL);
        for (int j = 0; j < BATCH; j++) join(threads[j]);
    }
    stop(m, batches * BATCH);
}

struct node {
    struct chan *parent;
    uint64_t first, leaves;
};

static void *skynet_node(void *arg) {
    struct node *node = arg;
    uint64_t sum = 0, part = 0;

    if (node->leaves == 1) {
        chan_send(node->parent, node->first);
        return NULL;
    }
    struct chan *results = chan_new(0);
    struct node children[10];
    pthread_t threads[10];
    for (uint64_t i = 0; i < 10; i++) {
        uint64_t leaves = node->leaves / 10;
        children[i] = (struct node){results, node->first + i * leaves, leaves};
        threads[i] = go(skynet_node, &children[i]);
    }
    for (int i = 0; i < 10; i++) {
        chan_recv(results, &part);
        sum += part;
    }
    for (int i = 0; i < 10; i++) join(threads[i]);
    chan_free(results);
    chan_send(node->parent, sum);
    return NULL;
}

static void skynet(struct measured *m, uint64_t count) {
    struct node root = {chan_new(0), 0, count};
    uint64_t sum = 0;

    start(m);
    pthread_t thread = go(skynet_node, &root);
    chan_recv(root.parent, &sum);
    stop(m, count);
    join(thread);
    expect(sum == count * (count - 1) / 2, "skynet's sum");
    chan_free(root.parent);
}

static double resident_bytes(void) {
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long size, resident = 0;

    expect(f && fscanf(f, "%lu %lu", &size, &resident) == 2, "/proc/self/statm is there");
    fclose(f);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static atomic_ullong about_to_park, woken;

static void *park(void *arg) {
    uint64_t value;
    atomic_fetch_add(&about_to_park, 1);
    expect(!chan_recv(arg, &value), "the channel is closed");
    atomic_fetch_add(&woken, 1);
    return NULL;
}

static void parked(struct measured *m, uint64_t count) {
    struct chan *never = chan_new(0);
    pthread_t *threads = calloc(count, sizeof *threads);

    expect(threads != NULL, "memory");
    double before = resident_bytes();
    start(m);
    for (uint64_t i = 0; i < count; i++) threads[i] = go(park, never);
    while (atomic_load(&about_to_park) < count) sched_yield();
    usleep(20000);
    stop(m, count);
    m->value = (resident_bytes() - before) / (double)count;
    chan_close(never);
    for (uint64_t i = 0; i < count; i++) join(threads[i]);
    expect(woken == count, "all have been woken");
    free(threads);
    chan_free(never);
}

struct pair {
    struct chan *there, *back;
};

static void *answer(void *arg) {
    struct pair *pair = arg;
    uint64_t value;
    while (chan_recv(pair->there, &value)) chan_send(pair->back, value + 1);
    return NULL;
}

static void pingpong(struct measured *m, uint64_t count) {
    struct pair pair = {chan_new(0), chan_new(0)};
    uint64_t value = 0;

    start(m);
    pthread_t thread = go(answer, &pair);
    for (uint64_t i = 0; i < count; i++) {
        chan_send(pair.there, value);
        chan_recv(pair.back, &value);
    }
    stop(m, count);
    expect(value == count, "as many answers");
    chan_close(pair.there);
    join(thread);
    chan_free(pair.there);
    chan_free(pair.back);
}

struct flow {
    struct chan *chan;
    uint64_t each, sum, received;
};

static void *produce(void *arg) {
    struct flow *flow = arg;
    for (uint64_t i = 0; i < flow->each; i++) chan_send(flow->chan, i);
    return NULL;
}

static void *consume(void *arg) {
    struct flow *flow = arg;
    for (uint64_t value; chan_recv(flow->chan, &value); flow->received++) flow->sum += value;
    return NULL;
}

static void transfer(struct measured *m, uint64_t count, uint64_t capacity) {
    struct flow flow = {.chan = chan_new(capacity), .each = count};

    start(m);
    pthread_t producer = go(produce, &flow), consumer = go(consume, &flow);
    join(producer);
    chan_close(flow.chan);
    join(consumer);
    stop(m, count);
    expect(flow.received == count && flow.sum == count * (count - 1) / 2, "all values");
    chan_free(flow.chan);
}

static void unbuffered(struct measured *m, uint64_t count) { transfer(m, count, 0); }
static void buffered(struct measured *m, uint64_t count) { transfer(m, count, 128); }

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t counter; /* guarded by the mutex */

static void *lock_often(void *arg) {
    for (uint64_t i = 0; i < *(uint64_t *)arg; i++) {
        pthread_mutex_lock(&mutex);
        counter++;
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void mutex_8(struct measured *m, uint64_t count) {
    uint64_t each = count / 8;
    pthread_t threads[8];

    start(m);
    for (int i = 0; i < 8; i++) threads[i] = go(lock_often, &each);
    for (int i = 0; i < 8; i++) join(threads[i]);
    stop(m, 8 * each);
    expect(counter == 8 * each, "the counter");
}

static void *sleep_some(void *arg) {
    int64_t time = ((int64_t)(uintptr_t)arg * 37 % 100 + 1) * 1000000, began = wall_now();
    struct timespec t = {0, time};
    while (nanosleep(&t, &t) != 0) expect(errno == EINTR, "slept");
    expect(wall_now() - began >= time, "slept long enough");
    return NULL;
}

static void sleepers(struct measured *m, uint64_t count) {
    pthread_t *threads = calloc(count, sizeof *threads);

    expect(threads != NULL, "memory");
    start(m);
    for (uint64_t i = 0; i < count; i++) threads[i] = go(sleep_some, (void *)(uintptr_t)i);
    for (uint64_t i = 0; i < count; i++) join(threads[i]);
    stop(m, count);
    m->value = (double)m->cpu / 1e6;
    free(threads);
}

static const struct {
    const char *name;
    void (*run)(struct measured *m, uint64_t count);
} rows[] = {
    {"spawn", spawn},       {"skynet", skynet},     {"parked", parked},
    {"pingpong", pingpong}, {"buffered", buffered}, {"unbuffered", unbuffered},
    {"mutex_8", mutex_8},   {"sleepers", sleepers},
};

static int run(const char *name, uint64_t count) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct measured m = {0};
        if (strcmp(rows[i].name, name) != 0) continue;
        set_up();
        rows[i].run(&m, count);
        printf("%.3f %.6f %.6f\n", m.value, (double)m.wall / 1e9, (double)m.cpu / 1e9);
        return 0;
    }
    puts("none");
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
#ifdef __GLIBC__
        printf("pthreads, of glibc %s\n", gnu_get_libc_version());
#else
        puts("pthreads");
#endif
        return 0;
    }
    if (argc == 3) {
        char *end;
        uint64_t count = strtoull(argv[2], &end, 10);
        if (*end == '\0' && count > 0) return run(argv[1], count);
    }
    fputs("usage: threads ROW COUNT, or threads --version\n", stderr);
    return 2;
}
