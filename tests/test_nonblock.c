/*
 * test_nonblock.c - the system calls below the operations on descriptors, where each of them is
 * interrupted by signals, and where each fails.
 *
 * The calls are taken over by functions of this program, which fail as often as a test says.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/core/nonblock.h"
#include "tests/harness.h"

/* ---- Calls that fail ------------------------------------------------------------------------- */

static struct {
    const char *call;
    int passed, times, error; /* that many succeed, then so many fail */
} refusal;

static bool refused(const char *call) {
    if (!refusal.call || strcmp(call, refusal.call) || refusal.passed-- > 0 || !refusal.times)
        return false;
    refusal.times--;
    errno = refusal.error;
    return true;
}

static void refuse(const char *call, int passed, int times, int error) {
    refusal.call = call;
    refusal.passed = passed;
    refusal.times = times;
    refusal.error = error;
    errno = EDOM; /* which no call changes */
}

/* Whether it was refused, and nobody told of it but by what the call returned. */
static bool unnoticed(void) {
    bool held = refusal.times == 0 && errno == EDOM;
    refusal.call = NULL;
    return held;
}

int fcntl(int fd, int command, ...) {
    va_list arguments;
    long argument;
    va_start(arguments, command);
    argument = va_arg(arguments, long);
    va_end(arguments);
    return refused("fcntl") ? -1 : (int)syscall(SYS_fcntl, fd, command, argument);
}

ssize_t recv(int fd, void *buffer, size_t size, int flags) {
    return refused("recv") ? -1 : syscall(SYS_recvfrom, fd, buffer, size, flags, NULL, NULL);
}

ssize_t send(int fd, const void *buffer, size_t size, int flags) {
    return refused("send") ? -1 : syscall(SYS_sendto, fd, buffer, size, flags, NULL, 0);
}

ssize_t read(int fd, void *buffer, size_t size) {
    return refused("read") ? -1 : syscall(SYS_read, fd, buffer, size);
}

ssize_t write(int fd, const void *buffer, size_t size) {
    return refused("write") ? -1 : syscall(SYS_write, fd, buffer, size);
}

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
    return refused("accept4") ? -1 : (int)syscall(SYS_accept4, fd, address, length, flags);
}

int connect(int fd, const struct sockaddr *address, socklen_t length) {
    return refused("connect") ? -1 : (int)syscall(SYS_connect, fd, address, length);
}

int getsockopt(int fd, int level, int option, void *value, socklen_t *size) {
    return refused("getsockopt") ? -1
                                 : (int)syscall(SYS_getsockopt, fd, level, option, value, size);
}

int getpeername(int fd, struct sockaddr *address, socklen_t *length) {
    return refused("getpeername") ? -1 : (int)syscall(SYS_getpeername, fd, address, length);
}

int poll(struct pollfd *fds, nfds_t count, int timeout) {
    struct timespec limit = {timeout / 1000, timeout % 1000 * 1000000L};
    if (refused("poll")) return -1;
    return (int)syscall(SYS_ppoll, fds, count, timeout < 0 ? NULL : &limit, NULL, 0);
}

int close(int fd) {
    int rc = (int)syscall(SYS_close, fd);
    return refused("close") ? -1 : rc;
}

/* ---- Descriptors ------------------------------------------------------------------------------ */

static struct {
    int pipe[2], sockets[2], listener;
    struct sockaddr_in address;
    _Atomic bool plain, socket;
} fds;

static void open_all(void) {
    socklen_t length = sizeof fds.address;
    fds.plain = true;
    fds.socket = false;
    CU_ASSERT_EQUAL_FATAL(pipe2(fds.pipe, O_CLOEXEC), 0);
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.sockets), 0);
    fds.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    fds.address = (struct sockaddr_in){.sin_family = AF_INET};
    fds.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CU_ASSERT_EQUAL_FATAL(bind(fds.listener, (struct sockaddr *)&fds.address, length), 0);
    CU_ASSERT_EQUAL_FATAL(listen(fds.listener, 5), 0);
    CU_ASSERT_EQUAL_FATAL(getsockname(fds.listener, (struct sockaddr *)&fds.address, &length), 0);
}

static void close_all(void) {
    for (int i = 0; i < 2; i++) {
        close(fds.pipe[i]);
        close(fds.sockets[i]);
    }
    close(fds.listener);
}

static int client(void) { return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }

static int begin_to_connect(int fd) {
    return nonblock_connect(fd, (struct sockaddr *)&fds.address, sizeof fds.address);
}

/* Connects; on the loopback that is done at once, or soon. */
static int connect_to_listener(int fd) {
    int rc = begin_to_connect(fd);
    while (rc == -EINPROGRESS) rc = nonblock_connected(fd);
    return rc;
}

/* ---- Interrupted ------------------------------------------------------------------------------ */

enum { TIMES = 3 };

