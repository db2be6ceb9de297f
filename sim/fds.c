/*
 * fds.c - descriptors that tasks wait for, in the simulator.
 *
 * They are those of the real kernel, which is asked after each operation on a descriptor and when
 * no task can run, about all that somebody waits for, in the order in which they came to wait.
 * Pipes and sockets between tasks are ready as soon as the other side has done its part, so when a
 * task is woken depends on the schedule alone. Only a loopback connection may at times be a little
 * slower, and a child process takes the time it takes; therefore the kernel is given a moment
 * before the clock moves on, and a longer one before it is a deadlock.
 */
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/core/fd.h"
#include "lib/core/nonblock.h"
#include "sim/sim.h"

enum { MOMENT = 1, LONG_MOMENT = 200 /* ms */ };

static struct fd_watch *first, *last; /* as they came */
static size_t watches, room;
static struct pollfd *asked;
bool fds_changed;
static int epoll = -1;     /* which knows what can be waited for */
static struct task kernel; /* wakes, but in no step */

int engine_fd_check(int fd) {
    struct epoll_event event = {.events = 0};
    int number = errno, rc = 0;
    if (!sim.active) return -EPERM;
    if (epoll < 0) epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        rc = -errno;
    else
        epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
    errno = number;
    return rc;
}

int engine_fd_watch(struct fd_watch *watch, struct task *self, int fd, int events,
                    _Atomic uint64_t *word) {
    int rc = engine_fd_check(fd);
    (void)word;
    if (rc) return rc;
    if (watches == room) {
        size_t more = room ? 2 * room : 16;
        struct pollfd *bigger = realloc(asked, more * sizeof *asked);
        if (!bigger) return -ENOMEM;
        asked = bigger;
        room = more;
    }
    watches++;
    *watch = (struct fd_watch){.task = self, .fd = fd, .events = events, .previous = last};
    *(last ? &last->next : &first) = watch;
    last = watch;
    /* It may have done something before it had to wait. */
    engine_fd_changed();
    return 0;
}

void engine_fd_unwatch(struct fd_watch *watch, struct task *self) {
    (void)self;
    *(watch->previous ? &watch->previous->next : &first) = watch->next;
    *(watch->next ? &watch->next->previous : &last) = watch->previous;
    watches--;
}

/* The waiters have been woken: nobody will be asked for it. */
void engine_fd_forget(int fd) { (void)fd; }

void engine_fd_changed(void) {
    fds_changed = true;
    sim_plan();
}

/* A woken task's watch is there until it runs. */
static bool waits(const struct fd_watch *watch) { return watch->task->state == TASK_PARKED; }

/* Asks about all that tasks wait for, and wakes them. Returns whether one was woken. */
static bool ask(int ms) {
    size_t count = 0;
    int number = errno;
    bool woken = false;
    int rc = 0;

    for (struct fd_watch *watch = first; watch; watch = watch->next) {
        watch->asked = waits(watch);
        if (!watch->asked) continue;
        asked[count++] =
            (struct pollfd){.fd = watch->fd, .events = nonblock_poll_bits(watch->events)};
    }
    if (count) {
        do rc = poll(asked, count, ms);
        while (rc < 0 && errno == EINTR);
    }
    if (rc > 0) {
        const struct pollfd *answer = asked;
        for (struct fd_watch *watch = first; watch; watch = watch->next) {
            short bits = watch->asked ? answer++->revents : 0;
            if (!bits || !waits(watch)) continue;
            fd_ready(&kernel, watch->fd, nonblock_events(bits));
            woken |= !waits(watch);
        }
    }
    errno = number;
    return woken;
}

void fds_look(void) {
    fds_changed = false;
    sim_plan();
    if (first) ask(0);
}

bool fds_wait(bool timer) {
    bool matters = !sim.main_returned;
    if (!first) return false;
    for (struct fd_watch *watch = first; watch; watch = watch->next)
        matters |= waits(watch) && !watch->task->core.daemon;
    return ask(!matters ? 0 : timer ? MOMENT : LONG_MOMENT);
}

size_t fds_count(void) { return watches; }

void fds_clear(void) {
    first = last = NULL;
    watches = 0;
    fds_changed = false;
    if (epoll >= 0) close(epoll);
    epoll = -1;
}

void fds_release(void) {
    free(asked);
    asked = NULL;
    room = 0;
}
