/*
 * recordings.c - see recordings.h.
 *
 * A program that is recorded writes blocks of its own kind, which cost it little. Whoever first wants
 * to read them makes a trace of them, once.
 */
#include "sim/cli/recordings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/record/convert.h"
#include "lib/core/recording.h"
#include "viz/tool.h"

/* A trace that lasts as long as this process. */
static struct copy {
    struct copy *next;
    char *path, *folder;
} * copies;

static void remove_copies(void) {
    for (; copies; copies = copies->next) {
        unlink(copies->path);
        rmdir(copies->folder);
    }
}

static int refuse(const char *message) {
    tool_error("%s", message);
    return TOOL_FAILED;
}

/* The name of a new, empty file of the same name elsewhere; NULL: there can be none, which has been
 * told. */
static char *make_copy(const char *path) {
    const char *temporary = getenv("TMPDIR"), *slash = strrchr(path, '/');
    struct tool_text text = {0};
    struct copy *copy = tool_alloc(1, sizeof *copy);
    tool_text_addf(&text, "%s/pirn-XXXXXX", temporary && *temporary ? temporary : "/tmp");
    if (!mkdtemp(text.data)) {
        tool_error("%s: no folder can be made there: %s; set TMPDIR to one that has room",
                   text.data, strerror(errno));
        tool_text_free(&text);
        free(copy);
        return NULL;
    }
    copy->folder = tool_copy(text.data);
    tool_text_addf(&text, "/%s", slash ? slash + 1 : path);
    copy->path = text.data;
    if (!copies) atexit(remove_copies);
    copy->next = copies;
    copies = copy;
    return copy->path;
}

/* Whether nobody writes the recording, nor will while the descriptor `*fd` is open. */
static bool has_ended(const char *path, int *fd) {
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    return *fd >= 0 && !flock(*fd, LOCK_EX | LOCK_NB);
}

/* ---- What is damaged is kept --------------------------------------------------------------- */

enum { MOST_KEPT = 1000 }; /* damaged files of one name */

/* Gives the file one more name, "FILE-damaged" or one like it, which is put into `kept`; with
 * `instead` no other one. Returns 0 or a negative errno. */
static int keep(const char *path, bool instead, struct tool_text *kept) {
    for (int i = 1; i <= MOST_KEPT; i++) {
        tool_text_clear(kept);
        tool_text_addf(kept, "%s" DAMAGED_SUFFIX, path);
        if (i > 1) tool_text_addf(kept, "-%d", i);
        if (!access(kept->data, F_OK)) continue;
        if (!(instead ? rename(path, kept->data) : link(path, kept->data))) return 0;
        if (errno != EEXIST) return -errno;
    }
    return -EEXIST;
}

static void tell_damage(const char *path, const char *how_much, const char *kept) {
    if (kept)
        tool_error("%s: the recording is damaged: %s; the damaged file is kept as %s", path,
                   how_much, kept);
    else
        tool_error("%s: the recording is damaged: %s; the damaged file is left as it is", path,
                   how_much);
}

/* ---- In the place of the recording --------------------------------------------------------- */

/* Returns false where that cannot be. */
static bool replace(const char *path, char *message, size_t size, int *rc) {
    struct tool_text made = {0}, kept = {0};
    struct stat status;
    bool damaged = false, done = true;
    int fd;
    tool_text_addf(&made, "%s-XXXXXX", path);
    fd = mkstemp(made.data);
    if (fd < 0) {
        tool_text_free(&made);
        return false;
    }
    /* Who may read the one may read the other, as far as that can be. */
    if (!stat(path, &status) && fchmod(fd, status.st_mode & 0777)) status.st_mode = 0;
    close(fd);
    *rc = recording_convert(path, made.data, true, &damaged, message, size);
    if (!*rc && damaged) done = !keep(path, false, &kept);
    if (!*rc && done && rename(made.data, path)) {
        *rc = -errno;
        snprintf(message, size, "%s: cannot be replaced: %s", path, strerror(errno));
        if (damaged) unlink(kept.data); /* one name of two */
    } else if (!*rc && done && damaged) {
        tell_damage(path, message, kept.data);
    }
    if (*rc || !done) unlink(made.data);
    tool_text_free(&made);
    tool_text_free(&kept);
    return done;
}