static void interrupted_calls_are_made_again(void) {
    char byte = 0;
    int one, other;
    open_all();

    refuse("fcntl", 0, TIMES, EINTR);
    CU_ASSERT(nonblock_is_open(fds.pipe[0]));
    CU_ASSERT(unnoticed());

    refuse("write", 0, TIMES, EINTR);
    CU_ASSERT_EQUAL(nonblock_write(fds.pipe[1], "a", 1, &fds.plain), 1);
    CU_ASSERT(unnoticed());
    refuse("read", 0, TIMES, EINTR);
    CU_ASSERT_EQUAL(nonblock_read(fds.pipe[0], &byte, 1, &fds.plain), 1);
    CU_ASSERT(unnoticed());
    CU_ASSERT_EQUAL(byte, 'a');

    refuse("send", 0, TIMES, EINTR);
    CU_ASSERT_EQUAL(nonblock_write(fds.sockets[1], "b", 1, &fds.socket), 1);
    CU_ASSERT(unnoticed());
    refuse("recv", 0, TIMES, EINTR);
    CU_ASSERT_EQUAL(nonblock_read(fds.sockets[0], &byte, 1, &fds.socket), 1);
    CU_ASSERT(unnoticed());
    CU_ASSERT_EQUAL(byte, 'b');

    one = client();
    refuse("connect", 0, TIMES, EINTR);
    CU_ASSERT_EQUAL(connect_to_listener(one), 0);
    CU_ASSERT(unnoticed());
    refuse("getsockopt", 0, TIMES, EINTR);
    CU_ASSERT_EQUAL(nonblock_connected(one), 0);
    CU_ASSERT(unnoticed());
    refuse("getpeername", 0, TIMES, EINTR);
    CU_ASSERT_EQUAL(nonblock_connected(one), 0);
    CU_ASSERT(unnoticed());
    refuse("accept4", 0, TIMES, EINTR);
    other = nonblock_accept(fds.listener, NULL, NULL);
    CU_ASSERT(other >= 0);
    CU_ASSERT(unnoticed());

    refuse("poll", 0, TIMES, EINTR);
    CU_ASSERT_EQUAL(nonblock_ready(one, PIRN_READABLE | PIRN_WRITABLE), PIRN_WRITABLE);
    CU_ASSERT(unnoticed());
    /* It is closed all the same: once more would close somebody else's. */
    refuse("close", 0, 1, EINTR);
    CU_ASSERT_EQUAL(nonblock_close(one), 0);
    CU_ASSERT(unnoticed());
    CU_ASSERT(!nonblock_is_open(one));
    nonblock_close(other);
    close_all();
}

/* ---- Refused ---------------------------------------------------------------------------------- */

static void errors_are_returned(void) {
    char byte;
    int one = client();
    open_all();

    /* Both calls that make a descriptor non-blocking, which has them but once. */
    for (int i = 0; i < 2; i++) {
        refuse("fcntl", i, 1, EPERM);
        CU_ASSERT_EQUAL(nonblock_read(fds.pipe[0], &byte, 1, &fds.plain), -EPERM);
        CU_ASSERT(unnoticed());
        refuse("fcntl", i, 1, EPERM);
        CU_ASSERT_EQUAL(nonblock_write(fds.pipe[1], "a", 1, &fds.plain), -EPERM);
        CU_ASSERT(unnoticed());
        refuse("fcntl", i, 1, EPERM);
        CU_ASSERT_EQUAL(nonblock_accept(fds.listener, NULL, NULL), -EPERM);
        CU_ASSERT(unnoticed());
        refuse("fcntl", i, 1, EPERM);
        CU_ASSERT_EQUAL(begin_to_connect(one), -EPERM);
        CU_ASSERT(unnoticed());
    }
    refuse("read", 0, 1, EIO);
    CU_ASSERT_EQUAL(nonblock_read(fds.pipe[0], &byte, 1, &fds.plain), -EIO);
    CU_ASSERT(unnoticed());
    refuse("write", 0, 1, EIO);
    CU_ASSERT_EQUAL(nonblock_write(fds.pipe[1], "a", 1, &fds.plain), -EIO);
    CU_ASSERT(unnoticed());
    refuse("recv", 0, 1, ECONNRESET);
    CU_ASSERT_EQUAL(nonblock_read(fds.sockets[0], &byte, 1, &fds.socket), -ECONNRESET);
    CU_ASSERT(unnoticed());
    refuse("send", 0, 1, ECONNRESET);
    CU_ASSERT_EQUAL(nonblock_write(fds.sockets[0], "a", 1, &fds.socket), -ECONNRESET);
    CU_ASSERT(unnoticed());
    CU_ASSERT(!fds.socket);
    refuse("connect", 0, 1, ENETUNREACH);
    CU_ASSERT_EQUAL(begin_to_connect(one), -ENETUNREACH);
    CU_ASSERT(unnoticed());
    refuse("getsockopt", 0, 1, ENOBUFS);
    CU_ASSERT_EQUAL(nonblock_connected(one), -ENOBUFS);
    CU_ASSERT(unnoticed());
    refuse("getpeername", 0, 1, ENOBUFS);
    CU_ASSERT_EQUAL(nonblock_connected(one), -ENOBUFS);
    CU_ASSERT(unnoticed());
    refuse("accept4", 0, 1, EMFILE);
    CU_ASSERT_EQUAL(nonblock_accept(fds.listener, NULL, NULL), -EMFILE);
    CU_ASSERT(unnoticed());
    refuse("poll", 0, 1, ENOMEM);
    CU_ASSERT_EQUAL(nonblock_ready(fds.pipe[0], PIRN_READABLE), -ENOMEM);
    CU_ASSERT(unnoticed());
    refuse("close", 0, 1, EIO);
    CU_ASSERT_EQUAL(nonblock_close(one), -EIO);
    CU_ASSERT(unnoticed());
    CU_ASSERT_EQUAL(nonblock_ready(one, PIRN_READABLE), -EBADF);
    close_all();
}

