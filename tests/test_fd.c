/* test_fd.c - files, pipes and sockets; each sentence of pirn.h. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support.h"

/* What is open belongs to the test, which closes it. */
static bool make_pipe(int fds[2]) { return check_equal(pipe(fds), 0); }

static bool make_pair(int fds[2]) {
    return check_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
}

static void close_both(const int fds[2]) {
    check_equal(pirn_close_fd(fds[0]), 0);
    check_equal(pirn_close_fd(fds[1]), 0);
}

/* Not inlined: the compiler may keep errno's address, and a task may change threads. */
static __attribute__((noinline)) int get_errno(void) {
    __asm__ volatile("");
    return errno;
}
static __attribute__((noinline)) void set_errno(int value) {
    __asm__ volatile("");
    errno = value;
}

/* ---- Reading and writing ------------------------------------------------------------------- */

struct ends {
    int fds[2];
    pirn_waitgroup group;
    atomic_int count;
    size_t size;
    int64_t deadline;
};

static void write_later(void *arg) {
    struct ends *e = arg;
    pirn_sleep(PIRN_MSEC);
    check_equal(pirn_write(e->fds[1], "hello", 5, PIRN_FOREVER), 5);
}

static void read_what_comes(int fds[2]) {
    struct ends e = {.fds = {fds[0], fds[1]}};
    char buffer[16] = "";

    set_errno(EDOM);
    check_equal(pirn_read(fds[0], buffer, sizeof buffer, PIRN_NOW), -EAGAIN);
    check_equal(pirn_waitgroup_go(&e.group, write_later, &e), 0);
    check_equal(pirn_read(fds[0], buffer, sizeof buffer, PIRN_FOREVER), 5);
    check(memcmp(buffer, "hello", 5) == 0);
    pirn_waitgroup_wait(&e.group);
    check_equal(pirn_write(fds[1], "more", 4, PIRN_NOW), 4);
    check_equal(pirn_read(fds[0], buffer, 0, PIRN_FOREVER), 0);
    check_equal(pirn_read(fds[0], buffer, 3, PIRN_NOW),
                3); /* what is there, at most what is asked for */
    check_equal(pirn_read(fds[0], buffer, 3, pirn_now() - 1), 1); /* ready wins over the deadline */
    check_equal(pirn_read(fds[0], buffer, 3, pirn_now() - 1), -ETIMEDOUT);
    check_equal(pirn_write(fds[1], buffer, 0, PIRN_FOREVER), 0);
    check_equal(pirn_close_fd(fds[1]), 0);
    check_equal(pirn_read(fds[0], buffer, 3, PIRN_FOREVER), 0); /* the end */
    check_equal(pirn_read(fds[0], buffer, 3, PIRN_FOREVER), 0);
    check_equal(pirn_close_fd(fds[0]), 0);
    check_equal(get_errno(), EDOM);
}

static void read_a_pipe(void *arg) {
    int fds[2];
    (void)arg;
    if (make_pipe(fds)) read_what_comes(fds);
}

static void read_a_socket(void *arg) {
    int fds[2];
    (void)arg;
    if (make_pair(fds)) read_what_comes(fds);
}

static void read_waits_for_the_first_byte(void) {
    run_body(read_a_pipe, NULL);
    run_body(read_a_socket, NULL);
}

enum { LONG = 300000 };

static void write_long(void *arg) {
    struct ends *e = arg;
    char *bytes = malloc(e->size);
    for (size_t i = 0; i < e->size; i++) bytes[i] = (char)(i * 7 + i / 4096);
    check_equal(pirn_write(e->fds[1], bytes, e->size, PIRN_FOREVER), (long long)e->size);
    free(bytes);
    check_equal(pirn_close_fd(e->fds[1]), 0);
}

static void read_long(const struct ends *e) {
    char buffer[5000];
    size_t got = 0;
    ssize_t n;
    bool same = true;
    while ((n = pirn_read(e->fds[0], buffer, sizeof buffer, PIRN_FOREVER)) > 0)
        for (ssize_t i = 0; i < n; i++, got++) same &= buffer[i] == (char)(got * 7 + got / 4096);
    check_equal(n, 0);
    check_equal(got, e->size);
    check(same);
    check_equal(pirn_close_fd(e->fds[0]), 0);
}

static void pass_long_writing(void *arg) {
    struct ends e = {.size = LONG};
    (void)arg;
    if (!make_pipe(e.fds)) return;
    check(fcntl(e.fds[1], F_SETPIPE_SZ, 4096) >= 0);
    check_equal(pirn_waitgroup_go(&e.group, write_long, &e), 0);
    read_long(&e);
    pirn_waitgroup_wait(&e.group);
    if (!make_pair(e.fds)) return;
    check_equal(pirn_waitgroup_go(&e.group, write_long, &e), 0);
    read_long(&e);
    pirn_waitgroup_wait(&e.group);
}

static void write_writes_all(void) { run_body(pass_long_writing, NULL); }

static void write_into_full(void *arg) {
    static char bytes[200000];
    struct ends e = {0};
    ssize_t n;
    (void)arg;
    if (!make_pipe(e.fds)) return;
    check(fcntl(e.fds[1], F_SETPIPE_SZ, 4096) >= 0);
    check_equal(pirn_write(e.fds[1], bytes, sizeof bytes, PIRN_NOW),
                4096); /* what there is room for */
    check_equal(pirn_write(e.fds[1], bytes, 1, PIRN_NOW), -EAGAIN);
    check_equal(pirn_write(e.fds[1], bytes, 1, pirn_now() + PIRN_MSEC), -ETIMEDOUT);
    check_equal(pirn_write(e.fds[1], bytes, SIZE_MAX, PIRN_NOW), -EINVAL);
    close_both(e.fds);
    if (!make_pair(e.fds)) return;
    n = pirn_write(e.fds[1], bytes, sizeof bytes, PIRN_NOW);
    if (n == (ssize_t)sizeof bytes) n = pirn_write(e.fds[1], bytes, sizeof bytes, PIRN_NOW);
    check(n > 0 && n < (ssize_t)sizeof bytes);
    check_equal(pirn_write(e.fds[1], bytes, sizeof bytes, pirn_now() + PIRN_MSEC), -ETIMEDOUT);
    close_both(e.fds);
}

