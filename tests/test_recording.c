/*
 * test_recording.c - a run is recorded where each call that this takes fails once.
 *
 * A run does all that is recorded, again and again, and in the n-th round the n-th allocation fails,
 * or the n-th system call of a kind, or that one and all after it until the program is told. It must
 * not notice anything else. A round of which it is not said that something is missing is then in the
 * trace as a whole.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <pirn.h>

#include "lib/core/sanitize.h"
#include "lib/threads/recording/file.h"
#include "lib/threads/recording/run.h"
#include "tests/harness.h"

#if !PIRN_ASAN && !PIRN_TSAN /* which need malloc for themselves */
#include "tests/refusal.h"

/* ---- Calls that fail ------------------------------------------------------------------------- */

int fcntl(int fd, int command, ...) {
    va_list list;
    long arg;
    va_start(list, command);
    arg = va_arg(list, long);
    va_end(list);
    if (command == F_OFD_SETLKW && ((struct flock *)arg)->l_type == F_WRLCK && refuse("lock"))
        return -1;
    return (int)syscall(SYS_fcntl, fd, command, arg);
}

int flock(int fd, int operation) {
    return refuse("flock") ? -1 : (int)syscall(SYS_flock, fd, operation);
}

ssize_t pwrite(int fd, const void *from, size_t size, off_t at) {
    return refuse("pwrite") ? -1 : syscall(SYS_pwrite64, fd, from, size, at);
}

int ftruncate(int fd, off_t size) {
    return refuse("ftruncate") ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset) {
    if (flags & MAP_SHARED && refuse("mmap")) return MAP_FAILED;
    return (void *)syscall(SYS_mmap, at, size, protection, flags, fd, offset);
}

int madvise(void *at, size_t size, int advice) {
    return refuse("madvise") ? -1 : (int)syscall(SYS_madvise, at, size, advice);
}

/* Nobody waits for a lock that is never granted. */
int nanosleep(const struct timespec *time, struct timespec *rest) {
    return refusal.refused ? 0 : (int)syscall(SYS_nanosleep, time, rest);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
                   void *arg) {
    static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    return refuse("pthread_create") ? EAGAIN : real(thread, attr, start, arg);
}

/* ---- What is recorded ------------------------------------------------------------------------ */

enum { TASKS = 3, VALUES = 10, OBJECTS = 1100, LAST = 50 };

static pirn_rwmutex rwmutex;
static pirn_mutex mutex;
static long sum;

static void send_some(void *arg) {
    pirn_chan **chans = arg;
    for (int i = 1; i <= VALUES; i++) {
        pirn_case cases[] = {PIRN_CASE_SEND(chans[0], &i), PIRN_CASE_SEND(chans[1], &i)};
        while (pirn_select(cases, 2, PIRN_FOREVER) < 0) grant(); /* no memory to wait with */
        pirn_rwmutex_rlock(&rwmutex);
        pirn_rwmutex_runlock(&rwmutex);
    }
}

static void receive_some(void *arg) {
    pirn_chan **chans = arg;
    int value = 0;
    for (int i = 0; i < VALUES; i++) {
        pirn_case cases[] = {PIRN_CASE_RECV(chans[0], &value), PIRN_CASE_RECV(chans[1], &value)};
        while (pirn_select(cases, 2, PIRN_FOREVER) < 0) grant();
        pirn_rwmutex_lock(&rwmutex);
        sum += value;
        pirn_rwmutex_unlock(&rwmutex);
    }
}

static pirn_chan *new_chan(size_t capacity) {
    pirn_chan *chan;
    while (!(chan = pirn_chan_new(sizeof(int), capacity))) grant();
    return chan;
}

