/*
 * recorded.c - what tests/record.sh has recorded: a program that ends in the way that its first
 * argument names, having used what there is.
 */
#include <pirn.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORKERS = 4, VALUES = 250 };

static long rounds = 1;
static pirn_chan *values, *direct;
static pirn_mutex mutex, gate, left, right; /* the gate is a condition's */
static pirn_rwmutex rwmutex;
static pirn_cond cond;
static pirn_sem sem;
static pirn_once once;
static pirn_waitgroup group, senders;
static long sum, turns;
static bool ready;
static int *volatile nowhere;

/* ---- Everything ---------------------------------------------------------------------------- */

static void count_once(void *arg) { ++*(long *)arg; }

static void work(void *arg) {
    static long calls;
    for (int i = 0; i < VALUES; i++) {
        int value = i, got;
        pirn_case cases[] = {PIRN_CASE_SEND(direct, &value), PIRN_CASE_RECV(direct, &got)};
        pirn_send(values, &value);
        if (i % 10 == 0) pirn_select(cases, 2, pirn_now() + PIRN_MSEC);
        pirn_mutex_lock(&mutex);
        turns++;
        pirn_mutex_unlock(&mutex);
        if (pirn_mutex_trylock(&mutex) == 0) pirn_mutex_unlock(&mutex);
        pirn_rwmutex_rlock(&rwmutex);
        pirn_rwmutex_runlock(&rwmutex);
        if (i % 20 == 0) {
            pirn_rwmutex_lock(&rwmutex);
            pirn_rwmutex_unlock(&rwmutex);
        }
        pirn_sem_acquire(&sem, 1, PIRN_FOREVER);
        pirn_sem_release(&sem, 1);
        pirn_once_do(&once, count_once, &calls);
        if (i % 50 == 0) pirn_yield();
    }
    (void)arg;
    pirn_waitgroup_done(&senders);
}

static void take(void *arg) {
    int value;
    (void)arg;
    while (pirn_recv(values, &value) == 0) sum += value;
    pirn_mutex_lock(&gate);
    ready = true;
    pirn_cond_broadcast(&cond);
    pirn_mutex_unlock(&gate);
}

static void *outside(void *arg) {
    int value = 0;
    (void)arg;
    for (int i = 0; i < VALUES; i++) pirn_send(values, &value);
    return NULL;
}

static int member(pirn_ctx *ctx, void *arg) {
    (void)arg;
    pirn_recv(pirn_ctx_done(ctx), NULL);
    return pirn_ctx_err(ctx);
}

static int canceller(pirn_ctx *ctx, void *arg) {
    (void)ctx;
    (void)arg;
    return -1;
}

static void block(void *arg) { usleep(*(unsigned *)arg); }

static void use_descriptors(void) {
    int ends[2];
    char byte = 'x';
    if (pipe(ends)) abort();
    pirn_write(ends[1], &byte, 1, PIRN_FOREVER);
    pirn_read(ends[0], &byte, 1, PIRN_FOREVER);
    pirn_close_fd(ends[0]);
    pirn_close_fd(ends[1]);
}

static void use_all(void) {
    pirn_group *team = pirn_group_new(NULL);
    pirn_timer *timer = pirn_timer_new(PIRN_MSEC);
    unsigned pause = 1000;
    pthread_t thread;
    char name[] = "a\nb\"><script>";
    pirn_attr attr = {.name = name};

    values = pirn_chan_new(sizeof(int), 8);
    direct = pirn_chan_new(sizeof(int), 0);
    pirn_label(values, "values");
    pirn_label(&gate, "gate");
    pirn_sem_init(&sem, 2);
    pthread_create(&thread, NULL, outside, NULL);
    pirn_waitgroup_add(&senders, WORKERS);
    pirn_waitgroup_go(&group, take, NULL);
    for (int i = 0; i < WORKERS; i++) pirn_go_with(i ? NULL : &attr, work, NULL);
    pirn_recv(pirn_timer_chan(timer), NULL);
    pirn_timer_free(timer);
    pirn_block(block, &pause);
    use_descriptors();
    for (int i = 0; i < 3; i++) pirn_group_go(team, member, NULL);
    pirn_group_go(team, canceller, NULL);
    pirn_group_wait(team);
    pirn_waitgroup_wait(&senders);
    pthread_join(thread, NULL);
    pirn_close(values);
    pirn_mutex_lock(&gate);
    while (!ready) pirn_cond_wait(&cond, &gate);
    ready = false;
    pirn_mutex_unlock(&gate);
    pirn_waitgroup_wait(&group);
    pirn_chan_unref(values);
    pirn_chan_unref(direct);
}

