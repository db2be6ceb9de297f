/* run.c - see run.h. */
#include "lib/threads/recording/run.h"

#include <link.h>
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
#include "lib/threads/recording/alive.h"
#include "lib/threads/recording/buffer.h"
#include "lib/threads/recording/file.h"
#include "lib/core/program.h"

#if defined __x86_64__
#include <cpuid.h>
#endif

/* In nanoseconds, where the last steps have to be written. */
#define END_LIMIT (600 * PIRN_SEC) /* for the end of a run */
#define FAIL_LIMIT (60 * PIRN_SEC) /* for that of a process */

struct run run;

static struct buffer *own;         /* what is told of the run as a whole */
static unsigned long long modules; /* that had been loaded when they were told */
static _Atomic uint32_t finishing; /* 1: somebody tells how it ends, or has */
static struct run_end deadlock;

/* Where the last steps are kept: a thread that writes them, since a signal's handler cannot. */
static pthread_t writer;
static bool writing;                 /* there is a writer to join */
static _Atomic uint32_t asked, done; /* futexes: 1: to write; it has done so */
static struct run_end ending;

/* Whether the processor's counter ticks evenly and alike everywhere. */
static bool has_ticks(void) {
#if defined __x86_64__
    unsigned a, b, c, d = 0;
    return __get_cpuid(0x80000007, &a, &b, &c, &d) && d & 1u << 8;
#else
    return true;
#endif
}

void run_give_up(const char *message) {
    static const char end[] = "; nothing more of this run is recorded\n";
    char line[1200];
    int length;
    if (!atomic_exchange(&run.recording, false)) return;
    length = snprintf(line, sizeof line, "pirn: %s%s", message, end);
    if (length > 0 && write(STDERR_FILENO, line, strnlen(line, sizeof line)) < 0) return;
}

/* ---- What is told of the run --------------------------------------------------------------- */

/* With room for an item. Returns where its contents begin; NULL: there is none. */
static unsigned char *begin_item(void) {
    return buffer_room(own, run_number()) ? own->at + 1 : NULL;
}

static unsigned char *put_bytes(unsigned char *to, const char *bytes, size_t length) {
    to = put_number(to, length);
    if (length) memcpy(to, bytes, length);
    return to + length;
}

/* In as many items as it needs. */
static void put_program(enum program_text what, const char *text) {
    size_t rest = strlen(text);
    do {
        size_t length = rest < LONGEST_ITEM / 2 ? rest : LONGEST_ITEM / 2;
        unsigned char *to = begin_item();
        if (!to) return;
        *to++ = (unsigned char)what;
        buffer_put(own, ITEM_PROGRAM, put_bytes(to, text, length));
        text += length;
        rest -= length;
    } while (rest);
}

static int put_module(struct dl_phdr_info *info, size_t size, void *arg) {
    uintptr_t start = UINTPTR_MAX, end = 0;
    const char *path = *info->dlpi_name ? info->dlpi_name : *(bool *)arg ? program_path() : "";
    unsigned char *to;
    *(bool *)arg = false;
    if (size >= offsetof(struct dl_phdr_info, dlpi_subs)) modules = info->dlpi_adds;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD) continue;
        if (segment->p_vaddr < start) start = segment->p_vaddr;
        if (segment->p_vaddr + segment->p_memsz > end) end = segment->p_vaddr + segment->p_memsz;
    }
    if (!*path || strlen(path) > LONGEST_ITEM / 2 || start > end || !(to = begin_item())) return 0;
    to = put_number(to, info->dlpi_addr);
    to = put_number(to, info->dlpi_addr + start);
    to = put_number(to, info->dlpi_addr + end);
    buffer_put(own, ITEM_MODULE, put_bytes(to, path, strlen(path)));
    return 0;
}

static void put_modules(void) {
    bool first = true;
    dl_iterate_phdr(put_module, &first);
}

static int look_at_modules(struct dl_phdr_info *info, size_t size, void *arg) {
    if (size >= offsetof(struct dl_phdr_info, dlpi_subs))
        *(unsigned long long *)arg = info->dlpi_adds;
    return 1;
}

