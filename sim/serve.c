/*
 * serve.c - runs in forked processes.
 *
 * The process that reaches pirn_run first stays there and forks a child for each run; the child
 * goes on with the program, to its exit. So every run begins with the same memory, and nothing that
 * it does, a crash included, is left to the next. The log is in shared memory.
 *
 * Where it can, the child puts everything back when the program has come to its end, and performs
 * the next run, too (keeper.h). A run that ends such a child is performed again in a new one, unless
 * it was the child's first: what counts is what it does in a process that is as new.
 */
#include "sim/serve.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/core/symbol.h"
#include "sim/explore.h"
#include "sim/keeper.h"
#include "sim/race/race.h"
#include "sim/race/report.h"
#include "sim/shrink.h"
#include "sim/snapshot.h"

/* Children that are meant to perform many runs and perform so few; after so many of them in turn
 * each run has its own. */
enum { SHORT_LIFE = 32, MOST_SHORT = 3 };

/* The first runs have a child each: a bug that they find is not worth saving memory for. */
enum { FIRST_ALONE = 8 };

/* What the command is told of how runs were kept apart; in shared memory, for all who explore. */
struct isolation {
    _Atomic uint64_t alone; /* runs in a child each, at first */
    _Atomic uint64_t kept;  /* runs in a child that goes on */
    _Atomic bool given_up;
    char why[sizeof((struct control_message *)NULL)->isolation];
};

enum { LAST_WORDS = 200, GRACE = 2000 /* ms beyond its limit before a run is killed */ };

static struct {
    int messages;
    struct control_options options;
    bool stopped; /* the command asks for an end */
    int words;    /* what the child says to standard error, where nobody sees it; -1: it is seen */
    struct isolation *isolation; /* NULL: each run has a child of its own */
    struct keeper *keeper;
    pid_t child;   /* the keeper's; 0: there is none */
    uint64_t life; /* runs that it has performed */
    int short_lives;
    bool keeping;              /* this is such a child */
    struct sigaction on_child; /* what the program does at SIGCHLD */
} server = {.messages = -1, .words = -1};

bool serve_wanted(void) {
    const char *value = getenv(CONTROL_VARIABLE);
    return value && *value && strncmp(value, CONTROL_ALONE, strlen(CONTROL_ALONE)) != 0;
}

static void send_message(const struct control_message *message) {
    /* If the command has gone nobody wants to know. */
    if (send(server.messages, message, sizeof *message, MSG_NOSIGNAL) < 0) _exit(3);
}

static _Noreturn void fail(int status, const char *text) {
    struct control_message message = {
        .size = sizeof message, .type = CONTROL_ERROR, .status = status};
    snprintf(message.message, sizeof message.message, "%s", text);
    send_message(&message);
    _exit(status);
}

static void report(struct exploration *e, enum control_type type) {
    struct control_message message = {.size = sizeof message, .type = type};
    bool last = type == CONTROL_FAILURE || e->outcome == PIRN_OK;
    message.runs = e->done;
    message.distinct = e->distinct;
    message.failures = e->failures;
    message.steps = e->steps;
    message.repeated = e->repeated;
    message.systematic = e->strategy->ends && !e->replay;
    message.exhausted = e->exhausted;
    message.fair = e->fair;
    message.run = e->log->seed - e->seed + 1;
    message.outcome = last ? e->log->outcome : e->outcome;
    message.seed = last ? e->log->seed : e->failing_seed;
    message.trace_run = last ? e->trace_run : e->failing_run;
    message.run_steps = e->log->steps;
    message.kind = e->failing_kind;
    message.unseen = explore_unseen(e);
    if (server.isolation) {
        message.kept = server.isolation->kept;
        memcpy(message.isolation, server.isolation->why, sizeof message.isolation);
    }
    if (type == CONTROL_DONE) orders_sum(&e->orders, &message.pairs, &message.one_way);
    snprintf(message.message, sizeof message.message, "%s",
             type == CONTROL_NOTE ? e->note
             : last               ? e->log->message
                                  : e->message);
    send_message(&message);
}

