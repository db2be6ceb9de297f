/* test_dump.c - what pirn_dump writes, of quiet programs and of busy ones; pirn_note_read and its twin. */
#include "tests/support.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHANS = 11 };

/* The dump as a string, which the caller frees. */
static char *dump_text(void) {
    FILE *file = tmpfile();
    char *text = NULL;
    long size;
    check(file != NULL);
    check_equal(pirn_dump(fileno(file)), 0);
    fseek(file, 0, SEEK_END);
    size = ftell(file);
    rewind(file);
    text = calloc(1, (size_t)size + 1);
    check_equal(fread(text, 1, (size_t)size, file), (size_t)size);
    fclose(file);
    return text;
}

/* The same, as soon as it contains the words. */
static char *dump_when(const char *words) {
    for (;;) {
        char *text = dump_text();
        if (strstr(text, words)) return text;
        free(text);
        pirn_sleep(50 * PIRN_MSEC);
    }
}

static int lines_of(const char *text) {
    int lines = 0;
    for (; *text; text++) lines += *text == '\n';
    return lines;
}

/* ---- Each kind of wait --------------------------------------------------------------------- */

static struct {
    pirn_chan *jobs, *results;
    pirn_mutex mutex;
    pirn_rwmutex rwmutex;
    pirn_cond cond;
    pirn_mutex cond_mutex;
    pirn_waitgroup group;
    pirn_sem sem;
    int fds[2];
    bool go;
} all;

#define TASK(name, ...)           \
    static void name(void *arg) { \
        (void)arg;                \
        __VA_ARGS__;              \
        NOT_A_TAIL_CALL();        \
    }

TASK(send_one, pirn_send(all.results, NULL))
TASK(receive_one, pirn_recv(all.jobs, NULL))
TASK(lock_one, pirn_mutex_lock(&all.mutex); pirn_mutex_unlock(&all.mutex))
TASK(read_lock_one, pirn_rwmutex_rlock(&all.rwmutex); pirn_rwmutex_runlock(&all.rwmutex))
TASK(wait_for_group, pirn_waitgroup_wait(&all.group))
TASK(acquire_one, pirn_sem_acquire(&all.sem, 1, PIRN_FOREVER))
TASK(read_one, char byte; pirn_read(all.fds[0], &byte, 1, PIRN_FOREVER))
TASK(sleep_long, pirn_sleep(1000 * PIRN_SEC))
TASK(wait_for_cond, pirn_mutex_lock(&all.cond_mutex);
     while (!all.go) pirn_cond_wait(&all.cond, &all.cond_mutex); pirn_mutex_unlock(&all.cond_mutex))
TASK(select_one,
     pirn_case cases[] = {{PIRN_RECV, all.jobs, NULL, 0}, {PIRN_SEND, all.results, NULL, 0}};
     pirn_select(cases, 2, PIRN_FOREVER))