static void a_stopped_write_tells_how_far_it_came(void) { run_body(write_into_full, NULL); }

static void write_to_nobody(void *arg) {
    struct ends e = {0};
    (void)arg;
    for (int i = 0; i < 2; i++) {
        if (!(i ? make_pair(e.fds) : make_pipe(e.fds))) return;
        check_equal(pirn_close_fd(e.fds[0]), 0);
        check_equal(pirn_write(e.fds[1], "x", 1, PIRN_FOREVER), -EPIPE);
        check_equal(pirn_write(e.fds[1], "x", 1, PIRN_FOREVER), -EPIPE);
        check_equal(pirn_close_fd(e.fds[1]), 0);
    }
}

/* SIGPIPE would end the process. One that the program has blocked, and that was pending before,
 * stays. */
static void writing_to_nobody_is_an_error(void) {
    sigset_t set, pending;
    signal(SIGPIPE, SIG_DFL);
    run_body(write_to_nobody, NULL);
    sigpending(&pending);
    CU_ASSERT(!sigismember(&pending, SIGPIPE));
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    run_body(write_to_nobody, NULL);
    sigpending(&pending);
    CU_ASSERT(!sigismember(&pending, SIGPIPE));
    raise(SIGPIPE);
    run_settled(write_to_nobody, NULL);
    sigpending(&pending);
    CU_ASSERT(sigismember(&pending, SIGPIPE));
}

static void close_reader_later(void *arg) {
    struct ends *e = arg;
    pirn_sleep(PIRN_MSEC);
    check_equal(pirn_close_fd(e->fds[0]), 0);
}

static void lose_the_reader(void *arg) {
    static char bytes[200000];
    struct ends e = {0};
    ssize_t n;
    if (!make_pipe(e.fds)) return;
    check(fcntl(e.fds[1], F_SETPIPE_SZ, 4096) >= 0);
    check_equal(pirn_waitgroup_go(&e.group, close_reader_later, &e), 0);
    n = pirn_write(e.fds[1], bytes, sizeof bytes, PIRN_FOREVER);
    check(n == 4096 || (!arg && n == -EPIPE)); /* unless the other was faster */
    check_equal(pirn_write(e.fds[1], bytes, sizeof bytes, PIRN_FOREVER), -EPIPE);
    pirn_waitgroup_wait(&e.group);
    check_equal(pirn_close_fd(e.fds[1]), 0);
}

static void the_other_end_wakes_a_writer(void) {
    run_settled(lose_the_reader, (void *)1);
    run_body(lose_the_reader, NULL);
}

static void close_half(void *arg) {
    struct ends e = {0};
    char byte;
    (void)arg;
    if (!make_pair(e.fds)) return;
    check_equal(shutdown(e.fds[0], SHUT_WR), 0);
    check_equal(pirn_read(e.fds[1], &byte, 1, PIRN_FOREVER), 0);
    check_equal(pirn_write(e.fds[1], "x", 1, PIRN_FOREVER), 1); /* the other half is open */
    check_equal(pirn_read(e.fds[0], &byte, 1, PIRN_FOREVER), 1);
    check_equal(pirn_write(e.fds[0], "x", 1, PIRN_FOREVER), -EPIPE);
    close_both(e.fds);
}

static void half_closed_sockets(void) { run_body(close_half, NULL); }

static void shut_later(void *arg) {
    struct ends *e = arg;
    pirn_sleep(PIRN_MSEC);
    check_equal(shutdown(e->fds[0], SHUT_WR), 0);
}

static void shut_while_reading(void *arg) {
    struct ends e = {0};
    char byte;
    (void)arg;
    if (!make_pair(e.fds)) return;
    check_equal(pirn_waitgroup_go(&e.group, shut_later, &e), 0);
    check_equal(pirn_read(e.fds[1], &byte, 1, PIRN_FOREVER), 0);
    pirn_waitgroup_wait(&e.group);
    close_both(e.fds);
}

static void a_shut_down_wakes_a_reader(void) { run_body(shut_while_reading, NULL); }

/* ---- Many for one -------------------------------------------------------------------------- */

static void read_bytes(void *arg) {
    struct ends *e = arg;
    char buffer[3];
    ssize_t n;
    while ((n = pirn_read(e->fds[0], buffer, sizeof buffer, PIRN_FOREVER)) > 0)
        atomic_fetch_add(&e->count, (int)n);
    check_equal(n, 0);
}

static void write_bytes(void *arg) {
    struct ends *e = arg;
    for (int i = 0; i < 20; i++) check_equal(pirn_write(e->fds[1], "abcde", 5, PIRN_FOREVER), 5);
}

static void share_one(bool (*make)(int fds[2])) {
    struct ends e = {0};
    pirn_waitgroup writers = {0};
    if (!make(e.fds)) return;
    for (int i = 0; i < 8; i++) check_equal(pirn_waitgroup_go(&e.group, read_bytes, &e), 0);
    for (int i = 0; i < 4; i++) check_equal(pirn_waitgroup_go(&writers, write_bytes, &e), 0);
    pirn_waitgroup_wait(&writers);
    check_equal(pirn_close_fd(e.fds[1]), 0); /* the end, for all of them */
    pirn_waitgroup_wait(&e.group);
    check_equal(e.count, 400);
    check_equal(pirn_close_fd(e.fds[0]), 0);
}

