/*
 * test_alloc.c - every allocation fails once.
 *
 * A scenario makes calls of the public interface. It is run again and again, and in the n-th run the
 * n-th allocation of the process fails (or that one and all after it, until the scenario has been
 * told); with one run for each n, until one has no n-th allocation. (Of the 2000 that a dump makes to
 * read debugging information some are left out.) The call that was refused has to
 * say so, or to do without; made again it has to succeed, and everything is as if nothing had
 * happened. What the run leaves behind must not grow when it is repeated.
 *
 * The functions are taken over by those of the same names in this program; the libraries, the C
 * library and SQLite call these. A sanitizer needs them for itself.
 */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support.h"

#if !ASAN && !TSAN
#define REFUSING 1
#include <dlfcn.h>
#else
#define REFUSING 0
#endif

#if REFUSING
/* ---- What may be refused ------------------------------------------------------------------- */

enum what { MEMORY = 1, THREADS = 2 };

static struct {
    _Atomic int kinds;     /* that are counted, or-ed; 0: everything is granted */
    _Atomic long left;     /* calls until the one that is refused */
    _Atomic bool for_good; /* and all after it */
    _Atomic long refused;
} refusal;

static _Atomic long blocks, mapped; /* that are allocated: blocks, and bytes of mappings */

static bool refuse(enum what kind) {
    long left;
    if (!(atomic_load(&refusal.kinds) & (int)kind)) return false;
    left = atomic_fetch_sub(&refusal.left, 1);
    if (left > 1 || (left < 1 && !atomic_load(&refusal.for_good))) return false;
    atomic_fetch_add(&refusal.refused, 1);
    return true;
}

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

static void *counted(void *block) {
    if (block) atomic_fetch_add(&blocks, 1);
    return block;
}

static void *no_memory(void) {
    errno = ENOMEM;
    return NULL;
}

void *malloc(size_t size) { return refuse(MEMORY) ? no_memory() : counted(__libc_malloc(size)); }

void *calloc(size_t count, size_t size) {
    return refuse(MEMORY) ? no_memory() : counted(__libc_calloc(count, size));
}