static void wait_in_all_ways(void *arg) {
    pirn_fn *const fns[] = {send_one,    receive_one, lock_one,      read_lock_one, wait_for_group,
                            acquire_one, read_one,    wait_for_cond, select_one};
    pirn_attr attr = {.name = "the cashier", .daemon = true};
    pirn_waitgroup done = {0};
    char *text;
    (void)arg;

    memset(&all, 0, sizeof all);
    all.jobs = pirn_chan_new(0, 0);
    all.results = pirn_chan_new(0, 0);
    check_equal(pipe(all.fds), 0);
    pirn_label(all.jobs, "jobs");
    pirn_label(&all.mutex, "till");
    pirn_label(&all.cond, "bell");
    pirn_mutex_lock(&all.mutex);
    pirn_rwmutex_lock(&all.rwmutex);
    pirn_waitgroup_add(&all.group, 1);
    for (size_t i = 0; i < sizeof fns / sizeof *fns; i++)
        check_equal(pirn_waitgroup_go(&done, fns[i], NULL), 0);
    check_equal(pirn_go_with(&attr, receive_one, NULL), 0);
    attr.name = NULL;
    check_equal(pirn_go_with(&attr, sleep_long, NULL), 0);
    text = dump_when("pirn: 12 tasks: 1 running, 0 runnable, 11 waiting");
    check_contains(text, "pirn: 12 tasks: 1 running, 0 runnable, 11 waiting");
    check_contains(text, "task 1 (main): running");
    check_contains(text, "(send_one): sending to channel from test_dump.c");
    check_contains(text, "receiving from channel jobs for ");
    check_contains(text, "in receive_one at test_dump.c");
    check_contains(text, "(lock_one): locking mutex till for ");
    check_contains(text, "(read_lock_one): read-locking rwmutex ");
    check_contains(text, "(wait_for_group): waiting for waitgroup ");
    check_contains(text, "(acquire_one): acquiring sem ");
    check_contains(text, "(read_one): reading from descriptor ");
    check_contains(text, "(sleep_long): sleeping for ");
    check_contains(text, "(wait_for_cond): waiting for cond bell for ");
    check_contains(text, "(select_one): in select: receiving from channel jobs or sending to "
                         "channel from test_dump.c");
    check_contains(text, "(the cashier): ");
    check_contains(text, "; daemon\n");
    check_contains(text, "; started by task 1 in wait_in_all_ways at test_dump.c");
    if (SIMULATED) check_contains(text, "for 50 ms, in sleep_long at");
    free(text);

    all.go = true;
    pirn_cond_broadcast(&all.cond);
    pirn_mutex_unlock(&all.mutex);
    pirn_rwmutex_unlock(&all.rwmutex);
    pirn_waitgroup_done(&all.group);
    pirn_sem_release(&all.sem, 1);
    check_equal(pirn_write(all.fds[1], "x", 1, PIRN_FOREVER), 1);
    pirn_close(all.jobs);
    pirn_recv(all.results, NULL);
    pirn_waitgroup_wait(&done);
    pirn_yield();
    pirn_close_fd(all.fds[0]);
    pirn_close_fd(all.fds[1]);
}

static void tells_what_each_task_waits_for(void) { run_settled(wait_in_all_ways, NULL); }

/* ---- Descriptors, and calls that block ------------------------------------------------------ */

static struct {
    int pipe[2], server, client, again;
    struct sockaddr_un address;
    socklen_t length;
    pirn_chan *chans[CHANS];
} io;

TASK(write_one, char byte = 'x'; pirn_write(io.pipe[1], &byte, 1, PIRN_FOREVER))
TASK(read_other, char byte; pirn_read(io.client, &byte, 1, PIRN_FOREVER))
TASK(await_one, pirn_wait_fd(io.client, PIRN_READABLE, PIRN_FOREVER))
TASK(accept_one, pirn_close_fd(pirn_accept(io.server, NULL, NULL, PIRN_FOREVER)))
TASK(select_many, pirn_case cases[CHANS];
     for (int i = 0; i < CHANS; i++) cases[i] = PIRN_CASE_RECV(io.chans[i], NULL);
     pirn_select(cases, CHANS, PIRN_FOREVER))

/* Both wait at the same line, for two descriptors. */
static void read_of(void *arg) {
    char byte;
    pirn_read(*(int *)arg, &byte, 1, PIRN_FOREVER);
    NOT_A_TAIL_CALL();
}

static __attribute__((noinline)) void start_reader(pirn_waitgroup *group, int *fd) {
    check_equal(pirn_waitgroup_go(group, read_of, fd), 0);
}

static void open_descriptors(void) {
    char page[4096] = {0};
    int pair[2];
    check_equal(pipe2(io.pipe, O_NONBLOCK), 0);
    while (write(io.pipe[1], page, sizeof page) > 0) continue; /* until it is full */
    check_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    io.client = pair[0];
    io.again = pair[1];
    io.server = socket(AF_UNIX, SOCK_STREAM, 0);
    io.address.sun_family = AF_UNIX;
    check_equal(bind(io.server, (struct sockaddr *)&io.address, sizeof(sa_family_t)), 0);
    check_equal(listen(io.server, 1), 0);
    io.length = sizeof io.address;
    check_equal(getsockname(io.server, (struct sockaddr *)&io.address, &io.length), 0);
}