static void everything(void *arg) {
    (void)arg;
    for (long i = 0; i < rounds; i++) use_all();
    printf("sum %ld\n", sum);
}

/* ---- Other ends ---------------------------------------------------------------------------- */

static void lock_right(void *arg) {
    (void)arg;
    pirn_mutex_lock(&right);
    pirn_sleep(10 * PIRN_MSEC);
    pirn_mutex_lock(&left);
}

static void deadlock(void *arg) {
    (void)arg;
    pirn_label(&left, "left");
    pirn_label(&right, "right");
    pirn_waitgroup_go(&group, lock_right, NULL);
    pirn_mutex_lock(&left);
    pirn_sleep(10 * PIRN_MSEC);
    pirn_mutex_lock(&right);
}

static void panic(void *arg) {
    (void)arg;
    pirn_yield();
    pirn_panic("nothing goes any more");
}

static void misuse(void *arg) {
    (void)arg;
    pirn_label(&mutex, "balance");
    pirn_mutex_unlock(&mutex);
}

static void leave(void *arg) {
    (void)arg;
    pirn_yield();
    exit(7);
}

static void crash(void *arg) {
    (void)arg;
    pirn_yield();
    *nowhere = 0;
}

/* Goes on until it is killed. */
static void forever(void *arg) {
    int value = 0;
    (void)arg;
    values = pirn_chan_new(sizeof value, 1);
    for (long i = 0;; i++) {
        pirn_send(values, &value);
        pirn_recv(values, &value);
        if (i % 100 == 0) pirn_sleep(PIRN_MSEC);
    }
}

static void ping(void *arg) {
    int value;
    (void)arg;
    while (pirn_recv(values, &value) == 0) pirn_send(direct, &value);
}

static void send_to_and_fro(void) {
    int value = 0;
    values = pirn_chan_new(sizeof value, 0);
    direct = pirn_chan_new(sizeof value, 0);
    pirn_waitgroup_go(&group, ping, NULL);
    for (long i = 0; i < rounds; i++) {
        pirn_send(values, &value);
        pirn_recv(direct, &value);
    }
}

/* Many steps, and as few of anything else as may be. */
static void many(void *arg) {
    (void)arg;
    send_to_and_fro();
    pirn_close(values);
    pirn_waitgroup_wait(&group);
}

/* The same, and then a deadlock: both receive. */
static void late(void *arg) {
    (void)arg;
    send_to_and_fro();
    pirn_recv(direct, NULL);
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        pirn_fn *fn;
    } ends[] = {{"everything", everything}, {"deadlock", deadlock}, {"panic", panic},
                {"misuse", misuse},         {"exit", leave},        {"crash", crash},
                {"forever", forever},       {"many", many},         {"late", late}};
    if (argc > 2) rounds = strtol(argv[2], NULL, 10);
    for (size_t i = 0; argc > 1 && i < sizeof ends / sizeof *ends; i++)
        if (!strcmp(argv[1], ends[i].name)) return pirn_run(NULL, ends[i].fn, NULL) != 0;
    fprintf(stderr, "usage: recorded END [ROUNDS]\n");
    return 2;
}
