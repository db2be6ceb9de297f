/* load.c - the library has been loaded: what PIRN_TRACE asks for, and an environment as it was. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/threads/recording/run.h"

enum { MOST_LAST = 100000000 };

static char path[PATH_MAX];
static pid_t process;

/* What the program starts is not to load this library too; it may ask for that by itself. */
static void restore_preload(void) {
    const char *list = getenv("LD_PRELOAD");
    size_t length = list ? strcspn(list, " :") : 0;
    Dl_info info;
    char *rest;
    if (!length || !dladdr(&path, &info) || !info.dli_fname ||
        strncmp(list, info.dli_fname, length) || info.dli_fname[length])
        return;
    rest = strdup(list + length + (list[length] != '\0'));
    if (rest && *rest)
        setenv("LD_PRELOAD", rest, 1);
    else
        unsetenv("LD_PRELOAD");
    free(rest);
}

static int wrong(const char *value, const char *why) {
    fprintf(stderr, "pirn: PIRN_TRACE is %s: %s; the program is not recorded\n", value, why);
    return -EINVAL;
}

static bool read_last(const char *text, uint64_t *last) {
    char *end;
    if (!*text || text[strspn(text, "0123456789")]) return false;
    errno = 0;
    *last = strtoull(text, &end, 10);
    return !errno && *last >= 1 && *last <= MOST_LAST;
}

/* FILE, or FILE,last=N. */
static int take_wish(const char *wish) {
    const char *comma = strrchr(wish, ',');
    bool option = comma && !strncmp(comma, ",last=", 6);
    size_t length = option ? (size_t)(comma - wish) : strlen(wish), folder = 0;
    uint64_t last = 0;

    if (option && !read_last(comma + 6, &last))
        return wrong(wish, "last=N keeps the last N steps, 1 to 100000000");
    if (!length) return wrong(wish, "it names no file");
    /* The program may change its folder. */
    if (wish[0] != '/' && getcwd(path, sizeof path)) {
        folder = strlen(path);
        path[folder++] = '/';
    }
    if (folder + length >= sizeof path) return wrong(wish, "the path is too long");
    memcpy(path + folder, wish, length);
    path[folder + length] = '\0';
    run.last_events = last;
    run.path = path;
    return 0;
}

/* ---- Whether anything was recorded --------------------------------------------------------- */

enum { HIGH_DESCRIPTOR = 500 }; /* out of the way of the program's own */

/* A duplicate of standard error, which the program may have closed when it is known. */
static int spare = -1;
static struct stat spare_file;

static void keep_spare(void) {
    spare = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR);
    if (spare >= 0 && fstat(spare, &spare_file)) spare = -1;
}

/* The descriptor; -1: there is none, or it is the program's by now. */
static int find_spare(void) {
    struct stat now;
    return spare >= 0 && !fstat(spare, &now) && now.st_dev == spare_file.st_dev &&
                   now.st_ino == spare_file.st_ino
               ? spare
               : -1;
}

/* A pipe that the program closes is to end for who reads it, in a child of it also before. */
void load_close_spare(void) {
    int fd = find_spare();
    if (fd >= 0) close(fd);
    spare = -1;
}

static void say_nothing_was_recorded(void) {
    static const char line[] =
        "pirn: nothing was recorded: the program did not call pirn_run of libpirn; is it linked "
        "with -lpirn dynamically?\n";
    int fd = find_spare();
    if (write(STDERR_FILENO, line, sizeof line - 1) < 0 && errno == EBADF && fd >= 0 &&
        write(fd, line, sizeof line - 1) < 0)
        return;
}

static __attribute__((constructor)) void load(void) {
    const char *wish = getenv("PIRN_TRACE");
    restore_preload();
    process = getpid();
    if (!wish || !*wish || take_wish(wish)) return;
    keep_spare();
    pthread_atfork(NULL, NULL, load_close_spare);
}

static __attribute__((destructor)) void unload(void) {
    if (run.path && !atomic_load(&run.number) && getpid() == process) say_nothing_was_recorded();
}
