/* file.c - see file.h. */
#include "lib/threads/recording/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/core/recording.h"
#include "lib/core/output.h"
#include "lib/core/trace_kind.h"

#define ELSEWHERE "record into another file"

enum { TRIES = 1000 }; /* 10 ms apart, while the pirn command makes a trace of the file */

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static int fd = -1;
static char name[PATH_MAX + sizeof RECORDING_SUFFIX];

static int refuse(int number, char *message, size_t size) {
    snprintf(message, size, "%s: cannot be accessed: %s; see to that, or " ELSEWHERE, name,
             strerror(number));
    return -number;
}

/* Whether the name still leads to the file that is open. */
static bool is_there(int file) {
    struct stat open_one, named;
    return !fstat(file, &open_one) && !stat(name, &named) && open_one.st_ino == named.st_ino &&
           open_one.st_dev == named.st_dev;
}

/* What begins the file: 1 a recording, or nothing; 0 something else. */
static int is_recording(int file) {
    char magic[8];
    ssize_t length = pread(file, magic, sizeof magic, 0);
    if (length < 0) return -errno;
    return length == 0 || (length == sizeof magic && !memcmp(magic, RECORDING_MAGIC, sizeof magic));
}

/* Opens the file called `name` with a lock that shows that it is written. */
static int open_locked(char *message, size_t size) {
    const struct timespec pause = {0, 10000000};
    if (!output_claim(name, true, message, size)) return -EPERM;
    for (int i = 0; i < TRIES; i++) {
        int file = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (file < 0) return refuse(errno, message, size);
        if (!flock(file, LOCK_SH | LOCK_NB) && is_there(file)) return file;
        close(file);
        nanosleep(&pause, NULL);
    }
    return refuse(EBUSY, message, size);
}

int file_open(const char *path, char *message, size_t size) {
    int file, rc;
    if (fd >= 0) return 0;
    snprintf(name, sizeof name, "%s", path);
    if ((file = open_locked(message, size)) < 0) return file;
    if ((rc = is_recording(file)) == 0) {
        close(file);
        if (!trace_kind_check(path, TRACE_WRITE, message, size)) return -EINVAL;
        snprintf(name, sizeof name, "%s" RECORDING_SUFFIX, path);
        if ((file = open_locked(message, size)) < 0) return file;
        rc = is_recording(file);
    }
    if (rc == 1) {
        fd = file;
        return 0;
    }
    close(file);
    if (rc < 0) return refuse(-rc, message, size);
    snprintf(message, size, "%s: no recording; move it away, or " ELSEWHERE, name);
    return -EINVAL;
}

/* Processes add to the file one after the other. */
static bool lock_end(short kind) {
    struct flock lock = {.l_type = kind, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    int rc;
    do rc = fcntl(fd, F_OFD_SETLKW, &lock);
    while (rc && errno == EINTR);
    return rc == 0;
}

/* Where the next block begins; what a process has left unfinished is passed over. */
static off_t find_end(void) {
    struct stat status;
    if (fstat(fd, &status)) return -1;
    return (status.st_size + BLOCK_SIZE - 1) / BLOCK_SIZE * BLOCK_SIZE;
}

static bool write_at(off_t at, const char *bytes, size_t size) {
    for (size_t written = 0; written < size;) {
        ssize_t n = pwrite(fd, bytes + written, size - written, at + (off_t)written);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        written += (size_t)n;
    }
    return true;
}

/* Has the file system take the room, so that a full one shows now and not as a fault later. Zeros
 * are written, since pages that are in memory already cost half as much to map as others. */
static bool take_room(off_t at) {
    static char zeros[BLOCK_SIZE];
    return write_at(at, zeros, sizeof zeros);
}

unsigned char *file_map_block(off_t place) {
    void *block = mmap(NULL, BLOCK_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, place);
    return block == MAP_FAILED ? NULL : block;
}

/* All pages of a block at once; kernels that cannot do so take them one by one. */
static bool populate(unsigned char *block) {
#ifdef MADV_POPULATE_WRITE
    return !madvise(block, BLOCK_SIZE, MADV_POPULATE_WRITE) || errno == EINVAL;
#else
    (void)block;
    return true;
#endif
}

/* Takes back what has been made of a block: of a file that begins with zeros nobody knows that it is
 * a recording. */
static void unmake(unsigned char *block, off_t place) {
    int number = errno;
    if (block) munmap(block, BLOCK_SIZE);
    if (ftruncate(fd, place)) return;
    errno = number;
}

static unsigned char *map_new_block(off_t *place) {
    unsigned char *block = NULL;
    bool done = false;
    int number;
    if (!lock_end(F_WRLCK)) return NULL;
    *place = find_end();
    if (*place >= 0) {
        if (take_room(*place)) block = file_map_block(*place);
        done = block && populate(block);
        if (!done) unmake(block, *place);
    }
    number = errno;
    lock_end(F_UNLCK);
    errno = number;
    return done ? block : NULL;
}

unsigned char *file_add_block(off_t *place, char *message, size_t size) {
    unsigned char *block;
    int before = errno;
    pthread_mutex_lock(&guard);
    block = map_new_block(place);
    if (!block && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
        snprintf(
            message, size,
            "%s: the disk is full, or the file may not grow; what was recorded so far is safe: "
            "make room, or " ELSEWHERE,
            name);
    else if (!block)
        refuse(errno, message, size);
    pthread_mutex_unlock(&guard);
    errno = before;
    return block;
}

bool file_add(const void *bytes, size_t size) {
    off_t at;
    bool done = false;
    if (!lock_end(F_WRLCK)) return false;
    at = find_end();
    if (at >= 0 && !ftruncate(fd, at + BLOCK_SIZE)) done = write_at(at, bytes, size);
    lock_end(F_UNLCK);
    return done;
}

void file_forget(void) {
    if (fd >= 0) close(fd);
    fd = -1;
}
