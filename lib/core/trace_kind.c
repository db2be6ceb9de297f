/* trace_kind.c - see trace_kind.h. */
#include "lib/core/trace_kind.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ELSEWHERE "record into another file"

/* Where SQLite keeps them in the first page, most significant byte first. */
enum { HEADER = 100, VERSION_AT = 60, APPLICATION_AT = 68 };

static uint32_t big_endian(const unsigned char *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

bool trace_kind_check(const char *path, enum trace_use use, char *message, size_t size) {
    unsigned char head[HEADER] = {0};
    struct stat status;
    if (stat(path, &status)) {
        if (errno == ENOENT && use == TRACE_WRITE) return true;
        snprintf(message, size, "%s: %s", path, strerror(errno));
        return false;
    }
    if (!S_ISREG(status.st_mode)) {
        snprintf(message, size, "%s: %s, not a trace; " ELSEWHERE, path,
                 S_ISDIR(status.st_mode) ? "a folder" : "no regular file");
        return false;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, head, sizeof head);
    int number = errno;
    if (fd >= 0) close(fd);
    if (length < 0) {
        snprintf(message, size, "%s: cannot be read: %s; " ELSEWHERE, path, strerror(number));
        return false;
    }
    if (length == 0 && use == TRACE_WRITE) return true;
    if (length < HEADER || memcmp(head, "SQLite format 3", 16)) {
        snprintf(message, size, "%s: not a trace%s; " ELSEWHERE, path,
                 length == 0 ? " (the file is empty)" : "");
        return false;
    }
    if (big_endian(head + APPLICATION_AT) != TRACE_APPLICATION) {
        snprintf(message, size, "%s: not a trace but a database of another program; " ELSEWHERE,
                 path);
        return false;
    }
    if (big_endian(head + VERSION_AT) != TRACE_FORMAT) {
        snprintf(message, size,
                 "%s: a trace of format %u, and this is pirn for format %u; " ELSEWHERE, path,
                 (unsigned)big_endian(head + VERSION_AT), TRACE_FORMAT);
        return false;
    }
    return true;
}