static void share_a_pipe(void *arg) {
    (void)arg;
    share_one(make_pipe);
    share_one(make_pair);
}

static void many_may_read_and_write_one_descriptor(void) { run_body(share_a_pipe, NULL); }

static void ping_pong(void *arg) {
    struct ends *e = arg;
    char byte;
    for (int i = 0; i < 200; i++) {
        if (!check_equal(pirn_read(e->fds[1], &byte, 1, PIRN_FOREVER), 1)) return;
        if (!check_equal(pirn_write(e->fds[1], &byte, 1, PIRN_FOREVER), 1)) return;
    }
}

static void bounce(void *arg) {
    struct ends e = {0};
    (void)arg;
    if (!make_pair(e.fds)) return;
    check_equal(pirn_waitgroup_go(&e.group, ping_pong, &e), 0);
    for (int i = 0; i < 200; i++) {
        char byte = (char)i;
        check_equal(pirn_write(e.fds[0], &byte, 1, PIRN_FOREVER), 1);
        check_equal(pirn_read(e.fds[0], &byte, 1, PIRN_FOREVER), 1);
        check_equal(byte, (char)i);
    }
    pirn_waitgroup_wait(&e.group);
    close_both(e.fds);
}

static void no_change_is_lost(void) { run_body(bounce, NULL); }

/* ---- Deadlines ----------------------------------------------------------------------------- */

static void read_in_time(void *arg) {
    struct ends *e = arg;
    char byte;
    ssize_t n = pirn_read(e->fds[0], &byte, 1, e->deadline);
    if (n == -ETIMEDOUT)
        check(pirn_now() >= e->deadline);
    else
        check_equal(n, 1);
    if (n == 1) atomic_fetch_add(&e->count, 1);
}

/* Bytes come about when the deadlines pass: each is read once, or left. */
static void race_deadlines(void *arg) {
    char buffer[8];
    int left = 0;
    struct ends e = {0};
    (void)arg;
    if (!make_pipe(e.fds)) return;
    for (int round = 0; round < 20; round++) {
        e.deadline = pirn_now() + round * 20 * PIRN_USEC;
        e.count = 0;
        for (int i = 0; i < 4; i++) check_equal(pirn_waitgroup_go(&e.group, read_in_time, &e), 0);
        for (int i = 0; i < 4; i++) {
            if (i == 2) pirn_sleep(100 * PIRN_USEC);
            check_equal(pirn_write(e.fds[1], "x", 1, PIRN_FOREVER), 1);
        }
        pirn_waitgroup_wait(&e.group);
        left = 4 - e.count;
        check_equal(pirn_read(e.fds[0], buffer, sizeof buffer, PIRN_NOW), left ? left : -EAGAIN);
    }
    close_both(e.fds);
}

static void deadlines_race_with_bytes(void) { run_body(race_deadlines, NULL); }

static void wait_long_enough(void *arg) {
    struct ends e = {0};
    int64_t deadline;
    char byte;
    (void)arg;
    if (!make_pair(e.fds)) return;
    deadline = pirn_now() + 2 * PIRN_MSEC;
    check_equal(pirn_read(e.fds[0], &byte, 1, deadline), -ETIMEDOUT);
    check(pirn_now() >= deadline);
    deadline = pirn_now() + 2 * PIRN_MSEC;
    check_equal(pirn_wait_fd(e.fds[0], PIRN_READABLE, deadline), -ETIMEDOUT);
    check(pirn_now() >= deadline);
    close_both(e.fds);
}

static void deadlines_never_come_early(void) { run_body(wait_long_enough, NULL); }

/* ---- Waiting for readiness ----------------------------------------------------------------- */

static void wait_for_events(void *arg) {
    const int both = PIRN_READABLE | PIRN_WRITABLE;
    static char bytes[500000];
    struct ends e = {0};
    char byte;
    (void)arg;
    if (!make_pair(e.fds)) return;
    check_equal(pirn_wait_fd(e.fds[0], 0, PIRN_FOREVER), -EINVAL);
    check_equal(pirn_wait_fd(e.fds[0], 4 | PIRN_READABLE, PIRN_FOREVER), -EINVAL);
    check_equal(pirn_wait_fd(e.fds[0], PIRN_READABLE, PIRN_NOW), -EAGAIN);
    check_equal(pirn_wait_fd(e.fds[0], PIRN_READABLE, pirn_now() - 1), -ETIMEDOUT);
    check_equal(pirn_wait_fd(e.fds[0], PIRN_WRITABLE, PIRN_NOW), PIRN_WRITABLE);
    check_equal(pirn_wait_fd(e.fds[0], both, PIRN_FOREVER), PIRN_WRITABLE);
    check_equal(pirn_waitgroup_go(&e.group, write_later, &e), 0);
    check_equal(pirn_wait_fd(e.fds[0], PIRN_READABLE, PIRN_FOREVER), PIRN_READABLE);
    check_equal(pirn_wait_fd(e.fds[0], both, pirn_now() - 1), both);
    pirn_waitgroup_wait(&e.group);
    /* Full, and nothing to read: then either event wakes. */
    check_equal(pirn_read(e.fds[0], bytes, 5, PIRN_NOW), 5);
    while (pirn_write(e.fds[0], bytes, sizeof bytes, PIRN_NOW) > 0) continue;
    check_equal(pirn_wait_fd(e.fds[0], both, PIRN_NOW), -EAGAIN);
    check_equal(pirn_waitgroup_go(&e.group, write_later, &e), 0);
    check_equal(pirn_wait_fd(e.fds[0], both, PIRN_FOREVER), PIRN_READABLE);
    pirn_waitgroup_wait(&e.group);
    check_equal(pirn_close_fd(e.fds[1]), 0);
    check_equal(pirn_wait_fd(e.fds[0], both, PIRN_FOREVER), both); /* errors and ends are ready */
    check_equal(pirn_close_fd(e.fds[0]), 0);
    check_equal(pirn_wait_fd(e.fds[0], both, PIRN_FOREVER), -EBADF);
    if (!make_pipe(e.fds)) return;
    check_equal(pirn_close_fd(e.fds[0]), 0);
    check_equal(pirn_wait_fd(e.fds[1], PIRN_WRITABLE, PIRN_FOREVER), PIRN_WRITABLE);
    check_equal(pirn_write(e.fds[1], &byte, 1, PIRN_FOREVER), -EPIPE);
    check_equal(pirn_close_fd(e.fds[1]), 0);
}

