/* output.c - see output.h. */
#include "lib/core/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether anybody may put something into the folder, which then only they may remove. */
static bool is_shared(const struct stat *folder) {
    return (folder->st_mode & (S_ISVTX | S_IWOTH)) == (S_ISVTX | S_IWOTH);
}

static bool is_strangers(const struct stat *entry, const struct stat *folder) {
    return entry->st_uid != geteuid() && entry->st_uid != folder->st_uid;
}

static bool refuse(const char *path, const char *entry, const char *what, char *message,
                   size_t size) {
    snprintf(message, size,
             "%s: %s%s%s in a folder that everyone may write to, and belongs to somebody else; "
             "remove it, or name another file",
             path, strcmp(path, entry) ? entry : "", strcmp(path, entry) ? " " : "", what);
    return false;
}

/* Looks at one entry on the way; `last`: it is the file itself. */
static bool check(const char *path, const char *entry, bool last, bool make, char *message,
                  size_t size) {
    char parent[PATH_MAX];
    const char *slash = strrchr(entry, '/');
    size_t length = slash ? (size_t)(slash - entry) : 0;
    struct stat folder, status;

    memcpy(parent, entry, length);
    strcpy(parent + length, slash ? "/" : ".");
    if (stat(parent, &folder) != 0 || !is_shared(&folder)) return true;
    if (last && make) {
        int file = open(entry, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (file >= 0) close(file);
    }
    if (lstat(entry, &status) != 0 || !is_strangers(&status, &folder)) return true;
    if (S_ISLNK(status.st_mode)) return refuse(path, entry, "is a link", message, size);
    if (last && !S_ISDIR(status.st_mode)) return refuse(path, entry, "is a file", message, size);
    return true;
}

bool output_claim(const char *path, bool make, char *message, size_t size) {
    char entry[PATH_MAX];
    size_t length = strlen(path);

    if (length >= sizeof entry) return true; /* which no call accepts */
    for (size_t end = 1; end <= length; end++) {
        /* After each name. */
        if ((end < length && path[end] != '/') || path[end - 1] == '/') continue;
        memcpy(entry, path, end);
        entry[end] = '\0';
        if (!check(path, entry, end == length, make, message, size)) return false;
    }
    return true;
}