/* ---- What stands for something else ----------------------------------------------------------- */

static void who_went_away_is_not_accepted(void) {
    int one = client(), other;
    open_all();
    CU_ASSERT_EQUAL(connect_to_listener(one), 0);
    refuse("accept4", 0, TIMES, ECONNABORTED);
    other = nonblock_accept(fds.listener, NULL, NULL);
    CU_ASSERT(other >= 0);
    CU_ASSERT(unnoticed());
    nonblock_close(other);
    nonblock_close(one);
    close_all();
}

static void connecting_goes_on(void) {
    int one = client();
    open_all();
    refuse("connect", 0, 1, EALREADY); /* a call before has begun */
    CU_ASSERT_EQUAL(begin_to_connect(one), -EINPROGRESS);
    CU_ASSERT(unnoticed());
    CU_ASSERT_EQUAL(nonblock_connected(one), -EINPROGRESS);
    CU_ASSERT_EQUAL(connect_to_listener(one), 0);
    CU_ASSERT_EQUAL(nonblock_connected(one), 0);
    nonblock_close(one);
    close_all();
}

/* Takes what is not a socket for one at first, and remembers. */
static void kinds_are_remembered(void) {
    _Atomic bool plain = false;
    char byte;
    open_all();
    CU_ASSERT_EQUAL(nonblock_write(fds.pipe[1], "a", 1, &plain), 1);
    CU_ASSERT(plain);
    plain = false;
    CU_ASSERT_EQUAL(nonblock_read(fds.pipe[0], &byte, 1, &plain), 1);
    CU_ASSERT(plain);
    refuse("recv", 0, 1, EIO); /* is not called any more */
    CU_ASSERT_EQUAL(nonblock_read(fds.pipe[0], &byte, 1, &plain), -EAGAIN);
    CU_ASSERT_EQUAL(refusal.times, 1);
    CU_ASSERT_EQUAL(errno, EDOM);
    refusal.call = NULL;
    close_all();
}

/* ---- SIGPIPE ---------------------------------------------------------------------------------- */

static volatile sig_atomic_t pipes_broken;

static void count_broken(int number) {
    (void)number;
    pipes_broken++;
}

static bool is_pending(int number) {
    sigset_t set;
    return sigpending(&set) == 0 && sigismember(&set, number);
}

static void writing_raises_no_signal(void) {
    sigset_t set;
    open_all();
    signal(SIGPIPE, count_broken);
    close(fds.pipe[0]);
    fds.pipe[0] = -1;
    errno = EDOM;
    CU_ASSERT_EQUAL(nonblock_write(fds.pipe[1], "a", 1, &fds.plain), -EPIPE);
    CU_ASSERT_EQUAL(errno, EDOM);
    CU_ASSERT_EQUAL(pipes_broken, 0);

    /* Nor where the caller has it blocked, where nothing stays pending... */
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    CU_ASSERT_EQUAL(nonblock_write(fds.pipe[1], "a", 1, &fds.plain), -EPIPE);
    CU_ASSERT(!is_pending(SIGPIPE));
    /* ... but what was before. */
    raise(SIGPIPE);
    CU_ASSERT_EQUAL(nonblock_write(fds.pipe[1], "a", 1, &fds.plain), -EPIPE);
    CU_ASSERT(is_pending(SIGPIPE));
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    CU_ASSERT_EQUAL(pipes_broken, 1);
    close_all();
}

static const struct test tests[] = {
    TEST(interrupted_calls_are_made_again),
    TEST(errors_are_returned),
    TEST(who_went_away_is_not_accepted),
    TEST(connecting_goes_on),
    TEST(kinds_are_remembered),
    TEST(writing_raises_no_signal),
};

HARNESS(tests)