static void wait_for_descriptors(void *arg) {
    pirn_fn *const fns[] = {write_one, read_other, await_one, accept_one, select_many};
    pirn_waitgroup done = {0};
    int caller;
    char *text;
    (void)arg;
    memset(&io, 0, sizeof io);
    open_descriptors();
    for (int i = 0; i < CHANS; i++) io.chans[i] = pirn_chan_new(0, 0);
    for (size_t i = 0; i < sizeof fns / sizeof *fns; i++)
        check_equal(pirn_waitgroup_go(&done, fns[i], NULL), 0);
    start_reader(&done, &io.client);
    start_reader(&done, &io.again);
    text = dump_when("pirn: 8 tasks: 1 running, 0 runnable, 7 waiting");
    check_contains(text, "(write_one): writing to descriptor ");
    check_contains(text, "(read_other): reading from descriptor ");
    check_contains(text, "(await_one): waiting for descriptor ");
    check_contains(text, "(accept_one): accepting on descriptor ");
    check_contains(text, "2 tasks (read_of): reading from descriptors for ");
    check_contains(text, " or 3 more");
    free(text);
    caller = socket(AF_UNIX, SOCK_STREAM, 0);
    check_equal(pirn_connect(caller, (struct sockaddr *)&io.address, io.length, PIRN_FOREVER), 0);
    for (int i = 0; i < 3; i++) {
        check_equal(pirn_write(io.again, "x", 1, PIRN_FOREVER), 1);
        check_equal(pirn_write(io.client, "x", 1, PIRN_FOREVER), 1);
    }
    pirn_close_fd(io.pipe[0]); /* what is written is refused */
    check_equal(pirn_close(io.chans[0]), 0);
    pirn_waitgroup_wait(&done);
    for (int i = 0; i < CHANS; i++) pirn_chan_unref(io.chans[i]);
    pirn_close_fd(io.pipe[1]);
    pirn_close_fd(io.client);
    pirn_close_fd(io.again);
    pirn_close_fd(io.server);
    pirn_close_fd(caller);
}

static void tells_of_descriptors(void) { run_settled(wait_for_descriptors, NULL); }

/* Calls that a compiler makes of one are one to who reads. */
TASK(receive_either, if (arg) pirn_recv(all.jobs, NULL); else pirn_recv(all.jobs, NULL))

static void wait_in_two_calls(void *arg) {
    char *text;
    (void)arg;
    all.jobs = pirn_chan_new(0, 0);
    pirn_label(all.jobs, "jobs");
    for (int i = 0; i < 24; i++)
        check_equal(pirn_go(receive_either, (void *)(uintptr_t)(i % 2)), 0);
    check_equal(pirn_go(receive_one, NULL), 0);
    text = dump_when("pirn: 26 tasks: 1 running, 0 runnable, 25 waiting");
    check_contains(text, "24 tasks (receive_either): receiving from channel jobs");
    check_contains(text, ": 2, 3, 4, 5, 6, 7, 8, 9 and 16 more\n");
    check_equal(lines_of(text), 4);
    free(text);
    pirn_close(all.jobs);
    settle();
}

static void tells_once_what_reads_alike(void) { run_settled(wait_in_two_calls, NULL); }

#if SIMULATED
/* However long it has been. */
static void wait_for_long(void *arg) {
    static const struct {
        int64_t ns;
        const char *words;
    } times[] = {{20 * PIRN_USEC, "for 20 us, in"},  {30 * PIRN_MSEC, "for 30 ms, in"},
                 {7 * PIRN_SEC, "for 7 s, in"},      {600 * PIRN_SEC, "for 10 min, in"},
                 {36000 * PIRN_SEC, "for 10 h, in"}, {0, NULL}};
    pirn_chan *gate = pirn_chan_new(0, 0);
    int64_t start;
    (void)arg;
    all.jobs = gate;
    check_equal(pirn_go(receive_one, NULL), 0);
    pirn_sleep(1);
    start = pirn_now() - 1;
    for (int i = 0; times[i].words; i++) {
        char *text;
        pirn_sleep(start + times[i].ns - pirn_now());
        text = dump_text();
        check_contains(text, times[i].words);
        free(text);
    }
    pirn_close(gate);
    pirn_yield();
}

static void tells_how_long(void) { run_settled(wait_for_long, NULL); }
#else
static void read_byte(void *arg) {
    char byte;
    check_equal(read(*(int *)arg, &byte, 1), 1);
}

TASK(block_one, pirn_block(read_byte, arg))

