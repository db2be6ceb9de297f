/* test_process.c - signals, fork and exec in a program that runs tasks on threads; what
 * docs/reliability.md says of them. */
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support.h"

/* ---- Signals ------------------------------------------------------------------------------- */

static atomic_int handled;
static int signal_pipe[2];

/* As a handler may: it writes to a pipe, which a task reads. */
static void on_signal(int number) {
    int before = errno;
    char byte = (char)number;
    atomic_fetch_add(&handled, 1);
    if (write(signal_pipe[1], &byte, 1) != 1) abort();
    errno = before;
}

static void catch_signal(int number, int flags) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = flags;
    check_equal(sigaction(number, &action, NULL), 0);
}

static void read_signals(void *arg) {
    char byte;
    for (int i = 0; i < *(int *)arg; i++) {
        check_equal(pirn_read(signal_pipe[0], &byte, 1, PIRN_FOREVER), 1);
        check_equal(byte, SIGUSR1);
    }
}

static void nap(void *arg) {
    (void)arg;
    usleep(2000);
}

struct crowd {
    pirn_chan *chan;
    pirn_waitgroup group;
    atomic_bool over;
    int pipe[2];
};

static void pass_on(void *arg) {
    struct crowd *crowd = arg;
    int value;
    while (pirn_recv(crowd->chan, &value) == 0) pirn_yield();
}

static void block_now_and_then(void *arg) {
    struct crowd *crowd = arg;
    while (!atomic_load(&crowd->over)) check_equal(pirn_block(nap, NULL), 0);
}

/* Signals come to any thread, with and without SA_RESTART, amid everything that can wait. No
 * operation fails with -EINTR, none is lost or done twice. */
static void take_signals(void *arg) {
    enum { SIGNALS = 200, WORKERS = 4 };
    struct crowd crowd = {.chan = pirn_chan_new(sizeof(int), 4)};
    pirn_waitgroup reader = {0};
    int count = SIGNALS;
    char byte = 0;
    (void)arg;
    check_equal(pipe(signal_pipe), 0);
    check_equal(pipe(crowd.pipe), 0);
    catch_signal(SIGUSR1, 0);
    atomic_store(&handled, 0);
    check_equal(pirn_waitgroup_go(&reader, read_signals, &count), 0);
    for (int i = 0; i < WORKERS; i++)
        check_equal(pirn_waitgroup_go(&crowd.group, pass_on, &crowd), 0);
    check_equal(pirn_waitgroup_go(&crowd.group, block_now_and_then, &crowd), 0);
    for (int i = 0; i < SIGNALS; i++) {
        int before = atomic_load(&handled);
        if (i == SIGNALS / 2) catch_signal(SIGUSR1, SA_RESTART);
        check_equal(kill(getpid(), SIGUSR1), 0);
        check_equal(pirn_send(crowd.chan, &i), 0);
        check_equal(pirn_read(crowd.pipe[0], &byte, 1, pirn_now() + 100 * PIRN_USEC), -ETIMEDOUT);
        /* ThreadSanitizer keeps a signal until the task or worker that it came to goes on, and all
         * may wait for this one: another one comes to somebody else. */
        for (int naps = 1; atomic_load(&handled) == before; naps++) {
            pirn_sleep(50 * PIRN_USEC);
            if (TSAN && naps % 100 == 0) check_equal(kill(getpid(), SIGUSR1), 0);
        }
    }
    pirn_waitgroup_wait(&reader);
    check(TSAN ? handled >= SIGNALS : handled == SIGNALS);
    atomic_store(&crowd.over, true);
    check_equal(pirn_close(crowd.chan), 0);
    pirn_waitgroup_wait(&crowd.group);
    pirn_chan_unref(crowd.chan);
    signal(SIGUSR1, SIG_DFL);
    for (int i = 0; i < 2; i++) {
        /* A signal that the sanitizer has kept may come still. */
        if (!TSAN) check_equal(pirn_close_fd(signal_pipe[i]), 0);
        check_equal(pirn_close_fd(crowd.pipe[i]), 0);
    }
}

static void signals_interrupt_nothing(void) { run_body(take_signals, NULL); }