void *realloc(void *block, size_t size) {
    if (size && refuse(MEMORY)) return no_memory();
    if (!block) return counted(__libc_realloc(block, size));
    if (!size) atomic_fetch_sub(&blocks, 1);
    return __libc_realloc(block, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    return refuse(MEMORY) ? no_memory() : counted(__libc_memalign(alignment, size));
}

void free(void *block) {
    if (block) atomic_fetch_sub(&blocks, 1);
    __libc_free(block);
}

static void *(*real_mmap)(void *, size_t, int, int, int, off_t);
static int (*real_munmap)(void *, size_t);
static int (*real_pthread_create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

static __attribute__((constructor)) void find_functions(void) {
    *(void **)&real_mmap = dlsym(RTLD_NEXT, "mmap");
    *(void **)&real_munmap = dlsym(RTLD_NEXT, "munmap");
    *(void **)&real_pthread_create = dlsym(RTLD_NEXT, "pthread_create");
}

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset) {
    void *start;
    if (!real_mmap) find_functions();
    if (refuse(MEMORY)) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    start = real_mmap(at, size, protection, flags, fd, offset);
    if (start != MAP_FAILED) atomic_fetch_add(&mapped, (long)size);
    return start;
}

int munmap(void *start, size_t size) {
    if (!real_munmap) find_functions();
    atomic_fetch_sub(&mapped, (long)size);
    return real_munmap(start, size);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
                   void *arg) {
    return refuse(THREADS) ? EAGAIN : real_pthread_create(thread, attr, start, arg);
}

static void grant_everything(void) { atomic_store(&refusal.kinds, 0); }

static void refuse_call(int kinds, long number, bool for_good) {
    atomic_store(&refusal.refused, 0);
    atomic_store(&refusal.left, number);
    atomic_store(&refusal.for_good, for_good);
    atomic_store(&refusal.kinds, kinds);
}

/* Whether a call was refused what it needs: then everything is granted from now on. */
static bool was_refused(bool failed) {
    if (!failed) return false;
    check(atomic_load(&refusal.refused) > 0);
    grant_everything();
    return true;
}

static bool is_refusal(long long rc) { return rc == -ENOMEM || rc == -EAGAIN; }

/* Calls that have to succeed at the second attempt if not at the first. */
#define MADE(pointer, call)                                                       \
    do {                                                                          \
        if (was_refused(!((pointer) = (call))) && !(pointer)) (pointer) = (call); \
        check((pointer) != NULL);                                                 \
    } while (0)
#define GIVES(call, wanted)                             \
    do {                                                \
        long long rc_ = (call);                         \
        if (was_refused(is_refusal(rc_))) rc_ = (call); \
        check_equal(rc_, wanted);                       \
    } while (0)
/* The same for waiting with a deadline, which comes at once where there is no memory for a timer. In
 * the simulator it may come before anything else does, too, however late it is. */
static bool comes_early(long long rc) { return SIMULATED && rc == -ETIMEDOUT; }
#define GIVES_IN_TIME(call, wanted)                                      \
    do {                                                                 \
        long long rc_ = (call);                                          \
        if (is_refusal(rc_) || (rc_ == -ETIMEDOUT && rc_ != (wanted))) { \
            if (comes_early(rc_))                                        \
                grant_everything();                                      \
            else                                                         \
                was_refused(true);                                       \
            do rc_ = (call);                                             \
            while (comes_early(rc_) && rc_ != (wanted));                 \
        }                                                                \
        check_equal(rc_, wanted);                                        \
    } while (0)

static int64_t soon(void) { return pirn_now() + PIRN_MSEC; }
static int64_t late(void) { return pirn_now() + 100 * PIRN_SEC; }

/* ---- Scenarios ----------------------------------------------------------------------------- */

static void add_one(void *arg) { atomic_fetch_add((atomic_int *)arg, 1); }

struct parcel {
    atomic_int *count;
    char content[500];
};

static void open_parcel(void *arg) {
    struct parcel *parcel = arg;
    check_equal(parcel->content[499], 'x');
    add_one(parcel->count);
}

static void tasks(void *arg) {
    pirn_attr named = {.name = "a name that is too long to be kept where short names are"};
    pirn_attr large = {.stack_size = 1 << 20};
    atomic_int count = 0;
    struct parcel parcel = {.count = &count};
    pirn_waitgroup group = {0};
    (void)arg;
    memset(parcel.content, 'x', sizeof parcel.content);
    GIVES(pirn_go(add_one, &count), 0);
    GIVES(pirn_go_copy(open_parcel, &parcel, sizeof parcel), 0);
    GIVES(pirn_go_with(&named, add_one, &count), 0);
    GIVES(pirn_go_with(&large, add_one, &count), 0);
    GIVES(pirn_waitgroup_go(&group, add_one, &count), 0);
    GIVES(pirn_waitgroup_go_copy(&group, open_parcel, &parcel, sizeof parcel), 0);
    pirn_waitgroup_wait(&group); /* none is counted that was not started */
    while (atomic_load(&count) < 6) pirn_yield();
}

static void many_tasks(void *arg) {
    pirn_waitgroup group = {0};
    atomic_int count = 0;
    (void)arg;
    for (int i = 0; i < 300; i++) GIVES(pirn_waitgroup_go(&group, add_one, &count), 0);
    pirn_waitgroup_wait(&group);
    check_equal(count, 300);
}

static void send_seven(void *arg) { check_equal(pirn_send(arg, &(int){7}), 0); }

static void channels(void *arg) {
    enum { CASES = 40 };
    pirn_chan *chans[CASES], *meeting, *numbers;
    pirn_case cases[CASES];
    int value = 0;
    (void)arg;
    MADE(meeting, pirn_chan_new(sizeof(int), 0));
    MADE(numbers, pirn_chan_new(sizeof(int), 3));
    for (int i = 0; i < 3; i++) GIVES(pirn_send(numbers, &i), 0);
    GIVES(pirn_go(send_seven, meeting), 0);
    GIVES(pirn_recv(meeting, &value), 0);
    check_equal(value, 7);
    GIVES_IN_TIME(pirn_recv_until(meeting, &value, soon()), -ETIMEDOUT);
    GIVES_IN_TIME(pirn_send_until(numbers, &value, soon()), -ETIMEDOUT);
    GIVES(pirn_go(send_seven, meeting), 0);
    GIVES_IN_TIME(pirn_recv_until(meeting, &value, late()), 0);
    for (int i = 0; i < CASES; i++) {
        MADE(chans[i], pirn_chan_new(sizeof(int), 1));
        cases[i] = PIRN_CASE_RECV(chans[i], &value);
    }
    GIVES_IN_TIME(pirn_select(cases, CASES, soon()), -ETIMEDOUT);
    GIVES(pirn_go(send_seven, chans[33]), 0);
    GIVES_IN_TIME(pirn_select(cases, CASES, late()), 33);
    GIVES(pirn_go(send_seven, chans[2]), 0);
    GIVES(pirn_select_first(cases, CASES, PIRN_FOREVER), 2);
    for (int i = 0; i < CASES; i++) pirn_chan_unref(chans[i]);
    check_equal(pirn_chan_len(numbers), 3);
    for (int i = 0; i < 3; i++) {
        GIVES(pirn_recv(numbers, &value), 0);
        check_equal(value, i);
    }
    GIVES(pirn_close(numbers), 0);
    pirn_chan_unref(numbers);
    pirn_chan_unref(meeting);
}

static void locks(void *arg) {
    pirn_mutex mutex = {0};
    pirn_rwmutex rwmutex = {0};
    pirn_cond cond = {0};
    pirn_sem sem;
    pirn_waitgroup group = {0};
    pirn_once once = {0};
    atomic_int count = 0;
    (void)arg;
    pirn_mutex_lock(&mutex);
    GIVES_IN_TIME(pirn_mutex_lock_until(&mutex, soon()), -ETIMEDOUT);
    GIVES_IN_TIME(pirn_cond_wait_until(&cond, &mutex, soon()), -ETIMEDOUT);
    pirn_mutex_unlock(&mutex);
    pirn_rwmutex_rlock(&rwmutex);
    check_equal(pirn_rwmutex_trylock(&rwmutex), -EBUSY);
    pirn_rwmutex_runlock(&rwmutex);
    pirn_sem_init(&sem, 1);
    GIVES_IN_TIME(pirn_sem_acquire(&sem, 2, soon()), -ETIMEDOUT);
    GIVES_IN_TIME(pirn_sem_acquire(&sem, 1, late()), 0);
    pirn_sem_release(&sem, 1);
    pirn_waitgroup_add(&group, 1);
    GIVES_IN_TIME(pirn_waitgroup_wait_until(&group, soon()), -ETIMEDOUT);
    pirn_waitgroup_done(&group);
    pirn_once_do(&once, add_one, &count);
    pirn_once_do(&once, add_one, &count);
    check_equal(count, 1);
    pirn_label(&mutex, "the mutex");
    pirn_label(&rwmutex, "the other");
}

static int fail_or_not(pirn_ctx *ctx, void *arg) {
    (void)ctx;
    return *(int *)arg;
}

static void contexts(void *arg) {
    pirn_ctx *top, *timed, *valued, *expiring;
    pirn_group *group;
    int zero = 0, seven = 7;
    (void)arg;
    MADE(top, pirn_ctx_with_cancel(pirn_ctx_background()));
    MADE(timed, pirn_ctx_with_deadline(top, late()));
    MADE(expiring, pirn_ctx_with_deadline(top, soon()));
    MADE(valued, pirn_ctx_with_value(timed, &zero, &seven));
    check(pirn_ctx_value(valued, &zero) == &seven);
    GIVES(pirn_recv(pirn_ctx_done(expiring), NULL), -EPIPE);
    check_equal(pirn_ctx_err(expiring), -ETIMEDOUT);
    if (!comes_early(pirn_ctx_err(timed))) check_equal(pirn_ctx_err(timed), 0);
    MADE(group, pirn_group_new(timed));
    pirn_group_limit(group, 1);
    for (int i = 0; i < 3; i++) GIVES(pirn_group_go(group, fail_or_not, &zero), 0);
    GIVES(pirn_group_wait(group), 0);
    MADE(group, pirn_group_new(NULL));
    GIVES(pirn_group_go(group, fail_or_not, &seven), 0);
    GIVES(pirn_group_wait(group), 7);
    pirn_ctx_cancel(top);
    if (!comes_early(pirn_ctx_err(valued))) check_equal(pirn_ctx_err(valued), -ECANCELED);
    pirn_ctx_unref(valued);
    pirn_ctx_unref(expiring);
    pirn_ctx_unref(timed);
    pirn_ctx_unref(top);
}

static void timers(void *arg) {
    pirn_chan *after;
    pirn_timer *timer, *ticker, *call;
    atomic_int count = 0;
    int64_t before = pirn_now();
    (void)arg;
    pirn_sleep(PIRN_MSEC); /* it may come back at once */
    check(pirn_now() - before >= PIRN_MSEC || atomic_load(&refusal.refused));
    MADE(after, pirn_after(PIRN_MSEC));
    MADE(timer, pirn_timer_new(100 * PIRN_SEC));
    MADE(ticker, pirn_ticker_new(PIRN_MSEC));
    MADE(call, pirn_timer_func(PIRN_MSEC, add_one, &count));
    GIVES(pirn_recv(after, NULL), 0);
    for (int i = 0; i < 2; i++) GIVES(pirn_recv(pirn_timer_chan(ticker), NULL), 0);
    for (int i = 0; i < 3; i++) pirn_sleep(PIRN_MSEC);
    /* Here nobody would be told: it is tried until there is memory. */
    grant_everything();
    while (!atomic_load(&count)) pirn_sleep(PIRN_MSEC);
    check(pirn_timer_stop(timer));
    check(!pirn_timer_reset(timer, PIRN_MSEC));
    GIVES(pirn_recv(pirn_timer_chan(timer), NULL), 0);
    check_equal(count, 1);
    pirn_chan_unref(after);
    pirn_timer_free(timer);
    pirn_timer_free(ticker);
    pirn_timer_free(call);
}

/* Timers that have fired are reset where all memory is refused and every other place is taken. */
enum { RESETS = 40, WAITING = 500 };

struct crowd {
    pirn_chan *gate, *hall;
    atomic_int arrived;
};

static void wait_in_hall(void *arg) {
    struct crowd *crowd = arg;
    pirn_recv(crowd->gate, NULL);
    atomic_fetch_add(&crowd->arrived, 1);
    pirn_recv_until(crowd->hall, NULL, late());
}

static void reset_without_memory(void *arg) {
    struct crowd crowd = {.gate = pirn_chan_new(0, 0), .hall = pirn_chan_new(0, 0)};
    pirn_waitgroup group = {0};
    pirn_timer *timers[RESETS], *ticker = pirn_ticker_new(PIRN_MSEC), *call;
    atomic_int count = 0;
    (void)arg;
    for (int i = 0; i < RESETS; i++) timers[i] = pirn_timer_new(0);
    call = pirn_timer_func(0, add_one, &count);
    for (int i = 0; i < RESETS; i++) check_equal(pirn_recv(pirn_timer_chan(timers[i]), NULL), 0);
    while (!atomic_load(&count)) pirn_sleep(PIRN_MSEC);
    for (int i = 0; i < WAITING; i++)
        check_equal(pirn_waitgroup_go(&group, wait_in_hall, &crowd), 0);
    refuse_call(MEMORY, 1, true);
    pirn_close(crowd.gate);
    while (atomic_load(&crowd.arrived) < WAITING) pirn_yield();
    for (int i = 0; i < RESETS; i++) check(!pirn_timer_reset(timers[i], i % 2 * 100 * PIRN_SEC));
    pirn_timer_reset(ticker, PIRN_MSEC);
    check(!pirn_timer_reset(call, 100 * PIRN_SEC));
    for (int i = 0; i < RESETS; i += 2) check_equal(pirn_recv(pirn_timer_chan(timers[i]), NULL), 0);
    for (int i = 0; i < 3; i++) check_equal(pirn_recv(pirn_timer_chan(ticker), NULL), 0);
    for (int i = 0; i < RESETS; i++) check_equal(pirn_timer_stop(timers[i]), i % 2);
    check(atomic_load(&refusal.refused) > 0); /* so the places were taken */
    grant_everything();
    pirn_close(crowd.hall);
    pirn_waitgroup_wait(&group);
    for (int i = 0; i < RESETS; i++) pirn_timer_free(timers[i]);
    pirn_timer_free(ticker);
    pirn_timer_free(call);
    pirn_chan_unref(crowd.gate);
    pirn_chan_unref(crowd.hall);
}

static void resets_need_no_memory(void) {
    run_body(reset_without_memory, NULL);
    conclude("resets");
}

struct pair {
    int fds[2];
};

static void write_later(void *arg) {
    struct pair *pair = arg;
    pirn_yield();
    GIVES(pirn_write(pair->fds[1], "hello", 5, PIRN_FOREVER), 5);
}

static void descriptors(void *arg) {
    struct pair pair;
    char buffer[8];
    (void)arg;
    check_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair.fds), 0);
    GIVES_IN_TIME(pirn_read(pair.fds[0], buffer, sizeof buffer, soon()), -ETIMEDOUT);
    GIVES(pirn_go(write_later, &pair), 0);
    GIVES(pirn_wait_fd(pair.fds[0], PIRN_READABLE, PIRN_FOREVER), PIRN_READABLE);
    GIVES_IN_TIME(pirn_read(pair.fds[0], buffer, sizeof buffer, late()), 5);
    check(memcmp(buffer, "hello", 5) == 0);
    GIVES(pirn_close_fd(pair.fds[0]), 0);
    GIVES(pirn_close_fd(pair.fds[1]), 0);
}

