/*
 * refusal.h - calls that fail, for a test that takes them over: one of a kind, or that one and all
 * after it. Included once in a program, and not with a sanitizer, which needs malloc for itself.
 *
 * Allocations, open, fstat, read and pread are taken over here; the test does so with others in the
 * same way, and names each by the word that it gives to refuse().
 */
#ifndef TESTS_REFUSAL_H
#define TESTS_REFUSAL_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
    const char *_Atomic call; /* NULL: everything is granted */
    _Atomic long left;        /* calls until the one that is refused */
    bool for_good;            /* and all after it */
    int error;
    _Atomic long refused;
} refusal;

/* From now on the n-th call of that kind fails, with `error` in errno. */
static void refuse_nth(const char *call, int error, long n, bool for_good) {
    refusal.left = n;
    refusal.for_good = for_good;
    refusal.error = error;
    refusal.refused = 0;
    refusal.call = call;
}

static void grant(void) { refusal.call = NULL; }

static bool refuse(const char *call) {
    const char *which = refusal.call;
    if (!which || strcmp(call, which)) return false;
    long left = refusal.left--;
    if (left > 1 || (left < 1 && !refusal.for_good)) return false;
    refusal.refused++;
    errno = refusal.error;
    return true;
}

#include "tests/refused-malloc.h"

int open(const char *path, int flags, ...) {
    unsigned mode = 0;
    if (flags & O_CREAT) {
        va_list list;
        va_start(list, flags);
        mode = va_arg(list, unsigned);
        va_end(list);
    }
    return refuse("open") ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int fstat(int fd, struct stat *status) {
    return refuse("fstat") ? -1 : (int)syscall(SYS_newfstatat, fd, "", status, AT_EMPTY_PATH);
}

ssize_t read(int fd, void *to, size_t size) {
    return refuse("read") ? -1 : syscall(SYS_read, fd, to, size);
}

ssize_t pread(int fd, void *to, size_t size, off_t at) {
    return refuse("pread") ? -1 : syscall(SYS_pread64, fd, to, size, at);
}

#endif
