/*
 * jobs.c - an exploration in several processes.
 *
 * The process that explores forks workers, which perform the runs (each in a process forked for it,
 * as ever), and takes in what they leave, in the order of the runs: it alone counts, groups,
 * records and tells. So the outcome is that of one process, run for run.
 *
 * The board is memory that all of them share: a window of entries over the positions that follow
 * each other, an entry for each log. A worker claims the first position that is free, or several in
 * a row where runs are short, performs the runs into the entries' logs and says of each that it is
 * done. The parent takes in the oldest, and gives the entry to the position beyond the window.
 *
 *     free --worker--> claimed --worker--> done --parent--> free, for another position
 *                         |
 *                         +--parent, when the worker has died--> free
 *
 * Where the strategy is systematic, what a run is to be is known only from those before. So an entry
 * is empty until there is something to do at its position, which the parent then gives out: after
 * each run that it takes in, for as many positions as the window has. That is as much as the runs
 * taken in so far allow, however long they took, so the order of the runs is the same each time; it
 * depends on the size of the window, and is another than that of one process.
 *
 * Invariants
 *   1. An entry's log is written by the worker that has claimed it, and by the process it has
 *      forked, alone.
 *   2. The last log taken in stays as it is until the next one has been.
 *   3. Positions are performed up to the end of an epoch (race/places.h), until all of them have been
 *      taken in.
 *   4. A worker waits only while no position in the window is free, or few are: the parent wakes it
 *      when a quarter of the window has become free, and before it rests.
 */
#include "sim/jobs.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/searches.h"

enum {
    LEAST_WINDOW = 32, /* so that one run may take as long as some others together */
    WINDOW_FOR_EACH = 4,
    MOST_AT_ONCE = 64, /* runs that a worker claims together */
    LARGEST_WINDOW = 4096,
    LONGEST_REST = 100, /* ms */
    MOST_DEATHS = 2,    /* of workers with the same run */
    LAST_BREATH = 1000, /* ms that the process of a run may take to die */
    STATE_BITS = 16,
    DONE = (1 << STATE_BITS) - 1, /* free: 0; claimed: the worker's number from 1 */
    EMPTY = DONE - 1
};

#define LOOK_AGAIN (100 * PIRN_MSEC) /* after which workers may have died */

#define LONGEST_CLAIM (2 * PIRN_MSEC) /* for which runs are claimed together */

struct board {
    _Atomic uint64_t first;     /* position that is looked at first */
    _Atomic uint32_t changes;   /* a futex: something has become free */
    _Atomic uint32_t waiting;   /* workers, for that */
    _Atomic uint32_t asleep;    /* the parent is, until position `first` is done */
    _Atomic uint32_t anew;      /* how often claims have become free, since a worker had died */
    _Atomic uint64_t end;       /* positions from here on are not to be performed yet */
    _Atomic uint64_t careful;   /* before this position each run is claimed by itself */
    size_t size;                /* of all this */
    _Atomic uint64_t entries[]; /* position << STATE_BITS | state */
};

/* What a worker says before it gives up. */
struct farewell {
    int error; /* negative errno; 0: nothing was said */
    char message[sizeof((struct exploration *)NULL)->message];
};

struct jobs {
    struct exploration *exploration;
    struct strategy *strategy;
    struct board *board;
    struct farewell *farewells; /* of each worker, shared */
    size_t window, jobs;
    struct log **logs;  /* of each entry */
    struct log *before; /* of the last run before these */
    pid_t *workers;     /* 0: it has ended */
    unsigned *deaths;   /* with the position in each entry */
    uint64_t end;       /* position that is not to be performed any more; 0: none */
    bool searching;     /* the strategy is systematic: runs are given out */
    uint64_t given;     /* and have been before this position */
    uint64_t counted;   /* position that the next run that counts has in the exploration */
    size_t freed;       /* entries, since workers were last woken */
    int bell;           /* an eventfd that wakes the parent */
    pid_t parent;
};

static uint64_t entry_of(uint64_t position, unsigned state) {
    return position << STATE_BITS | state;
}