static void dump(void *arg) {
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    (void)arg;
    check(null >= 0);
    GIVES(pirn_dump(null), 0);
    close(null);
}

static void blocking_calls(void *arg) {
    atomic_int count = 0;
    (void)arg;
    for (int i = 0; i < 3; i++) {
        GIVES(pirn_block(add_one, &count), 0);
        check_equal(count, i + 1);
    }
}

static void only_numbers(void *arg) {
    (void)arg;
    check(pirn_random() != pirn_random());
    check(pirn_choose(3) < 3);
    check_equal(pirn_self(), 1);
}

/* ---- Running them -------------------------------------------------------------------------- */

enum { PASSES = 8, UNREACHED = 3, WORKERS = 3 };
enum { CHILD_FAILED = 1, CHILD_NEVER_REFUSED = 2 };

static struct {
    pirn_fn *fn;
    atomic_int begun, ended;
} scenario;

static void perform(void *arg) {
    atomic_fetch_add(&scenario.begun, 1);
    scenario.fn(arg);
    grant_everything(); /* what the end of a run needs it needs before; this is for the next */
    atomic_fetch_add(&scenario.ended, 1);
}

static void run_one(void) {
    pirn_config config = {.workers = WORKERS};
    int rc;
    scenario.begun = scenario.ended = 0;
    rc = pirn_run(&config, perform, NULL);
    if (is_refusal(rc)) {
        was_refused(true);
        /* Either it has not begun at all, or it comes to its end. */
        check_equal(scenario.begun, 0);
        rc = pirn_run(&config, perform, NULL);
    }
    grant_everything();
    check_equal(rc, 0);
    check_equal(scenario.begun, 1);
    check_equal(scenario.ended, 1);
}

