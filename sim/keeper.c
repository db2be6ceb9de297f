/*
 * keeper.c - see keeper.h.
 *
 * Runs are numbered. The process performs run after run up to the one before `asked`, and counts in
 * `performed`; each is the one that follows the last in the share of the exploration. The process
 * that explores takes them in order. While it takes what it wants it has the next ones performed
 * ahead, up to AHEAD of them and no more than will be wanted; when it wants another seed what was
 * performed ahead is dropped. Both numbers are futexes.
 *
 * What a run has come to is all that is wanted of most: nothing was found, its graph is one that
 * has been handed over before, and it is not recorded. Those leave figures, and their log is that
 * of the next run, too, so that it stays where the processor has it at hand. The others hand over
 * their logs, of which there are a few, in turn, until they have been copied.
 *
 * Runs that depend on those before are asked for one by one, and with each comes what the strategy
 * remembers by now.
 *
 * In the process itself there are two contexts: the program's, on the main stack, and the keeper's
 * on one in shared memory, which saves and puts back what the other lives in.
 *
 * The first run is performed twice, and has to be the same both times.
 */
#include "sim/keeper.h"

#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/core/context.h"
#include "lib/core/label.h"
#include "sim/again.h"
#include "sim/explore.h"
#include "sim/outside.h"
#include "sim/remembered.h"
#include "sim/sim.h"
#include "sim/snapshot.h"

enum {
    STACK = 256 * 1024,
    FRAME = 4096,         /* more than keeper_serve needs */
    AHEAD = 256,          /* runs */
    STEPS_AHEAD = 200000, /* of all of them */
    LONG_RUN = 10000,     /* steps: none is performed ahead of need */
    LOGS = 16,
    GRAPHS = 4096,
    LOOKS = 20,            /* before sleeping */
    LOOK_AGAIN = 10000000, /* ns, for a process that has died */
    WORDS = 128
};

/* A run that has been performed. */
struct performed {
    struct log *log; /* NULL: there are figures alone */
    struct log_figures figures;
    enum keeper_answer answer;
    char why[WORDS];
};

struct keeper {
    _Atomic uint32_t asked, performed;
    _Atomic uint32_t enough;           /* wakes who waits for `performed`; that is asleep or not: */
    _Atomic bool waits, is_waited_for; /* the process for `asked`; the other one for `performed` */
    uint32_t first;                    /* whose seed is this; changed while nothing is asked for */
    uint64_t first_seed;
    struct performed runs[AHEAD];
    struct log *logs[LOGS];
    uint32_t room;                    /* of `logs` */
    _Atomic uint32_t given, returned; /* logs: the last ones of these are handed over */
    _Atomic bool waits_for_log;
    bool brief, count_orders; /* runs may leave figures; only if the graph is known */
    uint64_t graphs[GRAPHS];  /* that were handed over, of late */
    struct strategy *strategy;
    struct share share;
    uint64_t seed;    /* of the exploration */
    char *remembered; /* by it, in shared memory */
    size_t remembered_size;
    bool told;    /* there is news there */
    bool settled; /* and will be no more */
    /* Of the process that explores. */
    uint32_t taken, ahead, given_anew;
    uint64_t expected_seed;
    size_t points; /* of what is performed: they only become more */
    /* Of the process itself. */
    pid_t process;
    keeper_ended *ended;
    struct snapshot *snapshot;
    struct outside *outside;
    bool bare, came_back; /* nothing is put back; the run has come back from main_fn */
    struct log *log;      /* of the run under way */
    int status;           /* of the program */
    struct context program, self;
    const char *top; /* what the program has on its stack begins above */
    _Alignas(64) char stack[STACK];
};

/* The keeper of this process; NULL: there is none. In memory that is put back to this value. */
static struct keeper *kept;