static void wait_in_a_call(void *arg) {
    pirn_waitgroup group = {0};
    int fds[2];
    (void)arg;
    check_equal(pipe(fds), 0);
    check_equal(pirn_waitgroup_go(&group, block_one, &fds[0]), 0);
    free(dump_when("(block_one): in a blocking call for "));
    check_equal(write(fds[1], "x", 1), 1);
    pirn_waitgroup_wait(&group);
    close(fds[0]);
    close(fds[1]);
}

static void tells_of_blocking_calls(void) { run_settled(wait_in_a_call, NULL); }

static void *lock_outside(void *arg) {
    pirn_mutex_lock(arg);
    pirn_mutex_unlock(arg);
    return NULL;
}

static void wait_beside(void *arg) {
    static const char *const words[] = {"; 1 thread of the program waits\n",
                                        "; 2 threads of the program wait\n"};
    pirn_mutex mutex = {0};
    pthread_t threads[2];
    (void)arg;
    pirn_mutex_lock(&mutex);
    for (int i = 0; i < 2; i++) {
        check_equal(pthread_create(&threads[i], NULL, lock_outside, &mutex), 0);
        free(dump_when(words[i]));
    }
    pirn_mutex_unlock(&mutex);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
}

static void tells_of_threads(void) { run_settled(wait_beside, NULL); }

static void *read_all(void *arg) {
    char byte;
    usleep(20000);
    while (read(*(int *)arg, &byte, 1) == 1) continue;
    return NULL;
}

/* A pipe without room makes it wait. */
static void dump_into_full_pipe(void *arg) {
    char page[4096] = {0};
    int fds[2];
    pthread_t thread;
    (void)arg;
    check_equal(pipe2(fds, O_NONBLOCK), 0);
    while (write(fds[1], page, sizeof page) > 0) continue;
    check_equal(fcntl(fds[0], F_SETFL, 0), 0);
    check_equal(pthread_create(&thread, NULL, read_all, &fds[0]), 0);
    check_equal(pirn_dump(fds[1]), 0);
    close(fds[1]);
    pthread_join(thread, NULL);
    close(fds[0]);
}

static void waits_for_room(void) { run_settled(dump_into_full_pipe, NULL); }
#endif

/* ---- Groups -------------------------------------------------------------------------------- */

enum { CROWD = SIMULATED ? 300 : TSAN ? 2000 : 100000 };

static void receive_from(void *arg) {
    pirn_recv(arg, NULL);
    NOT_A_TAIL_CALL();
}

static void gather(void *arg) {
    pirn_chan *chan = pirn_chan_new(0, 0), *other[3];
    pirn_waitgroup done = {0};
    char words[80], *text;
    (void)arg;
    pirn_label(chan, "the door");
    for (int i = 0; i < CROWD; i++) check_equal(pirn_waitgroup_go(&done, receive_from, chan), 0);
    for (int i = 0; i < 3; i++) {
        other[i] = pirn_chan_new(0, 0);
        check_equal(pirn_waitgroup_go(&done, receive_from, other[i]), 0);
    }
    snprintf(words, sizeof words, "pirn: %d tasks: 1 running, 0 runnable, %d waiting", CROWD + 4,
             CROWD + 3);
    text = dump_when(words);
    snprintf(words, sizeof words, "  %d tasks (receive_from): receiving from channel the door for ",
             CROWD);
    check_contains(text, words);
    snprintf(words, sizeof words, ": 2, 3, 4, 5, 6, 7, 8, 9 and %d more\n", CROWD - 8);
    check_contains(text, words);
    check_contains(text, "  3 tasks (receive_from): receiving from channel from test_dump.c:");
    check_contains(text, " (not all the same one) for ");
    check_equal(lines_of(text), 4);
    free(text);
    pirn_close(chan);
    for (int i = 0; i < 3; i++) pirn_close(other[i]);
    pirn_waitgroup_wait(&done);
    for (int i = 0; i < 3; i++) pirn_chan_unref(other[i]);
    pirn_chan_unref(chan);
}

static void tasks_alike_share_a_line(void) { run_settled(gather, NULL); }

