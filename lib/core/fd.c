/*
 * fd.c - waiting for descriptors: pipes, sockets, terminals and what else the kernel can wait for.
 *
 * Each operation makes its system call at once, without blocking; where the kernel says that it
 * would have to wait, the task waits in the descriptor's queue until the engine says that this has
 * changed, and tries again. So what the operations do is the kernel's business; what is here is who
 * waits, and until when.
 *
 * Invariants
 *   1. What reads (or accepts) does so, and what writes (or connects), under the lock of the queue
 *      that it would wait in, and keeps the lock until it stands in the queue and has left its
 *      stack. The engine takes that lock to wake. So a change after the call finds the waiter, and
 *      a change before it is seen by the call; none is lost, though the engine tells each only
 *      once.
 *   2. Closing takes both locks, readers' first, and counts up `generation`. An operation keeps to
 *      the generation that it began with, so it never touches another descriptor of that number.
 *   3. Records of descriptors stay where they are until the process ends: a thread of the program
 *      may be in one at any time.
 *
 * For the order of steps the kernel is one object of which little is known: that a write to one
 * descriptor is a read from another is only seen by what it does. So an operation on a descriptor
 * comes after the one before it on the same, and one that got something (bytes, a connection, word
 * that it is ready) or had to wait comes after every write, connect and close before it. That is
 * more than is true, never less.
 */
#include "lib/core/fd.h"

#include <stdlib.h>

#include "lib/core/nonblock.h"
#include "lib/core/wait.h"

struct descriptor {
    waitq readers; /* first: the object's number is here */
    waitq writers;
    uint64_t generation; /* times it has been closed */
    uint64_t mark;       /* of the last operation on it */
    _Atomic bool plain;  /* see nonblock.h */
    _Atomic uint64_t of_engine;
};

/* Chunk k holds FIRST_CHUNK << k records, so that every int has its place. */
enum { FIRST_CHUNK = 64, CHUNKS = 26 };
static _Atomic(struct descriptor *) chunks[CHUNKS];

/* The operations that gave something since one last got something, and that one. */
static uint64_t given;

static size_t chunk_size(int k) { return (size_t)FIRST_CHUNK << k; }
static size_t chunk_start(int k) { return chunk_size(k) - FIRST_CHUNK; }
static int chunk_of(int fd) { return 25 - __builtin_clz((unsigned)fd + FIRST_CHUNK); }

/* The record of a descriptor; NULL when there is none yet. */
static struct descriptor *known(int fd) {
    int k = chunk_of(fd);
    struct descriptor *chunk = atomic_load_explicit(&chunks[k], memory_order_acquire);
    return chunk ? &chunk[(size_t)fd - chunk_start(k)] : NULL;
}

/* The same, made where it is needed; `*rc` says why not. */
static struct descriptor *record(int fd, int *rc) {
    struct descriptor *found, *chunk, *none = NULL;
    int k;

    *rc = -EBADF;
    if (fd < 0) return NULL;
    if (LIKELY((found = known(fd)) != NULL)) return found;
    /* Any number may come here; memory is for those that mean something. */
    if (!nonblock_is_open(fd)) return NULL;
    k = chunk_of(fd);
    *rc = -ENOMEM;
    if (!(chunk = calloc(chunk_size(k), sizeof *chunk))) return NULL;
    if (!atomic_compare_exchange_strong_explicit(&chunks[k], &none, chunk, memory_order_acq_rel,
                                                 memory_order_acquire))
        free(chunk);
    return known(fd);
}

int fd_number(const void *object) {
    const struct descriptor *descriptor = object;
    for (int k = 0; k < CHUNKS; k++) {
        const struct descriptor *chunk = atomic_load_explicit(&chunks[k], memory_order_acquire);
        if (chunk && descriptor >= chunk && descriptor < chunk + chunk_size(k))
            return (int)(chunk_start(k) + (size_t)(descriptor - chunk));
    }
    return -1;
}

/* ---- One operation ------------------------------------------------------------------------- */

struct io {
    struct task *self;
    struct place place;
    struct descriptor *descriptor;
    int fd;
    int events; /* that it waits for: whose locks it takes */
    int64_t deadline;
    uint64_t generation;
    bool waited;
    bool expired; /* the deadline has come */
};

static void lock(struct io *io) {
    engine_linger();
    if (io->events & PIRN_READABLE) engine_lock(&io->descriptor->readers);
    if (io->events & PIRN_WRITABLE) engine_lock(&io->descriptor->writers);
}

/* Also for when the task has left its stack: once one lock is open it may come back to it, but
 * then it needs the other. */
static void unlock(void *arg) {
    struct io *io = arg;
    struct descriptor *descriptor = io->descriptor;
    int events = io->events;
    if (events & PIRN_READABLE) engine_unlock(&descriptor->readers);
    if (events & PIRN_WRITABLE) engine_unlock(&descriptor->writers);
}

