/*
 * render.c - runs `dot` and writes files.
 *
 * `dot` reads from an unlinked file, so that it may be slow in reading without stopping us, and
 * writes into a pipe, so that every byte is written to its place by us, where errors are seen.
 */
#include "viz/render.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/core/output.h"
#define NOT_FOUND 127 /* exit status of the child that found no `dot` */
#define MOST_PICTURE ((size_t)256 << 20)
#define MOST_ERROR 300 /* bytes of what `dot` said that are repeated */

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Becomes `dot`. Only async-signal-safe calls, since the caller may have threads. */
_Noreturn static void become_dot(int input, int output, int error, const char *option) {
    if (dup2(input, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 &&
        dup2(error, STDERR_FILENO) >= 0) {
        /* A group of its own, so that whatever it starts can be ended with it. */
        setpgid(0, 0);
        signal(SIGPIPE, SIG_DFL);
        execlp("dot", "dot", option, (char *)NULL);
    }
    _exit(errno == ENOENT || errno == EACCES ? NOT_FOUND : 126);
}

/* Reads until the end of the pipe. Returns false when the time is over, or when there is more than
 * a picture can be. */
static bool read_all(int pipe, struct tool_text *text, int64_t deadline) {
    char buffer[65536];
    while (text->length < MOST_PICTURE) {
        int64_t left = deadline - now_ms();
        struct pollfd poller = {.fd = pipe, .events = POLLIN};
        int ready = left > 0 ? poll(&poller, 1, (int)left) : 0;
        if (ready == 0) return false;
        if (ready < 0) continue; /* a signal */
        ssize_t length = read(pipe, buffer, sizeof buffer);
        if (length > 0)
            tool_text_add_bytes(text, buffer, (size_t)length);
        else if (length == 0 || errno != EINTR)
            return true;
    }
    return false;
}

/* A program may close its output and go on; it is not waited for beyond the deadline either. */
static bool wait_until(pid_t child, int *status, int64_t deadline) {
    for (;;) {
        pid_t done = waitpid(child, status, WNOHANG);
        if (done == child || (done < 0 && errno != EINTR)) return true;
        if (now_ms() >= deadline) return false;
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
}

static void tell_failure(int status, FILE *error) {
    char said[MOST_ERROR + 1] = "";
    rewind(error);
    size_t length = fread(said, 1, MOST_ERROR, error);
    said[length] = '\0';
    said[strcspn(said, "\n")] = '\0';
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND)
        tool_error("cannot find the program 'dot'; install Graphviz (Debian package graphviz), or "
                   "ask for a .dot or "
                   ".txt file, which need it not");
    else if (WIFSIGNALED(status))
        tool_error("dot was ended by signal %d (%s); a .dot or .txt file does without it",
                   WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        tool_error("dot failed with status %d%s%s; a .dot or .txt file does without it",
                   WEXITSTATUS(status), *said != '\0' ? ": " : "", said);
}

static int run_dot(const char *option, FILE *input, FILE *error, unsigned seconds,
                   struct tool_text *picture) {
    int ends[2];
    if (pipe(ends) != 0) {
        tool_error("cannot make a pipe to dot: %s", strerror(errno));
        return TOOL_FAILED;
    }
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    pid_t child = fork();
    if (child == 0) become_dot(fileno(input), ends[1], fileno(error), option);
    close(ends[1]);
    if (child < 0) {
        tool_error("cannot start dot: %s", strerror(errno));
        close(ends[0]);
        return TOOL_FAILED;
    }
    int64_t deadline = now_ms() + (int64_t)seconds * 1000;
    int status = 0;
    bool in_time = read_all(ends[0], picture, deadline) && wait_until(child, &status, deadline);
    close(ends[0]);
    if (!in_time) {
        kill(-child, SIGKILL);
        kill(child, SIGKILL); /* in case it had not made its group yet */
        waitpid(child, &status, 0);
        if (picture->length >= MOST_PICTURE)
            tool_error("the picture is larger than %zu MiB; draw less with --steps A..B",
                       MOST_PICTURE >> 20);
        else
            tool_error("dot took longer than %u s and was stopped; draw less with --steps A..B, or "
                       "ask for a .dot or .txt file",
                       seconds);
        return TOOL_FAILED;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || picture->length == 0) {
        tell_failure(status, error);
        return TOOL_FAILED;
    }
    return TOOL_OK;
}

int render_dot(const char *format, const struct tool_text *dot, unsigned seconds,
               struct tool_text *picture) {
    char option[16];
    snprintf(option, sizeof option, "-T%.8s", format);
    FILE *input = tmpfile(), *error = tmpfile();
    int status = TOOL_FAILED;
    if (input == NULL || error == NULL) {
        tool_error("cannot make a temporary file: %s", strerror(errno));
    } else if (fwrite(dot->data, 1, dot->length, input) != dot->length || fflush(input) != 0) {
        tool_error("cannot write a temporary file: %s", strerror(errno));
    } else {
        rewind(input);
        status = run_dot(option, input, error, seconds, picture);
    }
    if (input != NULL) fclose(input);
    if (error != NULL) fclose(error);
    return status;
}

/* ---- Files --------------------------------------------------------------------------------- */

/* Writes all of it. Returns 0 or an errno. */
static int write_all(int file, const struct tool_text *bytes) {
    for (size_t done = 0; done < bytes->length;) {
        ssize_t length = write(file, bytes->data + done, bytes->length - done);
        if (length >= 0)
            done += (size_t)length;
        else if (errno != EINTR)
            return errno;
    }
    return 0;
}

static int tell_path(const char *path, int error) {
    tool_error("cannot write %s: %s", path, strerror(error));
    return TOOL_FAILED;
}

static int save_directly(const char *path, const struct tool_text *bytes) {
    int file = strcmp(path, "-") == 0 ? dup(STDOUT_FILENO) : open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return tell_path(path, errno);
    int error = write_all(file, bytes);
    if (close(file) != 0 && error == 0) error = errno;
    return error == 0 ? TOOL_OK
                      : tell_path(strcmp(path, "-") == 0 ? "to standard output" : path, error);
}

/* Into a new file beside it, which then takes its name. */
static int save_beside(const char *path, mode_t mode, const struct tool_text *bytes) {
    struct tool_text name = {0};
    tool_text_addf(&name, "%s.XXXXXX", path);
    int file = mkstemp(name.data);
    int error = file < 0 ? errno : 0;
    if (file >= 0) {
        error = write_all(file, bytes);
        if (error == 0 && fchmod(file, mode) != 0) error = errno;
        if (close(file) != 0 && error == 0) error = errno;
        if (error == 0 && rename(name.data, path) != 0) error = errno;
        if (error != 0) unlink(name.data);
    }
    tool_text_free(&name);
    return error == 0 ? TOOL_OK : tell_path(path, error);
}

int render_save(const char *path, const struct tool_text *bytes) {
    struct stat status;
    char message[512];
    if (strcmp(path, "-") == 0) return save_directly(path, bytes);
    if (!output_claim(path, false, message, sizeof message)) {
        tool_error("%s", message);
        return TOOL_FAILED;
    }
    if (stat(path, &status) != 0) {
        if (errno != ENOENT) return tell_path(path, errno);
        mode_t mask = umask(0);
        umask(mask);
        return save_beside(path, 0666 & ~mask, bytes);
    }
    if (S_ISDIR(status.st_mode)) return tell_path(path, EISDIR);
    if (!S_ISREG(status.st_mode)) return save_directly(path, bytes);
    if (access(path, W_OK) != 0) return tell_path(path, errno);
    /* Through a symbolic link the file that it leads to is replaced, not the link. */
    char *target = realpath(path, NULL);
    if (target == NULL) return tell_path(path, errno);
    int saved = save_beside(target, status.st_mode & 07777, bytes);
    free(target);
    return saved;
}