static void report_shrunk(const struct exploration *e) {
    const struct shrink *s = e->shrink;
    struct control_message message = {.size = sizeof message,
                                      .type = CONTROL_SHRUNK,
                                      .run = 1,
                                      .outcome = e->outcome,
                                      .seed = e->failing_seed,
                                      .trace_run = s->run,
                                      .run_steps = s->after.steps,
                                      .kind = e->failing_kind,
                                      .before = s->before,
                                      .after = s->after,
                                      .tried = s->tried,
                                      .minimal = s->minimal,
                                      .certain = s->certainty.step,
                                      .samples = s->certainty.samples,
                                      .certain_before = s->certainty.before};
    snprintf(message.message, sizeof message.message, "%s", e->message);
    send_message(&message);
}

/* ---- One run ------------------------------------------------------------------------------- */

static void become_child(struct exploration *e, pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    e->log->performer = getpid();
    if (getppid() != parent) _exit(3);
    close(server.messages);
    if (e->recorder) recorder_forget(e->recorder);
    if (server.words >= 0) {
        int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, STDOUT_FILENO);
        dup2(server.words, STDERR_FILENO);
        close(nowhere);
    }
    sigaction(SIGCHLD, &server.on_child, NULL);
    sim.forked = true;
    faults_begin(e->run.time_limit);
}

/* Whether the command asks for an end, or has gone. */
static bool stopped(struct exploration *e) {
    char byte;
    (void)e;
    if (server.messages < 0) return false; /* of a worker, which its parent ends */
    if (!server.stopped && recv(server.messages, &byte, 1, MSG_DONTWAIT) >= 0)
        server.stopped = true;
    return server.stopped;
}

/* Waits for the child; kills it when it takes far longer than it may, and returns false then, and
 * when all is to end. */
static bool wait_for(struct exploration *e, pid_t child, int *status) {
    int64_t limit = e->run.time_limit;
    int milliseconds = limit > 0 ? (int)(limit / 1000000) + GRACE : -1;
    int descriptor = (int)syscall(SYS_pidfd_open, child, 0);
    bool in_time = true;
    if (descriptor >= 0) {
        struct pollfd poll_for[2] = {{.fd = descriptor, .events = POLLIN},
                                     {.fd = server.messages, .events = POLLIN}};
        int ready;
        while ((ready = poll(poll_for, 2, milliseconds)) < 0 && errno == EINTR) continue;
        in_time = ready > 0 && poll_for[0].revents;
        if (!in_time && ready > 0) {
            stopped(e); /* what it is asked with is read */
            server.stopped = true;
        }
        close(descriptor);
    }
    if (!in_time) kill(child, SIGKILL);
    while (waitpid(child, status, 0) < 0 && errno == EINTR) continue;
    return in_time;
}

/* Adds the last line that the child wrote to standard error, such as that of a failed assertion. */
static void add_last_words(struct log *log) {
    char words[LAST_WORDS + 1], *line, *end;
    off_t size;
    ssize_t n;
    size_t length = strlen(log->message);

    if (server.words < 0 || (size = lseek(server.words, 0, SEEK_END)) <= 0) return;
    n = pread(server.words, words, LAST_WORDS, size > LAST_WORDS ? size - LAST_WORDS : 0);
    if (n <= 0) return;
    words[n] = '\0';
    for (end = words + n; end > words && (end[-1] == '\n' || end[-1] == ' '); end--) end[-1] = '\0';
    line = strrchr(words, '\n');
    line = line ? line + 1 : words;
    if (!*line) return;
    for (char *c = line; *c; c++)
        if ((unsigned char)*c < ' ') *c = ' ';
    snprintf(log->message + length, sizeof log->message - length, "; it said: %s", line);
}

static void clear_words(void) {
    if (server.words >= 0 &&
        (ftruncate(server.words, 0) != 0 || lseek(server.words, 0, SEEK_SET) != 0))
        server.words = -1;
}

static void note(struct log *log, pirn_outcome outcome, const char *message) {
    log->outcome = outcome;
    snprintf(log->message, sizeof log->message, "%s", message);
    log_find(log, outcome, (uint32_t)log->steps, 0, NULL, log->message);
}

