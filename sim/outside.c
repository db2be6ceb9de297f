/*
 * outside.c - see outside.h.
 *
 * Calls that change something are noted as they come (interpose.c). The lowest free descriptor is
 * asked for after each run, since a file that was left open has taken it, by whatever way. What
 * both miss, such as a system call that the program makes by itself, shows in /proc.
 */
#include "sim/outside.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/sim.h"

enum { STATUS = 8192, SPARE_DESCRIPTORS = 32, MOST_DESCRIPTOR = 1024 };

struct seen {
    uint64_t descriptors, signals, threads, folder; /* hashes */
    bool children;
};

struct outside {
    _Atomic unsigned noted;
    pid_t process;
    int lowest; /* free descriptor */
    uint64_t runs;
    struct seen before;
};

/* Of the process that performs runs; NULL elsewhere. In memory that is put back to this value. */
static struct outside *current;

static const char descriptors[] = "it leaves descriptors open, or closed, behind a run";

/* ---- At once ------------------------------------------------------------------------------- */

void outside_note(enum outside_change change) {
    if (current && getpid() == current->process) atomic_fetch_or(&current->noted, change);
}

int outside_descriptor(int descriptor) {
    struct rlimit limit;
    int high = -1, number = errno;
    if (descriptor < 0) return -1;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        rlim_t most = limit.rlim_cur < MOST_DESCRIPTOR ? limit.rlim_cur : MOST_DESCRIPTOR;
        if (most > SPARE_DESCRIPTORS)
            high = fcntl(descriptor, F_DUPFD_CLOEXEC, (int)most - SPARE_DESCRIPTORS);
    }
    close(descriptor);
    errno = number;
    return high;
}

static int lowest_free(void) {
    int lowest = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    if (lowest < 0) lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (lowest >= 0) close(lowest);
    return lowest;
}

static const char *noted(unsigned changes) {
    if (changes & OUTSIDE_THREADS) return "it starts threads in a run";
    if (changes & OUTSIDE_PROCESSES) return "it starts processes in a run";
    if (changes & OUTSIDE_HANDLERS) return "it sets what signals do in a run";
    if (changes & OUTSIDE_WATCHED)
        return "it accesses more memory than can be watched from run to run";
    return NULL;
}

/* ---- In /proc ------------------------------------------------------------------------------ */

static uint64_t hash_bytes(uint64_t hash, const char *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) hash = mix(hash, (unsigned char)bytes[i]);
    return hash;
}

static uint64_t hash_line(const char *status, const char *name) {
    const char *line = strstr(status, name);
    return line ? hash_bytes(1, line, strcspn(line, "\n")) : 0;
}

static uint64_t hash_link(const char *path) {
    char target[PATH_MAX];
    ssize_t length = readlink(path, target, sizeof target);
    return length < 0 ? 0 : hash_bytes(1, target, (size_t)length);
}

/* Which descriptors there are, and of which files, in any order. */
static bool hash_descriptors(uint64_t *hash) {
    DIR *folder = opendir("/proc/self/fd");
    struct dirent *entry;
    if (!folder) return false;
    *hash = 0;
    while ((entry = readdir(folder))) {
        struct stat file;
        int descriptor = atoi(entry->d_name);
        if (*entry->d_name == '.' || descriptor == dirfd(folder) || fstat(descriptor, &file) != 0)
            continue;
        *hash += mix(mix(file.st_dev, file.st_ino), (uint64_t)descriptor);
    }
    closedir(folder);
    return true;
}

static bool look(struct seen *seen) {
    char status[STATUS];
    siginfo_t child;
    int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? -1 : read(file, status, sizeof status - 1);
    if (file >= 0) close(file);
    if (length <= 0 || !hash_descriptors(&seen->descriptors)) return false;
    status[length] = '\0';
    seen->signals = hash_line(status, "SigBlk:") + 3 * hash_line(status, "SigIgn:") +
                    5 * hash_line(status, "SigCgt:");
    seen->threads = hash_line(status, "Threads:");
    seen->children = waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) == 0;
    seen->folder = hash_link("/proc/self/cwd") + hash_line(status, "Umask:");
    return true;
}

static const char *compare(const struct seen *before, const struct seen *now) {
    if (now->threads != before->threads) return noted(OUTSIDE_THREADS);
    if (now->children != before->children) return noted(OUTSIDE_PROCESSES);
    if (now->signals != before->signals) return noted(OUTSIDE_HANDLERS);
    if (now->folder != before->folder) return "it changes its folder or its umask in a run";
    if (now->descriptors != before->descriptors) return descriptors;
    return NULL;
}

/* ---- All of it ----------------------------------------------------------------------------- */

struct outside *outside_new(void) {
    struct outside *o =
        mmap(NULL, sizeof *o, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (o == MAP_FAILED) return NULL;
    o->process = getpid();
    return current = o;
}

bool outside_begin(struct outside *o) {
    o->lowest = lowest_free();
    return look(&o->before);
}

const char *outside_changed(struct outside *o) {
    struct seen now;
    unsigned changes = atomic_fetch_and(&o->noted, ~(unsigned)OUTSIDE_PERHAPS);
    const char *what = noted(changes);
    if (what) return what;
    if (lowest_free() != o->lowest) return descriptors;
    o->runs++;
    if (!(changes & OUTSIDE_PERHAPS) && (o->runs & (o->runs - 1))) return NULL;
    return look(&now) ? compare(&o->before, &now) : "/proc cannot be read";
}

bool outside_mappings(struct outside *o) {
    return atomic_fetch_and(&o->noted, ~(unsigned)OUTSIDE_MAPPINGS) & OUTSIDE_MAPPINGS;
}
