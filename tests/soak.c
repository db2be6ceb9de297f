/*
 * soak.c - everything at once, for long: tests/soak [SECONDS], 60 unless given.
 *
 * Rounds of a mixed load follow each other: messages through channels and selects, locks, contexts
 * that expire or are cancelled, timers that are stopped and reset, groups, tasks that come and go,
 * one that never yields; now and then the process is stopped and continued. Every message is
 * accounted for. Then 100,000 timers, PIRN_TEST_TASKS tasks (1,000,000), and 10,000 connections to a
 * second process are there at once. The memory that the process has in use must not grow from round
 * to round. Exit status 0: all held.
 * There are 4 workers, unless PIRN_WORKERS says otherwise.
 */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pirn.h>

#include "lib/core/sanitize.h"

/* Sanitizers keep what has been freed for a while. */
#define MEMORY_IS_FLAT (!PIRN_ASAN && !PIRN_TSAN)

enum { SENDERS = 40, RECEIVERS = 25, MESSAGES = 2000, TIMERS = 100000, CONNECTIONS = 10000 };

static void expect(bool holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "soak: %s\n", what);
    exit(1);
}

/* Memory in use, in KiB, as the kernel counts. */
static long in_use(void) {
    char line[200];
    long size = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file)) sscanf(line, "VmRSS: %ld", &size);
    if (file) fclose(file);
    return size;
}

/* ---- The mixed load ------------------------------------------------------------------------ */

struct load {
    pirn_chan *first, *second, *urgent;
    pirn_mutex mutex;
    pirn_rwmutex rwmutex;
    pirn_sem sem;
    int64_t locked; /* under the mutex */
    pirn_waitgroup senders, others;
    _Atomic uint64_t sent, received, sent_sum, received_sum;
    atomic_bool over;
};

static struct { uint64_t rounds, messages, expired, cancelled, stopped, started; } total;

static void count_one(struct load *load) {
    pirn_mutex_lock(&load->mutex);
    load->locked++;
    pirn_mutex_unlock(&load->mutex);
}

static void send_some(void *arg) {
    struct load *load = arg;
    for (uint64_t i = 1; i <= MESSAGES; i++) {
        uint64_t value = i << 8 | (pirn_random() & 0xff);
        pirn_case cases[] = {PIRN_CASE_SEND(load->first, &value),
                             PIRN_CASE_SEND(load->second, &value)};
        int rc;
        do rc = pirn_select(cases, 2, pirn_now() + 50 * PIRN_USEC);
        while (rc == -ETIMEDOUT);
        expect(rc >= 0, "a select failed");
        atomic_fetch_add(&load->sent, 1);
        atomic_fetch_add(&load->sent_sum, value);
        if (i % 64 == 0) count_one(load);
        if (i % 256 == 0) pirn_sleep((int64_t)pirn_choose(100) * PIRN_USEC);
    }
}

static void receive(void *arg) {
    struct load *load = arg;
    pirn_chan *open[2] = {load->first, load->second};
    while (open[0] || open[1]) {
        uint64_t value;
        pirn_case cases[] = {PIRN_CASE_RECV(open[0], &value), PIRN_CASE_RECV(open[1], &value),
                             PIRN_CASE_RECV(load->urgent, NULL)};
        int rc = pirn_select(cases, 3, PIRN_FOREVER);
        expect(rc >= 0, "a select failed");
        if (rc == 2) continue;
        if (cases[rc].status) {
            open[rc] = NULL;
            continue;
        }
        atomic_fetch_add(&load->received, 1);
        atomic_fetch_add(&load->received_sum, value);
    }
}

static int part(pirn_ctx *ctx, void *arg) {
    struct load *load = arg;
    int rc = pirn_sem_acquire(&load->sem, 1, pirn_now() + PIRN_MSEC);
    if (rc == 0) pirn_sem_release(&load->sem, 1);
    pirn_rwmutex_rlock(&load->rwmutex);
    pirn_rwmutex_runlock(&load->rwmutex);
    return pirn_ctx_err(ctx);
}

