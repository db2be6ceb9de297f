/*
 * launch.c - see launch.h; sim/control.h says how the two sides talk.
 *
 * The program is started in a process group of its own, so that whatever it starts ends with it;
 * where it may read from a terminal it stays in ours, or the terminal would stop it. It is also
 * killed by the kernel if this process dies.
 */
#include "sim/cli/launch.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "viz/tool.h"
#include "viz/utf8.h"

enum {
    LAST_WORDS = 2048 /* bytes, of a program that did not get to pirn_run */
};

#define SECOND INT64_C(1000000000)
#define SILENCE (10 * SECOND) /* how long it may take to get there */
#define PARTING (10 * SECOND) /* for the process to end once all is said */

struct process {
    pid_t pid;
    bool leads_group;
    bool ended;   /* and is still a zombie */
    int messages; /* our end */
    int options;  /* memory file */
    int words;    /* what it prints before pirn_run; -1: it is shown */
    int library;  /* the library, where its path cannot stand in LD_PRELOAD; -1: it can */
    struct tool_text preloads; /* its LD_PRELOAD: in the child it is too late for a message */
    bool hello, done, closed;  /* it has reached pirn_run, is done, has closed its end */
};

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

/* ---- What the program needs ---------------------------------------------------------------- */

static int machine_failed(const char *what) {
    tool_error("%s: %s", what, strerror(errno));
    return TOOL_FAILED;
}

int launch_library(char path[PATH_MAX]) {
    Dl_info info;
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length > 0 ? length : 0] = '\0';
    /* An address in its data, since that of a function may be one of the command's own that
     * leads there. */
    if (!dladdr(pirn_outcome_name(PIRN_OK), &info) || !info.dli_fname ||
        !realpath(info.dli_fname, path) || !strcmp(path, self)) {
        tool_error(
            "cannot find libpirn-sim.so; this command needs to be linked with it dynamically");
        return TOOL_FAILED;
    }
    return TOOL_OK;
}

static int find_library(struct process *p) {
    const char *more = getenv("LD_PRELOAD");
    char path[PATH_MAX];
    int status = launch_library(path);
    if (status != TOOL_OK) return status;
    /* In LD_PRELOAD blanks and colons part one library from the next, and there is no way to
     * quote them. */
    if (strpbrk(path, " :")) {
        p->library = open(path, O_RDONLY | O_CLOEXEC);
        if (p->library < 0) return machine_failed(path);
        snprintf(path, sizeof path, "/proc/self/fd/%d", p->library);
    }
    tool_text_add(&p->preloads, path);
    if (more && *more) tool_text_addf(&p->preloads, ":%s", more);
    return TOOL_OK;
}

static bool write_whole(int fd, const void *data, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, (const char *)data + done, size - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        done += (size_t)n;
    }
    return true;
}

static int write_options(struct process *p, const struct launch *launch) {
    struct control_options control = launch->control;
    size_t length = launch->schedule ? strlen(launch->schedule) : 0;
    control.size = sizeof control;
    control.schedule_length = (uint32_t)length;
    p->options = memfd_create("pirn-options", MFD_CLOEXEC);
    if (p->options < 0 || !write_whole(p->options, &control, sizeof control) ||
        (length && !write_whole(p->options, launch->schedule, length)))
        return machine_failed("cannot pass on the options");
    if (control.quiet_program && (p->words = memfd_create("pirn-words", MFD_CLOEXEC)) < 0)
        return machine_failed("cannot keep the program's output");
    return TOOL_OK;
}

/* ---- In the child -------------------------------------------------------------------------- */

static bool set_environment(const struct process *p, int messages) {
    char descriptors[32];
    snprintf(descriptors, sizeof descriptors, "%d,%d", p->options, messages);
    if (setenv("LD_PRELOAD", p->preloads.data, 1) || setenv(CONTROL_VARIABLE, descriptors, 1) ||
        /* Else calls would be bound in each run that the program's memory is put back for. */
        setenv("LD_BIND_NOW", "1", 1))
        return false;
    /* These are for programs that are run without the command. */
    unsetenv("PIRN_REPLAY");
    unsetenv("PIRN_SEED");
    fcntl(p->options, F_SETFD, 0);
    fcntl(messages, F_SETFD, 0);
    if (p->library >= 0) fcntl(p->library, F_SETFD, 0);
    return true;
}

