/*
 * poller.c - descriptors that somebody waits for: one epoll instance for each run.
 *
 * A descriptor is registered when somebody first waits for it, edge-triggered and for everything,
 * and stays so until it is closed; fd.c says why no edge is lost. That it is still there is only
 * believed, since a descriptor that was closed with close(2) is none the kernel remembers, whatever
 * has its number now. So a task that has waited until a worker has nothing else to do, or for some
 * milliseconds, is registered once more, which does nothing where the belief was right.
 *
 * One idle worker, the sentry, sleeps on the epoll instance instead of on its futex; an eventfd
 * wakes it for everything else. Workers with something to do look in between. A sentry that finds
 * work leaves the post vacant; as any worker that finds work it then wakes another idle one, which
 * comes here when there is nothing for it. So while somebody is idle the post is soon taken.
 */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/core/fd.h"
#include "lib/core/nonblock.h"
#include "lib/threads/runtime.h"

enum { MOST_EVENTS = 64, POLL_EVERY = 20000 /* ns */, VERIFY_EVERY = 10000000 /* ns */ };

static uint32_t lock;             /* makes and ends the instance */
static _Atomic int instance = -1; /* epoll */
static int alarm_fd = -1;         /* wakes the sentry */
static _Atomic(struct worker *) sentry;
static _Atomic int64_t last_look, last_verified;
static _Atomic int waiting, strangers; /* tasks that wait, threads of the program */

static int make_instance(void) {
    int epoll, event, number = errno, rc = 0;
    threads_lock(&lock);
    if (!atomic_load(&runtime.running)) {
        rc = -EPERM;
    } else if (atomic_load(&instance) < 0) {
        epoll = epoll_create1(EPOLL_CLOEXEC);
        event = epoll < 0 ? -1 : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (event < 0) {
            rc = -errno;
            if (epoll >= 0) close(epoll);
        } else {
            alarm_fd = event;
            atomic_store(&instance, epoll);
        }
    }
    threads_unlock(&lock);
    errno = number;
    /* Those that are idle already know nothing of it. */
    if (!rc) worker_wake_one();
    return rc;
}

static int add(int fd) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.fd = fd};
    int number = errno, rc = 0;
    /* By its number: the program may close the descriptor at the same time, which is no harm, and
     * none to tell ThreadSanitizer about. */
    if (syscall(SYS_epoll_ctl, atomic_load(&instance), EPOLL_CTL_ADD, fd, &event) < 0 &&
        errno != EEXIST)
        rc = -errno;
    errno = number;
    return rc;
}

int engine_fd_check(int fd) {
    bool stranger = !worker_self();
    int rc = 0;
    if (atomic_load(&instance) < 0 && (rc = make_instance())) return rc;
    /* The run may end under the feet of a thread of the program's. */
    if (stranger) threads_lock(&lock);
    rc = atomic_load(&instance) < 0 ? -EPERM : add(fd);
    if (stranger) threads_unlock(&lock);
    return rc;
}

static _Atomic int *counter(const struct task *self) {
    return self->foreign ? &strangers : &waiting;
}

/* Those whose registration is only believed, newest first. Under their lock. */
static struct fd_watch *unverified;
static uint32_t unverified_lock;

static void believe(struct fd_watch *watch) {
    watch->believed = watch->listed = true;
    threads_lock(&unverified_lock);
    watch->previous = NULL;
    watch->next = unverified;
    if (unverified) unverified->previous = watch;
    unverified = watch;
    threads_unlock(&unverified_lock);
}

/* The lock is held. */
static void unlist(struct fd_watch *watch) {
    if (!watch->listed) return;
    watch->listed = false;
    if (watch->next) watch->next->previous = watch->previous;
    *(watch->previous ? &watch->previous->next : &unverified) = watch->next;
}

void poller_verify(void) {
    struct {
        int fd;
        _Atomic uint64_t *word;
    } some[MOST_EVENTS];
    int count;
    do {
        threads_lock(&unverified_lock);
        for (count = 0; count < MOST_EVENTS && unverified; count++) {
            some[count].fd = unverified->fd;
            some[count].word = unverified->word;
            unlist(unverified);
        }
        threads_unlock(&unverified_lock);
        for (int i = 0; i < count; i++) {
            int rc = add(some[i].fd);
            if (!rc || rc == -EBADF) continue;
            /* The task is to try again, and to be told. */
            atomic_store_explicit(some[i].word, 0, memory_order_relaxed);
            fd_ready(NULL, some[i].fd, PIRN_READABLE | PIRN_WRITABLE);
        }
    } while (count == MOST_EVENTS);
}

int engine_fd_watch(struct fd_watch *watch, struct task *self, int fd, int events,
                    _Atomic uint64_t *word) {
    int rc = 0;
    (void)events;
    watch->word = word;
    watch->fd = fd;
    watch->believed = false;
    /* Before the instance is looked at: see poller_end. */
    atomic_fetch_add(counter(self), 1);
    if (!self->foreign && atomic_load_explicit(word, memory_order_relaxed) == runtime_epoch()) {
        believe(watch);
    } else if ((rc = engine_fd_check(fd)) == 0) {
        atomic_store_explicit(word, runtime_epoch(), memory_order_relaxed);
    } else {
        atomic_fetch_sub(counter(self), 1);
    }
    return rc;
}