static void wait_tells_which_events_are_ready(void) { run_body(wait_for_events, NULL); }

static void use_a_file(void *arg) {
    FILE *file = tmpfile();
    char buffer[20];
    int fd;
    (void)arg;
    if (!check(file != NULL)) return;
    fd = fileno(file);
    check_equal(pirn_write(fd, "0123456789", 10, PIRN_NOW), 10);
    check_equal(lseek(fd, 4, SEEK_SET), 4);
    check_equal(pirn_read(fd, buffer, sizeof buffer, PIRN_FOREVER), 6);
    check(memcmp(buffer, "456789", 6) == 0);
    check_equal(pirn_read(fd, buffer, sizeof buffer, PIRN_NOW), 0);
    check_equal(pirn_wait_fd(fd, PIRN_READABLE, PIRN_FOREVER), -EPERM);
    check_equal(pirn_wait_fd(fd, PIRN_WRITABLE, PIRN_NOW), -EPERM);
    check_equal(pirn_accept(fd, NULL, NULL, PIRN_NOW), -ENOTSOCK);
    fclose(file);
}

static void regular_files_never_wait(void) { run_body(use_a_file, NULL); }

static void use_what_is_not_open(void *arg) {
    static const int bad[] = {-1, INT32_MIN, 900, 100000, INT32_MAX};
    struct sockaddr_in address = {.sin_family = AF_INET};
    char byte = 0;
    (void)arg;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        check_equal(pirn_read(bad[i], &byte, 1, PIRN_FOREVER), -EBADF);
        check_equal(pirn_write(bad[i], &byte, 1, PIRN_FOREVER), -EBADF);
        check_equal(pirn_wait_fd(bad[i], PIRN_READABLE, PIRN_FOREVER), -EBADF);
        check_equal(pirn_accept(bad[i], NULL, NULL, PIRN_FOREVER), -EBADF);
        check_equal(pirn_connect(bad[i], (struct sockaddr *)&address, sizeof address, PIRN_FOREVER),
                    -EBADF);
        check_equal(pirn_close_fd(bad[i]), -EBADF);
    }
}

static void bad_descriptors(void) { run_body(use_what_is_not_open, NULL); }

static void use_a_large_number(void *arg) {
    struct ends e = {0};
    char byte;
    int large;
    (void)arg;
    if (!make_pipe(e.fds)) return;
    large = fcntl(e.fds[0], F_DUPFD, 500);
    check(large >= 500);
    check_equal(pirn_read(large, &byte, 1, PIRN_NOW), -EAGAIN);
    check_equal(pirn_waitgroup_go(&e.group, write_later, &e), 0);
    check_equal(pirn_read(large, &byte, 1, PIRN_FOREVER), 1);
    pirn_waitgroup_wait(&e.group);
    check_equal(pirn_close_fd(large), 0);
    check_equal(pirn_read(e.fds[0], &byte, 1, PIRN_FOREVER), 1); /* the other is open */
    close_both(e.fds);
}

static void any_number_will_do(void) { run_body(use_a_large_number, NULL); }

/* ---- Closing ------------------------------------------------------------------------------- */

static void read_cancelled(void *arg) {
    struct ends *e = arg;
    char byte;
    ssize_t n = pirn_read(e->fds[0], &byte, 1, e->deadline);
    /* One that had not begun finds nothing open. */
    check(n == -ECANCELED || n == -EBADF);
    if (n == -ECANCELED) atomic_fetch_add(&e->count, 1);
}

static void write_cancelled(void *arg) {
    static char bytes[1000000];
    struct ends *e = arg;
    ssize_t n = pirn_write(e->fds[0], bytes, sizeof bytes, e->deadline);
    check(n == -ECANCELED || n == -EBADF || (n > 0 && n < (ssize_t)sizeof bytes));
}

static void wait_cancelled(void *arg) {
    struct ends *e = arg;
    int rc = pirn_wait_fd(e->fds[0], PIRN_READABLE, e->deadline);
    check(rc == -ECANCELED || rc == -EBADF);
    if (rc == -ECANCELED) atomic_fetch_add(&e->count, 1);
}

static void close_under_waiters(void *arg) {
    struct ends e = {.deadline = arg ? PIRN_FOREVER : pirn_now() + 3600 * PIRN_SEC};
    if (!make_pair(e.fds)) return;
    /* What the library needs for waiting may else get the number of what is closed. */
    check_equal(pirn_wait_fd(e.fds[0], PIRN_READABLE, pirn_now() + 1), -ETIMEDOUT);
    for (int i = 0; i < 4; i++) {
        check_equal(pirn_waitgroup_go(&e.group, read_cancelled, &e), 0);
        check_equal(pirn_waitgroup_go(&e.group, write_cancelled, &e), 0);
        check_equal(pirn_waitgroup_go(&e.group, wait_cancelled, &e), 0);
    }
    if (arg) settle();
    check_equal(pirn_close_fd(e.fds[0]), 0);
    pirn_waitgroup_wait(&e.group);
    if (arg) check_equal(e.count, 8);
    check_equal(pirn_close_fd(e.fds[0]), -EBADF);
    check_equal(pirn_close_fd(e.fds[1]), 0);
}

