/* end.c - processes that end before their run has: by a signal, or by exit. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/threads/runtime.h"
#include "lib/threads/recording/file.h"
#include "lib/threads/recording/run.h"

#define CRASH_LIMIT (5 * PIRN_SEC) /* the crash may have left the heap locked */

/* Those that end a process. Two more are faults.c's. */
static const int watched[] = {SIGTERM, SIGINT, SIGHUP, SIGABRT, SIGFPE, SIGILL};

static const struct {
    int number;
    const char *name;
} names[] = {{SIGTERM, "SIGTERM"}, {SIGINT, "SIGINT"}, {SIGHUP, "SIGHUP"},   {SIGABRT, "SIGABRT"},
             {SIGFPE, "SIGFPE"},   {SIGILL, "SIGILL"}, {SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"}};

/* Nothing here may allocate. */
void recorded_crash(int number) {
    struct task *self = threads_self;
    struct run_finding finding = {.task = self ? self->recorded.id : 0};
    struct run_end end = {.how = ENDED_CRASH};
    int before = errno;

    if (!run_recording()) return;
    strcpy(end.message, "the process was ended by ");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].number == number) strcat(end.message, names[i].name);
    if (number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL ||
        number == SIGABRT) {
        strcpy(finding.message, end.message);
        end.findings = &finding;
        end.finding_count = 1;
    }
    run_finish(&end, CRASH_LIMIT, true);
    errno = before;
}

static void on_signal(int number) {
    recorded_crash(number);
    /* It comes again as soon as this returns. */
    signal(number, SIG_DFL);
    raise(number);
}

static void on_end(int status, void *arg) {
    struct run_end end = {.how = status ? ENDED_EXIT : ENDED_WELL};
    (void)arg;
    if (!run_recording()) return;
    if (status) {
        char digits[12], *to = digits + sizeof digits - 1;
        unsigned rest = (unsigned)status & 0xff;
        *to = '\0';
        do *--to = (char)('0' + rest % 10);
        while (rest /= 10);
        strcpy(end.message, "the program exited with status ");
        strcat(end.message, to);
    }
    run_finish(&end, CRASH_LIMIT, false);
}

/* A forked process is not recorded, nor does it keep others from the file. */
static void on_fork(void) {
    atomic_store(&run.recording, false);
    run.path = NULL;
    file_forget();
}

static void watch_process(void) {
    on_exit(on_end, NULL);
    pthread_atfork(NULL, NULL, on_fork);
}

void run_watch_end(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct sigaction action, before;
    pthread_once(&once, watch_process);
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    /* What the program takes care of itself is left to it. */
    for (size_t i = 0; i < sizeof watched / sizeof *watched; i++)
        if (!sigaction(watched[i], NULL, &before) && before.sa_handler == SIG_DFL &&
            !(before.sa_flags & SA_SIGINFO))
            sigaction(watched[i], &action, NULL);
}