static void *shared_memory(size_t size) {
    void *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

struct keeper *keeper_new(const struct exploration *e, bool bare) {
    struct keeper *k = shared_memory(sizeof *k);
    if (!k) return NULL;
    k->ahead = 1;
    k->bare = bare;
    k->strategy = e->strategy;
    k->share = e->share.shards ? e->share : (struct share){.shard = 1, .shards = 1};
    k->seed = e->seed;
    k->remembered_size = remembered_size(e->strategy);
    if (!(k->remembered = shared_memory(k->remembered_size))) {
        keeper_free(k);
        return NULL;
    }
    k->count_orders = e->count_orders;
    while (k->room < LOGS && (k->logs[k->room] = log_new(e->run.max_steps))) k->room++;
    k->log = k->logs[0];
    if (k->room) return k;
    keeper_free(k);
    return NULL;
}

void keeper_free(struct keeper *k) {
    for (size_t i = 0; i < k->room; i++) log_free(k->logs[i]);
    if (k->remembered) munmap(k->remembered, k->remembered_size);
    munmap(k, sizeof *k);
}

/* ---- Waiting ------------------------------------------------------------------------------- */

static void futex(_Atomic uint32_t *word, int op, uint32_t value, const struct timespec *timeout) {
    syscall(SYS_futex, word, op, value, timeout, NULL, 0);
}

static void relax(void) {
#if defined __x86_64__
    __builtin_ia32_pause();
#elif defined __aarch64__
    __asm__ volatile("yield");
#endif
}

/* Waits until the word has another value; not longer than the timeout. */
static bool await(_Atomic uint32_t *word, uint32_t value, _Atomic bool *waits,
                  const struct timespec *timeout) {
    for (int i = 0; i < LOOKS; i++) {
        if (atomic_load_explicit(word, memory_order_acquire) != value) return true;
        relax();
    }
    atomic_store(waits, true);
    if (atomic_load(word) == value) futex(word, FUTEX_WAIT, value, timeout);
    atomic_store(waits, false);
    return atomic_load(word) != value;
}

/* ---- In the process that explores ---------------------------------------------------------- */

static int64_t wall_clock(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * PIRN_SEC + ts.tv_nsec;
}

static bool has_died(pid_t process) {
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)process, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid;
}

/* Waits until run `taken` has been performed. */
static enum keeper_answer await_run(struct keeper *k, pid_t process, int64_t limit,
                                    struct exploration *e) {
    static const struct timespec timeout = {0, LOOK_AGAIN};
    const struct performed *run = &k->runs[k->taken % AHEAD];
    uint32_t left = atomic_load(&k->asked) - k->taken;
    bool more = !e->settled || e->following >= left;
    int64_t end = 0;
    /* Woken for each run, it would be asleep more often than awake. */
    atomic_store(&k->enough, k->taken + (more ? (left + 1) / 2 : left));
    while (!await(&k->performed, k->taken, &k->is_waited_for, &timeout)) {
        if (has_died(process))
            return atomic_load(&k->performed) != k->taken ? run->answer : KEEPER_DEAD;
        if (e->stopped && e->stopped(e)) return KEEPER_STOPPED;
        if (limit && !end) end = wall_clock() + limit;
        if (limit && wall_clock() >= end) return KEEPER_LATE;
    }
    return run->answer;
}

/* The log of a run is not needed any more, if it has one. */
static void give_back(struct keeper *k, struct performed *run) {
    uint32_t out;
    if (!run->log) return;
    run->log = NULL;
    out = atomic_load(&k->given) - (atomic_fetch_add(&k->returned, 1) + 1);
    if (out <= k->room / 2 && atomic_load(&k->waits_for_log))
        futex(&k->returned, FUTEX_WAKE, 1, NULL);
}

/* Drops what has been performed ahead. Returns DONE, or what it has come to. */
static enum keeper_answer drop(struct keeper *k, pid_t process, int64_t limit,
                               struct exploration *e) {
    enum keeper_answer answer = KEEPER_DONE;
    while (answer == KEEPER_DONE && k->taken != atomic_load(&k->asked)) {
        answer = await_run(k, process, limit, e);
        give_back(k, &k->runs[k->taken++ % AHEAD]);
    }
    return answer;
}

/* Has what is wanted performed, and more of what will be. */
static void ask(struct keeper *k, uint64_t following) {
    uint32_t asked = atomic_load(&k->asked), left = asked - k->taken;
    uint32_t most = following < k->ahead ? (uint32_t)following + 1 : k->ahead;
    if (left > k->ahead / 2 || left >= most) return;
    atomic_store(&k->asked, k->taken + most);
    if (atomic_load(&k->waits)) futex(&k->asked, FUTEX_WAKE, 1, NULL);
}

/* Before anything is asked for. */
static void tell(struct keeper *k, const struct exploration *e) {
    if (e->settled && k->settled && k->points == e->log->points_used) return;
    for (size_t i = 0; i < k->room; i++) log_take_points(k->logs[i], e->log);
    k->points = e->log->points_used;
    remembered_save(k->strategy, k->remembered);
    k->told = true;
    k->settled = e->settled;
    k->brief = e->settled && (!e->trace || e->only_failures);
}

/* Graphs that were handed over with what was dropped have never come, and a run that is given anew
 * comes before others that have been. */
static void begin_elsewhere(struct keeper *k, const struct exploration *e, bool dropped) {
    if (dropped || k->given_anew != e->given_anew) memset(k->graphs, 0, sizeof k->graphs);
    k->given_anew = e->given_anew;
    k->first = k->taken;
    k->first_seed = e->log->seed;
    tell(k, e);
}

