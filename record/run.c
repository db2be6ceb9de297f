/* run.c - see run.h: the writer, and the beginning and end of what it writes. */
#include "record/run.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/core/report.h"
#include "lib/core/task.h"
#include "lib/threads/runtime.h"
#include "record/drain.h"
#include "record/rows.h"
#include "sim/recorder.h"

#if defined __x86_64__
#include <cpuid.h>
#endif

/* In nanoseconds */
#define COMMIT_AFTER (200 * PIRN_MSEC)
#define LEAST_NAP (PIRN_MSEC / 2)
#define MOST_NAP (20 * PIRN_MSEC)
#define END_LIMIT (600 * PIRN_SEC) /* for the end of a run, whose steps may be many */
#define FAIL_LIMIT (60 * PIRN_SEC) /* for that of a process */

struct run run;

static pthread_t writer;
static bool writing;               /* there is a writer to join */
static _Atomic uint32_t calls;     /* futex: changes to wake the writer */
static _Atomic uint32_t finishing; /* 1: somebody has set `ending`, or is about to */
static _Atomic bool asked;         /* to end as `ending` says */
static _Atomic uint32_t done;      /* futex: 1: the writer has ended */
static struct run_end ending, deadlock;
static struct recorder *recorder; /* the writer's, while there is one */

/* ---- The clock ----------------------------------------------------------------------------- */

#if defined __x86_64__
/* Whether the processor's counter ticks evenly and alike everywhere. */
static bool has_ticks(void) {
    static _Atomic int known; /* 1: yes, 2: no */
    unsigned a, b, c, d = 0;
    int now = atomic_load_explicit(&known, memory_order_relaxed);
    if (now) return now == 1;
    now = __get_cpuid(0x80000007, &a, &b, &c, &d) && d & 1u << 8 ? 1 : 2;
    atomic_store_explicit(&known, now, memory_order_relaxed);
    return now == 1;
}

uint64_t run_ticks(void) {
    return LIKELY(has_ticks()) ? __builtin_ia32_rdtsc() : (uint64_t)engine_now();
}
#elif defined __aarch64__
uint64_t run_ticks(void) {
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
}
#else
uint64_t run_ticks(void) { return (uint64_t)engine_now(); }
#endif

double run_tick(void) {
    uint64_t ticks = run_ticks() - run.started_ticks;
    int64_t ns = engine_now() - run.started;
    return ticks > 0 && ns > 0 ? (double)ns / (double)ticks : 0;
}

/* ---- The writer ---------------------------------------------------------------------------- */

void run_wake_writer(void) {
    atomic_fetch_add(&calls, 1);
    futex_wake(&calls, 1);
}

void run_give_up(const char *message) {
    static const char end[] = "; nothing more of this run is recorded\n";
    char line[1200];
    int length;
    if (!atomic_exchange(&run.recording, false)) return;
    length = snprintf(line, sizeof line, "pirn: %s%s", message, end);
    if (length > 0 && write(STDERR_FILENO, line, strnlen(line, sizeof line)) < 0) return;
}

static void explain(int rc) {
    if (rc == -ENOMEM)
        run_give_up("not enough memory to record");
    else if (rc == -EFBIG)
        run_give_up("a trace has room for 4294967295 steps of a run");
    else
        run_give_up(recorder_error(recorder));
}

/* Until the run has ended. Returns what became of it. */
static int write_steps(struct rows_of_run *rows) {
    int64_t committed = engine_now(), nap = LEAST_NAP;
    int rc = 0;
    while (!rc && !atomic_load(&asked)) {
        uint32_t call = atomic_load(&calls);
        bool any = drain_some(rows_drain(rows));
        int64_t now = engine_now();
        if (now - committed > COMMIT_AFTER) {
            rc = rows_commit(rows);
            committed = engine_now();
        }
        nap = any ? LEAST_NAP : nap < MOST_NAP ? 2 * nap : MOST_NAP;
        if (!buffer_any_behind() && !atomic_load(&asked)) futex_wait(&calls, call, now + nap);
    }
    if (rc) return rc;
    drain_rest(rows_drain(rows));
    return rows_finish(rows, &ending);
}

static void record(void) {
    char message[1024];
    struct rows_of_run *rows;
    int rc;
    if (!recorder && !(recorder = recorder_open(run.path, message, sizeof message))) {
        run_give_up(message);
        return;
    }
    rows = rows_new(recorder, run.base, run.last_events);
    rc = rows ? write_steps(rows) : -ENOMEM;
    if (rc) {
        /* What it was asked to say comes where recording was over already. */
        atomic_store(&run.recording, true);
        explain(rc);
    }
    if (rows) rows_free(rows);
    if (!rc) return;
    recorder_close(recorder, NULL, 0);
    recorder = NULL;
}