static void leave(int status) {
    fflush(NULL);
    _exit(status);
}

static void refuse_in_child(int kinds, long number, bool for_good) {
    long kept = 0, kept_mapped = 0;
    int more = 0, more_mapped = 0;
    for (int i = 0; i < PASSES; i++) {
        refuse_call(kinds, number, for_good);
        run_one();
        if (!atomic_load(&refusal.refused) && i == 0) leave(CHILD_NEVER_REFUSED);
        more = atomic_load(&blocks) > kept ? more + 1 : 0;
        more_mapped = atomic_load(&mapped) > kept_mapped ? more_mapped + 1 : 0;
        kept = atomic_load(&blocks);
        kept_mapped = atomic_load(&mapped);
    }
    /* What is kept for the next run does not grow with every one. */
    check(more < PASSES - 2);
    check(more_mapped < PASSES - 2);
}

/* Runs the scenario with the call refused, in a process that has not allocated yet. */
static int refuse_apart(int kinds, long number, bool for_good) {
    int status;
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        refuse_in_child(kinds, number, for_good);
        leave(failed_checks() ? CHILD_FAILED : 0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void refuse_each(pirn_fn *fn, int kinds, long each_until) {
    long refused = 0;
    int status = 0;
    scenario.fn = fn;
    for (int for_good = 0; for_good < 2; for_good++) {
        int unreached = 0;
        for (long n = 1; unreached < UNREACHED; n += n < each_until ? 1 : n / 3) {
            status = refuse_apart(kinds, n, for_good);
            if (status == CHILD_NEVER_REFUSED) {
                unreached++;
                continue;
            }
            unreached = 0;
            refused++;
            if (!check_equal(status, 0))
                fprintf(stderr, "    with call %ld refused%s\n", n,
                        for_good ? ", and all after it" : "");
        }
        check_equal(unreached, UNREACHED);
    }
    fprintf(stderr, "%ld refusals\n", refused);
    conclude("refused");
}

#define EACH(scenario) \
    static void memory_for_##scenario(void) { refuse_each(scenario, MEMORY, LONG_MAX); }
EACH(tasks)
EACH(many_tasks)
EACH(channels)
EACH(locks)
EACH(contexts)
EACH(timers)
EACH(descriptors)
EACH(blocking_calls)
EACH(only_numbers)

static void memory_for_dump(void) { refuse_each(dump, MEMORY, 12); }

#if SIMULATED
/* ---- Explorations -------------------------------------------------------------------------- */

struct locks {
    pirn_mutex one, other;
    pirn_waitgroup group;
};

static void lock_in_order(void *arg) {
    struct locks *locks = arg;
    pirn_mutex_lock(&locks->one);
    pirn_mutex_lock(&locks->other);
    pirn_mutex_unlock(&locks->other);
    pirn_mutex_unlock(&locks->one);
}

static void lock_the_other_way(void *arg) {
    struct locks *locks = arg;
    pirn_mutex_lock(&locks->other);
    pirn_mutex_lock(&locks->one);
    pirn_mutex_unlock(&locks->one);
    pirn_mutex_unlock(&locks->other);
}

/* A deadlock in some schedules, if there is memory for its tasks. */
static void may_lock_up(void *arg) {
    struct locks locks = {0};
    (void)arg;
    pirn_label(&locks.one, "one");
    pirn_waitgroup_go(&locks.group, lock_in_order, &locks);
    pirn_waitgroup_go(&locks.group, lock_the_other_way, &locks);
    pirn_waitgroup_wait(&locks.group);
}

static char refused_trace[64]; /* this process's own: the test may be run twice at once */

static int explore(const pirn_sim_options *options, pirn_sim_result *result) {
    int rc = pirn_sim_explore(options, may_lock_up, NULL, result);
    if (rc) check(*result->message);
    return rc;
}

static void remove_trace(void) {
    char journal[sizeof refused_trace + sizeof "-journal"];
    snprintf(journal, sizeof journal, "%s-journal", refused_trace);
    unlink(refused_trace);
    unlink(journal);
}

static void refuse_exploration(const pirn_sim_options *options, long number, bool for_good) {
    pirn_sim_result result;
    bool refused;
    int rc;
    remove_trace();
    refuse_call(MEMORY, number, for_good);
    rc = explore(options, &result);
    refused = atomic_load(&refusal.refused) > 0;
    grant_everything();
    if (!check(rc == 0 || rc == -ENOMEM)) fprintf(stderr, "    %d\n", rc);
    pirn_sim_result_free(&result);
    if (!refused) leave(failed_checks() ? CHILD_FAILED : CHILD_NEVER_REFUSED);
    /* What it has left behind is no obstacle, the trace among it. */
    if (!check_equal(rc = explore(options, &result), 0))
        fprintf(stderr, "    %s\n", result.message);
    check(result.runs > 0);
    pirn_sim_result_free(&result);
    leave(failed_checks() ? CHILD_FAILED : 0);
}

static void refuse_explorations(const char *strategy, const char *trace) {
    pirn_sim_options options = {.strategy = strategy,
                                .seed = 1,
                                .runs = trace ? 6 : 20,
                                .trace = trace,
                                .keep_going = true,
                                .shrink = true,
                                .record_all = trace != NULL};
    long refused = 0;
    for (int for_good = 0; for_good < 2; for_good++) {
        int status = 0;
        for (long n = 1; n < 10000000; n += n < 60 ? 1 : n / 4) {
            pid_t child = fork();
            if (child == 0) {
                alarm(60);
                refuse_exploration(&options, n, for_good);
            }
            if (child < 0 || waitpid(child, &status, 0) != child) break;
            status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            if (status == CHILD_NEVER_REFUSED) break;
            refused++;
            if (!check_equal(status, 0))
                fprintf(stderr, "    with call %ld refused%s\n", n,
                        for_good ? ", and all after it" : "");
        }
        check_equal(status, CHILD_NEVER_REFUSED);
    }
    fprintf(stderr, "%ld refusals\n", refused);
    remove_trace();
    conclude(strategy);
}

static void memory_for_random_runs(void) { refuse_explorations("random", NULL); }
static void memory_for_portfolio(void) { refuse_explorations("portfolio", NULL); }
static void memory_for_dpor(void) { refuse_explorations("dpor", NULL); }
static void memory_for_dfs(void) { refuse_explorations("dfs", NULL); }
static void memory_for_a_trace(void) {
    snprintf(refused_trace, sizeof refused_trace, "refused-%d.db", (int)getpid());
    refuse_explorations("pct", refused_trace);
}
#endif

#if !SIMULATED
/* Workers, the monitor, helpers. */
static void threads_for_tasks(void) { refuse_each(many_tasks, THREADS, LONG_MAX); }
static void threads_for_blocking_calls(void) { refuse_each(blocking_calls, THREADS, LONG_MAX); }
static void threads_for_timers(void) { refuse_each(timers, THREADS, LONG_MAX); }
#endif
#endif

/* ---- Limits of the system ------------------------------------------------------------------ */

/* Lets the process have no more descriptors than it has; returns the limit before. */
static struct rlimit no_more_descriptors(void) {
    struct rlimit before, none;
    int next = dup(0);
    check_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)next;
    close(next);
    check_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    return before;
}

static void accept_one(void *arg) {
    int *fds = arg;
    fds[1] = pirn_accept(fds[0], NULL, NULL, PIRN_FOREVER);
}

/* What needs a descriptor says that there is none, and works when there is. */
static void without_descriptors(void *arg) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t length = sizeof address.sun_family;
    int fds[2] = {socket(AF_UNIX, SOCK_STREAM, 0), -1}, client = socket(AF_UNIX, SOCK_STREAM, 0);
    struct rlimit before;
    pirn_waitgroup group = {0};
    char byte;
    int rc;
    (void)arg;
    check(fds[0] >= 0 && client >= 0);
    check_equal(bind(fds[0], (struct sockaddr *)&address, length), 0); /* a name of the kernel's */
    check_equal(listen(fds[0], 1), 0);
    length = sizeof address;
    check_equal(getsockname(fds[0], (struct sockaddr *)&address, &length), 0);
    check_equal(pirn_connect(client, (struct sockaddr *)&address, length, PIRN_FOREVER), 0);
    before = no_more_descriptors();
    check_equal(pirn_accept(fds[0], NULL, NULL, PIRN_FOREVER), -EMFILE);
    rc = pirn_read(client, &byte, 1, pirn_now() + PIRN_MSEC);
    check(rc == -EMFILE || rc == -ETIMEDOUT);
    check_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    check_equal(pirn_waitgroup_go(&group, accept_one, fds), 0);
    pirn_waitgroup_wait(&group); /* it has not been lost */
    check(fds[1] >= 0);
    check_equal(pirn_write(fds[1], "x", 1, PIRN_FOREVER), 1);
    check_equal(pirn_read(client, &byte, 1, PIRN_FOREVER), 1);
    for (int i = 0; i < 2; i++) check_equal(pirn_close_fd(fds[i]), 0);
    check_equal(pirn_close_fd(client), 0);
}