static void set_output(const struct process *p) {
    int nothing;
    if (p->words < 0) return;
    nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO);
    dup2(p->words, STDOUT_FILENO);
    dup2(p->words, STDERR_FILENO);
}

static _Noreturn void become_program(const struct process *p, const char *path, char **arguments,
                                     int messages, int errors, pid_t parent) {
    int rc, persona = personality(0xffffffff);
    sigset_t none;
    if (p->leads_group) setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(TOOL_FAILED);
    /* Addresses that stay the same are a help to programs that depend on them, no more; so it
     * may fail. */
    if (persona != -1) personality((unsigned long)persona | ADDR_NO_RANDOMIZE);
    if (set_environment(p, messages)) {
        set_output(p);
        signal(SIGPIPE, SIG_DFL);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execv(path, arguments);
    }
    rc = errno;
    if (write(errors, &rc, sizeof rc) != (ssize_t)sizeof rc) _exit(TOOL_FAILED);
    _exit(TOOL_USAGE);
}

/* ---- Starting it --------------------------------------------------------------------------- */

/* Waits until the program has been loaded. */
static int check_exec(struct process *p, const char *program, int errors) {
    int error;
    ssize_t n;
    while ((n = read(errors, &error, sizeof error)) < 0 && errno == EINTR) continue;
    close(errors);
    if (n != (ssize_t)sizeof error) return TOOL_OK;
    waitpid(p->pid, NULL, 0);
    p->pid = -1;
    if (error == ENOENT)
        tool_error("%s: its interpreter (the first line of a script, or the dynamic linker) does "
                   "not exist",
                   program);
    else
        tool_error("%s: cannot be run: %s", program, strerror(error));
    return TOOL_USAGE;
}

static int start(struct process *p, const struct launch *launch, const char *path) {
    int pair[2], errors[2];
    pid_t self = getpid();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return machine_failed("cannot make a socket");
    p->messages = pair[0];
    if (pipe2(errors, O_CLOEXEC)) {
        close(pair[1]);
        return machine_failed("cannot make a pipe");
    }
    p->leads_group = p->words >= 0 || !isatty(STDIN_FILENO);
    fflush(NULL);
    p->pid = fork();
    if (p->pid == 0) become_program(p, path, launch->program, pair[1], errors[1], self);
    if (p->pid > 0 && p->leads_group) setpgid(p->pid, p->pid);
    close(pair[1]);
    close(errors[1]);
    if (p->pid > 0) return check_exec(p, launch->program[0], errors[0]);
    close(errors[0]);
    return machine_failed("cannot make a process");
}

/* ---- Ending it ----------------------------------------------------------------------------- */

static void kill_all(const struct process *p) { kill(p->leads_group ? -p->pid : p->pid, SIGKILL); }

/* Whether the process has ended. It stays a zombie, so that its group cannot be another's. */
static bool has_ended(struct process *p) {
    siginfo_t info = {0};
    if (!p->ended && !waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT))
        p->ended = info.si_pid == p->pid;
    return p->ended;
}

/* Lets the process flush what it has to; not for ever. */
static void wait_for_end(struct process *p) {
    struct timespec pause = {0, 200000};
    for (int64_t end = now() + PARTING; !has_ended(p) && now() < end;) {
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < 10000000) pause.tv_nsec *= 2;
    }
}

/* Kills whatever is left and reaps it; returns the wait status. */
static int finish(struct process *p) {
    int status = 0;
    kill_all(p);
    while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR) continue;
    p->pid = -1;
    return status;
}

static void release(struct process *p) {
    if (p->pid > 0) finish(p);
    if (p->messages >= 0) close(p->messages);
    if (p->options >= 0) close(p->options);
    if (p->words >= 0) close(p->words);
    if (p->library >= 0) close(p->library);
    tool_text_free(&p->preloads);
}