/* Those that have been loaded since. */
static void put_new_modules(void) {
    unsigned long long now = modules;
    dl_iterate_phdr(look_at_modules, &now);
    if (now != modules) put_modules();
}

static void put_run(void) {
    char *arguments = program_arguments();
    unsigned char *to = begin_item();
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (to) {
        to = put_number(to, run.base);
        to = put_number(to, (uint64_t)now.tv_sec);
        buffer_put(own, ITEM_RUN, put_number(to, run.last_events));
    }
    put_program(PROGRAM_PATH, program_path());
    put_program(PROGRAM_BUILD, program_build_id());
    put_program(PROGRAM_ARGUMENTS, arguments ? arguments : "[]");
    put_program(PROGRAM_VERSION, pirn_version());
    free(arguments);
    put_modules();
}

/* Nothing here may allocate, where a handler calls it, but for more findings than have room. */
static void put_end(const struct run_end *end) {
    unsigned char *to;
    for (size_t i = 0; i < end->finding_count; i++) {
        const struct run_finding *finding = &end->findings[i];
        if (!(to = begin_item())) return;
        to = put_number(to, finding->task);
        to = put_number(to, (uintptr_t)finding->site);
        to = put_number(to, finding->has_object ? ITEM_HAS_OBJECT : 0);
        to = put_bytes(to, finding->message, strnlen(finding->message, RECORDING_MESSAGE));
        buffer_put(own, ITEM_FINDING, to);
    }
    if (!(to = begin_item())) return;
    *to++ = (unsigned char)end->how;
    to = put_number(to, run_ticks());
    to = put_number(to, (uint64_t)engine_now());
    to = put_bytes(to, end->message, strnlen(end->message, RECORDING_MESSAGE));
    to = put_number(to, atomic_load(&run.steps));
    buffer_put(own, ITEM_ENDING, put_number(to, atomic_load(&run.blocks)));
}

/* ---- The last steps ------------------------------------------------------------------------ */

static void write_rest(void) {
    task_each(recorded_state, NULL);
    alive_empty(recorded_object_again);
    buffers_write();
}

static void *write_last(void *arg) {
    (void)arg;
    while (!atomic_load(&asked)) futex_wait(&asked, 0, INT64_MAX);
    write_rest();
    put_end(&ending);
    buffer_seal(own);
    atomic_store(&done, 1);
    futex_wake(&done, INT32_MAX);
    return NULL;
}