/* The argument, or what is to take its place; NULL: it failed, which has been told. */
static const char *prepare(const char *path) {
    char message[2048] = "";
    const char *result = path;
    bool damaged = false;
    int fd, rc = 0;
    bool ended = has_ended(path, &fd);
    /* Another process may have been faster. */
    if (!recording_is(path)) {
        if (fd >= 0) close(fd);
        return path;
    }
    if (!ended || !replace(path, message, sizeof message, &rc)) {
        result = make_copy(path);
        if (result) rc = recording_convert(path, result, ended, &damaged, message, sizeof message);
        if (result && !rc && damaged) tell_damage(path, message, NULL);
    }
    if (fd >= 0) close(fd);
    if (rc == -EBADMSG)
        tell_damage(path, message, NULL);
    else if (rc)
        refuse(message);
    return rc ? NULL : result;
}

/* ---- Beside a trace ------------------------------------------------------------------------ */

/* What can be read of it is in the trace; `message` says how much. Returns 0, or a negative errno
 * with another message. */
static int put_away(const char *rest, bool damaged, char *message, size_t size) {
    struct tool_text kept = {0};
    int rc = 0;
    if (!damaged)
        unlink(rest);
    else if ((rc = keep(rest, true, &kept)))
        snprintf(message, size, "%s: the recording is damaged, and cannot be put away: %s", rest,
                 strerror(-rc));
    else
        tell_damage(rest, message, kept.data);
    tool_text_free(&kept);
    return rc;
}

/* What has been recorded since into a trace that was there already. */
static int take_rest(const char *path) {
    struct tool_text rest = {0};
    char message[2048] = "";
    bool damaged = false;
    int fd = -1, rc = 0;
    tool_text_addf(&rest, "%s" RECORDING_SUFFIX, path);
    if (recording_is(rest.data)) {
        if (!has_ended(rest.data, &fd)) {
            tool_error("%s: a program still records into it; its run is not among these", path);
        } else {
            rc = recording_convert(rest.data, path, true, &damaged, message, sizeof message);
            /* Where nothing of it can be read there is still the trace. */
            if (!rc || rc == -ENODATA || rc == -EBADMSG)
                rc = put_away(rest.data, damaged, message, sizeof message);
        }
        if (fd >= 0) close(fd);
    } else if (recording_is_foreign(rest.data, message, sizeof message)) {
        tool_error("%s", message);
    }
    tool_text_free(&rest);
    return rc ? refuse(message) : TOOL_OK;
}

/* ---- Arguments ----------------------------------------------------------------------------- */

/* An argument may be FILE, FILE#RUN or --option=FILE. */
static int prepare_argument(char **argument) {
    char *value = !strncmp(*argument, "--", 2) ? strchr(*argument, '=') : NULL;
    char *path = tool_copy(value ? value + 1 : *argument), *hash = strrchr(path, '#');
    struct tool_text text = {0};
    const char *made;
    char message[2048];
    int status = TOOL_OK;
    if (hash && access(path, F_OK)) *hash = '\0';
    if (!recording_is(path)) {
        if (recording_is_foreign(path, message, sizeof message))
            status = refuse(message);
        else if (*path && !access(path, F_OK))
            status = take_rest(path);
        free(path);
        return status;
    }
    made = prepare(path);
    if (!made) status = TOOL_FAILED;
    if (made && made != path) {
        tool_text_addf(&text, "%.*s%s%s", value ? (int)(value + 1 - *argument) : 0, *argument, made,
                       hash && !*hash ? (value ? value + 1 : *argument) + (hash - path) : "");
        *argument = text.data; /* until the process ends */
    }
    free(path);
    return status;
}

int recordings_prepare(int argc, char **argv) {
    int status = TOOL_OK;
    for (int i = 2; i < argc && status == TOOL_OK && strcmp(argv[i], "--"); i++)
        status = prepare_argument(&argv[i]);
    return status;
}
