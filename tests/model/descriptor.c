/*
 * descriptor.c - model: the worker that sleeps where descriptors are watched, and what wakes it
 * (lib/threads/poller.c, search.c): a descriptor that becomes ready, or a task from outside, while it
 * goes to sleep there. The kernel's part is a word for each descriptor that is ready.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <poll.h>
#include <time.h>

enum { WATCHED = 5, EPOLL = 100, ALARM = 101 };

static _Atomic uint32_t ready, ringing, anything; /* the last is a futex, for either */

static void happen(_Atomic uint32_t *what) {
    atomic_store(what, 1);
    atomic_store(&anything, 1);
    futex_wake(&anything, 1);
}

static int kernel_ppoll(struct pollfd *fds, const struct timespec *timeout) {
    while (!atomic_load(&ready) && !atomic_load(&ringing)) {
        if (timeout) return 0;
        futex_wait(&anything, 0, INT64_MAX);
        atomic_store(&anything, 0);
    }
    fds[0].revents = atomic_load(&ready) ? POLLIN : 0;
    fds[1].revents = atomic_load(&ringing) ? POLLIN : 0;
    return 1;
}

static int kernel_epoll_wait(struct epoll_event *events) {
    uint32_t one = 1;
    if (!atomic_compare_exchange_strong(&ready, &one, 0)) return 0;
    events[0] = (struct epoll_event){.events = EPOLLIN, .data.fd = WATCHED};
    return 1;
}

static ssize_t kernel_ring(size_t size) {
    happen(&ringing);
    return (ssize_t)size;
}
static ssize_t kernel_quiet(size_t size) {
    atomic_store(&ringing, 0);
    return (ssize_t)size;
}

#define epoll_create1(flags) EPOLL
#define eventfd(value, flags) ALARM
#define syscall(number, instance, operation, fd, event) ((void)(event), 0)
#define epoll_ctl(instance, operation, fd, event) 0
#define epoll_wait(instance, events, most, timeout) kernel_epoll_wait(events)
#define ppoll(fds, count, timeout, mask) kernel_ppoll(fds, timeout)
#define read(fd, bytes, size) ((void)(bytes), kernel_quiet(size))
#define write(fd, bytes, size) ((void)(bytes), kernel_ring(size))
#define close(fd) ((void)0)

#define fd_ready model_fd_ready
#define fd_end model_fd_end

#include "lib/threads/worker.c"
#define add poller_add
#include "lib/threads/poller.c"

static struct worker workers[2];
static struct task items[2];
static bool ran[2];
static _Atomic int left;

/* As lib/core/fd.c: the task that waits tries again. */
void fd_end(struct task *self) { (void)self; }
void fd_ready(struct task *self, int fd, int events) {
    (void)self;
    model_check(fd == WATCHED && (events & PIRN_READABLE));
    engine_wake(&items[1]);
}

static void work(void *arg) {
    struct worker *worker = arg;
    struct task *task;
    OWN(this_worker) = worker;
    worker_come_in();
    while ((task = worker_find(worker))) {
        model_check(!ran[task - items]);
        ran[task - items] = true;
        if (atomic_fetch_sub(&left, 1) == 1) runtime_stop(0);
    }
    worker_go_out();
}

static void from_outside(void *arg) {
    (void)arg;
    engine_wake(&items[0]);
}

static void arrives(void *arg) {
    (void)arg;
    happen(&ready);
}

static void begin(int count, int tasks) {
    runtime.workers = workers;
    runtime.worker_count = runtime.worker_limit = count;
    runtime.started = count;
    runtime.active = count;
    runtime.kept_until = PIRN_FOREVER;
    runtime.running = true;
    runtime.watched = true;
    runtime.foreign_count = 1;
    left = tasks;
    model_check(engine_fd_check(WATCHED) == 0);
    waiting = 1;
    for (int i = 0; i < count; i++) model_thread(work, &workers[i]);
}

static void becomes_ready(void) {
    begin(1, 1);
    model_thread(arrives, NULL);
    model_join_all();
    model_check(ran[1]);
}

static void task_comes(void) {
    begin(1, 1);
    model_thread(from_outside, NULL);
    model_join_all();
    model_check(ran[0]);
}

static void both(void) {
    begin(1, 2);
    model_thread(arrives, NULL);
    model_thread(from_outside, NULL);
    model_join_all();
    model_check(ran[0] && ran[1]);
}

/* One of them keeps the post. */
static void two_workers(void) {
    begin(2, 2);
    model_thread(arrives, NULL);
    model_thread(from_outside, NULL);
    model_join_all();
    model_check(ran[0] && ran[1]);
}

const struct model_case model_cases[] = {{"becomes-ready", becomes_ready},
                                         {"task-comes", task_comes},
                                         {"both", both},
                                         {"two-workers", two_workers},
                                         {NULL, NULL}};