/* A mask that the program set before pirn_run holds in all workers. */
static void look_at_mask(void *arg) {
    sigset_t set;
    (void)arg;
    check_equal(pthread_sigmask(SIG_SETMASK, NULL, &set), 0);
    check_equal(sigismember(&set, SIGUSR2), 1);
    check_equal(sigismember(&set, SIGUSR1), 0);
}

static void look_in_every_worker(void *arg) {
    pirn_waitgroup group = {0};
    (void)arg;
    for (int i = 0; i < 200; i++) check_equal(pirn_waitgroup_go(&group, look_at_mask, NULL), 0);
    pirn_waitgroup_wait(&group);
}

static void masks_hold_in_every_worker(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    check_equal(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
    run_body(look_in_every_worker, NULL);
    look_at_mask(NULL);
}

/* ---- fork ---------------------------------------------------------------------------------- */

static void wait_for_child(void *arg) {
    int *child = arg, status = 0;
    pid_t pid = *child;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    *child = status;
}

static void spin(void *arg) {
    struct crowd *crowd = arg;
    while (!atomic_load(&crowd->over)) pirn_yield();
}

/* Starts a child amid a busy run; it does what is allowed. Returns how it ended. */
static int fork_amid(void (*child_does)(void)) {
    struct crowd crowd = {.over = false};
    int child;
    for (int i = 0; i < 8; i++) check_equal(pirn_waitgroup_go(&crowd.group, spin, &crowd), 0);
    pirn_yield();
    fflush(NULL);
    child = fork();
    if (child == 0) {
        alarm(20);
        child_does();
        _exit(99);
    }
    check(child > 0);
    check_equal(pirn_block(wait_for_child, &child), 0);
    atomic_store(&crowd.over, true);
    pirn_waitgroup_wait(&crowd.group);
    return child;
}

static void exec_true(void) { execl("/bin/sh", "sh", "-c", "exit 7", (char *)NULL); }

static void write_and_leave(void) { _exit(write(STDERR_FILENO, "", 0) == 0 ? 8 : 9); }

static void fork_and_exec(void *arg) {
    int status;
    (void)arg;
    status = fork_amid(exec_true);
    check(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    status = fork_amid(write_and_leave);
    check(WIFEXITED(status) && WEXITSTATUS(status) == 8);
}

static void a_child_may_exec_or_leave(void) { run_body(fork_and_exec, NULL); }

/* What the runtime has open does not reach another program. */
static void list_descriptors(void) {
    execl("/bin/sh", "sh", "-c",
          "for fd in /proc/self/fd/*; do case $(readlink $fd) in anon_inode:*) exit 1; esac; done",
          (char *)NULL);
}

static void look_at_descriptors(void *arg) {
    int fds[2], status;
    char byte;
    (void)arg;
    check_equal(pipe(fds), 0);
    check_equal(pirn_read(fds[0], &byte, 1, pirn_now() + PIRN_MSEC), -ETIMEDOUT);
    status = fork_amid(list_descriptors);
    check(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    for (int i = 0; i < 2; i++) check_equal(pirn_close_fd(fds[i]), 0);
}

static void descriptors_do_not_reach_another_program(void) { run_body(look_at_descriptors, NULL); }

static void yield_many(void *arg) {
    struct crowd crowd = {.over = true};
    (void)arg;
    for (int i = 0; i < 50; i++) check_equal(pirn_waitgroup_go(&crowd.group, spin, &crowd), 0);
    pirn_waitgroup_wait(&crowd.group);
}

/* Between two runs there are no threads of the runtime: a child may run tasks itself. */
static void forks_between_runs_run_tasks(void) {
    for (int i = 0; i < 20; i++) {
        int status = 0;
        pid_t child;
        check_equal(pirn_run(NULL, yield_many, NULL), 0);
        fflush(NULL);
        if ((child = fork()) == 0) {
            alarm(20);
            _exit(pirn_run(NULL, yield_many, NULL) == 0 ? 5 : 6);
        }
        check(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 5);
    }
    conclude("children");
}

/* ---- Stopped and continued ----------------------------------------------------------------- */

static void stop_and_continue(void *arg) {
    pid_t self = getpid(), helper;
    int status = 0, ticks = 0;
    pirn_timer *ticker = pirn_ticker_new(PIRN_MSEC);
    (void)arg;
    fflush(NULL);
    if ((helper = fork()) == 0) {
        for (int i = 0; i < 10; i++) {
            usleep(3000);
            kill(self, SIGSTOP);
            usleep(10000);
            kill(self, SIGCONT);
        }
        _exit(0);
    }
    while (waitpid(helper, &status, WNOHANG) == 0) {
        check_equal(pirn_recv(pirn_timer_chan(ticker), NULL), 0);
        ticks++;
    }
    check(ticks > 1);
    pirn_timer_free(ticker);
}

static void a_stop_does_no_harm(void) { run_body(stop_and_continue, NULL); }

/* ---- A wall clock that is set back --------------------------------------------------------- */

static atomic_bool turned;
static atomic_int looks; /* at the wall clock, which is an hour earlier each time */

/* In place of the C library's, for the runtime too. */
int clock_gettime(clockid_t clock, struct timespec *time) {
    int rc = (int)syscall(SYS_clock_gettime, clock, time);
    if (rc == 0 && atomic_load(&turned) &&
        (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        time->tv_sec -= 3600 * (1 + atomic_fetch_add(&looks, 1));
    return rc;
}

static int64_t monotonic(void) {
    struct timespec time;
    check_equal(clock_gettime(CLOCK_MONOTONIC, &time), 0);
    return time.tv_sec * PIRN_SEC + time.tv_nsec;
}

#define NOT_EARLIER(ns, call)                 \
    do {                                      \
        int64_t before_ = monotonic();        \
        call;                                 \
        check(monotonic() - before_ >= (ns)); \
    } while (0)

static void use_time(void *arg) {
    enum { TIME = 3 * PIRN_MSEC };
    pirn_chan *chan = pirn_chan_new(0, 0), *after;
    pirn_mutex mutex = {0};
    pirn_cond cond = {0};
    pirn_ctx *ctx;
    pirn_timer *ticker;
    int64_t now = pirn_now();
    (void)arg;
    NOT_EARLIER(TIME, pirn_sleep(TIME));
    NOT_EARLIER(TIME, check_equal(pirn_recv_until(chan, NULL, pirn_now() + TIME), -ETIMEDOUT));
    pirn_mutex_lock(&mutex);
    NOT_EARLIER(TIME,
                check_equal(pirn_cond_wait_until(&cond, &mutex, pirn_now() + TIME), -ETIMEDOUT));
    pirn_mutex_unlock(&mutex);
    NOT_EARLIER(TIME, {
        after = pirn_after(TIME);
        check_equal(pirn_recv(after, NULL), 0);
    });
    NOT_EARLIER(TIME, {
        ctx = pirn_ctx_with_deadline(pirn_ctx_background(), pirn_now() + TIME);
        check_equal(pirn_recv(pirn_ctx_done(ctx), NULL), -EPIPE);
    });
    check_equal(pirn_block(nap, NULL), 0);
    NOT_EARLIER(2 * TIME, {
        ticker = pirn_ticker_new(TIME);
        for (int i = 0; i < 2; i++) check_equal(pirn_recv(pirn_timer_chan(ticker), NULL), 0);
    });
    check(pirn_now() - now >= 7 * TIME);
    pirn_timer_free(ticker);
    pirn_ctx_unref(ctx);
    pirn_chan_unref(after);
    pirn_chan_unref(chan);
}

static void the_wall_clock_decides_nothing(void) {
    struct timespec first, second;
    atomic_store(&turned, true);
    check_equal(clock_gettime(CLOCK_REALTIME, &first), 0);
    check_equal(clock_gettime(CLOCK_REALTIME, &second), 0);
    check(second.tv_sec < first.tv_sec); /* it is this one that is asked */
    atomic_store(&looks, 0);
    run_body(use_time, NULL);
    check_equal(looks, 0);
    conclude("the clock");
}

static const struct test tests[] = {
    TEST_SECONDS(signals_interrupt_nothing, 60),
    TEST(masks_hold_in_every_worker),
    TEST_SECONDS(a_child_may_exec_or_leave, 60),
    TEST_SECONDS(descriptors_do_not_reach_another_program, 60),
    TEST(forks_between_runs_run_tasks),
    TEST_SECONDS(a_stop_does_no_harm, 60),
    TEST_SECONDS(the_wall_clock_decides_nothing, 60),
};

HARNESS(tests)