static void descriptors_run_out(void) { run_body(without_descriptors, NULL); }

#if REFUSING
static void count_and_wait(void *arg) { pirn_recv(arg, NULL); }

static long address_space(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    check(file && fscanf(file, "%ld", &pages) == 1);
    if (file) fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

/* Tasks are started until there is no address space for another; all of those come to their
 * end. */
static void with_little_space(void *arg) {
    struct rlimit before, little;
    atomic_int after = 0;
    pirn_waitgroup group = {0};
    pirn_chan *gate = pirn_chan_new(0, 0);
    int rc, count = 0;
    (void)arg;
    check_equal(getrlimit(RLIMIT_AS, &before), 0);
    little = before;
    little.rlim_cur = (rlim_t)address_space() + (64u << 20);
    check_equal(setrlimit(RLIMIT_AS, &little), 0);
    while ((rc = pirn_waitgroup_go(&group, count_and_wait, gate)) == 0) count++;
    check_equal(rc, -ENOMEM);
    check(count > 50);
    check_equal(pirn_close(gate), 0);
    pirn_waitgroup_wait(&group);
    check_equal(pirn_waitgroup_go(&group, add_one, &after), 0);
    pirn_waitgroup_wait(&group);
    check_equal(after, 1);
    check_equal(setrlimit(RLIMIT_AS, &before), 0);
    pirn_chan_unref(gate);
}

static void address_space_runs_out(void) {
    pirn_config config = {.workers = 2};
    for (int i = 0; i < 3; i++) check_equal(pirn_run(&config, with_little_space, NULL), 0);
    conclude("little space");
}
#endif

static const struct test tests[] = {
#if REFUSING
    TEST_SECONDS(memory_for_tasks, 300),
    TEST_SECONDS(memory_for_many_tasks, 300),
    TEST_SECONDS(memory_for_channels, 300),
    TEST_SECONDS(memory_for_locks, 300),
    TEST_SECONDS(memory_for_contexts, 300),
    TEST_SECONDS(memory_for_timers, 300),
    TEST_SECONDS(memory_for_descriptors, 300),
    TEST_SECONDS(memory_for_dump, 300),
    TEST_SECONDS(memory_for_blocking_calls, 300),
    TEST_SECONDS(memory_for_only_numbers, 300),
#if SIMULATED
    TEST_SECONDS(memory_for_random_runs, 300),
    TEST_SECONDS(memory_for_portfolio, 300),
    TEST_SECONDS(memory_for_dpor, 300),
    TEST_SECONDS(memory_for_dfs, 300),
    TEST_SECONDS(memory_for_a_trace, 300),
#else
    TEST_SECONDS(threads_for_tasks, 300),
    TEST_SECONDS(threads_for_blocking_calls, 300),
    TEST_SECONDS(threads_for_timers, 300),
#endif
    TEST(address_space_runs_out),
    TEST_SECONDS(resets_need_no_memory, 60),
#endif
    TEST(descriptors_run_out),
};

HARNESS(tests)
