/*
 * test_convert.c - a trace is made of a recording where each call that this takes fails once.
 *
 * What several programs have recorded is read again and again, and in the n-th round the n-th
 * allocation fails, or the n-th system call of a kind, or that one and all after it. It has to be
 * said, in words and by a code, and the recording is as it was: the next round makes a trace of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/record/convert.h"
#include "tests/harness.h"

#include "lib/core/sanitize.h"

#if !PIRN_ASAN && !PIRN_TSAN /* which need malloc for themselves */
#include "tests/refusal.h"

/* ---- Calls that fail ------------------------------------------------------------------------- */

ssize_t pwrite64(int fd, const void *from, size_t size, off64_t at) {
    return refuse("pwrite") ? -1 : syscall(SYS_pwrite64, fd, from, size, at);
}

int fdatasync(int fd) { return refuse("fdatasync") ? -1 : (int)syscall(SYS_fdatasync, fd); }

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset) {
    if (refuse("mmap")) return MAP_FAILED;
    return (void *)syscall(SYS_mmap, at, size, protection, flags, fd, offset);
}

/* ---- The recording --------------------------------------------------------------------------- */

enum { RUNS = 3 };

static char recording[64], trace[64];

static void remove_trace(void) {
    char journal[sizeof trace + sizeof "-journal"];
    snprintf(journal, sizeof journal, "%s-journal", trace);
    unlink(trace);
    unlink(journal);
}

static void record(const char *what, const char *how) {
    const char *folder = getenv("top_builddir");
    char command[1000], *output;
    snprintf(command, sizeof command, "PIRN_WORKERS=2 PIRN_TRACE=%s%s %s/tests/recorded %s",
             recording, how, folder ? folder : ".", what);
    int status = harness_command(command, 60, NULL, &output);
    if (status < 0 || strstr(output, "nothing more"))
        fprintf(stderr, "%s: %d\n%s", command, status, output);
    CU_ASSERT(status >= 0 && !strstr(output, "nothing more"));
    free(output);
}

static void make_recording(void) {
    snprintf(recording, sizeof recording, "test-convert-%d.recording", (int)getpid());
    snprintf(trace, sizeof trace, "test-convert-%d.db", (int)getpid());
    unlink(recording);
    record("many 5", "");
    record("deadlock", "");
    record("everything", ",last=100");
    CU_ASSERT_FATAL(recording_is(recording));
}

static long ask(const char *question) {
    sqlite3 *db;
    sqlite3_stmt *s = NULL;
    long answer = -1;
    sqlite3_open(trace, &db);
    if (!sqlite3_prepare_v2(db, question, -1, &s, NULL) && sqlite3_step(s) == SQLITE_ROW)
        answer = (long)sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return answer;
}

static bool is_whole(void) {
    return ask("SELECT count(*) FROM run") == RUNS &&
           ask("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'") == 1 &&
           ask("SELECT count(*) FROM run WHERE steps <> (SELECT count(*) FROM event WHERE run = "
               "id)") == 0 &&
           ask("SELECT steps FROM run ORDER BY id DESC LIMIT 1") == 100;
}

/* ---- Rounds ---------------------------------------------------------------------------------- */

/* The n-th; returns whether there was such a call. `words`: one of these is said. */
static bool refuse_one(const char *call, int error, int wanted, const char *words, long n,
                       bool for_good) {
    char message[1024] = "";
    bool damaged;
    int rc;
    remove_trace();
    refuse_nth(call, error, n, for_good);
    rc = recording_convert(recording, trace, true, &damaged, message, sizeof message);
    grant();
    bool told = rc == 0 ||
                ((rc == wanted || rc == -EIO) && strstr(message, words) && !strchr(message, '\n'));
    bool done = rc || (!damaged && is_whole());
    if (!told || !done)
        fprintf(stderr, "%s %ld%s: %d, %s\n", call, n, for_good ? " and on" : "", rc, message);
    CU_ASSERT(told);
    CU_ASSERT(done);
    CU_ASSERT(refusal.refused > 0 || rc == 0);
    return refusal.refused > 0;
}

