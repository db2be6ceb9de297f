/*
 * recorded.c - what tests/record.sh has recorded: a program that ends in the way that its first
 * argument names, having used what there is.
 */
#include <pirn.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 4, VALUES = 250, CASES = 20 };

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

static void receive(void *arg) {
    (void)arg;
    pirn_recv(values, NULL);
}

/* So many tasks wait for ever. */
static void stuck(void *arg) {
    values = pirn_chan_new(sizeof(int), 0);
    for (long i = 1; i < rounds; i++) pirn_go(receive, NULL);
    receive(arg);
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
    exit(rounds == 1 ? 7 : (int)rounds);
}

static void stop(void *arg) {
    (void)arg;
    pirn_yield();
    abort();
}

/* Of the number that is asked for. */
static void send_signal(void *arg) {
    (void)arg;
    pirn_yield();
    raise((int)rounds);
}

static void crash(void *arg) {
    (void)arg;
    pirn_yield();
    *nowhere = 0;
}

static __attribute__((noinline)) long descend(long levels) {
    volatile char here[512];
    here[0] = (char)levels;
    return levels ? descend(levels - 1) + here[0] : 0;
}

static void overflow(void *arg) {
    (void)arg;
    pirn_yield();
    descend(1 << 30);
}

/* A child of the process uses what it is left with. */
static void split(void *arg) {
    int status = -1;
    pid_t child;
    (void)arg;
    pirn_yield();
    child = fork();
    if (child == 0) _exit(0);
    if (child < 0 || waitpid(child, &status, 0) != child || status) abort();
    pirn_yield();
}

/* What timers call makes timers; so does a thread of the program. */
static void count_call(void *arg) { pirn_sem_release(arg, 1); }

static void call_later(void *arg) {
    pirn_timer_func(0, count_call, arg);
    pirn_sem_release(arg, 1);
}

static void *arm_outside(void *arg) {
    pirn_timer_func(0, call_later, arg);
    return NULL;
}

static void timers(void *arg) {
    pirn_attr attr = {.daemon = true};
    pirn_chan *chan = pirn_chan_new(0, 0), *other = pirn_chan_new(0, 0);
    pirn_case cases[CASES];
    pthread_t thread;
    pirn_go_with(&attr, stuck, arg);
    pirn_sem_init(&sem, 0);
    pirn_timer_func(0, call_later, &sem);
    pthread_create(&thread, NULL, arm_outside, &sem);
    pthread_join(thread, NULL); /* while there is a timer nobody waits for ever */
    pirn_sem_acquire(&sem, 4, PIRN_FOREVER);
    for (int i = 0; i < CASES; i++) cases[i] = PIRN_CASE_RECV(i % 2 ? chan : other, NULL);
    pirn_select_first(cases, CASES, pirn_now() + PIRN_MSEC);
    pirn_label(chan, "first");
    pirn_label(chan, "last");
    pirn_label(other, "other");
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
                {"forever", forever},       {"many", many},         {"late", late},
                {"stuck", stuck},           {"abort", stop},        {"signal", send_signal},
                {"overflow", overflow},     {"split", split},       {"timers", timers}};
    if (argc > 2) rounds = strtol(argv[2], NULL, 10);
    for (size_t i = 0; argc > 1 && i < sizeof ends / sizeof *ends; i++)
        if (!strcmp(argv[1], ends[i].name)) return pirn_run(NULL, ends[i].fn, NULL) != 0;
    fprintf(stderr, "usage: recorded END [ROUNDS]\n");
    return 2;
}