static void everything(void *arg) {
    static pirn_chan *many[OBJECTS];
    pirn_waitgroup group = {0};
    pirn_chan *chans[2] = {new_chan(0), new_chan(2)};
    int objects = *(int *)arg;
    sum = 0;
    pirn_label(chans[0], "values");
    for (int i = 0; i < TASKS; i++) {
        while (pirn_waitgroup_go(&group, send_some, chans)) grant();
        while (pirn_waitgroup_go(&group, receive_some, chans)) grant();
    }
    for (int i = 0; i < objects; i++) many[i] = new_chan(0);
    pirn_waitgroup_wait(&group);
    pirn_mutex_lock(&mutex);
    pirn_mutex_unlock(&mutex);
    for (int i = 0; i < 2; i++) pirn_chan_unref(chans[i]);
    for (int i = 0; i < objects; i++) pirn_chan_unref(many[i]);
}

/* ---- Rounds ---------------------------------------------------------------------------------- */

static char trace[64];
static int said = -1; /* in place of standard error */

/* What a process that records has found out. */
static struct tally { long refusals, wholes, failures; } * tally;

/* Runs with what is refused; returns what was said. */
static const char *record(uint64_t last, int objects, int *rc) {
    static char text[4096];
    pirn_config config = {.workers = 2};
    int before = dup(STDERR_FILENO);
    ssize_t length;
    if (ftruncate(said, 0)) abort();
    lseek(said, 0, SEEK_SET);
    dup2(said, STDERR_FILENO);
    run.path = trace;
    run.last_events = last;
    *rc = pirn_run(&config, everything, &objects);
    grant();
    file_forget(); /* it is opened anew */
    dup2(before, STDERR_FILENO);
    close(before);
    length = pread(said, text, sizeof text - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    return text;
}

/* Of one thing that went wrong there is one line. */
static bool tells_of_end(const char *text) {
    static const char end[] = "; nothing more of this run is recorded\n";
    size_t length = strlen(text);
    return length > strlen(end) && !strncmp(text, "pirn: ", 6) &&
           strchr(text, '\n') == text + length - 1 && !strcmp(text + length - strlen(end), end);
}

static bool was_refused(int rc) { return rc == -ENOMEM || rc == -EAGAIN; }

/* The n-th round; returns whether there was such a call. */
static bool refuse_one(const char *call, int error, long n, bool for_good, uint64_t last,
                       int objects) {
    const char *text;
    int rc;
    refuse_nth(call, error, n, for_good);
    text = record(last, objects, &rc);
    bool good = rc ? was_refused(rc) && refusal.refused : sum == TASKS * VALUES * (VALUES + 1) / 2;
    good = good && (!*text || (refusal.refused && tells_of_end(text)));
    if (!good)
        fprintf(stderr, "%s %ld%s: %d, sum %ld, %s\n", call ? call : "nothing", n,
                for_good ? " and on" : "", rc, sum, text);
    tally->failures += !good;
    tally->wholes += !rc && !*text;
    return refusal.refused > 0;
}

/* The trace that the command makes of it has so many whole runs. */
static long count_whole(long least, long most) {
    const char *folder = getenv("top_builddir");
    char command[1000], *output;
    sqlite3 *db;
    sqlite3_stmt *s = NULL;
    long count = -1;
    snprintf(command, sizeof command, "%s/pirn list %s", folder ? folder : ".", trace);
    CU_ASSERT_EQUAL(harness_command(command, 100, &output, NULL), 0);
    CU_ASSERT_PTR_NULL(strstr(output, "damaged"));
    free(output);
    sqlite3_open(trace, &db);
    snprintf(command, sizeof command,
             "SELECT count(*) FROM run WHERE outcome = 'ok' AND steps BETWEEN %ld AND %ld", least,
             most);
    if (!sqlite3_prepare_v2(db, command, -1, &s, NULL) && sqlite3_step(s) == SQLITE_ROW)
        count = (long)sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return count;
}

/* What is refused to runs of which kind. */
struct kind {
    const char *call;
    int error;
    uint64_t last;
    int objects;
};

static void refuse_all(const struct kind *kind) {
    refuse_one(NULL, 0, 0, false, kind->last, kind->objects);
    for (int for_good = 0; for_good < 2; for_good++)
        for (long n = 1;
             refuse_one(kind->call, kind->error, n, for_good, kind->last, kind->objects);
             n += for_good ? 4 + n : 1 + n)
            tally->refusals++;
}

/* Where there is no room for a file's first block the next run begins it anew. */
static void refuse_first_block(const struct kind *kind) {
    unlink(trace);
    refuse_one(kind->call, kind->error, 1, false, 0, 0);
    tally->refusals++;
    refuse_one(NULL, 0, 0, false, 0, 0);
}

/* In a process of its own: while it is there nobody makes a trace of what it has mapped. */
static void perform(void (*rounds)(const struct kind *kind), const struct kind *kind) {
    long least = kind->last ? LAST : 4 * TASKS * VALUES, most = kind->last ? LAST : 100000, whole;
    int status = -1;
    pid_t child;
    tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CU_ASSERT_FATAL(tally != MAP_FAILED);
    snprintf(trace, sizeof trace, "test-recording-%s-%d.db", kind->call, (int)getpid());
    unlink(trace);
    child = fork();
    if (!child) {
        said = memfd_create("said", MFD_CLOEXEC);
        rounds(kind);
        exit(0);
    }
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT_EQUAL(tally->failures, 0);
    CU_ASSERT(tally->refusals > 0);
    whole = count_whole(least, most);
    /* One that is given up just as it ends may be whole all the same. */
    if (whole < tally->wholes)
        fprintf(stderr, "of %ld whole runs %ld are found\n", tally->wholes, whole);
    CU_ASSERT(whole >= tally->wholes);
    unlink(trace);
}

static void refuse_each(const char *call, int error, uint64_t last, int objects) {
    perform(refuse_all, &(struct kind){call, error, last, objects});
}

static void memory(void) { refuse_each("malloc", ENOMEM, 0, 0); }
static void memory_for_last_steps(void) { refuse_each("malloc", ENOMEM, LAST, OBJECTS); }
static void files(void) { refuse_each("open", EMFILE, 0, 0); }
static void looks_at_files(void) { refuse_each("fstat", EIO, 0, 0); }
static void claims(void) { refuse_each("flock", EWOULDBLOCK, 0, 0); }
static void locks(void) { refuse_each("lock", ENOLCK, 0, 0); }
static void reads(void) { refuse_each("pread", EIO, 0, 0); }
static void writes(void) { refuse_each("pwrite", EIO, 0, 0); }
static void room(void) { refuse_each("pwrite", ENOSPC, 0, 0); }
static void mappings(void) { refuse_each("mmap", ENOMEM, 0, 0); }
static void pages(void) { refuse_each("madvise", EFAULT, 0, 0); }
static void room_for_first(void) {
    perform(refuse_first_block, &(struct kind){"pwrite", ENOSPC, 0, 0});
}
static void mapping_of_first(void) {
    perform(refuse_first_block, &(struct kind){"mmap", ENOMEM, 0, 0});
}
static void pages_of_first(void) {
    perform(refuse_first_block, &(struct kind){"madvise", EFAULT, 0, 0});
}
static void threads(void) { refuse_each("pthread_create", EAGAIN, LAST, 0); }

static const struct test tests[] = {
    TEST_SECONDS(memory, 120),        TEST_SECONDS(memory_for_last_steps, 120),
    TEST_SECONDS(files, 60),          TEST_SECONDS(looks_at_files, 60),
    TEST_SECONDS(claims, 60),         TEST_SECONDS(locks, 60),
    TEST_SECONDS(reads, 60),          TEST_SECONDS(writes, 60),
    TEST_SECONDS(room, 60),           TEST_SECONDS(mappings, 60),
    TEST_SECONDS(pages, 60),          TEST_SECONDS(threads, 60),
    TEST_SECONDS(room_for_first, 60), TEST_SECONDS(mapping_of_first, 60),
    TEST_SECONDS(pages_of_first, 60),
};
#else
static void nothing_to_refuse(void) {}
static const struct test tests[] = {TEST(nothing_to_refuse)};
#endif

HARNESS(tests)