void engine_fd_unwatch(struct fd_watch *watch, struct task *self) {
    if (watch->believed) {
        threads_lock(&unverified_lock);
        unlist(watch);
        threads_unlock(&unverified_lock);
    }
    atomic_fetch_sub(counter(self), 1);
}

void engine_fd_forget(int fd) {
    bool stranger = !worker_self();
    int number = errno;
    if (stranger) threads_lock(&lock);
    /* Closing does the same, unless the program has duplicated the descriptor. */
    if (atomic_load(&instance) >= 0) epoll_ctl(atomic_load(&instance), EPOLL_CTL_DEL, fd, NULL);
    if (stranger) threads_unlock(&lock);
    errno = number;
}

bool poller_awaited(void) { return atomic_load(&waiting) > 0; }

int poller_count(void) { return atomic_load(&waiting) + atomic_load(&strangers); }

bool poller_vacant(void) { return atomic_load(&waiting) > 0 && !atomic_load(&sentry); }

static int events_of(uint32_t bits) {
    /* The bits of epoll are those of poll. */
    return nonblock_events((short)(bits & (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP | EPOLLERR)));
}

/* Whether this worker is the one to do it now, of those that have other things to do. */
static bool is_time(_Atomic int64_t *before, int64_t every) {
    int64_t now = engine_now(), last = atomic_load_explicit(before, memory_order_relaxed);
    return now - last >= every &&
           atomic_compare_exchange_strong_explicit(before, &last, now, memory_order_relaxed,
                                                   memory_order_relaxed);
}

bool poller_look(bool idle) {
    struct epoll_event events[MOST_EVENTS];
    int epoll = atomic_load_explicit(&instance, memory_order_acquire), number = errno, count;
    bool any = false;

    if (LIKELY(epoll < 0) || (!idle && !is_time(&last_look, POLL_EVERY))) return false;
    if (!idle && is_time(&last_verified, VERIFY_EVERY)) poller_verify();
    do {
        count = epoll_wait(epoll, events, MOST_EVENTS, 0);
        for (int i = 0; i < count; i++)
            fd_ready(NULL, events[i].data.fd, events_of(events[i].events));
        any |= count > 0;
    } while (count == MOST_EVENTS);
    errno = number;
    return any;
}

/* Sleeps until there is something to look at, the worker is woken or the time has come. Returns
 * whether it is the first. */
static bool sleep_at_post(struct worker *worker, int64_t until) {
    struct pollfd fds[] = {{.fd = atomic_load(&instance), .events = POLLIN},
                           {.fd = alarm_fd, .events = POLLIN}};
    int64_t left = until == PIRN_FOREVER ? 0 : until - engine_now();
    struct timespec ts = {left / PIRN_SEC, left % PIRN_SEC};
    uint64_t rings;
    int number = errno;
    bool ready = false;

    /* Pairs with worker_wake_one, which stores `wake` and then looks who the sentry is. */
    if (left >= 0 && !atomic_load(&worker->wake) &&
        ppoll(fds, 2, until == PIRN_FOREVER ? NULL : &ts, NULL) > 0) {
        if (fds[1].revents && read(alarm_fd, &rings, sizeof rings) < 0) errno = number;
        ready = fds[0].revents != 0;
    }
    errno = number;
    return ready;
}

bool poller_sleep(struct worker *worker, int64_t until) {
    struct worker *nobody = NULL;
    bool ready;
    if (atomic_load(&instance) < 0 || !atomic_compare_exchange_strong(&sentry, &nobody, worker)) {
        futex_wait(&worker->wake, 0, until);
        return false;
    }
    ready = sleep_at_post(worker, until);
    atomic_store(&sentry, NULL);
    return ready;
}

void poller_wake(struct worker *worker) {
    static const uint64_t one = 1;
    bool stranger = !worker_self();
    int number = errno;
    if (atomic_load(&sentry) != worker) {
        futex_wake(&worker->wake, 1);
        return;
    }
    if (stranger) threads_lock(&lock);
    if (atomic_load(&instance) >= 0 && write(alarm_fd, &one, sizeof one) < 0)
        errno = number; /* it is ringing already */
    if (stranger) threads_unlock(&lock);
}

void poller_end(void) {
    threads_lock(&lock);
    if (atomic_load(&instance) >= 0) {
        close(atomic_load(&instance));
        close(alarm_fd);
        atomic_store(&instance, -1);
        alarm_fd = -1;
    }
    threads_unlock(&lock);
    atomic_store(&last_look, 0);
    unverified = NULL; /* the tasks are gone */
    /* Tasks have gone with the run. A thread of the program that does not find the instance any
     * more says so itself; one that did is counted, and in its queue by the time that its lock can
     * be had. */
    atomic_store(&waiting, 0);
    if (atomic_load(&strangers)) fd_end(NULL);
}
