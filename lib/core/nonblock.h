/*
 * nonblock.h - system calls on descriptors that return at once.
 *
 * Each returns what the call returned or a negative errno, of which -EAGAIN says that it would have
 * to wait. They leave errno alone and try again when a signal came between. The descriptor may be a
 * blocking one: a socket is asked not to wait in this one call, anything else is made non-blocking.
 * `plain` remembers of a descriptor that it is no socket; a wrong memory costs time, no more.
 */
#ifndef CORE_NONBLOCK_H
#define CORE_NONBLOCK_H

#include "lib/core/engine.h"

/* Not inlined: a compiler may keep errno's address, and a task may go on in another thread. */
#define NONBLOCK_CALL __attribute__((noinline))

NONBLOCK_CALL bool nonblock_is_open(int fd);
NONBLOCK_CALL ssize_t nonblock_read(int fd, void *buffer, size_t size, _Atomic bool *plain);
/* Never raises SIGPIPE. */
NONBLOCK_CALL ssize_t nonblock_write(int fd, const void *buffer, size_t size, _Atomic bool *plain);
/* The same, but it may block where the descriptor does: a plain write(2). */
NONBLOCK_CALL ssize_t nonblock_write_quietly(int fd, const void *buffer, size_t size);
NONBLOCK_CALL int nonblock_accept(int fd, struct sockaddr *address, socklen_t *length);
/* Begins to connect: 0, or -EINPROGRESS, also when a call before has begun. */
NONBLOCK_CALL int nonblock_connect(int fd, const struct sockaddr *address, socklen_t length);
/* What has come of it. */
NONBLOCK_CALL int nonblock_connected(int fd);
/* Which of the events are ready: 0 or more of PIRN_READABLE and PIRN_WRITABLE. */
NONBLOCK_CALL int nonblock_ready(int fd, int events);
NONBLOCK_CALL int nonblock_close(int fd);

/* PIRN_READABLE and PIRN_WRITABLE in the bits of poll(2), and back: whoever waits for either
 * wants to know of an error. */
short nonblock_poll_bits(int events);
int nonblock_events(short poll_bits);

#endif