/* How many runs are performed ahead after one of so many steps. */
static uint32_t grow(const struct keeper *k, uint64_t steps) {
    uint32_t most = k->brief ? AHEAD : k->room;
    if (steps > LONG_RUN) return 1;
    if (steps && most > STEPS_AHEAD / steps) most = (uint32_t)(STEPS_AHEAD / steps);
    return 2 * k->ahead < most ? 2 * k->ahead : most;
}

/* The seed of the n-th run of the share after the one that has the first seed. */
static uint64_t seed_after(const struct keeper *k, uint64_t first_seed, uint32_t n) {
    if (!n) return first_seed;
    return k->seed + share_run(&k->share, share_position(&k->share, first_seed - k->seed) + n);
}

/* Else the process has ended in the run, or been ended. */
static bool has_answered(enum keeper_answer answer) {
    return answer == KEEPER_DONE || answer == KEEPER_LAST || answer == KEEPER_UNSURE;
}

enum keeper_answer keeper_run(struct keeper *k, pid_t process, struct log *log, int64_t limit,
                              struct exploration *e, const char **why) {
    bool expected = log->seed == k->expected_seed && e->settled && k->settled &&
                    k->given_anew == e->given_anew && k->points == log->points_used;
    const uint64_t seed = log->seed;
    enum keeper_answer answer;
    struct performed *run;
    struct log *left;
    siginfo_t info;

    *why = "";
    if (!expected) {
        bool dropped = k->taken != atomic_load(&k->asked);
        if (dropped) k->ahead = 1;
        if (drop(k, process, limit, e) != KEEPER_DONE) return KEEPER_GONE;
        begin_elsewhere(k, e, dropped);
    }
    ask(k, e->settled ? e->following : 0);
    run = &k->runs[k->taken % AHEAD];
    answer = await_run(k, process, limit, e);
    if (answer == KEEPER_LATE || answer == KEEPER_STOPPED) {
        kill(process, SIGKILL);
        waitid(P_PID, (id_t)process, &info, WEXITED | WNOWAIT);
    }
    left = has_answered(answer) ? run->log : k->logs[atomic_load(&k->given) % k->room];
    if (left)
        log_copy(log, left);
    else
        log_take_figures(log, &run->figures);
    log->seed = seed; /* also where the run has not begun */
    *why = has_answered(answer) ? run->why : "";
    if (has_answered(answer)) give_back(k, run);
    k->taken++;
    k->expected_seed = seed_after(k, seed, 1);
    k->ahead = grow(k, log->steps);
    return answer;
}

/* ---- In its process ------------------------------------------------------------------------ */

/* Whether figures are all that is wanted of the run. */
static bool is_brief(struct keeper *k) {
    const struct log *log = k->log;
    uint64_t graph = log->graph | 1, *known = &k->graphs[log->graph / 2 % GRAPHS];
    if (!k->brief || log->outcome != PIRN_OK || !log->finished || log->finding_count ||
        log->race_count || log->point_count != log->points_used ||
        (log->seed - k->seed + 1) % AGAIN_EVERY == 0)
        return false;
    if (!k->count_orders || *known == graph) return true;
    *known = graph;
    return false;
}

/* Waits until there is a log that nobody reads. */
static void take_log(struct keeper *k) {
    uint32_t all_out = atomic_load(&k->given) - k->room;
    if (atomic_load(&k->returned) == all_out && atomic_load(&k->is_waited_for))
        futex(&k->performed, FUTEX_WAKE, 1, NULL);
    while (!await(&k->returned, all_out, &k->waits_for_log, NULL)) continue;
    k->log = k->logs[atomic_load(&k->given) % k->room];
}

static void answer(struct keeper *k, enum keeper_answer what, const char *why) {
    uint32_t number = atomic_load(&k->performed);
    struct performed *run = &k->runs[number % AHEAD];
    bool enough = what != KEEPER_DONE || (int32_t)(number + 1 - atomic_load(&k->enough)) >= 0;
    run->answer = what;
    run->why[0] = '\0';
    if (why) snprintf(run->why, sizeof run->why, "%s", why);
    if (what == KEEPER_DONE && is_brief(k)) {
        run->log = NULL;
        run->figures = log_figures(k->log);
    } else {
        run->log = k->log;
        enough |= atomic_fetch_add(&k->given, 1) + 1 - atomic_load(&k->returned) >= k->room / 2;
    }
    atomic_store(&k->performed, number + 1);
    if (enough && atomic_load(&k->is_waited_for)) futex(&k->performed, FUTEX_WAKE, 1, NULL);
}