static void add_end(struct tool_text *text, int status) {
    if (WIFSIGNALED(status))
        tool_text_addf(text, "was killed by signal %d (%s)", WTERMSIG(status),
                       strsignal(WTERMSIG(status)));
    else
        tool_text_addf(text, "ended with status %d", WEXITSTATUS(status));
}

/* Prints the end of what the program printed while nobody saw it. */
static void print_last_words(const struct process *p) {
    char bytes[LAST_WORDS];
    struct tool_text line = {0};
    off_t size = p->words < 0 ? 0 : lseek(p->words, 0, SEEK_END),
          from = size > LAST_WORDS ? size - LAST_WORDS : 0;
    ssize_t n = size > 0 ? pread(p->words, bytes, sizeof bytes, from) : 0;
    ssize_t at = 0;
    /* What was cut begins with the next whole line, if there is one. */
    if (from > 0 && n > 0) {
        char *end = memchr(bytes, '\n', (size_t)n);
        if (end && end + 1 < bytes + n) at = end + 1 - bytes;
    }
    while (at < n) {
        char *end = memchr(bytes + at, '\n', (size_t)(n - at));
        size_t length = end ? (size_t)(end - bytes - at) : (size_t)(n - at);
        tool_text_clear(&line);
        tool_text_add(&line, "  | ");
        utf8_add_clean(&line, bytes + at, length);
        fprintf(stderr, "%s\n", line.data);
        at += (ssize_t)length + 1;
    }
    tool_text_free(&line);
}

/* The program did not say that it was done. */
static int explain_end(struct process *p, const char *program) {
    struct tool_text end = {0};
    wait_for_end(p); /* its descriptors are closed before it is a zombie */
    int status = finish(p);
    add_end(&end, status);
    if (p->hello) {
        tool_error("%s: the process that performs the runs %s before it was done; what it has "
                   "recorded is safe",
                   program, end.data);
        status = TOOL_FAILED;
    } else {
        print_last_words(p);
        tool_error("%s %s without calling pirn_run of the simulator: is it linked with -lpirn "
                   "dynamically, or with -lpirn-sim?",
                   program, end.data);
        status = TOOL_USAGE;
    }
    tool_text_free(&end);
    return status;
}

/* ---- Listening ----------------------------------------------------------------------------- */

static volatile sig_atomic_t interrupted;

static void on_signal(int number) {
    if (number != SIGCHLD) interrupted = number;
}

static const int watched[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD};

enum { WATCHED = sizeof watched / sizeof *watched };

struct watch {
    struct sigaction before[WATCHED];
    sigset_t mask_before, mask; /* to wait with */
};

/* From here on signals wait until we do. What is ignored stays so. */
static void watch_begin(struct watch *watch) {
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t block;
    interrupted = 0;
    sigemptyset(&block);
    for (int i = 0; i < WATCHED; i++) {
        sigaction(watched[i], NULL, &watch->before[i]);
        if (watch->before[i].sa_handler != SIG_IGN || watched[i] == SIGCHLD)
            sigaction(watched[i], &action, NULL);
        sigaddset(&block, watched[i]);
    }
    sigprocmask(SIG_BLOCK, &block, &watch->mask_before);
    watch->mask = watch->mask_before;
    for (int i = 0; i < WATCHED; i++) sigdelset(&watch->mask, watched[i]);
}

static void watch_end(const struct watch *watch) {
    sigprocmask(SIG_SETMASK, &watch->mask_before, NULL);
    for (int i = 0; i < WATCHED; i++) sigaction(watched[i], &watch->before[i], NULL);
}

enum heard { HEARD_NOTHING, HEARD_MESSAGE, HEARD_END };