static int complain(struct exploration *e, int error, const char *what) {
    snprintf(e->message, sizeof e->message, "%s: %s", what, strerror(-error));
    return error;
}

/* ---- In a worker --------------------------------------------------------------------------- */

static bool is_wanted(const struct jobs *j, uint64_t position) {
    return j->searching ? j->exploration->searching : !j->end || position < j->end;
}

static bool claim_one(struct jobs *j, unsigned worker, uint64_t position) {
    _Atomic uint64_t *entry = &j->board->entries[position % j->window];
    uint64_t seen = entry_of(position, 0);
    return is_wanted(j, position) && position < atomic_load(&j->board->end) &&
           atomic_load(entry) == seen &&
           atomic_compare_exchange_strong(entry, &seen, entry_of(position, worker + 1));
}

/* Claims the first free position in the window, and up to so many together with those that follow.
 * Returns how many; 0 where there is none. */
static uint64_t claim_now(struct jobs *j, unsigned worker, uint64_t most, uint64_t *position) {
    uint64_t first = atomic_load(&j->board->first), end = first + j->window, count = 1;
    for (*position = first; *position < end; ++*position) {
        if (!claim_one(j, worker, *position)) continue;
        if (*position < atomic_load(&j->board->careful)) most = 1;
        while (count < most && *position + count < end && claim_one(j, worker, *position + count))
            count++;
        return count;
    }
    return 0;
}

static void ring(const struct jobs *j) {
    static const uint64_t one = 1;
    if (write(j->bell, &one, sizeof one) < 0) return; /* it is ringing loudly */
}

static uint64_t claim(struct jobs *j, unsigned worker, uint64_t most, uint64_t *position) {
    for (;;) {
        uint32_t changes = atomic_load(&j->board->changes);
        uint64_t count = claim_now(j, worker, most, position);
        if (count) return count;
        atomic_fetch_add(&j->board->waiting, 1);
        if (atomic_load(&j->board->asleep)) ring(j);
        syscall(SYS_futex, &j->board->changes, FUTEX_WAIT, changes, NULL, NULL, 0);
        atomic_fetch_sub(&j->board->waiting, 1);
    }
}

static void hand_over(struct jobs *j, uint64_t position) {
    uint64_t first;
    atomic_store(&j->board->entries[position % j->window], entry_of(position, DONE));
    /* The parent looks for itself soon enough, unless runs are short or others wait for it. */
    if (!atomic_load(&j->board->asleep)) return;
    first = atomic_load(&j->board->first);
    if (position == first + j->window / 2 || (position == first && atomic_load(&j->board->waiting)))
        ring(j);
}

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * PIRN_SEC + t.tv_nsec;
}

/* A process forked for a run needs its own log, and to give it all of them takes time. */
static void take_log_along(struct exploration *e, bool begins) {
    madvise(e->log, e->log->size, begins ? MADV_DOFORK : MADV_DONTFORK);
}

static int perform(struct jobs *j, uint64_t position) {
    struct exploration *e = j->exploration;
    int rc;
    e->log = j->logs[position % j->window];
    e->given_anew = atomic_load(&j->board->anew);
    if (j->searching) j->strategy->turn_to(j->strategy, position % j->window);
    rc = explore_perform(e, j->strategy, share_run(&e->share, position));
    return rc ? rc : explore_again(e, share_run(&e->share, position));
}

/* Performs runs for ever; the parent ends it. Returns 1 in the process forked for a run. */
static int work(struct jobs *j, unsigned worker) {
    struct exploration *e = j->exploration;
    uint64_t most = 1;
    int rc = 0;
    e->recorder = NULL;
    e->worker_begins(e, j->parent);
    e->forks = take_log_along;
    for (size_t i = 0; i < j->window; i++) madvise(j->logs[i], j->logs[i]->size, MADV_DONTFORK);
    while (rc == 0) {
        uint64_t position, count = claim(j, worker, most, &position);
        int64_t begun = now();
        for (e->following = count; e->following-- > 0 && rc == 0; position++) {
            if ((rc = perform(j, position)) == 1) return 1;
            if (rc == 0) hand_over(j, position);
        }
        if (now() - begun > LONGEST_CLAIM)
            most = 1;
        else if (!j->searching && most < MOST_AT_ONCE)
            most *= 2;
    }
    memcpy(j->farewells[worker].message, e->message, sizeof e->message);
    j->farewells[worker].error = rc;
    _exit(3);
}