static void close_wakes_who_waits(void) {
    run_settled(close_under_waiters, (void *)1);
    run_body(close_under_waiters, NULL);
}

static void read_old(void *arg) {
    struct ends *e = arg;
    char byte;
    check_equal(pirn_read(e->fds[0], &byte, 1, PIRN_FOREVER), -ECANCELED);
}

/* Those that waited for the old descriptor take nothing from the new one. */
static void use_the_number_again(void *arg) {
    struct ends old = {0}, new = {0};
    char byte;
    (void)arg;
    for (int i = 0; i < 3; i++) {
        if (!(i % 2 ? make_pair(old.fds) : make_pipe(old.fds))) return;
        for (int k = 0; k < 3; k++) check_equal(pirn_waitgroup_go(&old.group, read_old, &old), 0);
        settle();
        close_both(old.fds);
        if (!(i % 2 ? make_pipe(new.fds) : make_pair(new.fds))) return;
        check_equal(new.fds[0], old.fds[0]);
        check_equal(pirn_write(new.fds[1], "x", 1, PIRN_FOREVER), 1);
        pirn_waitgroup_wait(&old.group);
        check_equal(pirn_read(new.fds[0], &byte, 1, PIRN_NOW), 1);
        check_equal(pirn_waitgroup_go(&new.group, write_later, &new), 0);
        check_equal(pirn_read(new.fds[0], &byte, 1, PIRN_FOREVER), 1);
        pirn_waitgroup_wait(&new.group);
        close_both(new.fds);
    }
}

static void a_new_descriptor_starts_afresh(void) { run_settled(use_the_number_again, NULL); }

/* Nobody waits, so close(2) does as well. */
static void close_plainly(void *arg) {
    struct ends e = {0};
    char byte;
    (void)arg;
    for (int i = 0; i < 6; i++) {
        if (!(i % 2 ? make_pair(e.fds) : make_pipe(e.fds))) return;
        check_equal(pirn_waitgroup_go(&e.group, write_later, &e), 0);
        check_equal(pirn_read(e.fds[0], &byte, 1, PIRN_FOREVER), 1);
        pirn_waitgroup_wait(&e.group);
        close(e.fds[0]);
        close(e.fds[1]);
    }
}

static void a_plain_close_is_noticed(void) { run_body(close_plainly, NULL); }

/* ---- Connections --------------------------------------------------------------------------- */

struct server {
    int listener;
    socklen_t length;
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_un un;
    } address;
    pirn_waitgroup group, clients;
    atomic_int served;
    int rounds;
};