static enum heard receive(struct process *p, struct control_message *message) {
    ssize_t n;
    /* Reset: it had ended before it was asked to. What it has said is there all the same. */
    while ((n = recv(p->messages, message, sizeof *message, MSG_DONTWAIT | MSG_TRUNC)) < 0 &&
           (errno == EINTR || errno == ECONNRESET))
        continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return HEARD_NOTHING;
    if (n <= 0) return HEARD_END;
    if (n != (ssize_t)sizeof *message || message->size != sizeof *message) {
        *message = (struct control_message){.type = CONTROL_ERROR, .status = TOOL_FAILED};
        snprintf(message->message, sizeof message->message,
                 "the pirn command and the simulator library of the program are of different "
                 "versions: install both anew, and "
                 "link the program again if it holds a copy of the library");
    }
    message->message[sizeof message->message - 1] = '\0';
    return HEARD_MESSAGE;
}

/* Deals with everything that has arrived. Returns false at the end of it, with the status. */
static bool drain(struct process *p, const struct launch *launch, int *status) {
    struct control_message message;
    enum heard heard;
    while ((heard = receive(p, &message)) == HEARD_MESSAGE) {
        p->hello = true;
        if (message.type == CONTROL_DONE) p->done = true;
        launch->told(launch->context, &message);
        if (message.type != CONTROL_ERROR && message.type != CONTROL_NOTE) continue;
        tool_error("%s", message.message);
        if (message.type == CONTROL_NOTE) continue;
        *status = message.status;
        return false;
    }
    if (p->done) {
        *status = TOOL_OK;
        return false;
    }
    p->closed = heard == HEARD_END;
    *status = -1;
    /* A program that closes all descriptors that it does not know may run on for long. */
    return !p->closed || !p->hello;
}

static int silence(const struct process *p, const char *program, int64_t limit) {
    kill_all(p);
    print_last_words(p);
    tool_error("%s did not call pirn_run of the simulator within %.3g s (--timeout): is it linked "
               "with -lpirn dynamically, or with "
               "-lpirn-sim?",
               program, (double)limit / (double)SECOND);
    return TOOL_USAGE;
}

/* Asks the library for an end. Returns false where there is nobody to ask, or it has been asked. */
static bool ask_for_end(const struct process *p, struct launch *launch) {
    bool first = !launch->interrupted;
    launch->interrupted = interrupted;
    interrupted = 0;
    return launch->graceful && first && p->hello &&
           send(p->messages, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

/* Waits for messages until there can be no more. -1: the program has ended without a word of
 * why. */
static int listen_to(struct process *p, struct launch *launch, const sigset_t *mask) {
    int64_t limit = launch->control.run_time_limit ? launch->control.run_time_limit : SILENCE;
    int64_t deadline = now() + limit;
    int status;
    for (;;) {
        /* Asked before the messages are read, so that none can come after the last look. */
        bool ended = has_ended(p);
        int64_t left = deadline - now();
        bool over = !drain(p, launch, &status) || ended;
        if (interrupted && status == -1 && !ask_for_end(p, launch))
            return 128 + launch->interrupted;
        if (over)
            return status == TOOL_OK && launch->interrupted ? 128 + launch->interrupted : status;
        if (!p->hello && left <= 0) return silence(p, launch->program[0], limit);
        struct pollfd descriptor = {.fd = p->messages, .events = POLLIN};
        struct timespec wait = {left / SECOND, left % SECOND};
        ppoll(&descriptor, p->closed ? 0 : 1, p->hello ? NULL : &wait, mask);
    }
}

int launch_program(struct launch *launch) {
    struct process process = {.pid = -1, .messages = -1, .options = -1, .words = -1, .library = -1},
                   *p = &process;
    struct watch watch;
    char *path;

    launch->interrupted = 0;
    int status = launch_find(launch->program[0], &path);
    if (status != TOOL_OK) return status;
    status = find_library(p);
    if (status == TOOL_OK) status = write_options(p, launch);
    watch_begin(&watch);
    if (status == TOOL_OK && (status = start(p, launch, path)) == TOOL_OK) {
        status = listen_to(p, launch, &watch.mask);
        if (p->done) wait_for_end(p);
        if (status < 0) status = explain_end(p, launch->program[0]);
    }
    release(p);
    watch_end(&watch);
    free(path);
    return status;
}