/* One line each, as far as there are lines. */
static void gather_with_labels(void *arg) {
    enum { MANY = 1100 };
    static pirn_chan *chans[MANY];
    pirn_waitgroup done = {0};
    char *text;
    (void)arg;
    for (int i = 0; i < MANY; i++) {
        chans[i] = pirn_chan_new(0, 0);
        pirn_label(chans[i], "door %d", i);
        check_equal(pirn_waitgroup_go(&done, receive_from, chans[i]), 0);
    }
    text = dump_when(" 0 runnable, 1100 waiting");
    check_equal(lines_of(text), 1 + 1000 + 1);
    check_contains(text, "  ... and 101 more in other places\n");
    free(text);
    for (int i = 0; i < MANY; i++) pirn_close(chans[i]);
    pirn_waitgroup_wait(&done);
    for (int i = 0; i < MANY; i++) pirn_chan_unref(chans[i]);
}

static void lines_are_limited(void) { run_settled(gather_with_labels, NULL); }

/* ---- Descriptors --------------------------------------------------------------------------- */

static void dump_to_nobody(void *arg) {
    int fds[2];
    (void)arg;
    check_equal(pipe(fds), 0);
    close(fds[0]);
    errno = EDOM;
    check_equal(pirn_dump(fds[1]), -EPIPE);
    check_equal(errno, EDOM);
    check_equal(pirn_dump(-1), -EBADF);
    close(fds[1]);
    check_equal(pirn_dump(fds[1]), -EBADF);
}

static void errors_are_returned(void) {
    signal(SIGPIPE, SIG_DFL);
    dump_to_nobody(NULL);
    conclude("outside");
    run_settled(dump_to_nobody, NULL);
}

static void says_that_nothing_runs(void) {
    char *text = dump_text();
    check(strcmp(text, "pirn: no runtime is running\n") == 0);
    free(text);
    conclude("outside");
}

/* ---- Busy programs ------------------------------------------------------------------------- */

static atomic_bool stop;
static pirn_chan *ring[4];

/* Objects that come and go, ids, labels and selects: all that a dump looks at. */
static void be_busy(void *arg) {
    while (!atomic_load(&stop)) {
        pirn_chan *own = pirn_chan_new(sizeof(int), 0);
        pirn_case cases[] = {{PIRN_RECV, ring[0], NULL, 0},
                             {PIRN_SEND, ring[1], NULL, 0},
                             {PIRN_RECV, own, NULL, 0}};
        pirn_label(own, "own %d", 1);
        pirn_select(cases, 3, pirn_now() + 20 * PIRN_USEC);
        pirn_send_until(ring[2], NULL, pirn_now() + 10 * PIRN_USEC);
        pirn_chan_unref(own);
        if (arg) pirn_recv_until(ring[1], NULL, pirn_now() + 10 * PIRN_USEC);
        pirn_try_recv(ring[2], NULL);
    }
}

static void live_briefly(void *arg) {
    pirn_attr attr = {.name = "mayfly", .stack_size = 32768};
    pirn_yield();
    if (!atomic_load(&stop)) check_equal(pirn_waitgroup_go(arg, live_briefly, arg), 0);
    if (!atomic_load(&stop)) pirn_go_with(&attr, receive_from, ring[3]);
    pirn_try_send(ring[3], NULL);
}

static void look_often(void *arg) {
    struct pirn_stats stats;
    (void)arg;
    for (int i = 0; i < 20; i++) {
        char *text = dump_text();
        check_contains(text, "(main): ");
        check_contains(text, "tasks: ");
        free(text);
        check_equal(pirn_stats(&stats), 0);
        check(stats.live <= stats.started);
    }
}

#if !SIMULATED
static void *look_from_outside(void *arg) {
    look_often(arg);
    return NULL;
}
#endif

static void look_at_busy_tasks(void *arg) {
    pirn_waitgroup done = {0};
    (void)arg;
    atomic_store(&stop, false);
    for (int i = 0; i < 4; i++) ring[i] = pirn_chan_new(0, 0);
    for (int i = 0; i < 8; i++)
        check_equal(pirn_waitgroup_go(&done, be_busy, i % 2 ? &done : NULL), 0);
    check_equal(pirn_waitgroup_go(&done, live_briefly, &done), 0);
    look_often(NULL);
#if !SIMULATED
    pthread_t thread;
    check_equal(pthread_create(&thread, NULL, look_from_outside, NULL), 0);
    look_often(NULL);
    pthread_join(thread, NULL);
#endif
    atomic_store(&stop, true);
    pirn_waitgroup_wait(&done);
    pirn_close(ring[3]);
}