static bool listen_on(struct server *s, bool unix_socket, int backlog) {
    memset(s, 0, sizeof *s);
    s->listener = socket(unix_socket ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
    if (!check(s->listener >= 0)) return false;
    if (unix_socket) {
        s->address.un.sun_family = AF_UNIX; /* the kernel makes up a name */
        s->length = sizeof s->address.un.sun_family;
    } else {
        s->address.in.sin_family = AF_INET;
        s->address.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        s->length = sizeof s->address.in;
    }
    if (!check_equal(bind(s->listener, &s->address.any, s->length), 0)) return false;
    s->length = sizeof s->address;
    check_equal(getsockname(s->listener, &s->address.any, &s->length), 0);
    return check_equal(listen(s->listener, backlog), 0);
}

static int connect_to(const struct server *s) {
    int fd = socket(s->address.any.sa_family, SOCK_STREAM, 0), rc;
    if (!check(fd >= 0)) return -1;
    rc = pirn_connect(fd, &s->address.any, s->length, PIRN_FOREVER);
    if (check_equal(rc, 0)) return fd;
    pirn_close_fd(fd);
    return -1;
}

struct connection {
    struct server *server;
    int fd;
};

static void echo(void *arg) {
    struct connection *c = arg;
    char buffer[64];
    ssize_t n;
    while ((n = pirn_read(c->fd, buffer, sizeof buffer, PIRN_FOREVER)) > 0)
        if (!check_equal(pirn_write(c->fd, buffer, (size_t)n, PIRN_FOREVER), n)) break;
    check_equal(n, 0);
    check_equal(pirn_close_fd(c->fd), 0);
    atomic_fetch_add(&c->server->served, 1);
}

static void serve(void *arg) {
    struct server *s = arg;
    struct connection c = {.server = s};
    while ((c.fd = pirn_accept(s->listener, NULL, NULL, PIRN_FOREVER)) >= 0) {
        check(fcntl(c.fd, F_GETFL) & O_NONBLOCK);
        check(fcntl(c.fd, F_GETFD) & FD_CLOEXEC);
        check_equal(pirn_waitgroup_go_copy(&s->group, echo, &c, sizeof c), 0);
    }
    check(c.fd == -ECANCELED || c.fd == -EBADF);
}

static void be_client(void *arg) {
    struct server *s = arg;
    int fd = connect_to(s);
    if (fd < 0) return;
    for (int i = 0; i < s->rounds; i++) {
        char sent[32], got[32];
        int length = snprintf(sent, sizeof sent, "%d: %d", fd, i), have = 0;
        check_equal(pirn_write(fd, sent, (size_t)length, PIRN_FOREVER), length);
        while (have < length) {
            ssize_t n = pirn_read(fd, got + have, (size_t)(length - have), PIRN_FOREVER);
            if (!check(n > 0)) break;
            have += (int)n;
        }
        if (!check(have == length && memcmp(sent, got, (size_t)length) == 0)) break;
    }
    check_equal(pirn_close_fd(fd), 0);
}

static void echo_to(struct server *s, int clients, int rounds) {
    s->rounds = rounds;
    check_equal(pirn_waitgroup_go(&s->group, serve, s), 0);
    for (int i = 0; i < clients; i++) check_equal(pirn_waitgroup_go(&s->clients, be_client, s), 0);
    pirn_waitgroup_wait(&s->clients);
    while (s->served < clients) pirn_sleep(PIRN_MSEC);
    check_equal(pirn_close_fd(s->listener), 0);
    pirn_waitgroup_wait(&s->group);
}

static void echo_over_tcp(void *arg) {
    struct server s;
    (void)arg;
    if (listen_on(&s, false, 64)) echo_to(&s, 5, 4);
}

static void echo_over_unix(void *arg) {
    struct server s;
    (void)arg;
    if (listen_on(&s, true, 64)) echo_to(&s, 5, 4);
}

static void accept_and_connect(void) {
    run_body(echo_over_tcp, NULL);
    run_body(echo_over_unix, NULL);
}

static void echo_in_a_crowd(void *arg) {
    struct server s;
    (void)arg;
    if (listen_on(&s, false, 512)) echo_to(&s, 200, SIMULATED ? 2 : 20);
}

static void two_hundred_connections(void) { run_heavy(echo_in_a_crowd, NULL); }

static void look_at_addresses(void *arg) {
    struct server s;
    struct sockaddr_in peer = {0}, own = {0};
    socklen_t length = sizeof peer;
    int client, fd;
    (void)arg;
    if (!listen_on(&s, false, 4)) return;
    check_equal(pirn_accept(s.listener, NULL, NULL, PIRN_NOW), -EAGAIN);
    check_equal(pirn_accept(s.listener, NULL, NULL, pirn_now() + PIRN_MSEC), -ETIMEDOUT);
    if ((client = connect_to(&s)) < 0) return;
    check_equal(pirn_wait_fd(s.listener, PIRN_READABLE, PIRN_FOREVER), PIRN_READABLE);
    fd = pirn_accept(s.listener, (struct sockaddr *)&peer, &length, PIRN_FOREVER);
    check(fd >= 0);
    check_equal(length, sizeof peer);
    length = sizeof own;
    check_equal(getsockname(client, (struct sockaddr *)&own, &length), 0);
    check_equal(peer.sin_port, own.sin_port);
    check_equal(peer.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    check_equal(pirn_close_fd(fd), 0);
    check_equal(pirn_close_fd(client), 0);
    check_equal(pirn_close_fd(s.listener), 0);
}

static void accept_tells_who_has_come(void) { run_body(look_at_addresses, NULL); }

static void connect_to_nobody(void *arg) {
    struct server s;
    (void)arg;
    for (int i = 0; i < 2; i++) {
        int fd;
        if (!listen_on(&s, i == 1, 1)) return;
        check_equal(pirn_close_fd(s.listener), 0); /* so nobody has its address */
        fd = socket(s.address.any.sa_family, SOCK_STREAM, 0);
        check_equal(pirn_connect(fd, &s.address.any, s.length, PIRN_FOREVER), -ECONNREFUSED);
        check_equal(pirn_close_fd(fd), 0);
    }
}

static void refused_connections(void) { run_body(connect_to_nobody, NULL); }

/* A full queue: the kernel drops what comes, and tries again after a second. */
static void connect_in_vain(void *arg) {
    struct server s;
    int fds[4], in_time = 0;
    (void)arg;
    if (!listen_on(&s, false, 0)) return;
    for (int i = 0; i < 4; i++) {
        int rc;
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        rc = pirn_connect(fds[i], &s.address.any, s.length, pirn_now() + 5 * PIRN_MSEC);
        check(rc == 0 || rc == -ETIMEDOUT);
        if (rc == 0)
            in_time++;
        else /* it is still under way */
            check_equal(pirn_connect(fds[i], &s.address.any, s.length, PIRN_NOW), -EAGAIN);
    }
    check(in_time < 4);
    for (int i = 0; i < 4; i++) check_equal(pirn_close_fd(fds[i]), 0);
    check_equal(pirn_close_fd(s.listener), 0);
    if (!listen_on(&s, true, 0)) return;
    fds[0] = connect_to(&s);
    fds[1] = socket(AF_UNIX, SOCK_STREAM, 0);
    check_equal(pirn_connect(fds[1], &s.address.any, s.length, PIRN_FOREVER), -EAGAIN);
    close_both(fds);
    check_equal(pirn_close_fd(s.listener), 0);
}

static void full_queues_of_connections(void) { run_settled(connect_in_vain, NULL); }

/* ---- The engines --------------------------------------------------------------------------- */

static void without_a_runtime(void) {
    int fds[2];
    char byte;
    if (!make_pipe(fds)) return;
    check_equal(pirn_write(fds[1], "x", 1, PIRN_FOREVER), 1);
    check_equal(pirn_read(fds[0], &byte, 1, PIRN_FOREVER), 1);
    check_equal(pirn_read(fds[0], &byte, 1, PIRN_NOW), -EAGAIN);
    check_equal(pirn_read(fds[0], &byte, 1, PIRN_FOREVER), -EPERM);
    close_both(fds);
    conclude("no runtime");
}

static void stay_here(void *arg) {
    struct ends *e = arg;
    char byte;
    HERE_NEXT();
    pirn_read(e->fds[0], &byte, 1, PIRN_FOREVER);
    NOT_A_TAIL_CALL();
}

static void panic_beside_a_reader(void *arg) {
    static struct ends e;
    (void)arg;
    if (!make_pipe(e.fds)) return;
    fprintf(stderr, "it is descriptor %d.\n", e.fds[0]);
    pirn_go(stay_here, &e);
    settle();
    pirn_panic("enough");
}

static void reports_name_the_descriptor(void) {
    char *report = abort_report(panic_beside_a_reader), words[60];
    const char *said = report ? strstr(report, "it is descriptor ") : NULL;
    int fd = said ? atoi(said + strlen("it is descriptor ")) : -1;
    snprintf(words, sizeof words, "(stay_here): reading from descriptor %d, in stay_here", fd);
    check_contains(report, words);
    check_places(report);
    free(report);
    conclude("report");
}

#if SIMULATED

static void wait_both_ways(void *arg) {
    struct ends *e = arg;
    char byte;
    pirn_read(e->fds[1], &byte, 1, PIRN_FOREVER);
    pirn_write(e->fds[1], &byte, 1, PIRN_FOREVER);
}

static void wait_for_each_other(void *arg) {
    static struct ends e;
    char byte;
    (void)arg;
    if (!make_pair(e.fds)) return;
    pirn_go(wait_both_ways, &e);
    pirn_read(e.fds[0], &byte, 1, PIRN_FOREVER);
}

static void deadlock_over_descriptors_is_found(void) {
    expect_outcome(wait_for_each_other, 1, 0, PIRN_DEADLOCK, "reading from descriptor ");
    expect_outcome(wait_for_each_other, 1, 0, PIRN_DEADLOCK, "2 tasks are blocked for ever");
    conclude("deadlock");
}

static void leave_a_reader(void *arg) {
    static struct ends e;
    (void)arg;
    if (!make_pipe(e.fds)) return;
    e.deadline = PIRN_FOREVER;
    pirn_go(read_cancelled, &e);
}

static void leaked_reader_is_found(void) {
    expect_outcome(leave_a_reader, 1, 0, PIRN_LEAK, "reading from descriptor ");
    conclude("leak");
}

static void count_graphs(pirn_fn *fn, uint64_t runs, pirn_sim_result *result) {
    pirn_sim_options options = {.strategy = "random", .seed = 1, .runs = runs};
    check_equal(pirn_sim_explore(&options, fn, NULL, result), 0);
    if (!check_equal(result->outcome, PIRN_OK)) fprintf(stderr, "    %s\n", result->message);
    check_equal(result->runs, runs);
}

static void explore_an_echo_server(void) {
    pirn_sim_result result;
    count_graphs(echo_over_unix, 200, &result);
    check(result.distinct > 100);
    pirn_sim_result_free(&result);
    conclude("echo server");
}

static void write_only(void *arg) {
    struct ends *e = arg;
    check_equal(pirn_write(e->fds[1], "x", 1, PIRN_FOREVER), 1);
}

/* Each run leaves descriptors open, so the next has other numbers. */
static void leak_descriptors(void *arg) {
    struct ends e = {0};
    char byte;
    (void)arg;
    if (!make_pipe(e.fds)) return;
    check_equal(pirn_waitgroup_go(&e.group, write_only, &e), 0);
    check_equal(pirn_read(e.fds[0], &byte, 1, PIRN_FOREVER), 1);
    pirn_waitgroup_wait(&e.group);
}

static void numbers_are_no_part_of_the_graph(void) {
    pirn_sim_result result;
    count_graphs(leak_descriptors, 50, &result);
    check_equal(result.distinct, 1);
    pirn_sim_result_free(&result);
    conclude("leaked descriptors");
}

static void fail_if_late(void *arg) {
    struct ends e = {0};
    char byte[2];
    (void)arg;
    if (!make_pair(e.fds)) return;
    check_equal(pirn_waitgroup_go(&e.group, write_only, &e), 0);
    check_equal(pirn_waitgroup_go(&e.group, write_only, &e), 0);
    if (pirn_read(e.fds[0], byte, 2, PIRN_FOREVER) == 1) pirn_panic("in two pieces");
    pirn_waitgroup_wait(&e.group);
}

static void a_schedule_is_replayed(void) {
    pirn_sim_options options = {.strategy = "random", .seed = 1, .runs = 100};
    pirn_sim_result result, again;
    check_equal(pirn_sim_explore(&options, fail_if_late, NULL, &result), 0);
    check_equal(result.outcome, PIRN_PANIC);
    options.replay = result.schedule;
    for (int i = 0; i < 5; i++) {
        check_equal(pirn_sim_explore(&options, fail_if_late, NULL, &again), 0);
        check_equal(again.outcome, PIRN_PANIC);
        check(again.schedule && strcmp(again.schedule, result.schedule) == 0);
        pirn_sim_result_free(&again);
    }
    pirn_sim_result_free(&result);
    conclude("replay");
}

#else

static int stranger_fds[2];

static void *read_outside(void *arg) {
    char byte;
    (void)arg;
    return (void *)(intptr_t)pirn_read(stranger_fds[0], &byte, 1, PIRN_FOREVER);
}

struct joined {
    pthread_t thread;
    void *result;
};

static void join(void *arg) {
    struct joined *j = arg;
    pthread_join(j->thread, &j->result);
}

static void serve_a_stranger(void *arg) {
    struct joined j;
    if (!make_pipe(stranger_fds)) return;
    check_equal(pthread_create(&j.thread, NULL, read_outside, NULL), 0);
    pirn_sleep(arg ? 0 : PIRN_MSEC);
    check_equal(pirn_write(stranger_fds[1], "x", 1, PIRN_FOREVER), 1);
    check_equal(pirn_block(join, &j), 0); /* the workers wake the thread */
    check_equal((intptr_t)j.result, 1);
    close_both(stranger_fds);
}

static void a_thread_of_the_program_waits(void) {
    run_body(serve_a_stranger, NULL);
    run_body(serve_a_stranger, (void *)1);
}

static pthread_t left_thread;

static void leave_a_stranger(void *arg) {
    (void)arg;
    check_equal(pthread_create(&left_thread, NULL, read_outside, NULL), 0);
    pirn_sleep(PIRN_MSEC);
}

/* Whether it had come to wait or not. */
static void the_end_of_the_run_wakes_threads(void) {
    for (int i = 0; i < 20; i++) {
        void *result = NULL;
        if (!make_pipe(stranger_fds)) return;
        check_equal(pirn_run(NULL, leave_a_stranger, NULL), 0);
        pthread_join(left_thread, &result);
        check((intptr_t)result == -ECANCELED || (intptr_t)result == -EPERM);
        close_both(stranger_fds);
    }
    conclude("thread at the end");
}

static void stay_in_read(void *arg) {
    char byte;
    pirn_read(*(int *)arg, &byte, 1, PIRN_FOREVER);
    check(!"a discarded task has gone on");
}

static void discard_readers(void *arg) {
    (void)arg;
    for (int i = 0; i < 5; i++) check_equal(pirn_go(stay_in_read, &stranger_fds[0]), 0);
    pirn_sleep(PIRN_MSEC);
}

static void discarded_tasks_do_not_wait_any_more(void) {
    char byte;
    if (!make_pipe(stranger_fds)) return;
    run_body(discard_readers, NULL);
    check_equal(pirn_write(stranger_fds[1], "x", 1, PIRN_NOW), 1);
    check_equal(pirn_read(stranger_fds[0], &byte, 1, PIRN_NOW), 1);
    close_both(stranger_fds);
    conclude("discarded");
}

static void *write_outside(void *arg) {
    usleep(30000);
    check_equal(write(*(int *)arg, "x", 1), 1);
    return NULL;
}

static void wait_for_outside(void *arg) {
    pthread_t thread;
    char byte;
    int fds[2];
    (void)arg;
    if (!make_pipe(fds)) return;
    check_equal(pthread_create(&thread, NULL, write_outside, &fds[1]), 0);
    check_equal(pirn_read(fds[0], &byte, 1, PIRN_FOREVER), 1); /* no deadlock */
    pthread_join(thread, NULL);
    close_both(fds);
}

static void waiting_for_a_descriptor_is_no_deadlock(void) { run_body(wait_for_outside, NULL); }

struct hog {
    struct ends ends;
    atomic_bool stop;
};

static void compute(void *arg) {
    struct hog *h = arg;
    while (!h->stop) continue;
}

static void compute_politely(void *arg) {
    struct hog *h = arg;
    while (!h->stop) pirn_yield();
}

/* With one worker it looks at descriptors between its tasks; with more, an idle one does, though
 * others never come to look. */
static void read_beside(void *arg) {
    struct hog h = {0};
    pthread_t thread;
    char byte;
    if (!make_pipe(h.ends.fds)) return;
    check_equal(pirn_waitgroup_go(&h.ends.group, arg ? compute : compute_politely, &h), 0);
    for (int i = 0; i < 3; i++) {
        check_equal(pthread_create(&thread, NULL, write_outside, &h.ends.fds[1]), 0);
        check_equal(pirn_read(h.ends.fds[0], &byte, 1, PIRN_FOREVER), 1);
        pthread_join(thread, NULL);
    }
    h.stop = true;
    pirn_waitgroup_wait(&h.ends.group);
    close_both(h.ends.fds);
}

static void a_busy_worker_sees_descriptors(void) {
    pirn_config config = {.workers = 3};
    run_body(read_beside, NULL);
    for (int i = 0; i < 5; i++) check_equal(pirn_run(&config, read_beside, (void *)1), 0);
    conclude("beside a task that never stops");
}

#endif

static const struct test tests[] = {
    TEST(read_waits_for_the_first_byte),
    TEST_SECONDS(write_writes_all, 60),
    TEST(a_stopped_write_tells_how_far_it_came),
    TEST(writing_to_nobody_is_an_error),
    TEST(the_other_end_wakes_a_writer),
    TEST(half_closed_sockets),
    TEST(a_shut_down_wakes_a_reader),
    TEST_SECONDS(many_may_read_and_write_one_descriptor, 60),
    TEST_SECONDS(no_change_is_lost, 60),
    TEST_SECONDS(deadlines_race_with_bytes, 60),
    TEST(deadlines_never_come_early),
    TEST(wait_tells_which_events_are_ready),
    TEST(regular_files_never_wait),
    TEST(bad_descriptors),
    TEST(any_number_will_do),
    TEST(close_wakes_who_waits),
    TEST(a_new_descriptor_starts_afresh),
    TEST(a_plain_close_is_noticed),
    TEST(accept_and_connect),
    TEST_SECONDS(two_hundred_connections, 120),
    TEST(accept_tells_who_has_come),
    TEST(refused_connections),
    TEST(full_queues_of_connections),
    TEST(without_a_runtime),
    TEST(reports_name_the_descriptor),
#if SIMULATED
    TEST(deadlock_over_descriptors_is_found),
    TEST(leaked_reader_is_found),
    TEST_SECONDS(explore_an_echo_server, 60),
    TEST(numbers_are_no_part_of_the_graph),
    TEST(a_schedule_is_replayed),
#else
    TEST(a_thread_of_the_program_waits),
    TEST(the_end_of_the_run_wakes_threads),
    TEST(discarded_tasks_do_not_wait_any_more),
    TEST(waiting_for_a_descriptor_is_no_deadlock),
    TEST_SECONDS(a_busy_worker_sees_descriptors, 60),
#endif
};

HARNESS(tests)