/* Begins the operation. Returns 0 with the locks held, or why it cannot be. */
static int begin(struct io *io, enum op op, int fd, int events, int64_t deadline,
                 const void *site) {
    int rc = -EBADF;
    *io = (struct io){.self = engine_self(), .fd = fd, .events = events, .deadline = deadline};
    for (int i = 0; i < 2 && !io->descriptor; i++) {
        io->descriptor = record(fd, &rc);
        io->place = (struct place){op, OBJECT_FD, io->descriptor,
                                   io->descriptor ? &io->descriptor->readers : NULL, site};
        /* Others may run here, and one of them may open it. */
        if (i == 0) engine_begin(io->self, &io->place);
    }
    if (!io->descriptor) return rc;
    lock(io);
    io->generation = io->descriptor->generation;
    return 0;
}

/* Waits until it is worth trying again. Returns 0, or why that is not so; with the locks held, as
 * before. */
static int wait_ready(struct io *io) {
    struct descriptor *descriptor = io->descriptor;
    struct fd_watch watch;
    struct wait *wait = &((struct task_core *)io->self)->sleep->wait;
    struct waiter waiters[2];
    size_t count = 0;
    int rc;

    if (io->deadline == PIRN_NOW) return -EAGAIN;
    if (io->expired || (io->deadline != PIRN_FOREVER && io->deadline <= engine_now()))
        return -ETIMEDOUT;
    rc = engine_fd_watch(&watch, io->self, io->fd, io->events, &descriptor->of_engine);
    if (rc) return rc;
    if (io->events & PIRN_READABLE)
        waiter_init(&waiters[count++], wait, &descriptor->readers, &descriptor->readers, NULL, 0);
    if (io->events & PIRN_WRITABLE)
        waiter_init(&waiters[count++], wait, &descriptor->writers, &descriptor->writers, NULL, 0);
    wait_init(wait, io->self, waiters, count);
    for (size_t i = 0; i < count; i++) wait_enqueue(&waiters[i]);
    rc = wait_park(wait, &io->place, io->deadline, unlock, io);
    engine_fd_unwatch(&watch, io->self);
    lock(io);
    for (size_t i = 0; i < count; i++) wait_dequeue(&waiters[i]);
    io->waited = true;
    if (rc == -ECANCELED) engine_acquire(io->self, &wait->mark, EDGE_FD);
    if (io->generation != descriptor->generation) return -ECANCELED;
    /* What is ready wins over a deadline that has passed. */
    io->expired = rc == -ETIMEDOUT;
    return io->expired ? 0 : rc;
}

/* Orders the step after others and others after it, as told above. */
static void order(struct io *io, ssize_t result) {
    enum op op = io->place.op;
    uint64_t *mark = &io->descriptor->mark;
    bool gets = op == OP_READ || op == OP_ACCEPT || op == OP_WAIT_FD;

    if (io->generation == io->descriptor->generation) {
        engine_acquire(io->self, mark, EDGE_FD);
        engine_release(io->self, mark);
    }
    if (!gets) engine_release_also(io->self, &given);
    if (io->waited || (gets && result >= 0)) {
        engine_acquire(io->self, &given, EDGE_FD);
        engine_release(io->self, &given);
    }
}

/* What gets the number after a close is another descriptor, and another object. */
static void start_afresh(struct descriptor *descriptor) {
    engine_object_end(&descriptor->readers, descriptor);
    descriptor->readers.object = 0;
    descriptor->mark = 0;
    atomic_store_explicit(&descriptor->of_engine, 0, memory_order_relaxed);
    atomic_store_explicit(&descriptor->plain, false, memory_order_relaxed);
}

/* Has done with the descriptor, and releases the locks. */
static void leave(struct io *io, ssize_t result) {
    if (!io->descriptor) return;
    order(io, result);
    if (io->place.op == OP_CLOSE_FD) start_afresh(io->descriptor);
    unlock(io);
    io->descriptor = NULL;
}

/* Ends it; traces get the result. */
static ssize_t end(struct io *io, ssize_t result) {
    leave(io, result);
    engine_fd_changed();
    engine_end(io->self, result);
    return result;
}

/* ---- Waking -------------------------------------------------------------------------------- */

/* Adds everybody in the queue to the end of a list, to be woken with that result; the lock is
 * held. All of them: the engine tells of a change once, and the first may leave some of it. */
static struct waiter **take_all(struct task *self, waitq *queue, int result, struct waiter **link) {
    struct waiter *waiter;
    while ((waiter = wait_next(queue))) {
        wait_end(self, waiter, result);
        *link = waiter;
        link = &waiter->next;
    }
    *link = NULL;
    return link;
}

static void wake_queue(struct task *self, waitq *queue, int result) {
    struct waiter *woken;
    engine_lock(queue);
    take_all(self, queue, result, &woken);
    engine_unlock(queue);
    wait_wake_all(woken);
}