static bool start_writer(void) {
    sigset_t all, before;
    atomic_store(&asked, 0);
    atomic_store(&done, 0);
    /* Signals are the program's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    writing = pthread_create(&writer, NULL, write_last, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return writing;
}

static void have_written(const struct run_end *end, int64_t limit) {
    int64_t until = engine_now() + limit;
    ending = *end;
    atomic_store(&asked, 1);
    futex_wake(&asked, 1);
    while (!atomic_load(&done) && engine_now() < until) futex_wait(&done, 0, until);
}

/* ---- Beginning ----------------------------------------------------------------------------- */

static uint64_t process_number(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return ((uint64_t)now.tv_sec * PIRN_SEC + (uint64_t)now.tv_nsec) ^ (uint64_t)getpid() << 40;
}

void recorded_run_begin(void) {
    char message[1200];
    if (!run.path) return;
    load_close_spare();
    if (!run.process) run.process = process_number();
    run.has_ticks = has_ticks();
    run.base = atomic_load(&run.steps);
    run.list_base = atomic_load(&run.lists);
    run.object_base = atomic_load(&run.objects);
    atomic_fetch_add(&run.number, 1);
    atomic_store(&run.blocks, 0);
    deadlock = (struct run_end){0};
    atomic_store(&finishing, 0);
    /* From here on it can be given up. */
    atomic_store(&run.recording, true);
    own = NULL;
    if (file_open(run.path, message, sizeof message)) {
        run_give_up(message);
        return;
    }
    if (!(own = buffer_for_run())) return;
    put_run();
    /* How it ends has room. */
    if (!buffer_prepare(own, run_number())) return;
    if (run.last_events && !start_writer())
        run_give_up("cannot start the thread that writes the last steps");
    run_watch_end();
}

/* ---- End ----------------------------------------------------------------------------------- */

void run_finish(const struct run_end *end, int64_t limit, bool in_handler) {
    bool was = run_recording();
    if (!own || atomic_exchange(&finishing, 1)) return;
    atomic_store(&run.recording, false);
    if (was && !in_handler) put_new_modules();
    if (was && run.last_events) {
        have_written(end, limit);
        return;
    }
    if (was) put_end(end);
    /* Also what there is of a run that was given up. */
    buffers_seal();
    buffer_seal(own);
}

static void join_writer(void) {
    if (!writing) return;
    /* Where recording was given up it has not been asked. */
    atomic_store(&asked, 1);
    futex_wake(&asked, 1);
    pthread_join(writer, NULL);
    writing = false;
}

void recorded_run_end(int result) {
    struct run_end end = {.how = ENDED_WELL};
    if (!run.path) return;
    if (deadlock.finding_count || result == -EDEADLK) end = deadlock;
    run_finish(&end, END_LIMIT, false);
    join_writer();
    free(deadlock.findings);
    deadlock.findings = NULL;
}

/* How many there are, with findings of as many of them as have room. */
struct stuck {
    struct run_end *end;
    size_t count;
};

static void describe_stuck(struct task *task, void *arg) {
    struct stuck *stuck = arg;
    struct run_end *end = stuck->end;
    struct run_finding *finding;
    struct text text;
    if (atomic_load(&task->state) % TASK_STATES != TASK_PARKED || task->core.daemon) return;
    stuck->count++;
    if (!end->findings || end->finding_count == RECORDING_FINDINGS) return;
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
    struct stuck stuck = {end, 0};
    struct text text = text_in(end->message, sizeof end->message);
    if (!run_recording()) return;
    end->how = ENDED_DEADLOCK;
    end->findings = calloc(RECORDING_FINDINGS, sizeof *end->findings);
    task_each(describe_stuck, &stuck);
    if (!end->finding_count)
        text_add(&text, "every task is blocked for ever");
    else if (end->finding_count == 1)
        text_add(&text, "1 task is blocked for ever: %s", end->findings[0].message);
    else
        text_add(&text, "%zu tasks are blocked for ever; %s", stuck.count,
                 end->findings[0].message);
}

static void finish_at(struct task *self, enum recording_end how, const void *site,
                      const char *message) {
    struct run_finding finding = {.task = self ? self->recorded.id : 0,
                                  .has_object = self && self->recorded.object,
                                  .site = site};
    struct run_end end = {.how = how, .findings = &finding, .finding_count = 1};
    snprintf(finding.message, sizeof finding.message, "%s", message);
    snprintf(end.message, sizeof end.message, "%s", message);
    run_finish(&end, FAIL_LIMIT, false);
}

void recorded_failure(struct task *self, enum failure failure, const struct place *place,
                      const char *message) {
    if (!run_recording()) return;
    /* The operation that fails is its last step. */
    recorded_park(self, false);
    finish_at(self, failure == FAILURE_PANIC ? ENDED_PANIC : ENDED_MISUSE, place->site, message);
}

void recorded_overflow(const struct task *self, const char *message) {
    static const char prefix[] = "pirn: ";
    struct run_finding finding = {.task = self->recorded.id};
    struct run_end end = {.how = ENDED_CRASH, .findings = &finding, .finding_count = 1};
    if (!run_recording()) return;
    message += strncmp(message, prefix, sizeof prefix - 1) ? 0 : sizeof prefix - 1;
    strncpy(end.message, message, sizeof end.message - 1);
    strncpy(finding.message, message, sizeof finding.message - 1);
    run_finish(&end, FAIL_LIMIT, true);
}