static void use_contexts(void *arg) {
    struct load *load = arg;
    while (!atomic_load(&load->over)) {
        pirn_ctx *ctx =
            pirn_ctx_with_deadline(NULL, pirn_now() + (int64_t)pirn_choose(2000) * PIRN_USEC);
        pirn_group *group = ctx ? pirn_group_new(ctx) : NULL;
        int result;
        expect(group != NULL, "there is no memory for a group");
        for (int i = 0; i < 20; i++)
            expect(pirn_group_go(group, part, load) == 0, "a task could not be started");
        if (pirn_choose(2)) pirn_ctx_cancel(ctx);
        result = pirn_group_wait(group);
        expect(result == 0 || result == -ETIMEDOUT || result == -ECANCELED, "a group failed");
        pirn_mutex_lock(&load->mutex);
        total.started += 20;
        total.expired += result == -ETIMEDOUT;
        total.cancelled += result == -ECANCELED;
        pirn_mutex_unlock(&load->mutex);
        pirn_ctx_unref(ctx);
        pirn_yield();
    }
}

static void use_timers(void *arg) {
    struct load *load = arg;
    pirn_timer *timer = pirn_timer_new(PIRN_SEC), *ticker = pirn_ticker_new(PIRN_MSEC);
    expect(timer && ticker, "there is no memory for a timer");
    while (!atomic_load(&load->over)) {
        pirn_timer_reset(timer, (int64_t)pirn_choose(300) * PIRN_USEC);
        if (pirn_choose(2)) {
            expect(pirn_recv(pirn_timer_chan(timer), NULL) == 0, "a timer did not fire");
        } else if (pirn_timer_stop(timer)) {
            expect(pirn_try_recv(pirn_timer_chan(timer), NULL) == -EAGAIN,
                   "a stopped timer has fired");
        }
        expect(pirn_recv(pirn_timer_chan(ticker), NULL) == 0, "a ticker did not tick");
        pirn_try_send(load->urgent, NULL);
        pirn_rwmutex_lock(&load->rwmutex);
        pirn_rwmutex_unlock(&load->rwmutex);
    }
    pirn_timer_free(timer);
    pirn_timer_free(ticker);
}

/* Never yields: the others go on without its worker. */
static void compute(void *arg) {
    struct load *load = arg;
    while (!atomic_load(&load->over)) continue;
}

static void mixed(void *arg) {
    struct load load = {.first = pirn_chan_new(sizeof(uint64_t), 0),
                        .second = pirn_chan_new(sizeof(uint64_t), 16),
                        .urgent = pirn_chan_new(0, 4)};
    (void)arg;
    expect(load.first && load.second && load.urgent, "there is no memory for channels");
    pirn_sem_init(&load.sem, 3);
    for (int i = 0; i < SENDERS; i++) pirn_waitgroup_go(&load.senders, send_some, &load);
    for (int i = 0; i < RECEIVERS; i++) pirn_waitgroup_go(&load.others, receive, &load);
    for (int i = 0; i < 4; i++) pirn_waitgroup_go(&load.others, use_contexts, &load);
    for (int i = 0; i < 4; i++) pirn_waitgroup_go(&load.others, use_timers, &load);
    pirn_waitgroup_go(&load.others, compute, &load);
    pirn_waitgroup_wait(&load.senders);
    pirn_close(load.first);
    pirn_close(load.second);
    atomic_store(&load.over, true);
    pirn_waitgroup_wait(&load.others);
    expect(load.sent == (uint64_t)SENDERS * MESSAGES, "not everything was sent");
    expect(load.received == load.sent && load.received_sum == load.sent_sum, "messages were lost");
    expect(load.locked == SENDERS * (MESSAGES / 64), "a count under a lock is wrong");
    total.messages += load.received;
    total.rounds++;
    pirn_chan_unref(load.first);
    pirn_chan_unref(load.second);
    pirn_chan_unref(load.urgent);
}

/* ---- Many timers, many tasks --------------------------------------------------------------- */

static void fire(void *arg) { atomic_fetch_add((_Atomic uint64_t *)arg, 1); }