void fd_ready(struct task *self, int fd, int events) {
    struct descriptor *descriptor = known(fd);
    if (!descriptor) return;
    if (events & PIRN_READABLE) wake_queue(self, &descriptor->readers, 0);
    if (events & PIRN_WRITABLE) wake_queue(self, &descriptor->writers, 0);
}

void fd_end(struct task *self) {
    for (int k = 0; k < CHUNKS; k++) {
        struct descriptor *chunk = atomic_load_explicit(&chunks[k], memory_order_acquire);
        for (size_t i = 0; chunk && i < chunk_size(k); i++) {
            wake_queue(self, &chunk[i].readers, -ECANCELED);
            wake_queue(self, &chunk[i].writers, -ECANCELED);
        }
    }
}

/* ---- The operations ------------------------------------------------------------------------ */

EXPORT int pirn_wait_fd(int fd, int events, int64_t deadline) {
    const int both = PIRN_READABLE | PIRN_WRITABLE;
    struct io io;
    int rc;

    if (!(events & both) || events & ~both) return -EINVAL;
    rc = begin(&io, OP_WAIT_FD, fd, events, deadline, CALLER());
    if (!rc) rc = engine_fd_check(fd);
    if (!rc) {
        do rc = nonblock_ready(fd, events);
        while (rc == 0 && (rc = wait_ready(&io)) == 0);
    }
    return (int)end(&io, rc);
}

EXPORT ssize_t pirn_read(int fd, void *buffer, size_t size, int64_t deadline) {
    struct io io;
    ssize_t n = begin(&io, OP_READ, fd, PIRN_READABLE, deadline, CALLER());
    if (!n) {
        do n = nonblock_read(fd, buffer, size, &io.descriptor->plain);
        while (n == -EAGAIN && (n = wait_ready(&io)) == 0);
    }
    n = end(&io, n);
    if (n > 0) engine_touch(buffer, (size_t)n, true, io.place.site);
    return n;
}

EXPORT ssize_t pirn_write(int fd, const void *buffer, size_t size, int64_t deadline) {
    const char *bytes = buffer;
    size_t written = 0;
    struct io io;
    ssize_t n;

    if (size > SIZE_MAX / 2) return -EINVAL;
    n = begin(&io, OP_WRITE, fd, PIRN_WRITABLE, deadline, CALLER());
    if (!n) {
        do {
            n = nonblock_write(fd, bytes + written, size - written, &io.descriptor->plain);
            if (n > 0) {
                engine_touch_now(io.self, bytes + written, (size_t)n, false, io.place.site);
                written += (size_t)n;
            }
            if (n == -EAGAIN) n = wait_ready(&io);
        } while (n >= 0 && written < size);
    }
    return end(&io, written || n >= 0 ? (ssize_t)written : n);
}

EXPORT int pirn_accept(int fd, struct sockaddr *address, socklen_t *length, int64_t deadline) {
    socklen_t room = length ? *length : 0;
    struct io io;
    int rc = begin(&io, OP_ACCEPT, fd, PIRN_READABLE, deadline, CALLER());
    if (!rc) {
        do rc = nonblock_accept(fd, address, length);
        while (rc == -EAGAIN && (rc = wait_ready(&io)) == 0);
    }
    /* Which number is free is no matter of the schedule alone. */
    end(&io, rc < 0 ? rc : 0);
    if (rc >= 0 && address && length) {
        engine_touch(length, sizeof *length, true, io.place.site);
        engine_touch(address, *length < room ? *length : room, true, io.place.site);
    }
    return rc;
}

EXPORT int pirn_connect(int fd, const struct sockaddr *address, socklen_t length,
                        int64_t deadline) {
    struct io io;
    int rc;
    engine_touch(address, length, false, CALLER());
    rc = begin(&io, OP_CONNECT, fd, PIRN_WRITABLE, deadline, CALLER());
    if (!rc) {
        rc = nonblock_connect(fd, address, length);
        while (rc == -EINPROGRESS && (rc = wait_ready(&io)) == 0) rc = nonblock_connected(fd);
    }
    return (int)end(&io, rc);
}

EXPORT int pirn_close_fd(int fd) {
    struct descriptor *descriptor;
    struct waiter *woken = NULL, **link = &woken;
    struct io io;
    int rc = begin(&io, OP_CLOSE_FD, fd, PIRN_READABLE | PIRN_WRITABLE, PIRN_NOW, CALLER());

    if (!rc) {
        descriptor = io.descriptor;
        io.generation = ++descriptor->generation;
        link = take_all(io.self, &descriptor->readers, -ECANCELED, link);
        take_all(io.self, &descriptor->writers, -ECANCELED, link);
        engine_fd_forget(fd);
        rc = nonblock_close(fd);
        leave(&io, rc);
        wait_wake_all(woken);
    }
    return (int)end(&io, rc);
}
