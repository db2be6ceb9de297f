/*
 * test_served.c - runs that the command asks for, where the system refuses what they take.
 *
 * A child of the test does what a program does that the command has started: PIRN_CONTROL names its
 * options and a socket, and it calls pirn_run. That is done again and again, and in the n-th round
 * the n-th call of a kind fails that the library makes outside of tasks, or that one and all after
 * it, in whichever process makes it. What the library tells has to be what it tells otherwise; or
 * that it cannot go on, and why.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/control.h"
#include "tests/support.h"

/* ---- Calls that fail ------------------------------------------------------------------------- */

static struct {
    const char *call;  /* NULL: everything is granted */
    const char *later; /* what `call` is when the program begins */
    _Atomic long left; /* calls until the one that is refused */
    bool for_good;     /* and all after it */
    int error;
    _Atomic long refused;
    _Atomic unsigned runs; /* of may_be_deaf */
    _Atomic bool deaf;     /* one of these is */
    _Atomic bool wild;     /* somebody has tried to end processes that are not his */
} * refusal;               /* in shared memory */

static bool in_task; /* where nothing is refused: memory is put back to `false` */

/* Called by tests/coverage.c, whose own calls are none of the library's. */
void coverage_writes(bool writing);
static bool granted;
void coverage_writes(bool writing) { granted = writing; }

#if !ASAN && !TSAN /* which take over some of these for themselves */
static bool refuse(const char *call) {
    if (!refusal || !refusal->call || in_task || granted || strcmp(call, refusal->call))
        return false;
    long left = atomic_fetch_sub(&refusal->left, 1);
    if (left > 1 || (left < 1 && !refusal->for_good)) return false;
    atomic_fetch_add(&refusal->refused, 1);
    errno = refusal->error;
    return true;
}

static void *find(void **real, const char *name) {
    if (!*real) *real = dlsym(RTLD_NEXT, name);
    return *real;
}