/* Half of them are stopped before their time. */
static void many_timers(void *arg) {
    static pirn_timer *timers[TIMERS];
    _Atomic uint64_t fired = 0;
    uint64_t stopped = 0;
    (void)arg;
    for (int i = 0; i < TIMERS; i++) {
        timers[i] = pirn_timer_func((int64_t)pirn_choose(1000) * PIRN_MSEC, fire, &fired);
        expect(timers[i] != NULL, "there is no memory for a timer");
    }
    for (int i = 0; i < TIMERS; i += 2) stopped += pirn_timer_stop(timers[i]);
    while (atomic_load(&fired) + stopped < TIMERS) pirn_sleep(10 * PIRN_MSEC);
    pirn_sleep(20 * PIRN_MSEC);
    expect(atomic_load(&fired) + stopped == TIMERS, "a timer has fired twice");
    for (int i = 0; i < TIMERS; i++) pirn_timer_free(timers[i]);
    total.stopped = stopped;
}

struct crowd {
    pirn_chan *gate;
    _Atomic long here, gone;
};

static void stand(void *arg) {
    struct crowd *crowd = arg;
    atomic_fetch_add(&crowd->here, 1);
    pirn_recv(crowd->gate, NULL);
    atomic_fetch_add(&crowd->gone, 1);
}

static long tasks_wanted;

static void many_tasks(void *arg) {
    struct crowd crowd = {.gate = pirn_chan_new(0, 0)};
    (void)arg;
    for (long i = 0; i < tasks_wanted; i++)
        expect(pirn_go(stand, &crowd) == 0, "a task could not be started");
    while (atomic_load(&crowd.here) < tasks_wanted) pirn_sleep(PIRN_MSEC);
    printf("%ld tasks alive at once, %ld MiB in use\n", tasks_wanted, in_use() >> 10);
    pirn_close(crowd.gate);
    while (atomic_load(&crowd.gone) < tasks_wanted) pirn_sleep(PIRN_MSEC);
    pirn_chan_unref(crowd.gate);
}

/* ---- Many connections ---------------------------------------------------------------------- */

enum { ECHOES = 20, LONGEST = 2000 /* bytes at once */ };

static struct {
    int listener;
    struct sockaddr_in address;
    long wanted;
    pirn_waitgroup open, done;
    _Atomic uint64_t bytes; /* that came back as they were, or that were sent back */
} echo;

/* As many as the limit of descriptors leaves room for. */
static void prepare_connections(void) {
    struct rlimit limit;
    socklen_t length = sizeof echo.address;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    echo.wanted = CONNECTIONS;
    if (limit.rlim_cur < CONNECTIONS + 100) echo.wanted = (long)limit.rlim_cur - 100;
    echo.address.sin_family = AF_INET;
    echo.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    echo.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    expect(echo.listener >= 0 &&
               !bind(echo.listener, (struct sockaddr *)&echo.address, sizeof echo.address) &&
               !getsockname(echo.listener, (struct sockaddr *)&echo.address, &length) &&
               !listen(echo.listener, 4096),
           "there is no socket to listen at");
}

static void send_back(void *arg) {
    int fd = (int)(intptr_t)arg;
    char bytes[LONGEST];
    ssize_t n;
    while ((n = pirn_read(fd, bytes, sizeof bytes, PIRN_FOREVER)) > 0) {
        expect(pirn_write(fd, bytes, (size_t)n, PIRN_FOREVER) == n,
               "a connection could not be written to");
        atomic_fetch_add(&echo.bytes, (uint64_t)n);
    }
    expect(n == 0, "a connection could not be read");
    close(fd);
}

static void serve_connections(void *arg) {
    (void)arg;
    for (long i = 0; i < echo.wanted; i++) {
        int fd = pirn_accept(echo.listener, NULL, NULL, PIRN_FOREVER);
        expect(fd >= 0, "a connection could not be accepted");
        pirn_waitgroup_go(&echo.done, send_back, (void *)(intptr_t)fd);
    }
    pirn_waitgroup_wait(&echo.done);
}