static void refuse_each(const char *call, int error, int wanted, const char *words, long most) {
    long refusals = 0;
    bool damaged;
    char message[1024];
    make_recording();
    for (int for_good = 0; for_good < 2; for_good++)
        for (long n = 1; n <= most && refuse_one(call, error, wanted, words, n, for_good);
             n += n < 5      ? 1
                  : for_good ? 3 * n
                             : n)
            refusals++;
    CU_ASSERT(refusals > 0);
    remove_trace();
    CU_ASSERT_EQUAL(recording_convert(recording, trace, true, &damaged, message, sizeof message),
                    0);
    CU_ASSERT(is_whole());
    remove_trace();
    unlink(recording);
}

/* What a second reading of the same recording opens is less, since the program is known. */
static void programs_are_read_once(void) {
    char message[1024];
    bool damaged;
    long opened[2];
    make_recording();
    for (int i = 0; i < 2; i++) {
        refuse_nth("open", EMFILE, LONG_MAX, false);
        CU_ASSERT_EQUAL(
            recording_convert(recording, trace, true, &damaged, message, sizeof message), 0);
        grant();
        opened[i] = LONG_MAX - refusal.left;
        CU_ASSERT(is_whole());
        remove_trace();
    }
    if (opened[1] >= opened[0]) fprintf(stderr, "%ld, then %ld files\n", opened[0], opened[1]);
    CU_ASSERT(opened[1] < opened[0]);
    unlink(recording);
}

/* Where there was no memory for the lines of a program, the next attempt has them. Each round is a
 * process of its own, which has read none before. */
static void lines_are_read_again(void) {
    char message[1024];
    bool damaged;
    int misread = 0;
    make_recording();
    for (long n = 2; n <= 30; n++) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            long with, without;
            refuse_one("mmap", ENOMEM, 0, "", n, false);
            without = ask("SELECT count(*) FROM site WHERE line = 0");
            remove_trace();
            recording_convert(recording, trace, true, &damaged, message, sizeof message);
            with = ask("SELECT count(*) FROM site WHERE line > 0");
            if (!with || ask("SELECT count(*) FROM site WHERE line = 0")) _exit(1);
            _exit(without > 0 ? 2 : 0);
        }
        CU_ASSERT(waitpid(child, &status, 0) == child && WIFEXITED(status));
        CU_ASSERT(WEXITSTATUS(status) != 1);
        misread += WEXITSTATUS(status) == 2;
    }
    CU_ASSERT(misread > 2);
    remove_trace();
    unlink(recording);
}

static void memory(void) { refuse_each("malloc", ENOMEM, -ENOMEM, "not enough memory", LONG_MAX); }
static void files(void) { refuse_each("open", EMFILE, -EMFILE, "cannot be ", 3); }
static void sizes(void) { refuse_each("fstat", EIO, -EIO, "cannot be read", 3); }
static void mappings(void) { refuse_each("mmap", ENODEV, -ENODEV, "cannot be read", 2); }
static void programs(void) { refuse_each("pread", EIO, 0, "", 3); }
static void modules(void) { refuse_each("read", EIO, 0, "", 3); }
static void room(void) { refuse_each("pwrite", ENOSPC, -EIO, "the disk is full", LONG_MAX); }

static const struct test tests[] = {
    TEST_SECONDS(memory, 120),
    TEST_SECONDS(files, 60),
    TEST_SECONDS(sizes, 60),
    TEST_SECONDS(mappings, 60),
    TEST_SECONDS(programs, 60),
    TEST_SECONDS(modules, 60),
    TEST_SECONDS(room, 60),
    TEST_SECONDS(programs_are_read_once, 60),
    TEST_SECONDS(lines_are_read_again, 60),
};
#else
static void nothing_to_refuse(void) {}
static const struct test tests[] = {TEST(nothing_to_refuse)};
#endif

HARNESS(tests)