/* ---- Workers begin and end ----------------------------------------------------------------- */

/* Returns 1 in the process forked for a run of the worker's. */
static int begin_worker(struct jobs *j, unsigned worker) {
    pid_t pid = fork();
    if (pid == 0) return work(j, worker);
    if (pid < 0) return complain(j->exploration, -errno, "cannot make a process to explore in");
    j->workers[worker] = pid;
    return 0;
}

static void wake_workers(struct jobs *j) {
    j->freed = 0;
    atomic_fetch_add(&j->board->changes, 1);
    if (atomic_load(&j->board->waiting))
        syscall(SYS_futex, &j->board->changes, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* The kernel kills the process of a run together with the worker, but need not be done yet. */
static void wait_for_last_breath(const struct log *log) {
    struct timespec pause = {0, 1000000};
    for (int i = 0; i < LAST_BREATH && log->performer && kill(log->performer, 0) == 0; i++)
        nanosleep(&pause, NULL);
}

static void add_end(char *text, size_t size, int status) {
    if (WIFSIGNALED(status))
        snprintf(text, size, "was killed by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(text, size, "ended with status %d", WEXITSTATUS(status));
}

static bool is_claimed(const struct jobs *j, uint64_t position, unsigned worker) {
    return atomic_load(&j->board->entries[position % j->window]) == entry_of(position, worker + 1);
}

/*
 * Has what a dead worker was at done again. Where it had claimed several runs, any of those that
 * are made ahead may have been its end, so for a while they are claimed one by one. Returns -ECHILD
 * where a single one has been the end of two workers.
 */
static int free_claims(struct jobs *j, unsigned worker, const char *end) {
    struct exploration *e = j->exploration;
    uint64_t first = atomic_load(&j->board->first), at = 0, run;
    size_t count = 0;
    for (uint64_t p = first + j->window; p-- > first;) {
        if (!is_claimed(j, p, worker)) continue;
        at = p;
        count++;
    }
    if (!count) {
        snprintf(e->note, sizeof e->note,
                 "one of the processes that perform runs %s; another one goes on in its place",
                 end);
        return 0;
    }
    run = share_run(&e->share, at);
    if (count == 1 && ++j->deaths[at % j->window] == MOST_DEATHS) {
        snprintf(e->message, sizeof e->message,
                 "the process that performs run %llu (seed 0x%llx) %s, and so did the one "
                 "before it; what is recorded is safe",
                 (unsigned long long)run + 1, (unsigned long long)(e->seed + run), end);
        return -ECHILD;
    }
    snprintf(e->note, sizeof e->note,
             "one of the processes that perform runs %s; another one makes run %llu again", end,
             (unsigned long long)run + 1);
    wait_for_last_breath(j->logs[at % j->window]);
    atomic_store(&j->board->careful, first + j->window);
    atomic_fetch_add(&j->board->anew, 1);
    for (; at < first + j->window; at++)
        if (is_claimed(j, at, worker))
            atomic_store(&j->board->entries[at % j->window], entry_of(at, 0));
    wake_workers(j);
    return 0;
}

/* Puts others in the place of workers that have died. Returns 1 in the process of a run. */
static int look_after_workers(struct jobs *j) {
    struct exploration *e = j->exploration;
    char end[128];
    int status, rc = 0;
    for (unsigned i = 0; i < j->jobs && rc == 0; i++) {
        if (!j->workers[i] || waitpid(j->workers[i], &status, WNOHANG) != j->workers[i]) continue;
        j->workers[i] = 0;
        if (j->farewells[i].error) {
            memcpy(e->message, j->farewells[i].message, sizeof e->message);
            return j->farewells[i].error;
        }
        add_end(end, sizeof end, status);
        rc = free_claims(j, i, end);
        if (rc == 0 && e->report) e->report(e, CONTROL_NOTE);
        if (rc == 0) rc = begin_worker(j, i);
    }
    return rc;
}

static void end_workers(struct jobs *j) {
    for (unsigned i = 0; j->workers && i < j->jobs; i++)
        if (j->workers[i]) kill(j->workers[i], SIGKILL);
    for (unsigned i = 0; j->workers && i < j->jobs; i++)
        while (j->workers[i] && waitpid(j->workers[i], NULL, 0) < 0 && errno == EINTR) continue;
}

/* ---- In the parent ------------------------------------------------------------------------- */

static bool is_done(const struct jobs *j, uint64_t position) {
    return atomic_load(&j->board->entries[position % j->window]) == entry_of(position, DONE);
}

/* Sleeps for the more milliseconds the longer there has been nothing to do, or until half the
 * window is done. */
static void rest(struct jobs *j, uint64_t position, int *pause) {
    struct pollfd bell = {.fd = j->bell, .events = POLLIN};
    uint64_t rung;
    atomic_store(&j->board->asleep, 1);
    /* Else nobody might ring any more. */
    if (!is_done(j, position) && poll(&bell, 1, *pause) > 0)
        while (read(j->bell, &rung, sizeof rung) > 0) continue;
    atomic_store(&j->board->asleep, 0);
    *pause = 2 * *pause < LONGEST_REST ? 2 * *pause : LONGEST_REST;
}

/* Gives the entry of a position to the one that comes next in it. */
static void release(struct jobs *j, uint64_t position) {
    size_t at = position % j->window;
    j->deaths[at] = 0;
    atomic_store(&j->board->entries[at], entry_of(position + j->window, 0));
    if (++j->freed >= j->window / 4) wake_workers(j);
}

/* Gives out what can be done. The entry of the last run that was taken in is still in use. */
static void give_out(struct jobs *j) {
    uint64_t first = atomic_load(&j->board->first);
    for (; j->given + 1 < first + j->window; j->given++) {
        size_t at = j->given % j->window;
        if (!j->strategy->give(j->strategy, at)) break;
        j->deaths[at] = 0;
        atomic_store(&j->board->entries[at], entry_of(j->given, 0));
    }
    wake_workers(j);
}

/* Takes in a run of a search, if it counts. */
static int take_in_found(struct jobs *j, uint64_t position) {
    struct exploration *e = j->exploration;
    uint64_t run = share_run(&e->share, j->counted);
    j->strategy->turn_to(j->strategy, position % j->window);
    if (!search_on(e, j->strategy)) return 0;
    j->counted++;
    e->log->seed = e->seed + run;
    if (j->end && j->counted >= j->end) e->searching = false;
    return explore_take_in(e, j->strategy, run);
}

static int take_in(struct jobs *j, uint64_t position) {
    struct exploration *e = j->exploration;
    int rc;
    e->log = j->logs[position % j->window];
    rc = j->searching ? take_in_found(j, position)
                      : explore_take_in(e, j->strategy, share_run(&e->share, position));
    /* Only now the last one is no longer looked at. */
    atomic_store(&j->board->first, position + 1);
    return rc;
}

/* All before this position have been taken in: what they have taught is for those that follow. No
 * worker writes to a log now. */
static void begin_epoch(struct jobs *j, uint64_t position) {
    struct exploration *e = j->exploration;
    uint64_t end = UINT64_MAX;
    for (size_t i = 0; i < j->window; i++)
        end = places_give(e, j->logs[i], share_run(&e->share, position));
    atomic_store(&j->board->end, end < UINT64_MAX ? share_position(&e->share, end) : end);
}

static int take_in_all(struct jobs *j, uint64_t position) {
    struct exploration *e = j->exploration;
    int64_t looked = now();
    int rc = 0, pause = 1;
    if (j->searching) give_out(j);
    for (uint64_t p = position; rc == 0 && is_wanted(j, p);) {
        if (explore_over(e)) break;
        if (p == atomic_load(&j->board->end)) {
            begin_epoch(j, p);
            wake_workers(j);
        }
        if (now() - looked >= LOOK_AGAIN) {
            rc = look_after_workers(j);
            looked = now();
            continue;
        }
        if (!is_done(j, p)) {
            if (j->freed) wake_workers(j);
            rest(j, p, &pause);
            continue;
        }
        pause = 1;
        rc = take_in(j, p);
        if (j->searching)
            give_out(j);
        else if (p > position)
            release(j, p - 1);
        p++;
    }
    return rc;
}

/* ---- Beginning and end --------------------------------------------------------------------- */

static void *shared_memory(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/* As many logs as there is room for, up to the window; each worker has to have one, and the parent
 * keeps one. */
static int make_logs(struct jobs *j) {
    size_t made = 0;
    while (made < j->window && (j->logs[made] = log_new(j->exploration->run.max_steps)))
        log_take_points(j->logs[made++], j->exploration->log);
    j->window = made;
    return made > j->jobs ? 0 : -ENOMEM;
}

static int no_memory(const struct jobs *j) {
    snprintf(j->exploration->message, sizeof j->exploration->message,
             "not enough memory, or address space, for %zu processes (-j)", j->jobs);
    return -ENOMEM;
}

/* How many a search is given out at a time decides in what order its runs are made. */
static size_t window_for(const struct jobs *j) {
    size_t least = WINDOW_FOR_EACH * j->jobs, more = 3 * MOST_AT_ONCE * j->jobs;
    if (least < LEAST_WINDOW) least = LEAST_WINDOW;
    if (j->searching) return least;
    if (more > LARGEST_WINDOW) more = LARGEST_WINDOW;
    return more > least ? more : least;
}

static int prepare(struct jobs *j, uint64_t position) {
    size_t size;
    j->window = window_for(j);
    size = sizeof *j->board + j->window * sizeof *j->board->entries;
    j->logs = calloc(j->window, sizeof *j->logs);
    j->workers = calloc(j->jobs, sizeof *j->workers);
    j->deaths = calloc(j->window, sizeof *j->deaths);
    j->board = shared_memory(size);
    j->farewells = shared_memory(j->jobs * sizeof *j->farewells);
    if (!j->logs || !j->workers || !j->deaths || !j->board || !j->farewells || make_logs(j)) {
        return no_memory(j);
    }
    j->board->size = size;
    j->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (j->bell < 0) return complain(j->exploration, -errno, "cannot make an eventfd");
    atomic_store(&j->board->first, position);
    for (uint64_t p = position; p < position + j->window; p++)
        atomic_store(&j->board->entries[p % j->window], entry_of(p, j->searching ? EMPTY : 0));
    j->given = j->counted = position;
    begin_epoch(j, position);
    if (j->searching && j->strategy->share(j->strategy, j->window)) return no_memory(j);
    return 0;
}

/* The last log stays with the exploration. */
static void clean_up(struct jobs *j) {
    for (size_t i = 0; j->logs && i < j->window; i++)
        if (j->logs[i] != j->exploration->log) log_free(j->logs[i]);
    if (j->before != j->exploration->log) log_free(j->before);
    if (j->board) munmap(j->board, j->board->size);
    if (j->farewells) munmap(j->farewells, j->jobs * sizeof *j->farewells);
    if (j->bell >= 0) close(j->bell);
    free(j->logs);
    free(j->workers);
    free(j->deaths);
}

int jobs_explore(struct exploration *e, struct strategy *strategy, uint64_t position) {
    static struct jobs jobs; /* workers go on with what it points at */
    struct jobs *j = &jobs;
    int rc;
    *j = (struct jobs){.exploration = e,
                       .strategy = strategy,
                       .before = e->log,
                       .jobs = e->jobs,
                       .end = e->runs ? share_position(&e->share, e->runs) : 0,
                       .searching = strategy->share != NULL,
                       .bell = -1,
                       .parent = getpid()};
    if ((e->runs && position >= j->end) || !e->searching) return 0;
    rc = prepare(j, position);
    for (unsigned i = 0; i < j->jobs && rc == 0; i++) rc = begin_worker(j, i);
    if (rc == 0) rc = take_in_all(j, position);
    if (rc == 1) return 1;
    end_workers(j);
    clean_up(j);
    return rc;
}
