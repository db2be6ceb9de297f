/* find.c - which file a program's name means. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/cli/launch.h"
#include "viz/tool.h"

/* Returns 0 or the errno that keeps a file from being run. */
static int check(const char *path) {
    struct stat status;
    if (stat(path, &status)) return errno;
    if (S_ISDIR(status.st_mode)) return EISDIR;
    if (!S_ISREG(status.st_mode)) return EACCES;
    return access(path, X_OK) ? errno : 0;
}

static int refuse(const char *program, int error) {
    if (error == ENOENT)
        tool_error("%s: no such program", program);
    else if (error == EISDIR)
        tool_error("%s: a folder, not a program", program);
    else if (error == EACCES)
        tool_error("%s: not executable (chmod +x makes it so, if it is a program)", program);
    else
        tool_error("%s: cannot be run: %s", program, strerror(error));
    return TOOL_USAGE;
}

static int refuse_name(const char *program, int error) {
    if (error != ENOENT || check(program)) return refuse(program, error);
    tool_error("%s: not in PATH; did you mean ./%s?", program, program);
    return TOOL_USAGE;
}

int launch_find(const char *program, char **path) {
    const char *folder = getenv("PATH");
    struct tool_text candidate = {0};
    int error = *program ? ENOENT : EINVAL, found;

    *path = NULL;
    if (strchr(program, '/')) {
        if ((error = check(program))) return refuse(program, error);
        *path = tool_copy(program);
        return TOOL_OK;
    }
    while (*program && folder && !*path) {
        size_t length = strcspn(folder, ":");
        tool_text_clear(&candidate);
        tool_text_addf(&candidate, "%.*s/%s", length ? (int)length : 1, length ? folder : ".",
                       program);
        found = check(candidate.data);
        if (!found)
            *path = tool_copy(candidate.data);
        else if (found != ENOENT && found != ENOTDIR)
            error = found; /* as a shell does, go on; but this is the better reason */
        folder = folder[length] ? folder + length + 1 : NULL;
    }
    tool_text_free(&candidate);
    return *path ? TOOL_OK : refuse_name(program, error);
}