static void *write_run(void *arg) {
    (void)arg;
    record();
    atomic_store(&done, 1);
    futex_wake(&done, INT32_MAX);
    return NULL;
}

/* ---- Beginning ----------------------------------------------------------------------------- */

void recorded_run_begin(void) {
    sigset_t all, before;
    if (!run.path) return;
    run.base = atomic_load(&run.steps);
    run.list_base = atomic_load(&run.lists);
    run.object_base = atomic_load(&run.objects);
    run.started = engine_now();
    run.started_ticks = run_ticks();
    atomic_fetch_add(&run.number, 1);
    ending = (struct run_end){0};
    deadlock = (struct run_end){0};
    atomic_store(&asked, false);
    atomic_store(&done, 0);
    atomic_store(&finishing, 0);
    atomic_store(&run.recording, true);
    /* Signals are the program's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    writing = pthread_create(&writer, NULL, write_run, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!writing) run_give_up("cannot start a thread that records");
    run_watch_end();
}

/* ---- End ----------------------------------------------------------------------------------- */

void run_finish(const struct run_end *end, int64_t limit) {
    int64_t until = engine_now() + limit;
    if (!writing || pthread_equal(pthread_self(), writer)) return;
    if (!atomic_exchange(&finishing, 1)) {
        atomic_store(&run.recording, false);
        ending = *end;
        atomic_store(&asked, true);
        run_wake_writer();
    }
    while (!atomic_load(&done) && engine_now() < until) futex_wait(&done, 0, until);
}

void recorded_run_end(int result) {
    struct run_end end = {.outcome = PIRN_OK};
    if (!writing) return;
    if (deadlock.finding_count || result == -EDEADLK) end = deadlock;
    run_finish(&end, END_LIMIT);
    pthread_join(writer, NULL);
    writing = false;
    free(deadlock.findings);
}

static void describe_stuck(struct task *task, void *arg) {
    struct run_end *end = arg;
    struct run_finding *finding;
    struct text text;
    if (atomic_load(&task->state) % TASK_STATES != TASK_PARKED || task->core.daemon) return;
    if (!end->findings || end->finding_count == LOG_FINDINGS) return;
    finding = &end->findings[end->finding_count++];
    text = text_in(finding->message, sizeof finding->message);
    text_add_task(&text, task);
    text_add(&text, " is blocked ");
    text_add_waiting(&text, &task->core.waits, wait_of(task));
    text_add(&text, " in ");
    text_add_site(&text, task_site(task, task->core.waits.site));
    finding->task = task->recorded.id;
    finding->has_object = task->core.waits.kind != OBJECT_NONE;
    finding->site = task->core.waits.site;
}

void recorded_deadlock(void) {
    struct run_end *end = &deadlock;
    struct text text = text_in(end->message, sizeof end->message);
    if (!run_recording()) return;
    end->outcome = PIRN_DEADLOCK;
    end->findings = calloc(LOG_FINDINGS, sizeof *end->findings);
    task_each(describe_stuck, end);
    if (!end->finding_count)
        text_add(&text, "every task is blocked for ever");
    else if (end->finding_count == 1)
        text_add(&text, "1 task is blocked for ever: %s", end->findings[0].message);
    else
        text_add(&text, "%zu tasks are blocked for ever; %s", end->finding_count,
                 end->findings[0].message);
}

static void finish_at(struct task *self, pirn_outcome outcome, const void *site,
                      const char *message) {
    struct run_finding finding = {.task = self ? self->recorded.id : 0,
                                  .has_object = self && self->recorded.object,
                                  .site = site};
    struct run_end end = {.outcome = outcome, .findings = &finding, .finding_count = 1};
    snprintf(finding.message, sizeof finding.message, "%s", message);
    snprintf(end.message, sizeof end.message, "%s", message);
    run_finish(&end, FAIL_LIMIT);
}

void recorded_failure(struct task *self, enum failure failure, const struct place *place,
                      const char *message) {
    if (!run_recording()) return;
    /* The operation that fails is its last step. */
    recorded_park(self, false);
    finish_at(self, failure == FAILURE_PANIC ? PIRN_PANIC : PIRN_MISUSE, place->site, message);
}

void recorded_overflow(const struct task *self, const char *message) {
    static const char prefix[] = "pirn: ";
    struct run_finding finding = {.task = self->recorded.id};
    struct run_end end = {.outcome = PIRN_CRASH, .findings = &finding, .finding_count = 1};
    if (!run_recording()) return;
    message += strncmp(message, prefix, sizeof prefix - 1) ? 0 : sizeof prefix - 1;
    strncpy(end.message, message, sizeof end.message - 1);
    strncpy(finding.message, message, sizeof finding.message - 1);
    run_finish(&end, FAIL_LIMIT);
}