static void looks_while_others_run(void) {
#if SIMULATED
    run_settled(look_at_busy_tasks, NULL);
#else
    run_body_leaving(look_at_busy_tasks, NULL);
#endif
}

#if !SIMULATED
static void *dump_around_runs(void *arg) {
    while (!atomic_load(&stop)) free(dump_text());
    return arg;
}

static void do_nothing(void *arg) { (void)arg; }

static void start_some(void *arg) {
    pirn_waitgroup done = {0};
    (void)arg;
    for (int i = 0; i < 10; i++) check_equal(pirn_waitgroup_go(&done, do_nothing, NULL), 0);
    pirn_waitgroup_wait(&done);
}

static void runs_begin_and_end_under_a_dump(void) {
    pthread_t thread;
    pirn_config config = {.workers = 2};
    atomic_store(&stop, false);
    check_equal(pthread_create(&thread, NULL, dump_around_runs, NULL), 0);
    for (int i = 0; i < 200; i++) check_equal(pirn_run(&config, start_some, NULL), 0);
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    conclude("runs");
}

/* Standard error is a file here, so it can be seen that the dump has come. */
static void wait_for_signal(void *arg) {
    pirn_chan *chan = arg;
    struct stat file = {0};
    pirn_label(chan, "the end");
    kill(getpid(), SIGQUIT);
    while (fstat(STDERR_FILENO, &file) == 0 && file.st_size == 0)
        pirn_recv_until(chan, NULL, pirn_now() + 20 * PIRN_MSEC);
    pirn_sleep(20 * PIRN_MSEC);
    fputs("and goes on\n", stderr);
}

static void run_with_signal(void *arg) {
    setenv("PIRN_DUMP", "QUIT", 1);
    arg = pirn_chan_new(0, 0);
    if (pirn_run(NULL, wait_for_signal, arg) != 0) _exit(99);
}

static void signal_asks_for_a_dump(void) {
    char *report = NULL;
    int status = harness_child(run_with_signal, NULL, &report);
    check(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    check_contains(report, "pirn: 1 task: ");
    check_contains(report, "task 1 (main): ");
    check_contains(report, "and goes on\n");
    free(report);
    conclude("signal");
}
#endif

/* ---- Notes --------------------------------------------------------------------------------- */

static void note_well(void *arg) {
    int value = 0;
    (void)arg;
    pirn_note_read(&value, sizeof value);
    pirn_note_write(&value, sizeof value);
    pirn_note_read(NULL, 0);
    pirn_note_write((void *)UINTPTR_MAX, 1);
}

static void notes_are_taken(void) { run_settled(note_well, NULL); }

#if SIMULATED
static void note_null(void *arg) {
    (void)arg;
    pirn_note_read(NULL, 1);
}
static void note_too_far(void *arg) {
    (void)arg;
    pirn_note_write((void *)UINTPTR_MAX, 2);
}
static void bad_notes_are_misuse(void) {
    expect_outcome(note_null, 1, 0, PIRN_MISUSE, "a read from NULL");
    expect_outcome(note_too_far, 1, 0, PIRN_MISUSE, "beyond the end");
    conclude("notes");
}
#endif

static const struct test tests[] = {
    TEST(tells_what_each_task_waits_for),
    TEST(tells_of_descriptors),
    TEST(tells_once_what_reads_alike),
#if SIMULATED
    TEST(tells_how_long),
#else
    TEST(tells_of_threads),
    TEST(tells_of_blocking_calls),
    TEST(waits_for_room),
#endif
    TEST_SECONDS(tasks_alike_share_a_line, 60),
    TEST(lines_are_limited),
    TEST(errors_are_returned),
    TEST(says_that_nothing_runs),
    TEST_SECONDS(looks_while_others_run, 60),
#if !SIMULATED
    TEST_SECONDS(runs_begin_and_end_under_a_dump, 60),
    TEST(signal_asks_for_a_dump),
#endif
    TEST(notes_are_taken),
#if SIMULATED
    TEST(bad_notes_are_misuse),
#endif
};

HARNESS(tests)
