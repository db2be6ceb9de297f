/*
 * refuse.c - a library to be preloaded, with which one call of a function fails: what
 * tests/refused.sh has the command do without.
 *
 * PIRN_TEST_REFUSE=CALL,N,ERRNO has the N-th call of that name refused in each process of the
 * program PIRN_TEST_REFUSE_IN; with ",on" behind it all after it, too; with ",child" that and all
 * after it of its children alone, until they become other programs. A byte is added to the file
 * PIRN_TEST_REFUSED for each.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char call[32]; /* empty: everything is granted */
static long left;
static int error;
static bool for_good, in_child, began, child;
static const char *file;

/* Called when the command opens its first file, which it does first of all. */
static void begin(void) {
    const char *wish = getenv("PIRN_TEST_REFUSE"), *program = getenv("PIRN_TEST_REFUSE_IN");
    char name[32] = "", more[8] = "";
    began = true;
    file = getenv("PIRN_TEST_REFUSED");
    if (!wish || !program || !file || strcmp(program, program_invocation_short_name)) return;
    if (sscanf(wish, "%31[^,],%ld,%d,%7s", name, &left, &error, more) < 3) abort();
    in_child = !strcmp(more, "child");
    for_good = in_child || !strcmp(more, "on");
    memcpy(call, name, sizeof call);
}

static bool refuse(const char *name) {
    long number;
    int fd;
    if (!*call || strcmp(call, name) || (in_child && !child)) return false;
    /* The one that is refused is not refused in two processes. */
    if (child && !for_good && error == ENOMEM) return false;
    number = left--;
    if (number > 1 || (number < 1 && !for_good)) return false;
    fd = (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0 || syscall(SYS_write, fd, ".", 1) != 1 || syscall(SYS_close, fd)) abort();
    errno = error;
    return true;
}

/* A function whose arguments are passed on as they are. */
#define REFUSABLE(type, name, failed, parameters, ...)        \
    type name parameters;                                     \
    type name parameters {                                    \
        static type(*real) parameters;                        \
        if (refuse(#name)) return failed;                     \
        if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name); \
        return real(__VA_ARGS__);                             \
    }

REFUSABLE(int, socketpair, -1, (int domain, int type, int protocol, int pair[2]), domain, type,
          protocol, pair)
REFUSABLE(int, pipe2, -1, (int pair[2], int flags), pair, flags)
REFUSABLE(int, memfd_create, -1, (const char *name, unsigned flags), name, flags)
REFUSABLE(ssize_t, write, -1, (int fd, const void *from, size_t size), fd, from, size)
REFUSABLE(ssize_t, read, -1, (int fd, void *to, size_t size), fd, to, size)
REFUSABLE(ssize_t, recv, -1, (int fd, void *to, size_t size, int flags), fd, to, size, flags)
REFUSABLE(ssize_t, pwrite64, -1, (int fd, const void *from, size_t size, off64_t at), fd, from,
          size, at)
REFUSABLE(ssize_t, pread64, -1, (int fd, void *to, size_t size, off64_t at), fd, to, size, at)
REFUSABLE(pid_t, waitpid, -1, (pid_t pid, int *status, int options), pid, status, options)
REFUSABLE(char *, mkdtemp, NULL, (char *name), name)
REFUSABLE(int, mkstemp, -1, (char *name), name)
REFUSABLE(int, fchmod, -1, (int fd, mode_t mode), fd, mode)
REFUSABLE(int, rename, -1, (const char *from, const char *to), from, to)
REFUSABLE(int, link, -1, (const char *from, const char *to), from, to)
REFUSABLE(char *, realpath, NULL, (const char *path, char *to), path, to)
REFUSABLE(char *, getcwd, NULL, (char *to, size_t size), to, size)
REFUSABLE(ssize_t, readlink, -1, (const char *path, char *to, size_t size), path, to, size)
REFUSABLE(int, dladdr, 0, (const void *address, Dl_info *info), address, info)
REFUSABLE(FILE *, fopen, NULL, (const char *path, const char *mode), path, mode)
REFUSABLE(FILE *, popen, NULL, (const char *command, const char *mode), command, mode)
REFUSABLE(FILE *, open_memstream, NULL, (char **bytes, size_t *size), bytes, size)
REFUSABLE(int, flock, -1, (int fd, int operation), fd, operation)
REFUSABLE(int, execv, -1, (const char *path, char *const arguments[]), path, arguments)

int open(const char *path, int flags, ...) {
    va_list arguments;
    mode_t mode;
    if (!began) begin();
    va_start(arguments, flags);
    mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return refuse("open") ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

pid_t fork(void) {
    static pid_t (*real)(void);
    pid_t pid;
    if (refuse("fork")) return -1;
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "fork");
    pid = real();
    child |= pid == 0;
    return pid;
}

/* What counts for coverage does not bear a refusal. It asks for this first, and it comes last. */
char *getenv(const char *name) {
    static char *(*real)(const char *);
    if (!strncmp(name, "GCOV_PREFIX", 11) && !strcmp(call, "malloc")) call[0] = '\0';
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "getenv");
    return real(name);
}

#include "tests/refused-malloc.h"