/* Ends the process, without the program. */
static _Noreturn void end(struct keeper *k, enum keeper_answer what, const char *why) {
    answer(k, what, why);
    syscall(SYS_exit_group, 0);
    abort();
}

static CONTEXT_BOUNDARY void go_on(struct keeper *k) {
    context_switch(&k->self, &k->program, NULL);
}

/* Returns why this process is no use any more, or NULL. */
static const char *restore(struct keeper *k) {
    const char *why = outside_changed(k->outside);
    if (outside_mappings(k->outside)) snapshot_look(k->snapshot);
    return why ? why : snapshot_restore(k->snapshot);
}

/* Returns why it could not be performed, or NULL. */
static const char *run_once(struct keeper *k, uint64_t seed) {
    const char *why;
    log_reset(k->log);
    k->log->seed = seed;
    if (k->told) {
        k->told = false;
        remembered_load(k->strategy, k->remembered);
        if (!k->bare && (why = snapshot_keep(k->snapshot))) return why;
    }
    k->strategy->begin(k->strategy, seed);
    k->came_back = false;
    go_on(k);
    k->ended(k->log, k->status);
    return NULL;
}

/* What two equal runs have in common. */
struct essence {
    pirn_outcome outcome;
    uint64_t steps, graph;
    uint32_t events;
    bool finished;
};

static struct essence essence_of(const struct log *log) {
    return (struct essence){log->outcome, log->steps, log->graph, log_event_hash(log),
                            log->finished};
}

static bool same(const struct essence *a, const struct essence *b) {
    return a->outcome == b->outcome && a->steps == b->steps && a->events == b->events &&
           a->graph == b->graph && a->finished == b->finished;
}

static void perform(struct keeper *k, uint32_t number) {
    uint64_t seed = seed_after(k, k->first_seed, number - k->first);
    struct essence before, after;
    const char *why;
    take_log(k);
    if ((why = run_once(k, seed))) end(k, KEEPER_UNSURE, why);
    why = !k->bare ? restore(k) : !k->came_back ? "its runs end the process" : NULL;
    if (why) end(k, KEEPER_LAST, why);
    if (number == 0 && !k->bare) {
        before = essence_of(k->log);
        why = run_once(k, seed);
        if (!why) why = restore(k);
        after = essence_of(k->log);
        if (!why && !same(&before, &after)) why = "its runs are not the same twice in one process";
        if (why) end(k, KEEPER_UNSURE, why);
    }
    answer(k, KEEPER_DONE, NULL);
}

/* Returns why that is not possible, or NULL. */
static const char *save(struct keeper *k) {
    const char *why = NULL;
    if (!(k->outside = outside_new())) return "there is no memory to remember its state in";
    if (!(k->snapshot = snapshot_take(k->top, &sim.stacks, &why))) return why;
    if (!outside_begin(k->outside)) return "/proc cannot be read";
    /* Looking has left its traces in the heap. */
    return snapshot_restore(k->snapshot);
}

static void keep(void *arg, void *passed) {
    struct keeper *k = arg;
    const char *why = k->bare ? NULL : save(k);
    (void)passed;
    for (uint32_t number = 0;; number++) {
        while (!await(&k->asked, number, &k->waits, NULL)) continue;
        if (why) end(k, KEEPER_UNSURE, why);
        perform(k, number);
    }
}

CONTEXT_BOUNDARY struct log *keeper_serve(struct keeper *k, keeper_ended *ended) {
    k->ended = ended;
    k->top = (const char *)__builtin_frame_address(0) - FRAME;
    k->process = getpid();
    if (k->bare) label_keep();
    kept = k;
    context_init(&k->self, k->stack, sizeof k->stack, keep, k, context_control());
    context_switch(&k->program, &k->self, NULL);
    return k->log;
}

CONTEXT_BOUNDARY struct log *keeper_next(void) {
    struct keeper *k = kept;
    if (!k || !k->bare || getpid() != k->process) return NULL;
    label_restore();
    k->came_back = true;
    k->status = 0;
    context_switch(&k->program, &k->self, NULL);
    return k->log;
}

void keeper_discarded(void *at, size_t size) {
    if (kept && getpid() == kept->process && kept->snapshot)
        snapshot_discarded(kept->snapshot, at, size);
}

CONTEXT_BOUNDARY void keeper_exit(int status) {
    struct keeper *k = kept;
    static struct context nowhere;
    if (!k || getpid() != k->process) return;
    /* After a signal nothing that the program can write to is to be trusted. */
    if (k->log->outcome == PIRN_CRASH || k->log->outcome == PIRN_TIMEOUT) return;
    k->status = W_EXITCODE(status & 0xff, 0);
    context_switch(&nowhere, &k->self, NULL);
}
