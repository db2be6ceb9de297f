/* nonblock.c - see nonblock.h. */
#include "lib/core/nonblock.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

/* Repeats a call that a signal has interrupted; sets `result` to what it returned or -errno, and
 * errno back. */
#define CALL(result, call)                                                    \
    do {                                                                      \
        int before_ = errno;                                                  \
        do (result) = (call);                                                 \
        while ((result) < 0 && errno == EINTR);                               \
        if ((result) < 0) (result) = errno == EWOULDBLOCK ? -EAGAIN : -errno; \
        errno = before_;                                                      \
    } while (0)

/* The description behind a descriptor may be shared, also with other processes, that set it as
 * they like; so it is looked at each time. */
static int make_nonblocking(int fd) {
    int flags, rc;
    CALL(flags, fcntl(fd, F_GETFL));
    if (flags < 0 || flags & O_NONBLOCK) return flags < 0 ? flags : 0;
    CALL(rc, fcntl(fd, F_SETFL, flags | O_NONBLOCK));
    return rc < 0 ? rc : 0;
}

bool nonblock_is_open(int fd) {
    int rc;
    CALL(rc, fcntl(fd, F_GETFD));
    return rc >= 0;
}

ssize_t nonblock_read(int fd, void *buffer, size_t size, _Atomic bool *plain) {
    ssize_t n;
    if (size && !atomic_load_explicit(plain, memory_order_relaxed)) {
        CALL(n, recv(fd, buffer, size, MSG_DONTWAIT));
        if (n != -ENOTSOCK) return n;
        atomic_store_explicit(plain, true, memory_order_relaxed);
    }
    /* Nothing waits for no bytes. */
    if (size && (n = make_nonblocking(fd)) < 0) return n;
    CALL(n, read(fd, buffer, size));
    return n;
}

/* The signal is for this thread alone, so it can be kept out and taken away. One that was pending
 * before is left. */
ssize_t nonblock_write_quietly(int fd, const void *buffer, size_t size) {
    static const struct timespec at_once = {0, 0};
    sigset_t set, blocked, pending;
    bool pended = false;
    ssize_t n;
    int number = errno;

    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, &blocked);
    if (sigismember(&blocked, SIGPIPE))
        pended = sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE);
    CALL(n, write(fd, buffer, size));
    /* It comes with the error, and may come with part of the bytes. */
    while (n != (ssize_t)size && !pended && sigtimedwait(&set, NULL, &at_once) < 0 &&
           errno == EINTR)
        continue;
    pthread_sigmask(SIG_SETMASK, &blocked, NULL);
    errno = number;
    return n;
}

ssize_t nonblock_write(int fd, const void *buffer, size_t size, _Atomic bool *plain) {
    ssize_t n;
    if (!atomic_load_explicit(plain, memory_order_relaxed)) {
        CALL(n, send(fd, buffer, size, MSG_DONTWAIT | MSG_NOSIGNAL));
        if (n != -ENOTSOCK) return n;
        atomic_store_explicit(plain, true, memory_order_relaxed);
    }
    if ((n = make_nonblocking(fd)) < 0) return n;
    return nonblock_write_quietly(fd, buffer, size);
}

int nonblock_accept(int fd, struct sockaddr *address, socklen_t *length) {
    int rc = make_nonblocking(fd);
    if (rc < 0) return rc;
    /* Who has gone away before being accepted is not worth telling of. */
    do CALL(rc, accept4(fd, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    while (rc == -ECONNABORTED);
    return rc;
}

int nonblock_connect(int fd, const struct sockaddr *address, socklen_t length) {
    int rc = make_nonblocking(fd);
    if (rc < 0) return rc;
    CALL(rc, connect(fd, address, length));
    return rc == -EALREADY ? -EINPROGRESS : rc;
}

int nonblock_connected(int fd) {
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    int error = 0, rc;
    socklen_t size = sizeof error;

    CALL(rc, getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size));
    if (rc < 0) return rc;
    if (error) return -error;
    CALL(rc, getpeername(fd, (struct sockaddr *)&peer, &length));
    return rc == -ENOTCONN ? -EINPROGRESS : rc;
}

short nonblock_poll_bits(int events) {
    return (short)((events & PIRN_READABLE ? POLLIN | POLLRDHUP : 0) |
                   (events & PIRN_WRITABLE ? POLLOUT : 0));
}

int nonblock_events(short poll_bits) {
    int events = 0;
    if (poll_bits & (POLLIN | POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) events |= PIRN_READABLE;
    if (poll_bits & (POLLOUT | POLLHUP | POLLERR | POLLNVAL)) events |= PIRN_WRITABLE;
    return events;
}

int nonblock_ready(int fd, int events) {
    struct pollfd one = {.fd = fd, .events = nonblock_poll_bits(events)};
    int rc;
    CALL(rc, poll(&one, 1, 0));
    if (rc < 0) return rc;
    return one.revents & POLLNVAL ? -EBADF : nonblock_events(one.revents) & events;
}

int nonblock_close(int fd) {
    int before = errno, rc = close(fd) < 0 ? -errno : 0;
    errno = before;
    /* It has been closed whatever is said, and what a signal has cut short is only the waiting. */
    return rc == -EINTR ? 0 : rc;
}