#define MAY_BE_REFUSED(result, name, parameters, arguments, failed) \
    result name parameters {                                        \
        static void *real;                                          \
        if (refuse(#name)) return failed;                           \
        return ((__typeof__(&name))find(&real, #name))arguments;    \
    }

MAY_BE_REFUSED(pid_t, fork, (void), (), -1)
MAY_BE_REFUSED(void *, mmap,
               (void *at, size_t size, int protection, int flags, int fd, off_t offset),
               (at, size, protection, flags, fd, offset), MAP_FAILED)
MAY_BE_REFUSED(int, memfd_create, (const char *name, unsigned flags), (name, flags), -1)
MAY_BE_REFUSED(int, eventfd, (unsigned count, int flags), (count, flags), -1)
MAY_BE_REFUSED(int, ftruncate, (int fd, off_t size), (fd, size), -1)
MAY_BE_REFUSED(off_t, lseek, (int fd, off_t offset, int whence), (fd, offset, whence), -1)
MAY_BE_REFUSED(ssize_t, pread, (int fd, void *to, size_t size, off_t at), (fd, to, size, at), -1)
MAY_BE_REFUSED(ssize_t, pwrite, (int fd, const void *from, size_t size, off_t at),
               (fd, from, size, at), -1)
MAY_BE_REFUSED(ssize_t, read, (int fd, void *to, size_t size), (fd, to, size), -1)
MAY_BE_REFUSED(ssize_t, recv, (int fd, void *to, size_t size, int flags), (fd, to, size, flags), -1)
MAY_BE_REFUSED(ssize_t, send, (int fd, const void *from, size_t size, int flags),
               (fd, from, size, flags), -1)
MAY_BE_REFUSED(int, poll, (struct pollfd * fds, nfds_t count, int timeout), (fds, count, timeout),
               -1)
MAY_BE_REFUSED(pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options), -1)
MAY_BE_REFUSED(DIR *, opendir, (const char *path), (path), NULL)
MAY_BE_REFUSED(int, fstat, (int fd, struct stat *file), (fd, file), -1)
MAY_BE_REFUSED(ssize_t, readlink, (const char *path, char *to, size_t size), (path, to, size), -1)
MAY_BE_REFUSED(int, timer_create, (clockid_t clock, struct sigevent *event, timer_t *timer),
               (clock, event, timer), -1)
MAY_BE_REFUSED(int, sigaltstack, (const stack_t *stack, stack_t *old), (stack, old), -1)
MAY_BE_REFUSED(int, getrlimit, (__rlimit_resource_t what, struct rlimit *limit), (what, limit), -1)

/* Whoever takes the -1 of a call that has failed for a process would end all that there are. */
int kill(pid_t pid, int number) {
    static void *real;
    if (pid > 0) return ((__typeof__(&kill))find(&real, "kill"))(pid, number);
    if (refusal) refusal->wild = true;
    errno = ESRCH;
    return -1;
}

/* The last argument of these may be missing, and is not looked at then. */
#define LAST_MAY_BE_REFUSED(name, parameters, last, arguments)   \
    int name parameters {                                        \
        static void *real;                                       \
        va_list rest;                                            \
        if (refuse(#name)) return -1;                            \
        va_start(rest, last);                                    \
        long value = va_arg(rest, long);                         \
        va_end(rest);                                            \
        return ((__typeof__(&name))find(&real, #name))arguments; \
    }

LAST_MAY_BE_REFUSED(open, (const char *path, int flags, ...), flags, (path, flags, value))
LAST_MAY_BE_REFUSED(fcntl, (int fd, int what, ...), what, (fd, what, value))
LAST_MAY_BE_REFUSED(ioctl, (int fd, unsigned long what, ...), what, (fd, what, value))

/* Of those that have no function only a descriptor of a process. */
long syscall(long number, ...) {
    static void *real;
    long rest[6];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < 6; i++) rest[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_pidfd_open && refuse("pidfd_open")) return -1;
    return ((__typeof__(&syscall))find(&real, "syscall"))(number, rest[0], rest[1], rest[2],
                                                          rest[3], rest[4], rest[5]);
}

#include "tests/refused-malloc.h"
#define REFUSING 1
#else
#define REFUSING 0
#endif

/* ---- Programs --------------------------------------------------------------------------------- */

enum { NOT_BEGUN = 77 }; /* status of a program whose pirn_run has returned an error */

struct number {
    pirn_chan *chan;
    int value;
};

static void send_number(void *arg) {
    const struct number *number = arg;
    pirn_send(number->chan, &number->value);
}

/* Whether of two numbers the second has come first. */
static bool comes_in_another_order(void) {
    struct number one = {pirn_chan_new(sizeof(int), 0), 1}, other = {one.chan, 2};
    int first, second;
    pirn_go(send_number, &one);
    pirn_go(send_number, &other);
    pirn_recv(one.chan, &first);
    pirn_recv(one.chan, &second);
    pirn_chan_unref(one.chan);
    return first > second;
}

static void may_panic(void *arg) {
    (void)arg;
    in_task = true;
    if (comes_in_another_order()) pirn_panic("another order");
    in_task = false;
}

/* Ends in every way there is. */
static void may_end(void *arg) {
    bool other;
    (void)arg;
    in_task = true;
    other = comes_in_another_order();
    switch (pirn_choose(50)) {
    case 0:
        abort();
    case 1:
    case 2:
        fprintf(stderr, "in the middle\n");
        _exit(7);
    case 3:
        fprintf(stderr, "first\twords\nlast\twords \n");
        exit(8);
    case 4:
        exit(9);
    }
    pirn_assert(!other || pirn_choose(3));
    in_task = false;
}

static void may_say_something(void *arg) {
    static const char *const nothing[] = {"", "\n  \n"};
    (void)arg;
    if (!comes_in_another_order()) return;
    switch (pirn_choose(8)) {
    case 0:
        fputs(nothing[pirn_choose(2)], stderr);
        exit(9);
    case 1:
        exit(0);
    default:
        fprintf(stderr, "first\twords\nlast\twords \n");
        exit(8);
    }
}

static void orderly(void *arg) {
    (void)arg;
    in_task = true;
    comes_in_another_order();
    in_task = false;
}

/* Calls in many places: each of these functions is one, and like no other. */
#define PLACE(n)                                                                        \
    static __attribute__((noinline)) void send_from_##n(pirn_chan *chan, int *value) {  \
        *value = n;                                                                     \
        pirn_try_send(chan, value);                                                     \
        NOT_A_TAIL_CALL();                                                              \
    }                                                                                   \
    static __attribute__((noinline)) void receive_in_##n(pirn_chan *chan, int *value) { \
        *value = n;                                                                     \
        pirn_try_recv(chan, value);                                                     \
        NOT_A_TAIL_CALL();                                                              \
    }
#define EACH_PLACE(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12)
EACH_PLACE(PLACE)
enum { PLACES = 12 };

static void send_from_many_places(void *arg) {
    int value = 1;
#define SEND(n) send_from_##n(arg, &value);
    EACH_PLACE(SEND)
}

static void receive_in_many_places(void *arg) {
    int value;
#define RECEIVE(n) receive_in_##n(arg, &value);
    EACH_PLACE(RECEIVE)
}

static void meet_in_many_places(void *arg) {
    pirn_chan *chan = pirn_chan_new(sizeof(int), PLACES / 2);
    pirn_waitgroup group = {0};
    (void)arg;
    in_task = true;
    pirn_waitgroup_go(&group, send_from_many_places, chan);
    pirn_waitgroup_go(&group, receive_in_many_places, chan);
    pirn_waitgroup_wait(&group);
    pirn_chan_unref(chan);
    in_task = false;
}

enum { DEAF = 2, DEAF_LATER = 15 }; /* one in a process of its own, one in a process that goes on */

/* Hears nothing for longer than anybody waits. */
static void may_be_deaf(void *arg) {
    unsigned run = atomic_fetch_add(&refusal->runs, 1);
    sigset_t all;
    struct pollfd nothing = {.fd = -1};
    (void)arg;
    comes_in_another_order();
    if (run != DEAF && run != DEAF_LATER) return;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    if (run == DEAF_LATER) atomic_store(&refusal->deaf, true);
    for (;;) poll(&nothing, 1, -1);
}

/* ---- What is told of them --------------------------------------------------------------------- */

struct request {
    struct control_options options;
    pirn_fn *program;
    const char *schedule;
    uint64_t stop_after; /* runs: then nobody listens any more; 0: until the end */
    bool stop_when_deaf;
    bool deaf_to_children; /* it ignores SIGCHLD */
};

struct told {
    struct control_message last; /* DONE, SHRUNK or ERROR; size 0: none has come */
    uint64_t failing;            /* a sum of what was said of failing runs */
    bool not_begun;              /* there was no memory for one of them */
    char words[256];             /* of the last one */
    int notes, status;
};

static _Noreturn void be_program(const struct request *request, int messages) {
    struct control_options options = request->options;
    size_t length = request->schedule ? strlen(request->schedule) : 0;
    char value[32];
    int file = memfd_create("options", 0);
    if (!options.size) options.size = sizeof options;
    if (!options.schedule_length) options.schedule_length = (uint32_t)length;
    if (write(file, &options, sizeof options) < 0) _exit(99);
    if (length && write(file, request->schedule, length) < 0) _exit(99);
    snprintf(value, sizeof value, "%d,%d", file, messages);
    setenv(CONTROL_VARIABLE, value, 1);
    if (request->deaf_to_children) signal(SIGCHLD, SIG_IGN);
    if (refusal) refusal->call = refusal->later;
    if (pirn_run(NULL, request->program, NULL) < 0) _exit(NOT_BEGUN);
    in_task = false;
    _exit(0);
}

static void hear(struct told *told, const struct control_message *message) {
    if (message->type == CONTROL_NOTE) told->notes++;
    if (message->type == CONTROL_FAILURE) {
        told->failing += message->seed * 31 + message->run_steps * 7 + message->outcome;
        told->not_begun |= strstr(message->message, "exited with status 77") != NULL;
        snprintf(told->words, sizeof told->words, "%.255s", message->message);
    }
    if (message->type == CONTROL_DONE || message->type == CONTROL_ERROR ||
        message->type == CONTROL_SHRUNK)
        told->last = *message;
}

/* Waits until there is something to hear; returns whether it shall be heard. */
static bool goes_on(const struct request *request, int messages) {
    struct pollfd heard = {.fd = messages, .events = POLLIN};
    while (poll(&heard, 1, 10) == 0)
        if (request->stop_when_deaf && atomic_load(&refusal->deaf)) return false;
    return true;
}

/* Has it done; returns what is told. */
static struct told serve(const struct request *request) {
    struct told told = {0};
    struct control_message message = {0};
    int ends[2];
    pid_t child;
    check_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    child = fork();
    if (child == 0) {
        alarm(20);
        close(ends[0]);
        be_program(request, ends[1]);
    }
    check(child > 0);
    close(ends[1]);
    granted = true;
    while (goes_on(request, ends[0]) &&
           recv(ends[0], &message, sizeof message, 0) == (ssize_t)sizeof message) {
        hear(&told, &message);
        if (request->stop_after && message.runs >= request->stop_after) break;
    }
    close(ends[0]);
    check_equal(waitpid(child, &told.status, 0), child);
    granted = false;
    return told;
}

static bool is_done(const struct told *told) {
    return told->last.size && told->last.type != CONTROL_ERROR && told->status == 0;
}

/* It has said why it cannot go on, and ended so. */
static bool has_given_up(const struct told *told) {
    const struct control_message *m = &told->last;
    return m->size && m->type == CONTROL_ERROR && m->message[0] && m->status >= 2 &&
           m->status <= 4 && WIFEXITED(told->status) && WEXITSTATUS(told->status) == m->status;
}

static void show(const char *what, const struct told *told) {
    const struct control_message *m = &told->last;
    fprintf(stderr,
            "    %s: message %d, status 0x%x, runs %" PRIu64 " (%" PRIu64 " kept, %" PRIu64
            " distinct), failures %" PRIu64 " (%" PRIx64 "), steps %" PRIu64
            ", outcome %d, pairs %" PRIu64 "%s\n      \"%s\" \"%s\"\n",
            what, (int)m->type, (unsigned)told->status, m->runs, m->kept, m->distinct, m->failures,
            told->failing, m->steps, (int)m->outcome, m->pairs, m->exhausted ? ", all" : "",
            m->isolation, m->message);
}

static const struct request at_random = {
    .options =
        {.seed = 1, .runs = 28, .shard = 1, .shards = 1, .keep_going = true, .quiet_program = true},
    .program = may_end};

static void share_refusal(void) {
    refusal =
        mmap(NULL, sizeof *refusal, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check(refusal != MAP_FAILED);
}

/* What is said of a program whose request is no good, or not understood. */
static void expect_error(const struct request *request, int status, const char *words) {
    struct told told = serve(request);
    if (!check(has_given_up(&told) && told.last.status == status)) show(words, &told);
    check_contains(told.last.message, words);
}

static void bad_requests_are_told(void) {
    struct request request = at_random;
    request.options.size = 8;
    expect_error(&request, 3, "of different versions");
    request = at_random;
    strcpy(request.options.strategy, "nonsense");
    expect_error(&request, 2, "there is no such strategy");
    request = at_random;
    request.schedule = "nonsense";
    expect_error(&request, 2, "schedule");
    request.options.schedule_length = 1000;
    expect_error(&request, 3, "cannot read the schedule");
    request = at_random;
    strcpy(request.options.suppressions, "/nonexistent/file");
    expect_error(&request, 2, "/nonexistent/file");
    request = at_random;
    request.options.expected_run = 1;
    strcpy(request.options.trace_expected, "/nonexistent/trace");
    expect_error(&request, 3, "/nonexistent/trace");
    request = at_random;
    strcpy(request.options.trace, "/nonexistent/trace");
    expect_error(&request, 3, "/nonexistent");
    conclude("bad requests");
}

/* PIRN_CONTROL that the command has not set. */
static void foreign_variable_is_told(void) {
    int status, words = memfd_create("words", 0);
    char text[200];
    pid_t child = fork();
    if (child == 0) {
        dup2(words, STDERR_FILENO);
        setenv(CONTROL_VARIABLE, "yes", 1);
        pirn_run(NULL, may_panic, NULL);
        _exit(99);
    }
    check_equal(waitpid(child, &status, 0), child);
    check_equal(status, 2 << 8);
    text[pread(words, text, sizeof text - 1, 0)] = '\0';
    check_contains(text, "PIRN_CONTROL is set, but not by the pirn command: unset it");
    conclude("foreign variable");
}

/* Of a run that has ended the program the last line is told that it wrote, in whatever process. */
static void last_words_are_told(void) {
    static const enum control_isolation ways[] = {CONTROL_ISOLATE_BEST, CONTROL_ISOLATE_FORK};
    for (int i = 0; i < 2; i++) {
        struct request request = at_random;
        struct told told;
        request.program = may_say_something;
        request.options.isolation = ways[i];
        told = serve(&request);
        check(is_done(&told));
        check(told.last.failures > 5);
        check_equal(told.last.outcome, PIRN_EXIT);
        check_contains(told.words, "the program exited with status 8");
        check_contains(told.words, "; it said: last words");
    }
    conclude("last words");
}

/* How a run has ended is known of programs, too, that do not want to know it of their children. */
static void ends_are_seen_where_they_are_ignored(void) {
    struct request request = at_random;
    struct told usual = serve(&request), told;
    request.deaf_to_children = true;
    told = serve(&request);
    check(is_done(&usual) && is_done(&told));
    check_equal(told.last.failures, usual.last.failures);
    check_equal(told.failing, usual.failing);
    conclude("ends");
}

/* A run that hears nothing is ended, and is a failure; the others go on. */
static void deaf_runs_are_ended(void) {
    struct request request = at_random;
    struct told told;
    share_refusal();
    request.program = may_be_deaf;
    request.options.run_time_limit = 10 * PIRN_MSEC;
    told = serve(&request);
    if (!check(is_done(&told) && told.last.failures == 2 && told.last.runs == 28))
        show("deaf", &told);
    check_equal(told.last.outcome, PIRN_TIMEOUT);
    check_contains(told.words, "no end after 0.01 s, and no answer");
    conclude("deaf runs");
}

/* Nobody waits for one where the command has gone. */
static void deaf_runs_end_with_the_command(void) {
    struct request request = at_random;
    struct told told;
    share_refusal();
    refusal->runs = DEAF + 1;
    request.program = may_be_deaf;
    request.stop_when_deaf = true;
    told = serve(&request);
    check_equal(told.last.size, 0);
    check(WIFEXITED(told.status));
    conclude("deaf runs");
}

/* Runs that leave nothing are the same where nothing is put back. */
static void nothing_is_put_back(void) {
    struct request request = at_random;
    struct told usual, told;
    request.program = orderly;
    usual = serve(&request);
    request.options.isolation = CONTROL_ISOLATE_NONE;
    told = serve(&request);
    check(is_done(&usual) && is_done(&told));
    check_equal(told.last.steps, usual.last.steps);
    check_equal(told.last.distinct, usual.last.distinct);
    check_equal(told.last.failures, 0);
    check(ASAN || TSAN || told.last.kept > 0);
    conclude("nothing is put back");
}

/* All pairs of calls on one object are counted, however many there are; and the same ones by several
 * processes. */
static void many_pairs_are_counted(void) {
    struct request request = at_random;
    struct told told, shared;
    request.program = meet_in_many_places;
    request.options.runs = 200;
    told = serve(&request);
    request.options.jobs = 2;
    shared = serve(&request);
    check(is_done(&told) && is_done(&shared));
    check(told.last.pairs >= PLACES * PLACES);
    check(told.last.one_way < told.last.pairs);
    check_equal(shared.last.pairs, told.last.pairs);
    check_equal(shared.last.one_way, told.last.one_way);
    conclude("many pairs");
}

/* Nobody listens any more: it ends. */
static void end_comes_with_the_command(void) {
    struct request request = at_random;
    struct told told;
    for (uint32_t jobs = 1; jobs <= 2; jobs++) {
        request.options.runs = 0;
        request.options.jobs = jobs;
        request.stop_after = 1;
        told = serve(&request);
        check(WIFEXITED(told.status));
    }
    conclude("end");
}

/* ---- Rounds ----------------------------------------------------------------------------------- */

#if REFUSING
static const struct request systematic = {.options = {.strategy = "dfs:depth=2",
                                                      .seed = 1,
                                                      .shard = 1,
                                                      .shards = 1,
                                                      .keep_going = true,
                                                      .quiet_program = true},
                                          .program = may_panic};

/* Of graphs those are not counted that there was no memory to remember; and several processes make
 * the runs of a search in any order. */
static bool same(const struct told *a, const struct told *b) {
    const struct control_message *m = &a->last, *n = &b->last;
    return is_done(a) && is_done(b) && (a->failing == b->failing || m->systematic) &&
           m->type == n->type && m->runs == n->runs && m->distinct >= n->distinct &&
           m->failures == n->failures && m->steps == n->steps && m->outcome == n->outcome &&
           m->seed == n->seed && m->exhausted == n->exhausted && m->pairs == n->pairs;
}

/* There has been no memory for a run, or to remember what is left of a search: then not everything
 * has been covered, and it does not say that it has. */
static bool has_gaps(const struct told *usual, const struct told *told) {
    return is_done(told) && !told->last.exhausted && (usual->last.exhausted || told->not_begun);
}

/* Returns whether a call was refused. */
static bool refused_is_told(const struct request *request, const struct told *usual,
                            const char *call, int error, long n, bool for_good) {
    struct told told;
    refusal->left = n;
    refusal->for_good = for_good;
    refusal->error = error;
    refusal->refused = 0;
    refusal->later = call;
    told = serve(request);
    refusal->call = NULL;
    check(!refusal->wild);
    if (!check(same(usual, &told) ||
               (refusal->refused && (has_given_up(&told) || has_gaps(usual, &told))))) {
        fprintf(stderr, "    with %s %ld refused%s\n", call, n,
                for_good ? ", and all after it" : "");
        show("usual", usual);
        show("then", &told);
    }
    return refusal->refused > 0;
}

static void refuse_each(const struct request *request, const char *call, int error) {
    long refusals = 0;
    struct told usual;
    share_refusal();
    refusal->later = NULL;
    usual = serve(request);
    if (!check(is_done(&usual))) show("usual", &usual);
    /* Who is interrupted tries again. */
    for (int for_good = 0; for_good < (error == EINTR ? 1 : 2); for_good++)
        for (long n = 1; refused_is_told(request, &usual, call, error, n, for_good); refusals++)
            n += n < 12 ? 1 : n / 3;
    check(refusals > 0);
    fprintf(stderr, "%s: %ld refusals\n", call, refusals);
}

/* The schedule of a run that fails; and debugging information is read, which later rounds need not. */
static char *find_panic(void) {
    const pirn_sim_options options = {.strategy = "random", .seed = 1, .runs = 100};
    pirn_sim_result result;
    char *schedule;
    check_equal(pirn_sim_explore(&options, may_panic, NULL, &result), 0);
    check_equal(result.outcome, PIRN_PANIC);
    in_task = false;
    schedule = strdup(result.schedule);
    pirn_sim_result_free(&result);
    return schedule;
}

static void descriptors(void) {
    refuse_each(&at_random, "memfd_create", EMFILE);
    refuse_each(&at_random, "open", EMFILE);
    refuse_each(&at_random, "opendir", EMFILE);
    refuse_each(&at_random, "fcntl", EMFILE);
    refuse_each(&at_random, "pidfd_open", ENOSYS);
    conclude("descriptors");
}

static void files(void) {
    free(find_panic());
    refuse_each(&at_random, "ftruncate", ENOSPC);
    refuse_each(&at_random, "lseek", EIO);
    refuse_each(&at_random, "pread", EIO);
    refuse_each(&at_random, "pwrite", ENOSPC);
    refuse_each(&at_random, "read", EIO);
    refuse_each(&at_random, "readlink", EACCES);
    refuse_each(&at_random, "fstat", EACCES);
    refuse_each(&at_random, "getrlimit", EPERM);
    conclude("files");
}

static void processes(void) {
    free(find_panic());
    refuse_each(&at_random, "fork", EAGAIN);
    refuse_each(&at_random, "timer_create", EAGAIN);
    refuse_each(&at_random, "sigaltstack", ENOMEM);
    conclude("processes");
}

static void interruptions(void) {
    free(find_panic());
    refuse_each(&at_random, "recv", EINTR);
    refuse_each(&at_random, "poll", EINTR);
    refuse_each(&at_random, "waitpid", EINTR);
    conclude("interruptions");
}

static void memory(void) {
    refuse_each(&at_random, "mmap", ENOMEM);
    refuse_each(&at_random, "malloc", ENOMEM);
    conclude("memory");
}

static void searches(void) {
    struct request request = systematic;
    refuse_each(&systematic, "fork", EAGAIN);
    refuse_each(&systematic, "mmap", ENOMEM);
    refuse_each(&systematic, "malloc", ENOMEM);
    request.options.isolation = CONTROL_ISOLATE_FORK;
    refuse_each(&request, "mmap", ENOMEM);
    conclude("searches");
}

static void several_processes(void) {
    struct request request = at_random;
    free(find_panic());
    request.options.jobs = 2;
    refuse_each(&request, "eventfd", EMFILE);
    refuse_each(&request, "fork", EAGAIN);
    refuse_each(&request, "mmap", ENOMEM);
    refuse_each(&request, "malloc", ENOMEM);
    refuse_each(&request, "read", EINTR);
    refuse_each(&request, "waitpid", EINTR);
    request = systematic;
    request.options.jobs = 2;
    refuse_each(&request, "mmap", ENOMEM);
    refuse_each(&request, "malloc", ENOMEM);
    conclude("several processes");
}

static void shrinking(void) {
    struct request request = {.options = {.shrink = true, .quiet_program = true, .samples = 5},
                              .program = may_panic};
    char *schedule = find_panic();
    request.schedule = schedule;
    refuse_each(&request, "fork", EAGAIN);
    refuse_each(&request, "mmap", ENOMEM);
    refuse_each(&request, "malloc", ENOMEM);
    free(schedule);
    conclude("shrinking");
}

/* Where the kernel cannot look for pages that have been written, which one before 6.7 cannot, all are
 * looked at: memory is put back all the same. */
static void memory_is_put_back_without_scan(void) {
    struct told usual = serve(&at_random), told;
    share_refusal();
    refused_is_told(&at_random, &usual, "ioctl", ENOTTY, 1, true);
    refusal->later = "ioctl";
    told = serve(&at_random);
    check(told.last.kept > 0);
    check_equal(told.last.kept, usual.last.kept);
    conclude("without scan");
}
#endif

static const struct test tests[] = {
    TEST(bad_requests_are_told),
    TEST(foreign_variable_is_told),
    TEST(last_words_are_told),
    TEST(ends_are_seen_where_they_are_ignored),
    TEST(deaf_runs_are_ended),
    TEST(deaf_runs_end_with_the_command),
    TEST(nothing_is_put_back),
    TEST(many_pairs_are_counted),
    TEST(end_comes_with_the_command),
#if REFUSING
    TEST_SECONDS(descriptors, 300),
    TEST_SECONDS(files, 300),
    TEST_SECONDS(processes, 300),
    TEST_SECONDS(interruptions, 300),
    TEST_SECONDS(memory, 300),
    TEST_SECONDS(searches, 300),
    TEST_SECONDS(several_processes, 300),
    TEST_SECONDS(shrinking, 300),
    TEST(memory_is_put_back_without_scan),
#endif
};

HARNESS(tests)