/* What the way in which the child ended adds to what the log says. */
static void judge(struct log *log, int64_t limit, int status, bool in_time) {
    char message[128];

    if (!in_time) {
        snprintf(message, sizeof message, "no end after %.3g s, and no answer",
                 (double)limit / 1e9);
        note(log, PIRN_TIMEOUT, message);
    } else if (WIFSIGNALED(status) && log->outcome != PIRN_CRASH) {
        snprintf(message, sizeof message, "killed by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
        note(log, PIRN_CRASH, message);
    } else if (WIFEXITED(status) && WEXITSTATUS(status) != 0 && log->outcome == PIRN_OK) {
        snprintf(message, sizeof message, "the program exited with status %d%s",
                 WEXITSTATUS(status), log->finished ? "" : " in the middle of the run");
        note(log, PIRN_EXIT, message);
    }
    if (log->outcome == PIRN_CRASH || log->outcome == PIRN_EXIT) add_last_words(log);
}

/* Forks; returns 1 in the child, 0 with its id, or a negative errno. */
static int fork_child(struct exploration *e, pid_t *child) {
    pid_t self;
    /* Else what is buffered would come out once for each child. */
    fflush(NULL);
    self = getpid();
    if (e->forks) e->forks(e, true);
    *child = fork();
    if (*child != 0 && e->forks) e->forks(e, false);
    if (*child < 0) {
        snprintf(e->message, sizeof e->message, "cannot make a process for a run: %s",
                 strerror(errno));
        return -errno;
    }
    if (*child > 0) return 0;
    become_child(e, self);
    return 1;
}

static int perform_in_own(struct exploration *e) {
    bool in_time;
    int status = 0, rc;
    pid_t child;
    if ((rc = fork_child(e, &child))) return rc;
    in_time = wait_for(e, child, &status);
    if (!in_time && server.stopped) return -ECANCELED;
    judge(e->log, e->run.time_limit, status, in_time);
    return 0;
}

/* ---- Many runs in one child ---------------------------------------------------------------- */

static void give_up(const char *why) {
    snprintf(server.isolation->why, sizeof server.isolation->why, "%s", why);
    server.isolation->given_up = true;
}

/* Takes the child's status where it has ended, else ends it. */
static int reap_child(bool kill_it) {
    int status = 0;
    if (kill_it) kill(server.child, SIGKILL);
    while (waitpid(server.child, &status, 0) < 0 && errno == EINTR) continue;
    keeper_free(server.keeper);
    server.keeper = NULL;
    server.child = 0;
    return status;
}

/* A child comes to its end, for which it pays that it has saved its memory. */
static void end_of_life(const char *why) {
    server.short_lives = server.life < SHORT_LIFE ? server.short_lives + 1 : 0;
    if (server.short_lives == MOST_SHORT) give_up(why);
}

static int begin_child(struct exploration *e) {
    pid_t child = 0;
    int rc;
    if (!(server.keeper = keeper_new(e, server.options.isolation == CONTROL_ISOLATE_NONE))) {
        snprintf(e->message, sizeof e->message, "not enough memory");
        return -ENOMEM;
    }
    server.life = 0;
    clear_words();
    rc = fork_child(e, &child);
    if (rc == 1) server.keeping = true;
    if (rc == 0) server.child = child; /* -1 would stand for all processes */
    return rc;
}

static void clear(struct exploration *e, struct strategy *strategy) {
    uint64_t seed = e->log->seed;
    log_reset(e->log);
    e->log->seed = seed;
    clear_words();
    strategy->begin(strategy, seed);
}

/* In the child: a run is over. */
static void ended(struct log *log, int status) {
    judge(log, 0, status, true);
    if (server.words >= 0 && lseek(server.words, 0, SEEK_END) > 0) clear_words();
}

/* Performs the run again where it cannot be relied on. */
static int perform_kept(struct exploration *e, struct strategy *strategy) {
    for (;;) {
        int64_t limit = e->run.time_limit > 0 ? e->run.time_limit + GRACE * INT64_C(1000000) : 0;
        const char *why;
        bool first;
        int status, rc;
        if (!server.child && (rc = begin_child(e))) return rc;
        /* A child performs its first run twice. */
        first = server.life++ == 0;
        switch (
            keeper_run(server.keeper, server.child, e->log, first ? 2 * limit : limit, e, &why)) {
        case KEEPER_DONE:
            server.isolation->kept++;
            return 0;
        case KEEPER_LAST:
            end_of_life(why);
            reap_child(false);
            return 0;
        case KEEPER_UNSURE:
            give_up(why);
            reap_child(false);
            clear(e, strategy);
            return perform_in_own(e);
        case KEEPER_LATE:
            judge(e->log, e->run.time_limit, reap_child(true), false);
            return 0;
        case KEEPER_DEAD:
            end_of_life("its runs crash too often");
            status = reap_child(false);
            if (first || e->log->outcome == PIRN_TIMEOUT) {
                judge(e->log, e->run.time_limit, status, true);
                return 0;
            }
            clear(e, strategy);
            break;
        case KEEPER_STOPPED:
            reap_child(true);
            return -ECANCELED;
        case KEEPER_GONE:
            reap_child(true);
        }
        if (server.isolation->given_up) return perform_in_own(e);
    }
}

/* Not runs that are made for another purpose, with a strategy of their own. */
static bool may_keep(const struct exploration *e, const struct strategy *strategy) {
    return server.isolation && !server.isolation->given_up && strategy == e->strategy &&
           server.isolation->alone++ >= FIRST_ALONE;
}

static int perform(struct exploration *e, struct strategy *strategy) {
    strategy->begin(strategy, e->log->seed);
    if (may_keep(e, strategy)) return perform_kept(e, strategy);
    clear_words();
    return perform_in_own(e);
}

/* Performs runs for `parent`, which alone talks to the command. */
static void worker_begins(struct exploration *e, pid_t parent) {
    (void)e;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(3);
    close(server.messages);
    server.messages = -1;
    server.child = 0; /* that of the parent is not ours */
    /* Shared it would hold the words of the runs of all. */
    if (server.words >= 0) {
        close(server.words);
        server.words = memfd_create("pirn-words", MFD_CLOEXEC);
    }
}

/* Whether many runs are to share a child, where they can. */
static bool share_children(const struct exploration *e) {
    const struct control_options *o = &server.options;
    return o->isolation != CONTROL_ISOLATE_FORK && o->quiet_program && !e->replay && !o->shrink &&
           e->runs != 1;
}

static void begin_isolation(const struct exploration *e) {
    void *memory;
    if (!share_children(e)) return;
    memory = mmap(NULL, sizeof *server.isolation, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return;
    server.isolation = memory;
    if (PIRN_SANITIZED)
        give_up("the library is built with a sanitizer, which has memory of its own");
}

/* Gives standard output its buffer, which it would else look for in each run, with system calls: it
 * is thrown away, to a file that is no terminal. Only where the program has not chosen itself. */
static void prepare_output(void) {
    if (!__fbufsize(stdout) && !__flbf(stdout)) setvbuf(stdout, NULL, _IOFBF, 0);
}

/* ---- All runs ------------------------------------------------------------------------------ */

/* Reads the options and the schedule behind them; leaves the descriptors to this process alone. */
static char *read_options(void) {
    struct control_options *o = &server.options;
    const char *value = getenv(CONTROL_VARIABLE);
    char *schedule = NULL;
    int descriptor;

    if (sscanf(value, "%d,%d", &descriptor, &server.messages) != 2) {
        fputs("pirn: " CONTROL_VARIABLE " is set, but not by the pirn command: unset it\n", stderr);
        exit(2);
    }
    unsetenv(CONTROL_VARIABLE);
    fcntl(server.messages, F_SETFD, FD_CLOEXEC);
    if (pread(descriptor, o, sizeof *o, 0) != (ssize_t)sizeof *o || o->size != sizeof *o)
        fail(3, "the pirn command and the simulator library are of different versions: install "
                "both anew");
    if (o->schedule_length) {
        schedule = malloc((size_t)o->schedule_length + 1);
        if (!schedule || pread(descriptor, schedule, o->schedule_length, sizeof *o) !=
                             (ssize_t)o->schedule_length)
            fail(3, "cannot read the schedule to replay");
        schedule[o->schedule_length] = '\0';
    }
    close(descriptor);
    return schedule;
}

/* The steps that a replayed run must repeat. */
static void read_expected(struct exploration *e) {
    const struct control_options *o = &server.options;
    struct recorder_step *steps = NULL;
    int64_t count;
    if (!o->expected_run) return;
    count =
        recorder_expect(o->trace_expected, o->expected_run, &steps, e->message, sizeof e->message);
    if (count < 0) fail(3, e->message);
    e->run.expected = steps;
    e->run.expected_steps = (uint64_t)count;
    if (count == 0) e->run.expected = NULL;
}

static _Noreturn void finish(struct exploration *e, int rc) {
    struct control_message message = {.size = sizeof message, .type = CONTROL_DONE};
    bool nothing = rc == -ECANCELED; /* has come of shrinking, in so short a time */
    if (server.child) reap_child(true);
    if (rc && !nothing) fail(rc == -ESTALE ? 4 : rc == -ESRCH ? 2 : 3, e->message);
    if (e->shrink && !nothing) report_shrunk(e);
    if (recorder_close(e->recorder, e->message, sizeof e->message) != 0) fail(3, e->message);
    if (e->done || e->exhausted)
        report(e, CONTROL_DONE);
    else
        send_message(&message);
    _exit(0);
}

/* The program may ignore the ends of its children: those of runs are not its own. */
static void expect_children(void) {
    const struct sigaction usual = {.sa_handler = SIG_DFL};
    sigaction(SIGCHLD, &usual, &server.on_child);
}

/* Shrinks the run of the schedule, which goes on in the child as any run does. */
static int serve_shrinking(struct exploration *e, const struct schedule *schedule) {
    static struct shrink task;
    const struct control_options *o = &server.options;
    int rc = explore_begin(e);
    task.schedule = schedule;
    task.from = o->shrunk_from;
    task.runs = o->runs;
    task.time_limit = o->time_limit;
    task.samples = o->samples;
    e->shrink = &task;
    return rc ? rc : shrink(e, &task);
}

void serve(pirn_fn *main_fn, size_t stack_size, struct log **log, struct strategy **strategy,
           struct run_options *options) {
    static struct exploration e; /* in the child the run goes on with what it points at */
    static struct schedule schedule;
    struct control_options *o = &server.options;
    struct control_message hello = {.size = sizeof hello, .type = CONTROL_HELLO};
    char *text = read_options();
    struct symbol symbol;
    int rc;

    send_message(&hello);
    expect_children();
    if (text && schedule_read(text, &schedule, e.message, sizeof e.message)) fail(2, e.message);
    free(text);
    e.replay = o->schedule_length ? &schedule : NULL;
    e.strategy = strategy_find(o->strategy[0] ? o->strategy : NULL);
    if (!e.strategy) fail(2, "there is no such strategy, or it has no such depth");
    e.run.max_steps = o->max_steps ? o->max_steps : MAX_STEPS;
    e.run.allow = o->allow;
    e.run.late_timers = o->late_timers;
    e.run.points = (enum points)o->points;
    if (o->suppressions[0] && race_suppress(o->suppressions, e.message, sizeof e.message))
        fail(2, e.message);
    e.run.time_limit = o->run_time_limit ? o->run_time_limit : RUN_TIME_LIMIT;
    read_expected(&e);
    e.seed = o->seed ? o->seed : explore_fresh_seed();
    e.runs = o->runs;
    e.share = (struct share){.shard = o->shard, .shards = o->shards};
    e.next = o->next;
    e.resumed = o->resumed;
    e.asked = o->strategy[0] ? o->strategy : e.strategy->name;
    e.jobs = o->jobs;
    e.worker_begins = worker_begins;
    e.stopped = stopped;
    e.time_limit = o->time_limit;
    e.keep_going = o->keep_going;
    e.record = o->record;
    e.trace = o->trace[0] ? o->trace : NULL;
    e.count_orders = !o->schedule_length;
    e.only_failures = o->scratch && !o->schedule_length && o->record == CONTROL_RECORD_FAILING;
    e.perform = perform;
    e.report = report;
    begin_isolation(&e);
    if (o->quiet_program) server.words = memfd_create("pirn-words", MFD_CLOEXEC);
    /* Reading the debugging information takes its time, so it is done once, for all children. */
    symbol_resolve((const char *)(uintptr_t)main_fn + 1, &symbol);

    rc = o->shrink ? serve_shrinking(&e, &schedule) : explore(&e);
    if (rc != 1) finish(&e, rc);
    if (server.keeping) {
        stack_pool_init(&sim.stacks, stack_size);
        sim.stack_size = stack_size; /* else the run would begin with a pool of its own */
        stack_pool_prepare(&sim.stacks);
        race_prepare();
        prepare_output();
        if (server.options.isolation != CONTROL_ISOLATE_NONE) snapshot_prepare();
        e.log = keeper_serve(server.keeper, ended);
    }
    *log = e.log;
    *strategy = e.running;
    *options = e.run;
}