/* Begins when all connections are open. */
static void converse(void *arg) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    char said[LONGEST], heard[LONGEST];
    (void)arg;
    expect(fd >= 0 && pirn_connect(fd, (struct sockaddr *)&echo.address, sizeof echo.address,
                                   PIRN_FOREVER) == 0,
           "a connection could not be opened");
    pirn_waitgroup_done(&echo.open);
    pirn_waitgroup_wait(&echo.open);
    for (int i = 0; i < ECHOES; i++) {
        size_t size = 1 + pirn_choose(LONGEST);
        for (size_t k = 0; k < size; k++) said[k] = (char)pirn_random();
        expect(pirn_write(fd, said, size, PIRN_FOREVER) == (ssize_t)size,
               "a connection could not be written to");
        for (size_t got = 0; got < size;) {
            ssize_t n = pirn_read(fd, heard + got, size - got, PIRN_FOREVER);
            expect(n > 0, "a connection could not be read");
            got += (size_t)n;
        }
        expect(memcmp(said, heard, size) == 0, "other bytes came back than were sent");
        atomic_fetch_add(&echo.bytes, size);
    }
    close(fd);
}

static void open_connections(void *arg) {
    (void)arg;
    pirn_waitgroup_add(&echo.open, echo.wanted);
    for (long i = 0; i < echo.wanted; i++) pirn_waitgroup_go(&echo.done, converse, NULL);
    pirn_waitgroup_wait(&echo.done);
}

static void many_connections(const pirn_config *config) {
    int status = -1;
    uint64_t back = 0;
    int report[2];
    pid_t child;

    prepare_connections();
    expect(pipe(report) == 0, "no pipe can be opened");
    child = fork();
    expect(child >= 0, "no process can be started");
    if (child == 0) {
        close(echo.listener);
        expect(pirn_run(config, open_connections, NULL) == 0, "pirn_run failed");
        back = echo.bytes;
        expect(write(report[1], &back, sizeof back) == sizeof back, "a pipe is closed");
        _exit(0);
    }
    close(report[1]);
    expect(pirn_run(config, serve_connections, NULL) == 0, "pirn_run failed");
    expect(read(report[0], &back, sizeof back) == sizeof back && back == echo.bytes,
           "not all bytes came back");
    expect(waitpid(child, &status, 0) == child && status == 0, "the other process failed");
    close(report[0]);
    close(echo.listener);
    printf("%ld connections at once, %" PRIu64 " bytes echoed on them\n", echo.wanted, back);
}

/* ---- Stopped and continued ----------------------------------------------------------------- */

/* A process that stops this one for a moment, every half second. */
static pid_t start_stopping(void) {
    pid_t self = getpid(), child = fork();
    expect(child >= 0, "no process can be started");
    if (child) return child;
    while (getppid() == self) {
        usleep(500000);
        kill(self, SIGSTOP);
        usleep(30000);
        kill(self, SIGCONT);
    }
    _exit(0);
}

static void end_stopping(pid_t child) {
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    kill(getpid(), SIGCONT);
}

int main(int argc, char **argv) {
    const char *tasks = getenv("PIRN_TEST_TASKS");
    pirn_config config = {.workers = getenv("PIRN_WORKERS") ? 0 : 4};
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 60;
    long early = 0, now = 0;
    int64_t begin, warm, end;
    pid_t stopping;

    tasks_wanted = tasks ? strtol(tasks, NULL, 10) : 1000000;
    setvbuf(stdout, NULL, _IOLBF, 0);
    stopping = start_stopping();
    begin = pirn_now();
    end = begin + (int64_t)(seconds * 1e9);
    warm = begin + (end - begin) / 3;
    do {
        expect(pirn_run(&config, mixed, NULL) == 0, "pirn_run failed");
        now = in_use();
        if (pirn_now() < warm && now > early) early = now;
    } while (pirn_now() < end);
    end_stopping(stopping);
    printf("%" PRIu64 " rounds, %" PRIu64 " messages sent and received, %" PRIu64
           " tasks of groups (%" PRIu64 " groups expired, %" PRIu64 " cancelled)\n",
           total.rounds, total.messages, total.started, total.expired, total.cancelled);
    printf("%ld KiB in use in the first third, %ld KiB at the end\n", early, now);
    expect(!MEMORY_IS_FLAT || !early || now <= early + early / 10 + 2048,
           "the memory in use has grown");

    expect(pirn_run(&config, many_timers, NULL) == 0, "pirn_run failed");
    printf("%d timers at once, %" PRIu64 " stopped, the others fired once\n", TIMERS,
           total.stopped);
    expect(pirn_run(&config, many_tasks, NULL) == 0, "pirn_run failed");
    many_connections(&config);
    return 0;
}
